//! One self-contained HTML page about one AI system: readable by a risk officer, checkable by an auditor.
//!
//! [`ReportInput`] holds the facts and [`render`] writes the page. The page loads nothing, runs no script
//! and works from a disk without network; its content security policy says so to the browser. The report
//! adds no fact: what is not in the input is shown as not done.

mod anchor;
mod command;
mod figure;
pub mod input;
mod number;
mod page;
mod section;

pub use input::ReportInput;

/// The page, as UTF-8 HTML. The same input gives the same bytes.
#[must_use]
pub fn render(input: &ReportInput) -> String {
    page::render(input)
}

/// The page about one examination of one model, in the same frame.
#[must_use]
pub fn render_examination(input: &input::Examination) -> String {
    page::examination(input)
}
