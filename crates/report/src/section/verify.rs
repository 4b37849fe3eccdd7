//! How to check the report without believing it.

use maud::{Markup, html};

use super::digest;
use crate::{ReportInput, command, number};

pub fn body(input: &ReportInput) -> Markup {
    let ledger = &input.ledger;
    html! {
        p.lead {
            "This page is a view of a ledger and proves nothing by itself. The ledger is an append-only Merkle log; "
            "the checkpoint below commits to every entry that this report cites."
        }
        ol.questions {
            li { code { (command::VERIFY_LEDGER) } " recomputes every hash, proof and signature; the number behind № is the entry." }
            li { code { (command::VERIFY_AGAINST_CHECKPOINT) } " holds it against the checkpoint below, kept elsewhere: that finds a ledger cut short or replaced." }
            li { code { (command::VERIFY_STATEMENT) } " checks one signed result, decision or release." }
            li { code { (command::VERIFY_MODEL) } " checks the files of the model against its signature." }
            @if input.recall.is_some() {
                li { code { (command::VERIFY_CERTIFICATE) } " checks that the recall accounts for every instance." }
            }
        }
        dl.facts-list {
            div { dt { "Log" } dd { code { (ledger.origin) } } }
            div { dt { "Entries" } dd { span.num { (number::count(ledger.size)) } } }
            div { dt { "Root" } dd { (digest(&ledger.root)) } }
            div { dt { "Verifier key" } dd { code.digest { (ledger.verifier_key) } } }
        }
        h3 { "Signed checkpoint" }
        pre tabindex="0" aria-label="Signed checkpoint" { (ledger.checkpoint) }
    }
}
