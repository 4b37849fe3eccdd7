//! Zip archives, read record by record.
//!
//! A zip file describes each member twice (local header, central directory) and readers differ in which
//! they believe: Python's `zipfile` takes the directory and checks it against the header, torch's reader
//! takes the directory only, stream readers take the headers in file order. An attacker puts one thing
//! where the scanner looks and another where the loader looks, or makes the scanner stop (flag bits, a
//! wrong checksum, a name that differs: CVE-2025-1944, -1945, -10156). So all records are walked here, every
//! member found by either way is readable, and each disagreement is an [`Issue`]; nothing is refused
//! because it disagrees. Source: PKWARE APPNOTE 6.3.10.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use flate2::Crc;

use crate::ArtifactError;
use crate::stream::{Codec, inflate};

mod names;
mod records;

/// Bounds of a walk.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most members.
    pub max_members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_members: 200_000 }
    }
}

/// A walked archive over the bytes of a file.
#[derive(Debug)]
pub struct Archive<'a> {
    bytes: &'a [u8],
    members: Vec<Member>,
    issues: Vec<Issue>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its name, as the central directory has it if it is listed there. Bytes that are not UTF-8 are
    /// replaced.
    pub name: String,
    /// Compression method: 0 stored, 8 deflate, 12 bzip2, 14 LZMA, 93 Zstandard, 95 xz.
    pub method: u16,
    /// General-purpose flags of the local header and the directory, or-ed.
    pub flags: u16,
    /// Checksum stated.
    pub crc: u32,
    /// Bytes in the archive.
    pub compressed: u64,
    /// Bytes after decompression, as stated.
    pub uncompressed: u64,
    /// Offset of the local header in the file.
    pub header_offset: u64,
    /// The member's compressed bytes in the file.
    pub data: Range<u64>,
    /// Who knows of it.
    pub listed: Listed,
}

/// Which of the two descriptions of a member exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// Local header and central directory.
    Both,
    /// Only the directory; its offset leads to no local header.
    DirectoryOnly,
    /// Only a local header: invisible to directory readers, visible to stream readers.
    HeaderOnly,
}

/// A place where readers of the archive may come to differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the file.
    pub offset: u64,
    /// The member, where there is one.
    pub member: Option<String>,
    /// What kind.
    pub kind: IssueKind,
}

