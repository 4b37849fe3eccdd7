//! The register: every signed result, what it depends on, and how to check it.

use maud::{Markup, html};
use proofhouse_core::{Finding, Freshness, StaleReason};

use super::{badge, digest, empty, measured, seq, severity, time, verdict};
use crate::anchor::Anchors;
use crate::input::Evidence;
use crate::{ReportInput, command, number};

/// Findings listed per result; the envelope has them all.
const MOST_FINDINGS: usize = 25;
/// Characters of a finding's message, which may quote a hostile file.
const MOST_CHARACTERS: usize = 400;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    if input.evidence.is_empty() {
        return empty("No check has been run, so there is no evidence.");
    }
    html! {
        p.lead {
            (number::counted(input.evidence.len(), "signed result", "signed results")) ", each an entry of the ledger. "
            "A result is stale when anything it depends on changes."
        }
        @for (index, evidence) in input.evidence.iter().enumerate() {
            (row(evidence, anchors.evidence.row(index)))
        }
    }
}

fn row(evidence: &Evidence, id: Option<&str>) -> Markup {
    html! {
        article.evidence id=[id] {
            div.threat-head {
                h3 { (evidence.check) }
                span.threat-marks { (verdict(evidence.verdict)) (freshness(&evidence.freshness)) (seq(evidence.ledger_seq)) }
            }
            p { strong { "Criterion: " } (evidence.criterion) }
            p { strong { "Examined: " } (evidence.subject.kind) " " (evidence.subject.name) " " code title=(evidence.subject.digest) { (evidence.subject.digest.short()) } }
            @if !evidence.measurements.is_empty() { (measurements(evidence)) }
            @if !evidence.findings.is_empty() { (findings(&evidence.findings)) }
            @if evidence.measurements.is_empty() && evidence.findings.is_empty() { p.none { "No measurement and no finding." } }
            details {
                summary { "What it depends on, who signed it, how to check it" }
                dl.facts-list {
                    div { dt { "Envelope" } dd { (digest(&evidence.id)) } }
                    div { dt { "Signer" } dd { code { (evidence.signer) } } }
                    div { dt { "Finished" } dd { (time(evidence.finished)) } }
                    div { dt { "Valid until" } dd { @match evidence.valid_until { Some(t) => { (time(t)) }, None => { "anything it depends on changes" } } } }
                    div { dt { "Subject" } dd { (digest(&evidence.inputs.subject)) } }
                    div { dt { "Data" } dd { @match &evidence.inputs.data { Some(d) => { (digest(d)) }, None => { span.none { "none" } } } } }
                    div { dt { "Parameters" } dd { (digest(&evidence.inputs.config)) } }
                    div { dt { "Program" } dd { (digest(&evidence.inputs.tool)) } }
                    div { dt { "Policy" } dd { @match &evidence.inputs.policy { Some(d) => { (digest(d)) }, None => { span.none { "none" } } } } }
                    div { dt { "Seed" } dd { @match evidence.inputs.seed { Some(s) => { code { (s) } }, None => { span.none { "no chance involved" } } } } }
                    div { dt { "Check it" } dd { code { (command::show_evidence(&evidence.inputs.subject)) } br; code { (command::VERIFY_STATEMENT) } br; code { (command::VERIFY_LEDGER) } } }
                }
            }
        }
    }
}

fn measurements(evidence: &Evidence) -> Markup {
    let list = |items: &[proofhouse_core::Measurement]| {
        html! {
            ul.measurements {
                @for m in items { li { (number::measured_name(m)) ": " (measured(m)) } }
            }
        }
    };
    // A result with a figure for every class or column would push the next one off the screen.
    let (shown, folded) = evidence.measurements.split_at(evidence.measurements.len().min(6));
    html! {
        (list(shown))
        @if !folded.is_empty() {
            details { summary { (number::counted(folded.len(), "more measurement", "more measurements")) } (list(folded)) }
        }
    }
}

fn findings(findings: &[Finding]) -> Markup {
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    sorted.sort_by_key(|f| std::cmp::Reverse(f.severity));
    html! {
        ul.findings {
            @for finding in sorted.iter().take(MOST_FINDINGS) {
                li {
                    (severity(finding.severity)) " " code { (number::clip(&finding.rule, 100)) } " "
                    (number::clip(&finding.message, MOST_CHARACTERS)) " "
                    code.place { (number::clip(&finding.place.to_string(), MOST_CHARACTERS)) }
                    @if !finding.remediation.is_empty() { div.detail { (number::clip(&finding.remediation, MOST_CHARACTERS)) } }
                }
            }
        }
        @if findings.len() > MOST_FINDINGS {
            p.detail { (number::count((findings.len() - MOST_FINDINGS) as u64)) " more findings are in the signed envelope." }
        }
    }
}

fn freshness(freshness: &Freshness) -> Markup {
    match freshness {
        Freshness::Fresh => badge("ok", "✓", "fresh"),
        Freshness::Stale(reasons) => {
            let why: Vec<&str> = reasons.iter().map(|r| reason(*r)).collect();
            badge("warn", "◐", &format!("stale: {}", why.join(", ")))
        }
    }
}

fn reason(reason: StaleReason) -> &'static str {
    match reason {
        StaleReason::Subject => "another subject",
        StaleReason::Data => "other data",
        StaleReason::Config => "other parameters",
        StaleReason::Tool => "another program",
        StaleReason::Policy => "another policy",
        StaleReason::Seed => "another seed",
        StaleReason::Expired => "expired",
        _ => "something changed",
    }
}
