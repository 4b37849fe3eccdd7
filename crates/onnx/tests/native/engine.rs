//! What the engine promises about whole models.

use proofhouse_onnx::fused::Lowering;
use proofhouse_onnx::graph::{Attribute, Graph};
use proofhouse_onnx::{
    ClassifierOptions, DifferentiableClassifier, Engine, Feedback, Gradients, LoadOptions, NativeEngine,
    NativeOptions, OnnxError, OutputKind, Preprocess, Tensor, gradient_graphs, load,
};

use super::graphs::{Array, Build, array, close, ints, run, same_bits, values};

const CNN: &[u8] = include_bytes!("../fixtures/cnn_at010.onnx");
const MLP: &[u8] = include_bytes!("../fixtures/mlp_naive.onnx");
const SOFTMAX: &[u8] = include_bytes!("../fixtures/mlp_softmax.onnx");

#[test]
fn reference_models_give_what_the_embedded_runtime_gives() {
    for bytes in [CNN, MLP, SOFTMAX] {
        let native = NativeEngine::new(Graph::read(bytes).unwrap(), NativeOptions::default()).unwrap();
        let rten = load(bytes, &LoadOptions::default()).unwrap();
        assert_eq!(native.inputs()[0].name, rten.inputs()[0].name);
        for rows in [1, 2, 37] {
            let x = Tensor::new(vec![rows, 1, 8, 8], values(rows * 64, 3)).unwrap();
            let (a, b) = (native.run(std::slice::from_ref(&x)).unwrap(), rten.run(&[x]).unwrap());
            assert_eq!(a[0].shape(), b[0].shape());
            close(a[0].data(), &b[0].data().iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), 1e-5);
        }
    }
}

/// A small network and its derivative, with weights as constants or as inputs. Parts of its batch are many:
/// what it computes for a row does not fit the cache twice.
fn network(weights_as_inputs: bool) -> (Build, Vec<Array>) {
    let shapes: [(&str, &[usize]); 4] =
        [("k", &[16, 3, 3, 3]), ("kb", &[16]), ("w", &[4, 1024]), ("wb", &[4])];
    let conv = [
        ("kernel_shape", ints(&[3, 3])),
        ("strides", ints(&[1, 1])),
        ("dilations", ints(&[1, 1])),
        ("pads", ints(&[1, 1, 1, 1])),
        ("group", Attribute::Int(1)),
    ];
    let pool = [("kernel_shape", ints(&[2, 2])), ("strides", ints(&[2, 2]))];
    let mut build = Build::new().input("x", &[-1, 3, 16, 16]).input("dlogits", &[-1, 4]);
    let mut arrays = Vec::new();
    for (i, (name, shape)) in shapes.into_iter().enumerate() {
        let a = array(shape, 100 + i as u64);
        build = if weights_as_inputs {
            build.input(name, &shape.iter().map(|n| *n as i64).collect::<Vec<_>>())
        } else {
            build.weights(name, shape, a.1.clone())
        };
        arrays.push(a);
    }
    let build = build
        .ints("rows", &[-1, 16, 8, 8])
        .ints("over", &[0])
        .ints("image", &[0, 2, 3])
        .node_with("Conv", &["x", "k", "kb"], "c", &conv)
        .node("Relu", &["c"], "r")
        .node_with("MaxPool", &["r"], "p", &pool)
        .node("Flatten", &["p"], "f")
        .node_with("Gemm", &["f", "w", "wb"], "logits", &[("transB", Attribute::Int(1))])
        .node("Gemm", &["dlogits", "w"], "df")
        .node("Reshape", &["df", "rows"], "dp")
        .node_with("ai.proofhouse/MaxPoolGrad", &["r", "p", "dp"], "dr", &pool)
        .node("ai.proofhouse/ReluGrad", &["r", "dr"], "dc")
        .node_with("ai.proofhouse/ConvGradInput", &["dc", "k", "x"], "dx", &conv)
        .node_with("ai.proofhouse/ConvGradWeight", &["x", "dc", "k"], "dk", &conv)
        .node_with("ReduceSum", &["dc", "image"], "dkb", &[("keepdims", Attribute::Int(0))])
        .node_with("Gemm", &["dlogits", "f"], "dw", &[("transA", Attribute::Int(1))])
        .node_with("ReduceSum", &["dlogits", "over"], "dwb", &[("keepdims", Attribute::Int(0))]);
    let build = ["logits", "dx", "dk", "dkb", "dw", "dwb"].into_iter().fold(build, Build::output);
    (build, arrays)
}

