//! A classifier with gradients, from the bytes of an ONNX file.

use std::collections::BTreeSet;

use crate::build::{Builder, Size, V};
use crate::classifier::Rows;
use crate::differentiate::{GradientGraphs, Source, differentiate};
use crate::engine::load_graph;
use crate::graph::Graph;
use crate::{ClassifierOptions, Engine, Gradients, LoadOptions, OnnxError, OutputKind, Scores, Tensor};
use crate::{canonical, fused::Lowering};

/// Values that are kept between a forward and a backward run: 1 GiB of float32.
const MAX_KEPT: usize = 1 << 28;
/// Values that one run computes, from which follows how many rows it gets.
const VALUES_A_RUN: usize = 1 << 26;

/// A classifier whose scores are logits and have derivatives with respect to the rows.
///
/// Where the output asked for is made by a softmax or a sigmoid, the scores are what stands before it.
pub struct DifferentiableClassifier {
    model: Differentiated,
    straight_through: Vec<String>,
}

impl std::fmt::Debug for DifferentiableClassifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DifferentiableClassifier")
            .field("options", &self.model.options)
            .finish_non_exhaustive()
    }
}

impl DifferentiableClassifier {
    /// Differentiates a model, used as `options` say, with respect to its input.
    ///
    /// # Errors
    /// What [`crate::load`] refuses; operators without a derivative between the input and the scores, all by name
    /// ([`OnnxError::NoDerivative`]); operators that mix the rows of a batch; shapes that do not fit each other
    /// or what the model declares.
    pub fn new(bytes: &[u8], options: ClassifierOptions, load: &LoadOptions) -> Result<Self, OnnxError> {
        load.admits(bytes)?;
        let graph = Graph::read(bytes)?;
        let (model, _) = Differentiated::new(&graph, options, &BTreeSet::new(), load)?;
        let straight_through = model.rows.straight_through.clone();
        Ok(Self { model, straight_through })
    }
}

impl Scores for DifferentiableClassifier {
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
        self.model.scores(rows, n, &[], out)
    }
}

impl Gradients for DifferentiableClassifier {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        self.model.row_gradients(rows, n, &[], loss, gradient)
    }

    fn straight_through(&self) -> &[String] {
        &self.straight_through
    }
}

/// The graphs of a model's derivative with respect to its rows, for another engine to run.
///
/// The forward graph takes the rows and gives the logits, then what the backward graph reads; the backward graph takes
/// the derivative of a loss with respect to the logits, then those values as `sources` say, and gives the derivative
/// with respect to the rows as the model sees them.
///
/// # Errors
/// As [`DifferentiableClassifier::new`].
pub fn gradient_graphs(
    bytes: &[u8],
    options: &ClassifierOptions,
    lowering: Lowering,
) -> Result<GradientGraphs, OnnxError> {
    let graph = Graph::read(bytes)?;
    options.features()?;
    let name = logits(&graph, options.output.as_deref())?;
    let b = Builder::default();
    let (x, y) = canonical::add(&b, &graph, &options.input_shape, &name, &BTreeSet::new())?;
    differentiate(&b, b.len(), &[x], y, &[x], lowering)
}

/// A model in the form of engines that run it forward and backward.
pub(crate) struct Differentiated {
    pub options: ClassifierOptions,
    pub features: usize,
    /// The scores, and nothing else.
    plain: Box<dyn Engine>,
    /// Differentiated with respect to the rows.
    pub rows: Runs,
    /// Rows of one run, at most.
    chunk: usize,
    /// Values of a row that are computed on the way to its scores.
    row_values: usize,
}

/// A forward and a backward engine that fit each other.
pub(crate) struct Runs {
    forward: Box<dyn Engine>,
    backward: Box<dyn Engine>,
    sources: Vec<Source>,
    pub straight_through: Vec<String>,
}

impl Runs {
    pub(crate) fn new(pair: GradientGraphs, load: &LoadOptions) -> Result<Self, OnnxError> {
        Ok(Self {
            forward: load_graph(&pair.forward, load)?,
            backward: load_graph(&pair.backward, load)?,
            sources: pair.sources,
            straight_through: pair.straight_through,
        })
    }
}

