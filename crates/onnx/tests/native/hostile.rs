//! Shapes and values that nobody means well with.

use proofhouse_onnx::graph::{Attribute, Graph};
use proofhouse_onnx::{Engine, NativeEngine, NativeOptions, OnnxError, Tensor};
use proptest::prelude::*;

use super::graphs::{Array, Build, Given, apply, array, ints, run};

#[test]
fn memory_is_bounded_before_anything_is_computed() {
    let build = Build::new()
        .input("x", &[-1, 1])
        .ints("huge", &[1, 1 << 40])
        .node("Expand", &["x", "huge"], "y")
        .output("y");
    let error = build.try_engine(1).unwrap_err();
    assert!(matches!(&error, OnnxError::Memory { node, .. } if node == "#0"), "{error}");
    // A product of sizes that no machine counts.
    let build = Build::new()
        .input("x", &[-1, 1])
        .ints("huge", &[1 << 40, 1, 1 << 40])
        .node("Expand", &["x", "huge"], "y")
        .output("y");
    assert!(matches!(build.try_engine(1), Err(OnnxError::Memory { bytes: u64::MAX, .. })));

    // A budget of one megabyte: small batches pass, a large one is refused, and its rows pass in parts.
    let build = Build::new().input("x", &[-1, 1000]).node("Exp", &["x"], "y").output("y");
    let options = NativeOptions { max_memory: 1 << 20, threads: 1 };
    let engine = NativeEngine::new(build.0, options).unwrap();
    assert!(run(&engine, &[&array(&[100, 1000], 1)]).is_ok());
    let error = run(&engine, &[&array(&[1000, 1000], 1)]).unwrap_err();
    assert!(error.to_string().contains("more than the 1048576 allowed"), "{error}");
}

#[test]
fn tables_are_not_made_for_what_does_not_fit() {
    let x = array(&[1, 1, 4, 4], 1);
    let far = [("pads", Attribute::Ints(vec![60_000; 4]))];
    let error = apply("Conv", &[&x, &array(&[1, 1, 3, 3], 2)], &far).unwrap_err();
    assert!(matches!(error, OnnxError::Memory { .. }), "{error}");
    let build = |name: &str, values: &[i64]| {
        let build =
            Build::new().input("x", &[1, 0]).ints("n", values).node(name, &["x", "n"], "y").output("y");
        run(&build.try_engine(1)?, &[&(vec![1, 0], Vec::new())])
    };
    assert!(matches!(build("Tile", &[1 << 40, 1]), Err(OnnxError::Memory { .. })));
    assert!(matches!(build("Pad", &[0, 0, 1 << 30, 0]), Err(OnnxError::Memory { .. })));
    let none = (vec![1 << 40, 0], Vec::new());
    let error = apply("MatMul", &[&none, &(vec![0, 0], Vec::new())], &[]).unwrap_err();
    assert!(matches!(error, OnnxError::Memory { .. }), "{error}");
}

#[test]
fn a_chain_of_doublings_is_refused() {
    let mut build = Build::new().input("v0", &[-1, 2]);
    for i in 0..60 {
        let (from, to) = (format!("v{i}"), format!("v{}", i + 1));
        build = build.node_with("Concat", &[&from, &from], &to, &[("axis", Attribute::Int(1))]);
    }
    let build = build.output("v60");
    assert!(matches!(build.try_engine(1), Err(OnnxError::Memory { .. })));
}

