//! Word vectors: the binary files of word2vec and the models of fastText.
//!
//! Words, counts and numbers, each of a length that stands before it. Source: `word2vec.c` (`TrainModel`), which gensim
//! reads and writes too; fastText 0.9.2, `fasttext.cc` (`loadModel`), `args.cc`, `dictionary.cc`, `densematrix.cc`,
//! `quantmatrix.cc`, `productquantizer.cc` (each `load`).

use crate::ArtifactError;
use crate::cursor::Cursor;

/// The number that a model of fastText begins with.
const FASTTEXT: [u8; 4] = 793_712_314_u32.to_le_bytes();
/// Words of one file; the largest have a few million.
const MOST: u64 = 64_000_000;
/// Longest word (`MAX_STRING` of word2vec is 100, phrases are longer).
const LONGEST: usize = 1 << 12;

/// Whether bytes begin as a model of fastText does.
#[must_use]
pub fn is_fasttext(bytes: &[u8]) -> bool {
    bytes.starts_with(&FASTTEXT) && matches!(bytes.get(4..8), Some([11 | 12, 0, 0, 0]))
}

/// Whether bytes are a file of word2vec: a line of two numbers, and as many words with vectors as it says, to the end.
#[must_use]
pub fn is_word2vec(bytes: &[u8]) -> bool {
    word2vec(bytes).is_some_and(|end| end == bytes.len() as u64)
}

/// Where the vectors end.
fn word2vec(bytes: &[u8]) -> Option<u64> {
    let line = bytes.get(..bytes.len().min(40))?.split(|b| *b == b'\n').next()?;
    let mut numbers = std::str::from_utf8(line).ok()?.split(' ').map(str::parse::<u64>);
    let (words, width) = (numbers.next()?.ok()?, numbers.next()?.ok()?);
    if numbers.next().is_some() || words == 0 || words > MOST || !(1..=1 << 16).contains(&width) {
        return None;
    }
    let mut cursor = Cursor::new("word2vec", bytes, 0);
    cursor.take(line.len() as u64 + 1).ok()?;
    for _ in 0..words {
        let rest = cursor.rest();
        let length = rest.get(..rest.len().min(LONGEST))?.iter().position(|b| *b == b' ')?;
        cursor.take(length as u64 + 1).ok()?;
        cursor.take(4 * width).ok()?;
        // The original writes the end of a line behind each vector, others do not.
        if cursor.rest().first() == Some(&b'\n') {
            cursor.take(1).ok()?;
        }
    }
    Some(cursor.offset())
}

/// Walks a model of fastText; where it ends.
///
/// # Errors
/// It is cut short, or claims what its own numbers do not allow.
pub fn fasttext(bytes: &[u8]) -> Result<u64, ArtifactError> {
    let mut cursor = Cursor::new("fastText", bytes, 0);
    cursor.take(8)?;
    // Twelve arguments and a threshold.
    cursor.take(12 * 4 + 8)?;
    let words = u64::from(cursor.u32()?);
    cursor.take(4 + 4 + 8)?;
    let pruned = cursor.u64()?;
    if words > MOST {
        return Err(ArtifactError::Limit { format: "fastText", what: "words", limit: MOST });
    }
    for _ in 0..words {
        cursor.until_zero()?;
        cursor.take(8 + 1)?;
    }
    // A dictionary that is not pruned says minus one.
    if let Ok(pairs) = i64::try_from(pruned) {
        elements(&mut cursor, pairs.unsigned_abs(), 1, 8)?;
    }
    let quantized = flag(&mut cursor)?;
    matrix(&mut cursor, quantized)?;
    let output = flag(&mut cursor)?;
    matrix(&mut cursor, quantized && output)?;
    Ok(cursor.offset())
}

fn flag(cursor: &mut Cursor<'_>) -> Result<bool, ArtifactError> {
    match cursor.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(cursor.error(format!("{other} is neither yes nor no"))),
    }
}

fn matrix(cursor: &mut Cursor<'_>, quantized: bool) -> Result<(), ArtifactError> {
    let norms = quantized && flag(cursor)?;
    let (rows, columns) = (cursor.u64()?, cursor.u64()?);
    if !quantized {
        return elements(cursor, rows, columns, 4);
    }
    let codes = u64::from(cursor.u32()?);
    cursor.take(codes)?;
    quantizer(cursor)?;
    if norms {
        cursor.take(rows)?;
        quantizer(cursor)?;
    }
    Ok(())
}

/// Its width, three numbers that follow from it, and 256 centroids.
fn quantizer(cursor: &mut Cursor<'_>) -> Result<(), ArtifactError> {
    let width = u64::from(cursor.u32()?);
    cursor.take(12)?;
    elements(cursor, width, 256, 4)
}

fn elements(cursor: &mut Cursor<'_>, rows: u64, columns: u64, width: u64) -> Result<(), ArtifactError> {
    let length = rows.checked_mul(columns).and_then(|n| n.checked_mul(width));
    let length = length.ok_or_else(|| cursor.error("a matrix is larger than any file"))?;
    cursor.take(length).map(drop)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn model(words: &[&str], rows: u64) -> Vec<u8> {
        let mut out = [&FASTTEXT[..], &12u32.to_le_bytes(), &[0; 56]].concat();
        out.extend((words.len() as u32).to_le_bytes());
        out.extend([0; 16]);
        out.extend((-1i64).to_le_bytes());
        for word in words {
            out.extend(word.as_bytes());
            out.extend([0; 10]);
        }
        for _ in 0..2 {
            out.push(0);
            out.extend(rows.to_le_bytes());
            out.extend(3u64.to_le_bytes());
            out.extend(vec![1; usize::try_from(rows).unwrap() * 12]);
        }
        out
    }

    #[test]
    fn vectors_are_walked_to_the_end() {
        let bytes = model(&["a", "longer"], 2);
        assert!(is_fasttext(&bytes));
        assert_eq!(fasttext(&bytes).unwrap(), bytes.len() as u64);
        assert!(fasttext(&bytes[..bytes.len() - 1]).is_err());
        let mut huge = bytes.clone();
        let at = bytes.len() - 2 * 12 - 16;
        huge[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(fasttext(&huge).is_err());
    }

    #[test]
    fn word2vec_is_known_by_its_whole_length() {
        let with_lines = b"2 2\nthe \0\0\x80?\0\0\0@\nof \0\0\0\0\0\0\0\0\n";
        let without = b"2 2\nthe \0\0\x80?\0\0\0@of \0\0\0\0\0\0\0\0";
        assert!(is_word2vec(with_lines) && is_word2vec(without));
        assert!(!is_word2vec(&with_lines[..with_lines.len() - 3]));
        assert!(!is_word2vec(&[&with_lines[..], b"more"].concat()));
        assert!(!is_word2vec(b"2 2\n") && !is_word2vec(b"0 2\n") && !is_word2vec(b"some text\n"));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..200), quantized in 0u8..2) {
            let mut bytes = model(&["w"], 0);
            bytes.truncate(bytes.len() - 34);
            bytes.push(quantized);
            bytes.extend(&tail);
            let _ = fasttext(&bytes);
            let _ = is_word2vec(&[&b"3 1\n"[..], &tail].concat());
        }
    }
}
