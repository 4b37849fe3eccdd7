//! Personal data that can be told by its structure: numbers with check digits, addresses, machine-readable
//! passports.
//!
//! A number of fixed shape is one line of its country's file: how it is written, its published check, and
//! whether a word must stand before it because the check alone lets too much through (one remainder in ten
//! or eleven is no evidence). All shapes are followed at once (`shape`), so a number is read once however
//! many countries are looked for. Digits of any script count, and so do the usual separators.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::OutputRule;
use super::look::{Look, Step, is_word};

mod birth;
mod card;
mod check;
mod context;
mod email;
mod glyph;
mod iban;
mod mrz;
mod network;
mod phone;
mod shape;

mod americas;
mod asia;
mod british_isles;
mod central_europe;
mod nordic;
mod oceania;
mod southern_europe;
mod western_europe;

use shape::Shapes;

/// Bytes, other than the first of a word, that personal data begins with: signs and brackets of telephone
/// numbers, and the first bytes of digits of other scripts.
pub(super) const SPECIAL: &[u8] = &[b'+', b'(', 0xd9, 0xdb, 0xe0, 0xef];

/// A country whose numbers are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[non_exhaustive]
#[expect(missing_docs, reason = "ISO 3166 codes")]
pub enum Locale {
    At,
    Au,
    Be,
    Br,
    Ca,
    Ch,
    Cn,
    Cz,
    De,
    Dk,
    Es,
    Fi,
    Fr,
    Gb,
    Ie,
    In,
    It,
    Jp,
    Kr,
    Mx,
    Nl,
    No,
    Pl,
    Pt,
    Ro,
    Se,
    Sg,
    Tr,
    Us,
    Za,
}

/// Whether a word has to stand before a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Its check is strong enough.
    Nothing,
    /// Where it is written without separators.
    WordIfBare,
    /// Always.
    Word,
}

/// A kind of number.
#[derive(Debug)]
struct Number {
    rule: OutputRule,
    /// Everywhere where there is none.
    locale: Option<Locale>,
    /// How it is written; see [`shape`].
    shapes: &'static [&'static str],
    need: Need,
    /// Words one of which has to stand before it, in lower case.
    words: &'static [&'static str],
    /// Its check, over letters and digits without separators, in ASCII capitals.
    check: fn(&str) -> bool,
}

fn numbers() -> impl Iterator<Item = &'static Number> {
    [
        card::NUMBERS,
        americas::NUMBERS,
        asia::NUMBERS,
        british_isles::NUMBERS,
        central_europe::NUMBERS,
        nordic::NUMBERS,
        oceania::NUMBERS,
        southern_europe::NUMBERS,
        western_europe::NUMBERS,
        birth::NUMBERS,
    ]
    .into_iter()
    .flatten()
}

/// The rules of this family.
pub(super) fn rules() -> impl Iterator<Item = &'static OutputRule> {
    [iban::RULES, email::RULES, phone::RULES, mrz::RULES, network::RULES]
        .into_iter()
        .flatten()
        .chain(numbers().map(|n| &n.rule))
}

/// What looks for something that is no number of a fixed shape.
type Recogniser = fn(Look<'_>) -> Step;

/// The rules that are on, for some countries.
#[derive(Debug, Clone)]
pub(super) struct Table {
    shapes: Shapes,
    iban: bool,
    email: bool,
    phone: bool,
    mrz: bool,
    address: bool,
    mac: bool,
}

impl Table {
    pub(super) fn new(locales: Option<&BTreeSet<Locale>>, on: &dyn Fn(&OutputRule) -> bool) -> Self {
        let here = |number: &&Number| match (number.locale, locales) {
            (Some(locale), Some(locales)) => locales.contains(&locale),
            _ => true,
        };
        Self {
            shapes: Shapes::new(numbers().filter(here).filter(|number| on(&number.rule))),
            iban: iban::RULES.iter().any(on),
            email: email::RULES.iter().any(on),
            phone: phone::RULES.iter().any(on),
            mrz: mrz::RULES.iter().any(on),
            address: network::RULES.first().is_some_and(on),
            mac: network::RULES.last().is_some_and(on),
        }
    }

    pub(super) fn recognise(&self, look: Look<'_>) -> Step {
        let Some(&first) = look.bytes().first() else { return Step::No };
        if look.previous().is_some_and(is_word) {
            return Step::No;
        }
        let mut steps: [Option<Recogniser>; 5] = [None; 5];
        match first {
            b'+' | b'(' => steps[0] = self.phone.then_some(phone::recognise as Recogniser),
            _ if first.is_ascii_alphanumeric() => {
                steps[0] = self.email.then_some(email::recognise as Recogniser);
                steps[1] = (self.iban && first.is_ascii_alphabetic()).then_some(iban::recognise);
                steps[2] = self.mrz.then_some(mrz::recognise);
                steps[3] = self.address.then_some(network::address);
                steps[4] = self.mac.then_some(network::mac);
            }
            _ if first < 0x80 => return Step::No,
            _ => {}
        }
        for step in steps.into_iter().flatten() {
            match step(look) {
                Step::No => {}
                step => return step,
            }
        }
        self.shapes.recognise(look)
    }
}

#[cfg(test)]
mod tests;
