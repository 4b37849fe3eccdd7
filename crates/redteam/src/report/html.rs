//! One self-contained HTML page: figures, tables and the attacks that succeeded. Loads nothing, runs nothing,
//! follows the reader's colours; every text from an attack or an answer is escaped, and characters that hide or
//! reorder text are written out, since that is what attacks are made of.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use proofhouse_core::{Digest, Measurement, Verdict};

use super::figure::intervals;
use super::{Criterion, Example, FamilyResult, Report};
use crate::{converter, family};

const STYLE: &str = include_str!("style.css");
/// Characters of an attack or an answer that the page shows.
const SHOWN: usize = 2000;

/// Reports side by side as one page: usually the target without and with a guard in front. The first two are
/// drawn; all are listed.
#[must_use]
pub fn render(reports: &[Report], criterion: &Criterion) -> String {
    visible(&document(reports, criterion).into_string())
}

fn document(reports: &[Report], criterion: &Criterion) -> Markup {
    let scenario = reports.first().map_or("nothing", |r| r.scenario.as_str());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(content_security_policy());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Red team: " (scenario) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the report" }
                main id="content" {
                    h1 { "Red team: " (scenario) }
                    @for report in reports { (summary(report, criterion)) }
                    section aria-labelledby="families" {
                        h2 id="families" { "Attack success by family" }
                        p { "Share of attempts that reached their goal, with Wilson intervals. \
                            Attempts that could not be decided are left out here and counted in the table." }
                        (intervals(reports, criterion))
                        @for report in reports { (families(report, criterion)) }
                    }
                    @for report in reports { (benign(report)) }
                    @for report in reports { (search(report)) }
                    @for report in reports { (examples(report)) }
                    @for report in reports { (converters(report)) }
                    section aria-labelledby="method" {
                        h2 id="method" { "How this was decided" }
                        p { "An attempt counts as a success only where a canary, a tool call or an output rule proves it, or a judge \
                            whose agreement with labelled samples is stated. What nobody could decide is unknown: neither a success nor a \
                            failure. Attacks found by the search are counted apart, since they were not sampled." }
                        p { "Criterion: " (criterion.words()) "." }
                    }
                }
            }
        }
    }
}

fn summary(report: &Report, criterion: &Criterion) -> Markup {
    let attempts: u64 = report.families.iter().map(|f| f.attempts).sum();
    let succeeded: u64 = report.families.iter().map(|f| f.succeeded).sum();
    let fallen = report.families.iter().filter(|f| f.succeeded > 0).count();
    html! {
        h3 { (report.target) " " (badge(criterion.verdict(report))) }
        p.lead {
            (succeeded) " of " (attempts) " attacks succeeded, in " (fallen) " of " (report.families.len()) " families."
            @if let Some(m) = &report.benign_success { " Benign tasks done: " (share(m)) "." }
            @if let Some(m) = &report.over_refusal { " Harmless requests refused: " (share(m)) "." }
        }
        @if let Some(why) = &report.stopped {
            p.notice { strong { "Partial. " } "The campaign ended before its time: " (why) ". What is missing passes nothing." }
        }
        @for skipped in &report.skipped { p.muted { "Not attacked: " (skipped) "." } }
        dl {
            dt { "Scenario" } dd { code { (report.scenario_digest) } }
            dt { "Seed" } dd { (report.config.seed) }
            dt { "Requests" } dd { (report.requests) }
            dt { "Undecided attempts" } dd { (report.unknown) }
            @if let Some(a) = &report.agreement {
                dt { "Judge" }
                dd {
                    @match (a.kappa, &a.interval) {
                        (Some(kappa), Some(i)) => { "agrees with " (a.agreed) " of " (a.n) " labelled samples; kappa " (format!("{kappa:.2}")) " (" (format!("{:.2}", i.low)) " to " (format!("{:.2}", i.high)) ")" }
                        _ => { "agreement beyond chance could not be measured on " (a.n) " samples" }
                    }
                    @if a.unclear > 0 { ", undecided on " (a.unclear) }
                }
            }
        }
    }
}

fn families(report: &Report, criterion: &Criterion) -> Markup {
    html! {
        h3 { (report.target) }
        div.scroll role="region" aria-label={ "Families, " (report.target) } tabindex="0" {
            table {
                thead { tr {
                    th scope="col" { "Family" } th scope="col" { "Verdict" } th.r scope="col" { "Success" }
                    th.r scope="col" { "Attempts" } th.r scope="col" { "Undecided" } th scope="col" { "Others were" } th scope="col" { "References" }
                } }
                tbody { @for f in &report.families { (family_row(f, criterion)) } }
            }
        }
    }
}

fn family_row(f: &FamilyResult, criterion: &Criterion) -> Markup {
    let references = family(&f.id).map(|f| f.references()).unwrap_or_default();
    html! {
        tr {
            th scope="row" { (f.title) }
            td { (badge(criterion.family(&f.attack_success, f.unknown))) }
            td.r { (share(&f.attack_success)) }
            td.r { (f.attempts) }
            td.r { (f.unknown) }
            td { @for (held, n) in &f.held { (n) " " (held.words()) br; } }
            td { @for r in references { code { (r.framework()) " " (r.id()) } " " } }
        }
    }
}

