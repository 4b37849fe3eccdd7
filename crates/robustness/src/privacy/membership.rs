//! Was this row learned from?
//!
//! Three attacks, by what they need. [`Method::Confidence`] looks at the logit of the true class, as far above the
//! others as it is: learned rows are fitted better. [`Method::Shadows`] asks how far above what models say that did *not*
//! learn from the row (LiRA, Carlini et al., *Membership Inference Attacks From First Principles*, S&P 2022); a row that
//! is easy for everybody is then no sign. [`Method::LabelOnly`] sees labels alone and asks how much noise a row's label
//! survives (Choquette-Choo et al., *Label-Only Membership Inference Attacks*, ICML 2021).
//!
//! Shadow models of the model's own kind come from [`Template`](super::Template), which trains a network anew from its
//! file; where it cannot, [`train_shadows`] trains small networks on random halves of the rows, which calibrates the
//! difficulty of a row but not the habits of the architecture.

use proofhouse_onnx::{OutputKind, Scores, predict};
use serde::{Deserialize, Serialize};

use super::shadow::half;
use super::{Separation, Surrogate, Training};
use crate::{Chance, RobustnessError};

/// What is known of rows.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Rows, one after the other.
    pub rows: &'a [f32],
    /// The class of each.
    pub labels: &'a [usize],
}

/// An attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Method {
    /// The score of the true class.
    Confidence,
    /// The same beside models that did not see the row.
    Shadows,
    /// Labels under noise.
    LabelOnly,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MembershipReport {
    /// The attack.
    pub method: Method,
    /// Queries to the model.
    pub queries: u64,
    /// Shadow models, where there are any.
    pub shadows: usize,
    /// How well members are told from others.
    pub separation: Separation,
}

/// How confident a shadow model is of rows, and which of them it learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Shadow {
    /// [`confidences`] of the members, then of the others.
    pub confidence: Vec<f64>,
    /// Whether it learned from each.
    pub learned: Vec<bool>,
}

/// For each row the logit of its class: ln p/(1 - p), computed so that it does not saturate.
///
/// # Errors
/// Rows that do not fit the model.
pub fn confidences(model: &dyn Scores, data: Rows<'_>) -> Result<Vec<f64>, RobustnessError> {
    check(model, data)?;
    let mut scores = Vec::new();
    model.scores(data.rows, data.labels.len(), &mut scores)?;
    let each = scores.chunks_exact(model.classes()).zip(data.labels);
    Ok(each
        .map(|(scores, label)| {
            let value = |s: f32| match model.kind() {
                OutputKind::Logits => f64::from(s),
                OutputKind::Probabilities => f64::from(s).max(1e-30).ln(),
            };
            let others = || scores.iter().enumerate().filter(|(c, _)| c != label).map(|(_, s)| value(*s));
            let most = others().fold(f64::NEG_INFINITY, f64::max);
            // ln of the sum of the others' exponentials.
            value(scores[*label]) - (most + others().map(|s| (s - most).exp()).sum::<f64>().ln())
        })
        .collect())
}

/// By the score of the true class.
///
/// # Errors
/// Rows that do not fit the model.
pub fn by_confidence(
    model: &dyn Scores,
    members: Rows<'_>,
    others: Rows<'_>,
    confidence: f64,
) -> Result<MembershipReport, RobustnessError> {
    let (a, b) = (confidences(model, members)?, confidences(model, others)?);
    Ok(MembershipReport {
        method: Method::Confidence,
        queries: (a.len() + b.len()) as u64,
        shadows: 0,
        separation: Separation::of(&a, &b, confidence),
    })
}

/// Trains shadow models on random halves of members and others together, and says how confident they are of each row.
///
/// # Errors
/// Rows that do not fit each other.
pub fn train_shadows(
    model: &dyn Scores,
    members: Rows<'_>,
    others: Rows<'_>,
    count: usize,
    training: &Training,
) -> Result<Vec<Shadow>, RobustnessError> {
    check(model, members)?;
    check(model, others)?;
    let width = model.features();
    let rows: Vec<f32> = members.rows.iter().chain(others.rows).copied().collect();
    let labels: Vec<usize> = members.labels.iter().chain(others.labels).copied().collect();
    (0..count)
        .map(|shadow| {
            let learned = half(labels.len(), training.seed, shadow);
            let chosen = || (0..labels.len()).filter(|at| learned[*at]);
            let part: Vec<f32> =
                chosen().flat_map(|at| rows[at * width..][..width].iter().copied()).collect();
            let part_labels: Vec<usize> = chosen().map(|at| labels[at]).collect();
            let training = Training { seed: training.seed ^ (shadow as u64 + 1), ..training.clone() };
            let network = Surrogate::train_on_labels(
                model.input_shape(),
                &part,
                &part_labels,
                model.classes(),
                &training,
            )?;
            let confidence = confidences(&network, Rows { rows: &rows, labels: &labels })?;
            Ok(Shadow { confidence, learned })
        })
        .collect()
}

