//! Two stages that judge together.
//!
//! A hashed model knows the words that attacks use; an encoder knows sentences, and rarely agrees with it about
//! a harmless text. Their sum tells attacks from the rest better than either of them, and thresholds are fixed on
//! the sum, as they are for the first stage alone: on kinds of sources that neither had seen.

use proofhouse_dialogue::Carrier;
use serde::{Deserialize, Serialize};

use crate::detect::{Score, Verdict};

/// How the first stage's margin and the encoder's logit make one score, for each kind of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Joint {
    /// In chats.
    pub chat: Sum,
    /// In documents.
    pub document: Sum,
    /// In code.
    pub code: Sum,
}

/// The first stage's margin and a multiple of the encoder's logit, and what their sum means.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// The first stage's margin from which on the encoder is asked. Below it a text is benign.
    pub asked: f32,
    /// What the encoder's logit counts, against one for the first stage's margin.
    pub weight: f32,
    /// Sums from here on are grey.
    pub grey: f32,
    /// Sums from here on are attacks.
    pub attack: f32,
}

/// From where on a score is grey, and an attack.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Thresholds {
    pub grey: f32,
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
        [self.chat, self.document, self.code].iter().all(|sum| {
            let finite =
                [sum.asked, sum.weight, sum.grey, sum.attack].iter().all(|number| number.is_finite());
            finite && sum.weight > 0.0 && sum.grey <= sum.attack
        })
    }

    const fn sum(&self, carrier: Carrier) -> Sum {
        match carrier {
            Carrier::Chat => self.chat,
            Carrier::Document => self.document,
            Carrier::Code => self.code,
        }
    }

    pub(super) const fn asked_from(&self, carrier: Carrier) -> f32 {
        self.sum(carrier).asked
    }

    /// The margin of the first stage from which on both call a text an attack that has this `logit`.
    pub(super) fn bar(&self, logit: f32, carrier: Carrier) -> f32 {
        let sum = self.sum(carrier);
        sum.weight.mul_add(-logit, sum.attack)
    }

    /// The verdict of both. Places and phrases are the first stage's: an encoder cannot name any.
    pub(super) fn judge(&self, first: &Score, logit: f32, carrier: Carrier) -> Score {
        let Sum { weight, grey, attack, .. } = self.sum(carrier);
        let score = weight.mul_add(logit, first.margin);
        let (verdict, margin) = (Thresholds { grey, attack }.verdict(score), score - attack);
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
