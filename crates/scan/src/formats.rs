//! The table of formats: which walker looks at which content.

use proofhouse_artifact::Format;
use proofhouse_artifact::pickle::looks_headless;

use crate::scanner::{Content, Scanner};

pub(crate) use notebook::page;
pub(crate) use yaml::named_code;

mod boosters;
mod checkpoint;
mod compressed;
mod coreml;
mod executorch;
mod exported;
mod gguf;
mod hdf5;
mod json;
mod keras;
mod media;
mod msgpack;
mod notebook;
mod npy;
mod onnx;
mod opaque;
mod orders;
mod paddle;
pub(crate) mod payload;
mod rds;
mod safetensors;
mod sevenzip;
pub(crate) mod shell;
mod skops;
mod sources;
mod tar;
mod template;
mod tensorflow;
mod text;
mod tflite;
mod torch;
mod xml;
mod yaml;
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
    // Readers of XML, YAML and JSON take texts of two bytes a character by themselves.
    if content.format == Format::Unknown
        && let Some(text) = two_bytes(content.bytes)
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
        Format::Hdf5 => hdf5::scan,
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

/// A text in UTF-16: with its mark, or beginning with a character of ASCII.
fn two_bytes(bytes: &[u8]) -> Option<String> {
    /// Larger texts are no configurations.
    const MOST: usize = 64 << 20;
    let big = match bytes {
        [0xfe, 0xff, ..] | [0, 0x09..=0x7e, 0, 0x09..=0x7e, ..] => true,
        [0xff, 0xfe, ..] | [0x09..=0x7e, 0, 0x09..=0x7e, 0, ..] => false,
        _ => return None,
    };
    if bytes.len() % 2 == 1 || bytes.len() > MOST {
        return None;
    }
    let unit = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit(pair.first_chunk()?)));
    let text: String = char::decode_utf16(units).collect::<Result<_, _>>().ok()?;
    Some(text.trim_start_matches('\u{feff}').to_owned())
}

fn unscannable(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    if let Some(what) = crate::content::executable(content.bytes) {
        scanner.report("repo/native-library", content.at(0), format!("{what} by its content"));
        return content.bytes.len() as u64;
    }
    let message = match content.format {
        Format::Unknown => "the content has no known format".to_owned(),
        format => format!("content of format {format} is not looked into"),
    };
    scanner.report("format/unscannable", content.place.clone(), message);
    0
}
