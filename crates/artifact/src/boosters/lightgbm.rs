//! LightGBM's text model: a header, trees as lines of numbers, importances, parameters.
//!
//! Its reader takes the sizes of the trees from the header and jumps by them, and follows children by their numbers
//! without asking whether there are such nodes (`src/boosting/gbdt_model_text.cpp`, `src/io/tree.cpp`). So sizes and
//! numbers are held against what is there. A name of an objective or a parameter is a text that nothing runs.

use std::ops::RangeInclusive;

/// What is odd about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the text.
    pub offset: u64,
    /// What.
    pub what: String,
    /// Whether the model contradicts itself; otherwise it says something that is not known here.
    pub broken: bool,
}

/// Whether a text is such a model.
#[must_use]
pub fn is_model(text: &str) -> bool {
    let mut lines = text.lines();
    lines.next() == Some("tree") && lines.next().is_some_and(|line| line.starts_with("version=v"))
}

/// Keys of the header.
const HEADER: [&str; 14] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "feature_names",
    "feature_infos",
    "tree_sizes",
    "monotone_constraints",
    "average_output",
    "sigmoid",
    "feature_contri",
    "linear_tree",
];

/// Keys of a tree, and how many numbers each has for so many leaves; 0 for as many as it likes.
fn numbers(key: &str, leaves: usize) -> Option<usize> {
    let inner = leaves.saturating_sub(1);
    Some(match key {
        "split_feature" | "split_gain" | "threshold" | "decision_type" | "left_child" | "right_child"
        | "internal_value" | "internal_weight" | "internal_count" => inner,
        "leaf_value" | "leaf_weight" | "leaf_count" | "leaf_const" | "num_features" => leaves,
        "num_leaves" | "num_cat" | "is_linear" | "shrinkage" => 1,
        "cat_boundaries" | "cat_threshold" | "leaf_features" | "leaf_coeff" => 0,
        _ => return None,
    })
}

/// Most leaves of one tree whose walks are followed: the library's own bound is 131,072.
const MAX_LEAVES: usize = 1 << 20;
/// Classes up to which what is said is not held against what there is, and columns that no data have.
const FEW_CLASSES: u64 = 1 << 16;
const MANY_COLUMNS: i64 = 1 << 28;
/// Most issues that are told of one model.
const MAX_ISSUES: usize = 20;

struct Reader {
    issues: Vec<Issue>,
    features: Option<i64>,
    /// Classes, or trees of each round, that the header says there are.
    classes: u64,
    sizes: Vec<usize>,
    /// Where trees begin, and the end of the last.
    trees: Vec<usize>,
    leaves: usize,
    /// Inner nodes of the tree that a node of it leads to.
    reached: Vec<bool>,
}

/// Walks a model.
#[must_use]
pub fn issues(text: &str) -> Vec<Issue> {
    let mut reader = Reader {
        issues: Vec::new(),
        features: None,
        classes: 0,
        sizes: Vec::new(),
        trees: Vec::new(),
        leaves: 0,
        reached: Vec::new(),
    };
    let mut part = Part::Header;
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let start = at;
        at += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() || index == 0 || reader.issues.len() >= MAX_ISSUES {
            continue;
        }
        part = reader.line(part, line, start);
    }
    if part == Part::Header || part == Part::Trees {
        reader.tell(at, "the model ends before its trees do".to_owned(), true);
    }
    reader.sizes_agree();
    // Readers make room for a score of each class of each row before they look at a tree.
    let (classes, trees) = (reader.classes, reader.trees.len() as u64);
    if classes > FEW_CLASSES.max(trees) {
        reader.tell(
            0,
            format!("the model says that it has {classes} classes, and holds {trees} trees"),
            true,
        );
    }
    reader.issues
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Header,
    Trees,
    Importances,
    Parameters,
    Behind,
}

impl Reader {
    fn tell(&mut self, at: usize, what: String, broken: bool) {
        self.issues.push(Issue { offset: at as u64, what, broken });
    }

