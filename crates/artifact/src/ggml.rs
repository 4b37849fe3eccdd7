//! GGML before GGUF: `ggml`, `ggmf`, `ggjt` and the adapters `ggla`, as llama.cpp, whisper.cpp and the examples of ggml
//! wrote them until 2023.
//!
//! The files say neither what model they are nor how many numbers describe it: each program knew its own. So the layouts
//! that there were are tried one after the other, and the one that explains the most bytes is taken. What follows is the
//! same for all: tensors, each with its dimensions, its name and its numbers, to the end of the file. Source: llama.cpp
//! `llama_file_loader` (May 2023), whisper.cpp `whisper_model_load`, ggml `examples/*/main.cpp`.

use crate::ArtifactError;
use crate::cursor::Cursor;

const FORMAT: &str = "GGML";
/// `ggml`, `ggmf`, `ggjt` and `ggla`, least significant byte first.
const MAGICS: [&[u8; 4]; 4] = [b"lmgg", b"fmgg", b"tjgg", b"algg"];
/// Words of one vocabulary.
const MOST_WORDS: u32 = 2_000_000;
/// Longest word.
const LONGEST_WORD: u32 = 1 << 16;
/// Tensors of one file.
const MOST_TENSORS: usize = 100_000;
/// Longest name of a tensor.
const LONGEST_NAME: u32 = 1 << 10;
/// Numbers that describe a model: the fewest and the most that a program wrote.
const DESCRIBED: std::ops::RangeInclusive<u64> = 4..=16;

/// What a file of GGML holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ggml {
    /// The words of its vocabulary.
    pub words: u32,
    /// The tensors, in file order.
    pub tensors: Vec<Tensor>,
    /// First byte behind the last tensor that is whole.
    pub end: u64,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// `ggml_type`.
    pub kind: u32,
    /// First byte of its numbers in the file.
    pub begin: u64,
    /// Bytes of its numbers.
    pub bytes: u64,
}

/// Whether bytes begin as such a file does.
#[must_use]
pub fn is_ggml(bytes: &[u8]) -> bool {
    let version = bytes.get(4..8).and_then(<[u8]>::first_chunk).map(|v| u32::from_le_bytes(*v));
    match MAGICS.iter().position(|magic| bytes.starts_with(*magic)) {
        Some(0) => bytes.len() >= 8,
        Some(_) => version.is_some_and(|version| (1..=3).contains(&version)),
        None => false,
    }
}

/// Whether bytes are a matrix of importances, as llama.cpp wrote it beside its models until 2025: names of tensors, each
/// with counts and numbers, to the end; behind them the number of calls and the name of a text.
#[must_use]
pub fn is_importance(bytes: &[u8]) -> bool {
    importance(bytes).is_ok_and(|end| end == bytes.len() as u64)
}

fn importance(bytes: &[u8]) -> Result<u64, ArtifactError> {
    let mut cursor = Cursor::new(FORMAT, bytes, 0);
    let count = cursor.u32()?;
    if count == 0 || count > 100_000 {
        return Err(cursor.error("no model has so many tensors"));
    }
    for _ in 0..count {
        let length = cursor.u32()?;
        let name = if length <= LONGEST_NAME { cursor.take(u64::from(length))? } else { &[] };
        if name.is_empty() || !name.iter().all(u8::is_ascii_graphic) {
            return Err(cursor.error("a tensor has no such name"));
        }
        cursor.u32()?;
        let values = cursor.u32()?;
        cursor.take(4 * u64::from(values))?;
    }
    if cursor.left() > 0 {
        cursor.u32()?;
        let length = cursor.u32()?;
        let text = cursor.take(u64::from(length))?;
        if std::str::from_utf8(text).is_err() {
            return Err(cursor.error("the name of the text is none"));
        }
    }
    Ok(cursor.offset())
}

/// How a vocabulary is written.
#[derive(Debug, Clone, Copy)]
enum Words {
    /// Its length stands in front of it.
    Counted,
    /// Its length is one of the numbers that describe the model.
    Described(u64),
    None,
}

