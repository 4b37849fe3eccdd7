//! From an ONNX graph to the steps of a [`Network`](super::Network).

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_onnx::graph::{Attribute, Constant, Graph, Node};

use super::affine::Affine;
use super::network::Step;
use crate::RobustnessError;

/// Most weights after unrolling: convolutions repeat theirs at every place.
const MAX_WEIGHTS: usize = 1 << 25;
/// Most values of one step.
const MAX_VALUES: usize = 1 << 22;

type Lowered = (Vec<Step>, Vec<usize>, bool);

pub(super) fn lower(
    graph: &Graph,
    shape: &[usize],
    output: Option<&str>,
) -> Result<Lowered, RobustnessError> {
    let mut lowering = Lowering {
        constants: graph.constants.iter().map(|(name, c)| (name.as_str(), c)).collect(),
        values: BTreeMap::new(),
        steps: Vec::new(),
        sizes: Vec::new(),
        weights: 0,
    };
    let [input] = graph.inputs.as_slice() else {
        return Err(RobustnessError::Option(format!(
            "the network has {} inputs, bounding needs one",
            graph.inputs.len()
        )));
    };
    let wanted = match output {
        Some(name) => name.to_owned(),
        None => graph.outputs.first().map(|o| o.name.clone()).unwrap_or_default(),
    };
    let features: usize = shape.iter().product();
    if features == 0 || features > MAX_VALUES {
        return Err(RobustnessError::Option(format!("rows of shape {shape:?} cannot be bounded")));
    }
    lowering.steps.push(Step::Input(features));
    lowering.sizes.push(features);
    lowering.values.insert(input.name.clone(), Value { step: 0, shape: shape.to_vec() });
    // Only what the output depends on.
    let mut needed: BTreeSet<&str> = BTreeSet::from([wanted.as_str()]);
    let mut order: Vec<&Node> = Vec::new();
    for node in graph.nodes.iter().rev() {
        if node.outputs.iter().any(|o| needed.contains(o.as_str())) {
            needed.extend(node.inputs.iter().map(String::as_str));
            order.push(node);
        }
    }
    let mut softmax = false;
    for node in order.into_iter().rev() {
        if let (Some(name), Some(Attribute::Tensor(c))) = (node.outputs.first(), node.attributes.get("value"))
            && node.applies("", "Constant")
        {
            lowering.constants.insert(name, c);
            continue;
        }
        if matches!(node.operator.as_str(), "Softmax" | "LogSoftmax")
            && node.outputs.first().is_some_and(|o| *o == wanted)
        {
            softmax = true;
            lowering.alias(node, |shape| Ok(shape.to_vec()))?;
            continue;
        }
        lowering.node(node)?;
    }
    let value = lowering.values.get(&wanted).cloned().ok_or_else(|| {
        RobustnessError::Option(format!("the graph has no output {wanted:?} that depends on its input"))
    })?;
    // The last step has to be the output; what came after it belongs to nothing.
    lowering.steps.truncate(value.step + 1);
    lowering.sizes.truncate(value.step + 1);
    if lowering.steps.len() < 2 {
        return Err(RobustnessError::Option("the network passes its input on unchanged".to_owned()));
    }
    Ok((lowering.steps, lowering.sizes, softmax))
}

/// A tensor of the graph: a step, seen in a shape without the batch.
#[derive(Debug, Clone)]
struct Value {
    step: usize,
    shape: Vec<usize>,
}

struct Lowering<'a> {
    constants: BTreeMap<&'a str, &'a Constant>,
    values: BTreeMap<String, Value>,
    steps: Vec<Step>,
    sizes: Vec<usize>,
    weights: usize,
}

/// A window that slides over lines and columns.
struct Slide {
    size: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    before: [usize; 2],
    out: [usize; 2],
}

