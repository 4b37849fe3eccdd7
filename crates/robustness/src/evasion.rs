//! What attacks found, counted so that it holds up.
//!
//! Only rows that the model classifies correctly are attacked, and a row counts as robust only if it was
//! correct before and no counterexample was found. A counterexample counts if it lies in the ball and the
//! box, a fresh forward pass of that row alone confirms it, and so does the second engine where there is one.

use proofhouse_core::Measurement;
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use crate::attack::suits;
use crate::data::Clean;
use crate::{
    Access, Attack, Ball, LabelledRows, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim,
};

/// A row that the model misclassifies, beside the correct one it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counterexample {
    /// Index of the row.
    pub index: usize,
    /// Its label, which the model predicted.
    pub label: usize,
    /// What it predicts now.
    pub predicted: usize,
    /// The attack that found it.
    pub attack: String,
    /// Size of the change, in the norm of the threat.
    pub distance: f64,
    /// Queries that attack needed, for this row.
    pub queries: u64,
    /// Whether it still works rounded to the deployable grid within the ball; absent without a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survives_rounding: Option<bool>,
    /// The row.
    pub original: Vec<f32>,
    /// The changed row.
    pub adversarial: Vec<f32>,
}

/// Passes of single rows, by what they were for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLedger {
    /// To find out which rows are correct to begin with.
    pub clean: u64,
    /// By the attacks, their first queries included.
    pub attack: u64,
    /// To confirm counterexamples, and to try them rounded.
    pub confirm: u64,
    /// Backward passes by the attacks; each comes with a forward pass that `attack` counts.
    #[serde(default)]
    pub gradients: u64,
}

impl QueryLedger {
    /// All forward passes.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.clean + self.attack + self.confirm
    }
}

/// One attack's share of a report. Attacks run one after the other, each on what is still standing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The attack.
    pub attack: String,
    /// What it needed to see.
    pub access: Access,
    /// What it ran with.
    pub settings: serde_json::Value,
    /// How it got round masked gradients; empty where it followed true ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repairs: Vec<String>,
    /// Rows still standing before it.
    pub attacked: u64,
    /// Rows with a confirmed counterexample by it.
    pub evaded: u64,
    /// Claims that a fresh pass did not confirm.
    pub unconfirmed: u64,
    /// Claims that a fresh pass confirmed and the second engine did not: they lie on the edge of rounding.
    pub disputed: u64,
    /// Forward passes.
    pub queries: u64,
    /// Backward passes.
    pub gradients: u64,
}

/// How to count.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counting {
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
    /// Most counterexamples to keep in the report. All are counted.
    pub max_examples: usize,
}

impl Default for Counting {
    fn default() -> Self {
        Self { confidence: 0.95, max_examples: 16 }
    }
}

impl Counting {
    fn check(&self) -> Result<(), RobustnessError> {
        if (0.5..1.0).contains(&self.confidence) {
            return Ok(());
        }
        Err(RobustnessError::Option(format!("a confidence lies in 0.5..1, {} does not", self.confidence)))
    }
}

/// Rows that are proved to be robust: a lower bound.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certified {
    /// How it was proved.
    pub method: String,
    /// Indices of the rows, ascending: correct, and so everywhere in the ball.
    pub rows: Vec<usize>,
    /// Their share of all rows.
    pub accuracy: Measurement,
}

/// The outcome of evasion attacks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvasionReport {
    /// The attacks, joined: `apgd-ce+square`.
    pub attack: String,
    /// The norm of the ball.
    pub norm: Norm,
    /// What the attacker was allowed.
    pub threat: Threat,
    /// How counterexamples were confirmed.
    pub confirmed_by: Vec<String>,
    /// Attack by attack.
    pub parts: Vec<Part>,
    /// Rows.
    pub n: u64,
    /// Rows that the model classifies correctly and the attacker wants otherwise. Every one of them was
    /// attacked.
    pub attacked: u64,
    /// Attacked rows with a confirmed counterexample.
    pub evaded: u64,
    /// Rows classified correctly, attacked or not, without a confirmed counterexample. An upper bound: a
    /// stronger attack may evade more.
    pub robust_correct: u64,
    /// Counterexamples that a fresh forward pass did not confirm: the model does not answer the same
    /// question the same way. They are not counted as evaded, and the report cannot pass.
    pub unconfirmed: u64,
    /// Counterexamples that the second engine did not confirm, on rows without another.
    pub disputed: u64,
    /// Answers with NaN among the scores. They are no evidence either way, and the report cannot pass.
    pub undefined: u64,
    /// Confirmed counterexamples that work on the deployable grid, too; absent without a grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub survive_rounding: Option<u64>,
    /// What it cost.
    pub queries: QueryLedger,
    /// Share of the attacked rows that were evaded. The interval speaks about rows like these under this
    /// attack; a lower bound of what a stronger attack does.
    pub success: Measurement,
    /// Share of all rows that are correct and were not evaded. An *upper* bound of the true robust accuracy.
    pub robust_accuracy: Measurement,
    /// What is proved: a *lower* bound of the true robust accuracy; absent where nothing was certified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certified: Option<Certified>,
    /// `success` among the attacked rows of each label.
    pub per_class: Vec<Measurement>,
    /// Indices of the evaded rows, ascending.
    pub evaded_rows: Vec<usize>,
    /// The first counterexamples by index, as many as asked for.
    pub examples: Vec<Counterexample>,
}

