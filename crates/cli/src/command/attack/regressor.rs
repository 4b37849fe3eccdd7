//! `attack regressor`: how far a small change moves a number.

use anyhow::Context as _;
use proofhouse_core::Digest;
use proofhouse_onnx::{Classifier, ClassifierOptions, OutputKind, Preprocess};
use proofhouse_report::input::{Change, Counterexample, Examination, Results};
use proofhouse_robustness::{Bounds, Deviation, DeviationReport, Shift, Threat, Victim, deviate};
use serde::Serialize;

use super::page::{difference, picture, tool, words};
use super::rows::{Rows, norm, regressor_options};
use super::{Found, watched};
use crate::Exit;
use crate::args::attack::{BoxArg, RegressorArgs};
use crate::engine::Engines;
use crate::terminal;

/// What an attack on a regressor came to.
#[derive(Debug, Serialize)]
pub struct Moved {
    schema: &'static str,
    #[serde(skip)]
    name: String,
    model: Digest,
    data: Digest,
    /// Why no gradients were used, where none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    without_gradients: Option<String>,
    report: DeviationReport,
    /// The share that may move.
    #[serde(skip_serializing_if = "Option::is_none")]
    most: Option<f64>,
    #[serde(skip)]
    shape: Vec<usize>,
    #[serde(skip)]
    limits: (f32, f32),
    #[serde(skip)]
    rows: Vec<f32>,
}

pub fn attack(args: &RegressorArgs) -> anyhow::Result<Moved> {
    let (model, data) = args.subject.model.as_ref().zip(args.subject.data.as_ref()).context(
        "a regressor is attacked as a file: give --model and --data; system files describe classifiers",
    )?;
    let file = std::fs::read(model).with_context(|| format!("cannot read {}", model.display()))?;
    let rows = Rows::read_values(data, args.subject.rows)?;
    anyhow::ensure!(!rows.values.is_empty(), "there are no rows to attack");
    let engines = Engines::of(&args.subject.engine)?;
    let (output, outputs) = regressor_options(&engines, &file, &rows, args.subject.scale)?;
    let options = ClassifierOptions {
        input_shape: rows.shape.clone(),
        classes: outputs,
        output: Some(output),
        kind: OutputKind::Logits,
        preprocess: Preprocess { scale: args.subject.scale },
    };
    let model_of = Classifier::new(engines.load(&file)?, options.clone())?;
    let (gradients, why) = if args.subject.black_box {
        (None, Some("--black-box was asked for".to_owned()))
    } else {
        match engines.differentiable(&file, options) {
            Ok(own) => (Some(own), None),
            Err(error) => (None, Some(error.to_string())),
        }
    };
    let victim = match &gradients {
        Some(own) => Victim::white_box(&model_of, own),
        None => Victim::black_box(&model_of),
    };
    let BoxArg { low, high } = args.subject.bounds.unwrap_or(BoxArg { low: 0.0, high: 1.0 });
    let threat =
        Threat { norm: norm(args.norm), eps: args.eps, bounds: Bounds::Everywhere { low, high }, grid: None };
    let settings = Deviation {
        steps: args.steps,
        restarts: args.restarts,
        tolerance: args.tolerance,
        seed: args.subject.seed,
        ..Deviation::default()
    };
    let report = watched("moving the output", |told| {
        deviate(&victim, &rows.values, &threat, &settings, &mut |p| told(p.rows_done, p.rows))
    })?;
    Ok(Moved {
        schema: "proofhouse.deviation/v1",
        name: model.file_name().map_or_else(|| "model".into(), |n| n.to_string_lossy().into_owned()),
        model: Digest::of(&file),
        data: rows.digest,
        without_gradients: why,
        report,
        most: args.most,
        shape: rows.shape,
        limits: (low, high),
        rows: rows.values,
    })
}

impl Moved {
    /// The largest first.
    fn furthest(&self) -> Vec<&Shift> {
        let mut shifts: Vec<&Shift> = self.report.shifts.iter().collect();
        shifts.sort_by(|a, b| b.size().total_cmp(&a.size()));
        shifts
    }
}