    /// One line; the part that the next one belongs to.
    fn line(&mut self, part: Part, line: &str, at: usize) -> Part {
        if matches!(part, Part::Header | Part::Trees) && line.strip_prefix("Tree=").is_some() {
            self.trees.push(at);
            self.leaves = 0;
            return Part::Trees;
        }
        match (part, line) {
            (Part::Header | Part::Trees, "end of trees") => {
                self.trees.push(at);
                return Part::Importances;
            }
            // Releases before 3.0 wrote the heading in two words.
            (Part::Importances | Part::Behind, "feature_importances:" | "feature importances:") => {
                return Part::Importances;
            }
            (Part::Importances | Part::Behind, "parameters:") => return Part::Parameters,
            (Part::Parameters, "end of parameters") => return Part::Behind,
            (Part::Importances | Part::Behind, line) if line.starts_with("pandas_categorical:") => {
                return Part::Behind;
            }
            _ => {}
        }
        let pair = line.split_once('=');
        match (part, pair) {
            (Part::Header, Some((key, value))) if HEADER.contains(&key) => self.header(key, value, at),
            // A flag without a value.
            (Part::Header, None) if HEADER.contains(&line) => {}
            (Part::Trees, Some((key, value))) => self.tree(key, value, at),
            (Part::Importances, Some((_, value))) if value.trim().parse::<f64>().is_ok() => {}
            (Part::Parameters, _) if line.starts_with('[') && line.ends_with(']') && line.contains(':') => {}
            _ => {
                let shown: String = line.chars().take(60).collect();
                self.tell(at, format!("the line {shown:?} is none of a model"), false);
            }
        }
        part
    }

    fn header(&mut self, key: &str, value: &str, at: usize) {
        match key {
            "max_feature_idx" => {
                self.features = value.trim().parse().ok();
                if self.features.is_some_and(|last| last > MANY_COLUMNS) {
                    self.tell(at, format!("the model says that its last column is {value}"), true);
                }
            }
            "num_class" | "num_tree_per_iteration" => {
                self.classes = self.classes.max(value.trim().parse().unwrap_or(0));
            }
            "tree_sizes" => {
                let sizes: Result<Vec<usize>, _> = value.split_whitespace().map(str::parse).collect();
                match sizes {
                    Ok(sizes) => self.sizes = sizes,
                    Err(_) => self.tell(at, "the sizes of the trees are no numbers".to_owned(), true),
                }
            }
            _ => {}
        }
    }

    fn tree(&mut self, key: &str, value: &str, at: usize) {
        if key == "num_leaves" {
            self.leaves = value.trim().parse().unwrap_or(0);
            self.reached = vec![false; self.leaves.min(MAX_LEAVES)];
        }
        let Some(wanted) = numbers(key, self.leaves) else {
            return self.tell(at, format!("a tree has the key {key:?}, which is not known"), false);
        };
        let mut count = 0usize;
        let mut sound = true;
        for word in value.split_whitespace() {
            count += 1;
            sound &= word.parse::<f64>().is_ok() || matches!(word, "nan" | "inf" | "-inf");
        }
        if !sound {
            return self.tell(at, format!("{key} of a tree holds something that is no number"), true);
        }
        // What only explains a tree is left out of a stump, and of one that was fitted again.
        let needed =
            ["split_feature", "threshold", "decision_type", "left_child", "right_child", "leaf_value"]
                .contains(&key);
        if wanted > 0 && count != wanted && (needed || count > 0) {
            let leaves = self.leaves;
            return self.tell(at, format!("a tree of {leaves} leaves has {count} numbers in {key}"), true);
        }
        let inner = i64::try_from(self.leaves).unwrap_or(i64::MAX);
        let allowed: Option<RangeInclusive<i64>> = match key {
            // Leaves count down from -1.
            "left_child" | "right_child" => Some(-inner..=inner - 2),
            "split_feature" => self.features.map(|last| 0..=last),
            _ => None,
        };
        if let Some(allowed) = allowed
            && let Some(wrong) = value
                .split_whitespace()
                .filter_map(|word| word.parse::<i64>().ok())
                .find(|n| !allowed.contains(n))
        {
            return self.tell(at, format!("{key} of a tree leads to {wrong}, which is not there"), true);
        }
        if matches!(key, "left_child" | "right_child") {
            self.walks_end(key, value, at);
        }
    }

