//! Yearly loss before and after what was measured, against what the organisation tolerates.

use maud::{Markup, html};

use super::{badge, bar, empty, figure_row, table};
use crate::anchor::Anchors;
use crate::figure::{exceedance, over_tolerance, probability_at};
use crate::input::{Estimate, LossCurve, Risk};
use crate::{ReportInput, number};

pub fn body(input: &ReportInput, anchors: &Anchors) -> Markup {
    let Some(risk) = &input.risk else {
        return empty("No loss has been simulated.");
    };
    html! {
        p.lead { (lead(risk)) }
        (figure_row(&exceedance("fig-loss", risk), &against_tolerance(risk)))
        (curves(risk, anchors))
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
                            td { (bar(driver.share)) }
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

fn against_tolerance(risk: &Risk) -> Markup {
    html! {
        @if !risk.tolerance.is_empty() {
            (table("Probability of exceeding each stated loss", &html! {
                thead { tr { th.r { "Loss above, " (risk.currency) } th.r { "tolerated" } @for c in &risk.curves { th.r { (c.name) } } } }
                tbody {
                    @for stated in &risk.tolerance {
                        tr {
                            th.r.num scope="row" { (number::rounded(stated.loss, 3)) }
                            td.r.num { (number::percent(stated.probability)) }
                            @for c in &risk.curves {
                                @match probability_at(&c.points, stated.loss) {
                                    Some(p) if p > stated.probability => {
                                        td.r.num { strong { (number::percent(p)) } span aria-hidden="true" { " ✕" } span.sr { " over" } }
                                    },
                                    Some(p) => { td.r.num { (number::percent(p)) } },
                                    None => { td.r { span.none { "none" } } },
                                }
                            }
                        }
                    }
                }
            }))
            p.detail { "Probability that one year loses more than the sum on the left; ✕ marks what is over the tolerance." }
        }
    }
}

fn curves(risk: &Risk, anchors: &Anchors) -> Markup {
    html! {
        @if !risk.curves.is_empty() {
            (table("Yearly loss", &html! {
                thead { tr {
                    th { "Yearly loss" } th.r { "Mean" } th.r { "One year in 20 above" } th.r { "One year in 100 above" }
                    th { "Tolerance" } th { "Moved by" }
                } }
                tbody {
                    @for c in &risk.curves {
                        tr {
                            th scope="row" { (c.name) }
                            @for e in [c.mean, c.p95, c.p99] { td.r.num { (estimate(e, &risk.currency)) } }
                            td { (kept(c, risk)) }
                            td { (anchors.marks(&c.evidence)) }
                        }
                    }
                }
            }))
        }
    }
}

fn estimate(e: Estimate, currency: &str) -> Markup {
    html! {
        (number::money(e.value, currency))
        div.detail { (number::rounded(e.low, 3)) " to " (number::rounded(e.high, 3)) }
    }
}

fn kept(curve: &LossCurve, risk: &Risk) -> Markup {
    if risk.tolerance.is_empty() {
        return html! { span.none { "not stated" } };
    }
    match over_tolerance(&curve.points, &risk.tolerance) {
        Some(loss) => html! {
            (badge("bad", "✕", "exceeded")) div.detail.num { "from " (number::rounded(loss, 3)) }
        },
        None => badge("ok", "✓", "kept"),
    }
}
