//! Certificates: never above what attacks leave, never wrong on sampled points, and as tight as they are known to be.

#![expect(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use std::collections::BTreeMap;

use proofhouse_onnx::graph::{Attribute, Constant, Graph, Node};
use proofhouse_onnx::{
    Classifier, ClassifierOptions, DifferentiableClassifier, LoadOptions, OnnxError, OutputKind, Preprocess,
    Scores, load,
};
use proofhouse_robustness::certify::{Method, Network, Region, Smoothing, certify, smooth};
use proofhouse_robustness::{Ball, Chance, Counting, LabelledRows, Norm, Pgd, Square, Threat, Victim, evade};
use proptest::prelude::*;

const CNN: &[u8] = include_bytes!("../../onnx/tests/fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_naive.onnx");
const SOFTMAX: &[u8] = include_bytes!("../../onnx/tests/fixtures/mlp_softmax.onnx");
const DIGITS: &[u8] = include_bytes!("../../onnx/tests/fixtures/digits_test.u8");

fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

fn classifier(bytes: &[u8], kind: OutputKind) -> Classifier {
    let options = ClassifierOptions {
        input_shape: vec![1, 8, 8],
        classes: 10,
        output: None,
        kind,
        preprocess: Preprocess::default(),
    };
    Classifier::new(load(bytes, &LoadOptions::default()).unwrap(), options).unwrap()
}

fn network(bytes: &[u8]) -> Network {
    Network::read(&Graph::read(bytes).unwrap(), &[1, 8, 8], None).unwrap()
}

#[test]
fn what_is_certified_withstands_attack() {
    let model = classifier(MLP, OutputKind::Logits);
    let network = network(MLP);
    let (rows, labels) = digits(40);
    let data = LabelledRows::new(&rows, &labels);
    let threat = Threat::new(Norm::Linf, 0.02);
    let by = |method| certify(&model, &network, 1.0, &data, &threat, method, 0.95).unwrap();
    let (interval, linear) = (by(Method::Interval), by(Method::Linear));
    assert!(interval.rows.iter().all(|r| linear.rows.contains(r)), "linear bounds are the tighter ones");
    assert!(linear.rows.len() >= 25 && linear.rows.len() > interval.rows.len(), "{:?}", linear.rows.len());
    let square = Square { queries: 300, seed: 1, ..Square::default() };
    let mut report =
        evade(&Victim::black_box(&model), &data, &threat, &[&square], &Counting::default(), &mut |_| {})
            .unwrap();
    assert_eq!(linear.correct, report.attacked);
    assert!(linear.rows.len() as u64 <= report.robust_correct);
    report.certify(linear.method.name(), &linear.rows).unwrap();
    assert!(report.certified.unwrap().accuracy.value <= report.robust_accuracy.value);
    // A larger radius certifies no more.
    let wider = Threat::new(Norm::Linf, 0.03);
    let wider = certify(&model, &network, 1.0, &data, &wider, Method::Linear, 0.95).unwrap();
    assert!(wider.rows.iter().all(|r| linear.rows.contains(r)));
}

#[test]
fn what_is_certified_withstands_gradients_in_three_norms() {
    let options = classifier(MLP, OutputKind::Logits).options().clone();
    let model = DifferentiableClassifier::new(MLP, options, &LoadOptions::default()).unwrap();
    let network = network(MLP);
    let (rows, labels) = digits(20);
    let data = LabelledRows::new(&rows, &labels);
    for (norm, eps) in [(Norm::Linf, 0.03), (Norm::L2, 0.2), (Norm::L1, 0.8)] {
        let threat = Threat::new(norm, eps);
        let certified = certify(&model, &network, 1.0, &data, &threat, Method::Linear, 0.95).unwrap();
        let pgd = Pgd::default();
        let victim = Victim::white_box(&model, &model);
        let mut report = evade(&victim, &data, &threat, &[&pgd], &Counting::default(), &mut |_| {}).unwrap();
        assert!(certified.rows.len() >= 5, "{norm}: {:?}", certified.rows);
        report.certify(certified.method.name(), &certified.rows).unwrap();
    }
}

