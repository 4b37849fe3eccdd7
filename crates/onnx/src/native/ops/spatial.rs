//! The attributes that convolutions and pools share, read for images; one dimension is an image of height 1.

use super::super::plan::{Id, Planner};
use super::super::value::Layout;
use super::axis_of;
use crate::OnnxError;
use crate::graph::Node;

/// Where the windows of a kernel lie over an image.
#[derive(Debug, Clone)]
pub(crate) struct Geometry {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub before: [usize; 2],
    pub after: [usize; 2],
    /// Size of the input.
    pub input: [usize; 2],
    /// Size of the result.
    pub output: [usize; 2],
}

/// No attribute is larger: products of three stay far inside 64 bits.
const MOST: i64 = 1 << 16;

impl Geometry {
    /// Reads the attributes of a node for an input of `input` pixels (one or two dimensions).
    pub(crate) fn read(node: &Node, input: &[usize], kernel: &[usize]) -> Result<Self, OnnxError> {
        let rank = input.len();
        let pair = |name: &str, default: i64, least: i64| -> Result<[usize; 2], OnnxError> {
            let given = node.ints(name)?;
            if !given.is_empty() && given.len() != rank {
                return Err(node.broken(format!("attribute {name:?} has {} of {rank} values", given.len())));
            }
            if let Some(v) = given.iter().find(|v| **v < least || **v > MOST) {
                return Err(node.broken(format!("attribute {name:?} holds {v}")));
            }
            let at = |i: usize| given.get(i).copied().unwrap_or(default) as usize;
            Ok(match rank {
                1 => [default_for(name), at(0)],
                _ => [at(0), at(1)],
            })
        };
        let image = |v: &[usize], default: usize| match v {
            [w] => [default, *w],
            [h, w] => [*h, *w],
            _ => [default; 2],
        };
        if !(1..=2).contains(&rank) || kernel.len() != rank {
            return Err(node.broken(format!("{rank} spatial dimensions; one or two are computed")));
        }
        let (input, kernel) = (image(input, 1), image(kernel, 1));
        if kernel.iter().chain(&input).any(|n| *n as u64 > 1 << 31) {
            return Err(node.broken(format!("an image of {input:?} and a kernel of {kernel:?}")));
        }
        let (stride, dilation) = (pair("strides", 1, 1)?, pair("dilations", 1, 1)?);
        let pads = node.ints("pads")?;
        if !pads.is_empty() && pads.len() != 2 * rank {
            return Err(node.broken(format!("attribute \"pads\" has {} of {} values", pads.len(), 2 * rank)));
        }
        if let Some(v) = pads.iter().find(|v| **v < 0 || **v > MOST) {
            return Err(node.broken(format!("attribute \"pads\" holds {v}")));
        }
        let pads: Vec<usize> = pads.iter().map(|v| *v as usize).collect();
        let (mut before, mut after) = match pads[..] {
            [l, r] => ([0, l], [0, r]),
            [t, l, b, r] => ([t, l], [b, r]),
            _ => ([0; 2], [0; 2]),
        };
        let mut geometry = Self { kernel, stride, dilation, before, after, input, output: [0; 2] };
        let auto = node.text("auto_pad", "NOTSET")?;
        for axis in 0..2 {
            let reach = geometry.reach(axis);
            match auto {
                "SAME_UPPER" | "SAME_LOWER" => {
                    let out = input[axis].div_ceil(stride[axis]);
                    let total = (out.saturating_sub(1) * stride[axis] + reach).saturating_sub(input[axis]);
                    let small = total / 2;
                    let lower = auto == "SAME_LOWER";
                    before[axis] = if lower { total - small } else { small };
                    after[axis] = total - before[axis];
                }
                "VALID" => (before[axis], after[axis]) = (0, 0),
                "NOTSET" | "" => {}
                other => return Err(node.broken(format!("auto_pad {other:?} is unknown"))),
            }
        }
        (geometry.before, geometry.after) = (before, after);
        let ceil = node.int("ceil_mode", 0)? != 0;
        for axis in 0..2 {
            let padded = input[axis] + before[axis] + after[axis];
            let room = padded.checked_sub(geometry.reach(axis)).filter(|_| kernel[axis] > 0);
            let room = room.ok_or_else(|| {
                node.broken(format!("a kernel of {kernel:?} does not fit an image of {input:?}"))
            })?;
            let step = stride[axis];
            let mut out = if ceil { room.div_ceil(step) } else { room / step } + 1;
            // A window that begins beyond the image and the padding before it would see nothing.
            if ceil && (out - 1) * step >= input[axis] + before[axis] {
                out -= 1;
            }
            geometry.output[axis] = out;
        }
        Ok(geometry)
    }

    /// Pixels that a window spans.
    pub(crate) const fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * self.kernel[axis].saturating_sub(1) + 1
    }
}

/// What an axis that is not there has.
fn default_for(name: &str) -> usize {
    usize::from(name != "pads")
}

/// A value as images with their channels last, and its shape as `[images, channels, height, width]`.
pub(crate) fn images(p: &mut Planner<'_>, node: &Node, id: Id) -> Result<(Id, [usize; 4]), OnnxError> {
    let (id, shape) = match p.shape(id)[..] {
        [n, c, w] => {
            let plain = p.plain(id)?;
            (p.reshaped(plain, vec![n, c, 1, w]), [n, c, 1, w])
        }
        [n, c, h, w] => (id, [n, c, h, w]),
        ref other => {
            return Err(
                node.broken(format!("{other:?} are no images; one or two spatial dimensions are computed"))
            );
        }
    };
    Ok((p.channels_last(id)?, shape))
}

/// Gives images back in as many dimensions as they came in.
pub(crate) fn as_before(p: &mut Planner<'_>, id: Id, rank: usize) -> Result<Id, OnnxError> {
    if rank != 3 {
        return Ok(id);
    }
    let plain = p.plain(id)?;
    let shape = p.shape(plain);
    Ok(p.reshaped(plain, vec![shape[0], shape[1], shape[3]]))
}

/// The layout of images.
pub(crate) const LAST: Layout = Layout::ChannelsLast;

/// Spatial sizes of a shape.
pub(crate) fn spatial<'a>(node: &Node, shape: &'a [usize]) -> Result<&'a [usize], OnnxError> {
    axis_of(node, 2, shape.len().max(1))?;
    Ok(&shape[2..])
}
