//! The structure of an ONNX file, checked before a runtime sees it.
//!
//! rten believes the lengths it reads and allocates them, decodes nested messages and plans a graph by
//! recursion, and looks for a tensor's data where the file says. A failed allocation and an exhausted stack
//! end the process; no `catch_unwind` helps. So this walk, which allocates nothing in proportion to what
//! the file *claims*, establishes first that
//!
//! * every field lies within its message, and messages nest no deeper than [`MAX_DEPTH`];
//! * there are no more than [`MAX_NODES`] nodes, in topological order as the specification demands, and no
//!   chain of them is longer than [`MAX_CHAIN`];
//! * no tensor keeps its data outside the file, and `raw_data` has the length that type and shape call for;
//! * kernels, strides, dilations and pads are no larger than [`MAX_SPATIAL`].
//!
//! Field numbers are those of `onnx.proto` (IR version 10). Repeated scalars may come packed or not, and
//! unknown fields are skipped, as protobuf demands.

use std::collections::HashMap;

use crate::OnnxError;
use crate::tensor::volume;

/// Messages within messages. A graph within a node's attribute adds three.
const MAX_DEPTH: usize = 40;
/// The largest published vision models have a tenth of it.
const MAX_NODES: usize = 20_000;
/// rten plans a run by recursion along the longest chain of nodes: 3000 fit into the 2 MiB stack of a Rust
/// thread, 5000 do not.
const MAX_CHAIN: u32 = 1500;
/// No published vision model comes near; a pad of a million makes a tensor of terabytes.
const MAX_SPATIAL: i64 = 1024;

/// What is worth knowing before loading.
#[derive(Debug, Default)]
pub(crate) struct Structure {
    /// Every node, those of subgraphs included.
    pub operators: Vec<OperatorUse>,
}

/// One node.
#[derive(Debug, Default, Clone)]
pub(crate) struct OperatorUse {
    pub domain: String,
    pub operator: String,
    pub node: String,
}

impl OperatorUse {
    /// The domain with its proper name: the empty one is `ai.onnx`.
    pub(crate) fn domain_name(&self) -> &str {
        if self.domain.is_empty() { "ai.onnx" } else { &self.domain }
    }
}

/// Checks `bytes` and lists the operators.
pub(crate) fn check(bytes: &[u8]) -> Result<Structure, OnnxError> {
    let mut structure = Structure::default();
    let mut has_graph = false;
    let mut work = vec![Work { message: Message::Model, bytes, depth: 0 }];
    while let Some(Work { message, bytes, depth }) = work.pop() {
        if depth > MAX_DEPTH {
            return malformed(format!("messages are nested deeper than {MAX_DEPTH}"));
        }
        has_graph |= message == Message::Graph;
        match message {
            Message::Graph => chains(bytes)?,
            Message::Node => {
                if structure.operators.len() == MAX_NODES {
                    return malformed(format!("there are more than {MAX_NODES} nodes"));
                }
                structure.operators.push(node(bytes)?);
            }
            Message::Tensor => tensor(bytes)?,
            Message::Attribute => attribute(bytes)?,
            _ => {}
        }
        for field in Fields::of(message.name(), bytes) {
            let field = field?;
            if let (Value::Bytes(bytes), Some(message)) = (field.value, message.child(field.number)) {
                work.push(Work { message, bytes, depth: depth + 1 });
            }
        }
    }
    if has_graph { Ok(structure) } else { malformed("it has no graph".to_owned()) }
}

struct Work<'a> {
    message: Message,
    bytes: &'a [u8],
    depth: usize,
}

