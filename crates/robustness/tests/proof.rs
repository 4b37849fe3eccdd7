//! Proofs found for whatever a model is, and the attack that comes with exact distances.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

mod support;

use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{Classifier, ClassifierOptions, LoadOptions, OutputKind, Preprocess, load};
use proofhouse_robustness::certify::Proof;
use proofhouse_robustness::{
    Attack, Counting, LabelledRows, Norm, RobustnessError, Square, Threat, Victim, evade,
};
use support::{digits, model};

fn classifier(bytes: &[u8], shape: &[usize], classes: usize, output: Option<&str>) -> Classifier {
    let options = ClassifierOptions {
        input_shape: shape.to_vec(),
        classes,
        output: output.map(str::to_owned),
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options).unwrap()
}

fn tabular() -> (Vec<f32>, Vec<usize>) {
    let records = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32").chunks_exact(121);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    let values = |r: &'static [u8]| r[1..].as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b));
    (records.flat_map(values).collect(), labels)
}

fn find(
    file: &[u8],
    model: &Classifier,
    data: &LabelledRows<'_>,
    norm: Norm,
) -> Result<Proof, RobustnessError> {
    let graph = Graph::read(file).unwrap();
    Proof::find(&graph, model.options(), model, data, &Threat::new(norm, 0.05), &mut |_, _| ())
}

#[test]
fn of_trees_attack_and_proof_meet() {
    let file = model("gbt");
    let trees = classifier(&file, &[30], 2, Some("probabilities"));
    let (rows, labels) = tabular();
    let data = LabelledRows::new(&rows, &labels);
    let proof = find(&file, &trees, &data, Norm::Linf).unwrap();
    assert_eq!(proof.method(), "exact distances of the trees");
    let threat = Threat::new(Norm::Linf, 0.05);
    let attack: &dyn Attack = proof.attack().unwrap();
    let victim = Victim::black_box(&trees);
    let mut report = evade(&victim, &data, &threat, &[attack], &Counting::default(), &mut |_| ()).unwrap();
    let proved = proof.certified(&trees, &data, &threat).unwrap();
    report.certify(proof.method(), &proved).unwrap();
    // 57 rows are right, of which the solver's distances put 20 within the radius (see tests/trees.rs).
    assert_eq!((report.attacked, report.robust_correct), (57, proved.len() as u64));
    assert!(report.evaded > 10 && report.robust_correct > 10);
    // What no search by scores can beat, none does.
    let square = Square::new(300, 1);
    let searched = evade(&victim, &data, &threat, &[&square], &Counting::default(), &mut |_| ()).unwrap();
    assert!(searched.evaded <= report.evaded);
    // Another norm has no exact answer here, and says so.
    let error = find(&file, &trees, &data, Norm::L2).unwrap_err().to_string();
    assert!(error.contains("exact in linf, not in l2"), "{error}");
}

#[test]
fn of_a_network_bounds_stay_below_what_attacks_leave() {
    let file = model("mlp_at010");
    let network = classifier(&file, &[1, 8, 8], 10, None);
    let (rows, labels) = digits(20);
    let data = LabelledRows::new(&rows, &labels);
    let proof = find(&file, &network, &data, Norm::Linf).unwrap();
    assert_eq!((proof.method(), proof.attack().is_none()), ("linear bounds", true));
    let threat = Threat::new(Norm::Linf, 0.02);
    let proved = proof.certified(&network, &data, &threat).unwrap();
    assert!(!proved.is_empty());
    let square = Square::new(200, 1);
    let victim = Victim::black_box(&network);
    let mut report = evade(&victim, &data, &threat, &[&square], &Counting::default(), &mut |_| ()).unwrap();
    report.certify(proof.method(), &proved).unwrap();
    // Rounded inputs are no function that bounds know.
    let error = find(&model("mask_quant"), &network, &data, Norm::Linf).unwrap_err().to_string();
    assert!(error.contains("Round"), "{error}");
}
