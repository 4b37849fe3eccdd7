//! Addresses of machines. They identify people in logs and are noise elsewhere, so they are off unless
//! asked for.

use std::net::IpAddr;

use proofhouse_core::Severity;

use super::super::finding::shape;
use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};

#[rustfmt::skip]
pub(super) static RULES: &[OutputRule] = &[
    OutputRule::new("personal/ip-address", "IP address", Severity::Low, Action::Ignore),
    OutputRule::new("personal/mac-address", "MAC address", Severity::Low, Action::Ignore),
];

/// Longest address in text form.
const LONGEST: usize = 45;

pub(super) fn address(look: Look<'_>) -> Step {
    if look.previous().is_some_and(|b| b == b'.' || b == b':') {
        return Step::No;
    }
    let Some(run) = look.run(0, LONGEST + 1, |b| b.is_ascii_hexdigit() || b == b':' || b == b'.') else {
        return Step::More;
    };
    let text = look.rest().get(..run).unwrap_or_default().trim_end_matches(['.', ':']);
    match text.parse::<IpAddr>() {
        Ok(address) if !address.is_loopback() && !address.is_unspecified() && text.len() > 6 => {
            hit(look, &RULES[0], text.len(), "it reads as an address")
        }
        _ => Step::No,
    }
}

pub(super) fn mac(look: Look<'_>) -> Step {
    let Some(run) = look.run(0, 18, |b| b.is_ascii_hexdigit() || b == b':' || b == b'-') else {
        return Step::More;
    };
    let text = look.rest().get(..run).unwrap_or_default();
    let shaped = |separator| {
        run == 17 && text.split(separator).count() == 6 && text.split(separator).all(|part| part.len() == 2)
    };
    if shaped(':') || shaped('-') {
        hit(look, &RULES[1], run, "six pairs of hexadecimal digits")
    } else {
        Step::No
    }
}

fn hit(look: Look<'_>, rule: &'static OutputRule, length: usize, reason: &str) -> Step {
    let text = look.rest().get(..length).unwrap_or_default();
    Step::Hit(Hit { rule, length, open: None, preview: shape(text), reason: reason.to_owned() })
}
