//! Tree ensembles: `TreeEnsembleClassifier` and `TreeEnsembleRegressor` of ai.onnx.ml 1 to 4, and what an ensemble does.
//!
//! Scores are sums of float32 leaf weights in the order of the trees, the order ONNX Runtime sums a single row
//! in. An ensemble is also a set of boxes with weights ([`TreeEnsemble::leaves`]), which is what exact
//! verification works on.

use std::collections::{HashMap, HashSet};

use super::post_transform::{PostTransform, logistic};
use super::value::Rows;
use crate::OnnxError;
use crate::graph::Node;

/// Most nodes of an ensemble: 10,000 trees of a thousand nodes.
pub(super) const MAX_NODES: usize = 10_000_000;

/// An ensemble of decision trees.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeEnsemble {
    pub(super) nodes: Vec<TreeNode>,
    pub(super) roots: Vec<u32>,
    pub(super) weights: Vec<(u32, f32)>,
    pub(super) features: usize,
    pub(super) targets: usize,
    pub(super) base: Vec<f32>,
    pub(super) aggregate: Aggregate,
    pub(super) post: PostTransform,
    pub(super) decides: Decides,
    /// The lists that [`Test::Member`] looks into, sorted.
    pub(super) lists: Vec<Vec<f32>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum TreeNode {
    Branch {
        feature: u32,
        test: Test,
        threshold: f32,
        missing: bool,
        yes: u32,
        no: u32,
    },
    /// Its weights.
    Leaf {
        first: u32,
        count: u32,
    },
}

/// How a value is compared with the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Test {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    /// Whether the value is one of a list, by its index.
    Member(u32),
}

impl Test {
    /// The float32 that tells the same float32 values apart as a threshold in double precision does: rounded to the
    /// side on which no value is lost. What no float32 is, none equals.
    pub(super) fn threshold(self, exact: f64) -> f32 {
        let near = exact as f32;
        match self {
            Self::AtMost | Self::Above if f64::from(near) > exact => near.next_down(),
            Self::Below | Self::AtLeast if f64::from(near) < exact => near.next_up(),
            Self::Equal | Self::NotEqual if f64::from(near) != exact => f32::NAN,
            _ => near,
        }
    }
}

/// How the weights of the trees become a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Aggregate {
    /// Their sum.
    Sum,
    /// Their sum divided by the number of trees.
    Average,
    /// The smallest of them.
    Least,
    /// The largest of them.
    Largest,
}

impl Aggregate {
    /// What a score is once a tree has added its weight.
    fn with(self, score: Option<f32>, weight: f32) -> f32 {
        match (self, score) {
            (_, None) => weight,
            (Self::Sum | Self::Average, Some(score)) => score + weight,
            (Self::Least, Some(score)) => score.min(weight),
            (Self::Largest, Some(score)) => score.max(weight),
        }
    }
}

/// What a score says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Decides {
    /// A number for each target.
    Regression,
    /// The first of the largest scores.
    Largest,
    /// One score for two classes: the second where it lies above the threshold. `second` where the trees speak of the
    /// second class, and the score of the first stays 0.
    Above { threshold: f32, second: bool },
}

/// How one score of two classes decides between them, or several scores between as many.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Branch {
    /// Class 1 where the only score is greater than this, else class 0.
    Above(f32),
    /// The first of the largest scores.
    Largest,
    /// It is a regressor and decides nothing.
    None,
}

impl TreeEnsemble {
    /// Reads a `TreeEnsembleClassifier`, `TreeEnsembleRegressor` or `TreeEnsemble`. Of ensembles in double precision
    /// every float32 row takes the same way; weights become float32, as the sums are.
    ///
    /// # Errors
    /// Attributes that do not agree in length, a tree with a cycle, a branch to a node that is not there, a
    /// comparison or an aggregation that is not evaluated here.
    pub fn of(node: &Node) -> Result<Self, OnnxError> {
        match node.operator.as_str() {
            "TreeEnsembleClassifier" => Self::read(node, "class"),
            "TreeEnsembleRegressor" => Self::read(node, "target"),
            "TreeEnsemble" => Self::of_one_operator(node),
            _ => Err(node.broken("it is no tree ensemble of ai.onnx.ml")),
        }
    }

