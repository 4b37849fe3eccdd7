//! Pictures, sounds and films: known by their first bytes, and walked to where they end by their own lengths.
//!
//! Nothing in them runs. What matters is that every byte belongs to them, as anything can be appended to a picture. Sources:
//! PNG (W3C, third edition), JPEG (ITU-T T.81, annex B), GIF89a, RIFF, Ogg (RFC 3533), ISO base media (ISO/IEC 14496-12).

use crate::ArtifactError;
use crate::cursor::Cursor;
use crate::protobuf::{Fields, Value};

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Media {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
    /// GIF.
    Gif,
    /// A RIFF file: WAV, WebP, AVI.
    Riff,
    /// Ogg, with Vorbis or Opus in it.
    Ogg,
    /// MP4, MOV, M4A, AVIF, HEIC.
    IsoMedia,
    /// FLAC.
    Flac,
    /// MP3, with its tag in front.
    Mp3,
    /// A Windows bitmap.
    Bmp,
    /// A TrueType or OpenType font, or one packed for the web.
    Font,
    /// A PDF document.
    Pdf,
    /// An Arrow file, also called Feather.
    Arrow,
    /// An SQLite database.
    Sqlite,
    /// A table of Stata.
    Stata,
    /// A vocabulary of SentencePiece.
    SentencePiece,
}

impl Media {
    /// The format of bytes that begin so.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Self::Png,
            [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..] => Self::Jpeg,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..]
                if [&b"WAVE"[..], b"WEBP", b"AVI "].iter().any(|f| form.starts_with(f)) =>
            {
                Self::Riff
            }
            [b'O', b'g', b'g', b'S', 0, ..] => Self::Ogg,
            [0, 0, 0, 8..=64, b'f', b't', b'y', b'p', ..] => Self::IsoMedia,
            [b'f', b'L', b'a', b'C', 0 | 0x80, ..] => Self::Flac,
            [b'I', b'D', b'3', 2..=4, _, _, ..] => Self::Mp3,
            [b'B', b'M', a, b, c, d, 0, 0, 0, 0, ..] => {
                let stated = u32::from_le_bytes([*a, *b, *c, *d]);
                (u64::from(stated) == bytes.len() as u64).then_some(Self::Bmp)?
            }
            [0, 1, 0, 0, 0, tables, ..] if (1..=64).contains(tables) && font_table(bytes) => Self::Font,
            [b'O', b'T', b'T', b'O', 0, ..] if font_table(bytes) => Self::Font,
            [b'w', b'O', b'F', b'F' | b'2', ..] => Self::Font,
            [b'A', b'R', b'R', b'O', b'W', b'1', 0, 0, ..] => Self::Arrow,
            _ if bytes.starts_with(b"SQLite format 3\0") => Self::Sqlite,
            _ if bytes.starts_with(b"<stata_dta><header>") => Self::Stata,
            [113..=115, 1 | 2, 1, 0, ..] => Self::Stata,
            [0x0a, ..] if sentence_pieces(bytes) => Self::SentencePiece,
            [b'%', b'P', b'D', b'F', b'-', b'1'..=b'2', b'.', ..] => Self::Pdf,
            _ => return None,
        })
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Gif => "gif",
            Self::Riff => "riff",
            Self::Ogg => "ogg",
            Self::IsoMedia => "mp4",
            Self::Flac => "flac",
            Self::Mp3 => "mp3",
            Self::Bmp => "bmp",
            Self::Font => "font",
            Self::Pdf => "pdf",
            Self::Arrow => "arrow",
            Self::Sqlite => "sqlite",
            Self::Stata => "stata",
            Self::SentencePiece => "sentencepiece",
        }
    }

    /// Where the file ends by its own account. Sounds of frames and documents say nothing of the kind: all bytes are
    /// theirs.
    ///
    /// # Errors
    /// A length leads outside, or a part is none of the format's.
    pub fn end(self, bytes: &[u8]) -> Result<u64, ArtifactError> {
        let mut cursor = Cursor::new(self.name(), bytes, 0);
        match self {
            Self::Png => png(&mut cursor),
            Self::Jpeg => jpeg(&mut cursor),
            Self::Gif => gif(&mut cursor),
            Self::Riff => {
                cursor.take(4)?;
                let size = u64::from(cursor.u32()?);
                cursor.take(size)?;
                // A part of an odd size is followed by a byte.
                if size % 2 == 1 && cursor.left() > 0 {
                    cursor.take(1)?;
                }
                Ok(cursor.offset())
            }
            Self::Ogg => ogg(&mut cursor),
            Self::IsoMedia => boxes(&mut cursor),
            Self::Flac
            | Self::Mp3
            | Self::Bmp
            | Self::Font
            | Self::Pdf
            | Self::Arrow
            | Self::Sqlite
            | Self::Stata
            | Self::SentencePiece => Ok(bytes.len() as u64),
        }
    }
}

