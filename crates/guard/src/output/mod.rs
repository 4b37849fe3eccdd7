//! What may not leave.

mod measure;

pub(crate) use measure::entropy;
