//! How a recogniser sees the text, and what it answers.
//!
//! A recogniser is asked about one position. It may look back a bounded way and forward as far as it needs,
//! and must not change its mind: what it answers before the end of the text is known has to be what it
//! would answer for every continuation, else it answers [`Step::More`]. That rule is what makes streams and
//! whole texts agree, and `tests/output_stream.rs` holds every recogniser to it.

use super::OutputRule;

/// How far a recogniser may look back, in bytes.
pub(super) const BACK_BYTES: usize = 96;

/// The text around a position.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look<'a> {
    text: &'a str,
    at: usize,
    end: bool,
}

impl<'a> Look<'a> {
    /// At byte `at` of `text`, a character boundary. `end` says that nothing follows `text`.
    pub(super) const fn new(text: &'a str, at: usize, end: bool) -> Self {
        Self { text, at, end }
    }

    /// What follows, beginning with the character asked about.
    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The same as bytes.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.rest().as_bytes()
    }

    /// What stands before, at most [`BACK_BYTES`].
    pub(super) fn before(&self) -> &'a str {
        let mut from = self.at.saturating_sub(BACK_BYTES);
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// The byte before.
    pub(super) fn previous(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at.wrapping_sub(1)).copied()
    }

    /// The character before.
    pub(super) fn previous_char(&self) -> Option<char> {
        match self.previous()? {
            ascii if ascii < 0x80 => Some(char::from(ascii)),
            _ => self.before().chars().next_back(),
        }
    }

    /// Whether a word of up to twenty letters begins here that goes on in nothing that tokens, addresses or
    /// numbers go on in. Most words do, and need no further look.
    pub(super) fn is_dull_word(&self) -> bool {
        let bytes = self.bytes();
        let letters = bytes.iter().take(21).take_while(|b| b.is_ascii_alphabetic()).count();
        let Some(next) = bytes.get(letters) else { return false };
        match (letters, next) {
            (0 | 21, _) => false,
            // Initials before a number.
            (1 | 2, b' ') => bytes.get(letters + 1).is_some_and(|b| !b.is_ascii_digit()),
            (
                _,
                b' ' | b',' | b';' | b'!' | b'?' | b'(' | b')' | b'[' | b']' | b'}' | b'"' | b'\'' | b'*'
                | b'\n',
            ) => true,
            // The end of a sentence, if something else follows.
            (_, b'.') => bytes.get(letters + 1).is_some_and(u8::is_ascii_whitespace),
            _ => false,
        }
    }

    /// Whether what stands directly before can say that this is the value of something: a separator, a quote
    /// or a sign, or the word *is*.
    pub(super) fn is_assigned(&self) -> bool {
        let before = self.text.as_bytes().get(..self.at).unwrap_or_default();
        match before.last() {
            Some(b' ' | b'\t') => {
                let spaces = before.iter().rev().take(5).take_while(|b| matches!(b, b' ' | b'\t')).count();
                let before = before.get(..before.len() - spaces).unwrap_or_default();
                matches!(before.last(), Some(b'=' | b':' | b'>'))
                    || before.ends_with(b" is")
                    || before.ends_with(b" IS")
            }
            Some(b'=' | b':' | b'>' | b'"' | b'\'' | b'`' | b'!' | b'#' | b'$' | b'@' | b'*') => true,
            _ => false,
        }
    }

    /// Whether nothing can follow the text.
    pub(super) const fn is_final(&self) -> bool {
        self.end
    }

    /// The answer where the text ends before a decision: wait, or decide that it is none.
    pub(super) const fn out_of_text(&self) -> Step {
        if self.end { Step::No } else { Step::More }
    }

    /// Length of the run of bytes of a class from `from` on, up to `most`; `None` where the text ends within
    /// the run and may go on.
    pub(super) fn run(&self, from: usize, most: usize, class: impl Fn(u8) -> bool) -> Option<usize> {
        let rest = self.bytes().get(from..).unwrap_or_default();
        let length = rest.iter().take(most).take_while(|b| class(**b)).count();
        (length == most || length < rest.len() || self.end).then_some(length)
    }
}

/// What a recogniser answers.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Nothing begins here.
    No,
    /// It depends on what follows.
    More,
    /// Something begins here.
    Hit(Hit),
}

/// Something that begins where the recogniser was asked.
#[derive(Debug, Clone)]
pub(super) struct Hit {
    /// The rule.
    pub rule: &'static OutputRule,
    /// Its length in bytes, at least one character.
    pub length: usize,
    /// How it may go on.
    pub open: Option<Open>,
    /// What can be shown.
    pub preview: String,
    /// Why it is one.
    pub reason: String,
}

/// A match that may go on beyond what was seen.
#[derive(Debug, Clone)]
pub(super) enum Open {
    /// As long as bytes are of this class.
    Run(fn(u8) -> bool),
    /// A PEM block, until its end line.
    Pem,
    /// Confidential text, from this state of the index.
    Overlap(u32),
    /// Not beyond what was seen, which is not yet passed.
    Passed,
}

/// How a match goes on.
#[derive(Debug, Clone)]
pub(super) enum Further {
    /// Not at all.
    No,
    /// It depends on what follows.
    More,
    /// By so many bytes, at least one character; and perhaps further.
    By(usize, Open),
    /// By so many bytes, and it ends there.
    Last(usize),
}

/// Letters and digits of ASCII: what words, tokens and numbers are made of.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}
