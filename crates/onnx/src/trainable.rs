//! A classifier whose weights can be changed: gradients with respect to them, and the model as a file again.
//!
//! Weights are inputs of the graphs here, so changing them needs no new plan. Which constants are weights is told
//! by what they are used for ([`weights`]); shapes, bounds, means and deviations of inputs, masks and the running
//! statistics of batch normalisation stay as they are.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::build::{Builder, Step};
use crate::canonical;
#[cfg(feature = "ort")]
use crate::differentiable::Runtime;
use crate::differentiable::{Differentiated, Runs, logits};
use crate::graph::{Attribute, Constant, Graph, Values, replace_constants};
use crate::{ClassifierOptions, Gradients, LoadOptions, OnnxError, OutputKind, Scores, Tensor};

/// Constants below this are masks ("minus infinity"), not weights.
const MASK: f32 = 1e4;

/// A classifier with gradients with respect to its weights and its rows.
///
/// Its scores are logits, as those of a [`DifferentiableClassifier`](crate::DifferentiableClassifier). Batch
/// normalisation works with the statistics of the file, which do not change.
pub struct Trainable {
    original: Vec<u8>,
    model: Differentiated,
    runs: Runs,
    names: Vec<String>,
    weights: Vec<Tensor>,
    straight_through: Vec<String>,
}

impl std::fmt::Debug for Trainable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Trainable").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Trainable {
    /// Reads a model, used as `options` say, and finds its weights.
    ///
    /// # Errors
    /// As [`DifferentiableClassifier::new`](crate::DifferentiableClassifier::new); a model without weights.
    pub fn new(bytes: &[u8], options: ClassifierOptions, load: &LoadOptions) -> Result<Self, OnnxError> {
        Self::by(bytes, options, load, Differentiated::new)
    }

    /// As [`Self::new`], with graphs of the standard operators that `runtime` runs.
    #[cfg(feature = "ort")]
    pub(crate) fn portable(
        bytes: &[u8],
        options: ClassifierOptions,
        load: &LoadOptions,
        runtime: Runtime<'_>,
    ) -> Result<Self, OnnxError> {
        Self::by(bytes, options, load, |graph, options, fed, load| {
            Differentiated::with(graph, &options, fed, load, Some(runtime))
        })
    }

    fn by(
        bytes: &[u8],
        options: ClassifierOptions,
        load: &LoadOptions,
        differentiated: impl FnOnce(
            &Graph,
            ClassifierOptions,
            &BTreeSet<String>,
            &LoadOptions,
        ) -> Result<(Differentiated, Option<Runs>), OnnxError>,
    ) -> Result<Self, OnnxError> {
        load.admits(bytes)?;
        let graph = hoisted(Graph::read(bytes)?.inlined()?);
        let found = weights(&graph, &options)?;
        if found.is_empty() {
            return Err(OnnxError::Option(
                "the model has no weights that can be trained: no constant of type FLOAT is used as one"
                    .into(),
            ));
        }
        let tensor = |name: &String| {
            let constant = graph.constants.get(name)?;
            Tensor::new(constant.shape.clone(), constant.floats()?).ok()
        };
        let weights: Vec<Tensor> = found.iter().filter_map(tensor).collect();
        let (model, runs) = differentiated(&graph, options, &found, load)?;
        let runs = runs.ok_or_else(|| OnnxError::Option("the model has no weights".into()))?;
        let straight_through = model.rows.straight_through.clone();
        Ok(Self {
            original: bytes.to_vec(),
            model,
            runs,
            names: found.into_iter().collect(),
            weights,
            straight_through,
        })
    }

    /// Names of the weights, in the order of everything else here.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The weights.
    #[must_use]
    pub fn weights(&self) -> &[Tensor] {
        &self.weights
    }

    /// The weights, to be changed in place.
    pub fn weights_mut(&mut self) -> impl Iterator<Item = (&str, &mut [f32])> {
        self.names.iter().map(String::as_str).zip(self.weights.iter_mut().map(Tensor::data_mut))
    }

    /// The derivative of a loss with respect to the weights, summed over the rows.
    ///
    /// As [`Gradients::pull_back`]: `loss` gets the logits of all rows and writes the derivative of each row's loss
    /// with respect to its logits. One tensor for each weight is written into `gradients`, which is cleared first.
    ///
    /// # Errors
    /// As [`Scores::scores`].
    pub fn weight_gradients(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradients: &mut Vec<Tensor>,
    ) -> Result<(), OnnxError> {
        gradients.clear();
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        self.model.pull_back(&self.runs, rows, n, &weights, loss, &mut |_, parts| {
            if gradients.is_empty() {
                gradients.extend_from_slice(parts);
                return;
            }
            for (sum, part) in gradients.iter_mut().zip(parts) {
                sum.data_mut().iter_mut().zip(part.data()).for_each(|(sum, v)| *sum += v);
            }
        })
    }

    /// The model as an ONNX file with the weights as they are now. Everything else is that of the original, byte
    /// for byte.
    ///
    /// # Errors
    /// A weight that is NaN or infinite: training has diverged.
    pub fn export(&self) -> Result<Vec<u8>, OnnxError> {
        let mut new = BTreeMap::new();
        for (name, weight) in self.names.iter().zip(&self.weights) {
            if let Some(at) = weight.first_not_finite() {
                let why = format!("weight {name:?} is not finite at {at}; training has diverged");
                return Err(OnnxError::Option(why));
            }
            new.insert(name.clone(), Constant::float32(weight.shape().to_vec(), weight.data().to_vec()));
        }
        replace_constants(&self.original, &new)
    }
}

