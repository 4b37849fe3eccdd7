//! Percent-encoding (RFC 3986), as whole words or single letters, and the old `%uXXXX`.

use std::ops::Range;

use super::scan::{Scan, sign};
use super::{Reading, Transform, surrogates};

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'%') < 2 {
        return;
    }
    let bytes = scan.text.as_bytes();
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut hits = 0;
    for piece in scan.odd().filter(|piece| piece.has(sign::PERCENT)) {
        let start_of_piece = edits.len();
        let mut at = piece.whole().start;
        let sign =
            |at: usize| bytes.get(at..piece.whole().end).and_then(|b| b.iter().position(|b| *b == b'%'));
        while let Some(skip) = sign(at) {
            at += skip;
            let Some((end, text)) = run(bytes, at, piece.whole().end) else {
                at += 1;
                continue;
            };
            hits += text.chars().count();
            edits.push((at..end, text));
            at = end;
        }
        // A form writes spaces as plus signs.
        if edits.len() > start_of_piece {
            let pluses =
                (piece.whole()).filter(|i| bytes.get(*i) == Some(&b'+')).map(|i| (i..i + 1, " ".to_owned()));
            edits.extend(pluses);
            if let Some(new) = edits.get_mut(start_of_piece..) {
                new.sort_by_key(|(range, _)| range.start);
            }
        }
    }
    if hits >= 2 {
        readings.push(Reading::of(Transform::Percent, edits));
    }
}

/// Consecutive escapes from `at` that are text together.
fn run(bytes: &[u8], start: usize, limit: usize) -> Option<(usize, String)> {
    let mut at = start;
    let mut out: Vec<u8> = Vec::new();
    while at < limit {
        match bytes.get(at..limit)? {
            [b'%', b'u' | b'U', rest @ ..] if rest.len() >= 4 => {
                let code = hex(rest.get(..4)?)?;
                let low = || match rest.get(4..)? {
                    [b'%', b'u' | b'U', low @ ..] => hex(low.get(..4)?),
                    _ => None,
                };
                let (c, units) = surrogates::char_of(code, low)?;
                let mut buffer = [0; 4];
                out.extend(c.encode_utf8(&mut buffer).bytes());
                at += 6 * units;
            }
            [b'%', high, low, ..] => {
                let Some(code) = hex(&[*high, *low]) else { break };
                out.push(u8::try_from(code).ok()?);
                at += 3;
            }
            _ => break,
        }
    }
    let text = String::from_utf8(out).ok()?;
    (at > start && !text.chars().any(|c| c.is_control() && !c.is_whitespace())).then_some((at, text))
}

/// The number that hexadecimal digits write.
pub(super) fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || digits.len() > 8 {
        return None;
    }
    digits.iter().try_fold(0u32, |n, d| Some(n.checked_mul(16)? + char::from(*d).to_digit(16)?))
}
