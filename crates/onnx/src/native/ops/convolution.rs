//! `Conv`, `ConvTranspose` and the derivatives of `Conv`.

use super::super::kernel::correlate::{Correlation, Depthwise, DepthwisePhase, Frame, Phase, WeightGradient};
use super::super::kernel::pack::{Matrix, Pack};
use super::super::kernel::product::{self, Thin};
use super::super::plan::{Id, Planner};
use super::super::value::{Kind, Layout, Spread};
use super::spatial::{Geometry, LAST, as_before, images, spatial};
use crate::OnnxError;
use crate::graph::Node;

/// Rows of a product that are enough to make the reading of the weights cheap.
const ENOUGH_ROWS: usize = 192;

/// Channels and groups of a convolution whose weights are `[out, in / groups, …]`.
struct Channels {
    groups: usize,
    /// Input channels of a group.
    inward: usize,
    /// Output channels of a group.
    outward: usize,
}

impl Channels {
    fn read(node: &Node, input: usize, weights: &[usize]) -> Result<Self, OnnxError> {
        let groups = usize::try_from(node.int("group", 1)?).ok().filter(|g| *g > 0);
        let groups = groups.ok_or_else(|| node.broken("attribute \"group\" is not positive"))?;
        let fits = weights.len() >= 3
            && weights[1].checked_mul(groups) == Some(input)
            && weights[0].is_multiple_of(groups);
        if !fits {
            return Err(
                node.broken(format!("weights {weights:?} do not fit {input} channels in {groups} groups"))
            );
        }
        Ok(Self { groups, inward: weights[1], outward: weights[0] / groups })
    }

    const fn depthwise(&self) -> bool {
        self.inward == 1 && self.outward == 1 && self.groups > 1
    }
}

/// Offsets are kept in 32 bits.
fn offset(node: &Node, at: usize) -> Result<u32, OnnxError> {
    u32::try_from(at).map_err(|_| node.broken("its images are too large"))
}

/// One window shape seen from the pixels of a result: places of the kernel, with where each lies in the
/// framed source of the window that begins there.
struct Pattern {
    /// Pixels of the result: where their windows begin in the framed source, and which pixel they are.
    pixels: Vec<([usize; 2], usize)>,
    /// Places of the kernel: where they lie from the beginning of a window, and which they are.
    places: Vec<([usize; 2], usize)>,
}

/// `Conv`.
pub(crate) fn conv<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, w) = (p.float(node, 0)?, p.float(node, 1)?);
    let rank = p.shape(x).len();
    let weights = p.shape(w);
    let (x, [n, c, h, wide]) = images(p, node, x)?;
    let channels = Channels::read(node, c, &weights)?;
    let input = [h, wide];
    let sizes = if rank == 3 { &input[1..] } else { &input[..] };
    let g = Geometry::read(node, sizes, kernel_of(node, spatial(node, &weights)?)?)?;
    // Before anything is listed pixel by pixel.
    p.affords(&[n, channels.outward * channels.groups, g.output[0], g.output[1]])?;
    p.affords(&g.output)?;
    p.affords(&g.kernel)?;
    let frame = Frame {
        height: h,
        width: wide,
        channels: c,
        top: g.before[0],
        left: g.before[1],
        framed: [h + g.before[0] + g.after[0], wide + g.before[1] + g.after[1]],
    };
    let pattern = Pattern {
        pixels: each_pixel(g.output).map(|([y, x], at)| ([y * g.stride[0], x * g.stride[1]], at)).collect(),
        places: each_pixel(g.kernel)
            .map(|([i, j], at)| ([i * g.dilation[0], j * g.dilation[1]], at))
            .collect(),
    };
    let area = g.kernel[0] * g.kernel[1];
    let columns = channels.inward * area;
    // Weights [out][in][place]: a column for each output channel.
    let at = |place: usize, from: usize| from * area + place;
    let source = Source { x, images: n, frame };
    let weights = Weights {
        id: w,
        place: &at,
        step: columns,
        group: channels.outward * columns,
        from: channels.inward,
        to: channels.outward,
    };
    let bias = p.optional(node, 2)?;
    let out = correlate(p, node, &channels, source, weights, vec![pattern], g.output, bias)?;
    let out = as_before(p, out, rank)?;
    p.name(node, 0, out);
    Ok(())
}

