//! Two-sample statistics on a frozen reference, with a stated false-alarm budget.
//!
//! A [`Profile`] freezes what the model was released on. Workers count live rows on its frozen points into
//! [`Window`]s; windows add up, so any number of workers in any order gives the same bits. A [`Monitor`]
//! looks at a window and alarms only when a column differs by more than chance allows under the
//! [`AlarmBudget`] *and* by more than the practical floor.
//!
//! Scores and predicted classes are columns like any other.
//!
//! ```
//! use proofhouse_drift::{AlarmBudget, EffectFloor, Monitor, Profile, Sample, Values, Window};
//!
//! let reference: Vec<f64> = (0..1000).map(|i| f64::from(i % 17)).collect();
//! let profile = Profile::freeze(&[Sample { name: "pixel", values: Values::Numbers(&reference) }])?;
//! let mut window = Window::new(&profile);
//! let live: Vec<f64> = (0..500).map(|i| f64::from(i % 17 / 2)).collect();
//! window.add(&profile, &[Sample { name: "pixel", values: Values::Numbers(&live) }])?;
//! let monitor = Monitor::new(profile, AlarmBudget::new(1.0, 24.0)?, EffectFloor::default());
//! assert!(monitor.look(&window)?.alarmed);
//! # Ok::<(), proofhouse_drift::DriftError>(())
//! ```

pub mod categorical;
pub mod distance;
mod error;
pub mod kolmogorov;
pub mod ks;
mod monitor;
pub mod multiplicity;
mod profile;
pub mod psi;
pub mod rate;
pub mod special;
mod window;

pub use error::DriftError;
pub use monitor::{Alarm, AlarmBudget, ColumnDrift, EffectFloor, Look, Monitor, RankedColumn};
pub use profile::{Categorical, ColumnProfile, Numeric, Profile, Sample, Shape, Values};
pub use window::{Counts, Window, WindowColumn};
