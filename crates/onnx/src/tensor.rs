//! A float32 tensor, row-major.

use crate::OnnxError;

/// A dense float32 tensor, row-major: the last dimension varies fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

impl Tensor {
    /// A tensor of `shape` over `data`; the number of values must be the product of the shape.
    pub fn new(shape: Vec<usize>, data: Vec<f32>) -> Result<Self, OnnxError> {
        match volume(&shape) {
            Some(n) if n == data.len() => Ok(Self { shape, data }),
            _ => Err(OnnxError::Size { shape, values: data.len() }),
        }
    }

    /// Its dimensions.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Its values, to be changed.
    #[must_use]
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Its values, owned.
    #[must_use]
    pub fn into_data(self) -> Vec<f32> {
        self.data
    }

    /// Index of the first value that is NaN or infinite.
    #[must_use]
    pub fn first_not_finite(&self) -> Option<usize> {
        self.data.iter().position(|v| !v.is_finite())
    }
}

/// The product of a shape's dimensions, unless it overflows.
pub(crate) fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shape_and_values_must_agree() {
        assert!(Tensor::new(vec![2, 3], vec![0.0; 6]).is_ok());
        assert!(Tensor::new(vec![], vec![1.0]).is_ok());
        assert!(Tensor::new(vec![2, 3], vec![0.0; 5]).is_err());
        assert!(Tensor::new(vec![usize::MAX, 2], vec![]).is_err());
    }

    #[test]
    fn the_first_value_that_is_no_number_is_found() {
        let t = Tensor::new(vec![3], vec![0.0, f32::INFINITY, f32::NAN]).unwrap();
        assert_eq!(t.first_not_finite(), Some(1));
    }
}
