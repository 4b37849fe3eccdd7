//! safetensors: nothing runs, so what is left is that every reader sees the same tensors.

use proofhouse_artifact::safetensors;

use crate::scanner::{Content, Scanner};

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
    let mut uncovered = 0;
    for issue in &header.issues {
        if let safetensors::IssueKind::Hole { bytes } = issue.kind {
            uncovered += bytes;
        }
        scanner.report("safetensors/structure", content.at(issue.offset), issue.to_string());
    }
    (content.bytes.len() as u64).saturating_sub(uncovered)
}
