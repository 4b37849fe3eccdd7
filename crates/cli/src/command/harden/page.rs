//! The result as a page with figures.

use proofhouse_report::input::{Examination, Hardening, HardeningEpoch};

use super::Report;

pub fn page(report: &Report, name: &str) -> Examination {
    let share = |n: u64, of: u64| n as f64 / of.max(1) as f64;
    let threat = &report.recipe.threat;
    let mut lead = vec![format!(
        "Under attack ({} at most {}) {:.1}% of {} rows stay right where {:.1}% did; without attack {:.1}% are right, before \
         {:.1}%.",
        threat.norm.name(),
        threat.eps,
        report.after.robust.value * 100.0,
        report.rows,
        report.before.robust.value * 100.0,
        report.after.clean.value * 100.0,
        report.before.clean.value * 100.0
    )];
    if report.chosen_by_these_rows {
        lead.push("The same rows chose the epoch, which flatters a little.".to_owned());
    }
    Examination {
        title: format!("{name}, trained against attacks"),
        lead,
        tool: concat!("proofhouse ", env!("CARGO_PKG_VERSION")).to_owned(),
        facts: vec![
            ("model before".to_owned(), report.old.to_string()),
            ("model after".to_owned(), report.new.to_string()),
            ("rows learned from".to_owned(), report.data.to_string()),
            ("recipe".to_owned(), serde_json::to_string(&report.recipe).unwrap_or_default()),
        ],
        hardening: Some(Hardening {
            epochs: report
                .epochs
                .iter()
                .map(|e| HardeningEpoch {
                    epoch: e.epoch,
                    loss: e.loss,
                    clean: share(e.clean, e.of),
                    robust: share(e.robust, e.of),
                })
                .collect(),
            chosen: report.chosen,
            before: (report.before.clean.clone(), report.before.robust.clone()),
            after: (report.after.clean.clone(), report.after.robust.clone()),
            attacks: report.attacks.clone(),
        }),
        ..Examination::default()
    }
}
