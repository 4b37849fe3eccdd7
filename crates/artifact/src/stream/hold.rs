//! Holding what a stream unpacks to, without being filled up by it.
//!
//! A few kilobytes may unpack to gigabytes. Walkers want their content in one piece, so ordinary streams are held in one.
//! A stream that unpacks to more than a hundred times what it takes is of one kind: mostly zeros, as fresh arrays are.
//! Its length and the blocks that are not zero are counted first; then only those blocks are written into memory that is
//! zero already, which takes no memory for the rest. What is dense and of that size after all is a bomb.

use std::cell::Cell;
use std::io::{self, BufRead, Read};

use crate::ArtifactError;

/// Bytes that any stream may unpack to.
const HELD: usize = 24 << 20;
/// Beyond, so many times the bytes it has taken.
const RATIO: usize = 100;
/// Longest content that is mostly zeros.
const SPARSE: u64 = 1 << 30;
/// Where memory that is not zero is counted.
const BLOCK: usize = 4096;

/// Takes a part of the content and the bytes of the stream that were used so far.
pub(super) type Sink<'s> = dyn FnMut(&[u8], usize) -> Result<(), Stop> + 's;

/// Why a stream was not read to its end.
pub(super) enum Stop {
    /// It is mostly zeros, or a bomb.
    Swollen,
    /// Nobody wants more of it.
    Enough,
    Error(ArtifactError),
}

/// Runs a decoder into memory; what it returns, and what is held. `run` may be called several times.
pub(super) fn hold(
    format: &'static str,
    limit: u64,
    run: &mut dyn FnMut(&mut Sink<'_>) -> Result<u64, Stop>,
) -> Result<(Vec<u8>, u64), ArtifactError> {
    let too_much = |limit| ArtifactError::Limit { format, what: "unpacked bytes", limit };
    let end = |stop| match stop {
        Stop::Error(error) => error,
        Stop::Swollen | Stop::Enough => too_much(limit),
    };
    let mut out: Vec<u8> = Vec::new();
    let whole = run(&mut |part, used| {
        out.extend_from_slice(part);
        if out.len() as u64 > limit {
            return Err(Stop::Error(too_much(limit)));
        }
        let swollen = out.len() > HELD && out.len() / RATIO > used;
        if swollen { Err(Stop::Swollen) } else { Ok(()) }
    });
    match whole {
        Ok(told) => return Ok((out, told)),
        Err(Stop::Swollen) => drop(out),
        Err(stop) => return Err(end(stop)),
    }
    let (mut length, mut dense) = (0u64, 0usize);
    let most = limit.min(SPARSE);
    run(&mut |part, _| {
        length += part.len() as u64;
        dense += part.chunks(BLOCK).filter(|block| block.iter().any(|b| *b != 0)).count();
        let too_dense = dense.saturating_mul(BLOCK) > HELD;
        if length > most || too_dense { Err(Stop::Error(too_much(most))) } else { Ok(()) }
    })
    .map_err(end)?;
    let mut out = vec![0; usize::try_from(length).map_err(|_| too_much(most))?];
    let mut at = 0;
    let told = run(&mut |part, _| {
        for (block, slot) in part.chunks(BLOCK).zip(out.get_mut(at..).unwrap_or_default().chunks_mut(BLOCK)) {
            if block.iter().any(|b| *b != 0)
                && let Some(slot) = slot.get_mut(..block.len())
            {
                slot.copy_from_slice(block);
            }
        }
        at += part.len();
        Ok(())
    })
    .map_err(end)?;
    Ok((out, told))
}

/// Reads a decoder to its end.
pub(super) fn pump(
    format: &'static str,
    reader: &mut dyn Read,
    used: &Cell<usize>,
    sink: &mut Sink<'_>,
) -> Result<(), Stop> {
    let mut part = vec![0; 16 * BLOCK];
    loop {
        // Whole parts, so that what is zero can be told block by block.
        let mut filled = 0;
        while let Some(free) = part.get_mut(filled..).filter(|free| !free.is_empty()) {
            match reader.read(free) {
                Ok(0) => break,
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stop::Error(broken(format, &error))),
            }
        }
        sink(part.get(..filled).unwrap_or_default(), used.get())?;
        if filled < part.len() {
            return Ok(());
        }
    }
}

pub(super) fn broken(format: &'static str, error: &io::Error) -> ArtifactError {
    ArtifactError::malformed(format, 0, format!("the stream is broken: {error}"))
}

/// A slice that is read from its front and counts what was taken, so that what follows a stream is not swallowed.
pub(super) struct Counted<'r, 'b, 'c> {
    pub(super) rest: &'r mut &'b [u8],
    pub(super) used: &'c Cell<usize>,
}

impl Read for Counted<'_, '_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.rest.read(into)?;
        self.used.set(self.used.get() + n);
        Ok(n)
    }
}

impl BufRead for Counted<'_, '_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.rest.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.rest.consume(n);
        self.used.set(self.used.get() + n);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::Codec;
    use super::*;

    fn gzip(write: impl FnOnce(&mut flate2::write::GzEncoder<Vec<u8>>)) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        write(&mut out);
        out.finish().unwrap()
    }

    #[test]
    fn an_array_of_zeros_is_held_whole() {
        // Zeros, a few numbers in the middle, zeros that end within a block.
        let zeros = vec![0u8; HELD];
        let packed = gzip(|out| {
            out.write_all(&zeros).unwrap();
            out.write_all(b"numbers").unwrap();
            out.write_all(&zeros).unwrap();
            out.write_all(&[0, 0, 7]).unwrap();
        });
        let unpacked = Codec::Gzip.unpack(&packed, 1 << 30).unwrap().bytes;
        assert_eq!(unpacked.len(), 2 * HELD + 10);
        assert_eq!((&unpacked[HELD..HELD + 7], unpacked.last()), (&b"numbers"[..], Some(&7)));
        assert_eq!(unpacked.iter().filter(|b| **b != 0).count(), 8);
    }

    #[test]
    fn a_bomb_that_is_not_zeros_stops_early() {
        let packed = gzip(|out| (0..64).for_each(|_| out.write_all(&vec![b'A'; 1 << 20]).unwrap()));
        let error = Codec::Gzip.unpack(&packed, 1 << 40).unwrap_err();
        assert!(matches!(error, ArtifactError::Limit { .. }), "{error}");
    }
}
