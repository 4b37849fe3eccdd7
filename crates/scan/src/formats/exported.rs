//! `torch.export.save` archives (`.pt2`): a graph as JSON, and weights that a configuration describes.
//!
//! Weights are raw tensors of a stated type and size, or pickles where the configuration says so. Each node's
//! target is a dotted path that torch follows by `getattr` from `torch`, `operator` or `math`, so a path that
//! leaves the operators is a way to everything torch has imported. Source: `torch/export/pt2_archive` and
//! `torch/_export/serde/serialize.py` (`deserialize_operator`).

use std::collections::BTreeMap;

use proofhouse_artifact::json::{self, Value};
use proofhouse_artifact::zip::Archive;

use super::zip;
use crate::scanner::{Content, Scanner};
use crate::tensor::{self, Numbers, Tensor};
use crate::weights::Float;

const MAX_VALUES: u64 = 6_000_000;

/// Where targets of nodes may lead.
const TARGETS: [&str; 7] = [
    "torch.ops.aten.",
    "torch.ops.prim.",
    "torch.ops.prims.",
    "torch.ops.higher_order.",
    "torch.ops.quantized.",
    "_operator.",
    "math.",
];

/// Whether the archive is one: the file that names the layout.
pub(crate) fn is_exported(archive: &Archive<'_>) -> bool {
    archive.members().iter().any(|m| m.name.split_once('/').is_some_and(|(_, rest)| rest == "archive_format"))
}

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, archive: &Archive<'_>) {
    let mut weights: BTreeMap<String, (u64, Option<Float>)> = BTreeMap::new();
    for member in archive.members() {
        let Some((folder, _)) = member.name.strip_suffix("_config.json").and_then(|n| n.rsplit_once('/'))
        else {
            continue;
        };
        zip::read(scanner, content, archive, member, &mut |_, inner| {
            if let Ok(document) = json::parse(inner.bytes, MAX_VALUES) {
                for (path, described) in described(&document) {
                    weights.insert(format!("{folder}/{path}"), described);
                }
            }
        });
    }
    for member in archive.members() {
        let wanted = weights.get(&member.name).copied();
        let graph = member.name.contains("/models/");
        zip::read(scanner, content, archive, member, &mut |scanner, inner| {
            match wanted {
                Some((bytes, float)) if bytes == inner.bytes.len() as u64 => {
                    let tensor = Tensor { name: "", at: 0, bytes: inner.bytes, float };
                    return tensor::look(scanner, inner, "tensor/payload", Numbers::Weights, &[tensor]);
                }
                Some((bytes, _)) => {
                    let message =
                        format!("the configuration gives it {bytes} bytes, it has {}", inner.bytes.len());
                    scanner.report("torch/storage", inner.place.clone(), message);
                }
                None => {}
            }
            if graph && let Ok(document) = json::parse(inner.bytes, MAX_VALUES) {
                targets(scanner, inner, &document);
            }
            super::scan(scanner, inner);
        });
    }
}

/// Files of raw tensors, their bytes and how elements are stored.
fn described(document: &Value) -> Vec<(String, (u64, Option<Float>))> {
    let entries = document.member("config").and_then(Value::as_object).unwrap_or_default();
    entries.iter().filter_map(|(_, entry)| tensor(entry)).collect()
}

fn tensor(entry: &Value) -> Option<(String, (u64, Option<Float>))> {
    if matches!(entry.member("use_pickle"), Some(Value::Bool(true))) {
        return None;
    }
    let path = entry.member("path_name")?.as_text()?.to_owned();
    let meta = entry.member("tensor_meta")?;
    let dtype = meta.member("dtype")?.as_size()?;
    let mut bytes = width(dtype)?;
    let float = match dtype {
        6 => Some(Float::Half),
        7 => Some(Float::Single),
        8 => Some(Float::Double),
        13 => Some(Float::Brain),
        _ => None,
    };
    let Value::Array(sizes) = meta.member("sizes")? else { return None };
    for size in sizes {
        bytes = bytes.checked_mul(size.member("as_int")?.as_size()?)?;
    }
    Some((path, (bytes, float)))
}

/// Bytes of a `ScalarType` of `torch/_export/serde/schema.py`.
fn width(dtype: u64) -> Option<u64> {
    Some(match dtype {
        1 | 2 | 12 | 29..=32 => 1,
        3 | 6 | 13 | 28 => 2,
        4 | 7 | 9 => 4,
        5 | 8 | 10 => 8,
        11 => 16,
        _ => return None,
    })
}

/// Targets of nodes that lead elsewhere than to operators.
fn targets(scanner: &mut Scanner<'_>, content: &Content<'_>, document: &Value) {
    let mut stack = vec![document];
    while let Some(value) = stack.pop() {
        match value {
            Value::Array(elements) => stack.extend(elements),
            Value::Object(members) => {
                for (key, value) in members {
                    if key == "target"
                        && let Some(target) = value.as_text()
                        && target.contains('.')
                        && !(TARGETS.iter().any(|prefix| target.starts_with(prefix))
                            || target.starts_with("torch.sym_"))
                    {
                        let message =
                            format!("a node of the graph calls {target:?}, which is no operator of torch");
                        scanner.report("torch/script", content.place.clone(), message);
                    }
                    stack.push(value);
                }
            }
            _ => {}
        }
    }
}
