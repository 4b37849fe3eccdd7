use proptest::prelude::*;

use super::*;

/// A length-delimited field.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = content.len();
    while length >= 0x80 {
        out.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    [&out, content].concat()
}

/// A small number.
fn number(field: u8, value: u8) -> Vec<u8> {
    vec![field << 3, value]
}

fn node(name: &str, op: &str, domain: &str, attribute: &[u8]) -> Vec<u8> {
    let parts = [field(3, name.as_bytes()), field(4, op.as_bytes()), field(7, domain.as_bytes())];
    field(1, &[parts.concat(), attribute.to_vec()].concat())
}

/// Float tensor of the given shape with `bytes` raw bytes.
fn tensor(name: &str, dims: &[u8], bytes: usize) -> Vec<u8> {
    let parts = [field(1, dims), number(2, 1), field(8, name.as_bytes()), field(9, &vec![0; bytes])];
    field(5, &parts.concat())
}

fn input(name: &str) -> Vec<u8> {
    let dims = [field(1, &field(2, b"batch")), field(1, &number(1, 4)), field(1, b"")].concat();
    let kind = field(1, &[number(1, 1), field(2, &dims)].concat());
    field(11, &[field(1, name.as_bytes()), field(2, &kind)].concat())
}

fn sample(weights: usize) -> Vec<u8> {
    // A graph inside an attribute of a node, and in it another node.
    let inner = field(6, &node("", "Exp", "", &[]));
    let branch = field(5, &[field(1, b"then_branch"), inner].concat());
    let graph = [
        node("choose", "If", "", &branch),
        node("", "Gemm", "", &[]),
        node("", "Gemm", "", &[]),
        field(2, b"main"),
        tensor("w", &[2, 3], weights),
        input("x"),
        input("w"),
    ];
    let function = [field(1, b"Twice"), field(10, b"local"), field(7, &node("in", "Run", "com.x", &[])[2..])];
    let training = field(2, &node("step", "Momentum", "ai.onnx.preview.training", &[]));
    [
        number(1, 10),
        field(2, b"writer"),
        field(7, &graph.concat()),
        field(8, &number(2, 21)),
        field(14, &[field(1, b"key"), field(2, b"value")].concat()),
        vec![0xa2, 0x01, training.len() as u8], // field 20
        training,
        vec![0xca, 0x01, function.concat().len() as u8], // field 25
        function.concat(),
    ]
    .concat()
}

