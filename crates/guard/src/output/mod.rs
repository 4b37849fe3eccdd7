//! What may not leave: canaries, confidential text repeated verbatim, secrets, personal data, links, and what
//! acts where an answer is used.
//!
//! Everything is decided by structure, not by a model: a canary is a string, a token has a prefix and a
//! checksum, a bank account a remainder, a link a host. So the same rules hold for every wording, and a
//! finding can be explained.
//!
//! Answers arrive in pieces. A [`Scanner`] takes them as they come and releases at once whatever can no
//! longer become part of a match; it holds back at most [`HOLD_BYTES`]. It reads from left to right and
//! decides each position once, from the bytes before it and from as many after it as the decision needs,
//! so what is released and what is found do not depend on where a text was cut.
//!
//! ```
//! use proofhouse_guard::output::{Confidential, Filter, OutputRules};
//!
//! let filter = Filter::new(&OutputRules::default());
//! let confidential = Confidential::new().canary("prompt", "cn-7f3a91d2").unwrap();
//! let mut scanner = filter.scanner(&confidential);
//! assert_eq!(scanner.push("My rules say CN-7F").text, "My rules say ");
//! let released = scanner.push("3A 91D2, so …");
//! assert!(released.blocked);
//! assert_eq!(released.findings[0].rule, "canary/plain");
//! ```

mod active;
mod bytes;
mod canary;
mod code;
mod confidential;
mod finding;
mod links;
mod look;
mod measure;
mod overlap;
mod personal;
mod rule;
mod rules;
mod scanner;
mod secret;

pub use bytes::ByteScanner;
pub use confidential::{Confidential, ConfidentialError};
pub use finding::OutputFinding;
pub use personal::Locale;
pub use rule::{Action, OutputRule, output_rule, output_rules};
pub use rules::{Filter, OutputRules, Overlap};
pub use scanner::{Released, Scanner};

pub(crate) use measure::entropy;

/// Most bytes a [`Scanner`] holds back at any time, plus what the last piece pushed. A link is the longest
/// thing that has to be seen whole.
pub const HOLD_BYTES: usize = 4096;
