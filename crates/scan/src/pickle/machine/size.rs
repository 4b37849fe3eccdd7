//! How large a tuple is for whoever walks through it.
//!
//! A stream of a few hundred bytes makes a tuple whose two parts are one tuple whose two parts are one … Python keeps no
//! hash of a tuple, so that the first dictionary with such a key takes as many steps as there are ways through it.

use super::super::value::{Node, Value};
use super::{Event, Machine, Watch};

/// Elements that no tuple of a model has, counted as often as they are met.
const MOST: u64 = 1 << 26;

impl Machine<'_> {
    /// Counts the elements of a tuple that was just made.
    pub(super) fn weigh(&mut self, tuple: Value, at: usize, watch: &mut dyn Watch) {
        let (Value::Node(id), Some(Node::Tuple(items))) = (tuple, self.node(tuple)) else { return };
        let size = |value: &Value| match (value, self.node(*value)) {
            (Value::Node(id), Some(Node::Tuple(inner))) => {
                Some(self.sizes.get(id).copied().unwrap_or(1 + inner.kept.len() as u64))
            }
            _ => None,
        };
        let inner = items.kept.iter().filter_map(size).reduce(u64::saturating_add);
        // Tuples of constants are counted by those that hold them.
        let Some(inner) = inner else { return };
        let size = inner.saturating_add(1 + items.kept.len() as u64);
        let folded = size > MOST;
        self.sizes.insert(id, size);
        if folded {
            watch.event(self, at, &Event::Endless);
        }
    }
}
