//! Australia.

use proofhouse_core::Severity::High;

use super::super::{Action::Redact, OutputRule};
use super::check::{digits, is_uniform, weighted};
use super::{Locale, Need, Number};

pub(super) static NUMBERS: &[Number] = &[
    Number {
        rule: OutputRule::new("personal/au-tfn", "Australian tax file number", High, Redact),
        locale: Some(Locale::Au),
        shapes: &["999-999-999"],
        need: Need::Word,
        words: &["tfn", "tax file"],
        check: |text| {
            weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_some_and(|sum| sum % 11 == 0)
                && !is_uniform(text)
        },
    },
    Number {
        rule: OutputRule::new("personal/au-medicare", "Australian Medicare number", High, Redact),
        locale: Some(Locale::Au),
        shapes: &["9999-99999-9", "9999-99999-9-9"],
        need: Need::Word,
        words: &["medicare"],
        check: au_medicare,
    },
];

/// The ninth digit checks the eight before it; the tenth is the card's issue.
fn au_medicare(text: &str) -> bool {
    let Some(sum) = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9]) else { return false };
    matches!(text.as_bytes().first(), Some(b'2'..=b'6'))
        && digits(text).is_some_and(|digits| digits.get(8) == Some(&(sum % 10)))
}
