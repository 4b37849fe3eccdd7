//! One case or more for each operator, with random values and, where a window slides, random windows.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Model;
use crate::graph::Attribute::{self, Float, Int, Ints, Text};

/// Numbers without order, apart from each other and from 0, so that no maximum and no kink is near.
fn numbers(n: usize, seed: u64) -> Vec<f32> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for i in (1..n).rev() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        order.swap(i, (state % (i as u64 + 1)) as usize);
    }
    order.iter().map(|i| ((*i as f32 + 0.37) / n as f32 * 4.0 - 2.0) + 0.003).collect()
}

fn positive(n: usize, seed: u64) -> Vec<f32> {
    numbers(n, seed).iter().map(|v| v.abs() + 0.3).collect()
}

#[test]
fn functions_of_one_value() {
    let plain = [
        "Neg",
        "Abs",
        "Exp",
        "Reciprocal",
        "Sin",
        "Cos",
        "Tan",
        "Atan",
        "Sinh",
        "Cosh",
        "Relu",
        "LeakyRelu",
        "Elu",
        "Sigmoid",
        "Tanh",
        "Softplus",
        "Erf",
        "Gelu",
        "HardSigmoid",
        "HardSwish",
        "Selu",
        "Celu",
        "Mish",
        "Softsign",
        "ThresholdedRelu",
        "Identity",
        "Dropout",
        "Softmax",
        "LogSoftmax",
        "Flatten",
    ];
    for operator in plain {
        Model::new(&[2, 3]).opset(20).node(operator, &["x"], &[]).check(&[], &numbers(12, 5));
    }
    for operator in ["Log", "Sqrt"] {
        Model::new(&[5]).node(operator, &["x"], &[]).check(&[], &positive(10, 1));
    }
    for operator in ["Asin", "Acos"] {
        let x: Vec<f32> = numbers(10, 1).iter().map(|v| v / 2.5).collect();
        Model::new(&[5]).node(operator, &["x"], &[]).check(&[], &x);
    }
    let with: [(&str, Attribute, &str); 6] = [
        ("LeakyRelu", Float(0.3), "alpha"),
        ("Elu", Float(0.7), "alpha"),
        ("Celu", Float(0.7), "alpha"),
        ("Gelu", Text("tanh".into()), "approximate"),
        ("Softmax", Int(1), "axis"),
        ("LogSoftmax", Int(1), "axis"),
    ];
    for (operator, value, name) in with {
        Model::new(&[3, 2]).opset(20).node(operator, &["x"], &[(name, value)]).check(&[], &numbers(12, 2));
    }
    // Before operator set 13 a softmax flattened.
    Model::new(&[2, 3]).opset(11).node("Softmax", &["x"], &[]).check(&[], &numbers(12, 9));
}

#[test]
fn functions_of_two_values_with_broadcasting() {
    for operator in ["Add", "Sub", "Mul", "Div", "Min", "Max"] {
        for (shape, n) in [(&[3, 4][..], 12), (&[4], 4), (&[3, 1], 3), (&[], 1), (&[1, 3, 4], 12)] {
            let w = numbers(n, 3).iter().map(|v| v + 0.0011).collect();
            let model = Model::new(&[3, 4]).weight("w", shape, w);
            model.node(operator, &["x", "w"], &[]).check(&["w"], &numbers(24, 4));
        }
    }
    Model::new(&[3, 4])
        .weight("w", &[3, 4], numbers(12, 8))
        .node("Div", &["w", "x"], &[])
        .check(&["w"], &positive(24, 4));
    let model = Model::new(&[4]).weight("p", &[4], vec![2.0, -1.0, 0.5, 3.0]);
    model.node("Pow", &["x", "p"], &[]).check(&["p"], &positive(8, 4));
    for p in [0.0, 1.0, 2.0, 0.5, -1.5, 3.0] {
        let model = Model::new(&[4]).weight("p", &[], vec![p]);
        model.node("Pow", &["x", "p"], &[]).check(&[], &positive(8, 4));
    }
    let model = Model::new(&[4]).ints("p", &[2]).node("Pow", &["x", "p"], &[]);
    model.check(&[], &numbers(8, 4));
    for operator in ["Min", "Max", "Sum", "Mean"] {
        let model = Model::new(&[4]).weight("a", &[4], numbers(4, 2)).weight("b", &[1], vec![0.21]);
        model.node(operator, &["x", "a", "b"], &[]).check(&["a"], &numbers(8, 4));
    }
    let model = Model::new(&[2, 3]).weight("slope", &[2, 1], vec![0.2, -0.4]);
    model.node("PRelu", &["x", "slope"], &[]).check(&["slope"], &numbers(12, 6));
}