/// Walks a file to its end, by the layout that explains the most of it.
///
/// # Errors
/// No layout leads to a tensor.
pub fn walk(bytes: &[u8]) -> Result<Ggml, ArtifactError> {
    if !is_ggml(bytes) {
        return Err(ArtifactError::malformed(FORMAT, 0, "it does not begin with ggml, ggmf, ggjt or ggla"));
    }
    let versioned = !bytes.starts_with(MAGICS[0]);
    let aligned = bytes.starts_with(MAGICS[2]) || bytes.starts_with(MAGICS[3]);
    let adapter = bytes.starts_with(MAGICS[3]);
    // Scales are halves since version 3 of ggjt. What has no version was written before and after.
    let widths: &[bool] = match bytes.get(4) {
        Some(3) if aligned && !adapter => &[false],
        Some(_) if versioned && !adapter => &[true],
        _ => &[false, true],
    };
    let mut best: Option<Ggml> = None;
    // An adapter is described by its rank and its scale.
    for described in if adapter { 2..=2 } else { DESCRIBED } {
        let described_words = (0..described).map(Words::Described);
        let all = std::iter::once(if adapter { Words::None } else { Words::Counted });
        for words in all.chain(described_words.filter(|_| !adapter)) {
            for (scores, filters) in [(false, false), (true, false), (false, true)] {
                if filters && !matches!(words, Words::Counted) || adapter && (scores || filters) {
                    continue;
                }
                let mut cursor = Cursor::new(FORMAT, bytes, 0);
                let start = if versioned { 8 } else { 4 };
                let Ok(count) = head(&mut cursor, start, described, words, scores, filters) else { continue };
                for old in widths.iter().copied() {
                    let found = tensors(cursor.clone(), count, aligned, old);
                    let longer = best.as_ref().is_none_or(|best| found.end > best.end);
                    if !found.tensors.is_empty() && longer {
                        best = Some(found);
                    }
                }
                if best.as_ref().is_some_and(|best| best.end == bytes.len() as u64) {
                    return best.ok_or_else(|| cursor.error("it has no tensor"));
                }
            }
        }
    }
    best.ok_or_else(|| ArtifactError::malformed(FORMAT, 4, "no known layout of a model leads to a tensor"))
}

/// Whether a file that no layout explains states, where llama.cpp reads the number of words and the length of each, more
/// than follows: old readers took them as they stood.
#[must_use]
pub fn overstates(bytes: &[u8]) -> Option<String> {
    let scored = match MAGICS.iter().position(|magic| bytes.starts_with(*magic)) {
        Some(0) => false,
        Some(1 | 2) => true,
        _ => return None,
    };
    let start = if scored { 8 } else { 4 };
    let mut cursor = Cursor::new(FORMAT, bytes, 0);
    cursor.take(start).ok()?;
    let count = cursor.u32().ok()?;
    cursor.take(4 * 6).ok()?;
    let least = if scored { 8 } else { 4 };
    if u64::from(count) * least > cursor.left() {
        return Some(format!("it claims {count} words, and {} bytes are left", cursor.left()));
    }
    for _ in 0..count.min(MOST_WORDS) {
        let length = cursor.u32().ok()?;
        if length > LONGEST_WORD {
            return Some(format!("a word claims {length} bytes"));
        }
        cursor.take(u64::from(length) + if scored { 4 } else { 0 }).ok()?;
    }
    None
}

/// Reads what stands in front of the tensors; how many words its vocabulary has.
fn head(
    cursor: &mut Cursor<'_>,
    start: u64,
    described: u64,
    words: Words,
    scores: bool,
    filters: bool,
) -> Result<u32, ArtifactError> {
    cursor.take(start)?;
    let mut numbers = Vec::new();
    for _ in 0..described {
        numbers.push(cursor.u32()?);
    }
    if filters {
        // Bands of the spectrum that Whisper hears.
        let (bands, width) = (u64::from(cursor.u32()?), u64::from(cursor.u32()?));
        if bands == 0 || bands > 1024 || width == 0 || width > 1 << 16 {
            return Err(cursor.error("no bank of filters has such a size"));
        }
        cursor.take(bands * width * 4)?;
    }
    let count = match words {
        Words::Counted => cursor.u32()?,
        Words::Described(at) => {
            usize::try_from(at).ok().and_then(|at| numbers.get(at)).copied().unwrap_or_default()
        }
        Words::None => return Ok(0),
    };
    if !(16..=MOST_WORDS).contains(&count) {
        return Err(cursor.error(format!("no vocabulary has {count} words")));
    }
    for _ in 0..count {
        let length = cursor.u32()?;
        if length > LONGEST_WORD {
            return Err(cursor.error("a word is longer than any"));
        }
        cursor.take(u64::from(length) + if scores { 4 } else { 0 })?;
    }
    Ok(count)
}

