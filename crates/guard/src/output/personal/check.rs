//! Published check digit algorithms, over ASCII digits and capitals.

/// The values of digits; nothing where there is something else.
pub(super) fn digits(text: &str) -> Option<Vec<u32>> {
    text.chars().map(|c| c.to_digit(10)).collect()
}

/// A part as a number.
pub(super) fn number(text: &str, part: std::ops::Range<usize>) -> Option<u64> {
    text.get(part)?.parse().ok()
}

/// Luhn (ISO/IEC 7812-1): every second digit from the right doubled.
pub(super) fn luhn(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match place % 2 {
            0 => *digit,
            _ if *digit > 4 => digit * 2 - 9,
            _ => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Verhoeff (1969): the dihedral group of order ten.
pub(super) fn verhoeff(text: &str) -> bool {
    const PERMUTED: [[u32; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    // Rotations are 0 to 4, reflections 5 to 9.
    let product = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - 5 + 5 - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    let Some(digits) = digits(text) else { return false };
    digits
        .iter()
        .rev()
        .zip(PERMUTED.iter().cycle())
        .fold(0, |sum, (digit, row)| product(sum, row[*digit as usize]))
        == 0
}

/// ISO 7064 mod 97-10: letters count from ten, the remainder is one.
pub(super) fn mod97(text: &str) -> bool {
    let remainder = text.chars().try_fold(0_u32, |sum, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { (sum * 10 + value) % 97 } else { (sum * 100 + value) % 97 })
    });
    remainder == Some(1)
}

/// ISO 7064 mod 11,10.
pub(super) fn mod11_10(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let Some((last, body)) = digits.split_last() else { return false };
    let product = body.iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    (11 - product) % 10 == *last
}

/// The sum of digits times weights, as far as there are weights.
pub(super) fn weighted(text: &str, weights: &[u32]) -> Option<u32> {
    let digits = digits(text)?;
    Some(digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum())
}

/// Whether all characters are the same: no issuer gives such a number, though checks often hold.
pub(super) fn is_uniform(text: &str) -> bool {
    text.bytes().zip(text.bytes().skip(1)).all(|(a, b)| a == b)
}

/// Whether there is such a day, in a leap year where the year is not known.
pub(super) fn is_date(year: Option<u64>, month: u64, day: u64) -> bool {
    let leap = year.is_none_or(|y| y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_numbers_hold() {
        assert!(luhn("4111111111111111") && !luhn("4111111111111112"));
        assert!(verhoeff("2363") && !verhoeff("2364"));
        assert!(mod97("3214282912345698765432161182"));
        assert!(mod11_10("86095742719") && !mod11_10("86095742718"));
        assert!(is_date(Some(2024), 2, 29) && !is_date(Some(2023), 2, 29) && is_date(None, 2, 29));
    }

    proptest! {
        /// What the algorithms promise: no single wrong digit passes.
        #[test]
        fn a_single_wrong_digit_is_found(body in "[0-9]{8,18}", place in 0_usize..18, change in 1_u32..10) {
            for check in [luhn, verhoeff, mod11_10] {
                let Some(good) = (0..10).map(|d| format!("{body}{d}")).find(|text| check(text)) else {
                    // Mod 11,10 has a digit for every number, and so have the others.
                    return Err(TestCaseError::fail("no check digit"));
                };
                let mut wrong: Vec<u32> = digits(&good).unwrap();
                let place = place % wrong.len();
                wrong[place] = (wrong[place] + change) % 10;
                let wrong: String = wrong.iter().map(ToString::to_string).collect();
                prop_assert!(!check(&wrong), "{wrong}");
            }
        }
    }
}
