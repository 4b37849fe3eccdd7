//! Ciphers with a key word that the text states beside them: Vigenère's, Beaufort's and its variant, and the one whose
//! key goes on with the text itself.

use std::cell::LazyCell;
use std::ops::Range;

use super::pairs::LatinPairs;
use super::words::{Hash, convinces};

/// Letters whose order is clearly that of language, in hundredths of a level: no run of them is asked about.
pub(super) const CLEAR: u32 = 730;
/// Bytes that are looked at.
const SAMPLE: usize = 160;
/// Those that are looked at first.
const GLANCE: usize = 60;
/// Letters of a key.
const LETTERS: std::ops::RangeInclusive<usize> = 3..=16;
/// Bytes of a source in which keys are looked for, at each end.
const LONGEST_SOURCE: usize = 4096;
/// How far from the cipher a key stands, in bytes, and how many are tried.
const NEAR: usize = 320;
const MOST_KEYS: usize = 12;

/// How a letter and one of the key make another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Square {
    Vigenere,
    Beaufort,
    Variant,
    /// Vigenère's, whose key goes on with what was written.
    Autokey,
}

const SQUARES: [Square; 4] = [Square::Vigenere, Square::Beaufort, Square::Variant, Square::Autokey];

/// What stands at `run`, and behind it up to `end`, if a word near it is a key that makes language of it.
/// Of a text that was made of another one the key may stand in that.
pub(super) fn undone(
    text: &str,
    source: &str,
    run: &Range<usize>,
    end: impl FnOnce() -> usize,
) -> Option<(Range<usize>, String)> {
    let end = LazyCell::new(end);
    let found = keys(text, run).into_iter().find_map(|(place, key)| {
        // A key in the run stands before the cipher, or behind it.
        let cipher = if place.start >= run.end || place.end <= run.start {
            run.start..*end
        } else if place.start - run.start < run.len() / 2 {
            place.end..*end
        } else {
            run.start..place.start
        };
        let said = under(text.get(cipher.clone())?, &key)?;
        Some((cipher, said))
    });
    found.or_else(|| {
        let all = 0..source.len().min(LONGEST_SOURCE);
        keys(source, &all)
            .into_iter()
            .find_map(|(_, key)| Some((run.start..*end, under(text.get(run.start..*end)?, &key)?)))
    })
}

/// What a text says under a key, if that is language and it is none.
fn under(text: &str, key: &[u8]) -> Option<String> {
    let sample = text.as_bytes().get(..text.len().min(SAMPLE))?;
    let head = sample.get(..sample.len().min(GLANCE))?;
    if LatinPairs::mean_of(sample) >= CLEAR {
        return None;
    }
    let first = Head::of(head);
    for square in SQUARES {
        // A word known by chance may have been the first of it.
        let phases = if square == Square::Autokey { 1 } else { key.len() };
        for phase in 0..phases {
            // Nearly no other key makes a word of the first ones.
            if !first.has_word(key, phase, square) {
                continue;
            }
            if convinces(sample, &plain(sample, key, phase, square)) {
                return String::from_utf8(plain(text.as_bytes(), key, phase, square)).ok();
            }
        }
    }
    None
}

/// The first letters of a cipher as places in the alphabet, and what is none.
struct Head {
    letters: [u8; GLANCE],
    length: usize,
}

impl Head {
    const NONE: u8 = u8::MAX;

    fn of(text: &[u8]) -> Self {
        let mut head = Self { letters: [Self::NONE; GLANCE], length: text.len().min(GLANCE) };
        for (to, b) in head.letters.iter_mut().zip(text) {
            *to = if b.is_ascii_alphabetic() { b.to_ascii_lowercase() - b'a' } else { Self::NONE };
        }
        head
    }

    /// Whether a word of three letters or more is known once they are plain.
    fn has_word(&self, key: &[u8], phase: usize, square: Square) -> bool {
        let mut key = Key::of(key, phase);
        let (mut word, mut length) = (Hash::default(), 0);
        for letter in self.letters.iter().take(self.length).chain([&Self::NONE]) {
            if *letter != Self::NONE {
                word.push(key.plain(*letter, square) + b'a');
                length += 1;
                continue;
            }
            if length >= 3 && word.known(length) {
                return true;
            }
            (word, length) = (Hash::default(), 0);
        }
        false
    }
}

/// The letters of a key, one after another and again.
struct Key {
    letters: [u8; *LETTERS.end()],
    length: usize,
    at: usize,
}

impl Key {
    fn of(key: &[u8], phase: usize) -> Self {
        let mut letters = [0; *LETTERS.end()];
        letters.iter_mut().zip(key).for_each(|(to, letter)| *to = *letter);
        Self { letters, length: key.len(), at: phase }
    }

    /// A letter in plain, as a place in the alphabet like all of them.
    #[inline]
    fn plain(&mut self, letter: u8, square: Square) -> u8 {
        let Some(by) = self.letters.get_mut(self.at) else { return letter };
        let letter = match square {
            Square::Vigenere | Square::Autokey => letter + 26 - *by,
            Square::Beaufort => *by + 26 - letter,
            Square::Variant => letter + *by,
        };
        let letter = if letter >= 26 { letter - 26 } else { letter };
        // Where the key goes on with what was written, that takes the place of the letters that were used.
        if square == Square::Autokey {
            *by = letter;
        }
        self.at = if self.at + 1 == self.length { 0 } else { self.at + 1 };
        letter
    }
}