impl Found for Moved {
    fn exit(&self) -> Exit {
        let high = self.report.moved.as_ref().and_then(|m| m.interval.as_ref()).map(|i| i.high);
        match (self.most, high) {
            (None, _) => Exit::Clean,
            (Some(_), _) if self.report.shifts.is_empty() => Exit::Unknown,
            (Some(most), Some(high)) if high <= most => Exit::Clean,
            (Some(_), Some(_)) => Exit::Findings,
            (Some(_), None) => Exit::Unknown,
        }
    }

    fn show(&self) {
        let report = &self.report;
        terminal::line(format!("model {}  data {}", self.model.short(), self.data.short()));
        if let Some(why) = &self.without_gradients {
            terminal::line(format!("without gradients: {why}"));
        }
        terminal::line(format!(
            "{} at most {}  {} rows by {}",
            report.threat.norm.name(),
            report.threat.eps,
            report.n,
            report.attack
        ));
        if report.undefined > 0 {
            terminal::line(format!(
                "  {} rows have no finite answer and were not attacked",
                report.undefined
            ));
        }
        let number = |v: Option<f64>| v.map_or_else(|| "nothing".to_owned(), |v| format!("{v:.6}"));
        terminal::line(format!(
            "  moved by {} in the mean, by {} at most",
            number(report.mean),
            number(report.largest)
        ));
        if let (Some(moved), Some(tolerance)) = (&report.moved, report.options.tolerance) {
            terminal::line(format!("  by more than {tolerance}: {} of the rows", words(moved)));
        }
        terminal::line("  what was found can only be exceeded");
        for shift in self.furthest().into_iter().take(5) {
            terminal::line(format!(
                "    row {:<6} output {} from {:.6} to {:.6}",
                shift.index, shift.output, shift.before, shift.after
            ));
        }
    }

    fn page(&self) -> Examination {
        let width: usize = self.shape.iter().product();
        let examples = self.furthest().into_iter().take(6).filter_map(|shift| {
            let original = self.rows.get(shift.index * width..(shift.index + 1) * width)?;
            let change = picture(&self.shape, self.limits, original)
                .zip(picture(&self.shape, self.limits, &shift.adversarial))
                .map_or_else(
                    || Change::Table(difference(&[], original, &shift.adversarial)),
                    |(original, altered)| Change::Image { original, altered },
                );
            Some(Counterexample {
                record: format!("row {}", shift.index),
                truth: format!("{:.6}", shift.before),
                answer: format!("{:.6}", shift.after),
                distance: shift.distance,
                change,
            })
        });
        let report = &self.report;
        let row = |shift: &&Shift| {
            vec![
                shift.index.to_string(),
                shift.output.to_string(),
                format!("{:.6}", shift.before),
                format!("{:.6}", shift.after),
                format!("{:.6}", shift.size()),
            ]
        };
        Examination {
            title: format!("Attack on {}", self.name),
            lead: report
                .largest
                .map(|largest| {
                    format!(
                        "A change of at most {} moves the output by up to {largest:.6}.",
                        report.threat.eps
                    )
                })
                .into_iter()
                .chain(report.moved.as_ref().zip(report.options.tolerance).map(|(moved, tolerance)| {
                    format!("By more than {tolerance}: {} of the rows.", words(moved))
                }))
                .collect(),
            tool: tool(),
            facts: vec![
                ("model".to_owned(), self.model.to_string()),
                ("data".to_owned(), self.data.to_string()),
                ("attack".to_owned(), report.attack.clone()),
                ("questions asked".to_owned(), report.queries.total().to_string()),
            ],
            examples: examples.collect(),
            tables: vec![Results {
                title: "Outputs that moved furthest".to_owned(),
                says: "By a fresh pass of the changed row alone; what was found can only be exceeded."
                    .to_owned(),
                columns: ["Row", "Output", "Before", "After", "Moved by"].map(str::to_owned).to_vec(),
                rows: self.furthest().iter().take(20).map(row).collect(),
            }],
            ..Examination::default()
        }
    }
}
