//! Derivatives of pools.
//!
//! In standard operators: the values of every window are laid out along an axis of their own, the first maximum
//! is found there (`ArgMax` takes the first), and what belongs to each tap of the window is put back in place by a
//! transposed convolution whose kernels have a single one. That holds for windows that overlap, are dilated or
//! reach into the padding, and is exact, for it adds zeros.

use super::conv::{fused_node, ints};
use super::rules::done;
use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{Size, V};
use crate::fused;
use crate::graph::{Attribute, Constant};
use crate::reference::places;
use crate::shape::{FLOAT, Window};

type Done = Result<Derivative, OnnxError>;

/// Most taps of a window whose maximum is found in standard operators.
const MAX_TAPS: usize = 1024;
/// Most values of a window whose average is.
const MAX_AVERAGED: usize = 1 << 20;

pub(super) fn max(g: &Rule<'_, '_>) -> Done {
    let (x, y, dy) = (g.x(0), g.y(), g.dy());
    if g.fused() {
        return done(g.to(0, fused_node(g, fused::MAX_POOL_GRAD, attributes(g), [x, y, dy])));
    }
    let pool = Pool::of(g)?;
    let taps = pool.window.kernel.iter().fold(1usize, |n, k| n.saturating_mul(*k));
    if taps > MAX_TAPS {
        return Err(g
            .node
            .broken(format!("a window of {taps} values is more than the {MAX_TAPS} differentiated")));
    }
    // Padding never holds the maximum; a window of nothing but the lowest number is no case of its own.
    let (begins, ends) = pool.reach();
    let whole = pool.flat(x, &pool.window.size).padded(&begins, &ends, f32::MIN);
    let tap = |k: Vec<usize>| {
        let ranges: Vec<(usize, i64, i64, i64)> = (0..k.len())
            .filter_map(|at| {
                let (stride, outs) = (*pool.window.strides.get(at)?, *pool.outs.get(at)?);
                let start = k.get(at)? * pool.window.dilations.get(at)?;
                Some((at + 2, start as i64, (start + (outs - 1) * stride + 1) as i64, stride as i64))
            })
            .collect();
        whole.slice(&ranges)
    };
    let windows: Vec<V<'_>> = places(&pool.window.kernel).map(tap).collect();
    let Some(windows) = V::concat(&windows, 1) else { return Err(g.node.broken("it has no window")) };
    let first =
        g.b.op("ArgMax", &[windows], vec![("axis", Attribute::Int(1)), ("keepdims", Attribute::Int(1))]);
    let mut shape = vec![1; windows.rank()];
    if let Some(slot) = shape.get_mut(1) {
        *slot = taps;
    }
    let numbers = g.b.constant(Constant::int64(shape, (0..taps as i64).collect()));
    let hit = first.op2("Equal", numbers).cast(FLOAT);
    let shares = hit * pool.flat(dy, &pool.outs);
    done(g.to(0, pool.back(shares, taps, |tap, at| f32::from(tap == at)).reshape(&x.dims())))
}

pub(super) fn average(g: &Rule<'_, '_>) -> Done {
    let (x, dy) = (g.x(0), g.dy());
    if g.fused() {
        return done(g.to(0, fused_node(g, fused::AVERAGE_POOL_GRAD, attributes(g), [x, dy])));
    }
    let pool = Pool::of(g)?;
    let size = pool.window.kernel.iter().try_fold(1usize, |n, k| n.checked_mul(*k));
    if size.is_none_or(|n| n > MAX_AVERAGED) {
        return Err(g
            .node
            .broken(format!("a window of more than {MAX_AVERAGED} values is not differentiated")));
    }
    let counts = pool.window.counts(g.node.int("count_include_pad", 0)? != 0);
    let share = |p: Vec<usize>| {
        let count = |(p, counts): (&usize, &Vec<usize>)| counts.get(*p).copied().unwrap_or(1);
        1.0 / p.iter().zip(&counts).map(count).product::<usize>() as f32
    };
    let shape = [&[1, 1], &pool.outs[..]].concat();
    let shares = g.b.constant(Constant::float32(shape, places(&pool.outs).map(share).collect()));
    let shared = pool.flat(dy, &pool.outs) * shares;
    done(g.to(0, pool.back(shared, 1, |_, _| 1.0).reshape(&x.dims())))
}

fn attributes<'n>(g: &Rule<'_, 'n>) -> Vec<(&'n str, Attribute)> {
    g.node.attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect()
}

pub(super) fn global_average(g: &Rule<'_, '_>) -> Done {
    let x = g.x(0);
    let area: usize = (2..x.rank()).map(|axis| x.dim(axis)).product();
    done(g.to(0, (g.dy() / area as f32).expand(&x.dims())))
}

