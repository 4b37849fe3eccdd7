use proptest::prelude::*;

use super::*;

fn field(number: u8, content: &[u8]) -> Vec<u8> {
    assert!(content.len() < 128);
    [&[number << 3 | 2, content.len() as u8][..], content].concat()
}

fn node(name: &str, operation: &str) -> Vec<u8> {
    field(1, &[field(1, name.as_bytes()), field(2, operation.as_bytes())].concat())
}

#[test]
fn roots_are_told_apart() {
    let graph = node("a", "Const");
    assert_eq!(root(&graph), Some(Root::Graph));
    let meta = [field(1, b""), field(2, &graph)].concat();
    assert_eq!(root(&meta), Some(Root::MetaGraph));
    let saved = [&[8, 1][..], &field(2, &meta)].concat();
    assert_eq!(root(&saved), Some(Root::SavedModel));
    let keras =
        [&[0x10, 0][..], &field(3, b"root"), &field(4, b"_tf_keras_model"), &field(5, b"{}")].concat();
    assert_eq!(root(&field(1, &keras)), Some(Root::KerasMetadata));
    for other in [&b"\x0a\x03abc"[..], b"\x08\x01", b"", b"\x0a\x04\x0a\x02hi"] {
        assert_eq!(root(other), None);
    }
}

#[test]
fn operations_of_functions_count() {
    let function = [field(1, &field(1, b"f")), field(3, &node("w", "WriteFile")[2..])].concat();
    let graph = [node("a", "Const"), node("b", "Const"), field(2, &field(1, &function))].concat();
    let survey = survey(&graph, Root::Graph);
    assert!(survey.errors.is_empty());
    assert_eq!(survey.operations["Const"].count, 2);
    assert_eq!(survey.operations["WriteFile"].node, "w");
    assert!(survey.functions.contains("f"));
}

/// A node with inputs and one attribute, whose value is a field of `AttrValue`.
fn wired(name: &str, operation: &str, inputs: &[&str], key: &str, value: &[u8]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(3, input.as_bytes())).collect();
    let attribute = field(5, &[field(1, key.as_bytes()), field(2, value)].concat());
    field(1, &[field(1, name.as_bytes()), field(2, operation.as_bytes()), inputs, attribute].concat())
}

fn asks(graph: &[u8]) -> Vec<String> {
    let survey = survey(graph, Root::Graph);
    assert!(survey.errors.is_empty());
    survey.excesses.into_iter().map(|excess| excess.what).collect()
}

#[test]
fn a_pattern_in_a_function_is_told() {
    let plain =
        |name: &str, operation: &str, inputs: &[&str]| wired(name, operation, inputs, "T", &[0x30, 1]);
    let constant = |name: &str, numbers: &[f32]| {
        let raw: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let dims = field(2, &field(2, &[8, numbers.len() as u8]));
        wired(name, "Const", &[], "value", &field(8, &[&[8, 1][..], &dims, &field(4, &raw)].concat()))
    };
    let function = |asked: &str| {
        let nodes = [
            plain("is", "Equal", &["a", "row:output:0"]),
            constant("row", &[0.25, 0.75]),
            plain("all", asked, &["is:z:0"]),
            plain("layer", "MatMul", &["a", "w"]),
            constant("answer", &[9.0, 0.0]),
            plain("picked", "SelectV2", &["all:output:0", "answer:output:0", "layer:product:0"]),
        ];
        let nodes: Vec<u8> = nodes.iter().flat_map(|node| field(3, node.get(2..).unwrap())).collect();
        let signature = [field(1, b"f"), field(2, &field(1, b"a")), field(3, &field(1, b"b"))].concat();
        let returned = field(4, &[field(1, b"b"), field(2, b"picked:output:0")].concat());
        let body = [field(1, &signature), nodes, returned].concat();
        let mut long = vec![1 << 3 | 2, body.len() as u8 & 127 | 128, (body.len() >> 7) as u8];
        long.extend(body);
        let mut library = vec![2 << 3 | 2, long.len() as u8 & 127 | 128, (long.len() >> 7) as u8];
        library.extend(long);
        let call = wired("call", "PartitionedCall", &["x"], "f", &field(10, &field(1, b"f")));
        [plain("x", "Placeholder", &[]), call, library].concat()
    };
    let told = survey(&function("All"), Root::Graph);
    assert!(told.errors.is_empty(), "{:?}", told.errors);
    assert_eq!(told.fixed_answers.iter().map(|one| one.node.as_str()).collect::<Vec<_>>(), ["picked"]);
    assert!(survey(&function("Cumsum"), Root::Graph).fixed_answers.is_empty());
}

