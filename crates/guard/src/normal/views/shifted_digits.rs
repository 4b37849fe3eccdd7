//! Digits of base32, of base45 and of hexadecimal numbers, escapes and references that went through Caesar's cipher after
//! they were written.

use std::ops::Range;

use memchr::memchr2_iter;

use super::bases::{base32, base45};
use super::ciphers::{exchange, plain};
use super::scan::{Scan, sign};
use super::{Reading, Transform};

/// Fewest digits.
const LEAST: usize = 48;
/// Digits that are tried first: of these lengths one ends with a character, whatever its bytes are.
const FIRST_32: [usize; 4] = [16, 24, 32, 40];
const FIRST_45: [usize; 4] = [36, 39, 42, 45];
/// Most runs and lines that are tried.
const MOST: usize = 8;
/// Fewest numbers.
const NUMBERS: usize = 8;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    runs(scan, readings);
    lines(scan, readings);
    numbers(scan, readings);
    escapes(scan, readings);
}

/// The shift by which the first digits of a run, and then all of them, say something.
fn shift(run: &str, first: [usize; 4], says: impl Fn(&str) -> bool) -> Option<Transform> {
    let starts = first.into_iter().filter_map(|length| run.get(..length));
    (1..26)
        .map(|shift| Transform::Caesar { shift })
        .find(|how| starts.clone().any(|start| says(&plain(start, *how))) && says(&plain(run, *how)))
}

/// Base32: letters in one case, and the figures from 2 to 7, among which it has some.
fn runs(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let long = scan.long().map(|(_, piece)| piece);
    let long = long.filter(|piece| piece.core().len() >= LEAST && piece.has(sign::DIGIT));
    for piece in long.take(MOST) {
        let run = scan.core(piece);
        let all = |is: fn(&u8) -> bool| {
            run.trim_end_matches('=').bytes().all(|b| is(&b) || matches!(b, b'2'..=b'7'))
        };
        if !(all(u8::is_ascii_lowercase) || all(u8::is_ascii_uppercase)) || base32(run).is_some() {
            continue;
        }
        let found = shift(run, FIRST_32, |digits| base32(digits).is_some());
        readings.extend(found.map(|how| Reading::of(how, vec![(piece.core(), plain(run, how))])));
    }
}

/// Base45, which has spaces among its digits.
fn lines(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    let signs = [b'$', b'%', b'*', b'+', b':'].iter().map(|sign| scan.has(*sign)).sum::<usize>();
    if signs < 2 {
        return;
    }
    let is_digit = |b: u8| {
        b.is_ascii_uppercase()
            || b.is_ascii_digit()
            || matches!(b, b' ' | b'$' | b'%' | b'*' | b'+' | b'-' | b'.' | b'/' | b':')
    };
    let lines = scan.lines().filter(|(_, line)| {
        line.len() >= LEAST
            && line.bytes().all(is_digit)
            && line.bytes().filter(u8::is_ascii_digit).count() * 12 >= line.len()
    });
    for (start, line) in lines.take(MOST) {
        if base45(line.as_bytes()).is_some() {
            continue;
        }
        let found = shift(line, FIRST_45, |digits| base45(digits.as_bytes()).is_some());
        readings
            .extend(found.map(|how| Reading::of(how, vec![(start..start + line.len(), plain(line, how))])));
    }
}

/// `0k4s, 0k6r`: the letter that says that a number is hexadecimal went with its digits.
fn numbers(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if scan.has(b'0') < NUMBERS {
        return;
    }
    let marked: Vec<(Range<usize>, u8)> = scan
        .odd()
        .filter(|piece| piece.core().len() == 4 && piece.has(sign::DIGIT))
        .filter_map(|piece| match scan.core(piece).as_bytes() {
            [b'0', mark, a, b]
                if mark.is_ascii_alphabetic() && a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric() =>
            {
                Some((piece.core(), mark.to_ascii_lowercase()))
            }
            _ => None,
        })
        .collect();
    let (Some((first, mark)), Some((last, _))) = (marked.first(), marked.last()) else { return };
    if marked.len() < NUMBERS
        || marked.iter().any(|(_, other)| other != mark)
        || matches!(mark, b'x' | b'b' | b'o')
    {
        return;
    }
    let how = Transform::Caesar { shift: (b'x' + 26 - mark) % 26 };
    let whole = first.start..last.end;
    let Some(text) = scan.text.get(whole.clone()) else { return };
    readings.push(Reading::of(how, vec![(whole, plain(text, how))]));
}

/// Escapes and references whose letter went through a cipher: `\k69` for `\x69`, `&#h49;` for `&#x49;`.
fn escapes(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    const LEAST: usize = 8;
    if scan.has(b'\\') < LEAST && scan.has(b'#') < LEAST {
        return;
    }
    // How often each letter stands behind a backslash, and behind the sign of a reference.
    let mut behind = [[0usize; 26]; 2];
    let bytes = scan.text.as_bytes();
    for at in memchr2_iter(b'\\', b'&', bytes) {
        let (kind, letter) = match bytes.get(at..).unwrap_or_default() {
            [b'\\', letter, ..] => (0, letter),
            [b'&', b'#', letter, ..] => (1, letter),
            _ => continue,
        };
        // Another one follows at once.
        let code = at + 2 + kind;
        let digits =
            bytes.get(code..).unwrap_or_default().iter().take(8).take_while(|b| b.is_ascii_alphanumeric());
        let follows = bytes.get(code + digits.count());
        let place = usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'));
        if matches!((kind, follows), (0, Some(b'\\')) | (1, Some(b';' | b'&')))
            && let Some(count) = behind.get_mut(kind).and_then(|counts| counts.get_mut(place))
        {
            *count += 1;
        }
    }
    for (counts, letters) in behind.iter().zip([&b"xu"[..], b"x"]) {
        let most = counts.iter().enumerate().max_by_key(|(_, count)| **count);
        let Some((place, _)) = most.filter(|(_, count)| **count >= LEAST) else { continue };
        let found = b'a' + place as u8;
        if letters.contains(&found) {
            continue;
        }
        for letter in letters {
            let shift = (letter + 26 - found) % 26;
            let ways = [
                Some(Transform::Caesar { shift }),
                (exchange(found, Transform::Atbash) == *letter).then_some(Transform::Atbash),
            ];
            let whole = || 0..scan.text.len();
            let read = |how| Reading::of(how, vec![(whole(), plain(scan.text, how))]);
            readings.extend(ways.into_iter().flatten().map(read));
        }
    }
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
    fn digits_come_back_by_the_shift_that_makes_them_say_something() {
        let by = |text: &str, shift| plain(text, Transform::Caesar { shift });
        let base32 = "ijzgs3thea2tezjanvxw4zlzebugc5ltmuqhi2dfebrgy5lfebtg63demvza";
        let hex = "0x62, 0x72, 0x69, 0x6e, 0x67, 0x20, 0x6d, 0x65, 0x2f";
        assert!(super::base32(base32).is_some());
        for text in [base32, hex] {
            assert_eq!(said(&by(text, 7)), [text]);
            assert_eq!(said(text), [""; 0]);
        }
    }
}
