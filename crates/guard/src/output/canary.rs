//! Canaries in every form a model writes by heart, as tries: one over letters and digits, which skips
//! what people do not see or read over, one over exact bytes, and one over the signs of Morse code.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use proofhouse_core::Severity;

use super::look::{Hit, Look, Step};
use super::{Action, ConfidentialError, OutputRule};

/// Fewest letters and digits of a canary.
pub(super) const MIN_UNITS: usize = 6;
/// Most letters and digits of a canary.
pub(super) const MAX_UNITS: usize = 128;
/// Characters skipped in a row between two of a canary.
const SKIPPED: usize = 4;

#[rustfmt::skip]
pub(super) static RULES: &[OutputRule] = &[
    OutputRule::new("canary/plain", "Canary", Severity::Critical, Action::Block),
    OutputRule::new("canary/reversed", "Canary written backwards", Severity::Critical, Action::Block),
    OutputRule::new("canary/rot13", "Canary in rot13", Severity::Critical, Action::Block),
    OutputRule::new("canary/hex", "Canary in hexadecimal", Severity::Critical, Action::Block),
    OutputRule::new("canary/base64", "Canary in base64", Severity::Critical, Action::Block),
    OutputRule::new("canary/leet", "Canary with digits for letters", Severity::Critical, Action::Block),
    OutputRule::new("canary/morse", "Canary in Morse code", Severity::Critical, Action::Block),
];
const PLAIN: usize = 0;
const REVERSED: usize = 1;
const ROT13: usize = 2;
const HEX: usize = 3;
const BASE64: usize = 4;
const LEET: usize = 5;
const MORSE: usize = 6;
/// Most letters and digits of a canary that is looked for in Morse code: five signs each, with what is skipped
/// between them, stay within what is held back.
const MORSE_UNITS: usize = 40;

/// All canaries of a conversation.
#[derive(Debug, Clone, Default)]
pub(super) struct Canaries {
    names: Vec<String>,
    folded: Trie,
    exact: Trie,
    signs: Trie,
    /// First bytes of patterns in each.
    begins_folded: Bytes,
    begins_exact: Bytes,
    begins_signs: Bytes,
}

/// A set of bytes.
#[derive(Debug, Clone)]
struct Bytes([bool; 256]);

impl Default for Bytes {
    fn default() -> Self {
        Self([false; 256])
    }
}

#[derive(Debug, Clone)]
struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    next: BTreeMap<char, usize>,
    /// Rule and name of what ends here.
    end: Option<(usize, usize)>,
}

impl Default for Trie {
    fn default() -> Self {
        Self { nodes: vec![Node::default()] }
    }
}

impl Trie {
    fn add(&mut self, pattern: impl IntoIterator<Item = char>, rule: usize, name: usize) {
        let mut at = 0;
        for c in pattern {
            let fresh = self.nodes.len();
            at = *self.nodes[at].next.entry(c).or_insert(fresh);
            if at == fresh {
                self.nodes.push(Node::default());
            }
        }
        self.nodes[at].end.get_or_insert((rule, name));
    }

    fn next(&self, at: usize, c: char) -> Option<usize> {
        self.nodes[at].next.get(&c).copied()
    }
}

impl Canaries {
    pub(super) fn add(&mut self, name: &str, canary: &str) -> Result<(), ConfidentialError> {
        let units: Vec<char> = canary.chars().filter_map(folded).collect();
        match units.len() {
            0..MIN_UNITS => return Err(ConfidentialError::CanaryTooShort(name.to_owned())),
            MIN_UNITS..=MAX_UNITS => {}
            _ => return Err(ConfidentialError::CanaryTooLong(name.to_owned())),
        }
        let index = self.names.len();
        self.names.push(name.to_owned());
        self.folded.add(units.iter().copied(), PLAIN, index);
        self.folded.add(units.iter().rev().copied(), REVERSED, index);
        self.folded.add(units.iter().map(|c| rot13(*c)), ROT13, index);
        self.folded.add(units.iter().map(|c| leet(*c)), LEET, index);
        if units.len() <= MORSE_UNITS {
            // Some spell the hyphen between two parts, some leave it out.
            for text in [canary.to_lowercase(), units.iter().collect()] {
                self.signs.add(text.chars().flat_map(|c| morse(c).chars()), MORSE, index);
            }
        }
        // What is encoded keeps its case and separators, so each spelling a model would use is a pattern.
        let bare: String = canary.chars().filter(|c| folded(*c).is_some()).collect();
        for spelling in [canary, &bare] {
            for text in [spelling.to_owned(), spelling.to_lowercase(), spelling.to_uppercase()] {
                self.folded.add(hexadecimal(text.as_bytes()).chars(), HEX, index);
                for encoded in aligned_base64(text.as_bytes()) {
                    self.exact.add(encoded.replace('+', "-").replace('/', "_").chars(), BASE64, index);
                }
            }
        }
        Ok(())
    }

