//! How weights follow gradients.

use serde::{Deserialize, Serialize};

const MOMENTUM: f32 = 0.9;
/// Adam's constants (Kingma and Ba 2015).
const FIRST: f64 = 0.9;
const SECOND: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// A rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Kingma and Ba 2015, with the decay apart from the gradient (Loshchilov and Hutter 2019).
    Adam,
    /// Stochastic gradient descent with Nesterov momentum 0.9.
    Sgd,
}

/// What a rule remembers of each weight.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// Steps made.
    pub steps: u64,
    /// Mean of the gradients, or the velocity.
    pub first: Vec<Vec<f32>>,
    /// Mean of their squares; empty for descent.
    pub second: Vec<Vec<f32>>,
}

impl Memory {
    /// None yet, for weights of these sizes.
    pub fn new(rule: Optimiser, sizes: impl Iterator<Item = usize> + Clone) -> Self {
        let zeros = |sizes: &mut dyn Iterator<Item = usize>| sizes.map(|n| vec![0.0; n]).collect();
        let second = match rule {
            Optimiser::Adam => zeros(&mut sizes.clone()),
            Optimiser::Sgd => Vec::new(),
        };
        Self { steps: 0, first: zeros(&mut sizes.clone()), second }
    }
}

/// One step of one rate.
#[derive(Debug, Clone, Copy)]
pub struct Stride {
    pub rule: Optimiser,
    pub rate: f64,
    pub decay: f64,
}

impl Stride {
    /// Moves all weights. `weights` and `gradients` are in the order of the memory.
    pub fn make<'w>(
        self,
        memory: &mut Memory,
        weights: impl Iterator<Item = &'w mut [f32]>,
        gradients: impl Iterator<Item = &'w [f32]>,
    ) {
        memory.steps += 1;
        let kept = (1.0 - self.rate * self.decay) as f32;
        let steps = i32::try_from(memory.steps).unwrap_or(i32::MAX);
        let (bias, bias_second) = (1.0 - FIRST.powi(steps), 1.0 - SECOND.powi(steps));
        let rate = (self.rate / bias) as f32;
        let mut seconds = memory.second.iter_mut();
        for ((weights, gradients), first) in weights.zip(gradients).zip(&mut memory.first) {
            weights.iter_mut().for_each(|w| *w *= kept);
            match (self.rule, seconds.next()) {
                (Optimiser::Adam, Some(second)) => {
                    let moments = first.iter_mut().zip(second);
                    for ((w, g), (m, v)) in weights.iter_mut().zip(gradients).zip(moments) {
                        *m += (1.0 - FIRST) as f32 * (g - *m);
                        *v += (1.0 - SECOND) as f32 * (g * g - *v);
                        let spread = (f64::from(*v) / bias_second).sqrt() + EPSILON;
                        *w -= rate * *m / spread as f32;
                    }
                }
                _ => {
                    for ((w, g), velocity) in weights.iter_mut().zip(gradients).zip(first) {
                        *velocity = MOMENTUM * *velocity + g;
                        *w -= self.rate as f32 * (g + MOMENTUM * *velocity);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both rules find the bottom of a bowl.
    #[test]
    fn a_bowl_is_descended() {
        for (rule, rate) in [(Optimiser::Adam, 0.05), (Optimiser::Sgd, 0.02)] {
            let mut weights = vec![3.0_f32, -2.0];
            let mut memory = Memory::new(rule, [2].into_iter());
            for _ in 0..400 {
                let gradients: Vec<f32> = weights.iter().map(|w| 2.0 * (w - 1.0)).collect();
                let stride = Stride { rule, rate, decay: 0.0 };
                stride.make(
                    &mut memory,
                    [weights.as_mut_slice()].into_iter(),
                    [gradients.as_slice()].into_iter(),
                );
            }
            assert!(weights.iter().all(|w| (w - 1.0).abs() < 0.05), "{rule:?} {weights:?}");
        }
    }

    #[test]
    fn the_first_step_of_adam_has_the_length_of_the_rate() {
        let mut weights = vec![0.0_f32, 0.0];
        let mut memory = Memory::new(Optimiser::Adam, [2].into_iter());
        let stride = Stride { rule: Optimiser::Adam, rate: 0.1, decay: 0.0 };
        stride.make(&mut memory, [weights.as_mut_slice()].into_iter(), [[5.0, -0.01].as_slice()].into_iter());
        assert!((weights[0] + 0.1).abs() < 1e-5 && (weights[1] - 0.1).abs() < 1e-5);
    }
}
