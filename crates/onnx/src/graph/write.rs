//! Writing graphs as ONNX files, and exchanging the constants of a file without touching the rest.
//!
//! Field numbers are those of `onnx.proto3` (ONNX IR version 13). Repeated numbers are written one by one, as
//! the Python package writes them; every reader takes both forms.

use std::collections::BTreeMap;

use proofhouse_artifact::onnx::{Dim, ValueInfo};
use proofhouse_artifact::protobuf::{Fields, Message, Value};

use super::{Attribute, Constant, Graph, Node, Values, between, broken, text};
use crate::OnnxError;

impl Graph {
    /// The graph as an ONNX file. Reading it again gives the same graph.
    ///
    /// Shapes of inner values, annotations for quantisation and sparse constants are not among what a graph
    /// holds and are not written; [`replace_constants`] keeps them.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let graph = self.message();
        let meta = &self.metadata;
        let mut model = Message::default();
        model.int(1, meta.ir_version);
        model.text(2, &meta.producer.0);
        model.text(3, &meta.producer.1);
        model.text(4, &meta.domain);
        if meta.model_version != 0 {
            model.int(5, meta.model_version);
        }
        model.text(6, &meta.doc);
        model.message(7, &graph);
        for (domain, version) in &self.opsets {
            let mut opset = Message::default();
            opset.text(1, domain);
            opset.int(2, *version);
            model.message(8, &opset);
        }
        for (key, value) in &meta.properties {
            let mut entry = Message::default();
            entry.bytes(1, key.as_bytes());
            entry.bytes(2, value.as_bytes());
            model.message(14, &entry);
        }
        model.append(&meta.unread);
        model.into_bytes()
    }

    fn message(&self) -> Message {
        let mut graph = Message::default();
        for node in &self.nodes {
            graph.message(1, &node.message());
        }
        graph.text(2, &self.metadata.graph_name);
        for (name, constant) in &self.constants {
            graph.message(5, &constant.message(name));
        }
        for (number, values) in [(11, &self.inputs), (12, &self.outputs)] {
            for value in values {
                graph.message(number, &value_info(value));
            }
        }
        graph
    }

    /// The graph as an attribute of a node.
    pub(super) fn attribute(&self, name: &str) -> Attribute {
        let mut out = Message::default();
        out.text(1, name);
        out.message(6, &self.message());
        out.int(20, 5);
        Attribute::Other(out.into_bytes())
    }
}

/// The ONNX file `original` with other values in some constants: initializers of the main graph, and outputs of
/// its `Constant` nodes. Everything else stays as it is, byte for byte: names, operator sets, documentation,
/// the model's own functions.
///
/// # Errors
/// A constant that the file does not have, or that has another shape or element type there.
pub fn replace_constants(original: &[u8], new: &BTreeMap<String, Constant>) -> Result<Vec<u8>, OnnxError> {
    let graph = Graph::read(original)?;
    for (name, constant) in new {
        let old = graph.constants.get(name).or_else(|| {
            let made = |n: &&Node| n.applies("", "Constant") && n.outputs.first() == Some(name);
            match graph.nodes.iter().find(made)?.attributes.get("value") {
                Some(Attribute::Tensor(old)) => Some(old),
                _ => None,
            }
        });
        let old =
            old.ok_or_else(|| OnnxError::Option(format!("the model has no constant {name:?} to replace")))?;
        if old.shape != constant.shape || old.element != constant.element {
            return Err(OnnxError::Shape {
                tensor: name.clone(),
                expected: format!("{:?} of {}", old.shape, old.element),
                found: constant.shape.clone(),
            });
        }
    }
    rewritten(Fields::new(original), original, &|number, fields| {
        (number == 7).then(|| {
            rewritten(fields, original, &|number, fields| match number {
                1 => with_value(fields, original, new).transpose(),
                5 => {
                    let name = named(&fields, 8);
                    new.get(&name).map(|constant| Ok(constant.message(&name).into_bytes()))
                }
                _ => None,
            })
        })
    })
}

/// A `Constant` node whose value is replaced; nothing for other nodes.
fn with_value(
    fields: Fields<'_>,
    original: &[u8],
    new: &BTreeMap<String, Constant>,
) -> Result<Option<Vec<u8>>, OnnxError> {
    let Some(constant) = new.get(&named(&fields, 2)).filter(|_| named(&fields, 4) == "Constant") else {
        return Ok(None);
    };
    rewritten(fields, original, &|number, fields| {
        (number == 5 && named(&fields, 1) == "value")
            .then(|| Ok(Attribute::Tensor(constant.clone()).message("value").into_bytes()))
    })
    .map(Some)
}

/// The new content of a field, by its number and what it holds; nothing where it stays.
type Change<'a> = dyn Fn(u32, Fields<'_>) -> Option<Result<Vec<u8>, OnnxError>> + 'a;

