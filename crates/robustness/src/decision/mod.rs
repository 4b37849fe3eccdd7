//! Attacks that see less than gradients: labels only (HopSkipJump, the boundary attack) or scores (SimBA).
//!
//! The first two start from a row that the model already puts elsewhere and walk along the boundary towards the
//! original. Where they start decides much of what they find: noise is seldom of another class (of a logistic
//! regression, ART 1.20 from noise succeeds on about half of the rows), a labelled row of another class nearly always
//! is. [`Starts`] holds such rows. Every question counts: for starts, bisections and estimates alike.

mod boundary;
mod hopskipjump;
mod simba;
mod walk;

pub use boundary::BoundaryWalk;
pub use hopskipjump::HopSkipJump;
pub use simba::SimBa;

use serde::{Deserialize, Serialize};

/// Labelled rows that an attack may start from, such as rows of the training data.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Starts {
    /// `labels.len()` rows, each as wide as the model's input.
    pub rows: Vec<f32>,
    /// The class of each.
    pub labels: Vec<usize>,
}
