//! Evasion attacks on a classifier seen through forward passes, counted honestly.
//!
//! [`evade`] runs the Square attack within an L∞ ball and reports what it found as [`EvasionReport`];
//! [`curve`] does so over several radii; [`sanity`] asks whether the attack works on this model at all; and
//! [`criterion`] turns the three into a verdict on a bound.
//!
//! What an attack shows is one-sided. A counterexample is proof; finding none proves nothing: the robust
//! accuracy of a report is an *upper bound* on the true one, and a stronger attack can only lower it. An
//! attack that uses gradients usually does. For tree ensembles there is an exact answer: [`trees`].

mod ball;
mod criterion;
mod curve;
mod error;
mod evasion;
mod geometry;
mod square;
pub mod trees;

pub use criterion::{Assessment, SANE_SUCCESS, Sanity, criterion, sanity};
pub use curve::{CurvePoint, curve};
pub use error::RobustnessError;
pub use evasion::{Counterexample, EvasionReport, QueryLedger, evade};
pub use square::{Progress, SquareOptions};