/// The kernel's size, which the attribute may repeat.
fn kernel_of<'a>(node: &Node, sizes: &'a [usize]) -> Result<&'a [usize], OnnxError> {
    let given = node.ints("kernel_shape")?;
    let same = given.is_empty()
        || given.len() == sizes.len() && given.iter().zip(sizes).all(|(a, b)| usize::try_from(*a) == Ok(*b));
    if same {
        Ok(sizes)
    } else {
        Err(node.broken(format!("kernel_shape is {given:?}, the weights say {sizes:?}")))
    }
}

fn each_pixel(size: [usize; 2]) -> impl Iterator<Item = ([usize; 2], usize)> {
    (0..size[0]).flat_map(move |y| (0..size[1]).map(move |x| ([y, x], y * size[1] + x)))
}

/// `ConvGradInput(dY, W, X)`.
pub(crate) fn grad_input<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (d, w, x) = (p.float(node, 0)?, p.float(node, 1)?, p.float(node, 2)?);
    let shape = p.shape(x);
    let weights = p.shape(w);
    let channels = Channels::read(node, shape.get(1).copied().unwrap_or(0), &weights)?;
    let g = Geometry::read(node, spatial(node, &shape)?, kernel_of(node, spatial(node, &weights)?)?)?;
    let wanted = [shape[0], channels.outward * channels.groups];
    let (derivative, [n, c, h, wide]) = images(p, node, d)?;
    if [n, c] != wanted || [h, wide] != g.output {
        return Err(node.broken(format!("the derivative of {shape:?} has not the shape of the result")));
    }
    let out = transposed(p, node, &channels, derivative, w, &g, None)?;
    let out = as_before(p, out, shape.len())?;
    p.name(node, 0, out);
    Ok(())
}

/// `ConvTranspose`: the derivative of a convolution from its result to its input.
pub(crate) fn conv_transpose<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, w) = (p.float(node, 0)?, p.float(node, 1)?);
    let rank = p.shape(x).len();
    let weights = p.shape(w);
    let (x, [_, c, h, wide]) = images(p, node, x)?;
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0).max(1);
    let inward = weights.get(1).copied().unwrap_or(0).saturating_mul(groups);
    let channels = Channels::read(node, inward, &weights)?;
    if channels.outward * channels.groups != c {
        return Err(node.broken(format!("weights {weights:?} do not fit {c} channels")));
    }
    if !node.ints("output_shape")?.is_empty()
        || !matches!(node.text("auto_pad", "NOTSET")?, "NOTSET" | "VALID" | "")
    {
        return Err(node.broken("its output_shape or auto_pad is given; only explicit pads are computed"));
    }
    // The geometry of the convolution whose derivative this is: its input is what is computed here.
    let kernel = kernel_of(node, spatial(node, &weights)?)?;
    let sizes = [h, wide];
    let sizes = if rank == 3 { &sizes[1..] } else { &sizes[..] };
    let value = |name: &str, i: usize, default: i64| -> Result<usize, OnnxError> {
        let v = node.ints(name)?.get(i).copied().unwrap_or(default);
        usize::try_from(v)
            .ok()
            .filter(|v| *v <= 1 << 16)
            .ok_or_else(|| node.broken(format!("attribute {name:?} holds {v}")))
    };
    let mut input = Vec::new();
    for (i, (size, kernel)) in sizes.iter().zip(kernel).enumerate() {
        let reach = value("dilations", i, 1)?.saturating_mul(kernel.saturating_sub(1)) + 1;
        let full = size.saturating_sub(1).saturating_mul(value("strides", i, 1)?)
            + reach
            + value("output_padding", i, 0)?;
        let pads = value("pads", i, 0)? + value("pads", i + sizes.len(), 0)?;
        input.push(full.checked_sub(pads).ok_or_else(|| node.broken("its pads are larger than its result"))?);
    }
    let mut g = Geometry::read(node, &input, kernel)?;
    // Output padding may leave room for one more window, which nothing fills.
    if g.output[0] < h || g.output[1] < wide {
        return Err(node.broken("its result has no room for its input"));
    }
    g.output = [h, wide];
    let bias = p.optional(node, 2)?;
    let out = transposed(p, node, &channels, x, w, &g, bias)?;
    let out = as_before(p, out, rank)?;
    p.name(node, 0, out);
    Ok(())
}

