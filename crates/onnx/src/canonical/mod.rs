//! A model brought to the canonical form that [`fused`](crate::fused) describes.
//!
//! Operator sets 11 to 24 differ in what is an attribute and what an input, exporters differ in what they fold,
//! and many operators are compositions of others. Here each node becomes nodes of one form in one operator set,
//! typed and folded as they are added, so that derivatives and kernels know one form only. Whatever is not
//! needed for the output asked for is left out.

mod classic;
mod compose;
mod einsum;
mod layout;
mod plain;
mod window;

use std::collections::{BTreeSet, HashMap, HashSet};

use proofhouse_artifact::onnx::{Dim, ElementType, ValueInfo};

use crate::OnnxError;
use crate::build::{Builder, New, Size, V, is_float};
use crate::graph::{Attribute, Constant, Graph, Node, Values};
use crate::shape::{self, FLOAT};

/// Operator sets that are read.
const OPSETS: std::ops::RangeInclusive<i64> = 11..=24;

/// Adds the part of `graph` that the value `output` depends on to a builder, with rows of shape `row`, and gives
/// back the input and that value.
///
/// Constants in `fed` become inputs instead; the names must be float32 constants of the model.
///
/// # Errors
/// Operators that are not known, by name and all at once; shapes that do not fit each other or what the model
/// declares; operators that let rows of a batch see each other.
pub(crate) fn add<'b>(
    b: &'b Builder,
    graph: &Graph,
    row: &[usize],
    output: &str,
    fed: &BTreeSet<String>,
) -> Result<(V<'b>, V<'b>), OnnxError> {
    let nodes = needed(graph, output)?;
    unknown(&nodes)?;
    let opset = standard_set(graph, &nodes)?;
    let names = |n: &&Node| n.outputs.clone();
    b.reserve(graph.constants.keys().cloned().chain(nodes.iter().flat_map(names)));
    let [input] = graph.inputs.as_slice() else {
        return Err(OnnxError::InputCount { expected: 1, found: graph.inputs.len() });
    };
    let x = declared(b, input, row)?;
    let first = |info: &ValueInfo| info.dims.as_ref().and_then(|d| d.first().cloned());
    let context = Context { opset, wanted: output, single: first(input) == Some(Dim::Known(1)) };
    let read: HashSet<&str> = nodes.iter().flat_map(|n| n.inputs.iter().map(String::as_str)).collect();
    for (name, constant) in &graph.constants {
        if fed.contains(name) {
            b.input(name, FLOAT, constant.shape.iter().map(|d| Size::Fixed(*d)).collect());
        } else if read.contains(name.as_str()) || name == output {
            b.named_constant(name, carried(name, constant.clone())?);
        }
    }
    for node in nodes {
        add_node(b, node, &context)?;
        b.check()?;
    }
    let y = b.find(output).ok_or_else(|| OnnxError::NoSuchOutput {
        wanted: output.to_owned(),
        available: graph.outputs.iter().map(|o| o.name.clone()).collect(),
    })?;
    if let Some(info) = graph.outputs.iter().find(|o| o.name == output) {
        agrees(info, &y.dims())?;
    }
    Ok((x, y))
}

/// The nodes that `output` depends on, in order.
pub(crate) fn needed<'g>(graph: &'g Graph, output: &str) -> Result<Vec<&'g Node>, OnnxError> {
    let mut makers: HashMap<&str, usize> = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for name in node.outputs.iter().filter(|n| !n.is_empty()) {
            let taken = graph.constants.contains_key(name) || graph.inputs.iter().any(|i| i.name == *name);
            if taken || makers.insert(name, at).is_some() {
                return Err(node.broken(format!("its output {name:?} is made elsewhere, too")));
            }
        }
    }
    let mut live = BTreeSet::new();
    let mut work = vec![output];
    while let Some(name) = work.pop() {
        let Some(at) = makers.get(name) else { continue };
        if live.insert(*at)
            && let Some(node) = graph.nodes.get(*at)
        {
            work.extend(node.inputs.iter().map(String::as_str));
        }
    }
    Ok(live.into_iter().filter_map(|at| graph.nodes.get(at)).collect())
}

/// The version of the standard operator set that the nodes are of. Where none is of it, whichever: a model of the
/// classical domain names none.
fn standard_set(graph: &Graph, nodes: &[&Node]) -> Result<i64, OnnxError> {
    let (oldest, newest) = (OPSETS.start(), OPSETS.end());
    let stated = graph.opsets.get("").copied();
    if nodes.iter().all(|node| !node.domain.is_empty()) {
        return Ok(stated.filter(|opset| OPSETS.contains(opset)).unwrap_or(*newest));
    }
    let uses = match stated {
        Some(opset) if OPSETS.contains(&opset) => return Ok(opset),
        Some(opset) => format!("operator set {opset}"),
        None => "standard operators and does not say of which set".to_owned(),
    };
    Err(OnnxError::Option(format!(
        "the model uses {uses}; {oldest} to {newest} are differentiated. Convert it (onnx.version_converter) or attack \
         it as a black box"
    )))
}

