//! What a row is to the inputs of a model.
//!
//! Most models take one tensor of numbers. Tables are often exported with an input for each column, some of them of whole
//! numbers: a row is then their values one after the other, in the order in which the model declares them.

use std::ops::Range;

use crate::classifier::admits;
use crate::engine::Element;
use crate::tensor::volume;
use crate::{Dimension, OnnxError, Tensor, TensorSpec};

/// The inputs of a model and their places in a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Feeds {
    parts: Vec<Part>,
    features: usize,
}

#[derive(Debug, Clone, PartialEq)]
struct Part {
    /// Its values in a row.
    place: Range<usize>,
    /// Dimensions of one row of it.
    shape: Vec<usize>,
    /// Whether it takes whole numbers only.
    whole: bool,
}

impl Feeds {
    /// The inputs of a model for rows of `shape`.
    ///
    /// # Errors
    /// Inputs that take no numbers or rows of another shape; several inputs that do not add up to a row.
    pub(crate) fn of(inputs: &[TensorSpec], shape: &[usize]) -> Result<Self, OnnxError> {
        let features = volume(shape).unwrap_or(0);
        if let Some(input) = inputs.iter().find(|i| !matches!(i.element, Element::Float32 | Element::Int32)) {
            return Err(OnnxError::ElementType {
                tensor: input.name.clone(),
                found: format!("{:?}", input.element),
            });
        }
        let whole = |input: &TensorSpec| input.element == Element::Int32;
        if let [input] = inputs {
            admits(&input.name, input.shape.as_deref(), shape)?;
            let part = Part { place: 0..features, shape: shape.to_vec(), whole: whole(input) };
            return Ok(Self { parts: vec![part], features });
        }
        let mut parts = Vec::with_capacity(inputs.len());
        let mut at = 0usize;
        for input in inputs {
            let shape = row_of(input).ok_or(OnnxError::InputCount { expected: 1, found: inputs.len() })?;
            let end = at.saturating_add(volume(&shape).unwrap_or(usize::MAX));
            parts.push(Part { place: at..end, shape, whole: whole(input) });
            at = end;
        }
        if at != features || shape.len() != 1 {
            let each = inputs.iter().zip(&parts).map(|(i, p)| format!("{} ({})", i.name, p.place.len()));
            return Err(OnnxError::Shape {
                tensor: each.collect::<Vec<_>>().join(", "),
                expected: format!("rows of {at} values, those of all inputs one after the other"),
                found: shape.to_vec(),
            });
        }
        Ok(Self { parts, features })
    }

    /// The tensors for `n` rows.
    pub(crate) fn tensors(&self, rows: Vec<f32>, n: usize) -> Result<Vec<Tensor>, OnnxError> {
        let shape = |part: &Part| [&[n], part.shape.as_slice()].concat();
        if let [part] = self.parts.as_slice()
            && !part.whole
        {
            return Ok(vec![Tensor::new(shape(part), rows)?]);
        }
        let tensor = |part: &Part| {
            let values = rows.chunks_exact(self.features.max(1)).flat_map(|row| &row[part.place.clone()]);
            let data =
                if part.whole { values.map(|v| v.round()).collect() } else { values.copied().collect() };
            Tensor::new(shape(part), data)
        };
        self.parts.iter().map(tensor).collect()
    }

    /// Whether a feature is a whole number to the model: what it is given is rounded.
    pub(crate) fn is_whole(&self, feature: usize) -> bool {
        self.parts.iter().any(|part| part.whole && part.place.contains(&feature))
    }
}

/// The dimensions of a row of an input whose first dimension counts rows and is the only one that is open.
fn row_of(input: &TensorSpec) -> Option<Vec<usize>> {
    let (batch, row) = input.shape.as_ref()?.split_first()?;
    if !matches!(batch, Dimension::Symbolic(_)) {
        return None;
    }
    row.iter().map(|d| if let Dimension::Fixed(n) = d { Some(*n) } else { None }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(name: &str, row: &[usize], element: Element) -> TensorSpec {
        let mut shape = vec![Dimension::Symbolic("N".to_owned())];
        shape.extend(row.iter().map(|n| Dimension::Fixed(*n)));
        TensorSpec { name: name.to_owned(), shape: Some(shape), element }
    }

    #[test]
    fn columns_are_parts_of_a_row() {
        let inputs = [
            spec("a", &[2], Element::Float32),
            spec("b", &[], Element::Int32),
            spec("c", &[1], Element::Float32),
        ];
        let feeds = Feeds::of(&inputs, &[4]).unwrap();
        let fed = feeds.tensors(vec![0.1, 0.2, 2.6, 0.3, 1.1, 1.2, -1.4, 1.3], 2).unwrap();
        let read: Vec<_> = fed.iter().map(|t| (t.shape().to_vec(), t.data().to_vec())).collect();
        assert_eq!(
            read,
            [
                (vec![2, 2], vec![0.1, 0.2, 1.1, 1.2]),
                (vec![2], vec![3.0, -1.0]),
                (vec![2, 1], vec![0.3, 1.3]),
            ]
        );
        assert_eq!([0, 1, 2, 3].map(|at| feeds.is_whole(at)), [false, false, true, false]);
        let error = Feeds::of(&inputs, &[5]).unwrap_err().to_string();
        assert!(error.contains("a (2), b (1), c (1)") && error.contains("rows of 4 values"), "{error}");
        let open = TensorSpec { shape: None, ..spec("d", &[], Element::Float32) };
        assert!(Feeds::of(&[spec("a", &[1], Element::Float32), open], &[2]).is_err());
        assert!(Feeds::of(&[spec("a", &[1], Element::UInt8)], &[1]).is_err());
    }
}
