//! The head of the page: the state, three sentences, the figures that matter most, and the loop.

use maud::{Markup, html};
use proofhouse_core::{ThreatState, Verdict};

use super::standing::{self, Why};
use crate::figure::{Layout, Mark, Node, life_cycle, seal};
use crate::input::{OverallState, Stage, StageKind, StageOutcome, TestStatus};
use crate::{ReportInput, number};

/// Everything above the first section.
pub fn summary(input: &ReportInput) -> Markup {
    let (word, class) = state_word(input.state);
    let nodes = stations(input);
    let model = &input.system.model;
    let centre = [
        model
            .digest
            .map_or_else(|| "no model digest yet".to_owned(), |d| format!("model sha256:{}", d.short())),
        format!("one digest through every stage, {} ledger entries", number::count(input.ledger.size)),
    ];
    html! {
        header.hero id="top" {
            div.hero-text {
                p.eyebrow { "Assurance report · " (number::date(input.generated_at)) }
                h1 { (input.system.name) }
                p.purpose { (input.system.purpose) }
            }
            div.hero-seal { (seal("fig-seal", word, class, input.ledger.size)) }
            div.sentences { @for sentence in sentences(input) { p { (sentence) } } }
            (tiles(input))
            figure.loop {
                div.wide { (life_cycle("fig-loop", &nodes, &centre, Layout::Wide)) }
                div.tall { (life_cycle("fig-loop-tall", &nodes, &[], Layout::Tall)) }
                figcaption {
                    "Marks: tick, done; triangle, needs attention; cross, refused or failed; hollow ring, not reached."
                }
            }
            (identity(input))
        }
    }
}

fn state_word(state: OverallState) -> (&'static str, &'static str) {
    match state {
        OverallState::Planned => ("PLANNED", "off"),
        OverallState::Assessed => ("ASSESSED", "off"),
        OverallState::Denied => ("DENIED", "bad"),
        OverallState::Released => ("RELEASED", "ok"),
        OverallState::Running => ("RUNNING", "ok"),
        OverallState::Recalling => ("RECALLING", "warn"),
        OverallState::Recalled => ("RECALLED", "bad"),
    }
}

/// Three sentences: what became of the model, what was tested, what it means for loss.
fn sentences(input: &ReportInput) -> [Markup; 3] {
    [became(input), tested(input), means(input)]
}

fn became(input: &ReportInput) -> Markup {
    let model = &input.system.model;
    let name = html! { strong { (model.name) " " (model.version) } };
    let running = input.instances.iter().filter(|i| i.stopped.is_none()).count();
    html! {
        @match input.state {
            OverallState::Planned => { (name) " is described and its threats are derived; nothing has been tested yet." },
            OverallState::Assessed => { (name) " has been tested; the release gate has not decided." },
            OverallState::Denied => {
                (name) " was " a href="#gate" { "refused release" }
                @if let Some(gate) = &input.gate {
                    " on " (number::date(gate.decided_at)) " for "
                    (number::counted(gate.reasons.iter().filter(|r| r.waived.is_none()).count(), "reason", "reasons"))
                }
                "; it runs nowhere through this system."
            },
            OverallState::Released => {
                (name) " was " a href="#gate" { "released and signed" }
                @if let Some(release) = &input.release { " on " (number::date(release.released_at)) }
                "; none of its instances is running."
            },
            OverallState::Running => {
                (name) " was " a href="#gate" { "released and signed" } " and "
                a href="#instances" { (number::counted(running, "instance is", "instances are")) " running" } "."
            },
            OverallState::Recalling => {
                (name) " is " a href="#recall" { "being recalled" } "; "
                (number::counted(unproven(input), "instance is", "instances are")) " not yet proven stopped."
            },
            OverallState::Recalled => {
                (name) " was " a href="#recall" { "recalled" }
                @if let Some(recall) = &input.recall {
                    " " (recall.scope) " on " (number::moment(recall.ordered_at))
                    @if let Some(certificate) = &recall.certificate {
                        "; " (number::duration(certificate.issued_at.unix_ms() - recall.ordered_at.unix_ms()))
                        " later a certificate closed it"
                    } @else { "; no certificate has been issued" }
                    ", with " (number::count(recall.proofs.iter().filter(|p| p.at.is_some()).count() as u64)) " of " (number::counted(recall.proofs.len(), "instance", "instances")) " proven stopped"
                }
                "."
            },
        }
    }
}

/// Threats that apply or may apply.
fn applicable(input: &ReportInput) -> usize {
    input.threats.iter().filter(|t| t.state != ThreatState::NotApplicable).count()
}

fn unproven(input: &ReportInput) -> usize {
    input.recall.as_ref().map_or(0, |r| r.proofs.iter().filter(|p| p.at.is_none()).count())
}

