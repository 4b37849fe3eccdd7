//! Text as formats carry it that place or hide each part of it: strings of a PDF's content, cues of subtitles, addresses
//! that a page keeps from robots, elements that a style sheet puts in another order.

use std::ops::Range;

use memchr::{memchr_iter, memmem};

use super::scan::Scan;
use super::{Reading, Transform};

/// Most parts of one text, and bytes of one.
const MOST: usize = 20_000;
const LONGEST: usize = 400;
/// Fewest elements that stand in another order.
const LEAST_ORDERED: usize = 6;
/// Fewest cues.
const LEAST_CUES: usize = 2;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'(') >= 2 {
        shown(scan.text, readings);
    }
    if scan.has(b'>') >= LEAST_CUES && scan.has(b':') >= 4 * LEAST_CUES {
        cues(scan, readings);
    }
    if scan.has(b'<') >= 1 && scan.has(b'"') >= 2 {
        kept_from_robots(scan.text, readings);
    }
    if scan.has(b'<') >= 2 * LEAST_ORDERED && scan.has(b':') >= LEAST_ORDERED {
        by_style(scan.text, readings);
    }
}

/// `[(Ig)-20(nore)] TJ (all) Tj`: what a page of a PDF shows, string by string. A wide gap between two is a space
/// (ISO 32000, 9.4.3).
fn shown(text: &str, readings: &mut Vec<Reading>) {
    /// Thousandths of an em, from which a gap is one between words.
    const GAP: f32 = -180.0;
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    // Behind the operator before, so that nothing is looked through twice.
    let mut from = 0;
    let next = |at: usize| text.as_bytes().get(at + 1).copied();
    let operators = memchr_iter(b'T', text.as_bytes()).filter(|at| matches!(next(*at), Some(b'J' | b'j')));
    for operator in operators.take(MOST) {
        let many = next(operator) == Some(b'J');
        let before = text.get(from..operator).unwrap_or_default().trim_end();
        let start = match (many, before.chars().next_back()) {
            (true, Some(']')) => before.rfind("[(").or_else(|| before.rfind('[')),
            (false, Some(')')) => before.rfind('('),
            _ => continue,
        };
        let Some((start, mut rest)) = start.and_then(|at| Some((from + at, before.get(at..)?))) else {
            continue;
        };
        from = operator + 2;
        let mut said = String::new();
        while let Some((gap, behind)) = rest.split_once('(') {
            if gap.trim().parse::<f32>().is_ok_and(|gap| gap <= GAP) {
                said.push(' ');
            }
            let (string, after) = string(behind);
            said.push_str(&string);
            rest = after;
        }
        if !said.is_empty() {
            edits.push((start..from, said));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Concatenated, edits));
    }
}

/// A string up to its bracket, and what stands behind it.
fn string(text: &str) -> (String, &str) {
    let mut said = String::new();
    let (mut depth, mut escaped) = (0usize, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => {
                said.push(if c == 'n' || c == 'r' { ' ' } else { c });
                escaped = false;
            }
            '\\' => escaped = true,
            '(' => {
                depth += 1;
                said.push(c);
            }
            ')' if depth == 0 => return (said, text.get(at + 1..).unwrap_or_default()),
            ')' => {
                depth -= 1;
                said.push(c);
            }
            c => said.push(c),
        }
    }
    (said, "")
}

/// Subtitles without their times: `00:00:01.400 --> 00:00:02.800` (WebVTT, SubRip).
fn cues(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let is_time = |line: &str| {
        line.split_once("-->").is_some_and(|(from, to)| {
            let numbers = |part: &str| {
                let part = part.trim().split(' ').next().unwrap_or_default();
                part.len() >= 5 && part.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | ','))
            };
            numbers(from) && numbers(to)
        })
    };
    let (mut said, mut count): (Vec<&str>, usize) = (Vec::new(), 0);
    let mut range: Option<Range<usize>> = None;
    for (start, line) in scan.lines() {
        let time = is_time(line);
        count += usize::from(time);
        if range.is_none() && !time {
            continue;
        }
        range = Some(range.map_or(start, |range| range.start)..start + line.len());
        let words = line.trim();
        // Cues may be numbered, and name who speaks: `<v Anna>`.
        let words =
            words.split_once('>').filter(|(tag, _)| tag.starts_with("<v")).map_or(words, |(_, said)| said);
        if !time && !words.is_empty() && !words.bytes().all(|b| b.is_ascii_digit()) {
            said.push(words);
        }
    }
    if let Some(range) = range.filter(|_| count >= LEAST_CUES) {
        readings.push(Reading::of(Transform::Ordered, vec![(range, said.join(" "))]));
    }
}

