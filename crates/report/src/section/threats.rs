//! Threats, by how they stand: what needs a person comes first.

use maud::{Markup, html};

use super::{badge, empty, severity};
use crate::anchor::Anchors;
use crate::figure::state_bar;
use crate::input::{Automation, Proof, Threat, ThreatState};
use crate::{ReportInput, number};

/// States in the order of the page, with heading, class, glyph and meaning.
const STATES: [(ThreatState, &str, &str, &str, &str); 6] = [
    (ThreatState::Open, "Open", "bad", "●", "applies, and no fresh evidence controls it"),
    (ThreatState::Stale, "Stale", "warn", "◐", "the evidence no longer speaks about what is there"),
    (ThreatState::Unknown, "Unknown", "off", "?", "a fact is missing, so it may apply"),
    (ThreatState::Accepted, "Accepted", "held", "◆", "a named person answers for it until a date"),
    (ThreatState::Controlled, "Controlled", "ok", "✓", "fresh evidence meets the criterion"),
    (ThreatState::NotApplicable, "Not applicable", "none", "–", "a fact rules it out"),
];

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    if input.threats.is_empty() {
        return empty("No threats have been derived. Run `proofhouse plan` on the system file.");
    }
    let count = |state| input.threats.iter().filter(|t| t.state == state).count() as u64;
    let parts: Vec<(&str, &str, u64)> =
        STATES.iter().map(|(state, name, class, ..)| (*name, *class, count(*state))).collect();
    html! {
        p.lead {
            "Each threat was derived from the system file by a rule, and shows the facts that made it apply. "
            "A control counts only with evidence; what is not known is shown as unknown, never as absent."
        }
        (state_bar("fig-threats", "Threats by state", &parts))
        ul.key {
            @for (state, name, class, glyph, meaning) in &STATES {
                @if count(*state) > 0 {
                    li { (badge(class, glyph, name)) " " strong.num { (number::count(count(*state))) } " " (meaning) }
                }
            }
        }
        @for (state, name, class, glyph, _) in &STATES {
            @if count(*state) > 0 {
                h3 { (name) " " span.count { (number::count(count(*state))) } }
                ul.threats {
                    @for (index, threat) in input.threats.iter().enumerate().filter(|(_, t)| t.state == *state) {
                        (row(threat, anchors.threats.row(index), &badge(class, glyph, name), anchors))
                    }
                }
            }
        }
        (questions(input, anchors))
    }
}

fn row(threat: &Threat, id: Option<&str>, state: &Markup, anchors: &Anchors) -> Markup {
    html! {
        li.threat id=[id] {
            div.threat-head {
                span.id { (threat.id) }
                span.threat-name { (threat.name) }
                span.threat-marks { (severity(threat.severity)) (state) }
            }
            @if let Some(proof) = threat.proofs.first() { p.why { (proof.sentence) } }
            @if let Some(signal) = &threat.reopened_by {
                p.reopened { "▲ Re-opened by signal " (anchors.signals.link(signal)) }
            }
            @if let Some(acceptance) = &threat.acceptance {
                p.accepted {
                    "Accepted by " (acceptance.by)
                    @if let Some(until) = acceptance.until { " until " (number::date(until)) }
                    ": " (acceptance.why)
                }
            }
            @if !threat.evidence.is_empty() { p.evidence-line { "Evidence: " (anchors.marks(&threat.evidence)) } }
            details {
                summary {
                    "Proof" @if threat.proofs.len() > 1 { "s" }
                    @if !threat.tests.is_empty() { ", " (number::counted(threat.tests.len(), "test", "tests")) }
                    @if !threat.references.is_empty() { ", " (number::counted(threat.references.len(), "reference", "references")) }
                }
                @if threat.proofs.is_empty() { p.none { "No proof is recorded." } }
                @for (i, proof) in threat.proofs.iter().enumerate() { (argument(proof, i > 0)) }
                @if !threat.tests.is_empty() {
                    p { strong { "Tests: " }
                        @for (i, test) in threat.tests.iter().enumerate() {
                            @if i > 0 { ", " } code { (test.check) } " (" (automation(test.automation)) ")"
                        }
                    }
                }
                @if !threat.references.is_empty() {
                    p { strong { "Known as: " }
                        @for (i, r) in threat.references.iter().enumerate() {
                            @if i > 0 { ", " } (r.framework()) " " (r.version()) " " strong { (r.id()) }
                        }
                    }
                }
            }
        }
    }
}

fn argument(proof: &Proof, with_sentence: bool) -> Markup {
    html! {
        @if with_sentence { p.why { (proof.sentence) } }
        @if !proof.path.is_empty() {
            p { strong { "Path: " }
                @for (i, step) in proof.path.iter().enumerate() {
                    @if i > 0 { span aria-hidden="true" { " → " } span.sr { " to " } }
                    code { (step) }
                }
            }
        }
        @if !proof.facts.is_empty() {
            ul.facts {
                @for fact in &proof.facts {
                    li {
                        (fact.text)
                        @match &fact.place { Some(place) => { " " code.place { (place) } }, None => { " " span.none { "missing" } } }
                    }
                }
            }
        }
        @if let Some(fact) = &proof.removed_by { p { strong { "Would no longer apply if: " } (fact) } }
    }
}

fn questions(input: &ReportInput, anchors: &Anchors) -> Markup {
    html! {
        @if !input.questions.is_empty() {
            h3 { "Questions to people " span.count { (number::count(input.questions.len() as u64)) } }
            p { "An answer in the system file decides the threats named beside it." }
            ol.questions {
                @for question in &input.questions {
                    li {
                        (question.text)
                        @if !question.decides.is_empty() { " " span.decides { "Decides " (anchors.threat_links(&question.decides)) } }
                    }
                }
            }
        }
    }
}

/// How much of a test needs no person, in words.
pub fn automation(automation: Automation) -> &'static str {
    match automation {
        Automation::Full => "automatic",
        Automation::Partial => "partly automatic",
        Automation::Manual => "by a person",
    }
}
