//! A training between two epochs, as bytes.

use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use super::optimiser::Memory;
use super::train::Epoch;

/// All that the next epoch depends on. Obtained from a [`Training`](super::Training) and given back to one of the
/// same model, data and recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct Checkpoint {
    pub(super) model: Digest,
    pub(super) recipe: Digest,
    pub(super) epochs: Vec<Epoch>,
    pub(super) memory: Memory,
    pub(super) weights: Vec<Vec<f32>>,
    /// Weights after each epoch that may still be returned, by epoch.
    pub(super) kept: Vec<(usize, Vec<Vec<f32>>)>,
}

/// Why bytes are no checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// It is no checkpoint, or it was cut off.
    #[error("this is no checkpoint of a training, or a part of one: {0}")]
    Broken(String),
    /// It belongs to something else.
    #[error("the checkpoint is of another {0}; remove it to begin anew")]
    Other(&'static str),
}

/// What is written as JSON before the numbers.
#[derive(Serialize, Deserialize)]
struct Head {
    model: Digest,
    recipe: Digest,
    epochs: Vec<Epoch>,
    steps: u64,
    /// Lengths of the weights.
    sizes: Vec<usize>,
    /// Whether squares are remembered.
    second: bool,
    kept: Vec<usize>,
}

const MAGIC: &[u8] = b"proofhouse.training/v1\n";

impl Checkpoint {
    /// As bytes: a head of JSON in one line, then the numbers as little-endian float32, then their hash.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            model: self.model,
            recipe: self.recipe,
            epochs: self.epochs.clone(),
            steps: self.memory.steps,
            sizes: self.weights.iter().map(Vec::len).collect(),
            second: !self.memory.second.is_empty(),
            kept: self.kept.iter().map(|(epoch, _)| *epoch).collect(),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend(serde_json::to_vec(&head).unwrap_or_default());
        bytes.push(b'\n');
        let kept = self.kept.iter().map(|(_, weights)| weights);
        for group in [&self.weights, &self.memory.first, &self.memory.second].into_iter().chain(kept) {
            bytes.extend(group.iter().flatten().flat_map(|v| v.to_le_bytes()));
        }
        let digest = Digest::of(&bytes);
        bytes.extend(digest.to_string().into_bytes());
        bytes
    }

    /// Reads it again.
    ///
    /// # Errors
    /// Bytes that are not whole.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CheckpointError> {
        let broken = |what: &str| CheckpointError::Broken(what.to_owned());
        let tail = Digest::of(b"").to_string().len();
        let at = bytes.len().checked_sub(tail).ok_or_else(|| broken("it is too short"))?;
        let (whole, digest) = bytes.split_at(at);
        if Digest::of(whole).to_string().as_bytes() != digest {
            return Err(broken("its hash differs"));
        }
        let rest = whole.strip_prefix(MAGIC).ok_or_else(|| broken("it begins otherwise"))?;
        let line = rest.iter().position(|b| *b == b'\n').ok_or_else(|| broken("it has no head"))?;
        let (head, numbers) = rest.split_at(line);
        let head: Head = serde_json::from_slice(head).map_err(|e| CheckpointError::Broken(e.to_string()))?;
        let mut numbers = numbers.get(1..).unwrap_or_default().chunks_exact(4).map(|b| match b {
            [a, b, c, d] => f32::from_le_bytes([*a, *b, *c, *d]),
            _ => f32::NAN,
        });
        let mut group = || -> Result<Vec<Vec<f32>>, CheckpointError> {
            head.sizes
                .iter()
                .map(|size| {
                    let values: Vec<f32> = numbers.by_ref().take(*size).collect();
                    if values.len() == *size { Ok(values) } else { Err(broken("numbers are missing")) }
                })
                .collect()
        };
        let (weights, first) = (group()?, group()?);
        let second = if head.second { group()? } else { Vec::new() };
        let kept = head.kept.iter().map(|epoch| Ok((*epoch, group()?))).collect::<Result<_, _>>()?;
        Ok(Self {
            model: head.model,
            recipe: head.recipe,
            epochs: head.epochs,
            memory: Memory { steps: head.steps, first, second },
            weights,
            kept,
        })
    }
}
