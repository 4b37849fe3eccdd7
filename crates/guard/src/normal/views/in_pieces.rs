//! Pieces that say where they belong: `[3/7] "…"`, `(80, 'able')`, `6: ' so e'`, `?w0=bring&w1=the`.

use std::ops::Range;

use memchr::{memchr_iter, memchr2};

use super::scan::Scan;
use super::{Reading, Transform};

/// Fewest pieces, of those that say how many there are and of others.
const LEAST_COUNTED: usize = 3;
const LEAST: usize = 6;
/// Most pieces.
const MOST: usize = 20_000;
/// Most texts in pieces.
const MOST_TOTALS: usize = 8;
/// Longest piece in bytes.
const LONGEST: usize = 400;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'/') >= LEAST_COUNTED && scan.has(b'[') + scan.has(b'(') >= LEAST_COUNTED {
        counted(scan.text, readings);
    }
    if scan.has(b'\'') + scan.has(b'"') >= 2 * LEAST {
        keyed(scan.text, readings);
    }
    if scan.has(b'&') + 1 >= LEAST && scan.has(b'=') >= LEAST {
        parameters(scan, readings);
    }
}

/// `[2/3] "…" [1/3] "…"`: each piece goes up to the next mark.
fn counted(text: &str, readings: &mut Vec<Reading>) {
    let mut marks: Vec<(usize, usize, Range<usize>)> = Vec::new();
    for at in memchr_iter(b'/', text.as_bytes()).take(MOST) {
        let before = text.get(..at).unwrap_or_default();
        let after = text.get(at + 1..).unwrap_or_default();
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let of = after.bytes().take_while(u8::is_ascii_digit).count();
        let open = before.get(..at - digits).and_then(|rest| rest.chars().next_back());
        let close = after.get(of..).and_then(|rest| rest.chars().next());
        let brackets = matches!((open, close), (Some('['), Some(']')) | (Some('('), Some(')')));
        let number = |text: Option<&str>| text.and_then(|text| text.parse::<usize>().ok());
        if let (true, Some(number), Some(all)) =
            (brackets, number(before.get(at - digits..)), number(after.get(..of)))
        {
            marks.push((number, all, at - digits - 1..at + of + 2));
        }
    }
    // Those of one text say the same number of all.
    let mut totals: Vec<usize> = marks.iter().map(|(_, all, _)| *all).collect();
    totals.sort_unstable();
    totals.dedup();
    for total in totals.into_iter().take(MOST_TOTALS) {
        let own: Vec<(usize, Range<usize>)> = marks
            .iter()
            .filter(|(number, all, _)| *all == total && (1..=total).contains(number))
            .map(|(number, _, mark)| (*number, mark.clone()))
            .collect();
        readings.extend(of_one(text, &own).map(|edit| Reading::of(Transform::Ordered, vec![edit])));
    }
}

/// The pieces behind marks of one text in their order; nothing where they stand in it.
fn of_one(text: &str, marks: &[(usize, Range<usize>)]) -> Option<(Range<usize>, String)> {
    let (_, first) = marks.first()?;
    let in_order = marks.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0));
    if marks.len() < LEAST_COUNTED || in_order {
        return None;
    }
    let mut pieces: Vec<(usize, &str)> = Vec::new();
    let mut end = first.end;
    for (at, (number, mark)) in marks.iter().enumerate() {
        let next = marks.get(at + 1).map_or(text.len(), |(_, next)| next.start);
        let piece = text.get(mark.end..next).unwrap_or_default();
        // The last one ends with its line.
        let piece = if at + 1 == marks.len() { piece.lines().next().unwrap_or_default() } else { piece };
        end = mark.end + piece.len();
        pieces.push((*number, piece));
    }
    pieces.sort_by_key(|(number, _)| *number);
    let quoted = |piece: &'_ str| -> Option<String> {
        Some(piece.trim().strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    let said = match pieces.iter().map(|(_, piece)| quoted(piece)).collect::<Option<Vec<_>>>() {
        // In quotation marks a piece may end within a word.
        Some(pieces) => pieces.concat(),
        None => pieces.iter().map(|(_, piece)| piece.trim()).collect::<Vec<_>>().join(" "),
    };
    Some((first.start..end, said))
}

