//! How large a tuple is for whoever walks through it.
//!
//! A stream of a few hundred bytes makes a tuple whose two parts are one tuple whose two parts are one … Python keeps no
//! hash of a tuple, so that the first dictionary with such a key takes as many steps as there are ways through it. It does
//! not watch how deep it goes either: the hash of a tuple in a tuple in a tuple … ends the program (`Objects/tupleobject.c`).

use super::super::value::{Node, Value};
use super::{Event, Machine, Watch};

/// Elements that no tuple of a model has, counted as often as they are met.
const MOST: u64 = 1 << 26;
/// How deep tuples lie in each other; a pickler in C gives up at a thousand, unless it is told not to.
const DEEPEST: u32 = 5_000;

impl Machine<'_> {
    /// Counts the elements of a tuple that was just made.
    pub(super) fn weigh(&mut self, tuple: Value, at: usize, watch: &mut dyn Watch) {
        let (Value::Node(id), Some(Node::Tuple(items))) = (tuple, self.node(tuple)) else { return };
        let size = |value: &Value| match (value, self.node(*value)) {
            (Value::Node(id), Some(Node::Tuple(inner))) => {
                Some(self.sizes.get(id).copied().unwrap_or((1 + inner.kept.len() as u64, 1)))
            }
            _ => None,
        };
        let inner = items.kept.iter().filter_map(size);
        let inner = inner.reduce(|a, b| (a.0.saturating_add(b.0), a.1.max(b.1)));
        // Tuples of constants are counted by those that hold them.
        let Some((inner, depth)) = inner else { return };
        let size = inner.saturating_add(1 + items.kept.len() as u64);
        self.sizes.insert(id, (size, depth.saturating_add(1)));
        if size > MOST || depth > DEEPEST {
            watch.event(self, at, &Event::Endless);
        }
    }
}
