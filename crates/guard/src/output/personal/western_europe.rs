//! France, Belgium, Netherlands.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_date, is_uniform, number};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/fr-nir", "French social security number (NIR)", High, Redact),
        locale: Some(Locale::Fr),
        shapes: &["9-99-99-9X-999-999-99"],
        need: Need::Nothing,
        words: &[],
        check: fr_nir,
    },
    Number {
        rule: OutputRule::new("personal/be-national-number", "Belgian national number", High, Redact),
        locale: Some(Locale::Be),
        shapes: &["99-99-99-999-99"],
        need: Need::WordIfBare,
        words: &[
            "rijksregister",
            "rijksregisternummer",
            "registre national",
            "niss",
            "insz",
            "rrn",
            "national number",
        ],
        check: be_national_number,
    },
    Number {
        rule: OutputRule::new("personal/nl-bsn", "Dutch BSN", High, Redact),
        locale: Some(Locale::Nl),
        shapes: &["9999-99-999", "999-999-999"],
        need: Need::Word,
        words: &["bsn", "burgerservicenummer", "sofi", "sofinummer", "citizen service number"],
        check: nl_bsn,
    },
];

/// Sex, year, month, department, commune, order; then 97 minus the remainder. Corsica's letters count as
/// 19 and 18.
fn fr_nir(text: &str) -> bool {
    let plain = match text.get(5..7) {
        Some("2A") => text.replacen("2A", "19", 1),
        Some("2B") => text.replacen("2B", "18", 1),
        _ => text.to_owned(),
    };
    let (Some(body), Some(key)) = (number(&plain, 0..13), number(&plain, 13..15)) else { return false };
    let sex = matches!(plain.as_bytes().first(), Some(b'1' | b'2' | b'3' | b'4' | b'7' | b'8'));
    // Months above 12 are given where the month of birth is not known.
    let month = matches!(number(&plain, 3..5), Some(1..=12 | 20..=42 | 50..=99));
    sex && month && 97 - body % 97 == key
}

/// 97 minus the remainder; with a two in front for those born since 2000.
fn be_national_number(text: &str) -> bool {
    let (Some(month), Some(day), Some(body), Some(key)) =
        (number(text, 2..4), number(text, 4..6), number(text, 0..9), number(text, 9..11))
    else {
        return false;
    };
    // Bis numbers add twenty or forty to the month; dates that are not known are zero.
    let month = month % 20;
    let date = is_date(None, month, day) || month == 0 || day == 0;
    date && [body, 2_000_000_000 + body].iter().any(|n| 97 - n % 97 == key) && !is_uniform(text)
}

/// Weights 9 to 2 and minus one.
fn nl_bsn(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let weights = [9, 8, 7, 6, 5, 4, 3, 2];
    let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
    // Eleven times the last digit minus it has the remainder of minus it.
    let last = digits.last().copied().unwrap_or(0);
    sum > 0 && (sum + 10 * last).is_multiple_of(11) && !is_uniform(text)
}