    /// Where each node is led to once at most, and the root never, every walk ends.
    fn walks_end(&mut self, key: &str, value: &str, at: usize) {
        for node in value.split_whitespace().filter_map(|word| word.parse::<usize>().ok()) {
            let again = self.reached.get_mut(node).is_some_and(|seen| std::mem::replace(seen, true));
            if again || node == 0 {
                let what = format!(
                    "{key} of a tree leads to {node} again, or back to the root: walking it may not end"
                );
                return self.tell(at, what, true);
            }
        }
    }

    fn sizes_agree(&mut self) {
        let found: Vec<usize> =
            self.trees.windows(2).filter_map(|pair| pair.last()?.checked_sub(*pair.first()?)).collect();
        if !self.sizes.is_empty() && found != self.sizes {
            let at = self.trees.first().copied().unwrap_or(0);
            let what = format!(
                "the header gives sizes to {} trees that the {} trees here do not have",
                self.sizes.len(),
                found.len()
            );
            self.tell(at, what, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A model of the package `lightgbm`, as it saves it.
    const MODEL: &str = include_str!("../../../scan/tests/fixtures/formats/trees.lightgbm.txt");

    #[test]
    fn a_model_as_the_library_saves_it_agrees_with_itself() {
        assert!(is_model(MODEL));
        assert_eq!(issues(MODEL), []);
        assert!(!is_model("tree\nleaves\n") && !is_model("a tree\nversion=v4\n"));
    }

    #[test]
    fn what_leads_nowhere_or_is_not_known_is_told() {
        let bend = |from: &str, to: &str| {
            assert!(MODEL.contains(from), "{from}");
            issues(&MODEL.replacen(from, to, 1))
        };
        let broken = |issues: Vec<Issue>| issues.iter().any(|issue| issue.broken);
        assert!(broken(bend("tree_sizes=", "tree_sizes=9")));
        assert!(broken(bend("left_child=", "left_child=7")));
        assert!(broken(bend("split_feature=", "split_feature=9999 ")));
        assert!(broken(bend("leaf_value=", "leaf_value=x")));
        assert!(broken(bend("end of trees", "")));
        for (from, to) in
            [("num_cat=", "own_key="), ("end of parameters", "end of parameters\ncos\nsystem\n")]
        {
            let told = bend(from, to);
            assert!(told.iter().any(|issue| !issue.broken), "{told:?}");
        }
        // Any objective is a text.
        let own = MODEL.replacen("objective=", "objective=custom of mine ", 1);
        assert!(!issues(&own).iter().any(|issue| issue.what.contains("objective")));
    }

    #[test]
    fn a_walk_that_may_not_end_is_told() {
        let told = |left: &str, right: &str| {
            let (issues, trees, sizes) = (Vec::new(), Vec::new(), Vec::new());
            let mut reader =
                Reader { issues, classes: 0, features: None, sizes, trees, leaves: 0, reached: Vec::new() };
            reader.tree("num_leaves", "4", 0);
            reader.tree("left_child", left, 0);
            reader.tree("right_child", right, 0);
            reader.issues.len()
        };
        assert_eq!(told("1 -1 -3", "2 -2 -4"), 0);
        assert_eq!(told("1 -1 1", "2 -2 -4"), 1, "two nodes lead to one");
        assert_eq!(told("1 0 -3", "2 -2 -4"), 1, "back to the root");
    }

    proptest! {
        #[test]
        fn bent_models_end(at in 0usize..4000, with in "[a-z0-9=\\-. \n]{0,20}") {
            let at = at.min(MODEL.len());
            if MODEL.is_char_boundary(at) {
                let bent = [&MODEL[..at], with.as_str(), &MODEL[at..]].concat();
                prop_assert!(issues(&bent).len() <= MAX_ISSUES + 2);
            }
        }
    }
}
