//! Tree ensembles and linear models as scikit-learn, XGBoost and LightGBM export them, against ONNX Runtime.
//!
//! `fixtures/classic/make.py` made models and figures (ONNX Runtime 1.32, skl2onnx 1.20, onnxmltools 1.16).

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{
    Branch, Classifier, ClassifierOptions, LoadOptions, OnnxError, OutputKind, Preprocess, Scores, Tensor,
    TreeEnsemble, load,
};
use proptest::prelude::*;
use serde::Deserialize;

const GBT: &[u8] = include_bytes!("fixtures/gbt.onnx");
const RF: &[u8] = include_bytes!("fixtures/rf.onnx");
const MIXED: [&[u8]; 4] = [
    include_bytes!("fixtures/classic/adaboost_three.onnx"),
    include_bytes!("fixtures/classic/neighbours.onnx"),
    include_bytes!("fixtures/classic/svc_named.onnx"),
    include_bytes!("fixtures/classic/bins_boosted.onnx"),
];
const TABULAR: &[u8] = include_bytes!("fixtures/tabular_test.f32");

#[derive(Deserialize)]
struct Case {
    /// Nothing where a value is missing.
    rows: Vec<Vec<Option<f64>>>,
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
    assert!(cases.len() >= 29);
    for (name, case) in cases {
        let bytes = std::fs::read(folder.join(format!("{name}.onnx"))).unwrap();
        let engine = load(&bytes, &LoadOptions::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let (n, width) = (case.rows.len(), case.rows[0].len());
        let rows = case.rows.iter().flatten().map(|v| v.map_or(f32::NAN, |v| v as f32)).collect();
        let rows: Vec<f32> = rows;
        let fed = if engine.inputs().len() == 1 {
            vec![Tensor::new(vec![n, width], rows).unwrap()]
        } else {
            let column = |at: usize| rows.iter().skip(at).step_by(width).copied().collect();
            (0..width).map(|at| Tensor::new(vec![n, 1], column(at)).unwrap()).collect()
        };
        let outputs = engine.run(&fed).unwrap();
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

/// Rows of a batch do not see each other, and a row alone answers as in company.
#[test]
fn rows_answer_alone_as_in_company() {
    for bytes in MIXED {
        let engine = load(bytes, &LoadOptions::default()).unwrap();
        let rows: Vec<f32> = (0..40).map(|i| (i * 7 % 23) as f32 / 4.0).collect();
        let all = engine.run(&[Tensor::new(vec![10, 4], rows.clone()).unwrap()]).unwrap();
        for at in 0..10 {
            let row = rows[at * 4..][..4].to_vec();
            let alone = engine.run(&[Tensor::new(vec![1, 4], row).unwrap()]).unwrap();
            for (alone, all) in alone.iter().zip(&all) {
                let width = all.data().len() / 10;
                let there = &all.data()[at * width..][..width];
                let near = alone.data().iter().zip(there).all(|(a, b)| (a - b).abs() < 1e-5);
                assert!(near, "{:?} and {there:?}", alone.data());
            }
        }
    }
}

#[test]
fn a_row_is_the_values_of_all_inputs() {
    let bytes = include_bytes!("fixtures/classic/columns_apart.onnx");
    let engine = || load(bytes, &LoadOptions::default()).unwrap();
    assert_eq!(engine().inputs().len(), 4);
    let rows = [5.1, 3.5, 1.0, 0.2, 6.7, 3.1, 5.0, 2.4];
    let columns = |at: usize| Tensor::new(vec![2, 1], vec![rows[at], rows[at + 4]]).unwrap();
    let apart = engine().run(&[0, 1, 2, 3].map(columns)).unwrap();
    let options = ClassifierOptions {
        input_shape: vec![4],
        classes: 3,
        output: Some("probabilities".to_owned()),
        kind: OutputKind::Probabilities,
        preprocess: Preprocess::default(),
    };
    let model = Classifier::new(engine(), options).unwrap();
    let mut scores = Vec::new();
    model.scores(&rows, 2, &mut scores).unwrap();
    assert_eq!(scores, apart[1].data());
    assert_eq!([0, 1, 2, 3].map(|feature| model.step(feature)), [None, None, Some(1.0), None]);
    // What lies between whole numbers is the nearest.
    let mut near = rows;
    near[2] = 1.4;
    let mut same = Vec::new();
    model.scores(&near, 2, &mut same).unwrap();
    assert_eq!(same, scores);
}

#[test]
fn texts_are_refused_by_the_name_of_the_input() {
    // FLOAT becomes STRING in the type of the only input: field 1 of a tensor type, after the name X.
    let mut bytes = include_bytes!("fixtures/classic/ridge.onnx").to_vec();
    let is_type = |w: &[u8]| w[0] == b'X' && w[1] == 0x12 && w[3] == 0x0a && w[5] == 8 && w[6] == 1;
    let place = bytes.windows(7).position(is_type);
    bytes[place.unwrap() + 6] = 8;
    let Err(error) = load(&bytes, &LoadOptions::default()) else { panic!("it loaded") };
    assert!(matches!(&error, OnnxError::TextInput { tensor } if tensor == "X"), "{error}");
    assert!(error.to_string().contains("takes texts"), "{error}");
}

proptest! {
    /// Trees behind a scale are trees of what is scaled, at the thresholds themselves, too.
    #[test]
    fn trees_behind_a_scale_answer_alike(
        scale in prop::collection::vec(0.01f32..50.0, 30),
        offset in prop::collection::vec(-2.0f32..2.0, 30),
        row in prop::collection::vec(-3.0f32..3.0, 30),
    ) {
        let model = ensemble(GBT);
        let change = |feature: usize, x: f32| (x - offset[feature]) * scale[feature];
        let before = model.behind(&change).unwrap();
        let changed = |row: &[f32]| row.iter().enumerate().map(|(f, x)| change(f, *x)).collect::<Vec<f32>>();
        let (mut a, mut b) = (Vec::new(), Vec::new());
        before.raw(&row, &mut a);
        model.raw(&changed(&row), &mut b);
        prop_assert_eq!(&a, &b);
        // Each feature at the end of a leaf's box, and one float beyond it.
        for leaf in before.leaves().unwrap().iter().flatten().take(40) {
            for (feature, bound) in leaf.bounds.iter().filter(|(_, i)| i.to.is_finite()) {
                for value in [bound.to, bound.to.next_up()] {
                    let mut edge = row.clone();
                    edge[*feature] = value;
                    before.raw(&edge, &mut a);
                    model.raw(&changed(&edge), &mut b);
                    prop_assert_eq!(&a, &b);
                }
            }
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

    /// So are graphs of operators of both kinds, with a loop among them, and support vectors.
    #[test]
    fn a_damaged_mixture_never_hangs(
        which in 0..MIXED.len(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = MIXED[which].to_vec();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(engine) = load(&bytes, &LoadOptions::default()) {
            let _ = engine.run(&[Tensor::new(vec![2, 4], vec![0.5; 8]).unwrap()]);
        }
    }
}
