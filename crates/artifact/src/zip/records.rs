//! The records: end of directory, central directory, local headers, data descriptors.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::names;
use super::{Issue, IssueKind, Limits, Listed, Member};
use crate::ArtifactError;

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const CENTRAL: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";
const END_64: &[u8; 4] = b"PK\x06\x06";
const LOCATOR_64: &[u8; 4] = b"PK\x06\x07";
const DESCRIPTOR: &[u8; 4] = b"PK\x07\x08";

/// Sizes follow the data instead of standing in the local header.
const FLAG_DESCRIPTOR: u16 = 0x8;
/// Encrypted, compressed patch data, strong encryption, masked header.
const FLAGS_ODD: u16 = 0x1 | 0x20 | 0x40 | 0x2000;

/// Headers between two pauses: a system may map megabytes around each.
const PAUSE: usize = 8;

pub(super) fn walk(
    bytes: &[u8],
    limits: &Limits,
    pause: &dyn Fn(),
) -> Result<(Vec<Member>, Vec<Issue>), ArtifactError> {
    let mut walk =
        Walk { bytes, limits, pause, members: Vec::new(), issues: Vec::new(), extents: Vec::new() };
    match find_end(bytes) {
        Some(end) => walk.directory(&end)?,
        None if find(bytes, LOCAL, 0).is_some() => {
            walk.issue(0, None, IssueKind::NoEndRecord);
            walk.gaps(bytes.len() as u64)?;
        }
        None => return Err(ArtifactError::malformed("zip", 0, "there is no zip record in it")),
    }
    walk.names();
    walk.members.sort_by_key(|m| m.header_offset);
    walk.issues.sort_by_key(|i| i.offset);
    Ok((walk.members, walk.issues))
}

/// Whether an end record leads to a central directory, or stands alone for an empty archive.
pub(super) fn has_directory(bytes: &[u8]) -> bool {
    find_end(bytes).is_some_and(|end| {
        let found = bytes.get(index(end.directory_at)..).unwrap_or_default();
        end.entries > 0 && found.starts_with(CENTRAL)
    })
}

/// The end record and what it says, with offsets corrected for a prefix.
struct End {
    at: u64,
    /// One past its comment.
    end: u64,
    comment: u64,
    entries: u64,
    directory_at: u64,
    directory_bytes: u64,
    /// Where the directory's last record and the 64-bit records end.
    records_start: u64,
    /// Bytes between the 64-bit record's fixed fields and its locator; empty without such a record.
    extension: Range<u64>,
    /// What stated offsets must be moved by.
    prefix: u64,
    /// Where the two end records contradict each other.
    issues: Vec<IssueKind>,
    /// Earlier ones in the tail.
    others: Vec<u64>,
}

fn index(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn starts_with(bytes: &[u8], at: usize, signature: &[u8; 4]) -> bool {
    bytes.get(at..).is_some_and(|tail| tail.starts_with(signature))
}

fn find(bytes: &[u8], signature: &[u8; 4], from: usize) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(4).position(|w| w == signature).map(|i| from + i)
}

/// The last end record in the tail that a reader would search: 22 bytes and a comment of at most 64 KiB.
fn find_end(bytes: &[u8]) -> Option<End> {
    let floor = bytes.len().saturating_sub(22 + 0xffff);
    let tail = bytes.get(floor..)?;
    let mut candidates = tail.windows(4).enumerate().rev().filter(|(_, w)| w == END).map(|(i, _)| floor + i);
    let end = candidates.by_ref().find_map(|at| read_end(bytes, at))?;
    let others = candidates.filter(|at| read_end(bytes, *at).is_some()).map(|at| at as u64).collect();
    Some(End { others, ..end })
}

fn read_end(bytes: &[u8], at: usize) -> Option<End> {
    let position = at as u64;
    let comment = u64::from(u16_at(bytes, at + 20)?);
    let short = Directory {
        entries: u64::from(u16_at(bytes, at + 10)?),
        bytes: u64::from(u32_at(bytes, at + 12)?),
        stated_at: u64::from(u32_at(bytes, at + 16)?),
    };
    // Writers may add the 64-bit records to any archive, and torch does to every one. Readers look for the
    // locator first, whether or not a field of the short record is saturated.
    let locator = at.checked_sub(20).filter(|l| starts_with(bytes, *l, LOCATOR_64));
    let wide = locator.and_then(|l| read_end_64(bytes, l));
    let mut issues = Vec::new();
    match &wide {
        Some(wide) => wide.compare(&short, &mut issues),
        None if locator.is_some() || short.saturated() => issues.push(IssueKind::Zip64),
        None => {}
    }
    let (directory, records_start, extension) = match wide {
        Some(wide) => (wide.directory, wide.at, wide.extension),
        None => (short, position, position..position),
    };
    let (directory_at, prefix) = directory.place(records_start)?;
    Some(End {
        at: position,
        end: (position + 22 + comment).min(bytes.len() as u64),
        comment,
        entries: directory.entries,
        directory_at,
        directory_bytes: directory.bytes,
        records_start,
        extension,
        prefix,
        issues,
        others: Vec::new(),
    })
}

