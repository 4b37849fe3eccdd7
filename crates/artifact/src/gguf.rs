//! GGUF: key–value pairs, tensor descriptions and aligned tensor data in one file (ggml `docs/gguf.md`).
//!
//! Readers of this format have allocated what a file claims, and followed arrays as deep as it nests. Here every
//! count is held against the bytes that are left, arrays are walked with a stack, and what breaks a rule is
//! collected as an [`Issue`], so that one does not hide the next.

use std::collections::HashSet;
use std::fmt;

use crate::ArtifactError;

mod indices;

use indices::Values;

/// Alignment of tensor data where `general.alignment` is not given.
const DEFAULT_ALIGNMENT: u64 = 32;
/// `GGML_MAX_DIMS`.
const MAX_DIMENSIONS: u32 = 4;
/// `GGML_MAX_NAME`, the terminating zero included.
const MAX_TENSOR_NAME: usize = 64;
/// `general.*` and `tokenizer.*` keys are short; the specification allows 65535 bytes.
const MAX_KEY: usize = 65_535;
/// Texts of one array that are kept.
const MAX_KEPT: u64 = 64;
/// Arrays within arrays. The specification allows them and no known writer makes them.
const MAX_DEPTH: usize = 8;

/// What a GGUF file says about itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Gguf {
    /// Version of the format.
    pub version: u32,
    /// Whether numbers are stored with the most significant byte first.
    pub big_endian: bool,
    /// Texts among the values, by key; of those in arrays chat templates.
    pub texts: Vec<Text>,
    /// Number of key–value pairs.
    pub pairs: u64,
    /// The tensors, in file order.
    pub tensors: Vec<Tensor>,
    /// First byte of the tensor data.
    pub data_start: u64,
    /// Where the file breaks a rule of the format.
    pub issues: Vec<Issue>,
}

/// A text value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Its key.
    pub key: String,
    /// The text; bytes that are no UTF-8 are replaced.
    pub value: String,
    /// First byte of the text in the file.
    pub offset: u64,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its dimensions, the fastest first.
    pub shape: Vec<u64>,
    /// `ggml_type`.
    pub kind: u32,
    /// First byte in the file.
    pub begin: u64,
    /// Bytes by type and shape; absent where the type is not known or the shape overflows.
    pub bytes: Option<u64>,
}

/// A breach of the format's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the file.
    pub offset: u64,
    /// What breaks which rule.
    pub what: String,
    /// What follows from it.
    pub kind: IssueKind,
}

/// What follows from an issue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueKind {
    /// Readers differ in what they take, or refuse the file.
    Structure,
    /// Bytes that belong to nothing.
    Hole(u64),
    /// A type of value or tensor that is not known here.
    Unknown,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Reads everything before the tensor data, and lays the tensors out over the rest.
