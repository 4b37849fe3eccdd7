//! What does the model imagine a class to look like? (Fredrikson, Jha, Ristenpart, CCS 2015.)
//!
//! From a neutral row the class's probability is climbed by gradients, in the box, with a price on roughness for images.
//! A picture proves nothing by itself, so it is handed to a matcher: which class's real rows is it nearest to, by
//! correlation with their means? A match rate that chance could explain says that inversion shows no class in particular.

use proofhouse_core::{Measurement, Unit};
use proofhouse_onnx::Gradients;
use serde::{Deserialize, Serialize};

use super::membership::Rows;
use crate::RobustnessError;
use crate::binomial::clopper_pearson;
use crate::geometry::Geometry;

/// How to invert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inversion {
    /// Steps of a climb.
    pub steps: usize,
    /// Length of a step, as a share of the box.
    pub rate: f64,
    /// Price of roughness beside the probability.
    pub smooth: f64,
    /// Smallest and largest value of a feature.
    pub bounds: (f32, f32),
    /// Confidence of the two-sided intervals.
    pub confidence: f64,
}

impl Default for Inversion {
    fn default() -> Self {
        Self { steps: 100, rate: 0.02, smooth: 0.1, bounds: (0.0, 1.0), confidence: 0.95 }
    }
}

/// What was made of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inverted {
    /// The class.
    pub class: usize,
    /// The model's probability that the row is of the class.
    pub probability: f64,
    /// The class whose real rows it resembles most, and the correlation with their mean.
    pub resembles: Option<(usize, f64)>,
    /// The real row nearest to it, and the mean squared difference.
    pub nearest: Option<(usize, f64)>,
    /// The row.
    pub row: Vec<f32>,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InversionReport {
    /// Everything it was run with.
    pub inversion: Inversion,
    /// Class by class.
    pub classes: Vec<Inverted>,
    /// Share of classes that the matcher recognises.
    pub matched: Measurement,
    /// What chance would give.
    pub chance: f64,
    /// Whether the lower end of the interval lies above chance.
    pub leaks: bool,
    /// Forward and backward passes.
    pub gradients: u64,
}