/// Words near a cipher, or at its ends, that may be its key: in capitals, in quotation marks, or behind a word for key.
/// Where they stand, and their letters as places in the alphabet; the nearest first.
fn keys(text: &str, run: &Range<usize>) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut keys: Vec<(Range<usize>, Vec<u8>)> = Vec::new();
    let mut look = |from: usize, to: usize| {
        let range = text.ceil_char_boundary(from)..text.floor_char_boundary(to.min(text.len()));
        let mut announced = 0usize;
        let parts = |c: char| c.is_whitespace() || matches!(c, ':' | '=' | ',' | ';' | '(' | ')' | '[' | ']');
        for word in text.get(range).unwrap_or_default().split(parts) {
            let core = word.trim_matches(|c: char| !c.is_alphabetic());
            if core.is_empty() {
                continue;
            }
            let quoted = word.len() > core.len() && word.starts_with(|c: char| !c.is_alphanumeric());
            let capitals = core.bytes().all(|b| b.is_ascii_uppercase());
            if LETTERS.contains(&core.len())
                && core.bytes().all(|b| b.is_ascii_alphabetic())
                && (quoted || capitals || announced > 0)
            {
                let start = core.as_ptr() as usize - text.as_ptr() as usize;
                let letters = core.bytes().map(|b| b.to_ascii_lowercase() - b'a').collect();
                keys.push((start..start + core.len(), letters));
            }
            announced = if announces(core) { 3 } else { announced.saturating_sub(1) };
        }
    };
    look(run.start.saturating_sub(NEAR), run.start.saturating_add(NEAR).min(run.end));
    look(run.end.saturating_sub(NEAR).max(run.start), run.end + NEAR);
    let distance = |place: &Range<usize>| place.start.abs_diff(run.start).min(place.start.abs_diff(run.end));
    keys.sort_by_key(|(place, _)| (distance(place), place.start));
    keys.dedup_by(|a, b| a.0 == b.0);
    keys.truncate(MOST_KEYS);
    keys
}

/// Whether a key may follow a word.
fn announces(word: &str) -> bool {
    /// Key and password in languages of Latin, Cyrillic and other scripts.
    const WORDS: [&str; 24] = [
        "key",
        "keyword",
        "password",
        "passphrase",
        "clé",
        "cle",
        "clef",
        "mot",
        "schlüssel",
        "schluessel",
        "schlüsselwort",
        "kennwort",
        "clave",
        "llave",
        "contraseña",
        "chiave",
        "chave",
        "senha",
        "sleutel",
        "klucz",
        "hasło",
        "ключ",
        "anahtar",
        "kunci",
    ];
    if word.is_ascii() {
        return WORDS.iter().any(|other| other.eq_ignore_ascii_case(word));
    }
    let lower = word.to_lowercase();
    WORDS.contains(&lower.as_str())
}

/// Letters in plain; what is none takes no letter of the key and stays.
fn plain(text: &[u8], key: &[u8], phase: usize, square: Square) -> Vec<u8> {
    let mut key = Key::of(key, phase);
    let letter = |b: &u8| match b {
        b'a'..=b'z' => key.plain(b - b'a', square) + b'a',
        b'A'..=b'Z' => key.plain(b - b'A', square) + b'A',
        _ => *b,
    };
    text.iter().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Please bring the blue folder to the second floor, and tell the others about it";

    /// The same under the opposite square.
    fn written(key: &str, square: Square) -> String {
        let key: Vec<u8> = key.bytes().map(|b| b - b'a').collect();
        let back = match square {
            Square::Vigenere => Square::Variant,
            Square::Variant => Square::Vigenere,
            other => other,
        };
        String::from_utf8(plain(SAID.as_bytes(), &key, 0, back)).unwrap()
    }

    #[test]
    fn a_stated_key_opens_it_and_no_other_word_does() {
        for square in [Square::Vigenere, Square::Beaufort, Square::Variant] {
            let cipher = written("lantern", square);
            for note in ["(Vigenère, key LANTERN) ", "Der Schlüssel lautet lantern. ", "with \"Lantern\" "]
            {
                let text = format!("{note}{cipher}");
                let found = undone(&text, "", &(note.len()..text.len()), || text.len()).unwrap();
                assert_eq!(found, (note.len()..text.len(), SAID.to_owned()), "{square:?} {note}");
            }
            // The run may begin at a later word, and the key behind it.
            let text = format!("{cipher}\nkey: lantern");
            let (range, said) = undone(&text, "", &(7..cipher.len()), || cipher.len()).unwrap();
            assert_eq!((range, said.as_str()), (7..cipher.len(), &SAID[7..]));
            let text = format!("The lantern has no key {cipher}");
            assert!(undone(&text, "", &(23..text.len()), || text.len()).is_none());
        }
        // Of its own letters: each is moved by the one seven before it.
        let key: Vec<u8> = "lantern".bytes().map(|b| b - b'a').collect();
        let letters: Vec<u8> =
            SAID.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.to_ascii_lowercase() - b'a').collect();
        let mut at = 0;
        let cipher: String = SAID
            .bytes()
            .map(|b| {
                if !b.is_ascii_alphabetic() {
                    return char::from(b);
                }
                let by = if at < 7 { key[at] } else { letters[at - 7] };
                at += 1;
                char::from((letters[at - 1] + by) % 26 + b'a')
            })
            .collect();
        let text = format!("key LANTERN\n{cipher}");
        let (_, said) = undone(&text, "", &(12..text.len()), || text.len()).unwrap();
        assert_eq!(said, SAID.to_lowercase());
    }
}