/// Whether the bytes are a `ModelProto` of SentencePiece to the last: pieces with scores, and how they were trained.
fn sentence_pieces(bytes: &[u8]) -> bool {
    let (mut pieces, mut trained) = (0usize, false);
    for field in Fields::new(bytes) {
        let Ok(field) = field else { return false };
        match (field.number, field.value) {
            (1, Value::Bytes(piece)) => {
                // A text, a score and a kind: nodes of graphs have texts where the score is.
                let known = |field: Result<_, _>| {
                    field.is_ok_and(|field: crate::protobuf::Field<'_>| {
                        matches!(
                            (field.number, field.value),
                            (1, Value::Bytes(_)) | (2, Value::Fixed32(_)) | (3, Value::Varint(_))
                        )
                    })
                };
                if piece.is_empty() || !Fields::new(piece).all(known) {
                    return false;
                }
                pieces += 1;
            }
            (2, Value::Bytes(_)) => trained = true,
            (3..=5, Value::Bytes(_)) => {}
            _ => return false,
        }
    }
    pieces >= 3 && trained
}

/// Whether the first entry of a font's directory is named as tables are, and lies inside.
fn font_table(bytes: &[u8]) -> bool {
    let number = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?));
    let named = bytes.get(12..16).is_some_and(|tag| tag.iter().all(|b| b.is_ascii_graphic() || *b == b' '));
    let end = number(20).zip(number(24)).map(|(at, size)| u64::from(at) + u64::from(size));
    named && end.is_some_and(|end| end <= bytes.len() as u64)
}

fn png(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    cursor.take(8)?;
    loop {
        let size = u64::from(cursor.u32_be()?);
        let kind = cursor.take(4)?;
        if !kind.iter().all(u8::is_ascii_alphabetic) {
            return Err(cursor.error("a chunk whose name is none"));
        }
        cursor.take(size)?;
        cursor.take(4)?;
        if kind == b"IEND" {
            return Ok(cursor.offset());
        }
    }
}

fn jpeg(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    cursor.take(2)?;
    loop {
        if cursor.u8()? != 0xff {
            return Err(cursor.error("a segment without its mark"));
        }
        let mut mark = cursor.u8()?;
        while mark == 0xff {
            mark = cursor.u8()?;
        }
        match mark {
            0xd9 => return Ok(cursor.offset()),
            // Marks without a length.
            0x01 | 0xd0..=0xd7 => {}
            0x00 => return Err(cursor.error("a mark that is none")),
            _ => {
                let size = u64::from(u16::from_be_bytes(cursor.array()?));
                let inner =
                    size.checked_sub(2).ok_or_else(|| cursor.error("a segment without its length"))?;
                cursor.take(inner)?;
                if mark == 0xda {
                    scan_data(cursor)?;
                }
            }
        }
    }
}

/// The coded data behind a start of scan, up to the next mark that is neither a stuffed byte nor a restart.
fn scan_data(cursor: &mut Cursor<'_>) -> Result<(), ArtifactError> {
    let rest = cursor.rest();
    let mut at = 0;
    loop {
        let found = rest.get(at..).and_then(|tail| memchr::memchr(0xff, tail)).map(|n| at + n);
        match found.and_then(|n| Some((n, *rest.get(n + 1)?))) {
            Some((n, 0x00 | 0xd0..=0xd7)) => at = n + 2,
            // Fill bytes before a mark.
            Some((n, 0xff)) => at = n + 1,
            Some((n, _)) => {
                cursor.take(n as u64)?;
                return Ok(());
            }
            None => return Err(cursor.error("the picture ends inside its data")),
        }
    }
}

