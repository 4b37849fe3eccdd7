//! Storages of tensors, which torch names by persistent ids.

use super::super::machine::Machine;
use super::super::value::Value;
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
