//! Zarr, versions 2 and 3: arrays in chunks, one file each, beside a description of how they are packed.
//!
//! A chunk has no structure of its own: alone nobody can tell what it is. The description says how long it is and what its
//! reader does with it. Filters and compressors turn bytes into bytes; codecs of objects make them of JSON or MessagePack,
//! or load pickles. So where every step is one that runs nothing, chunks are data; where one is not, they are what they
//! are by their own content. Source: Zarr specifications v2 and v3.0, numcodecs 0.15.

use std::borrow::Cow;
use std::sync::Arc;

use proofhouse_artifact::Format;
use proofhouse_artifact::json::{self, Value};
use proofhouse_artifact::zip::Archive;

use crate::scanner::{Content, Scanner};
use crate::weights::Float;

mod chunk;
mod claimed;

pub(crate) use chunk::look;
use chunk::{Step, float, other_width, steps};

/// Arrays of one archive.
const MOST: usize = 10_000;
/// Longest description.
pub(crate) const LONGEST: u64 = 1 << 20;

/// Steps that turn bytes into numbers or texts and run nothing.
const INERT: [&str; 43] = [
    "blosc",
    "zstd",
    "gzip",
    "zlib",
    "bz2",
    "lzma",
    "lz4",
    "zfpy",
    "shuffle",
    "delta",
    "fixedscaleoffset",
    "quantize",
    "bitround",
    "packbits",
    "categorize",
    "astype",
    "vlen-utf8",
    "vlen-bytes",
    "vlen-array",
    "json2",
    "msgpack2",
    "crc32",
    "crc32c",
    "adler32",
    "fletcher32",
    "jenkins_lookup3",
    "pcodec",
    "base64",
    "bytes",
    "endian",
    "transpose",
    "sharding_indexed",
    "numcodecs.shuffle",
    "numcodecs.delta",
    "numcodecs.bitround",
    "numcodecs.zlib",
    "numcodecs.lz4",
    "numcodecs.bz2",
    "numcodecs.lzma",
    "numcodecs.packbits",
    "numcodecs.quantize",
    "numcodecs.fixedscaleoffset",
    "numcodecs.astype",
];

/// An array that nothing runs to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Array {
    /// The folder that it lies in, with a slash behind it where there is one.
    pub(crate) folder: String,
    /// Bytes of a chunk, when it is unpacked.
    chunk: Option<u64>,
    /// What makes a file of them, in that order.
    steps: Vec<Step>,
    /// How its elements are stored.
    float: Option<Float>,
}

impl Array {
    /// What a description at `path` says; `None` for what is none, or has a step that is not known to run nothing.
    pub(crate) fn of(path: &str, document: &Value) -> Option<Self> {
        let folder = path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
        let name = path.rsplit('/').next().unwrap_or(path);
        match (name, document.member("zarr_format").and_then(Value::as_size)) {
            (".zarray", Some(2)) => Self::second(folder, document),
            ("zarr.json", Some(3)) => Self::third(folder, document),
            _ => None,
        }
    }

    fn second(folder: String, document: &Value) -> Option<Self> {
        let compressor = document.member("compressor").filter(|value| !matches!(value, Value::Null));
        let filters = document.member("filters").and_then(Value::as_array).unwrap_or_default();
        let step =
            |value: &Value| value.member("id").and_then(Value::as_text).is_some_and(|id| INERT.contains(&id));
        if !filters.iter().chain(compressor).all(step) {
            return None;
        }
        let kind = document.member("dtype")?;
        let width = kind.as_text().and_then(|kind| width(kind).or_else(|| other_width(kind)));
        // Objects are made by the first filter; without one there is nothing that makes them.
        if kind.as_text().is_some_and(|kind| kind.ends_with('O')) && filters.is_empty() {
            return None;
        }
        let width = width.filter(|_| filters.is_empty());
        let chunk = width.and_then(|width| product(document.member("chunks")?, width));
        let name = compressor.and_then(|value| value.member("id")?.as_text());
        let steps = name.map(Step::named).into_iter().collect();
        let float = kind.as_text().and_then(float).filter(|_| filters.is_empty());
        Some(Self { folder, chunk, steps, float })
    }

