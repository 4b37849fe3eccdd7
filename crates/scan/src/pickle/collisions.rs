//! Whole numbers that all have one hash: a dictionary of them takes the square of their number to fill.
//!
//! CPython's hash of a whole number is its remainder by 2^61 - 1 (`Include/cpython/pyhash.h`), with nothing secret in it:
//! unlike those of texts, such keys can be made up.

use std::collections::HashMap;

use proofhouse_artifact::pickle::{Arg, code, op};

const MODULUS: u128 = (1 << 61) - 1;
/// Numbers of one hash that no data have by chance.
const MANY: u32 = 1000;
/// Different hashes that are counted.
const MOST: usize = 1 << 16;
/// Longest number that is looked at.
const LONGEST: usize = 64;

/// Whether the pickle at the beginning of `bytes` has many numbers of one hash.
pub(super) fn has_many(bytes: &[u8]) -> bool {
    let marked =
        memchr::memchr3_iter(code::LONG1, code::LONG, code::INT, bytes).take(MANY as usize + 1).count();
    if marked <= MANY as usize {
        return false;
    }
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut at = 0;
    while let Ok(op) = op(bytes, at) {
        at = op.end;
        let hash = match (op.code, op.arg) {
            (code::LONG1, Arg::Bytes(number)) => of_bytes(number),
            (code::LONG | code::INT, Arg::Line(digits)) => of_digits(digits),
            (code::STOP, _) => return false,
            _ => None,
        };
        let Some(hash) = hash else { continue };
        if counts.len() >= MOST && !counts.contains_key(&hash) {
            continue;
        }
        let count = counts.entry(hash).or_default();
        *count += 1;
        if *count > MANY {
            return true;
        }
    }
    false
}

/// The hash of a number of more than 61 bits; smaller ones have one of their own.
fn of_bytes(number: &[u8]) -> Option<u64> {
    if !(8..=LONGEST).contains(&number.len()) {
        return None;
    }
    let negative = number.last().is_some_and(|byte| byte & 0x80 != 0);
    // The magnitude, byte by byte from the lowest: two's complement of what is below zero.
    let mut carry = u16::from(negative);
    let magnitude: Vec<u8> = number
        .iter()
        .map(|byte| {
            let sum = u16::from(if negative { !byte } else { *byte }) + carry;
            carry = sum >> 8;
            (sum & 0xff) as u8
        })
        .collect();
    let small = magnitude.iter().skip(8).all(|byte| *byte == 0)
        && magnitude.first_chunk().is_some_and(|low| u128::from(u64::from_le_bytes(*low)) < MODULUS);
    let rest = magnitude.iter().rev().fold(0u128, |rest, byte| ((rest << 8) | u128::from(*byte)) % MODULUS);
    (!small).then(|| u64::try_from(rest).unwrap_or(0) << 1 | u64::from(negative))
}

fn of_digits(digits: &[u8]) -> Option<u64> {
    let digits = digits.strip_suffix(b"L").unwrap_or(digits);
    let (negative, digits) = digits.strip_prefix(b"-").map_or((false, digits), |digits| (true, digits));
    if !(19..=3 * LONGEST).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let rest = digits.iter().fold(0u128, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % MODULUS);
    Some(u64::try_from(rest).unwrap_or(0) << 1 | u64::from(negative))
}

#[cfg(test)]
mod tests {
    use super::has_many;

    fn dictionary(numbers: impl Iterator<Item = u128>) -> Vec<u8> {
        let mut bytes = b"\x80\x04}(".to_vec();
        for number in numbers {
            bytes.extend([0x8a, 16]);
            bytes.extend(number.to_le_bytes());
            bytes.extend(b"K\0");
        }
        bytes.extend(b"u.");
        bytes
    }

    #[test]
    fn numbers_of_one_hash_are_counted() {
        let modulus = (1u128 << 61) - 1;
        assert!(has_many(&dictionary((1..3000).map(|n| n * modulus))));
        assert!(has_many(&dictionary((1..3000).map(|n| n * modulus + 77))));
        // Small, of hashes of their own, and few.
        assert!(!has_many(&dictionary(1..3000)));
        assert!(!has_many(&dictionary((1..3000).map(|n| n * 0x1234_5678_9abc_def1_1357))));
        assert!(!has_many(&dictionary((1..900).map(|n| n * modulus))));
        let text: String = (1..3000u128).map(|n| format!("L{}L\nK\0", n * modulus)).collect();
        assert!(has_many(format!("}}({text}u.").as_bytes()));
        assert!(!has_many(&[0x8a; 5000]));
    }
}