impl<'a> Lowering<'a> {
    fn node(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        if !node.domain.is_empty() {
            return Err(unknown(node));
        }
        match node.operator.as_str() {
            "Gemm" => self.gemm(node),
            "MatMul" => self.matmul(node),
            "Conv" => self.conv(node),
            "Add" | "Sub" | "Mul" | "Div" => self.elementwise(node),
            "BatchNormalization" => self.normalise(node),
            "AveragePool" => self.mean_pool(node, false),
            "GlobalAveragePool" => self.mean_pool(node, true),
            "MaxPool" => self.max_pool(node, false),
            "GlobalMaxPool" => self.max_pool(node, true),
            "Relu" => {
                let value = self.read(node, 0)?;
                let size = self.sizes[value.step];
                self.push(node, Step::Relu(value.step), size, value.shape)
            }
            "Identity" | "Dropout" | "Cast" => self.alias(node, |shape| Ok(shape.to_vec())),
            "Flatten" => {
                let axis = node.int("axis", 1)?;
                if axis != 1 {
                    return Err(refused(node, format!("axis {axis} mixes rows; bounding needs axis 1")));
                }
                self.alias(node, |shape| Ok(vec![shape.iter().product()]))
            }
            "Reshape" => self.reshape(node),
            _ => Err(unknown(node)),
        }
    }

    fn read(&self, node: &Node, at: usize) -> Result<Value, RobustnessError> {
        let name = node.inputs.get(at).map_or("", String::as_str);
        self.values
            .get(name)
            .cloned()
            .ok_or_else(|| refused(node, format!("its input {name:?} does not come from the row")))
    }

