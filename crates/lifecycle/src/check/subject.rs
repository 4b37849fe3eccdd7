//! What the checks of a model beside evasion have in common: rows of datasets, gradients or the reason why there are
//! none, models trained beside each other.

use proofhouse_core::{Measurement, Unit};
use proofhouse_onnx::{DifferentiableClassifier, Gradients, LoadOptions};
use proofhouse_robustness::privacy::Template;
use proofhouse_robustness::privacy::membership::Rows;
use proofhouse_robustness::{Bounds, Chance, Estimated, Norm, RobustnessError, Threat};
use proofhouse_system::{Count, DatasetRole, OutputForm};
use rayon::prelude::*;

use super::Context;
use crate::LifecycleError;
use crate::data::LoadedDataset;

/// Pairs of questions for one gradient that is estimated from scores.
const PAIRS: usize = 24;
/// How far apart they are, as a share of the box.
const WIDTH: f64 = 0.05;

/// Some rows of a dataset, by chance.
pub(super) struct Sample {
    pub rows: Vec<f32>,
    pub labels: Vec<usize>,
    /// Their indices in the dataset, ascending.
    pub indices: Vec<usize>,
}

impl Sample {
    /// At most `most` rows, drawn with a seed, so that an order of the file says nothing.
    pub(super) fn of(data: &LoadedDataset, most: usize, seed: u64) -> Result<Self, LifecycleError> {
        let (rows, labels) = (data.features()?, data.labels()?);
        let width = rows.len() / labels.len().max(1);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        Chance::new(seed, "sample", 0).shuffle(&mut order);
        order.truncate(most);
        order.sort_unstable();
        Ok(Self {
            rows: order.iter().flat_map(|at| &rows[at * width..][..width]).copied().collect(),
            labels: order.iter().map(|at| labels[*at]).collect(),
            indices: order,
        })
    }

    pub(super) fn as_rows(&self) -> Rows<'_> {
        Rows { rows: &self.rows, labels: &self.labels }
    }

    pub(super) const fn len(&self) -> usize {
        self.labels.len()
    }
}

/// A count of the system file, or what stands in its place.
pub(super) fn count(stated: Option<Count>, otherwise: usize) -> usize {
    stated.map_or(otherwise, |c| usize::try_from(c.get()).unwrap_or(usize::MAX))
}

/// The dataset that was learned from.
pub(super) fn learned<'a>(context: &'a Context<'_>) -> Result<&'a LoadedDataset, LifecycleError> {
    context.datasets.with_role(DatasetRole::Train).next().ok_or_else(|| {
        LifecycleError::Order(
            "the system file has no dataset with the role train, so that nobody knows which rows were learned from"
                .to_owned(),
        )
    })
}

/// The dataset that was learned from, for checks that speak about all training rows, or why there is none.
pub(super) fn all_learned<'a>(
    context: &'a Context<'_>,
) -> Result<Result<&'a LoadedDataset, String>, LifecycleError> {
    let several: Vec<&str> = context.datasets.with_role(DatasetRole::Train).map(LoadedDataset::id).collect();
    if several.len() > 1 {
        return Ok(Err(format!(
            "the training rows lie in {} datasets ({}), and this check reads one; describe their files as one dataset",
            several.len(),
            several.join(", ")
        )));
    }
    learned(context).map(Ok)
}

/// The dataset that judges.
pub(super) fn judged<'a>(context: &'a Context<'_>) -> Result<&'a LoadedDataset, LifecycleError> {
    let checks = &context.project.system.checks;
    context.datasets.judged_by(checks.performance.as_ref().map(|c| &c.dataset))
}

/// Smallest and largest value of a feature: those of the evasion check, or else those of the data.
pub(super) fn limits(context: &Context<'_>, rows: &[f32]) -> (f32, f32) {
    match &context.project.system.checks.evasion {
        Some(check) => (check.bounds.low as f32, check.bounds.high as f32),
        None => {
            let low = rows.iter().copied().fold(f32::INFINITY, f32::min);
            let high = rows.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            if low < high { (low, high) } else { (0.0, 1.0) }
        }
    }
}

/// Whether an attacker sees more than labels: what the system file says, scores where it says nothing.
pub(super) fn shows_scores(context: &Context<'_>) -> bool {
    let exposed = context.model.spec().exposes.as_ref();
    exposed.is_none_or(|forms| forms.iter().any(|f| *f != OutputForm::Label))
}

/// Whether an attacker has gradients, by the weights or because they are shown.
pub(super) fn shows_gradients(context: &Context<'_>) -> bool {
    let spec = context.model.spec();
    spec.weights_public == Some(true)
        || spec.exposes.as_ref().is_some_and(|forms| forms.contains(&OutputForm::Gradients))
}

/// The model's own gradients, or why it has none.
pub(super) fn gradients(context: &Context<'_>) -> Result<DifferentiableClassifier, LifecycleError> {
    let options = context.model.classifier()?.options().clone();
    Ok(DifferentiableClassifier::new(context.model.graph()?, options, &LoadOptions::default())?)
}

/// Runs something with the model's gradients, or with estimates of them from its scores where it has none, or where an
/// attacker would not have them. Says which.
pub(super) fn with_gradients<T>(
    context: &Context<'_>,
    own: bool,
    limits: (f32, f32),
    seed: u64,
    run: impl FnOnce(&dyn Gradients) -> Result<T, RobustnessError>,
) -> Result<(T, &'static str), LifecycleError> {
    if own && let Ok(own) = gradients(context) {
        return Ok((run(&own)?, "exact"));
    }
    let bounds = Bounds::Everywhere { low: limits.0, high: limits.1 };
    let eps = WIDTH * (f64::from(limits.1) - f64::from(limits.0));
    let threat = Threat { norm: Norm::Linf, eps, bounds, grid: None };
    let estimated = Estimated::new(context.model.classifier()?, &threat, PAIRS, seed);
    Ok((run(&estimated)?, "estimated from scores"))
}

/// The model as what shadows are made from.
pub(super) fn template<'a>(context: &'a Context<'_>) -> Result<Template<'a>, LifecycleError> {
    Ok(Template { file: context.model.graph()?, options: context.model.classifier()?.options() })
}

/// Trains `count` models beside each other; each depends on its number and on nothing else.
pub(super) fn beside<T: Send>(
    count: usize,
    train: impl Fn(usize) -> Result<T, RobustnessError> + Sync,
) -> Result<Vec<T>, RobustnessError> {
    (0..count).into_par_iter().map(&train).collect()
}

/// A number that is measured without an interval.
pub(super) fn plain(name: &str, value: f64, unit: Unit) -> Measurement {
    Measurement::new(name, value, unit)
}

/// The upper end of a measurement's interval.
pub(super) fn high(measured: &Measurement) -> f64 {
    measured.interval.as_ref().map_or(1.0, |i| i.high)
}

/// The lower end.
pub(super) fn low(measured: &Measurement) -> f64 {
    measured.interval.as_ref().map_or(0.0, |i| i.low)
}
