//! The structure of an ONNX file, checked before a runtime sees it.
//!
//! rten believes the lengths it reads and allocates them, decodes nested messages and plans a graph by
//! recursion, and looks for a tensor's data where the file says. A failed allocation and an exhausted stack
//! end the process; no `catch_unwind` helps. [`artifact::onnx`](proofhouse_artifact::onnx) establishes that
//! tensors have the bytes that their shapes call for and names the data kept elsewhere. What is left is what
//! matters to a runtime only:
//!
//! * every message that it decodes lies within its parent, and they nest no deeper than [`MAX_DEPTH`];
//! * there are no more than [`MAX_NODES`] nodes, in topological order as the specification demands, and no
//!   chain of them is longer than [`MAX_CHAIN`];
//! * kernels, strides, dilations and pads are no larger than [`MAX_SPATIAL`].
//!
//! Field numbers are those of `onnx.proto`.

use std::collections::HashMap;

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::onnx::{self, Limits};
use proofhouse_artifact::protobuf::{Field, Fields, Value, packed_varints};

use crate::OnnxError;

/// Messages within messages. A graph within a node's attribute adds three.
const MAX_DEPTH: usize = 40;
/// The largest published vision models have a tenth of it.
const MAX_NODES: usize = 20_000;
/// rten plans a run by recursion along the longest chain of nodes: 3000 fit into the 2 MiB stack of a Rust
/// thread, 5000 do not.
const MAX_CHAIN: u32 = 1500;
/// No published vision model comes near; a pad of a million makes a tensor of terabytes.
const MAX_SPATIAL: u64 = 1024;

/// Checks `bytes` and describes them.
pub(crate) fn check(bytes: &[u8]) -> Result<onnx::Model, OnnxError> {
    contained(bytes)?;
    let model = onnx::parse(bytes, &Limits::default()).map_err(broken)?;
    if let Some(tensor) = model.external_data.first() {
        return Err(OnnxError::ExternalData {
            tensor: tensor.tensor.clone(),
            location: tensor.location.clone().unwrap_or_default(),
        });
    }
    Ok(model)
}

/// Walks every message that a runtime decodes.
fn contained(bytes: &[u8]) -> Result<(), OnnxError> {
    let (mut nodes, mut has_graph) = (0usize, false);
    let mut work = vec![(Message::Model, Fields::new(bytes), 0)];
    while let Some((message, fields, depth)) = work.pop() {
        if depth > MAX_DEPTH {
            return malformed(format!("messages are nested deeper than {MAX_DEPTH}"));
        }
        match message {
            Message::Graph => {
                has_graph = true;
                chains(&fields)?;
            }
            Message::Node => {
                nodes += 1;
                if nodes > MAX_NODES {
                    return malformed(format!("there are more than {MAX_NODES} nodes"));
                }
            }
            Message::Attribute => spatial(&fields)?,
            _ => {}
        }
        for field in fields {
            let field = field.map_err(broken)?;
            if let (Some(child), Some(message)) = (field.message(), message.child(field.number)) {
                work.push((message, child, depth + 1));
            }
        }
    }
    if has_graph { Ok(()) } else { malformed("it has no graph".to_owned()) }
}

/// The messages that a runtime decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
    Function,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    Leaf,
}

impl Message {
    const fn child(self, field: u32) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 25) => Self::Function,
            (Self::Model, 8 | 14) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Leaf,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::ValueInfo, 2) | (Self::SequenceType, 1) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::Type, 4) => Self::SequenceType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }
}

/// Checks the order of a graph's nodes and the length of its chains.
fn chains(graph: &Fields<'_>) -> Result<(), OnnxError> {
    let nodes = graph
        .clone()
        .filter_map(|field| match field {
            Ok(field) if field.number == 1 => field.message().map(Ok),
            Ok(_) => None,
            Err(error) => Some(Err(broken(error))),
        })
        .collect::<Result<Vec<_>, _>>()?;
    // What a node of this graph produces, and the length of the chain up to it once it was seen.
    let mut depths: HashMap<&[u8], Option<u32>> = HashMap::new();
    for node in &nodes {
        depths.extend(names(node, 2).map(|output| (output, None)));
    }
    for node in &nodes {
        let mut depth = 1;
        for input in names(node, 1) {
            match depths.get(input) {
                // An input of the graph, a constant, or a value of an outer graph.
                None => {}
                Some(Some(before)) => depth = depth.max(before + 1),
                Some(None) => {
                    let name = lossy(input);
                    return malformed(format!(
                        "the nodes are not in order: {name:?} is used before it is made"
                    ));
                }
            }
        }
        if depth > MAX_CHAIN {
            return malformed(format!("a chain of nodes is longer than {MAX_CHAIN}"));
        }
        depths.extend(names(node, 2).map(|output| (output, Some(depth))));
    }
    Ok(())
}

