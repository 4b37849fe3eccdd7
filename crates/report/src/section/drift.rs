//! Drift over time, the columns that moved, and the signals it became.

use maud::{Markup, html};

use super::{empty, figure_row, hour, seq, severity, source, table};
use crate::anchor::Anchors;
use crate::figure::{drift_series, histogram, shares};
use crate::input::{ColumnDrift, Drift, FalseAlarmPromise};
use crate::{ReportInput, command, number};

/// Looks shown in the table: the last ones, and the alarm.
const MOST_LOOKS: usize = 8;
/// Columns drawn.
const MOST_COLUMNS: usize = 6;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    html! {
        @match &input.drift {
            Some(drift) => { (monitor(drift, anchors)) },
            None => { (empty("No traffic has been watched for drift.")) },
        }
        h3 { "Signals" }
        @if input.signals.is_empty() { (empty("No runtime signal has been raised.")) }
        @else { (signals(input, anchors)) }
    }
}

fn monitor(drift: &Drift, anchors: &Anchors) -> Markup {
    let alarm = drift.alarm.as_ref().and_then(|a| drift.looks.get(a.look));
    html! {
        p.lead {
            @match alarm {
                Some(look) => {
                    "The traffic changed. The alarm was raised after " (number::count(look.rows)) " requests, when the "
                    (drift.statistic) " reached " span.num { (number::rounded(look.statistic, 3)) } " against a threshold of "
                    span.num { (number::rounded(look.threshold, 3)) } "."
                },
                None if drift.looks.is_empty() => { "The monitor has not looked yet." },
                None => { "No drift was found in " (number::counted(drift.looks.len(), "look", "looks")) "." },
            }
        }
        p { strong { "False-alarm budget. " } (budget(drift)) }
        (origin(drift, anchors))
        (figure_row(&drift_series("fig-drift", drift), &looks(drift)))
        @if !drift.columns.is_empty() {
            h3 { "Columns that moved most" }
            div.columns {
                @for (i, column) in drift.columns.iter().take(MOST_COLUMNS).enumerate() { (moved(column, i + 1)) }
            }
            @if drift.columns.len() > MOST_COLUMNS {
                p.detail { (number::count((drift.columns.len() - MOST_COLUMNS) as u64)) " more columns are kept with the looks." }
            }
        }
    }
}

/// Where the looks are written, and what says that the monitor can be believed.
fn origin(drift: &Drift, anchors: &Anchors) -> Markup {
    if drift.ledger.is_empty() && drift.tested.is_none() {
        return source(drift.evidence.as_ref(), anchors);
    }
    html! {
        p.source {
            @if let Some(id) = &drift.evidence { "Evidence: " (anchors.mark(id)) ". " }
            @if !drift.ledger.is_empty() {
                "The looks are "
                @for (i, n) in drift.ledger.iter().enumerate() { @if i > 0 { ", " } a href="#timeline" { (seq(*n)) } }
                " in the ledger (" code { (command::SHOW_LOOKS) } "). "
            }
            @match &drift.tested {
                Some(id) => { "The monitor was tested before it was trusted: " (anchors.mark(id)) },
                None => { "No signed result says that the monitor was tested." },
            }
        }
    }
}

fn budget(drift: &Drift) -> String {
    if !(drift.alpha > 0.0 && drift.alpha < 1.0) {
        return "No valid false-alarm probability is recorded, so nothing is promised.".to_owned();
    }
    let one_in = number::rounded(1.0 / drift.alpha, 3);
    let mut text = match drift.promise {
        FalseAlarmPromise::Yearly { alarms, looks_per_day } => format!(
            "If nothing changes, at most {} in a year {} expected at {} looks a day: each look may raise a false alarm with a chance of one in {one_in}.",
            if alarms == 1.0 {
                "1 false alarm".to_owned()
            } else {
                format!("{} false alarms", number::rounded(alarms, 3))
            },
            if alarms == 1.0 { "is" } else { "are" },
            number::rounded(looks_per_day, 3),
        ),
        FalseAlarmPromise::Ever => format!(
            "If nothing changes, the chance that this monitor ever raises an alarm is at most one in {one_in}, however often it looks."
        ),
        FalseAlarmPromise::PerLook => format!(
            "If nothing changes, each look raises an alarm with a chance of one in {one_in}; over many looks false alarms add up."
        ),
    };
    if let Some(floor) = drift.effect_floor {
        text.push_str(&format!(" An alarm also needs an effect of at least {}.", number::rounded(floor, 3)));
    }
    text
}

