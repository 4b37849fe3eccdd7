//! The model in UBJSON, read as it is walked: one tree is held at a time.

use super::{Children, Declared, LEARNER, MAX_ISSUES, PARTS, PER_NODE, Tree, is_kept, tree_issues};
use crate::boosters::ubjson::{Event, Visit};

/// Reads a model out of a walk.
#[derive(Debug, Default)]
pub struct Binary<'a> {
    /// For each open container, the name of the value that comes next, and its number.
    path: Vec<Step<'a>>,
    tree: Tree<'a>,
    trees: usize,
    versions: bool,
    boosters: bool,
    declared: Declared,
    broken: Vec<String>,
    unknown: Vec<String>,
}

#[derive(Debug, Default)]
struct Step<'a> {
    key: &'a [u8],
    /// Values before the one that comes next.
    values: u64,
    /// Children that are listed one by one.
    listed: Vec<Option<i64>>,
}

impl Binary<'_> {
    /// What contradicts itself in the model and what is not known of it; `None` if there was none.
    #[must_use]
    pub fn issues(self) -> Option<(Vec<String>, Vec<String>)> {
        let mut broken = self.broken;
        broken.extend(Declared { trees: Some(self.trees as u64), ..self.declared }.excess());
        (self.versions && self.boosters).then_some((broken, self.unknown))
    }
}

impl<'a> Visit<'a> for Binary<'a> {
    fn event(&mut self, event: Event<'a>) {
        match event {
            Event::Key(key) => self.key(key),
            Event::Open => self.path.push(Step::default()),
            Event::Close => self.close(),
            Event::Numbers(numbers) => {
                if let Some(key) = self.per_node(0) {
                    self.tree.lengths.push((key, numbers.count));
                    if is_kept(key) {
                        self.tree.take(key, Children::Typed(numbers));
                    }
                }
                self.passed();
            }
            Event::Number(n) => {
                self.stated(|| u64::try_from(n).ok());
                self.value(Some(n));
            }
            Event::Text(_, text) => {
                self.stated(|| std::str::from_utf8(text).ok()?.parse().ok());
                self.value(None);
            }
            Event::Other => self.value(None),
        }
    }
}

impl<'a> Binary<'a> {
    fn key(&mut self, key: &'a [u8]) {
        if let Some(top) = self.path.last_mut() {
            top.key = key;
        }
        let known = match self.names().as_slice() {
            [part] => {
                self.versions |= *part == b"version";
                PARTS.iter().any(|p| p.as_bytes() == *part)
            }
            [b"learner", part] => {
                self.boosters |= *part == b"gradient_booster";
                LEARNER.iter().any(|p| p.as_bytes() == *part)
            }
            _ => true,
        };
        if !known && self.unknown.len() < MAX_ISSUES {
            let key = String::from_utf8_lossy(key);
            self.unknown.push(format!("a model has the part {key:?}, which is not known"));
        }
    }

