//! What a model gives away: about the rows it learned from, about its own function, about tampering with it.
//!
//! - [`membership`]: was this row learned from? Rates at *low* false alarms, since an attacker who is right about a few
//!   people for certain does more harm than one who is a little better than a coin about all (Carlini et al. 2022).
//! - [`attribute`], [`property`]: a missing value of a row, a property of the whole training set.
//! - [`inversion`]: what does the model imagine a class to look like, and does that identify anybody?
//! - [`extraction`]: how good a copy do so many queries buy, and how long do they take under a rate limit?
//! - [`trigger`]: is there a small pattern that turns everything into one class (a backdoor)?
//! - [`transfer`]: is that pattern the model's own, or what the task looks like to a reference as well?
//! - [`reprogram`]: can its answers be turned to somebody else's work?
//! - [`weights`]: do the weights themselves look as if somebody had put something there?
//! - [`sponge`]: is there an input that costs far more to answer than others?
//!
//! Every rate has an exact interval, and where there are too few rows to speak about a rate the report says so.

pub mod attribute;
pub mod extraction;
pub mod inversion;
pub mod membership;
pub mod property;
pub mod reprogram;
mod roc;
mod shadow;
pub mod sponge;
mod surrogate;
pub mod transfer;
pub mod trigger;
pub mod weights;

pub use roc::{FALSE_ALARMS, OperatingPoint, Separation};
pub use shadow::{ShadowTraining, Template, Trained};
pub use surrogate::{Surrogate, Training};
