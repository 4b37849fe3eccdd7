//! Certificates: what *no* attack can do, a lower bound of robustness.
//!
//! [`Network`] bounds the outputs of a ReLU network over a whole region of inputs, by intervals or by linear functions
//! (CROWN). The bounds hold for the network as a float32 program evaluates it, not only in real arithmetic: every sum
//! carries the largest rounding error that float32 can make of it in any order. [`smooth`] certifies another thing, the
//! *smoothed* classifier, which answers by majority under noise; its certificate holds with a stated confidence. For
//! tree ensembles there are exact answers in [`trees`](crate::trees).
//!
//! A certificate never counts above what an attack leaves standing; where it does, one of the two is wrong, and
//! [`EvasionReport::certify`](crate::EvasionReport::certify) refuses.

mod affine;
mod backward;
mod interval;
mod lower;
mod network;
mod proof;
mod report;
mod smoothing;

pub use network::{Method, Network, Region};
pub use proof::Proof;
pub use report::{CertifyReport, certify};
pub use smoothing::{Smoothed, SmoothedReport, Smoothing, smooth};
