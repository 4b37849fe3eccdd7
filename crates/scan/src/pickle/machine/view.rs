//! Looking at values, for those who judge them.

use std::borrow::Cow;

use super::super::fold;
use super::super::value::{Constant, Global, Node, Value, decode};
use super::Machine;

impl<'a> Machine<'a> {
    /// Everything that the stream made.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

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
        match (value, self.node(value)) {
            (Value::Text(span, coding), _) => decode(self.bytes, span, coding),
            (_, Some(Node::Constant(Constant::Text(text)))) => Some(Cow::Owned(text.clone())),
            _ => None,
        }
    }

    /// The bytes a value is, also as protocols 0 to 2 write them: `_codecs.encode(text, "latin1")`.
    #[must_use]
    pub fn bytes_of(&self, value: Value) -> Option<Cow<'_, [u8]>> {
        match (value, self.node(value)) {
            (Value::Bytes(span), _) => self.bytes.get(span.start..span.end).map(Cow::Borrowed),
            (_, Some(Node::Constant(Constant::Bytes(bytes)))) => Some(Cow::Borrowed(bytes)),
            (_, Some(Node::Called { callee, args, .. })) => {
                let callee = self.global(*callee)?;
                let [text, coding] = self.tuple(*args)? else { return None };
                let encode =
                    callee.module.as_deref() == Some("_codecs") && callee.name.as_deref() == Some("encode");
                let latin = encode && matches!(self.text(*coding).as_deref(), Some("latin1" | "latin-1"));
                if latin { fold::latin_1(&self.text(*text)?).map(Cow::Owned) } else { None }
            }
            _ => None,
        }
    }

    /// A part of the stream.
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Option<&'a [u8]> {
        self.bytes.get(range)
    }

    /// Bytes, or the bytes of a string, as decoders take either.
    pub(in crate::pickle) fn raw(&self, value: Value) -> Option<Cow<'_, [u8]>> {
        match self.text(value) {
            Some(text) => Some(Cow::Owned(text.into_owned().into_bytes())),
            None => self.bytes_of(value),
        }
    }

    /// The constant a value is.
    pub(in crate::pickle) fn constant(&self, value: Value) -> Option<Constant> {
        if let Value::Int(n) = value {
            return Some(Constant::Int(n));
        }
        if let Some(Node::Constant(constant)) = self.node(value) {
            return Some(constant.clone());
        }
        match self.text(value) {
            Some(text) => Some(Constant::Text(text.into_owned())),
            None => Some(Constant::Bytes(self.bytes_of(value)?.into_owned())),
        }
    }

    /// The elements of a list or tuple, all of them.
    pub(in crate::pickle) fn elements(&self, value: Value) -> Option<&[Value]> {
        match self.node(value)? {
            Node::Tuple(items) | Node::List(items) if !items.more => Some(&items.kept),
            _ => None,
        }
    }

    /// The elements of a list or tuple if all of them are constants.
    pub(in crate::pickle) fn constants(&self, value: Value) -> Option<Vec<Constant>> {
        self.elements(value)?.iter().map(|element| self.constant(*element)).collect()
    }

    /// Bytes of the constants that `args` are or hold: what folding a call of them may cost.
    pub(super) fn weight(&self, args: &[Value]) -> usize {
        let one = |value: &Value| match (*value, self.node(*value)) {
            (Value::Text(span, _) | Value::Bytes(span), _) => span.end - span.start,
            (_, Some(Node::Constant(constant))) => constant.len(),
            (_, Some(Node::Called { args, .. })) => match self.tuple(*args) {
                Some([Value::Text(span, _), ..]) => span.end - span.start,
                _ => 0,
            },
            _ => 0,
        };
        let held = args.iter().filter_map(|value| self.elements(*value)).flatten();
        args.iter().chain(held).map(|value| 16 + one(value)).sum()
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
            (Value::Text(..), _)
            | (_, Some(Node::Persistent(_) | Node::Unknown | Node::Constant(Constant::Text(_)))) => false,
            (_, Some(Node::Called { callee, instance, .. })) => {
                *instance && self.global(*callee).is_some_and(|g| g.name.as_deref() != Some("str"))
            }
            _ => true,
        }
    }
}