/// What an end record says of the directory.
struct Directory {
    entries: u64,
    bytes: u64,
    stated_at: u64,
}

impl Directory {
    const MAX_ENTRIES: u64 = 0xffff;
    const MAX_BYTES: u64 = 0xffff_ffff;

    /// Whether a field says that its value stands in the 64-bit record.
    fn saturated(&self) -> bool {
        self.entries == Self::MAX_ENTRIES
            || self.bytes == Self::MAX_BYTES
            || self.stated_at == Self::MAX_BYTES
    }

    /// Where the directory that ends at `end` begins, and the length of the prefix.
    ///
    /// Python's reader finds the directory by its size before the end records and takes the difference to
    /// the stated offset as the length of a prefix. torch's takes the stated offset as it is; the two differ
    /// only where there is a prefix, which is an issue.
    fn place(&self, end: u64) -> Option<(u64, u64)> {
        let at = end.checked_sub(self.bytes)?;
        Some((at, at.checked_sub(self.stated_at)?))
    }
}

/// The 64-bit end record.
struct End64 {
    at: u64,
    directory: Directory,
    /// Where the locator says it stands.
    stated_at: u64,
    extension: Range<u64>,
    /// What the directory's stated offset is short by.
    prefix: u64,
}

impl End64 {
    fn compare(&self, short: &Directory, issues: &mut Vec<IssueKind>) {
        let Directory { entries, bytes, stated_at } = &self.directory;
        for (field, short, wide, saturated) in [
            ("number of members", short.entries, *entries, Directory::MAX_ENTRIES),
            ("directory size", short.bytes, *bytes, Directory::MAX_BYTES),
            ("directory offset", short.stated_at, *stated_at, Directory::MAX_BYTES),
        ] {
            if short != saturated && short != wide {
                issues.push(IssueKind::EndField { field, short, wide });
            }
        }
        if self.stated_at.saturating_add(self.prefix) != self.at {
            issues.push(IssueKind::Locator { stated: self.stated_at, found: self.at });
        }
    }
}

/// The 64-bit end record that `locator` leads to, if it ends at the locator and a directory fits before it.
fn read_end_64(bytes: &[u8], locator: usize) -> Option<End64> {
    const FIXED: u64 = 56;
    let stated_at = u64_at(bytes, locator + 8)?;
    let end = locator as u64;
    // With a prefix the stated offset is short; the record has 56 bytes when it has no extensions.
    [stated_at, end.checked_sub(FIXED)?].into_iter().find_map(|start| {
        let at = index(start);
        // The record's size leaves out the signature and the size itself.
        let stop = start.checked_add(12)?.checked_add(u64_at(bytes, at.checked_add(4)?)?)?;
        let fixed_end = start.checked_add(FIXED)?;
        if !starts_with(bytes, at, END_64) || stop != end || fixed_end > end {
            return None;
        }
        let directory = Directory {
            entries: u64_at(bytes, at + 32)?,
            bytes: u64_at(bytes, at + 40)?,
            stated_at: u64_at(bytes, at + 48)?,
        };
        let (_, prefix) = directory.place(start)?;
        Some(End64 { at: start, directory, stated_at, extension: fixed_end..end, prefix })
    })
}

struct Walk<'a, 'l> {
    bytes: &'a [u8],
    limits: &'l Limits,
    pause: &'l dyn Fn(),
    members: Vec<Member>,
    issues: Vec<Issue>,
    /// Bytes accounted for by members, unsorted.
    extents: Vec<(u64, u64)>,
}

/// What both kinds of header say.
struct Header {
    name: String,
    method: u16,
    flags: u16,
    crc: u32,
    compressed: u64,
    uncompressed: u64,
    /// Local header offset, in the directory only.
    offset: u64,
    zip64_broken: bool,
    /// The name that the Unicode path field gives.
    unicode: Option<String>,
    /// External attributes, in the directory only: `st_mode` above, attributes of Windows below.
    attributes: u32,
    /// One past the header in the file.
    end: usize,
}

