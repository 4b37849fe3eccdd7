//! Times the native engine on the models that `bench/kernels.py` times in PyTorch: processor microseconds a call of a
//! forward pass, and of a step of projected gradient descent (forward, backward to the input, sign update).
//!
//! `kernels MODEL BATCH SECONDS [THREADS]` prints two numbers; models are `mlp`, `cnn`, `resnet18` and ONNX files
//! with input `[N, 1, 8, 8]`. Weights are arbitrary: times do not depend on them.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::time::Instant;

use proofhouse_artifact::onnx::{Dim, ElementType, ValueInfo};
use proofhouse_onnx::fused::Lowering;
use proofhouse_onnx::graph::{Attribute, Constant, Graph, Node};
use proofhouse_onnx::{
    ClassifierOptions, NativeEngine, NativeOptions, OutputKind, Preprocess, gradient_graphs,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, batch, seconds, threads @ ..] = &arguments[..] else {
        return Err("kernels MODEL BATCH SECONDS [THREADS]".into());
    };
    let (batch, seconds): (usize, f64) = (batch.parse()?, seconds.parse()?);
    let threads = threads.first().map_or(Ok(1), |t| t.parse())?;
    let (bytes, shape) = match model.as_str() {
        "mlp" => (mlp().graph().write(), vec![64]),
        "cnn" => (cnn().graph().write(), vec![1, 28, 28]),
        "resnet18" => (resnet18().graph().write(), vec![3, 32, 32]),
        file => (std::fs::read(file)?, vec![1, 8, 8]),
    };
    let options = NativeOptions { threads, ..NativeOptions::default() };
    let features: usize = shape.iter().product();
    let classifier = ClassifierOptions {
        input_shape: shape.clone(),
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    let dims = [&[batch], &shape[..]].concat();
    let mut x: Vec<f32> = (0..batch * features).map(|i| (i * 7919 % 1000) as f32 / 1000.0).collect();
    let mut outputs = Vec::new();

    let forward = NativeEngine::new(Graph::read(&bytes)?, options.clone())?;
    let once = time(seconds, || Ok(forward.run_into(&[(&dims, &x)], &mut outputs).map(|_| ())?))?;

    let (graph, place) = gradient_graphs(&bytes, &classifier, Lowering::Fused)?.joined()?;
    let both = NativeEngine::new(graph, options)?;
    let start = x.clone();
    let step = time(seconds, || {
        both.run_with_feedback(
            &[(&dims, &x), (&[batch, 10], &[])],
            place,
            &mut |logits, d| cross_entropy(logits, d),
            &mut outputs,
        )?;
        for ((x, g), s) in x.iter_mut().zip(&outputs[1]).zip(&start) {
            let moved = *x + if *g > 0.0 { 0.01 } else { -0.01 };
            *x = moved.clamp(s - 0.1, s + 0.1).clamp(0.0, 1.0);
        }
        Ok(())
    })?;
    println!("{once:.2} {step:.2}");
    Ok(())
}

/// The derivative of the mean cross-entropy against class 3.
fn cross_entropy(logits: &[f32], d: &mut [f32]) {
    for (l, d) in logits.chunks_exact(10).zip(d.chunks_exact_mut(10)) {
        let most = l.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = l.iter().map(|v| (v - most).exp()).sum();
        for (i, (l, d)) in l.iter().zip(d).enumerate() {
            *d = (l - most).exp() / sum - f32::from(i == 3);
        }
    }
}

/// Processor microseconds a call, over at least `seconds` after two calls that warm up.
fn time(seconds: f64, mut call: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    call()?;
    call()?;
    let (start, before) = (Instant::now(), processor()?);
    let mut calls = 0;
    while start.elapsed().as_secs_f64() < seconds || calls < 3 {
        call()?;
        calls += 1;
    }
    Ok((processor()? - before) * 1e6 / f64::from(calls))
}

/// Processor seconds of this process, all its threads together.
fn processor() -> Result<f64, Box<dyn Error>> {
    let mut total = 0.0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
        total += text.split_whitespace().next().ok_or("no schedstat")?.parse::<f64>()? / 1e9;
    }
    Ok(total)
}

fn mlp() -> Model {
    let mut m = Model::new(&[64]);
    m.dense(64, 256);
    m.relu();
    m.dense(256, 256);
    m.relu();
    m.dense(256, 10);
    m
}

fn cnn() -> Model {
    let mut m = Model::new(&[1, 28, 28]);
    m.conv(1, 16, 3, 1, true);
    m.relu();
    m.pool();
    m.conv(16, 32, 3, 1, true);
    m.relu();
    m.pool();
    m.node("Flatten", &[], Vec::new());
    m.dense(32 * 49, 64);
    m.relu();
    m.dense(64, 10);
    m
}