    /// Names from the root to the value that comes next.
    fn names(&self) -> Vec<&'a [u8]> {
        self.path.iter().take(9).map(|step| step.key).collect()
    }

    /// How many containers above the innermost one a tree is open, if one is `up` containers out.
    fn in_tree(&self, up: usize) -> bool {
        let depth = self.path.len().saturating_sub(up);
        let outer = self.path.get(..depth).unwrap_or_default();
        let names: Vec<&[u8]> = outer.iter().map(|step| step.key).collect();
        // The list of trees has no names; a booster of dropped trees wraps another.
        matches!(
            names.as_slice(),
            [b"learner", b"gradient_booster", b"model", b"trees", b"", _]
                | [b"learner", b"gradient_booster", b"gbtree", b"model", b"trees", b"", _]
        )
    }

    /// The name of the array of a tree that the value `up` containers out is.
    fn per_node(&self, up: usize) -> Option<&'static str> {
        let at = self.path.len().checked_sub(up + 1)?;
        let key = self.path.get(at)?.key;
        PER_NODE.iter().find(|name| self.in_tree(up) && name.as_bytes() == key).copied()
    }

    /// Takes the number of nodes, where that is the value.
    fn stated(&mut self, count: impl Fn() -> Option<u64>) {
        let [.., outer, inner] = self.path.as_slice() else { return };
        let declared = match (outer.key, inner.key) {
            (b"learner_model_param", b"num_class") => Some(&mut self.declared.classes),
            (b"learner_model_param", b"num_target") => Some(&mut self.declared.targets),
            (b"learner_model_param", b"num_feature") => Some(&mut self.declared.features),
            (b"gbtree_model_param", b"num_parallel_tree") => Some(&mut self.declared.parallel),
            _ => None,
        };
        if let Some(declared) = declared {
            *declared = count();
            return;
        }
        if outer.key != b"tree_param" || !self.in_tree(1) {
            return;
        }
        match inner.key {
            b"num_nodes" => self.tree.nodes = count(),
            b"num_feature" => self.tree.columns = count(),
            _ => {}
        }
    }

    fn value(&mut self, number: Option<i64>) {
        let listed = self.per_node(1).is_some_and(is_kept);
        if let Some(top) = self.path.last_mut().filter(|_| listed) {
            top.listed.push(number);
        }
        self.passed();
    }

    fn passed(&mut self) {
        if let Some(top) = self.path.last_mut() {
            top.values += 1;
        }
    }

    fn close(&mut self) {
        let was_tree = self.in_tree(0);
        let array = self.per_node(1);
        let Some(closed) = self.path.pop() else { return };
        if let Some(key) = array {
            self.tree.lengths.push((key, closed.values));
            if is_kept(key) {
                self.tree.take(key, Children::Listed(closed.listed));
            }
        }
        if was_tree {
            let tree = std::mem::take(&mut self.tree);
            if self.broken.len() < MAX_ISSUES {
                tree_issues(self.trees, &tree, &mut self.broken);
            }
            self.trees += 1;
        }
        self.passed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boosters::ubjson::walk;

    /// A model of the package `xgboost`, as it saves it.
    const MODEL: &[u8] = include_bytes!("../../../../scan/tests/fixtures/formats/trees.ubj");

    fn of(bytes: &[u8]) -> Option<(Vec<String>, Vec<String>)> {
        let mut model = Binary::default();
        walk(bytes, &mut model).unwrap();
        model.issues()
    }

    /// The model with the first `from` replaced.
    fn bent(from: &[u8], to: &[u8]) -> Option<(Vec<String>, Vec<String>)> {
        let at = MODEL.windows(from.len()).position(|w| w == from).unwrap();
        of(&[&MODEL[..at], to, &MODEL[at + from.len()..]].concat())
    }

    #[test]
    fn a_model_as_the_library_saves_it_agrees_with_itself() {
        assert_eq!(of(MODEL), Some((Vec::new(), Vec::new())));
        assert_eq!(of(b"{i\x01aT}"), None);
    }

    #[test]
    fn children_that_are_no_nodes_wrong_counts_and_unknown_parts_are_told() {
        let array = b"left_children[$l#L\0\0\0\0\0\0\0";
        let at = MODEL.windows(array.len()).position(|w| w == array).unwrap() + array.len();
        for wrong in [999_999i32, -7] {
            let mut bytes = MODEL.to_vec();
            bytes[at + 1..at + 5].copy_from_slice(&wrong.to_be_bytes());
            let (broken, _) = of(&bytes).unwrap();
            assert!(broken[0].contains("left_children of tree 0") && broken[0].contains(&wrong.to_string()));
        }
        let (broken, _) = bent(b"num_nodesSL\0\0\0\0\0\0\0\x01", b"num_nodesSL\0\0\0\0\0\0\0\x029").unwrap();
        assert!(broken[0].contains("nodes and"), "{broken:?}");
        let (_, unknown) =
            bent(b"{L\0\0\0\0\0\0\0\x07learner", b"{i\x03ownTL\0\0\0\0\0\0\0\x07learner").unwrap();
        assert_eq!(unknown.len(), 1, "{unknown:?}");
    }

    #[test]
    fn lists_without_a_type_are_read_as_well() {
        let model = |children: &str| {
            let tree = format!("{{i\x0dleft_children[{children}]i\x0eright_children[i\u{ff}i\u{ff}]}}");
            let text = format!(
                "{{i\x07learner{{i\x10gradient_booster{{i\x05model{{i\x05trees[{tree}]}}}}}}i\x07version[]}}"
            );
            // One byte a character: 0xff is -1, no child.
            let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
            of(&bytes).unwrap().0
        };
        assert_eq!(model("i\x01i\u{ff}"), Vec::<String>::new());
        assert!(model("i\x01i\x00")[0].contains("may not end"));
        assert_eq!(model("i\x01i\x05").len(), 1);
        assert_eq!(model("i\x01T").len(), 1);
        assert!(model("i\x00")[0].contains("2 entries in right_children"));
    }
}
