//! Every other operator against float64 arithmetic.

use proofhouse_onnx::graph::Attribute;
use proptest::prelude::*;

use super::graphs::{Array, Build, Given, apply, array, close, ints, run};

fn wide(x: &[f32]) -> Vec<f64> {
    x.iter().map(|v| f64::from(*v)).collect()
}

#[test]
fn functions_of_one_value() {
    let x: Array = (vec![7, 37], array(&[7, 37], 4).1.iter().map(|v| v * 4.0).collect());
    let positive: Array = (x.0.clone(), x.1.iter().map(|v| v.abs() + 0.01).collect());
    let number = |v: f32| Attribute::Float(v);
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let softplus = |x: f64| x.exp().ln_1p();
    type Function = Box<dyn Fn(f64) -> f64>;
    #[rustfmt::skip]
    let cases: Vec<(&str, Given<'_>, Function)> = vec![
        ("Abs", vec![], Box::new(f64::abs)),
        ("Ceil", vec![], Box::new(f64::ceil)),
        ("Cos", vec![], Box::new(f64::cos)),
        ("Elu", vec![("alpha", number(0.5))], Box::new(|x| if x < 0.0 { 0.5 * x.exp_m1() } else { x })),
        ("Exp", vec![], Box::new(f64::exp)),
        ("Floor", vec![], Box::new(f64::floor)),
        ("Gelu", vec![("approximate", Attribute::Text("tanh".into()))],
            Box::new(|x| 0.5 * x * (1.0 + (0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x)).tanh()))),
        ("HardSigmoid", vec![], Box::new(|x| (0.2 * x + 0.5).clamp(0.0, 1.0))),
        ("HardSwish", vec![], Box::new(|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0))),
        ("LeakyRelu", vec![("alpha", number(0.25))], Box::new(|x| if x < 0.0 { 0.25 * x } else { x })),
        ("Mish", vec![], Box::new(move |x| x * softplus(x).tanh())),
        ("Neg", vec![], Box::new(|x| -x)),
        ("Relu", vec![], Box::new(|x| x.max(0.0))),
        ("Round", vec![], Box::new(f64::round_ties_even)),
        ("Selu", vec![], Box::new(|x| 1.050_700_987 * if x < 0.0 { 1.673_263_242 * x.exp_m1() } else { x })),
        ("Sigmoid", vec![], Box::new(sigmoid)),
        ("Sign", vec![], Box::new(|x| if x == 0.0 { 0.0 } else { x.signum() })),
        ("Sin", vec![], Box::new(f64::sin)),
        ("Softplus", vec![], Box::new(softplus)),
        ("Softsign", vec![], Box::new(|x| x / (1.0 + x.abs()))),
        ("Tanh", vec![], Box::new(f64::tanh)),
        ("ThresholdedRelu", vec![("alpha", number(0.7))], Box::new(|x| if x > f64::from(0.7f32) { x } else { 0.0 })),
    ];
    for (name, attributes, function) in cases {
        let found = apply(name, &[&x], &attributes).unwrap_or_else(|e| panic!("{name}: {e}"));
        let exact: Vec<f64> = wide(&x.1).into_iter().map(function).collect();
        println!("{name}");
        close(&found.1, &exact, 3e-6);
    }
    for (name, function) in
        [("Log", f64::ln as fn(f64) -> f64), ("Sqrt", f64::sqrt), ("Reciprocal", |x| 1.0 / x)]
    {
        let found = apply(name, &[&positive], &[]).unwrap();
        let exact: Vec<f64> = wide(&positive.1).into_iter().map(function).collect();
        close(&found.1, &exact, 3e-6);
    }
    // Values of the error function from Abramowitz and Stegun, table 7.1.
    let at = (vec![4], vec![0.0, 0.5, -1.0, 2.0]);
    close(
        &apply("Erf", &[&at], &[]).unwrap().1,
        &[0.0, 0.520_499_877_8, -0.842_700_792_9, 0.995_322_265_0],
        1e-6,
    );
    close(
        &apply("Gelu", &[&at], &[]).unwrap().1,
        &[0.0, 0.345_731_230_6, -0.158_655_253_9, 1.954_499_736_1],
        1e-6,
    );
}

