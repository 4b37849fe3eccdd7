//! An ONNX model as a typed graph: nodes with their attributes, constants with their values.
//!
//! The embedded runtime reads files by itself. This is for whoever works on the graph instead of running it:
//! the evaluators of operators that the runtime lacks, and transformations. Field numbers are those of
//! `onnx.proto3` (ONNX IR version 13). The structure has passed [`preflight`](crate::preflight) before, so
//! lengths and nesting are bounded; a nested graph is entered only by who asks for it ([`Node::body`]).

use std::collections::BTreeMap;

use proofhouse_artifact::ArtifactError;
use proofhouse_artifact::onnx::{ElementType, ValueInfo};
use proofhouse_artifact::protobuf::{Field, Fields, Value, packed_varints};

use crate::OnnxError;
use crate::preflight;
use crate::tensor::volume;

mod functions;
mod nested;
mod write;

pub use write::replace_constants;

/// A model's main graph.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Graph {
    /// The nodes, in topological order.
    pub nodes: Vec<Node>,
    /// What a caller provides; inputs that have a constant of the same name are not among them.
    pub inputs: Vec<ValueInfo>,
    /// What it returns.
    pub outputs: Vec<ValueInfo>,
    /// Constants by name.
    pub constants: BTreeMap<String, Constant>,
    /// Versions of the operator sets by domain; the standard set has the empty domain.
    pub opsets: BTreeMap<String, i64>,
    /// What the file says about itself.
    pub metadata: Metadata,
}

/// What an ONNX file says about itself; kept when a graph is written again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Version of the intermediate representation.
    pub ir_version: i64,
    /// Tool that wrote it, and its version.
    pub producer: (String, String),
    /// Reverse-DNS name space of the model.
    pub domain: String,
    /// Version of the model.
    pub model_version: i64,
    /// Free text.
    pub doc: String,
    /// Name of the main graph.
    pub graph_name: String,
    /// Key-value pairs.
    pub properties: Vec<(String, String)>,
    /// Fields of the model that are not read (its own functions, training information), as they stood.
    pub unread: Vec<u8>,
}

/// One application of an operator.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Node {
    /// Its name, or `#index` where it has none.
    pub name: String,
    /// Domain of the operator; empty for the standard set.
    pub domain: String,
    /// The operator.
    pub operator: String,
    /// Names of its inputs; an empty one is an input left out.
    pub inputs: Vec<String>,
    /// Names of its outputs.
    pub outputs: Vec<String>,
    /// Its attributes.
    pub attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// An integer.
    Int(i64),
    /// A text.
    Text(String),
    /// A tensor.
    Tensor(Constant),
    /// Numbers.
    Floats(Vec<f32>),
    /// Integers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// A graph, a sparse tensor or another kind that is not read, as it stood.
    Other(Vec<u8>),
}

/// A constant tensor, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Constant {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its element type as declared.
    pub element: ElementType,
    /// Its values.
    pub values: Values,
}

/// Values of a constant, by element type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Values {
    /// FLOAT.
    Float32(Vec<f32>),
    /// DOUBLE.
    Float64(Vec<f64>),
    /// INT64, INT32 and the smaller integer types.
    Int(Vec<i64>),
    /// Types that are not read: the message as it stood.
    Other(Vec<u8>),
}

/// A domain; "ai.onnx" is the other name of the standard one, whose own is empty.
fn standard(domain: &str) -> String {
    if domain == "ai.onnx" { String::new() } else { domain.to_owned() }
}