fn tested(input: &ReportInput) -> Markup {
    if input.threats.is_empty() {
        return html! { "No threats have been derived." };
    }
    let n = |state| input.threats.iter().filter(|t| t.state == state).count();
    let states = listed(&[
        (n(ThreatState::Controlled), "is controlled by fresh evidence", "are controlled by fresh evidence"),
        (n(ThreatState::Open), "is open", "are open"),
        (n(ThreatState::Stale), "is stale", "are stale"),
        (n(ThreatState::Accepted), "is accepted by a named person", "are accepted by a named person"),
        (n(ThreatState::Unknown), "is undecided for want of a fact", "are undecided for want of a fact"),
    ]);
    let verdicts = |v| input.evidence.iter().filter(|e| e.verdict == v).count();
    let results = listed(&[
        (verdicts(Verdict::Pass), "passes", "pass"),
        (verdicts(Verdict::Fail), "fails", "fail"),
        (verdicts(Verdict::Unknown), "could not tell", "could not tell"),
    ]);
    let split = standing::split(input);
    let ran = input.plan.iter().filter(|c| c.status == TestStatus::Ran).count();
    html! {
        "Of " a href="#threats" { (number::counted(applicable(input), "threat", "threats")) } ", " (states) ". "
        @if !split.is_empty() { (of_the_open(&split)) " " }
        @if input.plan.is_empty() { "No test plan has been written" } @else {
            @if ran == 0 { "None" } @else { (number::count(ran as u64)) }
            " of " a href="#plan" { (number::counted(input.plan.len(), "planned check", "planned checks")) } " ran"
        }
        @if input.evidence.is_empty() { "; there is no evidence yet." } @else {
            "; of " a href="#evidence" { (number::counted(input.evidence.len(), "signed result", "signed results")) } ", " (results) "."
        }
    }
}

/// What the number of open threats is made of; that none failed a check is said, too.
fn of_the_open(split: &[(Why, usize)]) -> String {
    let mut parts = standing::parts(split);
    if split.iter().all(|(why, _)| *why != Why::Failed) {
        parts.insert(0, "none failed a check".to_owned());
    }
    let n: usize = split.iter().map(|(_, n)| n).sum();
    let whole = if n == 1 { "Of the one open or stale" } else { "Of those open or stale" };
    format!("{whole}, {}.", joined(&parts))
}

/// `3 are open, 2 are stale and 1 is accepted`, without what there is none of. Each part is a number with
/// what one does and what several do.
fn listed(parts: &[(usize, &str, &str)]) -> String {
    let some: Vec<String> = parts
        .iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, several)| number::counted(*n, one, several))
        .collect();
    if some.is_empty() { "none applies".to_owned() } else { joined(&some) }
}

