//! A model seen as a function from rows to class scores.

use serde::{Deserialize, Serialize};

use crate::feed::Feeds;
use crate::tensor::volume;
use crate::{Dimension, Engine, OnnxError};

/// Rows given to the engine at a time. Large enough to keep the kernels busy, small enough that the
/// activations of an image model stay in a few hundred megabytes.
pub const CHUNK_ROWS: usize = 256;

/// What the scores are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputKind {
    /// Unbounded scores, before any softmax.
    Logits,
    /// Probabilities.
    Probabilities,
}

/// What happens to a row before the model sees it: `value * scale`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Preprocess {
    /// Factor.
    pub scale: f32,
}

impl Default for Preprocess {
    fn default() -> Self {
        Self { scale: 1.0 }
    }
}

/// Anything that gives class scores for rows. Attacks see a model through this and nothing else.
pub trait Scores: Send + Sync {
    /// Values per row.
    fn features(&self) -> usize {
        self.input_shape().iter().product()
    }

    /// Number of classes.
    fn classes(&self) -> usize;

    /// The shape of one row, without the batch: `[channels, height, width]` for an image.
    fn input_shape(&self) -> &[usize];

    /// What the scores are.
    fn kind(&self) -> OutputKind;

    /// Writes `n * classes` scores for the `n * features` values of `rows` into `out`, which is cleared
    /// first. Row for row, the scores do not depend on the other rows. A row that holds NaN or infinity is
    /// an error: a ReLU may turn NaN into 0, and garbage would come out as a confident answer.
    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError>;

    /// Says from which rows of the data the next questions come: all of them from one, or one from each. Returns whether
    /// the answers depend on it: those of a model that takes more than the rows, which goes with each row and is not
    /// attacked. Most models take nothing else.
    fn attend(&self, _rows: &[usize]) -> bool {
        false
    }

    /// The distance between values of a feature that the model tells apart, where it takes whole numbers only: it is asked
    /// the multiple of this that is nearest to what it is given, and nothing else could be put into it. Most models take
    /// fractions.
    fn step(&self, _feature: usize) -> Option<f64> {
        None
    }
}

/// How a model is used as a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierOptions {
    /// Shape of one row, without the batch.
    pub input_shape: Vec<usize>,
    /// Number of classes; 1 for a regressor with one output.
    pub classes: usize,
    /// The output that holds the scores; the first when absent.
    pub output: Option<String>,
    /// What the scores are.
    pub kind: OutputKind,
    /// What happens to a row before the model sees it.
    pub preprocess: Preprocess,
}

impl ClassifierOptions {
    /// Values of a row, once the options have been found to make sense.
    pub(crate) fn features(&self) -> Result<usize, OnnxError> {
        if self.classes == 0 {
            return Err(OnnxError::Option("a model answers with at least one number".into()));
        }
        if !(self.preprocess.scale.is_finite() && self.preprocess.scale != 0.0) {
            return Err(OnnxError::Option("the scale of a row is a finite number other than 0".into()));
        }
        volume(&self.input_shape)
            .filter(|n| *n > 0)
            .ok_or_else(|| OnnxError::Option(format!("input shape {:?} holds no values", self.input_shape)))
    }
}

/// Rows of a number of values each.
#[derive(Clone, Copy)]
pub(crate) struct Rows {
    pub features: usize,
}

impl Rows {
    /// Refuses rows that are not `n` or hold NaN or infinity: a ReLU may turn NaN into 0, and garbage would come
    /// out as a confident answer.
    pub(crate) fn check(self, rows: &[f32], n: usize) -> Result<(), OnnxError> {
        if n.checked_mul(self.features) != Some(rows.len()) {
            return Err(OnnxError::Size { shape: vec![n, self.features], values: rows.len() });
        }
        match rows.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            None => Ok(()),
            Some((at, v)) => {
                let (row, feature) = (at / self.features, at % self.features);
                Err(OnnxError::Row { row, reason: format!("feature {feature} is {v}") })
            }
        }
    }
}

/// An [`Engine`] whose inputs are given by a row, and an output of shape `[N, classes]`.
pub struct Classifier {
    engine: Box<dyn Engine>,
    feeds: Feeds,
    options: ClassifierOptions,
    features: usize,
    output: usize,
}

