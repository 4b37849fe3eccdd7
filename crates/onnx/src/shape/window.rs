//! Shapes of convolutions and pools.

use super::{Call, Output};
use crate::OnnxError;
use crate::graph::Node;

/// How a window slides over the spatial dimensions, with every attribute explicit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// Sizes of the input.
    pub size: Vec<usize>,
    pub kernel: Vec<usize>,
    pub strides: Vec<usize>,
    pub dilations: Vec<usize>,
    pub begins: Vec<usize>,
    pub ends: Vec<usize>,
    pub ceil: bool,
}

impl Window {
    /// The window of a canonical node over an input of spatial sizes `size`.
    pub(crate) fn of(node: &Node, size: &[usize]) -> Result<Self, OnnxError> {
        let rank = size.len();
        let read = |name: &str, default: usize, count: usize| -> Result<Vec<usize>, OnnxError> {
            let given = node.ints(name)?;
            if given.is_empty() {
                return Ok(vec![default; count]);
            }
            if given.len() != count {
                return Err(
                    node.broken(format!("attribute {name:?} has {} values, not {count}", given.len()))
                );
            }
            let one = |v: &i64| usize::try_from(*v).ok().filter(|v| *v <= 1 << 20);
            given
                .iter()
                .map(|v| one(v).ok_or_else(|| node.broken(format!("attribute {name:?} holds {v}"))))
                .collect()
        };
        let pads = read("pads", 0, 2 * rank)?;
        let (begins, ends) = pads.split_at(rank);
        let window = Self {
            size: size.to_vec(),
            kernel: read("kernel_shape", 0, rank)?,
            strides: read("strides", 1, rank)?,
            dilations: read("dilations", 1, rank)?,
            begins: begins.to_vec(),
            ends: ends.to_vec(),
            ceil: node.int("ceil_mode", 0)? != 0,
        };
        let zero = |v: &[usize]| v.contains(&0);
        if rank == 0 || zero(&window.kernel) || zero(&window.strides) || zero(&window.dilations) {
            return Err(node.broken("a kernel, stride or dilation is 0"));
        }
        Ok(window)
    }

    /// Values that the kernel spans along each dimension.
    pub(crate) fn spans(&self) -> Vec<usize> {
        self.kernel.iter().zip(&self.dilations).map(|(k, d)| d * (k - 1) + 1).collect()
    }

    /// Output sizes, rounded as PyTorch rounds: a window that would begin in the padding at the end is left out.
    pub(crate) fn outputs(&self) -> Option<Vec<usize>> {
        let one = |at: usize| {
            let (size, span) = (*self.size.get(at)?, *self.spans().get(at)?);
            let (begin, end, stride) = (*self.begins.get(at)?, *self.ends.get(at)?, *self.strides.get(at)?);
            let room = (size + begin + end).checked_sub(span);
            if !self.ceil {
                return Some(room? / stride + 1);
            }
            let count = (size + begin + end + stride).checked_sub(span + 1).map(|n| n / stride + 1)?;
            let count = if (count - 1) * stride >= size + begin { count - 1 } else { count };
            (count > 0).then_some(count)
        };
        (0..self.size.len()).map(one).collect()
    }

    /// The place in the input that tap `k` of the window at output `p` reads; nothing in the padding.
    pub(crate) fn reads(&self, p: &[usize], k: &[usize]) -> Option<Vec<usize>> {
        let one = |at: usize| {
            let padded = self.place(p, k, at)?;
            padded.checked_sub(*self.begins.get(at)?).filter(|i| self.size.get(at).is_some_and(|s| i < s))
        };
        (0..self.size.len()).map(one).collect()
    }

    /// Whether a tap lies in the input or its padding: what `ceil_mode` adds beyond is neither.
    pub(crate) fn padded(&self, p: &[usize], k: &[usize]) -> bool {
        let inside = |at: usize| {
            let whole = self.size.get(at)? + self.begins.get(at)? + self.ends.get(at)?;
            Some(self.place(p, k, at)? < whole)
        };
        (0..self.size.len()).all(|at| inside(at) == Some(true))
    }

    /// What an average divides by, along each dimension: the values of the window at each output that lie in the
    /// input, or in the input and its padding.
    pub(crate) fn counts(&self, with_pads: bool) -> Vec<Vec<usize>> {
        let outs = self.outputs().unwrap_or_default();
        let one = |at: usize| -> Option<Vec<usize>> {
            let (stride, dilation, begin) =
                (*self.strides.get(at)?, *self.dilations.get(at)?, *self.begins.get(at)?);
            let end = self.size.get(at)? + begin;
            let range = if with_pads { 0..end + self.ends.get(at)? } else { begin..end };
            let kernel = *self.kernel.get(at)?;
            let inside =
                |p: usize| (0..kernel).filter(|k| range.contains(&(p * stride + k * dilation))).count();
            Some((0..*outs.get(at)?).map(inside).collect())
        };
        (0..self.size.len()).filter_map(one).collect()
    }