///
/// # Errors
/// The header ends before it is complete, or a count or length exceeds the file: nothing can be said about what
/// follows.
pub fn parse(bytes: &[u8]) -> Result<Gguf, ArtifactError> {
    let mut reader = Reader { bytes, at: 4, big_endian: false, values: Values::default() };
    if !bytes.starts_with(b"GGUF") {
        return Err(malformed(0, "it does not begin with GGUF"));
    }
    let mut version = reader.u32()?;
    if version != 0 && version & 0xffff == 0 {
        reader.big_endian = true;
        version = version.swap_bytes();
    }
    if !(2..=3).contains(&version) {
        return Err(malformed(4, format!("version {version} is not read; versions 2 and 3 are")));
    }
    let (tensors, pairs) = (reader.u64()?, reader.u64()?);
    let mut gguf = Gguf {
        version,
        big_endian: reader.big_endian,
        texts: Vec::new(),
        pairs,
        tensors: Vec::new(),
        data_start: 0,
        issues: Vec::new(),
    };
    // A pair takes at least 13 bytes, a tensor at least 24: a larger count is a lie.
    reader.holds(pairs, 13, "key–value pairs")?;
    reader.holds(tensors, 24, "tensors")?;
    let mut alignment = DEFAULT_ALIGNMENT;
    let mut seen = HashSet::new();
    for _ in 0..pairs {
        let at = reader.offset();
        let key = reader.text(MAX_KEY, "a key")?;
        let kind = reader.u32()?;
        if key.is_empty() || !key.is_ascii() {
            gguf.issue(at, format!("the key {key:?} is empty or not ASCII"));
        }
        if key == "general.alignment" && kind == 4 {
            let value = u64::from(reader.u32()?);
            if value == 0 || !value.is_multiple_of(8) {
                gguf.issue(at, format!("an alignment of {value} is no multiple of 8"));
            } else {
                alignment = value;
            }
        } else {
            reader.value(&mut gguf, &key, kind)?;
        }
        if !seen.insert(key.clone()) {
            gguf.issue(at, format!("the key {key:?} stands twice: readers differ in which one they take"));
        }
    }
    let mut names = HashSet::new();
    for _ in 0..tensors {
        reader.tensor(&mut gguf, &mut names)?;
    }
    gguf.data_start = reader.offset().next_multiple_of(alignment);
    gguf.lay_out(bytes, reader.offset(), alignment);
    reader.values.check(&mut gguf);
    Ok(gguf)
}

impl Gguf {
    fn issue(&mut self, offset: u64, what: String) {
        self.issues.push(Issue { offset, what, kind: IssueKind::Structure });
    }

    /// Turns relative offsets into places in the file and finds what overlaps, sticks out or is left over.
    fn lay_out(&mut self, bytes: &[u8], header_end: u64, alignment: u64) {
        let size = bytes.len() as u64;
        self.padding(bytes, header_end, self.data_start.min(size), alignment);
        let mut placed: Vec<(u64, u64, String)> = Vec::with_capacity(self.tensors.len());
        let mut issues = Vec::new();
        let structure = |offset, what| Issue { offset, what, kind: IssueKind::Structure };
        for tensor in &mut self.tensors {
            let relative = tensor.begin;
            tensor.begin = self.data_start.saturating_add(relative);
            let (name, begin) = (&tensor.name, tensor.begin);
            if !relative.is_multiple_of(alignment) {
                issues.push(structure(
                    begin,
                    format!("tensor {name:?} does not begin at a multiple of {alignment}"),
                ));
            }
            let Some(length) = tensor.bytes else { continue };
            match begin.checked_add(length).filter(|end| *end <= size) {
                Some(end) => placed.push((begin, end, name.clone())),
                None => {
                    let what = format!(
                        "tensor {name:?} of {length} bytes at {begin} lies outside the file of {size} bytes"
                    );
                    issues.push(structure(begin.min(size), what));
                }
            }
        }
        placed.sort();
        self.issues.extend(issues);
        let unknown = self.tensors.iter().any(|t| t.bytes.is_none());
        let mut end = self.data_start.min(size);
        let mut before = String::new();
        for (begin, stop, name) in placed {
            if begin < end && !before.is_empty() {
                self.issue(begin, format!("tensor {name:?} shares bytes with {before:?}"));
            } else if begin > end && !unknown {
                self.padding(bytes, end, begin, alignment);
            }
            if stop > end {
                (end, before) = (stop, name);
            }
        }
        if end < size && !unknown {
            self.padding(bytes, end, size, alignment);
        }
    }

    /// What lies between two things is zeros up to the next multiple of the alignment, and nothing else.
    fn padding(&mut self, bytes: &[u8], from: u64, to: u64, alignment: u64) {
        let range = usize::try_from(from).unwrap_or(usize::MAX)..usize::try_from(to).unwrap_or(usize::MAX);
        let between = bytes.get(range).unwrap_or_default();
        if between.len() as u64 >= alignment || between.iter().any(|b| *b != 0) {
            let count = between.len() as u64;
            self.issues.push(Issue {
                offset: from,
                what: format!("{count} bytes belong to no key and no tensor"),
                kind: IssueKind::Hole(count),
            });
        }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    big_endian: bool,
    values: Values,
}

impl Reader<'_> {
    fn offset(&self) -> u64 {
        self.at as u64
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ArtifactError> {
        let found = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk::<N>);
        let array = *found.ok_or_else(|| malformed(self.offset(), "the file ends inside its header"))?;
        self.at += N;
        Ok(array)
    }

