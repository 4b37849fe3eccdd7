//! The attacks on ONNX files: differentiated by the engine, counterexamples confirmed by the embedded runtime.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

mod support;

use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Preprocess, load,
};
use proofhouse_robustness::{
    Apgd, Attack, Budget, Counting, EvasionReport, Fgsm, LabelledRows, Norm, Pgd, Sign, Threat, Victim,
    assure, evade,
};
use support::{digits, model};

struct Model {
    gradients: DifferentiableClassifier,
    runtime: Classifier,
}

impl Model {
    fn new(name: &str) -> Self {
        let options = ClassifierOptions {
            input_shape: vec![1, 8, 8],
            classes: 10,
            output: None,
            kind: if name == "mlp_softmax" { OutputKind::Probabilities } else { OutputKind::Logits },
            preprocess: Preprocess::default(),
        };
        let (bytes, limits) = (model(name), LoadOptions::default());
        let gradients = DifferentiableClassifier::new(&bytes, options.clone(), &limits).unwrap();
        Self { gradients, runtime: Classifier::new(load(&bytes, &limits).unwrap(), options).unwrap() }
    }

    fn victim(&self) -> Victim<'_> {
        Victim::white_box(&self.gradients, &self.gradients).confirmed_by("rten", &self.runtime)
    }

    fn attack(&self, n: usize, threat: &Threat, attack: &dyn Attack) -> EvasionReport {
        let (rows, labels) = digits(n);
        let data = LabelledRows::new(&rows, &labels);
        let report =
            evade(&self.victim(), &data, threat, &[attack], &Counting::default(), &mut |_| {}).unwrap();
        assert_eq!((report.unconfirmed, report.disputed, report.undefined), (0, 0, 0));
        report
    }
}

#[test]
fn convolutions_fall_as_far_as_with_other_libraries() {
    for (name, norm, eps, reference) in [
        ("cnn_at010", Norm::Linf, 0.1, 176),
        ("cnn_at010", Norm::Linf, 0.15, 136),
        ("cnn_at010", Norm::L2, 0.5, 169),
        ("cnn_naive", Norm::Linf, 0.03, 188),
    ] {
        let report = Model::new(name).attack(200, &Threat::new(norm, eps), &Fgsm::default());
        assert!(report.robust_correct <= reference + 2, "{name} {norm} {eps}: {}", report.robust_correct);
    }
}

#[test]
fn a_softmax_changes_nothing() {
    let threat = Threat::new(Norm::Linf, 0.06);
    let pgd = Pgd { steps: 10, ..Pgd::default() };
    let plain = Model::new("mlp_naive").attack(60, &threat, &pgd);
    let softmax = Model::new("mlp_softmax").attack(60, &threat, &pgd);
    assert!(plain.evaded > 3);
    assert_eq!(plain.evaded_rows, softmax.evaded_rows);
}

#[test]
fn masked_files_are_seen_through() {
    let scaled = Model::new("mask_scaled");
    let climb = Apgd { steps: 10, ..Apgd::cross_entropy(0) };
    assert!(scaled.attack(200, &Threat::new(Norm::Linf, 0.03), &climb).robust_correct <= 182);

    let (rows, labels) = digits(60);
    let budget = Budget { steps: 20, aims: 1, queries: 50, ..Budget::default() };
    let quantised = Model::new("mask_quant");
    let (data, threat) = (LabelledRows::new(&rows, &labels), Threat::new(Norm::Linf, 0.06));
    let found =
        assure(&quantised.victim(), &data, &threat, &budget, &[], &Counting::default(), &mut |_| {}).unwrap();
    assert!(found.diagnosis.saw(Sign::StraightThrough), "{:?}", found.diagnosis);
    assert!(found.report.parts[0].repairs.iter().any(|r| r.starts_with("BPDA")));
    assert!(found.report.parts[0].evaded > 0);
}