impl Walk<'_, '_> {
    fn issue(&mut self, offset: u64, member: Option<&str>, kind: IssueKind) {
        self.issues.push(Issue { offset, member: member.map(str::to_owned), kind });
    }

    fn add(&mut self, member: Member) -> Result<(), ArtifactError> {
        if self.members.len() >= self.limits.max_members {
            let limit = self.limits.max_members as u64;
            return Err(ArtifactError::Limit { format: "zip", what: "members", limit });
        }
        self.members.push(member);
        if self.members.len().is_multiple_of(PAUSE) {
            (self.pause)();
        }
        Ok(())
    }

    fn directory(&mut self, end: &End) -> Result<(), ArtifactError> {
        let mut at = index(end.directory_at);
        let stop = index(end.directory_at.saturating_add(end.directory_bytes));
        let mut count = 0u64;
        while at < stop {
            let Some(header) = central(self.bytes, at) else {
                self.issue(at as u64, None, IssueKind::Directory("a record is cut short or is none"));
                break;
            };
            self.member(&header, at as u64, end)?;
            count += 1;
            at = header.end;
        }
        if count != end.entries {
            self.issue(end.at, None, IssueKind::Directory("it holds another number of records than stated"));
        }
        for kind in &end.issues {
            self.issue(end.at, None, kind.clone());
        }
        // The last record of a stored archive inside this one is no rival.
        let inside = |at: &u64| self.members.iter().any(|m| m.data.contains(at));
        if !end.others.iter().all(inside) {
            self.issue(end.at, None, IssueKind::SeveralEndRecords);
        }
        if end.comment > 0 {
            let begin = usize::try_from(end.at + 22).unwrap_or(usize::MAX);
            let comment = self.bytes.get(begin..usize::try_from(end.end).unwrap_or(usize::MAX));
            let is_text = |bytes: &[u8]| {
                let text = std::str::from_utf8(bytes).ok();
                text.is_some_and(|t| !t.chars().any(|c| c.is_control() && !"\t\n\r".contains(c)))
            };
            let whole = comment.filter(|c| c.len() as u64 == end.comment && is_text(c));
            self.issue(
                end.at,
                None,
                match whole {
                    Some(_) => IssueKind::Comment { bytes: end.comment },
                    None => IssueKind::OddComment { bytes: end.end.saturating_sub(end.at + 22) },
                },
            );
        }
        let trailing = self.bytes.len() as u64 - end.end;
        if trailing > 0 {
            self.issue(end.end, None, IssueKind::Trailing { bytes: trailing });
        }
        self.extents.push((end.directory_at, end.records_start));
        self.gaps(end.directory_at)?;
        self.hole(end.extension.start, end.extension.end)
    }

    /// A member the directory lists.
    fn member(&mut self, central: &Header, at: u64, end: &End) -> Result<(), ArtifactError> {
        let name = central.name.as_str();
        let header_offset = central.offset.saturating_add(end.prefix);
        let local = local(self.bytes, index(header_offset));
        let (data_start, flags, listed) = match &local {
            Some(local) => (local.end as u64, central.flags | local.flags, Listed::Both),
            None => {
                self.issue(at, Some(name), IssueKind::NoLocalHeader);
                (header_offset, central.flags, Listed::DirectoryOnly)
            }
        };
        let data = data_start..data_start.saturating_add(central.compressed);
        if data.end > end.directory_at {
            self.issue(at, Some(name), IssueKind::OutOfRange);
        }
        if central.zip64_broken || local.as_ref().is_some_and(|l| l.zip64_broken) {
            self.issue(at, Some(name), IssueKind::Zip64);
        }
        // Extractors take the mode for Unix's whatever system the archive says it is from, and Windows makes a link
        // of a reparse point.
        const FILE_OR_FOLDER: [u32; 3] = [0, 0o4, 0o10];
        const REPARSE_POINT: u32 = 0x400;
        const OWNERS_RIGHTS: u32 = 0o6000;
        let mode = central.attributes >> 16;
        if !FILE_OR_FOLDER.contains(&(mode >> 12)) || central.attributes & REPARSE_POINT != 0 {
            self.issue(at, Some(name), IssueKind::Link);
        } else if mode & OWNERS_RIGHTS != 0 {
            self.issue(at, Some(name), IssueKind::Mode(mode & OWNERS_RIGHTS));
        }
        for header in std::iter::once(central).chain(local.as_ref()) {
            if let Some(other) = header.unicode.as_ref().filter(|other| *other != name) {
                self.issue(at, Some(name), IssueKind::UnicodeName { other: other.clone() });
            }
        }
        if flags & FLAGS_ODD != 0 {
            self.issue(at, Some(name), IssueKind::Flags(flags & FLAGS_ODD));
        }
        if let Some(local) = &local {
            self.compare(central, local, header_offset);
            let tail = if local.flags & FLAG_DESCRIPTOR == 0 {
                0
            } else {
                descriptor(self.bytes, index(data.end), central)
            };
            self.extents.push((header_offset, data.end + tail));
        }
        self.add(Member {
            name: central.name.clone(),
            method: central.method,
            flags,
            crc: central.crc,
            compressed: central.compressed,
            uncompressed: central.uncompressed,
            header_offset,
            data,
            listed,
        })
    }

