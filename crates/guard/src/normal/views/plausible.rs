//! Whether bytes that came out of a decoder are meant to be read.

use super::pairs::Order;
use super::words::Likeness;

/// The text in `bytes`, if it is one: UTF-8, or UTF-16 as Windows writes it, nearly all of it printable.
pub(super) fn text(bytes: &[u8]) -> Option<String> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        _ => utf16(bytes)?,
    };
    let (mut shown, mut letters, mut all) = (0usize, 0usize, 0usize);
    for c in text.chars() {
        all += 1;
        shown += usize::from(!c.is_control() || c.is_whitespace());
        letters += usize::from(c.is_alphanumeric() || c == ' ');
    }
    (all > 0 && shown * 20 >= all * 19 && letters * 2 >= all).then_some(text)
}

/// The same for decoders that turn much into something: it is language, or another encoding's digits.
pub(super) fn sure_text(bytes: &[u8]) -> Option<String> {
    text(bytes).filter(|text| is_telling(text))
}

/// Whether a text is language in Latin script, letters of another script, or one long run of digits of
/// some encoding.
pub(super) fn is_telling(text: &str) -> bool {
    if Likeness::of(text.as_bytes()).is_language() {
        return true;
    }
    let order = Order::of(text.chars().take(240));
    if order.pairs >= 10 && order.mean() >= 720 {
        return true;
    }
    if text.is_ascii() {
        // Another cipher's letters: small ones and spaces, which chance does not bring together.
        let small = text.bytes().filter(|b| b.is_ascii_lowercase() || *b == b' ').count();
        if text.len() >= 12 && small * 10 >= text.len() * 8 {
            return true;
        }
        return text.len() >= 16
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=' | b'-' | b'_'));
    }
    // Chance brings letters of several bytes together even less than words.
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 4 && letters * 10 >= text.chars().filter(|c| !c.is_whitespace()).count() * 4
}

fn utf16(bytes: &[u8]) -> Option<String> {
    let bytes = bytes.strip_prefix(&[0xff, 0xfe]).unwrap_or(bytes);
    if bytes.len() < 8 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let zeros = |parity: usize| bytes.iter().skip(parity).step_by(2).filter(|b| **b == 0).count();
    let little = zeros(1) * 4 >= bytes.len();
    if !little && zeros(0) * 4 < bytes.len() {
        return None;
    }
    let units = bytes.chunks_exact(2).map(|pair| match pair {
        [a, b] if little => u16::from_le_bytes([*a, *b]),
        [a, b] => u16::from_be_bytes([*a, *b]),
        _ => 0,
    });
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    (!text.contains('\0')).then_some(text)
}
