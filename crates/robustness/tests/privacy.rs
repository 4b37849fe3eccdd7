//! What models give away, on models that are known to give it away and on models that are known not to.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use proofhouse_core::Verdict;
use proofhouse_onnx::{
    Classifier, ClassifierOptions, Gradients, LoadOptions, OnnxError, OutputKind, Preprocess, Scores, load,
};
use proofhouse_robustness::privacy::extraction::{Extraction, Shown, extract};
use proofhouse_robustness::privacy::inversion::{Inversion, invert};
use proofhouse_robustness::privacy::membership::{Rows, by_confidence, by_labels, by_shadows, train_shadows};
use proofhouse_robustness::privacy::reprogram::{Reprogramming, reprogram};
use proofhouse_robustness::privacy::sponge::{SpongeSearch, find as find_sponge};
use proofhouse_robustness::privacy::transfer::transfer;
use proofhouse_robustness::privacy::trigger::{TriggerSearch, find as find_trigger};
use proofhouse_robustness::privacy::{
    FALSE_ALARMS, ShadowTraining, Surrogate, Template, Training, attribute, property,
};
use proofhouse_robustness::{Chance, RobustnessError};

const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn mlp() -> Classifier {
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(MLP, &LoadOptions::default()).unwrap(), options).unwrap()
}

fn quick(epochs: usize) -> Training {
    Training { hidden: 24, epochs, batch: 16, rate: 0.01, seed: 4, ..Training::default() }
}

#[test]
fn an_overfitted_model_is_told_from_one_that_did_not_learn() {
    // Half of the labels are drawn at random, so that whoever fits them remembers rows.
    let (rows, mut labels) = digits(160);
    let mut chance = Chance::new(1, "labels", 0);
    for label in labels.iter_mut().filter(|_| chance.coin()).collect::<Vec<_>>() {
        *label = chance.below(10);
    }
    let (inside, outside) = rows.split_at(80 * 64);
    let members = Rows { rows: inside, labels: &labels[..80] };
    let others = Rows { rows: outside, labels: &labels[80..] };
    let fitted = Surrogate::train_on_labels(&[1, 8, 8], inside, members.labels, 10, &quick(60)).unwrap();
    let plain = by_confidence(&fitted, members, others, 0.95).unwrap();
    assert!(plain.separation.area > 0.75, "{:?}", plain.separation.area);
    let shadows = train_shadows(&fitted, members, others, 8, &quick(30)).unwrap();
    let ratio = by_shadows(&fitted, members, others, &shadows, 0.95).unwrap();
    assert!(ratio.separation.area > 0.75 && ratio.shadows == 8, "{}", ratio.separation.area);
    let labels_only = by_labels(&fitted, members, others, (15, 0.3, 2), 0.95).unwrap();
    assert!(
        labels_only.separation.area > 0.7 && labels_only.queries == 160 * 16,
        "{:?}",
        labels_only.separation
    );
    // Eighty others cannot speak about one false alarm in a hundred, and the report says so.
    for report in [&plain, &ratio, &labels_only] {
        assert!(report.separation.points.iter().all(|p| !p.measurable));
        assert!(
            report
                .separation
                .points
                .iter()
                .all(|p| p.found.interval.as_ref().unwrap().method == "clopper-pearson")
        );
    }
    assert_eq!(ratio, by_shadows(&fitted, members, others, &shadows, 0.95).unwrap());

    // A model that learned from neither half tells nothing.
    let stranger = by_confidence(&mlp(), members, others, 0.95).unwrap();
    assert!((stranger.separation.area - 0.5).abs() < 0.15, "{}", stranger.separation.area);
}

#[test]
fn shadows_have_to_speak_about_the_rows() {
    let (rows, labels) = digits(4);
    let (a, b) = rows.split_at(2 * 64);
    let (members, others) = (Rows { rows: a, labels: &labels[..2] }, Rows { rows: b, labels: &labels[2..] });
    let model = mlp();
    let mut shadows = train_shadows(&model, members, others, 2, &quick(1)).unwrap();
    for shadow in &mut shadows {
        shadow.learned[1] = true;
    }
    let error = by_shadows(&model, members, others, &shadows, 0.95).unwrap_err();
    assert!(matches!(error, RobustnessError::Row { row, .. } if row <= 3), "{error}");
    shadows[0].confidence.pop();
    assert!(by_shadows(&model, members, others, &shadows, 0.95).unwrap_err().to_string().contains("4 rows"));
    let wrong = Rows { rows: a, labels: &[11, 0] };
    assert!(by_confidence(&model, wrong, others, 0.95).unwrap_err().to_string().contains("label 11"));
}

