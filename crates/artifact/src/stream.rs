//! Compressed streams: one content, squeezed. joblib and many archives wrap a whole file so.
//!
//! The stream is unpacked into memory up to a limit, and what is left behind its end is counted: a reader that
//! stops there never sees it, another one does.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read as _};

use crate::ArtifactError;

mod blosc;
mod hold;

use hold::{Counted, Sink, Stop};

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// zlib (RFC 1950).
    Zlib,
    /// gzip (RFC 1952); members one after another are one content.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// LZMA as written before xz (`.lzma`).
    Lzma,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames (RFC 8878).
    Zstd,
    /// Blosc: blocks of numbers.
    Blosc,
}

/// What a stream held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// The content.
    pub bytes: Vec<u8>,
    /// Bytes of the file behind the end of the stream.
    pub trailing: u64,
    /// Where each member or frame ends in the content, as far as there are several of them.
    pub members: Vec<usize>,
}

/// Members that are told apart.
const MOST_MEMBERS: usize = 4096;

impl Codec {
    /// All of them.
    pub const ALL: [Self; 8] =
        [Self::Zlib, Self::Gzip, Self::Bzip2, Self::Xz, Self::Lzma, Self::Lz4, Self::Zstd, Self::Blosc];

    /// The codec of a stream, by its first bytes.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..] => Self::Bzip2,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x04, 0x22, 0x4d, 0x18, ..] => Self::Lz4,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // lc, lp and pb as every writer sets them, a dictionary of a power of two, an unknown or small size.
            [0x5d, 0, 0, dict, 0 | 1, size @ ..] if dict.count_ones() <= 1 && lzma_size(size) => Self::Lzma,
            // Deflate with a window of 32 KiB and a header that its own checksum fits. A text may begin so too
            // (`x^2`), so what follows has to be deflated.
            [0x78, flags, ..]
                if (0x7800 + u16::from(*flags)).is_multiple_of(31)
                    && flags & 0x20 == 0
                    && inflates(bytes) =>
            {
                Self::Zlib
            }
            [2, ..] if blosc::is_blosc(bytes) => Self::Blosc,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Zlib => "zlib",
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lzma => "lzma",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Blosc => "blosc",
        }
    }

    /// Unpacks `bytes` into at most `limit` bytes, of which a stream that grows beyond all measure holds few in memory
    /// ([`hold`]).
    ///
    /// # Errors
    /// A broken stream, or one that holds more than the limit.
    pub fn unpack(self, bytes: &[u8], limit: u64) -> Result<Unpacked, ArtifactError> {
        let mut ends = Vec::new();
        let (content, mut trailing) =
            hold::hold(self.name(), limit, &mut |sink| self.members(bytes, &mut ends, sink))?;
        if self == Self::Lzma {
            trailing = self.surplus(bytes, &content);
        }
        Ok(Unpacked { bytes: content, trailing, members: ends })
    }

    /// Hands on what all streams, members or frames hold; how many bytes follow them.
    /// `ends` is told where each of them ends in the content.
    fn members(self, bytes: &[u8], ends: &mut Vec<usize>, sink: &mut Sink<'_>) -> Result<u64, Stop> {
        let mut rest = bytes;
        let mut length = 0;
        ends.clear();
        loop {
            let before = rest.len();
            let mut counted = |part: &[u8], used: usize| {
                length += part.len();
                sink(part, used)
            };
            self.member(&mut rest, &mut counted)?;
            if ends.len() < MOST_MEMBERS {
                ends.push(length);
            }
            // Frames and members of these may follow one another and belong together.
            let more = matches!(self, Self::Gzip | Self::Lz4 | Self::Zstd | Self::Bzip2 | Self::Xz)
                && Self::detect(rest) == Some(self);
            if !more || rest.len() == before {
                return Ok(rest.len() as u64);
            }
        }
    }

    /// Bytes behind the end of a stream whose decoder reads ahead: as many as can be cut off without losing the
    /// end. A stream needs its last byte, so cutting one off is enough to know that there are none.
    fn surplus(self, bytes: &[u8], content: &[u8]) -> u64 {
        let enough = |length: usize| {
            let mut rest = bytes.get(..length).unwrap_or_default();
            let mut at = 0;
            let mut same = |part: &[u8], _: usize| {
                let end = at + part.len();
                let equal = content.get(at..end) == Some(part);
                at = end;
                if equal { Ok(()) } else { Err(Stop::Enough) }
            };
            self.member(&mut rest, &mut same).is_ok() && at == content.len()
        };
        if bytes.is_empty() || !enough(bytes.len() - 1) {
            return 0;
        }
        let (mut short, mut long) = (0, bytes.len() - 1);
        while short < long {
            let middle = short + (long - short) / 2;
            if enough(middle) { long = middle } else { short = middle + 1 }
        }
        (bytes.len() - long) as u64
    }

    /// One stream, member or frame; `rest` is left at what follows it.
    fn member(self, rest: &mut &[u8], sink: &mut Sink<'_>) -> Result<(), Stop> {
        let used = Cell::new(0);
        let name = self.name();
        if self == Self::Blosc {
            return blosc::unpack(rest, sink);
        }
        let input = Counted { rest, used: &used };
        let fail = |error: &io::Error| Stop::Error(hold::broken(name, error));
        match self {
            Self::Zlib => hold::pump(name, &mut flate2::bufread::ZlibDecoder::new(input), &used, sink),
            Self::Gzip => hold::pump(name, &mut flate2::bufread::GzDecoder::new(input), &used, sink),
            Self::Bzip2 => hold::pump(name, &mut bzip2::bufread::BzDecoder::new(input), &used, sink),
            Self::Xz => hold::pump(name, &mut lzma_rust2::XzReader::new(input, false), &used, sink),
            Self::Lzma => {
                // The dictionary is allocated as the header asks, within this many KiB.
                const MEMORY: u32 = 1 << 20;
                let mut reader =
                    lzma_rust2::LzmaReader::new_mem_limit(input, MEMORY, None).map_err(|e| fail(&e))?;
                hold::pump(name, &mut reader, &used, sink)
            }
            Self::Lz4 => hold::pump(name, &mut lz4_flex::frame::FrameDecoder::new(input), &used, sink),
            Self::Zstd => {
                let mut reader =
                    zstd::stream::read::Decoder::with_buffer(input).map_err(|e| fail(&e))?.single_frame();
                // 2^27 bytes of window are what the format's own tool accepts without being asked.
                reader.window_log_max(27).map_err(|e| fail(&e))?;
                hold::pump(name, &mut reader, &used, sink)
            }
            Self::Blosc => Ok(()),
        }
    }
}