/// Kinds of disagreement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueKind {
    /// The local header has another name.
    Name {
        /// That name.
        local: String,
    },
    /// A field of the local header differs from the directory.
    Field {
        /// Which.
        field: &'static str,
        /// In the local header.
        local: u64,
        /// In the directory.
        directory: u64,
    },
    /// Flag bits for encryption or patching, which some readers obey and others ignore.
    Flags(u16),
    /// Two members of one name: readers differ in which one they give.
    DuplicateName,
    /// An absolute name, one with `..`, a backslash, a drive or a control character.
    UnsafeName,
    /// A name that some system unpacks under another one: a device of Windows, a stream (`:`), a blank or a dot at the
    /// end, more bytes than file systems hold. Readers that unpack nothing do not mind.
    OddName,
    /// An extra field gives it another name, which some readers take.
    UnicodeName {
        /// That name.
        other: String,
    },
    /// It is a symbolic link, or no file at all.
    Link,
    /// It runs with its owner's rights once it is unpacked: the bits of its mode.
    Mode(u32),
    /// Not in the central directory.
    Hidden,
    /// The directory's offset leads to no local header.
    NoLocalHeader,
    /// The member's bytes reach beyond the file or into the directory.
    OutOfRange,
    /// The member shares bytes with another.
    Overlap,
    /// Bytes between records that belong to nothing.
    Gap {
        /// How many.
        bytes: u64,
    },
    /// Bytes before the first record.
    Prefix {
        /// How many.
        bytes: u64,
    },
    /// Bytes after the end record.
    Trailing {
        /// How many.
        bytes: u64,
    },
    /// An archive comment.
    Comment {
        /// How many bytes.
        bytes: u64,
    },
    /// An archive comment that is no text, or shorter than stated.
    OddComment {
        /// How many bytes there are.
        bytes: u64,
    },
    /// No end record: directory readers refuse, stream readers do not.
    NoEndRecord,
    /// A second end record in the tail: readers differ in which one they find.
    SeveralEndRecords,
    /// The directory ends early or its count is wrong.
    Directory(&'static str),
    /// A 64-bit extension is missing, cut short or cannot be meant.
    Zip64,
    /// The end record and its 64-bit twin differ in a field that both state: readers differ in which one
    /// they believe.
    EndField {
        /// Which.
        field: &'static str,
        /// In the end record.
        short: u64,
        /// In the 64-bit one.
        wide: u64,
    },
    /// The 64-bit end record stands elsewhere than its locator says, a prefix considered.
    Locator {
        /// Where the locator says.
        stated: u64,
        /// Where it stands.
        found: u64,
    },
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(member) = &self.member {
            write!(f, "member {member:?}: ")?;
        }
        match &self.kind {
            IssueKind::Name { local } => write!(f, "its local header calls it {local:?}"),
            IssueKind::Field { field, local, directory } => {
                write!(f, "{field} is {local} in its local header and {directory} in the directory")
            }
            IssueKind::Flags(flags) => write!(f, "flags {flags:#06x} ask for decryption or patching"),
            IssueKind::DuplicateName => f.write_str("another member has the same name"),
            IssueKind::UnsafeName => f.write_str("its name leaves the archive or cannot be written safely"),
            IssueKind::OddName => f.write_str("some systems unpack it under another name"),
            IssueKind::UnicodeName { other } => write!(f, "an extra field calls it {other:?}"),
            IssueKind::Link => f.write_str("it unpacks to a link or a device"),
            IssueKind::Mode(bits) => write!(f, "it unpacks to a file with the mode bits {bits:04o}"),
            IssueKind::Hidden => f.write_str("it is not in the central directory"),
            IssueKind::NoLocalHeader => f.write_str("there is no local header where the directory says"),
            IssueKind::OutOfRange => f.write_str("its bytes reach beyond what the archive holds"),
            IssueKind::Overlap => f.write_str("it shares bytes with another member"),
            IssueKind::Gap { bytes } => write!(f, "{bytes} bytes between records belong to nothing"),
            IssueKind::Prefix { bytes } => write!(f, "{bytes} bytes stand before the archive"),
            IssueKind::Trailing { bytes } => write!(f, "{bytes} bytes follow the archive"),
            IssueKind::OddComment { bytes } => {
                write!(f, "the {bytes} bytes of the archive's comment are no text, or fewer than stated")
            }
            IssueKind::Comment { bytes } => write!(f, "the archive has a comment of {bytes} bytes"),
            IssueKind::NoEndRecord => f.write_str("there is no end-of-directory record"),
            IssueKind::SeveralEndRecords => f.write_str("there is more than one end-of-directory record"),
            IssueKind::Directory(what) => write!(f, "central directory: {what}"),
            IssueKind::Zip64 => f.write_str("a 64-bit extension is missing, cut short or cannot be meant"),
            IssueKind::EndField { field, short, wide } => {
                write!(f, "{field} is {short} in the end record and {wide} in the 64-bit one")
            }
            IssueKind::Locator { stated, found } => {
                write!(f, "the 64-bit end record is said to be at {stated} and stands at {found}")
            }
        }
    }
}

/// The content of a member.
#[derive(Debug)]
pub struct Content<'a> {
    /// Its bytes: borrowed from the archive when stored.
    pub bytes: Cow<'a, [u8]>,
    /// Whether they have the stated checksum.
    pub crc_matches: bool,
    /// Whether they are as many as stated.
    pub size_matches: bool,
    /// Compressed bytes that the decompressor did not need.
    pub unused: u64,
}

impl<'a> Archive<'a> {
    /// Walks the records of `bytes`.
    ///
    /// # Errors
    /// There is neither an end record nor a local header, or there are more members than allowed.
    pub fn walk(bytes: &'a [u8], limits: &Limits) -> Result<Self, ArtifactError> {
        Self::walk_pausing(bytes, limits, &|| {})
    }

