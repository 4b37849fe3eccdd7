//! Letters in another order: backwards, each word backwards, dealt out over rails.
//!
//! Which order is language is told by pairs of neighbours, in any alphabet. Read line by line and element by
//! element, so that what surrounds such a text does not hide it.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2_iter};

use super::pairs::{Letter, Order};
use super::scan::{Kind, Part, SAMPLE, Scan, is_unseen};
use super::words::Likeness;
use super::zigzag::{Zigzag, bytes_off_rails, mean_off_rails};
use super::{Reading, Transform, backwards_codes, base64, bases, clusters, columns, hex};

/// Fewest pairs of letters that tell which way round they are.
const LEAST: u32 = 16;
/// How much better, in hundredths of a level, letters have to stand backwards or off the rails; a short text
/// has to be clearer.
const CLEARER: u32 = 14;
const CLEARER_IN_ALL: u32 = 600;
const OFF_RAILS: u32 = 30;
const OFF_RAILS_IN_ALL: u32 = 2400;
/// How much better more rails have to be.
const RAIL: u32 = 5;
/// Letters after which rails are given up, and how much they may be short of it then: the mean of as many pairs of a
/// sentence is seldom that far from the mean of all.
const GLANCE: usize = 60;
const DOUBT: u32 = 60;
/// What stands on rails has a poor order as it is.
const POOR: u32 = 860;
/// The order of letters of language.
const LANGUAGE: u32 = 670;
/// Texts on rails, in characters.
const RAIL_TEXT: Range<usize> = 24..16384;
/// Longest text that is turned as a whole, in bytes, though no line of it shows it.
const LONGEST_TURNED: usize = 4096;
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
    // No letter is in more than one pair, and one more ends the last word.
    for piece in part.split('"').filter(|piece| piece.len() + 1 >= LEAST as usize) {
        match way_round(piece, Order::of_start(piece, SAMPLE)) {
            Some(true) => return Some(true),
            way => told = told.or(way),
        }
    }
    told
}

/// Whether letters are written backwards; nothing where that cannot be told.
fn way_round(part: &str, order: Order) -> Option<bool> {
    if order.pairs < LEAST {
        return None;
    }
    if is_clear(order) {
        return has_words_backwards(part).then_some(true);
    }
    (order.mean() > order.mean_backwards() + CLEARER / 2).then_some(false)
}

/// Whether the words of a text speak for reading it backwards as well.
fn has_words_backwards(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(SAMPLE)).unwrap_or(text);
    has_more_words(text, || Likeness::backwards(text.as_bytes()))
}

