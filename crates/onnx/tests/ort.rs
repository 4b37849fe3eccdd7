//! ONNX Runtime beside the embedded engines. The library is whatever `ORT_DYLIB_PATH` names, such as the
//! `libonnxruntime.so…` inside the `onnxruntime` wheel of PyPI; without it these tests say that they were skipped.

#![cfg(feature = "ort")]
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot run has failed, or says why"
)]

use std::path::Path;

use proofhouse_onnx::{
    ClassifierOptions, DifferentiableClassifier, Engine as _, Gradients, LoadOptions, OnnxError, OrtRuntime,
    OutputKind, Preprocess, Scores, Tensor, Trainable, load,
};

const CNN: &[u8] = include_bytes!("fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("fixtures/mlp_naive.onnx");
const TREES: &[u8] = include_bytes!("fixtures/gbt.onnx");
const DIGITS: &[u8] = include_bytes!("fixtures/digits_test.u8");

fn runtime() -> Option<OrtRuntime> {
    let Some(path) = std::env::var_os("ORT_DYLIB_PATH") else {
        eprintln!("skipped: ORT_DYLIB_PATH names no library of ONNX Runtime");
        return None;
    };
    Some(OrtRuntime::at(Path::new(&path)).unwrap())
}

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn near(a: &[f32], b: &[f32], what: &str) {
    assert_eq!(a.len(), b.len(), "{what}");
    let most = b.iter().fold(0.0f32, |m, v| m.max(v.abs()));
    let off = a.iter().zip(b).fold(0.0f32, |m, (a, b)| m.max((a - b).abs()));
    assert!(off <= 1e-5 * most.max(1.0), "{what}: {off} of {most}");
}

#[test]
fn it_answers_as_the_embedded_engines_do() {
    let Some(runtime) = runtime() else { return };
    let (rows, _) = digits(30);
    for optimize in [false, true] {
        let options = LoadOptions { optimize, ..LoadOptions::default() };
        for bytes in [CNN, MLP] {
            let (ort, own) =
                (runtime.load(bytes, &options).unwrap(), load(bytes, &LoadOptions::default()).unwrap());
            assert_eq!(ort.inputs()[0].name, own.inputs()[0].name);
            assert_eq!(ort.outputs()[0].name, own.outputs()[0].name);
            let x = Tensor::new(vec![30, 1, 8, 8], rows.clone()).unwrap();
            let (a, b) = (ort.run(std::slice::from_ref(&x)).unwrap(), own.run(&[x]).unwrap());
            assert_eq!(a[0].shape(), b[0].shape());
            near(a[0].data(), b[0].data(), "scores");
        }
    }
}

#[test]
fn it_runs_the_trees_of_the_classical_domain() {
    let Some(runtime) = runtime() else { return };
    let rows: Vec<f32> = include_bytes!("fixtures/tabular_test.f32")
        .chunks_exact(121)
        .flat_map(|record| record[1..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)))
        .collect();
    let x = Tensor::new(vec![rows.len() / 30, 30], rows).unwrap();
    let ort = runtime.load(TREES, &LoadOptions::default()).unwrap();
    let own = load(TREES, &LoadOptions::default()).unwrap();
    let (a, b) = (ort.run(std::slice::from_ref(&x)).unwrap(), own.run(&[x]).unwrap());
    for (a, b) in a.iter().zip(&b) {
        near(a.data(), b.data(), "labels and probabilities");
    }
}

#[test]
fn gradients_are_those_of_the_own_engine() {
    let Some(runtime) = runtime() else { return };
    let (rows, labels) = digits(40);
    for bytes in [CNN, MLP] {
        let options = ClassifierOptions {
            input_shape: vec![1, 8, 8],
            classes: 10,
            output: None,
            kind: OutputKind::Logits,
            preprocess: Preprocess::default(),
        };
        let load = LoadOptions::default();
        let own = DifferentiableClassifier::new(bytes, options.clone(), &load).unwrap();
        let ort = runtime.differentiable(bytes, options, &load).unwrap();
        assert_eq!((own.engine(), ort.engine()), ("native", "ort"));
        let mut margin = |logits: &[f32], slope: &mut [f32]| {
            for ((_, slope), label) in logits.chunks(10).zip(slope.chunks_mut(10)).zip(&labels) {
                (slope[*label], slope[(label + 1) % 10]) = (-1.0, 1.0);
            }
        };
        let (mut a, mut b) = (Vec::new(), Vec::new());
        ort.pull_back(&rows, 40, &mut margin, &mut a).unwrap();
        own.pull_back(&rows, 40, &mut margin, &mut b).unwrap();
        for (a, b) in a.chunks(64).zip(b.chunks(64)) {
            near(a, b, "gradients");
        }
        let (mut alone, mut all) = (Vec::new(), Vec::new());
        ort.scores(&rows, 40, &mut all).unwrap();
        ort.scores(&rows[..64], 1, &mut alone).unwrap();
        near(&alone, &all[..10], "a row alone");
    }
}

#[test]
fn weights_are_learned_as_in_the_own_engine() {
    let Some(runtime) = runtime() else { return };
    let (rows, labels) = digits(20);
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    let load = LoadOptions::default();
    let mut own = Trainable::new(MLP, options.clone(), &load).unwrap();
    let mut ort = runtime.trainable(MLP, options, &load).unwrap();
    assert_eq!(own.names(), ort.names());
    let mut miss = |_: &[f32], slope: &mut [f32]| {
        slope.chunks_mut(10).zip(&labels).for_each(|(slope, label)| slope[*label] = -1.0);
    };
    // A step along the gradients, and what the models say behind it.
    let (mut a, mut b) = (Vec::new(), Vec::new());
    ort.weight_gradients(&rows, 20, &mut miss, &mut a).unwrap();
    own.weight_gradients(&rows, 20, &mut miss, &mut b).unwrap();
    for (model, gradients) in [(&mut ort, &a), (&mut own, &b)] {
        for ((_, weights), gradient) in model.weights_mut().zip(gradients) {
            weights.iter_mut().zip(gradient.data()).for_each(|(w, g)| *w -= 1e-3 * g);
        }
    }
    a.iter().zip(&b).for_each(|(a, b)| near(a.data(), b.data(), "gradients of weights"));
    let (mut said, mut expected) = (Vec::new(), Vec::new());
    ort.scores(&rows, 20, &mut said).unwrap();
    own.scores(&rows, 20, &mut expected).unwrap();
    near(&said, &expected, "scores after a step");
}

#[test]
fn what_is_no_library_or_no_model_is_refused() {
    let missing = OrtRuntime::at(Path::new("no/such/libonnxruntime.so")).unwrap_err();
    assert!(missing.to_string().contains("no/such/libonnxruntime.so"), "{missing}");
    let Some(runtime) = runtime() else { return };
    assert!(runtime.load(b"no model", &LoadOptions::default()).is_err());
    let small = LoadOptions { max_bytes: 10, ..LoadOptions::default() };
    assert!(matches!(runtime.load(CNN, &small), Err(OnnxError::TooLarge { .. })));
    let engine = runtime.load(MLP, &LoadOptions::default()).unwrap();
    let narrow = Tensor::new(vec![1, 1, 8, 7], vec![0.0; 56]).unwrap();
    assert!(engine.run(&[narrow]).is_err());
    assert!(engine.run(&[]).is_err());
}
