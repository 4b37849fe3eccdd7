//! Private keys in PEM (RFC 7468) and what OpenSSH, PGP and PuTTY make of it.

use proofhouse_core::Severity;

use super::super::look::{Further, Hit, Look, Open, Step};
use super::super::{Action, OutputRule};

pub(super) static RULES: &[OutputRule] =
    &[OutputRule::new("secret/private-key", "Private key", Severity::Critical, Action::Redact)];

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
/// Longest label, such as `ENCRYPTED PRIVATE KEY`.
const LABEL: usize = 40;

pub(super) fn recognise(look: Look<'_>) -> Step {
    let bytes = look.bytes();
    if look.previous() == Some(b'-') {
        return Step::No;
    }
    let seen = bytes.get(..BEGIN.len().min(bytes.len())).unwrap_or_default();
    if !BEGIN.starts_with(seen) {
        return Step::No;
    }
    if seen.len() < BEGIN.len() {
        return look.out_of_text();
    }
    let Some(label) =
        look.run(BEGIN.len(), LABEL, |b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b' ')
    else {
        return Step::More;
    };
    let text = bytes.get(BEGIN.len()..BEGIN.len() + label).unwrap_or_default();
    let private = text.ends_with(b"PRIVATE KEY") || text == b"PGP PRIVATE KEY BLOCK";
    let dashes = bytes.get(BEGIN.len() + label..).unwrap_or_default();
    let dashes = dashes.get(..5.min(dashes.len())).unwrap_or_default();
    if !private || !b"-----".starts_with(dashes) {
        return Step::No;
    }
    if dashes.len() < 5 {
        return look.out_of_text();
    }
    Step::Hit(Hit {
        rule: &RULES[0],
        length: BEGIN.len() + label + 5,
        open: Some(Open::Pem),
        preview: format!(
            "{}-----…",
            String::from_utf8_lossy(bytes.get(..BEGIN.len() + label).unwrap_or_default())
        ),
        reason: "it is labelled as a private key".to_owned(),
    })
}

/// The block goes on to its end line, or to the first character that no key and no header of one has. The
/// break of a line may be written `\n`.
pub(in super::super) fn further(look: Look<'_>) -> Further {
    let bytes = look.bytes();
    let body = |b: &u8| b.is_ascii_alphanumeric() || b.is_ascii_whitespace() || b"+/=\\:,".contains(b);
    let length = bytes.iter().take_while(|b| body(b)).count();
    if length > 0 {
        return Further::By(length, Open::Pem);
    }
    let seen = bytes.get(..END.len().min(bytes.len())).unwrap_or_default();
    if bytes.first() != Some(&b'-') {
        return Further::No;
    }
    if !END.starts_with(seen) {
        // A header such as DEK-Info has single ones.
        return if bytes.get(1) == Some(&b'-') { Further::No } else { Further::By(1, Open::Pem) };
    }
    if seen.len() < END.len() {
        return if look.is_final() { Further::Last(seen.len()) } else { Further::More };
    }
    let Some(label) = look.run(END.len(), LABEL, |b| b != b'-' && b != b'\n') else { return Further::More };
    let Some(dashes) = look.run(END.len() + label, 5, |b| b == b'-') else { return Further::More };
    Further::Last(END.len() + label + dashes)
}
