//! Passwords in addresses: `scheme://user:password@host`.

use proofhouse_core::Severity;

use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};
use super::check::is_example;

pub(super) static RULES: &[OutputRule] = &[OutputRule::new(
    "secret/connection-string",
    "Address with a password",
    Severity::Critical,
    Action::Redact,
)];

/// Longest scheme, such as `postgresql+psycopg2`.
const SCHEME: usize = 24;
/// Longest name with password.
const USERINFO: usize = 256;

pub(super) fn recognise(look: Look<'_>) -> Step {
    let Some(scheme) = look.run(0, SCHEME, |b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) else {
        return Step::More;
    };
    let bytes = look.bytes();
    let mark = bytes.get(scheme..).unwrap_or_default();
    let mark = mark.get(..3.min(mark.len())).unwrap_or_default();
    if !b"://".starts_with(mark) {
        return Step::No;
    }
    if mark.len() < 3 {
        return look.out_of_text();
    }
    let from = scheme + 3;
    let Some(userinfo) = look.run(from, USERINFO, |b| b > b' ' && !b"/?#@\"'`<>\\".contains(&b)) else {
        return Step::More;
    };
    match bytes.get(from + userinfo) {
        Some(b'@') => {}
        Some(_) => return Step::No,
        None => return look.out_of_text(),
    }
    let text = look.rest().get(from..from + userinfo).unwrap_or_default();
    let Some((_, password)) = text.split_once(':').filter(|(_, password)| is_password(password)) else {
        return Step::No;
    };
    // Past the @, so that what is left does not read as an address of its own.
    Step::Hit(Hit {
        rule: &RULES[0],
        length: from + userinfo + 1,
        open: None,
        preview: format!("{}://…@", look.rest().get(..scheme).unwrap_or_default()),
        reason: format!("a password of {} characters stands before its host", password.chars().count()),
    })
}

/// Whether it is one, and not a place for one.
fn is_password(text: &str) -> bool {
    let place = text.contains(['$', '{', '}', '*', '%']) && !text.contains(|c: char| c.is_ascii_digit());
    let word =
        matches!(&*text.to_ascii_lowercase(), "password" | "pass" | "pwd" | "secret" | "passwd" | "pw");
    text.len() >= 3
        && !place
        && !word
        && !text.starts_with(['$', '{', '<', '['])
        && !is_example(text)
        && text.bytes().any(|b| b != b'*' && b != b'x' && b != b'.')
}
