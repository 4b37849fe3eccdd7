//! Visiting every message of a model without recursion.

use super::excess::Excesses;
use super::wiring::{Body, INPUTS, Wiring};
use super::{
    Dim, ElementType, Excess, Limits, Model, NODE_NAMES_KEPT, OperatorId, StringAttribute, Survey, ValueInfo,
};
use super::{tensor, trees};
use crate::ArtifactError;
use crate::protobuf::{Field, Fields, Value, packed_varints};

/// A message still to be visited.
struct Task<'a> {
    kind: Kind,
    fields: Fields<'a>,
    depth: u32,
    /// Node the message belongs to, for attributes.
    holder: String,
    /// Function the message belongs to, by its place.
    function: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    MainGraph,
    Graph,
    Node,
    Attribute,
    Function,
    TrainingInfo,
    SparseTensor,
    /// A sparse tensor among the initializers of the main graph.
    MainSparseTensor,
}

struct Walk<'a, 'l> {
    out: Survey,
    stack: Vec<Task<'a>>,
    limits: &'l Limits,
    items: u64,
    nodes: u64,
    function: Option<usize>,
    /// Node whose attribute is read.
    constant: Option<String>,
    excess: Excesses,
    wiring: Wiring,
    /// Trees that never end.
    trees: Vec<Excess>,
}

