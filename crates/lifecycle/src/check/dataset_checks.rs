//! Checks of the datasets: whole, of known origin, allowed, usable, and free of test rows in training.

use proofhouse_core::{Digest, Verdict};
use proofhouse_dataset::Manifest;
use proofhouse_dataset::checks::{self, LeakageRules, QualityRules};
use proofhouse_system::DatasetRole;
use serde_json::{Value, json};

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

impl From<checks::Outcome> for Outcome {
    fn from(o: checks::Outcome) -> Self {
        Self::new(o.verdict, o.criterion).measured(o.measurements).found(o.findings)
    }
}

/// One setup per dataset.
fn each(context: &Context<'_>, config: impl Fn(&LoadedDataset) -> Value) -> Vec<Setup> {
    context.datasets.iter().map(|d| Setup::of(d.subject(), config(d))).collect()
}

fn examined<'a>(context: &'a Context<'_>, setup: &Setup) -> Result<&'a LoadedDataset, LifecycleError> {
    context.datasets.by_digest(&setup.subject.digest)
}

/// The files are the ones the system file names by digest.
pub struct Integrity;

impl Check for Integrity {
    fn kinds(&self) -> &'static [&'static str] {
        &["digest-verify"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(each(context, |d| json!({"sha256": d.spec().sha256, "records": d.spec().records})))
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let dataset = examined(context, setup)?;
        let manifest = dataset.manifest();
        if let Some(root) = dataset.spec().records {
            let promised = Manifest { records_root: root, ..manifest.clone() };
            return Ok(checks::integrity(&promised, &manifest.files, Some(dataset.table())).into());
        }
        let Some(stated) = dataset.spec().sha256 else {
            return Ok(Outcome::could_not_run(
                self.name(),
                &format!("the system file states neither sha256 nor records of dataset {}", dataset.id()),
            ));
        };
        if manifest.files.len() > 1 {
            return Ok(Outcome::could_not_run(
                self.name(),
                "one sha256 speaks about one file; state the root over its records instead",
            ));
        }
        Ok(checks::integrity(&as_stated(manifest, stated), &manifest.files, Some(dataset.table())).into())
    }
}

/// The manifest that the system file promises: the same records in a file of the stated digest.
fn as_stated(manifest: &Manifest, stated: Digest) -> Manifest {
    let mut promised = manifest.clone();
    for file in &mut promised.files {
        file.sha256 = stated;
    }
    promised
}

/// Source, licence and time of retrieval are stated.
pub struct Provenance;

impl Check for Provenance {
    fn kinds(&self) -> &'static [&'static str] {
        &["provenance-verify"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(each(context, |d| json!({"provenance": d.manifest().provenance})))
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        Ok(checks::provenance(examined(context, setup)?.manifest()).into())
    }
}

/// The licence is one the system file allows.
pub struct Licence;

impl Check for Licence {
    fn kinds(&self) -> &'static [&'static str] {
        &["licence-check"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let allowed = allowed_licences(context);
        Ok(each(context, |_| json!({"allow": allowed})))
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let allowed = allowed_licences(context);
        if allowed.is_empty() {
            return Ok(Outcome::could_not_run(
                self.name(),
                "the system file allows no licence; state checks.dataset.allow_licences",
            ));
        }
        Ok(checks::licence(examined(context, setup)?.manifest(), &allowed).into())
    }
}

fn allowed_licences(context: &Context<'_>) -> Vec<String> {
    context.project.system.checks.dataset.as_ref().and_then(|c| c.allow_licences.clone()).unwrap_or_default()
}

/// Nulls, constants, duplicates, labels and class sizes.
pub struct Quality;

impl Check for Quality {
    fn kinds(&self) -> &'static [&'static str] {
        &["data-quality-suite"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        Ok(each(context, |d| json!({"rules": quality_rules(context, d)})))
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let dataset = examined(context, setup)?;
        Ok(checks::quality(dataset.id(), dataset.table(), &quality_rules(context, dataset))?.into())
    }
}

fn quality_rules(context: &Context<'_>, dataset: &LoadedDataset) -> QualityRules {
    let classes = context.model.spec().tensors().map_or(0, |t| t.classes.len());
    let least = context.project.system.checks.dataset.as_ref().and_then(|c| c.min_rows_per_class);
    let rows = dataset.table().rows().max(1);
    let default = QualityRules::default();
    QualityRules {
        label: dataset.spec().label.clone(),
        label_domain: (0..classes).map(|c| c.to_string()).collect(),
        min_class_share: least.map_or(default.min_class_share, |n| n.get() as f64 / rows as f64),
        ..default
    }
}

/// No row of a test set is also a row of a training set.
pub struct Leakage;

impl Check for Leakage {
    fn kinds(&self) -> &'static [&'static str] {
        &["leakage-scan", "contamination-check"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let config = json!({"rules": leakage_rules(context)});
        let pairs = context
            .datasets
            .with_role(DatasetRole::Test)
            .flat_map(|test| context.datasets.with_role(DatasetRole::Train).map(move |train| (test, train)));
        Ok(pairs
            .map(|(test, train)| Setup::of(test.subject(), config.clone()).with_data(train.digest()))
            .collect())
    }

    fn run(&self, context: &Context<'_>, setup: &Setup) -> Result<Outcome, LifecycleError> {
        let test = examined(context, setup)?;
        let Some(data) = setup.data else {
            return Ok(Outcome::new(Verdict::Unknown, "there is no training set to compare with"));
        };
        let train = context.datasets.by_digest(&data)?;
        let rules = leakage_rules(context);
        Ok(checks::leakage(train.table(), test.table(), test.feature_names(), &rules)?.outcome.into())
    }
}

fn leakage_rules(context: &Context<'_>) -> LeakageRules {
    let stated = context.project.system.checks.dataset.as_ref().and_then(|c| c.max_overlap);
    let default = LeakageRules::default();
    LeakageRules { max_share: stated.map_or(default.max_share, |s| s.get()), ..default }
}