/// From the derivative of a convolution's result (`g.output`) to that of its input (`g.input`).
fn transposed(
    p: &mut Planner<'_>,
    node: &Node,
    channels: &Channels,
    derivative: Id,
    w: Id,
    g: &Geometry,
    bias: Option<Id>,
) -> Result<Id, OnnxError> {
    p.affords(&g.input)?;
    p.affords(&g.output)?;
    p.affords(&g.kernel)?;
    // A pixel `i` of the input is seen through place `k` by the window `(i + before - k·dilation) / stride`,
    // where that is a whole number. Pixels with the same remainder are seen through the same places, at
    // `shift`s from their own number among them.
    let mut shifts: [Vec<Vec<(isize, usize)>>; 2] = [Vec::new(), Vec::new()];
    let (mut before, mut after) = ([0usize; 2], [0usize; 2]);
    for axis in 0..2 {
        for remainder in 0..g.stride[axis] {
            let last = (g.input[axis].max(1) - 1).saturating_sub(remainder) / g.stride[axis];
            let mut seen = Vec::new();
            for k in 0..g.kernel[axis] {
                let from = (remainder + g.before[axis]) as isize - (k * g.dilation[axis]) as isize;
                if from.rem_euclid(g.stride[axis] as isize) != 0 || remainder >= g.input[axis] {
                    continue;
                }
                let shift = from.div_euclid(g.stride[axis] as isize);
                before[axis] = before[axis].max(usize::try_from(-shift).unwrap_or(0));
                let end = last as isize + shift - (g.output[axis] as isize - 1);
                after[axis] = after[axis].max(usize::try_from(end).unwrap_or(0));
                seen.push((shift, k));
            }
            shifts[axis].push(seen);
        }
    }
    let from = channels.outward * channels.groups;
    let [n, ..] = p.shape(derivative)[..] else { return Err(node.broken("it has no batch")) };
    let frame = Frame {
        height: g.output[0],
        width: g.output[1],
        channels: from,
        top: before[0],
        left: before[1],
        framed: [g.output[0] + before[0] + after[0], g.output[1] + before[1] + after[1]],
    };
    let mut patterns = Vec::new();
    for (ry, rows) in shifts[0].iter().enumerate() {
        for (rx, columns) in shifts[1].iter().enumerate() {
            let count = |axis: usize, r: usize| g.input[axis].saturating_sub(r).div_ceil(g.stride[axis]);
            let size = [count(0, ry), count(1, rx)];
            let pixels = each_pixel(size)
                .map(|([ty, tx], _)| ([ty, tx], (ty * g.stride[0] + ry) * g.input[1] + tx * g.stride[1] + rx))
                .collect();
            let at = |shift: isize, before: usize| before.wrapping_add_signed(shift);
            let places = rows
                .iter()
                .flat_map(|(sy, ky)| {
                    columns.iter().map(move |(sx, kx)| {
                        ([at(*sy, before[0]), at(*sx, before[1])], ky * g.kernel[1] + kx)
                    })
                })
                .collect();
            patterns.push(Pattern { pixels, places });
        }
    }
    let area = g.kernel[0] * g.kernel[1];
    let row = channels.inward * area;
    // Weights [out][in][place]: a column for each input channel, summed over the output channels.
    let at = |place: usize, from: usize| from * row + place;
    let weights = Weights {
        id: w,
        place: &at,
        step: area,
        group: channels.outward * row,
        from: channels.outward,
        to: channels.inward,
    };
    let source = Source { x: derivative, images: n, frame };
    correlate(p, node, channels, source, weights, patterns, g.input, bias)
}

/// What a correlation reads.
struct Source {
    x: Id,
    images: usize,
    frame: Frame,
}

/// How a correlation finds its weights.
struct Weights<'a> {
    id: Id,
    /// Where the weight of a place and a source channel lies, for the first column of the first group.
    place: &'a dyn Fn(usize, usize) -> usize,
    /// From column to column.
    step: usize,
    /// From group to group.
    group: usize,
    /// Source channels of a group.
    from: usize,
    /// Channels of the result of a group.
    to: usize,
}

