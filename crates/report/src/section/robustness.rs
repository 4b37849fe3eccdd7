//! How well the model does its work when somebody works against it.

use maud::{Markup, html};

use super::{badge, empty, figure_row, measured, source, table};
use crate::anchor::Anchors;
use crate::figure::{counterexample, robustness_curve};
use crate::input::Robustness;
use crate::{ReportInput, number};

/// Counterexamples drawn; the rest are in the evidence.
const MOST_EXAMPLES: usize = 6;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let Some(robustness) = &input.robustness else {
        return empty("The model has not been attacked. Its behaviour under attack is not known.");
    };
    let strongest = robustness.points.iter().max_by(|a, b| a.epsilon.total_cmp(&b.epsilon));
    html! {
        p.lead {
            "Share of right answers without attack: " (measured(&robustness.clean)) "."
            @if let Some(p) = strongest {
                " When every pixel may change by " (number::rounded(p.epsilon, 3)) ": " (measured(&p.accuracy)) "."
            }
        }
        p { "Attack: " (robustness.attack) ". Size of a change: " (robustness.norm) "." }
        (source(robustness.evidence.as_ref(), anchors))
        (figure_row(&robustness_curve("fig-robustness", robustness), &points(robustness)))
        @if !robustness.counterexamples.is_empty() {
            h3 { "Inputs the attack turned" }
            p { "In the third picture a filled square is ink that was added, a hollow one ink that was removed; its area is the size of the change." }
            div.examples {
                @for (i, example) in robustness.counterexamples.iter().take(MOST_EXAMPLES).enumerate() {
                    figure {
                        (counterexample(&format!("fig-counterexample-{}", i + 1), example))
                        figcaption {
                            code { (example.record) } ": a " strong { (example.truth) } " read as "
                            strong { (example.answer) } ", change " span.num { (number::rounded(example.distance, 3)) }
                        }
                    }
                }
            }
            @if robustness.counterexamples.len() > MOST_EXAMPLES {
                p.detail { (number::count((robustness.counterexamples.len() - MOST_EXAMPLES) as u64)) " more are in the evidence." }
            }
        }
    }
}

fn points(robustness: &Robustness) -> Markup {
    html! {
        @if !robustness.points.is_empty() {
            (table("Accuracy under attack", &html! {
                thead { tr { th.r { "Epsilon" } th.r { "Right" } th.r { "Interval" } @if robustness.required.is_some() { th { "Required" } } } }
                tbody {
                    @for p in &robustness.points {
                        @let m = &p.accuracy;
                        tr {
                            th.r.num scope="row" { (number::rounded(p.epsilon, 3)) }
                            td.r.num { (number::in_unit(m.value, &m.unit)) }
                            td.r.num { @if let Some(i) = &m.interval { (number::interval(i, &m.unit)) } }
                            @if let Some(required) = robustness.required {
                                td { (against(m.interval.as_ref().map_or(m.value, |i| i.low), required)) }
                            }
                        }
                    }
                }
            }))
            @if robustness.required.is_some() {
                p.detail { "The lower end of the interval is held against what is required, not the estimate." }
            }
        }
    }
}

fn against(low: f64, required: f64) -> Markup {
    if !low.is_finite() || !required.is_finite() {
        badge("off", "?", "unknown")
    } else if low >= required {
        badge("ok", "✓", "met")
    } else {
        badge("bad", "✕", "not met")
    }
}
