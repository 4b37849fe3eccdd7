//! Tar archives: every record by itself, nothing unpacked to disk.
//!
//! Headers of 512 bytes, each followed by its content up to the next multiple of 512 (POSIX.1-2024 `pax`,
//! "ustar Interchange Format"; GNU tar's long names). A reader that trusts names and links writes where the
//! archive says, so what is told apart here are names that leave the folder, links, devices, and bytes that belong
//! to no record.

use std::ops::Range;

use crate::ArtifactError;

/// A record.
pub const BLOCK: usize = 512;
/// Longest name taken from an extended header.
const MAX_NAME: usize = 64 * 1024;

/// A walked archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tar {
    /// The entries, in file order.
    pub entries: Vec<Entry>,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
}

/// An entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as a reader takes it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its mode, where the header states one: the bits of permissions and above.
    pub mode: u64,
    /// Byte offset of its header.
    pub at: u64,
    /// Where its content lies in the file.
    pub content: Range<usize>,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link, symbolic or hard, with its target.
    Link(String),
    /// A device, a pipe, a sparse file or another kind that a model has no use for.
    Other(char),
}

/// Something wrong with an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the file.
    pub offset: u64,
    /// What it is.
    pub what: String,
    /// Bytes that belong to no record.
    pub uncovered: u64,
}

/// Whether a file begins with a tar header; those of the seventh edition of Unix have nothing behind the link's name.
#[must_use]
pub fn is_tar(bytes: &[u8]) -> bool {
    let named = |header: &[u8; BLOCK]| {
        header[257..262] == *b"ustar" || header[0] != 0 && header[257..].iter().all(|b| *b == 0)
    };
    bytes.first_chunk::<BLOCK>().is_some_and(|header| named(header) && checksum(header))
}

/// Walks an archive.
///
/// # Errors
/// More than `max_entries` entries.
pub fn walk(bytes: &[u8], max_entries: usize) -> Result<Tar, ArtifactError> {
    let mut tar = Tar { entries: Vec::new(), issues: Vec::new() };
    let mut at = 0;
    // A name or a link that an extended header gives to the next entry.
    let (mut name, mut link) = (None, None);
    let mut size = None;
    while let Some(header) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if header.iter().all(|b| *b == 0) {
            tar.end(bytes, at);
            return Ok(tar);
        }
        if !checksum(header) {
            tar.rest(bytes, at, "a header's checksum is wrong");
            return Ok(tar);
        }
        if tar.entries.len() >= max_entries {
            return Err(ArtifactError::Limit { format: "tar", what: "entries", limit: max_entries as u64 });
        }
        let Some(stated) = number(&header[124..136]) else {
            tar.rest(bytes, at, "a header states no size");
            return Ok(tar);
        };
        let mut length = size.take().unwrap_or(stated);
        if length > 0 && is_without_content(header) {
            let what = "an entry that has no content states a size: some readers skip as much, others do not";
            tar.contested(at, what);
            length = 0;
        }
        let from = at + BLOCK;
        let end =
            usize::try_from(length).ok().and_then(|n| from.checked_add(n)).filter(|end| *end <= bytes.len());
        let Some(end) = end else {
            tar.rest(bytes, at, "an entry is longer than the file");
            return Ok(tar);
        };
        let content = from..end;
        let data = bytes.get(content.clone()).unwrap_or_default();
        match header[156] {
            b'L' => name = long(data),
            b'K' => link = long(data),
            b'x' | b'X' => {
                for (key, value) in pax(data) {
                    match key {
                        "path" => name = Some(value.to_owned()),
                        "linkpath" => link = Some(value.to_owned()),
                        "size" => size = value.parse().ok(),
                        "GNU.sparse.name" => {
                            tar.contested(at, "a sparse file: readers differ in its name and in its content");
                            name = Some(value.to_owned());
                        }
                        _ => {}
                    }
                }
            }
            // For all entries to come: comments and times, and to some readers names (Python's `tarfile`).
            b'g' => {
                if pax(data).iter().any(|(key, _)| {
                    matches!(*key, "path" | "linkpath" | "size") || key.starts_with("GNU.sparse.")
                }) {
                    tar.contested(
                        at,
                        "a header for all entries names them: some readers go by it, others do not",
                    );
                }
            }
            kind => {
                if header[257..263] == *b"ustar " && is_prefixed(header) {
                    let what = "a name has a prefix that GNU's readers do not know: others put it in front";
                    tar.contested(at, what);
                }
                let name = name.take().unwrap_or_else(|| short(header));
                let target = link.take().unwrap_or_else(|| text(&header[157..257]));
                let kind = match kind {
                    0 if name.ends_with('/') => Kind::Folder,
                    // A file of no name to some readers; where it has content, it is one to others.
                    b'0' | b'7' if name.ends_with('/') && content.is_empty() => Kind::Folder,
                    0 | b'0' | b'7' => Kind::File,
                    b'5' => Kind::Folder,
                    b'1' | b'2' => Kind::Link(target),
                    other => Kind::Other(char::from(other)),
                };
                let mode = number(&header[100..108]).unwrap_or(0);
                tar.entries.push(Entry { name, kind, mode, at: at as u64, content });
            }
        }
        let next = end.next_multiple_of(BLOCK).min(bytes.len());
        tar.padding(bytes, end, next);
        at = next;
    }
    if at < bytes.len() {
        tar.rest(bytes, at, "the archive ends inside a record");
    } else {
        tar.issues.push(Issue { offset: at as u64, what: "the archive has no end".to_owned(), uncovered: 0 });
    }
    Ok(tar)
}

