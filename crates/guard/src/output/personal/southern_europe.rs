//! Spain, Italy, Portugal.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_uniform, number, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/es-dni", "Spanish DNI", High, Redact),
        locale: Some(Locale::Es),
        shapes: &["99999999-A"],
        need: Need::Nothing,
        words: &[],
        check: |text| {
            control(text.get(..8), text.chars().last()) && !is_uniform(text.get(..8).unwrap_or_default())
        },
    },
    Number {
        rule: OutputRule::new("personal/es-nie", "Spanish NIE", High, Redact),
        locale: Some(Locale::Es),
        shapes: &["A-9999999-A"],
        need: Need::Nothing,
        words: &[],
        check: es_nie,
    },
    Number {
        rule: OutputRule::new("personal/it-codice-fiscale", "Italian codice fiscale", High, Redact),
        locale: Some(Locale::It),
        shapes: &["AAAAAAXXAXXAXXXA"],
        need: Need::Nothing,
        words: &[],
        check: it_codice_fiscale,
    },
    Number {
        rule: OutputRule::new("personal/pt-nif", "Portuguese NIF", High, Redact),
        locale: Some(Locale::Pt),
        shapes: &["999-999-999"],
        need: Need::Word,
        words: &["nif", "contribuinte", "número fiscal", "numero fiscal"],
        check: pt_nif,
    },
];

/// The letter is the remainder of twenty-three.
fn control(number: Option<&str>, letter: Option<char>) -> bool {
    let place = number.and_then(|n| n.parse::<usize>().ok()).map(|n| n % 23);
    place.and_then(|place| "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(place)) == letter
}

/// The first letter stands for a digit.
fn es_nie(text: &str) -> bool {
    let Some(first) = text.chars().next().and_then(|c| "XYZ".find(c)) else { return false };
    let rest = text.get(1..8).unwrap_or_default();
    control(Some(&format!("{first}{rest}")), text.chars().last()) && !is_uniform(rest)
}

/// Characters at odd places count by a table, at even ones by themselves; digits may be replaced by letters
/// where two people would have the same code.
fn it_codice_fiscale(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    const REPLACED: &str = "0123456789LMNPQRSTUV";
    let bytes = text.as_bytes();
    let digits_in_place = [6, 7, 9, 10, 12, 13, 14]
        .iter()
        .all(|at| bytes.get(*at).is_some_and(|b| REPLACED.as_bytes().contains(b)));
    let month = bytes.get(8).is_some_and(|b| b"ABCDEHLMPRST".contains(b));
    let value =
        |byte: u8| u32::from(if byte.is_ascii_digit() { byte - b'0' } else { byte.wrapping_sub(b'A') });
    let sum: u32 = bytes
        .iter()
        .take(15)
        .enumerate()
        .map(|(place, byte)| match place % 2 {
            0 => ODD.get(value(*byte) as usize).copied().unwrap_or(0),
            _ => value(*byte),
        })
        .sum();
    digits_in_place && month && bytes.get(15).map(|b| value(*b)) == Some(sum % 26)
}

/// Weights 9 to 2; first digits that are given.
fn pt_nif(text: &str) -> bool {
    let Some(sum) = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]) else { return false };
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    matches!(number(text, 0..1), Some(1 | 2 | 3 | 5 | 6 | 8 | 9))
        && digits(text).is_some_and(|digits| digits.last() == Some(&expected))
        && !is_uniform(text)
}
