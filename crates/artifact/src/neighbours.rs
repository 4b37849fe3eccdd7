//! Indexes of nearest neighbours: hnswlib, Annoy and FAISS.
//!
//! Programs look vectors up in them, and follow the numbers in them as they stand: how many there are, which other vector
//! is a neighbour, on which level. So each of these numbers is held against what the file has, and every byte has to be
//! one of a part. Sources: `hnswlib/hnswalg.h` of hnswlib 0.8, `src/annoylib.h` of Annoy 1.17, `faiss/impl/index_write.cpp`
//! of FAISS 1.7 to 1.15, each held against files that they wrote.

use std::ops::Range;

use crate::ArtifactError;
use crate::cursor::Cursor;

pub mod annoy;
pub mod faiss;
pub mod hnswlib;

/// What an index holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Bytes up to the end of its last part.
    pub end: u64,
    /// Where its vectors lie, and whether their elements are float32.
    pub vectors: Vec<(Range<u64>, bool)>,
    /// Numbers that lead where nothing is, or claim what is not there.
    pub faults: Vec<Fault>,
    /// Files that its reader opens.
    pub files: Vec<(u64, String)>,
}

/// A number that its reader should not follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub at: u64,
    /// What is wrong with it.
    pub what: String,
}

/// Faults that are kept of one index.
const MOST_FAULTS: usize = 20;

impl Index {
    fn fault(&mut self, at: u64, what: impl Into<String>) {
        if self.faults.len() < MOST_FAULTS {
            self.faults.push(Fault { at, what: what.into() });
        }
    }

    fn holds(&mut self, at: u64, fits: bool, what: &str) {
        if !fits {
            self.fault(at, what);
        }
    }
}

/// A true or false of one byte.
fn flag(c: &mut Cursor<'_>) -> Result<bool, ArtifactError> {
    match c.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        other => Err(c.error(format!("{other} is neither true nor false"))),
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
