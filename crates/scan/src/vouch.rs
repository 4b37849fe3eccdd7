//! Files without a structure of their own, and the files that say what they hold.
//!
//! The weights of a TensorFlow checkpoint, or of a large ONNX model, are numbers back to back in a file that has
//! no header. Such a file alone is unscannable; where an index beside it lists every byte, it is data.

use std::collections::BTreeMap;
use std::ops::Range;

use proofhouse_artifact::Format;
use proofhouse_artifact::stream::Codec;
use proofhouse_core::Place;

use crate::formats::payload;
use crate::rules::rule;
use crate::scanner::{Content, Scanner};
use crate::{FileReport, Outcome};

/// A file that another one lists, and where its tensors lie. An end of `u64::MAX` is the end of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vouched {
    pub(crate) path: String,
    pub(crate) ranges: Vec<Range<u64>>,
}

impl Scanner<'_> {
    /// Notes that the file `name` beside `content` holds tensors at `ranges`. Members of archives vouch for
    /// nothing: what lies beside them is scanned with them.
    pub(crate) fn vouch(&mut self, content: &Content<'_>, name: &str, ranges: Vec<Range<u64>>) {
        if content.place.member.is_none() {
            let folder = content.place.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
            self.vouched.push(Vouched { path, ranges });
        }
    }
}

/// Settles what files say of each other: a file of no known format whose every byte is listed is clean.
/// `read` gives the bytes of a file by its index.
pub(crate) fn settle<B: AsRef<[u8]>>(files: &mut [FileReport], read: &dyn Fn(usize) -> Option<B>) {
    let mut listed = BTreeMap::<String, Vec<Range<u64>>>::new();
    for vouched in files.iter_mut().flat_map(|f| std::mem::take(&mut f.vouched)) {
        listed.entry(vouched.path).or_default().extend(vouched.ranges);
    }
    for (index, file) in files.iter_mut().enumerate() {
        // What is packed is numbers, too, where nothing but that is told of it.
        let packed = Codec::ALL.iter().any(|codec| file.format == Format::Compressed(*codec));
        let bare = file.format == Format::Unknown || packed;
        let Some(ranges) = listed.get(file.path.as_str()).filter(|_| bare) else {
            continue;
        };
        let only = file.findings.iter().all(|f| f.rule == "format/unscannable");
        let Some(bytes) = read(index).filter(|_| only) else { continue };
        let problems = unlisted(bytes.as_ref(), ranges);
        file.findings.clear();
        file.outcome = Outcome::Clean;
        file.covered_bytes = file.size;
        for (at, uncovered, what) in problems {
            let rule = rule("tree/unlisted-bytes");
            file.outcome = file.outcome.max(rule.outcome);
            file.covered_bytes = file.covered_bytes.saturating_sub(uncovered);
            file.findings.push(rule.finding(Place::file(file.path.as_str()).at(at), what));
        }
        file.findings.sort();
    }
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