fn joined(parts: &[String]) -> String {
    match parts.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn means(input: &ReportInput) -> Markup {
    let reopened = input.threats.iter().filter(|t| t.reopened_by.is_some()).count();
    html! {
        @if let Some(alarm) = input.drift.as_ref().and_then(|d| d.alarm.as_ref()) {
            @let rows = input.drift.as_ref().and_then(|d| d.looks.get(alarm.look)).map(|l| l.rows);
            "A " a href="#drift" { "drift alarm" }
            @if let Some(rows) = rows { " after " (number::count(rows)) " requests" }
            " re-opened " (number::counted(reopened, "threat", "threats"))
        } @else if !input.signals.is_empty() {
            a href="#drift" { (number::counted(input.signals.len(), "runtime signal", "runtime signals")) }
            " re-opened " (number::counted(reopened, "threat", "threats"))
        } @else {
            "No runtime signal has been raised"
        }
        @match input.risk.as_ref().map(|r| (r, r.curves.as_slice())) {
            Some((risk, [first, .., last])) => {
                "; the mean " a href="#risk" { "yearly loss" } " now stands at " (number::money(last.mean.value, &risk.currency))
                ", against " (number::money(first.mean.value, &risk.currency)) " " (first.name) "."
            },
            Some((risk, [only])) => {
                "; the mean " a href="#risk" { "yearly loss" } " is put at " (number::money(only.mean.value, &risk.currency)) "."
            },
            _ => { "; no loss has been simulated." },
        }
    }
}

fn tiles(input: &ReportInput) -> Markup {
    let n = |state| input.threats.iter().filter(|t| t.state == state).count() as u64;
    let untested = input.threats.iter().filter(|t| standing::is_open(t) && t.evidence.is_empty()).count();
    let running = input.instances.iter().filter(|i| i.stopped.is_none()).count() as u64;
    let passed = input.evidence.iter().filter(|e| e.verdict == Verdict::Pass).count() as u64;
    html! {
        dl.tiles {
            div { dt { "Threats open or stale" @if untested > 0 { ", " (number::count(untested as u64)) " of them untested" } } dd {
                @if input.threats.is_empty() { "–" } @else {
                    (number::count(n(ThreatState::Open) + n(ThreatState::Stale))) " " small { "of " (number::count(applicable(input) as u64)) }
                }
            } }
            div { dt { "Signed results that pass" } dd {
                @if input.evidence.is_empty() { "–" } @else {
                    (number::count(passed)) " " small { "of " (number::count(input.evidence.len() as u64)) }
                }
            } }
            div { dt { "Instances serving now" } dd {
                (number::count(running)) " " small { "of " (number::count(input.instances.len() as u64)) " started" }
            } }
            div { dt { "Answered after recall" } dd {
                @match &input.recall {
                    None => { "–" small { " no recall" } },
                    Some(recall) => {
                        @match recall.answered_after {
                            Some(n) => { (number::count(n)) " " small { "requests" } },
                            None => { "?" small { " not counted" } },
                        }
                    },
                }
            } }
        }
    }
}

fn stations(input: &ReportInput) -> [Node; 8] {
    let stage = |kind| input.timeline.iter().rev().find(|s: &&Stage| s.kind == kind);
    let mark = |kind, here: bool| match stage(kind).map(|s| s.outcome) {
        Some(StageOutcome::Done) => Mark::Done,
        Some(StageOutcome::Attention | StageOutcome::Running) => Mark::Attention,
        Some(StageOutcome::Failed) => Mark::Failed,
        None if here => Mark::Done,
        None => Mark::NotReached,
    };
    let open =
        input.threats.iter().filter(|t| matches!(t.state, ThreatState::Open | ThreatState::Stale)).count();
    let failed = input.evidence.iter().filter(|e| e.verdict != Verdict::Pass).count();
    let running = input.instances.iter().filter(|i| i.stopped.is_none()).count();
    let ran = input.plan.iter().filter(|c| c.status == TestStatus::Ran).count();
    let some = |n: usize, text: String| if n == 0 { "none yet".to_owned() } else { text };
    let node = |name, figure: String, mark| Node { name, figure, mark };
    let threats = if open > 0 { Mark::Attention } else { mark(StageKind::Plan, !input.threats.is_empty()) };
    let evidence = match (input.evidence.is_empty(), failed) {
        (true, _) => Mark::NotReached,
        (false, 0) => Mark::Done,
        _ => Mark::Attention,
    };
    let gate = match &input.gate {
        None => Mark::NotReached,
        Some(g) if g.allow => Mark::Done,
        Some(_) => Mark::Failed,
    };
    let instances = match (input.state, input.instances.is_empty()) {
        (_, true) => Mark::NotReached,
        (OverallState::Recalling, _) => Mark::Attention,
        _ => Mark::Done,
    };
    let signals = if input.signals.is_empty() { mark(StageKind::Observe, false) } else { Mark::Attention };
    let verdict = input.gate.as_ref().map_or("not decided", |g| if g.allow { "allowed" } else { "refused" });
    let release = match &input.release {
        None => "not signed".to_owned(),
        Some(_) if matches!(input.state, OverallState::Recalled | OverallState::Recalling) => {
            "signed, recalled".to_owned()
        }
        Some(_) => "signed".to_owned(),
    };
    [
        node(
            "System",
            format!("file {}", input.system.digest.short().get(..8).unwrap_or_default()),
            mark(StageKind::Describe, true),
        ),
        node("Threats", some(input.threats.len(), format!("{open} open of {}", applicable(input))), threats),
        node(
            "Checks",
            some(input.plan.len(), format!("{ran} ran of {}", input.plan.len())),
            mark(StageKind::Assess, ran > 0),
        ),
        node(
            "Evidence",
            some(
                input.evidence.len(),
                format!("{} pass of {}", input.evidence.len() - failed, input.evidence.len()),
            ),
            evidence,
        ),
        node("Gate", verdict.to_owned(), gate),
        node("Release", release, mark(StageKind::Release, input.release.is_some())),
        node(
            "Instances",
            some(input.instances.len(), format!("{running} running of {}", input.instances.len())),
            instances,
        ),
        node(
            "Signals",
            some(input.signals.len(), number::counted(input.signals.len(), "raised", "raised")),
            signals,
        ),
    ]
}

fn identity(input: &ReportInput) -> Markup {
    let system = &input.system;
    html! {
        dl.identity {
            div { dt { "Owner" } dd { (system.owner) } }
            div { dt { "Accountable" } dd { (system.accountable) } }
            div { dt { "Environment" } dd { (system.environment) } }
            div { dt { "Run" } dd { code { (input.run) } } }
            div.long { dt { "Model digest" } dd {
                @match &system.model.digest { Some(d) => { (super::digest(d)) }, None => { "not taken yet" } }
            } }
            div.long { dt { "System file" } dd { (super::digest(&system.digest)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn lists_leave_out_what_there_is_none_of() {
        let listed = |parts: &[usize]| {
            let parts: Vec<_> = parts.iter().map(|n| (*n, "is", "are")).collect();
            super::listed(&parts)
        };
        assert_eq!(listed(&[3, 0, 1]), "3 are and 1 is");
        assert_eq!(listed(&[1, 2, 3]), "1 is, 2 are and 3 are");
        assert_eq!(listed(&[0]), "none applies");
    }
}