#[test]
fn bounds_hold_what_the_convolutional_model_says() {
    let model = classifier(CNN, OutputKind::Logits);
    let network = network(CNN);
    let (rows, labels) = digits(3);
    for norm in [Norm::Linf, Norm::L2] {
        let threat = Threat::new(norm, if norm == Norm::Linf { 0.02 } else { 0.1 });
        for (index, row) in rows.chunks_exact(64).enumerate() {
            let ball = Ball::new(&threat, &[1, 8, 8], row);
            let region = Region::of(&ball, 1.0).unwrap();
            let bounds = network.bounds(&region, Method::Interval).unwrap();
            let margin = network.margin(&region, labels[index], Method::Interval).unwrap();
            let mut chance = Chance::new(9, "corners", index);
            let mut scores = Vec::new();
            for _ in 0..40 {
                let mut other: Vec<f32> =
                    row.iter().map(|v| v + (threat.eps * chance.sign()) as f32).collect();
                ball.project(&mut other);
                model.scores(&other, 1, &mut scores).unwrap();
                for (s, (low, high)) in scores.iter().zip(&bounds) {
                    assert!((*low..=*high).contains(&f64::from(*s)), "{s} outside {low}..={high}");
                }
                let best = scores.iter().enumerate().filter(|(c, _)| *c != labels[index]);
                let best = best.map(|(_, s)| *s).fold(f32::NEG_INFINITY, f32::max);
                assert!(f64::from(scores[labels[index]] - best) >= margin);
            }
        }
    }
    // One row with linear bounds: tighter, and certified at a small radius.
    let ball = Ball::new(&Threat::new(Norm::Linf, 0.02), &[1, 8, 8], &rows[..64]);
    let region = Region::of(&ball, 1.0).unwrap();
    let margin = |method| network.margin(&region, labels[0], method).unwrap();
    assert!(margin(Method::Linear) > margin(Method::Interval));
}

#[test]
fn a_softmax_is_left_off_and_a_point_has_its_own_scores() {
    let network = network(SOFTMAX);
    let (rows, labels) = digits(4);
    let mut scores = Vec::new();
    for (row, label) in rows.chunks_exact(64).zip(&labels) {
        let region = Region::between(row, row);
        classifier(MLP, OutputKind::Logits).scores(row, 1, &mut scores).unwrap();
        for method in [Method::Interval, Method::Linear] {
            let bounds = network.bounds(&region, method).unwrap();
            for (s, (low, high)) in scores.iter().zip(bounds) {
                assert!(
                    low <= f64::from(*s) && f64::from(*s) <= high && high - low < 1e-2,
                    "{s} {low} {high}"
                );
            }
        }
        assert!(network.margin(&region, *label, Method::Linear).unwrap() > 0.0);
    }
}

fn node(operator: &str, inputs: &[&str], output: &str, attributes: &[(&str, Attribute)]) -> Node {
    Node {
        name: output.to_owned(),
        domain: String::new(),
        operator: operator.to_owned(),
        inputs: inputs.iter().map(|s| (*s).to_owned()).collect(),
        outputs: vec![output.to_owned()],
        attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect(),
    }
}

