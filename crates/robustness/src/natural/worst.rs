//! The worst setting of natural changes, row by row: the turned, moved, darkened sign that is no longer a stop sign.
//!
//! Changes are composed in the given order, each within a severity. The space of settings has few dimensions and no
//! useful gradient everywhere, so it is searched by asking: first spread over the whole space, then around the best
//! setting with a shrinking spread. Noise within a setting is drawn once for each row, so that a found setting can be
//! shown again.

use proofhouse_core::Measurement;
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use super::image::Image;
use super::kind::Range;
use super::{Kind, judge};
use crate::attack::margin;
use crate::{Chance, Goal, LabelledRows, QueryLedger, RobustnessError};

/// Settings asked about in one batch for each row.
const BATCH: usize = 8;
/// Share of the queries spread over the whole space.
const SPREAD: f64 = 0.6;

/// What to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstCase {
    /// The changes, in the order in which they are applied, each with its severity from 1 to 5.
    pub changes: Vec<(Kind, usize)>,
    /// Smallest and largest value of a pixel.
    pub bounds: (f32, f32),
    /// Queries a row may cost.
    pub queries: u64,
    /// Seed of all chance.
    pub seed: u64,
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
    /// Most examples kept.
    pub max_examples: usize,
}

impl WorstCase {
    /// A traffic sign met by a camera: turned, moved, nearer or farther, in another light.
    #[must_use]
    pub fn sign(severity: usize) -> Self {
        let kinds = [Kind::Rotation, Kind::Translation, Kind::Zoom, Kind::Brightness, Kind::Contrast];
        Self {
            changes: kinds.map(|kind| (kind, severity)).to_vec(),
            bounds: (0.0, 1.0),
            queries: 200,
            seed: 0,
            confidence: 0.95,
            max_examples: 16,
        }
    }
}

/// A setting that fools the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstExample {
    /// Index of the row.
    pub index: usize,
    /// Its label, which the model predicted.
    pub label: usize,
    /// What it predicts now.
    pub predicted: usize,
    /// The changes with their parameters.
    pub setting: Vec<(Kind, Vec<f64>)>,
    /// The row.
    pub original: Vec<f32>,
    /// The changed row.
    pub changed: Vec<f32>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorstReport {
    /// What was searched.
    pub search: WorstCase,
    /// Rows.
    pub n: u64,
    /// Rows right unchanged; all of them were searched.
    pub attacked: u64,
    /// Of these, rows with a setting that fools the model, confirmed by a pass of its own.
    pub evaded: u64,
    /// Settings that such a pass did not confirm.
    pub unconfirmed: u64,
    /// Answers with NaN.
    pub undefined: u64,
    /// What it cost.
    pub queries: QueryLedger,
    /// Share of the attacked rows that were evaded: a lower bound of what a finer search finds.
    pub success: Measurement,
    /// Share of all rows right before and under every setting that was asked about: an upper bound.
    pub robust_accuracy: Measurement,
    /// The first examples by index.
    pub examples: Vec<WorstExample>,
}

