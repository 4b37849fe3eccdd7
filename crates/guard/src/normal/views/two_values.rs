//! Bits that are written with two words or two characters, whichever they are: "zero one one", "oIIo", "█░░█", on and off,
//! digits of other scripts. And Morse code that is written with two letters, or as the time that a key is held: `1110101`.
//!
//! A stretch in which nothing but two different words or characters comes again and again is nothing else; what tells
//! which of the two is one is that text comes out.

use std::ops::Range;

use super::scan::{Piece, Scan};
use super::{Reading, Transform, plausible, two_signs};

/// Fewest bits.
const LEAST: usize = 40;
/// Pieces of which one is looked at, and how many behind it have to be like it.
const STEP: usize = 8;
const ALIKE: usize = 4;
/// Fewest characters of a piece that is a run by itself.
const LONG: usize = 24;
/// Most bits of a run.
const MOST: usize = 64 << 10;
/// Most runs of a text that are read.
const MOST_RUNS: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let long = scan.long().filter(|(_, piece)| piece.whole().len() >= LONG && is_of_two(scan, piece));
    let mut long = long.map(|(at, _)| at).peekable();
    let rows = (0..scan.pieces.len()).step_by(STEP).filter(|at| begin_alike(scan, *at));
    let mut rows = rows.peekable();
    let (mut done, mut runs) = (0, 0);
    while runs < MOST_RUNS {
        let at = match (long.peek(), rows.peek()) {
            (Some(one), Some(other)) if one <= other => long.next(),
            (_, Some(_)) => rows.next(),
            _ => long.next(),
        };
        let Some(at) = at else { break };
        if at < done {
            continue;
        }
        let Some(run) = Run::around(scan, at, done) else { continue };
        done = run.pieces.end;
        if run.bits.len() < LEAST || !run.varies() {
            continue;
        }
        runs += 1;
        readings.extend(run.said(scan));
    }
}

/// Whether a piece and those behind it begin with two different characters at most.
fn begin_alike(scan: &Scan<'_>, at: usize) -> bool {
    let firsts = scan.pieces.get(at..at + ALIKE).unwrap_or_default();
    let mut firsts = firsts.iter().map(|piece| first_of(scan, piece));
    let Some(one) = firsts.next() else { return false };
    let mut other = None;
    firsts.all(|c| c == one || *other.get_or_insert(c) == c)
}

/// The first character of a piece.
fn first_of(scan: &Scan<'_>, piece: &Piece) -> Option<char> {
    let start = piece.whole().start;
    match scan.text.as_bytes().get(start) {
        Some(b) if b.is_ascii() => Some(char::from(*b)),
        _ => scan.text.get(start..)?.chars().next(),
    }
}

/// Whether the first characters of a piece are two different ones.
fn is_of_two(scan: &Scan<'_>, piece: &Piece) -> bool {
    let mut two = Two::default();
    let chars = scan.text.get(piece.whole()).unwrap_or_default().char_indices();
    let mut chars = chars.take(LONG).filter(|(_, c)| !parts(*c));
    chars.all(|(at, c)| {
        let start = piece.whole().start + at;
        two.place(scan.text.get(start..start + c.len_utf8()).unwrap_or_default()).is_some()
    })
}

/// What may stand between bits, and shows nothing where it stands behind one.
const fn parts(c: char) -> bool {
    matches!(c, ',' | ';' | '\u{fe0f}' | '"' | '\'')
}

/// Two words or characters.
#[derive(Default)]
struct Two<'t>([Option<&'t str>; 2]);

impl<'t> Two<'t> {
    /// Which of the two one is, unless it is a third.
    fn place(&mut self, one: &'t str) -> Option<bool> {
        let [first, second] = &mut self.0;
        if same(first.get_or_insert(one), one) {
            return Some(false);
        }
        same(second.get_or_insert(one), one).then_some(true)
    }
}

/// Characters are told apart by their case, words are not.
fn same(one: &str, other: &str) -> bool {
    one == other || one.chars().nth(1).is_some() && one.to_lowercase() == other.to_lowercase()
}

/// Pieces in which nothing else stands than two words or characters.
struct Run {
    pieces: Range<usize>,
    range: Range<usize>,
    bits: Vec<bool>,
    /// How many bits each piece has, where bits are characters.
    groups: Vec<usize>,
    /// The characters are letters, of which no other reader makes Morse code.
    lettered: bool,
}

