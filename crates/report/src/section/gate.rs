//! The gate's decision and the release it allowed.

use maud::{Markup, html};

use super::{badge, digest, empty, seq, severity, time};
use crate::anchor::Anchors;
use crate::input::{Gate, Release};
use crate::{ReportInput, command, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    html! {
        @match &input.gate {
            Some(gate) => { (decision(gate, anchors)) },
            None => { (empty("The release gate has not decided.")) },
        }
        h3 { "Release" }
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
            @if waived > 0 { " and " (number::counted(waived, "reason", "reasons")) " waived" }
            "."
        }
        @if gate.reasons.is_empty() { p { "The policy had nothing to object." } }
        ul.reasons {
            @for reason in &gate.reasons {
                li.reason.waived[reason.waived.is_some()] {
                    div.threat-head {
                        code.id { (reason.code) }
                        span.threat-marks {
                            (severity(reason.severity))
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
        }
        dl.facts-list {
            div { dt { "Evidence read" } dd { (anchors.marks(&gate.evidence)) } }
            div { dt { "Policy bundle" } dd { (digest(&gate.policy)) } }
            div { dt { "Signed decision" } dd { (digest(&gate.decision)) } }
        }
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
