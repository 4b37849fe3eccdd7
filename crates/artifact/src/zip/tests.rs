use proptest::prelude::*;

use super::*;

/// Writes a stored archive by hand, so that every field can be bent.
struct Builder {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Builder {
    fn new() -> Self {
        Self { bytes: Vec::new(), directory: Vec::new(), count: 0 }
    }

    fn local(&mut self, name: &str, data: &[u8], flags: u16) -> (u32, u32) {
        let offset = self.bytes.len() as u32;
        let mut crc = Crc::new();
        crc.update(data);
        let size = (data.len() as u32).to_le_bytes();
        let head = [&b"PK\x03\x04\x14\0"[..], &flags.to_le_bytes(), &[0; 6], &crc.sum().to_le_bytes()];
        self.bytes.extend(head.concat());
        self.bytes.extend([size, size].concat());
        self.bytes.extend((name.len() as u16).to_le_bytes());
        self.bytes.extend([0, 0]);
        self.bytes.extend(name.as_bytes());
        self.bytes.extend(data);
        (offset, crc.sum())
    }

    fn central(&mut self, name: &str, size: usize, flags: u16, crc: u32, offset: u32) {
        let size = (size as u32).to_le_bytes();
        let d = &mut self.directory;
        d.extend(b"PK\x01\x02\x14\0\x14\0");
        d.extend(flags.to_le_bytes());
        d.extend([0; 6]);
        d.extend(crc.to_le_bytes());
        d.extend([size, size].concat());
        d.extend((name.len() as u16).to_le_bytes());
        d.extend([0; 12]);
        d.extend(offset.to_le_bytes());
        d.extend(name.as_bytes());
        self.count += 1;
    }

    fn add(&mut self, name: &str, data: &[u8]) {
        let (offset, crc) = self.local(name, data, 0);
        self.central(name, data.len(), 0, crc, offset);
    }

    fn finish(self) -> Vec<u8> {
        self.finish_with(|_, _, _| Vec::new())
    }

    /// Puts what `records` makes of the count, size and offset of the directory before the end record.
    fn finish_with(mut self, records: impl Fn(u64, u64, u64) -> Vec<u8>) -> Vec<u8> {
        let at = self.bytes.len() as u32;
        let size = self.directory.len() as u32;
        self.bytes.append(&mut self.directory);
        self.bytes.extend(records(self.count.into(), size.into(), at.into()));
        self.bytes.extend(b"PK\x05\x06\0\0\0\0");
        self.bytes.extend([self.count.to_le_bytes(), self.count.to_le_bytes()].concat());
        self.bytes.extend([size.to_le_bytes(), at.to_le_bytes()].concat());
        self.bytes.extend([0, 0]);
        self.bytes
    }
}

fn walk(bytes: &[u8]) -> Archive<'_> {
    Archive::walk(bytes, &Limits::default()).unwrap()
}

fn kinds(bytes: &[u8]) -> Vec<IssueKind> {
    walk(bytes).issues().iter().map(|i| i.kind.clone()).collect()
}

#[test]
fn a_plain_archive_agrees_with_itself() {
    let mut b = Builder::new();
    b.add("m/data.pkl", b"N.");
    b.add("m/version", b"3\n");
    let bytes = b.finish();
    let archive = walk(&bytes);
    assert_eq!(archive.issues(), []);
    let content = archive.read(&archive.members()[1], 100).unwrap();
    assert_eq!(&*content.bytes, b"3\n");
    assert!(content.crc_matches && content.size_matches);
    assert!(archive.read(&archive.members()[1], 1).is_err());
    assert!(is_zip(&bytes));
}

