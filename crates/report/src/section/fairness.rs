//! How the model treats groups of people, rate by rate.

use maud::{Markup, html};

use super::{figure_row, measured, source, table};
use crate::anchor::Anchors;
use crate::figure::group_bars;
use crate::input::{Fairness, GroupRates};
use crate::number;

pub fn body(fairness: &Fairness, anchors: &Anchors) -> Markup {
    html! {
        h3 { "How it treats groups" }
        (source(fairness.evidence.as_ref(), anchors))
        @for (i, rates) in fairness.rates.iter().enumerate() {
            h4 { "Share " (rates.rate) }
            @if let Some(furthest) = &rates.furthest {
                p {
                    "Furthest apart: " (furthest.slice.as_deref().unwrap_or("two groups")) ", " (measured(furthest))
                    "; asked for: " (rates.asked) "."
                }
            }
            (figure_row(&group_bars(&format!("fig-groups-{i}"), rates), &by_group(rates)))
        }
        @if !fairness.too_small.is_empty() {
            p {
                "Not compared, because they have too few rows: "
                @for (i, (group, n)) in fairness.too_small.iter().enumerate() {
                    @if i > 0 { ", " } (group) " (" (number::count(*n)) ")"
                }
                "."
            }
        }
    }
}

fn by_group(rates: &GroupRates) -> Markup {
    let rows = html! {
        thead { tr { th { "Group" } th.r { "Share" } th.r { "Interval" } th.r { "Rows" } } }
        tbody {
            @for group in &rates.groups {
                @let m = &group.share;
                tr {
                    th scope="row" { (group.group) }
                    td.r.num { (number::in_unit(m.value, &m.unit)) }
                    td.r.num { @if let Some(i) = &m.interval { (number::interval(i, &m.unit)) } }
                    td.r.num { @if let Some(n) = m.n { (number::count(n)) } }
                }
            }
        }
    };
    table(&format!("Share {} by group", rates.rate), &rows)
}
