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
            li { code { (command::VERIFY_LEDGER) } " recomputes the root over all entries and checks the signature of the checkpoint." }
            li { code { (command::show_entry(0)) } " prints an entry with its proof of inclusion; use the number behind №." }
            li { code { (command::verify_model(input.system.model.digest.as_ref())) } " checks the files of the model against its signature." }
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
