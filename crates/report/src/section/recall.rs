//! The recall: order, steps, a proof for each instance, certificate.

use maud::{Markup, html};

use super::{badge, digest, empty, hour, seq, table, time};
use crate::anchor::Anchors;
use crate::input::Recall;
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let Some(recall) = &input.recall else {
        return empty("No recall has been ordered.");
    };
    let proven = recall.proofs.iter().filter(|p| p.at.is_some()).count();
    html! {
        p.lead {
            "Order " code { (recall.order) } " of " (time(recall.ordered_at)) " " (seq(recall.ledger_seq))
            " takes the digest out of service " (recall.scope) ". "
            (number::count(proven as u64)) " of " (number::counted(recall.proofs.len(), "instance is", "instances are"))
            " proven stopped; " (answered(recall)) "."
        }
        dl.facts-list {
            div { dt { "Reason" } dd { (recall.reason) } }
            div { dt { "Ordered by" } dd { (recall.ordered_by) } }
            div { dt { "Scope" } dd { (recall.scope) } }
            div { dt { "Recalled digest" } dd { (digest(&recall.digest)) } }
            div { dt { "Recall list epoch" } dd { span.num { (number::count(recall.epoch)) } } }
            div { dt { "Certificate" } dd {
                @match &recall.certificate {
                    Some(c) => {
                        (digest(&c.digest)) " issued " (time(c.issued_at)) " by " code { (c.signer) } " " (seq(c.ledger_seq))
                    },
                    None => { (badge("warn", "▲", "none")) " until every instance is accounted for" },
                }
            } }
        }
        @if !recall.steps.is_empty() {
            h3 { "Steps" }
            ol.steps {
                @for step in &recall.steps {
                    li {
                        span.when { "+" (number::duration(step.at.unix_ms() - recall.ordered_at.unix_ms())) }
                        div {
                            strong { (step.name) } " " @if let Some(n) = step.ledger_seq { (seq(n)) }
                            div.detail { (step.detail) " " (hour(step.at)) }
                        }
                    }
                }
            }
        }
        @if !recall.proofs.is_empty() {
            h3 { "Proof for each instance" }
            (table("Proof for each instance", &html! {
                thead { tr { th { "Instance" } th { "Proven stopped" } th { "How" } } }
                tbody {
                    @for proof in &recall.proofs {
                        tr {
                            th scope="row" { (anchors.instances.link(&proof.instance)) }
                            td { @match proof.at { Some(t) => { (hour(t)) }, None => { (badge("warn", "▲", "not proven")) } } }
                            td.text { (proof.proof) }
                        }
                    }
                }
            }))
        }
    }
}

fn answered(recall: &Recall) -> Markup {
    html! {
        @match recall.answered_after {
            Some(0) => { strong { "no request" } " was answered with it after the gateway acknowledged the order" },
            Some(n) => { strong { (number::count(n)) " requests" } " were answered with it after the gateway acknowledged the order" },
            None => { "nobody counted what was answered after the gateway acknowledged the order" },
        }
    }
}
