//! Bytes under exclusive or with a key, as programs write them: the text says that it is so, and most often the key.

use std::ops::Range;

use memchr::{memchr2_iter, memmem};

use super::bases::has_signs;
use super::pairs::Order;
use super::scan::{Kind, Scan};
use super::{Reading, Transform, base64, hex, plausible};

/// Fewest bytes, and those that are looked at first.
const LEAST: usize = 12;
const GLANCE: usize = 24;
const SAMPLE: usize = 240;
/// Fewest different digits of a run.
const LEAST_SIGNS: u32 = 4;
/// The order of letters of language, in hundredths of a level: keys that nobody stated are many.
const LANGUAGE: u32 = 760;
/// Most bytes of a run that are read.
const LONGEST: usize = 64 << 10;
/// Bytes of a key that is a word.
const KEY: std::ops::RangeInclusive<usize> = 3..=24;
/// Most runs, lists and keys that are tried.
const MOST_RUNS: usize = 8;
const MOST_KEYS: usize = 24;

pub(super) fn read(scan: &Scan<'_>, readings: &mut Vec<Reading>) {
    if !is_said(scan) {
        return;
    }
    let runs = runs(scan);
    if runs.is_empty() {
        return;
    }
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let keys = keys(scan);
    let stated: Vec<u8> = numbers(scan.text).filter(|number| *number > 0).take(MOST_KEYS).collect();
    let mut cut = false;
    for (range, mut bytes) in runs {
        cut |= bytes.len() > LONGEST;
        bytes.truncate(LONGEST);
        if bytes.len() < LEAST || edits.last().is_some_and(|(last, _)| last.end > range.start) {
            continue;
        }
        // The key that is stated, whatever comes of it; or any.
        let stated = stated.iter().find_map(|key| plausible::sure_text(&with(&bytes, &[*key])));
        if let Some(said) = stated {
            edits.push((range, said));
            continue;
        }
        let single = (1..=255u8).map(|key| vec![key]);
        let all = single.chain(keys.iter().cloned()).filter_map(|key| under(&bytes, &key));
        // Of what is text under several keys that with the most letters in the order of language.
        let says = |said: &String| {
            let order = Order::of_start(said, SAMPLE);
            !said.is_ascii()
                || order.pairs * 2 >= said.len().min(SAMPLE) as u32 && order.mean() >= order.needed(LANGUAGE)
        };
        let best = all.filter(says).max_by_key(|said| {
            let order = Order::of_start(said, SAMPLE);
            u64::from(order.mean()) * u64::from(order.pairs)
        });
        edits.extend(best.map(|said| (range, said)));
    }
    if !edits.is_empty() {
        readings.push(Reading { cut, ..Reading::of(Transform::Xored, edits) });
    }
}

/// Whether a text speaks of it, in words or in a program.
fn is_said(scan: &Scan<'_>) -> bool {
    scan.has(b'^') > 0
        || ["xor", "XOR", "Xor"]
            .iter()
            .any(|word| memmem::find(scan.text.as_bytes(), word.as_bytes()).is_some())
}

/// Runs of hexadecimal digits and of Base64, and lists of numbers below 256: where, and what bytes.
fn runs(scan: &Scan<'_>) -> Vec<(Range<usize>, Vec<u8>)> {
    let mut found = Vec::new();
    let long = scan.long().filter(|(_, piece)| piece.kind != Kind::Known);
    let is_digit = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_');
    for (_, piece) in long {
        let whole = piece.whole();
        let text = scan.text.get(whole.clone()).unwrap_or_default();
        for run in
            text.split(|c: char| !c.is_ascii() || !is_digit(c as u8)).filter(|run| run.len() >= 2 * LEAST)
        {
            let start = run.as_ptr() as usize - scan.text.as_ptr() as usize;
            // Rules of a page are one sign, or two.
            if !has_signs(run.as_bytes(), LEAST_SIGNS) {
                continue;
            }
            let bytes = hex::bytes(run).or_else(|| base64::bytes_of(run));
            found.extend(bytes.map(|bytes| (start..start + run.len(), bytes)));
        }
    }
    let (mut list, mut span): (Vec<u8>, Range<usize>) = (Vec::new(), 0..0);
    let bytes = scan.text.as_bytes();
    let mut at = 0;
    while let Some(skip) = bytes.get(at..).and_then(|rest| rest.iter().position(u8::is_ascii_digit)) {
        let start = at + skip;
        let rest = scan.text.get(start..).unwrap_or_default();
        let digits = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X"));
        let (prefix, radix) = if digits.is_some() { (2, 16) } else { (0, 10) };
        let length = rest.get(prefix..).unwrap_or_default().chars().take_while(|c| c.is_digit(radix)).count();
        let end = start + prefix + length;
        let number =
            scan.text.get(start + prefix..end).and_then(|digits| u8::from_str_radix(digits, radix).ok());
        let gap = bytes.get(span.end..start).unwrap_or_default();
        let goes_on = !list.is_empty() && gap.len() <= 3 && !gap.iter().any(u8::is_ascii_alphanumeric);
        if !goes_on || number.is_none() {
            found.push((span.clone(), std::mem::take(&mut list)));
            span = start..end;
        }
        if let Some(number) = number {
            list.push(number);
            span.end = end;
        }
        at = end.max(start + 1);
    }
    found.push((span, list));
    found.retain(|(_, bytes)| bytes.len() >= LEAST);
    found.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
    found.truncate(MOST_RUNS);
    found.sort_by_key(|(range, _)| range.start);
    found
}

