//! ExecuTorch: portable operators compute; a delegate is a program for a backend, and a foreign operator a library.

use std::ops::Range;

use proofhouse_artifact::{ArtifactError, executorch};

use super::payload;
use crate::scanner::{Content, Scanner};

/// Name spaces of operators that the runtime ships.
const OWN: [&str; 8] = [
    "aten",
    "prim",
    "executorch_prim",
    "quantized_decomposed",
    "dim_order_ops",
    "llama",
    "et_vk",
    "quantized",
];

/// Backends that ExecuTorch brings along.
const BACKENDS: [&str; 17] = [
    "AotiBackend",
    "ArmBackend",
    "CadenceBackend",
    "CoreMLBackend",
    "CudaBackend",
    "EnnBackend",
    "EthosUBackend",
    "MPSBackend",
    "MetalBackend",
    "NeuropilotBackend",
    "NeutronBackend",
    "OpenvinoBackend",
    "QnnBackend",
    "TOSABackend",
    "VgfBackend",
    "VulkanBackend",
    XNNPACK,
];
/// Its parts are a graph of built-in operators and their weights: it runs nothing else.
const XNNPACK: &str = "XnnpackBackend";

/// Whether a part has the header of XNNPACK (`XNNHeader.h`), or is its FlatBuffer.
fn is_xnnpack(part: &[u8]) -> bool {
    let identifier = part.get(4..8).unwrap_or_default();
    part.starts_with(b"XH00")
        || identifier == b"XH00"
        || matches!(identifier, [b'X', b'N', b'0', b'0'..=b'9'])
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let program = match executorch::parse(content.bytes) {
        Ok(program) => program,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "executorch/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            return 0;
        }
    };
    for name in &program.operators {
        let space = name.split_once("::").map_or("", |(space, _)| space);
        if !OWN.contains(&space) {
            let message = format!("the operator {name:?} needs somebody's library");
            scanner.report("executorch/custom-operator", content.place.clone(), message);
        }
    }
    let slice = |range: &Range<u64>| {
        let range = usize::try_from(range.start).ok().zip(usize::try_from(range.end).ok());
        range.and_then(|(from, to)| content.bytes.get(from..to)).unwrap_or_default()
    };
    for (backend, range) in &program.delegates {
        let (part, place) = (slice(range), content.at(range.start));
        if let Some(what) = payload::kind(part).or_else(|| crate::content::executable(part)) {
            let message = format!("the part for {backend:?} is {what}");
            scanner.report("executorch/structure", place, message);
        } else if !BACKENDS.contains(&backend.as_str()) {
            let message = format!("parts are compiled for {backend:?}, a backend that somebody has to bring");
            scanner.report("executorch/custom-operator", place, message);
        } else if !(backend == XNNPACK && is_xnnpack(part)) {
            let message = format!("parts are compiled for {backend:?}, and only that backend reads them");
            scanner.report("format/unscannable", place, message);
        }
    }
    for range in &program.parts {
        if let Some(what) = payload::kind(slice(range)) {
            let message = format!("a segment is {what}");
            scanner.report("executorch/structure", content.at(range.start), message);
        }
    }
    let size = content.bytes.len() as u64;
    let Some((from, to)) = program.segments else { return size };
    let segments = usize::try_from(from).ok().and_then(|from| content.bytes.get(from..)).unwrap_or_default();
    if let Some(what) = payload::kind(segments) {
        scanner.report("executorch/structure", content.at(from), format!("a segment is {what}"));
    }
    if to < size {
        let message = format!("{} bytes follow the last segment", size - to);
        scanner.report("executorch/structure", content.at(to), message);
        return to;
    }
    if to > size {
        scanner.report("executorch/malformed", content.at(size), "the segments reach beyond the file");
    }
    size
}