/// Looks for a setting that fools the model, for every row that it gets right.
///
/// # Errors
/// Rows that are no images, or do not fit the model or the box; a search without changes.
pub fn worst_case(
    model: &dyn Scores,
    data: &LabelledRows<'_>,
    search: &WorstCase,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<WorstReport, RobustnessError> {
    if search.changes.is_empty() || search.queries == 0 {
        return Err(RobustnessError::Option("a search has at least one change and one query".to_owned()));
    }
    let judged = judge(model, data, search.bounds)?;
    let ranges: Vec<Range> = search.changes.iter().flat_map(|(kind, s)| kind.ranges(*s)).collect();
    let attacked = judged.correct.len() as u64;
    let n = data.labels.len() as u64;
    let mut report = WorstReport {
        search: search.clone(),
        n,
        attacked,
        evaded: 0,
        unconfirmed: 0,
        undefined: judged.undefined,
        queries: QueryLedger { clean: n, ..QueryLedger::default() },
        success: Measurement::proportion("evasion-success", 0, attacked, search.confidence),
        robust_accuracy: Measurement::proportion("robust-accuracy", attacked, n, search.confidence),
        examples: Vec::new(),
    };
    for (done, index) in judged.correct.iter().enumerate() {
        progress(done, judged.correct.len());
        let row = &data.rows[index * model.features()..][..model.features()];
        let image = Image::of(judged.geometry, row, search.bounds);
        let found = look(model, &image, (*index, data.labels[*index]), &ranges, search, &mut report)?;
        let Some((setting, changed)) = found else { continue };
        let mut scores = Vec::new();
        model.scores(&changed, 1, &mut scores)?;
        report.queries.confirm += 1;
        match predict(&scores, model.classes()).into_iter().next().flatten() {
            Some(predicted) if predicted != data.labels[*index] => {
                report.evaded += 1;
                if report.examples.len() < search.max_examples {
                    report.examples.push(WorstExample {
                        index: *index,
                        label: data.labels[*index],
                        predicted,
                        setting: split(search, &setting),
                        original: row.to_vec(),
                        changed,
                    });
                }
            }
            _ => report.unconfirmed += 1,
        }
    }
    progress(judged.correct.len(), judged.correct.len());
    let proportion = |name, k, n| Measurement::proportion(name, k, n, search.confidence);
    report.success = proportion("evasion-success", report.evaded, attacked);
    report.robust_accuracy = proportion("robust-accuracy", attacked - report.evaded, n);
    Ok(report)
}

type Found = Option<(Vec<f64>, Vec<f32>)>;

fn look(
    model: &dyn Scores,
    image: &Image,
    (index, label): (usize, usize),
    ranges: &[Range],
    search: &WorstCase,
    report: &mut WorstReport,
) -> Result<Found, RobustnessError> {
    let mut chance = Chance::new(search.seed, "worst-case", index);
    let mut best: (f64, Vec<f64>) = (f64::INFINITY, Vec::new());
    let mut scores = Vec::new();
    let mut asked = 0;
    while asked < search.queries {
        let batch = (search.queries - asked).min(BATCH as u64) as usize;
        let progress = asked as f64 / search.queries as f64;
        let settings: Vec<Vec<f64>> = (0..batch)
            .map(|_| {
                if progress < SPREAD || best.1.is_empty() {
                    // Half of the draws at the ends, where changes are strongest.
                    let strong = chance.coin();
                    return ranges.iter().map(|r| wide(*r, strong, &mut chance)).collect();
                }
                let spread = 0.3 * (1.0 - (progress - SPREAD) / (1.0 - SPREAD)).max(0.05);
                let near = ranges
                    .iter()
                    .zip(&best.1)
                    .map(|(r, p)| (p + spread * (r.high - r.low) * chance.normal()).clamp(r.low, r.high));
                near.collect()
            })
            .collect();
        let changed: Vec<Vec<f32>> = settings.iter().map(|s| apply(search, s, image, index)).collect();
        let rows: Vec<f32> = changed.iter().flatten().copied().collect();
        model.scores(&rows, batch, &mut scores)?;
        asked += batch as u64;
        report.queries.attack += batch as u64;
        for ((setting, row), answer) in
            settings.into_iter().zip(changed).zip(scores.chunks_exact(model.classes()))
        {
            let Some(class) = predict(answer, answer.len()).into_iter().next().flatten() else {
                report.undefined += 1;
                continue;
            };
            if class != label {
                return Ok(Some((setting, row)));
            }
            let left = margin(answer, label, Goal::Untargeted, model.kind());
            if left < best.0 {
                best = (left, setting);
            }
        }
    }
    Ok(None)
}

fn wide(range: Range, strong: bool, chance: &mut Chance) -> f64 {
    match (strong && range.strength, chance.below(3)) {
        (true, 0) => range.low,
        (true, 1) => range.high,
        _ => range.low + (range.high - range.low) * chance.unit(),
    }
}

/// The parameters of each change.
fn split(search: &WorstCase, setting: &[f64]) -> Vec<(Kind, Vec<f64>)> {
    let mut rest = setting;
    search
        .changes
        .iter()
        .map(|(kind, severity)| {
            let (own, after) = rest.split_at(kind.ranges(*severity).len());
            rest = after;
            (*kind, own.to_vec())
        })
        .collect()
}

fn apply(search: &WorstCase, setting: &[f64], image: &Image, index: usize) -> Vec<f32> {
    let mut image = image.clone();
    for (kind, parameters) in split(search, setting) {
        image = kind.apply(&parameters, &image, &mut Chance::new(search.seed, kind.name(), index));
    }
    image.row(search.bounds)
}
