//! Writes a report with invented data to standard output, to look at the page:
//!
//! ```text
//! cargo run -p proofhouse-report --example demo -- recalled > report.html
//! ```
//!
//! The argument is `recalled` (the default), `denied`, `planned` or `examination`.

#[path = "../tests/demo/mod.rs"]
mod demo;

use std::io::Write as _;

fn main() -> std::io::Result<()> {
    let input = match std::env::args().nth(1).as_deref() {
        Some("denied") => demo::denied(),
        Some("planned") => demo::planned(),
        _ => demo::demo(),
    };
    let page = match std::env::args().nth(1).as_deref() {
        Some("examination") => proofhouse_report::render_examination(&demo::examination()),
        _ => proofhouse_report::render(&input),
    };
    std::io::stdout().write_all(page.as_bytes())
}
