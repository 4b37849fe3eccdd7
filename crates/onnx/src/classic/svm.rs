//! `SVMClassifier` and `SVMRegressor`: scores from kernels between a row and support vectors.
//!
//! The classifier is libsvm's: every pair of classes has a score, the pairs vote for the class, and probabilities, where
//! the model was trained for them, are those of Wu, Lin, Weng 2004 ("Probability estimates for multi-class
//! classification by pairwise coupling"), whose iteration ends where ONNX Runtime ends it.

use super::labels::Labels;
use super::post_transform::{PostTransform, logistic};
use super::value::Rows;
use crate::OnnxError;
use crate::graph::Node;

/// A support vector machine.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Svm {
    kernel: Kernel,
    /// A row of `features` for each support vector; where there are none, the coefficients of each score.
    vectors: Vec<f32>,
    features: usize,
    coefficients: Vec<f32>,
    rho: Vec<f32>,
    post: PostTransform,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kernel {
    Linear,
    Polynomial { gamma: f32, coef0: f32, degree: f32 },
    Radial { gamma: f32 },
    Sigmoid { gamma: f32, coef0: f32 },
}

impl Svm {
    /// `count` is the number of support vectors, or of scores where there are none.
    fn of(node: &Node, count: usize, supported: bool) -> Result<Self, OnnxError> {
        let parameters = node.floats("kernel_params")?;
        let at = |i: usize| parameters.get(i).copied().unwrap_or(0.0);
        let kernel = match node.text("kernel_type", "LINEAR")? {
            _ if !supported => Kernel::Linear,
            "LINEAR" => Kernel::Linear,
            "POLY" => Kernel::Polynomial { gamma: at(0), coef0: at(1), degree: at(2) },
            "RBF" => Kernel::Radial { gamma: at(0) },
            "SIGMOID" => Kernel::Sigmoid { gamma: at(0), coef0: at(1) },
            other => return Err(node.broken(format!("kernel {other:?} is not evaluated here"))),
        };
        let coefficients = node.floats("coefficients")?;
        let vectors = if supported { node.floats("support_vectors")? } else { coefficients.clone() };
        if count == 0 || vectors.is_empty() || !vectors.len().is_multiple_of(count) {
            return Err(node.broken(format!("{} values do not make {count} support vectors", vectors.len())));
        }
        let features = vectors.len() / count;
        Ok(Self {
            kernel,
            vectors,
            features,
            coefficients,
            rho: node.floats("rho")?,
            post: PostTransform::of(node)?,
        })
    }

    /// The kernel between a row and every support vector.
    fn kernels(&self, row: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.extend(self.vectors.chunks_exact(self.features).map(|vector| {
            let pairs = || vector.iter().zip(row);
            let dot = || pairs().map(|(a, b)| a * b).sum::<f32>();
            match self.kernel {
                Kernel::Linear => dot(),
                Kernel::Polynomial { gamma, coef0, degree } => (gamma * dot() + coef0).powf(degree),
                Kernel::Radial { gamma } => {
                    let distance: f32 = pairs().map(|(a, b)| (a - b) * (a - b)).sum();
                    (-gamma * distance).exp()
                }
                Kernel::Sigmoid { gamma, coef0 } => (gamma * dot() + coef0).tanh(),
            }
        }));
    }

    fn fits(&self, rows: &Rows<'_>) -> Result<(), OnnxError> {
        if rows.width == self.features {
            return Ok(());
        }
        Err(OnnxError::Run(format!(
            "a support vector machine of {} features got rows of {}",
            self.features, rows.width
        )))
    }
}

/// A machine that gives one number.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SvmRegressor {
    svm: Svm,
    supported: bool,
    one_class: bool,
}

impl SvmRegressor {
    pub(crate) fn of(node: &Node) -> Result<Self, OnnxError> {
        let count = usize::try_from(node.int("n_supports", 0)?).unwrap_or(0);
        let supported = count > 0;
        let svm = Svm::of(node, count.max(1), supported)?;
        let wanted = if supported { count } else { svm.features };
        if svm.coefficients.len() != wanted || svm.rho.is_empty() {
            return Err(node.broken("its coefficients do not go with its support vectors"));
        }
        Ok(Self { svm, supported, one_class: node.int("one_class", 0)? != 0 })
    }