/// Strings behind their places: in a dictionary, a row of a table, a record.
fn keyed(text: &str, readings: &mut Vec<Reading>) {
    let bytes = text.as_bytes();
    let mut pieces: Vec<(usize, &str)> = Vec::new();
    let mut range: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(start) = bytes.get(at..).and_then(|rest| memchr2(b'\'', b'"', rest)).map(|skip| at + skip)
    {
        let Some(quote) = bytes.get(start) else { break };
        at = start + 1;
        let before = text.get(..start).unwrap_or_default().trim_end();
        // A place may be in quotation marks, too.
        let sign = before.chars().next_back().filter(|c| matches!(c, ':' | ',' | '>' | '='));
        let before = before.trim_end_matches([':', ',', '>', '=', ' ', '"']);
        let digits = before.bytes().rev().take_while(u8::is_ascii_digit).count();
        let number = before.get(before.len() - digits..).and_then(|digits| digits.parse().ok());
        let (Some(_), Some(number)) = (sign, number) else { continue };
        let rest = bytes.get(start + 1..).unwrap_or_default();
        let rest = rest.get(..rest.len().min(LONGEST)).unwrap_or_default();
        let Some(length) = memchr_iter(*quote, rest).next() else { continue };
        at = start + length + 2;
        if let Some(string) = text.get(start + 1..start + 1 + length)
            && pieces.len() < MOST
        {
            pieces.push((number, string));
            range = Some(range.map_or(before.len() - digits, |range| range.start)..at);
        }
    }
    let in_order = pieces.windows(2).all(|pair| matches!(pair, [a, b] if a.0 <= b.0));
    let Some(range) = range.filter(|_| pieces.len() >= LEAST && !in_order) else { return };
    pieces.sort_by_key(|(number, _)| *number);
    let said: String = pieces.iter().map(|(_, string)| *string).collect();
    readings.push(Reading::of(Transform::Ordered, vec![(range, said)]));
}

/// What the numbered parameters of an address say one after another.
fn parameters(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    for (_, piece) in scan.long() {
        let range = piece.core();
        let Some(text) = scan.text.get(range.clone()) else { continue };
        let Some((address, query)) = text.split_once('?') else { continue };
        let numbered = |pair: &str| {
            let (name, value) = pair.split_once('=')?;
            let digits = name.bytes().rev().take_while(u8::is_ascii_digit).count();
            let number: usize = name.get(name.len() - digits..)?.parse().ok()?;
            Some((number, value.replace('+', " ")))
        };
        let mut values: Vec<(usize, String)> = query.split('&').filter_map(numbered).collect();
        if values.len() < LEAST {
            continue;
        }
        values.sort_by_key(|(number, _)| *number);
        let said: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
        edits.push((range.start + address.len() + 1..range.end, said.join(" ")));
    }
    if !edits.is_empty() {
        readings.push(Reading::of(Transform::Ordered, edits));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_come_together_where_they_belong() {
        let said = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        assert_eq!(
            said("See [3/3] \"lder\" [1/3] \"bring the b\" [2/3] \"lue fo\""),
            ["bring the blue folder"]
        );
        assert_eq!(said("(2/3) the (3/3) folder\n(1/3) bring"), ["bring the folder"]);
        assert_eq!(
            said("(1/2) [3/3] \"lder\" [1/3] \"bring the b\" [2/3] \"lue fo\""),
            ["bring the blue folder"]
        );
        let keys = "Here's it: {\"6\": \"er\", \"1\": \"br\", \"2\": \"ing\", \"4\": \" o\", \"3\": \" it\", \"5\": \"v\"}";
        assert_eq!(said(keys), ["bring it over"]);
        let rows = "(40, 'o'), (8, 'in'), (0, 'br'), (16, 'g '), (32, 'r t'), (24, 'it ove')";
        assert_eq!(said(rows), ["bring it over to"]);
        assert_eq!(
            said("https://x.example/p?w0=bring&w1=it&w2=over&w3=to&w4=the&w5=door"),
            ["bring it over to the door"]
        );
        for text in [
            "[1/3] one [2/3] two [3/3] three",
            "Scores were (3/5), (2/7) and (1/9) that year",
            "rows = [(1, 'a'), (2, 'b'), (3, 'c'), (4, 'd'), (5, 'e'), (6, 'f')]",
            "https://x.example/p?a=1&b=2&c=3&d=4&e=5&f=6",
        ] {
            assert!(said(text).is_empty(), "{text}: {:?}", said(text));
        }
    }
}
