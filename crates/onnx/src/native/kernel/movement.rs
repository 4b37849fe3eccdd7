//! Moving elements without computing with them.

use super::super::value::{Io, Kernel, Out, View};
use super::strides::Walk;

/// Runs a movement on floats or on integers.
macro_rules! moved {
    ($io:expr, $out:expr, |$source:ident, $target:ident| $body:expr) => {
        match ($io.view(0), $out) {
            (View::Float($source), Out::Float($target)) => $body,
            (View::Int($source), Out::Int($target)) => $body,
            _ => return Err("its input and output are of different types".to_owned()),
        }
    };
}

/// Any number of `[rows, columns]` to `[columns, rows]`.
#[derive(Debug)]
pub(crate) struct Swap {
    pub rows: usize,
    pub columns: usize,
}

impl Kernel for Swap {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        moved!(io, out, |source, target| self.swap(source, target));
        Ok(())
    }
}

impl Swap {
    fn swap<T: Copy>(&self, source: &[T], target: &mut [T]) {
        /// Rows that are kept in cache together while the columns are walked.
        const TILE: usize = 16;
        let (rows, columns) = (self.rows, self.columns);
        let size = (rows * columns).max(1);
        for (from, to) in source.chunks_exact(size).zip(target.chunks_exact_mut(size)) {
            for first in (0..rows).step_by(TILE) {
                let last = (first + TILE).min(rows);
                for (column, to) in to.chunks_exact_mut(rows).enumerate() {
                    for (row, value) in to[first..last].iter_mut().enumerate() {
                        *value = from[(first + row) * columns + column];
                    }
                }
            }
        }
    }
}

/// Any selection by strides: transposition, slices, broadcasting.
#[derive(Debug)]
pub(crate) struct Select {
    pub walk: Walk<1>,
}

impl Kernel for Select {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        moved!(io, out, |source, target| self.select(source, target));
        Ok(())
    }
}

impl Select {
    fn select<T: Copy>(&self, source: &[T], target: &mut [T]) {
        let (n, [step]) = (self.walk.inner, self.walk.step);
        let mut rest = target;
        self.walk.rows(|[first]| {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            if step == 1 {
                row.copy_from_slice(&source[first..first + n]);
            } else {
                let mut at = first;
                for value in row {
                    *value = source[at];
                    at = at.wrapping_add_signed(step);
                }
            }
        });
    }
}

/// Elements by a table for each dimension: `None` takes the second operand's only element, or 0. Padding of
/// every mode, tiling, resizing to the nearest.
#[derive(Debug)]
pub(crate) struct Lookup {
    /// For each place along each dimension, the place in the input times its stride.
    pub tables: Vec<Vec<Option<usize>>>,
}

impl Kernel for Lookup {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        match (io.view(0), out) {
            (View::Float(source), Out::Float(target)) => {
                let outside = if io.len() > 1 { io.floats(1).first().copied() } else { None };
                self.look_up(source, outside.unwrap_or_default(), target);
            }
            (View::Int(source), Out::Int(target)) => {
                let outside = if io.len() > 1 { io.ints(1).first().copied() } else { None };
                self.look_up(source, outside.unwrap_or_default(), target);
            }
            _ => return Err("its input and output are of different types".to_owned()),
        }
        Ok(())
    }
}

impl Lookup {
    fn look_up<T: Copy>(&self, source: &[T], outside: T, target: &mut [T]) {
        let Some((last, outer)) = self.tables.split_last() else {
            if let (Some(to), Some(from)) = (target.first_mut(), source.first()) {
                *to = *from;
            }
            return;
        };
        if last.is_empty() {
            return;
        }
        for (row, out) in target.chunks_exact_mut(last.len()).enumerate() {
            let mut rest = row;
            let mut base = Some(0);
            for table in outer.iter().rev() {
                base = base.zip(table[rest % table.len()]).map(|(a, b)| a + b);
                rest /= table.len();
            }
            for (value, place) in out.iter_mut().zip(last) {
                *value = base.zip(*place).map_or(outside, |(a, b)| source[a + b]);
            }
        }
    }
}

/// Tensors one after another along a dimension.
#[derive(Debug)]
pub(crate) struct Concat {
    /// Of each operand, the elements that go into the result at a time.
    pub runs: Vec<usize>,
}

impl Kernel for Concat {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        match out {
            Out::Float(target) => self.concat(|i| io.floats(i), target),
            Out::Int(target) => self.concat(|i| io.ints(i), target),
        }
        Ok(())
    }
}

impl Concat {
    fn concat<'a, T: Copy + 'a>(&self, operand: impl Fn(usize) -> &'a [T], target: &mut [T]) {
        let whole: usize = self.runs.iter().sum();
        if whole == 0 {
            return;
        }
        for (outer, mut row) in target.chunks_exact_mut(whole).enumerate() {
            for (i, run) in self.runs.iter().enumerate() {
                let (here, after) = row.split_at_mut(*run);
                here.copy_from_slice(&operand(i)[outer * run..(outer + 1) * run]);
                row = after;
            }
        }
    }
}

