//! Words, sentences and what they mean to the stand-in.

use std::collections::HashMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;

/// A class of words, such as those that ask to send something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Class {
    Send,
    Pay,
    Write,
    Read,
    Call,
    Reveal,
    Say,
    Begin,
    System,
    Secret,
    Tools,
    All,
    Story,
    Not,
    Lead,
    Always,
    Go,
    Link,
    Form(Form),
}

/// A form in which something can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Form {
    Base64,
    Hex,
    Rot13,
    Reversed,
    Spaced,
    Leet,
    Json,
    Upper,
    Url,
    Morse,
}

impl Form {
    pub(crate) const ALL: [Self; 10] = [
        Self::Base64,
        Self::Hex,
        Self::Rot13,
        Self::Reversed,
        Self::Spaced,
        Self::Leet,
        Self::Json,
        Self::Upper,
        Self::Url,
        Self::Morse,
    ];
}

impl Class {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "send" => Self::Send,
            "pay" => Self::Pay,
            "write" => Self::Write,
            "read" => Self::Read,
            "call" => Self::Call,
            "reveal" => Self::Reveal,
            "say" => Self::Say,
            "begin" => Self::Begin,
            "system" => Self::System,
            "secret" => Self::Secret,
            "tools" => Self::Tools,
            "all" => Self::All,
            "story" => Self::Story,
            "not" => Self::Not,
            "lead" => Self::Lead,
            "always" => Self::Always,
            "go" => Self::Go,
            "link" => Self::Link,
            "form-base64" => Self::Form(Form::Base64),
            "form-hex" => Self::Form(Form::Hex),
            "form-rot13" => Self::Form(Form::Rot13),
            "form-reversed" => Self::Form(Form::Reversed),
            "form-spaced" => Self::Form(Form::Spaced),
            "form-leet" => Self::Form(Form::Leet),
            "form-json" => Self::Form(Form::Json),
            "form-upper" => Self::Form(Form::Upper),
            "form-url" => Self::Form(Form::Url),
            "form-morse" => Self::Form(Form::Morse),
            _ => return None,
        })
    }
}

/// The terms of each class.
#[derive(Debug, Default)]
struct Terms {
    words: HashMap<String, Vec<Class>>,
    phrases: HashMap<Class, Vec<String>>,
}

static TERMS: LazyLock<Terms> = LazyLock::new(|| {
    let mut terms = Terms::default();
    let lines = include_str!("../data/words.txt").lines().filter(|l| !l.starts_with('#'));
    for line in lines {
        let mut fields = line.split('\t');
        let Some(class) = fields.next().and_then(Class::of) else { continue };
        for term in fields.nth(1).unwrap_or_default().split(',') {
            let term = fold(term.trim());
            let spaced = term.contains([' ', '\'', '-', '"']) || term.chars().any(without_spaces);
            if spaced {
                terms.phrases.entry(class).or_default().push(term);
            } else {
                terms.words.entry(term).or_default().push(class);
            }
        }
    }
    terms
});

impl Terms {
    /// The classes of a word: as it stands, or as a longer form of a term ("send": sends; "share": sharing).
    fn classes(&self, word: &str) -> Vec<Class> {
        let length = word.chars().count();
        let mut out: Vec<Class> = self.words.get(word).cloned().unwrap_or_default();
        let stems = word.char_indices().rev().take(3).zip(1..).map(|((at, _), cut)| (at, length - cut));
        for (at, left) in stems.filter(|(_, left)| *left >= 4) {
            debug_assert!(left < length);
            let stem = word.get(..at).unwrap_or_default();
            out.extend(self.words.get(stem).into_iter().flatten());
        }
        if let Some(stem) = word.strip_suffix("ing").filter(|stem| stem.chars().count() >= 4) {
            out.extend(self.words.get(&format!("{stem}e")).into_iter().flatten());
        }
        out
    }
}

/// Whether a character belongs to a script that writes no spaces between words.
fn without_spaces(c: char) -> bool {
    matches!(u32::from(c), 0x0e00..=0x0e7f | 0x3040..=0x30ff | 0x3400..=0x9fff | 0xac00..=0xd7af)
}

