//! What is known of a value of a script.

use std::sync::Arc;

/// A value, by the wire that carries it and the wire of the tensor that it is a view of.
#[derive(Debug, Clone)]
pub(super) struct Value {
    pub(super) wire: usize,
    pub(super) root: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone)]
pub(super) enum What {
    /// A tensor, with its dimensions where they are known: each is at least so large.
    Tensor(Option<Arc<[f64]>>),
    /// A number, and whether it is written with a fraction.
    Number(Option<f64>, bool),
    /// A list or a tuple.
    Items(Arc<[Value]>),
    /// A list of at least so many elements.
    Many(f64),
    /// Numbers from one to another.
    Range(f64, f64, f64),
    /// An object of a class of the archive.
    Object(Arc<str>),
    /// A text of so many characters.
    Text(f64),
    Unknown,
}

impl Value {
    pub(super) fn name(&self) -> String {
        self.wire.to_string()
    }

    pub(super) fn number(&self) -> Option<f64> {
        if let What::Number(number, _) = self.what { number } else { None }
    }

    /// Sizes that a list of numbers gives; what is not known is one at least.
    pub(super) fn sizes(&self) -> Option<Vec<f64>> {
        let size = |value: &Self| value.number().map_or(1.0, |n| n.max(1.0));
        match &self.what {
            What::Items(items) => Some(items.iter().map(size).collect()),
            What::Number(..) => Some(vec![size(self)]),
            _ => None,
        }
    }

    pub(super) fn shape(&self) -> Option<&Arc<[f64]>> {
        if let What::Tensor(shape) = &self.what { shape.as_ref() } else { None }
    }

    /// Elements that it has at least.
    pub(super) fn count(&self) -> f64 {
        match &self.what {
            What::Tensor(Some(shape)) => shape.iter().product(),
            What::Items(items) => items.len() as f64,
            What::Many(count) | What::Text(count) => *count,
            What::Range(from, to, step) => ((to - from) / step).ceil().max(0.0),
            _ => 1.0,
        }
    }
}