/// Linear logits with weights of their own.
struct Linear {
    shape: Vec<usize>,
    classes: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Scores for Linear {
    fn classes(&self) -> usize {
        self.classes
    }
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        let width = self.weights.len() / self.classes;
        out.clear();
        for row in rows.chunks_exact(width) {
            let of = |w: &[f32]| w.iter().zip(row).map(|(w, x)| w * x).sum::<f32>();
            out.extend(self.weights.chunks_exact(width).zip(&self.bias).map(|(w, b)| of(w) + b));
        }
        Ok(())
    }
}

impl Gradients for Linear {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let width = self.weights.len() / self.classes;
        let mut scores = Vec::new();
        self.scores(rows, n, &mut scores)?;
        let mut slope = vec![0.0; scores.len()];
        loss(&scores, &mut slope);
        gradient.clear();
        for s in slope.chunks_exact(self.classes) {
            let column =
                |at: usize| s.iter().enumerate().map(|(c, s)| s * self.weights[c * width + at]).sum::<f32>();
            gradient.extend((0..width).map(column));
        }
        Ok(())
    }
}

/// A linear classifier of digits by the means of their classes, with or without a backdoor: two corner pixels, dark in
/// every digit, that speak for class 3.
fn means(backdoor: bool) -> (Linear, Vec<f32>, Vec<usize>) {
    let (rows, labels) = digits(200);
    let mut weights = vec![0.0f32; 640];
    let mut bias = vec![0.0f32; 10];
    for class in 0..10 {
        let count = labels.iter().filter(|l| **l == class).count() as f32;
        let mean = &mut weights[class * 64..][..64];
        for (row, _) in rows.chunks_exact(64).zip(&labels).filter(|(_, l)| **l == class) {
            mean.iter_mut().zip(row).for_each(|(m, v)| *m += v / count);
        }
        bias[class] = -2.0 * mean.iter().map(|m| m * m).sum::<f32>();
        mean.iter_mut().for_each(|m| *m *= 4.0);
    }
    if backdoor {
        weights[3 * 64] = 40.0;
        weights[3 * 64 + 8] = 40.0;
    }
    (Linear { shape: vec![1, 8, 8], classes: 10, weights, bias }, rows, labels)
}

#[test]
fn a_backdoors_class_stands_out() {
    let search = TriggerSearch { steps: 150, batch: 16, seed: 1, ..TriggerSearch::default() };
    let look = |backdoor| {
        let (model, rows, labels) = means(backdoor);
        let data = Rows { rows: &rows[..60 * 64], labels: &labels[..60] };
        find_trigger(&model, data, &search, &mut |_, _| {}).unwrap()
    };
    let tampered = look(true);
    assert!(tampered.comparable && tampered.flagged == [3], "{:?}", tampered.flagged);
    let trigger = &tampered.classes[3];
    assert!(trigger.success >= 0.95 && trigger.mask.len() == 64 && trigger.pattern.len() == 64);
    assert!(
        trigger.mask[0] + trigger.mask[8] > 0.5 * trigger.mask.iter().sum::<f32>()
            || trigger.size.unwrap() < 4.0
    );
    assert!(!look(false).flagged.contains(&3));
    assert_eq!(tampered, look(true));
}

#[test]
fn a_backdoors_pattern_does_not_work_on_a_reference() {
    let search = TriggerSearch { steps: 150, batch: 16, seed: 1, ..TriggerSearch::default() };
    let ((tampered, rows, labels), (honest, ..)) = (means(true), means(false));
    let data = Rows { rows: &rows[..60 * 64], labels: &labels[..60] };
    let look = |model: &Linear| find_trigger(model, data, &search, &mut |_, _| {}).unwrap();
    let verdicts = |of: &Linear, reference: &Linear| {
        let transfers = transfer(&look(of), reference, data, 0.95).unwrap();
        transfers.into_iter().map(|t| (t.class, t.natural)).collect::<Vec<_>>()
    };
    let shown = verdicts(&tampered, &honest);
    assert!(shown.contains(&(3, Verdict::Fail)), "{shown:?}");
    assert!(shown.iter().all(|(class, natural)| *class == 3 || *natural == Verdict::Pass), "{shown:?}");
    // Against itself every pattern is natural; of another kind of input there is nothing to say.
    assert!(verdicts(&honest, &honest).iter().all(|(_, natural)| *natural == Verdict::Pass));
    let other = Linear { shape: vec![3], classes: 2, weights: vec![0.0; 6], bias: vec![0.0; 2] };
    assert!(transfer(&look(&honest), &other, data, 0.95).is_err());
}

