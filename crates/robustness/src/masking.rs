//! What could make an attack fail without the model being robust: gradient masking, and answers that are no
//! evidence (Athalye, Carlini, Wagner: *Obfuscated Gradients Give a False Sense of Security*, ICML 2018;
//! Carlini et al.: *On Evaluating Adversarial Robustness*, 2019).
//!
//! [`probe`] looks at the model before the attacks, [`Diagnosis::review`] at what they found. Each sign is a
//! [`Flag`] with its numbers. A flag that a repair answers no longer stands; whether the repair sufficed is
//! for the review to say: an attack by scores alone that still beats the repaired gradients raises a flag of
//! its own.

use proofhouse_onnx::{OnnxError, OutputKind, Scores, predict};
use serde::{Deserialize, Serialize};

use crate::decision::{HopSkipJump, Starts};
use crate::evasion::wanted;
use crate::gradient::loss::Objective;
use crate::gradient::{Loss, Slope};
use crate::{
    Access, Apgd, Attack, Counting, EvasionReport, LabelledRows, Norm, RobustnessError, SANE_SUCCESS, Square,
    Target, Threat, Victim, evade,
};

/// Correct rows that are looked at.
const PROBES: usize = 48;
/// Times that the probes are asked the same question.
const REPEATS: usize = 4;
/// Share of the probes from which on a sign is a flag.
const SHARE: f64 = 0.1;
/// Relative size up to which two answers differ by rounding only.
const ROUNDING: f64 = 1e-3;
/// Steps along the gradient at which the loss is looked at, in units of eps.
const STRIDES: [f64; 3] = [0.02, 0.1, 0.25];
/// Answers averaged for one gradient where the model draws at random.
const DRAWS: usize = 20;

/// A sign that a failed attack may say nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sign {
    /// No row was classified correctly, so none was attacked.
    NothingCorrect,
    /// Accuracy is no better than guessing: labels, layout or scale may be wrong.
    AtChance,
    /// All rows are of one class, so that the others are untested.
    OneClassOnly,
    /// The model answers with one class whatever it is shown.
    ConstantAnswer,
    /// Scores are NaN.
    Undefined,
    /// Scores are a label in disguise: they say nothing about how near another class is.
    LabelsOnly,
    /// The same question has different answers.
    Randomised,
    /// The label's probability is 1 in float32, so that the plain cross-entropy has no gradient.
    Saturation,
    /// Derivatives of rounding and the like, which are zero, are replaced by that of the identity.
    StraightThrough,
    /// Gradients are zero.
    ZeroGradients,
    /// The loss does not rise along its gradient.
    NotMonotone,
    /// An attack with no bound but the box fails.
    UnboundedFails,
    /// An attack that sees scores only succeeds where gradient attacks failed.
    BlackBoxWins,
    /// Counterexamples did not repeat.
    Unrepeatable,
    /// Two engines disagree about counterexamples.
    Disputed,
}

impl Sign {
    /// Whether it says that gradients lead nowhere.
    #[must_use]
    pub const fn concerns_gradients(self) -> bool {
        matches!(self, Self::ZeroGradients | Self::NotMonotone | Self::UnboundedFails)
    }
}

/// A sign that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Which.
    pub sign: Sign,
    /// Its numbers: on how many of how many rows.
    pub seen: u64,
    /// See `seen`.
    pub of: u64,
    /// What was seen, in words.
    pub says: String,
    /// What was done about it; absent where nothing could be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repair: Option<String>,
}

impl Flag {
    /// Whether the sign is unanswered.
    #[must_use]
    pub const fn stands(&self) -> bool {
        self.repair.is_none()
    }
}

/// What was looked at and seen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Everything seen, answered or not.
    pub flags: Vec<Flag>,
    /// Answers to average for one gradient: 1 for a model that answers the same every time.
    pub draws: usize,
    /// Forward passes that looking cost.
    pub queries: u64,
}