/// The variant for small images: a first convolution of 3 × 3, no pool after it.
fn resnet18() -> Model {
    let mut m = Model::new(&[3, 32, 32]);
    m.conv(3, 64, 3, 1, false);
    m.normalise(64);
    m.relu();
    let mut from = 64;
    for (to, first) in [(64, 1), (128, 2), (256, 2), (512, 2)] {
        for stride in [first, 1] {
            let input = m.value();
            m.conv(from, to, 3, stride, false);
            m.normalise(to);
            m.relu();
            m.conv(to, to, 3, 1, false);
            m.normalise(to);
            let main = m.value();
            let mut short = input.clone();
            if from != to {
                m.at(&input);
                m.conv(from, to, 1, stride, false);
                m.normalise(to);
                short = m.value();
            }
            m.at(&main);
            m.node("Add", &[&short], Vec::new());
            m.relu();
            from = to;
        }
    }
    m.node("GlobalAveragePool", &[], Vec::new());
    m.node("Flatten", &[], Vec::new());
    m.dense(512, 10);
    m
}

/// A model under construction, layer after layer.
struct Model {
    graph: Graph,
    last: String,
}

impl Model {
    fn new(shape: &[i64]) -> Self {
        let dims = [vec![Dim::Symbolic("N".into())], shape.iter().map(|n| Dim::Known(*n)).collect()].concat();
        let mut graph = Graph::default();
        graph.metadata.ir_version = 8;
        graph.opsets.insert(String::new(), 17);
        graph.inputs.push(tensor("x", Some(dims)));
        Self { graph, last: "x".into() }
    }

    fn value(&self) -> String {
        self.last.clone()
    }

    fn at(&mut self, value: &str) {
        self.last = value.to_owned();
    }

    fn node(&mut self, operator: &str, others: &[&str], attributes: Vec<(&str, Attribute)>) {
        let output = format!("v{}", self.graph.nodes.len());
        let inputs =
            std::iter::once(self.last.clone()).chain(others.iter().map(|o| (*o).to_owned())).collect();
        self.graph.nodes.push(Node {
            name: output.clone(),
            domain: String::new(),
            operator: operator.to_owned(),
            inputs,
            outputs: vec![output.clone()],
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>(),
        });
        self.last = output;
    }

    fn weights(&mut self, shape: &[usize], scale: f32, shift: f32) -> String {
        let name = format!("w{}", self.graph.constants.len());
        let n: usize = shape.iter().product();
        let value = |i: usize| ((i * 7919 + 13) % 2003) as f32 / 1001.0 - 1.0;
        let values = (0..n).map(|i| value(i) * scale + shift).collect();
        self.graph.constants.insert(name.clone(), Constant::float32(shape.to_vec(), values));
        name
    }

    fn dense(&mut self, from: usize, to: usize) {
        let (w, b) =
            (self.weights(&[to, from], 1.0 / (from as f32).sqrt(), 0.0), self.weights(&[to], 0.1, 0.0));
        self.node("Gemm", &[&w, &b], vec![("transB", Attribute::Int(1))]);
    }

    fn conv(&mut self, from: usize, to: usize, kernel: usize, stride: i64, bias: bool) {
        let w =
            self.weights(&[to, from, kernel, kernel], 1.0 / ((from * kernel * kernel) as f32).sqrt(), 0.0);
        let mut others = vec![w];
        if bias {
            others.push(self.weights(&[to], 0.1, 0.0));
        }
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let pad = (kernel / 2) as i64;
        let attributes = vec![
            ("kernel_shape", Attribute::Ints(vec![kernel as i64; 2])),
            ("strides", Attribute::Ints(vec![stride; 2])),
            ("pads", Attribute::Ints(vec![pad; 4])),
        ];
        self.node("Conv", &others, attributes);
    }

    fn normalise(&mut self, channels: usize) {
        let given: Vec<String> = [(0.1, 1.0), (0.1, 0.0), (0.1, 0.0), (0.1, 1.0)]
            .map(|(s, m)| self.weights(&[channels], s, m))
            .into();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        self.node("BatchNormalization", &given, Vec::new());
    }

    fn relu(&mut self) {
        self.node("Relu", &[], Vec::new());
    }

    fn pool(&mut self) {
        let two = || Attribute::Ints(vec![2, 2]);
        self.node("MaxPool", &[], vec![("kernel_shape", two()), ("strides", two())]);
    }

    fn graph(mut self) -> Graph {
        let dims = vec![Dim::Symbolic("N".into()), Dim::Known(10)];
        self.graph.outputs.push(tensor(&self.last, Some(dims)));
        self.graph
    }
}

fn tensor(name: &str, dims: Option<Vec<Dim>>) -> ValueInfo {
    ValueInfo { name: name.to_owned(), element_type: Some(ElementType(1)), dims, kind: "tensor" }
}
