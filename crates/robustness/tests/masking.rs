//! Models that make attacks fail without being robust: each is caught, by name, and none gets the word.

#![expect(clippy::unwrap_used, reason = "a test that cannot run has failed")]

use std::sync::atomic::{AtomicU64, Ordering};

use proofhouse_onnx::{Gradients, OnnxError, OutputKind, Scores};
use proofhouse_robustness::{
    Access, Attack, Budget, Claim, Counting, Diagnosis, EvasionReport, LabelledRows, Norm, Sign, Standing,
    Threat, Victim, assure, evade, standard,
};

/// Two classes, divided by the mean of four features at one half, and what its maker did to hide that.
struct Model {
    trick: Trick,
    calls: AtomicU64,
}

#[derive(Clone, Copy, PartialEq)]
enum Trick {
    None,
    /// Noise on every answer.
    Noise,
    /// Zero gradients.
    Flat,
    /// Gradients that point the wrong way.
    Liar,
    /// Scores that are labels.
    Label,
    /// One class whatever it is shown.
    Constant,
    /// NaN for some rows.
    Nan,
    /// A thousand times too large.
    Scaled,
}

impl Model {
    const fn new(trick: Trick) -> Self {
        Self { trick, calls: AtomicU64::new(0) }
    }

    fn score(&self, row: &[f32]) -> f32 {
        let score = row.iter().sum::<f32>() - 2.0;
        match self.trick {
            Trick::Noise => {
                let call = self.calls.fetch_add(1, Ordering::Relaxed);
                score
                    + 0.05
                        * ((call.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / (1 << 23) as f32 - 1.0)
            }
            Trick::Label => {
                if score > 0.0 {
                    1.0
                } else {
                    0.0
                }
            }
            Trick::Constant => 1.0,
            Trick::Nan if row[0] > 0.9 => f32::NAN,
            Trick::Scaled => score * 1e5,
            _ => score,
        }
    }
}

impl Scores for Model {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &[4]
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        for row in rows.chunks_exact(4) {
            let score = self.score(row);
            out.extend([score, if self.trick == Trick::Label { 1.0 - score } else { 0.0 }]);
        }
        Ok(())
    }
}

impl Gradients for Model {
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        let mut logits = Vec::new();
        self.scores(rows, n, &mut logits)?;
        let mut slopes = vec![0.0; logits.len()];
        loss(&logits, &mut slopes);
        let factor = match self.trick {
            Trick::Flat | Trick::Constant | Trick::Label => 0.0,
            Trick::Liar => -1.0,
            _ => 1.0,
        };
        gradient.clear();
        slopes.chunks_exact(2).for_each(|s| gradient.extend([s[0] * factor; 4]));
        Ok(())
    }
}

/// Rows on both sides, at many distances.
fn rows(n: usize) -> (Vec<f32>, Vec<usize>) {
    let level = |i: usize| 0.1 + 0.8 * ((i * 37 % n) as f32 + 0.5) / n as f32;
    let rows = (0..n).flat_map(|i| [level(i); 4]).collect();
    (rows, (0..n).map(|i| usize::from(level(i) <= 0.5)).collect())
}

fn examine(model: &Model, white: bool, rows: &[f32], labels: &[usize]) -> (EvasionReport, Diagnosis) {
    let budget = Budget { steps: 20, aims: 2, queries: 200, ..Budget::default() };
    let victim = if white { Victim::white_box(model, model) } else { Victim::black_box(model) };
    let data = LabelledRows::new(rows, labels);
    let threat = Threat::new(Norm::Linf, 0.1);
    let found = assure(&victim, &data, &threat, &budget, &[], &Counting::default(), &mut |_| {}).unwrap();
    (found.report, found.diagnosis)
}

fn seen(trick: Trick) -> (EvasionReport, Diagnosis) {
    let (rows, labels) = rows(60);
    examine(&Model::new(trick), true, &rows, &labels)
}

/// The flags of `diagnosis` include `sign`, with numbers and words, answered or not as given; where one stands,
/// no claim uses the word.
fn caught(report: &EvasionReport, diagnosis: &Diagnosis, sign: Sign, answered: bool) {
    let flag =
        diagnosis.flags.iter().find(|f| f.sign == sign).unwrap_or_else(|| panic!("{sign:?}: {diagnosis:?}"));
    assert_eq!(flag.stands(), !answered, "{flag:?}");
    assert!(!flag.says.is_empty() && flag.seen <= flag.of.max(flag.seen));
    if !answered {
        let claim = Claim::of(report, diagnosis, 0.0);
        assert!(!claim.may_say_robust() && !claim.to_string().contains("robust"), "{claim}");
        assert!(matches!(claim.standing(), Standing::Refused { flags } if !flags.is_empty()));
    }
}

#[test]
fn an_open_model_has_no_flag() {
    let (report, diagnosis) = seen(Trick::None);
    assert_eq!(diagnosis.flags, []);
    // Rows within 0.1 of the boundary fall, all to gradients.
    assert!((13..=16).contains(&report.evaded), "{}", report.evaded);
    let claim = Claim::of(&report, &diagnosis, 0.5);
    assert!(claim.may_say_robust() && claim.to_string().contains("not proved"), "{claim}");
    let fell = Claim::of(&report, &diagnosis, 0.95);
    assert!(!fell.may_say_robust() && !fell.to_string().contains("robust"), "{fell}");
    // A proof is another word, and a proof that contradicts a counterexample is an error.
    let mut proved = report.clone();
    let standing: Vec<usize> = (0..60).filter(|row| !report.evaded_rows.contains(row)).collect();
    proved.certify("by hand", &standing).unwrap();
    assert!(Claim::of(&proved, &diagnosis, 0.5).to_string().contains("proved by by hand"));
    assert!(
        proved
            .certify("by hand", &report.evaded_rows)
            .unwrap_err()
            .to_string()
            .contains("certificate is wrong")
    );
}

