//! HDF5: a file system in a file. Read as far as one has to in order to say what a loader would reach.
//!
//! Two things in it lead outside: external links and raw data kept in other files (external storage, virtual
//! datasets). They are reported and never followed. Two more matter to those who judge: the texts in
//! attributes, among which Keras keeps the model's architecture, and the bytes that belong to nothing. The
//! tree may have cycles and any depth, so objects are visited once, from a stack.
//!
//! Source: HDF5 File Format Specification 3.0 (superblocks 0 to 3, object headers 1 and 2, groups with symbol
//! tables, with links in the header and with links in a fractal heap).

use std::fmt;
use std::ops::Range;

use crate::ArtifactError;

mod chunks;
mod data;
mod dense;
mod group;
mod object;
mod unpack;
mod walk;

pub use unpack::Filter;

/// What an HDF5 file holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Version of the superblock.
    pub version: u8,
    /// Bytes in front of the superblock that belong to somebody else.
    pub user_block: u64,
    /// Text attributes.
    pub texts: Vec<Text>,
    /// Attributes whose bytes are no text: PyTables keeps pickles in them, and loads them when it is asked for one.
    pub packed: Vec<(Text, Vec<u8>)>,
    /// Objects of global heaps: what elements of varying length are, in use or given up.
    pub objects_of_heaps: Vec<Range<u64>>,
    /// Links that are not hard ones.
    pub links: Vec<Link>,
    /// Raw data in other files: the dataset and the file as written.
    pub external: Vec<External>,
    /// Datasets.
    pub datasets: Vec<Dataset>,
    /// Filters that are not built in: the library loads a plugin for each.
    pub filters: Vec<(String, u16)>,
    /// Where the file breaks the rules.
    pub issues: Vec<Issue>,
    /// Bytes that nothing refers to.
    pub gaps: Vec<Range<u64>>,
    /// Number of objects.
    pub objects: u64,
}

/// A text attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The object that has it.
    pub object: String,
    /// Its name.
    pub name: String,
    /// The text; what is not UTF-8 is replaced.
    pub value: String,
    /// Where its attribute begins in the file.
    pub offset: u64,
}

/// A link that is not a hard one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its path in the file.
    pub path: String,
    /// Where it leads.
    pub target: Target,
    /// Where it is written.
    pub offset: u64,
}

/// Where a link leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path in the same file.
    Soft(String),
    /// An object of another file.
    External {
        /// The file as written.
        file: String,
        /// The object.
        object: String,
    },
    /// A class of links that the application registers.
    UserDefined(u8),
}

/// Raw data in another file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct External {
    /// The dataset.
    pub dataset: String,
    /// The file as written.
    pub file: String,
    /// Where the object's header stands.
    pub offset: u64,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// Its path.
    pub path: String,
    /// Its raw bytes, where they lie in one piece.
    pub data: Option<Range<u64>>,
    /// Bytes of an element, if its elements are floating-point numbers with the lowest byte first.
    pub float: Option<u64>,
    /// Where the chunks lie that go through filters, in the order of their index.
    pub chunks: Vec<Range<u64>>,
    /// The filters that a chunk went through, in that order.
    pub filters: Vec<Filter>,
    /// Bytes that its shape and type make, whether they are there or not; a reader makes room for as many.
    pub declared: u64,
}

/// A broken rule, or a structure that is not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the file.
    pub offset: u64,
    /// What.
    pub what: String,
    /// Whether the file is at fault, or this reader.
    pub kind: IssueKind,
}

/// Kinds of issues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueKind {
    /// The file contradicts itself or its format.
    Broken,
    /// Two structures share bytes.
    Overlap,
    /// Bytes behind what the superblock calls the end.
    Trailing(u64),
    /// A structure that this reader does not know.
    Unknown,
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Reads what can be read.
///
/// # Errors
/// There is no superblock, or it makes no sense.
pub fn survey(bytes: &[u8]) -> Result<Survey, ArtifactError> {
    walk::run(bytes)
}

/// Where the superblock stands: at 0 or, behind a user block, at 512, 1024, 2048 and so on.
#[must_use]
pub fn superblock(bytes: &[u8]) -> Option<usize> {
    let places = std::iter::once(0).chain((9..40).map(|power| 1usize << power));
    places
        .take_while(|at| *at < bytes.len())
        .find(|at| bytes.get(*at..).is_some_and(|tail| tail.starts_with(b"\x89HDF\r\n\x1a\n")))
}

#[cfg(test)]
mod tests;
