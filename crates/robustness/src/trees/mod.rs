//! Tree ensembles: what can be *proved* about them.

mod cost;
mod distances;
mod exact;
mod space;

pub use cost::{CostOptions, MinimalCost, minimal_cost};
pub use distances::{TreeDistances, ensemble_of};
pub use exact::{ExactOptions, MinimalDistance, minimal_linf};