impl Diagnosis {
    /// Flags without an answer.
    pub fn standing(&self) -> impl Iterator<Item = &Flag> {
        self.flags.iter().filter(|f| f.stands())
    }

    /// Whether this sign was seen, answered or not.
    #[must_use]
    pub fn saw(&self, sign: Sign) -> bool {
        self.flags.iter().any(|f| f.sign == sign)
    }

    fn raise(&mut self, sign: Sign, seen: usize, of: usize, says: String) {
        self.flags.push(Flag { sign, seen: seen as u64, of: of as u64, says, repair: None });
    }

    fn answered(&mut self, sign: Sign, seen: usize, of: usize, says: String, repair: &str) {
        self.raise(sign, seen, of, says);
        if let Some(flag) = self.flags.last_mut() {
            flag.repair = Some(repair.to_owned());
        }
    }

    /// Whether gradients are there but lead nowhere, so that estimates from scores are worth their queries.
    #[must_use]
    pub fn gradients_fail(&self) -> bool {
        self.standing().any(|f| matches!(f.sign, Sign::ZeroGradients | Sign::NotMonotone))
    }

    /// Notes that `repair` answers what is wrong with the gradients.
    pub(crate) fn repaired(&mut self, repair: &str) {
        for flag in &mut self.flags {
            if flag.sign.concerns_gradients() && flag.repair.is_none() {
                flag.repair = Some(repair.to_owned());
            }
        }
    }

    /// Adds what the attacks themselves give away.
    pub fn review(&mut self, report: &EvasionReport) {
        let of = report.attacked as usize;
        // A walk along the boundary needs no more than labels.
        if report.parts.iter().any(|part| part.access == Access::Labels) {
            for flag in self.flags.iter_mut().filter(|f| f.sign == Sign::LabelsOnly && f.repair.is_none()) {
                flag.repair = Some("attacks that need no more than the label".to_owned());
            }
        }
        if report.unconfirmed > 0 && !self.saw(Sign::Randomised) {
            let says = format!("{} counterexamples did not repeat", report.unconfirmed);
            self.raise(Sign::Unrepeatable, report.unconfirmed as usize, of, says);
        }
        if report.disputed > 0 {
            let says = format!("{} rows have counterexamples that only one engine confirms", report.disputed);
            self.raise(Sign::Disputed, report.disputed as usize, of, says);
        }
        if report.undefined > 0 && !self.saw(Sign::Undefined) {
            let says = format!("{} answers hold NaN", report.undefined);
            self.raise(Sign::Undefined, report.undefined as usize, of, says);
        }
        // A row or two fall to chance; more, and more than a hundredth, show that gradients mislead.
        let white = report.parts.iter().any(|p| p.access == Access::Gradients);
        let black: u64 =
            report.parts.iter().filter(|p| p.access != Access::Gradients).map(|p| p.evaded).sum();
        if white && black >= 2 && black * 100 > report.attacked {
            let says = format!(
                "attacks by scores alone evaded {black} rows on which every gradient attack had failed; gradients mislead"
            );
            self.raise(Sign::BlackBoxWins, black as usize, of, says);
        }
    }
}

