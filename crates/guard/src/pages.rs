//! Something about every code point, worked out a page of 256 at a time when first met.
//!
//! The tables of Unicode are compressed, so a question costs some ten nanoseconds; a text has a page or
//! three, and the answer is then one load.

use std::sync::OnceLock;

const PAGE: usize = 256;
/// Pages up to U+10FFFF.
const PAGES: usize = 0x1100;

/// Answers of one question by code point.
pub(crate) struct Pages([OnceLock<Box<[u32; PAGE]>>; PAGES]);

impl Pages {
    pub(crate) const fn new() -> Self {
        Self([const { OnceLock::new() }; PAGES])
    }

    /// `of(c)`. Every call has to ask the same question.
    #[inline]
    pub(crate) fn entry(&self, c: char, of: fn(char) -> u32) -> u32 {
        let code = u32::from(c);
        let page = self.0.get((code >> 8) as usize).map(|page| page.get_or_init(|| filled(code, of)));
        page.and_then(|page| page.get((code & 0xff) as usize)).copied().unwrap_or_else(|| of(c))
    }
}

#[cold]
fn filled(code: u32, of: fn(char) -> u32) -> Box<[u32; PAGE]> {
    let mut entries = Box::new([0; PAGE]);
    for (low, entry) in (0u32..).zip(entries.iter_mut()) {
        // Surrogates are no characters, and nobody asks for them.
        *entry = char::from_u32(code & !0xff | low).map_or(0, of);
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_answer_is_that_of_the_question() {
        static ANSWERS: Pages = Pages::new();
        let of = |c| u32::from(c) ^ 7;
        for c in ['\0', 'a', 'é', '\u{d7ff}', '\u{e000}', '漢', '🙂', char::MAX] {
            assert_eq!(ANSWERS.entry(c, of), of(c));
            assert_eq!(ANSWERS.entry(c, of), of(c));
        }
    }
}
