//! Looking at values, for those who judge them.

use std::borrow::Cow;

use super::super::value::{Global, Node, Value, decode};
use super::Machine;

impl<'a> Machine<'a> {
    /// The node a value names.
    #[must_use]
    pub fn node(&self, value: Value) -> Option<&Node> {
        let Value::Node(id) = value else { return None };
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// The import a value is.
    #[must_use]
    pub fn global(&self, value: Value) -> Option<&Global> {
        match self.node(value)? {
            Node::Global(global) => Some(global),
            _ => None,
        }
    }

    /// The text a value is.
    #[must_use]
    pub fn text(&self, value: Value) -> Option<Cow<'a, str>> {
        let Value::Text(span, coding) = value else { return None };
        decode(self.bytes, span, coding)
    }

    /// The elements of a tuple, all of them.
    #[must_use]
    pub fn tuple(&self, value: Value) -> Option<&[Value]> {
        match self.node(value)? {
            Node::Tuple(items) if !items.more => Some(&items.kept),
            _ => None,
        }
    }

    /// Keys and values of a dict in turn, and whether these are all.
    #[must_use]
    pub fn dict(&self, value: Value) -> Option<(&[Value], bool)> {
        match self.node(value)? {
            Node::Dict(items) => Some((&items.kept, !items.more)),
            _ => None,
        }
    }

    /// The value of a text key in a dict.
    #[must_use]
    pub fn entry(&self, dict: Value, key: &str) -> Option<Value> {
        let (items, _) = self.dict(dict)?;
        let mut pairs = items.chunks_exact(2);
        pairs.find_map(|pair| match pair {
            [k, v] if self.text(*k).as_deref() == Some(key) => Some(*v),
            _ => None,
        })
    }

    /// The elements of a list if all of them are texts.
    #[must_use]
    pub fn texts(&self, value: Value) -> Option<Vec<String>> {
        match self.node(value)? {
            Node::List(items) if !items.more => {
                items.kept.iter().map(|v| self.text(*v).map(Cow::into_owned)).collect()
            }
            _ => None,
        }
    }

    /// Whether a value is certainly not a string. What a call returns may be one; an instance made by
    /// `NEWOBJ` is one only if its class is `str`.
    pub(super) fn is_no_text(&self, value: Value) -> bool {
        match (value, self.node(value)) {
            (Value::Text(..), _) | (_, Some(Node::Persistent | Node::Unknown)) => false,
            (_, Some(Node::Called { callee, instance, .. })) => {
                *instance && self.global(*callee).is_some_and(|g| g.name.as_deref() != Some("str"))
            }
            _ => true,
        }
    }
}
