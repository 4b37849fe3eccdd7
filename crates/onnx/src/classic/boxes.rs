//! Trees as sets of boxes with weights, which is what exact verification works on.

use super::tree::{Aggregate, Test, TreeEnsemble, TreeNode};
use crate::OnnxError;

/// Values greater than `above` and not greater than `to`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Excluded.
    pub above: f32,
    /// Included.
    pub to: f32,
}

/// A leaf: the box of inputs that reach it, and what it adds to which score.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Features that are bounded on the way to it, in order.
    pub bounds: Vec<(usize, Interval)>,
    /// Its weights by target.
    pub weights: Vec<(usize, f32)>,
}

impl Interval {
    /// Every value.
    pub const ALL: Self = Self { above: f32::NEG_INFINITY, to: f32::INFINITY };

    /// Values in both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { above: self.above.max(other.above), to: self.to.min(other.to) }
    }

    /// Whether no value lies in it.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.above >= self.to
    }

    /// Whether a value lies in it.
    #[must_use]
    pub fn contains(self, value: f32) -> bool {
        self.above < value && value <= self.to
    }
}

impl TreeEnsemble {
    /// Every tree as the boxes of its leaves. Together the boxes of a tree hold every input once. A leaf behind a question
    /// for a value itself is a box on either side of the value, so it may be there more than once.
    ///
    /// # Errors
    /// Trees whose weights are not summed; more than [`MAX_BOXES`] boxes.
    pub fn leaves(&self) -> Result<Vec<Vec<Leaf>>, OnnxError> {
        if matches!(self.aggregate, Aggregate::Least | Aggregate::Largest) {
            return Err(OnnxError::Option(
                "the score is the smallest or largest of the trees' weights; exact distances need sums"
                    .to_owned(),
            ));
        }
        self.roots.iter().map(|root| self.leaves_of(*root)).collect()
    }

    fn leaves_of(&self, root: u32) -> Result<Vec<Leaf>, OnnxError> {
        let mut leaves = Vec::new();
        let mut open: Vec<(u32, Vec<(usize, Interval)>)> = vec![(root, Vec::new())];
        while let Some((at, bounds)) = open.pop() {
            match self.nodes[at as usize] {
                TreeNode::Leaf { first, count } => {
                    let weights = self.weights.iter().skip(first as usize).take(count as usize);
                    let weights = weights.map(|(t, w)| (*t as usize, *w * self.share())).collect();
                    leaves.push(Leaf { bounds, weights });
                }
                TreeNode::Branch { feature, test, threshold, yes, no, .. } => {
                    let (holds, fails) = self.sides(test, threshold);
                    let sides =
                        fails.iter().map(|side| (no, side)).chain(holds.iter().map(|side| (yes, side)));
                    for (child, side) in sides {
                        if let Some(bounds) = narrowed(&bounds, feature as usize, *side) {
                            open.push((child, bounds));
                        }
                    }
                }
            }
            if leaves.len() + open.len() > MAX_BOXES {
                return Err(OnnxError::Option(format!(
                    "a tree has more than {MAX_BOXES} boxes; exact distances are not measured"
                )));
            }
        }
        Ok(leaves)
    }

    /// The values for which a question is answered yes, and those for which it is answered no. Only float32 values exist,
    /// so "below t" is "at most the float before t", and a value is the interval that begins at the float before it.
    fn sides(&self, test: Test, threshold: f32) -> (Vec<Interval>, Vec<Interval>) {
        let up_to = |to: f32| Interval { above: f32::NEG_INFINITY, to };
        let beyond = |above: f32| Interval { above, to: f32::INFINITY };
        let divided = |values: &[f32]| {
            let (mut at, mut between, mut above) = (Vec::new(), Vec::new(), f32::NEG_INFINITY);
            // A threshold that no float32 is equals nothing.
            for value in values.iter().copied().filter(|v| v.is_finite()) {
                at.push(Interval { above: value.next_down(), to: value });
                between.push(Interval { above, to: value.next_down() });
                above = value;
            }
            between.push(beyond(above));
            between.retain(|side| !side.is_empty());
            (at, between)
        };
        match test {
            Test::AtMost => (vec![up_to(threshold)], vec![beyond(threshold)]),
            Test::Below => (vec![up_to(threshold.next_down())], vec![beyond(threshold.next_down())]),
            Test::Above => (vec![beyond(threshold)], vec![up_to(threshold)]),
            Test::AtLeast => (vec![beyond(threshold.next_down())], vec![up_to(threshold.next_down())]),
            Test::Equal => divided(&[threshold]),
            Test::NotEqual => {
                let (at, between) = divided(&[threshold]);
                (between, at)
            }
            Test::Member(list) => divided(self.listed(list)),
        }
    }
}

/// Most boxes of one tree. Trees that ask for values themselves have more boxes than leaves.
const MAX_BOXES: usize = 1_000_000;

/// The bounds with one more, or nothing where no value is left.
fn narrowed(bounds: &[(usize, Interval)], feature: usize, side: Interval) -> Option<Vec<(usize, Interval)>> {
    let mut next = bounds.to_vec();
    match next.binary_search_by_key(&feature, |(f, _)| *f) {
        Ok(at) => {
            let both = next[at].1.and(side);
            if both.is_empty() {
                return None;
            }
            next[at].1 = both;
        }
        Err(at) => next.insert(at, (feature, side)),
    }
    Some(next)
}
