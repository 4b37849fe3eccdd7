//! United States, Canada, Brazil, Mexico.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_date, is_uniform, luhn, number};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/us-ssn", "US social security number", High, Redact),
        locale: Some(Locale::Us),
        shapes: &["999-99-9999"],
        need: Need::WordIfBare,
        words: &["ssn", "social security", "social-security"],
        check: us_ssn,
    },
    Number {
        rule: OutputRule::new("personal/us-itin", "US individual taxpayer number", High, Redact),
        locale: Some(Locale::Us),
        shapes: &["999-99-9999"],
        need: Need::WordIfBare,
        words: &["itin", "taxpayer"],
        check: |text| {
            text.starts_with('9') && matches!(number(text, 3..5), Some(50..=65 | 70..=88 | 90..=92 | 94..=99))
        },
    },
    Number {
        rule: OutputRule::new("personal/ca-sin", "Canadian social insurance number", High, Redact),
        locale: Some(Locale::Ca),
        shapes: &["999-999-999"],
        need: Need::Word,
        words: &["sin", "nas", "social insurance", "assurance sociale"],
        check: |text| !text.starts_with(['0', '8']) && luhn(text) && !is_uniform(text),
    },
    Number {
        rule: OutputRule::new("personal/br-cpf", "Brazilian CPF", High, Redact),
        locale: Some(Locale::Br),
        shapes: &["999-999-999-99"],
        need: Need::WordIfBare,
        words: &["cpf", "cadastro"],
        check: br_cpf,
    },
    Number {
        rule: OutputRule::new("personal/br-cnpj", "Brazilian CNPJ", High, Redact),
        locale: Some(Locale::Br),
        shapes: &["XX-XXX-XXX-XXXX-99"],
        need: Need::WordIfBare,
        words: &["cnpj", "cadastro"],
        check: br_cnpj,
    },
    Number {
        rule: OutputRule::new("personal/mx-curp", "Mexican CURP", High, Redact),
        locale: Some(Locale::Mx),
        shapes: &["AAAA999999AAAAAAX9"],
        need: Need::Nothing,
        words: &[],
        check: mx_curp,
    },
];

/// Areas, groups and serials that are given; not those everybody knows from advertisements.
fn us_ssn(text: &str) -> bool {
    let given = match (number(text, 0..3), number(text, 3..5), number(text, 5..9)) {
        (Some(area), Some(group), Some(serial)) => {
            !matches!(area, 0 | 666 | 900..) && group != 0 && serial != 0
        }
        _ => false,
    };
    given && !matches!(text, "078051120" | "219099999" | "123456789") && !is_uniform(text)
}

/// Two digits, each a remainder of eleven.
fn br_cpf(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let check = |length: usize| {
        let sum: u32 = digits
            .iter()
            .take(length)
            .zip((2..).take(length).collect::<Vec<u32>>().into_iter().rev())
            .map(|(d, w)| d * w)
            .sum();
        match sum % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    !is_uniform(text) && digits.get(9) == Some(&check(9)) && digits.get(10) == Some(&check(10))
}

/// The same for companies; since 2026 with letters, which count by their place in ASCII.
fn br_cnpj(text: &str) -> bool {
    let values: Vec<u32> = text.bytes().map(|b| u32::from(b) - 48).collect();
    let check = |length: usize| {
        let weights = (2..=9).cycle();
        let sum: u32 =
            values.iter().take(length).rev().zip(weights).map(|(value, weight)| value * weight).sum();
        match sum % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        }
    };
    !is_uniform(text) && values.get(12) == Some(&check(12)) && values.get(13) == Some(&check(13))
}

/// A date of birth, the sex, and a check digit over an alphabet with Ñ.
fn mx_curp(text: &str) -> bool {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMN*OPQRSTUVWXYZ";
    let date = match (number(text, 6..8), number(text, 8..10)) {
        (Some(month), Some(day)) => is_date(None, month, day),
        _ => false,
    };
    let sum: Option<usize> = text
        .chars()
        .take(17)
        .zip((2..=18).rev())
        .map(|(c, weight)| ALPHABET.find(c).map(|value| value * weight))
        .sum();
    date && text.as_bytes().get(10).is_some_and(|sex| b"HMX".contains(sex))
        && sum.map(|sum| (10 - sum % 10) % 10)
            == text.chars().last().and_then(|c| c.to_digit(10)).map(|d| d as usize)
}
