//! Strings of a list that are put together by their places in it: `w = ["re", "igno"]; w[1] + w[0]`, or `[1, 0]`. Letters
//! of a string likewise.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr3_iter};

use super::scan::Scan;
use super::{Reading, Transform};

/// Fewest strings of a list, and most.
const LEAST: usize = 3;
const MOST: usize = 4096;
/// Most lists that are read.
const MOST_LISTS: usize = 8;
/// Most brackets with a string behind them that are tried.
const MOST_TRIED: usize = 64;
/// Most bytes between the brackets of a place.
const LONGEST_PLACE: usize = 12;
/// Most bytes that are made.
const LONGEST: usize = 64 << 10;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    if scan.has(b'[') + scan.has(b'(') < 2 || scan.has(b'"') + scan.has(b'\'') < 2 {
        return;
    }
    letters(text, readings);
    let opens = memchr3_iter(b'[', b'(', b'{', text.as_bytes());
    let begins = |open: &usize| {
        let rest = text.as_bytes().get(open + 1..).unwrap_or_default();
        let first = rest.iter().take(LONGEST_PLACE).find(|b| !b.is_ascii_whitespace());
        matches!(first, Some(b'"' | b'\'' | b'`'))
    };
    let mut done = 0;
    let mut lists = 0;
    for open in opens.filter(begins).take(MOST_TRIED) {
        if open < done {
            continue;
        }
        let Some((strings, end)) = strings(text, open) else { continue };
        done = end;
        lists += 1;
        if lists > MOST_LISTS {
            return;
        }
        let rest = text.get(end..).unwrap_or_default();
        let name = name_before(text, open);
        let by_name = name.and_then(|name| terms(rest, name, strings.len()));
        let Some((places, length)) = by_name.or_else(|| order(rest, strings.len())) else { continue };
        let said: String = places.iter().filter_map(|place| strings.get(*place).copied()).collect();
        if said.len() <= LONGEST {
            let start = name.map_or(open, |name| name.as_ptr() as usize - text.as_ptr() as usize);
            readings.push(Reading::alone(Transform::Concatenated, (start..end + length, said)));
        }
    }
}

/// `s = "eongir"; [s[i] for i in (4, 3, ...)]`: a list of numbers, and the one string that has as many letters.
fn letters(text: &str, readings: &mut Vec<Reading>) {
    const LEAST: usize = 12;
    let bytes = text.as_bytes();
    for open in memchr_iter(b'[', bytes).take(4 * MOST_LISTS) {
        let Some(length) = bytes.get(open + 1..).and_then(|rest| memchr(b']', rest)) else { return };
        let inside = text.get(open + 1..open + 1 + length).unwrap_or_default();
        let numbers: Option<Vec<usize>> =
            inside.split(',').map(|number| number.trim().parse().ok()).collect();
        let Some(numbers) = numbers.filter(|numbers| numbers.len() >= LEAST) else { continue };
        let most = numbers.iter().max().copied().unwrap_or(0);
        // Each letter stands there once, or all of them as often as they are needed.
        let string = quoted(text).find(|(_, string)| {
            let count = string.chars().count();
            count > most && count <= most + 2
        });
        if let Some((at, string)) = string {
            let letters: Vec<char> = string.chars().collect();
            let said = numbers.iter().filter_map(|number| letters.get(*number)).collect();
            let end = (open + length + 2).max(at + string.len());
            readings.push(Reading::alone(Transform::Concatenated, (at.min(open)..end, said)));
            return;
        }
    }
}

/// The strings of a text, and where they begin.
fn quoted(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + memchr2(b'"', b'\'', text.as_bytes().get(at..)?)?;
        let quote = *text.as_bytes().get(start)?;
        let length = memchr(quote, text.as_bytes().get(start + 1..)?)?;
        at = start + length + 2;
        Some((start + 1, text.get(start + 1..start + 1 + length)?))
    })
}