#[test]
fn bits_depend_on_neither_threads_nor_company() {
    let (build, _) = network(false);
    let (x, d) = (array(&[131, 3, 16, 16], 1), array(&[131, 4], 2));
    let whole = run(&build.engine(1), &[&x, &d]).unwrap();
    for threads in [2, 3] {
        let again = run(&build.engine(threads), &[&x, &d]).unwrap();
        for (a, b) in whole.iter().zip(&again) {
            same_bits(&a.1, &b.1, "threads");
        }
    }
    // Rows in any company: logits and the derivative of each row.
    let engine = build.engine(2);
    for split in [1, 2, 5, 64] {
        for first in [0, 50] {
            let part = |a: &Array| -> Array {
                let row = a.1.len() / 131;
                let shape = [&[split], &a.0[1..]].concat();
                (shape, a.1[first * row..(first + split) * row].to_vec())
            };
            let alone = run(&engine, &[&part(&x), &part(&d)]).unwrap();
            for i in 0..2 {
                same_bits(&alone[i].1, &part(&whole[i]).1, "company");
            }
        }
    }
}

#[test]
fn weights_that_are_inputs_give_the_same_bits() {
    let ((constant, _), (given, weights)) = (network(false), network(true));
    let (x, d) = (array(&[9, 3, 16, 16], 1), array(&[9, 4], 2));
    let a = run(&constant.engine(1), &[&x, &d]).unwrap();
    let engine = given.engine(2);
    let inputs: Vec<&Array> = [&x, &d].into_iter().chain(&weights).collect();
    let b = run(&engine, &inputs).unwrap();
    for (a, b) in a.iter().zip(&b) {
        assert_eq!(a.0, b.0);
        same_bits(&a.1, &b.1, "weights as inputs");
    }
    // And nothing of them is kept.
    let other = array(&[16, 3, 3, 3], 77);
    let mut inputs = inputs;
    inputs[2] = &other;
    assert_ne!(run(&engine, &inputs).unwrap()[0].1, b[0].1);
}

#[test]
fn an_input_computed_from_an_output_gives_what_two_runs_give() {
    let (build, _) = network(false);
    let x = array(&[70, 3, 16, 16], 1);
    let late = vec![70, 4];
    let loss = |logits: &[f32], d: &mut [f32]| d.iter_mut().zip(logits).for_each(|(d, l)| *d = l * 0.5 - 1.0);
    let first = run(&build.engine(1), &[&x, &(late.clone(), vec![0.0; 280])]).unwrap();
    let mut d = vec![0.0; 280];
    loss(&first[0].1, &mut d);
    let second = run(&build.engine(1), &[&x, &(late.clone(), d)]).unwrap();
    for threads in [1, 2] {
        let engine = build.engine(threads);
        let mut outputs = Vec::new();
        for _ in 0..2 {
            let mut calls = 0;
            engine
                .run_with_feedback(
                    &[(&x.0, &x.1), (&late, &[])],
                    Feedback { output: 0, input: 1 },
                    &mut |logits, d| {
                        calls += 1;
                        loss(logits, d);
                    },
                    &mut outputs,
                )
                .unwrap();
            assert_eq!(calls, 1);
            for (a, b) in outputs.iter().zip(&second) {
                same_bits(a, &b.1, "feedback");
            }
        }
    }
}

#[test]
fn a_derivative_of_weights_is_the_sum_over_rows() {
    let (build, _) = network(false);
    let (x, d) = (array(&[40, 3, 16, 16], 1), array(&[40, 4], 2));
    let engine = build.engine(1);
    let whole = run(&engine, &[&x, &d]).unwrap();
    let mut sums: Vec<Vec<f64>> = whole[2..].iter().map(|o| vec![0.0; o.1.len()]).collect();
    for i in 0..40 {
        let row: Array = (vec![1, 3, 16, 16], x.1[i * 768..(i + 1) * 768].to_vec());
        let one = run(&engine, &[&row, &(vec![1, 4], d.1[i * 4..(i + 1) * 4].to_vec())]).unwrap();
        for (sum, o) in sums.iter_mut().zip(&one[2..]) {
            sum.iter_mut().zip(&o.1).for_each(|(s, v)| *s += f64::from(*v));
        }
    }
    for (sum, o) in sums.iter().zip(&whole[2..]) {
        // Ten thousand terms, in another order.
        close(&o.1, sum, 1e-4);
    }
}

