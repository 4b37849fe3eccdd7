//! One change for all rows (Moosavi-Dezfooli et al. 2017).
//!
//! The change is made on some rows and judged on *others*: a change that fools only the rows it was made from is not
//! universal. With gradients it descends on the rows' mean margin, cut off below so that rows already fooled do not
//! drown the rest (Shafahi et al., *Universal Adversarial Training*, 2020); without, squares of the change are redrawn
//! at random and kept where that mean falls, as Square does for a single row.

use proofhouse_core::Measurement;
use proofhouse_onnx::predict;
use serde::{Deserialize, Serialize};

use crate::attack::margin;
use crate::geometry::Geometry;
use crate::{Ball, Chance, Goal, LabelledRows, Norm, QueryLedger, RobustnessError, Threat, Victim};

/// Rows of a step.
const BATCH: usize = 64;
/// Margin below which a fooled row asks for no more, beside the mean margin at the start.
const ENOUGH: f64 = 0.5;

/// How to make a universal change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniversalOptions {
    /// Passes over the rows it is made from.
    pub epochs: usize,
    /// Step of a descent, as a share of the radius.
    pub step: f64,
    /// Seed of all chance.
    pub seed: u64,
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
}

impl Default for UniversalOptions {
    fn default() -> Self {
        Self { epochs: 20, step: 0.1, seed: 0, confidence: 0.95 }
    }
}

/// What one change does to rows that it was not made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UniversalReport {
    /// What was allowed.
    pub threat: Threat,
    /// Everything it was run with.
    pub options: UniversalOptions,
    /// Whether gradients were followed.
    pub gradients: bool,
    /// Share of the rows it was made from, right before, that it fools.
    pub made: Measurement,
    /// Share of the other rows, right before, that it fools. This is the result.
    pub success: Measurement,
    /// Share of the other rows that are right before and after.
    pub robust_accuracy: Measurement,
    /// Share of all wrong answers after the change that fall on the class it leads to most often, and that class.
    pub leads_to: Option<(usize, f64)>,
    /// What it cost.
    pub queries: QueryLedger,
    /// The change.
    pub change: Vec<f32>,
}

/// Makes a change on `made_on` and judges it on `judged_on`.
///
/// # Errors
/// Rows that do not fit the model or the box, a norm other than L-infinity and L2, options that make no sense.
pub fn universal(
    victim: &Victim<'_>,
    made_on: &LabelledRows<'_>,
    judged_on: &LabelledRows<'_>,
    threat: &Threat,
    options: &UniversalOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<UniversalReport, RobustnessError> {
    made_on.check(victim.model, threat)?;
    judged_on.check(victim.model, threat)?;
    if !matches!(threat.norm, Norm::Linf | Norm::L2) {
        return Err(RobustnessError::Option(format!(
            "a universal change is made in linf or l2, not in {}",
            threat.norm
        )));
    }
    if options.epochs == 0 || !(options.step > 0.0 && options.step <= 2.0) {
        return Err(RobustnessError::Option(
            "a universal change takes at least one epoch, and steps of at most twice the radius".to_owned(),
        ));
    }
    let features = victim.model.features();
    let shape = victim.model.input_shape();
    // The change itself knows no box; rows are brought back into theirs one by one.
    let free = Threat { grid: None, ..threat.clone() }.within(f32::MIN, f32::MAX);
    let ball = Ball::new(&free, shape, &vec![0.0; features]);
    let mut maker = Maker {
        victim,
        threat,
        rows: made_on,
        ball,
        queries: QueryLedger::default(),
        change: vec![0.0; features],
        chance: Chance::new(options.seed, "universal", 0),
    };
    let right = maker.right(made_on)?;
    for epoch in 0..options.epochs {
        progress(epoch, options.epochs);
        if victim.gradients.is_some() {
            maker.descend(&right, options.step * (1.0 - epoch as f64 / options.epochs as f64).max(0.05))?;
        } else {
            maker.redraw(&right, epoch as f64 / options.epochs as f64)?;
        }
    }
    progress(options.epochs, options.epochs);
    let (made, _) = maker.fools(made_on, &right)?;
    let judged = maker.right(judged_on)?;
    let (fooled, classes) = maker.fools(judged_on, &judged)?;
    let proportion = |name, k, n: usize| Measurement::proportion(name, k, n as u64, options.confidence);
    let most = classes.iter().enumerate().max_by_key(|(class, n)| (**n, std::cmp::Reverse(*class)));
    let wrong: u64 = classes.iter().sum();
    Ok(UniversalReport {
        threat: threat.clone(),
        options: options.clone(),
        gradients: victim.gradients.is_some(),
        made: proportion("evasion-success", made, right.len()),
        success: proportion("evasion-success", fooled, judged.len()),
        robust_accuracy: proportion("robust-accuracy", judged.len() as u64 - fooled, judged_on.labels.len()),
        leads_to: most.filter(|(_, n)| **n > 0).map(|(class, n)| (class, *n as f64 / wrong as f64)),
        queries: maker.queries,
        change: maker.change,
    })
}

struct Maker<'a> {
    victim: &'a Victim<'a>,
    threat: &'a Threat,
    rows: &'a LabelledRows<'a>,
    /// Around no change.
    ball: Ball,
    queries: QueryLedger,
    change: Vec<f32>,
    chance: Chance,
}

