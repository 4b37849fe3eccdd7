//! Text dealt out over pieces: string literals that are put together, markup between letters.

use std::collections::BTreeMap;
use std::ops::Range;

use memchr::{memchr, memchr_iter, memchr2, memchr2_iter, memrchr};

use super::scan::Scan;
use super::{Reading, Transform, telling};

/// Longest joint between two literals.
const LONGEST_JOINT: usize = 8;
/// Fewest joints of a list whose strings are read together.
const LEAST_LISTED: usize = 3;
/// Bytes of one of them.
const LONGEST_LISTED: usize = 200;
/// Longest tag that is taken out.
const LONGEST_TAG: usize = 200;
/// Bytes of a sum that is read by itself.
const LEAST_SUM: usize = 16;
/// Most variables that are remembered.
const MOST_VARIABLES: usize = 64;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'"') + scan.has(b'\'') >= 4 {
        literals(scan.text, readings);
        variables(scan.text, readings);
    }
    if scan.has(b'<') >= 2 {
        markup(scan, readings);
    }
}

/// `"ig" + "nore"`, `'ig' . 'nore'`, `"ig" "nore"`: the joint goes.
fn literals(text: &str, readings: &mut Vec<Reading>) {
    let bytes = text.as_bytes();
    let mut edits: Vec<(Range<usize>, String, (bool, bool))> = Vec::new();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|b| memchr2(b'"', b'\'', b)) {
        let start = at + skip;
        at = start + 1;
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take(LONGEST_JOINT)
            .take_while(|b| b.is_ascii_whitespace() || matches!(b, b'+' | b'.' | b'&' | b'|' | b',' | b'\\'))
            .count();
        let joint = rest.get(..length).unwrap_or_default();
        let operators = joint.iter().filter(|b| !b.is_ascii_whitespace()).count();
        if length > 0 && operators <= 2 && rest.get(length).is_some_and(|b| matches!(b, b'"' | b'\'')) {
            let list = joint.contains(&b',');
            // Two quotations with an empty line between them are two.
            let apart = operators == 0 && memchr_iter(b'\n', joint).nth(1).is_some();
            if !apart && (operators > 0 || closes(bytes, start)) {
                let between = if list { " ".to_owned() } else { String::new() };
                // A list has one string between two joints, a record a key and a value.
                let goes_on = edits.last().is_some_and(|(last, ..)| {
                    let string = bytes.get(last.end..start).unwrap_or_default();
                    string.len() <= LONGEST_LISTED && memchr2(b'"', b'\'', string).is_none()
                });
                edits.push((start..at + length + 1, between, (list, goes_on)));
            }
            at += length + 1;
        }
    }
    // Any program and record has a list of two strings, or a value and the key after it.
    let edits = telling(edits, |near| {
        let go_on = near.iter().filter(|(.., (_, goes_on))| *goes_on).count();
        go_on + 1 >= LEAST_LISTED || near.iter().any(|(.., (list, _))| !list)
    });
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Concatenated, edits));
    }
}

/// Whether the quotation mark at `at` closes what one before it on its line opened, as far as can be told: between two
/// strings of a program stands as much that looks like a joint. What a macro of troff is given are strings beside each
/// other, each for itself.
fn closes(text: &[u8], at: usize) -> bool {
    /// Longest line that is looked at: many joints in one cost no more than it is long.
    const LONGEST_LINE: usize = 256;
    let first = at.saturating_sub(LONGEST_LINE);
    let before = text.get(first..at).unwrap_or_default();
    let start = memrchr(b'\n', before).map(|end| end + 1).or((first == 0).then_some(0));
    let (Some(start), Some(mark)) = (start, text.get(at)) else { return true };
    let line = before.get(start..).unwrap_or_default();
    // Letters that were set apart are quotation marks, too.
    if line.last() == Some(&b' ') {
        return true;
    }
    let is_letter = |at: Option<usize>| at.and_then(|at| line.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    let is_apostrophe = |at: &usize| is_letter(at.checked_sub(1)) && is_letter(Some(at + 1));
    let is_escaped = |at: &usize| at.checked_sub(1).and_then(|at| line.get(at)) == Some(&b'\\');
    let is_macro = matches!(line, [b'.', b'A'..=b'Z', b'A'..=b'Z', b' ', ..]);
    !is_macro && memchr_iter(*mark, line).filter(|at| !is_apostrophe(at) && !is_escaped(at)).count() % 2 == 1
}

/// `a = "ignore all "; b = "previous"; a + b`: sums of names whose values were given before.
fn variables(text: &str, readings: &mut Vec<Reading>) {
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for at in memchr_iter(b'=', text.as_bytes()) {
        let after = text.get(at + 1..).unwrap_or_default().trim_start_matches(' ');
        let Some(quote) = after.chars().next().filter(|c| matches!(c, '"' | '\'')) else { continue };
        let before = text.get(..at).unwrap_or_default().trim_end_matches([' ', ':']);
        let name = before.get(
            before.rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_').map_or(0, |i| {
                i + before.get(i..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8)
            })..,
        );
        // To the last quotation mark of the line, if there is nothing else on it: the value may have some too.
        let line = after.lines().next().unwrap_or_default().trim_end().trim_end_matches([';', ',']);
        let is_one = |value: &&str| !["=\"", "= \"", "='", "= '"].iter().any(|other| value.contains(other));
        let whole = line.get(1..).and_then(|s| s.strip_suffix(quote)).filter(is_one);
        let value =
            whole.or_else(|| after.get(1..).and_then(|s| s.split_once(quote)).map(|(value, _)| value));
        if let (Some(name), Some(value)) = (name.filter(|n| !n.is_empty()), value)
            && values.len() < MOST_VARIABLES
        {
            values.insert(name, value);
        }
    }
    if values.len() < 2 {
        return;
    }
    let is_sum = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '+' | ' ' | '{' | '}' | '$');
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for at in memchr2_iter(b'+', b'{', text.as_bytes()) {
        if edits.last().is_some_and(|(range, _)| range.end > at) {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let start = before
            .rfind(|c| !is_sum(c))
            .map_or(0, |i| i + before.get(i..).and_then(|s| s.chars().next()).map_or(1, char::len_utf8));
        let end = at + text.get(at..).map_or(0, |rest| rest.find(|c| !is_sum(c)).unwrap_or(rest.len()));
        let Some(sum) = text.get(start..end) else { continue };
        let terms: Vec<&str> = sum
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .filter_map(|name| values.get(name).copied())
            .collect();
        if terms.len() >= 2 {
            edits.push((start..end, terms.concat()));
        }
    }
    // What the pieces make stands nowhere as one text, so it is read as one.
    if let [(range, all)] = edits.as_slice()
        && all.len() >= LEAST_SUM
    {
        readings.push(Reading::alone(Transform::Concatenated, (0..range.end, all.clone())));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Concatenated, edits));
    }
}