/// Unpacks a raw deflate stream (RFC 1951), as members of zip archives are; how many bytes were not needed.
///
/// # Errors
/// A broken stream, or one that holds more than the limit.
pub(crate) fn inflate(bytes: &[u8], limit: u64) -> Result<(Vec<u8>, u64), ArtifactError> {
    hold::hold("deflate", limit, &mut |sink| {
        let (mut rest, used) = (bytes, Cell::new(0));
        let input = Counted { rest: &mut rest, used: &used };
        hold::pump("deflate", &mut flate2::bufread::DeflateDecoder::new(input), &used, sink)?;
        Ok(rest.len() as u64)
    })
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a zlib stream unpacks to its end, or to four thousand bytes: a text gets a few bytes far at most.
fn inflates(bytes: &[u8]) -> bool {
    let mut first = Vec::new();
    flate2::bufread::ZlibDecoder::new(bytes).take(4096).read_to_end(&mut first).is_ok()
}

/// Eight bytes of size: unknown, or below 2^40.
fn lzma_size(bytes: &[u8]) -> bool {
    bytes.first_chunk::<8>().is_some_and(|size| {
        let size = u64::from_le_bytes(*size);
        size == u64::MAX || size < 1 << 40
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use proptest::prelude::*;

    use super::*;

    const TEXT: &[u8] = b"a model, a model, a model and nothing else but a model";

    fn packed(codec: Codec) -> Vec<u8> {
        let mut out = Vec::new();
        match codec {
            Codec::Zlib => {
                flate2::read::ZlibEncoder::new(TEXT, flate2::Compression::fast()).read_to_end(&mut out)
            }
            Codec::Gzip => {
                flate2::read::GzEncoder::new(TEXT, flate2::Compression::fast()).read_to_end(&mut out)
            }
            Codec::Bzip2 => {
                bzip2::read::BzEncoder::new(TEXT, bzip2::Compression::fast()).read_to_end(&mut out)
            }
            Codec::Zstd => zstd::stream::read::Encoder::new(TEXT, 1).unwrap().read_to_end(&mut out),
            Codec::Lz4 => {
                let mut writer = lz4_flex::frame::FrameEncoder::new(&mut out);
                writer.write_all(TEXT).unwrap();
                writer.finish().unwrap();
                Ok(0)
            }
            Codec::Blosc => unreachable!("it has tests of its own"),
            // Made by Python's lzma module: FORMAT_XZ and FORMAT_ALONE.
            Codec::Xz => return include_bytes!("../tests/fixtures/model.xz").to_vec(),
            Codec::Lzma => return include_bytes!("../tests/fixtures/model.lzma").to_vec(),
        }
        .unwrap();
        out
    }

    const ALL: [Codec; 7] =
        [Codec::Zlib, Codec::Gzip, Codec::Bzip2, Codec::Xz, Codec::Lzma, Codec::Lz4, Codec::Zstd];

    #[test]
    fn every_codec_is_recognised_and_unpacked() {
        for codec in ALL {
            let bytes = packed(codec);
            assert_eq!(Codec::detect(&bytes), Some(codec));
            let unpacked = codec.unpack(&bytes, 1000).unwrap();
            assert_eq!((unpacked.bytes.as_slice(), unpacked.trailing), (TEXT, 0), "{codec}");
        }
    }

    #[test]
    fn a_text_that_begins_like_a_stream_is_a_text() {
        assert_eq!(Codec::detect(b"x^2 + y^2 = 1 is a circle, and so is this."), None);
    }

    #[test]
    fn what_follows_a_stream_is_counted() {
        for codec in ALL {
            let bytes = [packed(codec), b"hidden".to_vec()].concat();
            let unpacked = codec.unpack(&bytes, 1000);
            let told = unpacked.as_ref().map_or(true, |u| u.trailing == 6 && u.bytes == TEXT);
            assert!(told, "{codec}: {unpacked:?}");
        }
        let twice = [packed(Codec::Gzip), packed(Codec::Gzip)].concat();
        let unpacked = Codec::Gzip.unpack(&twice, 1000).unwrap();
        assert_eq!(unpacked.bytes, [TEXT, TEXT].concat());
        assert_eq!(unpacked.members, [TEXT.len(), 2 * TEXT.len()]);
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        for codec in ALL {
            let error = codec.unpack(&packed(codec), 10).unwrap_err();
            assert!(matches!(error, ArtifactError::Limit { limit: 10, .. }), "{codec}: {error}");
        }
    }

    #[test]
    fn a_stream_cut_short_is_no_content() {
        for codec in ALL {
            let bytes = packed(codec);
            assert!(codec.unpack(&bytes[..bytes.len() / 2], 1000).is_err(), "{codec}");
        }
    }

    proptest! {
        #[test]
        fn damaged_streams_end(which in 0usize..7, flips in prop::collection::vec((0usize..200, any::<u8>()), 1..6)) {
            let codec = ALL[which];
            let mut bytes = packed(codec);
            for (at, value) in flips {
                let at = at % bytes.len();
                bytes[at] = value;
            }
            if let Some(codec) = Codec::detect(&bytes) {
                let _ = codec.unpack(&bytes, 100_000);
            }
        }
    }
}