/// Reads tensors as far as they are whole. `old` is how blocks were written before their scales became halves.
fn tensors(mut cursor: Cursor<'_>, words: u32, aligned: bool, old: bool) -> Ggml {
    let mut found = Ggml { words, tensors: Vec::new(), end: cursor.offset() };
    while cursor.left() > 0 && found.tensors.len() < MOST_TENSORS {
        match tensor(&mut cursor, aligned, old) {
            Ok(tensor) => {
                found.end = cursor.offset();
                found.tensors.push(tensor);
            }
            Err(_) => break,
        }
    }
    found
}

fn tensor(cursor: &mut Cursor<'_>, aligned: bool, old: bool) -> Result<Tensor, ArtifactError> {
    let (dimensions, length, kind) = (cursor.u32()?, cursor.u32()?, cursor.u32()?);
    if !(1..=4).contains(&dimensions) || length == 0 || length > LONGEST_NAME {
        return Err(cursor.error("a tensor has no such shape or name"));
    }
    let mut elements = 1u64;
    for _ in 0..dimensions {
        let size = u64::from(cursor.u32()?);
        elements = elements.checked_mul(size).ok_or_else(|| cursor.error("a shape overflows"))?;
    }
    let name = String::from_utf8_lossy(cursor.take(u64::from(length))?).into_owned();
    let (values, size) =
        block(kind, old).ok_or_else(|| cursor.error(format!("no tensor has the type {kind}")))?;
    if aligned {
        let gap = cursor.offset().next_multiple_of(32) - cursor.offset();
        if cursor.take(gap)?.iter().any(|b| *b != 0) {
            return Err(cursor.error("what aligns a tensor is not zero"));
        }
    }
    if !elements.is_multiple_of(values) {
        return Err(cursor.error("a tensor is no multiple of its block"));
    }
    let bytes = (elements / values).checked_mul(size).ok_or_else(|| cursor.error("a tensor overflows"))?;
    let begin = cursor.offset();
    cursor.take(bytes)?;
    Ok(Tensor { name, kind, begin, bytes })
}