fn graph(nodes: Vec<Node>, constants: Vec<(&str, Vec<usize>, Vec<f32>)>) -> Graph {
    let mut read = Graph::read(MLP).unwrap();
    read.inputs.truncate(1);
    read.inputs[0].name = "x".to_owned();
    read.outputs.truncate(1);
    read.outputs[0].name = "y".to_owned();
    read.nodes = nodes;
    let constant = |(name, shape, values): (&str, Vec<usize>, Vec<f32>)| {
        (name.to_owned(), Constant::float32(shape, values))
    };
    read.constants = constants.into_iter().map(constant).collect::<BTreeMap<_, _>>();
    read
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// A residual block with batch norm, strided and padded convolution, both poolings and a dense end, evaluated here
    /// in float32 at random points of the box.
    #[test]
    fn a_residual_network_stays_within_its_bounds(
        weights in prop::collection::vec(-1.0f32..1.0, 2 * 9 + 2 + 8 + 16),
        row in prop::collection::vec(0.0f32..1.0, 16),
        eps in 0.0f32..0.3,
        points in prop::collection::vec(prop::collection::vec(0.0f32..=1.0, 16), 4),
    ) {
        let (kernel, rest) = weights.split_at(18);
        let (bias, rest) = rest.split_at(2);
        let (norm, dense) = rest.split_at(8);
        let variance: Vec<f32> = norm[6..8].iter().map(|v| v.abs() + 0.1).collect();
        let ints = |v: &[i64]| Attribute::Ints(v.to_vec());
        let graph = graph(
            vec![
                node("Conv", &["x", "k", "b"], "c", &[("pads", ints(&[1, 1, 1, 1])), ("kernel_shape", ints(&[3, 3]))]),
                node("BatchNormalization", &["c", "s", "t", "m", "v"], "n", &[]),
                node("Relu", &["n"], "r", &[]),
                node("Add", &["r", "c"], "a", &[]),
                node("MaxPool", &["a"], "p", &[("kernel_shape", ints(&[3, 3])), ("strides", ints(&[2, 2])), ("pads", ints(&[1, 1, 1, 1]))]),
                node("Flatten", &["p"], "f", &[]),
                node("Gemm", &["f", "w"], "y", &[]),
            ],
            vec![
                ("k", vec![2, 1, 3, 3], kernel.to_vec()),
                ("b", vec![2], bias.to_vec()),
                ("s", vec![2], norm[..2].to_vec()),
                ("t", vec![2], norm[2..4].to_vec()),
                ("m", vec![2], norm[4..6].to_vec()),
                ("v", vec![2], variance.clone()),
                ("w", vec![8, 2], dense.to_vec()),
            ],
        );
        let network = Network::read(&graph, &[1, 4, 4], None).unwrap();
        let low: Vec<f32> = row.iter().map(|v| v - eps).collect();
        let high: Vec<f32> = row.iter().map(|v| v + eps).collect();
        let region = Region::between(&low, &high);
        let interval = network.bounds(&region, Method::Interval).unwrap();
        let linear = network.bounds(&region, Method::Linear).unwrap();
        for point in points {
            let x: Vec<f32> = point.iter().zip(low.iter().zip(&high)).map(|(t, (l, h))| (l + (h - l) * t).clamp(*l, *h)).collect();
            let mut features = Vec::new();
            for channel in 0..2 {
                let mut plane = [0.0f32; 16];
                for y in 0..4i32 {
                    for c in 0..4i32 {
                        let mut sum = bias[channel];
                        for ky in 0..3i32 {
                            for kx in 0..3i32 {
                                let (iy, ix) = (y + ky - 1, c + kx - 1);
                                if (0..4).contains(&iy) && (0..4).contains(&ix) {
                                    sum += kernel[channel * 9 + (ky * 3 + kx) as usize] * x[(iy * 4 + ix) as usize];
                                }
                            }
                        }
                        let deviation = (variance[channel] + 1e-5).sqrt();
                        let n = (sum - norm[4 + channel]) / deviation * norm[channel] + norm[2 + channel];
                        plane[(y * 4 + c) as usize] = n.max(0.0) + sum;
                    }
                }
                for y in 0..2i32 {
                    for c in 0..2i32 {
                        let places = (-1..2).flat_map(|dy| (-1..2).map(move |dx| (2 * y + dy, 2 * c + dx)));
                        let inside = places.filter(|(a, b)| (0..4).contains(a) && (0..4).contains(b));
                        features.push(inside.map(|(a, b)| plane[(a * 4 + b) as usize]).fold(f32::NEG_INFINITY, f32::max));
                    }
                }
            }
            for output in 0..2 {
                let y: f32 = features.iter().enumerate().map(|(i, v)| v * dense[i * 2 + output]).sum();
                for (low, high) in [interval[output], linear[output]] {
                    prop_assert!(low <= f64::from(y) && f64::from(y) <= high, "{y} outside {low}..={high}");
                }
            }
        }
        for (i, l) in interval.iter().zip(&linear) {
            prop_assert!(l.0 >= i.0 && l.1 <= i.1);
        }
    }
}

