//! Loss a year, simulated: how often, how likely to succeed, how much, and how much of that a measured test has
//! settled.
//!
//! The shape is Open FAIR's (event frequency = threat events × vulnerability, then loss per event). Years are
//! drawn as a compound Poisson process. Two shortcuts found elsewhere, multiplying averages and allowing one
//! event a year, understate the tail several times over.
//!
//! A vulnerability is a prior by people until an attack has been run; then it is the posterior of its measured
//! success, so that a control without evidence reduces nothing.
//!
//! ```
//! use proofhouse_risk::{Loss, Pert, Scenario, Settings, Vulnerability, simulate};
//!
//! let scenario = Scenario {
//!     id: "evasion".into(),
//!     name: "Forged cheques pass the reader".into(),
//!     threats: vec!["EVA-01".into()],
//!     frequency: Pert::new(2.0, 5.0, 12.0)?,
//!     vulnerability: Vulnerability::Measured { successes: 3, trials: 500 },
//!     loss: Loss::Interval90 { low: 20_000.0, high: 900_000.0 },
//!     shared_shock: None,
//! };
//! let outcome = simulate(&[scenario], &Settings { years: 10_000, seed: 1, currency: "EUR".into() })?;
//! assert!(outcome.p95.value >= outcome.p50.value);
//! # Ok::<(), proofhouse_risk::RiskError>(())
//! ```

mod compare;
mod error;
mod scenario;
mod simulate;
mod summary;
mod tolerance;

pub use compare::{Comparison, compare};
pub use error::RiskError;
pub use scenario::{Loss, Pert, Scenario, SharedShock, Vulnerability, with_vulnerability};
pub use simulate::{Settings, simulate};
pub use summary::{Driver, ExceedancePoint, Simulation};
pub use tolerance::{JudgedPoint, Judgement, TolerancePoint};
