//! The statement of where a hardened model comes from.

use std::path::Path;

use proofhouse_attest::{Predicate, ResourceDescriptor, SigningKey, Statement, sign_statement};
use proofhouse_robustness::harden::Recipe;
use serde::{Deserialize, Serialize};

use super::{Report, Standing};

/// From which model and rows, by which recipe, with what effect. The subject is the new file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Lineage {
    /// The file it was made from.
    derived_from: ResourceDescriptor,
    /// The rows it learned from.
    data: ResourceDescriptor,
    recipe: Recipe,
    epochs: usize,
    chosen: usize,
    attacks: String,
    before: Standing,
    after: Standing,
}

impl Predicate for Lineage {
    const TYPE: &'static str = "https://proofhouse.dev/hardening/v1";
}

/// The statement in its envelope.
pub fn signed(report: &Report, old: &Path, new: &Path, key: &SigningKey) -> anyhow::Result<Vec<u8>> {
    let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let lineage = Lineage {
        derived_from: ResourceDescriptor::sha256(name(old), &report.old),
        data: ResourceDescriptor::sha256("rows", &report.data),
        recipe: report.recipe.clone(),
        epochs: report.epochs.len(),
        chosen: report.chosen,
        attacks: report.attacks.clone(),
        before: report.before.clone(),
        after: report.after.clone(),
    };
    let subject = vec![ResourceDescriptor::sha256(name(new), &report.new)];
    Ok(sign_statement(&Statement::new(subject, &lineage)?, key)?.to_json()?)
}
