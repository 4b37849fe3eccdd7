//! A classifier with gradients, from the bytes of an ONNX file.

use std::collections::BTreeSet;

use crate::build::{Builder, Size, V};
use crate::classifier::Rows;
use crate::differentiate::{GradientGraphs, Source, differentiate};
use crate::engine::load_graph;
use crate::graph::Graph;
use crate::native::{Feedback, NativeEngine, NativeOptions};
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
        let graph = Graph::read(bytes)?.inlined()?;
        let (model, _) = Differentiated::new(&graph, options, &BTreeSet::new(), load)?;
        let straight_through = model.rows.straight_through.clone();
        Ok(Self { model, straight_through })
    }
}

impl DifferentiableClassifier {
    /// What runs it: `native`, or `rten` where the former lacks an operator; `ort` where a runtime was given.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self.model.rows.passes {
            Passes::Joint(..) => "native",
            Passes::Split { engine, .. } => engine,
        }
    }

    /// As [`Self::new`], with graphs of the standard operators that `runtime` (its name, and what loads a graph into
    /// it) runs.
    #[cfg(feature = "ort")]
    pub(crate) fn portable(
        bytes: &[u8],
        options: &ClassifierOptions,
        load: &LoadOptions,
        runtime: Runtime<'_>,
    ) -> Result<Self, OnnxError> {
        load.admits(bytes)?;
        let graph = Graph::read(bytes)?.inlined()?;
        let (model, _) = Differentiated::with(&graph, options, &BTreeSet::new(), load, Some(runtime))?;
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
    let graph = Graph::read(bytes)?.inlined()?;
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
    /// Rows of one run, at most and at least.
    chunk: usize,
    least: usize,
    /// Values of a row that are computed on the way to its scores.
    row_values: usize,
}

/// A model differentiated, ready to run.
pub(crate) struct Runs {
    passes: Passes,
    pub straight_through: Vec<String>,
}

enum Passes {
    /// The house's own engine, which runs both passes in one and has the loss computed in between.
    Joint(Box<NativeEngine>, Feedback),
    /// Two graphs for an engine that runs from beginning to end.
    Split { engine: &'static str, forward: Box<dyn Engine>, backward: Box<dyn Engine>, sources: Vec<Source> },
}

/// Another runtime than the house's own engine: its name, and what loads a graph into it.
pub(crate) type Runtime<'a> = (&'static str, &'a LoadGraph<'a>);
type LoadGraph<'a> = dyn Fn(&Graph, &LoadOptions) -> Result<Box<dyn Engine>, OnnxError> + 'a;

/// Where the loss stands in a joint run, and the loss: logits of all rows in, the derivative out.
type Late<'a> = (Feedback, &'a mut dyn FnMut(&[f32], &mut [f32]));

impl Differentiated {
    /// Constants in `fed` become inputs after the rows, in order of their names; where there are some, the model is
    /// differentiated with respect to them, too.
    ///
    /// The house's own engine runs it, or the embedded runtime where that one lacks an operator.
    pub(crate) fn new(
        graph: &Graph,
        options: ClassifierOptions,
        fed: &BTreeSet<String>,
        load: &LoadOptions,
    ) -> Result<(Self, Option<Runs>), OnnxError> {
        Self::with(graph, &options, fed, load, None)
            .or_else(|_| Self::with(graph, &options, fed, load, Some(("rten", &load_graph))))
    }

    pub(crate) fn with(
        graph: &Graph,
        options: &ClassifierOptions,
        fed: &BTreeSet<String>,
        load: &LoadOptions,
        runtime: Option<Runtime<'_>>,
    ) -> Result<(Self, Option<Runs>), OnnxError> {
        let lowering = if runtime.is_some() { Lowering::Portable } else { Lowering::Fused };
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
        let forward = b.cut(0..steps, &ids, &[y]);
        let native = NativeOptions { threads: load.threads, ..NativeOptions::default() };
        let plain: Box<dyn Engine> = match runtime {
            None => Box::new(NativeEngine::new(forward, native.clone())?),
            Some((_, load_graph)) => load_graph(&forward, load)?,
        };
        let derived = |wrt: &[V<'_>]| -> Result<Runs, OnnxError> {
            let graphs = differentiate(&b, steps, &inputs, y, wrt, lowering)?;
            let straight_through = graphs.straight_through.clone();
            let passes = match runtime {
                None => {
                    let (joint, place) = graphs.joined()?;
                    Passes::Joint(Box::new(NativeEngine::new(joint, native.clone())?), place)
                }
                Some((engine, load_graph)) => Passes::Split {
                    engine,
                    forward: load_graph(&graphs.forward, load)?,
                    backward: load_graph(&graphs.backward, load)?,
                    sources: graphs.sources,
                },
            };
            Ok(Runs { passes, straight_through })
        };
        let rows = derived(&[x])?;
        let weights = inputs.get(1..).filter(|w| !w.is_empty()).map(derived).transpose()?;
        let chunk = (VALUES_A_RUN / row_values.max(1)).clamp(2, crate::CHUNK_ROWS);
        // Kernels of the runtime sum a single row in another order, and a row is to have the same scores alone and
        // in company.
        let least = if runtime.is_some() { 2 } else { 1 };
        Ok((Self { options: options.clone(), features, plain, rows, chunk, least, row_values }, weights))
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

    /// Runs rows forward, asks `loss` once for all of them, and runs its derivative backward. `each` gets the
    /// number of rows and the derivatives of every chunk.
    ///
    /// What the forward run computed is kept for the backward run, unless that is more than [`MAX_KEPT`]: then it
    /// is computed again, chunk by chunk.
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
        if n == 0 {
            return Ok(());
        }
        let keep = n.saturating_mul(self.row_values) <= MAX_KEPT;
        let mut scores = Vec::new();
        let mut kept = Vec::new();
        match &runs.passes {
            Passes::Joint(engine, place) if keep => {
                let x = self.batch(rows)?;
                each(n, &self.joint(engine, &x, n, &[], weights, Some((*place, loss)))?);
                return Ok(());
            }
            Passes::Split { forward, .. } if keep => {
                for rows in rows.chunks(self.chunk * self.features) {
                    let passed = self.forward(forward.as_ref(), rows, weights)?;
                    self.take(&passed.1, rows.len() / self.features, &mut scores)?;
                    kept.push(passed);
                }
            }
            _ => self.scores(rows, n, weights, &mut scores)?,
        }
        let classes = self.options.classes;
        let mut seeds = vec![0.0; scores.len()];
        loss(&scores, &mut seeds);
        let mut kept = kept.into_iter();
        for (rows, seeds) in rows.chunks(self.chunk * self.features).zip(seeds.chunks(self.chunk * classes)) {
            let n = rows.len() / self.features;
            let gradients = match &runs.passes {
                Passes::Joint(engine, _) => {
                    let x = self.batch(rows)?;
                    self.joint(engine, &x, n, seeds, weights, None)?
                }
                Passes::Split { forward, backward, sources, .. } => {
                    let passed = match kept.next() {
                        Some(passed) => passed,
                        None => self.forward(forward.as_ref(), rows, weights)?,
                    };
                    self.backward(backward.as_ref(), sources, &passed, seeds, weights)?
                }
            };
            each(n, &gradients);
        }
        Ok(())
    }

