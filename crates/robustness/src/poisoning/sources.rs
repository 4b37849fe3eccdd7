//! Would the model be better without one of its sources?
//!
//! Copies of the model are trained from nothing on all training rows, and again without the rows of one source after the
//! other. Rows that were planted to make the model worse show in that it is better without them; what a source adds shows in
//! that it is worse. Each copy without a source starts from the same weights as a copy with it, and both answer the same
//! rows, so that what is left of chance is how training happened to go: it is measured between copies.

use proofhouse_core::interval::normal_quantile;
use proofhouse_core::{Interval, Measurement, Unit};
use proofhouse_onnx::{Scores as _, predict};
use serde::{Deserialize, Serialize};

use crate::RobustnessError;
use crate::privacy::membership::Rows;
use crate::privacy::{ShadowTraining, Template};

/// Copies beyond which nothing more is learned.
const MOST_COPIES: usize = 1000;

/// What it was run with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceTraining {
    /// Copies with all sources, and without each of them.
    pub copies: usize,
    /// How each is trained.
    pub training: ShadowTraining,
    /// Confidence with which the intervals of all sources hold together.
    pub confidence: f64,
}

/// What one source does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceEffect {
    /// What it is called.
    pub name: String,
    /// Its training rows.
    pub rows: u64,
    /// How much more often copies are right without it, with an interval.
    pub gain: Measurement,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Share of the judging rows that copies with all sources get right, on average.
    pub accuracy: f64,
    /// Source by source.
    pub sources: Vec<SourceEffect>,
}

/// Trains one copy on the rows for which `learned` holds, and says which of the judging rows it gets right.
fn right(
    template: Template<'_>,
    (trained, judging): (Rows<'_>, Rows<'_>),
    learned: &[bool],
    training: &ShadowTraining,
    which: usize,
) -> Result<Vec<bool>, RobustnessError> {
    let model = template.train(trained, learned, training, which)?.model;
    let mut scores = Vec::new();
    model.scores(judging.rows, judging.labels.len(), &mut scores)?;
    let said = predict(&scores, model.classes());
    Ok(said.iter().zip(judging.labels).map(|(said, label)| *said == Some(*label)).collect())
}

/// Leaves out each source in turn. `of` is the source of each training row, as an index into `names`; `beside` runs
/// trainings by their number, in whatever order, and gives what they gave in order.
///
/// # Errors
/// A file that holds no network that can be trained, rows that do not fit it, fewer than two sources or copies.
pub fn leave_out<B>(
    template: Template<'_>,
    (trained, judging): (Rows<'_>, Rows<'_>),
    (of, names): (&[usize], &[String]),
    how: &SourceTraining,
    beside: B,
) -> Result<SourceReport, RobustnessError>
where
    B: Fn(
        usize,
        &(dyn Fn(usize) -> Result<Vec<bool>, RobustnessError> + Sync),
    ) -> Result<Vec<Vec<bool>>, RobustnessError>,
{
    let refuse = |what: &str| Err(RobustnessError::Option(what.to_owned()));
    if names.len() < 2 || !(3..=MOST_COPIES).contains(&how.copies) {
        return refuse(
            "what a source does is told from two sources and three copies on, and by a thousand at most",
        );
    }
    if of.len() != trained.labels.len() || of.iter().any(|s| *s >= names.len()) || judging.labels.is_empty() {
        return refuse("each training row has a source, and there are rows to judge by");
    }
    // The first copies learn from all, then come those without the first source, and so on.
    let answers = beside((names.len() + 1) * how.copies, &|at| {
        let (group, which) = (at / how.copies, at % how.copies);
        let learned: Vec<bool> = of.iter().map(|source| group == 0 || *source != group - 1).collect();
        right(template, (trained, judging), &learned, &how.training, which)
    })?;
    let (with, without) = answers.split_at(how.copies.min(answers.len()));
    let together = 1.0 - (1.0 - how.confidence) / names.len() as f64;
    let sources = names.iter().zip(without.chunks(how.copies)).enumerate().map(|(source, (name, copies))| {
        SourceEffect {
            name: name.clone(),
            rows: of.iter().filter(|s| **s == source).count() as u64,
            gain: gain(name, with, copies, together),
        }
    });
    let all: f64 = with.iter().flatten().map(|right| f64::from(u8::from(*right))).sum();
    Ok(SourceReport {
        accuracy: all / (with.len() * judging.labels.len()) as f64,
        sources: sources.collect(),
    })
}

/// The quantile of Student's distribution that belongs to a normal one (Abramowitz, Stegun 26.7.5).
fn student(z: f64, freedom: f64) -> f64 {
    let terms = [
        (z.powi(3) + z) / 4.0,
        (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0,
        (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0,
        (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z)
            / 92_160.0,
    ];
    terms.iter().zip(1..).map(|(term, power)| term / freedom.powi(power)).sum::<f64>() + z
}

/// How much more often copies without a source are right, with an interval from how copies and rows differ.
fn gain(name: &str, with: &[Vec<bool>], without: &[Vec<bool>], confidence: f64) -> Measurement {
    let rows = with.first().map_or(0, Vec::len);
    let score = |a: &bool, b: &bool| f64::from(u8::from(*b)) - f64::from(u8::from(*a));
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let error = |values: &[f64]| {
        let (middle, n) = (mean(values), values.len() as f64);
        values.iter().map(|v| (v - middle).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n
    };
    let by_copy: Vec<f64> = with
        .iter()
        .zip(without)
        .map(|(a, b)| a.iter().zip(b).map(|(a, b)| score(a, b)).sum::<f64>() / rows.max(1) as f64)
        .collect();
    let by_row: Vec<f64> = (0..rows)
        .map(|at| {
            with.iter().zip(without).map(|(a, b)| score(&a[at], &b[at])).sum::<f64>() / with.len() as f64
        })
        .collect();
    let value = mean(&by_copy);
    // Few copies are a small sample, rows are a large one.
    let normal = normal_quantile(0.5 + confidence / 2.0);
    let freedom = (with.len() as f64 - 1.0).max(1.0);
    let half = (student(normal, freedom) * error(&by_copy).sqrt()).hypot(normal * error(&by_row).sqrt());
    let interval = Interval {
        low: value - half,
        high: value + half,
        confidence,
        method: "t, copies and rows".to_owned(),
    };
    Measurement {
        interval: Some(interval),
        n: Some(rows as u64),
        ..Measurement::new("gain-without-source", value, Unit::Ratio).of_slice(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scipy.stats.t.ppf. With few degrees of freedom and far out the series falls short by some per cent.
    #[test]
    fn quantiles_match_scipy() {
        for (p, freedom, wanted) in [
            (0.975, 4.0, 2.776_445_1),
            (0.975, 2.0, 4.302_652_7),
            (0.99, 4.0, 3.746_947_4),
            (0.975, 30.0, 2.042_272_5),
        ] {
            let found = student(normal_quantile(p), freedom);
            assert!((found / wanted - 1.0).abs() < 0.03, "{p} {freedom}: {found}");
        }
    }
}
