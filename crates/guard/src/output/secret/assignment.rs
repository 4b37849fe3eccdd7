//! What a name says is a secret: `api_key = "…"`, `"password": "…"`, `the password is …`.
//!
//! The place looked at is the value; the name stands before it, so one look back decides. A value is taken
//! for a secret only if it could be one: not a word, not a variable, not code, not a placeholder.

use proofhouse_core::Severity;

use super::super::look::{Hit, Look, Step, is_word};
use super::super::{Action, OutputRule, entropy};
use super::check::is_example;

pub(super) static RULES: &[OutputRule] = &[
    OutputRule::new("secret/assigned-password", "Password", Severity::High, Action::Redact),
    OutputRule::new("secret/assigned-token", "Key or token by its name", Severity::High, Action::Redact),
];

/// Longest value.
const VALUE: usize = 256;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Password,
    Token,
}

pub(super) fn recognise(look: Look<'_>) -> Step {
    // A value has at least eight characters. Most have not, which is soon seen.
    let short =
        look.bytes().iter().take(8).position(|b| b.is_ascii_whitespace() || b"\"'`,;<>)]}".contains(b));
    if short.is_some() {
        return Step::No;
    }
    let before = look.before();
    // Cheap first: a separator, perhaps with spaces and a quote, has to stand directly before.
    let quoted = before.trim_end_matches(['"', '\'', '`', '!', '#', '$', '@', '*']);
    let spaced = quoted.trim_end_matches([' ', '\t']);
    if before.len() - spaced.len() > 8 {
        return Step::No;
    }
    let prose = !matches!(spaced.as_bytes().last(), Some(b'=' | b':' | b'>'));
    let kind = match spaced.as_bytes().last() {
        Some(b'=' | b':' | b'>') => named(spaced.trim_end_matches(['=', ':', '>', '~']), false),
        Some(b's' | b'S') if spaced.len() < quoted.len() && ends_with_word(spaced, "is") => {
            named(spaced.get(..spaced.len() - 2).unwrap_or_default(), true)
        }
        _ => None,
    };
    let Some(kind) = kind else { return Step::No };
    let quote = before.as_bytes().last().copied().filter(|b| matches!(b, b'"' | b'\'' | b'`'));
    let ends = |b: u8| match quote {
        Some(quote) => b == quote || b == b'\n',
        None => b.is_ascii_whitespace() || b"\"'`,;<>)]}".contains(&b),
    };
    let Some(run) = look.run(0, VALUE + 1, |b| !ends(b)) else { return Step::More };
    if run > VALUE {
        return Step::No;
    }
    let value = look.rest().get(..run).unwrap_or_default();
    // The end of a sentence is no part of what it tells.
    let value = match (quote, prose) {
        (Some(_), _) => value,
        (None, true) => value.trim_end_matches(['.', '!', '?', ':']),
        (None, false) => value.trim_end_matches('.'),
    };
    let call = matches!(look.bytes().get(run), Some(b'(' | b'[' | b'{'));
    if call || !could_be(kind, value) {
        return Step::No;
    }
    let rule = match kind {
        Kind::Password => &RULES[0],
        Kind::Token => &RULES[1],
    };
    Step::Hit(Hit {
        rule,
        length: value.len(),
        open: None,
        preview: format!("{} characters", value.chars().count()),
        reason: "the name before it says what it is, and it looks random".to_owned(),
    })
}

fn ends_with_word(text: &str, word: &str) -> bool {
    let Some(before) = text.len().checked_sub(word.len()) else { return false };
    text.get(before..).is_some_and(|end| end.eq_ignore_ascii_case(word))
        && !text.as_bytes().get(before.wrapping_sub(1)).copied().is_some_and(is_word)
}

/// The name at the end of `text`, if it names a secret. In prose only passwords are spoken of like that.
fn named(text: &str, prose: bool) -> Option<Kind> {
    let text = text.trim_end_matches([' ', '\t', '"', '\'', '`', ']', '*']);
    let from = text.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c))).map_or(0, |at| at + 1);
    // A character before the name may be longer than a byte.
    let name = text.get(from..).or_else(|| text.rsplit(|c: char| !c.is_ascii()).next())?;
    // How the names below end; everything else needs no second look.
    let end = name.get(name.len().saturating_sub(2)..).unwrap_or_default().to_ascii_lowercase();
    if !["rd", "wd", "se", "rt", "ey", "et", "en", "al", "ls", "er"].contains(&end.as_str()) {
        return None;
    }
    let name: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    if ends(&["password", "passwd", "passphrase", "passwort", "motdepasse"])
        || name == "pwd"
        || name.len() < 16 && name.ends_with("pwd")
    {
        return Some(Kind::Password);
    }
    let token = ends(&[
        "apikey",
        "secretkey",
        "accesskey",
        "privatekey",
        "authkey",
        "secret",
        "token",
        "accesstoken",
        "clientsecret",
        "secretaccesskey",
        "encryptionkey",
        "signingkey",
        "masterkey",
        "credential",
        "credentials",
        "bearer",
    ]);
    (token && !prose).then_some(Kind::Token)
}

fn could_be(kind: Kind, value: &str) -> bool {
    let bytes = value.as_bytes();
    let code = value.contains("${")
        || value.contains("{{")
        || value.contains("()")
        || value.contains("process.env")
        || value.contains("os.environ")
        || value.contains("://");
    if code
        || is_example(value)
        || value.contains("***")
        || value.contains("...")
        || value.contains(char::is_whitespace)
    {
        return false;
    }
    let digits = bytes.iter().filter(|b| b.is_ascii_digit()).count();
    let letters = bytes.iter().filter(|b| b.is_ascii_alphabetic()).count();
    match kind {
        // Three kinds of characters: what people are made to choose, and what no identifier in code is.
        Kind::Password => {
            let classes = [
                bytes.iter().any(u8::is_ascii_lowercase),
                bytes.iter().any(u8::is_ascii_uppercase),
                digits > 0,
                bytes.iter().any(u8::is_ascii_punctuation),
            ];
            let dotted =
                value.contains('.') && letters + digits + value.matches(['.', '_']).count() == bytes.len();
            bytes.len() >= 8
                && letters > 0
                && digits > 0
                && !dotted
                && classes.iter().filter(|c| **c).count() >= 3
        }
        Kind::Token => {
            let random = bytes.len() >= 16 && digits >= 2 && letters >= 2 && entropy(bytes) >= 3.3;
            random && !value.starts_with(['$', '<', '{', '[']) && !value.contains(['(', ' '])
        }
    }
}