/// `Gather(data, indices)`: `[outer, from, inner]` at indices of `from`.
#[derive(Debug)]
pub(crate) struct Gather {
    pub outer: usize,
    pub from: usize,
    pub inner: usize,
}

impl Kernel for Gather {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let indices = io.ints(1);
        moved!(io, out, |source, target| self.gather(source, indices, target))
    }
}

impl Gather {
    fn gather<T: Copy>(&self, source: &[T], indices: &[i64], target: &mut [T]) -> Result<(), String> {
        let mut rest = target;
        for outer in 0..self.outer {
            for index in indices {
                let at = index_in(*index, self.from)?;
                let (row, after) = std::mem::take(&mut rest).split_at_mut(self.inner);
                rest = after;
                row.copy_from_slice(&source[(outer * self.from + at) * self.inner..][..self.inner]);
            }
        }
        Ok(())
    }
}

/// An index from the front, or from the end where it is negative.
pub(crate) fn index_in(index: i64, size: usize) -> Result<usize, String> {
    let from_front = if index < 0 { index.checked_add_unsigned(size as u64) } else { Some(index) };
    from_front
        .and_then(|i| usize::try_from(i).ok())
        .filter(|i| *i < size)
        .ok_or_else(|| format!("index {index} is outside the {size} there are"))
}

/// `GatherElements(data, indices)` along the middle of `[outer, from, inner]`; the indices are of
/// `[outer, to, inner]`, or less outside the axis ([`Along::strides`]).
#[derive(Debug)]
pub(crate) struct Along {
    /// Dimensions of the indices.
    pub dims: Vec<usize>,
    /// Strides of the data in them; that of the axis is [`Along::axis_stride`] times the index.
    pub strides: Vec<usize>,
    pub axis: usize,
    pub axis_size: usize,
    pub axis_stride: usize,
}

impl Along {
    /// Calls `element` with the flat place in the indices and in the data of each.
    fn each(&self, indices: &[i64], mut element: impl FnMut(usize, usize)) -> Result<(), String> {
        for (flat, index) in indices.iter().enumerate() {
            let (mut rest, mut at) = (flat, 0);
            for d in (0..self.dims.len()).rev() {
                let i = rest % self.dims[d];
                rest /= self.dims[d];
                if d != self.axis {
                    at += i * self.strides[d];
                }
            }
            element(flat, at + index_in(*index, self.axis_size)? * self.axis_stride);
        }
        Ok(())
    }
}

impl Kernel for Along {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let indices = io.ints(1);
        moved!(io, out, |source, target| self.each(indices, |to, from| target[to] = source[from]))
    }
}

/// What becomes of an element that is scattered onto another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Onto {
    Replace,
    Add,
    Multiply,
    Max,
    Min,
}

impl Onto {
    fn apply(self, held: f32, new: f32) -> f32 {
        match self {
            Self::Replace => new,
            Self::Add => held + new,
            Self::Multiply => held * new,
            Self::Max => held.max(new),
            Self::Min => held.min(new),
        }
    }
}

/// `ScatterElements(data, indices, updates)`, of floats.
#[derive(Debug)]
pub(crate) struct ScatterAlong {
    pub along: Along,
    pub onto: Onto,
}

impl Kernel for ScatterAlong {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (indices, updates, out) = (io.ints(1), io.floats(2), out.floats());
        out.copy_from_slice(io.floats(0));
        self.along.each(indices, |from, to| out[to] = self.onto.apply(out[to], updates[from]))
    }
}

/// `ScatterND(data, indices, updates)` or, without updates, `GatherND(data, indices)`, of floats.
#[derive(Debug)]
pub(crate) struct Tuples {
    /// Sizes of the dimensions that an index names, and how far apart their elements are.
    pub named: Vec<(usize, usize)>,
    /// Elements that an index names.
    pub run: usize,
    /// For a scatter.
    pub onto: Option<Onto>,
}

impl Kernel for Tuples {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (data, indices, out) = (io.floats(0), io.ints(1), out.floats());
        if self.onto.is_some() {
            out.copy_from_slice(data);
        }
        for (i, tuple) in indices.chunks_exact(self.named.len().max(1)).enumerate() {
            let mut at = 0;
            for (index, (size, step)) in tuple.iter().zip(&self.named) {
                at += index_in(*index, *size)? * step;
            }
            match self.onto {
                None => out[i * self.run..(i + 1) * self.run].copy_from_slice(&data[at..at + self.run]),
                Some(onto) => {
                    let updates = &io.floats(2)[i * self.run..(i + 1) * self.run];
                    for (held, new) in out[at..at + self.run].iter_mut().zip(updates) {
                        *held = onto.apply(*held, *new);
                    }
                }
            }
        }
        Ok(())
    }
}
