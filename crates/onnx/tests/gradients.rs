//! Gradients of whole models: a fast-gradient-sign step leaves as many rows right as it does elsewhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, Gradients, LoadOptions, OutputKind, Preprocess,
    Scores, load, predict,
};

const CNN: &[u8] = include_bytes!("fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("fixtures/mlp_naive.onnx");
const MLP_SOFTMAX: &[u8] = include_bytes!("fixtures/mlp_softmax.onnx");
const LOGREG: &[u8] = include_bytes!("fixtures/logreg.onnx");
const SCALED: &[u8] = include_bytes!("fixtures/classic/scaled_logistic.onnx");
const DIGITS: &[u8] = include_bytes!("fixtures/digits_test.u8");

/// 200 images of 64 values, and their labels.
fn digits() -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn options() -> ClassifierOptions {
    ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    }
}

/// The derivative of the cross-entropy, in float64.
fn cross_entropy(labels: &[usize]) -> impl FnMut(&[f32], &mut [f32]) + '_ {
    move |logits, out| {
        for ((row, out), label) in logits.chunks(10).zip(out.chunks_mut(10)).zip(labels) {
            let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let all: Vec<f64> = row.iter().map(|v| f64::from(v - most).exp()).collect();
            let sum: f64 = all.iter().sum();
            for (class, (slot, e)) in out.iter_mut().zip(&all).enumerate() {
                *slot = (e / sum - f64::from(u8::from(class == *label))) as f32;
            }
        }
    }
}

/// Rows that are right before and after one step of size `eps`.
fn fgsm(model: &DifferentiableClassifier, eps: f32) -> usize {
    let (rows, labels) = digits();
    let mut gradient = Vec::new();
    model.pull_back(&rows, 200, &mut cross_entropy(&labels), &mut gradient).unwrap();
    let moved: Vec<f32> =
        rows.iter().zip(&gradient).map(|(x, g)| (x + eps * g.signum()).clamp(0.0, 1.0)).collect();
    let right = |rows: &[f32]| {
        let mut scores = Vec::new();
        model.scores(rows, 200, &mut scores).unwrap();
        predict(&scores, 10).iter().zip(&labels).map(|(p, l)| *p == Some(*l)).collect::<Vec<_>>()
    };
    right(&rows).iter().zip(right(&moved)).filter(|(before, after)| **before && *after).count()
}

/// Adversarial Robustness Toolbox 1.20.1 over torch leaves 176, 182, 157 and 182 of 200.
#[test]
fn one_step_leaves_as_many_as_elsewhere() {
    for (bytes, eps, expected) in
        [(CNN, 0.1, 176), (MLP, 0.03, 182), (MLP, 0.06, 157), (MLP_SOFTMAX, 0.03, 182)]
    {
        let model = DifferentiableClassifier::new(bytes, options(), &LoadOptions::default()).unwrap();
        let left = fgsm(&model, eps);
        assert!(left.abs_diff(expected) <= 1, "{left} left at {eps}, {expected} elsewhere");
        assert!(model.straight_through().is_empty());
        assert_eq!(model.engine(), "native");
    }
}

#[test]
fn scores_are_those_of_the_classifier_and_stand_before_the_softmax() {
    let (rows, _) = digits();
    let scores = |model: &dyn Scores| {
        let mut out = Vec::new();
        model.scores(&rows, 200, &mut out).unwrap();
        out
    };
    let differentiable =
        |bytes| DifferentiableClassifier::new(bytes, options(), &LoadOptions::default()).unwrap();
    let plain = |bytes| Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options()).unwrap();
    for bytes in [CNN, MLP] {
        let (ours, theirs) = (scores(&differentiable(bytes)), scores(&plain(bytes)));
        assert!(ours.iter().zip(&theirs).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs())));
    }
    let (ours, logits) = (scores(&differentiable(MLP_SOFTMAX)), scores(&plain(MLP)));
    assert!(ours.iter().zip(&logits).all(|(a, b)| (a - b).abs() <= 1e-4 * (1.0 + b.abs())));
}

/// The same bits for a row alone, in company, and among many.
#[test]
fn rows_do_not_depend_on_each_other() {
    let (rows, labels) = digits();
    let model = DifferentiableClassifier::new(CNN, options(), &LoadOptions::default()).unwrap();
    let mut all = Vec::new();
    model.pull_back(&rows, 200, &mut cross_entropy(&labels), &mut all).unwrap();
    for (first, n) in [(0, 1), (7, 1), (3, 5), (100, 64)] {
        let mut some = Vec::new();
        let part = &rows[first * 64..(first + n) * 64];
        model.pull_back(part, n, &mut cross_entropy(&labels[first..first + n]), &mut some).unwrap();
        assert_eq!(some, all[first * 64..(first + n) * 64], "{n} rows from {first}");
    }
}

#[test]
fn the_scale_of_a_row_goes_through_the_chain_rule() {
    let (rows, labels) = digits();
    let model = DifferentiableClassifier::new(CNN, options(), &LoadOptions::default()).unwrap();
    let scaled = ClassifierOptions { preprocess: Preprocess { scale: 0.0625 }, ..options() };
    let scaled = DifferentiableClassifier::new(CNN, scaled, &LoadOptions::default()).unwrap();
    let (mut plain, mut small) = (Vec::new(), Vec::new());
    model.pull_back(&rows[..640], 10, &mut cross_entropy(&labels), &mut plain).unwrap();
    let large: Vec<f32> = rows[..640].iter().map(|v| v * 16.0).collect();
    scaled.pull_back(&large, 10, &mut cross_entropy(&labels), &mut small).unwrap();
    assert!(plain.iter().zip(&small).all(|(a, b)| *a * 0.0625 == *b));
}

/// The derivative of a linear model is its coefficients, times the scale of a scaler before it.
#[test]
fn linear_models_have_their_coefficients_for_a_derivative() {
    for (bytes, output, features, classes) in
        [(LOGREG, "probabilities", 30, 2), (SCALED, "probabilities", 4, 3)]
    {
        let options = ClassifierOptions {
            input_shape: vec![features],
            classes,
            output: Some(output.to_owned()),
            kind: OutputKind::Probabilities,
            preprocess: Preprocess::default(),
        };
        let model = DifferentiableClassifier::new(bytes, options, &LoadOptions::default()).unwrap();
        let mut last = |_: &[f32], out: &mut [f32]| out[classes - 1] = 1.0;
        let mut gradient = Vec::new();
        model.pull_back(&vec![0.4; features], 1, &mut last, &mut gradient).unwrap();
        let graph = Graph::read(bytes).unwrap();
        let coefficients = graph.first("LinearClassifier").unwrap().floats("coefficients").unwrap();
        let scale = graph.first("Scaler").map(|n| n.floats("scale").unwrap()).unwrap_or(vec![1.0; features]);
        for ((have, c), s) in gradient.iter().zip(&coefficients[(classes - 1) * features..]).zip(&scale) {
            assert!((have - c * s).abs() <= 1e-5 * (1.0 + (c * s).abs()), "{have} is not {c} times {s}");
        }
    }
}