/// The names in the repeated string field `number` of a node. The empty one stands for an input left out.
fn names<'a>(node: &Fields<'a>, number: u32) -> impl Iterator<Item = &'a [u8]> {
    node.clone().filter_map(move |field| match field {
        Ok(Field { number: n, value: Value::Bytes(name), .. }) if n == number && !name.is_empty() => {
            Some(name)
        }
        _ => None,
    })
}

fn spatial(attribute: &Fields<'_>) -> Result<(), OnnxError> {
    const SPATIAL: [&[u8]; 6] =
        [b"kernel_shape", b"strides", b"dilations", b"pads", b"output_padding", b"output_shape"];
    let (mut name, mut largest) = (&b""[..], 0);
    for field in attribute.clone() {
        let field = field.map_err(broken)?;
        match (field.number, field.value) {
            (1, Value::Bytes(text)) => name = text,
            // Negative values are huge here, and have no meaning in these attributes either.
            (8, Value::Varint(v)) => largest = largest.max(v),
            (8, Value::Bytes(packed)) => {
                for v in packed_varints(packed, field.value_offset) {
                    largest = largest.max(v.map_err(broken)?);
                }
            }
            _ => {}
        }
    }
    if SPATIAL.contains(&name) && largest > MAX_SPATIAL {
        let (name, value) = (lossy(name), largest.cast_signed());
        return malformed(format!("attribute {name:?} holds {value}; 0 to {MAX_SPATIAL} are run"));
    }
    Ok(())
}

/// Names go into messages: no more than a line of them.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn broken(error: ArtifactError) -> OnnxError {
    OnnxError::Malformed(error.to_string())
}

fn malformed<T>(why: String) -> Result<T, OnnxError> {
    Err(OnnxError::Malformed(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A length-delimited field.
    fn field(number: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![number << 3 | 2];
        let mut n = payload.len();
        while n >= 0x80 {
            out.push((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        out.push(n as u8);
        out.extend_from_slice(payload);
        out
    }

    fn model(graph: &[u8]) -> Vec<u8> {
        field(7, graph)
    }

    #[test]
    fn a_length_beyond_the_message_is_refused() {
        let error = check(&[2 << 3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f]).unwrap_err();
        assert!(error.to_string().contains("claims 4294967295 bytes and 0 are left"), "{error}");
    }

    #[test]
    fn a_child_may_not_outgrow_its_parent() {
        // The model is long enough for what the tensor claims, the tensor is not.
        let mut bytes = model(&field(5, &[9 << 3 | 2, 50]));
        bytes.extend(field(2, &[b'x'; 100]));
        assert!(matches!(check(&bytes), Err(OnnxError::Malformed(_))));
    }

    #[test]
    fn data_outside_the_file_is_named() {
        let entry = [field(1, b"location"), field(2, b"../../weights.bin")].concat();
        let tensor = [field(8, b"w"), field(13, &entry)].concat();
        let error = check(&model(&field(5, &tensor))).unwrap_err();
        assert_eq!(
            error,
            OnnxError::ExternalData { tensor: "w".into(), location: "../../weights.bin".into() }
        );
        // In an attribute of a Constant node, too.
        let node = field(5, &field(5, &[field(8, b"c"), vec![14 << 3, 1]].concat()));
        let error = check(&model(&field(1, &node))).unwrap_err();
        assert_eq!(error, OnnxError::ExternalData { tensor: "c".into(), location: String::new() });
    }

    #[test]
    fn a_shape_that_lies_about_the_data_is_refused() {
        let tensor = [vec![1 << 3, 3, 2 << 3, 1], field(8, b"w"), field(9, &[0; 8])].concat();
        let error = check(&model(&field(5, &tensor))).unwrap_err();
        assert!(error.to_string().contains("needs 12 bytes by its type and shape and holds 8"), "{error}");
    }

    #[test]
    fn a_product_of_dimensions_may_not_overflow() {
        let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let tensor = field(1, &[huge, huge].concat());
        assert!(matches!(check(&model(&field(5, &tensor))), Err(OnnxError::Malformed(_))));
    }

    #[test]
    fn nesting_is_bounded() {
        let mut graph = Vec::new();
        for _ in 0..30 {
            graph = field(1, &field(5, &field(6, &graph)));
        }
        let error = check(&model(&graph)).unwrap_err();
        assert!(error.to_string().contains("nested deeper"), "{error}");
    }

    #[test]
    fn a_pad_of_a_million_is_refused() {
        let pads = [field(1, b"pads"), field(8, &[0xc0, 0x84, 0x3d])].concat();
        let error = check(&model(&field(1, &field(5, &pads)))).unwrap_err();
        assert!(error.to_string().contains("\"pads\" holds 1000000"), "{error}");
    }

    #[test]
    fn nothing_is_no_model() {
        assert!(matches!(check(b""), Err(OnnxError::Malformed(_))));
    }
}