pub(super) fn run(bytes: &[u8], limits: &Limits) -> Survey {
    let mut walk = Walk {
        out: Survey::default(),
        stack: Vec::new(),
        limits,
        items: 0,
        nodes: 0,
        function: None,
        constant: None,
        excess: Excesses::default(),
        wiring: Wiring::default(),
        trees: Vec::new(),
    };
    let mut has_graph = false;
    for field in Fields::new(bytes) {
        match field {
            Ok(field) => {
                if field.number == 7 && std::mem::replace(&mut has_graph, true) {
                    // Protocol buffers put them together; other readers take the first or the last.
                    let what =
                        "the model has its graph in several pieces, which readers make different models of";
                    walk.error(ArtifactError::malformed("ONNX", field.offset, what));
                }
                walk.model_field(&field);
            }
            Err(error) => walk.error(error),
        }
    }
    if !has_graph {
        walk.error(ArtifactError::malformed("ONNX", bytes.len() as u64, "the model has no graph"));
    }
    // Tasks of the top level were pushed in file order; visiting from the end of a stack would reverse them.
    walk.stack.reverse();
    while let Some(task) = walk.stack.pop() {
        if walk.items > limits.max_items {
            let limit = limits.max_items;
            walk.error(ArtifactError::Limit { format: "ONNX", what: "nodes and tensors", limit });
            break;
        }
        walk.function = task.function;
        walk.visit(task);
    }
    walk.out.excesses = walk.excess.found(&walk.out.model.functions);
    walk.out.excesses.extend(std::mem::take(&mut walk.trees));
    walk.out.excesses.extend(walk.wiring.endless(&walk.excess.numbers));
    walk.out.excesses.extend(walk.wiring.growth(&walk.excess.numbers));
    walk.out.excesses.extend(walk.wiring.multiplied(&walk.excess.numbers));
    let nodes = walk.wiring.inlined(&walk.out.model.functions);
    walk.out.excesses.extend(walk.excess.computed(&nodes));
    match walk.wiring.fixed_answers(&nodes) {
        Ok(found) => walk.out.fixed_answers = found,
        Err(error) => walk.error(error),
    }
    walk.out
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A `StringStringEntryProto`.
pub(super) fn key_value(field: &Field<'_>) -> Result<(String, String), ArtifactError> {
    let (mut key, mut value) = (String::new(), String::new());
    for field in field.message().into_iter().flatten() {
        match field? {
            Field { number: 1, value: Value::Bytes(b), .. } => key = text(b),
            Field { number: 2, value: Value::Bytes(b), .. } => value = text(b),
            _ => {}
        }
    }
    Ok((key, value))
}

/// The text in a field of a message, which is a name there.
fn named(field: &Field<'_>, number: u32) -> Option<String> {
    let mut fields = field.message()?.filter_map(Result::ok);
    fields.find_map(|inner| match inner.value {
        Value::Bytes(name) if inner.number == number => Some(text(name)),
        _ => None,
    })
}

/// Inputs of a node that are looked at.
const INPUTS_KEPT: usize = 8;
/// Numbers of an attribute that are looked at: a shape has few.
const NUMBERS_KEPT: usize = 16;
/// Most errors kept: the first ones tell the story.
const ERRORS_KEPT: usize = 64;

impl<'a> Walk<'a, '_> {
    fn error(&mut self, error: ArtifactError) {
        if self.out.errors.len() < ERRORS_KEPT {
            self.out.errors.push(error);
        }
    }

    fn model(&mut self) -> &mut Model {
        &mut self.out.model
    }

    fn push(&mut self, kind: Kind, field: &Field<'a>, depth: u32, holder: &str) {
        let Some(fields) = field.message() else {
            return self.error(ArtifactError::malformed(
                "ONNX",
                field.offset,
                format!("field {} is a number where a message belongs", field.number),
            ));
        };
        if depth > self.limits.max_depth {
            let limit = u64::from(self.limits.max_depth);
            return self.error(ArtifactError::Limit { format: "ONNX", what: "nested graphs", limit });
        }
        self.items += 1;
        let function = self.function;
        self.stack.push(Task { kind, fields, depth, holder: holder.to_owned(), function });
    }

    fn model_field(&mut self, field: &Field<'a>) {
        match (field.number, field.value) {
            (1, Value::Varint(v)) => self.model().ir_version = v.cast_signed(),
            (2, Value::Bytes(b)) => self.model().producer_name = text(b),
            (3, Value::Bytes(b)) => self.model().producer_version = text(b),
            (4, Value::Bytes(b)) => self.model().domain = text(b),
            (5, Value::Varint(v)) => self.model().model_version = v.cast_signed(),
            (6, Value::Bytes(b)) => self.model().doc_strings.push(text(b)),
            (7, _) => self.push(Kind::MainGraph, field, 0, ""),
            (8, Value::Bytes(_)) => {
                let (mut domain, mut version) = (String::new(), 0);
                for inner in field.message().into_iter().flatten() {
                    match inner {
                        Ok(Field { number: 1, value: Value::Bytes(b), .. }) => domain = text(b),
                        Ok(Field { number: 2, value: Value::Varint(v), .. }) => version = v.cast_signed(),
                        Ok(_) => {}
                        Err(e) => self.error(e),
                    }
                }
                self.model().opset_imports.push((domain, version));
            }
            (14, Value::Bytes(_)) => match key_value(field) {
                Ok(pair) => {
                    self.model().metadata_props.push(pair);
                    self.metadata(field);
                }
                Err(e) => self.error(e),
            },
            (20, _) => {
                self.model().has_training_info = true;
                self.push(Kind::TrainingInfo, field, 1, "");
            }
            (25, _) => self.push(Kind::Function, field, 1, ""),
            (26, Value::Bytes(_)) => {} // device configuration: names and counts
            (number, _) => self.error(ArtifactError::malformed(
                "ONNX",
                field.offset,
                format!("a model has no field {number} of this type"),
            )),
        }
    }

    /// Notes where a value of the metadata lies: like an attribute, it may hold anything.
    fn metadata(&mut self, field: &Field<'a>) {
        let value =
            field.message().into_iter().flatten().filter_map(Result::ok).find(|inner| inner.number == 2);
        if let Some(Field { value: Value::Bytes(bytes), value_offset, .. }) = value {
            let holder = "metadata".to_owned();
            let string = StringAttribute { holder, offset: value_offset, bytes: bytes.len() as u64 };
            self.model().string_attributes.push(string);
        }
    }

    fn visit(&mut self, task: Task<'a>) {
        match task.kind {
            Kind::MainGraph | Kind::Graph => self.graph(task),
            Kind::Node => self.node(task),
            Kind::Attribute => self.attribute(task),
            Kind::Function => self.function(task),
            Kind::TrainingInfo => {
                for field in task.fields {
                    match field {
                        Ok(field @ Field { number: 1 | 2, .. }) => {
                            self.push(Kind::Graph, &field, task.depth + 1, "");
                        }
                        Ok(_) => {}
                        Err(e) => self.error(e),
                    }
                }
            }
            Kind::SparseTensor | Kind::MainSparseTensor => {
                let main = task.kind == Kind::MainSparseTensor;
                for field in task.fields {
                    match field {
                        Ok(field @ Field { number: 1 | 2, value: Value::Bytes(_), .. }) => {
                            self.tensor(&field, main && field.number == 1);
                        }
                        Ok(_) => {}
                        Err(e) => self.error(e),
                    }
                }
            }
        }
    }

    fn graph(&mut self, task: Task<'a>) {
        let main = task.kind == Kind::MainGraph;
        let first = self.stack.len();
        let mut body = Body::default();
        let mut computed = 0;
        for field in task.fields {
            let field = match field {
                Ok(field) => field,
                Err(e) => return self.error(e),
            };
            match (field.number, field.value) {
                (1, _)
                    if !main
                        && named(&field, 4).is_none_or(|op| !matches!(&op[..], "Constant" | "Identity")) =>
                {
                    computed += 1;
                }
                (11, _) if body.inputs.len() < INPUTS => {
                    body.inputs.push(named(&field, 1).unwrap_or_default());
                }
                (12, _) if body.outputs.len() < INPUTS => {
                    body.outputs.push(named(&field, 1).unwrap_or_default());
                }
                _ => {}
            }
            match (field.number, field.value) {
                (1, _) => self.push(Kind::Node, &field, task.depth, ""),
                (2, Value::Bytes(b)) if main => self.model().graph_name = text(b),
                (5, Value::Bytes(_)) => self.tensor(&field, main),
                (10, Value::Bytes(b)) if !b.is_empty() => self.model().doc_strings.push(text(b)),
                (11, Value::Bytes(_)) if main => {
                    if let Some(info) = self.value_info(&field) {
                        let known = |dim: &Dim| match dim {
                            Dim::Known(size) => u64::try_from(*size).unwrap_or(1).max(1),
                            _ => 1,
                        };
                        let sizes = info.dims.iter().flatten().map(known);
                        self.wiring.input(&info.name, sizes.fold(1, u64::saturating_mul));
                        self.model().inputs.push(info);
                    }
                }
                (12, Value::Bytes(_)) if main => {
                    if let Some(info) = self.value_info(&field) {
                        self.model().outputs.push(info);
                    }
                }
                (15, _) => {
                    let kind = if main { Kind::MainSparseTensor } else { Kind::SparseTensor };
                    self.push(kind, &field, task.depth, "");
                }
                _ => {}
            }
        }
        if let Some(pushed) = self.stack.get_mut(first..) {
            pushed.reverse();
        }
        if !main {
            body.idle = computed == 0;
            self.wiring.body(&task.holder, body);
        }
    }

    fn function(&mut self, task: Task<'a>) {
        self.function = Some(self.model().functions.len());
        let (mut name, mut domain) = (String::new(), String::new());
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        let first = self.stack.len();
        for field in task.fields {
            match field {
                Ok(Field { number: 1, value: Value::Bytes(b), .. }) => name = text(b),
                Ok(Field { number: 4, value: Value::Bytes(b), .. }) if inputs.len() < INPUTS_KEPT => {
                    inputs.push(text(b));
                }
                Ok(Field { number: 5, value: Value::Bytes(b), .. }) if outputs.len() < INPUTS_KEPT => {
                    outputs.push(text(b));
                }
                Ok(Field { number: 10, value: Value::Bytes(b), .. }) => domain = text(b),
                Ok(field @ Field { number: 7, .. }) => self.push(Kind::Node, &field, task.depth + 1, ""),
                Ok(field @ Field { number: 11, .. }) => {
                    self.push(Kind::Attribute, &field, task.depth + 1, "");
                }
                Ok(_) => {}
                Err(e) => return self.error(e),
            }
        }
        if let Some(pushed) = self.stack.get_mut(first..) {
            pushed.reverse();
        }
        self.wiring.function(inputs, outputs);
        self.model().functions.push(OperatorId { domain, name });
    }

    fn node(&mut self, task: Task<'a>) {
        let at = task.fields.offset();
        let (mut name, mut op, mut domain) = (String::new(), String::new(), String::new());
        let mut attributes = Vec::new();
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for field in task.fields {
            match field {
                Ok(Field { number: 1, value: Value::Bytes(b), .. }) if inputs.len() < INPUTS_KEPT => {
                    inputs.push(text(b));
                }
                Ok(Field { number: 2, value: Value::Bytes(b), .. }) if outputs.len() < INPUTS_KEPT => {
                    outputs.push(text(b));
                }
                Ok(Field { number: 3, value: Value::Bytes(b), .. }) => name = text(b),
                Ok(Field { number: 4, value: Value::Bytes(b), .. }) => op = text(b),
                Ok(Field { number: 7, value: Value::Bytes(b), .. }) => domain = text(b),
                Ok(field @ Field { number: 5, .. }) => attributes.push(field),
                Ok(_) => {}
                Err(e) => {
                    self.error(e);
                    break;
                }
            }
        }
        let index = self.nodes;
        self.nodes += 1;
        if name.is_empty() {
            name = format!("#{index}");
        }
        for attribute in attributes.iter().rev() {
            self.push(Kind::Attribute, attribute, task.depth, &name);
        }
        let operator = OperatorId { domain, name: op };
        if trees::is_ensemble(&operator.domain, &operator.name) {
            match trees::broken(&attributes) {
                Some(trees::Broken::Circle(what)) => {
                    self.trees.push(Excess { holder: name.clone(), at, what })
                }
                Some(trees::Broken::Index(what)) => {
                    self.error(ArtifactError::malformed("ONNX", at, format!("{name:?}: {what}")));
                }
                Some(trees::Broken::Large) => {
                    let limit = trees::MOST_NODES as u64;
                    self.error(ArtifactError::Limit { format: "ONNX", what: "nodes of trees", limit });
                }
                None => {}
            }
        }
        let output = outputs.first().cloned();
        self.wiring.node(&operator, &name, at, &inputs, outputs, self.function);
        self.excess.node(&operator, &name, at, self.function, inputs, output);
        let used = self.model().operators.entry(operator).or_default();
        if used.count == 0 {
            used.first_offset = at;
        }
        used.count += 1;
        if used.nodes.len() < NODE_NAMES_KEPT {
            used.nodes.push(name);
        }
    }

    fn attribute(&mut self, task: Task<'a>) {
        let mut name = String::new();
        let (mut strings, mut numbers) = (Vec::new(), Vec::new());
        let mut real = None;
        for field in task.fields {
            let field = match field {
                Ok(field) => field,
                Err(e) => return self.error(e),
            };
            match (field.number, field.value) {
                (1, Value::Bytes(b)) => name = text(b),
                (2 | 7, Value::Fixed32(bits)) => real = real.or(Some(f64::from(f32::from_bits(bits)))),
                (3 | 8, Value::Varint(number)) if numbers.len() < NUMBERS_KEPT => {
                    numbers.push(number.cast_signed());
                }
                (8, Value::Bytes(packed)) => {
                    let all = packed_varints(packed, field.value_offset).filter_map(Result::ok);
                    numbers.extend(all.take(NUMBERS_KEPT).map(u64::cast_signed));
                }
                (4 | 9, Value::Bytes(b)) => strings.push((field.value_offset, b.len() as u64)),
                (5 | 10, Value::Bytes(_)) => {
                    self.constant = Some(task.holder.clone());
                    self.tensor(&field, false);
                }
                (6 | 11, _) => self.push(Kind::Graph, &field, task.depth + 1, &task.holder),
                (22 | 23, _) => self.push(Kind::SparseTensor, &field, task.depth, &task.holder),
                _ => {}
            }
        }
        self.items += strings.len() as u64;
        if !numbers.is_empty() {
            self.excess.attribute(&task.holder, &name, &numbers);
        }
        if matches!(name.as_str(), "value_float" | "value_floats") {
            self.wiring.held(&task.holder, 1, real);
        }
        let holder = format!("{}/{name}", task.holder);
        let strings = strings.into_iter().map(|(offset, bytes)| StringAttribute {
            holder: holder.clone(),
            offset,
            bytes,
        });
        self.model().string_attributes.extend(strings);
    }

    fn tensor(&mut self, field: &Field<'a>, in_main_graph: bool) {
        let Some(fields) = field.message() else { return };
        self.items += 1;
        let read = tensor::read(fields, in_main_graph);
        let elements = read.tensor.elements().unwrap_or(1);
        match &self.constant {
            Some(node) => self.wiring.held(node, elements, read.largest),
            None => self.wiring.constant(&read.tensor.name, elements, read.largest),
        }
        self.excess.constant(self.constant.take(), &read.tensor.name, &read.numbers);
        self.model().initializers.push(read.tensor);
        self.model().external_data.extend(read.external);
        self.items += read.strings.len() as u64;
        self.model().string_attributes.extend(read.strings);
        if let Some(error) = read.error {
            self.error(error);
        }
    }

    fn value_info(&mut self, field: &Field<'a>) -> Option<ValueInfo> {
        let mut info = ValueInfo { name: String::new(), element_type: None, dims: None, kind: "unknown" };
        let result = value_info(field, &mut info);
        if let Err(error) = result {
            self.error(error);
        }
        Some(info)
    }
}

