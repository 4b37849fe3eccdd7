//! A place in a parsed JSON text, with readers that name the place when they refuse.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::{Fault, ReadError};
use crate::Name;

/// One step down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step<'v> {
    Key(&'v str),
    Index(usize),
}

/// A value and the way to it. The way is a list of borrowed parents: it costs nothing until somebody asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Node<'v, 'p> {
    pub value: &'v Value,
    step: Option<Step<'v>>,
    parent: Option<&'p Node<'v, 'p>>,
}

/// The way to a value, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(pub Vec<OwnedStep>);

/// One step of a kept way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OwnedStep {
    Key(String),
    Index(usize),
}

impl Place {
    /// The value at this place of `body`.
    pub(crate) fn resolve<'b>(&self, body: &'b mut Value) -> Option<&'b mut Value> {
        self.0.iter().try_fold(body, |value, step| match step {
            OwnedStep::Key(key) => value.get_mut(key),
            OwnedStep::Index(index) => value.get_mut(*index),
        })
    }
}

impl<'v, 'p> Node<'v, 'p> {
    pub(crate) const fn root(value: &'v Value) -> Self {
        Self { value, step: None, parent: None }
    }

    /// A member of an object; `null` counts as absent, as it does for the official clients.
    pub(crate) fn member<'s>(&'s self, key: &'v str) -> Option<Node<'v, 's>>
    where
        'p: 's,
    {
        let value = self.value.get(key).filter(|v| !v.is_null())?;
        Some(Node { value, step: Some(Step::Key(key)), parent: Some(self) })
    }

    pub(crate) fn required<'s>(&'s self, key: &'v str) -> Result<Node<'v, 's>, ReadError>
    where
        'p: 's,
    {
        self.member(key).ok_or_else(|| self.fail(Fault::Missing(key.to_owned())))
    }

    /// The elements of an array.
    pub(crate) fn elements<'s>(
        &'s self,
    ) -> Result<impl ExactSizeIterator<Item = Node<'v, 's>> + use<'v, 'p, 's>, ReadError>
    where
        'p: 's,
    {
        let elements = self.value.as_array().ok_or_else(|| self.kind("an array"))?;
        let node = move |(at, value)| Node { value, step: Some(Step::Index(at)), parent: Some(self) };
        Ok(elements.iter().enumerate().map(node))
    }

    pub(crate) fn object(&self) -> Result<&'v Map<String, Value>, ReadError> {
        self.value.as_object().ok_or_else(|| self.kind("an object"))
    }

    pub(crate) fn text(&self) -> Result<&'v str, ReadError> {
        self.value.as_str().ok_or_else(|| self.kind("a string"))
    }

    pub(crate) fn boolean(&self) -> Result<bool, ReadError> {
        self.value.as_bool().ok_or_else(|| self.kind("true or false"))
    }

    pub(crate) fn whole(&self) -> Result<u64, ReadError> {
        self.value.as_u64().ok_or_else(|| self.kind("a whole number that is not negative"))
    }

    pub(crate) fn number(&self) -> Result<f64, ReadError> {
        self.value.as_f64().ok_or_else(|| self.kind("a number"))
    }

    pub(crate) fn name(&self) -> Result<Name, ReadError> {
        Name::new(self.text()?).map_err(|error| self.fail(error.into()))
    }

    /// An identifier: opaque, but with no room for a sentence, because some models are shown it.
    pub(crate) fn id(&self) -> Result<&'v str, ReadError> {
        let text = self.text()?;
        if text.is_empty() || text.len() > 256 || !text.bytes().all(|b| b.is_ascii_graphic()) {
            let why = "an identifier has 1 to 256 letters, digits and signs of ASCII, without spaces";
            return Err(self.fail(Fault::Value(why.to_owned())));
        }
        Ok(text)
    }

    /// Refuses members that are not in `known` and not `null`.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), ReadError> {
        let unknown = self.object()?.iter().find(|(key, v)| !v.is_null() && !known.contains(&key.as_str()));
        match unknown {
            None => Ok(()),
            Some((key, _)) => Err(self.fail(self.unknown(key, known))),
        }
    }

    /// The fault of a member that is not in `known`.
    pub(crate) fn unknown(&self, key: &str, known: &[&str]) -> Fault {
        let field: String = key.chars().take(60).collect();
        match lookalike(key, known) {
            Some(known) => Fault::Lookalike { field, known: known.to_owned() },
            None => Fault::UnknownField(field),
        }
    }

    pub(crate) fn kind(&self, expected: &'static str) -> ReadError {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.fail(Fault::Kind { expected, found })
    }

    pub(crate) fn unsupported(&self, what: impl Into<String>, instead: &'static str) -> ReadError {
        self.fail(Fault::Unsupported { what: what.into(), instead })
    }

    pub(crate) fn fail(&self, fault: Fault) -> ReadError {
        ReadError::Field { at: self.shown(), fault }
    }

    pub(crate) fn place(&self) -> Place {
        let own = |step| match step {
            Step::Key(key) => OwnedStep::Key(key.to_owned()),
            Step::Index(index) => OwnedStep::Index(index),
        };
        Place(self.steps().into_iter().map(own).collect())
    }

    /// The way as people write it.
    pub(crate) fn shown(&self) -> String {
        let mut out = String::new();
        for step in self.steps() {
            let _ = match step {
                Step::Key(key) if out.is_empty() => write!(out, "{key}"),
                Step::Key(key) => write!(out, ".{key}"),
                Step::Index(index) => write!(out, "[{index}]"),
            };
        }
        if out.is_empty() { "the body".to_owned() } else { out }
    }

    fn steps(&self) -> Vec<Step<'v>> {
        let mut steps: Vec<_> =
            std::iter::successors(Some(self), |node| node.parent).filter_map(|node| node.step).collect();
        steps.reverse();
        steps
    }
}

/// The known field that `key` equals but for case.
pub(crate) fn lookalike<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    // Upper first: it takes the long s to S, as Go's reader of JSON does; lower takes the Kelvin sign to k.
    let fold = |text: &str| text.to_uppercase().to_lowercase();
    let folded = fold(key);
    known.iter().find(|k| fold(k) == folded).copied()
}