    pub(super) fn mark(&mut self, begins: &mut [bool; 256]) {
        for &c in self.folded.nodes[0].next.keys() {
            self.begins_folded.0[first_byte(c)] = true;
            self.begins_folded.0[first_byte(c.to_ascii_uppercase())] = true;
        }
        // The beginning may be a look-alike of ASCII, which folding undoes.
        self.begins_folded.0[0xef] |= !self.names.is_empty();
        for &c in self.exact.nodes[0].next.keys() {
            self.begins_exact.0[first_byte(c)] = true;
            match c {
                '-' => self.begins_exact.0[usize::from(b'+')] = true,
                '_' => self.begins_exact.0[usize::from(b'/')] = true,
                _ => {}
            }
        }
        for &c in self.signs.nodes[0].next.keys() {
            for written in written_as(c) {
                self.begins_signs.0[first_byte(*written)] = true;
            }
        }
        for (at, begins) in begins.iter_mut().enumerate() {
            *begins |= self.begins_folded.0[at] | self.begins_exact.0[at] | self.begins_signs.0[at];
        }
    }

    pub(super) fn recognise(&self, look: Look<'_>) -> Step {
        let Some(first) = look.bytes().first().map(|b| usize::from(*b)) else { return Step::No };
        if self.begins_exact.0[first] {
            match Self::walk(&self.exact, look, |c| Some(url_safe(c)), 0) {
                Walked::No => {}
                Walked::More => return Step::More,
                Walked::End(length, end) => return self.hit(length, end),
            }
        }
        if self.begins_signs.0[first] {
            match Self::walk(&self.signs, look, sign, SKIPPED) {
                Walked::No => {}
                Walked::More => return Step::More,
                Walked::End(length, end) => return self.hit(length, end),
            }
        }
        if !self.begins_folded.0[first] {
            return Step::No;
        }
        match Self::walk(&self.folded, look, folded, SKIPPED) {
            Walked::No => Step::No,
            Walked::More => Step::More,
            Walked::End(length, end) => self.hit(length, end),
        }
    }

    /// Follows a trie from the first character on. `unit` brings characters into the trie's form; those
    /// without one are skipped, `skip` in a row at most.
    fn walk(trie: &Trie, look: Look<'_>, unit: impl Fn(char) -> Option<char>, skip: usize) -> Walked {
        let mut at = 0;
        let mut skipped = 0;
        for (offset, c) in look.rest().char_indices() {
            match unit(c) {
                Some(unit) => {
                    let Some(next) = trie.next(at, unit) else { return Walked::No };
                    at = next;
                    skipped = 0;
                    if let Some(end) = trie.nodes[at].end {
                        return Walked::End(offset + c.len_utf8(), end);
                    }
                }
                None if at > 0 && skipped < skip => skipped += 1,
                None => return Walked::No,
            }
        }
        if look.is_final() { Walked::No } else { Walked::More }
    }

    fn hit(&self, length: usize, (rule, name): (usize, usize)) -> Step {
        let Some(rule) = RULES.get(rule) else { return Step::No };
        let name = self.names.get(name).map_or("canary", String::as_str);
        Step::Hit(Hit {
            rule,
            length,
            open: None,
            preview: format!("canary {name}"),
            reason: format!("the canary {name} stands only in confidential text"),
        })
    }
}

enum Walked {
    No,
    More,
    End(usize, (usize, usize)),
}

/// A letter or digit without case and width; nothing for what stands between them.
fn folded(c: char) -> Option<char> {
    let c = match c {
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '０'..='９' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    };
    if c.is_ascii() {
        c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase())
    } else {
        c.is_alphanumeric().then(|| c.to_lowercase().next().unwrap_or(c))
    }
}

/// One of the two alphabets of base64.
const fn url_safe(c: char) -> char {
    match c {
        '+' => '-',
        '/' => '_',
        c => c,
    }
}

const fn rot13(c: char) -> char {
    match c {
        'a'..='m' => (c as u8 + 13) as char,
        'n'..='z' => (c as u8 - 13) as char,
        c => c,
    }
}

/// Digits that stand for letters, as they are written most.
const fn leet(c: char) -> char {
    match c {
        'o' => '0',
        'i' | 'l' => '1',
        'e' => '3',
        'a' => '4',
        's' => '5',
        't' => '7',
        c => c,
    }
}

/// Ways to write a sign of Morse code.
const fn written_as(sign: char) -> &'static [char] {
    match sign {
        '.' => &['.', '\u{b7}', '\u{2022}', '\u{2219}'],
        _ => &['-', '_', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2212}'],
    }
}

fn sign(c: char) -> Option<char> {
    ['.', '-'].into_iter().find(|sign| written_as(*sign).contains(&c))
}