/// By the likelihood ratio against shadow models. Where a row has at least two shadows on either side, both
/// distributions are compared; else how unusual the confidence is for a model that did not learn from it. Variances are
/// shared over rows where a row has fewer than eight shadows of a side, as the paper does.
///
/// # Errors
/// Rows that do not fit the model, shadows of other rows, no shadow that did not learn from a row.
pub fn by_shadows(
    model: &dyn Scores,
    members: Rows<'_>,
    others: Rows<'_>,
    shadows: &[Shadow],
    confidence: f64,
) -> Result<MembershipReport, RobustnessError> {
    let mut own = confidences(model, members)?;
    own.extend(confidences(model, others)?);
    let n = own.len();
    if shadows.iter().any(|s| s.confidence.len() != n || s.learned.len() != n) {
        return Err(RobustnessError::Option(format!("a shadow model does not speak about {n} rows")));
    }
    let side = |row: usize, learned: bool| -> Vec<f64> {
        let of = shadows.iter().filter(|s| s.learned[row] == learned);
        of.map(|s| s.confidence[row]).filter(|c| c.is_finite()).collect()
    };
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let variance = |v: &[f64]| {
        let m = mean(v);
        v.iter().map(|x| (x - m).powi(2)).sum::<f64>() / (v.len().max(2) - 1) as f64
    };
    let shared = |learned: bool| {
        let each: Vec<f64> =
            (0..n).map(|row| side(row, learned)).filter(|v| v.len() >= 2).map(|v| variance(&v)).collect();
        mean(&each).max(1e-6)
    };
    let spread = [shared(false), shared(true)];
    let mut ratios = Vec::with_capacity(n);
    for (row, c) in own.iter().enumerate() {
        let (out, within) = (side(row, false), side(row, true));
        if out.is_empty() {
            return Err(RobustnessError::Row {
                row,
                reason: "every shadow model learned from it, so none says what a stranger would".to_owned(),
            });
        }
        let log = |v: &[f64], shared: f64| {
            let s2 = if v.len() >= 8 { variance(v).max(1e-6) } else { shared };
            -(c - mean(v)).powi(2) / (2.0 * s2) - 0.5 * s2.ln()
        };
        ratios.push(if within.len() >= 2 && out.len() >= 2 {
            log(&within, spread[1]) - log(&out, spread[0])
        } else {
            let s2 = if out.len() >= 8 { variance(&out).max(1e-6) } else { spread[0] };
            (c - mean(&out)) / s2.sqrt()
        });
    }
    let (a, b) = ratios.split_at(members.labels.len());
    Ok(MembershipReport {
        method: Method::Shadows,
        queries: n as u64,
        shadows: shadows.len(),
        separation: Separation::of(a, b, confidence),
    })
}

/// By labels alone: the share of `copies` under normal noise of growing deviation (up to `noise`) that keep the row's
/// class.
///
/// # Errors
/// Rows that do not fit the model, no copies.
pub fn by_labels(
    model: &dyn Scores,
    members: Rows<'_>,
    others: Rows<'_>,
    (copies, noise, seed): (usize, f64, u64),
    confidence: f64,
) -> Result<MembershipReport, RobustnessError> {
    if copies == 0 || !(noise.is_finite() && noise > 0.0) {
        return Err(RobustnessError::Option(
            "noise takes at least one copy and a positive deviation".to_owned(),
        ));
    }
    let survival = |data: Rows<'_>, purpose: &str| -> Result<Vec<f64>, RobustnessError> {
        check(model, data)?;
        let mut scores = Vec::new();
        let rows = data.rows.chunks_exact(model.features()).zip(data.labels).enumerate();
        rows.map(|(index, (row, label))| {
            let mut chance = Chance::new(seed, purpose, index);
            // The row itself first.
            let mut noisy = row.to_vec();
            for copy in 0..copies {
                let deviation = noise * (copy + 1) as f64 / copies as f64;
                noisy.extend(row.iter().map(|v| (f64::from(*v) + deviation * chance.normal()) as f32));
            }
            model.scores(&noisy, copies + 1, &mut scores)?;
            let kept = predict(&scores, model.classes()).into_iter().filter(|c| *c == Some(*label)).count();
            Ok(kept as f64 / (copies + 1) as f64)
        })
        .collect()
    };
    let (a, b) = (survival(members, "label-only-members")?, survival(others, "label-only-others")?);
    Ok(MembershipReport {
        method: Method::LabelOnly,
        queries: ((a.len() + b.len()) * (copies + 1)) as u64,
        shadows: 0,
        separation: Separation::of(&a, &b, confidence),
    })
}

fn check(model: &dyn Scores, data: Rows<'_>) -> Result<(), RobustnessError> {
    if data.labels.len().checked_mul(model.features()) != Some(data.rows.len()) {
        return Err(RobustnessError::Option(format!(
            "{} labels call for as many rows of {} values, not for {} values",
            data.labels.len(),
            model.features(),
            data.rows.len()
        )));
    }
    match data.labels.iter().position(|l| *l >= model.classes()) {
        Some(row) => Err(RobustnessError::Row {
            row,
            reason: format!("label {} is not one of {} classes", data.labels[row], model.classes()),
        }),
        None => Ok(()),
    }
}
