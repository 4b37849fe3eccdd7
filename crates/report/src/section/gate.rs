//! The gate's decision and the release it allowed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{badge, digest, empty, seq, severity, time};
use crate::anchor::{Anchors, RELEASE};
use crate::input::{Gate, Reason, Release};
use crate::{ReportInput, command, number};

/// Subjects listed for warnings of one rule and severity.
const MOST_SUBJECTS: usize = 100;
/// Characters of a subject, which may be a name from a file.
const MOST_SUBJECT: usize = 80;
/// Characters of a message.
const MOST_CHARACTERS: usize = 400;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    html! {
        @match &input.gate {
            Some(gate) => { (decision(gate, anchors)) },
            None => { (empty("The release gate has not decided.")) },
        }
        h3 id=(RELEASE) { "Release" }
        @match &input.release {
            Some(release) => { (signed(release)) },
            None => { (empty("Nothing was signed: there is no release of this model.")) },
        }
    }
}

fn decision(gate: &Gate, anchors: &Anchors) -> Markup {
    let standing = gate.reasons.iter().filter(|r| r.waived.is_none()).count();
    let waived = gate.reasons.len() - standing;
    html! {
        p.lead {
            "The policy "
            @if gate.allow { strong { "allowed" } } @else { strong { "refused" } }
            " the release on " (time(gate.decided_at)) " " (seq(gate.ledger_seq)) ", with "
            @if standing == 0 { "no reason" } @else { (number::counted(standing, "reason", "reasons")) }
            " against it"
            @if waived > 0 { ", " (number::counted(waived, "reason", "reasons")) " waived" }
            @if gate.warnings.is_empty() { " and no warning" } @else { " and " (number::counted(gate.warnings.len(), "warning", "warnings")) }
            "."
        }
        @if !gate.reasons.is_empty() { ul.reasons {
            @for reason in &gate.reasons {
                li.reason.waived[reason.waived.is_some()] {
                    div.threat-head {
                        code.id { (reason.code) }
                        span.threat-marks {
                            (about(&reason.subject, anchors)) (severity(reason.severity))
                            @if reason.waived.is_some() { (badge("held", "◆", "waived")) }
                        }
                    }
                    p { (reason.message) }
                    p.solution { strong { "What would satisfy it: " } (reason.solution) }
                    @if let Some(waiver) = &reason.waived {
                        p.accepted {
                            "Waived by " (waiver.by)
                            @if let Some(until) = waiver.until { " until " (number::date(until)) }
                            ": " (waiver.why)
                        }
                    }
                }
            }
        } }
        (warnings(&gate.warnings, anchors))
        dl.facts-list {
            div { dt { "Evidence read" } dd { (anchors.marks(&gate.evidence)) } }
            div { dt { "Policy bundle" } dd { (digest(&gate.policy)) } }
            div { dt { "Signed decision" } dd { (digest(&gate.decision)) } }
        }
    }
}

/// Warnings that say the same, worst first. They decide nothing, and hiding them would make an approval look
/// better than it is.
fn warnings(warnings: &[Reason], anchors: &Anchors) -> Markup {
    if warnings.is_empty() {
        return html! {};
    }
    let groups = alike(warnings);
    html! {
        p { "Warnings decide nothing; they are what the policy wants people to know:" }
        ul.facts {
            @for group in &groups {
                @if let [first, ..] = group.as_slice() {
                    li { strong.num { (number::count(group.len() as u64)) } " × " (number::clip(&first.message, MOST_CHARACTERS)) }
                }
            }
        }
        details {
            summary { (number::counted(warnings.len(), "warning", "warnings")) " by rule, with what would satisfy it" }
            ul.reasons {
                @for group in &groups {
                    @if let [first, ..] = group.as_slice() {
                        li.reason {
                            div.threat-head {
                                code.id { (first.code) }
                                span.threat-marks { span.num { "× " (number::count(group.len() as u64)) } (severity(first.severity)) }
                            }
                            p { (number::clip(&first.message, MOST_CHARACTERS)) }
                            @if !first.solution.is_empty() { p.solution { strong { "What would satisfy it: " } (first.solution) } }
                            @for level in group.chunk_by(|a, b| a.severity == b.severity) {
                                @if let [reason, ..] = level { p.subjects {
                                    (severity(reason.severity)) " "
                                    @for (i, reason) in level.iter().take(MOST_SUBJECTS).enumerate() {
                                        @if i > 0 { ", " }
                                        (about(&reason.subject, anchors))
                                    }
                                    @if level.len() > MOST_SUBJECTS { " and " (number::count((level.len() - MOST_SUBJECTS) as u64)) " more, in the signed decision" }
                                } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Warnings in groups of one rule and one message, worst and largest first, each group worst first.
fn alike(warnings: &[Reason]) -> Vec<Vec<&Reason>> {
    let mut groups: BTreeMap<(&str, &str), Vec<&Reason>> = BTreeMap::new();
    for warning in warnings {
        groups.entry((&warning.code, &warning.message)).or_default().push(warning);
    }
    let mut groups: Vec<Vec<&Reason>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|r| Reverse(r.severity));
    }
    groups.sort_by_key(|g| Reverse((g.first().map(|r| r.severity), g.len())));
    groups
}

/// What a reason is about; a threat is linked.
fn about(subject: &str, anchors: &Anchors) -> Markup {
    html! {
        @if anchors.threats.of(subject).is_some() { (anchors.threats.link(subject)) }
        @else if !subject.is_empty() { span.detail { (number::clip(subject, MOST_SUBJECT)) } }
    }
}

fn signed(release: &Release) -> Markup {
    html! {
        dl.facts-list {
            div { dt { "Signed" } dd { (time(release.released_at)) " " (seq(release.ledger_seq)) } }
            div { dt { "Signer" } dd { code { (release.signer) } } }
            div { dt { "Model signature" } dd { (digest(&release.signature)) } }
            div { dt { "OpenSSF root" } dd { (digest(&release.root)) } }
            div { dt { "ML-BOM" } dd {
                @match &release.bom { Some(d) => { (digest(d)) }, None => { span.none { "none" } } }
            } }
            div { dt { "Check it" } dd { code { (command::VERIFY_MODEL) } } }
        }
    }
}
