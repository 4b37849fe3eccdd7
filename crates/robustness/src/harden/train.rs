//! Epochs, and which of them is returned.

use proofhouse_core::Digest;
use proofhouse_onnx::{Scores as _, Trainable};
use serde::{Deserialize, Serialize};

use super::batch::{Batch, Told};
use super::optimiser::{Memory, Stride};
use super::{Checkpoint, CheckpointError, Recipe};
use crate::chance::Chance;
use crate::{Counting, LabelledRows, Pgd, RobustnessError, Victim, evade};

/// What an epoch came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Which, counted from 1.
    pub epoch: usize,
    /// The learning rate at its end.
    pub rate: f64,
    /// Mean loss over the rows learned from.
    pub loss: f64,
    /// Share of them, changed, that was classified correctly while learning.
    pub learned: f64,
    /// Rows set apart that are classified correctly.
    pub clean: u64,
    /// Those of them that the attack after the epoch left.
    pub robust: u64,
    /// Rows set apart.
    pub of: u64,
}

/// A training under way.
#[derive(Debug)]
pub struct Training<'a> {
    model: Trainable,
    digest: Digest,
    recipe: Recipe,
    learn: LabelledRows<'a>,
    judge: LabelledRows<'a>,
    memory: Memory,
    epochs: Vec<Epoch>,
    kept: Vec<(usize, Vec<Vec<f32>>)>,
}

/// A trained model.
#[derive(Debug)]
pub struct Hardened {
    /// The model with the weights of the epoch that was chosen.
    pub model: Trainable,
    /// That epoch.
    pub chosen: usize,
    /// All epochs.
    pub epochs: Vec<Epoch>,
}

impl<'a> Training<'a> {
    /// A training of `model`, whose file has the digest `digest`, on the rows of `learn`. Rows of `judge` are
    /// attacked after every epoch and never learned from.
    ///
    /// # Errors
    /// A recipe that makes no sense; rows that do not fit the model or the box.
    pub fn new(
        model: Trainable,
        digest: Digest,
        learn: LabelledRows<'a>,
        judge: LabelledRows<'a>,
        recipe: Recipe,
    ) -> Result<Self, RobustnessError> {
        recipe.check(model.features())?;
        learn.check(&model, &recipe.threat)?;
        judge.check(&model, &recipe.threat)?;
        if learn.labels.len() < recipe.batch || judge.labels.is_empty() {
            return Err(RobustnessError::Option(format!(
                "{} rows to learn from and {} to judge by are too few for batches of {}",
                learn.labels.len(),
                judge.labels.len(),
                recipe.batch
            )));
        }
        let memory = Memory::new(recipe.optimiser, model.weights().iter().map(|w| w.data().len()));
        Ok(Self { model, digest, recipe, learn, judge, memory, epochs: Vec::new(), kept: Vec::new() })
    }