#[test]
fn bounds_and_choices() {
    let model = Model::new(&[6]).weight("low", &[], vec![-0.9]).weight("high", &[], vec![0.8]);
    model.node("Clip", &["x", "low", "high"], &[]).check(&[], &numbers(12, 3));
    let model = Model::new(&[6]).weight("low", &[], vec![-0.9]);
    model.node("Clip", &["x", "low"], &[]).check(&[], &numbers(12, 3));
    let model = Model::new(&[6]).weight("zero", &[], vec![0.0]).weight("w", &[6], numbers(6, 1));
    model
        .node_to("Greater", &["x", "zero"], &["c"], &[])
        .node_to("Mul", &["x", "x"], &["xx"], &[])
        .node("Where", &["c", "xx", "w"], &[])
        .check(&["w"], &numbers(12, 3));
}

#[test]
fn reductions() {
    let operators = [
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceMin",
        "ReduceProd",
        "ReduceL1",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
    ];
    for operator in operators {
        for (axes, keep) in [(&[1][..], 1), (&[2], 0), (&[-1, 1], 0)] {
            let attributes = [("keepdims", Int(keep))];
            let model = Model::new(&[3, 4]).ints("axes", axes);
            model.node(operator, &["x", "axes"], &attributes).check(&[], &numbers(24, 7));
            // Until operator set 17 the axes were an attribute.
            let attributes = [("keepdims", Int(keep)), ("axes", Ints(axes.to_vec()))];
            Model::new(&[3, 4]).opset(11).node(operator, &["x"], &attributes).check(&[], &numbers(24, 7));
        }
    }
    let model = Model::new(&[3, 4]).ints("axes", &[1]);
    model.node("ReduceLogSum", &["x", "axes"], &[]).check(&[], &positive(24, 7));
    let model = Model::new(&[5]).node("LpNormalization", &["x"], &[]);
    model.check(&[], &numbers(10, 7));
    let model = Model::new(&[5]).node("LpNormalization", &["x"], &[("p", Int(1))]);
    model.check(&[], &numbers(10, 7));
}

#[test]
fn a_vector_of_length_0_has_a_derivative() {
    let model = Model::new(&[3]).ints("axes", &[1]).node("ReduceL2", &["x", "axes"], &[]);
    let pair = model.pair(&[], crate::fused::Lowering::Portable).unwrap();
    let x = crate::reference::Array::new(vec![1, 3], vec![0.0; 3]);
    let y = crate::reference::run(&pair.forward, std::slice::from_ref(&x)).unwrap();
    let seed = crate::reference::Array::new(vec![1, 1], vec![1.0]);
    let inputs = super::backward_inputs(&pair, &seed, &[x], &y);
    assert_eq!(crate::reference::run(&pair.backward, &inputs).unwrap()[0].data, [0.0; 3]);
}