impl Graph {
    /// Reads the main graph of an ONNX file.
    ///
    /// # Errors
    /// What [`load`](crate::load) refuses about the structure: truncation, lengths that lie, tensors whose
    /// data lies elsewhere, nodes out of order.
    pub fn read(bytes: &[u8]) -> Result<Self, OnnxError> {
        let structure = preflight::check(bytes)?;
        let mut graph = Self {
            nodes: Vec::new(),
            inputs: structure.required_inputs().cloned().collect(),
            outputs: structure.outputs.clone(),
            constants: BTreeMap::new(),
            opsets: structure
                .opset_imports
                .iter()
                .map(|(domain, version)| (standard(domain), *version))
                .collect(),
            metadata: Metadata {
                ir_version: structure.ir_version,
                producer: (structure.producer_name, structure.producer_version),
                domain: structure.domain,
                model_version: structure.model_version,
                graph_name: structure.graph_name,
                properties: structure.metadata_props,
                ..Metadata::default()
            },
        };
        let mut fields = Fields::new(bytes);
        let mut start = fields.offset();
        while let Some(field) = fields.next() {
            let field = field.map_err(broken)?;
            let end = fields.offset();
            match (field.number, field.value) {
                (6, Value::Bytes(b)) => graph.metadata.doc = text(b),
                (7, _) => graph.read_graph(field.message().ok_or_else(|| not_a_message(&field))?)?,
                (1..=8 | 14, _) => {}
                _ => graph.metadata.unread.extend_from_slice(between(bytes, start, end)),
            }
            start = end;
        }
        Ok(graph)
    }

    /// The first node of an operator.
    #[must_use]
    pub fn first(&self, operator: &str) -> Option<&Node> {
        self.nodes.iter().find(|n| n.operator == operator)
    }

