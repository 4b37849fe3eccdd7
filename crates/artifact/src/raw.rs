//! Weights without a structure: a head of a few numbers, and 32-bit floating-point numbers to the end.
//!
//! Darknet (`src/parser.c`, `load_weights`: a version, and how many pictures were seen) and llama2.c (`run.c`, `Config`,
//! from which the length of the file follows).

/// Darknet's head, version 2 counts pictures by 64 bits.
const HEADS: [(u32, usize); 2] = [(1, 16), (2, 20)];

/// Where the numbers of a file of Darknet begin.
///
/// The head alone is no proof, so all that follows must look like weights: numbers, hardly any of which is of a size
/// that no layer has.
#[must_use]
pub fn darknet(bytes: &[u8]) -> Option<usize> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at * 4..)?.first_chunk()?));
    let (major, minor, revision) = (word(0)?, word(1)?, word(2)?);
    let (_, head) = HEADS.into_iter().find(|(version, _)| *version == minor)?;
    let numbers = bytes.get(head..)?;
    // Training sees some billions of pictures at most.
    let seen = if head == 20 { word(4)? < 1 << 6 } else { true };
    (major == 0 && revision <= 5 && seen && !numbers.is_empty() && are_weights(numbers)).then_some(head)
}

/// Whether bytes are numbers as layers have them.
fn are_weights(bytes: &[u8]) -> bool {
    let chunks = bytes.chunks_exact(4);
    if !chunks.remainder().is_empty() {
        return false;
    }
    let (mut odd, mut count) = (0u64, 0u64);
    for chunk in chunks {
        let number = chunk.first_chunk().map_or(f32::NAN, |bytes| f32::from_le_bytes(*bytes));
        let size = number.abs();
        // Variances that were never updated are as good as nothing.
        odd += u64::from(!(size == 0.0 || (1e-35..1e8).contains(&size)));
        count += 1;
    }
    odd <= count / 256
}

/// Where the numbers of a file of llama2.c begin, if it has the length that its head tells.
#[must_use]
pub fn llama2c(bytes: &[u8]) -> Option<usize> {
    const HEAD: usize = 28;
    let word = |at: usize| Some(i32::from_le_bytes(*bytes.get(at * 4..)?.first_chunk()?));
    let positive = |at: usize| u64::try_from(word(at)?).ok().filter(|n| (1..=1 << 20).contains(n));
    let (width, hidden, layers) = (positive(0)?, positive(1)?, positive(2)?);
    let (heads, keys, length) = (positive(3)?, positive(4)?, positive(6)?);
    // A negative vocabulary says that the last layer has weights of its own.
    let words = word(5).filter(|words| *words != 0 && words.unsigned_abs() <= 1 << 20)?;
    if !width.is_multiple_of(heads) || keys > heads || layers > 1 << 10 {
        return None;
    }
    let (head, vocabulary) = (width / heads, u64::from(words.unsigned_abs()) * width);
    let per_layer = 2 * width + 2 * width * width + 2 * width * keys * head + 3 * width * hidden;
    let rotations = length.checked_mul(head)?;
    let classifier = if words < 0 { vocabulary } else { 0 };
    let numbers = vocabulary + layers.checked_mul(per_layer)? + width + rotations + classifier;
    let size = numbers.checked_mul(4)?.checked_add(HEAD as u64)?;
    (size == bytes.len() as u64).then_some(HEAD)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(words: &[i32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn numbers_to_the_end_are_weights() {
        let floats: Vec<u8> = (0..600).flat_map(|n| (n as f32 / 77.0 - 3.0).to_le_bytes()).collect();
        assert_eq!(darknet(&[words(&[0, 2, 0, 32000, 0]), floats.clone()].concat()), Some(20));
        assert_eq!(darknet(&[words(&[0, 1, 0, 32000]), floats.clone()].concat()), Some(16));
        assert_eq!(darknet(&[words(&[0, 2, 0, 32000, 0]), floats.clone(), vec![1]].concat()), None);
        assert_eq!(darknet(&[words(&[0, 2, 0, 32000, 0]), b"a text of words".repeat(40)].concat()), None);
        assert_eq!(darknet(&[words(&[7, 2, 0, 32000, 0]), floats].concat()), None);
    }

    #[test]
    fn the_length_follows_from_the_head() {
        // Width 4, hidden 6, one layer of two heads, one for keys, three words, two positions.
        let head = words(&[4, 6, 1, 2, 1, 3, 2]);
        let numbers = 3 * 4 + (8 + 32 + 16 + 72) + 4 + 4;
        assert_eq!(llama2c(&[head.clone(), vec![0; numbers * 4]].concat()), Some(28));
        assert_eq!(llama2c(&[head, vec![0; numbers * 4 + 4]].concat()), None);
        let own = words(&[4, 6, 1, 2, 1, -3, 2]);
        assert_eq!(llama2c(&[own, vec![0; (numbers + 12) * 4]].concat()), Some(28));
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (darknet(&bytes), llama2c(&bytes));
            let _ = darknet(&[words(&[0, 2, 0, 1, 0]), bytes.clone()].concat());
        }
    }
}
