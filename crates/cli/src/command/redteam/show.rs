//! Reports on a terminal.

use proofhouse_core::{Measurement, Verdict};
use proofhouse_redteam::{CONVERTERS, Criterion, FAMILIES, Report};
use serde_json::json;

use crate::terminal;

/// Reports for people.
pub fn human(reports: &[Report], criterion: &Criterion) {
    for report in reports {
        terminal::line(format!(
            "{}: {}",
            terminal::strong(&report.target),
            terminal::verdict(criterion.verdict(report)).trim_end()
        ));
        if let Some(why) = &report.stopped {
            terminal::line(format!("  partial: {why}"));
        }
        for family in &report.families {
            terminal::line(format!(
                "  {} {:<34} {}{}",
                terminal::verdict(criterion.family(&family.attack_success, family.unknown)),
                family.title,
                share(&family.attack_success),
                if family.unknown > 0 { format!(", {} undecided", family.unknown) } else { String::new() },
            ));
        }
        for (name, m) in [
            ("benign tasks done", &report.benign_success),
            ("harmless requests refused", &report.over_refusal),
        ] {
            if let Some(m) = m {
                terminal::line(format!("          {name:<34} {}", share(m)));
            }
        }
        for searched in &report.search {
            let result = match searched.bypass_after {
                Some(n) => format!("got through after {n} attempts"),
                None => format!("held for {} attempts", searched.attempts),
            };
            terminal::line(format!("          {:<34} {result}", format!("search: {}", searched.family)));
        }
        if let Some(a) = &report.agreement {
            let kappa = a.kappa.map_or_else(|| "not measurable".to_owned(), |k| format!("{k:.2}"));
            let interval =
                a.interval.as_ref().map_or_else(String::new, |i| format!(" ({:.2} to {:.2})", i.low, i.high));
            terminal::line(format!(
                "          {:<34} kappa {kappa}{interval}, {} of {} as labelled",
                "judge", a.agreed, a.n
            ));
        }
        for skipped in &report.skipped {
            terminal::line(format!("          not attacked: {skipped}"));
        }
        terminal::line(terminal::quiet(&format!(
            "  {} requests, seed {}",
            report.requests, report.config.seed
        )));
    }
    terminal::line(terminal::quiet(&format!("Criterion: {}.", criterion.words())));
}

fn share(m: &Measurement) -> String {
    match (&m.interval, m.n) {
        (_, None | Some(0)) => "not measured".to_owned(),
        (Some(i), Some(n)) => {
            format!("{:>5.1} % ({:.1} to {:.1} %), n = {n}", m.value * 100.0, i.low * 100.0, i.high * 100.0)
        }
        (None, Some(n)) => format!("{:>5.1} %, n = {n}", m.value * 100.0),
    }
}

/// Reports for machines.
pub fn json(reports: &[Report], criterion: &Criterion) -> serde_json::Value {
    let verdicts: Vec<Verdict> = reports.iter().map(|r| criterion.verdict(r)).collect();
    json!({ "criterion": criterion, "verdicts": verdicts, "reports": reports })
}

/// Families and converters.
pub fn list(format: crate::args::Format) -> anyhow::Result<()> {
    if format == crate::args::Format::Json {
        let families: Vec<_> = FAMILIES
            .iter()
            .map(|f| json!({"id": f.id, "title": f.title, "what": f.what, "needs": f.needs, "severity": f.severity, "threats": f.threats, "references": f.references()}))
            .collect();
        let converters: Vec<_> = CONVERTERS
            .iter()
            .map(|c| json!({"id": c.id, "title": c.title, "kind": c.kind.word(), "reversible": c.undo.is_some()}))
            .collect();
        return terminal::json(&json!({"families": families, "converters": converters}));
    }
    terminal::line(terminal::strong("Families"));
    for family in FAMILIES {
        terminal::line(format!("  {:<20} {:<9} {}", family.id, family.severity.to_string(), family.title));
        terminal::line(format!("  {:<20} {}", "", terminal::quiet(family.what)));
    }
    terminal::line(terminal::strong("Converters"));
    for converter in CONVERTERS {
        terminal::line(format!("  {:<20} {:<9} {}", converter.id, converter.kind.word(), converter.title));
    }
    Ok(())
}
