//! What Python's `json` reads beyond the standard: `NaN` and the infinities, numbers that are too large for a double
//! (infinities too), and halves of surrogate pairs alone (CPython, `Lib/json/decoder.py` and `scanner.py`).

/// Begins the texts that stand for numbers. A text of the document's own that looks like one is read as the number:
/// it names no code either way.
const MARK: &str = "\\u0000";

/// The document with these written as the standard writes them, if there are any: numbers as marked texts that
/// [`number`] knows again, halves of pairs as U+FFFD.
pub(super) fn standard(document: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    let mut quoted = false;
    while let Some(&byte) = document.get(at) {
        let rest = &document[at..];
        let (taken, instead) = match byte {
            b'"' => {
                quoted = !quoted;
                (1, None)
            }
            b'\\' if quoted => escape(rest),
            b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' if !quoted => word(rest),
            _ => (1, None),
        };
        if let Some(instead) = instead {
            out.extend_from_slice(&document[copied..at]);
            out.extend_from_slice(instead.as_bytes());
            copied = at + taken;
        }
        at += taken;
    }
    (copied > 0).then(|| {
        out.extend_from_slice(document.get(copied..).unwrap_or_default());
        out
    })
}

/// The number for which a text of [`standard`] stands.
pub(super) fn number(text: &str) -> Option<f64> {
    match text.strip_prefix('\0')? {
        "NaN" => Some(f64::NAN),
        "Infinity" => Some(f64::INFINITY),
        "-Infinity" => Some(f64::NEG_INFINITY),
        _ => None,
    }
}

/// A word or number outside of texts: how long it is, and what the standard has for it.
fn word(rest: &[u8]) -> (usize, Option<String>) {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.');
    let length = rest.iter().position(|b| !is_part(b)).unwrap_or(rest.len());
    let word = std::str::from_utf8(&rest[..length]).unwrap_or_default();
    let name = match word {
        "NaN" | "Infinity" | "-Infinity" => Some(word),
        _ if is_beyond(word) => Some(if word.starts_with('-') { "-Infinity" } else { "Infinity" }),
        _ => None,
    };
    (length, name.map(|name| format!("\"{MARK}{name}\"")))
}

/// Whether this is a number after the standard that no double holds.
fn is_beyond(word: &str) -> bool {
    let digits = word.strip_prefix('-').unwrap_or(word);
    let leads = digits.starts_with(|c: char| c.is_ascii_digit());
    let padded = digits.starts_with('0') && digits[1..].starts_with(|c: char| c.is_ascii_digit());
    leads
        && !padded
        && !word.ends_with('.')
        && !word.contains(".e")
        && !word.contains(".E")
        && word.parse::<f64>().is_ok_and(f64::is_infinite)
}

/// An escape within a text: how long it is, and what stands for the half of a pair.
fn escape(rest: &[u8]) -> (usize, Option<String>) {
    let unit = |at: usize| {
        let hex = rest.get(at..at + 6)?.strip_prefix(b"\\u")?;
        // Not by `from_str_radix` alone, which takes a sign.
        let all = hex.iter().all(u8::is_ascii_hexdigit);
        if all { u16::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok() } else { None }
    };
    let half = || Some("\\ufffd".to_owned());
    match (unit(0), unit(6)) {
        (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => (12, None),
        (Some(0xd800..=0xdfff), _) => (6, half()),
        (Some(_), _) => (6, None),
        (None, _) => (2, None),
    }
}