/// The messages whose fields are walked: all that a runtime decodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Message {
    Model,
    Graph,
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
    const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Graph => "graph",
            Self::Node => "node",
            Self::Attribute => "attribute",
            Self::Tensor => "tensor",
            Self::ValueInfo => "value info",
            Self::Type | Self::TensorType | Self::SequenceType => "type",
            Self::Shape => "shape",
            Self::Leaf => "entry",
        }
    }

    const fn child(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 8 | 14) | (Self::Tensor, 13) | (Self::Shape, 1) => Self::Leaf,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::ValueInfo,
            (Self::Node, 5) => Self::Attribute,
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
fn chains(graph: &[u8]) -> Result<(), OnnxError> {
    let nodes =
        || Fields::of("graph", graph).filter(|f| !matches!(f, Ok(Field { number, .. }) if *number != 1));
    let names = |node, wanted| {
        Fields::of("node", node).filter_map(move |field| match field {
            Ok(Field { number, value: Value::Bytes(name) }) if number == wanted && !name.is_empty() => {
                Some(name)
            }
            _ => None,
        })
    };
    // What a node of this graph produces, and the length of the chain up to it once it was seen.
    let mut depths: HashMap<&[u8], Option<u32>> = HashMap::new();
    for field in nodes() {
        if let Value::Bytes(node) = field?.value {
            depths.extend(names(node, 2).map(|output| (output, None)));
        }
    }
    for field in nodes() {
        let Value::Bytes(node) = field?.value else { continue };
        let mut depth = 1;
        for input in names(node, 1) {
            match depths.get(input) {
                // An input of the graph, a constant, or a value of an outer graph.
                None => {}
                Some(Some(before)) => depth = depth.max(before + 1),
                Some(None) => {
                    return malformed(format!(
                        "the nodes are not in order: {:?} is used before it is made",
                        lossy(input)
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

fn node(bytes: &[u8]) -> Result<OperatorUse, OnnxError> {
    let mut found = OperatorUse::default();
    for field in Fields::of("node", bytes) {
        let field = field?;
        if let Value::Bytes(text) = field.value {
            match field.number {
                3 => found.node = lossy(text),
                4 => found.operator = lossy(text),
                7 => found.domain = lossy(text),
                _ => {}
            }
        }
    }
    Ok(found)
}

fn tensor(bytes: &[u8]) -> Result<(), OnnxError> {
    let (mut dims, mut element, mut name) = (Vec::new(), 0, String::new());
    let (mut raw, mut location) = (None, None);
    for field in Fields::of("tensor", bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, value) => value.integers("tensor", |d| dims.push(d))?,
            (2, Value::Integer(t)) => element = t,
            (8, Value::Bytes(text)) => name = lossy(text),
            (9, Value::Bytes(data)) => raw = Some(data.len()),
            (13, Value::Bytes(entry)) => {
                let (key, value) = entry_of(entry)?;
                if key == "location" || location.is_none() {
                    location = Some(value);
                }
            }
            (14, Value::Integer(1)) => location = location.or_else(|| Some(String::new())),
            _ => {}
        }
    }
    if let Some(location) = location {
        return Err(OnnxError::ExternalData { tensor: name, location });
    }
    let shape: Option<Vec<usize>> = dims.iter().map(|d| usize::try_from(*d).ok()).collect();
    let Some(elements) = shape.as_deref().and_then(volume) else {
        return malformed(format!("tensor {name:?} has the impossible shape {dims:?}"));
    };
    if let (Some(raw), Some(width)) = (raw, element_bytes(element))
        && elements.checked_mul(width) != Some(raw)
    {
        return malformed(format!(
            "tensor {name:?} has shape {dims:?} of {width}-byte elements, but {raw} bytes of data"
        ));
    }
    Ok(())
}

fn attribute(bytes: &[u8]) -> Result<(), OnnxError> {
    const SPATIAL: [&str; 6] =
        ["kernel_shape", "strides", "dilations", "pads", "output_padding", "output_shape"];
    let (mut name, mut largest) = (String::new(), 0);
    for field in Fields::of("attribute", bytes) {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Bytes(text)) => name = lossy(text),
            (8, value) => value.integers("attribute", |v| largest = largest.max(v))?,
            _ => {}
        }
    }
    if SPATIAL.contains(&name.as_str()) && largest > MAX_SPATIAL {
        return malformed(format!("attribute {name:?} holds {largest}, more than {MAX_SPATIAL}"));
    }
    Ok(())
}

fn entry_of(bytes: &[u8]) -> Result<(String, String), OnnxError> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in Fields::of("entry", bytes) {
        match field? {
            Field { number: 1, value: Value::Bytes(text) } => key = lossy(text),
            Field { number: 2, value: Value::Bytes(text) } => value = lossy(text),
            _ => {}
        }
    }
    Ok((key, value))
}

/// Size of an element of a `TensorProto.DataType`, for the types that have one.
const fn element_bytes(data_type: i64) -> Option<usize> {
    Some(match data_type {
        2 | 3 | 9 => 1,
        4 | 5 | 10 | 16 => 2,
        1 | 6 | 12 => 4,
        7 | 11 | 13 | 14 => 8,
        15 => 16,
        _ => return None,
    })
}

/// Names go into messages: no more than a line of them.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..200).unwrap_or(bytes)).into_owned()
}

fn malformed<T>(why: String) -> Result<T, OnnxError> {
    Err(OnnxError::Malformed(why))
}

struct Field<'a> {
    number: u64,
    value: Value<'a>,
}

#[derive(Clone, Copy)]
enum Value<'a> {
    Integer(i64),
    Bytes(&'a [u8]),
    /// Fixed 32 or 64 bits: nothing here needs the value.
    Fixed,
}

impl Value<'_> {
    /// The integers of a repeated field, packed or not.
    fn integers(self, message: &'static str, mut each: impl FnMut(i64)) -> Result<(), OnnxError> {
        match self {
            Self::Integer(v) => each(v),
            Self::Bytes(mut rest) => {
                while !rest.is_empty() {
                    each(varint(message, &mut rest)?.cast_signed());
                }
            }
            Self::Fixed => {}
        }
        Ok(())
    }
}

/// The fields of one message, in file order.
struct Fields<'a> {
    message: &'static str,
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    const fn of(message: &'static str, bytes: &'a [u8]) -> Self {
        Self { message, rest: bytes }
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], OnnxError> {
        let split = usize::try_from(n).ok().and_then(|n| self.rest.split_at_checked(n));
        let Some((taken, rest)) = split else {
            return malformed(format!(
                "a field of a {} claims {n} bytes where {} are left",
                self.message,
                self.rest.len()
            ));
        };
        self.rest = rest;
        Ok(taken)
    }

    fn read(&mut self) -> Result<Field<'a>, OnnxError> {
        let key = varint(self.message, &mut self.rest)?;
        let value = match key & 7 {
            0 => Value::Integer(varint(self.message, &mut self.rest)?.cast_signed()),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = varint(self.message, &mut self.rest)?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            kind => return malformed(format!("a {} has a field of wire type {kind}", self.message)),
        };
        Ok(Field { number: key >> 3, value })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, OnnxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let field = self.read();
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

fn varint(message: &'static str, bytes: &mut &[u8]) -> Result<u64, OnnxError> {
    let mut value = 0u64;
    for shift in (0..70).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else {
            return malformed(format!("a {message} ends within a number"));
        };
        *bytes = rest;
        value |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    malformed(format!("a {message} holds a number of more than ten bytes"))
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
        assert!(error.to_string().contains("claims 4294967295 bytes where 0 are left"), "{error}");
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
        assert!(error.to_string().contains("shape [3] of 4-byte elements, but 8 bytes"), "{error}");
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
