//! What a decoder gives is often packed: gzip (RFC 1952) and zlib (RFC 1950). What was unpacked is bounded, and that
//! there is more is said.

use std::io::Read as _;

use flate2::read::{GzDecoder, ZlibDecoder};

use super::plausible;

/// Text is packed to a third or a tenth. What is packed more is filled up, and its beginning is read.
const MOST_TIMES: usize = 24;
/// Bytes that are unpacked of the shortest.
const FEW: usize = 4 << 10;

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

/// Whether digits of Base64 may decode to bytes that begin so.
pub(super) fn begins_in_base64(digits: &str) -> bool {
    ["H4sI", "eA", "eF", "eJ", "eN"].iter().any(|start| digits.starts_with(start))
}

/// Whether bytes begin as packed ones do.
fn begins(bytes: &[u8]) -> bool {
    match bytes {
        [0x1f, 0x8b, 8, ..] => true,
        [0x78, flags, ..] => (0x7800 + u16::from(*flags)).is_multiple_of(31),
        _ => false,
    }
}

/// The text that was packed, if it is one. Of what is cut short its beginning.
fn text(bytes: &[u8]) -> Option<Unpacked> {
    if !begins(bytes) {
        return None;
    }
    let most = bytes.len() * MOST_TIMES + FEW;
    let mut out = Vec::new();
    let limit = most as u64 + 1;
    // An error at the end is no reason not to read what came before it.
    let _ = match bytes {
        [0x1f, ..] => GzDecoder::new(bytes).take(limit).read_to_end(&mut out),
        _ => ZlibDecoder::new(bytes).take(limit).read_to_end(&mut out),
    };
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
