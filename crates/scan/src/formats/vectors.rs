//! Word vectors of word2vec and fastText: words and numbers, all of whose bytes have to be theirs.

use proofhouse_artifact::{ArtifactError, vectors};

use crate::scanner::{Content, Scanner};

pub(crate) fn word2vec(_: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    // Its format is known by its length.
    content.bytes.len() as u64
}

pub(crate) fn fasttext(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let size = content.bytes.len() as u64;
    match vectors::fasttext(content.bytes) {
        Ok(end) => {
            if end < size {
                let message = format!("{} bytes follow the model", size - end);
                scanner.report("vectors/malformed", content.at(end), message);
            }
            end
        }
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "vectors/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            0
        }
    }
}
