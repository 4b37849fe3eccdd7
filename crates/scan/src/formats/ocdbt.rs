//! Manifests and nodes of databases of TensorStore. What they say can only be followed where the other files are
//! ([`crate::ocdbt`]); alone, their frames are looked at.

use proofhouse_artifact::{ArtifactError, ocdbt};

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let manifest = ocdbt::Kind::of(content.bytes) == Some(ocdbt::Kind::Manifest);
    let mut at = 0;
    let mut frames = 0;
    while let Some(rest) = content.bytes.get(at..).filter(|rest| ocdbt::Kind::of(rest).is_some()) {
        if frames > 0 && manifest {
            break;
        }
        match ocdbt::frame(rest, scanner.decompressed_left) {
            Ok(frame) => {
                scanner.decompressed_left = scanner.decompressed_left.saturating_sub(frame.unpacked);
                at = at.saturating_add(usize::try_from(frame.length).unwrap_or(usize::MAX));
            }
            Err(error @ ArtifactError::Limit { .. }) => {
                scanner.unpacks_more("format/unscannable", content.at(at as u64), error.to_string());
                break;
            }
            Err(error) => {
                scanner.report("ocdbt/malformed", content.at(at as u64), error.to_string());
                break;
            }
        }
        frames += 1;
    }
    if manifest && at > 0 && at < content.bytes.len() {
        let message = format!("{} bytes follow the manifest", content.bytes.len() - at);
        scanner.report("ocdbt/malformed", content.at(at as u64), message);
    }
    super::kept::pickles(scanner, content);
    let message =
        "a part of a database of TensorStore: its manifest and the files that it names have to be beside it";
    scanner.report("format/unscannable", content.place.clone(), message);
    at as u64
}
