//! TensorFlow graphs: saved models, meta graphs and frozen graphs, read from their protocol buffers.
//!
//! Operations are counted by name wherever they stand: in the graph and in the functions of its library. Texts
//! that Keras keeps beside the graph (`metadata` of saved objects, `keras_metadata.pb`) are handed out as they
//! are. Nothing is executed and no weight is copied; messages to visit are kept on a stack.
//!
//! Source: `saved_model.proto`, `meta_graph.proto`, `graph.proto`, `node_def.proto`, `function.proto`,
//! `attr_value.proto`, `saved_object_graph.proto` of TensorFlow 2.21.

use std::collections::{BTreeMap, BTreeSet};

use crate::ArtifactError;
use crate::protobuf::{Field, Fields, Value, packed_varints};

mod excess;
mod fold;
mod pattern;
mod turns;

pub use excess::Excess;
use excess::{Excesses, FEW, Node};
pub use pattern::FixedAnswer;

/// Messages and fields together. A large model has a million.
const MAX_ITEMS: u64 = 20_000_000;
/// Most attribute texts that are kept.
const MAX_TEXTS: usize = 100_000;

/// What a graph says.
#[derive(Debug, Default)]
pub struct Survey {
    /// Operations by name.
    pub operations: BTreeMap<String, Use>,
    /// Functions that the graph defines itself.
    pub functions: BTreeSet<String>,
    /// JSON that Keras keeps with objects: where it stands.
    pub metadata: Vec<(u64, u64)>,
    /// Files that the model brings along under `assets/`.
    pub assets: Vec<String>,
    /// Texts of attributes: operation, attribute, place and length.
    pub texts: Vec<Text>,
    /// What takes memory or time beyond any machine.
    pub excesses: Vec<Excess>,
    /// Answers that what an input holds calls up.
    pub fixed_answers: Vec<FixedAnswer>,
    /// Truncation, and fields that the format does not have.
    pub errors: Vec<ArtifactError>,
}

/// How often and where an operation stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// Number of nodes.
    pub count: u64,
    /// Name of the first one.
    pub node: String,
    /// Where the first one begins.
    pub offset: u64,
}

/// A text or a string tensor in an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// The operation that has it.
    pub operation: String,
    /// The attribute.
    pub attribute: String,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub bytes: u64,
}

/// Which message a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Root {
    /// `SavedModel`
    SavedModel,
    /// `MetaGraphDef`
    MetaGraph,
    /// `GraphDef`
    Graph,
    /// `SavedMetadata` of Keras
    KerasMetadata,
    /// `FingerprintDef`: checksums of a saved model.
    Fingerprint,
}

/// Reads as much as can be read.
#[must_use]
pub fn survey(bytes: &[u8], root: Root) -> Survey {
    let kind = match root {
        Root::SavedModel => Kind::SavedModel,
        Root::MetaGraph => Kind::MetaGraph,
        Root::Graph => Kind::Graph,
        Root::KerasMetadata => Kind::KerasMetadata,
        Root::Fingerprint => Kind::Fingerprint,
    };
    let mut walk = Walk {
        out: Survey::default(),
        stack: vec![(kind, Fields::new(bytes))],
        items: 0,
        scopes: 0,
        signature: String::new(),
        excess: Excesses::default(),
    };
    walk.run();
    walk.out.fixed_answers = walk.excess.fixed_answers();
    walk.out.excesses = walk.excess.found();
    walk.out
}

/// The root message of `bytes`, if its fields are those of one and what has to be there is there.
#[must_use]
pub fn root(bytes: &[u8]) -> Option<Root> {
    let mut seen = BTreeSet::new();
    let mut first = None;
    for field in Fields::new(bytes) {
        // Cut off: what was read so far decides.
        let Ok(field) = field else { break };
        let kind = match field.value {
            Value::Varint(_) => 0,
            Value::Bytes(_) => 2,
            _ => return None,
        };
        seen.insert((field.number, kind));
        if first.is_none() && kind == 2 {
            first = Some(field);
        }
    }
    let only = |allowed: &[(u32, u8)]| seen.iter().all(|s| allowed.contains(s));
    let first = first?;
    let sums = [(1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 2), (7, 2)];
    if only(&sums) && seen.contains(&(1, 0)) && seen.contains(&(4, 0)) && seen.contains(&(6, 2)) {
        return Some(Root::Fingerprint);
    }
    // The first message must be one, with the fields that writers always set.
    let inner =
        |number: u32| first.message().and_then(|mut m| m.find_map(|f| f.ok().filter(|f| f.number == number)));
    let text = |number| matches!(inner(number).map(|f| f.value), Some(Value::Bytes(b)) if std::str::from_utf8(b).is_ok());
    if seen.contains(&(1, 0)) && seen.contains(&(2, 2)) && only(&[(1, 0), (2, 2)]) {
        // A meta graph holds a graph.
        return inner(2).map(|_| Root::SavedModel);
    }
    if only(&[(1, 2), (2, 2), (3, 0), (4, 2), (5, 2)]) && first.number == 1 && text(1) && operation(&first) {
        return Some(Root::Graph);
    }
    // The root has the number 0, which is not written.
    let number = |value: Option<Value<'_>>| matches!(value, None | Some(Value::Varint(_)));
    let keras =
        |value: Option<Value<'_>>| matches!(value, Some(Value::Bytes(b)) if b.starts_with(b"_tf_keras_"));
    if only(&[(1, 2)])
        && text(3)
        && text(5)
        && keras(inner(4).map(|f| f.value))
        && number(inner(2).map(|f| f.value))
    {
        return Some(Root::KerasMetadata);
    }
    let meta = [(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2), (7, 2)];
    if only(&meta) && seen.contains(&(2, 2)) {
        let graph = Fields::new(bytes).find_map(|f| f.ok().filter(|f| f.number == 2))?;
        let node = graph.message()?.find_map(|f| f.ok().filter(|f| f.number == 1))?;
        return operation(&node).then_some(Root::MetaGraph);
    }
    None
}

