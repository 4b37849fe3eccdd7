//! `risk`.

use proofhouse_lifecycle::RiskScore;
use proofhouse_lifecycle::loss::{Knowledge, score};

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::{open, terminal};

pub async fn run(args: ProjectArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let house = open::house(&home).await?;
    let policy = open::policy()?;
    let assessment = proofhouse_lifecycle::Assessment::read(&house, &project, policy.digest()).await?;
    let evidence = house.current_evidence(&assessment.subjects(&project)).await?;
    let freshness = assessment.freshness(&house, &project, &evidence)?;
    let fresh: Vec<_> = evidence
        .into_iter()
        .zip(freshness)
        .filter(|(_, f)| *f == proofhouse_core::Freshness::Fresh)
        .map(|(e, _)| e)
        .collect();
    let known = Knowledge { evidence: &fresh, ..Knowledge::default() };
    let Some(score) = score(&project, "with the evidence at hand", &known)? else {
        terminal::note("the system file has no `risk` section");
        return Ok(Exit::Unknown);
    };
    if args.format == Format::Json {
        terminal::json(&score)?;
    } else {
        summary(&score);
        for basis in &score.bases {
            let from =
                basis.evidence.map_or_else(|| "estimate".to_owned(), |e| format!("measured, {}", e.short()));
            terminal::line(format!(
                "  {:<24} vulnerability {:.4} ({from})",
                basis.scenario,
                basis.vulnerability.mean()
            ));
        }
    }
    Ok(score.verdict().into())
}

/// The yearly loss in one line.
pub fn summary(score: &RiskScore) {
    let s = &score.simulation;
    let money = |m: &proofhouse_core::Measurement| grouped(m.value);
    terminal::line(format!(
        "  {:<26} mean {} {c}, one year in twenty over {} {c}, one in a hundred over {} {c}",
        score.label,
        money(&s.mean),
        money(&s.p95),
        money(&s.p99),
        c = s.settings.currency
    ));
}

/// Whole units with thousands apart.
pub fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}
