//! What the evidence says to the NIST AI RMF and how much of each taxonomy the threats cite.

use std::collections::BTreeMap;

use maud::{Markup, html};

use super::{bar, empty, seq, table};
use crate::anchor::Anchors;
use crate::input::RmfSubcategory;
use crate::{ReportInput, number};

/// Ledger entries listed per subcategory.
const MOST_ENTRIES: usize = 12;

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let frameworks = &input.frameworks;
    if frameworks.rmf.is_empty() && frameworks.counts.is_empty() {
        return empty("No framework was looked at.");
    }
    html! {
        p.lead {
            "A subcategory counts as evidenced when a signed result or a ledger entry speaks about it. "
            "That is evidence for an assessor, not a finding of conformity."
        }
        @if !frameworks.rmf.is_empty() { (rmf(&frameworks.rmf, anchors)) }
        @if !frameworks.counts.is_empty() {
            h3 { "Taxonomies" }
            (table("Taxonomies", &html! {
                thead { tr { th { "Framework" } th { "Edition" } th.r { "Entries cited" } th.r { "Of them evidenced" } th.r { "Entries in the edition" } } }
                tbody {
                    @for count in &frameworks.counts {
                        tr {
                            th scope="row" { (count.framework) }
                            td { (count.version) }
                            td.r.num { (number::count(count.cited)) }
                            td.r.num { (number::count(count.evidenced)) }
                            td.r.num { @match count.total { Some(n) => { (number::count(n)) }, None => { "not known" } } }
                        }
                    }
                }
            }))
        }
    }
}

fn rmf(subcategories: &[RmfSubcategory], anchors: &Anchors) -> Markup {
    let mut functions: BTreeMap<(usize, &str), Vec<&RmfSubcategory>> = BTreeMap::new();
    for subcategory in subcategories {
        functions.entry(function(subcategory)).or_default().push(subcategory);
    }
    html! {
        h3 { "NIST AI RMF" }
        (table("NIST AI RMF by function", &html! {
            thead { tr { th { "Function" } th.r { "Evidenced" } th.r { "Subcategories" } th { span.sr { "Share as a bar" } } } }
            tbody {
                @for ((_, name), members) in &functions {
                    @let evidenced = members.iter().filter(|m| is_evidenced(m)).count();
                    tr {
                        th scope="row" { (name) }
                        td.r.num { (number::count(evidenced as u64)) }
                        td.r.num { (number::count(members.len() as u64)) }
                        td { (bar(evidenced as f64 / members.len() as f64)) }
                    }
                }
            }
        }))
        @for ((_, name), members) in &functions {
            details {
                summary { (name) ", subcategory by subcategory" }
                ul.subcategories {
                    @for member in members {
                        li.off[!is_evidenced(member)] {
                            span.id { (member.id.id()) }
                            span {
                                @if !is_evidenced(member) { span.none { "no evidence" } }
                                @for id in &member.evidence { (anchors.mark(id)) " " }
                                @for n in member.entries.iter().take(MOST_ENTRIES) { (seq(*n)) " " }
                                @if member.entries.len() > MOST_ENTRIES { "and " (number::count((member.entries.len() - MOST_ENTRIES) as u64)) " more" }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn is_evidenced(subcategory: &RmfSubcategory) -> bool {
    !subcategory.evidence.is_empty() || !subcategory.entries.is_empty()
}

/// The function of a subcategory, in the order of the framework.
fn function(subcategory: &RmfSubcategory) -> (usize, &str) {
    const ORDER: [&str; 4] = ["GOVERN", "MAP", "MEASURE", "MANAGE"];
    let name = subcategory.id.id().split(' ').next().unwrap_or_default();
    (ORDER.iter().position(|f| *f == name).unwrap_or(ORDER.len()), name)
}
