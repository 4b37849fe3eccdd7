//! Handles of values, with the arithmetic that derivatives are written in.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::rc::Rc;

use proofhouse_artifact::onnx::ElementType;

use super::{Builder, Size};
use crate::OnnxError;
use crate::graph::{Attribute, Constant, Values};
use crate::shape::{BOOL, FLOAT};

/// A value of a graph under construction.
#[derive(Clone, Copy)]
pub(crate) struct V<'b> {
    b: &'b Builder,
    id: usize,
}

impl<'b> V<'b> {
    /// The value of an id that the builder gave.
    pub(crate) const fn of(b: &'b Builder, id: usize) -> Self {
        Self { b, id }
    }

    pub(crate) const fn id(self) -> usize {
        self.id
    }

    pub(crate) const fn builder(self) -> &'b Builder {
        self.b
    }

    fn about<T>(self, f: impl FnOnce(&super::Value) -> T) -> Option<T> {
        self.b.state.borrow().values.get(self.id).map(f)
    }

    pub(crate) fn name(self) -> String {
        self.about(|v| v.name.clone()).unwrap_or_default()
    }

    pub(crate) fn element(self) -> ElementType {
        self.about(|v| v.element).unwrap_or(FLOAT)
    }

    pub(crate) fn dims(self) -> Vec<Size> {
        self.about(|v| v.dims.clone()).unwrap_or_default()
    }

    pub(crate) fn rank(self) -> usize {
        self.about(|v| v.dims.len()).unwrap_or(0)
    }

    /// A dimension that has to be fixed.
    pub(crate) fn dim(self, axis: usize) -> usize {
        match self.dims().get(axis) {
            Some(Size::Fixed(n)) => *n,
            _ => {
                let name = self.name();
                let why =
                    format!("dimension {axis} of {name:?} is not fixed, and a derivative needs its size");
                self.b.fail(OnnxError::Malformed(why));
                1
            }
        }
    }

    pub(crate) fn constant(self) -> Option<Rc<Constant>> {
        self.about(|v| v.constant.clone()).flatten()
    }

    /// The values of a constant of integers.
    pub(crate) fn as_ints(self) -> Option<Vec<i64>> {
        match &self.constant()?.values {
            Values::Int(v) => Some(v.clone()),
            _ => None,
        }
    }

    /// The value of a constant of one number.
    pub(crate) fn as_scalar(self) -> Option<f32> {
        match self.constant()?.floats()?.as_slice() {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The same value, which no derivative goes through.
    pub(crate) fn detached(self) -> Self {
        self.b.state.borrow_mut().detached.insert(self.id);
        self
    }

    pub(crate) fn op(self, operator: &str) -> Self {
        self.b.op(operator, &[self], Vec::new())
    }

    pub(crate) fn op2(self, operator: &str, other: Self) -> Self {
        let (a, b) = matched(self, other);
        self.b.op(operator, &[a, b], Vec::new())
    }

    pub(crate) fn op_along(self, operator: &str, axis: usize) -> Self {
        self.b.op(operator, &[self], vec![("axis", Attribute::Int(axis as i64))])
    }

    pub(crate) fn exp(self) -> Self {
        self.op("Exp")
    }

    pub(crate) fn sqrt(self) -> Self {
        self.op("Sqrt")
    }

    pub(crate) fn cast(self, to: ElementType) -> Self {
        if self.element() == to {
            return self;
        }
        self.b.op("Cast", &[self], vec![("to", Attribute::Int(i64::from(to.0)))])
    }

    /// `self` where the truth value `condition` holds, else `other`.
    pub(crate) fn only_where(self, condition: Self, other: Self) -> Self {
        self.b.op("Where", &[condition, self, other], Vec::new())
    }

    /// `self` where `condition` holds, else 0.
    pub(crate) fn masked(self, condition: Self) -> Self {
        debug_assert!(condition.element() == BOOL || self.b.check().is_err());
        self.only_where(condition, self.b.scalar(0.0))
    }

    fn reduced(self, operator: &str, axes: &[usize], keep: bool) -> Self {
        if axes.is_empty() {
            return self;
        }
        let axes: Vec<i64> = axes.iter().map(|a| *a as i64).collect();
        let axes = self.b.ints(&axes);
        self.b.op(operator, &[self, axes], vec![("keepdims", Attribute::Int(i64::from(keep)))])
    }

    pub(crate) fn sum(self, axes: &[usize], keep: bool) -> Self {
        self.reduced("ReduceSum", axes, keep)
    }

    pub(crate) fn mean(self, axes: &[usize], keep: bool) -> Self {
        self.reduced("ReduceMean", axes, keep)
    }

    pub(crate) fn max(self, axes: &[usize], keep: bool) -> Self {
        self.reduced("ReduceMax", axes, keep)
    }

    /// Another shape over the same values. At most one dimension may follow the batch.
    pub(crate) fn reshape(self, dims: &[Size]) -> Self {
        if self.dims() == dims {
            return self;
        }
        if dims.iter().filter(|d| d.fixed().is_none()).count() > 1 {
            let why = format!("two dimensions of {:?} follow the batch; that is not reshaped", self.name());
            return self.b.fail(OnnxError::Malformed(why));
        }
        let shape: Vec<i64> = dims.iter().map(|d| d.fixed().map_or(-1, |n| n as i64)).collect();
        let shape = self.b.ints(&shape);
        self.b.op("Reshape", &[self, shape], Vec::new())
    }

    pub(crate) fn transpose(self, perm: &[usize]) -> Self {
        if perm.iter().enumerate().all(|(at, p)| at == *p) {
            return self;
        }
        let perm = perm.iter().map(|p| *p as i64).collect();
        self.b.op("Transpose", &[self], vec![("perm", Attribute::Ints(perm))])
    }

    /// Matrices with rows and columns exchanged.
    pub(crate) fn turned(self) -> Self {
        let rank = self.rank();
        let mut perm: Vec<usize> = (0..rank).collect();
        if rank >= 2 {
            perm.swap(rank - 1, rank - 2);
        }
        self.transpose(&perm)
    }

    pub(crate) fn matmul(self, other: Self) -> Self {
        self.op2("MatMul", other)
    }

    /// Values `start..end` along an axis, every `step`-th.
    pub(crate) fn slice(self, ranges: &[(usize, i64, i64, i64)]) -> Self {
        if ranges.is_empty() {
            return self;
        }
        let list =
            |f: fn(&(usize, i64, i64, i64)) -> i64| self.b.ints(&ranges.iter().map(f).collect::<Vec<_>>());
        let inputs = [self, list(|r| r.1), list(|r| r.2), list(|r| r.0 as i64), list(|r| r.3)];
        self.b.op("Slice", &inputs, Vec::new())
    }

    /// Zeros before and after each dimension; negative numbers take away values instead.
    pub(crate) fn padded(self, begins: &[i64], ends: &[i64], with: f32) -> Self {
        let cropped: Vec<_> = (0..self.rank())
            .filter_map(|axis| {
                let (begin, end) = (begins.get(axis)?.min(&0), ends.get(axis)?.min(&0));
                // A dimension that follows the batch is never cropped.
                let size = self.dims().get(axis)?.fixed()? as i64;
                (*begin < 0 || *end < 0).then_some((
                    axis,
                    begin.saturating_neg(),
                    size.saturating_add(*end),
                    1,
                ))
            })
            .collect();
        let inner = self.slice(&cropped);
        let pads: Vec<i64> = begins.iter().chain(ends).map(|p| *p.max(&0)).collect();
        if pads.iter().all(|p| *p == 0) {
            return inner;
        }
        let inputs = [inner, self.b.ints(&pads), self.b.scalar(with)];
        self.b.op("Pad", &inputs, vec![("mode", Attribute::Text("constant".to_owned()))])
    }

    /// Broadcast to a shape. Dimensions that follow the batch have to be there already.
    pub(crate) fn expand(self, dims: &[Size]) -> Self {
        if self.dims() == dims {
            return self;
        }
        let shape: Vec<i64> = dims.iter().map(|d| d.fixed().map_or(1, |n| n as i64)).collect();
        let shape = self.b.ints(&shape);
        self.b.op("Expand", &[self, shape], Vec::new())
    }

    pub(crate) fn concat(parts: &[Self], axis: usize) -> Option<Self> {
        let first = parts.first()?;
        Some(match parts {
            [one] => *one,
            _ => first.b.op("Concat", parts, vec![("axis", Attribute::Int(axis as i64))]),
        })
    }

    /// Sums what was broadcast, so that the result has the shape `dims`.
    pub(crate) fn summed_to(self, dims: &[Size]) -> Self {
        let have = self.dims();
        if have == dims {
            return self;
        }
        let extra = have.len().saturating_sub(dims.len());
        let broadcast: Vec<usize> = (0..have.len())
            .filter(|at| {
                *at < extra
                    || (dims.get(at - extra) == Some(&Size::Fixed(1))
                        && have.get(*at) != Some(&Size::Fixed(1)))
            })
            .collect();
        // Leading dimensions vanish, the others stay as 1.
        let summed = self.sum(&broadcast, true);
        summed.reshape(dims)
    }
}

/// Brings an integer among floats to float.
fn matched<'b>(a: V<'b>, b: V<'b>) -> (V<'b>, V<'b>) {
    match (a.element() == FLOAT, b.element() == FLOAT) {
        (true, false) => (a, b.cast(FLOAT)),
        (false, true) => (a.cast(FLOAT), b),
        _ => (a, b),
    }
}

macro_rules! arithmetic {
    ($($trait:ident $method:ident $operator:literal),*) => {$(
        impl<'b> $trait for V<'b> {
            type Output = V<'b>;
            fn $method(self, other: V<'b>) -> V<'b> {
                self.op2($operator, other)
            }
        }
        impl<'b> $trait<f32> for V<'b> {
            type Output = V<'b>;
            fn $method(self, other: f32) -> V<'b> {
                self.op2($operator, self.b.scalar(other))
            }
        }
        impl<'b> $trait<V<'b>> for f32 {
            type Output = V<'b>;
            fn $method(self, other: V<'b>) -> V<'b> {
                other.b.scalar(self).op2($operator, other)
            }
        }
    )*};
}

arithmetic!(Add add "Add", Sub sub "Sub", Mul mul "Mul", Div div "Div");

impl Neg for V<'_> {
    type Output = Self;
    fn neg(self) -> Self {
        self.op("Neg")
    }
}