/// Whether words speak for another order of a text. Letters of addresses and code stand in the order of no language, and
/// better in another by chance.
fn has_more_words(text: &str, other: impl Fn() -> Likeness) -> bool {
    let as_it_is = Likeness::of(text.as_bytes());
    // Of other scripts no words are known.
    if !text.is_ascii() && as_it_is.words < 3 {
        return true;
    }
    let other = other().known;
    if other > as_it_is.known {
        return true;
    }
    // Nor are many of other languages, and one in fifty by chance: but they are words between spaces.
    let signs = text.bytes().filter(u8::is_ascii_punctuation).count();
    let is_language = as_it_is.known * 3 >= as_it_is.words && other < as_it_is.known;
    signs * 8 <= text.len() && !is_language
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
        let quotes = || {
            any_quotes
                && text.get(part.range.clone()).is_some_and(|part| memchr(b'"', part.as_bytes()).is_some())
        };
        let foreign = scan.count(Kind::Foreign) > 0;
        let line = || text.get(part.range.clone()).unwrap_or_default();
        let indic =
            || clusters::is_backwards(line()).or_else(|| clusters::begins_at_its_end(line()).then_some(true));
        let told = match quotes() {
            _ if foreign && let Some(told) = indic() => Some(told),
            true => is_backwards_in_quotes(text.get(part.range.clone()).unwrap_or_default()),
            false if part.plain => Some(false),
            false => way_round(text.get(part.range.clone()).unwrap_or_default(), part.order(text)),
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
    let order_of_all = || match parts {
        [all] if text.len() <= SAMPLE => all.order(text),
        _ => Order::of_start(text, usize::MAX),
    };
    if any_strange && text.len() <= LONGEST_TURNED && is_clear(order_of_all()) && has_words_backwards(text) {
        found.insert(0, 0..text.len());
    }
    if backwards_codes::any(scan) {
        found.insert(0, 0..text.len());
    }
    found.dedup();
    for range in found.into_iter().take(MOST_TURNED) {
        let Some(part) = text.get(range.clone()) else { continue };
        let all = clusters::turned(part);
        let words = |parts: fn(char) -> bool| -> String {
            let mut turned = String::with_capacity(part.len());
            for word in part.split_inclusive(parts) {
                let (word, gap) = word.split_at(word.trim_end_matches(parts).len());
                turned.push_str(&clusters::turned(word));
                turned.push_str(gap);
            }
            turned
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
pub(super) const MARKS: usize = 6;

fn has_marks(text: &str, signs: [&[u8; 2]; 3]) -> bool {
    let bytes = text.as_bytes();
    let starts = memchr2_iter(b'\\', b'&', bytes).filter_map(|at| bytes.get(at..at + 2));
    starts.filter(|start| signs.iter().any(|sign| start == sign)).take(MARKS).count() == MARKS
}

/// Whether letters that are no language are digits of an encoding, marked as such or decodable.
pub(super) fn is_encoded(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with("<~") && text.ends_with("~>"))
        || has_marks(text, [b"\\x", b"\\u", b"&#"])
        || text.matches("U+").take(MARKS).count() == MARKS
        || base64::is_base64(text)
        || hex::is_hex(text)
        || is_percent(text.as_bytes())
        || is_bits(text)
        || is_base32(text)
}

fn is_percent(text: &[u8]) -> bool {
    let is_code =
        |code: &[u8]| matches!(code, [b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit());
    text.len() >= 3 * MARKS && text.chunks(3).all(is_code)
}

/// Whether a text is bytes as bits.
fn is_bits(text: &str) -> bool {
    let is_byte = |byte: &str| byte.len() == 8 && byte.bytes().all(|b| matches!(b, b'0' | b'1'));
    text.len() >= 9 * MARKS && text.split(' ').all(is_byte)
}

fn is_base32(text: &str) -> bool {
    text.len() >= 24
        && text.bytes().all(|b| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7' | b'='))
        && bases::base32(text).is_some()
}

/// In what way characters in some other order may be [encoded](is_encoded).
struct MayBe {
    /// Marks of escapes, references or Base85 are there.
    marked: bool,
    /// All may be digits.
    digits: bool,
}

impl MayBe {
    fn of(text: &str) -> Self {
        let (mut marks, mut waves, mut digits) = (0, 0, true);
        for b in text.bytes() {
            let kind = ENCODED[usize::from(b)];
            marks += usize::from(kind & MARK != 0);
            waves += usize::from(kind & WAVE != 0);
            digits &= kind & ANY_DIGIT != 0;
        }
        Self { marked: marks >= MARKS || waves >= 2, digits }
    }

    /// Whether `all` may be encoded in an order in which it begins so.
    fn begins(&self, start: &[u8], all: &str) -> bool {
        let is_hex = |b: &u8| b.is_ascii_hexdigit() || b.is_ascii_whitespace() || b"xX\\,:-\x0b".contains(b);
        let hex = || start.iter().all(is_hex);
        let capital = |b: &u8| b.is_ascii_uppercase() || matches!(b, b'2'..=b'7' | b'=');
        self.marked || base64::may_begin(start, all.as_bytes()) || hex() || start.iter().all(capital)
    }
}

const MARK: u8 = 1;
const WAVE: u8 = 2;
const ANY_DIGIT: u8 = 4;

/// All that any of the encodings may have in it, and what is cut off at the ends.
static ENCODED: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut at = 0;
    while at < 256 {
        let b = at as u8;
        let sign = matches!(b, b'+' | b'/' | b'-' | b'_' | b'=' | b'>' | b',' | b':' | b'\\' | 0xb);
        let digit = b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || sign;
        kinds[at] = if matches!(b, b'\\' | b'&' | b'%' | b'+') { MARK } else { 0 }
            | if b == b'~' { WAVE } else { 0 }
            | if digit { ANY_DIGIT } else { 0 };
        at += 1;
    }
    kinds
};

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
    let known = parts.first().filter(|part| part.range == all);
    let in_all = strange().next().map(|_| std::iter::once((all.clone(), known)).chain(trimmed));
    let mut tried = 0;
    for (part, known) in in_all.into_iter().flatten().chain(in_parts) {
        if part.len() < RAIL_TEXT.start || part.len() > 4 * RAIL_TEXT.end {
            continue;
        }
        let Some(line) = text.get(part.clone()) else { continue };
        let as_it_is = match known {
            _ if !line.is_ascii() && line.chars().take(SAMPLE).any(is_unseen) => {
                Order::of(line.chars().filter(|c| !is_unseen(*c)).take(SAMPLE))
            }
            Some(part) => part.order(text),
            None => Order::of_start(line, SAMPLE),
        };
        let ordered = as_it_is.pairs < LEAST || as_it_is.mean() > POOR;
        if ordered && !has_digits(line) {
            continue;
        }
        tried += 1;
        if tried > MOST_RAILED {
            break;
        }
        let by_columns = if ordered { None } else { columns::undone(line, as_it_is) };
        if let Some((columns, said)) = by_columns {
            readings.push(Reading::of(Transform::Columns { columns: columns as u8 }, vec![(part, said)]));
            continue;
        }
        let Some(found) = off_any_rails(line, as_it_is, ordered) else {
            guesses(line, &part, as_it_is, readings);
            continue;
        };
        let how = Transform::Rails { rails: found.0 as u8 };
        readings.push(Reading::of(how, vec![(part, found.1)]));
    }
}

/// What a line says off rails, and how many there were, if that is language or an encoding.
fn off_any_rails(line: &str, as_it_is: Order, ordered: bool) -> Option<(usize, String)> {
    // Letters of ASCII are read where they stand.
    let chars: Vec<char> = if line.is_ascii() { Vec::new() } else { line.chars().collect() };
    let count = if chars.is_empty() { line.len() } else { chars.len() };
    if !RAIL_TEXT.contains(&count) {
        return None;
    }
    let off = |rails: usize| {
        let at = |place: usize| match chars.get(place) {
            Some(c) => Some(*c),
            None => line.as_bytes().get(place).copied().map(char::from),
        };
        Zigzag::of(count, rails).filter_map(at)
    };
    // The first letters say whether more of them are worth a look.
    let promising =
        |mean: u32, needed: u32| mean + DOUBT >= as_it_is.mean() + OFF_RAILS && mean + DOUBT >= needed;
    let order = |rails: usize| {
        if !chars.is_empty() {
            // What shows nothing stands on rails as well.
            let seen = || off(rails).filter(|c| !is_unseen(*c)).map(Letter::of);
            let glance = Order::of_letters(seen().take(GLANCE));
            return promising(glance.mean(), glance.needed(LANGUAGE))
                .then(|| (rails, Order::of_letters(seen().take(SAMPLE))));
        }
        promising(mean_off_rails(line.as_bytes(), rails, GLANCE), LANGUAGE).then(|| {
            let mut letters = [0; SAMPLE];
            let filled = bytes_off_rails(line.as_bytes(), rails, &mut letters);
            (rails, Order::of_latin(letters.get(..filled).unwrap_or_default()))
        })
    };
    // Of nearly equals the one with fewer rails, which are more usual.
    let tried = if ordered { 2..2 } else { 2..5 };
    let best = tried.filter_map(order).max_by_key(|(rails, order)| order.mean() + RAIL * (4 - *rails as u32));
    if let Some((rails, order)) = best
        && order.mean() >= order.needed(LANGUAGE)
        && order.has_words()
    {
        let gain = order.mean().saturating_sub(as_it_is.mean());
        let is_clear = gain >= OFF_RAILS || (gain >= CLEARER && gain * order.pairs >= OFF_RAILS_IN_ALL);
        let start: String = off(rails).take(SAMPLE).collect();
        let there = line.get(..line.floor_char_boundary(SAMPLE)).unwrap_or(line);
        let words =
            || Likeness::of(start.as_bytes()).is_language() && !Likeness::of(there.as_bytes()).is_language();
        if ((is_clear && has_more_words(there, || Likeness::of(start.as_bytes())))
            || (gain >= CLEARER && words()))
            // A few accents in a word of Latin letters are as many either way.
            && seams(&start) <= seams(there) * 3 / 2 + 4
        {
            return Some((rails, off(rails).collect()));
        }
    }
    let spaces = memchr_iter(b' ', line.as_bytes()).count();
    let pairs = || line.bytes().all(|b| b.is_ascii_hexdigit() || b == b' ');
    if spaces * 20 > count && !pairs() {
        return None;
    }
    let may_be = MayBe::of(line);
    if !(may_be.digits || may_be.marked) || is_encoded(line) {
        return None;
    }
    (2..=4).find_map(|rails| {
        let mut start = [0; GLANCE];
        let filled = bytes_off_rails(line.as_bytes(), rails, &mut start);
        if chars.is_empty() && !may_be.begins(start.get(..filled)?, line) {
            return None;
        }
        Some((rails, off(rails).collect::<String>())).filter(|(_, plain)| is_encoded(plain))
    })
}

/// How often a letter of ASCII stands beside one that is none. Rails mix the scripts of a text; off them they part again.
fn seams(text: &str) -> usize {
    let pairs = text.chars().zip(text.chars().skip(1));
    let is_seam = |a: char, b: char| a.is_ascii_alphabetic() && !b.is_ascii() && b.is_alphabetic();
    if text.is_ascii() { 0 } else { pairs.filter(|(a, b)| is_seam(*a, *b) || is_seam(*b, *a)).count() }
}

/// Whether a line has as many digits and marks as an encoding without letters, as its beginning tells.
fn has_digits(line: &str) -> bool {
    const BEGINNING: usize = 1024;
    let line = line.as_bytes().get(..line.len().min(BEGINNING)).unwrap_or_default();
    let digits = line.iter().filter(|b| b.is_ascii_digit() || matches!(b, b'\\' | b'&' | b'%')).count();
    digits * 3 >= line.len()
}

/// Letters in no order that any language has may have been put out of it twice.
fn guesses(line: &str, part: &Range<usize>, as_it_is: Order, readings: &mut Vec<Reading>) {
    const DISORDER: u32 = 740;
    // Of few languages in other letters is it known how poor their order is.
    let is_latin = || line.bytes().filter(u8::is_ascii_alphabetic).count() * 3 >= line.len() * 2;
    if as_it_is.pairs < LEAST || as_it_is.mean() >= DISORDER || line.len() > LONGEST_TURNED || !is_latin() {
        return;
    }
    let rails = || {
        let ascii = || line.bytes().map(char::from).collect();
        let chars: Vec<char> = if line.is_ascii() { ascii() } else { line.chars().collect() };
        Zigzag::of(chars.len(), 2).filter_map(|at| chars.get(at)).collect::<String>()
    };
    let words = || {
        let mut turned = String::with_capacity(line.len());
        for word in line.split_inclusive(' ') {
            let letters = word.strip_suffix(' ').unwrap_or(word);
            turned.extend(letters.chars().rev());
            turned.push_str(word.get(letters.len()..).unwrap_or_default());
        }
        turned
    };
    let ways: [(Transform, &dyn Fn() -> String); 2] =
        [(Transform::Rails { rails: 2 }, &rails), (Transform::WordsReversed, &words)];
    for (how, text) in ways {
        let text = text();
        let order = Order::of_start(&text, SAMPLE);
        // Of so many orders one is soon a little better: words have to come of it.
        let words = |(_, plain): &(usize, String)| Likeness::of(plain.as_bytes()).is_language();
        if off_any_rails(&text, order, false).is_some_and(|found| words(&found)) {
            readings.push(Reading::guess(how, vec![(part.clone(), text)]));
        }
    }
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

    proptest::proptest! {
        #[test]
        fn what_may_not_be_encoded_is_not(
            plain in "[a-z]{1,20}",
            digits in "[A-Za-z0-9+/]{24,90}|[0-9a-f]{20,60}|(\\\\x6[1-9]){4,12}|(&#10[0-9];){4,9}",
            coded in 0u8..3,
        ) {
            use ::base64::Engine as _;
            let text = match coded {
                0 => super::base64::STANDARD.encode(plain.repeat(3)),
                1 => super::base64::STANDARD.encode(plain.repeat(2).encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()),
                _ => digits,
            };
            for rails in 2..=4 {
                let line = on_rails(&text, rails);
                let may_be = MayBe::of(&line);
                let start = &text.as_bytes()[..text.len().min(GLANCE)];
                let may = (may_be.digits || may_be.marked) && may_be.begins(start, &line);
                proptest::prop_assert!(may || !is_encoded(&text), "{text}");
            }
        }
    }
}
