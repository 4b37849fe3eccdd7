//! Attacks that see labels or scores only, against exact answers.
//!
//! References (60 rows of the breast-cancer table, `gbt.onnx`): ART 1.20 HopSkipJump with 20 iterations and 1000
//! evaluations spends about 6500 queries a row, succeeds on 17 to 20 of the first 20 correct rows and finds 1.45 to
//! 1.78 times the exact L-infinity distance in the median (five repeats; its start is not seeded), at worst 6.8 times.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_onnx::graph::Graph;
use std::sync::atomic::{AtomicUsize, Ordering};

use proofhouse_onnx::{
    Classifier, ClassifierOptions, LoadOptions, OnnxError, OutputKind, Preprocess, Scores, TreeEnsemble,
    load, predict,
};
use proofhouse_robustness::decision::{BoundaryWalk, HopSkipJump, SimBa, Starts};
use proofhouse_robustness::trees::{ExactOptions, minimal_linf};
use proofhouse_robustness::{
    Attack, Counting, EvasionReport, Goals, LabelledRows, Norm, RobustnessError, Square, Threat, Victim,
    evade, evade_in_groups, probe,
};

const GBT: &[u8] = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
const LOGREG: &[u8] = include_bytes!("../../onnx/tests/fixtures/logreg.onnx");
const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const TABULAR: &[u8] = include_bytes!("../../onnx/tests/fixtures/tabular_test.f32");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn table() -> (Vec<f32>, Vec<usize>) {
    let records = TABULAR.chunks_exact(121);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    let value = |b: &[u8; 4]| f32::from_le_bytes(*b);
    (records.flat_map(|r| r[1..].as_chunks::<4>().0.iter().map(value).collect::<Vec<_>>()).collect(), labels)
}

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn classifier(bytes: &[u8], shape: &[usize], classes: usize) -> Classifier {
    let table = shape.len() == 1;
    let options = ClassifierOptions {
        input_shape: shape.to_vec(),
        classes,
        output: table.then(|| "probabilities".to_owned()),
        kind: if table { OutputKind::Probabilities } else { OutputKind::Logits },
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options).unwrap()
}

/// The first rows that the model gets right, with all rows as starts.
fn correct(model: &dyn Scores, n: usize) -> (Vec<f32>, Vec<usize>, Starts) {
    let (rows, labels) = table();
    let mut scores = Vec::new();
    model.scores(&rows, labels.len(), &mut scores).unwrap();
    let right = predict(&scores, 2).into_iter().zip(&labels).enumerate();
    let chosen: Vec<usize> = right.filter(|(_, (p, l))| *p == Some(**l)).map(|(at, _)| at).take(n).collect();
    let flat = chosen.iter().flat_map(|at| rows[at * 30..][..30].iter().copied()).collect();
    (flat, chosen.iter().map(|at| labels[*at]).collect(), Starts { rows, labels })
}

fn widest(norm: Norm, shape: &[usize]) -> Threat {
    Threat::new(norm, 1.0).unbounded(shape)
}

fn run(model: &dyn Scores, data: &LabelledRows<'_>, threat: &Threat, attack: &dyn Attack) -> EvasionReport {
    let counting = Counting { max_examples: 1000, ..Counting::default() };
    evade(&Victim::black_box(model), data, threat, &[attack], &counting, &mut |_| {}).unwrap()
}