    /// The same, calling `pause` now and then: headers stand all over the file, and who has it mapped may want to give
    /// back what was read around each.
    ///
    /// # Errors
    /// As [`Self::walk`].
    pub fn walk_pausing(bytes: &'a [u8], limits: &Limits, pause: &dyn Fn()) -> Result<Self, ArtifactError> {
        let (members, issues) = records::walk(bytes, limits, pause)?;
        Ok(Self { bytes, members, issues })
    }

    /// The members in the order of their local headers.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Where readers may come to differ, in file order.
    #[must_use]
    pub fn issues(&self) -> &[Issue] {
        &self.issues
    }

    /// The bytes of `member` as they lie in the archive, if they are not compressed and lie in it.
    #[must_use]
    pub fn stored(&self, member: &Member) -> Option<&'a [u8]> {
        let range = usize::try_from(member.data.start).ok()?..usize::try_from(member.data.end).ok()?;
        self.bytes.get(range).filter(|_| member.method == 0)
    }

    /// The content of `member`, decompressed, whatever its flags and checksum say.
    ///
    /// # Errors
    /// More than `max_bytes` come out, the method is not stored, deflate, bzip2, LZMA, xz or Zstandard, the
    /// stream is broken, or the member lies outside the file.
    pub fn read(&self, member: &Member, max_bytes: u64) -> Result<Content<'a>, ArtifactError> {
        let malformed = |what: String| {
            ArtifactError::malformed("zip", member.data.start, format!("member {:?}: {what}", member.name))
        };
        let range = usize::try_from(member.data.start).ok().zip(usize::try_from(member.data.end).ok());
        let data = range.and_then(|(start, end)| self.bytes.get(start..end));
        let data = data.ok_or_else(|| malformed("its bytes lie outside the file".to_owned()))?;
        let (bytes, unused) = match member.method {
            0 => (Cow::Borrowed(data), 0),
            8 => {
                let (out, unused) = inflate(data, max_bytes).map_err(|error| match error {
                    ArtifactError::Malformed { what, .. } => malformed(what),
                    other => other,
                })?;
                (Cow::Owned(out), unused)
            }
            12 => unpack(Codec::Bzip2, data, max_bytes)?,
            14 => unpack(Codec::Lzma, &lzma_alone(member, data).unwrap_or_default(), max_bytes)?,
            20 | 93 => unpack(Codec::Zstd, data, max_bytes)?,
            95 => unpack(Codec::Xz, data, max_bytes)?,
            method => return Err(malformed(format!("it is compressed by method {method}"))),
        };
        if bytes.len() as u64 > max_bytes {
            return Err(ArtifactError::Limit { format: "zip member", what: "bytes", limit: max_bytes });
        }
        let mut crc = Crc::new();
        crc.update(&bytes);
        Ok(Content {
            crc_matches: crc.sum() == member.crc,
            size_matches: bytes.len() as u64 == member.uncompressed,
            bytes,
            unused,
        })
    }
}

fn unpack<'a>(codec: Codec, data: &[u8], max_bytes: u64) -> Result<(Cow<'a, [u8]>, u64), ArtifactError> {
    let unpacked = codec.unpack(data, max_bytes)?;
    Ok((Cow::Owned(unpacked.bytes), unpacked.trailing))
}

/// An LZMA member as a file of its own: APPNOTE 5.8.8 puts a version and the length of the properties where
/// such a file has the size.
fn lzma_alone(member: &Member, data: &[u8]) -> Option<Vec<u8>> {
    const END_MARKER: u16 = 1 << 1;
    let (properties, stream) =
        data.strip_prefix(data.get(..2)?)?.strip_prefix(&[5, 0])?.split_at_checked(5)?;
    let size = if member.flags & END_MARKER == 0 { member.uncompressed } else { u64::MAX };
    Some([properties, &size.to_le_bytes(), stream].concat())
}

/// Whether `bytes` ends like a zip archive, or begins like one.
#[must_use]
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06") || records::has_directory(bytes)
}

#[cfg(test)]
mod tests;