fn value_info(field: &Field<'_>, info: &mut ValueInfo) -> Result<(), ArtifactError> {
    for field in field.message().into_iter().flatten() {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Bytes(b)) => info.name = text(b),
            (2, Value::Bytes(_)) => {
                for kind in field.message().into_iter().flatten() {
                    let kind = kind?;
                    info.kind = match kind.number {
                        1 => "tensor",
                        4 => "sequence",
                        5 => "map",
                        8 => "sparse-tensor",
                        9 => "optional",
                        _ => continue,
                    };
                    if matches!(kind.number, 1 | 8) {
                        tensor_type(&kind, info)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn tensor_type(field: &Field<'_>, info: &mut ValueInfo) -> Result<(), ArtifactError> {
    for field in field.message().into_iter().flatten() {
        let field = field?;
        match (field.number, field.value) {
            (1, Value::Varint(v)) => info.element_type = Some(ElementType(i32::try_from(v).unwrap_or(-1))),
            (2, Value::Bytes(_)) => {
                let dims = info.dims.get_or_insert_default();
                for dim in field.message().into_iter().flatten() {
                    let dim = dim?;
                    if dim.number == 1 {
                        dims.push(dimension(&dim)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn dimension(field: &Field<'_>) -> Result<Dim, ArtifactError> {
    let mut dim = Dim::Unknown;
    for field in field.message().into_iter().flatten() {
        match field? {
            Field { number: 1, value: Value::Varint(v), .. } => dim = Dim::Known(v.cast_signed()),
            Field { number: 2, value: Value::Bytes(b), .. } => dim = Dim::Symbolic(text(b)),
            _ => {}
        }
    }
    Ok(dim)
}
