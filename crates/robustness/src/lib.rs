//! Evasion attacks on a classifier, counted honestly.
//!
//! [`evade`] runs one [`Attack`] after the other within a [`Threat`] and reports what they found as
//! [`EvasionReport`]; [`curve`] does so over several radii; [`sanity`] asks whether an attack works on this
//! model at all; and [`criterion`] turns the three into a verdict on a bound.
//!
//! What an attack shows is one-sided. A counterexample is proof; finding none proves nothing: the robust
//! accuracy of a report is an *upper bound* on the true one, and a stronger attack can only lower it. What is
//! proved is a *lower bound* and has a field of its own. For tree ensembles there is an exact answer:
//! [`trees`].

mod attack;
mod ball;
mod chance;
mod criterion;
mod curve;
mod data;
mod error;
mod evasion;
mod geometry;
mod norm;
mod square;
mod threat;
pub mod trees;

pub use attack::{Access, Attack, Outcome, Progress, Target, Victim, margin};
pub use ball::Ball;
pub use chance::Chance;
pub use criterion::{Assessment, SANE_SUCCESS, Sanity, criterion, sanity};
pub use curve::{CurvePoint, curve};
pub use data::{Goals, LabelledRows};
pub use error::RobustnessError;
pub use evasion::{Certified, Counterexample, Counting, EvasionReport, Part, QueryLedger, evade};
pub use norm::Norm;
pub use square::Square;
pub use threat::{Bounds, Goal, Threat};