#[test]
fn disagreements_are_reported_and_the_member_stays_readable() {
    // CVE-2025-1944: another name in the local header.
    let mut b = Builder::new();
    let (offset, crc) = b.local("m/data.pk_", b"N.", 0);
    b.central("m/data.pkl", 2, 0, crc, offset);
    assert_eq!(kinds(&b.finish()), [IssueKind::Name { local: "m/data.pk_".into() }]);

    // CVE-2025-1945: an encryption bit.
    let mut b = Builder::new();
    let (offset, crc) = b.local("data.pkl", b"N.", 1);
    b.central("data.pkl", 2, 1, crc, offset);
    let bytes = b.finish();
    assert_eq!(kinds(&bytes), [IssueKind::Flags(1)]);
    let archive = walk(&bytes);
    assert_eq!(&*archive.read(&archive.members()[0], 9).unwrap().bytes, b"N.");

    // CVE-2025-10156: a wrong checksum.
    let mut b = Builder::new();
    let (offset, crc) = b.local("data.pkl", b"N.", 0);
    b.central("data.pkl", 2, 0, !crc, offset);
    let bytes = b.finish();
    assert!(matches!(kinds(&bytes)[..], [IssueKind::Field { field: "checksum", .. }]));
    let archive = walk(&bytes);
    let content = archive.read(&archive.members()[0], 9).unwrap();
    assert!(!content.crc_matches && &*content.bytes == b"N.");
}