    fn place(&self, p: &[usize], k: &[usize], at: usize) -> Option<usize> {
        Some(p.get(at)? * self.strides.get(at)? + k.get(at)? * self.dilations.get(at)?)
    }
}

pub(super) fn conv(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let (x, w) = (call.arg(0)?, call.arg(1)?);
    let (&[n, c, ref size @ ..], &[outs, ins, ref kernel @ ..]) = (x.shape.as_slice(), w.shape.as_slice())
    else {
        return Err(call.wrong(format!("shapes {:?} and {:?} have no channels", x.shape, w.shape)));
    };
    let window = Window::of(call.node, size)?;
    let group = group(call)?;
    if kernel != window.kernel {
        return Err(call
            .wrong(format!("the weights have shape {:?} and kernel_shape is {:?}", w.shape, window.kernel)));
    }
    if c != ins.saturating_mul(group) || outs % group != 0 {
        return Err(call.wrong(format!(
            "the input has {c} channels and the weights expect {}",
            ins.saturating_mul(group)
        )));
    }
    bias(call, outs)?;
    let sizes = window.outputs().ok_or_else(|| call.wrong("the kernel is larger than the padded input"))?;
    Ok(vec![(x.element, [&[n, outs], &sizes[..]].concat())])
}

pub(super) fn conv_transpose(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let (x, w) = (call.arg(0)?, call.arg(1)?);
    let (&[n, c, ref size @ ..], &[ins, outs, ref kernel @ ..]) = (x.shape.as_slice(), w.shape.as_slice())
    else {
        return Err(call.wrong(format!("shapes {:?} and {:?} have no channels", x.shape, w.shape)));
    };
    let window = Window::of(call.node, size)?;
    let group = group(call)?;
    if kernel != window.kernel || c != ins || ins % group != 0 {
        return Err(
            call.wrong(format!("weights of shape {:?} do not fit an input of {:?}", w.shape, x.shape))
        );
    }
    let channels = outs.saturating_mul(group);
    bias(call, channels)?;
    let extra = call.node.ints("output_padding")?;
    let spans = window.spans();
    let one = |at: usize| {
        let extra = usize::try_from(extra.get(at).copied().unwrap_or(0)).ok()?;
        let full = window.strides.get(at)? * size.get(at)?.checked_sub(1)? + spans.get(at)? + extra;
        full.checked_sub(window.begins.get(at)? + window.ends.get(at)?).filter(|n| *n > 0)
    };
    let sizes = (0..size.len()).map(one).collect::<Option<Vec<_>>>();
    let sizes = sizes.ok_or_else(|| call.wrong("its padding leaves nothing"))?;
    Ok(vec![(x.element, [&[n, channels], &sizes[..]].concat())])
}

fn group(call: &Call<'_>) -> Result<usize, OnnxError> {
    let group = usize::try_from(call.node.int("group", 1)?).ok().filter(|g| *g > 0);
    group.ok_or_else(|| call.wrong("it has no groups"))
}

fn bias(call: &Call<'_>, outs: usize) -> Result<(), OnnxError> {
    match call.get(2) {
        Some(bias) if bias.shape != [outs] => {
            Err(call.wrong(format!("the bias has shape {:?} for {outs} channels", bias.shape)))
        }
        _ => Ok(()),
    }
}

pub(super) fn pool(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let &[n, c, ref size @ ..] = x.shape.as_slice() else {
        return Err(call.wrong(format!("shape {:?} has no channels", x.shape)));
    };
    let window = Window::of(call.node, size)?;
    let over = |pads: &[usize]| pads.iter().zip(window.spans()).any(|(p, s)| *p >= s);
    if over(&window.begins) || over(&window.ends) {
        return Err(call.wrong("a window lies in the padding alone"));
    }
    let sizes = window.outputs().ok_or_else(|| call.wrong("the kernel is larger than the padded input"))?;
    Ok(vec![(x.element, [&[n, c], &sizes[..]].concat())])
}

pub(super) fn global_pool(call: &Call<'_>) -> Result<Vec<Output>, OnnxError> {
    let x = call.arg(0)?;
    let &[n, c, ref size @ ..] = x.shape.as_slice() else {
        return Err(call.wrong(format!("shape {:?} has no channels", x.shape)));
    };
    Ok(vec![(x.element, [&[n, c], &vec![1; size.len()][..]].concat())])
}