impl EvasionReport {
    /// Adds the lower bound: the rows `certified` of those classified correctly are proved robust by `method`.
    ///
    /// # Errors
    /// Where one of them was evaded: proof and counterexample cannot both be right.
    pub fn certify(&mut self, method: &str, certified: &[usize]) -> Result<(), RobustnessError> {
        if let Some(row) = certified.iter().find(|row| self.evaded_rows.binary_search(row).is_ok()) {
            return Err(RobustnessError::Contradiction { row: *row, eps: self.threat.eps });
        }
        let confidence = self.robust_accuracy.interval.as_ref().map_or(0.95, |i| i.confidence);
        let mut rows = certified.to_vec();
        rows.sort_unstable();
        rows.dedup();
        let accuracy = Measurement::proportion("certified-accuracy", rows.len() as u64, self.n, confidence);
        self.certified = Some(Certified { method: method.to_owned(), rows, accuracy });
        Ok(())
    }
}

/// Attacks every correctly classified row of `data` within `threat`, with one attack after the other, each on
/// the rows that are still standing. `progress` is told after every round of queries.
pub fn evade(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    attacks: &[&dyn Attack],
    counting: &Counting,
    progress: &mut dyn FnMut(Progress),
) -> Result<EvasionReport, RobustnessError> {
    data.check(victim.model, threat)?;
    counting.check()?;
    let clean = data.clean(victim.model)?;
    let targets = wanted(data, &clean, victim.model.features());
    let findings = pursue(victim, &targets, threat, attacks, progress)?;
    Ok(report(victim, threat, counting, data.labels.len(), &clean, &targets, findings))
}

/// Attacks that may have stopped midway.
#[derive(Debug)]
pub struct Pursuit {
    /// What was found on the rows up to where it stopped: the report that [`evade`] makes of these rows alone.
    pub report: EvasionReport,
    /// Why it stopped; absent where all rows are done.
    pub stopped: Option<RobustnessError>,
}

/// As [`evade`], `group` rows after `group` rows, so that a model that fails midway, as one somewhere else may,
/// leaves what was found before. What is found for a row is the same.
///
/// # Errors
/// Where rows, threat or attacks make no sense; a model that fails is no error here.
pub fn evade_in_groups(
    victim: &Victim<'_>,
    data: &LabelledRows<'_>,
    threat: &Threat,
    attacks: &[&dyn Attack],
    counting: &Counting,
    group: usize,
    progress: &mut dyn FnMut(Progress),
) -> Result<Pursuit, RobustnessError> {
    data.check(victim.model, threat)?;
    counting.check()?;
    let (n, features) = (data.labels.len(), victim.model.features());
    let mut clean = Clean { correct: Vec::new(), undefined: 0 };
    let mut targets: Vec<Target<'_>> = Vec::new();
    let mut findings = pursue(victim, &[], threat, attacks, &mut |_| {})?;
    let (mut done, mut stopped) = (0, None);
    while done < n && stopped.is_none() {
        let end = done.saturating_add(group.max(1)).min(n);
        let asked: u64 = findings.parts.iter().map(|part| part.queries).sum();
        let mut attempt = || {
            let clean = data.clean_among(victim.model, done..end)?;
            let targets = wanted(data, &clean, features);
            // Rows that are not attacked are done, too.
            let spared = (end - done) - targets.len();
            let findings = pursue(victim, &targets, threat, attacks, &mut |p| {
                let rows_done = done + spared + p.rows_done;
                progress(Progress { rows_done, rows: n, queries: asked + p.queries });
            })?;
            Ok((clean, targets, findings))
        };
        match attempt() {
            Ok((more, attacked, found)) => {
                clean.correct.extend(more.correct);
                clean.undefined += more.undefined;
                targets.extend(attacked);
                findings.add(found);
                done = end;
            }
            Err(error @ RobustnessError::Model(_)) => stopped = Some(error),
            Err(error) => return Err(error),
        }
    }
    Ok(Pursuit { report: report(victim, threat, counting, done, &clean, &targets, findings), stopped })
}