/// ITU-R M.1677-1; nothing for what it has no code for.
const fn morse(c: char) -> &'static str {
    match c {
        'a' => ".-",
        'b' => "-...",
        'c' => "-.-.",
        'd' => "-..",
        'e' => ".",
        'f' => "..-.",
        'g' => "--.",
        'h' => "....",
        'i' => "..",
        'j' => ".---",
        'k' => "-.-",
        'l' => ".-..",
        'm' => "--",
        'n' => "-.",
        'o' => "---",
        'p' => ".--.",
        'q' => "--.-",
        'r' => ".-.",
        's' => "...",
        't' => "-",
        'u' => "..-",
        'v' => "...-",
        'w' => ".--",
        'x' => "-..-",
        'y' => "-.--",
        'z' => "--..",
        '0' => "-----",
        '1' => ".----",
        '2' => "..---",
        '3' => "...--",
        '4' => "....-",
        '5' => ".....",
        '6' => "-....",
        '7' => "--...",
        '8' => "---..",
        '9' => "----.",
        '-' => "-....-",
        '.' => ".-.-.-",
        '_' => "..--.-",
        _ => "",
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What of the encoding does not depend on what stands before and after, for each of the three ways the
/// text can lie in groups of three bytes.
fn aligned_base64(bytes: &[u8]) -> impl Iterator<Item = String> {
    (0..3).map(move |shift| {
        let mut padded = vec![0; shift];
        padded.extend_from_slice(bytes);
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let from = [0, 2, 3].get(shift).copied().unwrap_or(0);
        // The last character depends on the next byte unless the groups come out even.
        let to = padded.len() * 8 / 6;
        encoded.get(from..to).unwrap_or_default().to_owned()
    })
}

fn first_byte(c: char) -> usize {
    let mut bytes = [0; 4];
    c.encode_utf8(&mut bytes);
    usize::from(bytes[0])
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::super::{Confidential, Filter, OutputRules};
    use super::*;

    const CANARY: &str = "Quill-7f3A9c";

    fn found(text: &str) -> Vec<&'static str> {
        let confidential = Confidential::new().canary("prompt", CANARY).unwrap();
        let released = Filter::new(&OutputRules::default()).scan(&confidential, text);
        released.findings.iter().map(|f| f.rule).filter(|r| r.starts_with("canary/")).collect()
    }

    #[test]
    fn every_form_is_found_and_a_near_miss_is_not() {
        for (text, rule) in [
            ("the code is Quill-7f3A9c.", "canary/plain"),
            ("QUILL7F3A9C", "canary/plain"),
            ("q u i l l - 7 f 3 a 9 c", "canary/plain"),
            ("**q**u\u{200b}i\u{200d}ll_7f3a9c", "canary/plain"),
            ("xxquill7f3a9cxx", "canary/plain"),
            ("Ｑｕｉｌｌ７ｆ３Ａ９ｃ", "canary/plain"),
            ("c9A3f7-lliuQ", "canary/reversed"),
            ("Dhvyy-7s3N9p", "canary/rot13"),
            ("51 75 69 6c 6c 2d 37 66 33 41 39 63", "canary/hex"),
            ("qu111-7f349c", "canary/leet"),
            ("--.- ..- .. .-.. .-.. -....- --... ..-. ...-- .- ----. -.-.", "canary/morse"),
            ("--.-/..-/../.-../.-.. / --.../..-./...--/.-/----./-.-.", "canary/morse"),
            ("%51%75%69%6C%6C%2D%37%66%33%41%39%63", "canary/hex"),
            ("\\x71\\x75\\x69\\x6c\\x6c\\x2d\\x37\\x66\\x33\\x61\\x39\\x63", "canary/hex"),
        ] {
            let expected = if text.starts_with("\\x") { vec![] } else { vec![rule] };
            assert_eq!(found(text), expected, "{text}");
        }
        for text in [
            "--.- ..- .. .-.. .-.. and no more",
            "-----------------",
            "Quill-7f3A9d",
            "quill 7f3a",
            "Quill, and ..... 7f3A9c",
            "",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    proptest! {
        /// Whatever stands around it, in whichever of the encodings.
        #[test]
        fn encodings_are_found_wherever_they_are_aligned(before in "[ -~]{0,12}", after in "[ -~]{0,12}") {
            let text = format!("{before}{CANARY}{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text)] {
                prop_assert_eq!(found(&encoded), ["canary/base64"]);
            }
        }
    }

    #[test]
    fn what_would_be_found_everywhere_is_no_canary() {
        assert!(matches!(
            Confidential::new().canary("a", "ab-12"),
            Err(ConfidentialError::CanaryTooShort(_))
        ));
        assert!(matches!(
            Confidential::new().canary("a", &"x".repeat(129)),
            Err(ConfidentialError::CanaryTooLong(_))
        ));
    }
}
