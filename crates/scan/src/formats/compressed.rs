//! Compressed streams: what they hold is content of its own.

use proofhouse_artifact::stream::Codec;
use proofhouse_artifact::{ArtifactError, Format};

use crate::scanner::{Content, Scanner};

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, codec: Codec) -> u64 {
    let unpacked = match codec.unpack(content.bytes, scanner.decompressed_left) {
        Ok(unpacked) => unpacked,
        Err(error @ ArtifactError::Limit { .. }) => {
            scanner.overflown();
            scanner.unpacks_more("stream/budget", content.place.clone(), error.to_string());
            return 0;
        }
        Err(error) => {
            scanner.report("stream/broken", content.place.clone(), error.to_string());
            return 0;
        }
    };
    scanner.decompressed_left = scanner.decompressed_left.saturating_sub(unpacked.bytes.len() as u64);
    let size = content.bytes.len() as u64;
    if unpacked.trailing > 0 {
        let message = format!("{} bytes follow the {codec} stream: some readers see them", unpacked.trailing);
        scanner.report("stream/trailing", content.at(size - unpacked.trailing), message);
    }
    // The name is the stream's own: what runs by its name runs when it is unpacked, too.
    let stem = content.name().rsplit_once('.').map_or(content.name(), |(stem, _)| stem).to_owned();
    let name = match &content.place.member {
        Some(outer) => format!("{outer}!{stem}"),
        None => stem,
    };
    let mut place = content.place.clone().within(name);
    place.offset = None;
    let format = Format::detect(&unpacked.bytes);
    let inner = Content { bytes: &unpacked.bytes, format, place, depth: content.depth + 1 };
    super::scan(scanner, &inner);
    size - unpacked.trailing
}
