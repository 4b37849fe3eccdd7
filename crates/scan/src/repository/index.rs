//! Index files that name shards: `weight_map` of `*.index.json` (safetensors, PyTorch).

use std::collections::BTreeSet;

use proofhouse_artifact::json::Value;

use crate::python::Project;
use crate::scanner::{Content, Scanner};

/// Shards that are named in one finding.
const MAX_NAMED: usize = 5;

pub(super) fn scan(
    scanner: &mut Scanner<'_>,
    content: &Content<'_>,
    document: &Value,
    near: Option<(&Project, &str)>,
) {
    if !content.name().ends_with(".index.json") {
        return;
    }
    let members = document.as_object().unwrap_or_default();
    let maps = members.iter().filter(|(key, _)| key == "weight_map").filter_map(|(_, map)| map.as_object());
    let shards: BTreeSet<&str> = maps.flatten().filter_map(|(_, shard)| shard.as_text()).collect();
    let folder = near.and_then(|(_, path)| path.rsplit_once('/')).map(|(folder, _)| folder);
    let beside = |name: &str| folder.map_or(name.to_owned(), |folder| format!("{folder}/{name}"));
    let (plain, outside): (Vec<&str>, Vec<&str>) = shards
        .into_iter()
        .partition(|s| s.parse::<proofhouse_core::FilePath>().is_ok() && !s.contains(['\\', ':']));
    for shard in outside.iter().take(MAX_NAMED) {
        let message = format!("the index takes tensors from {shard:?}, outside the model");
        scanner.report("repo/unsafe-path", content.place.clone(), message);
    }
    let Some((project, _)) = near else { return };
    let missing: Vec<&&str> = plain.iter().filter(|s| !project.has_file(&beside(s))).collect();
    if !missing.is_empty() {
        let named: Vec<String> = missing.iter().take(MAX_NAMED).map(|s| format!("{s:?}")).collect();
        let message =
            format!("{} of {} shards are not here, such as {}", missing.len(), plain.len(), named.join(", "));
        scanner.report("repo/missing-shard", content.place.clone(), message);
    }
    let first = plain.first().and_then(|s| s.split_once("-0000")).map(|(stem, _)| beside(stem));
    let Some(stem) = first else { return };
    let listed: BTreeSet<String> = plain.iter().map(|s| beside(s)).collect();
    let unlisted: Vec<String> = project
        .files_like(&format!("{stem}-0000"))
        .filter(|f| !listed.contains(*f))
        .map(str::to_owned)
        .collect();
    if let Some(example) = unlisted.first() {
        let message = format!("{} shards here are not in the index, such as {example:?}", unlisted.len());
        scanner.report("repo/unlisted-shard", content.place.clone(), message);
    }
}
