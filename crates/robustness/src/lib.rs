//! Evasion attacks on a classifier, counted honestly.
//!
//! [`evade`] runs one [`Attack`] after the other within a [`Threat`] and reports what they found as
//! [`EvasionReport`]; [`curve`] does so over several radii; [`sanity`] asks whether an attack works on this
//! model at all; and [`criterion`] turns the three into a verdict on a bound. [`assure`] does the whole in one
//! call: it probes for masked gradients, repairs what can be repaired, runs the [`standard`] ensemble and
//! reviews it; a [`Claim`] is the word that may then be used. [`deviate`] is for regressors.
//!
//! What an attack shows is one-sided. A counterexample is proof; finding none proves nothing: the robust
//! accuracy of a report is an *upper bound* on the true one, and a stronger attack can only lower it. What is
//! proved is a *lower bound* and has a field of its own. For tree ensembles there is an exact answer:
//! [`trees`].
//!
//! A table is no image: [`domain`] says which rows can exist and what changing one costs, and [`tabular`] attacks
//! under it. [`decision`] attacks what shows labels or scores only, [`natural`] looks for the turned, darkened,
//! covered image that fools the model, [`certify`] proves what nothing can do, and [`privacy`] asks what the model
//! gives away.

mod assure;
mod attack;
mod ball;
mod binomial;
pub mod certify;
mod chance;
mod claim;
mod criterion;
mod curve;
mod data;
pub mod decision;
pub mod domain;
mod ensemble;
mod error;
mod evasion;
mod geometry;
mod gradient;
pub mod harden;
mod masking;
pub mod natural;
mod norm;
pub mod poisoning;
pub mod privacy;
mod regression;
mod square;
pub mod tabular;
mod threat;
pub mod trees;

pub use assure::{Assurance, assure};
pub use attack::{Access, Attack, Outcome, Progress, Target, Victim, margin};
pub use ball::Ball;
pub use binomial::clopper_pearson;
pub use chance::Chance;
pub use claim::{Claim, Standing};
pub use criterion::{Assessment, SANE_SUCCESS, Sanity, criterion, sanity};
pub use curve::{CurvePoint, curve};
pub use data::{Goals, LabelledRows};
pub use ensemble::{Budget, standard};
pub use error::RobustnessError;
pub use evasion::{
    Certified, Counterexample, Counting, EvasionReport, Part, Pursuit, QueryLedger, evade, evade_in_groups,
};
pub use gradient::{Apgd, CarliniWagner, DeepFool, Estimated, Fab, Fgsm, Loss, Pgd, Sparse};
pub use masking::{Diagnosis, Flag, Sign, probe};
pub use norm::Norm;
pub use regression::{Deviation, DeviationReport, Shift, deviate};
pub use square::Square;
pub use threat::{Bounds, Goal, Threat};
