//! The exact distances of many rows: a lower bound of robustness at every radius, and, where the nearest other class
//! lies within the ball, the attack that no other can beat.

use proofhouse_onnx::graph::{Attribute, Graph, Node};
use proofhouse_onnx::{Scores, TreeEnsemble, predict};
use serde_json::json;

use super::{ExactOptions, MinimalDistance, minimal_linf};
use crate::{
    Access, Attack, Ball, Bounds, Goal, LabelledRows, Norm, Outcome, Progress, RobustnessError, Target,
    Threat, Victim,
};

/// The tree ensemble that a graph is, if it is one and nothing else: what stands before it leaves rows as they are or scales
/// every feature by a positive factor, and what stands behind it leaves the largest score where it is. Proofs about the
/// trees are then proofs about the model.
///
/// # Errors
/// What else the graph does, in words.
pub fn ensemble_of(graph: &Graph) -> Result<TreeEnsemble, RobustnessError> {
    let refuse = |what: String| RobustnessError::Option(what);
    let is_trees = |node: &&Node| {
        node.applies("ai.onnx.ml", "TreeEnsembleClassifier")
            || node.applies("ai.onnx.ml", "TreeEnsembleRegressor")
            || node.applies("ai.onnx.ml", "TreeEnsemble")
    };
    let mut found = graph.nodes.iter().filter(is_trees);
    let (Some(trees), None) = (found.next(), found.next()) else {
        return Err(refuse("the model is not one tree ensemble".to_owned()));
    };
    let passes = |node: &Node| match node.operator.as_str() {
        "Identity" | "Reshape" | "Flatten" | "ZipMap" => true,
        // FLOAT and DOUBLE hold every row; whole numbers do not. Behind the trees a cast makes no other order.
        "Cast" => {
            let onto = node.attributes.get("to");
            !node.outputs.iter().any(|o| trees.inputs.contains(o))
                || matches!(onto, Some(Attribute::Int(1 | 11)))
        }
        // Divides all scores of a row by one positive number.
        "Normalizer" => true,
        _ => false,
    };
    let scaler = graph.nodes.iter().find(|n| n.applies("ai.onnx.ml", "Scaler"));
    let scaler = scaler.filter(|n| n.outputs.iter().any(|o| trees.inputs.contains(o)) && is_rows(graph, n));
    if let Some(other) = graph.nodes.iter().find(|n| !is_trees(n) && !passes(n) && Some(*n) != scaler) {
        return Err(refuse(format!(
            "{} ({}) stands beside the trees, so that a proof about them is none about the model",
            other.operator, other.name
        )));
    }
    let found = TreeEnsemble::of(trees)?;
    match scaler {
        None => Ok(found),
        Some(scaler) => behind(&found, scaler),
    }
}

/// Whether a node reads the rows as the model is given them.
fn is_rows(graph: &Graph, node: &Node) -> bool {
    node.inputs.first().is_some_and(|name| graph.inputs.iter().any(|input| input.name == *name))
}

/// Trees behind a scaler, as trees of the rows before it.
fn behind(trees: &TreeEnsemble, scaler: &Node) -> Result<TreeEnsemble, RobustnessError> {
    let (offset, scale) = (scaler.floats("offset")?, scaler.floats("scale")?);
    let of = |values: &[f32], at: usize| {
        if values.len() == 1 { values[0] } else { values.get(at).copied().unwrap_or(0.0) }
    };
    if scale.iter().any(|s| !(s.is_finite() && *s > 0.0)) || offset.iter().any(|o| !o.is_finite()) {
        return Err(RobustnessError::Option(format!(
            "{} turns features round, so that a proof about the trees is none about the model",
            scaler.name
        )));
    }
    trees.behind(&|feature, x| (x - of(&offset, feature)) * of(&scale, feature)).ok_or_else(|| {
        RobustnessError::Option(
            "a tree asks whether a scaled feature equals a value, which no proof here follows".to_owned(),
        )
    })
}

