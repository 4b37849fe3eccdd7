//! What happened, stage by stage, with the ledger entries each stage wrote.

use maud::{Markup, html};

use super::{badge, empty, hour, table};
use crate::input::{SeqRange, Stage, StageKind, StageOutcome};
use crate::{ReportInput, number};

pub fn body(input: &ReportInput) -> Markup {
    let (Some(first), Some(last)) = (input.timeline.first(), input.timeline.last()) else {
        return empty("No stage has run.");
    };
    let end = last.finished.unwrap_or(last.started);
    html! {
        p.lead {
            (number::counted(input.timeline.len(), "stage", "stages")) " ran on " (number::date(first.started))
            " within " (number::duration(end.unix_ms() - first.started.unix_ms())) ". Times are UTC."
        }
        (table("Stages", &html! {
            thead { tr { th { "Stage" } th { "Began" } th.r { "Took" } th { "Outcome" } th { "What came out" } th { "Ledger" } } }
            tbody {
                @for stage in &input.timeline {
                    tr {
                        th scope="row" { (name(stage.kind)) }
                        td { (hour(stage.started)) }
                        td.r.num { (took(stage)) }
                        td { (outcome(stage.outcome)) }
                        td.text { (stage.note) }
                        td { @match stage.ledger { Some(range) => { (entries(range)) }, None => { span.none { "none" } } } }
                    }
                }
            }
        }))
    }
}

/// Entries bear the time at which they were written: a stage that wrote one, or all at once, has no length.
fn took(stage: &Stage) -> String {
    match stage.finished {
        None => "running".to_owned(),
        Some(end) if end > stage.started => number::duration(end.unix_ms() - stage.started.unix_ms()),
        Some(_) => "–".to_owned(),
    }
}

fn entries(range: SeqRange) -> Markup {
    html! {
        span.seq {
            "№ " (number::count(range.first))
            @if range.last > range.first { "–" (number::count(range.last)) }
        }
    }
}

fn name(kind: StageKind) -> &'static str {
    match kind {
        StageKind::Describe => "Describe",
        StageKind::Plan => "Plan",
        StageKind::Assess => "Assess",
        StageKind::Gate => "Gate",
        StageKind::Release => "Release",
        StageKind::Deploy => "Deploy",
        StageKind::Observe => "Observe",
        StageKind::Recall => "Recall",
        StageKind::Feedback => "Feedback",
    }
}

fn outcome(outcome: StageOutcome) -> Markup {
    match outcome {
        StageOutcome::Done => badge("ok", "✓", "done"),
        StageOutcome::Attention => badge("warn", "▲", "attention"),
        StageOutcome::Failed => badge("bad", "✕", "failed"),
        StageOutcome::Running => badge("off", "…", "running"),
    }
}