/// `<span data-cfemail="…">`: bytes under the first one, as pages keep addresses from robots.
fn kept_from_robots(text: &str, readings: &mut Vec<Reading>) {
    const NAME: &str = "data-cfemail=\"";
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), NAME).take(MOST) {
        let Some(digits) = text.get(at + NAME.len()..).and_then(|rest| rest.split('"').next()) else {
            continue;
        };
        let pairs = digits.as_bytes().chunks_exact(2).map(|pair| std::str::from_utf8(pair).unwrap_or("-"));
        let Ok(bytes) = pairs.map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<Vec<u8>, _>>() else {
            continue;
        };
        let Some((key, kept)) = bytes.split_first() else { continue };
        let said: Vec<u8> = kept.iter().map(|byte| byte ^ key).collect();
        if let Ok(said) = String::from_utf8(said) {
            edits.push((at..at + NAME.len() + digits.len() + 1, said));
        }
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Xored, edits));
    }
}

/// `<i style="order:2">b</i><i style="order:1">a</i>`: elements in the order in which a page shows them.
fn by_style(text: &str, readings: &mut Vec<Reading>) {
    let mut items: Vec<(i64, Range<usize>, &str)> = Vec::new();
    for at in memmem::find_iter(text.as_bytes(), b"order:").take(MOST) {
        let before = text.as_bytes().get(at.wrapping_sub(1));
        // A border is none.
        if before.is_some_and(|b| b.is_ascii_alphabetic() || *b == b'-') {
            continue;
        }
        let rest = text.get(at + 6..).unwrap_or_default();
        let rest = rest.get(..rest.floor_char_boundary(LONGEST)).unwrap_or_default();
        let trimmed = rest.trim_start();
        let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(trimmed.len());
        let Some(order) = trimmed.get(..digits).and_then(|digits| digits.parse().ok()) else { continue };
        let Some((start, said)) = rest.find('>').and_then(|open| {
            let inner = rest.get(open + 1..)?;
            Some((open + 1, inner.get(..inner.find('<')?)?))
        }) else {
            continue;
        };
        items.push((order, at..at + 6 + start + said.len(), said));
    }
    let in_order = items.windows(2).all(|pair| matches!(pair, [a, b] if a.0 <= b.0));
    let (Some(first), Some(last)) = (items.first(), items.last()) else { return };
    if items.len() < LEAST_ORDERED || in_order {
        return;
    }
    let range = first.1.start..last.1.end;
    items.sort_by_key(|(order, ..)| *order);
    let words = items.iter().filter(|(.., said)| said.chars().count() > 2).count();
    let between = if words * 2 > items.len() { " " } else { "" };
    let said: Vec<String> =
        items.iter().map(|(.., said)| said.replace("&nbsp;", " ").replace('\u{a0}', " ")).collect();
    readings.push(Reading::of(Transform::Ordered, vec![(range, said.join(between))]));
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
    fn parts_come_together_as_they_are_shown() {
        assert_eq!(
            said("BT /F1 9 Tf [(bri)-20(ng t)36(he)-250(blue \\(big\\))] TJ ET"),
            ["bring the blue (big)"]
        );
        assert_eq!(
            said(
                "WEBVTT\n\n00:00:00.000 --> 00:00:01.400\n<v A>bring the\n\n00:00:01.400 --> 00:00:02.000\nblue folder\n"
            ),
            ["bring the blue folder"]
        );
        assert_eq!(said("<a data-cfemail=\"2a4b6a48044349\">x</a>"), ["a@b.ic"]);
        let order = |at: usize, c: char| format!("<i style=\"order:{at}\">{c}</i>");
        let page: String =
            [(4, 'd'), (1, 'a'), (6, 'f'), (2, 'b'), (3, 'c'), (5, 'e')].map(|(at, c)| order(at, c)).concat();
        assert_eq!(said(&page), ["abcdef"]);
        for text in
            ["f(a) and g(b) at 10:30 <b>x</b>", "<i style=\"order:1\">a</i><i style=\"order:2\">b</i>"]
        {
            assert!(said(text).is_empty(), "{text}");
        }
    }
}
