//! Digits of base64 and hexadecimal that were worn down: their case is lost, or some were written as the figures that
//! look like them. Each then stands for two or three, and what was written is the way through them that is language.

use super::pairs::level;
use super::plausible::is_telling;

/// Fewest digits, and most.
const LEAST: usize = 24;
const LONGEST: usize = 8 << 10;

/// What stands in for what.
#[derive(Clone, Copy)]
pub(super) enum Wear {
    /// Letters may be capitals or small ones.
    Case,
    /// Figures may be letters of either case.
    Figures,
}

impl Wear {
    fn of(self, digit: u8) -> ([u8; 3], usize) {
        let letter = |small: u8| ([digit, small, small.to_ascii_uppercase()], 3);
        match (self, digit) {
            (Self::Case, b'a'..=b'z' | b'A'..=b'Z') => ([digit, digit ^ 0x20, 0], 2),
            (Self::Figures, b'4') => letter(b'a'),
            (Self::Figures, b'3') => letter(b'e'),
            (Self::Figures, b'1') => letter(b'i'),
            (Self::Figures, b'0') => letter(b'o'),
            (Self::Figures, b'5') => letter(b's'),
            (Self::Figures, b'7') => letter(b't'),
            (Self::Figures, b'8') => letter(b'b'),
            _ => ([digit, 0, 0], 1),
        }
    }
}

/// What worn digits of base64 say.
pub(super) fn base64(digits: &str, wear: Wear) -> Option<String> {
    let value = |digit: u8| -> Option<u32> {
        Some(u32::from(match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        }))
    };
    let digits = digits.trim_end_matches('=').as_bytes();
    let groups = digits.chunks(4).filter(|group| group.len() > 1).map(|group| {
        let choices = choices(group, wear);
        let bytes = choices.into_iter().filter_map(|group| {
            let word = group.iter().try_fold(0, |word, digit| Some(word << 6 | value(*digit)?))?;
            let [_, bytes @ ..] = (word << (6 * (4 - group.len()))).to_be_bytes();
            Some(bytes.into_iter().take(group.len() - 1).collect::<Vec<u8>>())
        });
        bytes.collect::<Vec<_>>()
    });
    way_through(digits.len(), groups)
}

/// What worn hexadecimal digits say.
pub(super) fn hex(digits: &str) -> Option<String> {
    let groups = digits.as_bytes().chunks_exact(2).map(|pair| {
        let value = |digit: u8| char::from(digit).to_digit(16);
        let all = choices(pair, Wear::Figures).into_iter();
        let byte = |pair: Vec<u8>| match pair.as_slice() {
            [high, low] => Some(vec![(value(*high)? << 4 | value(*low)?) as u8]),
            _ => None,
        };
        all.filter_map(byte).collect::<Vec<_>>()
    });
    way_through(digits.len(), groups)
}

/// All that worn digits may have been.
fn choices(group: &[u8], wear: Wear) -> Vec<Vec<u8>> {
    group.iter().fold(vec![Vec::with_capacity(4)], |all, digit| {
        let (of, count) = wear.of(*digit);
        let with = |before: &Vec<u8>| {
            of.iter()
                .take(count)
                .map(|digit| before.iter().copied().chain([*digit]).collect())
                .collect::<Vec<_>>()
        };
        all.iter().flat_map(with).collect()
    })
}