#[test]
fn masks_are_seen_through() {
    let (report, diagnosis) = seen(Trick::Scaled);
    caught(&report, &diagnosis, Sign::Saturation, true);
    assert_eq!(diagnosis.standing().count(), 0);
    assert!((13..=16).contains(&report.evaded));

    let (report, diagnosis) = seen(Trick::Noise);
    caught(&report, &diagnosis, Sign::Randomised, true);
    assert!(report.parts[0].repairs.iter().any(|r| r.starts_with("EOT")), "{:?}", report.parts[0]);
    assert!(report.evaded >= 9, "{}", report.evaded);
}

#[test]
fn slopes_that_lead_nowhere_are_estimated() {
    for (trick, sign) in [(Trick::Flat, Sign::ZeroGradients), (Trick::Liar, Sign::NotMonotone)] {
        let (report, diagnosis) = seen(trick);
        caught(&report, &diagnosis, sign, true);
        assert_eq!(diagnosis.standing().count(), 0, "{diagnosis:?}");
        assert!((13..=16).contains(&report.evaded), "{}", report.evaded);
        assert!(report.queries.attack > 20 * report.queries.gradients, "estimates are paid for");
    }
}

#[test]
fn without_the_repair_scores_beat_gradients() {
    let (rows, labels) = rows(60);
    let model = Model::new(Trick::Liar);
    let budget = Budget { steps: 20, aims: 1, queries: 200, ..Budget::default() };
    let attacks = standard(Access::Gradients, Norm::Linf, &budget);
    let attacks: Vec<&dyn Attack> = attacks.iter().map(AsRef::as_ref).collect();
    let (victim, data) = (Victim::white_box(&model, &model), LabelledRows::new(&rows, &labels));
    let threat = Threat::new(Norm::Linf, 0.1);
    let report = evade(&victim, &data, &threat, &attacks, &Counting::default(), &mut |_| {}).unwrap();
    let mut diagnosis = Diagnosis::default();
    diagnosis.review(&report);
    caught(&report, &diagnosis, Sign::BlackBoxWins, false);
}

#[test]
fn what_hides_its_slope_is_refused() {
    let (report, diagnosis) = seen(Trick::Label);
    caught(&report, &diagnosis, Sign::LabelsOnly, false);

    let (report, diagnosis) = seen(Trick::Nan);
    caught(&report, &diagnosis, Sign::Undefined, false);
}

#[test]
fn answers_that_are_no_evidence_are_refused() {
    let (rows, labels) = rows(60);
    let (report, diagnosis) = seen(Trick::Constant);
    caught(&report, &diagnosis, Sign::ConstantAnswer, false);
    caught(&report, &diagnosis, Sign::AtChance, false);

    let wrong: Vec<usize> = labels.iter().map(|l| 1 - l).collect();
    let (report, diagnosis) = examine(&Model::new(Trick::None), true, &rows, &wrong);
    caught(&report, &diagnosis, Sign::NothingCorrect, false);
    assert_eq!((report.attacked, report.success.n), (0, Some(0)));

    let one: Vec<usize> = (0..60).filter(|i| labels[*i] == 0).collect();
    let ones: Vec<f32> = one.iter().flat_map(|i| rows[i * 4..][..4].to_vec()).collect();
    let (report, diagnosis) = examine(&Model::new(Trick::None), true, &ones, &vec![0; one.len()]);
    caught(&report, &diagnosis, Sign::OneClassOnly, false);
}

#[test]
fn without_gradients_scores_do() {
    let (rows, labels) = rows(60);
    let (report, diagnosis) = examine(&Model::new(Trick::None), false, &rows, &labels);
    assert_eq!(report.parts.iter().map(|p| p.attack.as_str()).collect::<Vec<_>>(), ["square"]);
    assert_eq!(diagnosis.flags, []);
    assert!((13..=16).contains(&report.evaded));
    let (_, diagnosis) = examine(&Model::new(Trick::Noise), false, &rows, &labels);
    assert!(diagnosis.standing().any(|f| f.sign == Sign::Randomised));
}

#[test]
fn two_engines_must_agree() {
    let (rows, labels) = rows(60);
    let (model, other) = (Model::new(Trick::None), Model::new(Trick::Constant));
    let victim = Victim::white_box(&model, &model).confirmed_by("another engine", &other);
    let data = LabelledRows::new(&rows, &labels);
    let budget = Budget { steps: 10, aims: 1, queries: 20, ..Budget::default() };
    let threat = Threat::new(Norm::Linf, 0.1);
    let found = assure(&victim, &data, &threat, &budget, &[], &Counting::default(), &mut |_| {}).unwrap();
    // The other engine takes everything for class 0: only rows of class 1 can cross for both.
    assert!(found.report.examples.iter().all(|e| e.predicted == 0));
    assert!(found.report.evaded > 0 && found.report.disputed > 0);
    caught(&found.report, &found.diagnosis, Sign::Disputed, false);
}

#[test]
fn a_diagnosis_goes_to_and_fro_as_json() {
    let (_, diagnosis) = seen(Trick::Flat);
    let text = serde_json::to_string(&diagnosis).unwrap();
    assert!(text.contains("\"zero-gradients\""));
    assert_eq!(serde_json::from_str::<Diagnosis>(&text).unwrap(), diagnosis);
}
