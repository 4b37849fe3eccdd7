//! Sums of products, unrolled: for every output the inputs it reads, with their weights.
//!
//! One form for dense layers, convolutions, pooling by mean and normalisation: bounding needs to walk the weights
//! forwards and backwards, and one walk that is right is worth more than four that are fast.

/// Unit roundoff of float32.
const UNIT: f64 = 5.960_464_477_539_063e-8;

/// An affine map with sparse rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Affine {
    /// Where the terms of each output begin, and the end of the last.
    starts: Vec<u32>,
    columns: Vec<u32>,
    weights: Vec<f32>,
    bias: Vec<f32>,
    /// Sizes of numbers that the evaluation passes through and that cancel in the result.
    passed: Vec<f32>,
    /// Roundings that the evaluation may make beyond one for every product and sum.
    extra: usize,
}

impl Affine {
    pub(super) fn new(extra: usize) -> Self {
        Self {
            starts: vec![0],
            columns: Vec::new(),
            weights: Vec::new(),
            bias: Vec::new(),
            passed: Vec::new(),
            extra,
        }
    }

    /// Adds an output. `None` where the terms are more than a 32-bit place can count.
    pub(super) fn push(&mut self, terms: impl IntoIterator<Item = (usize, f32)>, bias: f32) -> Option<()> {
        self.push_passing(terms, bias, 0.0)
    }

    /// As [`Affine::push`], of an output whose evaluation passes through a number of this size.
    pub(super) fn push_passing(
        &mut self,
        terms: impl IntoIterator<Item = (usize, f32)>,
        bias: f32,
        passed: f32,
    ) -> Option<()> {
        for (column, weight) in terms {
            self.columns.push(u32::try_from(column).ok()?);
            self.weights.push(weight);
        }
        self.starts.push(u32::try_from(self.columns.len()).ok()?);
        self.bias.push(bias);
        self.passed.push(passed);
        Some(())
    }

    /// Products of all outputs.
    pub(super) fn products(&self) -> usize {
        self.columns.len()
    }

    pub(super) fn outputs(&self) -> usize {
        self.bias.len()
    }

    pub(super) fn weights(&self) -> usize {
        self.weights.len()
    }

    fn terms(&self, output: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[output] as usize..self.starts[output + 1] as usize;
        let columns = self.columns[range.clone()].iter();
        columns.zip(&self.weights[range]).map(|(c, w)| (*c as usize, f64::from(*w)))
    }

    /// Bounds of one output over a box, and the largest error that float32 can make in evaluating it there (Higham,
    /// *Accuracy and Stability of Numerical Algorithms*, section 3.1). The error also covers what this float64 sum
    /// rounds, which is smaller by nine orders of magnitude.
    pub(super) fn bound(&self, output: usize, low: &[f64], high: &[f64]) -> (f64, f64, f64) {
        let bias = f64::from(self.bias[output]);
        let (mut least, mut most, mut size, mut count) =
            (bias, bias, bias.abs() + f64::from(self.passed[output]), 0usize);
        for (column, weight) in self.terms(output) {
            let (l, h) = (weight * low[column], weight * high[column]);
            least += l.min(h);
            most += l.max(h);
            size += l.abs().max(h.abs());
            count += 1;
        }
        let steps = (count + self.extra + 4) as f64;
        // Products below the normal range lose absolutely, not relatively.
        let tiny = steps * f64::from(f32::MIN_POSITIVE);
        let error = steps * UNIT / (1.0 - steps * UNIT) * size * (1.0 + 1e-6) + tiny;
        (least - error, most + error, error)
    }

    /// Adds `coefficient` times an output to coefficients of the inputs; returns what it adds to the constant.
    pub(super) fn pull(&self, output: usize, coefficient: f64, into: &mut [f64]) -> f64 {
        for (column, weight) in self.terms(output) {
            into[column] += coefficient * weight;
        }
        coefficient * f64::from(self.bias[output])
    }
}
