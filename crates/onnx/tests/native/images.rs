//! Convolutions, pools and their derivatives against their definitions in float64.

use proofhouse_onnx::graph::Attribute;
use proptest::prelude::*;

use super::graphs::{Array, apply, array, close, ints};
use super::reference::{Windows, connections};

fn attributes(w: &Windows) -> Vec<(&'static str, Attribute)> {
    vec![
        ("kernel_shape", ints(&w.kernel)),
        ("strides", ints(&w.stride)),
        ("dilations", ints(&w.dilation)),
        ("pads", ints(&w.pads)),
    ]
}

prop_compose! {
    fn windows()(
        kernel in [1usize..4, 1usize..4],
        stride in [1usize..4, 1usize..4],
        dilation in [1usize..3, 1usize..3],
        pads in [0usize..3, 0usize..3, 0usize..3, 0usize..3],
        input in [1usize..10, 1usize..10],
        ceil in any::<bool>(),
    ) -> Windows {
        Windows { kernel, stride, dilation, pads, input, ceil }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn convolutions_and_their_derivatives(
        w in windows(),
        images in 1usize..4,
        (from, each, groups) in prop_oneof![
            (1usize..6, 1usize..6, 1usize..4),
            Just((16, 16, 1)), Just((16, 33, 1)), Just((32, 2, 2)), Just((1, 1, 7)), Just((2, 40, 1)),
        ],
        seed in any::<u64>(),
    ) {
        let w = Windows { ceil: false, ..w };
        let Some(out) = w.output() else { return Ok(()) };
        let (channels, to) = (from * groups, each * groups);
        let x = array(&[images, channels, w.input[0], w.input[1]], seed);
        let k = array(&[to, from, w.kernel[0], w.kernel[1]], seed ^ 1);
        let b = array(&[to], seed ^ 2);
        let d = array(&[images, to, out[0], out[1]], seed ^ 3);
        let mut given = attributes(&w);
        given.push(("group", Attribute::Int(groups as i64)));

        let sizes = [images, channels, to, groups];
        let area = out[0] * out[1];
        let mut y: Vec<f64> = (0..d.1.len()).map(|i| f64::from(b.1[i / area % to])).collect();
        let (mut dx, mut dk) = (vec![0.0; x.1.len()], vec![0.0; k.1.len()]);
        connections(&w, sizes, |result, weight, input| {
            y[result] += f64::from(x.1[input]) * f64::from(k.1[weight]);
            dx[input] += f64::from(d.1[result]) * f64::from(k.1[weight]);
            dk[weight] += f64::from(d.1[result]) * f64::from(x.1[input]);
        });
        let found = apply("Conv", &[&x, &k, &b], &given).unwrap();
        prop_assert_eq!(&found.0, &d.0);
        close(&found.1, &y, 2e-5);
        let found = apply("ai.proofhouse/ConvGradInput", &[&d, &k, &x], &given).unwrap();
        prop_assert_eq!(&found.0, &x.0);
        close(&found.1, &dx, 2e-5);
        let found = apply("ai.proofhouse/ConvGradWeight", &[&x, &d, &k], &given).unwrap();
        prop_assert_eq!(&found.0, &k.0);
        close(&found.1, &dk, 2e-5);

        // A transposed convolution is the derivative with respect to an input of the size that its pads and
        // output padding say; here output padding makes up for what the stride left over.
        let left: Vec<usize> = (0..2)
            .map(|a| {
                let used = (out[a] - 1) * w.stride[a] + w.dilation[a] * (w.kernel[a] - 1) + 1;
                w.input[a] + w.pads[a] + w.pads[a + 2] - used
            })
            .collect();
        given.push(("output_padding", ints(&left)));
        let found = apply("ConvTranspose", &[&d, &k], &given).unwrap();
        prop_assert_eq!(&found.0, &x.0);
        close(&found.1, &dx, 2e-5);
    }

    #[test]
    fn pools_and_their_derivatives(
        w in windows(),
        images in 1usize..3,
        channels in 1usize..20,
        count in any::<bool>(),
        ties in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let reach = |a: usize| w.dilation[a] * (w.kernel[a] - 1) + 1;
        let pads = [0, 1, 2, 3].map(|i: usize| w.pads[i].min(reach(i % 2) - 1));
        let w = Windows { pads, ..w };
        let Some(out) = w.output() else { return Ok(()) };
        // A window of nothing but padding has no maximum.
        let mut seen = vec![0; out[0] * out[1]];
        w.each(|at, _, _| seen[at[0] * out[1] + at[1]] += 1);
        prop_assume!(seen.iter().all(|n| *n > 0));

        let mut x = array(&[images, channels, w.input[0], w.input[1]], seed);
        if ties {
            x.1.iter_mut().for_each(|v| *v = (*v * 2.0).round());
        }
        let d = array(&[images, channels, out[0], out[1]], seed ^ 3);
        let mut given = attributes(&w);
        given.push(("ceil_mode", Attribute::Int(i64::from(w.ceil))));
        let planes = images * channels;
        let (inner, outer) = (w.input[0] * w.input[1], out[0] * out[1]);

        // The pixels of each window, in order.
        let mut pixels = vec![Vec::new(); outer];
        w.each(|at, _, p| pixels[at[0] * out[1] + at[1]].push(p[0] * w.input[1] + p[1]));
        let (mut most, mut to_most) = (Vec::new(), vec![0.0; x.1.len()]);
        let (mut mean, mut to_mean) = (Vec::new(), vec![0.0; x.1.len()]);
        for plane in 0..planes {
            for (i, pixels) in pixels.iter().enumerate() {
                let share = f64::from(d.1[plane * outer + i]);
                let at = |p: &usize| x.1[plane * inner + p];
                let best = pixels.iter().copied().reduce(|a, b| if at(&b) > at(&a) { b } else { a }).unwrap();
                most.push(f64::from(at(&best)));
                to_most[plane * inner + best] += share;
                let number = if count { padded(&w, [i / out[1], i % out[1]]) } else { pixels.len() } as f64;
                mean.push(pixels.iter().map(|p| f64::from(at(p))).sum::<f64>() / number);
                pixels.iter().for_each(|p| to_mean[plane * inner + p] += share / number);
            }
        }
        let y = apply("MaxPool", &[&x], &given).unwrap();
        prop_assert_eq!(&y.0, &d.0);
        close(&y.1, &most, 0.0);
        let found = apply("ai.proofhouse/MaxPoolGrad", &[&x, &y, &d], &given).unwrap();
        close(&found.1, &to_most, 1e-6);
        given.push(("count_include_pad", Attribute::Int(i64::from(count))));
        let found = apply("AveragePool", &[&x], &given).unwrap();
        close(&found.1, &mean, 1e-6);
        let found = apply("ai.proofhouse/AveragePoolGrad", &[&x, &d], &given).unwrap();
        close(&found.1, &to_mean, 1e-6);
    }
}

/// Places of a window inside the image or its padding.
fn padded(w: &Windows, at: [usize; 2]) -> usize {
    (0..2)
        .map(|a| {
            let end = w.input[a] + w.pads[a] + w.pads[a + 2];
            (0..w.kernel[a]).filter(|k| at[a] * w.stride[a] + k * w.dilation[a] < end).count()
        })
        .product()
}

#[test]
fn one_spatial_dimension_is_an_image_of_height_one() {
    let (x, k) = (array(&[2, 3, 9], 1), array(&[4, 3, 3], 2));
    let flat = apply("Conv", &[&x, &k], &[("strides", ints(&[2])), ("pads", ints(&[1, 0]))]).unwrap();
    let wide = |a: &Array| (vec![a.0[0], a.0[1], 1, a.0[2]], a.1.clone());
    let image =
        apply("Conv", &[&wide(&x), &wide(&k)], &[("strides", ints(&[1, 2])), ("pads", ints(&[0, 1, 0, 0]))]);
    assert_eq!(flat.0, [2, 4, 4]);
    assert_eq!(flat.1, image.unwrap().1);
}

#[test]
fn padding_by_name_is_that_of_the_specification() {
    let (x, k) = (array(&[1, 1, 5, 6], 1), array(&[1, 1, 2, 4], 2));
    let auto = |name: &str| [("auto_pad", Attribute::Text(name.into())), ("strides", ints(&[1, 2]))];
    for (name, pads) in [("SAME_UPPER", [0, 1, 1, 1]), ("SAME_LOWER", [1, 1, 0, 1]), ("VALID", [0; 4])] {
        let by_name = apply("Conv", &[&x, &k], &auto(name)).unwrap();
        let explicit =
            apply("Conv", &[&x, &k], &[("pads", ints(&pads)), ("strides", ints(&[1, 2]))]).unwrap();
        assert_eq!(by_name, explicit, "{name}");
    }
}

#[test]
fn a_maximum_of_nan_is_nan() {
    let x = (vec![1, 1, 2, 2], vec![1.0, f32::NAN, 3.0, 2.0]);
    let y = apply("MaxPool", &[&x], &[("kernel_shape", ints(&[2, 2]))]).unwrap();
    assert!(y.1[0].is_nan());
    assert!(apply("Relu", &[&x], &[]).unwrap().1[1].is_nan());
}