impl Maker<'_> {
    /// The rows that are right unchanged.
    fn right(&mut self, data: &LabelledRows<'_>) -> Result<Vec<usize>, RobustnessError> {
        let mut scores = Vec::new();
        self.victim.model.scores(data.rows, data.labels.len(), &mut scores)?;
        self.queries.clean += data.labels.len() as u64;
        let predicted = predict(&scores, self.victim.model.classes());
        Ok((0..data.labels.len()).filter(|at| predicted[*at] == Some(data.labels[*at])).collect())
    }

    /// Rows with a change, in their box.
    fn changed(&self, data: &LabelledRows<'_>, indices: &[usize], change: &[f32]) -> Vec<f32> {
        let features = change.len();
        let mut rows = Vec::with_capacity(indices.len() * features);
        for index in indices {
            let row = data.row(*index, features);
            rows.extend(row.iter().zip(change).enumerate().map(|(at, (v, d))| {
                let (low, high) = self.threat.bounds.of(at);
                (v + d).clamp(low, high)
            }));
        }
        rows
    }

    /// How many of the given rows are wrong with the change, and the classes they then have.
    fn fools(
        &mut self,
        data: &LabelledRows<'_>,
        right: &[usize],
    ) -> Result<(u64, Vec<u64>), RobustnessError> {
        let rows = self.changed(data, right, &self.change);
        let mut scores = Vec::new();
        self.victim.model.scores(&rows, right.len(), &mut scores)?;
        self.queries.confirm += right.len() as u64;
        let mut classes = vec![0; self.victim.model.classes()];
        for (index, class) in right.iter().zip(predict(&scores, classes.len())) {
            if let Some(class) = class.filter(|c| *c != data.labels[*index]) {
                classes[class] += 1;
            }
        }
        Ok((classes.iter().sum(), classes))
    }

    /// A pass over the rows in random order, a step for each batch.
    fn descend(&mut self, right: &[usize], step: f64) -> Result<(), RobustnessError> {
        let Some(gradients) = self.victim.gradients else { return Ok(()) };
        let mut order = right.to_vec();
        self.chance.shuffle(&mut order);
        let classes = gradients.classes();
        let mut gradient = Vec::new();
        for batch in order.chunks(BATCH) {
            let rows = self.changed(self.rows, batch, &self.change);
            let labels: Vec<usize> = batch.iter().map(|at| self.rows.labels[*at]).collect();
            let mut loss = |scores: &[f32], slope: &mut [f32]| {
                let each = scores.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)).zip(&labels);
                for ((scores, slope), label) in each {
                    let others = scores.iter().enumerate().filter(|(class, _)| class != label);
                    let Some((other, best)) = others.reduce(|a, b| if b.1 > a.1 { b } else { a }) else {
                        continue;
                    };
                    let spread: f32 = scores.iter().map(|s| s.abs()).fold(0.0, f32::max);
                    if scores[*label] - best > -(ENOUGH as f32) * spread {
                        slope[*label] = 1.0;
                        slope[other] = -1.0;
                    }
                }
            };
            gradients.pull_back(&rows, batch.len(), &mut loss, &mut gradient)?;
            self.queries.attack += batch.len() as u64;
            self.queries.gradients += batch.len() as u64;
            let mut slope = vec![0.0f64; self.change.len()];
            for row in gradient.chunks_exact(slope.len()) {
                slope.iter_mut().zip(row).for_each(|(s, g)| *s += f64::from(*g));
            }
            let length = slope.iter().map(|s| s * s).sum::<f64>().sqrt();
            if !(length > 0.0 && length.is_finite()) {
                continue;
            }
            let far = step * self.threat.eps;
            for (d, s) in self.change.iter_mut().zip(&slope) {
                let by = if self.threat.norm == Norm::Linf { s.signum() } else { s / length };
                *d = (f64::from(*d) - far * if *s == 0.0 { 0.0 } else { by }) as f32;
            }
            self.ball.project(&mut self.change);
        }
        Ok(())
    }

    /// As many random squares as there are batches, each kept if the rows' mean margin falls.
    fn redraw(&mut self, right: &[usize], progress: f64) -> Result<(), RobustnessError> {
        let geometry = Geometry::of(self.victim.model.input_shape());
        let mut best = self.mean_margin(right, &self.change.clone())?;
        for _ in 0..right.len().div_ceil(BATCH).max(4) {
            let window = geometry.window(0.3 * (1.0 - progress) + 0.02);
            let top = self.chance.below(geometry.height - window.height + 1);
            let left = self.chance.below(geometry.width - window.width + 1);
            let size = match self.threat.norm {
                Norm::Linf => self.threat.eps,
                _ => self.threat.eps / ((window.height * window.width * geometry.channels) as f64).sqrt(),
            };
            let mut candidate = self.change.clone();
            for channel in 0..geometry.channels {
                let value = (size * self.chance.sign()) as f32;
                for line in geometry.lines(channel, (top, left), window) {
                    candidate[line].fill(value);
                }
            }
            self.ball.project(&mut candidate);
            let mean = self.mean_margin(right, &candidate)?;
            if mean < best {
                best = mean;
                self.change = candidate;
            }
        }
        Ok(())
    }

    fn mean_margin(&mut self, right: &[usize], change: &[f32]) -> Result<f64, RobustnessError> {
        let rows = self.changed(self.rows, right, change);
        let mut scores = Vec::new();
        self.victim.model.scores(&rows, right.len(), &mut scores)?;
        self.queries.attack += right.len() as u64;
        let kind = self.victim.model.kind();
        let margins = right.iter().zip(scores.chunks_exact(self.victim.model.classes())).map(|(at, s)| {
            let spread: f64 = s.iter().map(|v| f64::from(v.abs())).fold(0.0, f64::max);
            margin(s, self.rows.labels[*at], Goal::Untargeted, kind).max(-ENOUGH * spread)
        });
        Ok(margins.sum::<f64>() / right.len().max(1) as f64)
    }
}