#[test]
fn what_cannot_be_bounded_is_named() {
    let read =
        |nodes, constants| Network::read(&graph(nodes, constants), &[1, 4, 4], None).unwrap_err().to_string();
    assert!(read(vec![node("Sigmoid", &["x"], "y", &[])], vec![]).contains("\"y\" (Sigmoid): this operator"));
    assert!(read(vec![node("Gemm", &["x", "w"], "y", &[])], vec![]).contains("weights are not known"));
    let w = vec![("w", vec![5, 2], vec![0.0; 10])];
    assert!(
        read(vec![node("Flatten", &["x"], "f", &[]), node("Gemm", &["f", "w"], "y", &[])], w)
            .contains("5 values")
    );
    let nan = vec![("w", vec![16, 1], vec![f32::NAN; 16])];
    assert!(
        read(vec![node("Flatten", &["x"], "f", &[]), node("Gemm", &["f", "w"], "y", &[])], nan)
            .contains("no numbers")
    );
    let (rows, labels) = digits(5);
    // Another network than the model is noticed.
    let error = certify(
        &classifier(MLP, OutputKind::Logits),
        &network(CNN),
        1.0,
        &LabelledRows::new(&rows, &labels),
        &Threat::new(Norm::Linf, 0.01),
        Method::Interval,
        0.95,
    );
    assert!(error.unwrap_err().to_string().contains("another function"));
    let patch = Ball::new(&Threat::new(Norm::L0, 2.0), &[1, 8, 8], &rows[..64]);
    assert!(Region::of(&patch, 1.0).unwrap_err().to_string().contains("not for l0"));
}

/// Class 1 above a plane: the smoothed classifier's radius is the distance to it.
struct Plane;

impl Scores for Plane {
    fn classes(&self) -> usize {
        2
    }
    fn input_shape(&self) -> &[usize] {
        &[2]
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        rows.chunks_exact(2).for_each(|r| out.extend([0.0, r[0] - 0.5]));
        Ok(())
    }
}

#[test]
fn smoothing_certifies_the_distance_to_a_plane_from_below() {
    let rows = [0.6f32, 0.0, 0.9, 0.3, 0.1, 0.3, 0.5, 0.5];
    let data = LabelledRows::new(&rows, &[1, 1, 0, 1]);
    let smoothing = Smoothing { sigma: 0.2, estimate: 2000, ..Smoothing::default() };
    let report = smooth(&Plane, &data, &smoothing, &mut |_, _| {}).unwrap();
    for (row, distance) in report.rows.iter().zip([0.1, 0.4, 0.4, 0.0]) {
        assert!(row.radius <= distance + 1e-6 && row.radius >= 0.6 * distance - 0.01, "{row:?}");
    }
    assert_eq!((report.rows[3].class, report.rows[3].radius, report.abstained), (None, 0.0, 1));
    assert_eq!(report.certified_at(0.05, 0.95).value, 0.75);
    assert_eq!(report.certified_at(0.2, 0.95).value, 0.5);
    assert_eq!(report.queries, 4 * 2100);
    assert_eq!(report, smooth(&Plane, &data, &smoothing, &mut |_, _| {}).unwrap());
    let bad = Smoothing { alpha: 0.7, ..smoothing };
    assert!(smooth(&Plane, &data, &bad, &mut |_, _| {}).is_err());
}
