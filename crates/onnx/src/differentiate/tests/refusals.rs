//! Models that are not differentiated say why.

use super::Model;
use crate::OnnxError;
use crate::fused::Lowering;
use crate::graph::Attribute::{Int, Ints};

fn why(model: &Model) -> String {
    model.pair(&[], Lowering::Portable).unwrap_err().to_string()
}

#[test]
fn unknown_operators_are_named_all_at_once() {
    let model = Model::new(&[3])
        .node_to("NonZero", &["x"], &["a"], &[])
        .node_to("Quantum", &["a"], &["b"], &[])
        .node("Relu", &["b"], &[]);
    let error = model.pair(&[], Lowering::Portable).unwrap_err();
    let OnnxError::NoDerivative { operators, node } = &error else { panic!("{error}") };
    assert_eq!(
        (operators.as_slice(), node.as_str()),
        (&["ai.onnx::NonZero".into(), "ai.onnx::Quantum".into()][..], "NonZero0")
    );
    assert!(error.to_string().contains("black box"), "{error}");
}

/// XGBoost's exports import the classical domain alone, old ones of LightGBM an old standard set beside it: what cannot
/// be differentiated are the trees.
#[test]
fn trees_are_named_whatever_sets_the_file_imports() {
    for imports in [&[][..], &[("", 9)], &[("ai.onnx.ml", 1)]] {
        let mut model = Model::new(&[3]).node("TreeEnsembleClassifier", &["x"], &[]);
        model.graph.nodes[0].domain = "ai.onnx.ml".to_owned();
        model.graph.opsets = imports.iter().map(|(domain, v)| ((*domain).to_owned(), *v)).collect();
        assert!(why(&model).contains("ai.onnx.ml::TreeEnsembleClassifier"), "{}", why(&model));
    }
}

#[test]
fn standard_operators_need_a_set_that_is_known() {
    let old = Model::new(&[4]).opset(9).node("Relu", &["x"], &[]);
    assert!(why(&old).contains("uses operator set 9; 11 to"), "{}", why(&old));
    let mut silent = Model::new(&[4]).node("Relu", &["x"], &[]);
    silent.graph.opsets.clear();
    assert!(why(&silent).contains("does not say of which set"), "{}", why(&silent));
    // A linear model of the classical domain needs none.
    let numbers = |values: &[f32]| crate::graph::Attribute::Floats(values.to_vec());
    let attributes = [("coefficients", numbers(&[1.0, -2.0])), ("intercepts", numbers(&[0.5]))];
    let mut linear = Model::new(&[2]).node("LinearRegressor", &["x"], &attributes);
    linear.graph.nodes[0].domain = "ai.onnx.ml".to_owned();
    linear.graph.opsets.clear();
    assert!(linear.pair(&[], Lowering::Portable).is_ok());
}

#[test]
fn what_the_output_does_not_need_may_be_unknown() {
    let model = Model::new(&[3]).node_to("Quantum", &["x"], &["other"], &[]).node("Relu", &["x"], &[]);
    assert!(model.pair(&[], Lowering::Portable).is_ok());
}

#[test]
fn rows_that_see_each_other_are_refused() {
    let mixing = [
        Model::new(&[3]).ints("axes", &[0]).node("ReduceMean", &["x", "axes"], &[]),
        Model::new(&[3]).node("Softmax", &["x"], &[("axis", Int(0))]),
        Model::new(&[3]).ints("s", &[-1]).node("Reshape", &["x", "s"], &[]).opset(18),
        Model::new(&[3]).ints("i", &[0]).node("Gather", &["x", "i"], &[("axis", Int(0))]),
        Model::new(&[3]).node_to("Transpose", &["x"], &["t"], &[]).node("MatMul", &["x", "t"], &[]),
    ];
    for (at, model) in mixing.iter().enumerate() {
        if at == 2 {
            // One dimension of 3N is no mixture by itself.
            assert!(model.pair(&[], Lowering::Portable).is_ok());
            continue;
        }
        let why = why(model);
        assert!(why.contains("rows of a batch"), "{at}: {why}");
    }
}

