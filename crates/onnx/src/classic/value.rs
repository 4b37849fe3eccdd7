//! What flows between the operators of a classical model: numbers and whole numbers of any shape.

use std::borrow::Cow;

use crate::tensor::volume;
use crate::{OnnxError, Tensor};

/// A value between two operators, in the width in which the embedded runtime carries it. Truth values are 0 and 1;
/// texts are their places in the model's list of [`Words`](super::words::Words).
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// Numbers.
    Float(Tensor),
    /// Whole numbers, row-major.
    Int(Whole),
}

/// A tensor of whole numbers, row-major.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Whole {
    pub shape: Vec<usize>,
    pub data: Vec<i32>,
}

/// Rows of numbers, row-major.
#[derive(Debug, Clone)]
pub(crate) struct Rows<'a> {
    pub n: usize,
    pub width: usize,
    pub data: Cow<'a, [f32]>,
}

impl Rows<'_> {
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.data.chunks_exact(self.width.max(1)).take(if self.width == 0 { 0 } else { self.n })
    }
}

impl Value {
    pub(crate) fn floats(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, OnnxError> {
        Tensor::new(shape, data).map(Self::Float)
    }

    pub(crate) fn ints(shape: Vec<usize>, data: Vec<i32>) -> Result<Self, OnnxError> {
        if volume(&shape) != Some(data.len()) {
            return Err(OnnxError::Size { shape, values: data.len() });
        }
        Ok(Self::Int(Whole { shape, data }))
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Float(tensor) => tensor.shape(),
            Self::Int(whole) => &whole.shape,
        }
    }

    /// The values as numbers.
    pub(crate) fn numbers(&self) -> Cow<'_, [f32]> {
        match self {
            Self::Float(tensor) => Cow::Borrowed(tensor.data()),
            Self::Int(whole) => Cow::Owned(whole.data.iter().map(|v| *v as f32).collect()),
        }
    }

    /// As the operators of ai.onnx.ml see it: the first dimension counts rows; a vector is a single row.
    pub(crate) fn rows(&self) -> Rows<'_> {
        let (n, width) = match self.shape() {
            [] => (1, 1),
            [width] => (1, *width),
            [n, rest @ ..] => (*n, rest.iter().product()),
        };
        Rows { n, width, data: self.numbers() }
    }

    /// The same shape with other numbers.
    pub(crate) fn with(&self, data: Vec<f32>) -> Result<Self, OnnxError> {
        Self::floats(self.shape().to_vec(), data)
    }

    /// As a result of the model. A float32 carries whole numbers up to 2^24.
    pub(crate) fn into_tensor(self, name: &str) -> Result<Tensor, OnnxError> {
        match self {
            Self::Float(tensor) => Ok(tensor),
            Self::Int(Whole { shape, data }) => {
                let exact = |v: &i32| {
                    let fits = v.unsigned_abs() <= 1 << 24;
                    fits.then_some(*v as f32)
                        .ok_or(OnnxError::Inexact { tensor: name.to_owned(), value: i64::from(*v) })
                };
                Tensor::new(shape, data.iter().map(exact).collect::<Result<_, _>>()?)
            }
        }
    }
}