/// Whether the message has an operation's name where a node has it.
fn operation(field: &Field<'_>) -> bool {
    let mut fields = field.message().into_iter().flatten().filter_map(Result::ok);
    fields.any(|f| matches!(f.value, Value::Bytes(b) if f.number == 2 && is_name(b)))
}

fn is_name(bytes: &[u8]) -> bool {
    let letters = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'>' | b'.' | b'-' | b'/');
    (1..=300).contains(&bytes.len()) && bytes.iter().all(letters)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    SavedModel,
    MetaGraph,
    Graph,
    Library,
    Function,
    Asset,
    Objects,
    Object,
    UserObject,
    KerasMetadata,
    KerasNode,
    Fingerprint,
}

struct Walk<'a> {
    out: Survey,
    stack: Vec<(Kind, Fields<'a>)>,
    items: u64,
    /// Functions seen so far; the last one is where nodes of a function stand.
    scopes: usize,
    /// The name of the last one.
    signature: String,
    excess: Excesses,
}

impl<'a> Walk<'a> {
    fn run(&mut self) {
        while let Some((kind, mut fields)) = self.stack.pop() {
            match fields.next() {
                None => {}
                Some(Err(error)) => self.out.errors.push(error),
                Some(Ok(field)) => {
                    self.items += 1;
                    if self.items > MAX_ITEMS {
                        let limit = MAX_ITEMS;
                        self.out.errors.push(ArtifactError::Limit {
                            format: "TensorFlow graph",
                            what: "fields",
                            limit,
                        });
                        return;
                    }
                    self.stack.push((kind, fields));
                    self.field(kind, &field);
                }
            }
        }
    }

    fn field(&mut self, kind: Kind, field: &Field<'a>) {
        let child = match (kind, field.number) {
            (Kind::SavedModel, 2) => Kind::MetaGraph,
            (Kind::MetaGraph, 2) => Kind::Graph,
            (Kind::MetaGraph, 6) => Kind::Asset,
            (Kind::MetaGraph, 7) => Kind::Objects,
            (Kind::Graph, 1) => return self.node(field, 0),
            (Kind::Function, 3) => return self.node(field, self.scopes),
            (Kind::Function, 4) => return self.returned(field),
            (Kind::Graph, 2) => Kind::Library,
            (Kind::Library, 1) => {
                self.scopes += 1;
                Kind::Function
            }
            (Kind::Function, 1) => return self.signature(field),
            (Kind::Asset, 2) => {
                if let Value::Bytes(name) = field.value {
                    self.out.assets.push(String::from_utf8_lossy(name).into_owned());
                }
                return;
            }
            (Kind::Objects, 1) => Kind::Object,
            (Kind::Object, 4) => Kind::UserObject,
            (Kind::KerasMetadata, 1) => Kind::KerasNode,
            (Kind::UserObject, 3) | (Kind::KerasNode, 5) => {
                if let Value::Bytes(text) = field.value {
                    self.out.metadata.push((field.value_offset, text.len() as u64));
                }
                return;
            }
            _ => {
                let known = match kind {
                    Kind::SavedModel => 1..=2,
                    Kind::MetaGraph => 1..=7,
                    Kind::Graph => 1..=5,
                    Kind::Library => 1..=3,
                    _ => 1..=u32::MAX,
                };
                if !known.contains(&field.number) {
                    let what = format!("field {} is none of its message", field.number);
                    self.out.errors.push(ArtifactError::malformed("TensorFlow graph", field.offset, what));
                }
                return;
            }
        };
        match field.message() {
            Some(fields) => self.stack.push((child, fields)),
            None => {
                let what = format!("field {} holds no message", field.number);
                self.out.errors.push(ArtifactError::malformed("TensorFlow graph", field.offset, what));
            }
        }
    }