/// A shape, and one that broadcasts with it: some sizes 1, some leading dimensions missing.
fn broadcasting() -> impl Strategy<Value = (Vec<usize>, Vec<usize>)> {
    (proptest::collection::vec(1usize..5, 0..5), any::<u8>(), 0usize..3).prop_map(|(shape, ones, missing)| {
        let other: Vec<usize> =
            shape.iter().enumerate().map(|(d, n)| if ones >> d & 1 == 1 { 1 } else { *n }).collect();
        (shape, other[missing.min(other.len())..].to_vec())
    })
}

/// An element of an array seen under a shape that it broadcasts to.
fn seen(a: &Array, out: &[usize], flat: usize) -> f64 {
    let (mut rest, mut at, mut step) = (flat, 0, 1);
    for d in (0..out.len()).rev() {
        let i = rest % out[d];
        rest /= out[d];
        if let Some(own) = (d + a.0.len()).checked_sub(out.len()) {
            if a.0[own] != 1 {
                at += i * step;
            }
            step *= a.0[own];
        }
    }
    f64::from(a.1[at])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn functions_of_two_values((left, right) in broadcasting(), swapped in any::<bool>(), seed in any::<u64>()) {
        let (left, right) = if swapped { (right, left) } else { (left, right) };
        let (a, b) = (array(&left, seed), array(&right, seed ^ 7));
        let b = (b.0, b.1.iter().map(|v| if v.abs() < 0.01 { 0.5 } else { *v }).collect::<Vec<_>>());
        type Function = fn(f64, f64) -> f64;
        let cases: [(&str, Function); 7] = [
            ("Add", |a, b| a + b),
            ("Sub", |a, b| a - b),
            ("Mul", |a, b| a * b),
            ("Div", |a, b| a / b),
            ("Max", f64::max),
            ("Min", f64::min),
            ("PRelu", |a, b| if a < 0.0 { a * b } else { a }),
        ];
        let rank = a.0.len().max(b.0.len());
        let size = |a: &Array, d: usize| (d + a.0.len()).checked_sub(rank).map_or(1, |i| a.0[i]);
        let out: Vec<usize> = (0..rank).map(|d| size(&a, d).max(size(&b, d))).collect();
        let n: usize = out.iter().product();
        for (name, function) in cases {
            let found = apply(name, &[&a, &b], &[]).unwrap();
            prop_assert_eq!(&found.0, &out);
            let exact: Vec<f64> = (0..n).map(|i| function(seen(&a, &out, i), seen(&b, &out, i))).collect();
            close(&found.1, &exact, 1e-6);
        }
        // A comparison, and what it chooses.
        let build = Build::new()
            .input("a", &a.0.iter().map(|n| *n as i64).collect::<Vec<_>>())
            .input("b", &b.0.iter().map(|n| *n as i64).collect::<Vec<_>>())
            .node("GreaterOrEqual", &["a", "b"], "c")
            .node("Not", &["c"], "d")
            .node("Where", &["d", "a", "b"], "y")
            .output("y");
        let found = run(&build.engine(1), &[&a, &b]).unwrap().remove(0);
        let exact: Vec<f64> = (0..n).map(|i| seen(&a, &out, i).min(seen(&b, &out, i))).collect();
        close(&found.1, &exact, 0.0);
    }

    #[test]
    fn reductions(shape in proptest::collection::vec(1usize..5, 1..5), mask in 1u8..16, keep in any::<bool>(), seed in any::<u64>()) {
        let x = array(&shape, seed);
        let over: Vec<usize> = (0..shape.len()).filter(|d| mask >> d & 1 == 1).collect();
        prop_assume!(!over.is_empty());
        let kept: Vec<usize> = (0..shape.len()).map(|d| if over.contains(&d) { 1 } else { shape[d] }).collect();
        let out: Vec<usize> = (0..shape.len()).filter(|d| keep || !over.contains(d)).map(|d| kept[d]).collect();
        let mut groups = vec![Vec::new(); kept.iter().product()];
        for (flat, v) in x.1.iter().enumerate() {
            let (mut rest, mut at, mut step) = (flat, 0, 1);
            for d in (0..shape.len()).rev() {
                if !over.contains(&d) {
                    at += rest % shape[d] * step;
                    step *= shape[d];
                }
                rest /= shape[d];
            }
            groups[at].push(f64::from(*v));
        }
        type Function = fn(&[f64]) -> f64;
        let cases: [(&str, Function); 8] = [
            ("ReduceSum", |v| v.iter().sum()),
            ("ReduceMean", |v| v.iter().sum::<f64>() / v.len() as f64),
            ("ReduceMax", |v| v.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
            ("ReduceMin", |v| v.iter().copied().fold(f64::INFINITY, f64::min)),
            ("ReduceProd", |v| v.iter().product()),
            ("ReduceL1", |v| v.iter().map(|x| x.abs()).sum()),
            ("ReduceL2", |v| v.iter().map(|x| x * x).sum::<f64>().sqrt()),
            ("ReduceLogSumExp", |v| v.iter().map(|x| x.exp()).sum::<f64>().ln()),
        ];
        for (name, function) in cases {
            let build = Build::new()
                .input("x", &shape.iter().map(|n| *n as i64).collect::<Vec<_>>())
                .ints("axes", &over.iter().map(|d| *d as i64 - shape.len() as i64).collect::<Vec<_>>())
                .node_with(name, &["x", "axes"], "y", &[("keepdims", Attribute::Int(i64::from(keep)))])
                .output("y");
            let found = run(&build.engine(1), &[&x]).unwrap().remove(0);
            prop_assert_eq!(&found.0, &out);
            close(&found.1, &groups.iter().map(|g| function(g)).collect::<Vec<_>>(), 1e-5);
        }
    }

    #[test]
    fn products(m in 1usize..20, k in 1usize..40, n in 1usize..50, turn in any::<[bool; 2]>(), seed in any::<u64>()) {
        let a = array(&if turn[0] { [k, m] } else { [m, k] }, seed);
        let b = array(&if turn[1] { [n, k] } else { [k, n] }, seed ^ 1);
        let at = |i: usize, l: usize| f64::from(a.1[if turn[0] { l * m + i } else { i * k + l }]);
        let bt = |l: usize, j: usize| f64::from(b.1[if turn[1] { j * k + l } else { l * n + j }]);
        for bias in [vec![n], vec![m, n], vec![1, n], vec![m, 1], vec![]] {
            let c = array(&bias, seed ^ 2);
            let exact: Vec<f64> = (0..m * n)
                .map(|f| {
                    let sum: f64 = (0..k).map(|l| at(f / n, l) * bt(l, f % n)).sum();
                    sum * f64::from(1.5f32) + seen(&c, &[m, n], f) * 0.5
                })
                .collect();
            let attributes = [
                ("transA", Attribute::Int(i64::from(turn[0]))),
                ("transB", Attribute::Int(i64::from(turn[1]))),
                ("alpha", Attribute::Float(1.5)),
                ("beta", Attribute::Float(0.5)),
            ];
            close(&apply("Gemm", &[&a, &b, &c], &attributes).unwrap().1, &exact, 2e-5);
        }
        let exact: Vec<f64> = (0..m * n)
            .map(|f| (0..k).map(|l| at(f / n, l) * bt(l, f % n)).sum::<f64>() + f64::from(seed as u8))
            .collect();
        let c = (vec![n], vec![f32::from(seed as u8); n]);
        let attributes =
            [("transA", Attribute::Int(i64::from(turn[0]))), ("transB", Attribute::Int(i64::from(turn[1])))];
        close(&apply("Gemm", &[&a, &b, &c], &attributes).unwrap().1, &exact, 2e-5);
    }

    #[test]
    fn many_products_at_once((left, right) in broadcasting(), m in 1usize..4, k in 1usize..6, n in 1usize..18, seed in any::<u64>()) {
        let with = |outer: &[usize], h, w| [outer, &[h, w]].concat();
        let (a, b) = (array(&with(&left, m, k), seed), array(&with(&right, k, n), seed ^ 1));
        let out = left.clone();
        let count: usize = out.iter().product();
        let first = |a: &[usize], matrix: usize| -> Vec<usize> {
            let places: Array = (a.to_vec(), (0..a.iter().product::<usize>()).map(|i| i as f32).collect());
            (0..count).map(|i| seen(&places, &out, i) as usize * matrix).collect()
        };
        let (ai, bi) = (first(&left, m * k), first(&right, k * n));
        let exact: Vec<f64> = (0..count * m * n)
            .map(|f| {
                let (o, i, j) = (f / (m * n), f / n % m, f % n);
                (0..k).map(|l| f64::from(a.1[ai[o] + i * k + l]) * f64::from(b.1[bi[o] + l * n + j])).sum()
            })
            .collect();
        let found = apply("MatMul", &[&a, &b], &[]).unwrap();
        prop_assert_eq!(&found.0, &with(&out, m, n));
        close(&found.1, &exact, 1e-5);
    }

    #[test]
    fn movements(shape in proptest::collection::vec(1usize..5, 1..5), seed in any::<u64>()) {
        let rank = shape.len();
        let x = array(&shape, seed);
        let dims: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        let strides: Vec<usize> = (0..rank).map(|d| shape[d + 1..].iter().product()).collect();
        // Each output element by the indices it has.
        let expect = |out: &[usize], pick: &dyn Fn(&[usize]) -> Option<usize>| -> Vec<f64> {
            (0..out.iter().product())
                .map(|flat: usize| {
                    let mut rest = flat;
                    let mut index = vec![0; out.len()];
                    for d in (0..out.len()).rev() {
                        index[d] = rest % out[d];
                        rest /= out[d];
                    }
                    pick(&index).map_or(0.0, |at| f64::from(x.1[at]))
                })
                .collect()
        };
        let mut order: Vec<usize> = (0..rank).collect();
        order.rotate_left(seed as usize % rank);
        let out: Vec<usize> = order.iter().map(|d| shape[*d]).collect();
        let found = apply("Transpose", &[&x], &[("perm", ints(&order))]).unwrap();
        close(&found.1, &expect(&out, &|i| Some((0..rank).map(|d| i[d] * strides[order[d]]).sum())), 0.0);

        // Every second element of the last dimension, from its end.
        let axis = rank - 1;
        let slice = Build::new()
            .input("x", &dims)
            .ints("starts", &[-1])
            .ints("ends", &[-1000])
            .ints("axes", &[axis as i64])
            .ints("steps", &[-2])
            .node("Slice", &["x", "starts", "ends", "axes", "steps"], "y")
            .output("y");
        let mut out = shape.clone();
        out[axis] = shape[axis].div_ceil(2);
        let found = run(&slice.engine(1), &[&x]).unwrap().remove(0);
        prop_assert_eq!(&found.0, &out);
        let pick = |i: &[usize]| {
            let last = shape[axis] - 1 - 2 * i[axis];
            Some((0..axis).map(|d| i[d] * strides[d]).sum::<usize>() + last)
        };
        close(&found.1, &expect(&out, &pick), 0.0);

        // Zeros before each dimension, one element less after.
        let pads: Vec<i64> = [vec![1; rank], vec![-1; rank]].concat();
        let pad = Build::new()
            .input("x", &dims)
            .ints("pads", &pads)
            .node("Pad", &["x", "pads"], "y")
            .output("y");
        let found = run(&pad.engine(1), &[&x]).unwrap().remove(0);
        prop_assert_eq!(&found.0, &shape);
        let pick = |i: &[usize]| (0..rank).map(|d| i[d].checked_sub(1).map(|v| v * strides[d])).sum();
        close(&found.1, &expect(&shape, &pick), 0.0);

        // Twice along the first dimension, taken apart again.
        let twice = Build::new()
            .input("x", &dims)
            .node_with("Concat", &["x", "x"], "both", &[("axis", Attribute::Int(0))])
            .node_with("Split", &["both"], "a,b", &[("axis", Attribute::Int(0))])
            .output("a")
            .output("b");
        for found in run(&twice.engine(1), &[&x]).unwrap() {
            prop_assert_eq!(&found, &x);
        }
        let repeats: Vec<i64> = (0..rank).map(|d| 1 + (d as i64 + seed as i64 % 2) % 2).collect();
        let tile = Build::new().input("x", &dims).ints("r", &repeats).node("Tile", &["x", "r"], "y").output("y");
        let out: Vec<usize> = shape.iter().zip(&repeats).map(|(n, r)| n * *r as usize).collect();
        let found = run(&tile.engine(1), &[&x]).unwrap().remove(0);
        close(&found.1, &expect(&out, &|i| Some((0..rank).map(|d| i[d] % shape[d] * strides[d]).sum())), 0.0);

        // Indices from the end along the first dimension.
        let at: Vec<i64> = (0..3).map(|i| (seed as i64 >> (8 * i)).rem_euclid(dims[0]) - dims[0]).collect();
        let gather = Build::new()
            .input("x", &dims)
            .ints("at", &at)
            .node_with("Gather", &["x", "at"], "y", &[("axis", Attribute::Int(0))])
            .output("y");
        let mut out = shape.clone();
        out[0] = 3;
        let found = run(&gather.engine(1), &[&x]).unwrap().remove(0);
        let pick = |i: &[usize]| {
            let first = (at[i[0]] + dims[0]) as usize * strides[0];
            Some(first + (1..rank).map(|d| i[d] * strides[d]).sum::<usize>())
        };
        close(&found.1, &expect(&out, &pick), 0.0);
    }

    #[test]
    fn normalisations(shape in [1usize..4, 1usize..6, 1usize..5, 1usize..5], axis in 0usize..4, seed in any::<u64>()) {
        let x = array(&shape, seed);
        let (inner, size): (usize, usize) = (shape[axis + 1..].iter().product(), shape[axis]);
        let row = |flat: usize| -> Vec<f64> {
            let first = flat / (inner * size) * inner * size + flat % inner;
            (0..size).map(|i| f64::from(x.1[first + i * inner])).collect()
        };
        let soft = |flat: usize| f64::from(x.1[flat]).exp() / row(flat).iter().map(|v| v.exp()).sum::<f64>();
        let given = [("axis", Attribute::Int(axis as i64 - 4))];
        let n = x.1.len();
        close(&apply("Softmax", &[&x], &given).unwrap().1, &(0..n).map(soft).collect::<Vec<_>>(), 2e-6);
        close(&apply("LogSoftmax", &[&x], &given).unwrap().1, &(0..n).map(|i| soft(i).ln()).collect::<Vec<_>>(), 2e-6);

        // Layer normalisation over everything from an axis on.
        let width: usize = shape[axis..].iter().product();
        let (scale, bias) = (array(&shape[axis..], seed ^ 1), array(&shape[axis..], seed ^ 2));
        let given = [("axis", Attribute::Int(axis as i64)), ("epsilon", Attribute::Float(1e-3))];
        let found = apply("LayerNormalization", &[&x, &scale, &bias], &given).unwrap();
        let normal = |v: &[f64], at: f64| {
            let mean = v.iter().sum::<f64>() / v.len() as f64;
            let variance = v.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / v.len() as f64;
            (at - mean) / (variance + f64::from(1e-3f32)).sqrt()
        };
        let exact: Vec<f64> = (0..n)
            .map(|i| {
                let row = wide(&x.1[i / width * width..][..width]);
                normal(&row, f64::from(x.1[i])) * f64::from(scale.1[i % width]) + f64::from(bias.1[i % width])
            })
            .collect();
        close(&found.1, &exact, 1e-5);

        // Instance and batch normalisation by channel.
        let (c, area) = (shape[1], shape[2] * shape[3]);
        let [scale, bias, mean, variance] = [1, 2, 3, 4].map(|i| array(&[c], seed ^ i));
        let variance = (variance.0, variance.1.iter().map(|v| v.abs()).collect::<Vec<_>>());
        let given = [("epsilon", Attribute::Float(1e-3))];
        let channel = |i: usize| i / area % c;
        let found = apply("BatchNormalization", &[&x, &scale, &bias, &mean, &variance], &given).unwrap();
        let exact: Vec<f64> = (0..n)
            .map(|i| {
                let at = |a: &Array| f64::from(a.1[channel(i)]);
                (f64::from(x.1[i]) - at(&mean)) / (at(&variance) + f64::from(1e-3f32)).sqrt() * at(&scale) + at(&bias)
            })
            .collect();
        close(&found.1, &exact, 2e-5);
        let found = apply("InstanceNormalization", &[&x, &scale, &bias], &given).unwrap();
        let exact: Vec<f64> = (0..n)
            .map(|i| {
                let at = |a: &Array| f64::from(a.1[channel(i)]);
                normal(&wide(&x.1[i / area * area..][..area]), f64::from(x.1[i])) * at(&scale) + at(&bias)
            })
            .collect();
        close(&found.1, &exact, 2e-5);
    }
}

#[test]
fn scattering_is_the_reverse_of_gathering() {
    let x = array(&[3, 4], 1);
    let build = Build::new()
        .input("x", &[3, 4])
        .input("d", &[3, 2])
        .ints("flat", &[2, -1, 0, 0, 3, 1])
        .ints("shape", &[3, 2])
        .node("Reshape", &["flat", "shape"], "at")
        .node_with("GatherElements", &["x", "at"], "y", &[("axis", Attribute::Int(1))])
        .node("Sub", &["x", "x"], "zero")
        .node_with(
            "ScatterElements",
            &["zero", "at", "d"],
            "z",
            &[("axis", Attribute::Int(1)), ("reduction", Attribute::Text("add".into()))],
        )
        .output("y")
        .output("z");
    let d: Array = (vec![3, 2], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let found = run(&build.engine(1), &[&x, &d]).unwrap();
    assert_eq!(found[0].1, [x.1[2], x.1[3], x.1[4], x.1[4], x.1[11], x.1[9]]);
    assert_eq!(found[1].1, [0.0, 0.0, 1.0, 2.0, 7.0, 0.0, 0.0, 0.0, 0.0, 6.0, 0.0, 5.0]);
}

#[test]
fn integers_are_integers() {
    // Token ids, an embedding, and a mask out of comparisons.
    let table = array(&[5, 3], 2);
    let build = Build::new()
        .typed_input("ids", &[-1, 2], 7)
        .weights("table", &[5, 3], table.1.clone())
        .ints("two", &[2])
        .node_with("Gather", &["table", "ids"], "embedded", &[("axis", Attribute::Int(0))])
        .node("Greater", &["ids", "two"], "above")
        .node_with("Cast", &["above"], "mask", &[("to", Attribute::Int(1))])
        .node("Mul", &["ids", "two"], "doubled")
        .output("embedded")
        .output("mask")
        .output("doubled");
    let ids: Array = (vec![2, 2], vec![4.0, 0.0, 3.0, -1.0]);
    let found = run(&build.engine(1), &[&ids]).unwrap();
    assert_eq!(found[0].0, [2, 2, 3]);
    assert_eq!(found[0].1[..3], table.1[12..]);
    assert_eq!(found[0].1[9..], table.1[12..]);
    assert_eq!(found[1].1, [1.0, 0.0, 1.0, 0.0]);
    assert_eq!(found[2].1, [8.0, 0.0, 6.0, -2.0]);
    let broken: Array = (vec![1, 2], vec![0.5, 0.0]);
    assert!(run(&build.engine(1), &[&broken]).unwrap_err().to_string().contains("0.5"));
}