#[test]
fn what_does_not_fit_is_an_error_with_its_place() {
    let x = array(&[1, 2, 4, 4], 1);
    let shape = |s: &[usize]| array(s, 2);
    let cases: Vec<(&str, Vec<Array>, Given<'_>)> = vec![
        ("Conv", vec![x.clone(), shape(&[3, 2, 9, 9])], vec![]),
        ("Conv", vec![x.clone(), shape(&[3, 5, 3, 3])], vec![]),
        ("Conv", vec![x.clone(), shape(&[3, 2, 3, 3])], vec![("strides", Attribute::Ints(vec![0, 1]))]),
        ("Conv", vec![x.clone(), shape(&[3, 2, 3, 3])], vec![("pads", Attribute::Ints(vec![-5, 0, 0, 0]))]),
        (
            "Conv",
            vec![x.clone(), shape(&[3, 2, 3, 3])],
            vec![("pads", Attribute::Ints(vec![i64::MAX, 0, 0, 0]))],
        ),
        ("Conv", vec![x.clone(), shape(&[3, 2, 3, 3])], vec![("group", Attribute::Int(0))]),
        (
            "Conv",
            vec![x.clone(), shape(&[3, 2, 3, 3])],
            vec![("dilations", Attribute::Ints(vec![1 << 62, 1]))],
        ),
        ("Conv", vec![x.clone(), shape(&[3, 2, 3])], vec![]),
        ("Conv", vec![x.clone(), shape(&[3, 2, 0, 3])], vec![]),
        ("Conv", vec![x.clone(), shape(&[3, 2, 3, 3]), shape(&[4])], vec![]),
        ("MaxPool", vec![x.clone()], vec![]),
        ("MaxPool", vec![x.clone()], vec![("kernel_shape", ints(&[0, 1]))]),
        ("MaxPool", vec![x.clone()], vec![("kernel_shape", ints(&[2, 2])), ("pads", ints(&[2, 0, 0, 0]))]),
        ("MaxPool", vec![shape(&[3])], vec![("kernel_shape", ints(&[2]))]),
        ("ai.proofhouse/ConvGradInput", vec![x.clone(), shape(&[2, 2, 3, 3]), x.clone()], vec![]),
        (
            "ai.proofhouse/MaxPoolGrad",
            vec![x.clone(), x.clone(), x.clone()],
            vec![("kernel_shape", ints(&[2, 2]))],
        ),
        ("Add", vec![shape(&[2]), shape(&[3])], vec![]),
        ("MatMul", vec![shape(&[2, 3]), shape(&[2, 3])], vec![]),
        ("MatMul", vec![shape(&[]), shape(&[2, 3])], vec![]),
        ("Gemm", vec![shape(&[2, 3]), shape(&[3, 2]), shape(&[5])], vec![]),
        ("Transpose", vec![x.clone()], vec![("perm", ints(&[0, 1, 1, 2]))]),
        ("Softmax", vec![x.clone()], vec![("axis", Attribute::Int(4))]),
        ("Concat", vec![shape(&[2, 3]), shape(&[3, 3])], vec![("axis", Attribute::Int(1))]),
        ("Flatten", vec![x], vec![("axis", Attribute::Int(i64::MIN))]),
        ("BatchNormalization", vec![shape(&[3])], vec![]),
        ("Relu", vec![], vec![]),
    ];
    for (operator, inputs, attributes) in cases {
        let inputs: Vec<&Array> = inputs.iter().collect();
        let error = apply(operator, &inputs, &attributes).expect_err(operator).to_string();
        assert!(error.contains("\"#0\""), "{operator}: {error}");
    }
}

#[test]
fn nothing_in_nothing_out() {
    for rows in [0, 1] {
        let x = array(&[rows, 2, 4, 4], 1);
        let build = Build::new()
            .input("x", &[-1, 2, 4, 4])
            .weights("w", &[3, 2, 3, 3], vec![1.0; 54])
            .node("Conv", &["x", "w"], "c")
            .node("Relu", &["c"], "r")
            .node("GlobalAveragePool", &["r"], "p")
            .node("Flatten", &["p"], "y")
            .output("y");
        let found = run(&build.engine(2), &[&x]).unwrap().remove(0);
        assert_eq!(found.0, [rows, 3]);
        assert_eq!(found.1.len(), rows * 3);
    }
    let none = (vec![0, 3], Vec::new());
    assert_eq!(apply("Softmax", &[&none], &[]).unwrap(), none);
    let empty = apply("MatMul", &[&(vec![2, 0], Vec::new()), &(vec![0, 2], Vec::new())], &[]).unwrap();
    assert_eq!(empty, (vec![2, 2], vec![0.0; 4]));
}

#[test]
fn an_index_outside_is_an_error_of_the_run() {
    let build = Build::new()
        .typed_input("at", &[-1], 7)
        .weights("table", &[3, 1], vec![1.0, 2.0, 3.0])
        .node("Gather", &["table", "at"], "y")
        .output("y");
    let engine = build.engine(1);
    assert_eq!(run(&engine, &[&(vec![2], vec![-3.0, 2.0])]).unwrap()[0].1, [1.0, 3.0]);
    let error = run(&engine, &[&(vec![1], vec![3.0])]).unwrap_err().to_string();
    assert_eq!(error, "the run failed: node \"#0\": index 3 is outside the 3 there are");
}

const CNN: &[u8] = include_bytes!("../fixtures/cnn_at010.onnx");

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// A file changed anywhere is refused or runs.
    #[test]
    fn mutated_models(edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<bool>()), 1..6)) {
        let mut bytes = CNN.to_vec();
        for (at, value, near_the_start) in edits {
            let span = if near_the_start { bytes.len().min(1500) } else { bytes.len() };
            let at = at.index(span);
            bytes[at] = value;
        }
        if let Ok(graph) = Graph::read(&bytes)
            && let Ok(engine) = NativeEngine::new(graph, NativeOptions { max_memory: 1 << 28, threads: 1 })
        {
            let _ = engine.run(&[Tensor::new(vec![2, 1, 8, 8], vec![0.5; 128]).unwrap()]);
        }
    }
}
