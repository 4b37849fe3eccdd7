//! `attack natural`: images as the world changes them.

use proofhouse_core::{Digest, Measurement};
use proofhouse_report::input::{Change, Counterexample, Examination, Natural, Picture, Results};
use proofhouse_robustness::natural::{
    Kind, SeverityCurve, UniversalOptions, UniversalReport, WorstCase, WorstReport, severity_curve,
    universal, worst_case,
};
use proofhouse_robustness::{LabelledRows, Norm, Threat};
use serde::Serialize;

use super::page::{picture, tool, words};
use super::subject::Subject;
use super::{Found, watched};
use crate::Exit;
use crate::args::attack::NaturalArgs;
use crate::terminal;

/// What everyday changes came to.
#[derive(Debug, Serialize)]
pub struct Changed {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    clean: Measurement,
    /// Each kind by severity.
    curves: Vec<SeverityCurve>,
    /// The worst setting of several together, row by row.
    #[serde(skip_serializing_if = "Option::is_none")]
    worst: Option<WorstReport>,
    /// One change for all rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    universal: Option<UniversalReport>,
    #[serde(skip)]
    shape: Vec<usize>,
    #[serde(skip)]
    limits: (f32, f32),
    seed: u64,
}

pub fn attack(args: &NaturalArgs) -> anyhow::Result<Changed> {
    let subject = Subject::open(&args.subject)?;
    let limits = (subject.bounds.low, subject.bounds.high);
    let seed = args.subject.seed;
    let data = subject.data();
    let kinds = if args.kinds.is_empty() { Kind::ALL.to_vec() } else { args.kinds.clone() };
    let curves = watched("everyday changes", |told| {
        kinds
            .iter()
            .enumerate()
            .map(|(at, kind)| {
                told(at, kinds.len());
                severity_curve(subject.model(), &data, limits, *kind, seed, 0.95)
            })
            .collect::<Result<Vec<_>, _>>()
    })?;
    let worst = args.worst.map(|severity| {
        let usual = WorstCase::sign(usize::from(severity));
        let changes = if args.kinds.is_empty() {
            usual.changes.clone()
        } else {
            args.kinds.iter().map(|kind| (*kind, usize::from(severity))).collect()
        };
        let search = WorstCase { changes, bounds: limits, queries: args.queries, seed, ..usual };
        watched("the worst setting of each row", |told| {
            worst_case(subject.model(), &data, &search, &mut |done, of| told(done, of))
        })
    });
    let universal = args.universal.map(|eps| one_for_all(&subject, eps, seed));
    Ok(Changed {
        schema: "proofhouse.natural/v1",
        name: subject.name.clone(),
        model: subject.model_digest,
        data: subject.data_digest,
        clean: subject.accuracy()?,
        curves,
        worst: worst.transpose()?,
        universal: universal.transpose()?,
        shape: subject.options.input_shape.clone(),
        limits,
        seed,
    })
}

/// Made on one half of the rows, judged on the other.
fn one_for_all(subject: &Subject, eps: f64, seed: u64) -> anyhow::Result<UniversalReport> {
    let half = subject.labels.len() / 2;
    anyhow::ensure!(
        half > 0,
        "a change for all rows is made on one half of them and judged on the other; give more"
    );
    let width = subject.rows.len() / subject.labels.len();
    let (made_rows, judged_rows) = subject.rows.split_at(half * width);
    let (made_labels, judged_labels) = subject.labels.split_at(half);
    let threat = Threat { norm: Norm::Linf, eps, bounds: subject.everywhere(), grid: None };
    let options = UniversalOptions { seed, ..UniversalOptions::default() };
    let report = watched("one change for all rows", |told| {
        universal(
            &subject.victim(),
            &LabelledRows::new(made_rows, made_labels),
            &LabelledRows::new(judged_rows, judged_labels),
            &threat,
            &options,
            &mut |done, of| told(done, of),
        )
    })?;
    Ok(report)
}

impl Found for Changed {
    fn exit(&self) -> Exit {
        Exit::Clean
    }