fn gif(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    let colours = |flags: u8| if flags & 0x80 != 0 { 3u64 << ((flags & 7) + 1) } else { 0 };
    cursor.take(10)?;
    let flags = cursor.u8()?;
    cursor.take(2 + colours(flags))?;
    loop {
        match cursor.u8()? {
            0x3b => return Ok(cursor.offset()),
            0x21 => {
                cursor.take(1)?;
                blocks(cursor)?;
            }
            0x2c => {
                cursor.take(8)?;
                let flags = cursor.u8()?;
                cursor.take(colours(flags) + 1)?;
                blocks(cursor)?;
            }
            other => return Err(cursor.error(format!("a block that begins with {other:#04x}"))),
        }
    }
}

/// Blocks of a GIF, each with its length, up to an empty one.
fn blocks(cursor: &mut Cursor<'_>) -> Result<(), ArtifactError> {
    loop {
        match cursor.u8()? {
            0 => return Ok(()),
            size => drop(cursor.take(u64::from(size))?),
        }
    }
}

fn ogg(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    while cursor.rest().starts_with(b"OggS\0") {
        cursor.take(26)?;
        let count = cursor.u8()?;
        let sizes = cursor.take(u64::from(count))?;
        cursor.take(sizes.iter().map(|size| u64::from(*size)).sum())?;
    }
    Ok(cursor.offset())
}

/// Boxes that stand in no other.
const BOXES: [&[u8; 4]; 17] = [
    b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide", b"meta", b"moof", b"mfra", b"sidx",
    b"ssix", b"prft", b"emsg", b"pdin", b"udta", b"uuid",
];

/// Boxes, each with its length; data of no length go on to the end.
fn boxes(cursor: &mut Cursor<'_>) -> Result<u64, ArtifactError> {
    while cursor.left() >= 8 {
        let start = cursor.clone();
        let size = u64::from(cursor.u32_be()?);
        let kind = cursor.take(4)?;
        if !BOXES.iter().any(|known| kind == known.as_slice()) || (size == 0 && kind != b"mdat") {
            return Ok(start.offset());
        }
        let inner = match size {
            0 => cursor.left(),
            1 => u64::from_be_bytes(cursor.array()?)
                .checked_sub(16)
                .ok_or_else(|| start.error("a box smaller than its head"))?,
            size => size.checked_sub(8).ok_or_else(|| start.error("a box smaller than its head"))?,
        };
        cursor.take(inner)?;
    }
    Ok(cursor.offset())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn samples() -> Vec<(Media, Vec<u8>)> {
        let chunk =
            |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat();
        let png = [
            &b"\x89PNG\r\n\x1a\n"[..],
            &chunk(b"IHDR", &[0; 13]),
            &chunk(b"IDAT", b"xy"),
            &chunk(b"IEND", b""),
        ]
        .concat();
        let jpeg = b"\xff\xd8\xff\xe0\0\x04JF\xff\xda\0\x02\x12\xff\0\x34\xff\xd0\x56\xff\xff\xd9".to_vec();
        let gif = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x21\xf9\x02ab\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02LZ\0\x3b";
        let riff = b"RIFF\x0c\0\0\0WAVEdata\0\0\0\0".to_vec();
        let ogg = [&b"OggS\0\x02"[..], &[0; 20], &[2, 1, 2], b"abc"].concat();
        let mp4 = [&b"\0\0\0\x10ftypisom\0\0\0\0"[..], b"\0\0\0\x0cmdat\x01\x02\x03\x04"].concat();
        vec![
            (Media::Png, png),
            (Media::Jpeg, jpeg),
            (Media::Gif, gif.to_vec()),
            (Media::Riff, riff),
            (Media::Ogg, ogg),
            (Media::IsoMedia, mp4),
        ]
    }

    #[test]
    fn each_ends_where_its_lengths_say() {
        for (media, bytes) in samples() {
            assert_eq!(Media::detect(&bytes), Some(media));
            assert_eq!(media.end(&bytes).unwrap(), bytes.len() as u64, "{media:?}");
            let longer = [&bytes[..], b"\0\0\0\0 and more"].concat();
            assert_eq!(media.end(&longer).unwrap(), bytes.len() as u64, "{media:?}");
            assert!(media.end(&bytes[..bytes.len() - 1]).is_err(), "{media:?}");
        }
        assert_eq!(Media::detect(b"BM is how a text begins"), None);
    }

    proptest! {
        #[test]
        fn bent_files_end(which in 0usize..6, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let (media, mut bytes) = samples().swap_remove(which);
            let length = bytes.len();
            for (at, to) in edits {
                bytes[at.index(length)] = to;
            }
            if let Ok(end) = media.end(&bytes) {
                prop_assert!(end <= length as u64);
            }
        }
    }
}
