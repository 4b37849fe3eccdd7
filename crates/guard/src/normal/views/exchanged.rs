//! Encodings whose digits went through a cipher or were turned round: their letters are others, and nothing else shows
//! it.
//!
//! Which way it was is told by what decodes: text does not come of digits by chance.

use std::ops::Range;

use super::ciphers::plain;
use super::pairs::Order;
use super::scan::{Kind, Scan, sign};
use super::{Reading, Transform, bases, hex, worn};

/// Fewest characters of a run.
const LEAST: usize = 24;
/// Most runs and lines that are tried, and bytes of one.
const MOST: usize = 8;
const LONGEST: usize = 16 << 10;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let digits: usize = (b'0'..=b'9').map(|digit| scan.has(digit)).sum();
    if digits >= LEAST / 3 {
        lines(scan, readings);
    }
    if scan.has(b'2') + scan.has(b'3') + scan.has(b'4') + scan.has(b'5') + scan.has(b'6') + scan.has(b'7') > 0
    {
        base32(scan, readings);
    }
    if scan.has(b'~') >= 2 {
        base85(scan.text, readings);
    }
}

fn ways() -> impl Iterator<Item = Transform> {
    (1..26).map(|shift| Transform::Caesar { shift }).chain([Transform::Atbash])
}

/// Lines of hexadecimal digits, perhaps each pair behind a percent sign, the letters of which are others.
fn lines(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut tried = 0;
    for part in scan.parts().iter().filter(|part| !part.plain && part.range.len() >= LEAST) {
        let Some(line) = scan.text.get(part.range.clone()) else { continue };
        let trimmed = line.trim();
        if trimmed.len() > LONGEST || !may_be_pairs(trimmed.as_bytes()) {
            continue;
        }
        tried += 1;
        if tried > MOST {
            return;
        }
        let start = part.range.start + (trimmed.as_ptr() as usize - line.as_ptr() as usize);
        let range = start..start + trimmed.len();
        let bare: String = trimmed.chars().filter(|c| *c != '%').collect();
        if hex::decoded(&bare).is_some() {
            // Letters that were written as the figures which look like them leave few.
            if !bare.bytes().any(|b| matches!(b, b'a' | b'b' | b'e')) {
                let digits: String = bare.chars().filter(char::is_ascii_alphanumeric).collect();
                if let Some(said) =
                    worn::hex(&digits).filter(|_| bare.bytes().any(|b| b.is_ascii_alphabetic()))
                {
                    readings.push(Reading::of(Transform::Leet, vec![(range, said)]));
                }
            }
            continue;
        }
        let best = |found: Option<(u32, Transform)>| found.map(|(_, how)| how);
        let order = |text: String| Order::of_start(&text, 240).mean();
        let exchanged = ways()
            .filter_map(|how| Some((order(hex::decoded(&plain(&bare, how))?), how)))
            .max_by_key(|(mean, _)| *mean);
        if let Some(how) = best(exchanged) {
            readings.push(Reading::of(how, vec![(range, plain(trimmed, how))]));
        } else if hex::decoded(&bare.chars().rev().collect::<String>()).is_some() {
            readings.push(Reading::of(Transform::Reversed, vec![(range, trimmed.chars().rev().collect())]));
        }
    }
}

/// Whether a line is digits, of which not too few are decimal, and no more than six letters.
fn may_be_pairs(line: &[u8]) -> bool {
    let (mut digits, mut count, mut seen) = (0, 0, 0u32);
    for b in line {
        match b {
            b'0'..=b'9' => digits += 1,
            b'a'..=b'z' | b'A'..=b'Z' => seen |= 1 << (b.to_ascii_lowercase() - b'a'),
            b'%' | b' ' | b',' | b':' | b'-' => continue,
            _ => return false,
        }
        count += 1;
    }
    seen.count_ones() <= 6 && count >= LEAST && digits * 2 >= count
}