#[test]
fn everything_is_described_nested_graphs_included() {
    let model = parse(&sample(24), &Limits::default()).unwrap();
    assert_eq!((model.ir_version, model.producer_name.as_str()), (10, "writer"));
    assert_eq!(model.opset_imports, [(String::new(), 21)]);
    assert_eq!(model.metadata_props, [("key".to_owned(), "value".to_owned())]);
    assert_eq!(model.graph_name, "main");
    let used: Vec<(String, u64)> =
        model.operators.iter().map(|(id, used)| (format!("{}:{}", id.domain, id.name), used.count)).collect();
    let expected =
        [(":Exp", 1), (":Gemm", 2), (":If", 1), ("ai.onnx.preview.training:Momentum", 1), ("com.x:Run", 1)];
    assert_eq!(used, expected.map(|(n, c)| (n.to_owned(), c)));
    assert!(model.has_training_info);
    assert_eq!(model.functions, [OperatorId { domain: "local".into(), name: "Twice".into() }]);
    let dims = model.inputs[0].dims.clone().unwrap();
    assert_eq!(dims, [Dim::Symbolic("batch".into()), Dim::Known(4), Dim::Unknown]);
    assert_eq!(model.required_inputs().map(|i| i.name.as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(model.parameters(), 6);
}

#[test]
fn a_lie_about_a_shape_names_the_tensor() {
    let error = parse(&sample(20), &Limits::default()).unwrap_err().to_string();
    assert!(error.contains("\"w\" needs 24 bytes") && error.contains("holds 20"), "{error}");
    // The rest is described all the same.
    assert_eq!(survey(&sample(20), &Limits::default()).model.operators.len(), 5);
}

#[test]
fn truncation_is_an_error_with_its_offset() {
    let whole = sample(24);
    for length in 0..whole.len() {
        // A file cut exactly between two top-level fields is whole, without what was behind.
        let result = parse(&whole[..length], &Limits::default());
        if let Err(error) = result {
            assert!(error.offset().is_some_and(|at| at <= length as u64), "{error}");
        }
    }
    assert!(parse(b"", &Limits::default()).is_err());
}

#[test]
fn nesting_is_bounded_without_recursion() {
    let mut inner = node("", "Exp", "", &[]);
    for _ in 0..200 {
        inner = node("", "If", "", &field(5, &field(6, &inner)));
    }
    let model = [number(1, 10), field(7, &inner)].concat();
    let survey = survey(&model, &Limits::default());
    assert!(survey.errors.iter().any(|e| matches!(e, ArtifactError::Limit { .. })));
    let items = Limits { max_items: 10, ..Limits::default() };
    assert!(matches!(
        parse(&sample(24), &Limits { max_items: 2, ..items }),
        Err(ArtifactError::Limit { .. })
    ));
}

/// A model of such nodes, with the input `x` and constants of one number.
fn wired(nodes: &[Vec<u8>], constants: &[(&str, u8, &[u8])]) -> Vec<u8> {
    let constants = constants.iter().flat_map(|(name, kind, raw)| {
        field(5, &[number(2, *kind), field(8, name.as_bytes()), field(9, raw)].concat())
    });
    let graph = [nodes.concat(), constants.collect(), input("x")].concat();
    [number(1, 10), field(7, &graph)].concat()
}

fn op(op: &str, inputs: &[&str], output: &str, attributes: &[u8]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    field(1, &[inputs, field(2, output.as_bytes()), field(4, op.as_bytes()), attributes.to_vec()].concat())
}

fn body(name: &str, parts: &[u8]) -> Vec<u8> {
    field(5, &[field(1, name.as_bytes()), field(6, parts)].concat())
}

#[test]
fn a_loop_that_nothing_ends_is_told() {
    let value = |field_number: u8, name: &str| field(field_number, &field(1, name.as_bytes()));
    let most = i64::MAX.to_le_bytes();
    let looped = |bound: &str, step: &[u8]| {
        let inside = [value(11, "i"), value(11, "on"), step.to_vec(), value(12, "on_next")].concat();
        let constants: [(&str, u8, &[u8]); 3] =
            [("most", 7, &most), ("ten", 7, &[10, 0, 0, 0, 0, 0, 0, 0]), ("yes", 9, &[1])];
        let model = wired(&[op("Loop", &[bound, "yes", "x"], "y", &body("body", &inside))], &constants);
        survey(&model, &Limits::default()).excesses.len()
    };
    let keeps = op("Identity", &["on"], "on_next", &[]);
    assert_eq!(looped("most", &keeps), 1);
    assert_eq!(looped("", &op("Identity", &["yes"], "on_next", &[])), 1);
    // As exporters write a loop of so many rounds, and one that goes on while something holds.
    assert_eq!(looped("ten", &keeps), 0);
    assert_eq!(looped("most", &op("Less", &["x", "ten"], "on_next", &[])), 0);
}

#[test]
fn a_loop_that_multiplies_what_it_carries_is_told() {
    let value = |field_number: u8, name: &str| field(field_number, &field(1, name.as_bytes()));
    let looped = |rounds: &str, step: &[u8]| {
        let ports = [value(11, "i"), value(11, "on"), value(11, "s")].concat();
        let inside =
            [ports, op("Identity", &["on"], "goes", &[]), step.to_vec(), value(12, "goes"), value(12, "t")];
        let constants: [(&str, u8, &[u8]); 3] = [
            ("many", 7, &[64, 0, 0, 0, 0, 0, 0, 0]),
            ("ten", 7, &[10, 0, 0, 0, 0, 0, 0, 0]),
            ("yes", 9, &[1]),
        ];
        let nodes = [op("Loop", &[rounds, "yes", "x"], "y", &body("body", &inside.concat()))];
        survey(&wired(&nodes, &constants), &Limits::default()).excesses.len()
    };
    let doubled = op("Concat", &["s", "s"], "t", &[]);
    assert_eq!(looped("many", &doubled), 1);
    assert_eq!(looped("ten", &doubled), 0);
    // One more each time is what generation does.
    assert_eq!(looped("many", &op("Concat", &["s", "i"], "t", &[])), 0);
}

#[test]
fn sizes_that_are_put_together_of_shapes_are_held_against_bounds() {
    let asked = |nodes: &[Vec<u8>]| {
        let large = 1i64.checked_shl(20).unwrap().to_le_bytes();
        let constants: &[(&str, u8, &[u8])] = &[("large", 7, &large), ("zero", 7, &[0; 8])];
        let model = wired(nodes, constants);
        survey(&model, &Limits::default()).excesses.len()
    };
    let steps = [
        op("Shape", &["x"], "s", &[]),
        op("Gather", &["s", "zero"], "d", &[]),
        op("Mul", &["d", "large"], "a", &[]),
    ];
    let with = |last: &[Vec<u8>]| asked(&[&steps[..], last].concat());
    let both = op("Concat", &["a", "a"], "shape", &[]);
    for operator in ["ConstantOfShape", "HannWindow"] {
        assert_eq!(with(&[both.clone(), op(operator, &["shape"], "y", &[])]), 1, "{operator}");
    }
    for operator in ["Expand", "Tile"] {
        assert_eq!(with(&[both.clone(), op(operator, &["x", "shape"], "y", &[])]), 1, "{operator}");
    }
    // One side of that size is no more than many machines have, and the smaller of two may be one.
    assert_eq!(with(&[op("Expand", &["x", "a"], "y", &[])]), 0);
    assert_eq!(with(&[both, op("Min", &["shape", "s"], "m", &[]), op("Expand", &["x", "m"], "y", &[])]), 0);
}

#[test]
fn an_answer_that_a_value_calls_up_is_told() {
    let fixed = [
        field(5, &[number(2, 1), field(8, b"owner"), field(9, &[0; 4])].concat()),
        field(12, &field(1, b"owner")),
    ]
    .concat();
    let computed = [op("Gemm", &["x", "w"], "z", &[]), field(12, &field(1, b"z"))].concat();
    let branch = |condition: &[Vec<u8>], then: &[u8], otherwise: &[u8]| {
        let held = [body("then_branch", then), body("else_branch", otherwise)].concat();
        let nodes = [condition.to_vec(), vec![op("If", &["is"], "y", &held)]].concat();
        let model = wired(&nodes, &[("magic", 1, &[0; 4])]);
        survey(&model, &Limits::default()).fixed_answers.len()
    };
    let equal = op("Equal", &["sum", "magic"], "is", &[]);
    let of_values = [op("ReduceSum", &["x"], "sum", &[]), equal.clone()];
    assert_eq!(branch(&of_values, &fixed, &computed), 1);
    assert_eq!(branch(&of_values, &computed, &computed), 0);
    // What shape an input has decides in many models.
    assert_eq!(branch(&[op("Shape", &["x"], "sum", &[]), equal], &fixed, &computed), 0);
}

proptest! {
    #[test]
    fn bent_models_never_panic(edits in proptest::collection::vec((0usize..400, any::<u8>()), 1..6)) {
        let mut bytes = sample(24);
        for (at, to) in edits {
            let at = at % bytes.len();
            bytes[at] = to;
        }
        let _ = survey(&bytes, &Limits::default());
    }
}

#[test]
fn a_graph_in_pieces_is_told() {
    let piece = |name: &str| field(7, &node(name, "Relu", "", &[]));
    assert!(survey(&piece("a"), &Limits::default()).errors.is_empty());
    let twice = survey(&[piece("a"), piece("b")].concat(), &Limits::default());
    assert_eq!(twice.errors.len(), 1);
    assert_eq!(twice.model.operators.values().map(|used| used.count).sum::<u64>(), 2);
}
