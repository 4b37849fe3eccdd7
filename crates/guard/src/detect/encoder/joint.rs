//! Two stages that judge together.
//!
//! A hashed model knows the words that attacks use; an encoder knows sentences, and rarely agrees with it about
//! a harmless text. Their sum tells attacks from the rest better than either of them, and thresholds are fixed on
//! the sum, as they are for the first stage alone: on kinds of sources that neither had seen.

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use crate::detect::{Score, Verdict};

/// How the first stage's margin and the encoder's logit make one score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joint {
    /// What the encoder's logit counts, against one for the first stage's margin.
    pub weight: f32,
    /// Thresholds of the sum, in chats.
    pub chat: Thresholds,
    /// In documents.
    pub document: Thresholds,
    /// In code.
    pub code: Thresholds,
}

/// From where on a score is grey, and an attack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Scores from here on are grey.
    pub grey: f32,
    /// Scores from here on are attacks.
    pub attack: f32,
}

impl Thresholds {
    pub(super) fn verdict(self, score: f32) -> Verdict {
        if score >= self.attack {
            Verdict::Attack
        } else if score >= self.grey {
            Verdict::Grey
        } else {
            Verdict::Benign
        }
    }
}

impl Joint {
    pub(super) fn is_in_order(&self) -> bool {
        let thresholds = [self.chat, self.document, self.code];
        let ordered = |t: &Thresholds| t.grey.is_finite() && t.attack.is_finite() && t.grey <= t.attack;
        self.weight.is_finite() && self.weight > 0.0 && thresholds.iter().all(ordered)
    }

    const fn thresholds(&self, carrier: Carrier) -> Thresholds {
        match carrier {
            Carrier::Chat => self.chat,
            Carrier::Document => self.document,
            Carrier::Code => self.code,
        }
    }

    /// The margin of the first stage from which on both call a text an attack that has this `logit`.
    pub(super) fn bar(&self, logit: f32, carrier: Carrier) -> f32 {
        self.weight.mul_add(-logit, self.thresholds(carrier).attack)
    }

    /// The verdict of both. Places and phrases are the first stage's: an encoder cannot name any.
    pub(super) fn judge(&self, first: &Score, logit: f32, carrier: Carrier) -> Score {
        let thresholds = self.thresholds(carrier);
        let score = self.weight.mul_add(logit, first.margin);
        let (verdict, margin) = (thresholds.verdict(score), score - thresholds.attack);
        let benign = verdict == Verdict::Benign;
        Score {
            verdict,
            probability: 1.0 / (1.0 + (-margin).exp()),
            margin,
            spans: if benign { Vec::new() } else { first.spans.clone() },
            reasons: if benign { Vec::new() } else { first.reasons.clone() },
        }
    }
}
