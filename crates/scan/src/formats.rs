//! The table of formats: which walker looks at which content.

use proofhouse_artifact::Format;
use proofhouse_artifact::pickle::looks_headless;
use proofhouse_artifact::stream::Codec;
use proofhouse_artifact::tensorflow::Root;

use crate::scanner::{Content, Scanner};

pub(crate) use kept::{evaluated, pickle as kept_pickle};
pub(crate) use languages::is_silent;
pub(crate) use notebook::page;
pub(crate) use onnx::stays_inside;
pub(crate) use pattern::is_catastrophic;
pub(crate) use spelt::fields as text_message;
pub(crate) use template::scan as template;
pub(crate) use yaml::named_code;

mod avro;
mod boosters;
mod checkpoint;
pub(crate) mod chunks;
mod coded;
mod compressed;
mod coreml;
mod crfsuite;
mod encodings;
mod executorch;
mod exported;
mod flows;
mod ggml;
mod gguf;
mod hdf5;
mod json;
pub(crate) mod jsonc;
pub(crate) mod kept;
mod keras;
pub(crate) mod langchain;
mod languages;
mod lmdb;
mod logging;
mod matlab;
mod media;
mod modelfile;
mod msgpack;
mod neighbours;
mod notebook;
mod npy;
mod ocdbt;
mod onnx;
mod opaque;
mod opened;
pub(crate) mod orders;
mod paddle;
mod pattern;
pub(crate) mod payload;
mod raw;
mod rds;
mod records;
mod rows;
mod safetensors;
mod sevenzip;
pub(crate) mod shell;
mod skops;
mod sources;
mod spelt;
mod started;
mod tar;
mod template;
mod tensorflow;
mod tex;
mod text;
mod tflite;
mod torch;
mod vectors;
mod xml;
mod yaml;
pub(crate) mod zarr;
mod zip;

/// Looks at `content` and returns how many of its bytes are accounted for.
pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if content.depth > scanner.limits.depth {
        scanner.report("zip/budget", content.place.clone(), "containers are nested too deep");
        return 0;
    }
    // A name says nothing about a format, but some names are run by whoever finds them.
    text::runnable_name(scanner, content);
    crate::repository::by_name(scanner, content);
    opened::as_text(scanner, content);
    // A pickle needs no magic number, so another format's may stand in front of one: the loader decides.
    let structured =
        !matches!(content.format, Format::Pickle(_) | Format::Text | Format::Json | Format::Empty);
    // `PK` itself reads as a persistent id, at which `pickle.load` stops.
    let starts_as_zip = content.bytes.starts_with(b"PK\x03\x04");
    if structured && !starts_as_zip && looks_headless(content.bytes) {
        let message = format!("this {} file is a pickle at the same time", content.format);
        scanner.report("pickle/polyglot", content.place.clone(), message);
        crate::pickle::scan(scanner, content);
    }
    // Readers of XML, YAML and JSON take texts in other encodings by themselves.
    if content.format == Format::Unknown
        && let Some(text) = encodings::decoded(content.bytes)
    {
        let bytes = text.as_bytes();
        let (format, place) = (Format::detect(bytes), content.place.clone());
        if matches!(format, Format::Text | Format::Json | Format::Xml) {
            scan(scanner, &Content { bytes, format, place, depth: content.depth + 1 });
            return content.bytes.len() as u64;
        }
    }
    if content.depth > 0 && matches!(content.format, Format::Text | Format::Json) {
        crate::content::packed_text(scanner, &content.place, content.bytes);
    }
    let walker = match content.format {
        Format::Empty => |_: &mut Scanner<'_>, _: &Content<'_>| 0,
        Format::Pickle(_) => crate::pickle::scan,
        Format::TorchZip => torch::scan,
        Format::Zip | Format::Npz | Format::Skops => zip::scan,
        Format::Tar => tar::scan,
        Format::Compressed(codec) => return compressed::scan(scanner, content, codec),
        Format::Npy => npy::scan,
        Format::Onnx => onnx::scan,
        Format::Gguf => gguf::scan,
        Format::Ggml => ggml::scan,
        Format::Lmdb => lmdb::scan,
        Format::CrfSuite => crfsuite::scan,
        Format::Hnswlib | Format::Faiss => neighbours::scan,
        Format::Ocdbt => ocdbt::scan,
        Format::Hdf5 => hdf5::scan,
        _ if keras::metadata::is_metadata(content) => {
            return tensorflow::scan(scanner, content, Root::KerasMetadata);
        }
        Format::TensorFlow(root) => return tensorflow::scan(scanner, content, root),
        Format::CheckpointIndex => checkpoint::scan,
        Format::TfLite => tflite::scan,
        Format::Rds => rds::scan,
        Format::PaddleProgram => paddle::program,
        Format::PaddleParameters => paddle::parameters,
        Format::CoreMl => coreml::scan,
        Format::CoreMlWeights => coreml::blobs,
        Format::ExecuTorch => executorch::scan,
        Format::Ubjson => boosters::ubjson,
        Format::CatBoost => boosters::catboost,
        Format::SevenZip => sevenzip::scan,
        Format::Xml => xml::scan,
        Format::Parquet => media::parquet,
        Format::Arrow => media::arrow,
        Format::Avro => avro::scan,
        Format::Matlab5 => matlab::level5,
        Format::Matlab4 => matlab::level4,
        Format::Darknet => raw::darknet,
        Format::Llama2C => raw::llama2c,
        Format::TfRecord => records::scan,
        Format::FastText => vectors::fasttext,
        Format::Word2Vec => vectors::word2vec,
        Format::Media(media) => return media::scan(scanner, content, media),
        Format::Opaque(what) => return opaque::scan(scanner, content, what),
        Format::MsgPack => msgpack::scan,
        Format::Keras => keras::scan,
        Format::Safetensors => safetensors::scan,
        Format::Json => json::scan,
        Format::Text | Format::Unknown if text::is_python(content) => crate::python::scan,
        Format::Text => text::scan,
        _ => unscannable,
    };
    walker(scanner, content)
}

