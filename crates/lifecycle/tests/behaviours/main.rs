//! The lifecycle from the outside: a real ledger, real engines, and instances on paper.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like the tests")]

mod model_checks;
mod recall;
mod release;
mod report;
mod scene;
