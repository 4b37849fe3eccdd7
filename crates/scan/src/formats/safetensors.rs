//! safetensors: nothing runs, so what is left is that every reader sees the same tensors.

use proofhouse_artifact::safetensors;

use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

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
    let tensors: Vec<Tensor<'_>> = header.tensors.iter().filter_map(|t| tensor(content, t)).collect();
    tensor::look(scanner, content, "tensor/payload", Numbers::Weights, &tensors);
    for (name, value) in &header.metadata {
        super::kept::metadata(scanner, &content.at(8), name, value);
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

fn tensor<'a>(content: &Content<'a>, tensor: &'a safetensors::Tensor) -> Option<Tensor<'a>> {
    let (begin, end) = usize::try_from(tensor.begin).ok().zip(usize::try_from(tensor.end).ok())?;
    let (name, at) = (tensor.name.as_str(), tensor.begin);
    Some(Tensor {
        name,
        at,
        bytes: content.bytes.get(begin..end)?,
        float: Float::of_safetensors(&tensor.dtype),
    })
}
