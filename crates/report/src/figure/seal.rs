//! The proof mark: the state of the model as a stamp, with the size of the ledger it was read from.

use maud::{Markup, html};

use super::image;
use crate::number;

/// An oval stamp. `kind` is a class that sets its colour; the word carries the meaning.
pub fn seal(id: &str, word: &str, kind: &str, ledger_size: u64) -> Markup {
    let entries = format!("{} LEDGER ENTRIES", number::count(ledger_size));
    let body = html! {
        g class={ "seal " (kind) } transform="rotate(-4 110 66)" {
            ellipse.outer cx="110" cy="66" rx="106" ry="58" {}
            ellipse.inner cx="110" cy="66" rx="99" ry="51" {}
            text.rim x="110" y="42" text-anchor="middle" { "PROOFHOUSE" }
            path.inner d="M42 51H178M42 85H178" {}
            text.word x="110" y="76" text-anchor="middle" { (word) }
            text.rim x="110" y="99" text-anchor="middle" { (entries) }
        }
    };
    image(
        id,
        (220.0, 132.0),
        &format!("State: {word}"),
        &format!("Read from a ledger of {ledger_size} entries."),
        &body,
    )
}