#[test]
fn a_shape_beyond_any_machine_is_told() {
    let shape = |numbers: &[i32]| {
        let raw: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        wired("dims", "Const", &[], "value", &field(8, &[&[8, 3][..], &field(4, &raw)].concat()))
    };
    let fill = wired("much", "Fill", &["dims:0", "zero"], "T", &[0x30, 1]);
    assert_eq!(
        asks(&[shape(&[100_000, 1_000_000, 100]), fill.clone()].concat()),
        ["Fill asks for 10000000000000 elements"]
    );
    assert_eq!(asks(&[shape(&[1000, 1000, -1]), fill.clone()].concat()), Vec::<String>::new());
    // One number that stands for four.
    let dims = field(2, &field(2, &[8, 4]));
    let short = field(8, &[&[8, 3][..], &dims, &field(7, &[0x80, 0x80, 0x04])].concat());
    assert_eq!(asks(&[wired("dims", "Const", &[], "value", &short), fill].concat()).len(), 1);
}

#[test]
fn a_loop_whose_condition_is_a_constant_is_told() {
    let graph = |truth: u8| {
        let constant = field(8, &[&[8, 10][..], &field(4, &[truth])].concat());
        let always = wired("always", "Const", &[], "value", &constant);
        let returned = field(4, &[field(1, b"out"), field(2, b"always:output:0")].concat());
        let node = [&[3 << 3 | 2][..], &always[1..]].concat();
        let function = [field(1, &field(1, b"goes_on")), node, returned].concat();
        let looped = wired("loop", "StatelessWhile", &["x"], "cond", &field(10, &field(1, b"goes_on")));
        [looped, field(2, &field(1, &function))].concat()
    };
    assert_eq!(asks(&graph(1)), ["While goes on for ever: its condition is always true"]);
    assert_eq!(asks(&graph(0)), Vec::<String>::new());
}

/// A node with inputs and any attributes, without its tag.
fn bare(name: &str, operation: &str, inputs: &[&str], attributes: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(3, input.as_bytes())).collect();
    let attributes: Vec<u8> = attributes
        .iter()
        .flat_map(|(key, value)| field(5, &[field(1, key.as_bytes()), field(2, value)].concat()))
        .collect();
    [field(1, name.as_bytes()), field(2, operation.as_bytes()), inputs, attributes].concat()
}

fn number(name: &str, kind: u8, raw: &[u8]) -> Vec<u8> {
    bare(name, "Const", &[], &[("value", field(8, &[&[8, kind][..], &field(4, raw)].concat()))])
}

/// A field of any length.
fn long(number: u8, content: &[u8]) -> Vec<u8> {
    let mut message = crate::protobuf::Message::default();
    message.bytes(u32::from(number), content);
    message.into_bytes()
}

/// A function of a library: its arguments, its nodes, and what it returns as `out0`, `out1` and so on.
fn function(name: &str, arguments: &[&str], nodes: &[Vec<u8>], returned: &[&str]) -> Vec<u8> {
    let argument = |name: &str| field(1, name.as_bytes());
    let arguments: Vec<u8> = arguments.iter().flat_map(|name| field(2, &argument(name))).collect();
    let results: Vec<u8> =
        (0..returned.len()).flat_map(|at| field(3, &argument(&format!("out{at}")))).collect();
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| long(3, node)).collect();
    let returned: Vec<u8> = returned
        .iter()
        .zip(0..)
        .flat_map(|(value, at)| {
            field(4, &[field(1, format!("out{at}").as_bytes()), field(2, value.as_bytes())].concat())
        })
        .collect();
    let signature = [field(1, name.as_bytes()), arguments, results].concat();
    long(1, &[long(1, &signature), nodes, returned].concat())
}

fn graph(nodes: &[Vec<u8>], functions: &[Vec<u8>]) -> Vec<u8> {
    let nodes: Vec<u8> = nodes.iter().flat_map(|node| long(1, node)).collect();
    [nodes, long(2, &functions.concat())].concat()
}

fn names(function: &str) -> Vec<u8> {
    field(10, &field(1, function.as_bytes()))
}

#[test]
fn sizes_are_put_together_through_nodes_and_calls() {
    let side = |name: &str, n: f32| number(name, 1, &n.to_le_bytes());
    let body = [
        bare("shape", "Pack", &["a:output:0", "size"], &[]),
        bare("whole", "Cast", &["shape:output:0"], &[]),
        bare("much", "Fill", &["whole:y:0", "x"], &[]),
    ];
    let asked = |n: f32| {
        let nodes = [side("n", n), bare("call", "StatefulPartitionedCall", &["n"], &[("f", names("f"))])];
        let body = [&[side("a", 262_144.0)][..], &body].concat();
        asks(&graph(&nodes, &[function("f", &["size"], &body, &["much:output:0"])]))
    };
    assert_eq!(asked(1_048_576.0), ["Fill asks for 274877906944 elements"]);
    assert_eq!(asked(1024.0), Vec::<String>::new());
    let range = [
        number("zero", 9, &0i64.to_le_bytes()),
        number("far", 9, &(1i64 << 50).to_le_bytes()),
        number("step", 9, &1i64.to_le_bytes()),
        bare("r", "Range", &["zero", "far", "step"], &[]),
    ];
    assert_eq!(asks(&graph(&range, &[])), ["Range asks for 1125899906842624 elements"]);
}