    /// The name of a function.
    fn signature(&mut self, field: &Field<'a>) {
        let (mut arguments, mut results) = (Vec::new(), Vec::new());
        for inner in field.message().into_iter().flatten().filter_map(Result::ok) {
            self.items += 1;
            match (inner.number, inner.value) {
                (1, Value::Bytes(name)) => {
                    self.signature = String::from_utf8_lossy(name).into_owned();
                    self.out.functions.insert(self.signature.clone());
                }
                (2, Value::Bytes(_)) => arguments.extend(function_name(&inner)),
                (3, Value::Bytes(_)) => results.extend(function_name(&inner)),
                _ => {}
            }
        }
        self.excess.fold.signature(self.scopes, &self.signature, arguments, results);
    }

    /// One of the values that a function returns: an entry of a map from its output to the node that makes it.
    fn returned(&mut self, field: &Field<'a>) {
        let mut result = "".into();
        for inner in field.message().into_iter().flatten().filter_map(Result::ok) {
            match (inner.number, inner.value) {
                (1, Value::Bytes(name)) => result = String::from_utf8_lossy(name),
                (2, Value::Bytes(value)) => {
                    self.excess.fold.returns(&self.signature, &result, &String::from_utf8_lossy(value));
                }
                _ => {}
            }
        }
    }

