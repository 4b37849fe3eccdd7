//! Dates of birth: a date that a word before it says is one.

use proofhouse_core::Severity;

use super::super::{Action, OutputRule};
use super::check::{is_date, number};
use super::{Need, Number};

pub(super) static NUMBERS: &[Number] = &[Number {
    rule: OutputRule::new("personal/date-of-birth", "Date of birth", Severity::Medium, Action::Report),
    locale: None,
    shapes: &["99-99-9999", "9999-99-99"],
    need: Need::Word,
    words: &[
        "born",
        "birth",
        "birthday",
        "dob",
        "d.o.b",
        "birthdate",
        "geboren",
        "geburtsdatum",
        "geb",
        "né",
        "née",
        "naissance",
        "nacimiento",
        "nacido",
        "nacida",
        "nascimento",
        "nascita",
        "nato",
        "nata",
        "geboortedatum",
        "urodzenia",
        "född",
        "syntynyt",
        "生年月日",
        "出生",
        "رожд",
        "рожден",
        "родился",
        "родилась",
        "doğum",
    ],
    check: |text| is_past(text) == Some(true),
}];

/// A day of a year in which somebody living was born. Days and months come in either order.
fn is_past(text: &str) -> Option<bool> {
    let part = |from, to| number(text, from..to);
    let (year, first, second) = match part(0, 4)? {
        year @ 1900..=2100 => (year, part(4, 6)?, part(6, 8)?),
        _ => (part(4, 8)?, part(0, 2)?, part(2, 4)?),
    };
    Some(
        (1900..=2100).contains(&year)
            && (is_date(Some(year), first, second) || is_date(Some(year), second, first)),
    )
}