    /// One number a row: 1 or -1 where the machine tells one class from everything else.
    pub(crate) fn regress(&self, rows: &Rows<'_>) -> Result<Vec<f32>, OnnxError> {
        self.svm.fits(rows)?;
        let mut kernels = Vec::new();
        let rho = self.svm.rho.first().copied().unwrap_or(0.0);
        let one = |row: &[f32]| {
            self.svm.kernels(row, &mut kernels);
            let sum = match self.supported {
                true => kernels.iter().zip(&self.svm.coefficients).map(|(k, c)| k * c).sum::<f32>(),
                false => kernels.first().copied().unwrap_or(0.0),
            };
            match (self.one_class, sum + rho > 0.0) {
                (false, _) => sum + rho,
                (true, inside) => {
                    if inside {
                        1.0
                    } else {
                        -1.0
                    }
                }
            }
        };
        Ok(rows.iter().map(one).collect())
    }
}

/// A machine that tells classes apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SvmClassifier {
    svm: Svm,
    pub labels: Labels,
    /// Where the support vectors of each class begin, and after them the end; empty for one linear score a class.
    starts: Vec<usize>,
    /// Slope and offset of the probability of each pair, where there are probabilities.
    sigmoids: Vec<(f32, f32)>,
    positive: bool,
}

impl SvmClassifier {
    pub(crate) fn of(node: &Node, labels: Labels) -> Result<Self, OnnxError> {
        let classes = labels.len();
        let mut starts = vec![0usize];
        for count in node.ints("vectors_per_class")? {
            let last = starts.last().copied().unwrap_or(0);
            let next = usize::try_from(*count).ok().and_then(|count| last.checked_add(count));
            starts.push(next.ok_or_else(|| node.broken("a class has no number of support vectors"))?);
        }
        let vectors = starts.last().copied().unwrap_or(0);
        let supported = vectors > 0;
        let svm = Svm::of(node, if supported { vectors } else { classes }, supported)?;
        let pairs = classes * classes.saturating_sub(1) / 2;
        let (a, b) = (node.floats("prob_a")?, node.floats("prob_b")?);
        let fits = classes > 1
            && !svm.rho.is_empty()
            && a.len() == b.len()
            && (!supported
                || (starts.len() == classes + 1
                    && svm.coefficients.len() >= (classes - 1) * vectors
                    && svm.rho.len() >= pairs
                    && (a.is_empty() || a.len() >= pairs)));
        if !fits {
            return Err(node.broken("its classes, support vectors and coefficients do not go together"));
        }
        let positive = svm.coefficients.iter().all(|c| *c >= 0.0);
        let starts = if supported { starts } else { Vec::new() };
        Ok(Self { svm, labels, starts, sigmoids: a.into_iter().zip(b).collect(), positive })
    }

    /// Numbers in a row of scores.
    pub(crate) fn width(&self) -> usize {
        let classes = self.labels.len();
        match (self.starts.is_empty(), self.sigmoids.is_empty()) {
            (false, true) if classes > 2 => classes * (classes - 1) / 2,
            _ => classes,
        }
    }

    /// The class of each row, and its scores.
    pub(crate) fn classify(&self, rows: &Rows<'_>) -> Result<(Vec<usize>, Vec<f32>), OnnxError> {
        self.svm.fits(rows)?;
        let (mut classes, mut scores) =
            (Vec::with_capacity(rows.n), Vec::with_capacity(rows.n * self.width()));
        let mut kernels = Vec::new();
        for row in rows.iter() {
            self.svm.kernels(row, &mut kernels);
            let (class, mut row) =
                if self.starts.is_empty() { self.by_class(&kernels) } else { self.by_pairs(&kernels) };
            classes.push(class);
            if row.len() > 1 {
                self.svm.post.apply(&mut row);
            } else if let [only] = row[..] {
                // One score for two classes.
                row = match self.svm.post {
                    PostTransform::None => vec![-only, only],
                    _ => vec![1.0 - only, only],
                };
            }
            scores.extend(row);
        }
        Ok((classes, scores))
    }