/// What packs programs for a system to install, by its first bytes.
fn installer(bytes: &[u8]) -> Option<&'static str> {
    const PACKAGES: [(&[u8], &str); 6] = [
        (b"!<arch>\ndebian-binary", "a package of Debian"),
        (b"\xed\xab\xee\xdb", "a package of RPM"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
            "a compound file of Windows, such as an installer or a document with macros",
        ),
        (b"xar!", "a package of macOS"),
        (b"MSCF", "a cabinet of Windows"),
        (b"L\0\0\0\x01\x14\x02\0", "a shortcut of Windows"),
    ];
    PACKAGES.iter().find(|(magic, _)| bytes.starts_with(magic)).map(|(_, what)| *what)
}

/// Objects of Java's own serialization (its specification, chapter 6): reading them makes objects of whatever classes they
/// name, which is how programs are run. Weka's own and the plain containers of Java are what models are made of.
fn java(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    const OWN: [&str; 5] = ["weka.", "java.lang.", "java.util.", "java.math.", "["];
    if !content.bytes.starts_with(b"\xac\xed\0\x05") {
        return;
    }
    let names = memchr::memmem::find_iter(content.bytes, b"r\0").take(4096).filter_map(|at| {
        let tail = content.bytes.get(at + 1..)?;
        let length = usize::from(u16::from_be_bytes(*tail.first_chunk()?));
        let name = std::str::from_utf8(tail.get(2..2 + length)?).ok()?;
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._$[;".contains(&b));
        (plain && name.contains('.')).then_some(name)
    });
    if let Some(name) = names.into_iter().find(|name| !OWN.iter().any(|own| name.starts_with(own))) {
        let message =
            format!("an object of Java makes one of the class {name:?}, which is not known to be inert");
        scanner.report("pickle/unknown-callable", content.place.clone(), message);
    }
}

fn unscannable(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if let Some(what) = installer(content.bytes) {
        scanner.report(
            "repo/native-library",
            content.at(0),
            format!("{what}, which runs what it brings when it is installed"),
        );
    }
    // joblib before 0.10 wrote a number of bytes and a stream of zlib.
    if let Some(at) = content
        .bytes
        .strip_prefix(b"ZF")
        .and_then(|rest| rest.iter().take(32).position(|b| *b == b'x' && rest.len() > 32))
    {
        // The number itself is written with an `x`: the stream is behind the last one that begins one.
        let rest = content.bytes.get(2..).unwrap_or_default();
        let begins = |at: &usize| matches!(rest.get(*at..), Some([b'x', 0x01 | 0x5e | 0x9c | 0xda, ..]));
        if let Some(at) = (at..32).find(begins)
            && let Ok(unpacked) =
                Codec::Zlib.unpack(rest.get(at..).unwrap_or_default(), scanner.decompressed_left)
        {
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.bytes.len() as u64);
            let (bytes, place) = (&unpacked.bytes[..], content.place.clone().at(at as u64));
            crate::pickle::scan(
                scanner,
                &Content { bytes, format: Format::Pickle(2), place, depth: content.depth + 1 },
            );
            return content.bytes.len() as u64;
        }
    }
    if let Some(covered) = neighbours::annoy(scanner, content) {
        return covered;
    }
    java(scanner, content);
    if content.name().to_ascii_lowercase().ends_with(".safetensors") && content.format == Format::Unknown {
        let message = "it is called safetensors, and its first eight bytes are the length of no header";
        scanner.report("safetensors/malformed", content.at(0), message);
    }
    kept::pickles(scanner, content);
    if let Some(what) = crate::content::executable(content.bytes) {
        crate::native::report(scanner, content.at(0), content.bytes, &format!("{what} by its content"));
        return content.bytes.len() as u64;
    }
    let message = match content.format {
        Format::Unknown => "the content has no known format".to_owned(),
        format => format!("content of format {format} is not looked into"),
    };
    scanner.report("format/unscannable", content.place.clone(), message);
    0
}
