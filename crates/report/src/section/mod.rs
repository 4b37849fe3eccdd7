//! The sections of the page, one file each. A section states its conclusion first, then shows what it
//! rests on; where nothing was done it says so.

mod attacks;
mod drift;
mod evidence;
pub mod examination;
mod fairness;
mod frameworks;
mod gate;
mod instances;
mod performance;
mod plan;
mod recall;
mod risk;
mod robustness;
mod standing;
mod summary;
mod threats;
mod timeline;
mod verify;

use maud::{Markup, html};
use proofhouse_core::{Digest, Measurement, Severity, Timestamp, Verdict};

use crate::anchor::Anchors;
use crate::{ReportInput, number};

pub use summary::summary;

/// A section of the page: its id, its heading and its content.
pub struct Section {
    /// Id of the section and target of the table of contents.
    pub id: &'static str,
    /// Heading.
    pub title: &'static str,
    /// What stands under the heading.
    pub body: Markup,
}

/// Every section below the summary, in the order of the page.
pub fn all(input: &ReportInput, anchors: &Anchors) -> Vec<Section> {
    let section = |id, title, body| Section { id, title, body };
    let mut sections = vec![
        section("timeline", "What happened", timeline::body(input)),
        section("threats", "Threats", threats::body(input, anchors)),
        section("plan", "Test plan", plan::body(input, anchors)),
        section("gate", "Gate and release", gate::body(input, anchors)),
        section("instances", "Instances and traffic", instances::body(input, anchors)),
        section("performance", "Performance", performance::body(input, anchors)),
        section("robustness", "Robustness", robustness::body(input, anchors)),
        section("drift", "Drift and signals", drift::body(input, anchors)),
        section("recall", "Recall", recall::body(input, anchors)),
        section("risk", "Risk", risk::body(input, anchors)),
        section("frameworks", "Frameworks", frameworks::body(input, anchors)),
        section("evidence", "Evidence register", evidence::body(input, anchors)),
        section("verify", "Check this report", verify::body(input)),
    ];
    // A model that predicts cannot be attacked by text, and its report says nothing about it.
    if let Some(attacks) = &input.attacks {
        let place = sections.iter().position(|s| s.id == "drift").unwrap_or(sections.len());
        sections.insert(place, section("attacks", "Attacks by text", attacks::body(attacks, anchors)));
        sections.retain(|s| s.id != "robustness" || input.robustness.is_some());
        sections.retain(|s| s.id != "performance" || input.performance.is_some());
    }
    sections
}

/// Wraps a table so that it scrolls by itself on a narrow screen, reachable by keyboard.
fn table(name: &str, content: &Markup) -> Markup {
    html! {
        div.scroll role="region" aria-label=(name) tabindex="0" {
            table { (content) }
        }
    }
}

/// A sentence in place of what was not done.
fn empty(text: &str) -> Markup {
    html! { p.empty { (text) } }
}

/// Position in the ledger.
fn seq(n: u64) -> Markup {
    html! { span.seq title="ledger entry" { "№ " (number::count(n)) } }
}

/// A moment, readable by people and machines.
fn time(t: Timestamp) -> Markup {
    html! { time datetime=(t) { (number::moment(t)) } }
}

/// The hour of a moment, with the full moment for machines.
fn hour(t: Timestamp) -> Markup {
    html! { time datetime=(t) title=(number::moment(t)) { (number::clock(t)) } }
}

/// A whole digest that may break anywhere.
fn digest(d: &Digest) -> Markup {
    html! { code.digest { (d) } }
}

fn verdict(v: Verdict) -> Markup {
    let (class, glyph) = match v {
        Verdict::Pass => ("ok", "✓"),
        Verdict::Fail => ("bad", "✕"),
        Verdict::Unknown => ("off", "?"),
    };
    badge(class, glyph, &v.to_string())
}

/// As many full marks as the severity is high.
const PIPS: [&str; 5] = ["▯▯▯▯", "▮▯▯▯", "▮▮▯▯", "▮▮▮▯", "▮▮▮▮"];

fn severity(s: Severity) -> Markup {
    let level = match s {
        Severity::Info => 0,
        Severity::Low => 1,
        Severity::Medium => 2,
        Severity::High => 3,
        Severity::Critical => 4,
    };
    html! {
        span.severity {
            span.pips aria-hidden="true" { (PIPS.get(level).unwrap_or(&"")) } " " (s)
        }
    }
}

/// A word with a glyph; the colour only repeats it.
fn badge(class: &str, glyph: &str, word: &str) -> Markup {
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (glyph) } " " (word) } }
}

/// A measurement's value, with its interval and sample size behind it.
fn measured(m: &Measurement) -> Markup {
    html! {
        strong.num { (number::in_unit(m.value, &m.unit)) }
        @let qualifiers = qualifiers(m);
        @if !qualifiers.is_empty() { " " span.interval { "(" (qualifiers.join(", ")) ")" } }
    }
}

fn qualifiers(m: &Measurement) -> Vec<String> {
    let interval = m.interval.iter().flat_map(|i| {
        let confidence = i.confidence.is_finite().then(|| number::rounded(i.confidence * 100.0, 3));
        std::iter::once(number::interval(i, &m.unit)).chain(confidence.map(|c| format!("{c}% confidence")))
    });
    interval.chain(m.n.map(|n| format!("n {}", number::count(n)))).collect()
}

/// A bar that repeats the number in the cell before it, for the eye only.
fn bar(share: f64) -> Markup {
    let width = if share.is_finite() { (share.clamp(0.0, 1.0) * 1000.0).round() / 10.0 } else { 0.0 };
    html! {
        svg.share aria-hidden="true" viewBox="0 0 100 10" preserveAspectRatio="none" {
            rect.trough x="0" y="0" width="100" height="10" {}
            rect.fill x="0" y="0" width=(width) height="10" {}
        }
    }
}

/// A figure beside its table.
fn figure_row(figure: &Markup, beside: &Markup) -> Markup {
    html! { div.figure-row { figure { (figure) } div { (beside) } } }
}

/// Where a figure's numbers come from.
fn source(evidence: Option<&Digest>, anchors: &Anchors) -> Markup {
    html! {
        @match evidence {
            Some(id) => { p.source { "Evidence: " (anchors.mark(id)) } },
            None => { p.source { "No signed evidence behind these figures." } },
        }
    }
}
