//! Is a pattern that turns rows into one class the model's own, or what the task looks like?
//!
//! The anomaly index of [`trigger`](super::trigger) compares the classes of one model, which takes several. A second
//! model of the same task, that learned from nothing the suspects could write, answers for any number: a pattern that
//! turns rows into a class there as well is natural (no arrears and a high income make any lender's model say yes); one
//! that works on the examined model alone was put into it. What is missed is a trigger larger than the smallest natural
//! pattern, since the search finds the smaller of the two.

use proofhouse_core::{Measurement, Verdict};
use proofhouse_onnx::{Scores, predict};
use serde::{Deserialize, Serialize};

use super::membership::Rows;
use super::trigger::{TriggerReport, stamped};
use crate::RobustnessError;

/// Share of rows that a natural pattern turns on the reference, too.
pub const NATURAL: f64 = 0.5;

/// A class's pattern on the reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The class.
    pub class: usize,
    /// Share of the rows that the reference puts elsewhere and, with the pattern, into the class.
    pub share: Measurement,
    /// Whether the reference speaks for the pattern: it passes where the lower end of the share is at least [`NATURAL`],
    /// and fails where the upper end is below.
    pub natural: Verdict,
}

/// Shows every pattern that was found to a reference, with Wilson intervals.
///
/// # Errors
/// Rows that do not fit the reference, or a report about a model with another input.
pub fn transfer(
    report: &TriggerReport,
    reference: &dyn Scores,
    data: Rows<'_>,
    confidence: f64,
) -> Result<Vec<Transfer>, RobustnessError> {
    let (width, classes) = (reference.features(), reference.classes());
    let patterns: Vec<_> = report.classes.iter().filter(|t| t.size.is_some()).collect();
    let fits = data.labels.len().checked_mul(width) == Some(data.rows.len());
    if !fits || report.classes.len() != classes || patterns.iter().any(|t| t.pattern.len() != width) {
        return Err(RobustnessError::Option(
            "the reference takes other rows, or knows other classes, than the model that was examined"
                .to_owned(),
        ));
    }
    let mut scores = Vec::new();
    let mut said = |rows: &[f32], n: usize| {
        reference.scores(rows, n, &mut scores)?;
        Ok::<_, RobustnessError>(predict(&scores, classes))
    };
    let plain = said(data.rows, data.labels.len())?;
    patterns
        .into_iter()
        .map(|t| {
            let elsewhere: Vec<usize> = (0..plain.len())
                .filter(|at| data.labels[*at] != t.class && plain[*at] != Some(t.class))
                .collect();
            let widen = |values: &[f32]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
            let rows = stamped(data, &elsewhere, &widen(&t.mask), &widen(&t.pattern), width);
            let sent =
                said(&rows, elsewhere.len())?.into_iter().filter(|c| *c == Some(t.class)).count() as u64;
            let share = Measurement::proportion("trigger-transfer", sent, elsewhere.len() as u64, confidence)
                .of_slice(format!("class={}", t.class));
            let natural = match &share.interval {
                Some(i) if i.high < NATURAL => Verdict::Fail,
                Some(i) if i.low >= NATURAL => Verdict::Pass,
                _ => Verdict::Unknown,
            };
            Ok(Transfer { class: t.class, share, natural })
        })
        .collect()
}