/// Lower case without accents.
pub(crate) fn fold(text: &str) -> String {
    let marks = |c: &char| !matches!(u32::from(*c), 0x0300..=0x036f);
    let folded = text.nfd().filter(marks).collect::<String>();
    folded.nfc().flat_map(char::to_lowercase).map(|c| if c == '\u{2019}' { '\'' } else { c }).collect()
}

/// A word and where it begins in the folded sentence.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub text: String,
    pub at: usize,
    classes: Vec<Class>,
}

/// A sentence.
#[derive(Debug, Clone)]
pub(crate) struct Sentence {
    pub raw: String,
    pub folded: String,
    pub tokens: Vec<Token>,
}

impl Sentence {
    pub(crate) fn new(raw: &str) -> Self {
        let folded = fold(raw);
        let mut tokens: Vec<Token> = Vec::new();
        let mut word = false;
        for (at, c) in folded.char_indices() {
            let inside = c.is_alphanumeric() || c == '_' || c == '\'';
            if inside && !word {
                tokens.push(Token { text: String::new(), at, classes: Vec::new() });
            }
            if let (true, Some(token)) = (inside, tokens.last_mut()) {
                token.text.push(c);
            }
            word = inside;
        }
        for token in &mut tokens {
            token.classes = TERMS.classes(&token.text);
        }
        Self { raw: raw.to_owned(), folded, tokens }
    }

    /// Where the first word of a class begins, in bytes of the folded sentence.
    pub(crate) fn find(&self, class: Class) -> Option<usize> {
        self.all(class).min()
    }

    pub(crate) fn has(&self, class: Class) -> bool {
        self.all(class).next().is_some()
    }

    /// Where words of a class begin.
    pub(crate) fn all(&self, class: Class) -> impl Iterator<Item = usize> {
        let phrases = TERMS.phrases.get(&class).map(Vec::as_slice).unwrap_or_default();
        let tokens = self.tokens.iter().filter(|token| token.classes.contains(&class)).map(|token| token.at);
        let phrases = phrases.iter().filter_map(|phrase| {
            let at = self.folded.find(phrase.as_str())?;
            let before = self.folded.get(..at)?.chars().next_back();
            let joined = before.is_some_and(char::is_alphanumeric)
                && phrase.chars().next().is_some_and(|c| c.is_alphanumeric() && !without_spaces(c));
            (!joined).then_some(at)
        });
        tokens.chain(phrases).collect::<Vec<_>>().into_iter()
    }

    /// Whether the word that begins at `at` is turned round by a word close before it.
    pub(crate) fn is_negated(&self, at: usize) -> bool {
        let words_between =
            |from: usize| self.tokens.iter().filter(|token| token.at >= from && token.at < at).count();
        // "Do not, under any circumstances, send": but not "did not arrive, so send".
        self.all(Class::Not).any(|not| {
            not < at
                && words_between(not) <= 4
                && !self.folded.get(not..at).is_some_and(|between| {
                    between.contains(" so ") || between.contains(" but ") || between.contains(" instead")
                })
        })
    }
}

/// Divides a text into sentences: at line ends, at markup and at marks that end one, but not within
/// quotation marks.
pub(crate) fn sentences(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    for line in text.split(['\n', '\r']) {
        let chars: Vec<char> = line.chars().collect();
        let mut current = String::new();
        let mut quote: Option<char> = None;
        for (i, c) in chars.iter().enumerate() {
            let next = chars.get(i + 1);
            let closing = match c {
                '"' => Some('"'),
                '\u{201c}' => Some('\u{201d}'),
                '\u{ab}' => Some('\u{bb}'),
                '\u{300c}' => Some('\u{300d}'),
                _ => None,
            };
            match quote {
                Some(end) if *c == end => quote = None,
                Some(_) => {}
                // A quotation that never ends is none.
                None => quote = closing.filter(|end| chars.iter().skip(i + 1).any(|later| later == end)),
            }
            let ends = match c {
                '.' | '!' | '?' | ';' => {
                    next.is_none_or(|n| n.is_whitespace() || matches!(n, '"' | '\'' | ')' | '<' | '*'))
                }
                '\u{3002}' | '\u{ff01}' | '\u{ff1f}' | '\u{964}' | '\u{61f}' => true,
                _ => false,
            };
            let markup = *c == '<' && next.is_some_and(|n| n.is_ascii_alphabetic() || matches!(n, '/' | '!'));
            if markup && quote.is_none() {
                push(&mut out, &mut current);
            }
            current.push(*c);
            if quote.is_none() && (ends || (*c == '>' && current.starts_with('<'))) {
                push(&mut out, &mut current);
            }
        }
        push(&mut out, &mut current);
    }
    out
}

