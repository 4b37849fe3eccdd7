//! Artifact to findings: proves that a model's files do nothing when they are loaded, or says what it could
//! not prove.
//!
//! Blocklist scanners ask "is a known bad name in it?". This one asks "is everything in it known to be
//! inert, and is every byte accounted for?". What is not proven inert is never clean: an unknown callable
//! is suspicious, bytes that no walker understands are unscannable, a file its own loader would choke on
//! is suspicious, and what was found before an error stays found. The list of known sinks only raises
//! severity and explains.
//!
//! One file per format in `formats/`; adding one is a file and a line in [`formats`]'s table.

mod address;
mod cache;
mod content;
mod credential;
mod folder;
mod formats;
mod instructions;
mod lines;
mod native;
mod ocdbt;
mod page;
mod pickle;
mod program;
mod python;
mod report;
mod repository;
mod rules;
mod sarif;
mod scanner;
mod secret;
mod suppress;
mod tables;
mod template;
mod tensor;
mod torch_classes;
mod tree;
mod vouch;
mod weights;

pub use page::rules_page;
pub use report::{FileReport, FormatName, Limits, Outcome, ScanError, ScanReport};
pub use rules::{Rule, rules};
pub use sarif::sarif;
pub use scanner::scan_bytes;
pub use suppress::{Day, Ended, Suppressed, Suppression, SuppressionError, Suppressions, Why};
pub use tables::version as tables_version;
pub use tree::{Survey, assemble, scan_tree};
