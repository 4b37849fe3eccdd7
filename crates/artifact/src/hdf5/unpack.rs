//! The data of datasets whose chunks went through filters: deflate, shuffle, checksum, and the LZF of h5py.
//!
//! Source: HDF5 File Format Specification 3.0, IV.A.2.l; `H5Zshuffle.c`; `lzf_filter.c` of h5py for the filter 32000.

use std::borrow::Cow;
use std::ops::Range;

use super::Dataset;
use crate::stream::Codec;

/// A filter of a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// Its number.
    pub id: u16,
    /// The first value that it was given: the bytes of an element where it shuffles.
    pub value: u32,
}

impl Dataset {
    /// The data of the chunks, one after the other as the index lists them: the elements in order where chunks span all
    /// dimensions but the first. As far as `limit` bytes go; a chunk that no filter undoes stays as it is.
    #[must_use]
    pub fn unpacked(&self, bytes: &[u8], limit: u64) -> Vec<u8> {
        let mut out = Vec::new();
        for chunk in &self.chunks {
            let left = limit.saturating_sub(out.len() as u64);
            if left == 0 {
                break;
            }
            let packed = slice(bytes, chunk).unwrap_or_default();
            let data = undone(packed, &self.filters, left);
            let data = data.as_deref().unwrap_or(packed);
            out.extend(data.get(..usize::try_from(left).unwrap_or(usize::MAX)).unwrap_or(data));
        }
        out
    }
}

fn slice<'a>(bytes: &'a [u8], range: &Range<u64>) -> Option<&'a [u8]> {
    bytes.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
}

/// The content of one chunk, from the last filter to the first.
fn undone<'a>(packed: &'a [u8], filters: &[Filter], limit: u64) -> Option<Cow<'a, [u8]>> {
    let mut data = Cow::Borrowed(packed);
    for filter in filters.iter().rev() {
        data = match filter.id {
            1 => Cow::Owned(Codec::Zlib.unpack(&data, limit).ok()?.bytes.to_vec()),
            2 => Cow::Owned(unshuffled(&data, usize::try_from(filter.value).ok()?)),
            3 => Cow::Owned(data.get(..data.len().checked_sub(4)?)?.to_vec()),
            32000 => Cow::Owned(lzf(&data, usize::try_from(limit).ok()?)?),
            _ => return None,
        };
    }
    Some(data)
}

/// Elements whose first bytes were put together, then their second ones, and so on.
fn unshuffled(data: &[u8], width: usize) -> Vec<u8> {
    let count = data.len().checked_div(width).unwrap_or(0);
    if width < 2 || count < 2 {
        return data.to_vec();
    }
    let mut out = Vec::with_capacity(data.len());
    for element in 0..count {
        out.extend((0..width).filter_map(|byte| data.get(byte * count + element)));
    }
    out.extend(data.get(width * count..).unwrap_or_default());
    out
}

/// Literal runs and references back to what came before.
fn lzf(data: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut out: Vec<u8> = Vec::new();
    let mut at = 0;
    while at < data.len() && out.len() < limit {
        let control = usize::from(*data.get(at)?);
        at += 1;
        if control < 32 {
            out.extend(data.get(at..at + control + 1)?);
            at += control + 1;
            continue;
        }
        let mut length = control >> 5;
        if length == 7 {
            length += usize::from(*data.get(at)?);
            at += 1;
        }
        let back = (control & 0x1f) << 8 | usize::from(*data.get(at)?);
        at += 1;
        let from = out.len().checked_sub(back + 1)?;
        for step in 0..length + 2 {
            out.push(*out.get(from + step)?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn filters_are_undone() {
        assert_eq!(lzf(b"\x02abc\x20\x02\x01de", 100).unwrap(), b"abcabcde");
        assert_eq!(lzf(b"\x00a\xe0\x03\x00", 100).unwrap(), b"aaaaaaaaaaaaa");
        assert!(lzf(b"\x20\x00", 100).is_none() && lzf(b"\x05ab", 100).is_none());
        assert_eq!(unshuffled(b"abcABC.", 2), b"aAbBcC.");
        // zlib of "hello", with a checksum behind it.
        let packed = b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15....";
        let filters = [Filter { id: 1, value: 4 }, Filter { id: 3, value: 0 }];
        assert_eq!(undone(packed, &filters, 100).unwrap(), &b"hello"[..]);
        assert!(undone(b"none", &filters, 100).is_none());
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_end(data in proptest::collection::vec(any::<u8>(), 0..200), width in 0usize..9) {
            prop_assert!(lzf(&data, 1000).is_none_or(|out| out.len() < 1000 + 300));
            prop_assert_eq!(unshuffled(&data, width).len(), data.len());
        }
    }
}
