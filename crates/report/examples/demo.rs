//! Writes a report with invented data to standard output, to look at the page:
//!
//! ```text
//! cargo run -p proofhouse-report --example demo -- recalled > report.html
//! ```
//!
//! The argument is `recalled` (the default), `denied` or `planned`.

#[path = "../tests/demo/mod.rs"]
mod demo;

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let input = match std::env::args().nth(1).as_deref() {
        Some("denied") => demo::denied(),
        Some("planned") => demo::planned(),
        _ => demo::demo(),
    };
    std::io::stdout().write_all(proofhouse_report::render(&input).as_bytes())
}