/// How near another class is to each of some rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeDistances {
    /// Index of the row and its distance, ascending; only rows that are classified correctly.
    rows: Vec<(usize, MinimalDistance)>,
    options: ExactOptions,
}

impl TreeDistances {
    /// Measures every row that `model` classifies correctly. `ensemble` is the model as trees.
    ///
    /// # Errors
    /// Bounds that differ from feature to feature, rows that do not fit, trees that answer otherwise than the model.
    pub fn measure(
        ensemble: &TreeEnsemble,
        model: &dyn Scores,
        data: &LabelledRows<'_>,
        bounds: &Bounds,
        max_boxes: u64,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Self, RobustnessError> {
        let Bounds::Everywhere { low, high } = *bounds else {
            return Err(RobustnessError::Option(
                "exact distances are measured in one box for all features".to_owned(),
            ));
        };
        let options = ExactOptions { box_low: low, box_high: high, max_boxes };
        let mut scores = Vec::new();
        model.scores(data.rows, data.labels.len(), &mut scores)?;
        let predicted = predict(&scores, model.classes());
        let mut rows = Vec::new();
        let each = data.rows.chunks_exact(model.features()).zip(data.labels).zip(predicted).enumerate();
        for (index, ((row, label), said)) in each {
            progress(index, data.labels.len());
            if said != Some(*label) {
                continue;
            }
            let nearest = minimal_linf(ensemble, row, &options)?;
            if nearest.class != *label {
                let reason =
                    format!("the trees answer {}, the model {label}; they are not the same", nearest.class);
                return Err(RobustnessError::Row { row: index, reason });
            }
            rows.push((index, nearest));
        }
        progress(data.labels.len(), data.labels.len());
        Ok(Self { rows, options })
    }

    /// Row by row.
    #[must_use]
    pub fn rows(&self) -> &[(usize, MinimalDistance)] {
        &self.rows
    }

    /// Indices of the rows proved to keep their class everywhere within `eps`.
    #[must_use]
    pub fn certified(&self, eps: f64) -> Vec<usize> {
        self.rows.iter().filter(|(_, nearest)| nearest.certified > eps).map(|(index, _)| *index).collect()
    }

    /// Whether every search ended, so that distances are exact and not only bounds from below.
    #[must_use]
    pub fn exact(&self) -> bool {
        self.rows.iter().all(|(_, nearest)| nearest.exact)
    }

    /// Half of the rows have another class within this distance.
    #[must_use]
    pub fn median(&self) -> Option<f64> {
        let mut known: Vec<f64> = self.rows.iter().map(|(_, nearest)| nearest.certified).collect();
        known.sort_by(f64::total_cmp);
        known.get(known.len() / 2).copied()
    }
}

impl Attack for TreeDistances {
    fn name(&self) -> String {
        "trees-exact".to_owned()
    }

    fn access(&self) -> Access {
        Access::Labels
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf]
    }

    fn settings(&self) -> serde_json::Value {
        json!({ "max_boxes": self.options.max_boxes, "exact": self.exact() })
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        let shape = victim.model.input_shape();
        let found = |target: &Target<'_>| {
            let at = self.rows.binary_search_by_key(&target.index, |(index, _)| *index).ok()?;
            let (_, nearest) = self.rows.get(at)?;
            let witness = nearest.witness.clone()?;
            let wanted = match target.goal {
                Goal::Untargeted => true,
                Goal::Targeted(class) => nearest.becomes == Some(class),
            };
            (wanted && Ball::new(threat, shape, target.row).contains(&witness)).then_some(witness)
        };
        let outcomes = targets.iter().map(|t| Outcome { found: found(t), ..Outcome::of(t) }).collect();
        progress(Progress { rows_done: targets.len(), rows: targets.len(), queries: 0 });
        Ok(outcomes)
    }
}
