//! Letters in another order: backwards, each word backwards, dealt out over rails.
//!
//! Which order is language is told by pairs of neighbours, in any alphabet. Read line by line and element by
//! element, so that what surrounds such a text does not hide it.

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Part, SAMPLE, Scan};
use super::{Reading, Transform, base64, hex};

/// Fewest pairs of letters that tell which way round they are.
const LEAST: u32 = 16;
/// How much better, in hundredths of a level, letters have to stand backwards or off the rails; a short text
/// has to be clearer.
const CLEARER: u32 = 14;
const CLEARER_IN_ALL: u32 = 600;
const OFF_RAILS: u32 = 30;
/// What stands on rails has a poor order as it is.
const POOR: u32 = 820;
/// The order of letters of language.
const LANGUAGE: u32 = 670;
/// Texts on rails, in characters.
const RAIL_TEXT: Range<usize> = 24..4096;
/// Most parts that are tried on rails, and most that are turned.
const MOST_RAILED: usize = 7;
const MOST_TURNED: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    backwards(scan, readings);
    rails(scan.text, scan.parts(), readings);
}

/// Whether a part, or what stands in quotation marks in it, is written backwards; nothing where that cannot
/// be told.
fn is_backwards_in_quotes(part: &str) -> Option<bool> {
    let mut told = None;
    for piece in part.split('"') {
        match way_round(Order::of(piece.chars().take(SAMPLE))) {
            Some(true) => return Some(true),
            way => told = told.or(way),
        }
    }
    told
}

/// Whether letters are written backwards; nothing where that cannot be told.
fn way_round(order: Order) -> Option<bool> {
    if order.pairs < LEAST {
        return None;
    }
    if is_clear(order) {
        return Some(true);
    }
    (order.mean() > order.mean_backwards() + CLEARER / 2).then_some(false)
}

fn is_clear(order: Order) -> bool {
    let gain = order.mean_backwards().saturating_sub(order.mean());
    gain >= CLEARER
        && gain * order.pairs >= CLEARER_IN_ALL
        && order.mean_backwards() >= order.needed(LANGUAGE)
}

fn backwards(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let (text, parts) = (scan.text, scan.parts());
    let any_quotes = scan.has(b'"') > 0;
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for part in parts {
        let quotes = || any_quotes && text.get(part.range.clone()).is_some_and(|part| part.contains('"'));
        let told = match quotes() {
            true => is_backwards_in_quotes(text.get(part.range.clone()).unwrap_or_default()),
            false if part.plain => Some(false),
            false => way_round(part.order(text)),
        };
        let part = &part.range;
        match told {
            Some(true) => open = Some(open.map_or(part.start, |open| open.start)..part.end),
            Some(false) => found.extend(open.take()),
            // It belongs to what is around it.
            None => {}
        }
    }
    found.extend(open);
    // Lines that tell nothing each may tell it together.
    let any_strange = parts.iter().any(|part| !part.plain && !part.range.is_empty());
    if any_strange && text.len() <= RAIL_TEXT.end && is_clear(Order::of(text.chars())) {
        found.insert(0, 0..text.len());
    }
    if scan.has(b'\\') + scan.has(b'&') >= MARKS && marks(text, ["x\\", "u\\", "#&"]) >= MARKS {
        found.insert(0, 0..text.len());
    }
    found.dedup();
    for range in found.into_iter().take(MOST_TURNED) {
        let Some(part) = text.get(range.clone()) else { continue };
        let all: String = part.chars().rev().collect();
        let words = |parts: fn(char) -> bool| -> String {
            let turned = |word: &str| {
                let end = word.trim_end_matches(parts).len();
                let (word, gap) = word.split_at(end);
                word.chars().rev().chain(gap.chars()).collect::<String>()
            };
            part.split_inclusive(parts).map(turned).collect()
        };
        let mut turned =
            vec![(Transform::Reversed, all), (Transform::WordsReversed, words(char::is_whitespace))];
        // Whoever parts at spaces only turns the end of a line and the beginning of the next as one word.
        if part.contains('\n') {
            turned.push((Transform::WordsReversed, words(|c| c == ' ')));
        }
        readings
            .extend(turned.into_iter().map(|(how, plain)| Reading::of(how, vec![(range.clone(), plain)])));
    }
}

/// Escapes and references: with letters in another order they are none.
const MARKS: usize = 6;

fn marks(text: &str, signs: [&str; 3]) -> usize {
    signs.iter().map(|sign| text.matches(sign).take(MARKS).count()).sum()
}

/// Whether letters that are no language are digits of an encoding, marked as such or decodable.
fn is_encoded(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with("<~") && text.ends_with("~>"))
        || marks(text, ["\\x", "\\u", "&#"]) >= MARKS
        || base64::is_base64(text)
        || hex::is_hex(text)
}

