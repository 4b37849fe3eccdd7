//! ExecuTorch: portable operators compute; a delegate is a program for a backend, and a foreign operator a library.

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
    for backend in &program.delegates {
        let message = format!("parts are compiled for {backend:?}, and only that backend reads them");
        scanner.report("format/unscannable", content.place.clone(), message);
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