fn base32(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let is_digit = |b: u8| b.is_ascii_alphabetic() || matches!(b, b'2'..=b'7' | b'=');
    let long = scan.long().map(|(_, piece)| piece);
    let runs = long.filter(|p| p.whole().len() >= LEAST && p.has(sign::DIGIT) && p.kind != Kind::Foreign);
    let mut tried = 0;
    for piece in runs {
        let Some(whole) = scan.text.get(piece.whole()) else { continue };
        let run = whole.trim_matches(|c: char| c.is_ascii_punctuation() && c != '=');
        let head = run.get(..LEAST).unwrap_or(run);
        let cased = |of: fn(&u8) -> bool| run.bytes().any(|b| of(&b));
        let mixed = cased(u8::is_ascii_lowercase) && cased(u8::is_ascii_uppercase);
        if run.len() > LONGEST || mixed || !run.bytes().all(is_digit) || bases::base32(head).is_some() {
            continue;
        }
        tried += 1;
        if tried > MOST {
            return;
        }
        let start = piece.whole().start + (run.as_ptr() as usize - whole.as_ptr() as usize);
        let range = start..start + run.len();
        let found = ways().find(|how| {
            bases::base32(&plain(head, *how)).is_some() && bases::base32(&plain(run, *how)).is_some()
        });
        if let Some(how) = found {
            readings.push(Reading::of(how, vec![(range, plain(run, how))]));
        } else {
            let turned: String = run.trim_matches('=').chars().rev().collect();
            if bases::base32(&turned).is_some() {
                readings.push(Reading::of(Transform::Reversed, vec![(range, turned)]));
            }
        }
    }
}

/// Ascii85 between its marks, which no cipher changes, and which stand the other way round if they were turned.
fn base85(text: &str, readings: &mut Vec<Reading>) {
    for (open, close, turned) in [("<~", "~>", false), (">~", "~<", true)] {
        let mut at = 0;
        for _ in 0..MOST {
            let Some(start) = text.get(at..).and_then(|rest| rest.find(open)).map(|skip| at + skip) else {
                break;
            };
            let Some(length) = text.get(start + 2..).and_then(|rest| rest.find(close)) else { break };
            let range: Range<usize> = start..start + 2 + length + 2;
            at = start + 2;
            let Some(run) = text.get(range.clone()).filter(|run| run.len() >= 12 && run.len() <= LONGEST)
            else {
                continue;
            };
            if turned {
                let plain: String = run.chars().rev().collect();
                if bases::ascii85(&plain).is_some() {
                    readings.push(Reading::of(Transform::Reversed, vec![(range.clone(), plain)]));
                    at = range.end;
                }
            } else if bases::ascii85(run).is_some() {
                at = range.end;
            } else if let Some(how) = ways().find(|how| bases::ascii85(&plain(run, *how)).is_some()) {
                readings.push(Reading::of(how, vec![(range.clone(), plain(run, how))]));
                at = range.end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_in(text: &str) -> Vec<(Transform, String)> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().filter_map(|r| Some((r.how, r.edits.into_iter().next()?.1))).collect()
    }

    #[test]
    fn digits_that_were_exchanged_or_turned_round_are_found() {
        let text = "Bring the blue folder to me and wait.";
        let pairs: String = text.bytes().map(|b| format!("{b:02x}")).collect();
        let percent: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        for digits in [
            pairs.as_str(),
            &percent,
            "IJZGS3THEB2GQZJAMJWHKZJAMZXWYZDFOI======",
            "<~6#:?]/Kd?&BkDWi/M8Y*Bl7Ep~>",
        ] {
            for how in [Transform::Caesar { shift: 5 }, Transform::Atbash] {
                let coded = match how {
                    Transform::Caesar { shift } => plain(digits, Transform::Caesar { shift: 26 - shift }),
                    how => plain(digits, how),
                };
                assert!(read_in(&coded).contains(&(how, digits.to_owned())), "{coded} {:?}", read_in(&coded));
            }
        }
        for digits in [pairs.as_str(), "<~6#:?]/Kd?&BkDWi/M8Y*Bl7Ep~>"] {
            let turned: String = digits.chars().rev().collect();
            assert_eq!(read_in(&turned), [(Transform::Reversed, digits.to_owned())]);
        }
    }

    #[test]
    fn digests_and_numbers_are_left_alone() {
        for text in [
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "sha512-WFN0CE36N5QRMC4QTK7BQOUS3GHV6GNB2L5ITF4CVDBM3ZHMXV2A",
            "12:30-14:45, 15:10-17:55, 18:20-21:05",
        ] {
            assert_eq!(read_in(text), [], "{text}");
        }
    }
}
