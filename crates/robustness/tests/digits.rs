//! The attack on real digit classifiers, against the counts of other libraries.
//!
//! References (ONNX fixtures of the `onnx` crate, 200 held-out digits): on `cnn_at010` at eps 0.10, ART 1.20
//! `SquareAttack` with 1000 iterations leaves 173 robust and AutoAttack's Square with 5000 queries 172, its
//! full ensemble 161. On `mlp_naive` at eps 0.06, AutoAttack's Square leaves 164, the ensemble 151. A count
//! may be at most 2 above the reference and must not lie below what the strongest white-box attack leaves
//! by more than 2.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_core::Verdict;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, LoadOptions, OnnxError, OutputKind, Preprocess, Scores, load, predict,
};
use proofhouse_robustness::{EvasionReport, RobustnessError, SquareOptions, criterion, curve, evade, sanity};

const CNN: &[u8] = include_bytes!("../../onnx/tests/fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const SOFTMAX: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_softmax.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn classifier(bytes: &[u8], kind: OutputKind) -> Classifier {
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind,
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options).unwrap()
}

fn options(eps: f64, queries: u64) -> SquareOptions {
    SquareOptions { queries, seed: 7, ..SquareOptions::new(eps) }
}

fn run(model: &dyn Scores, n: usize, options: &SquareOptions) -> EvasionReport {
    let (rows, labels) = digits(n);
    evade(model, &rows, &labels, options, &mut |_| {}).unwrap()
}

#[test]
fn the_trained_network_falls_as_far_as_with_other_libraries() {
    let model = classifier(CNN, OutputKind::Logits);
    let options = SquareOptions { grid: Some(1.0 / 16.0), max_examples: 200, ..options(0.10, 1000) };
    let report = run(&model, 200, &options);
    assert_eq!((report.n, report.attacked, report.unconfirmed, report.undefined), (200, 200, 0, 0));
    assert!((159..=175).contains(&report.robust_correct), "{}", report.robust_correct);
    assert_eq!(report.evaded + report.robust_correct, 200);

    // Every counterexample stands on its own, judged from outside.
    assert_eq!(report.examples.len() as u64, report.evaded);
    let mut scores = Vec::new();
    for example in &report.examples {
        model.scores(&example.adversarial, 1, &mut scores).unwrap();
        assert_eq!(predict(&scores, 10), [Some(example.predicted)]);
        assert_ne!(example.predicted, example.label);
        let distance = example
            .adversarial
            .iter()
            .zip(&example.original)
            .map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs())
            .fold(0.0, f64::max);
        assert_eq!(distance, example.linf);
        assert!(distance <= 0.10 * (1.0 + 1e-6));
        assert!(example.adversarial.iter().all(|v| (0.0..=1.0).contains(v)));
        assert!(example.queries >= 1 && example.queries <= 1000);
    }
    // One query to confirm, one to try the rounded row.
    assert_eq!(report.queries.confirm, 2 * report.evaded);
    assert_eq!(report.queries.clean, 200);
    let in_vain = report.robust_correct * 1000;
    let successful: u64 = report.examples.iter().map(|e| e.queries).sum();
    assert_eq!(report.queries.attack, in_vain + successful);
    assert!(report.survive_rounding.unwrap() <= report.evaded);
}

#[test]
fn the_plain_network_falls_further() {
    let report = run(&classifier(MLP, OutputKind::Logits), 200, &options(0.06, 1000));
    assert_eq!(report.attacked, 194);
    assert!((149..=166).contains(&report.robust_correct), "{}", report.robust_correct);
}

#[test]
fn a_softmax_does_not_hide_the_margin() {
    let logits = run(&classifier(MLP, OutputKind::Logits), 200, &options(0.06, 300));
    let softmax = run(&classifier(SOFTMAX, OutputKind::Probabilities), 200, &options(0.06, 300));
    assert!(logits.robust_correct.abs_diff(softmax.robust_correct) <= 2);
}

#[test]
fn a_rows_fate_depends_on_no_other_row() {
    let model = classifier(MLP, OutputKind::Logits);
    let options = SquareOptions { max_examples: 200, ..options(0.10, 200) };
    let whole = run(&model, 40, &options);
    assert_eq!(whole, run(&model, 40, &options));
    assert!(whole.evaded > 5);
    // Row indices are the streams of chance, so the front part alone must come out the same.
    let front = run(&model, 13, &options);
    let expected: Vec<_> = whole.examples.iter().filter(|e| e.index < 13).cloned().collect();
    assert_eq!(front.examples, expected);
    assert_ne!(whole.examples, run(&model, 40, &SquareOptions { seed: 8, ..options }).examples);
}

#[test]
fn rows_already_wrong_are_left_alone() {
    let (rows, mut labels) = digits(20);
    labels[3] = (labels[3] + 1) % 10;
    let model = classifier(CNN, OutputKind::Logits);
    let report = evade(&model, &rows, &labels, &options(0.3, 50), &mut |_| {}).unwrap();
    assert_eq!((report.n, report.attacked), (20, 19));
    assert!(report.examples.iter().all(|e| e.index != 3));
    assert_eq!(report.success.n, Some(19));
    assert_eq!(report.robust_accuracy.n, Some(20));
}