#[test]
fn products_of_matrices() {
    for (ta, tb) in [(0, 0), (0, 1)] {
        let shape = if tb == 1 { [5, 4] } else { [4, 5] };
        let attributes =
            [("transA", Int(ta)), ("transB", Int(tb)), ("alpha", Float(0.5)), ("beta", Float(1.5))];
        let model = Model::new(&[4]).weight("w", &shape, numbers(20, 2)).weight("c", &[5], numbers(5, 3));
        model.node("Gemm", &["x", "w", "c"], &attributes).check(&["w", "c"], &numbers(12, 4));
    }
    // The batch as the second dimension: the input on the right, or transposed on the left.
    let model = Model::new(&[4]).weight("w", &[3, 4], numbers(12, 2));
    model.node("Gemm", &["w", "x"], &[("transB", Int(1))]).check(&["w"], &numbers(8, 4));
    let model = Model::new(&[4]).weight("w", &[4, 3], numbers(12, 2));
    model.node("Gemm", &["w", "x"], &[("transA", Int(1)), ("transB", Int(1))]).check(&["w"], &numbers(8, 4));
    let shapes: [(&[usize], &[usize]); 7] = [
        (&[4], &[4, 5]),
        (&[3, 4], &[4, 5]),
        (&[2, 3, 4], &[4, 5]),
        (&[2, 3, 4], &[2, 4, 5]),
        (&[2, 3, 4], &[1, 4, 5]),
        (&[3, 4], &[4]),
        (&[4], &[4]),
    ];
    for (row, w) in shapes {
        let model = Model::new(row).weight("w", w, numbers(w.iter().product(), 2));
        model.node("MatMul", &["x", "w"], &[]).check(&["w"], &numbers(2 * row.iter().product::<usize>(), 4));
    }
    let model = Model::new(&[4, 3]).weight("w", &[5, 4], numbers(20, 2));
    model.node("MatMul", &["w", "x"], &[]).check(&["w"], &numbers(24, 4));
    let model = Model::new(&[4, 3]).weight("w", &[4], numbers(4, 2));
    model.node("MatMul", &["w", "x"], &[]).check(&["w"], &numbers(24, 4));
    // Both sides depend on the input.
    let model = Model::new(&[3, 4]).node_to("Transpose", &["x"], &["t"], &[("perm", Ints(vec![0, 2, 1]))]);
    model.node("MatMul", &["x", "t"], &[]).check(&[], &numbers(24, 4));
}

#[test]
fn einsum() {
    let cases: [(&str, &[usize], &[usize]); 8] = [
        ("bi,ij->bj", &[3], &[3, 4]),
        ("bsi,ij->bsj", &[2, 3], &[3, 4]),
        ("bhqd,hdk->bhqk", &[2, 3, 4], &[2, 4, 5]),
        ("bij,jk->kbi", &[3, 4], &[4, 2]),
        ("...i,ij->...j", &[2, 3], &[3, 4]),
        ("bij,ij->bi", &[3, 4], &[3, 4]),
        ("bi,j->bij", &[3], &[4]),
        ("bi,ji", &[3], &[4, 3]),
    ];
    for (equation, row, w) in cases {
        let model = Model::new(row).weight("w", w, numbers(w.iter().product(), 2));
        let n = 2 * row.iter().product::<usize>();
        model
            .node("Einsum", &["x", "w"], &[("equation", Text(equation.into()))])
            .check(&["w"], &numbers(n, 4));
    }
    let model = Model::new(&[3, 4]);
    model.node("Einsum", &["x"], &[("equation", Text("bij->bj".into()))]).check(&[], &numbers(24, 4));
}

#[test]
fn normalisations() {
    let vector = |n, seed| numbers(n, seed);
    let model = Model::new(&[3, 4]).weight("s", &[4], vector(4, 1)).weight("b", &[4], vector(4, 2));
    model.node("LayerNormalization", &["x", "s", "b"], &[]).check(&["s", "b"], &numbers(24, 4));
    let model = Model::new(&[3, 4]).weight("s", &[3, 4], vector(12, 1));
    model.node("LayerNormalization", &["x", "s"], &[("axis", Int(1))]).check(&["s"], &numbers(24, 4));
    let model = Model::new(&[3, 2, 2])
        .weight("s", &[3], vector(3, 1))
        .weight("b", &[3], vector(3, 2))
        .weight("m", &[3], vector(3, 3))
        .weight("v", &[3], positive(3, 4));
    model.node("BatchNormalization", &["x", "s", "b", "m", "v"], &[]).check(&["s", "b"], &numbers(24, 4));
    let model = Model::new(&[3, 2, 2]).weight("s", &[3], vector(3, 1)).weight("b", &[3], vector(3, 2));
    model.node("InstanceNormalization", &["x", "s", "b"], &[]).check(&["s", "b"], &numbers(24, 4));
    for (opset, n) in [(18, 2), (21, 4)] {
        let model =
            Model::new(&[4, 3]).opset(opset).weight("s", &[n], vector(n, 1)).weight("b", &[n], vector(n, 2));
        let groups = [("num_groups", Int(2))];
        model.node("GroupNormalization", &["x", "s", "b"], &groups).check(&["s", "b"], &numbers(24, 4));
    }
    let model = Model::new(&[5, 2, 1]);
    let attributes = [("size", Int(3)), ("alpha", Float(0.3)), ("beta", Float(0.75))];
    model.node("LRN", &["x"], &attributes).check(&[], &numbers(20, 4));
}