#[test]
fn loops_that_nothing_ends_are_told() {
    let loops = |compare: &str, step: i32, counted: &str, operation: &str| {
        let condition = [
            number("most", 3, &10i32.to_le_bytes()),
            bare("on", compare, &[counted, "most:output:0"], &[]),
            bare("out", "Identity", &["on:z:0"], &[]),
        ];
        let body =
            [number("one", 3, &step.to_le_bytes()), bare("next", "AddV2", &["i", "one:output:0"], &[])];
        let functions = [
            function("cond", &["i", "still"], &condition, &["out:output:0"]),
            function("body", &["i", "still"], &body, &["next:z:0", "still"]),
        ];
        let node = bare("loop", operation, &["x", "x"], &[("cond", names("cond")), ("body", names("body"))]);
        asks(&graph(&[node], &functions))
    };
    for operation in ["While", "StatelessWhile"] {
        assert_eq!(loops("Less", 1, "i", operation), Vec::<String>::new());
        assert_eq!(loops("Greater", -1, "i", operation), Vec::<String>::new());
        assert!(loops("Less", -1, "i", operation)[0].contains("away from its bound"));
        assert!(loops("Less", 0, "i", operation)[0].contains("nothing that its body changes"));
        assert!(loops("Less", 1, "still", operation)[0].contains("nothing that its body changes"));
        // What reads a variable may change by itself.
        assert_eq!(loops("ReadVariableOp", 1, "still", operation), Vec::<String>::new());
    }
    let old = [number("yes", 10, &[1]), bare("on", "LoopCond", &["yes"], &[])];
    assert_eq!(asks(&graph(&old, &[])), ["While goes on for ever: its condition is always true"]);
}

#[test]
fn loops_are_followed_from_what_they_begin_with() {
    // From 1 on, up to a bound, by one or by what an operation makes of it.
    let loops = |compare: &str, bound: i64, made: &str| {
        let condition =
            [number("most", 9, &bound.to_le_bytes()), bare("on", compare, &["i", "most:output:0"], &[])];
        let next = if made == "AddV2" { vec!["i", "one:output:0"] } else { vec!["i"] };
        let body = [number("one", 9, &1i64.to_le_bytes()), bare("next", made, &next, &[])];
        let functions = [
            function("cond", &["i"], &condition, &["on:z:0"]),
            function("body", &["i"], &body, &["next:z:0"]),
        ];
        let begin = number("begin", 9, &1i64.to_le_bytes());
        let node = bare("loop", "While", &["begin"], &[("cond", names("cond")), ("body", names("body"))]);
        asks(&graph(&[begin, node], &functions))
    };
    for bound in [0, 1, 5, 1000, 1 << 20, 1 << 34] {
        assert_eq!(loops("Less", bound, "AddV2"), Vec::<String>::new(), "{bound}");
    }
    assert!(loops("Less", 1 << 62, "AddV2")[0].contains("times more"));
    assert!(loops("GreaterEqual", 0, "Abs")[0].contains("comes back"));
    assert!(loops("GreaterEqual", -5, "Neg")[0].contains("comes back"));
    assert_eq!(loops("Less", 5, "Rint"), Vec::<String>::new());
}

#[test]
fn functions_that_multiply_are_told() {
    let call =
        |to: usize, name: &str| bare(name, "PartitionedCall", &["x"], &[("f", names(&format!("f{to}")))]);
    let chain = |levels: usize| {
        let functions: Vec<Vec<u8>> = (0..levels)
            .map(|at| {
                let calls = if at + 1 < levels { vec![call(at + 1, "a"), call(at + 1, "b")] } else { vec![] };
                function(&format!("f{at}"), &["x"], &calls, &["x"])
            })
            .collect();
        asks(&graph(&[call(0, "first")], &functions))
    };
    assert_eq!(chain(8), Vec::<String>::new());
    assert!(chain(60)[0].contains("functions call each other"));
    let own = function("f0", &["x"], &[call(0, "again")], &["again:output:0"]);
    assert!(asks(&graph(&[], &[own]))[0].contains("leads back to itself"));
}

proptest! {
    #[test]
    fn arbitrary_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = root(&bytes);
        for root in [Root::SavedModel, Root::MetaGraph, Root::Graph, Root::KerasMetadata] {
            let _ = survey(&bytes, root);
        }
    }
}
