//! XGBoost's model ("XGBoost JSON schema"), in JSON or UBJSON: trees as arrays, one entry a node.
//!
//! Children are followed by their numbers, so they have to be nodes, and all arrays of a tree have to be as long as it
//! has nodes. Names of boosters, objectives and attributes are texts that nothing runs.

use super::ubjson;
use crate::json::Value;

mod binary;
mod legacy;

pub use binary::Binary;
pub use legacy::{is_legacy, legacy};

/// Whether a document is such a model.
#[must_use]
pub fn is_model(document: &Value) -> bool {
    let learner = document.member("learner");
    learner.is_some_and(|l| l.member("gradient_booster").is_some()) && document.member("version").is_some()
}

/// Most that is told of one model.
const MAX_ISSUES: usize = 20;
/// Parts of a model, and of what learns.
const PARTS: [&str; 3] = ["learner", "version", "config"];
const LEARNER: [&str; 7] = [
    "attributes",
    "feature_names",
    "feature_types",
    "gradient_booster",
    "learner_model_param",
    "objective",
    "metrics",
];
/// Arrays of a tree that have an entry for each node.
const PER_NODE: [&str; 10] = [
    "base_weights",
    "default_left",
    "left_children",
    "right_children",
    "loss_changes",
    "parents",
    "split_conditions",
    "split_indices",
    "split_type",
    "sum_hessian",
];

/// What contradicts itself in a model, and what is not known of one.
#[must_use]
pub fn issues(document: &Value) -> (Vec<String>, Vec<String>) {
    let (mut broken, mut unknown) = (Vec::new(), Vec::new());
    let learner = document.member("learner");
    for (of, names) in [(Some(document), &PARTS[..]), (learner, &LEARNER[..])] {
        for (key, _) in of.and_then(Value::as_object).unwrap_or_default() {
            if !names.contains(&key.as_str()) {
                unknown.push(format!("a model has the part {key:?}, which is not known"));
            }
        }
    }
    let booster = learner.and_then(|l| l.member("gradient_booster"));
    // A booster of dropped trees wraps another.
    let model = booster.and_then(|b| b.member("model").or_else(|| b.member("gbtree")?.member("model")));
    let trees = model.and_then(|m| m.member("trees")).and_then(Value::as_array).unwrap_or_default();
    for (number, tree) in trees.iter().enumerate() {
        tree_issues(number, &Tree::of(tree), &mut broken);
        if broken.len() >= MAX_ISSUES {
            break;
        }
    }
    let parameter = |of: &str, name: &str| {
        let of = if of == "learner_model_param" { learner?.member(of)? } else { model?.member(of)? };
        of.member(name).and_then(count)
    };
    let listed = model.and_then(|m| m.member("tree_info")).and_then(Value::as_array).unwrap_or_default();
    let declared = Declared {
        classes: parameter("learner_model_param", "num_class"),
        targets: parameter("learner_model_param", "num_target"),
        features: parameter("learner_model_param", "num_feature"),
        parallel: parameter("gbtree_model_param", "num_parallel_tree"),
        trees: Some(trees.len() as u64),
        used: listed.iter().filter_map(Value::as_size).map(|class| class.saturating_add(1)).max(),
    };
    broken.extend(declared.excess());
    unknown.truncate(MAX_ISSUES);
    (broken, unknown)
}

/// Numbers of a model by which its reader makes room before it looks at a tree.
#[derive(Debug, Default)]
struct Declared {
    classes: Option<u64>,
    targets: Option<u64>,
    features: Option<u64>,
    /// Trees of one round for each class.
    parallel: Option<u64>,
    /// Trees that there are, and classes that some tree is for.
    trees: Option<u64>,
    used: Option<u64>,
}

/// Classes and trees of a round up to which what is said is not held against what there is: a few megabytes a row.
const FEW_CLASSES: u64 = 1 << 16;
/// Columns that no data have: a row takes a gigabyte.
const MANY_COLUMNS: u64 = 1 << 28;

impl Declared {
    /// A number that no tree of the model bears out.
    fn excess(&self) -> Option<String> {
        let held = self.used.max(self.trees).unwrap_or(0);
        let numbers =
            [("classes", self.classes), ("targets", self.targets), ("trees in each round", self.parallel)];
        let beyond = numbers.into_iter().find(|(_, n)| n.is_some_and(|n| n > FEW_CLASSES.max(held)));
        let wide = Some(("columns", self.features)).filter(|(_, n)| n.is_some_and(|n| n > MANY_COLUMNS));
        let (what, number) = beyond.or(wide)?;
        Some(format!("the model says that it has {} {what}, and holds {held} trees", number.unwrap_or(0)))
    }
}

/// What is known of a tree.
#[derive(Debug, Default)]
struct Tree<'a> {
    /// Nodes it says it has.
    nodes: Option<u64>,
    /// How many entries each array has that has one for each node.
    lengths: Vec<(&'static str, u64)>,
    /// Columns it says that rows have.
    columns: Option<u64>,
    /// The children, as they are written.
    children: Vec<(&'static str, Children<'a>)>,
    /// The column by which each node splits.
    splits: Option<Children<'a>>,
}

/// Numbers of nodes.
#[derive(Debug)]
enum Children<'a> {
    Values(&'a [Value]),
    Typed(ubjson::Numbers<'a>),
    /// Those that are no whole number are `None`.
    Listed(Vec<Option<i64>>),
}

/// Arrays of children.
const CHILDREN: [&str; 2] = ["left_children", "right_children"];
/// The array of columns.
const SPLITS: &str = "split_indices";

impl Children<'_> {
    fn iter(&self) -> Box<dyn Iterator<Item = Option<i64>> + '_> {
        match self {
            Self::Values(values) => Box::new(
                values.iter().map(|value| if let Value::Integer(n) = value { Some(*n) } else { None }),
            ),
            Self::Typed(numbers) => Box::new(numbers.whole()),
            Self::Listed(numbers) => Box::new(numbers.iter().copied()),
        }
    }
}

