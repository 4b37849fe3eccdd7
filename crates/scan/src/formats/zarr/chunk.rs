//! What a chunk of an array is once it is unpacked: by the steps that its description names, to the last byte.

use std::borrow::Cow;

use proofhouse_artifact::Format;
use proofhouse_artifact::crc32c::crc32c;
use proofhouse_artifact::json::Value;
use proofhouse_artifact::stream::Codec;

use super::{Array, named_width, product};
use crate::scanner::{Content, Scanner};
use crate::tensor::{Numbers, Tensor};
use crate::weights::Float;

/// Shards of shards of arrays. One level is what writers make.
const NESTED: u32 = 3;

/// A step from numbers to the bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A stream.
    Packed(Codec),
    /// A checksum behind the bytes.
    Sum,
    /// Chunks of a chunk, and where they lie.
    Shard(Box<Shard>),
    /// One whose bytes are not looked through.
    Other,
}

/// Chunks in a chunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shard {
    inner: Array,
    /// How many there are.
    count: u64,
    /// Whether a checksum follows their places.
    summed: bool,
    /// Whether the places come first.
    first: bool,
}

/// What is wrong with a chunk.
pub(super) enum Fault {
    /// It is not what its array says.
    Wrong(String),
    /// It was not read to its end.
    Unread(String),
}

impl Step {
    /// A step of version 2, or one of version 3 without steps of its own.
    pub(super) fn named(name: &str) -> Self {
        match name.trim_start_matches("numcodecs.") {
            "zstd" => Self::Packed(Codec::Zstd),
            "gzip" => Self::Packed(Codec::Gzip),
            "zlib" => Self::Packed(Codec::Zlib),
            "bz2" => Self::Packed(Codec::Bzip2),
            "crc32c" => Self::Sum,
            _ => Self::Other,
        }
    }
}

/// Bytes of a chunk of numbers of version 3 when it is unpacked, and the steps behind that. `None` where a step changes
/// how many there are.
pub(super) fn steps(
    codecs: &[Value],
    shape: &Value,
    width: Option<u64>,
    depth: u32,
) -> (Option<u64>, Vec<Step>) {
    let mut size = width.and_then(|width| product(shape, width));
    let mut steps = Vec::new();
    for codec in codecs {
        let name = codec.as_text().or_else(|| codec.member("name")?.as_text()).unwrap_or_default();
        match name {
            "bytes" | "endian" | "transpose" => {}
            "sharding_indexed" => {
                let shard = codec.member("configuration").and_then(|inner| shard(inner, shape, width, depth));
                steps.push(shard.map_or(Step::Other, |shard| Step::Shard(Box::new(shard))));
            }
            name => {
                // What comes before the first stream makes numbers of numbers, or texts.
                let step = Step::named(name);
                if step == Step::Other {
                    size = None;
                }
                steps.push(step);
            }
        }
    }
    (size, steps)
}

fn shard(configuration: &Value, outer: &Value, width: Option<u64>, depth: u32) -> Option<Shard> {
    let inner = configuration.member("chunk_shape")?;
    let (outer, sizes) = (outer.as_array()?, inner.as_array()?);
    if outer.len() != sizes.len() || depth >= NESTED {
        return None;
    }
    let count = outer.iter().zip(sizes).try_fold(1u64, |count, (outer, inner)| {
        let (outer, inner) = (outer.as_size()?, inner.as_size().filter(|size| *size > 0)?);
        count.checked_mul(outer.div_ceil(inner))
    })?;
    let mut summed = false;
    for codec in configuration.member("index_codecs")?.as_array()? {
        match codec.as_text().or_else(|| codec.member("name")?.as_text())? {
            "bytes" => {}
            "crc32c" => summed = true,
            _ => return None,
        }
    }
    let location = configuration.member("index_location").and_then(Value::as_text);
    let codecs = configuration.member("codecs")?.as_array()?;
    let (chunk, steps) = steps(codecs, inner, width, depth + 1);
    let inner = Array { folder: String::new(), chunk, steps, float: None };
    Some(Shard { inner, count, summed, first: location == Some("start") })
}

impl Array {
    /// Whether every step is one whose bytes are looked through.
    pub(crate) fn is_followed(&self) -> bool {
        self.steps.iter().all(|step| match step {
            Step::Packed(_) | Step::Sum => true,
            Step::Shard(shard) => shard.inner.is_followed(),
            Step::Other => false,
        })
    }

