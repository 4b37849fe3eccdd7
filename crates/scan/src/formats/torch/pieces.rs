//! Shards of `torch.distributed.checkpoint` (`.distcp`): archives of `torch.save` one behind the other, which a file of
//! metadata beside them reads each by its place (`torch/distributed/checkpoint/filesystem.py`).

use std::ops::Range;

use memchr::memmem;
use proofhouse_artifact::Format;
use proofhouse_artifact::zip::{Archive, Limits};

use crate::scanner::{Content, Scanner};

/// Archives of one shard.
const MOST: usize = 1 << 16;
/// Places that look like the end of an archive and are none.
const MOST_MISSED: usize = 64;

/// Scans a shard archive by archive; `None` where it is no such file.
pub(super) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> Option<u64> {
    if !content.name().ends_with(".distcp") {
        return None;
    }
    let pieces = pieces(content.bytes).filter(|pieces| pieces.len() > 1)?;
    for range in pieces {
        let bytes = content.bytes.get(range.clone()).unwrap_or_default();
        let name = match &content.place.member {
            Some(outer) => format!("{outer}!archive at {}", range.start),
            None => format!("archive at {}", range.start),
        };
        let place = content.place.clone().within(name);
        let inner = Content { bytes, format: Format::detect(bytes), place, depth: content.depth + 1 };
        crate::formats::scan(scanner, &inner);
    }
    Some(content.bytes.len() as u64)
}

/// Where the archives lie, if they fill the file and each agrees with itself.
fn pieces(bytes: &[u8]) -> Option<Vec<Range<usize>>> {
    let limits = Limits::default();
    let mut found = Vec::new();
    let (mut start, mut missed) = (0, 0);
    for at in memmem::find_iter(bytes, b"PK\x05\x06") {
        if at < start {
            continue;
        }
        let comment =
            bytes.get(at + 20..)?.first_chunk::<2>().map(|c| usize::from(u16::from_le_bytes(*c)))?;
        let end = at + 22 + comment;
        let tail = bytes.get(end..)?;
        let ends = tail.is_empty() || tail.starts_with(b"PK\x03\x04");
        let piece = bytes.get(start..end)?;
        let whole = ends
            && piece.starts_with(b"PK\x03\x04")
            && Archive::walk(piece, &limits).is_ok_and(|archive| archive.issues().is_empty());
        if whole {
            found.push(start..end);
            start = end;
        } else {
            missed += 1;
        }
        if missed > MOST_MISSED || found.len() > MOST {
            return None;
        }
    }
    (start == bytes.len()).then_some(found)
}
