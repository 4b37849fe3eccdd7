//! Payment cards: ISO/IEC 7812 numbers of the issuers' ranges with Luhn's check digit.

use proofhouse_core::Severity;

use super::super::{Action, OutputRule};
use super::check::{is_uniform, luhn, number};
use super::{Need, Number};

pub(super) static NUMBERS: &[Number] = &[Number {
    rule: OutputRule::new("personal/payment-card", "Payment card", Severity::High, Action::Redact),
    locale: None,
    shapes: &["9999-9999-9999-9999", "9999-999999-99999", "9999-999999-9999", "9999-9999-9999-9999-999"],
    need: Need::Nothing,
    words: &[],
    check: |text| is_issued(text) && luhn(text) && !is_uniform(text),
}];

/// Whether an issuer has the range, and gives numbers of that length.
fn is_issued(text: &str) -> bool {
    let Some(start) = number(text, 0..6) else { return false };
    match text.len() {
        14 => matches!(start, 300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999),
        15 => matches!(start, 340_000..=349_999 | 370_000..=379_999),
        16 => matches!(start,
            400_000..=499_999 // Visa
            | 510_000..=559_999 | 222_100..=272_099 // Mastercard
            | 601_100..=601_199 | 644_000..=659_999 // Discover
            | 352_800..=358_999 // JCB
            | 620_000..=629_999 | 810_000..=817_199 // UnionPay
            | 220_000..=220_499 // Mir
            | 508_500..=508_999 | 607_000..=608_999 | 817_200..=829_999 // RuPay
            | 979_200..=979_299 // Troy
        ),
        19 => matches!(start, 400_000..=499_999 | 620_000..=629_999),
        _ => false,
    }
}
