//! Tree ensembles and linear models as scikit-learn, XGBoost and LightGBM export them, against ONNX Runtime.
//!
//! `fixtures/classic/make.py` made models and figures (ONNX Runtime 1.32, skl2onnx 1.20, onnxmltools 1.16).

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{Branch, LoadOptions, OnnxError, Tensor, TreeEnsemble, load};
use proptest::prelude::*;
use serde::Deserialize;

const GBT: &[u8] = include_bytes!("fixtures/gbt.onnx");
const RF: &[u8] = include_bytes!("fixtures/rf.onnx");
const TABULAR: &[u8] = include_bytes!("fixtures/tabular_test.f32");

#[derive(Deserialize)]
struct Case {
    rows: Vec<Vec<f64>>,
    outputs: Vec<Vec<Vec<f64>>>,
}

fn floats(rows: &[Vec<f64>]) -> Vec<f32> {
    rows.iter().flatten().map(|v| *v as f32).collect()
}

fn tabular() -> (Vec<f32>, Vec<usize>) {
    let records = TABULAR.chunks_exact(1 + 30 * 4);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b))).collect(), labels)
}

fn ensemble(bytes: &[u8]) -> TreeEnsemble {
    TreeEnsemble::of(Graph::read(bytes).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap()
}

#[test]
fn every_export_answers_as_onnx_runtime_does() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/classic"));
    let cases: BTreeMap<String, Case> =
        serde_json::from_slice(&std::fs::read(folder.join("cases.json")).unwrap()).unwrap();
    assert!(cases.len() >= 17);
    for (name, case) in cases {
        let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let engine = load(&bytes, &LoadOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (n, width) = (case.rows.len(), case.rows[0].len());
        let outputs = engine.run(&[Tensor::new(vec![n, width], floats(&case.rows)).unwrap()]).unwrap();
        assert_eq!(outputs.len(), case.outputs.len(), "{name}");
        for (ours, theirs) in outputs.iter().zip(&case.outputs) {
            let theirs = floats(theirs);
            assert_eq!(ours.data().len(), theirs.len(), "{name}: {:?}", ours.shape());
            for (at, (a, b)) in ours.data().iter().zip(&theirs).enumerate() {
                assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{name}: value {at} is {a}, theirs {b}");
            }
        }
    }
}

#[test]
fn forests_decide_at_one_half_and_boosted_scores_at_zero() {
    let (rows, labels) = tabular();
    for (bytes, branch) in [(GBT, Branch::Above(0.0)), (RF, Branch::Above(0.5))] {
        let model = ensemble(bytes);
        assert_eq!((model.branch(), model.features(), model.targets()), (branch, 30, 1));
        let mut raw = Vec::new();
        let right = rows.chunks_exact(30).zip(&labels).filter(|(row, label)| {
            model.raw(row, &mut raw);
            model.class(&raw) == Some(**label)
        });
        assert_eq!(right.count(), 57);
    }
}

#[test]
fn the_leaves_of_a_tree_hold_every_input_once() {
    let (rows, _) = tabular();
    for bytes in [GBT, RF] {
        let model = ensemble(bytes);
        let trees = model.leaves().unwrap();
        let mut raw = Vec::new();
        for row in rows.chunks_exact(30) {
            model.raw(row, &mut raw);
            let mut sum = 0.0;
            for tree in &trees {
                let reached: Vec<_> =
                    tree.iter().filter(|leaf| leaf.bounds.iter().all(|(f, i)| i.contains(row[*f]))).collect();
                assert_eq!(reached.len(), 1);
                sum += reached[0].weights.iter().map(|(_, w)| w).sum::<f32>();
            }
            assert!((sum + model.base(0) - raw[0]).abs() < 1e-4);
        }
    }
}

#[test]
fn what_is_not_evaluated_is_named() {
    // The operator's name stands in the file as text; another one of the same length takes its place.
    let mut bytes = include_bytes!("fixtures/logreg.onnx").to_vec();
    let places: Vec<usize> =
        (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"LinearClassifier")).collect();
    places.iter().for_each(|at| bytes[*at..at + 16].copy_from_slice(b"MysticClassifier"));
    let Err(error) = load(&bytes, &LoadOptions::default()) else { panic!("it loaded") };
    let OnnxError::UnsupportedOperator { domain, operator, .. } = &error else { panic!("{error}") };
    assert_eq!((domain.as_str(), operator.as_str()), ("ai.onnx.ml", "MysticClassifier"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Trees from a file that was tampered with are refused or evaluated, and evaluation ends.
    #[test]
    fn a_damaged_ensemble_never_hangs(flips in prop::collection::vec((0..GBT.len(), any::<u8>()), 1..6)) {
        let mut bytes = GBT.to_vec();
        for (at, value) in flips {
            bytes[at] = value;
        }
        if let Ok(engine) = load(&bytes, &LoadOptions::default()) {
            let _ = engine.run(&[Tensor::new(vec![2, 30], vec![0.5; 60]).unwrap()]);
        }
    }
}