/// Copies a message, with another content for the fields for which `change` gives one.
fn rewritten(mut fields: Fields<'_>, file: &[u8], change: &Change<'_>) -> Result<Vec<u8>, OnnxError> {
    let mut out = Message::default();
    let mut start = fields.offset();
    while let Some(field) = fields.next() {
        let field = field.map_err(broken)?;
        let end = fields.offset();
        match field.message().and_then(|message| change(field.number, message)) {
            Some(content) => out.bytes(field.number, &content?),
            None => out.append(between(file, start, end)),
        }
        start = end;
    }
    Ok(out.into_bytes())
}

/// The first text in a field of a message.
fn named(fields: &Fields<'_>, number: u32) -> String {
    let found = fields.clone().filter_map(Result::ok).find_map(|field| match field.value {
        Value::Bytes(b) if field.number == number => Some(text(b)),
        _ => None,
    });
    found.unwrap_or_default()
}

/// A message as bytes again.
pub(super) fn copied(fields: Fields<'_>) -> Result<Vec<u8>, OnnxError> {
    let mut out = Message::default();
    for field in fields {
        let field = field.map_err(broken)?;
        match field.value {
            Value::Varint(v) => out.int(field.number, v.cast_signed()),
            Value::Fixed32(bits) => out.fixed32(field.number, bits),
            Value::Fixed64(bits) => out.fixed64(field.number, bits),
            Value::Bytes(b) => out.bytes(field.number, b),
        }
    }
    Ok(out.into_bytes())
}

impl Node {
    fn message(&self) -> Message {
        let mut out = Message::default();
        for input in &self.inputs {
            out.bytes(1, input.as_bytes());
        }
        for output in &self.outputs {
            out.bytes(2, output.as_bytes());
        }
        // The name that reading gave to a node without one.
        if !self.name.starts_with('#') {
            out.text(3, &self.name);
        }
        out.text(4, &self.operator);
        for (name, attribute) in &self.attributes {
            out.message(5, &attribute.message(name));
        }
        out.text(7, &self.domain);
        out
    }
}

impl Attribute {
    fn message(&self, name: &str) -> Message {
        let mut out = Message::default();
        if let Self::Other(whole) = self {
            out.append(whole);
            return out;
        }
        out.text(1, name);
        let kind = match self {
            Self::Float(v) => {
                out.fixed32(2, v.to_bits());
                1
            }
            Self::Int(v) => {
                out.int(3, *v);
                2
            }
            Self::Text(v) => {
                out.bytes(4, v.as_bytes());
                3
            }
            Self::Tensor(v) => {
                out.message(5, &v.message(""));
                4
            }
            Self::Floats(all) => {
                all.iter().for_each(|v| out.fixed32(7, v.to_bits()));
                6
            }
            Self::Ints(all) => {
                all.iter().for_each(|v| out.int(8, *v));
                7
            }
            Self::Texts(all) => {
                all.iter().for_each(|v| out.bytes(9, v.as_bytes()));
                8
            }
            Self::Other(_) => 0,
        };
        out.int(20, kind);
        out
    }
}

impl Constant {
    fn message(&self, name: &str) -> Message {
        let mut out = Message::default();
        if let Values::Other(whole) = &self.values {
            out.append(whole);
            // The last of a repeated single field counts.
            out.text(8, name);
            return out;
        }
        for dim in &self.shape {
            out.int(1, i64::try_from(*dim).unwrap_or(i64::MAX));
        }
        out.int(2, i64::from(self.element.0));
        out.text(8, name);
        out.bytes(9, &self.raw());
        out
    }