/// Words that may be keys: in quotation marks, or of more than letters, or in capitals; the text says which one only in
/// words.
fn keys(scan: &Scan<'_>) -> Vec<Vec<u8>> {
    let words = scan.text.split(|c: char| !c.is_alphanumeric()).filter(|word| KEY.contains(&word.len()));
    let mut keys: Vec<Vec<u8>> = Vec::new();
    let told = |word: &str| {
        let start = word.as_ptr() as usize - scan.text.as_ptr() as usize;
        let beside = |at: Option<usize>| {
            at.and_then(|at| scan.text.as_bytes().get(at)).is_some_and(|b| matches!(b, b'"' | b'\'' | b'`'))
        };
        let quoted = beside(start.checked_sub(1)) && beside(Some(start + word.len()));
        quoted || word.bytes().all(|b| b.is_ascii_uppercase())
    };
    for word in words.filter(|word| told(word)) {
        let key = word.as_bytes().to_vec();
        if !keys.contains(&key) && keys.len() < MOST_KEYS {
            keys.push(key);
        }
    }
    keys
}

/// Numbers that are given to a short name or to one for a key: `key = 0x2a`, `k = 9`, `^ 117`.
fn numbers(text: &str) -> impl Iterator<Item = u8> {
    memchr2_iter(b'=', b'^', text.as_bytes()).filter_map(|at| {
        let before = text.get(..at)?.trim_end();
        let name = before.rsplit(|c: char| !c.is_alphanumeric()).next()?;
        let is_key =
            text.as_bytes().get(at) == Some(&b'^') || name.len() == 1 || name.to_lowercase().ends_with("key");
        if !is_key {
            return None;
        }
        let after = text.get(at + 1..)?.trim_start();
        let digits = after.strip_prefix("0x").or_else(|| after.strip_prefix("0X"));
        let (digits, radix) = digits.map_or((after, 10), |digits| (digits, 16));
        let length = digits.chars().take_while(|c| c.is_digit(radix)).count();
        u8::from_str_radix(digits.get(..length)?, radix).ok()
    })
}

fn with(bytes: &[u8], key: &[u8]) -> Vec<u8> {
    bytes.iter().zip(key.iter().cycle()).map(|(b, key)| b ^ key).collect()
}

/// What bytes say under a key, if that is text.
fn under(bytes: &[u8], key: &[u8]) -> Option<String> {
    let shown = |b: u8| b >= 0x80 || matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t');
    let plain = || bytes.iter().zip(key.iter().cycle()).map(|(b, key)| b ^ key);
    if !plain().take(GLANCE).all(shown) {
        return None;
    }
    plausible::sure_text(&with(bytes, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_a_page_are_no_bytes() {
        let mut readings = Vec::new();
        read(&Scan::of(&format!("a ^ b\n{0}\n{1}\n", "-".repeat(72), "=-".repeat(30))), &mut readings);
        assert!(readings.is_empty());
    }

    #[test]
    fn a_key_is_found_or_tried() {
        let said = "bring the blue folder to the second floor";
        let with =
            |key: &[u8]| said.bytes().zip(key.iter().cycle()).map(|(b, key)| b ^ key).collect::<Vec<u8>>();
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        for text in [
            format!("k = 117\nd = bytes.fromhex(\"{}\"); print(bytes(b ^ k for b in d))", hex(&with(&[117]))),
            format!("XOR with the key 'willow': {}", hex(&with(b"willow"))),
            format!("int d[] = {:?}; d[i] ^ 0x2a", with(&[0x2a])),
        ] {
            let mut readings = Vec::new();
            read(&Scan::of(&text), &mut readings);
            assert!(
                readings.iter().flat_map(|reading| &reading.edits).any(|(_, read)| read == said),
                "{text}"
            );
        }
        let mut readings = Vec::new();
        read(
            &Scan::of("9f86d081884c7d659a2feaa0c55ad015 ^ a3bf4f1b2b0b822cd15d6c15b0f00a08 xor"),
            &mut readings,
        );
        assert!(readings.is_empty());
    }
}
