//! Ensembles of trees of `ai.onnx.ml`: lists of numbers by which a runtime goes from node to node.
//!
//! A branch that leads back to where it comes from never ends, one that leads nowhere is read from beyond the lists.
//! Source: ONNX, `TreeEnsembleRegressor`, `TreeEnsembleClassifier` and `TreeEnsemble`.

use std::collections::HashMap;

use super::walk::text;
use crate::protobuf::{Field, Value, packed_varints};

/// Nodes of one ensemble.
pub(super) const MOST_NODES: usize = 16_000_000;

/// What is wrong with an ensemble.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// An index leads outside, or lists differ in length.
    Index(String),
    /// Branches lead back to where they come from.
    Circle(String),
    /// It has more nodes than are looked at.
    Large,
}

/// Whether an operator is an ensemble of trees.
pub(super) fn is_ensemble(domain: &str, name: &str) -> bool {
    domain == "ai.onnx.ml" && name.starts_with("TreeEnsemble")
}

/// The lists of an ensemble, by name.
#[derive(Default)]
struct Lists {
    numbers: HashMap<String, Vec<i64>>,
    /// Of the list of modes, which nodes are leaves.
    leaves: Vec<bool>,
}

impl Lists {
    fn of(&self, name: &str) -> &[i64] {
        self.numbers.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Looks at the attributes of an ensemble.
pub(super) fn broken(attributes: &[Field<'_>]) -> Option<Broken> {
    let lists = match read(attributes) {
        Some(lists) => lists,
        None => return Some(Broken::Large),
    };
    if lists.numbers.contains_key("nodes_nodeids") { by_id(&lists) } else { by_place(&lists) }
}

/// Reads them; `None` when they are too long.
fn read(attributes: &[Field<'_>]) -> Option<Lists> {
    let mut lists = Lists::default();
    for attribute in attributes {
        let (mut name, mut numbers, mut leaves) = (String::new(), Vec::new(), Vec::new());
        for field in attribute.message().into_iter().flatten().filter_map(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Bytes(bytes)) => name = text(bytes),
                (3 | 8, Value::Varint(number)) => numbers.push(number.cast_signed()),
                (8, Value::Bytes(packed)) => {
                    let all = packed_varints(packed, field.value_offset).filter_map(Result::ok);
                    numbers.extend(all.map(u64::cast_signed));
                }
                (9, Value::Bytes(mode)) => leaves.push(mode == b"LEAF"),
                _ => {}
            }
            if numbers.len() > MOST_NODES {
                return None;
            }
        }
        if name == "nodes_modes" {
            lists.leaves = leaves;
        } else if !numbers.is_empty() {
            lists.numbers.insert(name, numbers);
        }
    }
    Some(lists)
}

/// The operators whose nodes have numbers of their own within each tree.
fn by_id(lists: &Lists) -> Option<Broken> {
    let (trees, ids) = (lists.of("nodes_treeids"), lists.of("nodes_nodeids"));
    let (yes, no) = (lists.of("nodes_truenodeids"), lists.of("nodes_falsenodeids"));
    let count = ids.len();
    let different = [trees.len(), yes.len(), no.len(), lists.leaves.len()].into_iter().find(|n| *n != count);
    if let Some(other) = different {
        return Some(Broken::Index(format!("lists of {count} and {other} describe the same nodes")));
    }
    if let Some(feature) = lists.of("nodes_featureids").iter().find(|feature| **feature < 0) {
        return Some(Broken::Index(format!("a node asks for the feature {feature}")));
    }
    let key = |at: usize| Some((*trees.get(at)?, *ids.get(at)?));
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_unstable_by_key(|at| key(*at));
    let find = |tree: i64, id: i64| {
        let found = order.binary_search_by(|at| key(*at).cmp(&Some((tree, id))));
        found.ok().and_then(|at| order.get(at)).copied()
    };
    let mut branches = Vec::with_capacity(count);
    for at in 0..count {
        let tree = *trees.get(at)?;
        if lists.leaves.get(at) == Some(&true) {
            branches.push([None, None]);
            continue;
        }
        let mut both = [None, None];
        for (list, branch) in [yes, no].into_iter().zip(&mut both) {
            let id = *list.get(at)?;
            *branch = find(tree, id);
            if branch.is_none() {
                return Some(Broken::Index(format!(
                    "a branch of tree {tree} leads to the node {id}, which it has not"
                )));
            }
        }
        branches.push(both);
    }
    let ends = ["target", "class"].into_iter().find_map(|kind| {
        let of = |name: &str| lists.of(&format!("{kind}_{name}"));
        let nodes = of("treeids").iter().zip(of("nodeids"));
        let lost = nodes.into_iter().find(|(tree, id)| find(**tree, **id).is_none());
        if let Some((tree, id)) = lost {
            return Some(format!("a weight belongs to the node {id} of tree {tree}, which is not there"));
        }
        let most = lists.of("n_targets").first().copied().unwrap_or(i64::MAX);
        let outside = of("ids").iter().find(|id| **id < 0 || kind == "target" && **id >= most.max(1));
        outside.map(|id| format!("a weight counts for the {kind} {id}"))
    });
    ends.map(Broken::Index).or_else(|| circle(&branches))
}

/// The operator whose branches are places in the lists of nodes or of leaves.
fn by_place(lists: &Lists) -> Option<Broken> {
    let nodes = lists.of("nodes_truenodeids").len();
    let leaves = lists.of("leaf_targetids").len();
    let mut branches = vec![[None, None]; nodes];
    for (side, (to, leaf)) in
        [("nodes_truenodeids", "nodes_trueleafs"), ("nodes_falsenodeids", "nodes_falseleafs")]
            .into_iter()
            .enumerate()
    {
        let (to, leaf) = (lists.of(to), lists.of(leaf));
        if to.len() != nodes || leaf.len() != nodes {
            return Some(Broken::Index(format!(
                "lists of {} and {nodes} describe the same nodes",
                to.len().min(leaf.len())
            )));
        }
        for ((to, leaf), branch) in to.iter().zip(leaf).zip(&mut branches) {
            let most = if *leaf == 0 { nodes } else { leaves };
            let place = usize::try_from(*to).ok().filter(|to| *to < most);
            let Some(place) = place else {
                return Some(Broken::Index(format!("a branch leads to {to} of {most}")));
            };
            if *leaf == 0
                && let Some(branch) = branch.get_mut(side)
            {
                *branch = Some(place);
            }
        }
    }
    let root =
        lists.of("tree_roots").iter().find(|root| usize::try_from(**root).map_or(true, |root| root >= nodes));
    if let Some(root) = root {
        return Some(Broken::Index(format!("a tree begins at the node {root} of {nodes}")));
    }
    circle(&branches)
}

/// Whether branches lead back to where they come from.
fn circle(branches: &[[Option<usize>; 2]]) -> Option<Broken> {
    /// A node is not seen, on the way, or done.
    const ON_THE_WAY: u8 = 1;
    const DONE: u8 = 2;
    let mut seen = vec![0u8; branches.len()];
    for start in 0..branches.len() {
        let mut way: Vec<(usize, usize)> = vec![(start, 0)];
        while let Some((node, side)) = way.pop() {
            let state = seen.get_mut(node)?;
            if side == 0 {
                if *state == DONE {
                    continue;
                }
                *state = ON_THE_WAY;
            }
            let Some(next) = branches.get(node)?.get(side) else {
                *state = DONE;
                continue;
            };
            way.push((node, side + 1));
            match next.and_then(|next| Some((next, *seen.get(next)?))) {
                Some((next, ON_THE_WAY)) => {
                    return Some(Broken::Circle(format!("branches of a tree lead back to its node {next}")));
                }
                Some((next, 0)) => way.push((next, 0)),
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protobuf::{Fields, Message};

    fn told(lists: &[(&str, &[i64])], modes: &[&str]) -> Option<Broken> {
        let mut node = Message::default();
        for (name, numbers) in lists {
            let mut attribute = Message::default();
            attribute.text(1, name);
            attribute.packed(8, numbers.iter().map(|n| n.cast_unsigned()));
            node.message(5, &attribute);
        }
        let mut attribute = Message::default();
        attribute.text(1, "nodes_modes");
        modes.iter().for_each(|mode| attribute.text(9, mode));
        node.message(5, &attribute);
        // Names of classes are texts, too.
        let mut labels = Message::default();
        labels.text(1, "classlabels_strings");
        labels.text(9, "cat");
        node.message(5, &labels);
        let bytes = node.into_bytes();
        broken(&Fields::new(&bytes).collect::<Result<Vec<_>, _>>().unwrap())
    }

    fn forest(yes: &[i64], no: &[i64], ends: i64, target: i64) -> Option<Broken> {
        let modes = ["BRANCH_LEQ", "BRANCH_LEQ", "LEAF", "LEAF", "LEAF"];
        told(
            &[
                ("nodes_treeids", &[0; 5]),
                ("nodes_nodeids", &[0, 1, 2, 3, 4]),
                ("nodes_truenodeids", yes),
                ("nodes_falsenodeids", no),
                ("target_treeids", &[0, 0]),
                ("target_nodeids", &[2, ends]),
                ("target_ids", &[0, target]),
                ("n_targets", &[1]),
            ],
            &modes,
        )
    }

    #[test]
    fn branches_lead_to_nodes_of_their_tree_and_never_back() {
        assert_eq!(forest(&[1, 2, 0, 0, 0], &[4, 3, 0, 0, 0], 3, 0), None);
        // Two branches may share a leaf.
        assert_eq!(forest(&[1, 2, 0, 0, 0], &[2, 2, 0, 0, 0], 3, 0), None);
        assert!(matches!(forest(&[1, 0, 0, 0, 0], &[4, 3, 0, 0, 0], 3, 0), Some(Broken::Circle(_))));
        assert!(matches!(forest(&[1, 2, 0, 0, 0], &[4, 1, 0, 0, 0], 3, 0), Some(Broken::Circle(_))));
        for (yes, ends, target) in [([1, 9, 0, 0, 0], 3, 0), ([1, 2, 0, 0, 0], 7, 0), ([1, 2, 0, 0, 0], 3, 5)]
        {
            assert!(
                matches!(forest(&yes, &[4, 3, 0, 0, 0], ends, target), Some(Broken::Index(_))),
                "{yes:?}"
            );
        }
        assert!(matches!(forest(&[1, 2, 0], &[4, 3, 0, 0, 0], 3, 0), Some(Broken::Index(_))));
    }

    #[test]
    fn places_of_the_newer_operator_are_held_against_its_lists() {
        let tree = |yes: &[i64], root: i64| {
            told(
                &[
                    ("nodes_truenodeids", yes),
                    ("nodes_falsenodeids", &[1, 2]),
                    ("nodes_trueleafs", &[0, 1]),
                    ("nodes_falseleafs", &[1, 1]),
                    ("leaf_targetids", &[0, 0, 0]),
                    ("tree_roots", &[root]),
                ],
                &[],
            )
        };
        assert_eq!(tree(&[1, 0], 0), None);
        assert!(matches!(tree(&[0, 0], 0), Some(Broken::Circle(_))));
        assert!(matches!(tree(&[5, 0], 0), Some(Broken::Index(_))));
        assert!(matches!(tree(&[1, 0], 2), Some(Broken::Index(_))));
    }
}
