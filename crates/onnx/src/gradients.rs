//! A classifier that can be differentiated with respect to its input.

use crate::{OnnxError, Scores};

/// Class scores with gradients. [`Scores::scores`] are logits here: where a model ends in a softmax, this is
/// what stands before it, because a saturated softmax has no gradient to follow.
pub trait Gradients: Scores {
    /// Pulls the derivative of a loss back to the rows.
    ///
    /// Runs the `n` rows (`n * features` values), hands their `n * classes` logits to `loss`, which writes the
    /// derivative of each row's loss with respect to that row's logits (as many values, zeroed before), and
    /// writes the derivative with respect to the rows (`n * features` values) into `gradient`, which is
    /// cleared first. Rows do not depend on each other: no operator mixes rows of a batch.
    ///
    /// # Errors
    /// As [`Scores::scores`].
    fn pull_back(
        &self,
        rows: &[f32],
        n: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError>;

    /// Operators whose derivative is replaced by that of the identity (straight-through, BPDA after Athalye
    /// et al., *Obfuscated Gradients*, 2018), by node name. Empty where every derivative is the true one.
    fn straight_through(&self) -> &[String] {
        &[]
    }
}