    fn read_graph(&mut self, fields: Fields<'_>) -> Result<(), OnnxError> {
        for field in fields {
            let field = field.map_err(broken)?;
            match field.number {
                1 => {
                    let message = field.message().ok_or_else(|| not_a_message(&field))?;
                    let node = Node::read(message, self.nodes.len())?;
                    self.nodes.push(node);
                }
                5 => {
                    let message = field.message().ok_or_else(|| not_a_message(&field))?;
                    let (name, constant) = Constant::read(message)?;
                    self.constants.insert(name, constant);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Node {
    fn read(fields: Fields<'_>, index: usize) -> Result<Self, OnnxError> {
        let mut node = Self {
            name: String::new(),
            domain: String::new(),
            operator: String::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            attributes: BTreeMap::new(),
        };
        for field in fields {
            let field = field.map_err(broken)?;
            match (field.number, field.value) {
                (1, Value::Bytes(b)) => node.inputs.push(text(b)),
                (2, Value::Bytes(b)) => node.outputs.push(text(b)),
                (3, Value::Bytes(b)) => node.name = text(b),
                (4, Value::Bytes(b)) => node.operator = text(b),
                (5, Value::Bytes(_)) => {
                    let message = field.message().ok_or_else(|| not_a_message(&field))?;
                    let (name, attribute) = read_attribute(message)?;
                    if node.attributes.insert(name.clone(), attribute).is_some() {
                        return Err(OnnxError::Malformed(format!(
                            "a node of operator {:?} has two attributes {name:?}",
                            node.operator
                        )));
                    }
                }
                (7, Value::Bytes(b)) => node.domain = standard(&text(b)),
                _ => {}
            }
        }
        if node.name.is_empty() {
            node.name = format!("#{index}");
        }
        Ok(node)
    }

    /// Whether it applies an operator of a domain; the standard set has the empty domain.
    #[must_use]
    pub fn applies(&self, domain: &str, operator: &str) -> bool {
        self.domain == domain && self.operator == operator
    }

    /// An integer attribute, or `default` where it is not given.
    pub fn int(&self, name: &str, default: i64) -> Result<i64, OnnxError> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Int(v)) => Ok(*v),
            Some(_) => Err(self.wrong_kind(name, "an integer")),
        }
    }

    /// A text attribute, or `default` where it is not given.
    pub fn text<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str, OnnxError> {
        match self.attributes.get(name) {
            None => Ok(default),
            Some(Attribute::Text(v)) => Ok(v),
            Some(_) => Err(self.wrong_kind(name, "a text")),
        }
    }

    /// An attribute of integers; none where it is not given.
    pub fn ints(&self, name: &str) -> Result<&[i64], OnnxError> {
        match self.attributes.get(name) {
            None => Ok(&[]),
            Some(Attribute::Ints(v)) => Ok(v),
            Some(_) => Err(self.wrong_kind(name, "integers")),
        }
    }

    /// An attribute of texts; none where it is not given.
    pub fn texts(&self, name: &str) -> Result<&[String], OnnxError> {
        match self.attributes.get(name) {
            None => Ok(&[]),
            Some(Attribute::Texts(v)) => Ok(v),
            Some(_) => Err(self.wrong_kind(name, "texts")),
        }
    }

    /// An attribute of numbers as float32; none where it is not given. Numbers in double precision are rounded to it.
    pub fn floats(&self, name: &str) -> Result<Vec<f32>, OnnxError> {
        match self.attributes.get(name) {
            Some(Attribute::Floats(v)) => Ok(v.clone()),
            _ => Ok(self.doubles(name)?.into_iter().map(|v| v as f32).collect()),
        }
    }

    /// An attribute of numbers, a list or a tensor; none where it is not given. The double-precision twin that some
    /// exporters write (`name_as_tensor`) is read where the plain one is absent.
    pub fn doubles(&self, name: &str) -> Result<Vec<f64>, OnnxError> {
        let twin = format!("{name}_as_tensor");
        let found = self.attributes.get_key_value(name).or_else(|| self.attributes.get_key_value(&twin));
        match found {
            None => Ok(Vec::new()),
            Some((_, Attribute::Floats(v))) => Ok(v.iter().map(|v| f64::from(*v)).collect()),
            Some((name, Attribute::Tensor(constant))) => match &constant.values {
                Values::Float32(v) => Ok(v.iter().map(|v| f64::from(*v)).collect()),
                Values::Float64(v) => Ok(v.clone()),
                Values::Int(v) => Ok(v.iter().map(|v| *v as f64).collect()),
                Values::Other(_) => Err(self.wrong_kind(name, "a tensor of numbers")),
            },
            Some((name, _)) => Err(self.wrong_kind(name, "numbers")),
        }
    }

    /// An error about this node.
    #[must_use]
    pub fn broken(&self, why: impl std::fmt::Display) -> OnnxError {
        OnnxError::Malformed(format!("node {:?} ({}): {why}", self.name, self.operator))
    }

    fn wrong_kind(&self, name: &str, wanted: &str) -> OnnxError {
        self.broken(format!("attribute {name:?} is not {wanted}"))
    }
}

impl Constant {
    /// The values as float32, where they are numbers that a float32 carries.
    #[must_use]
    pub fn floats(&self) -> Option<Vec<f32>> {
        match &self.values {
            Values::Float32(v) => Some(v.clone()),
            Values::Float64(v) => {
                v.iter().map(|x| (f64::from(*x as f32) == *x).then_some(*x as f32)).collect()
            }
            Values::Int(v) => v.iter().map(|x| (x.unsigned_abs() <= 1 << 24).then_some(*x as f32)).collect(),
            Values::Other(_) => None,
        }
    }

    /// The values where they are texts.
    pub(crate) fn texts(&self) -> Option<Vec<String>> {
        let (8, Values::Other(whole)) = (self.element.0, &self.values) else { return None };
        let found = Fields::new(whole).filter_map(Result::ok).filter_map(|field| match field.value {
            Value::Bytes(b) if field.number == 6 => Some(text(b)),
            _ => None,
        });
        let texts: Vec<String> = found.collect();
        (volume(&self.shape) == Some(texts.len())).then_some(texts)
    }

    /// A float32 constant; the number of values must be the product of the shape.
    #[must_use]
    pub fn float32(shape: Vec<usize>, values: Vec<f32>) -> Self {
        debug_assert_eq!(volume(&shape), Some(values.len()));
        Self { shape, element: ElementType(1), values: Values::Float32(values) }
    }

    /// An int64 constant; the number of values must be the product of the shape.
    #[must_use]
    pub fn int64(shape: Vec<usize>, values: Vec<i64>) -> Self {
        debug_assert_eq!(volume(&shape), Some(values.len()));
        Self { shape, element: ElementType(7), values: Values::Int(values) }
    }

    /// A constant of truth values.
    #[must_use]
    pub fn bools(shape: Vec<usize>, values: impl IntoIterator<Item = bool>) -> Self {
        let values = values.into_iter().map(i64::from).collect();
        Self { shape, element: ElementType(9), values: Values::Int(values) }
    }

    fn read(fields: Fields<'_>) -> Result<(String, Self), OnnxError> {
        let whole = fields.clone();
        let mut name = String::new();
        let (mut dims, mut element) = (Vec::new(), 0i32);
        let mut raw: Option<&[u8]> = None;
        let (mut floats, mut doubles, mut ints) = (Vec::new(), Vec::new(), Vec::new());
        for field in fields {
            let field = field.map_err(broken)?;
            match (field.number, field.value) {
                (1, value) => integers(value, field.value_offset, &mut dims)?,
                (2, Value::Varint(v)) => element = i32::try_from(v).unwrap_or(-1),
                (4, value) => numbers(value, &mut floats, u32::from_le_bytes, |v| match v {
                    Value::Fixed32(bits) => Some(bits),
                    _ => None,
                }),
                (5 | 7, value) => integers(value, field.value_offset, &mut ints)?,
                (8, Value::Bytes(b)) => name = text(b),
                (9, Value::Bytes(b)) => raw = Some(b),
                (10, value) => numbers(value, &mut doubles, u64::from_le_bytes, |v| match v {
                    Value::Fixed64(bits) => Some(bits),
                    _ => None,
                }),
                _ => {}
            }
        }
        let shape: Option<Vec<usize>> = dims.iter().map(|d| usize::try_from(*d).ok()).collect();
        let shape =
            shape.ok_or_else(|| OnnxError::Malformed(format!("tensor {name:?} has a negative dimension")))?;
        let float = |bits: &u32| f32::from_bits(*bits);
        let values = match (element, raw) {
            (1, Some(raw)) => Values::Float32(chunks(raw, f32::from_le_bytes)),
            (1, None) => Values::Float32(floats.iter().map(float).collect()),
            (11, Some(raw)) => Values::Float64(chunks(raw, f64::from_le_bytes)),
            (11, None) => Values::Float64(doubles.iter().map(|bits| f64::from_bits(*bits)).collect()),
            (7, Some(raw)) => Values::Int(chunks(raw, i64::from_le_bytes)),
            (6, Some(raw)) => Values::Int(chunks(raw, |b| i64::from(i32::from_le_bytes(b)))),
            (5, Some(raw)) => Values::Int(chunks(raw, |b| i64::from(i16::from_le_bytes(b)))),
            (4, Some(raw)) => Values::Int(chunks(raw, |b| i64::from(u16::from_le_bytes(b)))),
            (3, Some(raw)) => Values::Int(chunks(raw, |b| i64::from(i8::from_le_bytes(b)))),
            (2 | 9, Some(raw)) => Values::Int(chunks(raw, |b| i64::from(u8::from_le_bytes(b)))),
            (2..=7 | 9, None) => Values::Int(ints),
            _ => Values::Other(write::copied(whole)?),
        };
        let held = match &values {
            Values::Float32(v) => Some(v.len()),
            Values::Float64(v) => Some(v.len()),
            Values::Int(v) => Some(v.len()),
            Values::Other(_) => None,
        };
        if held.is_some() && held != volume(&shape) {
            let held = held.unwrap_or(0);
            return Err(OnnxError::Malformed(format!(
                "tensor {name:?} of shape {shape:?} holds {held} values"
            )));
        }
        Ok((name, Self { shape, element: ElementType(element), values }))
    }
}

fn read_attribute(fields: Fields<'_>) -> Result<(String, Attribute), OnnxError> {
    let whole = fields.clone();
    let mut name = String::new();
    let mut refers = false;
    let mut kind = None;
    let mut single = None;
    let (mut floats, mut ints, mut texts) = (Vec::<u32>::new(), Vec::new(), Vec::new());
    for field in fields {
        let field = field.map_err(broken)?;
        match (field.number, field.value) {
            (1, Value::Bytes(b)) => name = text(b),
            (2, Value::Fixed32(bits)) => single = Some(Attribute::Float(f32::from_bits(bits))),
            (3, Value::Varint(v)) => single = Some(Attribute::Int(v.cast_signed())),
            (4, Value::Bytes(b)) => single = Some(Attribute::Text(text(b))),
            (5, Value::Bytes(_)) => {
                let message = field.message().ok_or_else(|| not_a_message(&field))?;
                single = Some(Attribute::Tensor(Constant::read(message)?.1));
            }
            (7, value) => numbers(value, &mut floats, u32::from_le_bytes, |v| match v {
                Value::Fixed32(bits) => Some(bits),
                _ => None,
            }),
            (8, value) => integers(value, field.value_offset, &mut ints)?,
            (9, Value::Bytes(b)) => texts.push(text(b)),
            (20, Value::Varint(v)) => kind = Some(v),
            (21, Value::Bytes(outer)) => refers = !outer.is_empty(),
            _ => {}
        }
    }
    // A default such as 0 is not on the wire, so the stated type decides; files before IR 4 may lack it.
    let attribute = match (kind, single) {
        // Within a function: the attribute of the node that applies it.
        _ if refers => Attribute::Other(write::copied(whole)?),
        (Some(1), None) => Attribute::Float(0.0),
        (Some(2), None) => Attribute::Int(0),
        (Some(3), None) => Attribute::Text(String::new()),
        (Some(1..=4), Some(single)) => single,
        (Some(6), _) => Attribute::Floats(floats.into_iter().map(f32::from_bits).collect()),
        (Some(7), _) => Attribute::Ints(ints),
        (Some(8), _) => Attribute::Texts(texts),
        (None, _) if !floats.is_empty() => {
            Attribute::Floats(floats.into_iter().map(f32::from_bits).collect())
        }
        (None, _) if !ints.is_empty() => Attribute::Ints(ints),
        (None, _) if !texts.is_empty() => Attribute::Texts(texts),
        (None, Some(single)) => single,
        _ => Attribute::Other(write::copied(whole)?),
    };
    Ok((name, attribute))
}

/// A repeated integer field, packed or not.
fn integers(value: Value<'_>, offset: u64, into: &mut Vec<i64>) -> Result<(), OnnxError> {
    match value {
        Value::Varint(v) => into.push(v.cast_signed()),
        Value::Bytes(packed) => {
            for v in packed_varints(packed, offset) {
                into.push(v.map_err(broken)?.cast_signed());
            }
        }
        Value::Fixed32(_) | Value::Fixed64(_) => {}
    }
    Ok(())
}

/// A repeated field of fixed width, packed or not.
fn numbers<const N: usize, T>(
    value: Value<'_>,
    into: &mut Vec<T>,
    decode: fn([u8; N]) -> T,
    alone: impl Fn(Value<'_>) -> Option<T>,
) {
    match value {
        Value::Bytes(packed) => into.extend(chunks(packed, decode)),
        other => into.extend(alone(other)),
    }
}

fn chunks<const N: usize, T>(bytes: &[u8], decode: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| decode(*chunk)).collect()
}

/// The bytes from one offset of the file to another.
fn between(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    bytes.get(at(start)..at(end)).unwrap_or_default()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn not_a_message(field: &Field<'_>) -> OnnxError {
    OnnxError::Malformed(format!(
        "field {} at byte {} is a number where a message belongs",
        field.number, field.offset
    ))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn broken(error: ArtifactError) -> OnnxError {
    OnnxError::Malformed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGREG: &[u8] = include_bytes!("../tests/fixtures/logreg.onnx");
    const CNN: &[u8] = include_bytes!("../tests/fixtures/cnn_at010.onnx");

    #[test]
    fn attributes_come_with_their_type() {
        let graph = Graph::read(LOGREG).unwrap();
        let node = graph.first("LinearClassifier").unwrap();
        assert_eq!(node.domain, "ai.onnx.ml");
        assert_eq!(node.ints("classlabels_ints").unwrap(), [0, 1]);
        assert_eq!(node.int("multi_class", 7).unwrap(), 0);
        assert_eq!(node.text("post_transform", "NONE").unwrap(), "LOGISTIC");
        assert_eq!(node.floats("coefficients").unwrap().len(), 60);
        assert!(node.ints("coefficients").is_err());
    }

    #[test]
    fn constants_come_with_their_values() {
        let graph = Graph::read(CNN).unwrap();
        let conv = graph.first("Conv").unwrap();
        let weights = &graph.constants[&conv.inputs[1]];
        let Values::Float32(values) = &weights.values else { panic!("{weights:?}") };
        assert_eq!(values.len(), weights.shape.iter().product::<usize>());
        assert!(values.iter().all(|v| v.is_finite()) && values.iter().any(|v| *v != 0.0));
        assert_eq!(graph.inputs.len(), 1);
    }

    #[test]
    fn a_file_cut_anywhere_is_an_error_and_no_panic() {
        for end in (0..LOGREG.len()).step_by(7) {
            assert!(Graph::read(&LOGREG[..end]).is_err(), "cut at {end}");
        }
    }
}