    fn node(&mut self, field: &Field<'a>, scope: usize) {
        let (mut name, mut operation) = (&b""[..], None);
        let mut attributes = Vec::new();
        let mut inputs = Vec::new();
        for inner in field.message().into_iter().flatten() {
            self.items += 1;
            match inner {
                Ok(Field { number: 1, value: Value::Bytes(value), .. }) => name = value,
                Ok(Field { number: 2, value: Value::Bytes(value), .. }) => operation = Some(value),
                Ok(Field { number: 3, value: Value::Bytes(input), .. }) if inputs.len() < 1024 => {
                    inputs.push(input);
                }
                Ok(inner @ Field { number: 5, .. }) => attributes.push(inner),
                Ok(Field { number: 3..=7, .. }) => {}
                Ok(other) => {
                    let what = format!("field {} is none of a node", other.number);
                    self.out.errors.push(ArtifactError::malformed("TensorFlow graph", other.offset, what));
                }
                Err(error) => self.out.errors.push(error),
            }
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (name, operation) = (text(name), text(operation.unwrap_or_default()));
        let node = Node { scope, name: &name, operation: &operation, at: field.offset };
        self.excess.node(node, &inputs);
        for attribute in attributes {
            self.attribute(node, &attribute);
        }
        let first = Use { count: 0, node: name, offset: field.offset };
        self.out.operations.entry(operation).or_insert(first).count += 1;
    }

    /// The texts of one attribute: a string, a list of them, or a tensor of them.
    fn attribute(&mut self, node: Node<'_>, field: &Field<'a>) {
        let operation = node.operation;
        let mut key = String::new();
        for entry in field.message().into_iter().flatten().filter_map(Result::ok) {
            match (entry.number, entry.value) {
                (1, Value::Bytes(name)) => key = String::from_utf8_lossy(name).into_owned(),
                (2, Value::Bytes(_)) => {
                    // AttrValue: 2 is a string; 1 a list, whose 2 are strings; 8 a tensor, whose 8 are strings and 4
                    // its raw content; 10 a function.
                    for value in entry.message().into_iter().flatten().filter_map(Result::ok) {
                        match value.number {
                            10 => {
                                if let Some(function) = function_name(&value) {
                                    self.excess.function(node, &key, function);
                                }
                            }
                            8 if key == "value" && operation == "Const" => {
                                let (elements, numbers, largest) = numbers(&value);
                                self.excess.constant(node, elements, numbers, largest);
                                self.tensor_texts(operation, &key, &value);
                            }
                            2 => self.text(operation, &key, &value),
                            1 | 8 => self.tensor_texts(operation, &key, &value),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// The texts of a list or a tensor.
    fn tensor_texts(&mut self, operation: &str, key: &str, value: &Field<'a>) {
        for inner in value.message().into_iter().flatten().filter_map(Result::ok) {
            self.items += 1;
            if matches!((value.number, inner.number), (1, 2) | (8, 4 | 8)) {
                self.text(operation, key, &inner);
            }
        }
    }

    fn text(&mut self, operation: &str, key: &str, field: &Field<'a>) {
        let Value::Bytes(bytes) = field.value else { return };
        if bytes.is_empty() {
            return;
        }
        if self.out.texts.len() >= MAX_TEXTS {
            if self.out.texts.len() == MAX_TEXTS {
                let limit = MAX_TEXTS as u64;
                self.out.errors.push(ArtifactError::Limit {
                    format: "TensorFlow graph",
                    what: "texts",
                    limit,
                });
            }
            return;
        }
        self.out.texts.push(Text {
            operation: operation.to_owned(),
            attribute: key.to_owned(),
            offset: field.value_offset,
            bytes: bytes.len() as u64,
        });
    }
}

/// The name of a `NameAttrList`, or of an `ArgDef`.
fn function_name(field: &Field<'_>) -> Option<String> {
    let mut fields = field.message()?.filter_map(Result::ok);
    fields.find_map(|inner| match inner {
        Field { number: 1, value: Value::Bytes(name), .. } => {
            Some(String::from_utf8_lossy(name).into_owned())
        }
        _ => None,
    })
}

/// How many elements a `TensorProto` has, and its numbers if they are few: field 1 is their type (1 and 2 with fractions, which
/// are cut off, 3 of 32 bits, 9 of 64, 10 truth values), 2 their shape, 4 their bytes, 5, 6, 7, 10 and 11 the numbers, of
/// which the last stands for all that are left off.
///
/// The last of the three is the number furthest from zero of those that may have fractions.
fn numbers(field: &Field<'_>) -> (u64, Vec<i64>, Option<f64>) {
    let (mut kind, mut elements) = (0, 1);
    let mut numbers = Vec::new();
    let largest = std::cell::Cell::new(None::<f64>);
    let note = |n: f64| {
        largest.set(largest.get().filter(|known| known.abs() >= n.abs()).or(Some(n)));
        n
    };
    // A size is a whole number; what is larger than any is the largest.
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and none of what is no number")]
    let whole = |n: f64| n as i64;
    let single = |n: &[u8; 4]| whole(note(f64::from(f32::from_le_bytes(*n))));
    let double = |n: &[u8; 8]| whole(note(f64::from_le_bytes(*n)));
    for inner in field.message().into_iter().flatten().filter_map(Result::ok) {
        match (inner.number, inner.value) {
            (1, Value::Varint(value)) => kind = value,
            (2, Value::Bytes(_)) => elements = shape(&inner),
            (4, Value::Bytes(raw)) if raw.len() <= FEW * 8 => match kind {
                1 => numbers.extend(raw.as_chunks::<4>().0.iter().map(single)),
                2 => numbers.extend(raw.as_chunks::<8>().0.iter().map(double)),
                3 => numbers.extend(raw.as_chunks::<4>().0.iter().map(|n| i64::from(i32::from_le_bytes(*n)))),
                9 => numbers.extend(raw.as_chunks::<8>().0.iter().map(|n| i64::from_le_bytes(*n))),
                10 => numbers.extend(raw.iter().map(|truth| i64::from(*truth))),
                _ => {}
            },
            (5, Value::Fixed32(bits)) if numbers.len() < FEW => numbers.push(single(&bits.to_le_bytes())),
            (6, Value::Fixed64(bits)) if numbers.len() < FEW => numbers.push(double(&bits.to_le_bytes())),
            (5, Value::Bytes(packed)) => {
                numbers.extend(packed.as_chunks::<4>().0.iter().take(FEW).map(single));
            }
            (6, Value::Bytes(packed)) => {
                numbers.extend(packed.as_chunks::<8>().0.iter().take(FEW).map(double));
            }
            (7 | 10 | 11, Value::Varint(value)) if numbers.len() < FEW => numbers.push(value.cast_signed()),
            (7 | 10 | 11, Value::Bytes(packed)) => numbers.extend(
                packed_varints(packed, inner.value_offset)
                    .take(FEW - numbers.len().min(FEW))
                    .filter_map(Result::ok)
                    .map(u64::cast_signed),
            ),
            _ => {}
        }
        numbers.truncate(FEW);
    }
    if let Some(last) = numbers.last().copied()
        && let Ok(elements) = usize::try_from(elements)
        && (numbers.len()..=FEW).contains(&elements)
    {
        numbers.resize(elements, last);
    }
    (elements, numbers, largest.get())
}

/// How many elements a `TensorShapeProto` has.
fn shape(field: &Field<'_>) -> u64 {
    let dims = field.message().into_iter().flatten().filter_map(Result::ok).filter(|inner| inner.number == 2);
    let size = |dim: Field<'_>| {
        let mut fields = dim.message().into_iter().flatten().filter_map(Result::ok);
        fields.find_map(|inner| match inner {
            Field { number: 1, value: Value::Varint(size), .. } => Some(size),
            _ => None,
        })
    };
    dims.map(|dim| size(dim).unwrap_or(0)).fold(1, u64::saturating_mul)
}

#[cfg(test)]
mod tests;