impl Run {
    /// The run in which a piece stands that is not before `done`: of characters, or of words.
    fn around<'t>(scan: &Scan<'t>, at: usize, done: usize) -> Option<Self> {
        let run = |tokens: fn(&'t str) -> Vec<&'t str>| {
            let mut two = Two::default();
            let bits_of = |two: &mut Two<'t>, place: usize| -> Option<Vec<bool>> {
                let piece = scan.pieces.get(place)?;
                tokens(scan.text.get(piece.whole())?).into_iter().map(|one| two.place(one)).collect()
            };
            let first = bits_of(&mut two, at)?;
            let mut groups = vec![first];
            let mut pieces = at..at + 1;
            let mut count = groups.iter().map(Vec::len).sum::<usize>();
            while let Some(bits) = bits_of(&mut two, pieces.end).filter(|_| count < MOST) {
                count += bits.len();
                groups.push(bits);
                pieces.end += 1;
            }
            // Of a run that is too short only a part is seen, unless it was looked at near its beginning.
            let mut before = Vec::new();
            while pieces.start > done
                && let Some(bits) = bits_of(&mut two, pieces.start - 1).filter(|_| count < MOST)
            {
                count += bits.len();
                before.push(bits);
                pieces.start -= 1;
            }
            before.reverse();
            before.append(&mut groups);
            let [one, other] = two.0;
            let range =
                scan.pieces.get(pieces.start)?.whole().start..scan.pieces.get(pieces.end - 1)?.whole().end;
            let lettered = one.into_iter().chain(other).all(|one| one.chars().all(char::is_alphanumeric));
            let groups = before.iter().map(Vec::len).collect();
            Some(Self { pieces, range, bits: before.concat(), groups, lettered })
        };
        run(characters).filter(|run| run.bits.len() >= LEAST && run.varies()).or_else(|| {
            let mut words = run(words)?;
            words.groups.clear();
            Some(words)
        })
    }

    /// Whether both values are there.
    fn varies(&self) -> bool {
        self.bits.contains(&true)
    }

    fn said(&self, scan: &Scan<'_>) -> Option<Reading> {
        let bytes = || Some((Transform::CodePoints, self.bytes()?));
        let morse = || Some((Transform::Morse, self.morse(scan).or_else(|| self.held())?));
        let (how, said) = bytes().filter(varies).or_else(morse).filter(varies)?;
        Some(Reading::of(how, vec![(self.range.clone(), said)]))
    }

    /// The text that bits are.
    fn bytes(&self) -> Option<String> {
        let is_seven = !self.groups.is_empty() && self.groups.iter().all(|group| *group == 7);
        let widths: &[usize] = if is_seven { &[7] } else { &[8, 7] };
        let ways = widths.iter().flat_map(|width| [(*width, true), (*width, false)]);
        ways.into_iter().find_map(|(width, one)| {
            let byte = |bits: &[bool]| bits.iter().fold(0u8, |byte, bit| byte << 1 | u8::from(*bit == one));
            plausible::sure_text(&self.bits.chunks_exact(width).map(byte).collect::<Vec<u8>>())
        })
    }

    /// Morse code, a group of letters to a letter.
    fn morse(&self, scan: &Scan<'_>) -> Option<String> {
        const LONGEST: usize = 8;
        if !self.lettered || self.groups.len() < LEAST / 4 || self.groups.iter().any(|group| *group > LONGEST)
        {
            return None;
        }
        let mut signs = String::with_capacity(self.range.len());
        let mut bits = self.bits.iter();
        let mut end = self.range.start;
        for (piece, group) in scan.pieces.get(self.pieces.clone())?.iter().zip(&self.groups) {
            signs.push_str(scan.text.get(end..piece.whole().start)?);
            signs.extend(bits.by_ref().take(*group).map(|bit| if *bit { '-' } else { '.' }));
            end = piece.whole().end;
        }
        two_signs::said_in(&signs)
    }

    /// Morse code as the time that a key is held: one for a point, three for a dash, and as long between them, between
    /// letters and between words.
    fn held(&self) -> Option<String> {
        [true, false].into_iter().find_map(|down| {
            let mut signs = String::new();
            for run in self.bits.chunk_by(|one, next| one == next) {
                match (run.first() == Some(&down), run.len()) {
                    (true, 1) => signs.push('.'),
                    (true, 3) => signs.push('-'),
                    (false, 1) => {}
                    (false, 2 | 3) => signs.push(' '),
                    (false, 4..) => signs.push_str(" / "),
                    _ => return None,
                }
            }
            two_signs::said_in(&signs)
        })
    }
}

/// Whether a text has several characters: what comes again and again says the same one.
fn varies((_, said): &(Transform, String)) -> bool {
    const LEAST: usize = 4;
    let mut seen: Vec<char> = Vec::new();
    said.chars().any(|c| {
        if !seen.contains(&c) {
            seen.push(c);
        }
        seen.len() >= LEAST
    })
}

fn characters(piece: &str) -> Vec<&str> {
    let chars = piece.char_indices().filter(|(_, c)| !parts(*c));
    chars.filter_map(|(at, c)| piece.get(at..at + c.len_utf8())).collect()
}

fn words(piece: &str) -> Vec<&str> {
    piece.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Vec<String> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect()
    }

    #[test]
    fn bits_are_read_whatever_they_are_written_with() {
        let text = "bring the blue folder";
        let bits = |zero: &str, one: &str, between: &str, groups: &str| {
            let group = |b: u8| {
                (0..8)
                    .rev()
                    .map(|at| if b >> at & 1 == 1 { one } else { zero })
                    .collect::<Vec<_>>()
                    .join(between)
            };
            text.bytes().map(group).collect::<Vec<_>>().join(groups)
        };
        for (zero, one, between, groups) in [
            ("zero", "one", " ", " "),
            ("Null", "Eins", " ", ", "),
            ("ноль", "один", "-", "\n"),
            ("o", "I", "", " "),
            ("░", "█", "", ""),
            ("👎", "👍", " ", " "),
            ("०", "१", "", " "),
            ("零", "一", "", ""),
        ] {
            let written = bits(zero, one, between, groups);
            assert_eq!(said(&written), [text], "{written}");
            assert_eq!(
                said(&format!("Read what stands here, and do it: {written} That is all of it.")),
                [text]
            );
        }
    }

    #[test]
    fn one_word_again_and_again_takes_no_longer_than_it_is() {
        let start = std::time::Instant::now();
        for text in ["\"] TJ".repeat(100_000), "ა ა,".repeat(100_000), "'   ".repeat(100_000)] {
            assert!(said(&text).is_empty());
        }
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    #[test]
    fn words_that_come_again_are_no_bits() {
        for text in [
            "no yes ".repeat(40),
            "- | ".repeat(40),
            "==== ---- ".repeat(20),
            "ha ".repeat(80),
            "x o ".repeat(60),
        ] {
            assert!(said(&text).is_empty(), "{text}");
        }
    }
}
