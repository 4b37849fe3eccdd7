//! Formats that are known by name and not looked into: why, and what to ask for instead.
//!
//! Knowing what a file is beats "unknown": the finding says what would have to be handed over. What such a file
//! holds that has a structure of its own, an executable or an archive, is found all the same.

use memchr::memmem;
use proofhouse_artifact::format::Opaque;

use super::payload;
use crate::content::executable;
use crate::scanner::{Content, Scanner};

/// Places at which a program may begin that are looked at, for each kind of them.
const CANDIDATES: usize = 1 << 16;

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, what: Opaque) -> u64 {
    if what == Opaque::XgboostBinary && super::boosters::legacy(scanner, content) {
        return content.bytes.len() as u64;
    }
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
    };
    scanner.report("format/unscannable", content.place.clone(), message);
    // Where an engine or an old model carries a library, its header stands out.
    let marks = [&b"\x7fELF"[..], b"MZ", b"\xcf\xfa\xed\xfe"];
    let begins = marks.iter().flat_map(|mark| memmem::find_iter(content.bytes, mark).take(CANDIDATES));
    let program = |tail: &[u8]| {
        if tail.starts_with(b"\x7fELF") { payload::kind(tail) } else { executable(tail) }
    };
    let found = begins.filter_map(|at| Some((at, program(content.bytes.get(at..)?)?))).min();
    if let Some((at, what)) = found {
        let message = format!("the {} file holds {what}", content.format);
        scanner.report("format/embedded-payload", content.at(at as u64), message);
    }
    0
}