#[test]
fn values_that_move() {
    let x = numbers(24, 4);
    let row = [3, 4];
    let model = || Model::new(&row);
    model().ints("s", &[0, 2, 6]).node("Reshape", &["x", "s"], &[]).check(&[], &x);
    model().ints("s", &[-1, 12]).node("Reshape", &["x", "s"], &[]).check(&[], &x);
    model().node("Transpose", &["x"], &[("perm", Ints(vec![2, 0, 1]))]).check(&[], &x);
    model().ints("a", &[1, -1]).node("Unsqueeze", &["x", "a"], &[]).check(&[], &x);
    Model::new(&[1, 4]).ints("a", &[1]).node("Squeeze", &["x", "a"], &[]).check(&[], &x);
    Model::new(&[1, 4]).opset(11).node("Squeeze", &["x"], &[("axes", Ints(vec![1]))]).check(&[], &x);
    Model::new(&[1, 4]).ints("s", &[1, 3, 4]).node("Expand", &["x", "s"], &[]).check(&[], &x);
    model().ints("r", &[1, 2, 3]).node("Tile", &["x", "r"], &[]).check(&[], &x);
    model()
        .weight("w", &[1, 4], numbers(4, 2))
        .node_to("Add", &["x", "w"], &["z"], &[])
        .node("Concat", &["x", "z"], &[("axis", Int(-1))])
        .check(&["w"], &x);
    let cuts: [[&[i64]; 4]; 5] = [
        [&[1], &[3], &[2], &[1]],
        [&[0], &[i64::MAX], &[2], &[2]],
        [&[-1], &[i64::MIN + 1], &[2], &[-1]],
        [&[3, 0], &[0, 2], &[2, 1], &[-2, 1]],
        [&[1], &[4], &[-1], &[3]],
    ];
    for [starts, ends, axes, steps] in cuts {
        let model = model().ints("s", starts).ints("e", ends).ints("a", axes).ints("t", steps);
        model.node("Slice", &["x", "s", "e", "a", "t"], &[]).check(&[], &x);
    }
    for (mode, pads) in [
        ("constant", [0, 1, 0, 0, 2, 1]),
        ("constant", [0, -1, 1, 0, 0, -2]),
        ("reflect", [0, 1, 2, 0, 1, 1]),
        ("edge", [0, 2, 0, 0, 0, 3]),
    ] {
        let model = model().ints("p", &pads);
        model.node("Pad", &["x", "p"], &[("mode", Text(mode.into()))]).check(&[], &x);
    }
    for indices in [&[2][..], &[0, 1], &[1, 1, 0], &[2, 0], &[-1, 0]] {
        model().ints("i", indices).node("Gather", &["x", "i"], &[("axis", Int(1))]).check(&[], &x);
    }
    model()
        .ints("s", &[1, 3])
        .node_to("Split", &["x", "s"], &["a", "b"], &[("axis", Int(2))])
        .node("Mul", &["a", "b"], &[])
        .check(&[], &x);
    model()
        .opset(11)
        .node_to("Split", &["x"], &["a", "b"], &[("axis", Int(2)), ("split", Ints(vec![2, 2]))])
        .node("Mul", &["a", "b"], &[])
        .check(&[], &x);
    Model::new(&[4, 2, 1]).node("DepthToSpace", &["x"], &[("blocksize", Int(2))]).check(&[], &numbers(16, 3));
    let crd = [("blocksize", Int(2)), ("mode", Text("CRD".into()))];
    Model::new(&[4, 2, 1]).node("DepthToSpace", &["x"], &crd).check(&[], &numbers(16, 3));
    Model::new(&[1, 2, 4]).node("SpaceToDepth", &["x"], &[("blocksize", Int(2))]).check(&[], &numbers(16, 3));
    model().node("Trilu", &["x"], &[("upper", Int(0))]).check(&[], &x);
    Model::new(&[1, 2, 2])
        .weight("roi", &[0], Vec::new())
        .weight("f", &[4], vec![1.0, 1.0, 2.0, 3.0])
        .node("Resize", &["x", "roi", "f"], &[("mode", Text("nearest".into()))])
        .check(&[], &numbers(8, 3));
}

