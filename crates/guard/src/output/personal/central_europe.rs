//! Germany, Austria, Switzerland, Poland, Czechia, Romania.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_date, is_uniform, mod11_10, number, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/de-tax-id", "German tax identification number", High, Redact),
        locale: Some(Locale::De),
        shapes: &["99-999-999-999"],
        need: Need::Word,
        words: &[
            "steuer",
            "steuer-id",
            "steuerid",
            "steuernummer",
            "steuerliche",
            "identifikationsnummer",
            "idnr",
            "tin",
            "tax id",
            "tax identification",
        ],
        check: de_tax_id,
    },
    Number {
        rule: OutputRule::new("personal/de-social-security", "German social security number", High, Redact),
        locale: Some(Locale::De),
        shapes: &["99-999999-A-999", "99-99-99-99-A-99-9"],
        need: Need::Nothing,
        words: &[],
        check: de_social_security,
    },
    Number {
        rule: OutputRule::new("personal/at-social-security", "Austrian social security number", High, Redact),
        locale: Some(Locale::At),
        shapes: &["9999-999999"],
        need: Need::Word,
        words: &["svnr", "sv-nr", "sv-nummer", "sozialversicherung", "sozialversicherungsnummer"],
        check: at_social_security,
    },
    Number {
        rule: OutputRule::new("personal/ch-ahv", "Swiss AHV number", High, Redact),
        locale: Some(Locale::Ch),
        shapes: &["999-9999-9999-99"],
        need: Need::Nothing,
        words: &[],
        check: |text| text.starts_with("756") && ean13(text),
    },
    Number {
        rule: OutputRule::new("personal/pl-pesel", "Polish PESEL", High, Redact),
        locale: Some(Locale::Pl),
        shapes: &["99999999999"],
        need: Need::Word,
        words: &["pesel"],
        check: pl_pesel,
    },
    Number {
        rule: OutputRule::new("personal/cz-birth-number", "Czech birth number", High, Redact),
        locale: Some(Locale::Cz),
        shapes: &["999999-9999"],
        need: Need::Word,
        words: &["rodné číslo", "rodne cislo", "rč", "r.č", "birth number"],
        check: cz_birth_number,
    },
    Number {
        rule: OutputRule::new("personal/ro-cnp", "Romanian CNP", High, Redact),
        locale: Some(Locale::Ro),
        shapes: &["9999999999999"],
        need: Need::Word,
        words: &["cnp", "cod numeric"],
        check: ro_cnp,
    },
];

/// Of the first ten digits one is there twice or three times and at least one not at all; then mod 11,10.
fn de_tax_id(text: &str) -> bool {
    let mut counts = [0_u8; 10];
    for digit in text.chars().take(10).filter_map(|c| c.to_digit(10)) {
        counts[digit as usize] += 1;
    }
    let repeated: Vec<u8> = counts.iter().copied().filter(|n| *n > 1).collect();
    !text.starts_with('0') && matches!(repeated.as_slice(), [2 | 3]) && mod11_10(text)
}

/// An area, a date of birth, a letter that counts as two digits; weights whose products' digits are added.
fn de_social_security(text: &str) -> bool {
    let Some(letter) = text.as_bytes().get(8).filter(|b| b.is_ascii_uppercase()) else { return false };
    let (Some(day), Some(month)) = (number(text, 2..4), number(text, 4..6)) else { return false };
    // Where numbers ran out, days were counted on from 51.
    let day = if day > 50 { day - 50 } else { day };
    let expanded = format!(
        "{}{:02}{}",
        text.get(..8).unwrap_or_default(),
        letter - b'A' + 1,
        text.get(9..11).unwrap_or_default()
    );
    let Some(expanded) = digits(&expanded) else { return false };
    let sum: u32 = expanded
        .iter()
        .zip([2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1])
        .map(|(digit, weight)| digit * weight)
        .map(|product| product / 10 + product % 10)
        .sum();
    is_date(None, month, day) && text.chars().last().and_then(|c| c.to_digit(10)) == Some(sum % 10)
}

/// The fourth digit checks the other nine.
fn at_social_security(text: &str) -> bool {
    let Some(sum) = weighted(text, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) else { return false };
    let date = match (number(text, 4..6), number(text, 6..8)) {
        (Some(day), Some(month)) => is_date(None, month, day) || month == 13,
        _ => false,
    };
    date && digits(text).is_some_and(|digits| digits.get(3) == Some(&(sum % 11)))
}

/// EAN-13: weights 1 and 3.
fn ean13(text: &str) -> bool {
    weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]).is_some_and(|sum| sum % 10 == 0)
}

/// A date whose month carries the century; weights 1, 3, 7, 9.
fn pl_pesel(text: &str) -> bool {
    let (Some(month), Some(day)) = (number(text, 2..4), number(text, 4..6)) else { return false };
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    is_date(None, month % 20, day) && sum.is_some_and(|sum| sum % 10 == 0)
}

/// A date whose month carries sex and overflow; divisible by eleven.
fn cz_birth_number(text: &str) -> bool {
    let (Some(month), Some(day), Some(all)) = (number(text, 2..4), number(text, 4..6), number(text, 0..10))
    else {
        return false;
    };
    let month =
        [0, 20, 50, 70].iter().filter_map(|offset| month.checked_sub(*offset)).find(|m| (1..=12).contains(m));
    month.is_some_and(|month| is_date(None, month, day)) && all % 11 == 0
}

fn ro_cnp(text: &str) -> bool {
    let (Some(month), Some(day)) = (number(text, 3..5), number(text, 5..7)) else { return false };
    let sum = weighted(text, &[2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9]).map(|sum| sum % 11);
    let expected = sum.map(|rest| if rest == 10 { 1 } else { rest });
    is_date(None, month, day)
        && !text.starts_with('0')
        && expected == text.chars().last().and_then(|c| c.to_digit(10))
        && !is_uniform(text)
}
