//! Self-contained HTML report with figures.
//!
//! [`ReportInput`] holds the facts; the report computes none of its own.

pub mod input;

pub use input::ReportInput;
