//! The operators of ai.onnx.ml, one application at a time.

use super::encode::{LabelEncoder, OneHot};
use super::labels::Labels;
use super::linear::Linear;
use super::svm::{SvmClassifier, SvmRegressor};
use super::tree::TreeEnsemble;
use super::value::{Rows, Value, Whole};
use super::words::Words;
use crate::OnnxError;
use crate::graph::{Attribute, Node};

/// What a node of the classical domain does, with its attributes read.
pub(super) enum Operator {
    TreeClassifier(TreeEnsemble, Labels),
    TreeRegressor(TreeEnsemble),
    LinearClassifier(Linear, Labels),
    LinearRegressor(Linear),
    SvmClassifier(SvmClassifier),
    SvmRegressor(SvmRegressor),
    Scale {
        offset: Vec<f32>,
        scale: Vec<f32>,
    },
    Normalise(Norm),
    Impute {
        replaced: Option<f32>,
        values: Vec<f32>,
    },
    Binarise(f32),
    Join,
    Columns,
    Labels(LabelEncoder),
    OneHot(OneHot),
    /// A list of maps, one a row, in the place of scores: the scores are what is wanted.
    Pass,
}

/// What a row is divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Norm {
    Largest,
    L1,
    L2,
}

impl Operator {
    /// What a node does; nothing where it is not evaluated here.
    pub(super) fn of(node: &Node, words: &Words) -> Result<Option<Self>, OnnxError> {
        let number = |name: &str| match node.attributes.get(name) {
            Some(Attribute::Float(v)) => Some(*v),
            Some(Attribute::Int(v)) => Some(*v as f32),
            _ => None,
        };
        Ok(Some(match node.operator.as_str() {
            "TreeEnsembleClassifier" => {
                Self::TreeClassifier(TreeEnsemble::of(node)?, Labels::of(node, words)?)
            }
            "TreeEnsembleRegressor" | "TreeEnsemble" => Self::TreeRegressor(TreeEnsemble::of(node)?),
            "LinearClassifier" => {
                let labels = Labels::of(node, words)?;
                Self::LinearClassifier(Linear::of(node, Some(&labels))?, labels)
            }
            "LinearRegressor" => Self::LinearRegressor(Linear::of(node, None)?),
            "SVMClassifier" => Self::SvmClassifier(SvmClassifier::of(node, Labels::of(node, words)?)?),
            "SVMRegressor" => Self::SvmRegressor(SvmRegressor::of(node)?),
            "Scaler" => Self::Scale { offset: node.floats("offset")?, scale: node.floats("scale")? },
            "Normalizer" => Self::Normalise(match node.text("norm", "MAX")? {
                "MAX" => Norm::Largest,
                "L1" => Norm::L1,
                "L2" => Norm::L2,
                other => return Err(node.broken(format!("norm {other:?} is not evaluated here"))),
            }),
            "Imputer" => {
                let floats = node.floats("imputed_value_floats")?;
                let whole = node.ints("imputed_value_int64s")?;
                let replaced = number("replaced_value_int64").filter(|_| floats.is_empty());
                Self::Impute {
                    replaced: replaced.or_else(|| number("replaced_value_float")).filter(|v| !v.is_nan()),
                    values: if floats.is_empty() {
                        whole.iter().map(|v| *v as f32).collect()
                    } else {
                        floats
                    },
                }
            }
            "Binarizer" => Self::Binarise(number("threshold").unwrap_or(0.0)),
            "FeatureVectorizer" => Self::Join,
            "ArrayFeatureExtractor" => Self::Columns,
            "LabelEncoder" => Self::Labels(LabelEncoder::of(node, words)?),
            "OneHotEncoder" => Self::OneHot(OneHot::of(node, words)?),
            "ZipMap" => Self::Pass,
            _ => return Ok(None),
        }))
    }