/// A 64-bit end record with an extension, and its locator.
fn wide(count: u64, size: u64, at: u64, extension: &[u8]) -> Vec<u8> {
    let length = 44 + extension.len() as u64;
    [
        &b"PK\x06\x06"[..],
        &length.to_le_bytes(),
        &[0x1e, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        &[count, count, size, at].map(u64::to_le_bytes).concat(),
        extension,
        b"PK\x06\x07\0\0\0\0",
        &(at + size).to_le_bytes(),
        &[1, 0, 0, 0],
    ]
    .concat()
}

fn two_members() -> Builder {
    let mut b = Builder::new();
    b.add("m/data.pkl", b"N.");
    b.add("m/version", b"3\n");
    b
}

#[test]
fn the_64_bit_end_record_is_read_without_need_as_torch_writes_it() {
    let bytes = two_members().finish_with(|n, size, at| wide(n, size, at, b""));
    let archive = walk(&bytes);
    assert_eq!(archive.issues(), []);
    assert!(archive.members().iter().all(|m| m.listed == Listed::Both));
    assert!(is_zip(&bytes) && is_zip(&[b"MZ..", &bytes[..]].concat()));
    // A prefix is reported as one and moves both records alike.
    assert_eq!(kinds(&[b"MZ..", &bytes[..]].concat()), [IssueKind::Prefix { bytes: 4 }]);
    // Saturated fields leave the word to the 64-bit record.
    let mut saturated = bytes.clone();
    let end = saturated.len() - 22;
    saturated[end + 8..end + 20].fill(0xff);
    assert_eq!(kinds(&saturated), []);
}

#[test]
fn end_records_that_contradict_each_other_are_reported() {
    // One more member than the short record says, for readers of the 64-bit record only.
    let bytes = two_members().finish_with(|n, size, at| wide(n + 1, size, at, b""));
    let found = kinds(&bytes);
    assert!(
        found.contains(&IssueKind::EndField { field: "number of members", short: 2, wide: 3 }),
        "{found:?}"
    );
    // The short record's directory is whole and swallows the 64-bit records; theirs is empty.
    let mut b = two_members();
    let size = b.directory.len() as u64;
    let at = b.bytes.len() as u64;
    b.directory.extend(wide(0, 0, at + size, b""));
    let found = kinds(&b.finish());
    assert!(
        found.contains(&IssueKind::EndField { field: "number of members", short: 2, wide: 0 }),
        "{found:?}"
    );
    assert!(found.contains(&IssueKind::Hidden));
    // The locator leads elsewhere.
    let mut bytes = two_members().finish_with(|n, size, at| wide(n, size, at, b""));
    let locator = bytes.len() - 22 - 20;
    bytes[locator + 8] ^= 1;
    assert!(matches!(kinds(&bytes)[..], [IssueKind::Locator { .. }]));
}

#[test]
fn a_member_in_the_extension_of_the_64_bit_record_is_found() {
    let mut hidden = Builder::new();
    hidden.local("hidden", b"cos", 0);
    let bytes = two_members().finish_with(|n, size, at| wide(n, size, at, &hidden.bytes));
    assert_eq!(kinds(&bytes), [IssueKind::Hidden]);
    assert_eq!(walk(&bytes).members().len(), 3);
    let bytes = two_members().finish_with(|n, size, at| wide(n, size, at, b"free"));
    assert_eq!(kinds(&bytes), [IssueKind::Gap { bytes: 4 }]);
}

#[test]
fn a_64_bit_record_that_cannot_be_meant_is_reported() {
    // Saturated and no record at all.
    let mut bytes = two_members().finish();
    let end = bytes.len() - 22;
    bytes[end + 8..end + 12].fill(0xff);
    assert!(kinds(&bytes).contains(&IssueKind::Zip64));
    // A directory larger than the file, and a record that does not end at its locator.
    for (at, value) in [(40, u64::MAX), (40, 1 << 40), (4, 43), (4, 45), (4, u64::MAX)] {
        let mut bytes = two_members().finish_with(|n, size, at| wide(n, size, at, b""));
        let record = bytes.len() - 22 - 20 - 56;
        bytes[record + at..record + at + 8].copy_from_slice(&value.to_le_bytes());
        let found = kinds(&bytes);
        assert!(found.contains(&IssueKind::Zip64), "{at} {value}: {found:?}");
        assert_eq!(walk(&bytes).members().len(), 2);
    }
}

#[test]
fn hidden_doubled_and_surrounding_bytes_are_seen() {
    let mut b = Builder::new();
    b.add("a", b"1");
    b.local("hidden", b"2", 0);
    b.add("a", b"3");
    b.bytes.extend(b"gap");
    b.add("../b", b"4");
    let plain = b.finish();
    assert_eq!(
        kinds(&plain),
        [IssueKind::Hidden, IssueKind::DuplicateName, IssueKind::Gap { bytes: 3 }, IssueKind::UnsafeName]
    );
    let archive = walk(&plain);
    assert_eq!(archive.members()[1].listed, Listed::HeaderOnly);
    assert_eq!(&*archive.read(&archive.members()[1], 9).unwrap().bytes, b"2");

    let wrapped = [b"MZ..", &plain[..], b"tail"].concat();
    let found = kinds(&wrapped);
    assert!(found.contains(&IssueKind::Prefix { bytes: 4 }), "{found:?}");
    assert!(found.contains(&IssueKind::Trailing { bytes: 4 }));
    assert_eq!(walk(&wrapped).members().len(), 4);
}

#[test]
fn without_an_end_record_the_headers_are_walked() {
    let mut b = Builder::new();
    b.add("a", b"1");
    b.add("b", b"2");
    let bytes = b.bytes;
    assert_eq!(kinds(&bytes), [IssueKind::NoEndRecord, IssueKind::Hidden, IssueKind::Hidden]);
}

#[test]
fn a_bomb_is_cut_off() {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0u8; 5_000_000]).unwrap();
    let data = encoder.finish().unwrap();
    let mut b = Builder::new();
    let (offset, crc) = b.local("bomb", &data, 0);
    b.central("bomb", data.len(), 0, crc, offset);
    let bytes = b.finish();
    let archive = walk(&bytes);
    let mut member = archive.members()[0].clone();
    member.method = 8;
    assert!(matches!(archive.read(&member, 1_000_000), Err(ArtifactError::Limit { .. })));
    assert_eq!(archive.read(&member, 5_000_000).unwrap().bytes.len(), 5_000_000);
}

proptest! {
    #[test]
    fn mutated_archives_never_panic(edits in proptest::collection::vec((0usize..400, any::<u8>()), 1..6)) {
        let mut b = Builder::new();
        b.add("m/data.pkl", b"N.");
        b.local("hidden", b"xyz", 8);
        b.add("m/version", b"3\n");
        let mut bytes = b.finish_with(|n, size, at| wide(n, size, at, b"free"));
        for (at, to) in edits {
            let at = at % bytes.len();
            bytes[at] = to;
        }
        if let Ok(archive) = Archive::walk(&bytes, &Limits::default()) {
            for member in archive.members() {
                let _ = archive.read(member, 1000);
            }
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Archive::walk(&bytes, &Limits::default());
    }
}
