//! What a file is, by its content. A name says nothing: loaders do not ask it, and attackers choose it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::media::Media;
use crate::protobuf::{Field, Fields, Value};
use crate::stream::Codec;
use crate::{
    arrow, avro, boosters, checkpoint, coreml, crfsuite, executorch, ggml, hdf5, json, lmdb, matlab, msgpack,
    neighbours, ocdbt, paddle, pickle, raw, rds, records, safetensors, sevenzip, tar, tensorflow, tflite,
    vectors, xml, zip,
};

mod opaque;

pub use opaque::Opaque;

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// ONNX model.
    Onnx,
    /// safetensors.
    Safetensors,
    /// Python pickle with the protocol its header names; 0 when it has none.
    Pickle(u8),
    /// Zip archive as written by `torch.save`: a member `data.pkl` inside one top directory.
    TorchZip,
    /// Zip archive as Keras 3 writes it: `config.json` beside `metadata.json` or weights.
    Keras,
    /// Zip archive all of whose members are NumPy arrays.
    Npz,
    /// Any other zip archive.
    Zip,
    /// NumPy array.
    Npy,
    /// Tar archive.
    Tar,
    /// One content, compressed.
    Compressed(Codec),
    /// GGUF.
    Gguf,
    /// GGML before GGUF.
    Ggml,
    /// Database of LMDB, or the file of its locks.
    Lmdb,
    /// Model of CRFsuite.
    CrfSuite,
    /// Index of nearest neighbours of hnswlib.
    Hnswlib,
    /// Index of nearest neighbours of FAISS.
    Faiss,
    /// Manifest or nodes of a database of TensorStore.
    Ocdbt,
    /// TensorFlow graph: saved model, meta graph, frozen graph, or what Keras keeps beside one.
    TensorFlow(tensorflow::Root),
    /// Index of a TensorFlow checkpoint.
    CheckpointIndex,
    /// TensorFlow Lite model.
    TfLite,
    /// Zip archive as skops writes it: `schema.json` and arrays.
    Skops,
    /// R's serialization of an object, or of several named ones.
    Rds,
    /// One MessagePack map, as Flax writes parameters.
    MsgPack,
    /// PaddlePaddle program.
    PaddleProgram,
    /// Parameters of a PaddlePaddle program.
    PaddleParameters,
    /// Core ML model.
    CoreMl,
    /// Weights of a Core ML program.
    CoreMlWeights,
    /// ExecuTorch program.
    ExecuTorch,
    /// Universal Binary JSON, as XGBoost writes models.
    Ubjson,
    /// CatBoost model.
    CatBoost,
    /// 7z archive.
    SevenZip,
    /// XML document.
    Xml,
    /// Known by name and not read.
    Opaque(Opaque),
    /// A picture, a sound, a film, a font or a document.
    Media(Media),
    /// HDF5, user block or not.
    Hdf5,
    /// Parquet.
    Parquet,
    /// Messages of Arrow, as a stream or a file.
    Arrow,
    /// Avro: rows by a schema.
    Avro,
    /// TFRecord: examples of TensorFlow, events of TensorBoard.
    TfRecord,
    /// Model of fastText.
    FastText,
    /// Vectors of word2vec, binary.
    Word2Vec,
    /// Arrays of MATLAB, level 5.
    Matlab5,
    /// Arrays of MATLAB, level 4.
    Matlab4,
    /// Weights of Darknet: a head and numbers.
    Darknet,
    /// Weights of llama2.c: a head and numbers.
    Llama2C,
    /// One JSON text.
    Json,
    /// UTF-8 without control characters other than those that lay out text.
    Text,
    /// No bytes.
    Empty,
    /// None of these.
    Unknown,
}

