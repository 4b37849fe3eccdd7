//! joblib's convention: the raw bytes of an array follow the `BUILD` of its `NumpyArrayWrapper`.
//!
//! Source: `joblib/numpy_pickle.py`, `NumpyArrayWrapper.read_array`. Object arrays are written as a pickle
//! of their own instead.

use std::ops::Range;

use super::machine::Machine;
use super::value::{Node, Value};
use crate::weights::Float;

/// The raw bytes of an array.
#[derive(Debug, Clone)]
pub struct Raw {
    /// The wrapper that the array follows.
    pub of: Value,
    /// Where its padding ends and where the array does.
    pub range: Range<usize>,
    /// How its elements are stored, if they are numbers that are looked at.
    pub float: Option<Float>,
}

/// What follows a wrapper.
pub enum Array {
    /// Raw bytes.
    Raw(Raw),
    /// A pickle.
    Objects,
}

/// Whether `value` is an array wrapper.
pub fn is_wrapper(machine: &Machine<'_>, value: Value) -> bool {
    class(machine, value).is_some_and(|(module, name)| {
        matches!(module, "joblib.numpy_pickle" | "sklearn.externals.joblib.numpy_pickle")
            && name == "NumpyArrayWrapper"
    })
}

/// Libraries whose modules have a `dtype` of their own, or numpy's.
const ARRAYS: [&str; 34] = [
    "astropy",
    "autograd",
    "awkward",
    "cudf",
    "cupy",
    "cupyx",
    "dask",
    "gensim",
    "geopandas",
    "h5py",
    "interpret",
    "jax",
    "jaxlib",
    "matplotlib",
    "mindspore",
    "mxnet",
    "narwhals",
    "numba",
    "numexpr",
    "numpy",
    "optax",
    "paddle",
    "polars",
    "pylab",
    "rdkit",
    "scipy",
    "skimage",
    "skrub",
    "sparse",
    "tables",
    "tensorflow",
    "theano",
    "tinygrad",
    "torch",
];

/// Whether `pickle.load` of what joblib wrote fails at this import. joblib writes an array of objects as a pickle of its own,
/// which counts its memo from the start; read as a part of the one around it, the `numpy` of its `numpy.dtype` is whatever lies
/// in that place of the memo there: the name of a class, a key.
pub fn misread(machine: &Machine<'_>, module: &str, name: &str) -> bool {
    let library = module.split('.').next().unwrap_or_default();
    machine.objects_follow && name == "dtype" && !ARRAYS.contains(&library)
}

/// The class of an instance made by `NEWOBJ` or `copyreg._reconstructor`.
fn class<'m>(machine: &'m Machine<'_>, value: Value) -> Option<(&'m str, &'m str)> {
    let Node::Called { callee, args, .. } = machine.node(value)? else { return None };
    let mut global = machine.global(*callee)?;
    if global.module.as_deref() == Some("copyreg") {
        global = machine.global(*machine.tuple(*args)?.first()?)?;
    }
    Some((global.module.as_deref()?, global.name.as_deref()?))
}

/// What follows the wrapper `value` whose `BUILD` ends at `at`; `None` when its state does not say.
pub fn array(machine: &Machine<'_>, value: Value, bytes: &[u8], at: usize) -> Option<Array> {
    let Node::Called { state: Some(state), .. } = machine.node(value)? else { return None };
    let dtype = machine.entry(*state, "dtype")?;
    let item = item_bytes(machine, dtype)?;
    let Some(item) = item else { return Some(Array::Objects) };
    let shape = machine.tuple(machine.entry(*state, "shape")?)?;
    let mut length = item;
    for dim in shape {
        let Value::Int(n) = dim else { return None };
        length = length.checked_mul(usize::try_from(*n).ok()?)?;
    }
    let padding = match machine.entry(*state, "numpy_array_alignment_bytes") {
        Some(Value::Int(_)) => 1 + usize::from(*bytes.get(at)?),
        _ => 0,
    };
    let start = at.checked_add(padding)?;
    let end = start.checked_add(length)?;
    (end <= bytes.len())
        .then(|| Array::Raw(Raw { of: value, range: start..end, float: float(machine, dtype) }))
}

/// How `numpy.dtype("f8", …)` stores numbers, where the lowest byte comes first: its state says so, or nothing does.
fn float(machine: &Machine<'_>, dtype: Value) -> Option<Float> {
    let Node::Called { args, state, .. } = machine.node(dtype)? else { return None };
    let name = machine.text(*machine.tuple(*args)?.first()?)?;
    let order = state.and_then(|state| machine.text(*machine.tuple(state)?.get(1)?));
    if name.starts_with('>') || order.is_some_and(|order| order == ">") {
        return None;
    }
    match name.trim_start_matches(['<', '=']) {
        "f2" => Some(Float::Half),
        "f4" => Some(Float::Single),
        "f8" => Some(Float::Double),
        _ => None,
    }
}

/// Bytes of one element of `numpy.dtype("f8", …)`; `Some(None)` for objects.
///
/// The state that `BUILD` gives a type has the last word: it sets the width of strings and records, and the flag
/// by which joblib decides between raw bytes and a pickle (`dtype.hasobject`).
#[expect(clippy::option_option, reason = "outside: is it known; inside: does it have a size")]
pub fn item_bytes(machine: &Machine<'_>, dtype: Value) -> Option<Option<usize>> {
    const HAS_OBJECT: i64 = 1;
    let Node::Called { args, state, .. } = machine.node(dtype)? else { return None };
    let text = machine.text(*machine.tuple(*args)?.first()?)?;
    let text = text.trim_start_matches(['<', '>', '=', '|']);
    let mut chars = text.chars();
    let kind = chars.next()?;
    let count: usize = chars.as_str().parse().ok()?;
    // Version, order, subtype, names, fields, width, alignment, and flags from version 3 on.
    let mut stated = None;
    if let Some(state) = state {
        let parts = machine.tuple(*state)?;
        if let Some(flags) = parts.get(7) {
            let Value::Int(flags) = flags else { return None };
            if flags & HAS_OBJECT != 0 {
                return Some(None);
            }
        }
        stated = match parts.get(5) {
            Some(Value::Int(width)) => usize::try_from(*width).ok(),
            None => None,
            Some(_) => return None,
        };
    }
    match kind {
        'O' => Some(None),
        'U' => Some(Some(stated.unwrap_or(count.checked_mul(4)?))),
        'V' | 'S' => Some(Some(stated.unwrap_or(count))),
        'b' | 'i' | 'u' | 'f' | 'c' | 'm' | 'M' => Some(Some(count)),
        _ => None,
    }
}
