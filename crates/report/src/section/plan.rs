//! The test plan and what became of it, including what this build cannot do.

use maud::{Markup, html};

use super::threats::automation;
use super::{badge, empty, table};
use crate::anchor::Anchors;
use crate::figure::state_bar;
use crate::input::{PlannedCheck, TestStatus};
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    if input.plan.is_empty() {
        return empty("No test plan has been written.");
    }
    let n = |kind| input.plan.iter().filter(|c| status(c).0 == kind).count() as u64;
    let parts: Vec<(&str, &str, u64)> =
        KINDS.iter().map(|(kind, class, _)| (*kind, *class, n(*kind))).collect();
    html! {
        p.lead {
            "The threats call for " (number::counted(input.plan.len(), "check", "checks")) ". "
            (number::count(n("ran"))) " ran; "
            (number::count(n("not implemented"))) " cannot be run by this build and stay untested until it can; "
            (number::count(n("by a person"))) " need a person."
        }
        (state_bar("fig-plan", "Planned checks by what became of them", &parts))
        (table("Planned checks", &html! {
            thead { tr { th { "Check" } th { "Status" } th { "Needs" } th { "Threats" } th { "Evidence" } } }
            tbody {
                @for (kind, class, glyph) in &KINDS {
                    @for check in input.plan.iter().filter(|c| status(c).0 == *kind) {
                        @let why = status(check).1;
                        tr {
                            th scope="row" { code { (check.check) } }
                            td { (badge(class, glyph, kind)) @if let Some(why) = why { div.detail { (why) } } }
                            td { (automation(check.automation)) }
                            td { (anchors.threat_links(&check.threats)) }
                            td { @match &check.evidence { Some(id) => { (anchors.mark(id)) }, None => { span.none { "none" } } } }
                        }
                    }
                }
            }
        }))
    }
}

const KINDS: [(&str, &str, &str); 4] = [
    ("ran", "ok", "✓"),
    ("not run", "warn", "▲"),
    ("not implemented", "none", "○"),
    ("by a person", "held", "◆"),
];

fn status(check: &PlannedCheck) -> (&'static str, Option<&str>) {
    match &check.status {
        TestStatus::Ran => ("ran", None),
        TestStatus::NotRun(why) => ("not run", Some(why)),
        TestStatus::NotImplemented => ("not implemented", None),
        TestStatus::ByPerson => ("by a person", None),
    }
}
