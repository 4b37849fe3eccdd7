//! Stack, marks and arena.

use super::super::value::{Items, Node, Value};
use super::{Machine, Watch};

const UNDERFLOW: &str = "it takes more from the stack than is there";

impl Machine<'_> {
    pub(super) fn tuple_of(&mut self, n: usize, at: usize, watch: &mut dyn Watch) -> Result<(), String> {
        let start = self.stack.len().checked_sub(n).filter(|start| *start >= self.fence());
        let values = self.stack.split_off(start.ok_or(UNDERFLOW)?);
        let value = self.alloc_items(values, Node::Tuple);
        self.weigh(value, at, watch);
        self.push(value);
        Ok(())
    }

    pub(super) fn unmark(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or("there is no mark on the stack")?;
        Ok(self.stack.split_off(mark.min(self.stack.len())))
    }

    pub(super) fn unmark_items(&mut self) -> Result<Items, String> {
        let values = self.unmark()?;
        let mut items = Items::default();
        self.kept += items.extend(values);
        Ok(items)
    }

    pub(super) fn alloc_items(&mut self, values: Vec<Value>, node: fn(Items) -> Node) -> Value {
        let mut items = Items::default();
        self.kept += items.extend(values);
        self.alloc(node(items))
    }

    pub(super) fn alloc(&mut self, node: Node) -> Value {
        // The budget on values is far below 2^32; beyond it a node stays unknown.
        let id = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.nodes.push(node);
        Value::Node(id)
    }

    pub(super) fn make(&mut self, node: Node) {
        let value = self.alloc(node);
        self.push(value);
    }

    pub(super) fn node_mut(&mut self, value: Value) -> Option<&mut Node> {
        let Value::Node(id) = value else { return None };
        self.nodes.get_mut(usize::try_from(id).ok()?)
    }

    pub(super) fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    /// Below the last mark nothing can be taken.
    pub(super) fn fence(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    pub(super) fn peek(&self) -> Result<Value, String> {
        if self.stack.len() <= self.fence() {
            return Err(UNDERFLOW.to_owned());
        }
        self.stack.last().copied().ok_or_else(|| UNDERFLOW.to_owned())
    }

    pub(super) fn pop(&mut self) -> Result<Value, String> {
        let value = self.peek()?;
        self.stack.pop();
        Ok(value)
    }
}
