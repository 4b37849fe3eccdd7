//! Sweden, Finland, Denmark, Norway.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_date, luhn, number, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/se-personnummer", "Swedish personal identity number", High, Redact),
        locale: Some(Locale::Se),
        shapes: &["999999S9999", "99999999S9999"],
        need: Need::Nothing,
        words: &[],
        check: se_personnummer,
    },
    Number {
        rule: OutputRule::new(
            "personal/se-personnummer-bare",
            "Swedish personal identity number",
            High,
            Redact,
        ),
        locale: Some(Locale::Se),
        shapes: &["9999999999", "999999999999"],
        need: Need::Word,
        words: &["personnummer", "personnr", "personal identity number", "samordningsnummer"],
        check: se_personnummer,
    },
    Number {
        rule: OutputRule::new("personal/fi-hetu", "Finnish personal identity code", High, Redact),
        locale: Some(Locale::Fi),
        shapes: &["999999C999X"],
        need: Need::Nothing,
        words: &[],
        check: fi_hetu,
    },
    Number {
        rule: OutputRule::new("personal/dk-cpr", "Danish CPR number", High, Redact),
        locale: Some(Locale::Dk),
        shapes: &["999999-9999"],
        need: Need::Word,
        words: &["cpr", "personnummer", "cpr-nummer"],
        // Since 2007 numbers without a valid remainder are given too; the date has to do.
        check: |text| matches!((number(text, 0..2), number(text, 2..4)), (Some(day), Some(month)) if is_date(None, month, day)),
    },
    Number {
        rule: OutputRule::new(
            "personal/no-fodselsnummer",
            "Norwegian national identity number",
            High,
            Redact,
        ),
        locale: Some(Locale::No),
        shapes: &["999999-99999"],
        need: Need::Nothing,
        words: &[],
        check: no_fodselsnummer,
    },
];

/// A date of birth, a number, Luhn over the last ten digits. Coordination numbers add sixty to the day.
fn se_personnummer(text: &str) -> bool {
    let all: String = text.chars().filter(char::is_ascii_digit).collect();
    let Some(short) = all.len().checked_sub(10).and_then(|from| all.get(from..)) else { return false };
    let century = all.len() == 10 || matches!(number(&all, 0..2), Some(18..=20));
    let (Some(month), Some(day)) = (number(short, 2..4), number(short, 4..6)) else { return false };
    century && is_date(None, month, if day > 60 { day - 60 } else { day }) && luhn(short)
}

/// A date, a sign for the century, and the remainder of thirty-one as a letter or digit.
fn fi_hetu(text: &str) -> bool {
    let (Some(day), Some(month), Some(date), Some(serial)) =
        (number(text, 0..2), number(text, 2..4), number(text, 0..6), number(text, 7..10))
    else {
        return false;
    };
    let place = usize::try_from((date * 1000 + serial) % 31).unwrap_or(0);
    is_date(None, month, day)
        && serial >= 2
        && "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().nth(place) == text.chars().last()
}

/// A date and two check digits of eleven.
fn no_fodselsnummer(text: &str) -> bool {
    let (Some(day), Some(month)) = (number(text, 0..2), number(text, 2..4)) else { return false };
    // D-numbers add forty to the day.
    let date = is_date(None, month, if day > 40 { day - 40 } else { day });
    let first = weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]);
    let second = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]);
    date && first.is_some_and(|sum| sum % 11 == 0)
        && second.is_some_and(|sum| sum % 11 == 0)
        && digits(text).is_some()
}
