//! Letters in another order: backwards, each word backwards, dealt out over rails.
//!
//! Which order is language is told by pairs of neighbours, in any alphabet. Read line by line and element by
//! element, so that what surrounds such a text does not hide it.

use std::ops::Range;

use super::pairs::Order;
use super::scan::{Kind, Scan};
use super::{Reading, Transform};

/// Characters of a part that are looked at.
const SAMPLE: usize = 240;
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
const MOST_RAILED: usize = 6;
const MOST_TURNED: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let parts = parts(scan);
    backwards(scan.text, &parts, readings);
    rails(scan.text, &parts, readings);
}

/// A line, or what stands between tags.
struct Part {
    range: Range<usize>,
    /// Half of its words are known, so that its letters stand as they should.
    plain: bool,
}

fn parts(scan: &Scan<'_>) -> Vec<Part> {
    /// A word in fifty is known by chance.
    const KNOWN: usize = 3;
    let mut pieces = scan.pieces.iter().peekable();
    scan.text
        .split(['\n', '<', '>'])
        .map(|part| {
            let start = part.as_ptr() as usize - scan.text.as_ptr() as usize;
            let range = start..start + part.len();
            let (mut known, mut others) = (0, 0);
            while let Some(piece) = pieces.next_if(|piece| piece.core.start < range.end) {
                match piece.kind {
                    Kind::Known => known += 1,
                    Kind::Unknown | Kind::Mixed | Kind::Foreign => others += 1,
                    Kind::Pair | Kind::Single | Kind::Number | Kind::Signs => {}
                }
            }
            Part { range, plain: known >= KNOWN && known >= others }
        })
        .collect()
}

/// Whether a part, or what stands in quotation marks in it, is written backwards; nothing where that cannot
/// be told.
fn is_backwards(part: &str) -> Option<bool> {
    let mut told = None;
    for piece in part.split('"') {
        let order = Order::of(piece.chars().take(SAMPLE));
        if order.pairs < LEAST {
            continue;
        }
        let (there, back) = (order.mean(), order.mean_backwards());
        if is_clear(order) {
            return Some(true);
        }
        if there > back + CLEARER / 2 {
            told = Some(false);
        }
    }
    told
}

fn is_clear(order: Order) -> bool {
    let gain = order.mean_backwards().saturating_sub(order.mean());
    gain >= CLEARER
        && gain * order.pairs >= CLEARER_IN_ALL
        && order.mean_backwards() >= order.needed(LANGUAGE)
}

fn backwards(text: &str, parts: &[Part], readings: &mut Vec<Reading>) {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<Range<usize>> = None;
    for Part { range: part, plain } in parts {
        let told = match plain {
            true if !text.get(part.clone()).is_some_and(|part| part.contains('"')) => Some(false),
            _ => is_backwards(text.get(part.clone()).unwrap_or_default()),
        };
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
        readings.extend(
            turned.into_iter().map(|(how, plain)| Reading { how, edits: vec![(range.clone(), plain)] }),
        );
    }
}

fn rails(text: &str, parts: &[Part], readings: &mut Vec<Reading>) {
    let trimmed = text.trim();
    let start = trimmed.as_ptr() as usize - text.as_ptr() as usize;
    let whole = start..start + trimmed.len();
    let strange = || parts.iter().filter(|part| !part.plain && !part.range.is_empty());
    let lines = strange().map(|part| part.range.clone()).filter(|part| *part != whole);
    let mut tried = 0;
    for part in strange().next().map(|_| whole.clone()).into_iter().chain(lines) {
        if part.len() < RAIL_TEXT.start || part.len() > 4 * RAIL_TEXT.end {
            continue;
        }
        let Some(line) = text.get(part.clone()) else { continue };
        let as_it_is = Order::of(line.chars().take(SAMPLE));
        if as_it_is.pairs < LEAST || as_it_is.mean() > POOR {
            continue;
        }
        tried += 1;
        if tried > MOST_RAILED {
            break;
        }
        let chars: Vec<char> = line.chars().collect();
        if !RAIL_TEXT.contains(&chars.len()) {
            continue;
        }
        let best = (2..=4)
            .map(|rails| (rails, Order::of(off_rails(&chars, rails).into_iter().take(SAMPLE))))
            .max_by_key(|(_, order)| order.mean());
        if let Some((rails, order)) = best
            && order.mean() >= as_it_is.mean() + OFF_RAILS
            && order.mean() >= order.needed(LANGUAGE)
            && order.has_words()
        {
            let plain: String = off_rails(&chars, rails).into_iter().collect();
            let rails = rails as u8;
            readings.push(Reading { how: Transform::Rails { rails }, edits: vec![(part, plain)] });
        }
    }
}

/// The text whose characters were written in a zigzag over `rails` rows and read off row by row.
fn off_rails(chars: &[char], rails: usize) -> Vec<char> {
    let period = 2 * (rails - 1);
    let row = |at: usize| {
        let phase = at % period;
        phase.min(period - phase)
    };
    let mut order: Vec<usize> = (0..chars.len()).collect();
    order.sort_by_key(|at| row(*at));
    let mut plain = vec![' '; chars.len()];
    for (c, at) in chars.iter().zip(order) {
        if let Some(place) = plain.get_mut(at) {
            *place = *c;
        }
    }
    plain
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
