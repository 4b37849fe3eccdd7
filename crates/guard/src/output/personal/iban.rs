//! International bank account numbers (ISO 13616): the registry's length for each country, mod 97.

use proofhouse_core::Severity;

use super::super::finding::shape;
use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};
use super::check::mod97;
use super::glyph::{self, HYPHEN, SEPARATOR, kind};

pub(super) static RULES: &[OutputRule] =
    &[OutputRule::new("personal/iban", "Bank account (IBAN)", Severity::High, Action::Redact)];

/// Length by country, from the registry.
#[rustfmt::skip]
const LENGTHS: &[(&str, usize)] = &[
    ("AD", 24), ("AE", 23), ("AL", 28), ("AT", 20), ("AZ", 28), ("BA", 20), ("BE", 16), ("BG", 22), ("BH", 22), ("BI", 27),
    ("BR", 29), ("BY", 28), ("CH", 21), ("CR", 22), ("CY", 28), ("CZ", 24), ("DE", 22), ("DJ", 27), ("DK", 18), ("DO", 28),
    ("EE", 20), ("EG", 29), ("ES", 24), ("FI", 18), ("FK", 18), ("FO", 18), ("FR", 27), ("GB", 22), ("GE", 22), ("GI", 23),
    ("GL", 18), ("GR", 27), ("GT", 28), ("HN", 28), ("HR", 21), ("HU", 28), ("IE", 22), ("IL", 23), ("IQ", 23), ("IS", 26), ("IT", 27),
    ("JO", 30), ("KW", 30), ("KZ", 20), ("LB", 28), ("LC", 32), ("LI", 21), ("LT", 20), ("LU", 20), ("LV", 21), ("LY", 25),
    ("MC", 27), ("MD", 24), ("ME", 22), ("MK", 19), ("MN", 20), ("MR", 27), ("MT", 31), ("MU", 30), ("NI", 28), ("NL", 18),
    ("NO", 15), ("OM", 23), ("PK", 24), ("PL", 28), ("PS", 29), ("PT", 25), ("QA", 29), ("RO", 24), ("RS", 22), ("RU", 33),
    ("SA", 24), ("SC", 31), ("SD", 18), ("SE", 24), ("SI", 19), ("SK", 24), ("SM", 27), ("SO", 23), ("ST", 25), ("SV", 28),
    ("TL", 23), ("TN", 24), ("TR", 26), ("UA", 29), ("VA", 22), ("VG", 24), ("XK", 20), ("YE", 30),
];

pub(super) fn recognise(look: Look<'_>) -> Step {
    if look.previous_char().is_some_and(char::is_alphanumeric) {
        return Step::No;
    }
    // A country, then a digit or a separator: few words begin like that.
    let bytes = look.bytes();
    let third = bytes.get(2).is_none_or(|b| b.is_ascii_digit() || *b == b' ' || *b == b'-' || *b >= 0x80);
    if !third || !bytes.iter().take(2).all(u8::is_ascii_alphabetic) {
        return Step::No;
    }
    let mut compact = String::new();
    let mut length = usize::MAX;
    let mut separated = false;
    for (at, c) in look.rest().char_indices() {
        let kind = kind(c);
        if compact.len() == length {
            return if c.is_alphanumeric() { Step::No } else { decide(look, &compact, at) };
        }
        if matches!(kind, SEPARATOR | HYPHEN) {
            if separated || compact.is_empty() || compact.len() == 1 {
                return Step::No;
            }
            separated = true;
            continue;
        }
        separated = false;
        let Some(c) = glyph::ascii(kind).filter(char::is_ascii_alphanumeric) else { return Step::No };
        compact.push(c);
        match compact.len() {
            1 if !c.is_ascii_uppercase() => return Step::No,
            2 => match LENGTHS.iter().find(|(country, _)| *country == compact) {
                Some((_, registered)) => length = *registered,
                None => return Step::No,
            },
            3 | 4 if !c.is_ascii_digit() => return Step::No,
            _ => {}
        }
    }
    if look.is_final() && compact.len() == length && !separated {
        return decide(look, &compact, look.rest().len());
    }
    look.out_of_text()
}

fn decide(look: Look<'_>, compact: &str, end: usize) -> Step {
    let (start, account) = compact.split_at_checked(4).unwrap_or_default();
    if !mod97(&format!("{account}{start}")) {
        return Step::No;
    }
    let text = look.rest().get(..end).unwrap_or_default();
    Step::Hit(Hit {
        rule: &RULES[0],
        length: end,
        open: None,
        preview: format!("{}{}", text.get(..2).unwrap_or_default(), shape(text.get(2..).unwrap_or_default())),
        reason: "the country's length and the check digits are right".to_owned(),
    })
}