    fn show(&self) {
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        terminal::line(format!("unchanged  {}", words(&self.clean)));
        terminal::line("");
        terminal::line(format!("  {:<16} {}", "right answers", "severity 1      2      3      4      5"));
        for curve in &self.curves {
            let values: Vec<String> =
                curve.points.iter().map(|p| format!("{:>6.3}", p.accuracy.value)).collect();
            terminal::line(format!("  {:<16}     {}", curve.kind.name(), values.join(" ")));
        }
        if let Some(worst) = &self.worst {
            let kinds: Vec<&str> = worst.search.changes.iter().map(|(kind, _)| kind.name()).collect();
            terminal::line("");
            terminal::line(format!(
                "  the worst of {} together, {} queries a row",
                kinds.join(", "),
                worst.search.queries
            ));
            terminal::line(format!("  still right {}", words(&worst.robust_accuracy)));
            terminal::line("  an upper bound: a finer search can only lower it");
        }
        if let Some(universal) = &self.universal {
            terminal::line("");
            terminal::line(format!(
                "  one change of {} for all rows fools {} of those it was not made from",
                universal.threat.eps,
                words(&universal.success)
            ));
        }
    }

    fn page(&self) -> Examination {
        let hardest = self.curves.iter().filter_map(|c| Some((c.kind, c.points.last()?.accuracy.value)));
        let lead = hardest.reduce(|a, b| if b.1 < a.1 { b } else { a }).map(|(kind, share)| {
            format!("Of all, {} hurts most: {:.1}% stay right at severity 5.", kind.name(), share * 100.0)
        });
        Examination {
            title: format!("Everyday changes against {}", self.name),
            lead: lead.into_iter().collect(),
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("seed".to_owned(), self.seed.to_string()),
            ],
            natural: Some(Natural {
                clean: self.clean.clone(),
                kinds: self
                    .curves
                    .iter()
                    .map(|c| {
                        (c.kind.name().to_owned(), c.points.iter().map(|p| p.accuracy.clone()).collect())
                    })
                    .collect(),
            }),
            tables: self
                .worst
                .iter()
                .map(worst_table)
                .chain(self.universal.iter().map(universal_table))
                .collect(),
            examples: self.worst.iter().flat_map(|worst| self.drawn(worst)).collect(),
            pictures: self
                .universal
                .iter()
                .filter_map(|u| {
                    let eps = u.threat.eps as f32;
                    Some(Picture {
                        caption: "the change for all rows, grey where nothing changes".to_owned(),
                        image: picture(&self.shape, (-eps, eps), &u.change)?,
                    })
                })
                .collect(),
            ..Examination::default()
        }
    }
}

impl Changed {
    fn drawn(&self, worst: &WorstReport) -> Vec<Counterexample> {
        let examples = worst.examples.iter().filter_map(|e| {
            Some(Counterexample {
                record: format!("row {}", e.index),
                truth: e.label.to_string(),
                answer: e.predicted.to_string(),
                distance: Norm::Linf.distance(&self.shape, &e.original, &e.changed),
                change: Change::Image {
                    original: picture(&self.shape, self.limits, &e.original)?,
                    altered: picture(&self.shape, self.limits, &e.changed)?,
                },
            })
        });
        examples.collect()
    }
}

fn worst_table(worst: &WorstReport) -> Results {
    let changes: Vec<String> =
        worst.search.changes.iter().map(|(kind, severity)| format!("{} {severity}", kind.name())).collect();
    Results {
        title: "The worst setting of each row".to_owned(),
        says: format!(
            "Several changes together, each within its severity ({}), searched with {} queries a row. A finer search can \
             only find more.",
            changes.join(", "),
            worst.search.queries
        ),
        columns: vec!["Rows".to_owned(), "Share".to_owned()],
        rows: vec![
            vec!["turned, of those right before".to_owned(), words(&worst.success)],
            vec!["still right, of all".to_owned(), words(&worst.robust_accuracy)],
        ],
    }
}

fn universal_table(report: &UniversalReport) -> Results {
    let (class, share) = report.leads_to.unwrap_or_default();
    Results {
        title: "One change for all rows".to_owned(),
        says: format!(
            "A change of at most {} in every value, made from half of the rows and judged on the other half.",
            report.threat.eps
        ),
        columns: vec!["Rows".to_owned(), "Fooled".to_owned()],
        rows: vec![
            vec!["those it was made from".to_owned(), words(&report.made)],
            vec!["others".to_owned(), words(&report.success)],
            vec![format!("of the wrong answers, class {class}"), format!("{share:.3}")],
        ],
    }
}