    fn constant(&self, node: &Node, at: usize) -> Option<&'a Constant> {
        node.inputs.get(at).and_then(|name| self.constants.get(name.as_str())).copied()
    }

    fn floats(&self, node: &Node, at: usize) -> Result<(Vec<f32>, Vec<usize>), RobustnessError> {
        let constant = self
            .constant(node, at)
            .ok_or_else(|| refused(node, format!("input {at} is no constant, so weights are not known")))?;
        let values =
            constant.floats().ok_or_else(|| refused(node, format!("input {at} does not hold float32")))?;
        if values.iter().any(|v| !v.is_finite()) {
            return Err(refused(node, format!("input {at} holds values that are no numbers")));
        }
        Ok((values, constant.shape.clone()))
    }

    fn push(
        &mut self,
        node: &Node,
        step: Step,
        size: usize,
        shape: Vec<usize>,
    ) -> Result<(), RobustnessError> {
        if let Step::Affine(_, map) = &step {
            self.weights += map.weights();
        }
        if size == 0 || size > MAX_VALUES || self.weights > MAX_WEIGHTS {
            return Err(refused(
                node,
                format!("unrolled, the network has more than {MAX_WEIGHTS} weights or {MAX_VALUES} values"),
            ));
        }
        let name = node.outputs.first().cloned().unwrap_or_default();
        self.values.insert(name, Value { step: self.steps.len(), shape });
        self.steps.push(step);
        self.sizes.push(size);
        Ok(())
    }

    fn alias(
        &mut self,
        node: &Node,
        reshape: impl Fn(&[usize]) -> Result<Vec<usize>, RobustnessError>,
    ) -> Result<(), RobustnessError> {
        let mut value = self.read(node, 0)?;
        value.shape = reshape(&value.shape)?;
        self.values.insert(node.outputs.first().cloned().unwrap_or_default(), value);
        Ok(())
    }

    fn reshape(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        let wanted = self.constant(node, 1).and_then(|c| match &c.values {
            proofhouse_onnx::graph::Values::Int(v) => Some(v.clone()),
            _ => None,
        });
        let wanted = wanted.ok_or_else(|| refused(node, "its shape is no constant".to_owned()))?;
        self.alias(node, |shape| {
            let size: usize = shape.iter().product();
            let Some((_, rest)) = wanted.split_first() else {
                return Err(refused(node, "it drops the batch".to_owned()));
            };
            let known: i64 = rest.iter().filter(|d| **d > 0).product();
            let mut out = Vec::with_capacity(rest.len());
            for (at, d) in rest.iter().enumerate() {
                out.push(match *d {
                    0 => shape.get(at).copied().unwrap_or(0),
                    d if d > 0 => usize::try_from(d).unwrap_or(0),
                    _ => size / usize::try_from(known.max(1)).unwrap_or(1),
                });
            }
            if out.iter().product::<usize>() == size {
                Ok(out)
            } else {
                Err(refused(node, format!("{wanted:?} moves values between rows")))
            }
        })
    }

    fn gemm(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        let float = |name: &str| match node.attributes.get(name) {
            Some(Attribute::Float(v)) => *v,
            _ => 1.0,
        };
        if node.int("transA", 0)? != 0 || float("alpha") != 1.0 || float("beta") != 1.0 {
            return Err(refused(node, "only alpha = beta = 1 and transA = 0 are bounded".to_owned()));
        }
        let bias = if node.inputs.len() > 2 && !node.inputs[2].is_empty() {
            Some(self.floats(node, 2)?.0)
        } else {
            None
        };
        self.dense(node, node.int("transB", 0)? != 0, bias)
    }

    fn matmul(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        self.dense(node, false, None)
    }

    fn dense(&mut self, node: &'a Node, turned: bool, bias: Option<Vec<f32>>) -> Result<(), RobustnessError> {
        let value = self.read(node, 0)?;
        let (weights, shape) = self.floats(node, 1)?;
        let &[a, b] = shape.as_slice() else {
            return Err(refused(node, format!("weights of shape {shape:?} are no matrix")));
        };
        let (inputs, outputs) = if turned { (b, a) } else { (a, b) };
        if value.shape != [inputs] {
            return Err(refused(node, format!("rows of {:?} meet weights for {inputs} values", value.shape)));
        }
        let of = |o: usize| match bias.as_deref() {
            None => Some(0.0),
            Some([only]) => Some(*only),
            Some(all) => all.get(o).copied(),
        };
        let mut map = Affine::new(0);
        for o in 0..outputs {
            let terms = (0..inputs).map(|i| (i, weights[if turned { o * b + i } else { i * b + o }]));
            let bias = of(o).ok_or_else(|| refused(node, "its bias is too short".to_owned()))?;
            map.push(terms, bias).ok_or_else(|| too_large(node))?;
        }
        self.push(node, Step::Affine(value.step, map), outputs, vec![outputs])
    }

    /// Sums, differences, products and quotients with a constant, and the sum of two steps.
    fn elementwise(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        let constant_at = (0..2).find(|at| self.constant(node, *at).is_some());
        let Some(constant_at) = constant_at else {
            let (a, b) = (self.read(node, 0)?, self.read(node, 1)?);
            if node.operator != "Add" || a.shape != b.shape {
                return Err(refused(node, "two computed values can only be added, in one shape".to_owned()));
            }
            let size = self.sizes[a.step];
            return self.push(node, Step::Sum(a.step, b.step), size, a.shape);
        };
        let value = self.read(node, 1 - constant_at)?;
        let (values, shape) = self.floats(node, constant_at)?;
        let spread = broadcast(&values, &shape, &value.shape)
            .ok_or_else(|| refused(node, format!("{shape:?} does not spread over {:?}", value.shape)))?;
        let mut map = Affine::new(2);
        for (i, c) in spread.into_iter().enumerate() {
            let (weight, bias) = match (node.operator.as_str(), constant_at) {
                ("Add", _) => (1.0, c),
                ("Sub", 1) => (1.0, -c),
                ("Sub", _) => (-1.0, c),
                ("Mul", _) => (c, 0.0),
                // A quotient is rounded once; the inverse once more, which the two extra roundings cover.
                ("Div", 1) if c != 0.0 => (1.0 / c, 0.0),
                _ => return Err(refused(node, "a quotient by the row or by zero is not bounded".to_owned())),
            };
            map.push([(i, weight)], bias).ok_or_else(|| too_large(node))?;
        }
        let size = self.sizes[value.step];
        self.push(node, Step::Affine(value.step, map), size, value.shape)
    }

    fn normalise(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        let value = self.read(node, 0)?;
        let channels = value.shape.first().copied().unwrap_or(0);
        let each: Vec<Vec<f32>> =
            (1..5).map(|at| self.floats(node, at).map(|(v, _)| v)).collect::<Result<_, _>>()?;
        if each.iter().any(|v| v.len() != channels) {
            return Err(refused(node, format!("its statistics are not those of {channels} channels")));
        }
        let epsilon = match node.attributes.get("epsilon") {
            Some(Attribute::Float(v)) => f64::from(*v),
            _ => 1e-5,
        };
        let plane: usize = value.shape.iter().skip(1).product();
        // Evaluations differ in how they group the operations, and weights are rounded here once.
        let mut map = Affine::new(12);
        let statistics = each[0].iter().zip(&each[1]).zip(each[2].iter().zip(&each[3]));
        for (channel, ((gain, offset), (mean, variance))) in statistics.enumerate() {
            let scale = f64::from(*gain) / (f64::from(*variance) + epsilon).sqrt();
            let centred = scale * f64::from(*mean);
            let shift = f64::from(*offset) - centred;
            if !(scale.is_finite() && shift.is_finite()) {
                return Err(refused(node, "a variance is not positive".to_owned()));
            }
            // The mean may cancel against the shift, but not its rounding.
            let passed = 2.0 * (centred.abs() + f64::from(*offset).abs());
            for i in 0..plane {
                let terms = [(channel * plane + i, scale as f32)];
                map.push_passing(terms, shift as f32, passed as f32).ok_or_else(|| too_large(node))?;
            }
        }
        let size = self.sizes[value.step];
        self.push(node, Step::Affine(value.step, map), size, value.shape)
    }

    fn conv(&mut self, node: &'a Node) -> Result<(), RobustnessError> {
        let value = self.read(node, 0)?;
        let (weights, shape) = self.floats(node, 1)?;
        let (c, h, w) = planes(node, &value.shape)?;
        let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0);
        let (filters, depth, kernel) = match *shape.as_slice() {
            [f, d, k] => (f, d, [1, k]),
            [f, d, a, b] => (f, d, [a, b]),
            _ => return Err(refused(node, format!("weights of shape {shape:?} are not bounded"))),
        };
        if groups == 0 || depth * groups != c || !filters.is_multiple_of(groups) {
            return Err(refused(node, format!("{c} channels do not go with weights of {shape:?}")));
        }
        let bias = if node.inputs.len() > 2 && !node.inputs[2].is_empty() {
            self.floats(node, 2)?.0
        } else {
            vec![0.0; filters]
        };
        if bias.len() != filters {
            return Err(refused(node, "its bias does not fit its filters".to_owned()));
        }
        let slide = slide(node, [h, w], kernel)?;
        let mut map = Affine::new(0);
        self.budget(node, filters * slide.out[0] * slide.out[1], depth * kernel[0] * kernel[1])?;
        for f in 0..filters {
            let first = f / (filters / groups) * depth;
            for y in 0..slide.out[0] {
                for x in 0..slide.out[1] {
                    let mut terms = Vec::with_capacity(depth * kernel[0] * kernel[1]);
                    for d in 0..depth {
                        for (ky, kx, iy, ix) in slide.places(y, x, [h, w]) {
                            let weight = weights[((f * depth + d) * kernel[0] + ky) * kernel[1] + kx];
                            terms.push((((first + d) * h + iy) * w + ix, weight));
                        }
                    }
                    map.push(terms, bias[f]).ok_or_else(|| too_large(node))?;
                }
            }
        }
        let out = with_planes(&value.shape, filters, slide.out);
        self.push(node, Step::Affine(value.step, map), filters * slide.out[0] * slide.out[1], out)
    }

    fn mean_pool(&mut self, node: &'a Node, global: bool) -> Result<(), RobustnessError> {
        let value = self.read(node, 0)?;
        let (c, h, w) = planes(node, &value.shape)?;
        let slide = if global { Slide::whole([h, w]) } else { slide(node, [h, w], window(node)?)? };
        let padded = !global && node.int("count_include_pad", 0)? != 0;
        if padded && node.int("ceil_mode", 0)? != 0 {
            return Err(refused(node, "ceil_mode with count_include_pad is not bounded".to_owned()));
        }
        self.budget(node, c * slide.out[0] * slide.out[1], slide.size[0] * slide.size[1])?;
        // The share is rounded here once, and the evaluation divides once.
        let mut map = Affine::new(4);
        for channel in 0..c {
            for y in 0..slide.out[0] {
                for x in 0..slide.out[1] {
                    let places: Vec<_> = slide.places(y, x, [h, w]).collect();
                    let count = if padded { slide.size[0] * slide.size[1] } else { places.len() };
                    let share = 1.0 / count.max(1) as f32;
                    let terms = places.into_iter().map(|(_, _, iy, ix)| ((channel * h + iy) * w + ix, share));
                    map.push(terms, 0.0).ok_or_else(|| too_large(node))?;
                }
            }
        }
        let out = with_planes(&value.shape, c, slide.out);
        self.push(node, Step::Affine(value.step, map), c * slide.out[0] * slide.out[1], out)
    }

    fn max_pool(&mut self, node: &'a Node, global: bool) -> Result<(), RobustnessError> {
        let value = self.read(node, 0)?;
        let (c, h, w) = planes(node, &value.shape)?;
        let slide = if global { Slide::whole([h, w]) } else { slide(node, [h, w], window(node)?)? };
        self.budget(node, c * slide.out[0] * slide.out[1], slide.size[0] * slide.size[1])?;
        let mut groups = Vec::with_capacity(c * slide.out[0] * slide.out[1]);
        for channel in 0..c {
            for y in 0..slide.out[0] {
                for x in 0..slide.out[1] {
                    // Padding is never the largest.
                    let place = |(_, _, iy, ix)| ((channel * h + iy) * w + ix) as u32;
                    let members: Vec<u32> = slide.places(y, x, [h, w]).map(place).collect();
                    if members.is_empty() {
                        return Err(refused(node, "a window lies outside the image".to_owned()));
                    }
                    groups.push(members);
                }
            }
        }
        let out = with_planes(&value.shape, c, slide.out);
        let size = groups.len();
        self.push(node, Step::Max(value.step, groups), size, out)
    }

    /// Refuses a step before it is unrolled.
    fn budget(&self, node: &Node, outputs: usize, each: usize) -> Result<(), RobustnessError> {
        let total = outputs.checked_mul(each).and_then(|n| n.checked_add(self.weights));
        match total {
            Some(n) if n <= MAX_WEIGHTS && outputs <= MAX_VALUES => Ok(()),
            _ => Err(too_large(node)),
        }
    }
}

