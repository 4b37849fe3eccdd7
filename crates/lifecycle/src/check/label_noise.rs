//! Label noise: records whose nearest neighbours disagree with their label.

use proofhouse_dataset::Features;
use proofhouse_dataset::checks::{LabelNoiseRules, label_noise};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

/// The estimated share of wrong labels in the dataset that the system file names.
pub struct LabelNoise;

impl Check for LabelNoise {
    fn kinds(&self) -> &'static [&'static str] {
        &["label-noise-scan"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some((dataset, rules)) = parameters(context)? else { return Ok(Vec::new()) };
        Ok(vec![Setup::of(dataset.subject(), json!({"rules": rules}))])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some((dataset, rules)) = parameters(context)? else {
            return Ok(Outcome::could_not_run(self.name(), "the system file has no checks.label_noise"));
        };
        context.progress.step("label noise: nearest neighbours of every training record");
        let labels = dataset.labels()?;
        let features = Features {
            values: dataset.features()?.to_vec(),
            rows: labels.len(),
            columns: dataset.feature_names().len(),
        };
        let found = label_noise(&features, labels, &rules);
        let mut outcome: Outcome = found.outcome.into();
        outcome.exhibit = Some(json!({"suspects": found.suspects}));
        Ok(outcome)
    }
}

fn parameters<'a>(
    context: &'a Context<'_>,
) -> Result<Option<(&'a LoadedDataset, LabelNoiseRules)>, LifecycleError> {
    let Some(check) = &context.project.system.checks.label_noise else { return Ok(None) };
    let default = LabelNoiseRules::default();
    let neighbours =
        check.neighbours.map_or(default.neighbours, |n| usize::try_from(n.get()).unwrap_or(usize::MAX));
    let rules = LabelNoiseRules { neighbours, max_share: check.max_rate.get() };
    Ok(Some((context.datasets.get(&check.dataset)?, rules)))
}
