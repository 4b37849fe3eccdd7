//! What a network has made of a row before its last layer: the activations that its answer is read from.
//!
//! Rows that a network answers alike for different reasons lie apart there, although their scores are the same. Checks of
//! training data look for that (Tran, Li, Madry 2018; Chen et al. 2018).

use std::collections::BTreeSet;

use crate::build::{Builder, V};
use crate::canonical;
use crate::classifier::Rows;
use crate::differentiable::logits;
use crate::engine::load_graph;
use crate::graph::{Graph, Node};
use crate::native::NativeOptions;
use crate::{CHUNK_ROWS, ClassifierOptions, Engine, LoadOptions, NativeEngine, OnnxError, Tensor};

/// Operators that multiply what they are given by weights.
const LAYERS: [&str; 4] = ["Gemm", "MatMul", "Conv", "ConvTranspose"];

/// A network up to the values that its last layer with weights is given.
///
/// Values of one row at several places (of an image, of a sequence) are averaged over the places.
pub struct HiddenLayer {
    engine: Box<dyn Engine>,
    options: ClassifierOptions,
    name: String,
    features: usize,
    width: usize,
}

impl std::fmt::Debug for HiddenLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HiddenLayer")
            .field("name", &self.name)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

impl HiddenLayer {
    /// Cuts a model, used as `options` say, before its last layer.
    ///
    /// # Errors
    /// What [`crate::load`] refuses; a model without a hidden layer, such as trees and linear models; operators that
    /// have no canonical form.
    pub fn new(bytes: &[u8], options: ClassifierOptions, load: &LoadOptions) -> Result<Self, OnnxError> {
        load.admits(bytes)?;
        let graph = Graph::read(bytes)?.inlined()?;
        let features = options.features()?;
        let (name, last) = before_the_last_layer(&graph, &logits(&graph, options.output.as_deref())?)?;
        let b = Builder::default();
        let (x, given) = canonical::add(&b, &graph, &options.input_shape, &name, &BTreeSet::new())?;
        let values = averaged(given, last);
        b.check()?;
        let width = values.dims().iter().skip(1).try_fold(1, |n: usize, d| n.checked_mul(d.fixed()?));
        let width = width.filter(|n| *n > 0).ok_or_else(|| {
            OnnxError::Option(format!("the values {name:?} before the last layer are of no fixed number"))
        })?;
        let cut = b.cut(0..b.len(), &[x.id()], &[values]);
        let native = NativeOptions { threads: load.threads, ..NativeOptions::default() };
        let engine: Box<dyn Engine> = match NativeEngine::new(cut.clone(), native) {
            Ok(engine) => Box::new(engine),
            Err(_) => load_graph(&cut, load)?,
        };
        Ok(Self { engine, options, name, features, width })
    }

    /// Values that each row has.
    #[must_use]
    pub const fn width(&self) -> usize {
        self.width
    }

    /// The name of these values in the model's file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `n * width` values for the `n` rows of `rows`, row after row. They do not depend on what rows stand beside.
    ///
    /// # Errors
    /// Rows that do not fit or are no finite numbers; values that are none.
    pub fn values(&self, rows: &[f32], n: usize) -> Result<Vec<f32>, OnnxError> {
        Rows { features: self.features }.check(rows, n)?;
        let mut out: Vec<f32> = Vec::with_capacity(n * self.width);
        for rows in rows.chunks(CHUNK_ROWS * self.features) {
            let mut data: Vec<f32> = rows.iter().map(|v| v * self.options.preprocess.scale).collect();
            let wanted = rows.len() / self.features * self.width;
            if data.len() == self.features {
                // The embedded runtime sums a single row in another order.
                data.extend_from_within(..);
            }
            let shape =
                std::iter::once(data.len() / self.features).chain(self.options.input_shape.iter().copied());
            let x = Tensor::new(shape.collect(), data)?;
            let values = self.engine.run_borrowed(&[&x])?;
            let values = values.first().map(Tensor::data).unwrap_or_default();
            if values.len() < wanted {
                return Err(OnnxError::Run(format!("{:?} has fewer values than it should", self.name)));
            }
            out.extend(values.iter().take(wanted));
        }
        match out.iter().position(|v| !v.is_finite()) {
            None => Ok(out),
            Some(at) => Err(OnnxError::Row {
                row: at / self.width,
                reason: format!("{:?} has a value there that is no finite number", self.name),
            }),
        }
    }
}

/// The value that the last layer on the way to `output` is given, and that layer.
fn before_the_last_layer<'g>(graph: &'g Graph, output: &str) -> Result<(String, &'g Node), OnnxError> {
    let nodes = canonical::needed(graph, output)?;
    let maker = |name: &str| nodes.iter().copied().find(|node| node.outputs.iter().any(|o| o == name));
    // Back from the scores along every way, each as far as its first layer.
    let (mut work, mut seen, mut last) = (vec![output], BTreeSet::new(), Vec::new());
    while let Some(name) = work.pop() {
        let Some(node) = maker(name).filter(|_| seen.insert(name)) else { continue };
        match given(graph, node) {
            Some(value) => last.push((value, node)),
            None => work.extend(node.inputs.iter().map(String::as_str)),
        }
    }
    last.sort_by_key(|(_, node)| node.name.as_str());
    last.dedup_by_key(|(value, _)| *value);
    match last.as_slice() {
        [(value, node)] if has_layer(graph, value)? => Ok(((*value).to_owned(), node)),
        [] | [_] => Err(OnnxError::Option(
            "the model has no hidden layer (it is made of trees, or linear), so that it represents rows by nothing but its \
             answer"
                .to_owned(),
        )),
        several => {
            let names: Vec<&str> = several.iter().map(|(_, node)| node.name.as_str()).collect();
            Err(OnnxError::Option(format!(
                "the scores are made by several last layers ({}), so that no one of them is given what the model makes of a \
                 row",
                names.join(", ")
            )))
        }
    }
}

