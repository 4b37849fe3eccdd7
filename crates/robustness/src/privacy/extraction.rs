//! How good a copy do so many queries buy?
//!
//! The attacker has some rows of the kind the model takes (or none), asks about them and about mixtures of them, trains
//! a network on the answers, and is judged by *fidelity*: how often copy and model agree on rows that were not asked
//! about. A rate limit does not stop it; it sets the time, which is reported instead of being waited for.

use proofhouse_core::{Measurement, Unit};
use proofhouse_onnx::{OutputKind, Scores, predict};
use serde::{Deserialize, Serialize};

use super::{Surrogate, Training};
use crate::binomial::clopper_pearson;
use crate::{Chance, RobustnessError};

/// Rows asked about in one batch.
const BATCH: usize = 512;

/// What the model shows of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shown {
    /// The class only.
    Label,
    /// All scores.
    Scores,
}

/// How to steal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// Numbers of queries to try, each with a copy of its own.
    pub budgets: Vec<u64>,
    /// What the model shows.
    pub shown: Shown,
    /// Queries an hour that one identity may ask; absent where nothing limits it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queries_per_hour: Option<f64>,
    /// Identities the attacker has.
    pub identities: u64,
    /// Smallest and largest value of a feature, for rows that are made up.
    pub bounds: (f32, f32),
    /// How the copy is trained.
    pub training: Training,
    /// Seed of the rows that are made up.
    pub seed: u64,
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
}

impl Default for Extraction {
    fn default() -> Self {
        Self {
            budgets: vec![100, 1000, 10_000],
            shown: Shown::Scores,
            queries_per_hour: None,
            identities: 1,
            bounds: (0.0, 1.0),
            training: Training::default(),
            seed: 0,
            confidence: 0.95,
        }
    }
}

/// What one budget buys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copy {
    /// Queries spent.
    pub queries: u64,
    /// Share of rows, not asked about, on which copy and model agree.
    pub fidelity: Measurement,
    /// Hours that the queries take under the rate limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hours: Option<f64>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExtractionReport {
    /// Everything it was run with.
    pub extraction: Extraction,
    /// Rows the attacker had of its own.
    pub own_rows: u64,
    /// What a copy would reach that always says the model's commonest class.
    pub baseline: f64,
    /// By budget.
    pub copies: Vec<Copy>,
}

