//! India, China, Japan, Korea, Singapore, Türkiye; and South Africa.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_date, is_uniform, luhn, number, verhoeff, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/in-aadhaar", "Indian Aadhaar", High, Redact),
        locale: Some(Locale::In),
        shapes: &["9999-9999-9999"],
        need: Need::Word,
        words: &["aadhaar", "aadhar", "adhaar", "uidai", "uid", "आधार"],
        check: |text| !text.starts_with(['0', '1']) && verhoeff(text) && !is_uniform(text),
    },
    Number {
        rule: OutputRule::new("personal/in-pan", "Indian permanent account number", High, Redact),
        locale: Some(Locale::In),
        shapes: &["AAAAA9999A"],
        need: Need::Nothing,
        words: &[],
        // The fourth letter is the kind of holder; a serial of zeros is not given.
        check: |text| {
            text.as_bytes().get(3).is_some_and(|holder| b"ABCFGHJLPT".contains(holder))
                && number(text, 5..9).is_some_and(|serial| serial != 0)
        },
    },
    Number {
        rule: OutputRule::new("personal/cn-resident-id", "Chinese resident identity number", High, Redact),
        locale: Some(Locale::Cn),
        shapes: &["99999999999999999X"],
        need: Need::Nothing,
        words: &[],
        check: cn_resident,
    },
    Number {
        rule: OutputRule::new("personal/jp-my-number", "Japanese individual number", High, Redact),
        locale: Some(Locale::Jp),
        shapes: &["9999-9999-9999"],
        need: Need::Word,
        words: &["マイナンバー", "個人番号", "my number", "mynumber", "individual number"],
        check: jp_my_number,
    },
    Number {
        rule: OutputRule::new(
            "personal/kr-resident-number",
            "Korean resident registration number",
            High,
            Redact,
        ),
        locale: Some(Locale::Kr),
        shapes: &["999999-9999999"],
        need: Need::WordIfBare,
        words: &["주민등록번호", "주민번호", "resident registration", "rrn"],
        check: kr_resident,
    },
    Number {
        rule: OutputRule::new("personal/sg-nric", "Singaporean NRIC or FIN", High, Redact),
        locale: Some(Locale::Sg),
        shapes: &["A9999999A"],
        need: Need::Nothing,
        words: &[],
        check: sg_nric,
    },
    Number {
        rule: OutputRule::new("personal/tr-identity-number", "Turkish identity number", High, Redact),
        locale: Some(Locale::Tr),
        shapes: &["99999999999"],
        need: Need::Word,
        words: &["tckn", "tc kimlik", "t.c. kimlik", "kimlik no", "kimlik numarası"],
        check: tr_identity,
    },
    Number {
        rule: OutputRule::new("personal/za-id-number", "South African identity number", High, Redact),
        locale: Some(Locale::Za),
        shapes: &["999999-9999-999"],
        need: Need::Word,
        words: &["id number", "identity number", "id no", "south african id", "rsa id"],
        check: |text| {
            matches!((number(text, 2..4), number(text, 4..6)), (Some(month), Some(day)) if is_date(None, month, day))
                && luhn(text)
        },
    },
];

/// ISO 7064 mod 11-2 over a province, a date of birth and a serial (GB 11643).
fn cn_resident(text: &str) -> bool {
    let province = matches!(
        number(text, 0..2),
        Some(11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83)
    );
    let date = match (number(text, 6..10), number(text, 10..12), number(text, 12..14)) {
        (Some(year @ 1900..=2100), Some(month), Some(day)) => is_date(Some(year), month, day),
        _ => false,
    };
    let sum = text
        .get(..17)
        .and_then(|body| weighted(body, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]));
    let expected = sum.and_then(|sum| "10X98765432".chars().nth(sum as usize % 11));
    province && date && expected == text.chars().last()
}

/// The ordinance's formula: weights 2 to 7 and 2 to 6 from the right.
fn jp_my_number(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let sum: u32 =
        digits.iter().rev().skip(1).zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5, 6]).map(|(d, w)| d * w).sum();
    let expected = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    digits.last() == Some(&expected) && !is_uniform(text)
}

/// A date of birth and a century with sex. The check digit is no longer given since October 2020, so the
/// rest of the shape has to do.
fn kr_resident(text: &str) -> bool {
    let date = match (number(text, 2..4), number(text, 4..6)) {
        (Some(month), Some(day)) => is_date(None, month, day),
        _ => false,
    };
    date && matches!(text.as_bytes().get(6), Some(b'1'..=b'8'))
        && !is_uniform(text.get(6..).unwrap_or_default())
}

fn sg_nric(text: &str) -> bool {
    let Some(sum) = text.get(1..8).and_then(|body| weighted(body, &[2, 7, 6, 5, 4, 3, 2])) else {
        return false;
    };
    let (offset, letters) = match text.as_bytes().first() {
        Some(b'S') => (0, "JZIHGFEDCBA"),
        Some(b'T') => (4, "JZIHGFEDCBA"),
        Some(b'F') => (0, "XWUTRQPNMLK"),
        Some(b'G') => (4, "XWUTRQPNMLK"),
        Some(b'M') => (3, "KLJNPQRTUWX"),
        _ => return false,
    };
    let place = (sum + offset) as usize % 11;
    letters.chars().nth(place) == text.chars().last()
}

/// The tenth digit from odd and even places, the eleventh from all ten.
fn tr_identity(text: &str) -> bool {
    let Some(digits) = digits(text) else { return false };
    let sum = |from: usize, step: usize, count: usize| {
        digits.iter().skip(from).step_by(step).take(count).sum::<u32>()
    };
    let tenth = (sum(0, 2, 5) * 7 + 10 * 9 - sum(1, 2, 4)) % 10;
    digits.first() != Some(&0)
        && digits.get(9) == Some(&tenth)
        && digits.get(10) == Some(&(sum(0, 1, 10) % 10))
}