impl Format {
    /// Looks at the whole content of a file.
    ///
    /// Magic numbers come first; where a format has none, its structure has to hold: an ONNX file is a
    /// chain of `ModelProto` fields with a version and a graph, a pickle without a header must survive
    /// [`pickle::looks_headless`]. A zip archive is recognised by its end as well as by its start, because
    /// that is where readers look.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Self {
        Self::detect_pausing(bytes, &|| {})
    }

    /// The same, calling `pause` now and then where headers all over the file are read, as
    /// [`zip::Archive::walk_pausing`] does.
    #[must_use]
    pub fn detect_pausing(bytes: &[u8], pause: &dyn Fn()) -> Self {
        if bytes.is_empty() {
            return Self::Empty;
        }
        if let Some(format) = by_magic(bytes) {
            return format;
        }
        if zip::is_zip(bytes) {
            return archive(bytes, pause);
        }
        if records::is_records(bytes) {
            return Self::TfRecord;
        }
        if let Some(media) = Media::detect(bytes) {
            return Self::Media(media);
        }
        if is_safetensors(bytes) {
            return Self::Safetensors;
        }
        if is_onnx(bytes) {
            return Self::Onnx;
        }
        if let Some(root) = tensorflow::root(bytes) {
            return Self::TensorFlow(root);
        }
        if coreml::is_model(bytes) {
            return Self::CoreMl;
        }
        if paddle::is_program(bytes) {
            return Self::PaddleProgram;
        }
        let document = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if matches!(document.trim_ascii_start().first(), Some(b'{' | b'[')) && json::is_json(document) {
            return Self::Json;
        }
        if boosters::ubjson::is_ubjson(bytes) {
            return Self::Ubjson;
        }
        if pickle::looks_headless(bytes) {
            return Self::Pickle(0);
        }
        if is_text(bytes) {
            return if xml::is_xml(bytes) { Self::Xml } else { Self::Text };
        }
        if msgpack::is_map(bytes) {
            return Self::MsgPack;
        }
        if ggml::is_importance(bytes) {
            return Self::Ggml;
        }
        if vectors::is_word2vec(bytes) {
            return Self::Word2Vec;
        }
        if paddle::is_parameters(bytes) {
            return Self::PaddleParameters;
        }
        if matlab::is_matlab4(bytes) {
            return Self::Matlab4;
        }
        if raw::llama2c(bytes).is_some() {
            return Self::Llama2C;
        }
        if raw::darknet(bytes).is_some() { Self::Darknet } else { Self::Unknown }
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Safetensors => "safetensors",
            Self::Pickle(_) => "pickle",
            Self::TorchZip => "torch-zip",
            Self::Keras => "keras",
            Self::Npz => "npz",
            Self::Zip => "zip",
            Self::Npy => "npy",
            Self::Tar => "tar",
            Self::Compressed(codec) => codec.name(),
            Self::Gguf => "gguf",
            Self::Ggml => "ggml",
            Self::Lmdb => "lmdb",
            Self::CrfSuite => "crfsuite",
            Self::Hnswlib => "hnswlib",
            Self::Faiss => "faiss",
            Self::Ocdbt => "ocdbt",
            Self::TensorFlow(_) => "tensorflow",
            Self::CheckpointIndex => "checkpoint-index",
            Self::TfLite => "tflite",
            Self::Skops => "skops",
            Self::Rds => "rds",
            Self::MsgPack => "msgpack",
            Self::PaddleProgram => "paddle",
            Self::PaddleParameters => "paddle-parameters",
            Self::CoreMl => "coreml",
            Self::CoreMlWeights => "coreml-weights",
            Self::ExecuTorch => "executorch",
            Self::Ubjson => "ubjson",
            Self::CatBoost => "catboost",
            Self::SevenZip => "7z",
            Self::Xml => "xml",
            Self::Opaque(opaque) => opaque.name(),
            Self::Media(media) => media.name(),
            Self::Hdf5 => "hdf5",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Avro => "avro",
            Self::TfRecord => "tfrecord",
            Self::FastText => "fasttext",
            Self::Word2Vec => "word2vec",
            Self::Matlab5 => "matlab",
            Self::Matlab4 => "matlab-4",
            Self::Darknet => "darknet",
            Self::Llama2C => "llama2.c",
            Self::Json => "json",
            Self::Text => "text",
            Self::Empty => "empty",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

fn by_magic(bytes: &[u8]) -> Option<Format> {
    Some(match bytes {
        [b'G', b'G', b'U', b'F', ..] => Format::Gguf,
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Format::Npy,
        [0x80, 0..=5, ..] if fails_before_offset_8(bytes) && safetensors::parse(bytes).is_ok() => {
            Format::Safetensors
        }
        [0x80, protocol @ 0..=5, ..] => Format::Pickle(*protocol),
        [b'P', b'A', b'R', b'1', ..] if bytes.ends_with(b"PAR1") => Format::Parquet,
        [0xff, 0xff, 0xff, 0xff, ..] | [b'A', b'R', b'R', b'O', b'W', b'1', ..] if arrow::is_arrow(bytes) => {
            Format::Arrow
        }
        _ if ggml::is_ggml(bytes) => Format::Ggml,
        _ if lmdb::is_lmdb(bytes) || lmdb::is_lock(bytes) => Format::Lmdb,
        _ if crfsuite::is_model(bytes) => Format::CrfSuite,
        _ if neighbours::faiss::is_index(bytes) => Format::Faiss,
        _ if neighbours::hnswlib::is_index(bytes) => Format::Hnswlib,
        _ if ocdbt::is_ocdbt(bytes) => Format::Ocdbt,
        _ if avro::is_avro(bytes) => Format::Avro,
        _ if matlab::is_matlab5(bytes) => Format::Matlab5,
        _ if sevenzip::is_sevenzip(bytes) => Format::SevenZip,
        _ if boosters::is_catboost(bytes) => Format::CatBoost,
        _ if executorch::is_program(bytes) => Format::ExecuTorch,
        _ if coreml::is_blobs(bytes) => Format::CoreMlWeights,
        _ if rds::is_rds(bytes) => Format::Rds,
        _ if vectors::is_fasttext(bytes) => Format::FastText,
        _ if tflite::is_tflite(bytes) => Format::TfLite,
        _ if checkpoint::is_index(bytes) => Format::CheckpointIndex,
        _ if hdf5::superblock(bytes).is_some() => Format::Hdf5,
        _ if tar::is_tar(bytes) => Format::Tar,
        _ => {
            let opaque = Opaque::detect(bytes).map(Format::Opaque);
            return opaque.or_else(|| Codec::detect(bytes).map(Format::Compressed));
        }
    })
}

/// Whether an unpickler has failed by offset 8, having imported and called nothing.
///
/// The header length of a safetensors file may read as a pickle's `PROTO`: 0x480 bytes are `80 04 00 …`.
/// Lengths below 10^8 have at least four zero bytes, and zero is no opcode. So where nothing before them takes
/// them for its argument, nothing behind them is ever reached, and calling the file no pickle hides nothing.
fn fails_before_offset_8(bytes: &[u8]) -> bool {
    use pickle::code::{EXT1, EXT2, EXT4};
    let mut at = 2;
    while at < 8 {
        match pickle::op(bytes, at) {
            Err(pickle::Fault::UnknownOpcode(..)) => return true,
            // Extension codes import what is registered for them.
            Ok(op) if !matches!(op.code, EXT1 | EXT2 | EXT4) => at = op.end,
            _ => return false,
        }
    }
    false
}

fn archive(bytes: &[u8], pause: &dyn Fn()) -> Format {
    let walked = zip::Archive::walk_pausing(bytes, &zip::Limits::default(), pause);
    let Ok(archive) = walked else { return Format::Zip };
    let mut members = archive.members().iter().filter(|m| !m.name.ends_with('/')).peekable();
    if members.peek().is_none() {
        return Format::Zip;
    }
    if members.clone().all(|m| m.name.ends_with(".npy")) {
        return Format::Npz;
    }
    let has = |name: &str| members.clone().any(|m| m.name == name);
    if has("config.json") && (has("metadata.json") || has("model.weights.h5")) {
        return Format::Keras;
    }
    if has("schema.json") {
        return Format::Skops;
    }
    if members.any(|m| m.name.split_once('/').is_some_and(|(_, rest)| rest == "data.pkl")) {
        return Format::TorchZip;
    }
    Format::Zip
}

/// A length below 2^48 followed by the start of a JSON object with a quoted key.
fn is_safetensors(bytes: &[u8]) -> bool {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else { return false };
    let opens = rest.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    matches!(length, [.., 0, 0]) && opens.is_some_and(|r| matches!(r.first(), Some(b'"' | b'}')))
}

/// Every field up to the end, or up to a truncation, is one a `ModelProto` may have, and among them are
/// `ir_version` and the tag of `graph`. Readers skip fields that they do not know and take any version, so where the
/// graph itself tells what the file is, newer ones and none do as well.
fn is_onnx(bytes: &[u8]) -> bool {
    let (mut version, mut graph, mut known, mut certain) = (false, false, true, false);
    let mut fields = Fields::new(bytes);
    loop {
        let at = usize::try_from(fields.offset()).unwrap_or(usize::MAX);
        match fields.next() {
            None => break,
            Some(Ok(field)) => match (field.number, field.value) {
                (1, Value::Varint(v)) => version = (1..=1000).contains(&v),
                (7, Value::Bytes(inner)) => {
                    graph = true;
                    certain |= is_onnx_graph(inner);
                }
                (5, Value::Varint(_)) | (2..=4 | 6 | 8 | 14 | 20 | 25 | 26, Value::Bytes(_)) => {}
                (1..=8 | 14 | 20 | 25 | 26, _) => return false,
                _ => known = false,
            },
            // Cut off inside the graph: still an ONNX file, and the walker says where it ends.
            Some(Err(_)) => {
                graph |= bytes.get(at) == Some(&(7 << 3 | 2));
                break;
            }
        }
    }
    // A text may be spelt so that it is a message, too.
    version && graph && known || certain && !is_text(bytes)
}

/// Whether a message has a first node with the name of an operator, as a `GraphProto` has; nodes come first.
fn is_onnx_graph(bytes: &[u8]) -> bool {
    let Some(Ok(Field { number: 1, value: Value::Bytes(node), .. })) = Fields::new(bytes).next() else {
        return false;
    };
    let mut operator = false;
    let fits = Fields::new(node).all(|field| match field.map(|field| (field.number, field.value)) {
        Ok((4, Value::Bytes(name))) => {
            operator = !name.is_empty() && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_');
            operator
        }
        Ok((number, Value::Bytes(_))) => number < 100,
        _ => false,
    });
    fits && operator
}

fn is_text(bytes: &[u8]) -> bool {
    let fine = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r' | '\x0c');
    std::str::from_utf8(bytes).is_ok_and(|text| text.chars().all(fine))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn content_decides() {
        let user_block = [vec![b' '; 512], b"\x89HDF\r\n\x1a\n".to_vec()].concat();
        let safetensors = [&2u64.to_le_bytes()[..], b"{}"].concat();
        for (bytes, format) in [
            (&b""[..], Format::Empty),
            (b"\x80\x04N.", Format::Pickle(4)),
            (b"\x80\x09N.", Format::Unknown),
            (b"I1\n.", Format::Pickle(0)),
            (b"GGUF\x03\0\0\0", Format::Gguf),
            (&user_block, Format::Hdf5),
            (&safetensors, Format::Safetensors),
            (b"\x93NUMPY\x01\0", Format::Npy),
            (b"PAR1....PAR1", Format::Parquet),
            (b"\x08\x08\x3a\x02\x12\x00", Format::Onnx),
            (b"\x08\x08\x3a\x70\x12\x00", Format::Onnx),
            // Fields that this reader does not know, and no version.
            (b"\x9a\x06\x01x\x3a\x06\x0a\x04\x22\x02Id", Format::Onnx),
            (b"\x9a\x06\x01x\x3a\x06\x0a\x04\x22\x02\xff\x00", Format::Unknown),
            (b"{\"a\": [1]}\n", Format::Json),
            (b"{ not json", Format::Text),
            ("naïve text\n".as_bytes(), Format::Text),
            (b"\x00\x01\x02", Format::Unknown),
        ] {
            assert_eq!(Format::detect(bytes), format, "{bytes:?}");
        }
    }

    /// A safetensors file of one tensor whose header is padded to `length` bytes.
    fn safetensors_of(length: usize) -> Vec<u8> {
        let mut header = br#"{"w":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}"#.to_vec();
        header.resize(length, b' ');
        [&(length as u64).to_le_bytes()[..], &header, b"\0\0"].concat()
    }

    #[test]
    fn a_header_length_that_reads_as_a_protocol_is_no_pickle() {
        for protocol in 0..=5usize {
            let bytes = safetensors_of(0x80 + 0x100 * protocol);
            assert_eq!(bytes[..2], [0x80, protocol as u8]);
            assert_eq!(Format::detect(&bytes), Format::Safetensors, "{protocol}");
            // Of longer lengths the third byte may be an opcode, which may take its argument out of the header.
            for (third, format) in [
                (1, Format::Safetensors),
                (b'N', Format::Safetensors),
                (b'(', Format::Safetensors),
                (pickle::code::BININT1, Format::Safetensors),
                (pickle::code::BINUNICODE, Format::Safetensors),
                (pickle::code::EXT1, Format::Pickle(protocol as u8)),
                (pickle::code::GLOBAL, Format::Pickle(protocol as u8)),
                (pickle::code::PERSID, Format::Pickle(protocol as u8)),
                (pickle::code::BINUNICODE8, Format::Pickle(protocol as u8)),
            ] {
                let bytes = safetensors_of(0x80 + 0x100 * protocol + 0x1_0000 * usize::from(third));
                assert_eq!(Format::detect(&bytes), format, "{protocol} {third}");
            }
        }
    }

    #[test]
    fn what_only_imitates_a_header_length_stays_a_pickle() {
        let payload = b"cos\nsystem\n(S'true'\ntR.";
        for bytes in [
            [&b"\x80\x04\0\0\0\0\0\0"[..], payload].concat(),
            [&b"\x80\x04\0\0\0\0\0\0{\"a\""[..], payload].concat(),
            [&b"\x80\x04\0\0\0\0\0\0{\"a\""[..], &[b' '; 2000], payload].concat(),
            [&b"\x80\x04"[..], payload, &safetensors_of(0x480)].concat(),
            // A length that is none, read as BININT1 and on.
            [&b"\x80\x04K\x01cos\n"[..], &safetensors_of(0x480)[8..]].concat(),
        ] {
            assert_eq!(Format::detect(&bytes), Format::Pickle(4), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Format::detect(&bytes);
        }
    }
}
