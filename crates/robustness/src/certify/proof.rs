//! The best proof that there is of a model: exact distances of tree ensembles, linear or interval bounds of ReLU
//! networks.

use proofhouse_core::Measurement;
use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{ClassifierOptions, Scores};

use super::{Method, Network, certify};
use crate::trees::{TreeDistances, ensemble_of};
use crate::{CurvePoint, LabelledRows, Norm, RobustnessError, Threat};

/// Products for one row up to which linear bounds are affordable; larger networks are bounded by intervals.
const LINEAR_WORK: usize = 1_000_000_000;
/// Boxes that the exact search may examine for one row.
const TREE_BOXES: u64 = 200_000;

/// A way to prove that rows keep their class.
#[derive(Debug)]
pub enum Proof {
    /// Of trees.
    Trees(TreeDistances),
    /// Of a network: with what a row is multiplied before the network sees it.
    Network {
        /// The network.
        network: Network,
        /// The factor.
        scale: f32,
        /// How it is bounded.
        method: Method,
    },
}

impl Proof {
    /// Finds one for the graph of `model`, used as `options` say. Trees are measured here, once for every radius.
    ///
    /// # Errors
    /// Why there is none, in words: operators that cannot be bounded, a norm that proofs do not know.
    pub fn find(
        graph: &Graph,
        options: &ClassifierOptions,
        model: &dyn Scores,
        data: &LabelledRows<'_>,
        threat: &Threat,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, RobustnessError> {
        let scale = options.preprocess.scale;
        let refuse = |what: String| Err(RobustnessError::Option(what));
        if graph.nodes.iter().any(|n| n.domain == "ai.onnx.ml" && n.operator.starts_with("TreeEnsemble")) {
            let trees = ensemble_of(graph)?;
            if threat.norm != Norm::Linf {
                return refuse(format!("distances of trees are exact in linf, not in {}", threat.norm));
            }
            if scale.to_bits() != 1.0f32.to_bits() {
                return refuse("distances of trees are exact in the units that the trees see".to_owned());
            }
            data.check(model, threat)?;
            let measured = TreeDistances::measure(&trees, model, data, &threat.bounds, TREE_BOXES, progress)?;
            return Ok(Self::Trees(measured));
        }
        if !matches!(threat.norm, Norm::Linf | Norm::L2 | Norm::L1) {
            return refuse(format!("bounds hold for linf, l2 and l1, not for {}", threat.norm));
        }
        let network = Network::read(graph, &options.input_shape, options.output.as_deref())?;
        let linear = network.work() <= LINEAR_WORK;
        let method = if linear { Method::Linear } else { Method::Interval };
        Ok(Self::Network { network, scale, method })
    }

    /// Its name in reports.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Trees(trees) if trees.exact() => "exact distances of the trees",
            Self::Trees(_) => "distances of the trees, bounded from below where the search did not end",
            Self::Network { method: Method::Linear, .. } => "linear bounds",
            Self::Network { method: Method::Interval, .. } => "interval bounds",
        }
    }

    /// Indices of the rows that keep their class everywhere within `threat`.
    ///
    /// # Errors
    /// A network that does not answer as the model does.
    pub fn certified(
        &self,
        model: &dyn Scores,
        data: &LabelledRows<'_>,
        threat: &Threat,
    ) -> Result<Vec<usize>, RobustnessError> {
        match self {
            Self::Trees(trees) => Ok(trees.certified(threat.eps)),
            Self::Network { network, scale, method } => {
                Ok(certify(model, network, *scale, data, threat, *method, 0.95)?.rows)
            }
        }
    }

    /// Adds to each point of a curve, in ascending order, what is proved within its radius.
    ///
    /// # Errors
    /// As [`Proof::certified`].
    pub fn curve(
        &self,
        model: &dyn Scores,
        data: &LabelledRows<'_>,
        threat: &Threat,
        points: &mut [CurvePoint],
        confidence: f64,
    ) -> Result<(), RobustnessError> {
        let n = data.labels.len();
        let mut left = usize::MAX;
        for point in points {
            // Where nothing is proved within a radius, nothing is within a larger one.
            if left > 0 {
                let here = Threat { eps: point.eps, ..threat.clone() };
                left = self.certified(model, data, &here)?.into_iter().filter(|row| *row < n).count();
            }
            let share = Measurement::proportion("certified-accuracy", left as u64, n as u64, confidence);
            point.certified = Some(share.of_slice(format!("eps={}", point.eps)));
        }
        Ok(())
    }

    /// The attack that comes with it: of trees the nearest other class is known.
    #[must_use]
    pub const fn attack(&self) -> Option<&TreeDistances> {
        match self {
            Self::Trees(trees) => Some(trees),
            Self::Network { .. } => None,
        }
    }
}