/// The strings of the list that opens at `open`, and where it ends.
fn strings(text: &str, open: usize) -> Option<(Vec<&str>, usize)> {
    let bytes = text.as_bytes();
    let mut strings = Vec::new();
    let mut at = open + 1;
    let skip = |at: usize| {
        bytes.get(at..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).count())
    };
    loop {
        at += skip(at);
        let quote = *bytes.get(at)?;
        if matches!(quote, b']' | b')' | b'}') && !strings.is_empty() {
            break;
        }
        if !matches!(quote, b'"' | b'\'' | b'`') {
            return None;
        }
        let length = memchr(quote, bytes.get(at + 1..)?)?;
        strings.push(text.get(at + 1..at + 1 + length)?);
        at += length + 2;
        at += skip(at);
        match bytes.get(at)? {
            b',' | b';' => at += 1,
            b']' | b')' | b'}' => {}
            _ => return None,
        }
        if strings.len() > MOST {
            return None;
        }
    }
    (strings.len() >= LEAST).then_some((strings, at + 1))
}

/// The name that a list is given, the last one before its bracket: `const w = [`, `w := []string{`, `@w = (`.
fn name_before(text: &str, open: usize) -> Option<&str> {
    let before = text.get(..open)?;
    let line = before.get(before.rfind('\n').map_or(0, |end| end + 1)..)?;
    let (left, _) = line.rsplit_once('=')?;
    let left = left.trim_end_matches([':', ' ', '[', ']', '\t']);
    let start = left
        .rfind(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .map_or(0, |at| at + left.get(at..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8));
    left.get(start..).filter(|name| !name.is_empty())
}

/// The places in `w[3] + w[0] + ...`, in their order, and where the last one ends.
fn terms(rest: &str, name: &str, count: usize) -> Option<(Vec<usize>, usize)> {
    let bytes = rest.as_bytes();
    let mut places = Vec::new();
    let mut end = 0;
    for open in memchr_iter(b'[', bytes) {
        let before = rest.get(..open).unwrap_or_default();
        let Some(left) = before.strip_suffix(name) else { continue };
        if left.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
            continue;
        }
        // A place has few digits, so that no bracket is looked for far away.
        let start = rest.get(open + 1..).unwrap_or_default();
        let start = start.get(..start.floor_char_boundary(LONGEST_PLACE)).unwrap_or_default();
        let inside = start.split_once(']');
        let Some(place) =
            inside.and_then(|(place, _)| place.trim().parse().ok()).filter(|place| *place < count)
        else {
            continue;
        };
        places.push(place);
        end = open + 1 + inside.map_or(0, |(place, _)| place.len() + 1);
        if places.len() > MOST {
            break;
        }
    }
    (places.len() >= LEAST).then_some((places, end))
}

/// The first list of numbers behind it that is an order of all its strings, from none or one on.
fn order(rest: &str, count: usize) -> Option<(Vec<usize>, usize)> {
    let bytes = rest.as_bytes();
    memchr_iter(b'[', bytes).take(MOST_LISTS).find_map(|open| {
        let inside: Range<usize> = open + 1..open + 1 + memchr(b']', bytes.get(open + 1..)?)?;
        let numbers: Vec<usize> = rest
            .get(inside.clone())?
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect::<Option<_>>()?;
        if numbers.len() != count {
            return None;
        }
        let mut seen = vec![false; count];
        let first = *numbers.iter().min()?;
        for number in &numbers {
            let place = seen.get_mut(number.checked_sub(first)?)?;
            if std::mem::replace(place, true) {
                return None;
            }
        }
        (first <= 1).then(|| (numbers.iter().map(|number| number - first).collect(), inside.end + 1))
    })
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
    fn strings_come_in_the_order_that_is_asked_for() {
        for text in [
            r#"const w = ["over", "or", " the do", "jump "]; run(w[3] + w[0] + w[2] + w[1]);"#,
            "@w = ('over', 'or', ' the do', 'jump ');\nprint $w[3].$w[0].$w[2].$w[1];",
            r#"w=["over","or"," the do","jump "]; "".join(w[i] for i in [3, 0, 2, 1])"#,
            r#"w=["over","or"," the do","jump "]; [4,1,3,2].map(i => w[i-1]).join("")"#,
        ] {
            assert_eq!(said(text), ["jump over the door"], "{text}");
        }
        for text in [
            r#"days = ["mon", "tue", "wed"]; first = days[0]"#,
            r#"w = ["a", "b", "c"]; x = [1, 2]; y = [7, 8, 9]; z = [0, 0, 1]"#,
            r#"["a", "b", "c", [1, 2"#,
        ] {
            assert!(said(text).is_empty(), "{text}");
        }
    }
}
