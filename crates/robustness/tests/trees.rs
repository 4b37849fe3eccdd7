//! Exact distances of tree ensembles: against a MILP solver, and against every box of small ensembles.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_onnx::graph::{Attribute, Graph, Node};
use proofhouse_onnx::{Branch, TreeEnsemble};
use proofhouse_robustness::trees::{ExactOptions, minimal_linf};
use proptest::prelude::*;

const GBT: &[u8] = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
const RF: &[u8] = include_bytes!("../../onnx/tests/fixtures/rf.onnx");
const TABULAR: &[u8] = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32");

/// Minimal L∞ distances of `gbt.onnx` on the 60 rows: a MILP over the tree predicates, every one solved to
/// optimality by HiGHS; 0 where the row is misclassified.
#[rustfmt::skip]
const MILP: [f64; 60] = [
    0.142172, 0.0, 0.10288, 0.031463, 0.152533, 0.037897, 0.266963, 0.111286, 0.047849, 0.129887,
    0.0, 0.069733, 0.049972, 0.041698, 0.148123, 0.161151, 0.152509, 0.005436, 0.176163, 0.181986,
    0.058583, 0.041978, 0.056939, 0.307178, 0.138618, 0.0, 0.060394, 0.287987, 0.04549, 0.13716,
    0.034562, 0.063626, 0.066179, 0.056435, 0.044444, 0.037461, 0.036704, 0.395023, 0.052867, 0.063603,
    0.020589, 0.206141, 0.050551, 0.029972, 0.056388, 0.159505, 0.199865, 0.064447, 0.059554, 0.063364,
    0.046125, 0.325758, 0.038616, 0.146717, 0.012974, 0.061104, 0.011608, 0.05706, 0.059236, 0.066782,
];