impl Slide {
    fn whole(size: [usize; 2]) -> Self {
        Self { size, stride: [1, 1], dilation: [1, 1], before: [0, 0], out: [1, 1] }
    }

    /// Places of the kernel at an output that lie in the image: (kernel line, column, image line, column).
    fn places(
        &self,
        y: usize,
        x: usize,
        [h, w]: [usize; 2],
    ) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        let (size, dilation) = (self.size, self.dilation);
        let (top, left) = (y * self.stride[0], x * self.stride[1]);
        let before = self.before;
        (0..size[0]).flat_map(move |ky| (0..size[1]).map(move |kx| (ky, kx))).filter_map(move |(ky, kx)| {
            let iy = (top + ky * dilation[0]).checked_sub(before[0]).filter(|v| *v < h)?;
            let ix = (left + kx * dilation[1]).checked_sub(before[1]).filter(|v| *v < w)?;
            Some((ky, kx, iy, ix))
        })
    }
}

/// Channels, lines and columns; a signal has one line.
fn planes(node: &Node, shape: &[usize]) -> Result<(usize, usize, usize), RobustnessError> {
    match *shape {
        [c, h, w] => Ok((c, h, w)),
        [c, w] => Ok((c, 1, w)),
        _ => Err(refused(node, format!("values of shape {shape:?} are no image"))),
    }
}

