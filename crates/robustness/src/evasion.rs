//! What an attack found, counted so that it holds up.
//!
//! Only rows that the model classifies correctly are attacked, and a row counts as robust only if it was
//! correct before and no counterexample was found. A counterexample counts if a fresh forward pass of that
//! row alone confirms it and it lies in the ball and the box.

use proofhouse_core::Measurement;
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use crate::RobustnessError;
use crate::ball::{Ball, linf};
use crate::square::{self, Progress, SquareOptions, Target};

/// A row that the model misclassifies, beside the correct one it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Index of the row.
    pub index: usize,
    /// Its label, which the model predicted.
    pub label: usize,
    /// What it predicts now.
    pub predicted: usize,
    /// Largest difference in any feature.
    pub linf: f64,
    /// Queries the attack needed.
    pub queries: u64,
    /// Whether it still works rounded to the deployable grid within the ball; absent without a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survives_rounding: Option<bool>,
    /// The row.
    pub original: Vec<f32>,
    /// The changed row.
    pub adversarial: Vec<f32>,
}

/// Forward passes of single rows, by what they were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLedger {
    /// To find out which rows are correct to begin with.
    pub clean: u64,
    /// By the attack, its first query included.
    pub attack: u64,
    /// To confirm counterexamples, and to try them rounded.
    pub confirm: u64,
}

impl QueryLedger {
    /// All of them.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.clean + self.attack + self.confirm
    }
}

/// The outcome of an evasion attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvasionReport {
    /// The attack: `square`.
    pub attack: String,
    /// The norm of the ball: `linf`.
    pub norm: String,
    /// Everything it was run with.
    pub options: SquareOptions,
    /// Rows.
    pub n: u64,
    /// Rows that the model classifies correctly. Every one of them was attacked.
    pub attacked: u64,
    /// Attacked rows with a confirmed counterexample.
    pub evaded: u64,
    /// Attacked rows without one. An upper bound: a stronger attack may evade more.
    pub robust_correct: u64,
    /// Counterexamples that a fresh forward pass did not confirm: the model does not answer the same
    /// question the same way. They are not counted as evaded, and the report cannot pass.
    pub unconfirmed: u64,
    /// Answers with NaN among the scores. They are no evidence either way, and the report cannot pass.
    pub undefined: u64,
    /// Confirmed counterexamples that work on the deployable grid, too; absent without a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survive_rounding: Option<u64>,
    /// What it cost.
    pub queries: QueryLedger,
    /// Share of the attacked rows that were evaded. The interval speaks about rows like these under this
    /// attack; a lower bound of what a stronger attack does.
    pub success: Measurement,
    /// Share of all rows that are correct and were not evaded. An upper bound of the true robust accuracy.
    pub robust_accuracy: Measurement,
    /// `success` among the attacked rows of each label.
    pub per_class: Vec<Measurement>,
    /// The first counterexamples by index, as many as asked for.
    pub examples: Vec<Counterexample>,
}

/// Attacks every correctly classified row within `options.eps`. `rows` holds `labels.len()` rows of
/// [`Scores::features`] values in the box. `progress` is told after every round of queries.
pub fn evade(
    model: &dyn Scores,
    rows: &[f32],
    labels: &[usize],
    options: &SquareOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<EvasionReport, RobustnessError> {
    let data = LabelledRows::check(model, rows, labels, options)?;
    let clean = data.clean(model)?;
    let findings = pursue(model, &data, &clean.correct, options, progress)?;

    let mut per_class = vec![(0u64, 0u64); model.classes()];
    for index in &clean.correct {
        per_class[labels[*index]].1 += 1;
    }
    for example in &findings.confirmed {
        per_class[example.label].0 += 1;
    }
    let (n, attacked) = (labels.len() as u64, clean.correct.len() as u64);
    let evaded = findings.confirmed.len() as u64;
    let proportion = |name, k, n| Measurement::proportion(name, k, n, options.confidence);
    Ok(EvasionReport {
        attack: "square".to_owned(),
        norm: "linf".to_owned(),
        options: options.clone(),
        n,
        attacked,
        evaded,
        robust_correct: attacked - evaded,
        unconfirmed: findings.unconfirmed,
        undefined: clean.undefined + findings.undefined,
        survive_rounding: options
            .grid
            .map(|_| findings.confirmed.iter().filter(|e| e.survives_rounding == Some(true)).count() as u64),
        queries: QueryLedger { clean: n, ..findings.queries },
        success: proportion("evasion-success", evaded, attacked),
        robust_accuracy: proportion("robust-accuracy", attacked - evaded, n),
        per_class: per_class
            .iter()
            .enumerate()
            .filter(|(_, (_, attacked))| *attacked > 0)
            .map(|(class, (evaded, attacked))| {
                proportion("evasion-success", *evaded, *attacked).of_slice(format!("class={class}"))
            })
            .collect(),
        examples: findings.confirmed.into_iter().take(options.max_examples).collect(),
    })
}

/// Rows and labels that fit the model and the box.
pub(crate) struct LabelledRows<'a> {
    rows: &'a [f32],
    labels: &'a [usize],
    features: usize,
}

