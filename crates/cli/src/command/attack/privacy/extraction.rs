//! `attack extraction`: how good a copy so many queries buy.

use anyhow::ensure;
use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Spending};
use proofhouse_robustness::Access;
use proofhouse_robustness::privacy::Training;
use proofhouse_robustness::privacy::extraction::{Extraction, ExtractionReport, Shown, extract};
use serde::Serialize;

use super::super::page::{tool, words};
use super::super::subject::Subject;
use super::super::{Found, watched};
use crate::Exit;
use crate::args::attack::ExtractionArgs;
use crate::terminal;

/// What copies came to.
#[derive(Debug, Serialize)]
pub struct Copied {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    report: ExtractionReport,
    /// The agreement that a copy may reach.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<f64>,
}

pub fn attack(args: &ExtractionArgs) -> anyhow::Result<Copied> {
    let subject = Subject::open(&args.subject)?;
    ensure!((0.0..1.0).contains(&args.own), "--own is a share of the rows from 0 and below 1");
    let width = subject.rows.len() / subject.labels.len();
    let own = (subject.labels.len() as f64 * args.own).floor() as usize;
    let (own, judged) = subject.rows.split_at(own * width);
    let extraction = Extraction {
        budgets: args.queries.clone(),
        shown: if subject.access() == Access::Labels { Shown::Label } else { Shown::Scores },
        queries_per_hour: args.per_hour,
        identities: args.identities,
        bounds: (subject.bounds.low, subject.bounds.high),
        training: Training { hidden: args.hidden, seed: args.subject.seed, ..Training::default() },
        seed: args.subject.seed,
        confidence: 0.95,
    };
    let report = watched("copying", |told| {
        extract(subject.model(), own, judged, &extraction, &mut |done, of| told(done, of))
    })?;
    Ok(Copied {
        schema: "proofhouse.extraction/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        report,
        most: args.most,
    })
}

impl Found for Copied {
    fn exit(&self) -> Exit {
        let high = |m: &proofhouse_core::Measurement| m.interval.as_ref().map_or(1.0, |i| i.high);
        match self.most {
            None => Exit::Clean,
            Some(most) if self.report.copies.iter().all(|c| high(&c.fidelity) <= most) => Exit::Clean,
            Some(_) => Exit::Findings,
        }
    }

    fn show(&self) {
        let report = &self.report;
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        terminal::line(format!(
            "the attacker has {} rows of its own and sees {}; copies are judged on others",
            report.own_rows,
            match report.extraction.shown {
                Shown::Label => "labels",
                Shown::Scores => "scores",
            }
        ));
        terminal::line(format!("  {:>10}  {:<26} hours", "queries", "agreement with the model"));
        for copy in &report.copies {
            let hours = copy.hours.map_or_else(|| "-".to_owned(), |h| format!("{h:.2}"));
            terminal::line(format!("  {:>10}  {:<26} {hours}", copy.queries, words(&copy.fidelity)));
        }
        terminal::line(format!("  always the commonest class: {:.3}", report.baseline));
        terminal::line("  a lower bound: who trains longer, or knows the architecture, copies better");
    }

    fn page(&self) -> Examination {
        let report = &self.report;
        let best = report.copies.iter().max_by(|a, b| a.fidelity.value.total_cmp(&b.fidelity.value));
        Examination {
            title: format!("Copying {}", self.name),
            lead: best
                .map(|b| {
                    format!(
                        "{} queries buy a copy that agrees on {:.1}% of the rows it was not made from.",
                        b.queries,
                        b.fidelity.value * 100.0
                    )
                })
                .into_iter()
                .collect(),
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("rows of the attacker's own".to_owned(), report.own_rows.to_string()),
                ("seed".to_owned(), report.extraction.seed.to_string()),
            ],
            spending: Some(Spending {
                of: "queries".to_owned(),
                share: "agreement of copy and model".to_owned(),
                points: report.copies.iter().map(|c| (c.queries as f64, c.fidelity.clone())).collect(),
                baseline: Some(("always the commonest class".to_owned(), report.baseline)),
                ceiling: self.most,
            }),
            ..Examination::default()
        }
    }
}