impl Scores for Trainable {
    fn classes(&self) -> usize {
        self.model.options.classes
    }

    fn input_shape(&self) -> &[usize] {
        &self.model.options.input_shape
    }

    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        self.model.scores(rows, n, &self.weights.iter().collect::<Vec<_>>(), out)
    }
}

impl Gradients for Trainable {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let weights: Vec<&Tensor> = self.weights.iter().collect();
        self.model.row_gradients(rows, n, &weights, loss, gradient)
    }

    fn straight_through(&self) -> &[String] {
        &self.straight_through
    }
}

/// The graph with the tensors of its `Constant` nodes among its constants.
fn hoisted(mut graph: Graph) -> Graph {
    let mut constants = BTreeMap::new();
    graph.nodes.retain(|node| {
        let value = match node.attributes.get("value") {
            Some(Attribute::Tensor(value)) if node.applies("", "Constant") => value,
            _ => return true,
        };
        let Some(name) = node.outputs.first() else { return true };
        constants.insert(name.clone(), value.clone());
        false
    });
    graph.constants.extend(constants);
    graph
}

/// Names of the constants that are weights: what layers multiply with and add, scales and shifts of
/// normalisations, tables that are looked up in, and what is added, multiplied or put beside values behind a
/// layer (biases of their own node, positions, class tokens). What comes before the first layer prepares the
/// input and is no weight.
fn weights(graph: &Graph, options: &ClassifierOptions) -> Result<BTreeSet<String>, OnnxError> {
    let output = logits(graph, options.output.as_deref())?;
    let candidate = |(name, constant): (&String, &Constant)| match &constant.values {
        Values::Float32(v) => {
            let plain = !v.is_empty() && v.iter().all(|v| v.is_finite() && v.abs() < MASK);
            (plain && !constant.shape.is_empty()).then(|| name.clone())
        }
        _ => None,
    };
    let candidates: BTreeSet<String> = graph.constants.iter().filter_map(candidate).collect();
    let b = Builder::default();
    canonical::add(&b, graph, &options.input_shape, &output, &candidates)?;
    // Which candidate a value is, when it is one in another layout.
    let mut origin: HashMap<usize, String> =
        candidates.iter().filter_map(|name| Some((b.find(name)?.id(), name.clone()))).collect();
    let mut behind: HashSet<usize> = HashSet::new();
    let mut found = BTreeSet::new();
    for Step { node, inputs, outputs } in b.steps() {
        let operands: Vec<usize> = inputs.iter().copied().flatten().collect();
        let first = inputs.first().copied().flatten();
        let follows = operands.iter().any(|id| behind.contains(id));
        let (weights, layer): (&[usize], bool) = match node.operator.as_str() {
            "Conv" | "ConvTranspose" | "Gemm" | "MatMul" => (&[0, 1, 2], true),
            "BatchNormalization" | "LayerNormalization" | "InstanceNormalization" => (&[1, 2], follows),
            "Gather" => (&[0], true),
            "Add" | "Sub" | "Mul" | "Div" | "Concat" if follows => (&[0, 1, 2, 3], true),
            "Reshape" | "Transpose" | "Expand" | "Squeeze" | "Unsqueeze" | "Identity" => {
                if let Some(name) = first.and_then(|id| origin.get(&id)).cloned() {
                    origin.extend(outputs.iter().map(|id| (*id, name.clone())));
                }
                (&[], follows)
            }
            _ => (&[], follows),
        };
        let used = weights.iter().filter_map(|at| origin.get(&inputs.get(*at).copied().flatten()?));
        let before = found.len();
        found.extend(used.cloned());
        let is_layer = layer && (follows || found.len() > before || node.operator != "Gather");
        if is_layer {
            behind.extend(outputs);
        }
    }
    Ok(found)
}
