//! E-mail addresses: a local part, a host with a top-level domain.

use proofhouse_core::Severity;

use super::super::look::{Hit, Look, Step};
use super::super::{Action, OutputRule};

pub(super) static RULES: &[OutputRule] =
    &[OutputRule::new("personal/e-mail", "E-mail address", Severity::Medium, Action::Report)];

/// Longest local part (RFC 5321).
const LOCAL: usize = 64;
/// Longest host.
const HOST: usize = 253;
/// Endings of files that are named with an @ (`logo@2x.png`).
const FILES: &[&str] = &["png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js", "ts"];

pub(super) fn recognise(look: Look<'_>) -> Step {
    if look.previous().is_some_and(is_local) {
        return Step::No;
    }
    let Some(local) = look.run(0, LOCAL + 1, is_local) else { return Step::More };
    let bytes = look.bytes();
    match bytes.get(local) {
        Some(b'@') if local <= LOCAL => {}
        Some(_) => return Step::No,
        None => return Step::No,
    }
    let from = local + 1;
    let Some(run) = look.run(from, HOST + 1, |b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') else {
        return Step::More;
    };
    let host = look.rest().get(from..from + run).unwrap_or_default().trim_end_matches(['.', '-']);
    let top = host.rsplit('.').next().unwrap_or_default();
    let labels = host.split('.').all(|label| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    });
    let named = top.len() >= 2 && top.bytes().all(|b| b.is_ascii_alphabetic()) || top.starts_with("xn--");
    let file = FILES.iter().any(|file| top.eq_ignore_ascii_case(file));
    let text = look.rest().get(..local).unwrap_or_default();
    if run > HOST
        || !host.contains('.')
        || !labels
        || !named
        || file
        || text.ends_with('.')
        || text.contains("..")
    {
        return Step::No;
    }
    Step::Hit(Hit {
        rule: &RULES[0],
        length: from + host.len(),
        open: None,
        preview: format!("•••@•••.{top}"),
        reason: "a local part, an @ and a host with a top-level domain".to_owned(),
    })
}

const fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
}