    fn third(folder: String, document: &Value) -> Option<Self> {
        if document.member("node_type").and_then(Value::as_text) != Some("array") {
            return None;
        }
        let codecs = document.member("codecs")?.as_array()?;
        let mut open: Vec<&Value> = codecs.iter().collect();
        while let Some(codec) = open.pop() {
            let name = codec.as_text().or_else(|| codec.member("name")?.as_text())?;
            if !INERT.contains(&name) {
                return None;
            }
            // A shard has codecs of its own.
            let inner = codec.member("configuration");
            for key in ["codecs", "index_codecs"] {
                open.extend(inner.and_then(|inner| inner.member(key)?.as_array()).unwrap_or_default());
            }
        }
        let kind = document.member("data_type").and_then(Value::as_text);
        let grid = document.member("chunk_grid").and_then(|grid| grid.member("configuration"));
        let shape = grid.and_then(|grid| grid.member("chunk_shape"))?;
        let (chunk, steps) = steps(codecs, shape, kind.and_then(named_width), 0);
        Some(Self { folder, chunk, steps, float: kind.and_then(float) })
    }

    /// Whether a path is that of one of its chunks: numbers, behind a `c` or not.
    pub(crate) fn has(&self, path: &str) -> bool {
        let Some(key) = path.strip_prefix(self.folder.as_str()) else { return false };
        let key = key.strip_prefix("c/").or_else(|| key.strip_prefix("c.")).unwrap_or(key);
        key == "c"
            || !key.is_empty()
                && key
                    .split(['.', '/'])
                    .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    }
}

/// Vouches for the chunks beside a description, and tells of one by which they are pickles, wherever they lie.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    if matches!(content.name(), ".zarray" | ".zmetadata" | "zarr.json") && loads_pickles(document) {
        let message = "its reader loads what lies in the chunks of an array as pickles";
        scanner.report("code/not-analysed", content.place.clone(), message);
    }
    if content.place.member.is_some() || !matches!(content.name(), ".zarray" | "zarr.json") {
        return;
    }
    let Some(array) = Array::of(&content.place.path, document).map(Arc::new) else { return };
    let project = scanner.project;
    let present = project.files_like(&array.folder).filter(|path| array.has(path)).count();
    if let Some(message) = claimed::fault(document, present as u64) {
        scanner.report("zarr/exhausts", content.place.clone(), message);
    }
    for path in project.files_like(&array.folder).filter(|path| array.has(path)) {
        let name = path.get(array.folder.len()..).unwrap_or(path);
        scanner.vouch_chunk(content, name, array.clone());
    }
}

/// Whether a codec of any array is the one that loads pickles (`numcodecs/pickles.py`).
fn loads_pickles(document: &Value) -> bool {
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        let named = |key: &str| value.member(key).and_then(Value::as_text);
        if named("id") == Some("pickle") || named("name") == Some("numcodecs.pickle") {
            return true;
        }
        open.extend(value.as_array().unwrap_or_default());
        open.extend(value.as_object().unwrap_or_default().iter().map(|(_, inner)| inner));
    }
    false
}

/// The arrays of a zip archive that nothing runs to read.
pub(super) fn of_zip(scanner: &Scanner<'_>, archive: &Archive<'_>) -> Vec<Array> {
    let most = LONGEST.min(scanner.decompressed_left);
    of_files(archive.members().iter().map(|member| {
        let read = move || Some(archive.read(member, most).ok()?.bytes);
        (member.name.as_str(), member.uncompressed, read)
    }))
}

