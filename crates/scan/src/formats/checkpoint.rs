//! The index of a TensorFlow checkpoint. Its tensors lie in files beside it, for which it vouches.

use proofhouse_artifact::checkpoint;

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let index = match checkpoint::parse(content.bytes) {
        Ok(index) => index,
        Err(error) => {
            scanner.report(
                "tensorflow/malformed",
                content.at(error.offset().unwrap_or(0)),
                error.to_string(),
            );
            return 0;
        }
    };
    if index.uncovered > 0 {
        let message = format!("{} bytes belong to no block of the index", index.uncovered);
        scanner.report("tensorflow/malformed", content.place.clone(), message);
    }
    let stem = content.name().strip_suffix(".index").unwrap_or(content.name()).to_owned();
    for shard in 0..index.shards.min(1 << 16) {
        let parts = index.tensors.iter().filter(|t| t.shard == shard);
        let ranges = parts.map(|t| t.offset..t.offset.saturating_add(t.size)).collect();
        scanner.vouch(content, &format!("{stem}.data-{shard:05}-of-{:05}", index.shards), ranges);
    }
    (content.bytes.len() as u64).saturating_sub(index.uncovered)
}