#[expect(clippy::too_many_arguments, reason = "two callers, each of which has all of it at hand")]
fn correlate(
    p: &mut Planner<'_>,
    node: &Node,
    channels: &Channels,
    source: Source,
    weights: Weights<'_>,
    patterns: Vec<Pattern>,
    output: [usize; 2],
    bias: Option<Id>,
) -> Result<Id, OnnxError> {
    let groups = channels.groups;
    let to = groups.checked_mul(weights.to).ok_or_else(|| node.broken("it has too many channels"))?;
    let shape = vec![source.images, to, output[0], output[1]];
    if let Some(bias) = bias
        && p.shape(bias) != [to]
    {
        return Err(node.broken(format!("its bias is {:?}, [{to}] expected", p.shape(bias))));
    }
    p.affords(&shape)?;
    p.affords(&output)?;
    p.affords(&source.frame.framed)?;
    let area = output[0].saturating_mul(output[1]);
    let result = area.saturating_mul(to);
    let frame = source.frame;
    let size = frame.framed[0].checked_mul(frame.framed[1]).and_then(|n| n.checked_mul(frame.channels));
    offset(node, size.unwrap_or(usize::MAX).max(result))?;
    let mut operands = vec![source.x];
    let mut spread = p.spread_of(&[source.x]);
    if p.value(weights.id).spread != Spread::Uniform
        || bias.is_some_and(|b| p.value(b).spread != Spread::Uniform)
    {
        p.mixes_rows();
        spread = Spread::Rows;
    }
    let place = |at: [usize; 2]| (at[0] * frame.framed[1] + at[1]) * frame.channels;

    if channels.depthwise() {
        let rows: Vec<u32> = (0..weights_area(p, weights.id) as u32).collect();
        let matrix = Matrix { base: 0, step: rows.len(), rows, columns: groups };
        let packed = pack_thin(p, weights.id, matrix)?;
        operands.push(packed);
        operands.extend(bias);
        let phases = patterns
            .iter()
            .map(|pattern| {
                Ok(DepthwisePhase {
                    rows: pattern
                        .pixels
                        .iter()
                        .map(|(at, _)| offset(node, place(*at)))
                        .collect::<Result<_, _>>()?,
                    targets: pattern
                        .pixels
                        .iter()
                        .map(|(_, to)| offset(node, to * groups))
                        .collect::<Result<_, _>>()?,
                    steps: pattern
                        .places
                        .iter()
                        .map(|(at, k)| Ok((offset(node, place(*at))?, offset(node, *k)?)))
                        .collect::<Result<_, OnnxError>>()?,
                })
            })
            .collect::<Result<Vec<_>, OnnxError>>()?;
        let kernel =
            Depthwise { images: source.images, frame, phases, result, bias: bias.is_some(), relu: false };
        return p.emit(kernel, &operands, (shape, Kind::Float, LAST, spread));
    }

    let thin = weights.to <= Thin::MOST
        && weights.from.is_multiple_of(product::lanes())
        && weights.from > 0
        && bias.is_none();
    let least = patterns.iter().map(|q| q.pixels.len()).filter(|n| *n > 0).min().unwrap_or(1);
    let together = ENOUGH_ROWS.div_ceil(least).clamp(1, source.images.max(1));
    // Offsets of several images have to stay in 32 bits too.
    let most = (u32::MAX as usize / size.unwrap_or(1).max(result).max(1)).max(1);
    let at_a_time = together.min(most);
    let framed = frame.len();
    let (mut matrices, mut phases, mut start) = (Vec::new(), Vec::new(), 0);
    for pattern in patterns {
        let table: Vec<u32> = pattern
            .places
            .iter()
            .flat_map(|(_, k)| (0..weights.from).map(move |c| (*k, c)))
            .map(|(k, c)| offset(node, (weights.place)(k, c)))
            .collect::<Result<_, _>>()?;
        let mut begins = Vec::new();
        let mut packed = 0;
        for group in 0..groups {
            let matrix = Matrix {
                base: group * weights.group,
                rows: table.clone(),
                step: weights.step,
                columns: weights.to,
            };
            packed = matrix.packed_len(thin).ok_or_else(|| node.broken("its weights are too large"))?;
            matrices.push(matrix);
            begins.push(start);
            start += packed;
        }
        let images = 0..at_a_time;
        let rows =
            images.clone().flat_map(|i| pattern.pixels.iter().map(move |(at, _)| i * framed + place(*at)));
        let targets =
            images.flat_map(|i| pattern.pixels.iter().map(move |(_, to_pixel)| i * result + to_pixel * to));
        let runs = if thin { 1 } else { weights.from };
        let steps = pattern.places.iter().flat_map(|(at, _)| (0..runs).map(move |c| place(*at) + c));
        phases.push(Phase {
            rows: rows.map(|at| offset(node, at)).collect::<Result<_, _>>()?,
            steps: steps.map(|at| offset(node, at)).collect::<Result<_, _>>()?,
            targets: targets.map(|at| offset(node, at)).collect::<Result<_, _>>()?,
            pixels: pattern.pixels.len(),
            weights: begins,
            packed,
        });
    }
    let w = p.plain(weights.id)?;
    let own = p.value(w).spread;
    let packed =
        p.emit(Pack { matrices, thin }, &[w], (vec![start], Kind::Float, Layout::Plain, Spread::Uniform))?;
    if own != Spread::Uniform {
        p.depends_on_rows(packed);
    }
    operands.push(packed);
    operands.extend(bias);
    let kernel = Correlation {
        images: source.images,
        at_a_time,
        frame,
        phases,
        from: weights.from,
        to: weights.to,
        result,
        bias: bias.is_some(),
        relu: false,
        thin: thin.then_some(weights.from),
    };
    p.emit(kernel, &operands, (shape, Kind::Float, LAST, spread))
}