/// The shape arithmetic that exporters write: `x.reshape(x.shape[0], -1, 2)`, and a token for each row.
#[test]
fn shapes_that_follow_the_batch() {
    let model = Model::new(&[3, 4])
        .ints("zero", &[0])
        .ints("one", &[1])
        .ints("rest", &[-1, 2])
        .node_to("Shape", &["x"], &["all"], &[])
        .node_to("Gather", &["all", "zero"], &["n"], &[])
        .node_to("Concat", &["n", "rest"], &["to"], &[("axis", Int(0))]);
    model.node("Reshape", &["x", "to"], &[]).check(&[], &numbers(24, 4));
    let model = Model::new(&[3, 4])
        .ints("zero", &[0])
        .ints("rest", &[1, 4])
        .weight("token", &[1, 1, 4], numbers(4, 2))
        .node_to("Shape", &["x"], &["all"], &[])
        .node_to("Gather", &["all", "zero"], &["n"], &[])
        .node_to("Concat", &["n", "rest"], &["to"], &[("axis", Int(0))])
        .node_to("Expand", &["token", "to"], &["tokens"], &[]);
    model.node("Concat", &["tokens", "x"], &[("axis", Int(1))]).check(&["token"], &numbers(24, 4));
}

#[test]
fn rows_of_a_table_by_computed_numbers() {
    // x holds whole numbers; what is differentiated is the table.
    let model = Model::new(&[3])
        .weight("table", &[4, 2], numbers(8, 2))
        .node_to("Cast", &["x"], &["i"], &[("to", Int(7))])
        .node("Gather", &["table", "i"], &[]);
    let pair = model.pair(&["table"], crate::fused::Lowering::Portable).unwrap();
    let array = |shape: &[usize], v: &[f32]| super::array(shape, v);
    let fed = [array(&[2, 3], &[0.0, 3.0, 3.0, 1.0, 0.0, 3.0]), array(&[4, 2], &numbers(8, 2))];
    let y = crate::reference::run(&pair.forward, &fed).unwrap();
    let seed = array(&[2, 3, 2], &[1.0; 12]);
    let inputs = super::backward_inputs(&pair, &seed, &fed, &y);
    let gradients = crate::reference::run(&pair.backward, &inputs).unwrap();
    assert_eq!(gradients[0].data, [0.0; 6]);
    assert_eq!(gradients[1].data, [2.0, 2.0, 1.0, 1.0, 0.0, 0.0, 3.0, 3.0]);
    super::engine_agrees(&pair, &fed, &seed, &y[0], &gradients);
}

/// A window over one or two dimensions, with the input it slides over.
#[derive(Debug, Clone)]
struct Window {
    size: Vec<usize>,
    kernel: Vec<i64>,
    strides: Vec<i64>,
    dilations: Vec<i64>,
    pads: Vec<i64>,
    ceil: bool,
    include: bool,
    seed: u64,
}