#[test]
fn hopskipjump_comes_near_the_exact_distance_of_trees() {
    let model = classifier(GBT, &[30], 2);
    let trees = TreeEnsemble::of(Graph::read(GBT).unwrap().first("TreeEnsembleClassifier").unwrap()).unwrap();
    let (rows, labels, starts) = correct(&model, 10);
    let attack = HopSkipJump { queries: 2500, stop_within: false, ..HopSkipJump::new(starts) };
    let report = run(&model, &LabelledRows::new(&rows, &labels), &widest(Norm::Linf, &[30]), &attack);
    assert_eq!((report.attacked, report.evaded, report.unconfirmed), (10, 10, 0));
    let exact = ExactOptions { box_low: 0.0, box_high: 1.0, ..ExactOptions::default() };
    let mut ratios: Vec<f64> = report
        .examples
        .iter()
        .map(|e| {
            let least = minimal_linf(&trees, &e.original, &exact).unwrap().certified;
            assert!(e.distance >= least - 1e-6, "{} undercuts {least}", e.distance);
            e.distance / least
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[5] <= 1.45, "{ratios:?}");
    assert!(report.queries.attack <= 10 * 3200, "{}", report.queries.attack);
}

#[test]
fn hopskipjump_finds_the_plane_of_a_linear_model() {
    let model = classifier(LOGREG, &[30], 2);
    let (rows, labels, starts) = correct(&model, 6);
    for norm in [Norm::L2, Norm::Linf] {
        let attack = HopSkipJump { queries: 2000, stop_within: false, ..HopSkipJump::new(starts.clone()) };
        let report = run(&model, &LabelledRows::new(&rows, &labels), &widest(norm, &[30]), &attack);
        assert_eq!((report.evaded, report.unconfirmed), (6, 0));
        // The plane from its own scores: log-odds are linear, so differences along the axes are the weights.
        let odds = |row: &[f32]| {
            let mut scores = Vec::new();
            model.scores(row, 1, &mut scores).unwrap();
            (f64::from(scores[1]) / f64::from(scores[0])).ln()
        };
        let centre = [0.5f32; 30];
        let weights: Vec<f64> = (0..30)
            .map(|at| {
                let mut row = centre;
                row[at] += 0.25;
                (odds(&row) - odds(&centre)) / 0.25
            })
            .collect();
        let dual = match norm {
            Norm::L2 => weights.iter().map(|w| w * w).sum::<f64>().sqrt(),
            _ => weights.iter().map(|w| w.abs()).sum(),
        };
        let mut ratios: Vec<f64> =
            report.examples.iter().map(|e| e.distance / (odds(&e.original).abs() / dual)).collect();
        ratios.sort_by(f64::total_cmp);
        // The box can only make it farther.
        assert!(ratios[0] >= 0.98 && ratios[3] <= 1.35, "{norm}: {ratios:?}");
    }
}

#[test]
fn a_rows_walk_depends_on_no_other_row() {
    let model = classifier(MLP, &[1, 8, 8], 10);
    let (rows, labels) = digits(12);
    let (start_rows, start_labels) = digits(60);
    let starts = Starts { rows: start_rows, labels: start_labels };
    let threat = Threat::new(Norm::L2, 0.8);
    let attacks: [Box<dyn Attack>; 3] = [
        Box::new(HopSkipJump { queries: 500, seed: 5, ..HopSkipJump::new(starts.clone()) }),
        Box::new(BoundaryWalk { starts, queries: 500, stop_within: true, seed: 5 }),
        Box::new(SimBa { step: 0.2, frequencies: true, queries: 300, seed: 5 }),
    ];
    for attack in &attacks {
        let whole = run(&model, &LabelledRows::new(&rows, &labels), &threat, attack.as_ref());
        assert_eq!(whole.unconfirmed, 0, "{}", whole.attack);
        assert!(whole.evaded >= 2, "{} evades {}", whole.attack, whole.evaded);
        let front = run(&model, &LabelledRows::new(&rows[..5 * 64], &labels[..5]), &threat, attack.as_ref());
        let expected: Vec<_> = whole.examples.iter().filter(|e| e.index < 5).cloned().collect();
        assert_eq!(front.examples, expected, "{}", whole.attack);
    }
}

#[test]
fn walks_reach_a_wanted_class() {
    let model = classifier(MLP, &[1, 8, 8], 10);
    let (rows, labels) = digits(8);
    let (start_rows, start_labels) = digits(80);
    let starts = Starts { rows: start_rows, labels: start_labels };
    let data = LabelledRows::new(&rows, &labels).towards(Goals::Class(3));
    let attack = HopSkipJump { queries: 600, stop_within: false, ..HopSkipJump::new(starts) };
    let report = run(&model, &data, &widest(Norm::L2, &[1, 8, 8]), &attack);
    assert_eq!(report.evaded, report.attacked);
    assert!(report.examples.iter().all(|e| e.predicted == 3 && e.distance < 4.0));
}

#[test]
fn starts_of_another_width_are_refused() {
    let model = classifier(MLP, &[1, 8, 8], 10);
    let (rows, labels) = digits(1);
    let attack = HopSkipJump::new(Starts { rows: vec![0.0; 63], labels: vec![1] });
    let data = LabelledRows::new(&rows, &labels);
    let threat = Threat::new(Norm::Linf, 0.1);
    let error =
        evade(&Victim::black_box(&model), &data, &threat, &[&attack], &Counting::default(), &mut |_| {});
    assert!(error.unwrap_err().to_string().contains("rows of 64 values"));
}

/// A model that is somewhere else, and gone after so many rows; with labels only where that is all it shows.
struct Remote<'a> {
    model: &'a dyn Scores,
    left: AtomicUsize,
    labels_only: bool,
}

