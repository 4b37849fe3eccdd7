//! ROT13 of letters and ROT5 of digits, over words in leetspeak: their digits were letters, and are others now.

use std::ops::Range;

use super::leet::usual_letter;
use super::scan::{Kind, Scan};
use super::words::Hash;
use super::{Reading, Transform};

/// Fewest words that are known once both are undone.
const LEAST: usize = 4;
/// Words that are looked at.
const SAMPLE: usize = 48;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.count(Kind::Mixed) < LEAST {
        return;
    }
    let mut known = [0; 2];
    let mut all = 0;
    let mut ends: Option<Range<usize>> = None;
    let mixed = || scan.odd().filter(|piece| piece.kind == Kind::Mixed);
    for piece in mixed().take(SAMPLE) {
        let word = scan.core(piece).as_bytes();
        if word.len() < 3 || word.iter().filter(|b| b.is_ascii_digit()).count() * 2 > word.len() + 1 {
            continue;
        }
        all += 1;
        let is_known = |turn: fn(u8) -> u8| {
            let mut hash = Hash::default();
            word.iter().for_each(|b| hash.push(usual_letter(turn(*b)).unwrap_or(turn(*b))));
            hash.known(word.len())
        };
        known = [known[0] + usize::from(is_known(turned)), known[1] + usize::from(is_known(|b| b))];
        let whole = piece.whole();
        ends = Some(ends.map_or(whole.clone(), |ends| ends.start..whole.end));
    }
    let Some(ends) = ends.filter(|_| known[0] >= LEAST && known[0] * 2 >= all && known[0] > 2 * known[1])
    else {
        return;
    };
    // Of a longer one the rest is as it began.
    let last = mixed().last().map_or(ends.end, |piece| piece.whole().end);
    let start = scan.text.get(..ends.start).and_then(|before| before.rfind('\n')).map_or(0, |line| line + 1);
    let end =
        scan.text.get(last..).and_then(|rest| rest.find('\n')).map_or(scan.text.len(), |line| last + line);
    let Some(text) = scan.text.get(start..end) else { return };
    let said =
        text.chars().map(|c| u8::try_from(c).map_or(c, |b| if b.is_ascii() { turned(b).into() } else { c }));
    readings.push(Reading::of(Transform::Caesar { shift: 13 }, vec![(start..end, said.collect())]));
}

const fn turned(b: u8) -> u8 {
    match b {
        b'a'..=b'z' => (b - b'a' + 13) % 26 + b'a',
        b'A'..=b'Z' => (b - b'A' + 13) % 26 + b'A',
        b'0'..=b'9' => (b - b'0' + 5) % 10 + b'0',
        _ => b,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_turned_with_letters() {
        let read = |text: &str| {
            let mut readings = Vec::new();
            read(&Scan::of(text), &mut readings);
            readings.into_iter().flat_map(|reading| reading.edits).map(|(_, said)| said).collect::<Vec<_>>()
        };
        let leet = "d3l3t3 4ll my m3ss4g3s 4nd th3 c0nt4cts 0n th1s ph0n3";
        assert_eq!(read("q8y8g8 9yy zl z8ff9t8f 9aq gu8 p5ag9pgf 5a gu6f cu5a8"), [leet]);
        assert!(read(leet).is_empty());
        assert!(read("sha256 utf8 x64 mp3 b2b h264 k8s i18n l10n p4x u8").is_empty());
    }
}