    /// Hands each chunk of numbers in a chunk to `see`. `left` are the bytes that may still be unpacked.
    pub(super) fn unpack(
        &self,
        bytes: &[u8],
        left: &mut u64,
        see: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Fault> {
        let mut content = Cow::Borrowed(bytes);
        for step in self.steps.iter().rev() {
            match step {
                Step::Packed(codec) => {
                    if Codec::detect(&content) != Some(*codec) {
                        let message = format!("a chunk is no stream of {}, as its array says", codec.name());
                        return Err(Fault::Wrong(message));
                    }
                    let unpacked = codec.unpack(&content, *left);
                    let unpacked = unpacked.map_err(|error| match error {
                        proofhouse_artifact::ArtifactError::Limit { .. } => Fault::Unread(error.to_string()),
                        error => Fault::Wrong(error.to_string()),
                    })?;
                    if unpacked.trailing > 0 {
                        let message = format!("{} bytes follow what is packed in a chunk", unpacked.trailing);
                        return Err(Fault::Wrong(message));
                    }
                    *left = left.saturating_sub(unpacked.bytes.len() as u64);
                    content = Cow::Owned(unpacked.bytes);
                }
                Step::Sum => content = Cow::Owned(summed(&content)?.to_vec()),
                Step::Shard(shard) => return shard.unpack(&content, left, see),
                Step::Other => {
                    see(&content);
                    // Whatever the step, what is a stream is looked through.
                    let unpacked =
                        Codec::detect(&content).and_then(|codec| codec.unpack(&content, *left).ok());
                    if let Some(unpacked) = unpacked {
                        *left = left.saturating_sub(unpacked.bytes.len() as u64);
                        see(&unpacked.bytes);
                    }
                    return Ok(());
                }
            }
        }
        if self.chunk.is_some_and(|size| size != content.len() as u64) {
            return Err(Fault::Wrong("a chunk is longer or shorter than its array says".to_owned()));
        }
        see(&content);
        Ok(())
    }
}

impl Shard {
    fn unpack(&self, bytes: &[u8], left: &mut u64, see: &mut dyn FnMut(&[u8])) -> Result<(), Fault> {
        let wrong = |what: &str| Fault::Wrong(what.to_owned());
        let sum = if self.summed { 4 } else { 0 };
        let index = self.count.checked_mul(16).and_then(|bytes| usize::try_from(bytes + sum).ok());
        let index = index.filter(|index| *index <= bytes.len());
        let index = index.ok_or_else(|| wrong("a shard is shorter than the list of its chunks"))?;
        let start = if self.first { 0 } else { bytes.len() - index };
        let mut places = bytes.get(start..start + index).unwrap_or_default();
        if self.summed {
            places = summed(places)?;
        }
        let number = |bytes: &[u8]| bytes.first_chunk().map_or(u64::MAX, |n| u64::from_le_bytes(*n));
        let pairs =
            places.chunks_exact(16).map(|pair| (number(pair), number(pair.get(8..).unwrap_or_default())));
        let mut chunks: Vec<(u64, u64)> = pairs.filter(|pair| *pair != (u64::MAX, u64::MAX)).collect();
        chunks.sort_unstable();
        let (from, to) = if self.first { (index, bytes.len()) } else { (0, start) };
        let mut covered = from as u64;
        for (at, length) in chunks {
            if at != covered {
                return Err(wrong("bytes of a shard belong to no chunk of it, or to two"));
            }
            covered = at.saturating_add(length);
            let chunk = usize::try_from(at).ok().zip(usize::try_from(covered).ok());
            let chunk = chunk.filter(|(_, end)| *end <= to).and_then(|(at, end)| bytes.get(at..end));
            let chunk = chunk.ok_or_else(|| wrong("a chunk of a shard lies outside of it"))?;
            self.inner.unpack(chunk, left, see)?;
        }
        if covered != to as u64 {
            return Err(wrong("bytes of a shard belong to no chunk of it"));
        }
        Ok(())
    }
}

/// The bytes before a checksum, if it is theirs.
fn summed(bytes: &[u8]) -> Result<&[u8], Fault> {
    let (content, sum) =
        bytes.split_last_chunk::<4>().ok_or_else(|| Fault::Wrong("a checksum is cut short".to_owned()))?;
    if u32::from_le_bytes(*sum) == crc32c(content) {
        return Ok(content);
    }
    Err(Fault::Wrong("a chunk does not have its checksum".to_owned()))
}

/// Looks at a content as a chunk of an array.
pub(crate) fn look(scanner: &mut Scanner<'_>, content: &Content<'_>, array: &Array) {
    let mut left = scanner.decompressed_left;
    let (place, depth) = (&content.place, content.depth + 1);
    let mut see = |bytes: &[u8]| {
        let inner = Content { bytes, format: Format::Unknown, place: place.clone(), depth };
        let tensor = Tensor { name: "", at: 0, bytes, float: array.float };
        crate::tensor::look(scanner, &inner, "format/embedded-payload", Numbers::Data, &[tensor]);
        crate::formats::kept::pickles(scanner, &inner);
    };
    let fault = array.unpack(content.bytes, &mut left, &mut see).err();
    scanner.decompressed_left = left;
    match fault {
        None => {}
        Some(Fault::Wrong(what)) => scanner.report("tree/unlisted-bytes", place.clone(), what),
        Some(Fault::Unread(what)) => scanner.unpacks_more("format/unscannable", place.clone(), what),
    }
}

/// How numbers of a type of NumPy or Zarr are stored.
pub(super) fn float(kind: &str) -> Option<Float> {
    Some(match kind {
        "<f2" | "float16" => Float::Half,
        "bfloat16" => Float::Brain,
        "<f4" | "float32" => Float::Single,
        "<f8" | "float64" => Float::Double,
        _ => return None,
    })
}

/// Bytes of an element by its name in descriptions of version 2 that NumPy has no letters for.
pub(super) fn other_width(kind: &str) -> Option<u64> {
    if kind.starts_with("float8_") || matches!(kind, "int4" | "uint4" | "int2" | "uint2") {
        return Some(1);
    }
    named_width(kind)
}
