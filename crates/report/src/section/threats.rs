//! Threats, by how they stand: what needs a person comes first.

use maud::{Markup, html};
use proofhouse_core::ThreatState;

use super::{badge, empty, severity, standing};
use crate::anchor::Anchors;
use crate::figure::state_bar;
use crate::input::{Automation, Fact, Proof, Threat};
use crate::{ReportInput, number};

/// Proofs shown per threat: a rule that fires on many components repeats itself.
const MOST_PROOFS: usize = 3;
/// Facts shown per proof.
const MOST_FACTS: usize = 8;
/// Steps shown per path.
const MOST_STEPS: usize = 24;

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
        ul.key.threats-key {
            @for (state, name, class, glyph, meaning) in &STATES {
                @if count(*state) > 0 {
                    li { (badge(class, glyph, name)) " " strong.num { (number::count(count(*state))) } " " (meaning) }
                }
            }
        }
        @for (state, name, class, glyph, _) in &STATES {
            @if count(*state) > 0 {
                h3 { (name) " " span.count { (number::count(count(*state))) } }
                @match state {
                    ThreatState::Open => { (open(input, &badge(class, glyph, name), anchors)) },
                    ThreatState::NotApplicable => { (ruled_out(&in_state(input, *state), anchors)) },
                    _ => { (list(&in_state(input, *state), &badge(class, glyph, name), anchors)) },
                }
            }
        }
        (questions(input, anchors))
    }
}

/// The threats in a state, worst first, with their position in the input.
fn in_state(input: &ReportInput, state: ThreatState) -> Vec<(usize, &Threat)> {
    let mut list: Vec<_> = input.threats.iter().enumerate().filter(|(_, t)| t.state == state).collect();
    list.sort_by_key(|(_, t)| std::cmp::Reverse(t.severity));
    list
}

fn list(threats: &[(usize, &Threat)], state: &Markup, anchors: &Anchors) -> Markup {
    html! {
        ul.threats {
            @for (index, threat) in threats { (row(threat, anchors.threats.row(*index), state, anchors)) }
        }
    }
}

/// Open threats, by why they are.
fn open(input: &ReportInput, state: &Markup, anchors: &Anchors) -> Markup {
    let mut threats: Vec<_> =
        in_state(input, ThreatState::Open).into_iter().map(|t| (standing::why(input, t.1), t)).collect();
    threats.sort_by_key(|(why, _)| *why);
    html! {
        @for group in threats.chunk_by(|a, b| a.0 == b.0) {
            @if let [(why, _), ..] = group {
                h4 { (why.heading()) " " span.count { (number::count(group.len() as u64)) } }
                p.detail { (why.meaning()) }
                @let same: Vec<_> = group.iter().map(|(_, t)| *t).collect();
                (list(&same, state, anchors))
            }
        }
    }
}

/// What does not apply: a line each with the fact that decides, since there are many and none needs a person.
fn ruled_out(threats: &[(usize, &Threat)], anchors: &Anchors) -> Markup {
    html! {
        details {
            summary { (number::counted(threats.len(), "threat that a fact rules out", "threats that facts rule out")) }
            ul.ruled-out {
                @for (index, threat) in threats {
                    li id=[anchors.threats.row(*index)] {
                        span.id { (threat.id) }
                        span { (threat.name) }
                        div { (deciding(threat)) }
                    }
                }
            }
        }
    }
}

/// The fact that rules a threat out, and the rest of the argument behind it.
fn deciding(threat: &Threat) -> Markup {
    let Some(proof) = threat.proofs.first() else {
        return html! { span.none { "No proof is recorded." } };
    };
    let more = proof.facts.len() > 1 || !proof.path.is_empty() || proof.removed_by.is_some();
    html! {
        @match proof.facts.first() {
            Some(fact) => { (stated(fact)) },
            None => { (proof.sentence) },
        }
        @if more || threat.proofs.len() > 1 {
            details {
                summary { "proof" }
                @for (i, proof) in threat.proofs.iter().take(MOST_PROOFS).enumerate() {
                    (argument(proof, i > 0, threat.state))
                }
            }
        }
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
            div.threat-foot {
            @if !threat.evidence.is_empty() { p.evidence-line { "Evidence: " (anchors.marks(&threat.evidence)) } }
            details {
                summary {
                    "Proof" @if threat.proofs.len() > 1 { "s" }
                    @if !threat.tests.is_empty() { ", " (number::counted(threat.tests.len(), "test", "tests")) }
                    @if !threat.references.is_empty() { ", " (number::counted(threat.references.len(), "reference", "references")) }
                }
                @if threat.proofs.is_empty() { p.none { "No proof is recorded." } }
                @for (i, proof) in threat.proofs.iter().take(MOST_PROOFS).enumerate() { (argument(proof, i > 0, threat.state)) }
                @if threat.proofs.len() > MOST_PROOFS {
                    p.detail { "and " (number::counted(threat.proofs.len() - MOST_PROOFS, "more proof", "more proofs")) ", in the plan" }
                }
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
}

fn argument(proof: &Proof, with_sentence: bool, state: ThreatState) -> Markup {
    let change = match state {
        ThreatState::NotApplicable => "Would apply if: ",
        ThreatState::Unknown => "Would be ruled out if: ",
        _ => "Would no longer apply if: ",
    };
    html! {
        @if with_sentence { p.why { (proof.sentence) } }
        @if !proof.path.is_empty() {
            ol.path aria-label="Path" { @for step in proof.path.iter().take(MOST_STEPS) { li { (step) } } }
        }
        @if !proof.facts.is_empty() {
            ul.facts {
                @for fact in proof.facts.iter().take(MOST_FACTS) {
                    li { (stated(fact)) }
                }
                @if proof.facts.len() > MOST_FACTS { li { "and " (number::counted(proof.facts.len() - MOST_FACTS, "more fact", "more facts")) } }
            }
        }
        @if let Some(fact) = &proof.removed_by { p { strong { (change) } (fact) } }
    }
}

fn stated(fact: &Fact) -> Markup {
    html! {
        (fact.text) " "
        @match &fact.place { Some(place) => { code { (place) } }, None => { span.none { "missing" } } }
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