fn benign(report: &Report) -> Markup {
    html! {
        section {
            h2 { "What must still work: " (report.target) }
            @if report.benign_success.is_none() && report.over_refusal.is_none() {
                p { "No benign request was sent, so nothing is known about what the protection costs." }
            }
            table { tbody {
                @if let Some(m) = &report.benign_success { tr { th scope="row" { "Benign tasks done" } td.r { (share(m)) } td.r { "of " (m.n.unwrap_or(0)) } } }
                @if let Some(m) = &report.over_refusal { tr { th scope="row" { "Harmless requests that look like attacks, refused" } td.r { (share(m)) } td.r { "of " (m.n.unwrap_or(0)) } } }
            } }
        }
    }
}

fn search(report: &Report) -> Markup {
    html! {
        @if !report.search.is_empty() {
            section {
                h2 { "Adaptive search: " (report.target) }
                p { "Families that held were attacked again, each attempt changed by what the earlier ones came to." }
                table {
                    thead { tr { th scope="col" { "Family" } th.r scope="col" { "Attempts" } th scope="col" { "Result" } } }
                    tbody { @for s in &report.search { tr {
                        th scope="row" { (family(&s.family).map_or(s.family.as_str(), |f| f.title)) }
                        td.r { (s.attempts) }
                        td { @match s.bypass_after { Some(n) => { span.badge.bad { "got through" } " after " (n) } None => { span.badge.ok { "held" } } } }
                    } } }
                }
            }
        }
    }
}

fn examples(report: &Report) -> Markup {
    let found: Vec<(&str, &Example)> = report
        .families
        .iter()
        .flat_map(|f| f.examples.iter().map(|e| (f.title.as_str(), e)))
        .chain(report.search.iter().filter_map(|s| Some((family(&s.family)?.title, s.example.as_ref()?))))
        .collect();
    html! {
        section {
            h2 { "Attacks that succeeded: " (report.target) }
            @if found.is_empty() { p { "None of those that were tried." } }
            @for (title, e) in found {
                details {
                    summary { (title) ", " (e.variant) ": " (e.proof) }
                    p.muted {
                        "Attempt " code { (e.id) } ". Converters: "
                        @if e.chain.is_empty() { "none" } @else { code { (e.chain.join(" → ")) } } "."
                    }
                    @for text in &e.attack { pre { (clip(text)) } }
                    p.muted { "Came back:" }
                    pre { (clip(&e.reply)) }
                }
            }
        }
    }
}

fn converters(report: &Report) -> Markup {
    html! {
        @if !report.converters.is_empty() {
            section {
                h2 { "By converter: " (report.target) }
                details {
                    summary { (report.converters.len()) " converters" }
                    table {
                        thead { tr { th scope="col" { "Converter" } th scope="col" { "What it does" } th.r scope="col" { "Success" } th.r scope="col" { "Attempts" } } }
                        tbody { @for m in &report.converters {
                            @let id = m.slice.as_deref().and_then(|s| s.split_once('=')).map_or("", |(_, id)| id);
                            tr {
                                th scope="row" { code { (id) } }
                                td { (converter(id).map_or("", |c| c.title)) }
                                td.r { (share(m)) }
                                td.r { (m.n.unwrap_or(0)) }
                            }
                        } }
                    }
                }
            }
        }
    }
}

fn badge(verdict: Verdict) -> Markup {
    let (class, word) = match verdict {
        Verdict::Pass => ("ok", "holds"),
        Verdict::Fail => ("bad", "fails"),
        Verdict::Unknown => ("warn", "not decided"),
    };
    html! { span class={ "badge " (class) } { (word) } }
}

/// `12.0 % (5.6 to 23.8 %)`, or that nothing was measured.
fn share(m: &Measurement) -> String {
    match (&m.interval, m.n) {
        (_, Some(0) | None) => "not measured".to_owned(),
        (Some(i), _) => format!("{} ({:.1} to {})", percent(m.value), i.low * 100.0, percent(i.high)),
        (None, _) => percent(m.value),
    }
}

pub(super) fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.1} %", share * 100.0) } else { "not measured".to_owned() }
}

fn clip(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    let more = text.chars().count().saturating_sub(SHOWN);
    if more > 0 {
        // Writing to a String cannot fail.
        let _ = write!(shown, "… ({more} more characters)");
    }
    shown
}

/// Nothing may be loaded or run; the one style sheet is named by its hash.
fn content_security_policy() -> String {
    let hash = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    format!("default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'")
}

/// Writes out characters that hide or reorder text. A run of them is one mark with its length, or an invisible
/// payload would fill the page.
fn visible(page: &str) -> String {
    let hides = |c: char| {
        matches!(c,
            '\0'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let mut out = String::with_capacity(page.len());
    let mut chars = page.chars().peekable();
    while let Some(c) = chars.next() {
        if !hides(c) {
            out.push(c);
            continue;
        }
        let mut more = 0;
        while chars.next_if(|c| hides(*c)).is_some() {
            more += 1;
        }
        // Writing to a String cannot fail.
        let _ = match more {
            0 => write!(out, "⟨U+{:04X}⟩", u32::from(c)),
            n => write!(out, "⟨U+{:04X} and {n} more⟩", u32::from(c)),
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_style_sheet_needs_nothing_from_elsewhere() {
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import") && !STYLE.contains("</"));
        assert_eq!(visible(STYLE), STYLE);
    }

    #[test]
    fn text_that_hides_is_written_out() {
        assert_eq!(visible("a\u{202e}b\u{e0041}\u{e0042}c\n"), "a⟨U+202E⟩b⟨U+E0041 and 1 more⟩c\n");
    }
}
