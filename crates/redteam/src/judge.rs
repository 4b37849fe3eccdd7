//! When an attempt has succeeded.
//!
//! Wherever a canary, a tool call or an output rule can decide it, it decides: no model is asked, and the
//! same transcript always gets the same answer. What remains is for an optional judge, whose agreement with
//! people's labels is measured ([`Agreement`]); without one such attempts are *unknown*, which is neither
//! a success nor a failure.

mod agreement;
mod answer;
mod decide;
mod finder;
mod links;
mod refusal;
mod views;

pub use agreement::{Agreement, Label, Sample, samples};
pub use answer::{Ruling, question, ruling};
pub use decide::decide;
pub use finder::{Finder, Found};
pub use links::hosts;
pub use refusal::refuses;
pub(crate) use views::{MORSE, mirrored, rotated};