    /// Goes on where `checkpoint` was made.
    ///
    /// # Errors
    /// A checkpoint of another model or recipe.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Result<Self, CheckpointError> {
        if checkpoint.model != self.digest {
            return Err(CheckpointError::Other("model"));
        }
        if checkpoint.recipe != self.recipe.digest() {
            return Err(CheckpointError::Other("recipe"));
        }
        let fits =
            self.model.weights().iter().map(|w| w.data().len()).eq(checkpoint.weights.iter().map(Vec::len));
        if !fits {
            return Err(CheckpointError::Other("model"));
        }
        self.set(&checkpoint.weights);
        (self.memory, self.epochs, self.kept) = (checkpoint.memory, checkpoint.epochs, checkpoint.kept);
        Ok(self)
    }

    /// The training as it stands.
    #[must_use]
    pub fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            model: self.digest,
            recipe: self.recipe.digest(),
            epochs: self.epochs.clone(),
            memory: self.memory.clone(),
            weights: self.weights(),
            kept: self.kept.clone(),
        }
    }

    /// Epochs so far.
    #[must_use]
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// Runs one epoch; `told` hears of rows learned from, of how many. Nothing once the training is over.
    ///
    /// # Errors
    /// A loss that is not finite: training has diverged, and a smaller rate may not.
    pub fn epoch(&mut self, told: &mut dyn FnMut(usize, usize)) -> Result<Option<&Epoch>, RobustnessError> {
        if self.is_over() {
            return Ok(None);
        }
        let epoch = self.epochs.len() + 1;
        let (n, features) = (self.learn.labels.len(), self.model.features());
        let mut order: Vec<usize> = (0..n).collect();
        let mut chance = Chance::new(self.recipe.seed, "harden order", epoch);
        for at in (1..n).rev() {
            order.swap(at, chance.below(at + 1));
        }
        // A last batch of one row would not be a batch; its rows have their turn in other epochs.
        let batches: Vec<&[usize]> =
            order.chunks(self.recipe.batch).filter(|b| b.len() > 1 || n == 1).collect();
        let steps = (self.recipe.epochs * batches.len()) as f64;
        let (mut sum, mut rate, mut seen) = (Told::default(), 0.0, 0);
        let mut gradients = Vec::new();
        for (at, indices) in batches.iter().enumerate() {
            let batch = Batch {
                indices,
                rows: indices.iter().flat_map(|i| self.learn.row(*i, features)).copied().collect(),
                labels: indices.iter().map(|i| self.learn.labels[*i]).collect(),
                epoch,
            };
            let Recipe { method, threat, seed, .. } = &self.recipe;
            let one = batch.gradients(&self.model, *method, threat, *seed, &mut gradients)?;
            let finite = gradients.iter().all(|g| g.first_not_finite().is_none());
            if !(one.loss.is_finite() && finite) {
                return Err(RobustnessError::Option(format!(
                    "training diverged in epoch {epoch}: the loss is no number any more; try a smaller rate than {}",
                    self.recipe.rate
                )));
            }
            let done = ((epoch - 1) * batches.len() + at) as f64 / steps;
            rate = self.recipe.rate_at(done);
            let stride = Stride { rule: self.recipe.optimiser, rate, decay: self.recipe.decay };
            let weights = self.model.weights_mut().map(|(_, weights)| weights);
            stride.make(&mut self.memory, weights, gradients.iter().map(|g| g.data()));
            (sum.loss, sum.correct, seen) =
                (sum.loss + one.loss, sum.correct + one.correct, seen + indices.len());
            told(seen, n);
        }
        let (clean, robust) = self.judged()?;
        self.epochs.push(Epoch {
            epoch,
            rate,
            loss: sum.loss / seen.max(1) as f64,
            learned: sum.correct as f64 / seen.max(1) as f64,
            clean,
            robust,
            of: self.judge.labels.len() as u64,
        });
        self.kept.push((epoch, self.weights()));
        let bar = self.bar();
        let epochs = &self.epochs;
        self.kept.retain(|(epoch, _)| epochs.get(epoch - 1).is_some_and(|e| e.robust >= bar));
        // Of those within a standard error the latest is returned, so that the earlier ones are not needed …
        let latest = self.kept.len().saturating_sub(1);
        // … unless a later, better epoch raises the bar above the latest; then the best so far is.
        let best = self.best();
        let mut at = 0;
        self.kept.retain(|(epoch, _)| {
            at += 1;
            at - 1 == latest || Some(*epoch) == best
        });
        Ok(self.epochs.last())
    }

    /// Ends the training and returns the model of the chosen epoch.
    ///
    /// # Errors
    /// No epoch has run.
    pub fn finish(mut self) -> Result<Hardened, RobustnessError> {
        let bar = self.bar();
        let good = |epoch: usize| self.epochs.get(epoch - 1).is_some_and(|e| e.robust >= bar);
        let chosen = self.kept.iter().rev().find(|(epoch, _)| good(*epoch)).cloned();
        let (chosen, weights) =
            chosen.ok_or_else(|| RobustnessError::Option("no epoch has run".to_owned()))?;
        self.set(&weights);
        Ok(Hardened { model: self.model, chosen, epochs: self.epochs })
    }

    fn is_over(&self) -> bool {
        let best = self.best().unwrap_or_default();
        let tired = self.recipe.patience.is_some_and(|p| self.epochs.len() >= best + p.max(1));
        self.epochs.len() >= self.recipe.epochs || tired && !self.epochs.is_empty()
    }

    /// The first epoch with the best robust accuracy.
    fn best(&self) -> Option<usize> {
        let most = self.epochs.iter().map(|e| e.robust).max()?;
        self.epochs.iter().find(|e| e.robust == most).map(|e| e.epoch)
    }

    /// What an epoch has to leave robust to be within one standard error of the best.
    fn bar(&self) -> u64 {
        let most = self.epochs.iter().map(|e| e.robust).max().unwrap_or_default() as f64;
        let n = self.judge.labels.len().max(1) as f64;
        (most - (most * (1.0 - most / n)).sqrt()).ceil().max(0.0) as u64
    }

    /// Rows set apart that are correct, and those that are so under attack.
    fn judged(&self) -> Result<(u64, u64), RobustnessError> {
        let Recipe { threat, judge_steps, seed, .. } = &self.recipe;
        let pgd = Pgd { steps: (*judge_steps).max(1), seed: *seed, ..Pgd::default() };
        let counting = Counting { max_examples: 0, ..Counting::default() };
        let victim = Victim::white_box(&self.model, &self.model);
        let report = evade(&victim, &self.judge, threat, &[&pgd], &counting, &mut |_| ())?;
        Ok((report.attacked, report.robust_correct))
    }

    fn weights(&self) -> Vec<Vec<f32>> {
        self.model.weights().iter().map(|w| w.data().to_vec()).collect()
    }

    fn set(&mut self, weights: &[Vec<f32>]) {
        for ((_, own), given) in self.model.weights_mut().zip(weights) {
            own.copy_from_slice(given);
        }
    }
}