    fn read(node: &Node, prefix: &str) -> Result<Self, OnnxError> {
        let classes = if prefix == "class" { labels(node)? } else { 0 };
        let mut ensemble = Self {
            nodes: Vec::new(),
            roots: Vec::new(),
            weights: Vec::new(),
            features: 0,
            targets: 0,
            base: node.floats("base_values")?,
            aggregate: match node.text("aggregate_function", "SUM")? {
                "SUM" => Aggregate::Sum,
                "AVERAGE" => Aggregate::Average,
                "MIN" => Aggregate::Least,
                "MAX" => Aggregate::Largest,
                other => {
                    return Err(node.broken(format!("aggregate_function {other:?} is not evaluated here")));
                }
            },
            post: PostTransform::of(node)?,
            decides: Decides::Regression,
            lists: Vec::new(),
        };
        let index = ensemble.read_nodes(node)?;
        let used = ensemble.read_weights(node, prefix, &index)?;
        ensemble.targets = if prefix == "class" {
            ensemble.decides = match classes {
                0 | 1 => return Err(node.broken("it names fewer than two classes")),
                2 if used == [0] || used == [1] => {
                    // A forest of shares is decided at one half, boosted scores at zero.
                    let shares = ensemble.weights.iter().all(|(_, w)| *w >= 0.0);
                    ensemble.weights.iter_mut().for_each(|(target, _)| *target = 0);
                    Decides::Above { threshold: if shares { 0.5 } else { 0.0 }, second: used == [1] }
                }
                _ => Decides::Largest,
            };
            if matches!(ensemble.decides, Decides::Above { .. }) { 1 } else { classes }
        } else {
            usize::try_from(node.int("n_targets", 1)?).unwrap_or(0).max(1)
        };
        if used.iter().any(|t| *t >= ensemble.targets.max(classes)) {
            return Err(node.broken("a leaf adds to a class or target that is not there"));
        }
        Ok(ensemble)
    }

    /// Reads the nodes and finds the roots. Returns where the node of a tree lies.
    fn read_nodes(&mut self, node: &Node) -> Result<HashMap<(i64, i64), u32>, OnnxError> {
        let (trees, ids) = (node.ints("nodes_treeids")?, node.ints("nodes_nodeids")?);
        let (yes, no) = (node.ints("nodes_truenodeids")?, node.ints("nodes_falsenodeids")?);
        let (modes, features) = (node.texts("nodes_modes")?, node.ints("nodes_featureids")?);
        let values = node.doubles("nodes_values")?;
        let missing = node.ints("nodes_missing_value_tracks_true")?;
        let n = trees.len();
        if n == 0 || n > MAX_NODES {
            return Err(node.broken(format!("it has {n} nodes; 1 to {MAX_NODES} are evaluated here")));
        }
        let lengths = [ids.len(), yes.len(), no.len(), modes.len(), features.len(), values.len()];
        if lengths.iter().any(|l| *l != n) || !(missing.is_empty() || missing.len() == n) {
            return Err(node.broken("its nodes_ attributes differ in length"));
        }
        let mut index = HashMap::with_capacity(n);
        let mut seen = HashSet::new();
        for (at, key) in trees.iter().copied().zip(ids.iter().copied()).enumerate() {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            if index.insert(key, at).is_some() {
                return Err(node.broken(format!("tree {} has two nodes {}", key.0, key.1)));
            }
            if seen.insert(key.0) {
                self.roots.push(at);
            }
        }
        for at in 0..n {
            let child = |id: i64| {
                let key = (trees[at], id);
                index.get(&key).copied().ok_or_else(|| {
                    node.broken(format!(
                        "node {} of tree {} leads to node {id}, which is not there",
                        ids[at], trees[at]
                    ))
                })
            };
            let test = match modes[at].as_str() {
                "LEAF" => {
                    self.nodes.push(TreeNode::Leaf { first: 0, count: 0 });
                    continue;
                }
                "BRANCH_LEQ" => Test::AtMost,
                "BRANCH_LT" => Test::Below,
                "BRANCH_GTE" => Test::AtLeast,
                "BRANCH_GT" => Test::Above,
                "BRANCH_EQ" => Test::Equal,
                "BRANCH_NEQ" => Test::NotEqual,
                other => return Err(node.broken(format!("comparison {other:?} is not evaluated here"))),
            };
            let feature = u32::try_from(features[at])
                .map_err(|_| node.broken(format!("it looks at feature {}", features[at])))?;
            self.features = self.features.max(feature as usize + 1);
            self.nodes.push(TreeNode::Branch {
                feature,
                test,
                threshold: test.threshold(values[at]),
                missing: missing.get(at) == Some(&1),
                yes: child(yes[at])?,
                no: child(no[at])?,
            });
        }
        self.check_trees(node)?;
        Ok(index)
    }