impl Tar {
    /// Everything from `at` on belongs to nothing.
    fn rest(&mut self, bytes: &[u8], at: usize, why: &str) {
        let uncovered = bytes.len().saturating_sub(at) as u64;
        self.issues.push(Issue {
            offset: at as u64,
            what: format!("{why}; {uncovered} bytes belong to no record"),
            uncovered,
        });
    }

    /// Readers differ in what an entry is.
    fn contested(&mut self, at: usize, what: &str) {
        self.issues.push(Issue { offset: at as u64, what: what.to_owned(), uncovered: 0 });
    }

    /// Behind the two empty records are empty ones, up to the writer's blocking factor.
    fn end(&mut self, bytes: &[u8], at: usize) {
        let tail = bytes.get(at..).unwrap_or_default();
        if let Some(hidden) = tail.iter().position(|b| *b != 0) {
            self.rest(bytes, at + hidden, "bytes follow the end of the archive");
        }
    }

    fn padding(&mut self, bytes: &[u8], from: usize, to: usize) {
        if bytes.get(from..to).unwrap_or_default().iter().any(|b| *b != 0) {
            let uncovered = (to - from) as u64;
            self.issues.push(Issue {
                offset: from as u64,
                what: format!("{uncovered} bytes of padding are not empty"),
                uncovered,
            });
        }
    }
}

/// Whether a name stays in the folder it is unpacked into.
#[must_use]
pub fn stays_inside(name: &str) -> bool {
    let absolute = name.starts_with(['/', '\\']) || name.get(1..2) == Some(":");
    !absolute && !name.split(['/', '\\']).any(|part| part == "..") && !name.contains('\0')
}

/// The sum of a header's bytes, its own field taken as spaces; old writers summed signed bytes.
fn checksum(header: &[u8; BLOCK]) -> bool {
    let Some(stated) = number(&header[148..156]) else { return false };
    let sum = |of: fn(u8) -> i64| -> i64 {
        header.iter().enumerate().map(|(at, b)| if (148..156).contains(&at) { 32 } else { of(*b) }).sum()
    };
    let stated = i64::try_from(stated).unwrap_or(-1);
    stated == sum(i64::from) || stated == sum(|b| i64::from(b.cast_signed()))
}

