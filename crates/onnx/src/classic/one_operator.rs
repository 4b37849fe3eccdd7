//! `TreeEnsemble` of ai.onnx.ml 5, which takes the place of the classifier and the regressor before it: nodes and leaves
//! in lists of their own, numbers in tensors, words as numbers. It gives raw scores; what decides stands behind it.

use super::post_transform::PostTransform;
use super::tree::{Aggregate, Decides, MAX_NODES, Test, TreeEnsemble, TreeNode};
use crate::OnnxError;
use crate::graph::Node;

impl TreeEnsemble {
    pub(super) fn of_one_operator(node: &Node) -> Result<Self, OnnxError> {
        let mut ensemble = Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            weights: Vec::new(),
            features: 0,
            targets: usize::try_from(node.int("n_targets", 1)?).unwrap_or(0).max(1),
            base: Vec::new(),
            aggregate: match node.int("aggregate_function", 1)? {
                0 => Aggregate::Average,
                1 => Aggregate::Sum,
                2 => Aggregate::Least,
                3 => Aggregate::Largest,
                other => return Err(node.broken(format!("aggregate_function {other} is not evaluated here"))),
            },
            post: match node.int("post_transform", 0)? {
                0 => PostTransform::None,
                1 => PostTransform::Softmax,
                2 => PostTransform::Logistic,
                3 => PostTransform::SoftmaxZero,
                4 => PostTransform::Probit,
                other => return Err(node.broken(format!("post_transform {other} is not evaluated here"))),
            },
            decides: Decides::Regression,
            lists: Vec::new(),
        };
        let (targets, weights) = (node.ints("leaf_targetids")?, node.doubles("leaf_weights")?);
        if targets.len() != weights.len() {
            return Err(node.broken("its leaf_ attributes differ in length"));
        }
        for (target, weight) in targets.iter().zip(&weights) {
            let target = u32::try_from(*target).ok().filter(|t| (*t as usize) < ensemble.targets);
            let target = target.ok_or_else(|| node.broken("a leaf adds to a target that is not there"))?;
            ensemble.weights.push((target, *weight as f32));
        }
        ensemble.read_split_nodes(node)?;
        for root in node.ints("tree_roots")? {
            let root = u32::try_from(*root).ok().filter(|r| (*r as usize) < node_count(node));
            ensemble
                .roots
                .push(root.ok_or_else(|| node.broken("a tree begins at a node that is not there"))?);
        }
        if ensemble.roots.is_empty() {
            return Err(node.broken("it holds no trees"));
        }
        ensemble.check_trees(node)?;
        Ok(ensemble)
    }

    /// The nodes that split, and behind them a leaf for each branch that ends in one.
    fn read_split_nodes(&mut self, node: &Node) -> Result<(), OnnxError> {
        let features = node.ints("nodes_featureids")?;
        let (modes, splits) = (node.doubles("nodes_modes")?, node.doubles("nodes_splits")?);
        let yes = (node.ints("nodes_truenodeids")?, node.ints("nodes_trueleafs")?);
        let no = (node.ints("nodes_falsenodeids")?, node.ints("nodes_falseleafs")?);
        let missing = node.ints("nodes_missing_value_tracks_true")?;
        let mut members = node.doubles("membership_values")?.into_iter();
        let n = features.len();
        if n == 0 || n > MAX_NODES {
            return Err(node.broken(format!("it has {n} nodes; 1 to {MAX_NODES} are evaluated here")));
        }
        let lengths = [modes.len(), splits.len(), yes.0.len(), yes.1.len(), no.0.len(), no.1.len()];
        if lengths.iter().any(|l| *l != n) || !(missing.is_empty() || missing.len() == n) {
            return Err(node.broken("its nodes_ attributes differ in length"));
        }
        let mut leaves = Vec::new();
        let count = self.weights.len();
        let mut child = |(ids, ends): (&[i64], &[i64]), at: usize| {
            let gone = || node.broken(format!("node {at} leads to a node or leaf that is not there"));
            let id = u32::try_from(ids[at]).map_err(|_| gone())?;
            let limit = if ends[at] == 0 { n } else { count };
            if id as usize >= limit {
                return Err(gone());
            }
            if ends[at] == 0 {
                return Ok(id);
            }
            leaves.push(TreeNode::Leaf { first: id, count: 1 });
            u32::try_from(n + leaves.len() - 1).map_err(|_| gone())
        };
        for at in 0..n {
            let test = match modes[at] as i64 {
                0 => Test::AtMost,
                1 => Test::Below,
                2 => Test::AtLeast,
                3 => Test::Above,
                4 => Test::Equal,
                5 => Test::NotEqual,
                // The lists of all such nodes, one after the other, each ended by NaN.
                6 => {
                    let mut list: Vec<f32> =
                        members.by_ref().take_while(|v| !v.is_nan()).map(as_listed).collect();
                    list.sort_by(f32::total_cmp);
                    self.lists.push(list);
                    Test::Member(u32::try_from(self.lists.len() - 1).unwrap_or(u32::MAX))
                }
                other => return Err(node.broken(format!("comparison {other} is not evaluated here"))),
            };
            let feature = u32::try_from(features[at])
                .map_err(|_| node.broken(format!("it looks at feature {}", features[at])))?;
            self.features = self.features.max(feature as usize + 1);
            let (yes, no) = (child(yes, at)?, child(no, at)?);
            let (threshold, missing) = (test.threshold(splits[at]), missing.get(at) == Some(&1));
            self.nodes.push(TreeNode::Branch { feature, test, threshold, missing, yes, no });
        }
        self.nodes.append(&mut leaves);
        Ok(())
    }
}