/// Looks at the model through at most 48 of the rows it classifies correctly.
pub fn probe(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    seed: u64,
) -> Result<Diagnosis, RobustnessError> {
    data.check(victim.model, threat)?;
    let mut diagnosis = Diagnosis { draws: 1, ..Diagnosis::default() };
    let clean = data.clean(victim.model)?;
    diagnosis.queries += data.labels.len() as u64;
    let n = data.labels.len();
    if clean.undefined > 0 {
        let says = format!("{} of {n} rows are answered with NaN", clean.undefined);
        diagnosis.raise(Sign::Undefined, clean.undefined as usize, n, says);
    }
    let targets = wanted(data, &clean, victim.model.features());
    if targets.is_empty() {
        diagnosis.raise(
            Sign::NothingCorrect,
            0,
            n,
            "no row was classified correctly (or wanted otherwise), so that none can be attacked".to_owned(),
        );
        return Ok(diagnosis);
    }
    labels(data, clean.correct.len(), victim.model.classes(), &mut diagnosis);
    // Evenly from all rows, so that sorted data do not show one class only.
    let stride = targets.len().div_ceil(PROBES);
    let probes: Vec<Target<'_>> = targets.into_iter().step_by(stride).collect();
    let rows: Vec<f32> = probes.iter().flat_map(|t| t.row.iter().copied()).collect();
    let scores = answers(victim, &probes, &rows, &mut diagnosis)?;
    if victim.gradients.is_some() && !diagnosis.saw(Sign::Randomised) {
        slopes(victim, &probes, &rows, &scores, threat, &mut diagnosis)?;
    }
    unbounded(victim, data, threat, seed, &mut diagnosis)?;
    Ok(diagnosis)
}

/// What labels and accuracy say.
fn labels(data: &LabelledRows<'_>, correct: usize, classes: usize, diagnosis: &mut Diagnosis) {
    let n = data.labels.len();
    let interval =
        proofhouse_core::Measurement::proportion("accuracy", correct as u64, n as u64, 0.95).interval;
    if interval.is_some_and(|i| i.low <= 1.0 / classes as f64) && n >= 20 {
        let says = format!(
            "{correct} of {n} rows are classified correctly, no better than guessing among {classes} classes; labels, \
             scale or layout of the rows may not be the model's"
        );
        diagnosis.raise(Sign::AtChance, correct, n, says);
    }
    if n > 1 && data.labels.iter().all(|label| Some(label) == data.labels.first()) {
        let says = format!(
            "all {n} rows are of class {}; what the model does with others is not tested",
            data.labels[0]
        );
        diagnosis.raise(Sign::OneClassOnly, n, n, says);
    }
}

/// What repeated questions and the form of the scores say. Returns the scores.
fn answers(
    victim: &Victim<'_>,
    probes: &[Target<'_>],
    rows: &[f32],
    diagnosis: &mut Diagnosis,
) -> Result<Vec<f32>, RobustnessError> {
    let classes = victim.model.classes();
    let mut first = Vec::new();
    victim.model.attend(&probes.iter().map(|probe| probe.index).collect::<Vec<_>>());
    victim.model.scores(rows, probes.len(), &mut first)?;
    let mut differs = vec![false; probes.len()];
    for _ in 1..REPEATS {
        let mut again = Vec::new();
        victim.model.scores(rows, probes.len(), &mut again)?;
        for (at, (a, b)) in first.chunks_exact(classes).zip(again.chunks_exact(classes)).enumerate() {
            let scale = a.iter().fold(0.0f64, |m, v| m.max(f64::from(*v).abs()));
            let off = a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs()).fold(0.0, f64::max);
            differs[at] |= off > ROUNDING * scale || predict(a, classes) != predict(b, classes);
        }
    }
    diagnosis.queries += (REPEATS * probes.len()) as u64;
    let random = differs.iter().filter(|d| **d).count();
    if random > 0 {
        let says = format!("{random} of {} rows were answered differently when asked again", probes.len());
        diagnosis.draws = DRAWS;
        if victim.gradients.is_some() {
            let repair = format!("EOT: gradients averaged over {DRAWS} answers");
            diagnosis.answered(Sign::Randomised, random, probes.len(), says, &repair);
        } else {
            diagnosis.raise(Sign::Randomised, random, probes.len(), says);
        }
    }
    let one_hot = |row: &[f32]| row.iter().all(|v| *v == 0.0 || *v == 1.0) && row.contains(&1.0);
    if first.chunks_exact(classes).all(one_hot) {
        let says = "every score is 0 or 1: the model gives labels, or probabilities rounded to them; attacks by scores \
                    and gradients see no slope, decision-based ones do";
        diagnosis.raise(Sign::LabelsOnly, probes.len(), probes.len(), says.to_owned());
    }
    Ok(first)
}