fn ensemble(bytes: &[u8]) -> TreeEnsemble {
    TreeEnsemble::of(Graph::read(bytes).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap()
}

fn rows() -> impl Iterator<Item = (usize, Vec<f32>)> {
    TABULAR.chunks_exact(121).map(|record| {
        let values = record[1..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
        (usize::from(record[0]), values.collect())
    })
}

fn unit() -> ExactOptions {
    ExactOptions { box_low: 0.0, box_high: 1.0, ..ExactOptions::default() }
}

#[test]
fn distances_are_those_of_the_milp() {
    let model = ensemble(GBT);
    let mut raw = Vec::new();
    let mut proved = 0;
    for ((label, row), expected) in rows().zip(MILP) {
        let nearest = minimal_linf(&model, &row, &unit()).unwrap();
        if nearest.class != label {
            assert_eq!(expected, 0.0);
            continue;
        }
        assert!(nearest.exact);
        assert!((nearest.certified - expected).abs() <= 1e-5, "{} and {expected}", nearest.certified);
        // The witness is at that distance, in the box, and the model puts it elsewhere.
        let witness = nearest.witness.unwrap();
        let far =
            witness.iter().zip(&row).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max);
        assert!(far <= nearest.certified + 1e-6 && witness.iter().all(|v| (0.0..=1.0).contains(v)));
        model.raw(&witness, &mut raw);
        assert_eq!(model.class(&raw), nearest.becomes);
        assert_ne!(nearest.becomes, Some(label));
        proved += 1;
    }
    assert_eq!(proved, 57);
}

#[test]
fn a_forest_is_proved_too_and_a_small_budget_bounds_from_below() {
    let model = ensemble(RF);
    for (_, row) in rows().take(12) {
        let exact = minimal_linf(&model, &row, &unit()).unwrap();
        assert!(exact.exact, "{} boxes", exact.boxes);
        let quick = minimal_linf(&model, &row, &ExactOptions { max_boxes: 5, ..unit() }).unwrap();
        assert!(!quick.exact && quick.boxes <= 6);
        assert!(quick.certified <= exact.certified, "{} above {}", quick.certified, exact.certified);
        assert!(quick.found.is_none_or(|found| found >= exact.certified));
    }
}

/// Thresholds and features of three inner nodes, weights of four leaves, and the class they speak for.
type SmallTree = ([f32; 3], [usize; 3], [f32; 4], usize);

/// An ensemble of trees of depth 2 over two features: root, two inner nodes, four leaves each.
fn small(classes: usize, trees: &[SmallTree]) -> TreeEnsemble {
    let (mut tree_ids, mut ids, mut yes, mut no) = (vec![], vec![], vec![], vec![]);
    let (mut modes, mut features, mut values) = (vec![], vec![], vec![]);
    let (mut leaf_trees, mut leaf_ids, mut targets, mut weights) = (vec![], vec![], vec![], vec![]);
    for (at, (thresholds, looks_at, leaves, target)) in trees.iter().enumerate() {
        for node in 0..7i64 {
            let inner = node < 3;
            tree_ids.push(at as i64);
            ids.push(node);
            yes.push(if inner { 2 * node + 1 } else { 0 });
            no.push(if inner { 2 * node + 2 } else { 0 });
            modes.push(if inner { "BRANCH_LEQ" } else { "LEAF" }.to_owned());
            features.push(if inner { looks_at[node as usize] as i64 } else { 0 });
            values.push(if inner { thresholds[node as usize] } else { 0.0 });
            if !inner {
                leaf_trees.push(at as i64);
                leaf_ids.push(node);
                targets.push(*target as i64);
                weights.push(leaves[node as usize - 3]);
            }
        }
    }
    let ints = Attribute::Ints;
    let node = Node {
        name: "trees".to_owned(),
        domain: "ai.onnx.ml".to_owned(),
        operator: "TreeEnsembleClassifier".to_owned(),
        inputs: vec!["x".to_owned()],
        outputs: vec!["label".to_owned(), "scores".to_owned()],
        attributes: [
            ("nodes_treeids", ints(tree_ids)),
            ("nodes_nodeids", ints(ids)),
            ("nodes_truenodeids", ints(yes)),
            ("nodes_falsenodeids", ints(no)),
            ("nodes_modes", Attribute::Texts(modes)),
            ("nodes_featureids", ints(features)),
            ("nodes_values", Attribute::Floats(values)),
            ("class_treeids", ints(leaf_trees)),
            ("class_nodeids", ints(leaf_ids)),
            ("class_ids", ints(targets)),
            ("class_weights", Attribute::Floats(weights)),
            ("classlabels_int64s", ints((0..classes as i64).collect())),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into(),
    };
    TreeEnsemble::of(&node).unwrap()
}

/// The distance by trying a point of every box that the thresholds cut out.
fn by_hand(model: &TreeEnsemble, row: &[f32]) -> f64 {
    let mut cuts = [vec![0.0f32], vec![0.0f32]];
    for leaf in model.leaves().unwrap().iter().flatten() {
        for (feature, bound) in &leaf.bounds {
            cuts[*feature].extend([bound.above, bound.to].iter().filter(|v| v.is_finite()));
        }
    }
    let candidates = |feature: usize| {
        let value = row[feature];
        let mut points = vec![(value, 0.0)];
        for cut in &cuts[feature] {
            // At a cut one is on its lower side, just beyond it on its upper side; the distance is to the cut.
            let far = (f64::from(*cut) - f64::from(value)).abs();
            points.push((*cut, far));
            points.push((
                cut.next_up(),
                if *cut < value { f64::from(value) - f64::from(cut.next_up()) } else { far },
            ));
        }
        points.retain(|(v, _)| (0.0..=1.0).contains(v));
        points
    };
    let class = |x: &[f32]| {
        let mut raw = Vec::new();
        model.raw(x, &mut raw);
        model.class(&raw)
    };
    let original = class(row);
    let mut nearest = f64::INFINITY;
    for (a, far_a) in candidates(0) {
        for (b, far_b) in candidates(1) {
            if class(&[a, b]) != original {
                nearest = nearest.min(far_a.max(far_b));
            }
        }
    }
    nearest
}

fn tree(classes: usize) -> impl Strategy<Value = SmallTree> {
    // Eighths are exact, and so are their sums: what is compared is the search, not rounding.
    let eighth = |low: i32, high: i32| (low..=high).prop_map(|v| v as f32 / 8.0);
    (
        prop::array::uniform3(eighth(0, 8)),
        prop::array::uniform3(0usize..2),
        prop::array::uniform4(eighth(-8, 8)),
        0..classes,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn two_classes_by_one_score(trees in prop::collection::vec(tree(1), 1..6), row in prop::array::uniform2(0.0f32..=1.0)) {
        let model = small(2, &trees);
        prop_assume!(model.branch() != Branch::None);
        let nearest = minimal_linf(&model, &row, &unit()).unwrap();
        let expected = by_hand(&model, &row);
        prop_assert!(nearest.exact);
        prop_assert!(nearest.certified == expected || (nearest.certified - expected).abs() < 1e-6,
            "{} and {expected}", nearest.certified);
    }

    #[test]
    fn three_classes_by_the_largest(trees in prop::collection::vec(tree(3), 2..7), row in prop::array::uniform2(0.0f32..=1.0)) {
        let model = small(3, &trees);
        let nearest = minimal_linf(&model, &row, &unit()).unwrap();
        let expected = by_hand(&model, &row);
        prop_assert!(nearest.certified == expected || (nearest.certified - expected).abs() < 1e-6,
            "{} and {expected}", nearest.certified);
    }
}