/// Steals with every budget. `own` holds the attacker's rows, `judged` other rows to compare copy and model on.
///
/// # Errors
/// Rows that do not fit the model, no row to judge by, options that make no sense.
pub fn extract(
    model: &dyn Scores,
    own: &[f32],
    judged: &[f32],
    extraction: &Extraction,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<ExtractionReport, RobustnessError> {
    let width = model.features();
    let (low, high) = extraction.bounds;
    let refuse = |what: String| Err(RobustnessError::Option(what));
    if width == 0 || !own.len().is_multiple_of(width) || !judged.len().is_multiple_of(width) {
        return refuse(format!("rows have {width} values; {} and {} do not divide", own.len(), judged.len()));
    }
    if judged.is_empty() || extraction.budgets.contains(&0) || extraction.identities == 0 {
        return refuse(
            "a copy is judged on at least one row, after at least one query by one identity".to_owned(),
        );
    }
    if !(low.is_finite() && high.is_finite() && low < high)
        || extraction.queries_per_hour.is_some_and(|q| !(q.is_finite() && q > 0.0))
    {
        return refuse("the bounds hold something, and a rate limit is a positive number".to_owned());
    }
    let (n, classes) = (judged.len() / width, model.classes());
    let truth = ask(model, judged, n)?;
    let truth = predict(&truth, classes);
    let mut common = vec![0u64; classes];
    truth.iter().flatten().for_each(|c| common[*c] += 1);
    let mut copies = Vec::with_capacity(extraction.budgets.len());
    for (at, budget) in extraction.budgets.iter().enumerate() {
        progress(at, extraction.budgets.len());
        let rows = queries(own, width, usize::try_from(*budget).unwrap_or(usize::MAX), extraction);
        let asked = rows.len() / width;
        let answers = ask(model, &rows, asked)?;
        let (rows, targets) = targets(&rows, &answers, width, classes, model.kind(), extraction.shown);
        if rows.is_empty() {
            return refuse("the model answered every query with NaN".to_owned());
        }
        let copy = Surrogate::train(model.input_shape(), &rows, &targets, classes, &extraction.training)?;
        let said = predict(&ask(&copy, judged, n)?, classes);
        let agree = said.iter().zip(&truth).filter(|(a, b)| a.is_some() && a == b).count() as u64;
        let mut fidelity = Measurement::new("extraction-fidelity", agree as f64 / n as f64, Unit::Ratio)
            .of_slice(format!("queries={asked}"));
        fidelity.n = Some(n as u64);
        fidelity.interval = Some(clopper_pearson(agree, n as u64, extraction.confidence));
        let hours = extraction.queries_per_hour.map(|q| asked as f64 / (q * extraction.identities as f64));
        copies.push(Copy { queries: asked as u64, fidelity, hours });
    }
    progress(extraction.budgets.len(), extraction.budgets.len());
    Ok(ExtractionReport {
        extraction: extraction.clone(),
        own_rows: (own.len() / width) as u64,
        baseline: common.iter().max().copied().unwrap_or(0) as f64 / n as f64,
        copies,
    })
}

/// The attacker's rows first, then mixtures of two of them with a little noise, then, without any, noise alone.
fn queries(own: &[f32], width: usize, budget: usize, extraction: &Extraction) -> Vec<f32> {
    let (low, high) = extraction.bounds;
    let count = own.len() / width;
    let mut order: Vec<usize> = (0..count).collect();
    Chance::new(extraction.seed, "extraction-order", 0).shuffle(&mut order);
    let mut rows = Vec::with_capacity(budget.min(1 << 20) * width);
    for at in order.iter().take(budget) {
        rows.extend_from_slice(&own[at * width..][..width]);
    }
    for made in count.min(budget)..budget {
        let mut chance = Chance::new(extraction.seed, "extraction", made);
        if count == 0 {
            rows.extend((0..width).map(|_| (f64::from(low) + f64::from(high - low) * chance.unit()) as f32));
            continue;
        }
        let (a, b, share) = (chance.below(count), chance.below(count), chance.unit());
        for at in 0..width {
            let (a, b) = (f64::from(own[a * width + at]), f64::from(own[b * width + at]));
            let v = a + (b - a) * share + 0.05 * f64::from(high - low) * chance.normal();
            rows.push((v as f32).clamp(low, high));
        }
    }
    rows
}

/// Rows that were answered, with what to learn from the answers.
fn targets(
    rows: &[f32],
    answers: &[f32],
    width: usize,
    classes: usize,
    kind: OutputKind,
    shown: Shown,
) -> (Vec<f32>, Vec<f32>) {
    let mut kept = (Vec::new(), Vec::new());
    for (row, scores) in rows.chunks_exact(width).zip(answers.chunks_exact(classes)) {
        let Some(class) = predict(scores, classes).into_iter().next().flatten() else { continue };
        kept.0.extend_from_slice(row);
        let infinite = scores.iter().any(|s| !s.is_finite());
        match (shown, kind) {
            (Shown::Scores, OutputKind::Probabilities) if !infinite => kept.1.extend_from_slice(scores),
            (Shown::Scores, OutputKind::Logits) if !infinite => {
                let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let exp: Vec<f32> = scores.iter().map(|s| (s - most).exp()).collect();
                let total: f32 = exp.iter().sum();
                kept.1.extend(exp.iter().map(|e| e / total));
            }
            _ => kept.1.extend((0..classes).map(|c| f32::from(u8::from(c == class)))),
        }
    }
    kept
}

fn ask(model: &dyn Scores, rows: &[f32], n: usize) -> Result<Vec<f32>, RobustnessError> {
    let width = rows.len() / n.max(1);
    let (mut all, mut scores) = (Vec::with_capacity(n * model.classes()), Vec::new());
    for chunk in rows.chunks((BATCH * width).max(1)) {
        model.scores(chunk, chunk.len() / width.max(1), &mut scores)?;
        all.extend_from_slice(&scores);
    }
    Ok(all)
}
