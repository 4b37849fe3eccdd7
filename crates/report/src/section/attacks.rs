//! Attacks by text: what got through with the boundary and without, what the model still does, and documents
//! that hide something from the people who look at them.

use maud::{Markup, html};

use super::{figure_row, measured, table};
use crate::anchor::Anchors;
use crate::figure::attack_success;
use crate::input::{Attacks, PoisonedDocument};
use crate::number;

/// Documents shown; the rest are in the evidence.
const MOST_DOCUMENTS: usize = 6;
/// Characters of a document that are shown.
const MOST_TEXT: usize = 1_200;

pub fn body(attacks: &Attacks, anchors: &Anchors) -> Markup {
    let through = |alone: bool| {
        let hits = |m: &proofhouse_core::Measurement| (m.value * m.n.unwrap_or(0) as f64).round() as u64;
        let of = |f: &crate::input::AttackFamily| if alone { f.alone.clone() } else { f.guarded.clone() };
        let all: Vec<_> = attacks.families.iter().map(of).collect();
        (all.iter().map(hits).sum::<u64>(), all.iter().map(|m| m.n.unwrap_or(0)).sum::<u64>())
    };
    let ((guarded, tried), (alone, _)) = (through(false), through(true));
    html! {
        p.lead {
            "Of " (number::count(tried)) " attacks, " strong { (number::count(alone)) } " succeed on the model alone and "
            strong { (number::count(guarded)) } " behind the boundary."
            @if let Some(m) = &attacks.benign { " Benign tasks done behind it: " (measured(m)) "." }
        }
        p {
            "Attacked: " (attacks.target) ". A success is a leak, an effect, a link or a payload that came about; it is seen, "
            "not judged."
            @if let Some(m) = &attacks.benign_alone { " Benign tasks done without the boundary: " (measured(m)) "." }
            @if let Some(m) = &attacks.over_refusal { " Harmless requests that look like attacks and were refused: " (measured(m)) "." }
        }
        p.source { "Evidence: " (anchors.marks(&attacks.evidence)) }
        (figure_row(&attack_success("fig-attacks", attacks), &families(attacks)))
        @if !attacks.documents.is_empty() {
            h3 { "Documents that are not what people see of them" }
            @for document in attacks.documents.iter().take(MOST_DOCUMENTS) { (poisoned(document)) }
            @if attacks.documents.len() > MOST_DOCUMENTS {
                p.detail { (number::count((attacks.documents.len() - MOST_DOCUMENTS) as u64)) " more are in the evidence." }
            }
        }
    }
}

fn families(attacks: &Attacks) -> Markup {
    html! {
        (table("Attack success by family", &html! {
            thead { tr { th { "Family" } th.r { "Attacks" } th.r { "Alone" } th.r { "Behind" } th.r { "At most" } } }
            tbody {
                @for f in &attacks.families {
                    tr {
                        th scope="row" { (f.title) }
                        td.r.num { (number::count(f.guarded.n.unwrap_or(0))) }
                        td.r.num { (number::percent(f.alone.value)) }
                        td.r.num { (number::percent(f.guarded.value)) }
                        td.r.num { @if let Some(i) = &f.guarded.interval { (number::percent(i.high)) } }
                    }
                }
            }
        }))
    }
}

fn poisoned(document: &PoisonedDocument) -> Markup {
    let list = |names: &[String]| if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
    html! {
        figure.poisoned {
            p.figure-title { code { (document.name) } }
            p {
                "Read by the model alone, it had " strong { (list(&document.alone)) } " called. Behind the boundary: withheld "
                (list(&document.withheld)) ", taken out of the answer " (list(&document.redacted)) "."
            }
            @for (text, how) in &document.hidden {
                p.detail { "Hidden from people (" (how) "):" }
                pre.hidden-text { (number::clip(text, MOST_TEXT)) }
            }
            @if document.hidden.is_empty() {
                p.detail { "What it says:" }
                pre { (number::clip(&document.visible, MOST_TEXT)) }
            }
        }
    }
}