/// Names every operator without a rule at once.
fn unknown(nodes: &[&Node]) -> Result<(), OnnxError> {
    let strange: Vec<&&Node> = nodes
        .iter()
        .filter(|n| {
            let known = n.domain.is_empty() && shape::knows(&n.operator);
            !known && adapter(&n.domain, &n.operator).is_none()
        })
        .collect();
    let Some(first) = strange.first() else { return Ok(()) };
    let mut names: Vec<String> = strange
        .iter()
        .map(|n| {
            let domain = if n.domain.is_empty() { "ai.onnx" } else { &n.domain };
            format!("{domain}::{}", n.operator)
        })
        .collect();
    names.sort();
    names.dedup();
    Err(OnnxError::NoDerivative { operators: names, node: first.name.clone() })
}

/// The input, whose declared shape has to admit batches of `row`.
fn declared<'b>(b: &'b Builder, input: &ValueInfo, row: &[usize]) -> Result<V<'b>, OnnxError> {
    if input.element_type != Some(FLOAT) {
        let found = input.element_type.map_or_else(|| input.kind.to_owned(), |e| e.to_string());
        return Err(OnnxError::ElementType { tensor: input.name.clone(), found });
    }
    let mut dims = vec![Size::Rows(1)];
    dims.extend(row.iter().map(|d| Size::Fixed(*d)));
    agrees(input, &dims)?;
    Ok(b.input(&input.name, FLOAT, dims))
}

/// Whether a declared shape admits an inferred one.
fn agrees(info: &ValueInfo, dims: &[Size]) -> Result<(), OnnxError> {
    let Some(stated) = &info.dims else { return Ok(()) };
    let one = |(stated, found): (&Dim, &Size)| match (stated, found) {
        (Dim::Known(n), Size::Fixed(m)) => usize::try_from(*n) == Ok(*m),
        // Exported for one row at a time: the batch is opened here.
        (Dim::Known(n), Size::Rows(k)) => usize::try_from(*n) == Ok(*k),
        _ => true,
    };
    if stated.len() == dims.len() && stated.iter().zip(dims).all(one) {
        return Ok(());
    }
    let text = |d: &Dim| match d {
        Dim::Known(n) => n.to_string(),
        Dim::Symbolic(name) => name.clone(),
        Dim::Unknown => "?".to_owned(),
    };
    Err(OnnxError::Shape {
        tensor: info.name.clone(),
        expected: format!(
            "[{}] as the model declares, with a free batch dimension first",
            stated.iter().map(text).collect::<Vec<_>>().join(", ")
        ),
        found: dims.iter().filter_map(|d| d.fixed()).collect(),
    })
}

/// A constant with an element type that is carried: double precision becomes single.
fn carried(name: &str, constant: Constant) -> Result<Constant, OnnxError> {
    match &constant.values {
        Values::Float64(v) => {
            let values = v.iter().map(|x| *x as f32).collect();
            Ok(Constant::float32(constant.shape.clone(), values))
        }
        Values::Other(_) => {
            Err(OnnxError::ElementType { tensor: name.to_owned(), found: constant.element.to_string() })
        }
        _ => Ok(constant),
    }
}

/// The element type in which values of a type are carried.
const fn carried_as(element: ElementType) -> ElementType {
    match element.0 {
        10 | 11 | 16 => FLOAT,
        _ => element,
    }
}

/// A node of the model being adapted.
struct Adapt<'b, 'n> {
    b: &'b Builder,
    node: &'n Node,
    x: Vec<Option<V<'b>>>,
    context: &'n Context<'n>,
}

/// What holds for the whole model.
struct Context<'n> {
    opset: i64,
    /// The value that is differentiated.
    wanted: &'n str,
    /// Whether the model was exported for batches of one row. It is differentiated for batches all the same.
    single: bool,
}

type Adapter = for<'b> fn(&Adapt<'b, '_>) -> Result<Vec<V<'b>>, OnnxError>;

/// How operators that are not canonical as they come are brought to the form.
fn adapter(domain: &str, operator: &str) -> Option<Adapter> {
    if domain == crate::classic::DOMAIN {
        return classic::adapter(operator);
    }
    if !domain.is_empty() {
        return None;
    }
    plain::adapter(operator)
        .or_else(|| compose::adapter(operator))
        .or_else(|| layout::adapter(operator))
        .or_else(|| window::adapter(operator))
        .or_else(|| (operator == "Einsum").then_some(einsum::adapt as Adapter))
}