    /// No way leads back to where it came from, so every walk ends. Branches may meet again: exporters write a question
    /// for one of many categories as a chain of questions with one answer.
    pub(super) fn check_trees(&self, node: &Node) -> Result<(), OnnxError> {
        #[derive(Clone, Copy, PartialEq)]
        enum Seen {
            Never,
            Open,
            Done,
        }
        let mut seen = vec![Seen::Never; self.nodes.len()];
        // A node stands on the stack before its children and again to be closed after them.
        let mut open: Vec<(u32, bool)> = self.roots.iter().map(|root| (*root, false)).collect();
        while let Some((at, close)) = open.pop() {
            let state = &mut seen[at as usize];
            match (*state, close) {
                (_, true) => *state = Seen::Done,
                (Seen::Done, false) => {}
                (Seen::Open, false) => {
                    return Err(node.broken("a way leads back to where it came from, so it holds no trees"));
                }
                (Seen::Never, false) => {
                    *state = Seen::Open;
                    open.push((at, true));
                    if let TreeNode::Branch { yes, no, .. } = self.nodes[at as usize] {
                        open.extend([(yes, false), (no, false)]);
                    }
                }
            }
        }
        Ok(())
    }

    /// Reads the weights of the leaves. Returns the targets they speak about, in order.
    fn read_weights(
        &mut self,
        node: &Node,
        prefix: &str,
        index: &HashMap<(i64, i64), u32>,
    ) -> Result<Vec<usize>, OnnxError> {
        let of = |what: &str| format!("{prefix}_{what}");
        let (trees, ids) = (node.ints(&of("treeids"))?, node.ints(&of("nodeids"))?);
        let (targets, weights) = (node.ints(&of("ids"))?, node.floats(&of("weights"))?);
        let n = trees.len();
        if [ids.len(), targets.len(), weights.len()].iter().any(|l| *l != n) {
            return Err(node.broken(format!("its {prefix}_ attributes differ in length")));
        }
        let mut entries = Vec::with_capacity(n);
        for at in 0..n {
            let place = index
                .get(&(trees[at], ids[at]))
                .copied()
                .filter(|place| matches!(self.nodes[*place as usize], TreeNode::Leaf { .. }));
            let target = u32::try_from(targets[at]).ok();
            match (place, target) {
                (Some(place), Some(target)) => entries.push((place, target, weights[at])),
                _ => return Err(node.broken(format!("weight {at} belongs to no leaf or to no target"))),
            }
        }
        // A leaf's weights lie together, in the order in which they are listed.
        entries.sort_by_key(|(place, ..)| *place);
        for (place, target, weight) in entries {
            let next = u32::try_from(self.weights.len()).unwrap_or(u32::MAX);
            if let TreeNode::Leaf { first, count } = &mut self.nodes[place as usize] {
                if *count == 0 {
                    *first = next;
                }
                *count += 1;
            }
            self.weights.push((target, weight));
        }
        let mut used: Vec<usize> = self.weights.iter().map(|(t, _)| *t as usize).collect();
        used.sort_unstable();
        used.dedup();
        Ok(used)
    }

