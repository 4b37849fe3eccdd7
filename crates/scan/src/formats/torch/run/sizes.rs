//! How large tensors are that operators make, as far as numbers of the script decide it: each dimension is at least so much.

use super::value::{Value, What};

/// Most dimensions that are followed.
const MOST_DIMENSIONS: usize = 64;

/// The dimensions of what an operator makes.
pub(super) fn shape(name: &str, arguments: &[Value]) -> Option<Vec<f64>> {
    let argument = |at: usize| arguments.get(at);
    let number = |at: usize| argument(at).and_then(Value::number);
    let dimensions = |at: usize| argument(at).and_then(Value::shape).map(|shape| shape.to_vec());
    let count = |at: usize| {
        argument(at).map_or(1.0, |value| if value.shape().is_some() { value.count() } else { 1.0 })
    };
    // A list of numbers, or numbers one by one.
    let listed = |at: usize| match argument(at)?.what {
        What::Number(..) => Some(
            arguments
                .get(at..)?
                .iter()
                .take_while(|value| matches!(value.what, What::Number(..)))
                .filter_map(Value::sizes)
                .flatten()
                .collect(),
        ),
        _ => argument(at)?.sizes(),
    };
    let shape: Vec<f64> = match name {
        "zeros" | "ones" | "empty" | "rand" | "randn" => listed(0)?,
        "empty_strided" | "full" => argument(0)?.sizes()?,
        "new_zeros" | "new_ones" | "new_empty" | "resize" | "sparse_resize" | "view" | "reshape"
            if name.starts_with("new_") || name.contains("resize") =>
        {
            listed(1)?
        }
        "new_full" => argument(1)?.sizes()?,
        "randint" | "normal" | "sparse_coo_tensor" | "sparse_csr_tensor" | "_sparse_coo_tensor_unsafe" => {
            arguments.iter().rev().find(|value| matches!(value.what, What::Items(_)))?.sizes()?
        }
        "arange" => {
            let numbers: Vec<f64> = arguments.iter().map_while(Value::number).collect();
            match numbers.as_slice() {
                [] => return None,
                [to] => vec![*to],
                [from, to] => vec![to - from],
                [from, to, step, ..] => vec![(to - from) / step],
            }
        }
        "linspace" | "logspace" => vec![number(2)?],
        "eye" => vec![number(0)?, number(1).unwrap_or(number(0)?)],
        "randperm" | "hann_window" | "hamming_window" | "bartlett_window" | "blackman_window"
        | "kaiser_window" => vec![number(0)?],
        "tril_indices" | "triu_indices" => vec![number(0)? * number(1)? / 2.0],
        "repeat" | "tile" => {
            let times = listed(1)?;
            vec![count(0) * times.iter().product::<f64>()]
        }
        "repeat_interleave" => vec![count(0) * number(1)?.max(1.0)],
        "expand" | "broadcast_to" => {
            let to = listed(1)?;
            let from = dimensions(0).unwrap_or_default();
            to.iter()
                .rev()
                .zip(from.into_iter().rev().map(Some).chain(std::iter::repeat(None)))
                .map(|(to, from)| to.max(from.unwrap_or(1.0)))
                .collect::<Vec<f64>>()
                .into_iter()
                .rev()
                .collect()
        }
        "view" | "reshape" => {
            let to = listed(1)?;
            let (have, product) = (count(0), to.iter().product::<f64>());
            // One dimension may stand for the rest.
            if have > product { vec![have] } else { to }
        }
        "cat" | "concat" | "concatenate" | "stack" | "hstack" | "vstack" => {
            let What::Items(items) = &argument(0)?.what else { return None };
            vec![items.iter().map(|item| if item.shape().is_some() { item.count() } else { 1.0 }).sum()]
        }
        "outer" | "ger" | "kron" | "cdist" | "cartesian_prod" => {
            let first = if name == "cdist" { *dimensions(0)?.first()? } else { count(0) };
            let second = if name == "cdist" { *dimensions(1)?.first()? } else { count(1) };
            vec![first, second]
        }
        "meshgrid" => {
            let What::Items(items) = &argument(0)?.what else { return None };
            items.iter().map(|item| if item.shape().is_some() { item.count() } else { 1.0 }).collect()
        }
        "diag" | "diag_embed" | "diagflat" => match dimensions(0)?.as_slice() {
            [n] => vec![*n, *n],
            shape if name == "diag_embed" => shape.iter().copied().chain(shape.last().copied()).collect(),
            shape if name == "diagflat" => vec![shape.iter().product(), shape.iter().product()],
            _ => return None,
        },
        "matmul" | "mm" | "bmm" => match (dimensions(0)?.as_slice(), dimensions(1)?.as_slice()) {
            ([batch @ .., rows, _], [.., _, columns]) => {
                batch.iter().copied().chain([*rows, *columns]).collect()
            }
            _ => return None,
        },
        "one_hot" => vec![count(0), number(1)?.max(1.0)],
        "bincount" => vec![arguments.iter().rev().find_map(Value::number)?],
        "constant_pad_nd" | "pad" | "reflection_pad1d" | "reflection_pad2d" | "replication_pad1d"
        | "replication_pad2d" => {
            let pads = argument(1)?.sizes()?;
            let had = dimensions(0).unwrap_or_default();
            let had = had.into_iter().rev().chain(std::iter::repeat(1.0));
            pads.chunks(2).zip(had).map(|(pair, had)| had + pair.iter().sum::<f64>()).collect()
        }
        name if name.starts_with("upsample_") || name.starts_with("adaptive_") || name == "interpolate" => {
            argument(1)?.sizes()?
        }
        "unsqueeze" => {
            let mut shape = dimensions(0)?;
            let length = shape.len() as f64;
            let at = number(1)?;
            let at = if at < 0.0 { at + length + 1.0 } else { at };
            shape.insert((0.0..=length).contains(&at).then_some(at as usize)?, 1.0);
            shape
        }
        "transpose" | "swapaxes" => {
            let mut shape = dimensions(0)?;
            let place = |at: usize| {
                let n = number(at)?;
                let n = if n < 0.0 { n + shape.len() as f64 } else { n };
                (0.0..shape.len() as f64).contains(&n).then_some(n as usize)
            };
            let (one, other) = (place(1)?, place(2)?);
            shape.swap(one, other);
            shape
        }
        "t" => dimensions(0)?.into_iter().rev().collect(),
        "permute" | "flatten" => vec![count(0)],
        name if name.ends_with("_like") => dimensions(0)?,
        name if SAME.contains(&name) => {
            let both: Vec<Vec<f64>> = arguments
                .iter()
                .take(2)
                .filter_map(|value| value.shape().map(|shape| shape.to_vec()))
                .collect();
            let longest = both.iter().map(Vec::len).max()?;
            (0..longest)
                .map(|back| {
                    let of =
                        |shape: &Vec<f64>| shape.iter().rev().nth(longest - 1 - back).copied().unwrap_or(1.0);
                    both.iter().map(of).fold(1.0, f64::max)
                })
                .collect()
        }
        _ => return None,
    };
    (shape.len() <= MOST_DIMENSIONS)
        .then(|| shape.into_iter().map(|n| if n.is_nan() { 1.0 } else { n.max(1.0) }).collect())
}

/// Operators that work number by number, each with every other where they lie side by side.
const SAME: [&str; 44] = [
    "abs",
    "add",
    "bernoulli",
    "ceil",
    "clamp",
    "clone",
    "contiguous",
    "copy",
    "cos",
    "div",
    "double",
    "dropout",
    "eq",
    "exp",
    "fill",
    "float",
    "floor",
    "ge",
    "gelu",
    "gt",
    "half",
    "int",
    "le",
    "log",
    "long",
    "lt",
    "mul",
    "ne",
    "neg",
    "pow",
    "relu",
    "round",
    "rsub",
    "sigmoid",
    "sign",
    "sin",
    "softmax",
    "sqrt",
    "sub",
    "tanh",
    "to",
    "to_dense",
    "type_as",
    "zero",
];