/// What gradients at the rows and along them say.
fn slopes(
    victim: &Victim<'_>,
    probes: &[Target<'_>],
    rows: &[f32],
    scores: &[f32],
    threat: &Threat,
    diagnosis: &mut Diagnosis,
) -> Result<(), RobustnessError> {
    let gradients = victim.differentiable("probe")?;
    let (features, classes) = (victim.model.features(), victim.model.classes());
    let few = |count: usize| (count as f64) <= SHARE * probes.len() as f64;
    let mut slope = Slope::new(gradients, 1);
    let mut certain = 0;
    let objective = |at: usize| Objective::of(Loss::CrossEntropy, probes[at].label, probes[at].goal);
    let (answers, slopes) = slope.at(rows, probes.len(), &mut |row, logits, slope| {
        certain += usize::from(saturated(logits, probes[row].label));
        objective(row).at(logits, slope)
    })?;
    let before: Vec<f64> = answers.iter().map(|a| a.value).collect();
    let slopes = slopes.to_vec();
    diagnosis.queries += probes.len() as u64;
    if !few(certain) {
        let says = format!(
            "on {certain} of {} rows the label's probability is 1 in float32, so that the cross-entropy is flat there",
            probes.len()
        );
        let repair = "log-odds and difference of logits ratio, which no scale of the logits flattens";
        diagnosis.answered(Sign::Saturation, certain, probes.len(), says, repair);
    }
    let straight = gradients.straight_through();
    if !straight.is_empty() {
        let says = format!("{} have a derivative of zero: {}", straight.len(), straight.join(", "));
        let repair = "BPDA: the derivative of the identity in their place (straight-through)";
        diagnosis.answered(Sign::StraightThrough, straight.len(), straight.len(), says, repair);
    }
    let flat: Vec<bool> = slopes.chunks_exact(features).map(|g| g.iter().all(|v| *v == 0.0)).collect();
    let flats = flat.iter().filter(|f| **f).count();
    if !few(flats) {
        let says = format!("the gradient of {flats} of {} rows is zero in every feature", probes.len());
        diagnosis.raise(Sign::ZeroGradients, flats, probes.len(), says);
    }
    let constant = predict(scores, classes);
    if classes > 1 && flats == probes.len() && constant.iter().all(|c| *c == constant[0]) {
        let says = "the model answers with one class and no slope, whatever it is shown".to_owned();
        diagnosis.raise(Sign::ConstantAnswer, probes.len(), probes.len(), says);
    }
    // Along its own gradient, at some short stride, the loss must rise.
    let eps = threat.per_feature(features);
    let mut rises = vec![false; probes.len()];
    for stride in STRIDES {
        let step = |(at, v): (usize, &f32)| {
            let (low, high) = threat.bounds.of(at % features);
            let moved = f64::from(*v) + stride * eps * f64::from(crate::gradient::sign(slopes[at]));
            (moved as f32).max(low.min(*v)).min(high.max(*v))
        };
        let moved: Vec<f32> = rows.iter().enumerate().map(step).collect();
        let (answers, _) =
            slope.at(&moved, probes.len(), &mut |row, logits, slope| objective(row).at(logits, slope))?;
        rises.iter_mut().zip(answers.iter().zip(&before)).for_each(|(r, (a, b))| *r |= a.value > *b);
        diagnosis.queries += probes.len() as u64;
    }
    let stuck = rises.iter().zip(&flat).filter(|(rises, flat)| !**rises && !**flat).count();
    if !few(stuck) {
        let says = format!(
            "on {stuck} of {} rows the loss does not rise along its own gradient, at any of {} short steps",
            probes.len(),
            STRIDES.len()
        );
        // Rounding makes the loss a staircase; the straight-through slope then points over steps too long to
        // see here, and the review says whether it led anywhere.
        if straight.is_empty() {
            diagnosis.raise(Sign::NotMonotone, stuck, probes.len(), says);
        } else {
            let repair = "BPDA steps as long as the ball, not as short as these";
            diagnosis.answered(Sign::NotMonotone, stuck, probes.len(), says, repair);
        }
    }
    Ok(())
}

/// Whether float32 gives the label all of the probability.
fn saturated(logits: &[f32], label: usize) -> bool {
    let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let odds = |z: f32| (z - top).exp();
    let sum: f32 = logits.iter().map(|z| odds(*z)).sum();
    logits.get(label).is_some_and(|z| 1.0 - odds(*z) / sum == 0.0)
}

/// Attacks some rows with no bound but the box. What cannot be turned into another class even so hides
/// something, or answers with one class whatever it is shown.
fn unbounded(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    seed: u64,
    diagnosis: &mut Diagnosis,
) -> Result<(), RobustnessError> {
    let features = victim.model.features();
    let stride = data.labels.len().div_ceil(PROBES);
    let picked: Vec<usize> = (0..data.labels.len()).step_by(stride.max(1)).collect();
    let rows: Vec<f32> = picked.iter().flat_map(|at| data.row(*at, features).iter().copied()).collect();
    let labels: Vec<usize> = picked.iter().map(|at| data.labels[*at]).collect();
    let goals = match &data.goals {
        crate::Goals::Each(each) => crate::Goals::Each(picked.iter().map(|at| each[*at]).collect()),
        other => other.clone(),
    };
    let wide = Threat { grid: None, norm: Norm::Linf, eps: threat.bounds.width(), ..threat.clone() };
    let counting = Counting { max_examples: 0, ..Counting::default() };
    let climb = Apgd { steps: 40, draws: diagnosis.draws, ..Apgd::cross_entropy(seed) };
    let square = Square::new(200, seed);
    // A label has no slope for a search by scores to follow; any row of another class lies in the box.
    let starts = Starts { rows: data.rows.to_vec(), labels: data.labels.to_vec() };
    let walk = HopSkipJump { queries: 200, seed, ..HopSkipJump::new(starts) };
    let attack: &dyn Attack = match victim.gradients {
        Some(_) => &climb,
        None if diagnosis.saw(Sign::LabelsOnly) => &walk,
        None => &square,
    };
    let some = LabelledRows::new(&rows, &labels).towards(goals);
    let picked = Picked { model: victim.model, from: &picked };
    let victim = &Victim { model: &picked, ..*victim };
    let report = evade(victim, &some, &wide, &[attack], &counting, &mut |_| {})?;
    diagnosis.queries += report.queries.total();
    if (report.evaded as f64) < SANE_SUCCESS * report.attacked as f64 {
        let says = format!(
            "with the whole box allowed, {} evades {} of {} rows; any row can become any other there, so the attack is \
             what fails",
            attack.name(),
            report.evaded,
            report.attacked
        );
        let (seen, of) = (report.attacked - report.evaded, report.attacked);
        diagnosis.raise(Sign::UnboundedFails, seen as usize, of as usize, says);
    }
    Ok(())
}

/// A model that is asked about some rows of the data, which have other places among themselves.
struct Picked<'a> {
    model: &'a dyn Scores,
    /// Where each lies in the data.
    from: &'a [usize],
}

impl Scores for Picked<'_> {
    fn classes(&self) -> usize {
        self.model.classes()
    }

    fn input_shape(&self) -> &[usize] {
        self.model.input_shape()
    }

    fn kind(&self) -> OutputKind {
        self.model.kind()
    }

    fn scores(&self, rows: &[f32], n: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        self.model.scores(rows, n, out)
    }

    fn attend(&self, rows: &[usize]) -> bool {
        let places: Vec<usize> = rows.iter().filter_map(|row| self.from.get(*row).copied()).collect();
        self.model.attend(&places)
    }

    fn step(&self, feature: usize) -> Option<f64> {
        self.model.step(feature)
    }
}