fn rails(text: &str, parts: &[Part], readings: &mut Vec<Reading>) {
    let trimmed = text.trim();
    let start = trimmed.as_ptr() as usize - text.as_ptr() as usize;
    let whole = start..start + trimmed.len();
    let strange = || parts.iter().filter(|part| !part.plain && !part.range.is_empty());
    let in_parts = strange()
        .filter(|part| part.range != whole && part.range != (0..text.len()))
        .map(|part| (part.range.clone(), Some(part)));
    // White space at the ends stands on rails, too, unless somebody added it.
    let all = 0..text.len();
    let trimmed = (whole != all).then(|| (whole.clone(), None));
    let in_all = strange().next().map(|_| std::iter::once((all.clone(), None)).chain(trimmed));
    let mut tried = 0;
    for (part, known) in in_all.into_iter().flatten().chain(in_parts) {
        if part.len() < RAIL_TEXT.start || part.len() > 4 * RAIL_TEXT.end {
            continue;
        }
        let Some(line) = text.get(part.clone()) else { continue };
        let as_it_is = known.map_or_else(|| Order::of(line.chars().take(SAMPLE)), |part| part.order(text));
        if as_it_is.pairs < LEAST || as_it_is.mean() > POOR {
            continue;
        }
        tried += 1;
        if tried > MOST_RAILED {
            break;
        }
        if !RAIL_TEXT.contains(&line.chars().count()) {
            continue;
        }
        let chars: Vec<char> = line.chars().collect();
        let best = (2..=4)
            .map(|rails| (rails, Order::of(off_rails(&chars, rails).take(SAMPLE))))
            .max_by_key(|(_, order)| order.mean());
        if let Some((rails, order)) = best
            && order.mean() >= as_it_is.mean() + OFF_RAILS
            && order.mean() >= order.needed(LANGUAGE)
            && order.has_words()
        {
            let plain: String = off_rails(&chars, rails).collect();
            let rails = rails as u8;
            readings.push(Reading::of(Transform::Rails { rails }, vec![(part, plain)]));
        } else if chars.iter().filter(|c| **c == ' ').count() * 20 <= chars.len() && !is_encoded(line) {
            let encoded = (2..=4)
                .map(|rails| (rails, off_rails(&chars, rails).collect::<String>()))
                .find(|(_, plain)| is_encoded(plain));
            if let Some((rails, plain)) = encoded {
                readings.push(Reading::of(Transform::Rails { rails: rails as u8 }, vec![(part, plain)]));
            }
        }
    }
}

/// The text whose characters were written in a zigzag over `rails` rows and read off row by row.
fn off_rails(chars: &[char], rails: usize) -> impl Iterator<Item = char> {
    let period = 2 * (rails - 1);
    // How many of the first `n` characters are in each row, added up, is where a row begins.
    let in_row = move |row: usize, n: usize| {
        let down = (n + period - 1 - row) / period;
        let up = if row == 0 || row == rails - 1 { 0 } else { (n + row - 1) / period };
        down + up
    };
    let begins: Vec<usize> =
        (0..rails).map(|row| (0..row).map(|row| in_row(row, chars.len())).sum()).collect();
    (0..chars.len()).filter_map(move |at| {
        let phase = at % period;
        let row = phase.min(period - phase);
        chars.get(begins.get(row)? + in_row(row, at)).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_rails(text: &str, rails: usize) -> String {
        let chars: Vec<char> = text.chars().collect();
        let period = 2 * (rails - 1);
        (0..rails)
            .flat_map(|row| {
                chars.iter().enumerate().filter(move |(at, _)| {
                    let phase = at % period;
                    phase.min(period - phase) == row
                })
            })
            .map(|(_, c)| *c)
            .collect()
    }

    fn read_in(text: &str) -> Vec<(Transform, String)> {
        let mut readings = Vec::new();
        read(&Scan::of(text), &mut readings);
        readings.into_iter().filter_map(|r| Some((r.how, r.edits.into_iter().next()?.1))).collect()
    }

    const TEXTS: [&str; 4] = [
        "Bring the blue folder to the second floor and wait there.",
        "Bringen Sie die blaue Mappe in den zweiten Stock und warten Sie.",
        "Принесите синюю папку на второй этаж и подождите там.",
        "Lleve la carpeta azul al segundo piso y espere alli.",
    ];

    #[test]
    fn rails_and_backwards_are_read_in_any_language() {
        for text in TEXTS {
            for rails in 2..=4 {
                let found = read_in(&on_rails(text, rails));
                assert!(found.iter().any(|(_, plain)| plain == text), "{rails} {text} {found:?}");
            }
            let turned: String = text.chars().rev().collect();
            assert!(read_in(&turned).iter().any(|(_, plain)| plain == text), "{text}");
            let html = format!("<p>{turned}</p>");
            assert!(read_in(&html).iter().any(|(_, plain)| plain == text), "{text}");
        }
    }

    #[test]
    fn what_is_in_order_stays() {
        for text in TEXTS {
            assert_eq!(read_in(text), [], "{text}");
        }
        assert_eq!(read_in("let x = f(a, b);\nreturn x + 1;\n"), []);
    }
}
