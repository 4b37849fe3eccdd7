//! Whether bytes that came out of a decoder are meant to be read.

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
