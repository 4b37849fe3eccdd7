//! Machine-readable zones of passports, identity cards and visas (ICAO Doc 9303): lines of 44, 36 or 30
//! characters with check digits.

use proofhouse_core::Severity;

use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};

pub(super) static RULES: &[OutputRule] = &[OutputRule::new(
    "personal/travel-document",
    "Machine-readable line of a travel document",
    Severity::High,
    Action::Redact,
)];

const LONGEST: usize = 44;

pub(super) fn recognise(look: Look<'_>) -> Step {
    if look.previous_char().is_some_and(|c| c.is_alphanumeric() || c == '<') {
        return Step::No;
    }
    let Some(length) =
        look.run(0, LONGEST + 1, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'<')
    else {
        return Step::More;
    };
    let line = look.bytes().get(..length).unwrap_or_default();
    if !matches!(length, 30 | 36 | 44) || !(is_numbers(line) || is_names(line)) {
        return Step::No;
    }
    Step::Hit(Hit {
        rule: &RULES[0],
        length,
        open: None,
        preview: format!("{length} characters"),
        reason: "its length, fill characters and check digits are those of a travel document".to_owned(),
    })
}

/// A line with check digits: the second one of passports, visas and cards, or one of the first two of a
/// card with three.
fn is_numbers(line: &[u8]) -> bool {
    let field = |from: usize, to: usize| checks(line.get(from..to).unwrap_or_default(), line.get(to));
    match line.len() {
        44 | 36 => field(0, 9) && field(13, 19) && field(21, 27),
        _ => {
            line.first().is_some_and(|b| b"IAC".contains(b)) && field(5, 14)
                || field(0, 6)
                    && field(8, 14)
                    && line.ends_with(b"<") | line.last().is_some_and(u8::is_ascii_digit)
        }
    }
}

/// A line with names: a kind of document, an issuer, two fill characters between surname and given names.
fn is_names(line: &[u8]) -> bool {
    let kind = line.first().is_some_and(|b| b"PIACV".contains(b));
    let letters = line.iter().all(|b| b.is_ascii_uppercase() || *b == b'<');
    let parted = line.get(5..).is_some_and(|names| names.windows(2).any(|pair| pair == b"<<"));
    (kind || line.len() == 30) && letters && parted && line.ends_with(b"<<")
}

/// Weights 7, 3, 1; letters count from ten, the fill character nothing.
fn checks(field: &[u8], digit: Option<&u8>) -> bool {
    let sum = field
        .iter()
        .zip([7, 3, 1].iter().cycle())
        .fold(0_u32, |sum, (byte, weight)| sum + char::from(*byte).to_digit(36).unwrap_or(0) * weight);
    let digit = digit.and_then(|d| if *d == b'<' { Some(0) } else { char::from(*d).to_digit(10) });
    digit == Some(sum % 10) && field.iter().any(u8::is_ascii_digit)
}