    fn u32(&mut self) -> Result<u32, ArtifactError> {
        let array = self.array()?;
        Ok(if self.big_endian { u32::from_be_bytes(array) } else { u32::from_le_bytes(array) })
    }

    fn u64(&mut self) -> Result<u64, ArtifactError> {
        let array = self.array()?;
        Ok(if self.big_endian { u64::from_be_bytes(array) } else { u64::from_le_bytes(array) })
    }

    /// Whether so many things of at least `least` bytes can be left.
    fn holds(&self, count: u64, least: u64, what: &str) -> Result<(), ArtifactError> {
        let left = (self.bytes.len() - self.at.min(self.bytes.len())) as u64;
        match count.checked_mul(least) {
            Some(needed) if needed <= left => Ok(()),
            _ => Err(malformed(self.offset(), format!("it claims {count} {what} and {left} bytes are left"))),
        }
    }

    fn skip(&mut self, count: u64) -> Result<(), ArtifactError> {
        self.holds(count, 1, "bytes")?;
        self.at += usize::try_from(count).unwrap_or(usize::MAX);
        Ok(())
    }

    fn text(&mut self, limit: usize, what: &str) -> Result<String, ArtifactError> {
        let at = self.offset();
        let length = self.u64()?;
        self.holds(length, 1, "bytes of text")?;
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > limit {
            return Err(malformed(at, format!("{what} has {length} bytes, {limit} are allowed")));
        }
        let text = self.bytes.get(self.at..self.at + length).unwrap_or_default();
        self.at += length;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Reads a value. Arrays are walked with a list of what is left in each, not by recursion.
    fn value(&mut self, gguf: &mut Gguf, key: &str, kind: u32) -> Result<(), ArtifactError> {
        let mut open: Vec<(u32, u64)> = vec![(kind, 1)];
        while let Some((kind, left)) = open.pop() {
            if left == 0 {
                continue;
            }
            match kind {
                8 if open.is_empty() && left == 1 => {
                    let offset = self.offset() + 8;
                    let value = self.text(usize::MAX, "a text")?;
                    gguf.texts.push(Text { key: key.to_owned(), value, offset });
                }
                8 => {
                    self.holds(left, 8, "texts")?;
                    // Texts of arrays are tokens, by the hundred thousand; a few are templates.
                    let kept = key.starts_with("tokenizer.chat_template") && left <= MAX_KEPT;
                    for _ in 0..left {
                        let offset = self.offset() + 8;
                        if kept {
                            let value = self.text(usize::MAX, "a text")?;
                            gguf.texts.push(Text { key: key.to_owned(), value, offset });
                        } else {
                            let length = self.u64()?;
                            self.skip(length)?;
                        }
                    }
                }
                9 => {
                    open.push((9, left - 1));
                    let at = self.offset();
                    let (inner, count) = (self.u32()?, self.u64()?);
                    if open.len() > MAX_DEPTH {
                        return Err(malformed(at, format!("arrays are nested deeper than {MAX_DEPTH}")));
                    }
                    self.holds(count, width(inner).unwrap_or(1), "elements")?;
                    if open.len() == 1 {
                        self.values.array(key, at, inner, count);
                    }
                    open.push((inner, count));
                }
                7 => {
                    let at = self.offset();
                    self.holds(left, 1, "booleans")?;
                    let from = self.at;
                    self.skip(left)?;
                    if self.bytes.get(from..self.at).unwrap_or_default().iter().any(|b| *b > 1) {
                        gguf.issue(at, format!("a boolean of {key:?} is neither 0 nor 1"));
                    }
                }
                _ => {
                    let width = width(kind).ok_or_else(|| {
                        malformed(self.offset(), format!("the value of {key:?} has the unknown type {kind}"))
                    })?;
                    if open.is_empty() && left == 1 {
                        self.number(key, kind);
                    }
                    let bytes = left.checked_mul(width);
                    self.skip(
                        bytes.ok_or_else(|| malformed(self.offset(), "an array is longer than any file"))?,
                    )?;
                }
            }
        }
        Ok(())
    }

    /// Keeps a whole number, which is still to be read.
    fn number(&mut self, key: &str, kind: u32) {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let Some(raw) = width(kind).and_then(|n| rest.get(..usize::try_from(n).ok()?)) else { return };
        let join = |all: i128, byte: &u8| all << 8 | i128::from(*byte);
        let whole = if self.big_endian { raw.iter().fold(0, join) } else { raw.iter().rev().fold(0, join) };
        let bits = 8 * raw.len();
        let number = match kind {
            0 | 2 | 4 | 10 => whole,
            1 | 3 | 5 | 11 => whole - if whole >> (bits - 1) == 1 { 1 << bits } else { 0 },
            _ => return,
        };
        self.values.number(key, self.offset(), number);
    }

    fn tensor(&mut self, gguf: &mut Gguf, names: &mut HashSet<String>) -> Result<(), ArtifactError> {
        let at = self.offset();
        let name = self.text(MAX_KEY, "a tensor name")?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(malformed(
                at,
                format!("tensor {name:?} has {dimensions} dimensions, {MAX_DIMENSIONS} are allowed"),
            ));
        }
        let shape = (0..dimensions).map(|_| self.u64()).collect::<Result<Vec<_>, _>>()?;
        let (kind, begin) = (self.u32()?, self.u64()?);
        if name.len() >= MAX_TENSOR_NAME {
            gguf.issue(at, format!("the tensor name {name:?} is longer than {} bytes", MAX_TENSOR_NAME - 1));
        }
        if !names.insert(name.clone()) {
            gguf.issue(at, format!("two tensors are named {name:?}"));
        }
        let elements =
            shape.iter().try_fold(1u64, |n, d| n.checked_mul(*d).filter(|n| *n <= i64::MAX as u64));
        let bytes = match (block(kind), elements) {
            (None, _) if !is_kind(kind) => {
                gguf.issue(at, format!("tensor {name:?} has the type {kind}, which no version of ggml has"));
                None
            }
            (None, _) => {
                let what = format!("tensor {name:?} has the type {kind}, whose size is not known here");
                gguf.issues.push(Issue { offset: at, what, kind: IssueKind::Unknown });
                None
            }
            (_, None) => {
                gguf.issue(at, format!("the shape of tensor {name:?} overflows"));
                None
            }
            (Some((values, size)), Some(elements)) => {
                let row = shape.first().copied().unwrap_or(1);
                if !row.is_multiple_of(values) {
                    gguf.issue(
                        at,
                        format!("a row of tensor {name:?} is no multiple of its block of {values}"),
                    );
                }
                (elements / values).checked_mul(size)
            }
        };
        gguf.tensors.push(Tensor { name, shape, kind, begin, bytes });
        Ok(())
    }
}

/// Bytes of a value of fixed width; at least the length for texts, at least the head for arrays.
const fn width(kind: u32) -> Option<u64> {
    Some(match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        8 | 10..=12 => 8,
        9 => 12,
        _ => return None,
    })
}

/// Whether some version of ggml has a type of that number, or may have soon: its own are numbered one after the other, those
/// of `ik_llama.cpp` in groups behind them. Readers take the number as a place in a table.
const fn is_kind(kind: u32) -> bool {
    matches!(kind, 0..=63 | 97..=99 | 133..=160 | 202..=235 | 335..=355 | 397..=399)
}

/// Values in a block of a `ggml_type`, and its bytes.
const fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        39 => (32, 17),
        _ => return None,
    })
}

fn malformed(offset: u64, what: impl Into<String>) -> ArtifactError {
    ArtifactError::malformed("GGUF", offset, what.into())
}

#[cfg(test)]
mod tests;
