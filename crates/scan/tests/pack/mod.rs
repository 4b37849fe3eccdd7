//! Archives for tests.

#![expect(clippy::expect_used, reason = "the helpers of these tests fail the test by panicking")]

use std::io::Write as _;

/// A tar archive, as POSIX has it: a header of 512 bytes and padded content for each member.
pub fn tar<N: AsRef<str>, B: AsRef<[u8]>>(members: &[(N, B)]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, content) in members {
        let content = content.as_ref();
        let mut header = [0u8; 512];
        let mut put = |at: usize, text: &str| {
            header.iter_mut().skip(at).zip(text.bytes()).for_each(|(b, c)| *b = c);
        };
        put(0, name.as_ref());
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, "00000000000\0");
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
        header.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()).for_each(|(b, c)| *b = c);
        out.extend(header);
        out.extend(content);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

/// A stream of gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).expect("memory takes all");
    out.finish().expect("memory takes all")
}

/// A zip archive, its members deflated.
pub fn zip<N: AsRef<str>, B: AsRef<[u8]>>(members: &[(N, B)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let (name, content) = (name.as_ref().as_bytes(), content.as_ref());
        let mut packed = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(content).expect("memory takes all");
        let packed = packed.finish().expect("memory takes all");
        let mut sum = flate2::Crc::new();
        sum.update(content);
        let size =
            |bytes: &[u8]| u32::try_from(bytes.len()).expect("members of tests are small").to_le_bytes();
        let length = u16::try_from(name.len()).expect("names of tests are short").to_le_bytes();
        let at = size(&out);
        let common = [
            &[20, 0, 0, 8, 8, 0, 0, 0, 0x21, 0][..],
            &sum.sum().to_le_bytes(),
            &size(&packed),
            &size(content),
            &length,
            &[0, 0],
        ]
        .concat();
        out.extend([&b"PK\x03\x04"[..], &common, name, &packed].concat());
        directory.extend([&b"PK\x01\x02\x14\0"[..], &common, &[0; 10], &at, name].concat());
    }
    let size = |number: usize| u32::try_from(number).expect("archives of tests are small").to_le_bytes();
    let count = u16::try_from(members.len()).expect("archives of tests have few members").to_le_bytes();
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size(directory.len()), &size(out.len()), &[0, 0]]
        .concat();
    [out, directory, end].concat()
}