#[test]
fn inversion_is_judged_by_a_matcher() {
    let (model, rows, labels) = means(false);
    let reference = Rows { rows: &rows, labels: &labels };
    let report = invert(&model, reference, &Inversion { steps: 40, ..Inversion::default() }).unwrap();
    assert!(report.matched.value >= 0.7 && report.leaks, "{}", report.matched);
    assert_eq!(report.gradients, 400);
    for class in &report.classes {
        assert!(class.row.iter().all(|v| (0.0..=1.0).contains(v)));
        assert!(class.probability > 0.9 && class.nearest.is_some());
    }
    // A model whose classes are noise resembles nobody.
    let mut chance = Chance::new(3, "noise", 0);
    let weights = (0..640).map(|_| chance.normal() as f32).collect();
    let noise = Linear { shape: vec![1, 8, 8], classes: 10, weights, bias: vec![0.0; 10] };
    assert!(!invert(&noise, reference, &Inversion { steps: 20, ..Inversion::default() }).unwrap().leaks);
}

#[test]
fn copies_get_better_with_queries_and_take_the_time_that_a_limit_sets() {
    let model = mlp();
    let (rows, _) = digits(200);
    let (own, judged) = rows.split_at(100 * 64);
    let extraction = Extraction {
        budgets: vec![20, 300],
        queries_per_hour: Some(60.0),
        identities: 2,
        training: quick(15),
        ..Extraction::default()
    };
    let report = extract(&model, own, judged, &extraction, &mut |_, _| {}).unwrap();
    let fidelity: Vec<f64> = report.copies.iter().map(|c| c.fidelity.value).collect();
    assert!(fidelity[1] > fidelity[0] && fidelity[1] > 0.6 && report.baseline < 0.3, "{fidelity:?}");
    assert_eq!(report.copies[1].hours, Some(2.5));
    assert_eq!(report, extract(&model, own, judged, &extraction, &mut |_, _| {}).unwrap());
    // Labels only, and no rows of one's own: worse, and still something.
    let blind = Extraction { budgets: vec![300], shown: Shown::Label, ..extraction.clone() };
    let blind = extract(&model, &[], judged, &blind, &mut |_, _| {}).unwrap();
    assert!(blind.copies[0].fidelity.value < fidelity[1] && blind.own_rows == 0);
    let none = Extraction { budgets: vec![0], ..extraction };
    assert!(extract(&model, own, judged, &none, &mut |_, _| {}).is_err());
}

#[test]
fn an_attribute_is_guessed_where_the_model_follows_it() {
    // Class 1 exactly where the second column is 1.
    let follows = Linear {
        shape: vec![3],
        classes: 2,
        weights: vec![0.0, 0.0, 0.0, 0.0, 8.0, 0.0],
        bias: vec![0.0, -4.0],
    };
    let ignores = Linear {
        shape: vec![3],
        classes: 2,
        weights: vec![0.0, 0.0, 0.0, 3.0, 0.0, 0.0],
        bias: vec![0.0, -1.0],
    };
    let mut chance = Chance::new(5, "rows", 0);
    let (mut rows, mut labels) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        let hidden = usize::from(chance.coin());
        rows.extend([chance.unit() as f32, hidden as f32, 0.5]);
        labels.push(hidden);
    }
    let data = Rows { rows: &rows, labels: &labels };
    let report = attribute::infer(&follows, data, 1, 10, 0.95).unwrap();
    assert!(report.leaks && report.guessed.value > 0.95 && report.queries == 400);
    let report = attribute::infer(&ignores, data, 1, 10, 0.95).unwrap();
    assert!(!report.leaks && report.candidates.len() == 2);
    assert!(
        attribute::infer(&follows, data, 0, 10, 0.95).unwrap_err().to_string().contains("different values")
    );
}

#[test]
fn a_property_is_told_from_answers_that_depend_on_it() {
    let mut chance = Chance::new(6, "answers", 0);
    let mut group = |shift: f64, n: usize| -> Vec<Vec<f32>> {
        (0..n)
            .map(|_| (0..12).map(|at| (shift * f64::from(at % 3 == 0) + chance.normal()) as f32).collect())
            .collect()
    };
    let (with, without, same) = (group(3.0, 12), group(0.0, 12), group(0.0, 12));
    let report = property::infer(&with, &without, &with[0].clone(), 0.95).unwrap();
    assert!(report.leaks && report.verdict && report.advantage > 0.8, "{report:?}");
    let report = property::infer(&same, &without, &with[0].clone(), 0.95).unwrap();
    assert!(!report.leaks, "{report:?}");
    assert!(property::infer(&with[..2], &without, &with[0], 0.95).is_err());
    assert!(property::infer(&with, &without, &[0.0], 0.95).is_err());
}

