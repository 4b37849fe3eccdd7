//! Derivatives of convolutions.
//!
//! With respect to the input, a convolution's derivative is the transposed convolution of the same window; with
//! respect to the weights it is a convolution of the input with the derivative of the result, where strides and
//! dilations change places and the batch takes the place of the channels (Dumoulin and Visin, *A guide to
//! convolution arithmetic*, 2016).

use super::{Derivative, Rule};
use crate::OnnxError;
use crate::build::{New, Size, V};
use crate::fused;
use crate::graph::Attribute;
use crate::shape::Window;

type Done = Result<Derivative, OnnxError>;

pub(super) fn conv(g: &Rule<'_, '_>) -> Done {
    let (x, w, dy) = (g.x(0), g.x(1), g.dy());
    let slide = Slide::of(g, x, w)?;
    g.to_if(0, || slide.input(g, dy, w, x));
    g.to_if(1, || slide.weight(g, x, dy, w));
    g.to_if(2, || dy.sum(&beside_channels(dy), false));
    Ok(Derivative::True)
}

/// A transposed convolution is the derivative of a convolution with respect to its input; so what was said of that
/// holds with the input and the result in each other's place.
pub(super) fn transposed(g: &Rule<'_, '_>) -> Done {
    let (x, w, dy) = (g.x(0), g.x(1), g.dy());
    let slide = Slide::of(g, g.y(), w)?;
    g.to_if(0, || {
        // Output padding that a whole stride would fill makes a window more than there were.
        let whole = g.b.op("Conv", &[dy, w], slide.attributes(false));
        let ranges: Vec<_> = (2..x.rank())
            .filter(|axis| whole.dim(*axis) != x.dim(*axis))
            .map(|axis| (axis, 0, x.dim(axis) as i64, 1))
            .collect();
        whole.slice(&ranges)
    });
    g.to_if(1, || slide.weight(g, dy, x, w));
    g.to_if(2, || dy.sum(&beside_channels(dy), false));
    Ok(Derivative::True)
}

fn beside_channels(v: V<'_>) -> Vec<usize> {
    (0..v.rank()).filter(|axis| *axis != 1).collect()
}

/// The window of a convolution.
struct Slide {
    window: Window,
    group: usize,
}

impl Slide {
    /// The window over `image`, which is what the convolution reads.
    fn of(g: &Rule<'_, '_>, image: V<'_>, w: V<'_>) -> Result<Self, OnnxError> {
        let size: Vec<usize> = (2..image.rank()).map(|axis| image.dim(axis)).collect();
        g.b.check()?;
        let window = Window::of(g.node, &size)?;
        let group = usize::try_from(g.node.int("group", 1)?).unwrap_or(1).max(1);
        if !w.dim(0).is_multiple_of(group) {
            return Err(g.node.broken("its groups do not divide its channels"));
        }
        Ok(Self { window, group })
    }

    fn attributes(&self, transposed: bool) -> Vec<(&'static str, Attribute)> {
        let w = &self.window;
        let mut attributes = vec![
            ("kernel_shape", ints(&w.kernel)),
            ("strides", ints(&w.strides)),
            ("dilations", ints(&w.dilations)),
            ("pads", ints(&[&w.begins[..], &w.ends[..]].concat())),
            ("group", Attribute::Int(self.group as i64)),
        ];
        if transposed {
            attributes.push(("output_padding", ints(&self.left_over())));
        }
        attributes
    }

    /// Values at the end of each dimension that no window reaches, because the stride does not divide.
    fn left_over(&self) -> Vec<usize> {
        let w = &self.window;
        let spans = w.spans();
        let one = |at: usize| {
            let whole = w.size.get(at)? + w.begins.get(at)? + w.ends.get(at)?;
            Some(whole.saturating_sub(*spans.get(at)?) % w.strides.get(at)?)
        };
        (0..w.size.len()).filter_map(one).collect()
    }

    fn input<'b>(&self, g: &Rule<'b, '_>, dy: V<'b>, w: V<'b>, x: V<'b>) -> V<'b> {
        if g.fused() {
            return fused_node(g, fused::CONV_GRAD_INPUT, self.attributes(false), [dy, w, x]);
        }
        g.b.op("ConvTranspose", &[dy, w], self.attributes(true))
    }

    fn weight<'b>(&self, g: &Rule<'b, '_>, x: V<'b>, dy: V<'b>, w: V<'b>) -> V<'b> {
        if g.fused() {
            return fused_node(g, fused::CONV_GRAD_WEIGHT, self.attributes(false), [x, dy, w]);
        }
        let fixed = |n: usize| Size::Fixed(n);
        let group = self.group;
        let (ins, outs) = (w.dim(1), w.dim(0));
        let space = |v: V<'b>| v.dims().get(2..).unwrap_or_default().to_vec();
        let batch = x.dims().first().copied().unwrap_or(Size::Fixed(1));
        let many = |n: Size, k: usize| match n {
            Size::Fixed(n) => Size::Fixed(n * k),
            Size::Rows(n) => Size::Rows(n * k),
        };
        // Channels of a group become the batch, and the batch the channels, group by group.
        let image = if group == 1 {
            x.transpose(&swapped(x.rank()))
        } else {
            let mut dims = vec![batch, fixed(group), fixed(ins)];
            dims.extend(space(x));
            let mut perm: Vec<usize> = (0..dims.len()).collect();
            perm.splice(0..3, [2, 1, 0]);
            let mut merged = vec![fixed(ins), many(batch, group)];
            merged.extend(space(x));
            x.reshape(&dims).transpose(&perm).reshape(&merged)
        };
        // The channels of the result are in order of the groups already.
        let kernel = dy.transpose(&swapped(dy.rank()));
        let w0 = &self.window;
        let sizes: Vec<usize> = (2..dy.rank()).map(|axis| dy.dim(axis)).collect();
        let attributes = vec![
            ("kernel_shape", ints(&sizes)),
            ("strides", ints(&w0.dilations)),
            ("dilations", ints(&w0.strides)),
            ("pads", ints(&[&w0.begins[..], &w0.ends[..]].concat())),
            ("group", Attribute::Int(group as i64)),
        ];
        let whole = g.b.op("Conv", &[image, kernel], attributes);
        debug_assert!(g.b.check().is_err() || whole.dim(1) == outs);
        // What no window reached would be a tap that the kernel does not have.
        let ranges: Vec<_> = (2..whole.rank())
            .filter(|axis| whole.dim(*axis) != w.dim(*axis))
            .map(|axis| (axis, 0, w.dim(axis) as i64, 1))
            .collect();
        let cut = whole.slice(&ranges);
        cut.transpose(&swapped(cut.rank()))
    }
}

/// Exchanges the first two dimensions.
fn swapped(rank: usize) -> Vec<usize> {
    let mut perm: Vec<usize> = (0..rank).collect();
    if rank >= 2 {
        perm.swap(0, 1);
    }
    perm
}

pub(super) fn ints(v: &[usize]) -> Attribute {
    Attribute::Ints(v.iter().map(|v| *v as i64).collect())
}

pub(super) fn fused_node<'b, const N: usize>(
    g: &Rule<'b, '_>,
    operator: &str,
    attributes: Vec<(&str, Attribute)>,
    inputs: [V<'b>; N],
) -> V<'b> {
    let new = New { domain: fused::DOMAIN, operator, attributes, outputs: vec![""], ..New::default() };
    let made = g.b.node(new, &inputs.map(Some));
    made.into_iter().next().unwrap_or_else(|| g.b.scalar(0.0))
}