/// How the model does before the attack.
pub(crate) struct Clean {
    pub correct: Vec<usize>,
    pub undefined: u64,
}

impl<'a> LabelledRows<'a> {
    pub(crate) fn check(
        model: &dyn Scores,
        rows: &'a [f32],
        labels: &'a [usize],
        options: &SquareOptions,
    ) -> Result<Self, RobustnessError> {
        options.check()?;
        let (features, classes) = (model.features(), model.classes());
        if features == 0 || labels.len().checked_mul(features) != Some(rows.len()) {
            return Err(RobustnessError::Option(format!(
                "{} labels call for as many rows of {features} values, not for {} values",
                labels.len(),
                rows.len()
            )));
        }
        let legal = options.box_low..=options.box_high;
        for (row, (values, label)) in rows.chunks_exact(features).zip(labels).enumerate() {
            let reason = if *label >= classes {
                format!(
                    "label {label} is not one of the {classes} classes 0 to {}",
                    classes.saturating_sub(1)
                )
            } else if let Some(v) = values.iter().find(|v| !legal.contains(v)) {
                format!("{v} lies outside the box {}..={}", options.box_low, options.box_high)
            } else {
                continue;
            };
            return Err(RobustnessError::Row { row, reason });
        }
        Ok(Self { rows, labels, features })
    }

    fn row(&self, index: usize) -> &'a [f32] {
        &self.rows[index * self.features..][..self.features]
    }

    pub(crate) fn clean(&self, model: &dyn Scores) -> Result<Clean, RobustnessError> {
        let mut scores = Vec::new();
        model.scores(self.rows, self.labels.len(), &mut scores)?;
        let predicted = predict(&scores, model.classes());
        let undefined = predicted.iter().filter(|p| p.is_none()).count() as u64;
        let correct = (0..self.labels.len()).filter(|i| predicted[*i] == Some(self.labels[*i])).collect();
        Ok(Clean { correct, undefined })
    }
}

/// What came of attacking some rows.
pub(crate) struct Findings {
    pub confirmed: Vec<Counterexample>,
    pub unconfirmed: u64,
    pub undefined: u64,
    pub queries: QueryLedger,
}

/// Attacks the rows of `indices` and confirms what the attack claims.
pub(crate) fn pursue(
    model: &dyn Scores,
    data: &LabelledRows<'_>,
    indices: &[usize],
    options: &SquareOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Findings, RobustnessError> {
    let targets: Vec<Target<'_>> =
        indices.iter().map(|i| Target { index: *i, label: data.labels[*i], row: data.row(*i) }).collect();
    let outcomes = square::attack(model, &targets, options, progress)?;
    let mut findings =
        Findings { confirmed: Vec::new(), unconfirmed: 0, undefined: 0, queries: QueryLedger::default() };
    for outcome in outcomes {
        findings.queries.attack += outcome.queries;
        findings.undefined += outcome.undefined;
        let Some(adversarial) = outcome.found else { continue };
        let (original, label) = (data.row(outcome.index), data.labels[outcome.index]);
        let distance = linf(original, &adversarial);
        let legal = distance <= options.eps * (1.0 + 1e-6)
            && adversarial.iter().all(|v| (options.box_low..=options.box_high).contains(v));
        let predicted = ask(model, &adversarial, &mut findings.queries)?.filter(|class| *class != label);
        let (true, Some(predicted)) = (legal, predicted) else {
            findings.unconfirmed += 1;
            continue;
        };
        let survives_rounding = match options.grid {
            None => None,
            Some(step) => {
                let ball = Ball::around(original, options.eps, (options.box_low, options.box_high));
                let rounded: Option<Vec<f32>> =
                    adversarial.iter().enumerate().map(|(at, v)| ball.snap(at, *v, step)).collect();
                Some(match rounded {
                    None => false,
                    Some(row) => ask(model, &row, &mut findings.queries)?.is_some_and(|class| class != label),
                })
            }
        };
        findings.confirmed.push(Counterexample {
            index: outcome.index,
            label,
            predicted,
            linf: distance,
            queries: outcome.queries,
            survives_rounding,
            original: original.to_vec(),
            adversarial,
        });
    }
    Ok(findings)
}

/// The class of one row, asked alone.
fn ask(model: &dyn Scores, row: &[f32], queries: &mut QueryLedger) -> Result<Option<usize>, RobustnessError> {
    let mut scores = Vec::new();
    model.scores(row, 1, &mut scores)?;
    queries.confirm += 1;
    Ok(predict(&scores, model.classes()).into_iter().next().flatten())
}