#[test]
fn shapes_that_lie_are_named() {
    let model = Model::new(&[3]).weight("w", &[4, 2], vec![0.5; 8]).node("MatMul", &["x", "w"], &[]);
    assert!(why(&model).contains("MatMul0") && why(&model).contains("3 is not 4"), "{}", why(&model));
    let mut model = Model::new(&[3]).node("Relu", &["x"], &[]);
    model.row = vec![4];
    assert!(
        matches!(model.pair(&[], Lowering::Portable), Err(OnnxError::Shape { tensor, .. }) if tensor == "x")
    );
    let model = Model::new(&[2, 5]).weight("w", &[1, 3, 2], vec![0.5; 6]).node("Conv", &["x", "w"], &[]);
    assert!(why(&model).contains("2 channels"), "{}", why(&model));
}

#[test]
fn huge_and_senseless_shapes_end_in_errors() {
    let huge = [
        Model::new(&[3]).ints("r", &[1, 1 << 40]).node("Tile", &["x", "r"], &[]),
        Model::new(&[1]).ints("s", &[1, 1 << 40]).node("Expand", &["x", "s"], &[]),
        Model::new(&[3]).ints("p", &[0, i64::MAX, 0, i64::MAX]).node("Pad", &["x", "p"], &[]),
        Model::new(&[3]).ints("s", &[-1, -1]).node("Reshape", &["x", "s"], &[]),
        Model::new(&[3]).ints("s", &[-5]).node("Reshape", &["x", "s"], &[]),
        Model::new(&[3]).ints("i", &[7]).node("Gather", &["x", "i"], &[("axis", Int(1))]),
        Model::new(&[3]).node("Softmax", &["x"], &[("axis", Int(9))]),
        Model::new(&[3]).node("Transpose", &["x"], &[("perm", Ints(vec![0, 0]))]),
        Model::new(&[1, 4]).node("MaxPool", &["x"], &[("kernel_shape", Ints(vec![0]))]),
        Model::new(&[1, 4]).node("MaxPool", &["x"], &[("kernel_shape", Ints(vec![9]))]),
        Model::new(&[1, 4]).node(
            "MaxPool",
            &["x"],
            &[("kernel_shape", Ints(vec![2])), ("strides", Ints(vec![0]))],
        ),
        Model::new(&[4]).node("Einsum", &["x"], &[]),
        Model::new(&[4]).node("Relu", &[], &[]),
        Model::new(&[4]).node("Add", &["x", "nobody"], &[]),
        Model::new(&[4]).node_to("Relu", &["x"], &["x"], &[]).node("Relu", &["x"], &[]),
        Model::new(&[4]).opset(7).node("Relu", &["x"], &[]),
    ];
    for model in &huge {
        let _ = why(model);
    }
}

/// Exported for one row at a time: the batch is opened, and reshapes to one row follow.
#[test]
fn a_batch_of_one_is_opened() {
    let mut model = Model::new(&[2, 3]).ints("s", &[1, -1]).node("Reshape", &["x", "s"], &[]);
    let info = &mut model.graph.inputs[0];
    info.dims = Some([1, 2, 3].map(proofhouse_artifact::onnx::Dim::Known).to_vec());
    model.check(&[], &[0.5; 12]);
    model.graph.inputs[0].dims = Some([4, 2, 3].map(proofhouse_artifact::onnx::Dim::Known).to_vec());
    assert!(why(&model).contains("free batch dimension"), "{}", why(&model));
}

#[test]
fn nothing_leads_to_the_output_and_the_derivative_is_0() {
    let model = Model::new(&[3]).weight("w", &[3], vec![1.0; 3]).node_to("Mul", &["x", "w"], &["z"], &[]);
    let pair = model.node("ArgMax", &["z"], &[("axis", Int(1))]).pair(&[], Lowering::Portable).unwrap();
    assert_eq!(pair.backward.outputs.len(), 1);
}