    fn compare(&mut self, central: &Header, local: &Header, at: u64) {
        let name = Some(central.name.as_str());
        if local.name != central.name {
            self.issue(at, name, IssueKind::Name { local: local.name.clone() });
        }
        let deferred = local.flags & FLAG_DESCRIPTOR != 0;
        let fields = [
            ("method", u64::from(local.method), u64::from(central.method), false),
            ("flags", u64::from(local.flags), u64::from(central.flags), false),
            ("checksum", u64::from(local.crc), u64::from(central.crc), deferred),
            ("compressed size", local.compressed, central.compressed, deferred),
            ("size", local.uncompressed, central.uncompressed, deferred),
        ];
        for (field, local, directory, may_be_zero) in fields {
            if local != directory && !(may_be_zero && local == 0) {
                self.issue(at, name, IssueKind::Field { field, local, directory });
            }
        }
    }

    /// Bytes before `stop` that no member accounts for, and the members that hide there.
    fn gaps(&mut self, stop: u64) -> Result<(), ArtifactError> {
        let mut extents = std::mem::take(&mut self.extents);
        extents.sort_unstable();
        let names: HashMap<u64, String> =
            self.members.iter().map(|m| (m.header_offset, m.name.clone())).collect();
        let mut holes = Vec::new();
        let mut covered = 0u64;
        for &(start, end) in extents.iter().filter(|(start, _)| *start < stop) {
            if start > covered {
                holes.push((covered, start));
            } else if start < covered {
                self.issue(start, names.get(&start).map(String::as_str), IssueKind::Overlap);
            }
            covered = covered.max(end);
        }
        if covered < stop {
            holes.push((covered, stop));
        }
        for (start, end) in holes {
            self.hole(start, end)?;
        }
        Ok(())
    }

    fn hole(&mut self, start: u64, end: u64) -> Result<(), ArtifactError> {
        let mut at = start;
        while at < end {
            let next = find(self.bytes.get(..index(end)).unwrap_or_default(), LOCAL, index(at));
            let header = next.and_then(|n| local(self.bytes, n).map(|h| (n as u64, h)));
            let upto = header.as_ref().map_or(end, |(n, _)| *n);
            if upto > at {
                let bytes = upto - at;
                let kind = if at == 0 { IssueKind::Prefix { bytes } } else { IssueKind::Gap { bytes } };
                self.issue(at, None, kind);
            }
            let Some((header_offset, header)) = header else { break };
            self.issue(header_offset, Some(&header.name), IssueKind::Hidden);
            let data_start = header.end as u64;
            // Where the size follows the data it is not known yet; a stream reader decompresses to see.
            let deferred = header.flags & FLAG_DESCRIPTOR != 0 && header.compressed == 0;
            let data_end = if deferred { end } else { data_start.saturating_add(header.compressed).min(end) };
            self.add(Member {
                name: header.name,
                method: header.method,
                flags: header.flags,
                crc: header.crc,
                compressed: data_end.saturating_sub(data_start),
                uncompressed: header.uncompressed,
                header_offset,
                data: data_start..data_end.max(data_start),
                listed: Listed::HeaderOnly,
            })?;
            at = data_end.max(data_start);
        }
        Ok(())
    }

    fn names(&mut self) {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for member in &self.members {
            if !seen.insert(member.name.as_str()) {
                found.push((member.header_offset, member.name.clone(), IssueKind::DuplicateName));
            }
            if names::is_unsafe(&member.name) {
                found.push((member.header_offset, member.name.clone(), IssueKind::UnsafeName));
            } else if names::is_odd(&member.name) {
                found.push((member.header_offset, member.name.clone(), IssueKind::OddName));
            }
        }
        for (offset, name, kind) in found {
            self.issue(offset, Some(&name), kind);
        }
    }
}

