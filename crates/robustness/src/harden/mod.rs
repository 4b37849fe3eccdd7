//! Adversarial training of an ONNX model, from the file and data alone.
//!
//! Each batch is moved within the [`Threat`] before the weights learn from it: by projected gradient descent
//! (Madry et al. 2018), by the divergence that TRADES trades against accuracy (Zhang et al. 2019), by one step
//! from a random start (Wong, Rice, Kolter 2020), or by noise alone. After every epoch the model is attacked on
//! rows it does not learn from; what training returns is not the last epoch but the latest one whose robust
//! accuracy there is within one standard error of the best, because robust accuracy falls again where training
//! goes on for too long (Rice, Wong, Kolter 2020).
//!
//! All chance follows from the recipe's seed, and a [`Checkpoint`] holds all that the next epoch depends on: a
//! training that was interrupted and goes on ends in the same bytes.

mod batch;
mod checkpoint;
mod optimiser;
mod recipe;
mod train;

pub use checkpoint::{Checkpoint, CheckpointError};
pub use optimiser::Optimiser;
pub(crate) use optimiser::{Memory, Stride};
pub use recipe::{Method, Recipe, Schedule};
pub use train::{Epoch, Hardened, Training};
