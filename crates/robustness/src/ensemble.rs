//! The `standard` ensemble: AutoAttack's four attacks, each on what the ones before left standing (Croce and
//! Hein, ICML 2020).

use crate::{Access, Apgd, Attack, Fab, Norm, Sparse, Square};

/// How much the ensemble may spend; the default is AutoAttack's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget {
    /// Steps of every gradient attack.
    pub steps: usize,
    /// The most likely wrong classes that are aimed at.
    pub aims: usize,
    /// Restarts of every gradient attack.
    pub restarts: usize,
    /// Queries of the Square attack for each row.
    pub queries: u64,
    /// Answers averaged for one gradient, for models that draw at random.
    pub draws: usize,
    /// Seed of all chance.
    pub seed: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { steps: 100, aims: 9, restarts: 1, queries: 5000, draws: 1, seed: 0 }
    }
}

impl Budget {
    /// AutoAttack's budget with a seed.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { seed, ..Self::default() }
    }
}

/// APGD-CE, APGD-T, FAB-T and Square, in that order; only Square for a model without gradients. In the norms
/// that count positions, which AutoAttack does not know, the sparse attack.
#[must_use]
pub fn standard(access: Access, norm: Norm, budget: &Budget) -> Vec<Box<dyn Attack>> {
    let Budget { steps, aims, restarts, queries, draws, seed } = *budget;
    let mut attacks: Vec<Box<dyn Attack>> = Vec::new();
    if norm.counts_positions() {
        if access == Access::Gradients {
            attacks.push(Box::new(Sparse { restarts: 3 * restarts, seed, ..Sparse::default() }));
        }
        return attacks;
    }
    if access == Access::Gradients {
        attacks.push(Box::new(Apgd { steps, restarts, draws, ..Apgd::cross_entropy(seed) }));
        attacks.push(Box::new(Apgd { steps, restarts, draws, aims, ..Apgd::targeted(seed) }));
        attacks.push(Box::new(Fab { steps, restarts, draws, aims, ..Fab::new(seed) }));
    }
    if access >= Access::Scores {
        attacks.push(Box::new(Square::new(queries, seed)));
    }
    attacks
}
