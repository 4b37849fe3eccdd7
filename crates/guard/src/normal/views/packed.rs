//! What a decoder gives is often packed: gzip (RFC 1952), zlib (RFC 1950), deflate (RFC 1951), bzip2, xz. What is unpacked
//! is bounded, and that there is more is said.

use std::io::Read;

use bzip2::read::BzDecoder;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use lzma_rust2::XzReader;

use super::plausible;

/// Text is packed to a third or a tenth. What is packed more is filled up, and its beginning is read.
const MOST_TIMES: usize = 24;
/// Bytes that are unpacked of the shortest.
const FEW: usize = 4 << 10;
/// Memory of the decoder for xz.
const XZ_MEMORY_KIB: u32 = 64 << 10;

/// What was packed, and whether there is more of it than was unpacked.
struct Unpacked {
    text: String,
    cut: bool,
}

/// [`text`], where it is noted in `cut` that there is more.
pub(super) fn noted(bytes: &[u8], cut: &mut bool) -> Option<String> {
    let unpacked = text(bytes)?;
    *cut |= unpacked.cut;
    Some(unpacked.text)
}

/// Whether digits of Base64 may decode to packed bytes. What has no header begins with any: most words do not go on so.
pub(super) fn may_begin_in_base64(digits: &str) -> bool {
    let has_header = ["H4sI", "eA", "eF", "eJ", "eN", "QlpoO", "QlpoN", "QlpoM", "/Td6WFoA", "_Td6WFoA"]
        .iter()
        .any(|start| digits.starts_with(start));
    let signs =
        digits.bytes().filter(|b| b.is_ascii_digit() || matches!(b, b'+' | b'/' | b'-' | b'_')).count();
    has_header || (digits.len() >= LONG_IN_BASE64 && signs * 16 >= digits.len())
}

/// Digits of what is packed without a header.
const LONG_IN_BASE64: usize = 80;
/// What was not packed without one: few bytes, and a program for a decoder that no text makes.
const LEAST_WITHOUT: usize = 40;

/// What a decoder reads of packed bytes.
type Reader<'b> = Box<dyn Read + 'b>;

/// The decoder for packed bytes, by how they begin.
fn reader(bytes: &[u8]) -> Option<Reader<'_>> {
    match bytes {
        [0x1f, 0x8b, 8, ..] => Some(Box::new(GzDecoder::new(bytes))),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => Some(Box::new(BzDecoder::new(bytes))),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => {
            Some(Box::new(XzReader::new_mem_limit(bytes, false, XZ_MEMORY_KIB)))
        }
        [0x78, flags, ..] if (0x7800 + u16::from(*flags)).is_multiple_of(31) => {
            Some(Box::new(ZlibDecoder::new(bytes)))
        }
        _ if bytes.len() >= LEAST_WITHOUT => Some(Box::new(DeflateDecoder::new(bytes))),
        _ => None,
    }
}

/// The text that was packed, if it is one. Of what is cut short its beginning.
fn text(bytes: &[u8]) -> Option<Unpacked> {
    let most = bytes.len() * MOST_TIMES + FEW;
    let mut out = Vec::new();
    // An error at the end is no reason not to read what came before it.
    let end = reader(bytes)?.take(most as u64 + 1).read_to_end(&mut out);
    // Any bytes begin as something packed without a header does.
    if end.is_err() && out.len() * 2 < bytes.len() {
        return None;
    }
    let cut = out.len() > most;
    out.truncate(most);
    // A cut may go through a character.
    let whole = match std::str::from_utf8(&out) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => out.len(),
    };
    let text = plausible::text(out.get(..whole)?)?;
    Some(Unpacked { text, cut })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};

    use super::*;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        packed.write_all(text).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn what_was_packed_comes_back_and_what_is_filled_up_is_cut() {
        let said = "bring the blue folder to the second floor";
        assert_eq!(text(&gzip(said.as_bytes())).unwrap().text, said);
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(said.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let unpacked = text(&packed).unwrap();
        assert_eq!((unpacked.text.as_str(), unpacked.cut), (said, false));
        // Cut short, damaged, or no text.
        assert!(said.starts_with(&text(&packed[..packed.len() - 12]).unwrap().text));
        assert!(text(&packed[..3]).is_none() && text(b"x is no letter of it").is_none());
        assert!(text(&gzip(&[0, 1, 2, 3, 250, 251])).is_none());
        let filled = text(&gzip("a ".repeat(1 << 20).as_bytes())).unwrap();
        assert!(filled.cut && filled.text.len() < 1 << 17);
        assert!(text(&gzip("ä ".repeat(1 << 18).as_bytes())).unwrap().cut);
    }
}