/// What a layer of weights is given. A product of two values that both depend on the row, as of attention, is none.
fn given<'g>(graph: &Graph, node: &'g Node) -> Option<&'g str> {
    let layer = node.domain.is_empty() && LAYERS.contains(&node.operator.as_str());
    let is_constant = |name: &&String| graph.constants.contains_key(*name);
    let weighted = node.inputs.iter().take(2).any(|name| is_constant(&name));
    let value = node.inputs.iter().take(2).find(|name| !is_constant(name))?;
    (layer && weighted).then_some(value.as_str())
}

fn has_layer(graph: &Graph, value: &str) -> Result<bool, OnnxError> {
    Ok(canonical::needed(graph, value)?.iter().any(|node| given(graph, node).is_some()))
}

/// One number for each channel: means over the places of an image, or of a sequence.
fn averaged<'b>(given: V<'b>, last: &Node) -> V<'b> {
    let rank = given.rank();
    let places: Vec<usize> = match last.operator.as_str() {
        "Conv" | "ConvTranspose" => (2..rank).collect(),
        _ => (1..rank.saturating_sub(1)).collect(),
    };
    if places.is_empty() { given } else { given.mean(&places, false) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Classifier, OutputKind, Preprocess, Scores as _, load};

    const MLP: &[u8] = include_bytes!("../tests/fixtures/mlp_softmax.onnx");
    const CNN: &[u8] = include_bytes!("../tests/fixtures/cnn_at010.onnx");
    const LINEAR: &[u8] = include_bytes!("../tests/fixtures/logreg.onnx");
    const TREES: &[u8] = include_bytes!("../tests/fixtures/gbt.onnx");
    const DIGITS: &[u8] = include_bytes!("../tests/fixtures/digits_test.u8");

    fn options(shape: &[usize], classes: usize) -> ClassifierOptions {
        ClassifierOptions {
            input_shape: shape.to_vec(),
            classes,
            output: None,
            kind: OutputKind::Logits,
            preprocess: Preprocess { scale: 1.0 / 16.0 },
        }
    }

    fn hidden(bytes: &[u8], shape: &[usize], classes: usize) -> Result<HiddenLayer, OnnxError> {
        HiddenLayer::new(bytes, options(shape, classes), &LoadOptions::default())
    }

    fn rows() -> Vec<f32> {
        DIGITS.chunks_exact(65).flat_map(|r| r[1..].iter().map(|p| f32::from(*p))).collect()
    }

    // What remains of the model after its hidden layer is the last layer alone.
    #[test]
    fn the_last_layer_makes_the_scores_of_it() {
        for bytes in [MLP, CNN] {
            let rows = rows();
            let n = rows.len() / 64;
            let layer = hidden(bytes, &[1, 8, 8], 10).unwrap();
            let values = layer.values(&rows, n).unwrap();
            assert_eq!(values.len(), n * layer.width());
            let graph = Graph::read(bytes).unwrap();
            let last = graph
                .nodes
                .iter()
                .rev()
                .find(|n| n.inputs.first().is_some_and(|i| i == layer.name()))
                .unwrap();
            let constant = |at: usize| match &graph.constants[&last.inputs[at]].values {
                crate::graph::Values::Float32(values) => values.clone(),
                _ => panic!("weights are numbers"),
            };
            let (weights, bias) = (constant(1), constant(2));
            let by_row = last.int("transB", 0).unwrap() == 1;
            let mut scores = Vec::new();
            let engine = load(bytes, &LoadOptions::default()).unwrap();
            Classifier::new(engine, options(&[1, 8, 8], 10)).unwrap().scores(&rows, n, &mut scores).unwrap();
            let softmax = graph.nodes.iter().any(|n| n.operator == "Softmax");
            for (values, scores) in values.chunks(layer.width()).zip(scores.chunks(10)) {
                let weight = |class: usize, at: usize| {
                    if by_row { weights[class * values.len() + at] } else { weights[at * 10 + class] }
                };
                let own: Vec<f64> = (0..10)
                    .map(|c| {
                        let sum: f64 =
                            values.iter().enumerate().map(|(at, v)| f64::from(v * weight(c, at))).sum();
                        sum + f64::from(bias[c])
                    })
                    .collect();
                let total: f64 = own.iter().map(|v| v.exp()).sum();
                for (own, score) in own.iter().zip(scores) {
                    let own = if softmax { own.exp() / total } else { *own };
                    assert!((own - f64::from(*score)).abs() < 1e-4, "{own} {score}");
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_values_alone() {
        let (rows, layer) = (rows(), hidden(CNN, &[1, 8, 8], 10).unwrap());
        let all = layer.values(&rows[..300 * 64 / 2], 150).unwrap();
        let alone = layer.values(&rows[7 * 64..8 * 64], 1).unwrap();
        assert_eq!(alone, all[7 * layer.width()..8 * layer.width()]);
    }

    #[test]
    fn what_has_no_hidden_layer_says_so() {
        for (bytes, shape, classes) in [(LINEAR, vec![30], 2), (TREES, vec![30], 2)] {
            let error = hidden(bytes, &shape, classes).unwrap_err().to_string();
            assert!(error.contains("no hidden layer"), "{error}");
        }
        let layer = hidden(MLP, &[1, 8, 8], 10).unwrap();
        assert!(layer.values(&[f32::NAN; 64], 1).is_err());
        assert!(layer.values(&[0.5; 63], 1).is_err());
    }
}
