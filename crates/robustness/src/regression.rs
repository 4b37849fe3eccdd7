//! Regressors: how far an attacker moves the output.
//!
//! There is no class to cross into, so the measure is the largest change of each output within the ball, in
//! the units of the output. As with classes, what is found is a fact and what is not found is no proof: the
//! changes are *lower* bounds of the largest ones.

use proofhouse_core::Measurement;
use serde::{Deserialize, Serialize};

use crate::chance::Chance;
use crate::gradient::loss::Objective;
use crate::gradient::{Climb, Slope, climb, group_rows};
use crate::{Ball, Goal, Progress, QueryLedger, RobustnessError, Target, Threat, Victim};

/// How to look for large changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Deviation {
    /// Steps of a climb; of a model without gradients, queries.
    pub steps: usize,
    /// Climbs from different starts.
    pub restarts: usize,
    /// The change from which on an output counts as moved; absent where only sizes matter.
    pub tolerance: Option<f64>,
    /// Confidence of the interval of the share of rows that were moved.
    pub confidence: f64,
    /// Seed of all chance.
    pub seed: u64,
}

impl Default for Deviation {
    fn default() -> Self {
        Self { steps: 100, restarts: 1, tolerance: None, confidence: 0.95, seed: 0 }
    }
}

/// The largest change found for one row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Index of the row.
    pub index: usize,
    /// The output that moved.
    pub output: usize,
    /// Its value at the row.
    pub before: f64,
    /// Its value at the changed row, by a fresh pass of that row alone.
    pub after: f64,
    /// Size of the change of the row, in the norm of the threat.
    pub distance: f64,
    /// The changed row.
    pub adversarial: Vec<f32>,
}

/// How far outputs can be moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviationReport {
    /// `apgd` where gradients were followed, `random-search` where there are none.
    pub attack: String,
    /// What the attacker was allowed.
    pub threat: Threat,
    /// What it ran with.
    pub options: Deviation,
    /// Rows.
    pub n: u64,
    /// Rows whose clean answer is NaN or infinite: not attacked.
    pub undefined: u64,
    /// The largest change of each row that was attacked, by index.
    pub shifts: Vec<Shift>,
    /// Mean and largest of the changes; absent where no row was attacked.
    pub mean: Option<f64>,
    /// See `mean`.
    pub largest: Option<f64>,
    /// Share of the attacked rows moved by more than the tolerance; absent without one.
    pub moved: Option<Measurement>,
    /// What it cost.
    pub queries: QueryLedger,
}

/// Looks for the largest change of any output of every row. Outputs are [`proofhouse_onnx::Scores::scores`],
/// of which a regressor may have one.
pub fn deviate(
    victim: &Victim<'_>,
    rows: &[f32],
    threat: &Threat,
    options: &Deviation,
    progress: &mut dyn FnMut(Progress),
) -> Result<DeviationReport, RobustnessError> {
    let (features, outputs) = (victim.model.features(), victim.model.classes());
    let n = check(features, outputs, rows, threat, options)?;
    let mut clean = Vec::new();
    victim.model.scores(rows, n, &mut clean)?;
    let defined: Vec<usize> =
        (0..n).filter(|row| clean[row * outputs..][..outputs].iter().all(|v| v.is_finite())).collect();
    let targets: Vec<Target<'_>> = defined
        .iter()
        .map(|index| Target {
            index: *index,
            label: 0,
            goal: Goal::Untargeted,
            row: &rows[index * features..][..features],
        })
        .collect();
    let mut queries = QueryLedger { clean: n as u64, ..QueryLedger::default() };
    let mut shifts: Vec<Shift> = Vec::with_capacity(targets.len());
    for group in targets.chunks(group_rows(features * 2 * outputs)) {
        let mut best: Vec<Option<Shift>> = vec![None; group.len()];
        for restart in 0..options.restarts {
            for output in 0..outputs {
                let found = ascend(victim, group, threat, options, (output, restart), &mut queries)?;
                for (place, row) in found {
                    let target = &group[place];
                    let mut answer = Vec::new();
                    victim.model.scores(&row, 1, &mut answer)?;
                    queries.confirm += 1;
                    let ball = Ball::new(threat, victim.model.input_shape(), target.row);
                    let before = f64::from(clean[target.index * outputs + output]);
                    let after = answer.get(output).map_or(f64::NAN, |v| f64::from(*v));
                    let further = best[place].as_ref().is_none_or(|b| (after - before).abs() > b.size());
                    if ball.contains(&row) && after.is_finite() && further {
                        let (index, distance) = (target.index, ball.distance(&row));
                        best[place] =
                            Some(Shift { index, output, before, after, distance, adversarial: row });
                    }
                }
            }
        }
        shifts.extend(best.into_iter().flatten());
        progress(Progress { rows_done: shifts.len(), rows: targets.len(), queries: queries.attack });
    }
    let sizes = || shifts.iter().map(Shift::size);
    let attacked = targets.len() as u64;
    let over = |tolerance: f64| sizes().filter(|size| *size > tolerance).count() as u64;
    Ok(DeviationReport {
        attack: if victim.gradients.is_some() { "apgd" } else { "random-search" }.to_owned(),
        threat: threat.clone(),
        options: options.clone(),
        n: n as u64,
        undefined: (n - targets.len()) as u64,
        mean: (!shifts.is_empty()).then(|| sizes().sum::<f64>() / shifts.len() as f64),
        largest: sizes().reduce(f64::max),
        moved: options
            .tolerance
            .map(|t| Measurement::proportion("output-moved", over(t), attacked, options.confidence)),
        shifts,
        queries,
    })
}