/// Inverts every class; `reference` holds real rows for the matcher.
///
/// # Errors
/// Rows that do not fit the model, options that make no sense.
pub fn invert(
    model: &dyn Gradients,
    reference: Rows<'_>,
    inversion: &Inversion,
) -> Result<InversionReport, RobustnessError> {
    let (width, classes) = (model.features(), model.classes());
    let (low, high) = inversion.bounds;
    if reference.labels.len().checked_mul(width) != Some(reference.rows.len())
        || reference.labels.iter().any(|l| *l >= classes)
    {
        return Err(RobustnessError::Option("the matcher's rows and labels do not fit the model".to_owned()));
    }
    if inversion.steps == 0 || !(low.is_finite() && high.is_finite() && low < high) {
        return Err(RobustnessError::Option(
            "inversion takes steps, and a box that holds something".to_owned(),
        ));
    }
    let geometry = Geometry::of(model.input_shape());
    let box_width = f64::from(high) - f64::from(low);
    // Every class is a row of one batch.
    let mut rows = vec![f32::midpoint(low, high); classes * width];
    let mut gradient = Vec::new();
    let mut momentum = vec![0.0f64; classes * width];
    for step in 0..inversion.steps {
        let mut loss = |scores: &[f32], slope: &mut [f32]| {
            for (class, (s, d)) in
                scores.chunks_exact(classes).zip(slope.chunks_exact_mut(classes)).enumerate()
            {
                for (c, (p, d)) in softmax(s).into_iter().zip(d).enumerate() {
                    *d = (p - f64::from(u8::from(c == class))) as f32;
                }
            }
        };
        model.pull_back(&rows, classes, &mut loss, &mut gradient)?;
        let rate = inversion.rate * box_width * (1.0 - 0.9 * step as f64 / inversion.steps as f64);
        for class in 0..classes {
            let span = class * width..(class + 1) * width;
            let slope = &gradient[span.clone()];
            let size = slope.iter().map(|g| f64::from(*g).abs()).sum::<f64>() / width as f64;
            let rough = roughness(geometry, &rows[span.clone()]);
            for (at, rough) in span.zip(rough) {
                let g = f64::from(gradient[at]) / size.max(1e-12) + inversion.smooth * rough / box_width;
                momentum[at] = 0.9 * momentum[at] + 0.1 * if g.is_finite() { g } else { 0.0 };
                rows[at] = ((f64::from(rows[at]) - rate * momentum[at]) as f32).clamp(low, high);
            }
        }
    }
    let mut scores = Vec::new();
    model.scores(&rows, classes, &mut scores)?;
    let means = means(reference, width, classes);
    let mut inverted = Vec::with_capacity(classes);
    let mut matched = 0u64;
    for (class, (row, s)) in rows.chunks_exact(width).zip(scores.chunks_exact(classes)).enumerate() {
        let alike = means.iter().enumerate().filter_map(|(c, m)| Some((c, correlation(row, m.as_ref()?)?)));
        let resembles = alike.reduce(|a, b| if b.1 > a.1 { b } else { a });
        matched += u64::from(resembles.is_some_and(|(c, _)| c == class));
        let nearest = reference.rows.chunks_exact(width).enumerate().map(|(at, other)| {
            let square = row.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            (at, square / width as f64)
        });
        inverted.push(Inverted {
            class,
            probability: softmax(s).get(class).copied().unwrap_or(0.0),
            resembles,
            nearest: nearest.reduce(|a, b| if b.1 < a.1 { b } else { a }),
            row: row.to_vec(),
        });
    }
    let mut measured = Measurement::new("inversion-match", matched as f64 / classes as f64, Unit::Ratio);
    measured.n = Some(classes as u64);
    let interval = clopper_pearson(matched, classes as u64, inversion.confidence);
    let chance = 1.0 / classes as f64;
    let leaks = interval.low > chance;
    measured.interval = Some(interval);
    Ok(InversionReport {
        inversion: inversion.clone(),
        classes: inverted,
        matched: measured,
        chance,
        leaks,
        gradients: (classes * inversion.steps) as u64,
    })
}

pub(super) fn softmax(scores: &[f32]) -> Vec<f64> {
    let most = scores.iter().fold(f64::NEG_INFINITY, |m, s| m.max(f64::from(*s)));
    let exp: Vec<f64> = scores.iter().map(|s| (f64::from(*s) - most).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|e| e / total).collect()
}

/// How far each value lies above the mean of its neighbours.
fn roughness(geometry: Geometry, row: &[f32]) -> Vec<f64> {
    if geometry.height < 2 || geometry.width < 2 {
        return vec![0.0; row.len()];
    }
    let (h, w) = (geometry.height, geometry.width);
    (0..row.len())
        .map(|at| {
            let (plane, y, x) = (at / (h * w) * h * w, at / w % h, at % w);
            let near = [(y.wrapping_sub(1), x), (y + 1, x), (y, x.wrapping_sub(1)), (y, x + 1)];
            let near = near.into_iter().filter(|(y, x)| *y < h && *x < w);
            let (sum, count) =
                near.fold((0.0, 0.0), |(s, n), (y, x)| (s + f64::from(row[plane + y * w + x]), n + 1.0));
            f64::from(row[at]) - sum / f64::max(count, 1.0)
        })
        .collect()
}

fn means(data: Rows<'_>, width: usize, classes: usize) -> Vec<Option<Vec<f64>>> {
    (0..classes)
        .map(|class| {
            let of = || data.rows.chunks_exact(width).zip(data.labels).filter(|(_, l)| **l == class);
            let count = of().count();
            (count > 0).then(|| {
                let mut mean = vec![0.0; width];
                for (row, _) in of() {
                    mean.iter_mut().zip(row).for_each(|(m, v)| *m += f64::from(*v) / count as f64);
                }
                mean
            })
        })
        .collect()
}

fn correlation(a: &[f32], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().map(|v| f64::from(*v)).sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        let (x, y) = (f64::from(*x) - ma, y - mb);
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    let length = (aa * bb).sqrt();
    (length > 0.0).then(|| ab / length)
}
