//! United Kingdom and Ireland.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_uniform, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/gb-nino", "UK national insurance number", High, Redact),
        locale: Some(Locale::Gb),
        shapes: &["AA-99-99-99-A", "AA-999999-A"],
        need: Need::Nothing,
        words: &[],
        check: gb_nino,
    },
    Number {
        rule: OutputRule::new("personal/gb-nhs", "UK NHS number", High, Redact),
        locale: Some(Locale::Gb),
        shapes: &["999-999-9999"],
        need: Need::Word,
        words: &["nhs", "health service"],
        check: gb_nhs,
    },
    Number {
        rule: OutputRule::new("personal/ie-pps", "Irish PPS number", High, Redact),
        locale: Some(Locale::Ie),
        shapes: &["9999999A", "9999999AA"],
        need: Need::Word,
        words: &["pps", "ppsn", "personal public service"],
        check: ie_pps,
    },
];

/// Letters that are not given, and prefixes that are not.
fn gb_nino(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(second), Some(suffix)) = (bytes.first(), bytes.get(1), bytes.last()) else {
        return false;
    };
    !b"DFIQUV".contains(first)
        && !b"DFIQUVO".contains(second)
        && (b'A'..=b'D').contains(suffix)
        && !matches!(text.get(..2), Some("BG" | "GB" | "KN" | "NK" | "NT" | "TN" | "ZZ"))
        && !is_uniform(text.get(2..8).unwrap_or_default())
}

/// Weights 10 to 2; a check digit of ten is not given.
fn gb_nhs(text: &str) -> bool {
    let Some(sum) = weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) else { return false };
    let expected = (11 - sum % 11) % 11;
    digits(text).is_some_and(|digits| digits.last() == Some(&expected)) && !is_uniform(text)
}

/// Weights 8 to 2, the second letter counts nine times.
fn ie_pps(text: &str) -> bool {
    let Some(sum) = text.get(..7).and_then(|body| weighted(body, &[8, 7, 6, 5, 4, 3, 2])) else {
        return false;
    };
    let letter = |at: usize| {
        text.as_bytes().get(at).filter(|b| b.is_ascii_uppercase()).map(|b| u32::from(b - b'A') + 1)
    };
    let second = letter(8).filter(|second| *second != 23).unwrap_or(0);
    letter(7) == Some((sum + second * 9) % 23).map(|rest| if rest == 0 { 23 } else { rest })
}
