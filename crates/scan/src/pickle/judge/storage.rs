//! Storages of tensors, which torch names by persistent ids.

use std::collections::BTreeMap;

use super::super::machine::Machine;
use super::super::value::Value;
use super::sparse::{self, Indices};
use super::{Judge, Loader};
use crate::weights::Float;

/// A tensor storage named by a persistent id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Storage {
    /// Elements stated.
    pub elements: Option<u64>,
    /// Bytes they take.
    pub bytes: Option<u64>,
    /// How they are stored, if they are floating-point numbers.
    pub float: Option<Float>,
}

/// Storages that a pickle names, and what it takes their elements for.
#[derive(Debug, Default)]
pub struct Storages {
    /// By their keys.
    pub named: BTreeMap<String, Storage>,
    /// Indices of sparse tensors.
    pub indices: Vec<Indices>,
    /// Sparse tensors were not followed.
    pub overlooked: bool,
}

/// Rows of indices that are kept of one pickle.
const MOST_INDICES: usize = 1 << 16;

impl Judge<'_> {
    pub(super) fn persistent(&mut self, machine: &Machine<'_>, offset: usize, id: Value) {
        if self.loader == Loader::Torch && machine.class_with_source(id).is_some() {
            return;
        }
        let storage = if self.loader == Loader::Any { None } else { storage(machine, id) };
        let Some((key, storage)) = storage else {
            let message = "loading it asks for something by an id that is no tensor storage".to_owned();
            return self.find("pickle/persistent-id", "", offset, message);
        };
        if *self.storages.named.entry(key.clone()).or_insert(storage) != storage {
            let message = format!("the storage {key:?} is named with two sizes");
            self.find("torch/storage", key, offset, message);
        }
    }

    /// Remembers the indices of a sparse tensor that is put together.
    pub(super) fn sparse(&mut self, machine: &Machine<'_>, name: &str, args: Value) {
        let sparse = ["torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor"];
        if !sparse.contains(&name) || self.loader == Loader::Any {
            return;
        }
        match sparse::indices(machine, args) {
            Some(more) if self.storages.indices.len() + more.len() <= MOST_INDICES => {
                self.storages.indices.extend(more)
            }
            _ => self.storages.overlooked = true,
        }
    }
}

/// `("storage", class, key, location, elements, …)`.
pub(super) fn storage(machine: &Machine<'_>, id: Value) -> Option<(String, Storage)> {
    let parts = machine.tuple(id)?;
    let [kind, class, key, location, elements, ..] = parts else { return None };
    if machine.text(*kind)? != "storage" || machine.text(*location).is_none() {
        return None;
    }
    let class = machine.global(*class)?;
    let (width, float) = match (class.module.as_deref()?, class.name.as_deref()?) {
        ("torch", name) => (width(name)?, float(name)),
        ("torch.storage", "UntypedStorage") => (1, None),
        _ => return None,
    };
    let Value::Int(elements) = elements else { return None };
    let elements = u64::try_from(*elements).ok();
    let bytes = elements.and_then(|n| n.checked_mul(width));
    // A package numbers its storages.
    let key = match key {
        Value::Int(number) => number.to_string(),
        key => machine.text(*key)?.into_owned(),
    };
    Some((key, Storage { elements, bytes, float }))
}

/// How a torch storage class stores floating-point numbers.
fn float(class: &str) -> Option<Float> {
    Some(match class {
        "DoubleStorage" => Float::Double,
        "FloatStorage" => Float::Single,
        "HalfStorage" => Float::Half,
        "BFloat16Storage" => Float::Brain,
        _ => return None,
    })
}

/// Bytes of one element of a torch storage class.
fn width(class: &str) -> Option<u64> {
    Some(match class {
        "ComplexDoubleStorage" => 16,
        "DoubleStorage" | "LongStorage" | "ComplexFloatStorage" => 8,
        "FloatStorage" | "IntStorage" | "QInt32Storage" => 4,
        "HalfStorage" | "BFloat16Storage" | "ShortStorage" => 2,
        "CharStorage" | "ByteStorage" | "BoolStorage" | "QUInt8Storage" | "QInt8Storage"
        | "UntypedStorage" => 1,
        _ => return None,
    })
}