impl Shift {
    /// By how much the output moved.
    #[must_use]
    pub fn size(&self) -> f64 {
        (self.after - self.before).abs()
    }
}

fn check(
    features: usize,
    outputs: usize,
    rows: &[f32],
    threat: &Threat,
    options: &Deviation,
) -> Result<usize, RobustnessError> {
    threat.check(features)?;
    let option = |text: &str| Err(RobustnessError::Option(text.to_owned()));
    if features == 0 || outputs == 0 || !rows.len().is_multiple_of(features) {
        return Err(RobustnessError::Option(format!(
            "{} values are no rows of {features} values for a model of {outputs} outputs",
            rows.len()
        )));
    }
    if options.steps == 0 || options.restarts == 0 {
        return option("a deviation attack needs at least one step and one restart");
    }
    if options.tolerance.is_some_and(|t| !(t.is_finite() && t >= 0.0)) {
        return option("the tolerance of an output is a number from 0");
    }
    if threat.norm.counts_positions() {
        return option("outputs are moved in the norms linf, l2 and l1");
    }
    for (row, values) in rows.chunks_exact(features).enumerate() {
        for (at, v) in values.iter().enumerate() {
            let (low, high) = threat.bounds.of(at);
            if !(low..=high).contains(v) {
                let reason = format!("{v} lies outside the box {low}..={high}");
                return Err(RobustnessError::Row { row, reason });
            }
        }
    }
    Ok(rows.len() / features)
}

/// The points at which an output is largest and smallest, for every row of the group.
fn ascend(
    victim: &Victim<'_>,
    group: &[Target<'_>],
    threat: &Threat,
    options: &Deviation,
    (output, restart): (usize, usize),
    queries: &mut QueryLedger,
) -> Result<Vec<(usize, Vec<f32>)>, RobustnessError> {
    let jobs =
        group.iter().enumerate().flat_map(|(place, target)| [(place, target, 1.0), (place, target, -1.0)]);
    let purpose = |sign: f64| format!("deviation {output} {restart} {sign}");
    let Some(gradients) = victim.gradients else {
        let jobs = jobs.map(|(place, target, sign)| {
            let ball = Ball::new(threat, victim.model.input_shape(), target.row);
            let chance = Chance::new(options.seed, &purpose(sign), target.index);
            Search { place, ball, sign, chance, best: target.row.to_vec(), value: f64::NEG_INFINITY }
        });
        return search(victim, jobs.collect(), options.steps, output, queries);
    };
    let climbs = jobs.clone().map(|(_, target, sign)| Climb {
        target,
        objective: Objective::Output { at: output, sign },
        chance: Chance::new(options.seed, &purpose(sign), target.index),
    });
    let mut slope = Slope::new(gradients, 1);
    let climbed = climb(victim, &mut slope, threat, climbs.collect(), options.steps, true)?;
    for one in &climbed {
        queries.attack += one.queries;
        queries.gradients += one.gradients;
    }
    Ok(jobs.map(|(place, _, _)| place).zip(climbed.into_iter().map(|c| c.best)).collect())
}

/// A search without gradients: ever fewer features set to an edge of the ball at a time, kept if the output
/// moves further.
struct Search {
    place: usize,
    ball: Ball,
    sign: f64,
    chance: Chance,
    best: Vec<f32>,
    value: f64,
}

fn search(
    victim: &Victim<'_>,
    mut searches: Vec<Search>,
    steps: usize,
    output: usize,
    queries: &mut QueryLedger,
) -> Result<Vec<(usize, Vec<f32>)>, RobustnessError> {
    let (features, outputs) = (victim.model.features(), victim.model.classes());
    let (mut rows, mut scores) = (Vec::new(), Vec::new());
    for step in 0..steps {
        rows.clear();
        for search in &mut searches {
            let left = 1.0 - step as f64 / steps as f64;
            let mut row = search.best.clone();
            for _ in 0..((features as f64 * 0.5 * left * left).ceil() as usize).max(1) {
                let at = search.chance.below(features);
                row[at] = if search.chance.coin() { search.ball.high()[at] } else { search.ball.low()[at] };
            }
            search.ball.project(&mut row);
            rows.extend(row);
        }
        victim.model.scores(&rows, searches.len(), &mut scores)?;
        queries.attack += searches.len() as u64;
        let answers = rows.chunks_exact(features).zip(scores.chunks_exact(outputs));
        for (search, (row, answer)) in searches.iter_mut().zip(answers) {
            let value = search.sign * f64::from(answer[output]);
            if value > search.value {
                search.value = value;
                search.best.copy_from_slice(row);
            }
        }
    }
    Ok(searches.into_iter().map(|s| (s.place, s.best)).collect())
}