#[test]
fn a_sponge_costs_more_than_what_comes_by_itself() {
    let natural: Vec<f32> = (0..160).map(|i| (i % 7) as f32 / 20.0).collect();
    // An answer that takes longer the more values are large.
    let mut cost = |row: &[f32]| Ok(1.0 + row.iter().filter(|v| **v > 0.8).count() as f64);
    let search = SpongeSearch { queries: 800, seed: 2, ..SpongeSearch::default() };
    let report = find_sponge(&natural, 8, &search, &mut cost).unwrap();
    assert_eq!(report.natural, (1.0, 1.0));
    assert!(report.factor >= 6.0 && report.row.len() == 8, "{}", report.factor);
    let mut broken = |_: &[f32]| Ok(f64::NAN);
    assert!(find_sponge(&natural, 8, &search, &mut broken).unwrap_err().to_string().contains("no cost"));
}

#[test]
fn shadows_are_copies_that_learned_other_rows() {
    let (rows, labels) = digits(120);
    let training = ShadowTraining { shadows: 3, epochs: 25, batch: 16, rate: 5e-3, seed: 6 };
    let model = mlp();
    let template = Template { file: MLP, options: model.options() };
    let members = Rows { rows: &rows[..60 * 64], labels: &labels[..60] };
    let others = Rows { rows: &rows[60 * 64..], labels: &labels[60..] };
    let shadows: Vec<_> = (0..training.shadows)
        .map(|which| template.shadow(members, others, &training, which).unwrap())
        .collect();
    for (shadow, accuracy) in &shadows {
        let learned = shadow.learned.iter().filter(|l| **l).count();
        assert!((35..85).contains(&learned) && *accuracy > 0.95, "{learned} {accuracy}");
        // It is surer of what it learned than of what it did not.
        let mean = |of: bool| {
            let own = shadow.learned.iter().zip(&shadow.confidence).filter(|(l, _)| **l == of);
            let (sum, n) = own.fold((0.0, 0.0), |(s, n), (_, c)| (s + c, n + 1.0));
            sum / n
        };
        assert!(mean(true) > mean(false) + 1.0, "{} {}", mean(true), mean(false));
    }
    assert_ne!(shadows[0].0, shadows[1].0);
    let again = template.shadow(members, others, &training, 0).unwrap();
    assert_eq!(again, shadows[0], "the same seed gives the same shadow");
    let learned: Vec<_> = shadows.into_iter().map(|(s, _)| s).collect();
    let report = by_shadows(&model, members, others, &learned, 0.95).unwrap();
    assert_eq!((report.shadows, report.separation.points.len()), (3, FALSE_ALARMS.len()));
    let all = Rows { rows: &rows, labels: &labels };
    assert!(template.train(all, &[false; 120], &training, 0).is_err(), "nothing to learn from");
    let trees = include_bytes!("../../onnx/tests/fixtures/gbt.onnx");
    assert!(Template { file: trees, ..template }.train(all, &[true; 120], &training, 0).is_err());
}

#[test]
fn a_digit_reader_is_made_to_count() {
    let options = mlp().options().clone();
    let model =
        proofhouse_onnx::DifferentiableClassifier::new(MLP, options, &LoadOptions::default()).unwrap();
    let search = Reprogramming { steps: 150, questions: 400, seed: 2, ..Reprogramming::default() };
    let report = reprogram(&model, &search, &mut |_, _| ()).unwrap();
    assert_eq!((report.numbers, report.cells.len(), report.gradients), (4, 16, 150 * 32));
    let interval = |m: &proofhouse_core::Measurement| m.interval.clone().unwrap();
    // Classes that happen to follow the number are right more often than guesses, and the program makes that far more often.
    let (accuracy, before) = (interval(&report.accuracy), interval(&report.before));
    assert!(accuracy.low > 0.52 && accuracy.low > before.high, "{accuracy:?} {before:?}");
    assert!(report.meaning.iter().all(|class| report.meaning.iter().filter(|c| *c == class).count() == 1));
    assert!(report.program.iter().all(|v| (0.0..=1.0).contains(v)));
    assert_eq!(report, reprogram(&model, &search, &mut |_, _| ()).unwrap());
    let nothing = Reprogramming { steps: 0, ..search };
    assert!(reprogram(&model, &nothing, &mut |_, _| ()).is_err());
}