    /// Number of trees.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// One more than the largest feature that is looked at.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.features
    }

    /// Number of scores: one for two classes decided by one score.
    #[must_use]
    pub const fn targets(&self) -> usize {
        self.targets
    }

    /// How the scores decide.
    #[must_use]
    pub const fn branch(&self) -> Branch {
        match self.decides {
            Decides::Regression => Branch::None,
            Decides::Largest => Branch::Largest,
            Decides::Above { threshold, .. } => Branch::Above(threshold),
        }
    }

    /// What is added to the sum of the trees' weights for a score.
    #[must_use]
    pub fn base(&self, target: usize) -> f32 {
        match (self.decides, self.base.as_slice()) {
            // Two base values for one score: the second speaks for the second class.
            (Decides::Above { .. }, [_, second]) => *second,
            (_, [only]) => *only,
            (_, base) => base.get(target).copied().unwrap_or(0.0),
        }
    }

    /// The factor on a weight.
    pub(super) fn share(&self) -> f32 {
        match self.aggregate {
            Aggregate::Sum | Aggregate::Least | Aggregate::Largest => 1.0,
            Aggregate::Average => 1.0 / self.roots.len().max(1) as f32,
        }
    }

    /// Raw scores of one row, before any transformation: `targets` values.
    pub fn raw(&self, row: &[f32], out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.targets, 0.0);
        // Sums start from 0 for every score; a smallest or largest weight is that of a tree that speaks of the score.
        let sums = matches!(self.aggregate, Aggregate::Sum | Aggregate::Average);
        let mut spoken = vec![sums; self.targets];
        for root in &self.roots {
            let (first, count) = self.leaf(*root, row);
            for (target, weight) in self.weights.iter().skip(first as usize).take(count as usize) {
                let target = *target as usize;
                if let (Some(score), Some(spoken)) = (out.get_mut(target), spoken.get_mut(target)) {
                    *score = self.aggregate.with(spoken.then_some(*score), *weight);
                    *spoken = true;
                }
            }
        }
        for (target, score) in out.iter_mut().enumerate() {
            *score = *score * self.share() + self.base(target);
        }
    }

    fn leaf(&self, root: u32, row: &[f32]) -> (u32, u32) {
        let mut at = root;
        loop {
            match self.nodes[at as usize] {
                TreeNode::Leaf { first, count } => return (first, count),
                TreeNode::Branch { feature, test, threshold, missing, yes, no } => {
                    // There is one zero.
                    let value = row.get(feature as usize).copied().unwrap_or(0.0) + 0.0;
                    let holds = match test {
                        Test::AtMost => value <= threshold,
                        Test::Below => value < threshold,
                        Test::AtLeast => value >= threshold,
                        Test::Above => value > threshold,
                        Test::Equal => value == threshold,
                        Test::NotEqual => value != threshold,
                        Test::Member(list) => {
                            self.listed(list).binary_search_by(|v| v.total_cmp(&value)).is_ok()
                        }
                    };
                    at = if holds || (missing && value.is_nan()) { yes } else { no };
                }
            }
        }
    }

    /// The class of raw scores; nothing for a regressor.
    #[must_use]
    pub fn class(&self, raw: &[f32]) -> Option<usize> {
        match self.decides {
            Decides::Regression => None,
            Decides::Above { threshold, .. } => {
                Some(usize::from(raw.first().is_some_and(|s| *s > threshold)))
            }
            Decides::Largest => {
                let best =
                    raw.iter().enumerate().reduce(|best, next| if next.1 > best.1 { next } else { best });
                best.map(|(class, _)| class)
            }
        }
    }

    pub(super) fn listed(&self, list: u32) -> &[f32] {
        self.lists.get(list as usize).map_or(&[], Vec::as_slice)
    }

    /// The class of each row, and a score for each class.
    pub(crate) fn classify(&self, rows: &Rows<'_>) -> (Vec<usize>, Vec<f32>) {
        let (mut classes, mut scores) =
            (Vec::with_capacity(rows.n), Vec::with_capacity(rows.n * self.width()));
        let mut raw = Vec::new();
        for row in rows.iter() {
            self.raw(row, &mut raw);
            classes.push(self.class(&raw).unwrap_or(0));
            match self.decides {
                Decides::Above { threshold, second } => scores.extend(self.both(raw[0], threshold, second)),
                _ => {
                    self.post.apply(&mut raw);
                    scores.extend_from_slice(&raw);
                }
            }
        }
        (classes, scores)
    }

    /// Numbers in a row of scores of a classifier.
    pub(crate) const fn width(&self) -> usize {
        if matches!(self.decides, Decides::Above { .. }) { 2 } else { self.targets }
    }

    /// The scores of two classes from one, as ONNX Runtime derives the other.
    fn both(&self, raw: f32, threshold: f32, second: bool) -> [f32; 2] {
        if second {
            let mut both = [0.0, raw];
            self.post.apply(&mut both);
            return both;
        }
        match self.post {
            PostTransform::Logistic => [logistic(-raw), logistic(raw)],
            _ if threshold > 0.0 => [1.0 - raw, raw],
            _ => [-raw, raw],
        }
    }

    /// The output of a regressor: `targets` numbers a row.
    pub(crate) fn regress(&self, rows: &Rows<'_>) -> Vec<f32> {
        let mut data = Vec::with_capacity(rows.n * self.targets);
        let mut raw = Vec::new();
        for row in rows.iter() {
            self.raw(row, &mut raw);
            self.post.apply(&mut raw);
            data.extend_from_slice(&raw);
        }
        data
    }
}

/// Number of classes of a classifier.
fn labels(node: &Node) -> Result<usize, OnnxError> {
    let count = |ints: &str, texts: &str| -> Result<usize, OnnxError> {
        Ok(node.ints(ints)?.len().max(node.texts(texts)?.len()))
    };
    Ok(count("classlabels_int64s", "classlabels_strings")?
        .max(count("classlabels_ints", "classlabels_strings")?))
}
