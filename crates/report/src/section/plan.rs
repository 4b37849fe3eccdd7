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
            (number::count(n(UNBUILT))) " cannot be run by this build and stay untested until it can; "
            (number::count(n("by a person"))) " need a person."
        }
        (state_bar("fig-plan", "Planned checks by what became of them", &parts))
        ul.key {
            @for (kind, class, glyph) in &KINDS {
                @if n(kind) > 0 { li { (badge(class, glyph, kind)) " " strong.num { (number::count(n(kind))) } } }
            }
        }
        (table("Planned checks", &html! {
            thead { tr { th { "Check" } th { "Status" } th { "Needs" } th { "Threats" } th { "Evidence" } } }
            tbody {
                @for (kind, class, glyph) in KINDS.iter().filter(|(kind, ..)| *kind != UNBUILT) {
                    @for check in of_kind(input, kind) {
                        tr {
                            th scope="row" { code { (check.check) } }
                            td { (badge(class, glyph, kind)) @if let Some(why) = status(check).1 { div.detail { (why) } } }
                            td { (automation(check.automation)) }
                            td { (anchors.threat_links(&check.threats)) }
                            td { @match &check.evidence { Some(id) => { (anchors.mark(id)) }, None => { span.none { "none" } } } }
                        }
                    }
                }
            }
        }))
        @if n(UNBUILT) > 0 {
            h3 { "Not implemented by this build " span.count { (number::count(n(UNBUILT))) } }
            p { "Nothing is known about the threats behind these checks from this build." }
            ul.unbuilt {
                @for check in of_kind(input, UNBUILT) {
                    li { code { (check.check) } " " span.detail { (anchors.threat_links(&check.threats)) } }
                }
            }
        }
    }
}

fn of_kind<'a>(input: &'a ReportInput, kind: &'a str) -> impl Iterator<Item = &'a PlannedCheck> {
    input.plan.iter().filter(move |c| status(c).0 == kind)
}

const UNBUILT: &str = "not implemented";

const KINDS: [(&str, &str, &str); 4] =
    [("ran", "ok", "✓"), ("not run", "warn", "▲"), (UNBUILT, "none", "○"), ("by a person", "held", "◆")];

fn status(check: &PlannedCheck) -> (&'static str, Option<&str>) {
    match &check.status {
        TestStatus::Ran => ("ran", None),
        TestStatus::NotRun(why) => ("not run", Some(why)),
        TestStatus::NotImplemented => (UNBUILT, None),
        TestStatus::ByPerson => ("by a person", None),
    }
}