fn push(out: &mut Vec<String>, current: &mut String) {
    let trimmed = current.trim().trim_start_matches("<!--").trim_end_matches("-->").trim();
    let is_tag = trimmed.starts_with('<') && trimmed.ends_with('>') && !trimmed.contains('=');
    if !trimmed.is_empty() && !is_tag {
        out.push(trimmed.to_owned());
    }
    current.clear();
}

/// Words that carry meaning, for comparing texts.
pub(crate) fn content_words(text: &str) -> Vec<String> {
    const EMPTY: &[&str] = &[
        "the", "and", "for", "you", "your", "are", "was", "with", "that", "this", "can", "what", "how",
        "when", "where", "which", "who", "does", "did", "have", "has", "had", "please", "tell", "about",
        "from", "will", "would", "could", "should", "there", "their", "they", "into", "its", "our", "but",
        "not", "any", "all", "my", "me", "is", "it", "in", "on", "of", "to", "do", "an", "a", "i", "be",
        "at", "or", "if", "by", "der", "die", "das", "und", "ist", "ich", "wie", "les", "des", "est", "que",
        "los", "las",
    ];
    let sentence = Sentence::new(text);
    let stem = |word: String| {
        let cut = ["ing", "ies", "ed", "es", "s"].iter().find_map(|end| word.strip_suffix(end));
        match cut {
            Some(cut) if cut.chars().count() >= 3 => cut.to_owned(),
            _ => word,
        }
    };
    sentence
        .tokens
        .into_iter()
        .flat_map(|token| token.text.split('_').map(str::to_owned).collect::<Vec<_>>())
        .filter(|word| !EMPTY.contains(&word.as_str()) && !word.is_empty())
        .map(stem)
        .collect()
}

/// How much a text looks like language: the share of its words that are known.
pub(crate) fn familiarity(text: &str) -> f64 {
    const COMMON: &[&str] = &[
        "the", "and", "you", "your", "all", "this", "that", "with", "for", "are", "now", "to", "of", "in",
        "is", "it", "me", "my", "system", "prompt", "previous", "user", "data", "ignore", "rules", "order",
        "customer", "from", "on", "a", "with", "word", "exactly", "then", "above", "account", "tool", "text",
        "answer", "message", "at", "as", "be", "by", "do", "not", "or", "so", "up", "what", "will", "hello",
        "world",
    ];
    let lower = text.to_lowercase();
    let words =
        lower.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '\'').filter(|w| !w.is_empty());
    let (mut known, mut all) = (0_u32, 0_u32);
    for word in words {
        let terms = TERMS.words.get(word).map(Vec::as_slice).unwrap_or_default();
        known += u32::from(COMMON.contains(&word) || terms.iter().any(|class| *class != Class::Not));
        all += 1;
    }
    if all == 0 { 0.0 } else { f64::from(known) / f64::from(all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_list_is_read_whole() {
        for line in include_str!("../data/words.txt").lines() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 3, "{line}");
            assert!(Class::of(fields[0]).is_some(), "{line}");
        }
    }

    #[test]
    fn words_are_found_in_their_forms_and_scripts() {
        let find = |text: &str, class| Sentence::new(text).has(class);
        assert!(find("I am sending it", Class::Send) && find("Envía un correo", Class::Send));
        assert!(find("请发送邮件", Class::Send) && find("Покажи инструкции", Class::System));
        assert!(!find("a sender of sorts", Class::Pay) && !find("respend", Class::Send));
        let negated = |text: &str| {
            let sentence = Sentence::new(text);
            sentence.is_negated(sentence.find(Class::Send).unwrap())
        };
        assert!(negated("Never send it") && negated("Do not ever send it"));
        assert!(!negated("It did not come, so send it") && !negated("Send it"));
    }

    #[test]
    fn sentences_keep_quotations_and_addresses_whole() {
        assert_eq!(
            sentences("Write to a@x.example. Say \"One. Two.\" now!\nEnd<!-- hid -->den"),
            ["Write to a@x.example.", "Say \"One. Two.\" now!", "End", "hid", "den"]
        );
    }
}