fn window() -> impl Strategy<Value = Window> {
    (1usize..=2).prop_flat_map(|rank| {
        let axes = |range: std::ops::RangeInclusive<i64>| vec(range, rank);
        (
            vec(3usize..=6, rank),
            axes(1..=3),
            axes(1..=3),
            axes(1..=2),
            vec(0i64..=2, 2 * rank),
            any::<(bool, bool, u64)>(),
        )
            .prop_map(|(size, kernel, strides, dilations, pads, (ceil, include, seed))| {
                let mut w = Window { size, kernel, strides, dilations, pads, ceil, include, seed };
                let rank = w.size.len();
                for at in 0..rank {
                    // No window lies in the padding alone, and the kernel fits.
                    let span = w.dilations[at] * (w.kernel[at] - 1) + 1;
                    w.pads[at] = w.pads[at].min(span - 1);
                    w.pads[at + rank] = w.pads[at + rank].min(span - 1);
                    if span > w.size[at] as i64 + w.pads[at] + w.pads[at + rank] {
                        w.dilations[at] = 1;
                        let span = w.kernel[at];
                        w.pads[at] = w.pads[at].min(span - 1);
                        w.pads[at + rank] = w.pads[at + rank].min(span - 1);
                    }
                }
                w
            })
    })
}

impl Window {
    fn attributes(&self) -> Vec<(&'static str, Attribute)> {
        vec![
            ("kernel_shape", Ints(self.kernel.clone())),
            ("strides", Ints(self.strides.clone())),
            ("dilations", Ints(self.dilations.clone())),
            ("pads", Ints(self.pads.clone())),
        ]
    }

    fn kernel(&self, outs: usize, ins: usize) -> (Vec<usize>, usize) {
        let mut shape = vec![outs, ins];
        shape.extend(self.kernel.iter().map(|k| *k as usize));
        let n = shape.iter().product();
        (shape, n)
    }