/// A number in octal digits, or, with the first bit set, in binary (GNU).
fn number(field: &[u8]) -> Option<u64> {
    if field.first()? & 0x80 != 0 {
        let (first, rest) = field.split_first()?;
        return rest
            .iter()
            .try_fold(u64::from(first & 0x7f), |n, b| n.checked_mul(256).map(|n| n | u64::from(*b)));
    }
    let mut digits = field.iter().skip_while(|b| **b == b' ').take_while(|b| !matches!(b, 0 | b' '));
    let mut seen = false;
    let value = digits.try_fold(0u64, |n, b| {
        seen = true;
        matches!(b, b'0'..=b'7').then(|| n.checked_mul(8)?.checked_add(u64::from(b - b'0'))).flatten()
    })?;
    (seen || field.iter().all(|b| matches!(b, 0 | b' '))).then_some(value)
}

/// Whether an entry is of a kind behind which nothing lies, whatever size it states: links, devices, folders, pipes, and
/// what old writers mark as a folder by the end of its name.
fn is_without_content(header: &[u8; BLOCK]) -> bool {
    matches!(header[156], b'1'..=b'6') || header[156] == 0 && text(&header[..100]).ends_with('/')
}

/// Whether the field of the prefix holds a text; GNU's writers keep numbers of times there.
fn is_prefixed(header: &[u8; BLOCK]) -> bool {
    header[345..500].iter().any(|b| !matches!(b, 0 | b' ' | b'0'..=b'9'))
}

fn short(header: &[u8; BLOCK]) -> String {
    let (name, prefix) = (text(&header[..100]), text(&header[345..500]));
    // GNU's variant keeps times where POSIX keeps the prefix.
    if prefix.is_empty() || header[257..263] != *b"ustar\0" { name } else { format!("{prefix}/{name}") }
}

fn long(data: &[u8]) -> Option<String> {
    (data.len() <= MAX_NAME).then(|| text(data))
}

fn text(field: &[u8]) -> String {
    let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
    String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned()
}