fn add_node(b: &Builder, node: &Node, context: &Context<'_>) -> Result<(), OnnxError> {
    let mut x = Vec::with_capacity(node.inputs.len());
    for name in &node.inputs {
        x.push(if name.is_empty() {
            None
        } else {
            Some(b.find(name).ok_or_else(|| node.broken(format!("nothing makes its input {name:?}")))?)
        });
    }
    let adapt = Adapt { b, node, x, context };
    let outputs = match adapter(&node.domain, &node.operator) {
        Some(adapter) => adapter(&adapt)?,
        None => adapt.direct(adapt.attributes(), &adapt.x),
    };
    b.check()?;
    for (name, value) in node.outputs.iter().zip(outputs) {
        apart(node, &adapt.x, value)?;
        if value.name() != *name {
            b.alias(name, value);
        }
    }
    Ok(())
}

/// Refuses nodes that let the rows of a batch see each other: their result has lost the batch, or has it twice.
fn apart(node: &Node, inputs: &[Option<V<'_>>], value: V<'_>) -> Result<(), OnnxError> {
    let batches = |v: V<'_>| v.dims().iter().filter(|d| d.fixed().is_none()).count();
    let before = inputs.iter().flatten().any(|v| is_float(v.element()) && batches(*v) > 0);
    let count = batches(value);
    if before && is_float(value.element()) && count != 1 {
        return Err(node.broken("it mixes the rows of a batch, so that no row has a gradient of its own"));
    }
    let across = ["Softmax", "LogSoftmax", "LayerNormalization"].contains(&node.operator.as_str());
    if across && before {
        let rank = value.rank() as i64;
        let axis = node.int("axis", -1)?;
        let axis = usize::try_from(if axis < 0 { axis + rank } else { axis }).unwrap_or(0);
        if value.dims().get(axis).is_some_and(|d| d.fixed().is_none()) {
            return Err(node.broken("it normalises across the rows of a batch"));
        }
    }
    Ok(())
}

impl<'b> Adapt<'b, '_> {
    fn get(&self, at: usize) -> Option<V<'b>> {
        self.x.get(at).copied().flatten()
    }

    fn input(&self, at: usize) -> Result<V<'b>, OnnxError> {
        self.get(at).ok_or_else(|| self.node.broken(format!("input {at} is missing")))
    }

    fn attributes(&self) -> Vec<(&str, Attribute)> {
        self.node.attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect()
    }

    /// The node with other attributes and inputs, under its own name.
    fn direct(&self, attributes: Vec<(&str, Attribute)>, inputs: &[Option<V<'b>>]) -> Vec<V<'b>> {
        self.named(&self.node.operator, attributes, inputs)
    }

    fn named(
        &self,
        operator: &str,
        attributes: Vec<(&str, Attribute)>,
        inputs: &[Option<V<'b>>],
    ) -> Vec<V<'b>> {
        let outputs = self.node.outputs.iter().take(1).map(String::as_str).collect();
        self.b.node(New { domain: "", operator, name: &self.node.name, attributes, outputs }, inputs)
    }

    /// The first input with other attributes.
    fn unary(&self, attributes: Vec<(&str, Attribute)>) -> Result<Vec<V<'b>>, OnnxError> {
        Ok(self.direct(attributes, &[Some(self.input(0)?)]))
    }

    fn axis(&self, name: &str, default: i64, rank: usize) -> Result<usize, OnnxError> {
        self.on_axis(self.node.int(name, default)?, rank)
    }

    fn on_axis(&self, axis: i64, rank: usize) -> Result<usize, OnnxError> {
        let counted = if axis < 0 { axis + rank as i64 } else { axis };
        let counted = usize::try_from(counted).ok().filter(|a| *a < rank);
        counted.ok_or_else(|| self.node.broken(format!("axis {axis} is none of {rank} dimensions")))
    }

    /// Integers from an input, or from an attribute as older operator sets have it; nothing where neither is.
    fn ints(&self, at: usize, attribute: &str) -> Result<Option<Vec<i64>>, OnnxError> {
        if let Some(v) = self.get(at) {
            let ints = v.as_ints();
            return ints.map(Some).ok_or_else(|| {
                self.node
                    .broken(format!("its input {at} depends on the data or the batch; that is not followed"))
            });
        }
        Ok(match self.node.attributes.get(attribute) {
            Some(Attribute::Int(v)) => Some(vec![*v]),
            Some(_) => Some(self.node.ints(attribute)?.to_vec()),
            None => None,
        })
    }

    fn float(&self, name: &str, default: f32) -> Result<f32, OnnxError> {
        shape::float(self.node, name, default)
    }
}

/// The product of some dimensions, of which one may follow the batch.
pub(crate) fn product(dims: &[Size]) -> Option<Size> {
    dims.iter().try_fold(Size::Fixed(1), |all, d| match (all, *d) {
        (Size::Fixed(a), Size::Fixed(b)) => a.checked_mul(b).map(Size::Fixed),
        (Size::Fixed(a), Size::Rows(b)) | (Size::Rows(a), Size::Fixed(b)) => a.checked_mul(b).map(Size::Rows),
        (Size::Rows(_), Size::Rows(_)) => None,
    })
}