    pub(super) fn run(&self, node: &Node, inputs: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        let first = *inputs.first().ok_or_else(|| node.broken("it has no inputs"))?;
        let rows = first.rows();
        let n = rows.n;
        let classes = |labels: &Labels, (classes, scores): (Vec<usize>, Vec<f32>), width: usize| {
            Ok(vec![Value::ints(vec![n], labels.named(&classes))?, Value::floats(vec![n, width], scores)?])
        };
        let one = match self {
            Self::TreeClassifier(trees, labels) => {
                seen(node, trees, &rows)?;
                return classes(labels, trees.classify(&rows), trees.width());
            }
            Self::LinearClassifier(linear, labels) => {
                return classes(labels, linear.classify(&rows)?, linear.width());
            }
            Self::SvmClassifier(svm) => return classes(&svm.labels, svm.classify(&rows)?, svm.width()),
            Self::TreeRegressor(trees) => {
                seen(node, trees, &rows)?;
                Value::floats(vec![n, trees.targets()], trees.regress(&rows))?
            }
            Self::LinearRegressor(linear) => Value::floats(vec![n, linear.width()], linear.regress(&rows)?)?,
            Self::SvmRegressor(svm) => Value::floats(vec![n, 1], svm.regress(&rows)?)?,
            Self::Scale { offset, scale } => {
                let moved = by_column(node, &rows, offset, |v, offset| v - offset)?;
                let moved = Rows { data: moved.into(), ..rows };
                first.with(by_column(node, &moved, scale, |v, scale| v * scale)?)?
            }
            Self::Normalise(norm) => first.with(norm.divided(&rows))?,
            Self::Impute { replaced, values } => {
                let gone = |v: f32| replaced.map_or_else(|| v.is_nan(), |replaced| v == replaced);
                let filled = by_column(node, &rows, values, |v, instead| if gone(v) { instead } else { v })?;
                match first {
                    Value::Float(_) => first.with(filled)?,
                    Value::Int(whole) => {
                        let filled = filled.into_iter().map(|v| v as i32).collect();
                        Value::ints(whole.shape.clone(), filled)?
                    }
                }
            }
            Self::Binarise(threshold) => {
                first.with(first.numbers().iter().map(|v| f32::from(u8::from(v > threshold))).collect())?
            }
            Self::Join => {
                join(inputs).ok_or_else(|| node.broken("its inputs differ in their number of rows"))?
            }
            Self::Columns => {
                let wanted = inputs.get(1).ok_or_else(|| node.broken("it is not told which columns"))?;
                columns(first, wanted).ok_or_else(|| node.broken("a column is not there"))?
            }
            Self::Labels(encoder) => encoder.run(first)?,
            Self::OneHot(encoder) => encoder.run(node, first)?,
            Self::Pass => first.clone(),
        };
        Ok(vec![one])
    }
}

/// Rows have every feature that the trees look at. ONNX Runtime refuses others, too.
fn seen(node: &Node, trees: &TreeEnsemble, rows: &Rows<'_>) -> Result<(), OnnxError> {
    if trees.features() <= rows.width {
        return Ok(());
    }
    Err(node.broken(format!("it looks at {} features and rows have {}", trees.features(), rows.width)))
}

/// Applies `f` to every value and the one of `by` that belongs to its column: one stands for all.
fn by_column(
    node: &Node,
    rows: &Rows<'_>,
    by: &[f32],
    f: impl Fn(f32, f32) -> f32,
) -> Result<Vec<f32>, OnnxError> {
    if by.len() != rows.width && by.len() != 1 {
        return Err(node.broken(format!("it has {} values for rows of {}", by.len(), rows.width)));
    }
    Ok(rows.iter().flat_map(|row| row.iter().zip(by.iter().cycle()).map(|(v, by)| f(*v, *by))).collect())
}

impl Norm {
    fn divided(self, rows: &Rows<'_>) -> Vec<f32> {
        let length = |row: &[f32]| -> f32 {
            match self {
                Self::Largest => row.iter().copied().fold(f32::NEG_INFINITY, f32::max),
                Self::L1 => row.iter().map(|v| v.abs()).sum(),
                Self::L2 => row.iter().map(|v| v * v).sum::<f32>().sqrt(),
            }
        };
        let divided = |row: &[f32]| {
            let by = length(row);
            row.iter().map(|v| if by == 0.0 { *v } else { v / by }).collect::<Vec<_>>()
        };
        rows.iter().flat_map(divided).collect()
    }
}

fn join(parts: &[&Value]) -> Option<Value> {
    let parts: Vec<Rows<'_>> = parts.iter().map(|part| part.rows()).collect();
    let n = parts.first()?.n;
    if parts.iter().any(|p| p.n != n) {
        return None;
    }
    let width = parts.iter().map(|p| p.width).sum();
    let mut data = Vec::with_capacity(n * width);
    for row in 0..n {
        for part in &parts {
            data.extend_from_slice(part.data.get(row * part.width..(row + 1) * part.width)?);
        }
    }
    Value::floats(vec![n, width], data).ok()
}

/// The values at some places of the last dimension. A vector is one row.
fn columns(from: &Value, wanted: &Value) -> Option<Value> {
    let width = from.shape().last().copied()?;
    let places: Option<Vec<usize>> = wanted
        .numbers()
        .iter()
        .map(|at| (*at >= 0.0 && *at < width as f32).then_some(*at as usize))
        .collect();
    let places = places?;
    let mut shape = if from.shape().len() == 1 { vec![1, width] } else { from.shape().to_vec() };
    *shape.last_mut()? = places.len();
    match from {
        Value::Float(tensor) => Value::floats(shape, picked(tensor.data(), width, &places)?).ok(),
        Value::Int(Whole { data, .. }) => Value::ints(shape, picked(data, width, &places)?).ok(),
    }
}

fn picked<T: Copy>(data: &[T], width: usize, places: &[usize]) -> Option<Vec<T>> {
    data.chunks_exact(width.max(1)).flat_map(|row| places.iter().map(|at| row.get(*at).copied())).collect()
}