/// Values in a block of a type, and its bytes.
const fn block(kind: u32, old: bool) -> Option<(u64, u64)> {
    Some(match (kind, old) {
        (0, _) => (1, 4),
        (1, _) => (1, 2),
        (2, false) => (32, 18),
        (2, true) => (32, 20),
        (3, false) => (32, 20),
        (3, true) => (32, 24),
        // Q4_2 and Q4_3, which lived for a month.
        (4, _) => (16, 10),
        (5, _) => (16, 12),
        (6, _) => (32, 22),
        (7, _) => (32, 24),
        (8, false) => (32, 34),
        (8, true) => (32, 36),
        (9, false) => (32, 36),
        (9, true) => (32, 40),
        (10, _) => (256, 84),
        (11, _) => (256, 110),
        (12, _) => (256, 144),
        (13, _) => (256, 176),
        (14, _) => (256, 210),
        (15, _) => (256, 292),
        (16, _) => (1, 1),
        (17, _) => (1, 2),
        (18, _) => (1, 4),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(out: &mut Vec<u8>, numbers: &[u32]) {
        numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
    }

    fn words(out: &mut Vec<u8>, score: bool) {
        for at in 0..20u32 {
            let word = format!("word{at}");
            number(out, &[word.len() as u32]);
            out.extend(word.as_bytes());
            if score {
                number(out, &[0]);
            }
        }
    }

    fn tensor(out: &mut Vec<u8>, name: &str, shape: &[u32], kind: u32, bytes: usize, aligned: bool) {
        number(out, &[shape.len() as u32, name.len() as u32, kind]);
        number(out, shape);
        out.extend(name.as_bytes());
        if aligned {
            out.resize(out.len().next_multiple_of(32), 0);
        }
        out.resize(out.len() + bytes, 7);
    }

    /// A model as llama.cpp wrote it.
    fn llama(magic: &[u8], version: Option<u32>) -> Vec<u8> {
        let mut out = magic.to_vec();
        number(&mut out, version.as_slice());
        number(&mut out, &[20, 64, 256, 1, 1, 64, 2]);
        words(&mut out, version.is_some());
        let aligned = magic == b"tjgg";
        tensor(&mut out, "tok_embeddings.weight", &[64, 20], 0, 64 * 20 * 4, aligned);
        let block = if magic == b"fmgg" { 20 } else { 18 };
        tensor(&mut out, "norm.weight", &[64], 2, 2 * block, aligned);
        out
    }

    /// Whisper: eleven numbers, filters, a counted vocabulary.
    fn whisper() -> Vec<u8> {
        let mut out = b"lmgg".to_vec();
        number(&mut out, &[51864, 1500, 384, 6, 4, 448, 384, 6, 4, 80, 1]);
        number(&mut out, &[80, 201]);
        out.resize(out.len() + 80 * 201 * 4, 1);
        number(&mut out, &[20]);
        words(&mut out, false);
        tensor(&mut out, "encoder.conv1.weight", &[3, 80, 4], 1, 3 * 80 * 4 * 2, false);
        out
    }

    #[test]
    fn layouts_are_told_by_what_they_explain() {
        for bytes in [llama(b"lmgg", None), llama(b"fmgg", Some(1)), llama(b"tjgg", Some(3)), whisper()] {
            assert!(is_ggml(&bytes));
            let found = walk(&bytes).unwrap();
            assert_eq!((found.words, found.end), (20, bytes.len() as u64));
        }
        let mut adapter = b"algg".to_vec();
        number(&mut adapter, &[1, 8, 16]);
        tensor(&mut adapter, "layers.0.attention.wq.weight.loraA", &[8, 64], 0, 8 * 64 * 4, true);
        assert_eq!(walk(&adapter).unwrap().tensors.len(), 1);
    }

    #[test]
    fn importances_are_known_by_their_whole_length() {
        let mut bytes = Vec::new();
        number(&mut bytes, &[1, 12]);
        bytes.extend(b"blk.0.attn_q");
        number(&mut bytes, &[10, 2, 0, 0]);
        assert!(is_importance(&bytes));
        let mut whole = bytes.clone();
        number(&mut whole, &[10, 4]);
        whole.extend(b"wiki");
        assert!(is_importance(&whole));
        assert!(!is_importance(&bytes[..bytes.len() - 1]) && !is_importance(&[&bytes[..], b"x"].concat()));
    }

    #[test]
    fn what_no_layout_explains_is_left_over() {
        let bytes = llama(b"tjgg", Some(3));
        let behind = walk(&[&bytes[..], b"more"].concat()).unwrap();
        assert_eq!(behind.end, bytes.len() as u64);
        assert!(walk(&bytes[..bytes.len() - 1]).unwrap().end < bytes.len() as u64 - 1);
        assert!(walk(b"lmgg\0\0\0\0").is_err());
    }

    #[test]
    fn counts_beyond_the_file_are_told() {
        let bytes = llama(b"tjgg", Some(3));
        assert_eq!(overstates(&bytes), None);
        let mut words = bytes.clone();
        words[8..12].copy_from_slice(&i32::MAX.to_le_bytes());
        assert!(overstates(&words).unwrap().contains("2147483647 words"));
        let mut length = bytes;
        length[36..40].copy_from_slice(&(-1i32).to_le_bytes());
        assert!(overstates(&length).unwrap().contains("a word claims 4294967295"));
    }

    proptest! {
        #[test]
        fn damaged_files_are_errors_or_short(flips in prop::collection::vec((0usize..6000, any::<u8>()), 1..8)) {
            let mut bytes = llama(b"tjgg", Some(3));
            for (at, value) in flips {
                let at = 4 + at % (bytes.len() - 4);
                bytes[at] = value;
            }
            if let Ok(found) = walk(&bytes) {
                prop_assert!(found.end <= bytes.len() as u64);
            }
        }
    }
}
