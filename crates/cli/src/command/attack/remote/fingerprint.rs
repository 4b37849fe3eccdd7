//! By what a model is known again that names no version: its answers to the first rows.

use anyhow::bail;
use serde::{Deserialize, Serialize};

/// Most scores that are kept.
const KEPT: usize = 4096;
/// How far a score may be from what it was, relative to the larger: servers compute in batches, in parallel, and on
/// several machines of one kind.
const RELATIVE: f32 = 1e-4;
/// And how far by itself.
const ABSOLUTE: f32 = 1e-6;

/// What a model says of some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Number of classes.
    classes: usize,
    /// Scores, row after row; nothing where the model answers with no number.
    scores: Vec<Option<f32>>,
    /// Whether it said the same when it was asked twice. What does not is never known again.
    repeats: bool,
}

impl Fingerprint {
    /// Of the scores of a question, and of those of the same question asked again.
    pub fn of(classes: usize, scores: &[f32], again: &[f32]) -> Self {
        let kept = |scores: &[f32]| {
            scores.iter().take(KEPT).map(|score| score.is_finite().then_some(*score)).collect::<Vec<_>>()
        };
        let (scores, again) = (kept(scores), kept(again));
        let repeats = differs(&scores, &again).is_none();
        Self { classes, scores, repeats }
    }

    /// Whether the model answers the same question the same way.
    pub const fn repeats(&self) -> bool {
        self.repeats
    }

    /// Refuses another model than that of which this was made, as far as its answers show.
    pub fn holds(&self, scores: &[f32]) -> anyhow::Result<()> {
        let now = Self::of(self.classes, scores, scores);
        let Some(at) = differs(&self.scores, &now.scores).filter(|_| self.repeats) else { return Ok(()) };
        let says = |scores: &[Option<f32>]| {
            let score = scores.get(at).copied().flatten();
            score.map_or_else(|| "no number".to_owned(), |score| score.to_string())
        };
        bail!(
            "the model is not the one that was attacked: of row {} it gives class {} the score {}, and gave it {}. Begin \
             anew with another --state, or bring the model back",
            at / self.classes.max(1),
            at % self.classes.max(1),
            says(&now.scores),
            says(&self.scores)
        )
    }
}

/// Where two lists of scores differ by more than servers do.
fn differs(a: &[Option<f32>], b: &[Option<f32>]) -> Option<usize> {
    let same = |a: &Option<f32>, b: &Option<f32>| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= ABSOLUTE + RELATIVE * a.abs().max(b.abs()),
        (a, b) => a == b,
    };
    let shorter = a.len().min(b.len());
    a.iter().zip(b).position(|(a, b)| !same(a, b)).or((a.len() != b.len()).then_some(shorter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_known_by_its_answers() {
        let print = Fingerprint::of(2, &[0.25, 0.75, 0.9, 0.1], &[0.25, 0.75, 0.9, 0.1]);
        assert!(print.repeats());
        let text = serde_json::to_string(&print).unwrap();
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), print);
        // Other machines of its kind differ in the last bits.
        assert!(print.holds(&[0.250_001, 0.749_999, 0.9, 0.1]).is_ok());
        let error = print.holds(&[0.25, 0.75, 0.8, 0.2]).unwrap_err().to_string();
        assert!(error.contains("of row 1 it gives class 0 the score 0.8, and gave it 0.9"), "{error}");
        let error = print.holds(&[f32::NAN, 0.75, 0.9, 0.1]).unwrap_err().to_string();
        assert!(error.contains("the score no number, and gave it 0.25"), "{error}");
        assert!(print.holds(&[0.25, 0.75]).is_err());
    }

    #[test]
    fn who_never_says_the_same_is_not_known_again() {
        let print = Fingerprint::of(2, &[0.25, 0.75], &[0.5, 0.5]);
        assert!(!print.repeats() && print.holds(&[1.0, 0.0]).is_ok());
        // Labels are scores of 0 and 1; what cannot be written is nothing.
        let undefined = Fingerprint::of(2, &[f32::NAN, f32::INFINITY], &[f32::NAN, f32::INFINITY]);
        assert!(undefined.repeats() && undefined.holds(&[f32::NAN, f32::NAN]).is_ok());
        let many = vec![0.5; 3 * KEPT];
        assert_eq!(Fingerprint::of(KEPT, &many, &many).scores.len(), KEPT);
    }
}
