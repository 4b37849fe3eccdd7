//! Natural changes of digits: accuracy falls with severity, the worst case falls furthest, and one change can do for
//! many rows.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OutputKind, Preprocess, Scores,
    load, predict,
};
use proofhouse_robustness::natural::{
    Kind, UniversalOptions, WorstCase, severity_curve, universal, worst_case,
};
use proofhouse_robustness::{LabelledRows, Norm, Threat, Victim};

const CNN: &[u8] = include_bytes!("../../onnx/tests/fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const GBT: &[u8] = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

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

#[test]
fn accuracy_falls_with_severity() {
    let model = classifier(CNN, &[1, 8, 8], 10, None);
    let (rows, labels) = digits(60);
    let data = LabelledRows::new(&rows, &labels);
    for kind in [Kind::Rotation, Kind::Noise, Kind::Occlusion, Kind::Translation] {
        let curve = severity_curve(&model, &data, (0.0, 1.0), kind, 4, 0.95).unwrap();
        assert_eq!(curve.clean.value, 1.0);
        let accuracy: Vec<f64> = curve.points.iter().map(|p| p.accuracy.value).collect();
        assert!(accuracy[0] > 0.9 && accuracy[4] < accuracy[0], "{kind:?} {accuracy:?}");
        assert!(curve.points.iter().all(|p| p.kept.n == Some(60) && p.accuracy.interval.is_some()));
        assert_eq!(curve, severity_curve(&model, &data, (0.0, 1.0), kind, 4, 0.95).unwrap());
    }
}

#[test]
fn the_changed_sign_is_found_and_can_be_shown_again() {
    let model = classifier(CNN, &[1, 8, 8], 10, None);
    let (rows, labels) = digits(20);
    let data = LabelledRows::new(&rows, &labels);
    let search = WorstCase { queries: 60, seed: 2, ..WorstCase::sign(3) };
    let report = worst_case(&model, &data, &search, &mut |_, _| {}).unwrap();
    assert_eq!((report.n, report.attacked, report.unconfirmed), (20, 20, 0));
    assert!(report.evaded >= 8, "{}", report.evaded);
    assert_eq!(report.queries.confirm, report.evaded);
    assert!((report.robust_accuracy.value - (20 - report.evaded) as f64 / 20.0).abs() < 1e-12);
    let mut scores = Vec::new();
    for example in &report.examples {
        assert!(example.changed.iter().all(|v| (0.0..=1.0).contains(v)));
        model.scores(&example.changed, 1, &mut scores).unwrap();
        assert_eq!(predict(&scores, 10), [Some(example.predicted)]);
        assert_ne!(example.predicted, example.label);
        assert_eq!(example.setting.len(), 5);
        assert!(example.setting[0].1[0].abs() <= 15.0, "rotation within its severity");
    }
    // Row by row: fewer rows, the same finds.
    let front = LabelledRows::new(&rows[..7 * 64], &labels[..7]);
    let part = worst_case(&model, &front, &search, &mut |_, _| {}).unwrap();
    let expected: Vec<_> = report.examples.iter().filter(|e| e.index < 7).cloned().collect();
    assert_eq!(part.examples, expected);
}

#[test]
fn one_change_fools_rows_that_it_was_not_made_from() {
    let model = classifier(MLP, &[1, 8, 8], 10, None);
    let (rows, labels) = digits(120);
    let (made, judged) = rows.split_at(60 * 64);
    let made = LabelledRows::new(made, &labels[..60]);
    let judged = LabelledRows::new(judged, &labels[60..]);
    let threat = Threat::new(Norm::Linf, 0.2);
    let options = UniversalOptions { epochs: 15, seed: 1, ..UniversalOptions::default() };
    let run =
        || universal(&Victim::black_box(&model), &made, &judged, &threat, &options, &mut |_, _| {}).unwrap();
    let report = run();
    assert!(!report.gradients && report.success.value > 0.2, "{}", report.success.value);
    assert!(report.change.iter().all(|d| d.abs() <= 0.2));
    assert!(report.leads_to.is_some());
    assert_eq!(report, run());
    let l1 = Threat::new(Norm::L1, 0.2);
    assert!(universal(&Victim::black_box(&model), &made, &judged, &l1, &options, &mut |_, _| {}).is_err());
}

#[test]
fn gradients_make_it_too() {
    let options = classifier(MLP, &[1, 8, 8], 10, None).options().clone();
    let model = DifferentiableClassifier::new(MLP, options, &LoadOptions::default()).unwrap();
    let (rows, labels) = digits(120);
    let (made, judged) = rows.split_at(60 * 64);
    let made = LabelledRows::new(made, &labels[..60]);
    let judged = LabelledRows::new(judged, &labels[60..]);
    for (norm, eps) in [(Norm::Linf, 0.2), (Norm::L2, 1.5)] {
        let options = UniversalOptions { epochs: 15, seed: 1, ..UniversalOptions::default() };
        let threat = Threat::new(norm, eps);
        let victim = Victim::white_box(&model, &model);
        let report = universal(&victim, &made, &judged, &threat, &options, &mut |_, _| {}).unwrap();
        assert!(report.gradients && report.success.value > 0.2, "{norm}: {}", report.success);
        assert!(norm.distance(&[1, 8, 8], &[0.0; 64], &report.change) <= eps);
        assert!(report.queries.gradients > 0);
    }
}

#[test]
fn tables_are_no_images() {
    let model = classifier(GBT, &[30], 2, Some("probabilities"));
    let error = severity_curve(&model, &LabelledRows::new(&[0.5; 30], &[0]), (0.0, 1.0), Kind::Fog, 0, 0.95);
    assert!(error.unwrap_err().to_string().contains("no images"));
}
