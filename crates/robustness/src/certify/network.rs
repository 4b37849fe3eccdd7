//! A ReLU network as what bounding needs of it.

use proofhouse_onnx::graph::Graph;

use super::affine::Affine;
use super::{backward, interval, lower};
use crate::{Norm, RobustnessError};

/// One step of a network, on values of one row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    /// The row itself.
    Input(usize),
    /// Sums of products of another step.
    Affine(usize, Affine),
    /// The sum of two steps.
    Sum(usize, usize),
    /// The larger of a value and zero.
    Relu(usize),
    /// For each output the largest of some values; with a zero where the place outside the image counts.
    Max(usize, Vec<Vec<u32>>),
}

/// A feed-forward network of affine maps, ReLU, pooling and sums, read from an ONNX graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// In an order in which each reads earlier ones only. The last are the logits.
    pub(super) steps: Vec<Step>,
    /// Values of each step.
    pub(super) sizes: Vec<usize>,
    /// Whether a softmax came last and was left off.
    softmax: bool,
}

/// How to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Interval arithmetic (Gowal et al. 2018): fast and loose.
    Interval,
    /// Linear bounds of every unstable neuron, pulled back to the input (CROWN, Zhang et al. 2018).
    Linear,
}

impl Method {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Interval => "interval-bounds",
            Self::Linear => "linear-bounds",
        }
    }
}

/// Inputs to be bounded over: a box, and a ball around a point where the norm is not that of the box.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    pub(super) low: Vec<f64>,
    pub(super) high: Vec<f64>,
    /// The point, the radius, and the norm dual to the ball's.
    pub(super) ball: Option<(Vec<f64>, f64, Norm)>,
}

impl Region {
    /// Every row whose values lie between two others.
    #[must_use]
    pub fn between(low: &[f32], high: &[f32]) -> Self {
        let wide = |v: &[f32]| v.iter().map(|v| f64::from(*v)).collect();
        Self { low: wide(low), high: wide(high), ball: None }
    }

    /// The rows of a threat around one row, as they reach the network: every value times `scale`.
    ///
    /// # Errors
    /// A norm that counts positions.
    pub fn of(ball: &crate::Ball, scale: f32) -> Result<Self, RobustnessError> {
        // Multiplying is monotone also after rounding, so the ends stay the ends.
        let scaled = |v: &[f32]| -> Vec<f64> { v.iter().map(|v| f64::from(v * scale)).collect() };
        let (a, b) = (scaled(ball.low()), scaled(ball.high()));
        let low: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a.min(*b)).collect();
        let high: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a.max(*b)).collect();
        let dual = match ball.norm() {
            Norm::Linf => return Ok(Self { low, high, ball: None }),
            Norm::L2 => Norm::L2,
            Norm::L1 => Norm::Linf,
            other => {
                return Err(RobustnessError::Option(format!(
                    "bounds hold for linf, l2 and l1, not for {other}"
                )));
            }
        };
        let centre = scaled(ball.origin());
        // A scaled value may be rounded either way; that belongs to the radius.
        let slack: f64 = if scale == 1.0 {
            0.0
        } else {
            low.iter().zip(&high).map(|(l, h)| l.abs().max(h.abs())).sum::<f64>() * 2.4e-7
        };
        Ok(Self { low, high, ball: Some((centre, ball.eps() * f64::from(scale.abs()) + slack, dual)) })
    }
}

impl Network {
    /// Reads the network that computes `output` (the graph's first where absent) of rows of `shape`.
    ///
    /// # Errors
    /// An operator that cannot be bounded, by name and place; shapes that do not fit; a network too large to unroll.
    pub fn read(graph: &Graph, shape: &[usize], output: Option<&str>) -> Result<Self, RobustnessError> {
        let (steps, sizes, softmax) = lower::lower(graph, shape, output)?;
        Ok(Self { steps, sizes, softmax })
    }

    /// Values of a row.
    #[must_use]
    pub fn features(&self) -> usize {
        self.sizes.first().copied().unwrap_or(0)
    }

    /// Outputs.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.sizes.last().copied().unwrap_or(0)
    }

    /// Products that linear bounds of one row take at most: every neuron whose sign is open is pulled back through all
    /// steps before it.
    #[must_use]
    pub fn work(&self) -> usize {
        let mut products = 0usize;
        let mut work = 0usize;
        for (step, size) in self.steps.iter().zip(&self.sizes) {
            match step {
                Step::Affine(_, map) => products = products.saturating_add(map.products()),
                Step::Relu(_) => work = work.saturating_add(size.saturating_mul(2 * products)),
                Step::Input(_) | Step::Sum(..) | Step::Max(..) => {}
            }
        }
        work.saturating_add(products.saturating_mul(self.classes()))
    }

    /// Whether a softmax came last and was left off, so that outputs are not those of the graph.
    #[must_use]
    pub const fn ends_in_softmax(&self) -> bool {
        self.softmax
    }

    /// Bounds of every output over a region: no float32 evaluation of a row in it gives anything outside.
    ///
    /// # Errors
    /// A region of another width.
    pub fn bounds(&self, region: &Region, method: Method) -> Result<Vec<(f64, f64)>, RobustnessError> {
        let known = self.known(region, method)?;
        let last = self.steps.len() - 1;
        let forward = known.low[last].iter().copied().zip(known.high[last].iter().copied());
        if method == Method::Interval {
            return Ok(forward.collect());
        }
        let classes = self.classes();
        let tightened = forward.enumerate().map(|(at, (low, high))| {
            let mut row = vec![0.0; classes];
            row[at] = 1.0;
            let least = backward::least(self, &known, region, last, &row);
            row[at] = -1.0;
            let most = -backward::least(self, &known, region, last, &row);
            (low.max(least), high.min(most))
        });
        Ok(tightened.collect())
    }

    /// How far the score of `class` lies at least above every other, over a region: where it is positive, every row
    /// there has this class.
    ///
    /// # Errors
    /// A region of another width, a class that is not there.
    pub fn margin(&self, region: &Region, class: usize, method: Method) -> Result<f64, RobustnessError> {
        let classes = self.classes();
        if class >= classes {
            return Err(RobustnessError::Option(format!("class {class} is not one of {classes}")));
        }
        let known = self.known(region, method)?;
        let last = self.steps.len() - 1;
        let others = (0..classes).filter(|other| *other != class);
        let margin = others
            .map(|other| {
                let apart = known.low[last][class] - known.high[last][other];
                if method == Method::Interval {
                    return apart;
                }
                let mut row = vec![0.0; classes];
                (row[class], row[other]) = (1.0, -1.0);
                apart.max(backward::least(self, &known, region, last, &row))
            })
            .fold(f64::INFINITY, f64::min);
        // Through a softmax in float32, scores that are very near may come out equal, and the first one wins.
        Ok(if self.softmax { margin - 1e-4 } else { margin })
    }

    fn known(&self, region: &Region, method: Method) -> Result<interval::Known, RobustnessError> {
        if region.low.len() != self.features() {
            return Err(RobustnessError::Option(format!(
                "the network takes {} values, the region has {}",
                self.features(),
                region.low.len()
            )));
        }
        Ok(interval::forward(self, region, method))
    }
}