impl Differentiated {
    /// Constants in `fed` become inputs after the rows, in order of their names; where there are some, the model is
    /// differentiated with respect to them, too.
    pub(crate) fn new(
        graph: &Graph,
        options: ClassifierOptions,
        fed: &BTreeSet<String>,
        load: &LoadOptions,
    ) -> Result<(Self, Option<Runs>), OnnxError> {
        let features = options.features()?;
        let name = logits(graph, options.output.as_deref())?;
        let b = Builder::default();
        let (x, y) = canonical::add(&b, graph, &options.input_shape, &name, fed)?;
        if y.dims() != [Size::Rows(1), Size::Fixed(options.classes)] {
            return Err(OnnxError::Shape {
                tensor: name,
                expected: format!("[N, {}]", options.classes),
                found: y.dims().iter().map(|d| d.fixed().unwrap_or(0)).collect(),
            });
        }
        let mut inputs = vec![x];
        inputs.extend(fed.iter().filter_map(|name| b.find(name)));
        let row_values = b.row_values();
        let steps = b.len();
        let ids: Vec<usize> = inputs.iter().map(|v| v.id()).collect();
        let plain = load_graph(&b.cut(0..steps, &ids, &[y]), load)?;
        let derived = |wrt: &[V<'_>]| Runs::new(differentiate(&b, steps, &inputs, y, wrt, lowering())?, load);
        let rows = derived(&[x])?;
        let weights = inputs.get(1..).filter(|w| !w.is_empty()).map(derived).transpose()?;
        let chunk = (VALUES_A_RUN / row_values.max(1)).clamp(2, crate::CHUNK_ROWS);
        Ok((Self { options, features, plain, rows, chunk, row_values }, weights))
    }

    pub(crate) fn scores(
        &self,
        rows: &[f32],
        n: usize,
        weights: &[&Tensor],
        out: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        out.clear();
        Rows { features: self.features }.check(rows, n)?;
        for rows in rows.chunks(self.chunk * self.features) {
            let x = self.batch(rows)?;
            let inputs: Vec<&Tensor> = std::iter::once(&x).chain(weights.iter().copied()).collect();
            let outputs = self.plain.run_borrowed(&inputs)?;
            self.take(&outputs, rows.len() / self.features, out)?;
        }
        Ok(())
    }

    /// Runs rows forward, asks `loss` once for all of them, and runs its derivative backward. `each` gets the
    /// number of rows and the derivatives of every chunk.
    pub(crate) fn pull_back(
        &self,
        runs: &Runs,
        rows: &[f32],
        n: usize,
        weights: &[&Tensor],
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        each: &mut dyn FnMut(usize, &[Tensor]),
    ) -> Result<(), OnnxError> {
        Rows { features: self.features }.check(rows, n)?;
        let mut scores = Vec::new();
        let mut kept = Vec::new();
        let all = n.saturating_mul(self.row_values) <= MAX_KEPT;
        if all {
            for rows in rows.chunks(self.chunk * self.features) {
                let (x, outputs) = self.forward(runs, rows, weights)?;
                self.take(&outputs, rows.len() / self.features, &mut scores)?;
                kept.push((x, outputs));
            }
        } else {
            self.scores(rows, n, weights, &mut scores)?;
        }
        let classes = self.options.classes;
        let mut seeds = vec![0.0; scores.len()];
        loss(&scores, &mut seeds);
        let mut kept = kept.into_iter();
        for (rows, seeds) in rows.chunks(self.chunk * self.features).zip(seeds.chunks(self.chunk * classes)) {
            let (x, outputs) = match kept.next() {
                Some(kept) => kept,
                None => self.forward(runs, rows, weights)?,
            };
            let count = rows.len() / self.features;
            let mut data = seeds.to_vec();
            // The second of a row that was doubled has no loss.
            data.resize(count.max(2) * classes, 0.0);
            let seed = Tensor::new(vec![count.max(2), classes], data)?;
            let mut inputs = vec![&seed];
            for source in &runs.sources {
                let tensor = match source {
                    Source::Input(0) => Some(&x),
                    Source::Input(at) => weights.get(at - 1).copied(),
                    Source::Output(at) => outputs.get(*at),
                };
                inputs.push(
                    tensor.ok_or_else(|| OnnxError::Run("the engine gave less than was asked".into()))?,
                );
            }
            each(count, &runs.backward.run_borrowed(&inputs)?);
        }
        Ok(())
    }

    /// The derivative with respect to the rows, before they were scaled.
    pub(crate) fn row_gradients(
        &self,
        rows: &[f32],
        n: usize,
        weights: &[&Tensor],
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        gradient.clear();
        let scale = self.options.preprocess.scale;
        self.pull_back(&self.rows, rows, n, weights, loss, &mut |kept, outputs| {
            let [dx] = outputs else { return };
            gradient.extend(dx.data().iter().take(kept * self.features).map(|v| v * scale));
        })
    }

    fn forward(
        &self,
        runs: &Runs,
        rows: &[f32],
        weights: &[&Tensor],
    ) -> Result<(Tensor, Vec<Tensor>), OnnxError> {
        let x = self.batch(rows)?;
        let inputs: Vec<&Tensor> = std::iter::once(&x).chain(weights.iter().copied()).collect();
        let outputs = runs.forward.run_borrowed(&inputs)?;
        Ok((x, outputs))
    }

    /// Rows as a batch of at least two: kernels sum a single row in another order, and a row is to have the same
    /// scores alone and in company.
    fn batch(&self, rows: &[f32]) -> Result<Tensor, OnnxError> {
        let scale = self.options.preprocess.scale;
        let mut data: Vec<f32> = rows.iter().map(|v| v * scale).collect();
        if data.len() == self.features {
            data.extend_from_within(..);
        }
        let mut shape = vec![data.len() / self.features];
        shape.extend_from_slice(&self.options.input_shape);
        Tensor::new(shape, data)
    }

    fn take(&self, outputs: &[Tensor], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let scores = outputs.first().ok_or_else(|| OnnxError::Run("the engine gave no scores".into()))?;
        if scores.shape() != [n.max(2), self.options.classes] {
            return Err(OnnxError::Shape {
                tensor: "scores".to_owned(),
                expected: format!("[N={}, {}]", n.max(2), self.options.classes),
                found: scores.shape().to_vec(),
            });
        }
        out.extend(scores.data().iter().take(n * self.options.classes));
        Ok(())
    }
}

/// What backward graphs are made of: what the engines at hand run.
pub(crate) const fn lowering() -> Lowering {
    Lowering::Portable
}

/// The value whose derivative is wanted: the output, or what stands before a softmax or sigmoid at the end.
pub(crate) fn logits(graph: &Graph, output: Option<&str>) -> Result<String, OnnxError> {
    let names = || graph.outputs.iter().map(|o| o.name.clone()).collect::<Vec<_>>();
    let found = match output {
        None => graph.outputs.first(),
        Some(wanted) => graph.outputs.iter().find(|o| o.name == wanted),
    };
    let found = found.ok_or_else(|| OnnxError::NoSuchOutput {
        wanted: output.unwrap_or("(the first)").to_owned(),
        available: names(),
    })?;
    let mut name = found.name.as_str();
    // A name is passed at most once: nodes are in order.
    for node in graph.nodes.iter().rev() {
        if !node.outputs.iter().any(|o| o == name) {
            continue;
        }
        let Some(before) = node.inputs.first() else { break };
        match (node.domain.as_str(), node.operator.as_str()) {
            ("", "Softmax" | "LogSoftmax" | "Sigmoid") => return Ok(before.clone()),
            // Probabilities brought to a sum of 1, or listed by class.
            ("ai.onnx.ml", "Normalizer") if node.text("norm", "MAX")? == "L1" => name = before,
            ("", "Identity" | "Dropout") | ("ai.onnx.ml", "ZipMap") => name = before,
            // The rest of the way is the operator's own: see `canonical::classic`.
            ("ai.onnx.ml", "LinearClassifier") => return Ok(name.to_owned()),
            _ => break,
        }
    }
    Ok(found.name.clone())
}
