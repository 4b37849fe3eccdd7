//! Formats that are known by name and not looked into: why, and what to ask for instead.
//!
//! Knowing what a file is beats "unknown": the finding says what would have to be handed over. What such a file
//! holds that has a structure of its own, an executable or an archive, is found all the same.

use proofhouse_artifact::format::Opaque;

use super::payload;
use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, what: Opaque) -> u64 {
    let message = match what {
        Opaque::Rar => "a RAR archive: have its content packed as zip or tar",
        Opaque::TensorRt => {
            "a TensorRT engine, which is machine code of one GPU: have the ONNX file that it was made from"
        }
        Opaque::OldGgml => {
            "a GGML file from before GGUF, which does not say what is in it: convert it to GGUF"
        }
        Opaque::XgboostBinary => "a model in XGBoost's old binary format: save it as UBJSON or JSON",
        Opaque::Torch7 => "a Torch 7 archive, which may hold Lua code: convert it",
        Opaque::Rknn => "an RKNN model, which only Rockchip's runtime reads",
        Opaque::Mxnet => "parameters of MXNet: convert them to safetensors or ONNX",
        Opaque::RText => "R's serialization as text: write it with saveRDS as it is by default",
    };
    scanner.report("format/unscannable", content.place.clone(), message);
    // Where an engine or an old model carries a library, its header stands out.
    let mut at = 0;
    while let Some(found) =
        content.bytes.get(at..).and_then(|tail| tail.windows(4).position(|w| w == b"\x7fELF"))
    {
        at += found;
        let tail = content.bytes.get(at..).unwrap_or_default();
        if let Some(what) = payload::kind(tail) {
            let place = content.at(at as u64);
            scanner.report(
                "format/embedded-payload",
                place,
                format!("the {} file holds {what}", content.format),
            );
            break;
        }
        at += 4;
    }
    0
}