impl Scores for Remote<'_> {
    fn classes(&self) -> usize {
        self.model.classes()
    }
    fn input_shape(&self) -> &[usize] {
        self.model.input_shape()
    }
    fn kind(&self) -> OutputKind {
        if self.labels_only { OutputKind::Probabilities } else { self.model.kind() }
    }
    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let taken = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(n));
        taken.map_err(|_| OnnxError::Run("connection refused".to_owned()))?;
        self.model.scores(rows, n, out)?;
        if self.labels_only {
            let classes = predict(out, self.classes());
            let one = |class: Option<usize>| {
                (0..self.classes()).map(move |c| if Some(c) == class { 1.0 } else { 0.0 })
            };
            *out = classes.into_iter().flat_map(one).collect();
        }
        Ok(())
    }
}

#[test]
fn groups_find_the_same_and_keep_it_when_the_model_is_gone() {
    let model = classifier(MLP, &[1, 8, 8], 10);
    let (rows, labels) = digits(48);
    let (square, simba) = (Square::new(40, 3), SimBa { step: 0.1, frequencies: true, queries: 60, seed: 3 });
    let (attacks, counting) =
        ([&square as &dyn Attack, &simba], Counting { max_examples: 99, ..Counting::default() });
    let threat = Threat::new(Norm::Linf, 0.1).within(0.0, 1.0);
    let whole = |n: usize| {
        let data = LabelledRows::new(&rows[..n * 64], &labels[..n]);
        evade(&Victim::black_box(&model), &data, &threat, &attacks, &counting, &mut |_| {}).unwrap()
    };
    let in_groups = |left: usize| {
        let remote = Remote { model: &model, left: AtomicUsize::new(left), labels_only: false };
        let data = LabelledRows::new(&rows, &labels);
        let victim = Victim::black_box(&remote);
        evade_in_groups(&victim, &data, &threat, &attacks, &counting, 10, &mut |_| {}).unwrap()
    };
    let all = in_groups(usize::MAX);
    assert_eq!((all.report, all.stopped), (whole(48), None));
    let cost = whole(48).queries.total();
    let partial = in_groups(usize::try_from(cost).unwrap() / 2);
    let done = usize::try_from(partial.report.n).unwrap();
    assert!(done > 0 && done < 48 && done.is_multiple_of(10), "{done}");
    assert_eq!(partial.report, whole(done), "what is reported is what the finished rows alone give");
    assert!(partial.stopped.unwrap().to_string().contains("connection refused"));
    let nothing = in_groups(3);
    assert_eq!((nothing.report.n, nothing.report.attacked), (0, 0));
    assert!(matches!(nothing.stopped, Some(RobustnessError::Model(_))));
}

#[test]
fn labels_only_are_no_flag_where_attacks_need_no_more() {
    let model = classifier(MLP, &[1, 8, 8], 10);
    let (rows, labels) = digits(30);
    let remote = Remote { model: &model, left: AtomicUsize::new(usize::MAX), labels_only: true };
    let (victim, data) = (Victim::black_box(&remote), LabelledRows::new(&rows, &labels));
    let threat = Threat::new(Norm::Linf, 0.15).within(0.0, 1.0);
    let mut diagnosis = probe(&victim, &data, &threat, 0).unwrap();
    let says: Vec<&str> = diagnosis.standing().map(|f| f.says.as_str()).collect();
    assert!(says.len() == 1 && says[0].contains("every score is 0 or 1"), "{says:?}");
    let starts = Starts { rows: rows.clone(), labels: labels.clone() };
    let report = run(&remote, &data, &threat, &HopSkipJump { queries: 600, ..HopSkipJump::new(starts) });
    assert!(report.evaded > report.attacked / 2, "{} of {}", report.evaded, report.attacked);
    diagnosis.review(&report);
    assert_eq!(diagnosis.standing().count(), 0);
}
