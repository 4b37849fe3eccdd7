//! How well the model does its work when somebody works against it.

use maud::{Markup, html};
use proofhouse_core::Measurement;

use super::{badge, empty, figure_row, measured, source, table};
use crate::anchor::Anchors;
use crate::figure::{counterexample, price_curve, robustness_curve, success_bars};
use crate::input::{Change, Counterexample, Proved, Robustness, TableAttack, ValueChange};
use crate::{ReportInput, number};

/// Counterexamples drawn; the rest are in the evidence.
const MOST_EXAMPLES: usize = 6;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let constrained = input.constrained.as_ref();
    if input.robustness.is_none() && constrained.is_none() {
        return empty("The model has not been attacked. Its behaviour under attack is not known.");
    }
    html! {
        @if let Some(robustness) = &input.robustness {
            (result(robustness))
            (source(robustness.evidence.as_ref(), anchors))
            (details(robustness, "in the evidence"))
        }
        @if let Some((evidence, table)) = constrained {
            h3 { "Under the rules of the table" }
            (source(evidence.as_ref(), anchors))
            (table_attack(table))
        }
    }
}

/// The result in words.
pub fn result(robustness: &Robustness) -> Markup {
    let strongest = robustness.points.iter().max_by(|a, b| a.epsilon.total_cmp(&b.epsilon));
    html! {
        p.lead {
            "Share of right answers without attack: " (measured(&robustness.clean)) "."
            @if let Some(p) = strongest {
                " When every value may change by " (number::rounded(p.epsilon, 3)) ": " (measured(&p.accuracy)) "."
                @if let Some(proved) = &p.proved { " Proved there, whatever is done: " (measured(proved)) "." }
            }
        }
        @if let Some(claim) = &robustness.claim { p { "What may be said: " strong { (claim) } "." } }
        p { "Attack: " (robustness.attack) ". Size of a change: " (robustness.norm) "." }
        @match &robustness.proof {
            Some(Proved::By(method)) => {
                p { "What attacks leave is an upper bound. The lower one is proved by " (method) "." }
            }
            Some(Proved::Not(why)) => { p.detail { "There is no proof beside the attacks: " (why) "." } }
            None => {}
        }
        (doubts(robustness))
    }
}

/// Figures, and where the rest of the examples is.
pub fn details(robustness: &Robustness, elsewhere: &str) -> Markup {
    html! {
        (figure_row(&robustness_curve("fig-robustness", robustness), &points(robustness)))
        @if !robustness.classes.is_empty() {
            h3 { "By class" }
            (figure_row(&success_bars("fig-evasion-classes", robustness), &classes(robustness)))
        }
        @if !robustness.attacks.is_empty() {
            h3 { "Attack by attack" }
            (attacks(robustness))
        }
        (examples(&robustness.counterexamples, elsewhere))
    }
}

/// What changes of a table's rows cost.
pub fn table_attack(attack: &TableAttack) -> Markup {
    let quantile = |values: &[f64], share: f64| -> Option<f64> {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        sorted.get(((sorted.len().checked_sub(1)?) as f64 * share).round() as usize).copied()
    };
    let rows = [("a tenth", 0.1), ("a half", 0.5), ("nine tenths", 0.9)];
    let beside = html! {
        (table("Prices", &html! {
            thead { tr { th { "Of the rows" } th.r { "Found for at most" } @if !attack.floors.is_empty() { th.r { "Proved to cost" } } } }
            tbody {
                @for (name, share) in rows {
                    tr {
                        th scope="row" { (name) }
                        td.r.num { (quantile(&attack.prices, share).map_or_else(|| "none fell".to_owned(), |v| number::rounded(v, 4))) }
                        @if !attack.floors.is_empty() {
                            td.r.num { (quantile(&attack.floors, share).map_or_else(String::new, |v| number::rounded(v, 4))) }
                        }
                    }
                }
            }
        }))
        p.detail { "What was found can only be undercut; what is proved can not." }
    };
    html! {
        p.lead {
            "Of " (number::count(attack.attacked)) " rows the attacker turns " (measured(&attack.success))
            " into " (attack.aim)
            @if let Some(budget) = attack.budget { " for at most " (number::rounded(budget, 4)) }
            "."
            @if let Some(proved) = &attack.proved { " Proved to be out of reach: " (measured(proved)) "." }
        }
        @if let Some(gain) = &attack.gain {
            p { "Of what is at stake the attacker takes " (measured(gain)) ", attacking only where it pays." }
        }
        (figure_row(&price_curve("fig-prices", attack), &beside))
        (examples(&attack.examples, "in the data"))
    }
}

fn doubts(robustness: &Robustness) -> Markup {
    html! {
        @if !robustness.doubts.is_empty() {
            ul.findings {
                @for doubt in &robustness.doubts {
                    li {
                        @match &doubt.answer {
                            Some(answer) => { (badge("ok", "✓", "answered")) " " (doubt.says) ": " (answer) },
                            None => { (badge("warn", "!", "stands")) " " (doubt.says) },
                        }
                    }
                }
            }
        }
    }
}