    /// The values in their declared width, little-endian.
    fn raw(&self) -> Vec<u8> {
        match &self.values {
            Values::Float32(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Values::Float64(v) => v.iter().flat_map(|v| v.to_le_bytes()).collect(),
            Values::Int(v) => {
                let width = match self.element.0 {
                    2 | 3 | 9 => 1,
                    4 | 5 => 2,
                    6 => 4,
                    _ => 8,
                };
                v.iter().flat_map(|v| v.to_le_bytes().into_iter().take(width)).collect()
            }
            Values::Other(_) => Vec::new(),
        }
    }
}

fn value_info(value: &ValueInfo) -> Message {
    let mut out = Message::default();
    out.text(1, &value.name);
    let mut tensor = Message::default();
    if let Some(element) = value.element_type {
        tensor.int(1, i64::from(element.0));
    }
    if let Some(dims) = &value.dims {
        let mut shape = Message::default();
        for dim in dims {
            let mut message = Message::default();
            match dim {
                Dim::Known(n) => message.int(1, *n),
                Dim::Symbolic(name) => message.text(2, name),
                Dim::Unknown => {}
            }
            shape.message(1, &message);
        }
        tensor.message(2, &shape);
    }
    let mut kind = Message::default();
    kind.message(1, &tensor);
    out.message(2, &kind);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofhouse_artifact::onnx::ElementType;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    const LOGREG: &[u8] = include_bytes!("../../tests/fixtures/logreg.onnx");
    const CNN: &[u8] = include_bytes!("../../tests/fixtures/cnn_at010.onnx");

    #[test]
    fn files_of_others_come_back_the_same() {
        for bytes in [LOGREG, CNN] {
            let graph = Graph::read(bytes).unwrap();
            assert_eq!(Graph::read(&graph.write()).unwrap(), graph);
        }
    }

    #[test]
    fn constants_are_exchanged_and_nothing_else() {
        let graph = Graph::read(CNN).unwrap();
        let (name, old) = graph.constants.iter().find(|(_, c)| c.shape.len() == 4).unwrap();
        let zeros = Constant::float32(old.shape.clone(), vec![0.0; old.floats().unwrap().len()]);
        let new = BTreeMap::from([(name.clone(), zeros.clone())]);
        let mut changed = Graph::read(&replace_constants(CNN, &new).unwrap()).unwrap();
        assert_eq!(changed.constants.insert(name.clone(), old.clone()), Some(zeros));
        assert_eq!(changed, graph);
        let back = BTreeMap::from([(name.clone(), old.clone())]);
        assert_eq!(replace_constants(&replace_constants(CNN, &new).unwrap(), &back).unwrap(), CNN);
    }

    #[test]
    fn a_constant_of_another_shape_is_refused() {
        let graph = Graph::read(CNN).unwrap();
        let (name, _) = graph.constants.iter().find(|(_, c)| c.shape.len() == 4).unwrap();
        let new = BTreeMap::from([(name.clone(), Constant::float32(vec![1], vec![0.0]))]);
        assert!(matches!(replace_constants(CNN, &new), Err(OnnxError::Shape { .. })));
        let new = BTreeMap::from([("nobody".to_owned(), Constant::float32(vec![1], vec![0.0]))]);
        assert!(replace_constants(CNN, &new).unwrap_err().to_string().contains("\"nobody\""));
    }

    fn constant() -> impl Strategy<Value = Constant> {
        let shape = vec(0usize..4, 0..4);
        (shape, 0..6, any::<u64>()).prop_map(|(shape, kind, seed)| {
            let n: usize = shape.iter().product();
            let value = |i: usize| seed.wrapping_mul(i as u64 + 1).cast_signed();
            let ints = |f: fn(i64) -> i64| Values::Int((0..n).map(|i| f(value(i))).collect());
            let (element, values) = match kind {
                0 => (1, Values::Float32((0..n).map(|i| value(i) as f32).collect())),
                1 => (11, Values::Float64((0..n).map(|i| value(i) as f64).collect())),
                2 => (7, ints(|v| v)),
                3 => (6, ints(|v| i64::from(v as i32))),
                4 => (3, ints(|v| i64::from(v as i8))),
                _ => (9, ints(|v| v & 1)),
            };
            Constant { shape, element: ElementType(element), values }
        })
    }

    fn attribute() -> impl Strategy<Value = Attribute> {
        prop_oneof![
            (-1e6f32..1e6).prop_map(Attribute::Float),
            any::<i64>().prop_map(Attribute::Int),
            "[a-z]{0,5}".prop_map(Attribute::Text),
            vec(-1e6f32..1e6, 0..4).prop_map(Attribute::Floats),
            vec(any::<i64>(), 0..4).prop_map(Attribute::Ints),
            vec("[a-z]{0,5}", 0..4).prop_map(Attribute::Texts),
            constant().prop_map(Attribute::Tensor),
        ]
    }

    fn graphs() -> impl Strategy<Value = Graph> {
        let attributes = btree_map("[b-j][a-z]{1,6}", attribute(), 0..4);
        let node = ("[A-Z][a-z]{1,6}", attributes, vec(0usize..3, 0..3));
        let constants = btree_map("c[a-z]{1,6}", constant(), 0..4);
        (vec(node, 0..5), constants, "[a-z ]{0,9}", 1i64..30).prop_map(|(nodes, constants, doc, version)| {
            let nodes = nodes.into_iter().enumerate().map(|(i, (operator, attributes, inputs))| Node {
                name: format!("#{i}"),
                domain: String::new(),
                operator,
                inputs: inputs.into_iter().filter(|n| *n < i).map(|n| format!("v{n}")).collect(),
                outputs: vec![format!("v{i}")],
                attributes,
            });
            let value = |name: &str, dims| ValueInfo {
                name: name.to_owned(),
                element_type: Some(ElementType(1)),
                dims,
                kind: "tensor",
            };
            Graph {
                nodes: nodes.collect(),
                inputs: vec![value(
                    "x",
                    Some(vec![Dim::Symbolic("N".into()), Dim::Known(version), Dim::Unknown]),
                )],
                outputs: vec![value("v0", None)],
                constants,
                opsets: BTreeMap::from([(String::new(), version)]),
                metadata: crate::graph::Metadata {
                    ir_version: version,
                    producer: ("p".into(), doc.clone()),
                    doc,
                    properties: vec![("k".into(), String::new())],
                    ..Default::default()
                },
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_written_is_read(graph in graphs()) {
            prop_assert_eq!(Graph::read(&graph.write()).unwrap(), graph);
        }
    }
}