#[test]
fn a_graph_that_mixes_rows_is_run_whole() {
    // The mean over the batch, taken off each row.
    let build = Build::new()
        .input("x", &[-1, 3000])
        .ints("over", &[0])
        .node("ReduceMean", &["x", "over"], "mean")
        .node("Sub", &["x", "mean"], "y")
        .output("y");
    let x = array(&[300, 3000], 5);
    let found = run(&build.engine(2), &[&x]).unwrap().remove(0);
    let mean: Vec<f64> =
        (0..3000).map(|c| (0..300).map(|r| f64::from(x.1[r * 3000 + c])).sum::<f64>() / 300.0).collect();
    let exact: Vec<f64> = x.1.iter().enumerate().map(|(i, v)| f64::from(*v) - mean[i % 3000]).collect();
    close(&found.1, &exact, 1e-5);
    // A shape that the batch is part of may be computed; a number that it is may not be shared out.
    let build = Build::new()
        .input("x", &[-1, 2, 1500])
        .ints("first", &[0])
        .ints("rest", &[3000])
        .node("Shape", &["x"], "shape")
        .node("Gather", &["shape", "first"], "n")
        .node_with("Concat", &["n", "rest"], "flat", &[("axis", Attribute::Int(0))])
        .node("Reshape", &["x", "flat"], "f")
        .node_with("Cast", &["n"], "count", &[("to", Attribute::Int(1))])
        .node("Div", &["f", "count"], "y")
        .output("f")
        .output("y");
    let x = array(&[300, 2, 1500], 6);
    let found = run(&build.engine(2), &[&x]).unwrap();
    assert_eq!(found[0].0, [300, 3000]);
    assert_eq!(found[0].1, x.1);
    close(&found[1].1, &x.1.iter().map(|v| f64::from(*v) / 300.0).collect::<Vec<_>>(), 1e-6);
}

#[test]
fn derivatives_of_reference_models_are_those_of_the_portable_graphs() {
    for (bytes, kind) in
        [(CNN, OutputKind::Logits), (MLP, OutputKind::Logits), (SOFTMAX, OutputKind::Probabilities)]
    {
        let options = ClassifierOptions {
            input_shape: vec![1, 8, 8],
            classes: 10,
            output: None,
            kind,
            preprocess: Preprocess::default(),
        };
        let portable =
            DifferentiableClassifier::new(bytes, options.clone(), &LoadOptions::default()).unwrap();
        let (graph, place) = gradient_graphs(bytes, &options, Lowering::Fused).unwrap().joined().unwrap();
        assert_eq!(graph.nodes.iter().any(|n| n.operator == "ConvGradInput"), bytes == CNN);
        let engine = NativeEngine::new(graph, NativeOptions::default()).unwrap();
        let n = 33;
        let x = values(n * 64, 8).iter().map(|v| v.abs()).collect::<Vec<_>>();
        let mut loss =
            |logits: &[f32], d: &mut [f32]| d.iter_mut().zip(logits).for_each(|(d, l)| *d = l.tanh());
        let mut expected = Vec::new();
        portable.pull_back(&x, n, &mut loss, &mut expected).unwrap();
        let mut outputs = Vec::new();
        engine
            .run_with_feedback(&[(&[n, 1, 8, 8], &x), (&[n, 10], &[])], place, &mut loss, &mut outputs)
            .unwrap();
        close(&outputs[1], &expected.iter().map(|v| f64::from(*v)).collect::<Vec<_>>(), 1e-4);
    }
}

#[test]
fn an_operator_that_is_not_there_is_named() {
    let build = Build::new().input("x", &[-1, 3]).node("TopK", &["x"], "y").output("y");
    let error = build.try_engine(1).unwrap_err();
    assert!(
        matches!(&error, OnnxError::UnsupportedOperator { operator, node, .. } if operator == "TopK" && node == "#0"),
        "{error}"
    );
}