fn local(bytes: &[u8], at: usize) -> Option<Header> {
    if bytes.get(at..)?.first_chunk() != Some(LOCAL) {
        return None;
    }
    let fixed = at + 30;
    let name_end = fixed + usize::from(u16_at(bytes, at + 26)?);
    let end = name_end + usize::from(u16_at(bytes, at + 28)?);
    let mut header = Header {
        name: String::from_utf8_lossy(bytes.get(fixed..name_end)?).into_owned(),
        flags: u16_at(bytes, at + 6)?,
        method: u16_at(bytes, at + 8)?,
        crc: u32_at(bytes, at + 14)?,
        compressed: u64::from(u32_at(bytes, at + 18)?),
        uncompressed: u64::from(u32_at(bytes, at + 22)?),
        offset: 0,
        zip64_broken: false,
        unicode: unicode_path(bytes.get(name_end..end)?),
        attributes: 0,
        end,
    };
    widen(&mut header, bytes.get(name_end..end)?);
    Some(header)
}

fn central(bytes: &[u8], at: usize) -> Option<Header> {
    if bytes.get(at..)?.first_chunk() != Some(CENTRAL) {
        return None;
    }
    let fixed = at + 46;
    let name_end = fixed + usize::from(u16_at(bytes, at + 28)?);
    let extra_end = name_end + usize::from(u16_at(bytes, at + 30)?);
    let mut header = Header {
        name: String::from_utf8_lossy(bytes.get(fixed..name_end)?).into_owned(),
        flags: u16_at(bytes, at + 8)?,
        method: u16_at(bytes, at + 10)?,
        crc: u32_at(bytes, at + 16)?,
        compressed: u64::from(u32_at(bytes, at + 20)?),
        uncompressed: u64::from(u32_at(bytes, at + 24)?),
        offset: u64::from(u32_at(bytes, at + 42)?),
        zip64_broken: false,
        unicode: unicode_path(bytes.get(name_end..extra_end)?),
        attributes: u32_at(bytes, at + 38)?,
        end: extra_end + usize::from(u16_at(bytes, at + 32)?),
    };
    widen(&mut header, bytes.get(name_end..extra_end)?);
    Some(header)
}

/// Replaces fields that are all ones by those of the 64-bit extra field, in their fixed order.
fn widen(header: &mut Header, extra: &[u8]) {
    const ALL_ONES: u64 = 0xffff_ffff;
    let wanted = [header.uncompressed == ALL_ONES, header.compressed == ALL_ONES, header.offset == ALL_ONES];
    if wanted == [false; 3] {
        return;
    }
    let mut at = 0;
    while let (Some(id), Some(length)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
        let field = extra.get(at + 4..at + 4 + usize::from(length)).unwrap_or_default();
        at += 4 + usize::from(length);
        if id != 1 {
            continue;
        }
        let mut cursor = 0;
        for (slot, wanted) in
            [&mut header.uncompressed, &mut header.compressed, &mut header.offset].into_iter().zip(wanted)
        {
            if wanted {
                match u64_at(field, cursor) {
                    Some(value) => *slot = value,
                    None => header.zip64_broken = true,
                }
                cursor += 8;
            }
        }
        return;
    }
    header.zip64_broken = true;
}

/// The name in the Info-ZIP Unicode path field (APPNOTE 4.6.9), whose checksum readers may ignore.
fn unicode_path(extra: &[u8]) -> Option<String> {
    let mut at = 0;
    while let (Some(id), Some(length)) = (u16_at(extra, at), u16_at(extra, at + 2)) {
        let field = extra.get(at + 4..at + 4 + usize::from(length)).unwrap_or_default();
        if id == 0x7075 {
            return field.get(5..).map(|name| String::from_utf8_lossy(name).into_owned());
        }
        at += 4 + usize::from(length);
    }
    None
}

/// Length of the data descriptor at `at`: with or without its signature, 32- or 64-bit.
fn descriptor(bytes: &[u8], at: usize, central: &Header) -> u64 {
    let signed = bytes.get(at..).and_then(<[u8]>::first_chunk) == Some(DESCRIPTOR);
    let body = if signed { at + 4 } else { at };
    if u32_at(bytes, body) != Some(central.crc) {
        return 0;
    }
    let short = u32_at(bytes, body + 4).map(u64::from) == Some(central.compressed)
        && u32_at(bytes, body + 8).map(u64::from) == Some(central.uncompressed);
    let long = u64_at(bytes, body + 4) == Some(central.compressed)
        && u64_at(bytes, body + 12) == Some(central.uncompressed);
    let length = match (long, short) {
        (true, _) => 20,
        (false, true) => 12,
        (false, false) => return 0,
    };
    (body - at) as u64 + length
}