fn classes(robustness: &Robustness) -> Markup {
    table(
        "Success by class",
        &html! {
            thead { tr { th { "Class" } th.r { "Turned" } th.r { "Interval" } th.r { "Attacked" } } }
            tbody {
                @for class in &robustness.classes {
                    @let m = &class.success;
                    tr {
                        th scope="row" { (class.class) }
                        td.r.num { (number::in_unit(m.value, &m.unit)) }
                        td.r.num { @if let Some(i) = &m.interval { (number::interval(i, &m.unit)) } }
                        td.r.num { @if let Some(n) = m.n { (number::count(n)) } }
                    }
                }
            }
        },
    )
}

fn attacks(robustness: &Robustness) -> Markup {
    table(
        "Attacks",
        &html! {
            thead { tr { th { "Attack" } th { "Sees" } th.r { "Standing before" } th.r { "Turned" } th.r { "Questions" } } }
            tbody {
                @for part in &robustness.attacks {
                    tr {
                        th scope="row" {
                            (part.name)
                            @for repair in &part.repairs { br; small { (repair) } }
                        }
                        td { (part.sees) }
                        td.r.num { (number::count(part.attacked)) }
                        td.r.num { (number::count(part.turned)) }
                        td.r.num { (number::count(part.queries)) }
                    }
                }
            }
        },
    )
}

fn examples(examples: &[Counterexample], elsewhere: &str) -> Markup {
    html! {
        @if !examples.is_empty() {
            h3 { "Inputs the attack turned" }
            (drawn(examples, elsewhere))
        }
    }
}

/// Images are drawn, rows of tables compared value by value.
pub fn drawn(examples: &[Counterexample], elsewhere: &str) -> Markup {
    let of_images = examples.iter().any(|e| matches!(e.change, Change::Image { .. }));
    html! {
        @if of_images {
            p { "In the third picture a filled square is what was added, a hollow one what was removed; its area is the size of the change." }
        }
        div.examples {
            @for (i, example) in examples.iter().take(MOST_EXAMPLES).enumerate() {
                figure {
                    @match &example.change {
                        Change::Image { .. } => { (counterexample(&format!("fig-counterexample-{}", i + 1), example)) },
                        Change::Table(changes) => { (difference(&example.record, changes)) },
                    }
                    figcaption {
                        code { (example.record) } ": a " strong { (example.truth) }
                        // What is bought may be what should have been granted.
                        @if priced(&example.change) { ", changed into " } @else { " read as " }
                        strong { (example.answer) } ", "
                        (if priced(&example.change) { "price " } else { "change " })
                        span.num { (number::rounded(example.distance, 3)) }
                    }
                }
            }
        }
        @if examples.len() > MOST_EXAMPLES {
            p.detail { (number::count((examples.len() - MOST_EXAMPLES) as u64)) " more are " (elsewhere) "." }
        }
    }
}

/// Whether the size of a change is what it costs.
fn priced(change: &Change) -> bool {
    matches!(change, Change::Table(values) if values.iter().any(|v| v.cost.is_some()))
}

/// Values of a row drawn; a change of more is no change that anybody reads.
const MOST_VALUES: usize = 12;

fn difference(record: &str, changes: &[ValueChange]) -> Markup {
    let priced = changes.iter().any(|c| c.cost.is_some());
    let rest = changes.len().saturating_sub(MOST_VALUES);
    table(
        &format!("Changes of {record}"),
        &html! {
            thead { tr { th { "Feature" } th.r { "Before" } th.r { "After" } @if priced { th.r { "Price" } } } }
            tbody {
                @for c in changes.iter().take(MOST_VALUES) {
                    tr {
                        th scope="row" { (number::clip(&c.feature, 40)) }
                        td.r.num { (number::rounded(c.before, 4)) }
                        td.r.num { strong { (number::rounded(c.after, 4)) } }
                        @if priced { td.r.num { @if let Some(cost) = c.cost { (number::rounded(cost, 3)) } } }
                    }
                }
                @if rest > 0 { tr { td.detail colspan="4" { (number::count(rest as u64)) " more values differ" } } }
            }
        },
    )
}

fn points(robustness: &Robustness) -> Markup {
    let proved = robustness.points.iter().any(|p| p.proved.is_some());
    html! {
        @if !robustness.points.is_empty() {
            (table("Accuracy under attack", &html! {
                thead {
                    tr {
                        th.r { "Epsilon" } th.r { @if proved { "At most" } @else { "Right" } }
                        @if proved { th.r { "Proved" } }
                        @if robustness.required.is_some() { th { "Required" } }
                    }
                }
                tbody {
                    @for p in &robustness.points {
                        @let m = &p.accuracy;
                        tr {
                            th.r.num scope="row" { (number::rounded(p.epsilon, 3)) }
                            td.r.num { (bounded(m)) }
                            @if proved { td.r.num { @if let Some(m) = &p.proved { (bounded(m)) } } }
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

/// A share with its interval below it.
fn bounded(m: &Measurement) -> Markup {
    html! {
        (number::in_unit(m.value, &m.unit))
        @if let Some(i) = &m.interval { br; small { (number::interval(i, &m.unit)) } }
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