/// The same of the files of any archive: their names, their sizes, and what gives their bytes.
pub(super) fn of_files<'n, 'b>(
    files: impl Iterator<Item = (&'n str, u64, impl FnOnce() -> Option<Cow<'b, [u8]>>)>,
) -> Vec<Array> {
    let describes = |name: &str| matches!(name.rsplit('/').next(), Some(".zarray" | "zarr.json"));
    files
        .filter(|(name, size, _)| describes(name) && *size <= LONGEST)
        .take(MOST)
        .filter_map(|(name, _, read)| Array::of(name, &json::parse(&read()?, 100_000).ok()?))
        .collect()
}

/// Looks at a member of an archive as a chunk; whether it is one.
pub(super) fn chunk(scanner: &mut Scanner<'_>, content: &Content<'_>, name: &str, arrays: &[Array]) -> bool {
    let Some(array) = arrays.iter().find(|array| array.has(name)) else { return false };
    let packed = matches!(content.format, Format::Unknown | Format::Compressed(_));
    if packed {
        look(scanner, content, array);
    }
    packed
}

/// Bytes of an element by NumPy's letters: `<f4`.
fn width(kind: &str) -> Option<u64> {
    let digits = kind.get(2..)?;
    let width: u64 = digits.parse().ok()?;
    let unit = if kind.get(1..2)? == "U" { 4 } else { 1 };
    kind.get(1..2).filter(|letter| "biufcSVU".contains(letter)).and_then(|_| width.checked_mul(unit))
}

/// Bytes of an element by the name of its type: `float32`.
fn named_width(kind: &str) -> Option<u64> {
    if kind == "bool" {
        return Some(1);
    }
    let bits = kind.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let known = ["int", "uint", "float", "complex", "bfloat"]
        .contains(&kind.trim_end_matches(|c: char| c.is_ascii_digit()));
    bits.parse::<u64>().ok().filter(|bits| known && bits.is_multiple_of(8)).map(|bits| bits / 8)
}

fn product(shape: &Value, width: u64) -> Option<u64> {
    shape.as_array()?.iter().try_fold(width, |all, size| all.checked_mul(size.as_size()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(path: &str, text: &str) -> Option<Array> {
        Array::of(path, &json::parse(text.as_bytes(), 1000).unwrap())
    }

    #[test]
    fn arrays_are_inert_by_their_steps() {
        let plain = r#"{"zarr_format":2,"chunks":[2,3],"dtype":"<f4","compressor":null,"filters":null}"#;
        assert_eq!(array("a/.zarray", plain).unwrap().chunk, Some(24));
        let packed = plain.replace("\"compressor\":null", r#""compressor":{"id":"blosc","cname":"lz4"}"#);
        assert_eq!(array(".zarray", &packed).unwrap().steps, [Step::Other]);
        for hostile in [
            plain.replace("\"filters\":null", r#""filters":[{"id":"pickle","protocol":5}]"#),
            plain.replace("null}", r#"null,"filters":[{"id":"pickle"}]}"#),
            plain.replace("<f4", "|O"),
            plain.replace("\"compressor\":null", r#""compressor":{"id":"somebodys"}"#),
        ] {
            assert_eq!(array(".zarray", &hostile), None);
        }
        let third = r#"{"zarr_format":3,"node_type":"array","data_type":"float32","codecs":[{"name":"bytes"}],
            "chunk_grid":{"name":"regular","configuration":{"chunk_shape":[4]}}}"#;
        assert_eq!(array("zarr.json", third).unwrap().chunk, Some(16));
        let sharded = r#"{"zarr_format":3,"node_type":"array","data_type":"float32","codecs":[{"name":"sharding_indexed",
            "configuration":{"codecs":[{"name":"numcodecs.pickle"}]}}]}"#;
        assert_eq!(array("zarr.json", sharded), None);
    }

    #[test]
    fn chunks_are_named_by_numbers() {
        let array = Array { folder: "a/".to_owned(), chunk: None, steps: Vec::new(), float: None };
        for name in ["a/0", "a/0.1", "a/0/1", "a/c/0/1", "a/c"] {
            assert!(array.has(name), "{name}");
        }
        for name in ["b/0", "a/x.0", "a/.zattrs", "a/0.py", "a/"] {
            assert!(!array.has(name), "{name}");
        }
    }
}