/// To the first maximum of each channel, as a pool with a window as large as the input.
pub(super) fn global_max(g: &Rule<'_, '_>) -> Done {
    let (x, y, dy) = (g.x(0), g.y(), g.dy());
    let sizes: Vec<usize> = (2..x.rank()).map(|axis| x.dim(axis)).collect();
    let rank = sizes.len();
    if g.fused() {
        let attributes = vec![
            ("kernel_shape", ints(&sizes)),
            ("strides", ints(&vec![1; rank])),
            ("dilations", ints(&vec![1; rank])),
            ("pads", ints(&vec![0; 2 * rank])),
            ("ceil_mode", Attribute::Int(0)),
        ];
        return done(g.to(0, fused_node(g, fused::MAX_POOL_GRAD, attributes, [x, y, dy])));
    }
    let area: usize = sizes.iter().product();
    let dims = x.dims();
    let flat = |area: usize| {
        let mut flat: Vec<Size> = dims.iter().take(2).copied().collect();
        flat.push(Size::Fixed(area));
        flat
    };
    let (values, shares) = (x.reshape(&flat(area)), dy.reshape(&flat(1)));
    let first =
        g.b.op("ArgMax", &[values], vec![("axis", Attribute::Int(2)), ("keepdims", Attribute::Int(1))]);
    let numbers = g.b.constant(Constant::int64(vec![1, 1, area], (0..area as i64).collect()));
    done(g.to(0, (first.op2("Equal", numbers).cast(FLOAT) * shares).reshape(&dims)))
}

/// A pool over every channel of every row by itself.
struct Pool {
    window: Window,
    outs: Vec<usize>,
    /// Channels of all rows.
    images: Size,
}

impl Pool {
    fn of(g: &Rule<'_, '_>) -> Result<Self, OnnxError> {
        let x = g.x(0);
        let size: Vec<usize> = (2..x.rank()).map(|axis| x.dim(axis)).collect();
        let channels = x.dim(1);
        g.b.check()?;
        let window = Window::of(g.node, &size)?;
        let outs = window.outputs().ok_or_else(|| g.node.broken("its window does not fit"))?;
        let images = match x.dims().first() {
            Some(Size::Rows(n)) => Size::Rows(n * channels),
            Some(Size::Fixed(n)) => Size::Fixed(n * channels),
            None => return Err(g.node.broken("its input has no batch")),
        };
        Ok(Self { window, outs, images })
    }

    /// A value with rows and channels in one dimension, and one channel.
    fn flat<'b>(&self, v: V<'b>, space: &[usize]) -> V<'b> {
        let mut dims = vec![self.images, Size::Fixed(1)];
        dims.extend(space.iter().map(|n| Size::Fixed(*n)));
        v.reshape(&dims)
    }

    /// Values that the windows span, from the first to the last.
    fn extent(&self) -> Vec<usize> {
        let spans = self.window.spans();
        self.outs
            .iter()
            .zip(&self.window.strides)
            .zip(&spans)
            .map(|((o, s), span)| (o - 1) * s + span)
            .collect()
    }

    /// Padding that makes the input as large as what the windows span; negative where they leave values out.
    fn reach(&self) -> (Vec<i64>, Vec<i64>) {
        let begins: Vec<i64> = self.window.begins.iter().map(|b| *b as i64).collect();
        let end = |((extent, size), begin): ((&usize, &usize), &i64)| *extent as i64 - *size as i64 - begin;
        let ends: Vec<i64> = self.extent().iter().zip(&self.window.size).zip(&begins).map(end).collect();
        ([&[0, 0], &begins[..]].concat(), [&[0, 0], &ends[..]].concat())
    }

    /// Puts shares back in place: tap by tap, with the weight that `weight(tap, place in the window)` gives.
    fn back<'b>(&self, shares: V<'b>, taps: usize, weight: impl Fn(usize, usize) -> f32) -> V<'b> {
        let b = shares.builder();
        let w = &self.window;
        let places: usize = w.kernel.iter().product();
        let kernel = (0..taps * places).map(|at| weight(at / places, at % places)).collect();
        let kernel = b.constant(Constant::float32([&[taps, 1], &w.kernel[..]].concat(), kernel));
        let rank = w.kernel.len();
        let attributes = vec![
            ("kernel_shape", ints(&w.kernel)),
            ("strides", ints(&w.strides)),
            ("dilations", ints(&w.dilations)),
            ("pads", ints(&vec![0; 2 * rank])),
            ("group", Attribute::Int(1)),
            ("output_padding", ints(&vec![0; rank])),
        ];
        let whole = b.op("ConvTranspose", &[shares, kernel], attributes);
        let (begins, ends) = self.reach();
        let negated = |v: &[i64]| v.iter().map(|p| -p).collect::<Vec<_>>();
        whole.padded(&negated(&begins), &negated(&ends), 0.0)
    }
}
