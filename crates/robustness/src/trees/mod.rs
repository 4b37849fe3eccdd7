//! Tree ensembles: what can be *proved* about them.

mod exact;

pub use exact::{ExactOptions, MinimalDistance, minimal_linf};
