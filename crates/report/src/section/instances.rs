//! The copies that ran, the digest each proved, and the traffic they answered.

use maud::{Markup, html};

use super::{badge, empty, hour, seq, table};
use crate::anchor::Anchors;
use crate::input::{Instance, Traffic};
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    html! {
        @if input.instances.is_empty() { (empty("No instance of this model has been started.")) }
        @else { (instances(input, anchors)) }
        h3 { "Traffic through the gateway" }
        @match &input.traffic {
            Some(traffic) => { (answered(traffic)) },
            None => { (empty("The gateway has seen no request for this model.")) },
        }
    }
}

fn instances(input: &ReportInput, anchors: &Anchors) -> Markup {
    let expected = input.system.model.digest;
    let matches = input.instances.iter().filter(|i| i.proven.is_some() && i.proven == expected).count();
    let running = input.instances.iter().filter(|i| i.stopped.is_none()).count();
    html! {
        p.lead {
            (number::counted(input.instances.len(), "instance was", "instances were")) " started; "
            (number::count(matches as u64)) " proved at load that the bytes they serve are the released model; "
            @if running == 0 { "none" } @else { (number::count(running as u64)) } " ran when this report was made."
        }
        (table("Instances", &html! {
            thead { tr { th { "Instance" } th { "Where" } th { "Digest it proved" } th { "Started" } th { "Stopped" } th { "Ledger" } } }
            tbody {
                @for (index, instance) in input.instances.iter().enumerate() {
                    tr id=[anchors.instances.row(index)] {
                        th scope="row" { (instance.id) }
                        td { code { (instance.address) } @if let Some(pid) = instance.pid { div.detail { "process " (pid) } } }
                        td { (proven(instance, expected.as_ref())) }
                        td { (hour(instance.started)) }
                        td {
                            @match instance.stopped { Some(t) => { (hour(t)) }, None => { (badge("ok", "✓", "running")) } }
                            @if let Some(proof) = &instance.stop_proof { div.detail { (proof) } }
                        }
                        td { (seq(instance.ledger_seq)) }
                    }
                }
            }
        }))
    }
}

fn proven(instance: &Instance, expected: Option<&proofhouse_core::Digest>) -> Markup {
    html! {
        @match &instance.proven {
            None => { (badge("off", "?", "never proved")) },
            Some(d) => {
                code title=(d) { (d.short()) }
                " "
                @if Some(d) == expected { (badge("ok", "✓", "released model")) } @else { (badge("bad", "✕", "another model")) }
            },
        }
    }
}

fn answered(traffic: &Traffic) -> Markup {
    let total: u64 = traffic.by_status.values().fold(0, |sum, n| sum.saturating_add(*n));
    let served = traffic
        .by_status
        .iter()
        .filter(|(s, _)| (200..300).contains(*s))
        .fold(0u64, |sum, (_, n)| sum.saturating_add(*n));
    html! {
        p { (number::count(total)) " requests arrived and " (number::count(served)) " were answered by the model." }
        div.pair {
            (table("Requests by status", &html! {
                thead { tr { th { "Answer" } th.r { "Requests" } th.r { "Share" } } }
                tbody {
                    @for (status, n) in &traffic.by_status {
                        tr {
                            th scope="row" { span.num { (status) } " " (meaning(*status)) }
                            td.r.num { (number::count(*n)) }
                            td.r.num { (number::percent(*n as f64 / total as f64)) }
                        }
                    }
                }
            }))
            @if !traffic.windows.is_empty() {
                (table("Stretches of traffic", &html! {
                    thead { tr { th { "Stretch" } th.r { "Requests" } } }
                    tbody {
                        @for window in &traffic.windows {
                            tr { th scope="row" { (window.name) } td.r.num { (number::count(window.requests)) } }
                        }
                    }
                }))
            }
        }
    }
}

fn meaning(status: u16) -> &'static str {
    match status {
        200 => "answered",
        400 => "not understood",
        401 => "no valid key",
        403 => "denied by policy",
        404 => "no such route",
        410 => "recalled",
        413 => "too large",
        429 => "over the limit",
        503 => "no instance",
        other => match other / 100 {
            2 => "accepted",
            4 => "turned away",
            5 => "failed",
            _ => "",
        },
    }
}