fn with_planes(before: &[usize], channels: usize, out: [usize; 2]) -> Vec<usize> {
    if before.len() == 2 { vec![channels, out[1]] } else { vec![channels, out[0], out[1]] }
}

fn pair(node: &Node, name: &str, default: usize) -> Result<[usize; 2], RobustnessError> {
    let of = |v: i64| usize::try_from(v).ok().filter(|v| *v > 0 && *v <= 1 << 16);
    let read = match *node.ints(name)? {
        [] => Some([default, default]),
        [a] => of(a).map(|a| [1, a]),
        [a, b] => of(a).zip(of(b)).map(|(a, b)| [a, b]),
        _ => None,
    };
    read.ok_or_else(|| refused(node, format!("its {name} are not one or two positive numbers")))
}

fn window(node: &Node) -> Result<[usize; 2], RobustnessError> {
    if node.ints("kernel_shape")?.is_empty() {
        return Err(refused(node, "it has no kernel_shape".to_owned()));
    }
    pair(node, "kernel_shape", 1)
}

fn slide(node: &Node, image: [usize; 2], size: [usize; 2]) -> Result<Slide, RobustnessError> {
    let (stride, dilation) = (pair(node, "strides", 1)?, pair(node, "dilations", 1)?);
    let ceil = node.operator != "Conv" && node.int("ceil_mode", 0)? != 0;
    let pads: Vec<usize> = node
        .ints("pads")?
        .iter()
        .map(|p| usize::try_from(*p).ok().filter(|p| *p <= 1 << 16))
        .collect::<Option<_>>()
        .ok_or_else(|| refused(node, "a negative pad cuts the image, which is not bounded".to_owned()))?;
    let (mut before, mut after) = match *pads.as_slice() {
        [] => ([0, 0], [0, 0]),
        [a, b] => ([0, a], [0, b]),
        [a, b, c, d] => ([a, b], [c, d]),
        _ => return Err(refused(node, format!("{} pads do not fit an image", pads.len()))),
    };
    let auto = node.text("auto_pad", "NOTSET")?;
    let mut out = [0, 0];
    for axis in 0..2 {
        let reach = dilation[axis] * (size[axis] - 1) + 1;
        if auto == "SAME_UPPER" || auto == "SAME_LOWER" {
            let wanted = image[axis].div_ceil(stride[axis]);
            let total = ((wanted - 1) * stride[axis] + reach).saturating_sub(image[axis]);
            let (small, large) = (total / 2, total - total / 2);
            (before[axis], after[axis]) = if auto == "SAME_UPPER" { (small, large) } else { (large, small) };
        }
        let room = (image[axis] + before[axis] + after[axis])
            .checked_sub(reach)
            .ok_or_else(|| refused(node, "its window is larger than the image".to_owned()))?;
        out[axis] = room / stride[axis] + 1;
        // A last window that begins in the padding after the image is left off.
        let more = ceil && !room.is_multiple_of(stride[axis]);
        if more && out[axis] * stride[axis] < image[axis] + before[axis] {
            out[axis] += 1;
        }
    }
    Ok(Slide { size, stride, dilation, before, out })
}