fn weights_area(p: &Planner<'_>, id: Id) -> usize {
    p.value(id).shape.get(2..).unwrap_or_default().iter().product()
}

/// Weights of one value a channel as `[place][channel]`.
fn pack_thin(p: &mut Planner<'_>, id: Id, matrix: Matrix) -> Result<Id, OnnxError> {
    // Kept row by row, the transposed matrix has a row for each of what are its columns here.
    let (places, channels) = (matrix.rows.len(), matrix.columns);
    let step = matrix.step as u32;
    let turned =
        Matrix { base: 0, rows: (0..channels as u32).map(|c| c * step).collect(), step: 1, columns: places };
    let w = p.plain(id)?;
    let own = p.value(w).spread;
    let shape = vec![places, channels];
    let packed = p.emit(
        Pack { matrices: vec![turned], thin: true },
        &[w],
        (shape, Kind::Float, Layout::Plain, Spread::Uniform),
    )?;
    if own != Spread::Uniform {
        p.depends_on_rows(packed);
    }
    Ok(packed)
}

/// `ConvGradWeight(X, dY, W)`.
pub(crate) fn grad_weight<'g>(p: &mut Planner<'g>, node: &'g Node) -> Result<(), OnnxError> {
    let (x, d, w) = (p.float(node, 0)?, p.float(node, 1)?, p.float(node, 2)?);
    let (shape, weights) = (p.shape(x), p.shape(w));
    let (x, [n, c, h, wide]) = images(p, node, x)?;
    let channels = Channels::read(node, c, &weights)?;
    let g = Geometry::read(node, spatial(node, &shape)?, kernel_of(node, spatial(node, &weights)?)?)?;
    let (d, [images_of, to, dh, dw]) = images(p, node, d)?;
    if images_of != n || to != channels.outward * channels.groups || [dh, dw] != g.output {
        return Err(node.broken(format!("the derivative of {shape:?} has not the shape of the result")));
    }
    let frame = Frame {
        height: h,
        width: wide,
        channels: c,
        top: g.before[0],
        left: g.before[1],
        framed: [h + g.before[0] + g.after[0], wide + g.before[1] + g.after[1]],
    };
    p.affords(&frame.framed)?;
    p.affords(&g.output)?;
    p.affords(&g.kernel)?;
    let size = frame.framed[0].checked_mul(frame.framed[1]).and_then(|n| n.checked_mul(c));
    offset(node, size.unwrap_or(usize::MAX))?;
    let place = |at: [usize; 2]| (at[0] * frame.framed[1] + at[1]) * c;
    let places: Vec<u32> = each_pixel(g.kernel)
        .flat_map(|([i, j], _)| (0..channels.inward).map(move |k| (i, j, k)))
        .map(|(i, j, k)| offset(node, place([i * g.dilation[0], j * g.dilation[1]]) + k))
        .collect::<Result<_, _>>()?;
    let pixels: Vec<u32> = each_pixel(g.output)
        .map(|([y, x], _)| offset(node, place([y * g.stride[0], x * g.stride[1]])))
        .collect::<Result<_, _>>()?;
    offset(node, places.len().saturating_mul(channels.outward))?;
    let targets = (0..places.len() as u32).map(|i| i * channels.outward as u32).collect();
    let kernel = WeightGradient {
        images: n,
        frame,
        places,
        pixels,
        targets,
        groups: channels.groups,
        from: channels.inward,
        to: channels.outward,
        area: g.kernel[0] * g.kernel[1],
    };
    let spread = match (p.value(x).spread, p.value(d).spread) {
        (Spread::Rows, Spread::Rows) => Spread::Sum,
        (Spread::Uniform, Spread::Uniform) => Spread::Uniform,
        _ => {
            p.mixes_rows();
            Spread::Sum
        }
    };
    let out = p.emit(kernel, &[x, d], (weights, Kind::Float, Layout::Plain, spread))?;
    p.name(node, 0, out);
    Ok(())
}
