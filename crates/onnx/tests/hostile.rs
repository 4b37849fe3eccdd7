//! Broken and mutated models end in an error or in numbers, never in a panic, a hang or an abort.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]

use proofhouse_onnx::{
    ClassifierOptions, DifferentiableClassifier, Gradients, LoadOptions, OnnxError, OutputKind, Preprocess,
    Tensor, load,
};
use proptest::prelude::*;

const MLP: &[u8] = include_bytes!("fixtures/mlp_naive.onnx");
const CNN: &[u8] = include_bytes!("fixtures/cnn_at010.onnx");

/// Loads and, where that works, runs one row.
fn exercise(bytes: &[u8]) {
    if let Ok(engine) = load(bytes, &LoadOptions::default()) {
        let row = Tensor::new(vec![1, 1, 8, 8], vec![0.5; 64]).unwrap();
        let _ = engine.run(&[row]);
    }
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    if let Ok(model) = DifferentiableClassifier::new(bytes, options, &LoadOptions::default()) {
        let mut ones = |_: &[f32], out: &mut [f32]| out.fill(1.0);
        let _ = model.pull_back(&[0.5; 64], 1, &mut ones, &mut Vec::new());
    }
}

#[test]
fn every_truncation_is_refused_or_harmless() {
    for end in (0..MLP.len()).step_by(997).chain(MLP.len() - 300..MLP.len()) {
        exercise(&MLP[..end]);
    }
    assert!(matches!(load(&MLP[..MLP.len() / 2], &LoadOptions::default()), Err(OnnxError::Malformed(_))));
}

fn field(number: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut n = payload.len();
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend_from_slice(payload);
    out
}

/// A model of IR version 8, opset 17: `v0` goes through `nodes`, given as (operator, inputs, output).
fn model(nodes: impl Iterator<Item = (&'static str, Vec<usize>, usize)>, result: usize) -> Vec<u8> {
    let name = |i: usize| format!("v{i}").into_bytes();
    let mut graph = Vec::new();
    for (operator, inputs, output) in nodes {
        let mut node: Vec<u8> = inputs.into_iter().flat_map(|i| field(1, &name(i))).collect();
        node.extend(field(2, &name(output)));
        node.extend(field(4, operator.as_bytes()));
        graph.extend(field(1, &node));
    }
    graph.extend(field(11, &field(1, b"v0")));
    graph.extend(field(12, &field(1, &name(result))));
    [vec![1 << 3, 8], field(7, &graph), field(8, &[2 << 3, 17])].concat()
}

#[test]
fn a_long_chain_of_nodes_does_not_exhaust_the_stack() {
    let chain = |n| model((0..n).map(|i| ("Relu", vec![i], i + 1)), n);
    let engine = load(&chain(1500), &LoadOptions::default()).unwrap();
    let out = engine.run(&[Tensor::new(vec![2], vec![-1.0, 1.0]).unwrap()]).unwrap();
    assert_eq!(out[0].data(), [0.0, 1.0]);
    assert!(matches!(load(&chain(1501), &LoadOptions::default()), Err(OnnxError::Malformed(_))));
    // Out of order, the length of a chain could hide.
    let backwards = model((0..9).rev().map(|i| ("Relu", vec![i], i + 1)), 9);
    let Err(error) = load(&backwards, &LoadOptions::default()) else { panic!("it loaded") };
    assert!(error.to_string().contains("\"v8\" is used before it is made"), "{error}");
}

#[test]
fn doubling_does_not_take_forever() {
    let bytes = model((0..200).map(|i| ("Mul", vec![i, i], i + 1)), 200);
    let engine = load(&bytes, &LoadOptions::default()).unwrap();
    let out = engine.run(&[Tensor::new(vec![1], vec![1.0]).unwrap()]).unwrap();
    assert_eq!(out[0].data(), [1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        exercise(&bytes);
    }

    /// The structure of these files lies in their first and last kilobytes and between the weights.
    #[test]
    fn mutated_models(
        which in any::<bool>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6),
    ) {
        let mut bytes = if which { MLP.to_vec() } else { CNN.to_vec() };
        for (at, value, near_the_start) in edits {
            let span = if near_the_start { bytes.len().min(1500) } else { bytes.len() };
            let at = at.index(span);
            bytes[at] = value;
        }
        exercise(&bytes);
    }
}