impl std::fmt::Debug for Classifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Classifier").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Classifier {
    /// Checks that `engine` can be used so: one input of numbers whose declared shape admits batches of `input_shape`, or
    /// several whose values are those of a row, one input after the other; and the named output with `classes` values a
    /// row. Inputs of whole numbers are given the nearest.
    pub fn new(engine: Box<dyn Engine>, options: ClassifierOptions) -> Result<Self, OnnxError> {
        let features = options.features()?;
        let feeds = Feeds::of(engine.inputs(), &options.input_shape)?;
        let names = || engine.outputs().iter().map(|o| o.name.clone()).collect::<Vec<_>>();
        let output = match &options.output {
            None if engine.outputs().is_empty() => None,
            None => Some(0),
            Some(wanted) => engine.outputs().iter().position(|o| o.name == *wanted),
        };
        let output = output.ok_or_else(|| OnnxError::NoSuchOutput {
            wanted: options.output.clone().unwrap_or_else(|| "(the first)".to_owned()),
            available: names(),
        })?;
        if let Some(spec) = engine.outputs().get(output)
            // One number a row may stand in a column or by itself.
            && !(options.classes == 1 && spec.shape.as_ref().is_some_and(|s| s.len() == 1))
        {
            admits(&spec.name, spec.shape.as_deref(), &[options.classes])?;
        }
        Ok(Self { engine, feeds, options, features, output })
    }

    /// The engine underneath.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// How the model is used.
    #[must_use]
    pub const fn options(&self) -> &ClassifierOptions {
        &self.options
    }

    fn chunk(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let scale = self.options.preprocess.scale;
        let mut data: Vec<f32> = rows.iter().map(|v| v * scale).collect();
        // The kernels take another path, with another order of summation, for a matrix of one row. A row
        // alone is therefore asked twice, so that its scores are the same bits as in company.
        if n == 1 {
            data.extend_from_within(..);
        }
        let batch = n.max(2);
        let mut outputs = self.engine.run(&self.feeds.tensors(data, batch)?)?;
        if self.output >= outputs.len() {
            return Err(OnnxError::Run("the engine returned fewer outputs than it declares".into()));
        }
        let scores = outputs.swap_remove(self.output);
        let alone = self.options.classes == 1 && scores.shape() == [batch];
        if scores.shape() != [batch, self.options.classes] && !alone {
            return Err(OnnxError::Shape {
                tensor: self.engine.outputs().get(self.output).map(|o| o.name.clone()).unwrap_or_default(),
                expected: format!("[N={batch}, {}]", self.options.classes),
                found: scores.shape().to_vec(),
            });
        }
        out.extend(scores.data().iter().take(n * self.options.classes));
        Ok(())
    }
}

impl Scores for Classifier {
    fn step(&self, feature: usize) -> Option<f64> {
        self.feeds.is_whole(feature).then(|| 1.0 / f64::from(self.options.preprocess.scale).abs())
    }

    fn classes(&self) -> usize {
        self.options.classes
    }

    fn input_shape(&self) -> &[usize] {
        &self.options.input_shape
    }

    fn kind(&self) -> OutputKind {
        self.options.kind
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        Rows { features: self.features }.check(rows, n)?;
        for chunk in rows.chunks(CHUNK_ROWS * self.features) {
            self.chunk(chunk, chunk.len() / self.features, out)?;
        }
        Ok(())
    }
}

/// The predicted class of each row of `scores`: the first of the largest, or `None` where a score is NaN.
/// An infinite score is a legal answer and counts like any other.
#[must_use]
pub fn predict(scores: &[f32], classes: usize) -> Vec<Option<usize>> {
    scores
        .chunks_exact(classes.max(1))
        .map(|row| {
            if row.iter().any(|v| v.is_nan()) {
                return None;
            }
            row.iter()
                .enumerate()
                .reduce(|best, next| if next.1 > best.1 { next } else { best })
                .map(|(class, _)| class)
        })
        .collect()
}

/// Whether a declared shape admits any number of rows of `row`.
pub(crate) fn admits(tensor: &str, declared: Option<&[Dimension]>, row: &[usize]) -> Result<(), OnnxError> {
    let any = |d: &Dimension| matches!(d, Dimension::Symbolic(_));
    let Some(declared) = declared else { return Ok(()) };
    let fits = match declared {
        [batch, rest @ ..] => {
            any(batch)
                && rest.len() == row.len()
                && rest.iter().zip(row).all(|(d, n)| any(d) || *d == Dimension::Fixed(*n))
        }
        [] => false,
    };
    if fits {
        return Ok(());
    }
    let text: Vec<String> = declared.iter().map(ToString::to_string).collect();
    Err(OnnxError::Shape {
        tensor: tensor.to_owned(),
        expected: format!("[{}] as the model declares, with a free batch dimension first", text.join(", ")),
        found: row.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_first_and_nan_to_nobody() {
        assert_eq!(
            predict(&[1.0, 1.0, 0.0, f32::NAN, f32::INFINITY, f32::NEG_INFINITY], 2),
            [Some(0), None, Some(0)]
        );
    }

    #[test]
    fn a_fixed_batch_or_another_row_is_refused() {
        let dims = |d: &[i64]| -> Vec<Dimension> {
            d.iter()
                .map(|n| match usize::try_from(*n) {
                    Ok(n) => Dimension::Fixed(n),
                    Err(_) => Dimension::Symbolic("N".into()),
                })
                .collect()
        };
        assert!(admits("x", Some(&dims(&[-1, 1, 8, 8])), &[1, 8, 8]).is_ok());
        assert!(admits("x", None, &[30]).is_ok());
        assert!(admits("x", Some(&dims(&[1, 30])), &[30]).is_err());
        assert!(admits("x", Some(&dims(&[-1, 30])), &[5, 6]).is_err());
        assert!(admits("x", Some(&[]), &[1]).is_err());
    }
}