/// What the findings on the first `n` rows come to.
fn report(
    victim: &Victim<'_>,
    threat: &Threat,
    counting: &Counting,
    n: usize,
    clean: &Clean,
    targets: &[Target<'_>],
    findings: Findings,
) -> EvasionReport {
    let mut per_class = vec![(0u64, 0u64); victim.model.classes()];
    for target in targets {
        per_class[target.label].1 += 1;
    }
    for example in &findings.confirmed {
        per_class[example.label].0 += 1;
    }
    let (n, attacked) = (n as u64, targets.len() as u64);
    let evaded = findings.confirmed.len() as u64;
    let robust_correct = clean.correct.len() as u64 - evaded;
    let proportion = |name, k, n| Measurement::proportion(name, k, n, counting.confidence);
    let survivors = findings.confirmed.iter().filter(|e| e.survives_rounding == Some(true)).count() as u64;
    EvasionReport {
        attack: findings.parts.iter().map(|p| p.attack.as_str()).collect::<Vec<_>>().join("+"),
        norm: threat.norm,
        threat: threat.clone(),
        confirmed_by: ["a fresh pass of the row alone"]
            .into_iter()
            .chain(victim.second.map(|(name, _)| name))
            .map(str::to_owned)
            .collect(),
        n,
        attacked,
        evaded,
        robust_correct,
        unconfirmed: findings.parts.iter().map(|p| p.unconfirmed).sum(),
        disputed: findings.disputed,
        undefined: clean.undefined + findings.undefined,
        survive_rounding: threat.grid.map(|_| survivors),
        queries: QueryLedger {
            clean: n,
            attack: findings.parts.iter().map(|p| p.queries).sum(),
            confirm: findings.confirm,
            gradients: findings.parts.iter().map(|p| p.gradients).sum(),
        },
        success: proportion("evasion-success", evaded, attacked),
        robust_accuracy: proportion("robust-accuracy", robust_correct, n),
        certified: None,
        per_class: per_class
            .iter()
            .enumerate()
            .filter(|(_, (_, attacked))| *attacked > 0)
            .map(|(class, (evaded, attacked))| {
                proportion("evasion-success", *evaded, *attacked).of_slice(format!("class={class}"))
            })
            .collect(),
        parts: findings.parts,
        evaded_rows: findings.confirmed.iter().map(|e| e.index).collect(),
        examples: findings.confirmed.into_iter().take(counting.max_examples).collect(),
    }
}

/// The rows to attack: correct, and wanted otherwise.
pub(crate) fn wanted<'a>(data: &LabelledRows<'a>, clean: &Clean, features: usize) -> Vec<Target<'a>> {
    let target = |index: &usize| Target {
        index: *index,
        label: data.labels[*index],
        goal: data.goal(*index),
        row: data.row(*index, features),
    };
    let differs = |t: &Target<'_>| t.goal != crate::Goal::Targeted(t.label);
    clean.correct.iter().map(target).filter(differs).collect()
}

/// What came of attacking some rows.
pub(crate) struct Findings {
    /// By index.
    pub confirmed: Vec<Counterexample>,
    pub disputed: u64,
    pub undefined: u64,
    pub confirm: u64,
    pub parts: Vec<Part>,
}

impl Findings {
    /// Adds what the same attacks found on later rows.
    fn add(&mut self, later: Self) {
        self.confirmed.extend(later.confirmed);
        self.disputed += later.disputed;
        self.undefined += later.undefined;
        self.confirm += later.confirm;
        for (part, more) in self.parts.iter_mut().zip(later.parts) {
            part.attacked += more.attacked;
            part.evaded += more.evaded;
            part.unconfirmed += more.unconfirmed;
            part.disputed += more.disputed;
            part.queries += more.queries;
            part.gradients += more.gradients;
        }
    }
}

