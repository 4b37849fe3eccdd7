//! Is there a small pattern that turns everything into one class? (Wang et al., *Neural Cleanse*, S&P 2019.)
//!
//! For each class the smallest mask and pattern are sought that send the given rows there. A backdoor is a shortcut: its
//! class needs a far smaller mask than the others. The anomaly index says how many deviations (estimated from the median
//! distance to the median) a class's mask lies below the median; above 2 it is flagged. The index compares classes with
//! each other, so a class that is naturally near to all others may be flagged as well, and a trigger that covers much of
//! the input is missed: a flag is a reason to look, and none is no proof.

use proofhouse_onnx::{Gradients, predict};
use serde::{Deserialize, Serialize};

use super::inversion::softmax;
use super::membership::Rows;
use crate::geometry::Geometry;
use crate::{Chance, RobustnessError};

/// Index above which a class is flagged.
pub const ANOMALOUS: f64 = 2.0;
/// Deviations of a normal number for each median distance to the median.
const CONSISTENT: f64 = 1.4826;

/// How to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerSearch {
    /// Steps for each class.
    pub steps: usize,
    /// Rows of a step.
    pub batch: usize,
    /// Step of Adam.
    pub rate: f64,
    /// Share of rows that the pattern has to send to the class.
    pub success: f64,
    /// Smallest and largest value of a feature.
    pub bounds: (f32, f32),
    /// Seed of the batches.
    pub seed: u64,
}

impl Default for TriggerSearch {
    fn default() -> Self {
        Self { steps: 300, batch: 32, rate: 0.1, success: 0.95, bounds: (0.0, 1.0), seed: 0 }
    }
}

/// What was found for a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassTrigger {
    /// The class.
    pub class: usize,
    /// Size of the mask: the sum of its opacities over positions. Absent where nothing sends enough rows there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<f64>,
    /// Share of rows of other classes sent to the class.
    pub success: f64,
    /// Deviations below the median of all classes.
    pub index: f64,
    /// Opacity of each position.
    pub mask: Vec<f32>,
    /// What is shown there.
    pub pattern: Vec<f32>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerReport {
    /// Everything it was run with.
    pub search: TriggerSearch,
    /// Class by class.
    pub classes: Vec<ClassTrigger>,
    /// Classes whose index is above [`ANOMALOUS`].
    pub flagged: Vec<usize>,
    /// Whether there are enough classes for an index: at least four with a mask.
    pub comparable: bool,
    /// Forward and backward passes.
    pub gradients: u64,
}

