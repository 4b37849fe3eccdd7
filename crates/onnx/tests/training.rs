//! Weights: found, differentiated, changed in place and written back.

#![expect(clippy::unwrap_used, reason = "a test that cannot build its input has failed")]

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, LoadOptions, OutputKind, Preprocess, Scores, Trainable, load, predict,
};

const CNN: &[u8] = include_bytes!("fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("fixtures/digits_test.u8");

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

fn trainable(bytes: &[u8]) -> Trainable {
    Trainable::new(bytes, options(), &LoadOptions::default()).unwrap()
}

/// Mean cross-entropy and its derivative.
fn loss(logits: &[f32], labels: &[usize], out: &mut [f32]) -> f64 {
    let n = labels.len() as f64;
    let mut total = 0.0;
    for ((row, out), label) in logits.chunks(10).zip(out.chunks_mut(10)).zip(labels) {
        let most = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let all: Vec<f64> = row.iter().map(|v| f64::from(v - most).exp()).collect();
        let sum: f64 = all.iter().sum();
        total -= (all[*label] / sum).ln() / n;
        for (class, (slot, e)) in out.iter_mut().zip(&all).enumerate() {
            *slot = ((e / sum - f64::from(u8::from(class == *label))) / n) as f32;
        }
    }
    total
}

#[test]
fn every_constant_of_a_layer_is_a_weight() {
    for bytes in [CNN, MLP] {
        let model = trainable(bytes);
        let graph = Graph::read(bytes).unwrap();
        let floats = graph.constants.iter().filter(|(_, c)| !c.shape.is_empty() && c.element.0 == 1);
        assert_eq!(model.names(), floats.map(|(name, _)| name.clone()).collect::<Vec<_>>());
    }
}

#[test]
fn a_model_that_was_spoilt_learns_again_and_keeps_its_file() {
    let (rows, labels) = digits();
    let right = |model: &dyn Scores| {
        let mut scores = Vec::new();
        model.scores(&rows, 200, &mut scores).unwrap();
        predict(&scores, 10).iter().zip(&labels).filter(|(p, l)| **p == Some(**l)).count()
    };
    let mut model = trainable(MLP);
    let mut state = 1u32;
    for (_, values) in model.weights_mut() {
        for v in values {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *v += (state >> 8) as f32 / (1 << 24) as f32 * 0.6 - 0.3;
        }
    }
    let spoilt = right(&model);
    let mut gradients = Vec::new();
    let mut losses = Vec::new();
    for _ in 0..60 {
        let mut seen = 0.0;
        let mut ask = |logits: &[f32], out: &mut [f32]| seen = loss(logits, &labels, out);
        model.weight_gradients(&rows, 200, &mut ask, &mut gradients).unwrap();
        losses.push(seen);
        for ((_, values), gradient) in model.weights_mut().zip(&gradients) {
            values.iter_mut().zip(gradient.data()).for_each(|(v, g)| *v -= 0.3 * g);
        }
    }
    assert!(losses[59] < losses[0] / 4.0, "{losses:?}");
    let learnt = right(&model);
    assert!(learnt > spoilt && learnt >= 190, "{spoilt} right, then {learnt}");
    // As a file it gives the same, and differs from the original in its weights only.
    let file = model.export().unwrap();
    let served = Classifier::new(load(&file, &LoadOptions::default()).unwrap(), options()).unwrap();
    assert_eq!(right(&served), learnt);
    let (mut new, old) = (Graph::read(&file).unwrap(), Graph::read(MLP).unwrap());
    assert_ne!(new, old);
    new.constants = old.constants.clone();
    assert_eq!(new, old);
}

/// The derivative predicts what a small step does to the loss.
#[test]
fn the_loss_falls_as_the_gradient_says() {
    let (rows, labels) = digits();
    for bytes in [CNN, MLP] {
        let mut model = trainable(bytes);
        let measure = |model: &Trainable, gradients: &mut Vec<_>| {
            let mut seen = 0.0;
            let mut ask = |logits: &[f32], out: &mut [f32]| seen = loss(logits, &labels, out);
            model.weight_gradients(&rows, 200, &mut ask, gradients).unwrap();
            seen
        };
        let mut gradients = Vec::new();
        let before = measure(&model, &mut gradients);
        let square: f64 =
            gradients.iter().flat_map(|g| g.data()).map(|v| f64::from(*v) * f64::from(*v)).sum();
        let step = 1e-3 / square.sqrt();
        for ((_, values), gradient) in model.weights_mut().zip(&gradients) {
            values.iter_mut().zip(gradient.data()).for_each(|(v, g)| *v -= step as f32 * g);
        }
        let after = measure(&model, &mut Vec::new());
        let (fell, expected) = (before - after, step * square);
        assert!((fell / expected - 1.0).abs() < 0.05, "fell by {fell}, expected {expected}");
    }
}

#[test]
fn weights_that_are_not_finite_are_not_exported() {
    let mut model = trainable(MLP);
    model.weights_mut().next().unwrap().1[3] = f32::NAN;
    assert!(model.export().unwrap_err().to_string().contains("diverged"));
}
