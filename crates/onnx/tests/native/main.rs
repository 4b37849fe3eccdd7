//! The native engine against plain float64 arithmetic, against the embedded runtime, and against itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its graph has failed")]

mod engine;
mod graphs;
mod hostile;
mod images;
mod operators;
mod reference;