/// Runs one attack after the other on what is still standing, and confirms what they claim.
pub(crate) fn pursue(
    victim: &Victim<'_>,
    targets: &[Target<'_>],
    threat: &Threat,
    attacks: &[&dyn Attack],
    progress: &mut dyn FnMut(Progress),
) -> Result<Findings, RobustnessError> {
    for attack in attacks {
        suits(*attack, victim, threat)?;
    }
    let mut findings =
        Findings { confirmed: Vec::new(), disputed: 0, undefined: 0, confirm: 0, parts: Vec::new() };
    let mut standing = targets.to_vec();
    let mut disputed: Vec<usize> = Vec::new();
    let mut asked = 0;
    for attack in attacks {
        let mut part = Part {
            attack: attack.name(),
            access: attack.access(),
            settings: attack.settings(),
            repairs: attack.repairs(victim),
            attacked: standing.len() as u64,
            evaded: 0,
            unconfirmed: 0,
            disputed: 0,
            queries: 0,
            gradients: 0,
        };
        let fallen = targets.len() - standing.len();
        let outcomes = run(*attack, victim, threat, &standing, &mut |p| {
            progress(Progress {
                rows_done: fallen + p.rows_done,
                rows: targets.len(),
                queries: asked + p.queries,
            });
        })?;
        let before = findings.confirmed.len();
        for outcome in outcomes {
            part.queries += outcome.queries;
            part.gradients += outcome.gradients;
            findings.undefined += outcome.undefined;
            let Some(target) = standing.iter().find(|t| t.index == outcome.index) else { continue };
            match confirm(victim, target, threat, &attack.name(), outcome, &mut findings.confirm)? {
                Claim::None => {}
                Claim::Unconfirmed => part.unconfirmed += 1,
                Claim::Disputed(index) => {
                    part.disputed += 1;
                    disputed.push(index);
                }
                Claim::Confirmed(example) => findings.confirmed.push(*example),
            }
        }
        let fresh = &findings.confirmed[before..];
        part.evaded = fresh.len() as u64;
        standing.retain(|t| fresh.iter().all(|e| e.index != t.index));
        asked += part.queries;
        findings.parts.push(part);
    }
    disputed.sort_unstable();
    disputed.dedup();
    findings.disputed = disputed.iter().filter(|i| standing.iter().any(|t| t.index == **i)).count() as u64;
    findings.confirmed.sort_by_key(|e| e.index);
    Ok(findings)
}

/// Runs an attack on all targets at once, or on one after the other where a model has to know whose questions it is
/// asked. What is found for a target is the same.
fn run(
    attack: &dyn Attack,
    victim: &Victim<'_>,
    threat: &Threat,
    targets: &[Target<'_>],
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<Outcome>, RobustnessError> {
    if targets.first().is_none_or(|first| !victim.model.attend(&[first.index])) {
        return attack.run(victim, threat, targets, progress);
    }
    let (mut outcomes, mut asked) = (Vec::with_capacity(targets.len()), 0);
    for (done, target) in targets.iter().enumerate() {
        victim.model.attend(&[target.index]);
        let found = attack.run(victim, threat, std::slice::from_ref(target), &mut |p| {
            progress(Progress {
                rows_done: done + p.rows_done,
                rows: targets.len(),
                queries: asked + p.queries,
            });
        })?;
        asked += found.iter().map(|outcome| outcome.queries).sum::<u64>();
        outcomes.extend(found);
    }
    Ok(outcomes)
}

enum Claim {
    None,
    Unconfirmed,
    Disputed(usize),
    Confirmed(Box<Counterexample>),
}

fn confirm(
    victim: &Victim<'_>,
    target: &Target<'_>,
    threat: &Threat,
    attack: &str,
    outcome: Outcome,
    asked: &mut u64,
) -> Result<Claim, RobustnessError> {
    let Some(adversarial) = outcome.found else { return Ok(Claim::None) };
    let shape = victim.model.input_shape();
    let ball = Ball::new(threat, shape, target.row);
    let reached = |class: &usize| target.goal.reached(target.label, *class);
    victim.model.attend(&[target.index]);
    let step = |feature: usize| victim.model.step(feature);
    // A model of whole numbers was asked what lies nearest to the row, which may lie outside of the ball. What counts lies
    // in both.
    let rounds = (0..target.row.len()).any(|feature| step(feature).is_some());
    let candidates = if rounds { ball.on_grid(&adversarial, &step) } else { vec![adversarial] };
    let mut works = None;
    for row in candidates {
        if let Some(class) = ask(victim.model, &row, asked)?.filter(reached) {
            works = Some((row, class));
            break;
        }
    }
    let Some((adversarial, predicted)) = works else {
        return Ok(if rounds { Claim::None } else { Claim::Unconfirmed });
    };
    if !ball.contains(&adversarial) {
        return Ok(Claim::Unconfirmed);
    }
    if let Some((_, second)) = victim.second
        && !ask(second, &adversarial, asked)?.is_some_and(|class| reached(&class))
    {
        return Ok(Claim::Disputed(outcome.index));
    }
    let survives_rounding = match threat.grid {
        None => None,
        Some(step) => Some(match ball.snap(&adversarial, step) {
            None => false,
            Some(row) => ask(victim.model, &row, asked)?.is_some_and(|class| reached(&class)),
        }),
    };
    Ok(Claim::Confirmed(Box::new(Counterexample {
        index: outcome.index,
        label: target.label,
        predicted,
        attack: attack.to_owned(),
        distance: ball.distance(&adversarial),
        queries: outcome.queries,
        survives_rounding,
        original: target.row.to_vec(),
        adversarial,
    })))
}

/// The class of one row, asked alone.
fn ask(model: &dyn Scores, row: &[f32], asked: &mut u64) -> Result<Option<usize>, RobustnessError> {
    let mut scores = Vec::new();
    model.scores(row, 1, &mut scores)?;
    *asked += 1;
    Ok(predict(&scores, model.classes()).into_iter().next().flatten())
}