    /// Both passes in one. The derivative of the loss is `seeds`, or what `loss` makes of the scores.
    fn joint(
        &self,
        engine: &NativeEngine,
        x: &Tensor,
        n: usize,
        seeds: &[f32],
        weights: &[&Tensor],
        loss: Option<Late<'_>>,
    ) -> Result<Vec<Tensor>, OnnxError> {
        let shape = [n, self.options.classes];
        let mut inputs: Vec<(&[usize], &[f32])> = vec![(x.shape(), x.data())];
        inputs.extend(weights.iter().map(|w| (w.shape(), w.data())));
        inputs.push((&shape, seeds));
        let mut values = Vec::new();
        let shapes = match loss {
            None => engine.run_into(&inputs, &mut values)?,
            Some((place, loss)) => engine.run_with_feedback(&inputs, place, loss, &mut values)?,
        };
        shapes.into_iter().zip(values).skip(1).map(|(shape, values)| Tensor::new(shape, values)).collect()
    }

    fn forward(
        &self,
        engine: &dyn Engine,
        rows: &[f32],
        weights: &[&Tensor],
    ) -> Result<(Tensor, Vec<Tensor>), OnnxError> {
        let x = self.batch(rows)?;
        let inputs: Vec<&Tensor> = std::iter::once(&x).chain(weights.iter().copied()).collect();
        let outputs = engine.run_borrowed(&inputs)?;
        Ok((x, outputs))
    }

    fn backward(
        &self,
        engine: &dyn Engine,
        sources: &[Source],
        (x, outputs): &(Tensor, Vec<Tensor>),
        seeds: &[f32],
        weights: &[&Tensor],
    ) -> Result<Vec<Tensor>, OnnxError> {
        let classes = self.options.classes;
        let mut data = seeds.to_vec();
        // The second of a row that was doubled has no loss.
        data.resize(data.len().max(self.least * classes), 0.0);
        let seed = Tensor::new(vec![data.len() / classes, classes], data)?;
        let mut inputs = vec![&seed];
        for source in sources {
            let tensor = match source {
                Source::Input(0) => Some(x),
                Source::Input(at) => weights.get(at - 1).copied(),
                Source::Output(at) => outputs.get(*at),
            };
            inputs.push(tensor.ok_or_else(|| OnnxError::Run("the engine gave less than was asked".into()))?);
        }
        engine.run_borrowed(&inputs)
    }

    /// Rows as a batch; a single one is doubled where the engine needs it.
    fn batch(&self, rows: &[f32]) -> Result<Tensor, OnnxError> {
        let scale = self.options.preprocess.scale;
        let mut data: Vec<f32> = rows.iter().map(|v| v * scale).collect();
        if data.len() == self.features && self.least == 2 {
            data.extend_from_within(..);
        }
        let mut shape = vec![data.len() / self.features];
        shape.extend_from_slice(&self.options.input_shape);
        Tensor::new(shape, data)
    }

    fn take(&self, outputs: &[Tensor], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let scores = outputs.first().ok_or_else(|| OnnxError::Run("the engine gave no scores".into()))?;
        let n_run = n.max(self.least);
        if scores.shape() != [n_run, self.options.classes] {
            return Err(OnnxError::Shape {
                tensor: "scores".to_owned(),
                expected: format!("[N={n_run}, {}]", self.options.classes),
                found: scores.shape().to_vec(),
            });
        }
        out.extend(scores.data().iter().take(n * self.options.classes));
        Ok(())
    }
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
