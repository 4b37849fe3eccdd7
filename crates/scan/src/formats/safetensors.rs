//! safetensors: nothing runs, so what is left is that every reader sees the same tensors.

use proofhouse_artifact::safetensors;

use super::payload;
use crate::scanner::{Content, Scanner};
use crate::weights::{self, Float};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let header = match safetensors::parse(content.bytes) {
        Ok(header) => header,
        Err(error) => {
            scanner.report(
                "safetensors/malformed",
                content.at(error.offset().unwrap_or(0)),
                error.to_string(),
            );
            return 0;
        }
    };
    if scanner.limits.content {
        for tensor in &header.tensors {
            look_into(scanner, content, tensor);
        }
    }
    let mut uncovered = 0;
    for issue in &header.issues {
        if let safetensors::IssueKind::Hole { bytes } = issue.kind {
            uncovered += bytes;
        }
        scanner.report("safetensors/structure", content.at(issue.offset), issue.to_string());
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}

/// What a tensor holds beside numbers, and what its numbers tell.
fn look_into(scanner: &mut Scanner<'_>, content: &Content<'_>, tensor: &safetensors::Tensor) {
    let range = usize::try_from(tensor.begin).ok().zip(usize::try_from(tensor.end).ok());
    let Some(bytes) = range.and_then(|(begin, end)| content.bytes.get(begin..end)) else { return };
    let place = content.place.clone().within(&tensor.name).at(tensor.begin);
    if let Some(what) = payload::kind(bytes) {
        scanner.report("tensor/payload", place.clone(), format!("the tensor is {what}"));
    }
    if let Some(float) = Float::of_safetensors(&tensor.dtype) {
        weights::report(scanner, &place, bytes, float);
    }
}