    fn row(&self, channels: usize) -> Vec<usize> {
        [&[channels], &self.size[..]].concat()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn convolutions(w in window(), group in 1usize..=2) {
        let (shape, n) = w.kernel(2 * group, 2);
        let row = w.row(2 * group);
        let mut attributes = w.attributes();
        attributes.push(("group", Int(group as i64)));
        let model = Model::new(&row)
            .weight("w", &shape, numbers(n, w.seed))
            .weight("b", &[2 * group], numbers(2 * group, 1));
        let x = numbers(2 * row.iter().product::<usize>(), w.seed ^ 7);
        model.node("Conv", &["x", "w", "b"], &attributes).check(&["w", "b"], &x);
    }

    #[test]
    fn transposed_convolutions(w in window(), group in 1usize..=2, extra in 0i64..=1) {
        let (shape, n) = w.kernel(2 * group, 2);
        let row = w.row(2 * group);
        let mut attributes = w.attributes();
        attributes.push(("group", Int(group as i64)));
        let extra = w.strides.iter().map(|s| extra.min(s - 1)).collect();
        attributes.push(("output_padding", Ints(extra)));
        let model = Model::new(&row)
            .weight("w", &shape, numbers(n, w.seed))
            .weight("b", &[2 * group], numbers(2 * group, 1));
        let x = numbers(2 * row.iter().product::<usize>(), w.seed ^ 7);
        model.node("ConvTranspose", &["x", "w", "b"], &attributes).check(&["w", "b"], &x);
    }

    #[test]
    fn pools(w in window()) {
        let row = w.row(2);
        let x = numbers(2 * row.iter().product::<usize>(), w.seed);
        let mut attributes = w.attributes();
        // The embedded engine does not dilate pools; float64 does, below.
        attributes[2].1 = Ints(vec![1; w.size.len()]);
        let rank = w.size.len();
        let pads = (0..2 * rank).map(|at| w.pads[at].min(w.kernel[at % rank] - 1)).collect();
        attributes[3].1 = Ints(pads);
        attributes.push(("ceil_mode", Int(i64::from(w.ceil))));
        Model::new(&row).node("MaxPool", &["x"], &attributes).check(&[], &x);
        attributes.push(("count_include_pad", Int(i64::from(w.include))));
        Model::new(&row).node("AveragePool", &["x"], &attributes).check(&[], &x);
    }
}

#[test]
fn global_pools_and_padding_by_rule() {
    for operator in ["GlobalAveragePool", "GlobalMaxPool"] {
        Model::new(&[2, 3, 3]).node(operator, &["x"], &[]).check(&[], &numbers(36, 3));
    }
    for rule in ["SAME_UPPER", "SAME_LOWER", "VALID"] {
        let attributes = [
            ("auto_pad", Text(rule.into())),
            ("kernel_shape", Ints(vec![2, 3])),
            ("strides", Ints(vec![2, 2])),
        ];
        let model = Model::new(&[1, 5, 6]).weight("w", &[2, 1, 2, 3], numbers(12, 1));
        model.node("Conv", &["x", "w"], &attributes).check(&["w"], &numbers(60, 3));
        Model::new(&[1, 5, 6]).node("MaxPool", &["x"], &attributes).check(&[], &numbers(60, 3));
    }
}

/// Equal values: the first of a window gets it all, as in PyTorch.
#[test]
fn ties_go_to_the_first_maximum() {
    let attributes = [("kernel_shape", Ints(vec![2])), ("strides", Ints(vec![1]))];
    let model = Model::new(&[1, 4]).node("MaxPool", &["x"], &attributes);
    for lowering in [crate::fused::Lowering::Portable, crate::fused::Lowering::Fused] {
        let pair = model.pair(&[], lowering).unwrap();
        let x = super::array(&[1, 1, 4], &[1.0, 1.0, 1.0, 0.0]);
        let y = crate::reference::run(&pair.forward, std::slice::from_ref(&x)).unwrap();
        let seed = super::array(&[1, 1, 3], &[1.0, 10.0, 100.0]);
        let inputs = super::backward_inputs(&pair, &seed, &[x], &y);
        let dx = crate::reference::run(&pair.backward, &inputs).unwrap();
        assert_eq!(dx[0].data, [1.0, 10.0, 100.0, 0.0], "{lowering:?}");
    }
}

#[test]
fn steps_are_taken_for_the_identity_and_named() {
    for operator in ["Round", "Floor", "Ceil", "Sign"] {
        let model = Model::new(&[3]).weight("k", &[], vec![8.0]);
        let model = model.node_to("Mul", &["x", "k"], &["z"], &[]).node(operator, &["z"], &[]);
        let pair = model.pair(&[], crate::fused::Lowering::Portable).unwrap();
        assert_eq!(pair.straight_through, [format!("{operator}1")]);
        let x = super::array(&[1, 3], &[0.11, 0.52, -0.33]);
        let y = crate::reference::run(&pair.forward, std::slice::from_ref(&x)).unwrap();
        let seed = super::array(&[1, 3], &[1.0, 2.0, 3.0]);
        let inputs = super::backward_inputs(&pair, &seed, &[x], &y);
        assert_eq!(crate::reference::run(&pair.backward, &inputs).unwrap()[0].data, [8.0, 16.0, 24.0]);
    }
}

#[test]
fn quantised_pairs_pass_where_they_do_not_saturate() {
    let mut model = Model::new(&[4]).weight("scale", &[], vec![0.1]);
    let zero = crate::graph::Constant {
        shape: Vec::new(),
        element: proofhouse_artifact::onnx::ElementType(3),
        values: crate::graph::Values::Int(vec![5]),
    };
    model.graph.constants.insert("zero".into(), zero);
    let model = model.node_to("QuantizeLinear", &["x", "scale", "zero"], &["q"], &[]).node(
        "DequantizeLinear",
        &["q", "scale", "zero"],
        &[],
    );
    let pair = model.pair(&[], crate::fused::Lowering::Portable).unwrap();
    assert_eq!(pair.straight_through, ["QuantizeLinear0"]);
    let fed = [super::array(&[1, 4], &[0.33, -1.27, 20.0, -14.0])];
    let y = crate::reference::run(&pair.forward, &fed).unwrap();
    let seed = super::array(&[1, 4], &[1.0, 2.0, 3.0, 4.0]);
    let inputs = super::backward_inputs(&pair, &seed, &fed, &y);
    let dx = crate::reference::run(&pair.backward, &inputs).unwrap();
    for (have, want) in dx[0].data.iter().zip([1.0, 2.0, 0.0, 0.0]) {
        assert!((have - want).abs() < 1e-12);
    }
    super::engine_agrees(&pair, &fed, &seed, &y[0], &dx);
}
