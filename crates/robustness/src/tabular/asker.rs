//! Questions to the model, counted.

use proofhouse_onnx::{OutputKind, Scores};

use super::Aim;
use crate::RobustnessError;

/// A row's dialogue with the model.
pub(super) struct Asker<'a> {
    pub model: &'a dyn Scores,
    pub aim: Aim,
    /// Rows asked about.
    pub queries: u64,
    /// Rows that may be asked about.
    pub limit: u64,
    scores: Vec<f32>,
}

/// What the model says of a candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Answer {
    pub missing: f64,
    pub reached: bool,
}

impl<'a> Asker<'a> {
    pub(super) fn new(model: &'a dyn Scores, aim: Aim, limit: u64) -> Self {
        Self { model, aim, queries: 0, limit, scores: Vec::new() }
    }

    /// Whether another question may be asked.
    pub(super) fn may(&self) -> bool {
        self.queries < self.limit
    }

    /// Asks about candidates in one batch, as many of them as the limit leaves.
    pub(super) fn ask(&mut self, candidates: &[Vec<f32>]) -> Result<Vec<Answer>, RobustnessError> {
        let left = usize::try_from(self.limit - self.queries.min(self.limit)).unwrap_or(usize::MAX);
        let asked = candidates.len().min(left);
        if asked == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<f32> = candidates[..asked].iter().flatten().copied().collect();
        self.model.scores(&rows, asked, &mut self.scores)?;
        self.queries += asked as u64;
        let kind: OutputKind = self.model.kind();
        let answer = |scores: &[f32]| Answer {
            missing: self.aim.missing(scores, kind),
            reached: self.aim.reached(scores),
        };
        Ok(self.scores.chunks_exact(self.model.classes()).map(answer).collect())
    }
}
