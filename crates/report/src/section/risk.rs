//! Yearly loss before and after what was measured, against what the organisation tolerates.

use maud::{Markup, html};

use super::{badge, empty, figure_row, table};
use crate::anchor::Anchors;
use crate::figure::{exceedance, over_tolerance};
use crate::input::{Estimate, Risk};
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let Some(risk) = &input.risk else {
        return empty("No loss has been simulated.");
    };
    html! {
        p.lead { (lead(risk)) }
        (figure_row(&exceedance("fig-loss", risk), &curves(risk, anchors)))
        @if !risk.drivers.is_empty() {
            h3 { "What the last curve consists of" }
            (table("Drivers of loss", &html! {
                thead { tr { th { "Scenario" } th { "Threats" } th.r { "Mean yearly loss" } th.r { "Share" } th { span.sr { "Share as a bar" } } } }
                tbody {
                    @for driver in &risk.drivers {
                        tr {
                            th scope="row" { (driver.name) }
                            td { (anchors.threat_links(&driver.threats)) }
                            td.r.num { (number::money(driver.mean, &risk.currency)) }
                            td.r.num { (number::percent(driver.share)) }
                            td { meter min="0" max="1" value=(bounded(driver.share)) aria-hidden="true" {} }
                        }
                    }
                }
            }))
        }
        p.detail {
            "Simulated over " (number::count(risk.years)) " years, seed " (risk.seed) ". Numbers are rounded to three digits; bands are the "
            "sampling error of the simulation, not of its assumptions."
        }
    }
}

fn lead(risk: &Risk) -> Markup {
    html! {
        @match risk.curves.as_slice() {
            [] => { "No curve was computed." },
            [.., last] => {
                "One year in a hundred loses more than " strong { (number::money(last.p99.value, &risk.currency)) } " (" (last.name) "). "
                @if risk.tolerance.is_empty() { "No tolerance is stated to hold this against." }
                @else {
                    @match over_tolerance(&last.points, &risk.tolerance) {
                        Some(loss) => { "That is over the stated tolerance for losses from " (number::money(loss, &risk.currency)) " up." },
                        None => { "That is within the stated tolerance at every stated loss." },
                    }
                }
            },
        }
    }
}

fn curves(risk: &Risk, anchors: &Anchors) -> Markup {
    html! {
        @if !risk.curves.is_empty() {
            (table("Yearly loss", &html! {
                thead { tr { th { "Yearly loss" } @for c in &risk.curves { th.r { (c.name) } } } }
                tbody {
                    @for (name, of) in ROWS {
                        tr {
                            th scope="row" { (name) }
                            @for c in &risk.curves {
                                @let e = of(c);
                                td.r.num { (number::money(e.value, &risk.currency)) div.detail { (number::rounded(e.low, 3)) " to " (number::rounded(e.high, 3)) } }
                            }
                        }
                    }
                    @if !risk.tolerance.is_empty() {
                        tr {
                            th scope="row" { "Tolerance" }
                            @for c in &risk.curves {
                                td.r { @match over_tolerance(&c.points, &risk.tolerance) {
                                    Some(loss) => { (badge("bad", "✕", "exceeded")) div.detail { "from " (number::money(loss, &risk.currency)) } },
                                    None => { (badge("ok", "✓", "kept")) },
                                } }
                            }
                        }
                    }
                    tr {
                        th scope="row" { "Moved by" }
                        @for c in &risk.curves { td.r { (anchors.marks(&c.evidence)) } }
                    }
                }
            }))
        }
    }
}

type Row = (&'static str, fn(&crate::input::LossCurve) -> Estimate);

const ROWS: [Row; 3] = [
    ("Mean", |c| c.mean),
    ("One year in twenty above", |c| c.p95),
    ("One year in a hundred above", |c| c.p99),
];

fn bounded(share: f64) -> f64 {
    if share.is_finite() { (share.clamp(0.0, 1.0) * 1000.0).round() / 1000.0 } else { 0.0 }
}