/// Looks for a trigger of every class.
///
/// # Errors
/// Rows that do not fit the model, options that make no sense.
pub fn find(
    model: &dyn Gradients,
    data: Rows<'_>,
    search: &TriggerSearch,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<TriggerReport, RobustnessError> {
    let (width, classes) = (model.features(), model.classes());
    let (low, high) = search.bounds;
    if data.labels.is_empty() || data.labels.len().checked_mul(width) != Some(data.rows.len()) {
        return Err(RobustnessError::Option("a trigger is sought on rows that fit the model".to_owned()));
    }
    if search.steps == 0
        || search.batch == 0
        || !(search.success > 0.0 && search.success <= 1.0)
        || !(low.is_finite() && high.is_finite() && low < high)
    {
        return Err(RobustnessError::Option(
            "a search takes steps of at least a row, a share to reach in 0..=1, and a box that holds something"
                .to_owned(),
        ));
    }
    let mut found = Vec::with_capacity(classes);
    let mut gradients = 0;
    for class in 0..classes {
        progress(class, classes);
        let (trigger, passes) = one(model, data, class, search)?;
        gradients += passes;
        found.push(trigger);
    }
    progress(classes, classes);
    let sizes: Vec<f64> = found.iter().filter_map(|t| t.size).collect();
    let middle = median(&sizes);
    let distances: Vec<f64> = sizes.iter().map(|s| (s - middle).abs()).collect();
    let spread = (CONSISTENT * median(&distances)).max(1e-6 * middle.max(1e-6));
    let comparable = sizes.len() >= 4;
    for trigger in &mut found {
        trigger.index = match trigger.size {
            Some(size) if comparable && size < middle => (middle - size) / spread,
            _ => 0.0,
        };
    }
    Ok(TriggerReport {
        search: search.clone(),
        flagged: found.iter().filter(|t| t.index > ANOMALOUS).map(|t| t.class).collect(),
        classes: found,
        comparable,
        gradients,
    })
}

/// A mask over positions, the same in every channel, and a pattern, as numbers that a sigmoid brings into range.
struct Parts {
    values: Vec<f64>,
    positions: usize,
    first: Vec<f64>,
    second: Vec<f64>,
    step: i32,
}

impl Parts {
    fn mask(&self) -> Vec<f64> {
        self.values[..self.positions].iter().map(|v| sigmoid(*v)).collect()
    }

    fn pattern(&self, (low, high): (f32, f32)) -> Vec<f64> {
        let scale = |v: &f64| f64::from(low) + (f64::from(high) - f64::from(low)) * sigmoid(*v);
        self.values[self.positions..].iter().map(scale).collect()
    }

    fn adam(&mut self, slope: &[f64], rate: f64) {
        self.step += 1;
        let (b1, b2) = (0.5f64, 0.9f64);
        for (at, g) in slope.iter().enumerate().filter(|(_, g)| g.is_finite()) {
            self.first[at] = b1 * self.first[at] + (1.0 - b1) * g;
            self.second[at] = b2 * self.second[at] + (1.0 - b2) * g * g;
            let (m, v) =
                (self.first[at] / (1.0 - b1.powi(self.step)), self.second[at] / (1.0 - b2.powi(self.step)));
            self.values[at] = (self.values[at] - rate * m / (v.sqrt() + 1e-8)).clamp(-12.0, 12.0);
        }
    }
}

fn one(
    model: &dyn Gradients,
    data: Rows<'_>,
    class: usize,
    search: &TriggerSearch,
) -> Result<(ClassTrigger, u64), RobustnessError> {
    let width = model.features();
    let geometry = Geometry::of(model.input_shape());
    let positions = geometry.height * geometry.width;
    let from: Vec<usize> = (0..data.labels.len()).filter(|at| data.labels[*at] != class).collect();
    let empty =
        ClassTrigger { class, size: None, success: 0.0, index: 0.0, mask: Vec::new(), pattern: Vec::new() };
    if from.is_empty() || positions * geometry.channels != width {
        return Ok((empty, 0));
    }
    let mut chance = Chance::new(search.seed, "trigger", class);
    let mut parts = Parts {
        values: (0..positions + width)
            .map(|at| if at < positions { -1.0 } else { chance.normal() * 0.1 })
            .collect(),
        positions,
        first: vec![0.0; positions + width],
        second: vec![0.0; positions + width],
        step: 0,
    };
    let mut price = 1e-3;
    let (mut best, mut passes) = (empty, 0u64);
    let (mut gradient, mut scores) = (Vec::new(), Vec::new());
    let (mut reached, mut missed) = (0, 0);
    for _ in 0..search.steps {
        let (mask, pattern) = (parts.mask(), parts.pattern(search.bounds));
        let batch: Vec<usize> = (0..search.batch).map(|_| from[chance.below(from.len())]).collect();
        let rows = stamped(data, &batch, &mask, &pattern, width);
        let classes = model.classes();
        let mut right = 0usize;
        let mut loss = |scores: &[f32], slope: &mut [f32]| {
            for (s, d) in scores.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)) {
                let said = predict(s, classes).into_iter().next().flatten();
                right += usize::from(said == Some(class));
                for (c, (p, d)) in softmax(s).into_iter().zip(d).enumerate() {
                    *d = ((p - f64::from(u8::from(c == class))) / search.batch as f64) as f32;
                }
            }
        };
        model.pull_back(&rows, batch.len(), &mut loss, &mut gradient)?;
        passes += batch.len() as u64;
        let mut slope = vec![0.0f64; positions + width];
        for (index, g) in batch.iter().zip(gradient.chunks_exact(width)) {
            let row = &data.rows[index * width..][..width];
            for (at, g) in g.iter().enumerate() {
                let (place, g) = (at % positions, f64::from(*g));
                slope[place] += g * (pattern[at] - f64::from(row[at]));
                slope[positions + at] += g * mask[place];
            }
        }
        let box_width = f64::from(search.bounds.1) - f64::from(search.bounds.0);
        for (place, m) in mask.iter().enumerate() {
            slope[place] = (slope[place] + price) * m * (1.0 - m);
        }
        for (at, p) in pattern.iter().enumerate() {
            let s = (p - f64::from(search.bounds.0)) / box_width;
            slope[positions + at] *= box_width * s * (1.0 - s);
        }
        parts.adam(&slope, search.rate);
        // The price of the mask rises while the trigger works and falls while it does not, as in the paper.
        if right as f64 >= search.success * batch.len() as f64 {
            (reached, missed) = (reached + 1, 0);
        } else {
            (reached, missed) = (0, missed + 1);
        }
        if reached >= 5 {
            price = (price * 1.5f64).min(10.0);
            reached = 0;
            let size: f64 = mask.iter().sum();
            if best.size.is_none_or(|s| size < s) {
                // What a batch suggests, all rows have to show.
                let rows = stamped(data, &from, &mask, &pattern, width);
                model.scores(&rows, from.len(), &mut scores)?;
                let sent = predict(&scores, classes).into_iter().filter(|c| *c == Some(class)).count();
                let share = sent as f64 / from.len() as f64;
                if share >= search.success {
                    best.size = Some(size);
                    best.success = share;
                    best.mask = mask.iter().map(|v| *v as f32).collect();
                    best.pattern = pattern.iter().map(|v| *v as f32).collect();
                }
            }
        } else if missed >= 5 {
            price /= 1.5f64.powf(1.5);
            missed = 0;
        }
    }
    Ok((best, passes))
}

/// Rows with the pattern where the mask is opaque.
pub(super) fn stamped(
    data: Rows<'_>,
    indices: &[usize],
    mask: &[f64],
    pattern: &[f64],
    width: usize,
) -> Vec<f32> {
    let mut rows = Vec::with_capacity(indices.len() * width);
    for index in indices {
        let row = &data.rows[index * width..][..width];
        rows.extend(row.iter().zip(pattern).enumerate().map(|(at, (v, p))| {
            let m = mask[at % mask.len()];
            (f64::from(*v) * (1.0 - m) + p * m) as f32
        }));
    }
    rows
}

fn sigmoid(v: f64) -> f64 {
    1.0 / (1.0 + (-v).exp())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => f64::midpoint(sorted[n / 2 - 1], sorted[n / 2]),
    }
}
