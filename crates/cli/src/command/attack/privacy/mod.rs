//! Attacks on what a model gives away, one file each.

pub mod attribute;
pub mod backdoor;
pub mod extraction;
pub mod inversion;
pub mod membership;
pub mod property;
pub mod sponge;

use anyhow::Context as _;
use proofhouse_lifecycle::data::Datasets;
use proofhouse_onnx::Gradients;
use proofhouse_robustness::privacy::membership::Rows;
use proofhouse_robustness::{Estimated, Norm, Threat};
use proofhouse_system::DatasetRole;
use rayon::prelude::*;

use super::subject::Subject;

/// Pairs of questions for one gradient that is estimated from scores.
const PAIRS: usize = 24;

/// Rows and classes as the engines take them.
fn rows<'a>(rows: &'a [f32], labels: &'a [usize]) -> Rows<'a> {
    Rows { rows, labels }
}

/// Rows that a project's model learned from, at most `most`.
fn learned(subject: &Subject, most: Option<usize>) -> anyhow::Result<Option<(Vec<f32>, Vec<usize>)>> {
    let Some(described) = &subject.described else { return Ok(None) };
    let datasets = Datasets::load(&described.project)?;
    let train = datasets.with_role(DatasetRole::Train).next().context(
        "the system file has no dataset with the role train, so that nobody knows which rows were learned from",
    )?;
    let count = most.unwrap_or(usize::MAX).min(train.labels()?.len());
    let width = subject.options.input_shape.iter().product::<usize>();
    Ok(Some((train.features()?[..count * width].to_vec(), train.labels()?[..count].to_vec())))
}

/// The model's gradients, or estimates of them where it shows scores only.
fn with_gradients<T>(
    subject: &Subject,
    seed: u64,
    run: impl FnOnce(&dyn Gradients) -> anyhow::Result<T>,
) -> anyhow::Result<(T, bool)> {
    let victim = subject.victim();
    if let Some(gradients) = victim.gradients {
        return Ok((run(gradients)?, false));
    }
    let width = f64::from(subject.bounds.high) - f64::from(subject.bounds.low);
    let threat = Threat { norm: Norm::Linf, eps: 0.05 * width, bounds: subject.everywhere(), grid: None };
    let estimated = Estimated::new(victim.model, &threat, PAIRS, seed);
    Ok((run(&estimated)?, true))
}

/// Trains `count` models beside each other; each depends on its number and on nothing else.
fn beside<T: Send>(
    count: usize,
    train: impl Fn(usize) -> Result<T, proofhouse_robustness::RobustnessError> + Sync,
) -> Result<Vec<T>, proofhouse_robustness::RobustnessError> {
    (0..count).into_par_iter().map(&train).collect()
}

/// Scores of rows as logits, as shadow models give them.
fn logits(subject: &Subject, rows: &[f32], n: usize) -> anyhow::Result<Vec<f32>> {
    let victim = subject.victim();
    let mut scores = Vec::new();
    match victim.gradients {
        Some(own) => own.scores(rows, n, &mut scores)?,
        None => victim.model.scores(rows, n, &mut scores)?,
    }
    Ok(scores)
}