/// A constant spread over the shape of a value, whose batch axis is not in `shape`.
fn broadcast(values: &[f32], own: &[usize], shape: &[usize]) -> Option<Vec<f32>> {
    let mut full = own.to_vec();
    while full.len() < shape.len() + 1 {
        full.insert(0, 1);
    }
    let (batch, rest) = full.split_first()?;
    if *batch != 1 || rest.len() != shape.len() || rest.iter().zip(shape).any(|(o, s)| *o != 1 && o != s) {
        return None;
    }
    let total: usize = shape.iter().product();
    let mut out = Vec::with_capacity(total);
    for i in 0..total {
        let (mut at, mut left, mut stride) = (0, i, 1);
        for (o, s) in rest.iter().zip(shape).rev() {
            let place = left % s;
            left /= s;
            at += if *o == 1 { 0 } else { place * stride };
            stride *= o;
        }
        out.push(*values.get(at)?);
    }
    Some(out)
}

fn refused(node: &Node, why: String) -> RobustnessError {
    RobustnessError::Option(format!("node {:?} ({}): {why}", node.name, node.operator))
}

fn unknown(node: &Node) -> RobustnessError {
    refused(
        node,
        "this operator cannot be bounded; bounds know Gemm, MatMul, Conv, Add, Sub, Mul, Div, Relu, pooling, \
         BatchNormalization, Flatten and Reshape"
            .to_owned(),
    )
}

fn too_large(node: &Node) -> RobustnessError {
    refused(node, format!("unrolled, the network has more than {MAX_WEIGHTS} weights"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_spread_as_in_onnx() {
        assert_eq!(broadcast(&[1.0, 2.0], &[2, 1], &[2, 3]).unwrap(), [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
        assert_eq!(broadcast(&[7.0], &[], &[2]).unwrap(), [7.0, 7.0]);
        assert_eq!(broadcast(&[1.0, 2.0, 3.0], &[1, 3], &[3]).unwrap(), [1.0, 2.0, 3.0]);
        assert_eq!(broadcast(&[1.0, 2.0], &[2], &[3]), None);
        assert_eq!(broadcast(&[1.0, 2.0], &[2, 1], &[3]), None);
    }
}