    /// One linear score for each class.
    fn by_class(&self, kernels: &[f32]) -> (usize, Vec<f32>) {
        let rho = self.svm.rho.first().copied().unwrap_or(0.0);
        let scores: Vec<f32> = kernels.iter().map(|k| k + rho).collect();
        let (best, largest) = largest(&scores);
        let second = self.labels.len() == 2 && if self.positive { largest >= 0.5 } else { largest > 0.0 };
        (if second { 1 } else { best }, scores)
    }

    /// One score for each pair of classes, and from those probabilities where there are some.
    fn by_pairs(&self, kernels: &[f32]) -> (usize, Vec<f32>) {
        let (classes, vectors) = (self.labels.len(), kernels.len());
        let of = |row: usize, class: usize| -> f64 {
            let span = self.starts[class]..self.starts[class + 1];
            let coefficients = &self.svm.coefficients[row * vectors..][span.clone()];
            coefficients.iter().zip(&kernels[span]).map(|(c, k)| f64::from(c * k)).sum()
        };
        let (mut votes, mut scores) = (vec![0.0f32; classes], Vec::new());
        for i in 0..classes {
            for j in i + 1..classes {
                let sum = of(j - 1, i) + of(i, j) + f64::from(self.svm.rho[scores.len()]);
                votes[if sum > 0.0 { i } else { j }] += 1.0;
                scores.push(sum as f32);
            }
        }
        let class = largest(&votes).0;
        if self.sigmoids.is_empty() {
            return (class, scores);
        }
        let mut pairs = vec![0.0f32; classes * classes];
        let mut at = 0;
        for i in 0..classes {
            for j in i + 1..classes {
                let (a, b) = self.sigmoids[at];
                let p = (1.0 - logistic(scores[at] * a + b)).clamp(1e-7, 1.0 - 1e-7);
                pairs[i * classes + j] = p;
                pairs[j * classes + i] = 1.0 - p;
                at += 1;
            }
        }
        (class, coupled(&pairs, classes))
    }
}

/// The first of the largest.
fn largest(scores: &[f32]) -> (usize, f32) {
    let best =
        scores.iter().copied().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.unwrap_or((0, 0.0))
}

/// Most rounds of the coupling.
const ROUNDS: usize = 100;

/// One probability for each class from those of the pairs.
fn coupled(pairs: &[f32], k: usize) -> Vec<f32> {
    let mut q = vec![0.0f32; k * k];
    for i in 0..k {
        for j in (0..k).filter(|j| *j != i) {
            q[i * k + i] += pairs[j * k + i] * pairs[j * k + i];
            q[i * k + j] = -pairs[j * k + i] * pairs[i * k + j];
        }
    }
    let mut p = vec![1.0 / k as f32; k];
    let mut qp = vec![0.0f32; k];
    for _ in 0..ROUNDS {
        let mut pqp = 0.0;
        for i in 0..k {
            qp[i] = (0..k).map(|j| q[i * k + j] * p[j]).sum();
            pqp += p[i] * qp[i];
        }
        if qp.iter().all(|v| (v - pqp).abs() < 0.005 / k as f32) {
            break;
        }
        for i in 0..k {
            let step = (pqp - qp[i]) / q[i * k + i];
            p[i] += step;
            let grown = 1.0 + step;
            pqp = (pqp + step * (step * q[i * k + i] + 2.0 * qp[i])) / grown / grown;
            for j in 0..k {
                qp[j] = (qp[j] + step * q[i * k + j]) / grown;
                p[j] /= grown;
            }
        }
    }
    p
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coupling_agrees_with_pairs_that_agree() {
        // Pairs made from probabilities: r_ij = p_i / (p_i + p_j).
        let given = [0.5f32, 0.3, 0.2];
        let mut pairs = vec![0.0; 9];
        for i in 0..3 {
            for j in (0..3).filter(|j| *j != i) {
                pairs[i * 3 + j] = given[i] / (given[i] + given[j]);
            }
        }
        let p = coupled(&pairs, 3);
        assert!(p.iter().zip(given).all(|(a, b)| (a - b).abs() < 0.01), "{p:?}");
        assert!((p.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