impl<'a> Tree<'a> {
    /// Takes an array of numbers that a tree has.
    fn take(&mut self, key: &'static str, numbers: Children<'a>) {
        if key == SPLITS {
            self.splits = Some(numbers);
        } else {
            self.children.push((key, numbers));
        }
    }
}

/// Whether the numbers of an array of that name are kept.
fn is_kept(key: &str) -> bool {
    key == SPLITS || CHILDREN.contains(&key)
}

/// A column by which a node splits that no row has.
fn column(tree: &Tree<'_>) -> Option<i64> {
    let columns = tree.columns.filter(|columns| *columns > 0)?;
    let (_, left) = tree.children.first()?;
    let mut nodes = left.iter().zip(tree.splits.as_ref()?.iter());
    nodes.find_map(|(child, column)| {
        let inside =
            column.and_then(|column| u64::try_from(column).ok()).is_some_and(|column| column < columns);
        (child != Some(-1) && !inside).then_some(column.unwrap_or(-1))
    })
}

fn tree_issues(number: usize, tree: &Tree<'_>, broken: &mut Vec<String>) {
    let Some(nodes) = tree.nodes.or_else(|| tree.lengths.first().map(|(_, length)| *length)) else { return };
    if let Some((key, length)) = tree.lengths.iter().find(|(_, length)| *length != nodes) {
        broken.push(format!("tree {number} has {nodes} nodes and {length} entries in {key}"));
    }
    if let Some(column) = column(tree) {
        broken.push(format!("tree {number} asks for the column {column}, which no row has"));
        return;
    }
    let leads = |child: &Option<i64>| match child {
        Some(-1) => false,
        Some(child) => u64::try_from(*child).map_or(true, |child| child >= nodes),
        None => true,
    };
    for (key, children) in &tree.children {
        if let Some(wrong) = children.iter().find(leads) {
            let wrong = wrong.map_or("something that is no number".to_owned(), |n| n.to_string());
            broken.push(format!("{key} of tree {number} leads to {wrong}, which is no node"));
            return;
        }
    }
    if let Some(node) = twice(nodes, &tree.children) {
        broken.push(format!(
            "two nodes of tree {number} lead to the node {node}, or one leads back to the root: walking it may not end"
        ));
    }
}

/// A node that more than one leads to, or the root if any leads there. Where there is none, every walk from the root ends.
fn twice(nodes: u64, children: &[(&'static str, Children<'_>)]) -> Option<u64> {
    let words = usize::try_from(nodes.div_ceil(64)).ok()?;
    let mut seen = vec![0u64; words.min(1 << 24)];
    let mut again = |child: Option<i64>| {
        let child = child.and_then(|child| u64::try_from(child).ok())?;
        let word = seen.get_mut(usize::try_from(child / 64).ok()?)?;
        let bit = 1 << (child % 64);
        let known = *word & bit != 0 || child == 0;
        *word |= bit;
        known.then_some(child)
    };
    children.iter().find_map(|(_, children)| children.iter().find_map(&mut again))
}

impl<'a> Tree<'a> {
    fn of(tree: &'a Value) -> Self {
        let array = |key: &str| tree.member(key).and_then(Value::as_array);
        Self {
            nodes: tree.member("tree_param").and_then(|p| p.member("num_nodes")).and_then(count),
            columns: tree.member("tree_param").and_then(|p| p.member("num_feature")).and_then(count),
            splits: array(SPLITS).map(Children::Values),
            lengths: PER_NODE.iter().filter_map(|key| Some((*key, array(key)?.len() as u64))).collect(),
            children: CHILDREN.iter().filter_map(|key| Some((*key, Children::Values(array(key)?)))).collect(),
        }
    }
}

/// A number, or a text of one, as the library writes parameters.
fn count(value: &Value) -> Option<u64> {
    value.as_size().or_else(|| value.as_text()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    /// A model of the package `xgboost`, as it saves it.
    const MODEL: &str = include_str!("../../../scan/tests/fixtures/formats/trees.xgboost.json");

    fn of(text: &str) -> (Vec<String>, Vec<String>) {
        issues(&parse(text.as_bytes(), 1_000_000).unwrap())
    }

    #[test]
    fn a_model_as_the_library_saves_it_agrees_with_itself() {
        assert!(is_model(&parse(MODEL.as_bytes(), 1_000_000).unwrap()));
        assert_eq!(of(MODEL), (Vec::new(), Vec::new()));
    }

    #[test]
    fn children_that_are_no_nodes_and_unknown_parts_are_told() {
        let bend = |from: &str, to: &str| {
            assert!(MODEL.contains(from), "{from}");
            of(&MODEL.replacen(from, to, 1))
        };
        assert!(!bend("\"left_children\":[", "\"left_children\":[999999,").0.is_empty());
        assert!(!bend("\"left_children\":[", "\"left_children\":[-7,").0.is_empty());
        assert!(bend("\"left_children\":[1", "\"left_children\":[0").0[0].contains("may not end"));
        assert!(!bend("\"num_nodes\":\"", "\"num_nodes\":\"9").0.is_empty());
        assert!(bend("\"split_indices\":[", "\"split_indices\":[9").0[0].contains("column 9"));
        assert!(bend("\"num_class\":\"0\"", "\"num_class\":\"2147483647\"").0[0].contains("classes"));
        assert!(!bend("{\"learner\":", "{\"own\":1,\"learner\":").1.is_empty());
    }
}