fn looks(drift: &Drift) -> Markup {
    let alarm = drift.alarm.as_ref().map(|a| a.look);
    let first = drift.looks.len().saturating_sub(MOST_LOOKS);
    let shown: Vec<_> =
        drift.looks.iter().enumerate().filter(|(i, _)| *i >= first || alarm == Some(*i)).collect();
    html! {
        @if !shown.is_empty() {
            (table("Looks of the drift monitor", &html! {
                thead { tr { th { "At" } th.r { "Requests" } th.r { "Statistic" } th.r { "Threshold" } } }
                tbody {
                    @for (i, look) in &shown {
                        tr.flag[alarm == Some(*i)] {
                            th scope="row" { (hour(look.at)) @if alarm == Some(*i) { " ▲ alarm" } }
                            td.r.num { (number::count(look.rows)) }
                            td.r.num { (number::rounded(look.statistic, 3)) }
                            td.r.num { (number::rounded(look.threshold, 3)) }
                        }
                    }
                }
            }))
            @if shown.len() < drift.looks.len() {
                p.detail { (number::counted(drift.looks.len() - shown.len(), "earlier look is", "earlier looks are")) " kept with the ledger." }
            }
        }
    }
}

fn moved(column: &ColumnDrift, n: usize) -> Markup {
    let (reference, current) = (shares(&column.reference), shares(&column.current));
    let sum = |counts: &[u64]| counts.iter().fold(0u64, |s, n| s.saturating_add(*n));
    html! {
        figure {
            p.figure-title { code { (column.name) } " " span.interval { (column.statistic) " " span.num { (number::rounded(column.distance, 3)) } } }
            (histogram(&format!("fig-column-{n}"), column))
            details {
                summary { "Numbers (" (number::count(sum(&column.reference))) " reference, " (number::count(sum(&column.current))) " current rows)" }
                (table(&format!("Shares of column {n}"), &html! {
                    thead { tr { th { "From" } th { "To" } th.r { "Reference" } th.r { "Current" } } }
                    tbody {
                        @for (bin, (r, c)) in reference.iter().zip(&current).enumerate().take(64) {
                            tr {
                                td.num { (edge(column.edges.get(bin))) }
                                td.num { (edge(column.edges.get(bin + 1))) }
                                td.r.num { (number::percent(*r)) }
                                td.r.num { (number::percent(*c)) }
                            }
                        }
                    }
                }))
            }
        }
    }
}

fn edge(value: Option<&f64>) -> String {
    match value {
        Some(v) if v.is_finite() => number::rounded(*v, 4),
        Some(v) if !v.is_nan() => "open".to_owned(),
        _ => "–".to_owned(),
    }
}

fn signals(input: &ReportInput, anchors: &Anchors) -> Markup {
    table(
        "Signals",
        &html! {
            thead { tr { th { "Signal" } th { "At" } th { "Severity" } th { "What" } th { "Re-opens" } th { "Ledger" } } }
            tbody {
                @for (index, signal) in input.signals.iter().enumerate() {
                    tr id=[anchors.signals.row(index)] {
                        th scope="row" { code { (signal.id) } div.detail { (signal.kind) } }
                        td { (hour(signal.at)) }
                        td { (severity(signal.severity)) }
                        td.text {
                        (signal.message)
                        @if let Some(id) = &signal.evidence { div.detail { (anchors.mark(id)) } }
                        @if let Some(record) = &signal.record {
                            div.detail { "The look as it was kept: " code title=(record) { (record.short()) } }
                        }
                    }
                        td { @if signal.reopens.is_empty() { span.none { "none" } } (anchors.threat_links(&signal.reopens)) }
                            td { (seq(signal.ledger_seq)) }
                    }
                }
            }
        },
    )
}