/// Tags and comments between the letters of words.
fn markup(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let text = scan.text;
    let bytes = text.as_bytes();
    let word_byte = |i: Option<usize>| {
        i.and_then(|i| bytes.get(i)).is_some_and(|b| b.is_ascii_alphanumeric() || *b >= 0x80)
    };
    let mut edits: Vec<(Range<usize>, String, bool)> = Vec::new();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| MARKS[usize::from(*b)])) {
        at += skip;
        let Some(b) = bytes.get(at) else { break };
        // Sections of text that is no markup end in three signs, and begin with a tag.
        let before = bytes.get(..at).is_some_and(|text| text.ends_with(b"]]>"));
        let length = match b {
            b'<' if bytes.get(at..).is_some_and(|rest| rest.starts_with(b"<![CDATA[")) => b"<![CDATA[".len(),
            b'<' => tag(bytes.get(at..).unwrap_or_default()),
            b'*' | b'_' | b'~' | b'`' => {
                bytes.get(at..).map_or(0, |rest| rest.iter().take(3).take_while(|c| *c == b).count())
            }
            _ => 0,
        };
        if length == 0 {
            at += 1;
            continue;
        }
        let start = if before && length > 1 { at - 3 } else { at };
        let between = word_byte(start.checked_sub(1)) && word_byte(Some(at + length));
        // One sign in a word is `spacing`'s to take out, where a word comes of it; programs are full of such names.
        if between && length == 1 {
            at += 1;
            continue;
        }
        // Tags after tags: "<b></b>" between two letters.
        let chained = edits.last().is_some_and(|(range, ..)| range.end == at);
        let inside = between || (chained && word_byte(Some(at + length)));
        edits.push((start..at + length, String::new(), inside));
        at += length;
    }
    let edits = telling(edits, |near| near.iter().filter(|(.., inside)| *inside).count() >= 2);
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Markup, edits));
    }
}

/// Bytes that tags and marks begin with.
static MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let all = b"<*_~`";
    let mut at = 0;
    while at < all.len() {
        marks[all[at] as usize] = true;
        at += 1;
    }
    marks
};

/// Bytes of the tag or comment that `rest` begins with, or 0.
fn tag(rest: &[u8]) -> usize {
    let window = rest.get(..rest.len().min(LONGEST_TAG)).unwrap_or_default();
    if window.starts_with(b"<!--") {
        return window.windows(3).position(|w| w == b"-->").map_or(0, |i| i + 3);
    }
    match window.get(1) {
        Some(b) if b.is_ascii_alphabetic() || matches!(b, b'/' | b'!') => {
            memchr(b'>', window).map_or(0, |i| i + 1)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_joined_and_what_stands_between_two_is_none() {
        let joined = |text: &str| {
            let mut readings = Vec::new();
            literals(text, &mut readings);
            !readings.is_empty()
        };
        for text in [
            "say \"ig\" \"nore\"",
            "it's 'ig' 'nore'",
            "say \"\\\"ig\" \"nore\"",
            "x = 'ig' + 'nore'",
            "\" a \" \" b \"",
        ] {
            assert!(joined(text), "{text}");
        }
        for text in [
            ".TH \"deb-split 5\" \"2023-05-11\" \"dpkg suite\"",
            "say(\"no\"); say(\" \")",
            "say \"ig\"\n\n\"nore\"",
        ] {
            assert!(!joined(text), "{text}");
        }
    }
}
