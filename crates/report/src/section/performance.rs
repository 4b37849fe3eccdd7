//! How well the model does its work, as a whole, by class and by group.

use maud::{Markup, html};

use super::{empty, fairness, figure_row, measured, source, table};
use crate::anchor::Anchors;
use crate::figure::class_bars;
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let Some(performance) = &input.performance else {
        return empty("Performance has not been measured.");
    };
    let rows = html! {
        thead { tr { th { "Class" } th.r { "Recognised" } th.r { "Interval" } th.r { "Examples" } } }
        tbody {
            @for class in &performance.classes {
                @let m = &class.recall;
                tr {
                    th scope="row" { (class.class) }
                    td.r.num { (number::in_unit(m.value, &m.unit)) }
                    td.r.num { @if let Some(i) = &m.interval { (number::interval(i, &m.unit)) } }
                    td.r.num { @if let Some(n) = m.n { (number::count(n)) } }
                }
            }
        }
    };
    html! {
        p.lead { "Share of right answers: " (measured(&performance.accuracy)) "." }
        (source(performance.evidence.as_ref(), anchors))
        (figure_row(
            &class_bars("fig-classes", performance),
            &html! { @if !performance.classes.is_empty() { (table("Recall by class", &rows)) } },
        ))
        @if let Some(fairness) = &input.fairness { (fairness::body(fairness, anchors)) }
    }
}