#[test]
fn a_curve_never_rises() {
    let (rows, labels) = digits(60);
    let model = classifier(MLP, OutputKind::Logits);
    let points = curve(&model, &rows, &labels, &[0.12, 0.03, 0.06], &options(0.1, 150), &mut |_| {}).unwrap();
    assert_eq!(points.iter().map(|p| p.eps).collect::<Vec<_>>(), [0.03, 0.06, 0.12]);
    assert!(points.is_sorted_by(|a, b| a.evaded <= b.evaded));
    assert!(points[2].evaded > points[0].evaded);
    assert_eq!(points.iter().map(|p| p.queries.clean).sum::<u64>(), 60);
}

#[test]
fn verdicts_are_on_a_bound() {
    let (rows, labels) = digits(100);
    let model = classifier(CNN, OutputKind::Logits);
    let options = options(0.02, 100);
    let sane = sanity(&model, &rows, &labels, &options, &mut |_| {}).unwrap();
    assert_eq!((sane.verdict, sane.eps), (Verdict::Pass, 1.0));
    let report = evade(&model, &rows, &labels, &options, &mut |_| {}).unwrap();
    let high = report.success.interval.as_ref().unwrap().high;
    assert!(report.success.value < high);
    assert_eq!(criterion(&report, &sane, high).verdict, Verdict::Pass);
    // The point estimate is below this limit, the bound is not.
    let between = criterion(&report, &sane, f64::midpoint(report.success.value, high));
    assert_eq!(between.verdict, Verdict::Fail);
    assert!(between.criterion.contains("of 100 rows"), "{}", between.criterion);
}

/// Answers with the same scores whatever it is shown.
struct Constant(f32);

impl Scores for Constant {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &[3]
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, _: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        (0..n).for_each(|_| out.extend([self.0, 0.0]));
        Ok(())
    }
}

#[test]
fn a_model_that_cannot_be_attacked_does_not_pass() {
    let rows = [0.5; 6];
    let options = options(0.1, 20);
    let sane = sanity(&Constant(1.0), &rows, &[0, 0], &options, &mut |_| {}).unwrap();
    assert_eq!((sane.verdict, sane.evaded), (Verdict::Unknown, 0));
    let report = evade(&Constant(1.0), &rows, &[0, 0], &options, &mut |_| {}).unwrap();
    assert_eq!(report.robust_correct, 2);
    assert_eq!(criterion(&report, &sane, 1.0).verdict, Verdict::Unknown);

    // Nothing correct, nothing attacked.
    let report = evade(&Constant(1.0), &rows, &[1, 1], &options, &mut |_| {}).unwrap();
    assert_eq!(criterion(&report, &sane, 1.0).verdict, Verdict::Unknown);
    let report = evade(&Constant(f32::NAN), &rows, &[0, 0], &options, &mut |_| {}).unwrap();
    assert_eq!((report.attacked, report.undefined), (0, 2));
}

/// A model that answers otherwise when asked about one row alone.
struct TwoFaced;

impl Scores for TwoFaced {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &[1]
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        rows.iter().for_each(|v| out.extend([0.5, if n > 1 { *v } else { 0.0 }]));
        Ok(())
    }
}

#[test]
fn what_does_not_repeat_is_not_counted() {
    let same = SquareOptions { seed: 3, ..options(0.2, 1) };
    let rows = [0.45; 64];
    let report = evade(&TwoFaced, &rows, &[0; 64], &same, &mut |_| {}).unwrap();
    assert_eq!(report.evaded, 0);
    assert!(report.unconfirmed > 16, "about half of the rows go up first: {}", report.unconfirmed);
    let (rows, labels) = digits(20);
    let sane = sanity(&classifier(CNN, OutputKind::Logits), &rows, &labels, &options(0.1, 50), &mut |_| {});
    let assessment = criterion(&report, &sane.unwrap(), 1.0);
    assert_eq!(assessment.verdict, Verdict::Unknown);
    assert!(assessment.doubts[0].contains("did not repeat"));
}

#[test]
fn rows_that_cannot_be_attacked_are_named() {
    let attack = |rows: &[f32], labels: &[usize]| {
        evade(&Constant(1.0), rows, labels, &options(0.1, 5), &mut |_| {}).unwrap_err()
    };
    let row = |row, reason: &str| RobustnessError::Row { row, reason: reason.to_owned() };
    assert_eq!(attack(&[0.0, 0.0, 0.0, 0.0, 1.5, 0.0], &[0, 0]), row(1, "1.5 lies outside the box 0..=1"));
    assert_eq!(attack(&[0.0, f32::NAN, 0.0], &[0]), row(0, "NaN lies outside the box 0..=1"));
    assert_eq!(attack(&[0.0; 3], &[2]), row(0, "label 2 is not one of the 2 classes 0 to 1"));
    assert!(attack(&[0.0; 3], &[0, 0]).to_string().starts_with("2 labels call for as many rows of 3 values"));
}

#[test]
fn progress_reaches_its_end() {
    let (rows, labels) = digits(10);
    let mut last = None;
    let model = classifier(MLP, OutputKind::Logits);
    let report = evade(&model, &rows, &labels, &options(0.05, 30), &mut |p| last = Some(p)).unwrap();
    let last = last.unwrap();
    assert_eq!((last.rows as u64, last.queries), (report.attacked, report.queries.attack));
}
