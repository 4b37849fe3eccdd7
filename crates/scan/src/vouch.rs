//! Files without a structure of their own, and the files that say what they hold.
//!
//! The weights of a TensorFlow checkpoint, or of a large ONNX model, are numbers back to back in a file that has
//! no header. Such a file alone is unscannable; where an index beside it lists every byte, it is data.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use proofhouse_artifact::Format;
use proofhouse_artifact::stream::Codec;
use proofhouse_core::Place;

use crate::FileReport;
use crate::folder::{Host, Read};
use crate::formats::payload;
use crate::formats::zarr::{self, Array};
use crate::scanner::{Content, Scanner};

/// A file that another one lists, and where its tensors lie. An end of `u64::MAX` is the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) path: String,
    pub(crate) ranges: Vec<Range<u64>>,
    /// The array whose chunk it is.
    pub(crate) array: Option<Arc<Array>>,
}

impl Scanner<'_> {
    /// Notes that the file `name` beside `content` holds tensors at `ranges`. Members of archives vouch for members of the
    /// same one.
    pub(crate) fn vouch(&mut self, content: &Content<'_>, name: &str, ranges: Vec<Range<u64>>) {
        self.note(content, name, ranges, None);
    }

    /// Notes that the file `name` beside `content` is a chunk of an array.
    pub(crate) fn vouch_chunk(&mut self, content: &Content<'_>, name: &str, array: Arc<Array>) {
        self.note(content, name, std::iter::once(0..u64::MAX).collect(), Some(array));
    }

    fn note(
        &mut self,
        content: &Content<'_>,
        name: &str,
        ranges: Vec<Range<u64>>,
        array: Option<Arc<Array>>,
    ) {
        let (outer, path) = match &content.place.member {
            None => (None, content.place.path.clone()),
            Some(member) => {
                let Some((index, path)) = self.within(member) else { return };
                (Some(index), path)
            }
        };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
        let packed = outer.and_then(|index| self.packed.get_mut(index));
        let vouched = packed.map_or(&mut self.vouched, |packed| &mut packed.vouched);
        vouched.push(Vouched { path, ranges, array });
    }
}

/// Settles what files say of each other: a file of no known format whose every byte is listed is clean. `said` is what
/// was said of them.
pub(crate) fn settle(
    files: &mut [FileReport],
    said: Vec<Vouched>,
    host: &mut Host<'_, '_>,
    read: Read<'_, '_>,
) {
    let mut listed = BTreeMap::<String, Vec<Range<u64>>>::new();
    let mut chunks = BTreeMap::<String, Arc<Array>>::new();
    for vouched in said {
        if let Some(array) = vouched.array {
            chunks.insert(vouched.path, array);
        } else {
            listed.entry(vouched.path).or_default().extend(vouched.ranges);
        }
    }
    for (index, file) in files.iter_mut().enumerate() {
        // What is packed is numbers, too, where nothing but that is told of it.
        let packed = Codec::ALL.iter().any(|codec| file.format == Format::Compressed(*codec));
        let bare = file.format == Format::Unknown || packed;
        if !bare {
            continue;
        }
        if let Some(array) = chunks.get(file.path.as_str()) {
            chunk(file, index, array, host, read);
        }
        let Some(ranges) = listed.get(file.path.as_str()) else { continue };
        if file.truncated || !file.findings.iter().all(|f| f.rule == "format/unscannable") {
            continue;
        }
        file.settled(&|_| true);
        let mut uncovered = 0;
        host.look_again(file, |scanner, place, _| {
            let Some(bytes) = read(index, &mut scanner.decompressed_left) else {
                return gone(scanner, place);
            };
            for (at, gap, what) in unlisted(bytes.as_ref(), ranges) {
                uncovered += gap;
                scanner.report("tree/unlisted-bytes", place.clone().at(at), what);
            }
        });
        file.covered_bytes = file.covered_bytes.saturating_sub(uncovered);
    }
}

/// Settles a file that is a chunk of an array.
fn chunk(file: &mut FileReport, index: usize, array: &Array, host: &mut Host<'_, '_>, read: Read<'_, '_>) {
    // What follows a stream is told of anew where the steps of the array are followed.
    let settles =
        |rule: &str| rule == "format/unscannable" || (rule == "stream/trailing" && array.is_followed());
    if file.truncated || !file.findings.iter().all(|finding| settles(&finding.rule)) {
        return;
    }
    file.settled(&settles);
    host.look_again(file, |scanner, place, depth| {
        let Some(bytes) = read(index, &mut scanner.decompressed_left) else { return gone(scanner, place) };
        let content = Content { bytes: bytes.as_ref(), format: Format::Unknown, place, depth };
        zarr::look(scanner, &content, array);
    });
}

/// Tells of a file that was there when it was scanned, or whose bytes are beyond what is unpacked.
fn gone(scanner: &mut Scanner<'_>, place: Place) {
    scanner.unpacks_more("format/unscannable", place, "it cannot be read again".to_owned());
}

/// What is wrong with a file and its list: the place, the bytes that nobody lists, and words. Zeros between
/// tensors align them.
fn unlisted(bytes: &[u8], ranges: &[Range<u64>]) -> Vec<(u64, u64, String)> {
    let size = bytes.len() as u64;
    let mut sorted: Vec<_> =
        ranges.iter().map(|r| r.start..if r.end == u64::MAX { size } else { r.end }).collect();
    sorted.sort_by_key(|r| (r.start, r.end));
    let mut problems = Vec::new();
    let mut covered = 0;
    for range in sorted.into_iter().chain(std::iter::once(size..size)) {
        if problems.len() >= 100 {
            break;
        }
        if range.end > size || range.start > range.end {
            problems.push((
                range.start.min(size),
                0,
                format!("a tensor is said to lie up to byte {}", range.end),
            ));
            continue;
        }
        let gap = slice(bytes, covered, range.start);
        if gap.iter().any(|b| *b != 0) {
            let what = payload::kind(gap).map_or_else(String::new, |what| format!(": {what}"));
            problems.push((
                covered,
                gap.len() as u64,
                format!("{} bytes belong to no tensor{what}", gap.len()),
            ));
        }
        if let Some(what) = payload::kind(slice(bytes, range.start, range.end)) {
            problems.push((range.start, 0, format!("a tensor is {what}")));
        }
        covered = covered.max(range.end);
    }
    problems
}

fn slice(bytes: &[u8], from: u64, to: u64) -> &[u8] {
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    range.and_then(|(from, to)| bytes.get(from..to)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::unlisted;

    #[test]
    fn every_byte_has_to_be_listed() {
        let bytes = [&[1u8; 8][..], &[0; 8], &[2; 8]].concat();
        assert!(unlisted(&bytes, &[0..8, 16..24]).is_empty());
        assert!(unlisted(&bytes, &[0..8, 16..u64::MAX]).is_empty());
        assert_eq!(unlisted(&bytes, &[0..4, 4..8])[0].1, 16);
        assert_eq!(unlisted(&bytes, &[0..24, 16..25])[0].0, 16);
        assert_eq!(unlisted(&bytes, &[4..8, 8..24])[0].1, 4);
    }
}