/// A member of a list as the float32 that equals it. Nothing equals one that none is. There is one zero: -0 equals 0.
fn as_listed(value: f64) -> f32 {
    let near = value as f32;
    if f64::from(near) == value { near + 0.0 } else { f32::INFINITY }
}

fn node_count(node: &Node) -> usize {
    node.ints("nodes_featureids").map_or(0, <[i64]>::len)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::graph::{Attribute, Constant};

    /// Two trees of one split, on two targets: x0 <= 0.5 and x1 > -1.
    fn node() -> Node {
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        let numbers =
            |values: &[f32]| Attribute::Tensor(Constant::float32(vec![values.len()], values.to_vec()));
        let attributes = [
            ("n_targets", Attribute::Int(2)),
            ("tree_roots", ints(&[0, 1])),
            ("nodes_featureids", ints(&[0, 1])),
            ("nodes_modes", Attribute::Tensor(Constant::int64(vec![2], vec![0, 3]))),
            ("nodes_splits", numbers(&[0.5, -1.0])),
            ("nodes_truenodeids", ints(&[0, 2])),
            ("nodes_trueleafs", ints(&[1, 1])),
            ("nodes_falsenodeids", ints(&[1, 3])),
            ("nodes_falseleafs", ints(&[1, 1])),
            ("leaf_targetids", ints(&[0, 0, 1, 1])),
            ("leaf_weights", numbers(&[1.0, 2.0, 4.0, 8.0])),
        ];
        Node {
            name: "trees".to_owned(),
            operator: "TreeEnsemble".to_owned(),
            domain: super::super::DOMAIN.to_owned(),
            inputs: vec!["x".to_owned()],
            outputs: vec!["y".to_owned()],
            attributes: attributes.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn trees_of_one_operator_are_read() {
        let trees = TreeEnsemble::of(&node()).unwrap();
        assert_eq!((trees.trees(), trees.features(), trees.targets()), (2, 2, 2));
        let raw = |row: [f32; 2]| {
            let mut out = Vec::new();
            trees.raw(&row, &mut out);
            out
        };
        assert_eq!(raw([0.5, 0.0]), [1.0, 4.0]);
        assert_eq!(raw([0.6, -1.0]), [2.0, 8.0]);
        assert_eq!(trees.leaves().unwrap().iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
    }

    #[test]
    fn lists_of_values_are_looked_into_and_are_boxes() {
        let mut node = node();
        node.attributes
            .insert("nodes_modes".to_owned(), Attribute::Tensor(Constant::int64(vec![2], vec![6, 5])));
        let lists = vec![3.0, -1.0, 0.0, f32::NAN];
        node.attributes
            .insert("membership_values".to_owned(), Attribute::Tensor(Constant::float32(vec![4], lists)));
        let trees = TreeEnsemble::of(&node).unwrap();
        let boxes = trees.leaves().unwrap();
        // Three values and what lies around them; one value and both its sides.
        assert_eq!(boxes.iter().map(Vec::len).collect::<Vec<_>>(), [7, 3]);
        for x in [-1.0, -0.0, 0.0, 3.0, -2.0, -0.5, 1.0, 4.0, f32::MIN_POSITIVE] {
            let row = [x, x];
            let mut raw = Vec::new();
            trees.raw(&row, &mut raw);
            let listed = [3.0, -1.0, 0.0].contains(&x);
            assert_eq!(raw, [if listed { 1.0 } else { 2.0 }, if x == -1.0 { 8.0 } else { 4.0 }], "{x}");
            for (tree, score) in boxes.iter().zip(&raw) {
                let reached: Vec<_> =
                    tree.iter().filter(|leaf| leaf.bounds.iter().all(|(f, i)| i.contains(row[*f]))).collect();
                assert_eq!(reached.len(), 1, "{x}");
                assert_eq!(reached[0].weights[0].1, *score, "{x}");
            }
        }
    }

    #[test]
    fn the_smallest_and_the_largest_weight_are_found() {
        for (aggregate, wanted) in [(2, [1.0, 2.0]), (3, [4.0, 8.0])] {
            let mut node = node();
            node.attributes.insert("aggregate_function".to_owned(), Attribute::Int(aggregate));
            node.attributes.insert("leaf_targetids".to_owned(), ints_of(&[0, 0, 0, 0]));
            let trees = TreeEnsemble::of(&node).unwrap();
            let raw = |row: [f32; 2]| {
                let mut out = Vec::new();
                trees.raw(&row, &mut out);
                out
            };
            // The second target has no weights and stays 0.
            assert_eq!(raw([0.0, 0.0]), [wanted[0], 0.0]);
            assert_eq!(raw([1.0, -2.0]), [wanted[1], 0.0]);
            assert!(trees.leaves().unwrap_err().to_string().contains("need sums"));
        }
    }

    fn ints_of(values: &[i64]) -> Attribute {
        Attribute::Ints(values.to_vec())
    }

    #[test]
    fn what_does_not_hold_together_is_refused() {
        let ints = |values: &[i64]| Attribute::Ints(values.to_vec());
        for (name, value, says) in [
            ("tree_roots", ints(&[2]), "begins at a node"),
            ("tree_roots", ints(&[]), "no trees"),
            ("tree_roots", ints(&[-1]), "begins at a node"),
            ("nodes_truenodeids", ints(&[4, 2]), "not there"),
            ("nodes_truenodeids", ints(&[0]), "differ in length"),
            ("leaf_targetids", ints(&[0, 0, 1, 2]), "target that is not there"),
            ("leaf_targetids", ints(&[0]), "differ in length"),
            ("nodes_featureids", ints(&[0, -1]), "looks at feature -1"),
            ("nodes_trueleafs", ints(&[0, 1]), "no trees"),
            ("aggregate_function", Attribute::Int(4), "aggregate_function 4"),
            ("post_transform", Attribute::Int(5), "post_transform 5"),
        ] {
            let mut node = node();
            node.attributes.insert(name.to_owned(), value);
            let error = TreeEnsemble::of(&node).unwrap_err().to_string();
            assert!(error.contains(says), "{name}: {error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn a_threshold_in_double_precision_tells_the_same_rows_apart(
            exact in -10.0..10.0_f64,
            near in proptest::prelude::any::<bool>(),
            off in -2..=2_i8,
        ) {
            // Values beside the threshold, where rounding matters, and thresholds that are float32.
            let exact = if near { f64::from(exact as f32) } else { exact };
            let value = (0..off.abs()).fold(exact as f32, |v, _| if off < 0 { v.next_down() } else { v.next_up() });
            let (wide, at) = (f64::from(value), |test: Test| test.threshold(exact));
            proptest::prop_assert_eq!(value <= at(Test::AtMost), wide <= exact);
            proptest::prop_assert_eq!(value < at(Test::Below), wide < exact);
            proptest::prop_assert_eq!(value >= at(Test::AtLeast), wide >= exact);
            proptest::prop_assert_eq!(value > at(Test::Above), wide > exact);
            proptest::prop_assert_eq!(value == at(Test::Equal), wide == exact);
            proptest::prop_assert_eq!(value != at(Test::NotEqual), wide != exact);
        }
    }
}