/// Records of a pax header: `LENGTH KEY=VALUE\n`.
fn pax(data: &[u8]) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = data;
    while let Some(space) = rest.iter().take(20).position(|b| *b == b' ') {
        let length = std::str::from_utf8(&rest[..space]).ok().and_then(|n| n.parse::<usize>().ok());
        let Some(record) = length.filter(|n| *n > space + 1).and_then(|n| rest.get(space + 1..n)) else {
            break;
        };
        if let Some((key, value)) =
            std::str::from_utf8(record).ok().and_then(|r| r.trim_end_matches('\n').split_once('='))
            && value.len() <= MAX_NAME
        {
            found.push((key, value));
        }
        rest = rest.get(length.unwrap_or(rest.len())..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Made by Python's tarfile module in pax format: a file, a long name, a folder, a symbolic link.
    const SAMPLE: &[u8] = include_bytes!("../tests/fixtures/sample.tar");

    #[test]
    fn entries_are_read_as_a_reader_takes_them() {
        assert!(is_tar(SAMPLE));
        let mut old = record(b"a.txt", 0, b"\0\0\0\0\0\0\0\0", b"", b"x");
        old.extend([0; 2 * BLOCK]);
        assert!(is_tar(&old) && walk(&old, 10).unwrap().entries.len() == 1 && !is_tar(&[0; BLOCK]));
        let tar = walk(SAMPLE, 100).unwrap();
        assert_eq!(tar.issues, []);
        let names: Vec<(usize, &Kind)> = tar.entries.iter().map(|e| (e.name.len(), &e.kind)).collect();
        assert_eq!(
            names,
            [
                (9, &Kind::File),
                (205, &Kind::File),
                (7, &Kind::Folder),
                (4, &Kind::Link("../../etc/passwd".into()))
            ]
        );
        assert_eq!(&SAMPLE[tar.entries[0].content.clone()], b"content");
    }

    #[test]
    fn what_lies_between_and_behind_the_records_is_told() {
        let mut behind = SAMPLE.to_vec();
        let last = behind.len() - 1;
        behind[last] = 1;
        assert!(walk(&behind, 100).unwrap().issues[0].what.contains("follow the end"));
        let mut padding = SAMPLE.to_vec();
        let at = walk(SAMPLE, 100).unwrap().entries[0].content.end;
        padding[at + 3] = b'x';
        assert!(walk(&padding, 100).unwrap().issues[0].what.contains("padding"));
        assert!(!walk(&SAMPLE[..1000], 100).unwrap().issues.is_empty());
        assert!(matches!(walk(SAMPLE, 2), Err(ArtifactError::Limit { .. })));
    }

    /// A header with its checksum, and a block of content behind it.
    fn record(name: &[u8], kind: u8, magic: &[u8], prefix: &[u8], data: &[u8]) -> Vec<u8> {
        let mut header = [0u8; BLOCK];
        let mut put = |at: usize, field: &[u8]| header[at..at + field.len()].copy_from_slice(field);
        put(0, name);
        put(124, format!("{:011o}", data.len()).as_bytes());
        put(148, b"        ");
        put(156, &[kind]);
        put(257, magic);
        put(345, prefix);
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        let mut out = header.to_vec();
        out.extend(data);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
        out
    }

    /// What Python's `tarfile` reads otherwise than others do (`TarInfo.frombuf`, `_proc_member`).
    #[test]
    fn what_readers_differ_in_is_told() {
        let posix = b"ustar\x0000";
        let file = record(b"w.bin", b'0', posix, b"", b"x");
        let pax = |record: &str| format!("{} {record}\n", record.len() + 4).into_bytes();
        let issues = |records: &[Vec<u8>]| {
            let bytes = [records.concat(), vec![0; 2 * BLOCK]].concat();
            walk(&bytes, 100).unwrap().issues.into_iter().map(|issue| issue.what).collect::<Vec<_>>()
        };
        assert_eq!(issues(&[record(b"g", b'g', posix, b"", &pax("comment=0123")), file.clone()]), [""; 0]);
        assert_eq!(
            issues(&[record(b"d/", b'5', posix, b"", b""), record(b"e/", 0, posix, b"", b""), file.clone()]),
            [""; 0]
        );
        for odd in [
            record(b"g", b'g', posix, b"", &pax("path=../a.bashrc")),
            record(b"x", b'x', posix, b"", &pax("GNU.sparse.name=../a")),
            record(b"a", b'0', b"ustar  \0", b"../../etc", b"x"),
            record(b"d", b'5', posix, b"", b"x"),
            record(b"d/", 0, posix, b"", b"x"),
        ] {
            assert!(!issues(&[odd, file.clone()]).is_empty());
        }
        let named = [record(b"a.pkl/", b'0', posix, b"", b"I1\n."), vec![0; 2 * BLOCK]].concat();
        assert_eq!(walk(&named, 9).unwrap().entries[0].kind, Kind::File);
    }

    #[test]
    fn names_that_leave_are_told_from_those_that_stay() {
        assert!(stays_inside("a/b..c/d") && stays_inside("./a"));
        for name in ["/a", "../a", "a/../../b", "\\a", "C:\\a", "a\\..\\b", "a\0b"] {
            assert!(!stays_inside(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn damaged_archives_end(flips in prop::collection::vec((0..SAMPLE.len(), any::<u8>()), 1..8), cut in 0..SAMPLE.len()) {
            let mut bytes = SAMPLE.to_vec();
            for (at, value) in flips {
                bytes[at] = value;
            }
            bytes.truncate(SAMPLE.len() - cut / 2);
            let _ = walk(&bytes, 1000);
        }
    }
}
