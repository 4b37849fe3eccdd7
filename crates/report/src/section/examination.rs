//! The page about one examination: a heading, the result, and a section for each thing that was done.

use maud::{Markup, html};

use super::{Section, figure_row, measured, robustness, table};
use crate::figure::{hardening_curve, picture, severity_curve, spending_curve};
use crate::input::{Examination, Hardening, Natural, Results, Spending};
use crate::number;

/// Everything above the first section.
pub fn head(examination: &Examination) -> Markup {
    html! {
        header.hero id="top" {
            div.hero-text {
                h1 { (examination.title) }
                div.sentences { @for sentence in &examination.lead { p { (sentence) } } }
            }
        }
    }
}

/// What was done, and with what.
pub fn sections(examination: &Examination) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut section = |id, title, body| sections.push(Section { id, title, body });
    if let Some(found) = &examination.robustness {
        let body = html! { (robustness::result(found)) (robustness::details(found, "in the JSON report")) };
        section("robustness", "Attacks within a distance", body);
    }
    if let Some(found) = &examination.table {
        section("table", "Attacks under the rules of the table", robustness::table_attack(found));
    }
    if let Some(found) = &examination.natural {
        section("natural", "Everyday changes", natural(found));
    }
    if let Some(found) = &examination.hardening {
        section("hardening", "Training against attacks", hardening(found));
    }
    if let Some(found) = &examination.spending {
        section("spending", "What an attacker gets for it", spending(found));
    }
    if !examination.tables.is_empty() {
        section("results", "Results", html! { @for results in &examination.tables { (listed(results)) } });
    }
    if !examination.examples.is_empty() {
        let body = robustness::drawn(&examination.examples, "in the JSON report");
        section("examples", "Inputs that were turned", body);
    }
    if !examination.pictures.is_empty() {
        section("pictures", "Pictures", pictures(examination));
    }
    section("facts", "What was examined", facts(examination));
    sections
}

fn natural(natural: &Natural) -> Markup {
    let severities = natural.kinds.iter().map(|(_, points)| points.len()).max().unwrap_or(0);
    html! {
        p.lead { "Share of right answers without a change: " (measured(&natural.clean)) "." }
        div.columns {
            @for (i, (kind, points)) in natural.kinds.iter().enumerate() {
                figure { (severity_curve(&format!("fig-severity-{}", i + 1), kind, natural.clean.value, points)) }
            }
        }
        (table("Right answers by severity", &html! {
            thead { tr { th { "Change" } @for severity in 1..=severities { th.r { "Severity " (severity) } } } }
            tbody {
                @for (kind, points) in &natural.kinds {
                    tr {
                        th scope="row" { (kind) }
                        @for m in points { td.r.num { (number::in_unit(m.value, &m.unit)) } }
                    }
                }
            }
        }))
    }
}

fn hardening(hardening: &Hardening) -> Markup {
    let every = hardening.epochs.len().div_ceil(10).max(1);
    let shown = |epoch: usize| epoch.is_multiple_of(every) || epoch == 1 || epoch == hardening.chosen;
    let rows = html! {
        thead { tr { th.r { "Epoch" } th.r { "Loss" } th.r { "Without attack" } th.r { "Under attack" } } }
        tbody {
            @for e in hardening.epochs.iter().filter(|e| shown(e.epoch)) {
                tr.flag[e.epoch == hardening.chosen] {
                    th.r.num scope="row" { (e.epoch) }
                    td.r.num { (number::rounded(e.loss, 3)) }
                    td.r.num { (number::percent(e.clean)) }
                    td.r.num { (number::percent(e.robust)) }
                }
            }
        }
    };
    html! {
        (table("Before and after", &html! {
            thead { tr { th { "" } th { "Without attack" } th { "Under " (hardening.attacks) } } }
            tbody {
                @for (name, (clean, robust)) in [("before", &hardening.before), ("after", &hardening.after)] {
                    tr { th scope="row" { (name) } td { (measured(clean)) } td { (measured(robust)) } }
                }
            }
        }))
        (figure_row(&hardening_curve("fig-hardening", hardening), &table("By epoch", &rows)))
    }
}

fn spending(spending: &Spending) -> Markup {
    let rows = html! {
        thead { tr { th.r { (spending.of) } th.r { "Share" } th.r { "Interval" } } }
        tbody {
            @for (spent, m) in &spending.points {
                tr {
                    th.r.num scope="row" { (number::axis(*spent)) }
                    td.r.num { (number::in_unit(m.value, &m.unit)) }
                    td.r.num { @if let Some(i) = &m.interval { (number::interval(i, &m.unit)) } }
                }
            }
        }
    };
    figure_row(&spending_curve("fig-spending", spending), &table("By what is spent", &rows))
}

fn listed(results: &Results) -> Markup {
    html! {
        h3 { (results.title) }
        @if !results.says.is_empty() { p { (results.says) } }
        (table(&results.title, &html! {
            thead { tr { @for (i, column) in results.columns.iter().enumerate() { th.r[i > 0] { (column) } } } }
            tbody {
                @for row in &results.rows {
                    tr { @for (i, cell) in row.iter().enumerate() { td.r[i > 0].num[i > 0] { (cell) } } }
                }
            }
        }))
    }
}

fn pictures(examination: &Examination) -> Markup {
    html! {
        div.pictures {
            @for (i, shown) in examination.pictures.iter().enumerate() {
                figure {
                    (picture(&format!("fig-picture-{}", i + 1), &shown.image, &shown.caption))
                    figcaption { (shown.caption) }
                }
            }
        }
    }
}

fn facts(examination: &Examination) -> Markup {
    html! {
        dl.facts-list {
            @for (name, value) in &examination.facts { div { dt { (name) } dd { (value) } } }
        }
    }
}