/// The text that is most like language of those that take one choice of each group; nothing where a group has none that
/// can be shown.
fn way_through(digits: usize, groups: impl Iterator<Item = Vec<Vec<u8>>>) -> Option<String> {
    if !(LEAST..=LONGEST).contains(&digits) {
        return None;
    }
    struct Step {
        bytes: Vec<u8>,
        before: usize,
        worth: u32,
    }
    let mut steps: Vec<Vec<Step>> = Vec::new();
    for mut group in groups {
        group.retain(|bytes| bytes.iter().all(|b| b.is_ascii_graphic() || matches!(b, b' ' | b'\n')));
        group.sort_unstable();
        group.dedup();
        let last = steps.last();
        let step = |bytes: Vec<u8>| {
            let from = |before: Option<u8>| worth(before, &bytes);
            let (worth, before) = match last {
                None => (from(None), 0),
                Some(last) => {
                    let ways = last.iter().map(|step| step.worth + from(step.bytes.last().copied()));
                    ways.zip(0..).max_by_key(|(worth, _)| *worth)?
                }
            };
            Some(Step { bytes, before, worth })
        };
        let all: Vec<Step> = group.into_iter().filter_map(step).collect();
        if all.is_empty() {
            return None;
        }
        steps.push(all);
    }
    let mut at = steps.last()?.iter().zip(0..).max_by_key(|(step, _)| step.worth)?.1;
    let mut said: Vec<u8> = Vec::new();
    for all in steps.iter().rev() {
        let step: &Step = all.get(at)?;
        said.extend(step.bytes.iter().rev());
        at = step.before;
    }
    said.reverse();
    String::from_utf8(said).ok().filter(|text| is_telling(text))
}

/// How much bytes are worth after another one: the order of letters, and that signs and capitals are rare.
fn worth(before: Option<u8>, bytes: &[u8]) -> u32 {
    let mut sum = 0;
    let mut last = before.unwrap_or(b' ');
    for b in bytes {
        sum += match (last, *b) {
            (b'a'..=b'z', b'A'..=b'Z') => 0,
            (_, letter) if letter.is_ascii_alphabetic() => 2 + level(last, letter),
            (_, b' ' | b'\n') => 2 + level(last, b' ').max(if last == b' ' { 0 } else { 4 }),
            (_, b'0'..=b'9') => 4,
            _ => 1,
        };
        last = *b;
    }
    sum
}

#[cfg(test)]
mod tests {
    use ::base64::Engine as _;
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "Bring the blue folder to the second floor and wait there";

    fn figures(text: &str) -> String {
        let figure = |c: char| match c.to_ascii_lowercase() {
            'a' => '4',
            'e' => '3',
            'i' => '1',
            'o' => '0',
            's' => '5',
            't' => '7',
            'b' => '8',
            _ => c,
        };
        text.chars().map(figure).collect()
    }

    #[test]
    fn worn_digits_come_back() {
        let digits = super::super::base64::STANDARD.encode(TEXT);
        let said = base64(&figures(&digits), Wear::Figures).unwrap();
        let same = said.bytes().zip(TEXT.bytes()).filter(|(a, b)| a == b).count();
        assert!(same * 10 >= TEXT.len() * 9, "{said}");
        let lower = base64(&digits.to_ascii_lowercase(), Wear::Case).unwrap().to_ascii_lowercase();
        let same = lower.bytes().zip(TEXT.to_ascii_lowercase().bytes()).filter(|(a, b)| a == b).count();
        assert!(same * 10 >= TEXT.len() * 9, "{lower}");
        let pairs: String = TEXT.bytes().map(|b| format!("{b:02x}")).collect();
        let said = hex(&figures(&pairs)).unwrap();
        let same = said.bytes().zip(TEXT.bytes()).filter(|(a, b)| a == b).count();
        assert!(same * 10 >= TEXT.len() * 9, "{said}");
    }

    #[test]
    fn names_and_digests_say_nothing() {
        for text in [
            "shouldContinueWithDefaultAuthentication",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ] {
            assert_eq!(base64(text, Wear::Case), None);
            assert_eq!(base64(text, Wear::Figures), None);
            assert_eq!(hex(text), None);
        }
    }

    proptest! {
        #[test]
        fn anything_is_tried(text in "[A-Za-z0-9+/=]{0,80}") {
            for wear in [Wear::Case, Wear::Figures] {
                let _ = base64(&text, wear);
            }
            let _ = hex(&text);
        }
    }
}
