//! `attack sponge`: an input that takes far longer to answer than others. Times are measured, so that two runs differ.

use std::time::Instant;

use proofhouse_core::Digest;
use proofhouse_report::input::{Examination, Results};
use proofhouse_robustness::RobustnessError;
use proofhouse_robustness::privacy::sponge::{SpongeReport, SpongeSearch, find};
use serde::Serialize;

use super::super::page::tool;
use super::super::subject::Subject;
use super::super::{Found, watched};
use crate::Exit;
use crate::args::attack::SpongeArgs;
use crate::terminal;

/// Rows whose time is the ordinary one.
const ORDINARY: usize = 50;

/// What was found.
#[derive(Debug, Serialize)]
pub struct Soaked {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Times in seconds.
    report: SpongeReport,
    /// The factor that may be reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<f64>,
}

pub fn attack(args: &SpongeArgs) -> anyhow::Result<Soaked> {
    let subject = Subject::open(&args.subject)?;
    let width = subject.rows.len() / subject.labels.len();
    let search = SpongeSearch {
        queries: args.queries,
        repetitions: args.repetitions,
        bounds: (subject.bounds.low, subject.bounds.high),
        seed: args.subject.seed,
        ..SpongeSearch::default()
    };
    let ordinary = &subject.rows[..subject.labels.len().min(ORDINARY) * width];
    let mut scores = Vec::new();
    let mut asked = 0usize;
    let total = usize::try_from(args.queries).unwrap_or(usize::MAX);
    let report = watched("timing answers", |told| {
        find(ordinary, width, &search, &mut |row| {
            asked += 1;
            if asked.is_multiple_of(50) {
                told(asked, total.max(asked));
            }
            let start = Instant::now();
            subject.model().scores(row, 1, &mut scores)?;
            Ok::<f64, RobustnessError>(start.elapsed().as_secs_f64())
        })
    })?;
    Ok(Soaked {
        schema: "proofhouse.sponge/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        report,
        most: args.most,
    })
}

impl Soaked {
    fn lines(&self) -> Vec<Vec<String>> {
        let microseconds = |s: f64| format!("{:.1} µs", s * 1e6);
        let (median, largest) = self.report.natural;
        vec![
            vec!["ordinary input, median".to_owned(), microseconds(median)],
            vec!["ordinary input, slowest".to_owned(), microseconds(largest)],
            vec!["slowest input found".to_owned(), microseconds(self.report.sponge)],
            vec!["times the median".to_owned(), format!("{:.2}", self.report.factor)],
        ]
    }
}

impl Found for Soaked {
    fn exit(&self) -> Exit {
        match self.most {
            Some(most) if self.report.factor > most => Exit::Findings,
            _ => Exit::Clean,
        }
    }

    fn show(&self) {
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        for line in self.lines() {
            if let [what, value] = line.as_slice() {
                terminal::line(format!("  {what:<26} {value:>12}"));
            }
        }
        terminal::line(
            "  measured here and now, the smallest of several repetitions; another machine takes other times",
        );
    }

    fn page(&self) -> Examination {
        Examination {
            title: format!("Slow inputs of {}", self.name),
            lead: vec![format!(
                "The slowest input found takes {:.2} times as long as an ordinary one.",
                self.report.factor
            )],
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("inputs measured".to_owned(), self.report.queries.to_string()),
            ],
            tables: vec![Results {
                title: "Time of an answer".to_owned(),
                says: "The smallest of several repetitions: what an attacker can rely on.".to_owned(),
                columns: vec!["Input".to_owned(), "Time".to_owned()],
                rows: self.lines(),
            }],
            ..Examination::default()
        }
    }
}
