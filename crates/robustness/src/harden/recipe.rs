//! What a training is made of.

use proofhouse_core::{Digest, canonical};
use serde::{Deserialize, Serialize};

use super::Optimiser;
use crate::{RobustnessError, Threat};

/// How rows are changed before the model learns from them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "method")]
pub enum Method {
    /// Projected gradient descent on the cross-entropy.
    Pgd {
        /// Steps.
        steps: usize,
    },
    /// Cross-entropy on the row, and its divergence from a row nearby.
    Trades {
        /// Steps of the search for that row.
        steps: usize,
        /// Weight of the divergence.
        beta: f64,
    },
    /// One step of 1.25 eps from a random start.
    Fast,
    /// A random point of the ball: no gradient is followed.
    Noise,
    /// None: for comparison.
    Plain,
}

/// How the learning rate goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Up to the rate over the first three tenths, then down to nothing, along cosines (Smith 2018).
    OneCycle,
    /// Down to nothing along a cosine.
    Cosine,
    /// The rate throughout.
    Constant,
}

/// A whole training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    /// How rows are changed.
    pub method: Method,
    /// Within what.
    pub threat: Threat,
    /// Passes over the rows.
    pub epochs: usize,
    /// Rows that the weights learn from at a time.
    pub batch: usize,
    /// How weights follow gradients.
    pub optimiser: Optimiser,
    /// The largest learning rate.
    pub rate: f64,
    /// How it goes.
    pub schedule: Schedule,
    /// Share of each weight that is taken off at a rate of 1.
    pub decay: f64,
    /// Epochs without a better robust accuracy after which training ends; all epochs run where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<usize>,
    /// Steps of the attack after each epoch.
    pub judge_steps: usize,
    /// Seed of all chance.
    pub seed: u64,
}

impl Recipe {
    /// PGD with seven steps, Adam along one cycle.
    #[must_use]
    pub const fn new(threat: Threat, epochs: usize, seed: u64) -> Self {
        Self {
            method: Method::Pgd { steps: 7 },
            threat,
            epochs,
            batch: 64,
            optimiser: Optimiser::Adam,
            rate: 5e-3,
            schedule: Schedule::OneCycle,
            decay: 0.0,
            patience: None,
            judge_steps: 10,
            seed,
        }
    }

    /// What identifies it: the hash of its canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        canonical::to_vec(self).map_or_else(|_| Digest::of(b""), |bytes| Digest::of(&bytes))
    }

    pub(super) fn check(&self, features: usize) -> Result<(), RobustnessError> {
        let option = |text: &str| Err(RobustnessError::Option(text.to_owned()));
        self.threat.check(features)?;
        if self.threat.norm.counts_positions() {
            return option(
                "training knows the norms linf, l2 and l1; changes of few positions have no gradient step",
            );
        }
        if self.epochs == 0 || self.batch < 2 {
            return option("training takes at least one epoch and batches of at least two rows");
        }
        if !(self.rate.is_finite() && self.rate > 0.0) {
            return option("the learning rate is a positive number");
        }
        if !(0.0..1.0).contains(&self.decay) {
            return option("weight decay lies in 0..1");
        }
        match self.method {
            Method::Pgd { steps: 0 } | Method::Trades { steps: 0, .. } => {
                option("an attack takes at least one step")
            }
            Method::Trades { beta, .. } if !(beta.is_finite() && beta > 0.0) => {
                option("the weight of the divergence (beta) is a positive number")
            }
            _ => Ok(()),
        }
    }

    /// The learning rate at `done` of all steps, 0 to 1.
    pub(super) fn rate_at(&self, done: f64) -> f64 {
        // Where it begins and ends, as shares of the largest: those of the usual implementations.
        const FIRST: f64 = 1.0 / 25.0;
        const LAST: f64 = FIRST * 1e-4;
        const RISE: f64 = 0.3;
        let cosine = |from: f64, to: f64, at: f64| {
            to + (from - to) * (1.0 + (std::f64::consts::PI * at.clamp(0.0, 1.0)).cos()) / 2.0
        };
        self.rate
            * match self.schedule {
                Schedule::Constant => 1.0,
                Schedule::Cosine => cosine(1.0, 0.0, done),
                Schedule::OneCycle if done < RISE => cosine(FIRST, 1.0, done / RISE),
                Schedule::OneCycle => cosine(1.0, LAST, (done - RISE) / (1.0 - RISE)),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Norm;

    #[test]
    fn one_cycle_rises_and_falls() {
        let recipe = Recipe { rate: 1.0, ..Recipe::new(Threat::new(Norm::Linf, 0.1), 1, 0) };
        let rates: Vec<f64> = (0..=10).map(|i| recipe.rate_at(f64::from(i) / 10.0)).collect();
        assert!((rates[0] - 0.04).abs() < 1e-12 && (rates[3] - 1.0).abs() < 1e-12 && rates[10] < 1e-5);
        assert!(rates[..4].is_sorted() && rates[3..].iter().rev().is_sorted());
        let cosine = Recipe { schedule: Schedule::Cosine, ..recipe };
        assert!((cosine.rate_at(0.5) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nonsense_is_refused() {
        let refused = |change: fn(&mut Recipe)| {
            let mut recipe = Recipe::new(Threat::new(Norm::Linf, 0.1), 3, 0);
            change(&mut recipe);
            recipe.check(4).is_err()
        };
        assert!(!refused(|_| {}));
        assert!(refused(|r| r.epochs = 0));
        assert!(refused(|r| r.batch = 1));
        assert!(refused(|r| r.rate = f64::NAN));
        assert!(refused(|r| r.method = Method::Pgd { steps: 0 }));
        assert!(refused(|r| r.method = Method::Trades { steps: 5, beta: -1.0 }));
        assert!(refused(|r| r.threat = Threat::new(Norm::L0, 2.0)));
    }
}
