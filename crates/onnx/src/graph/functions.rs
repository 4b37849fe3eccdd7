//! Functions that a model brings along: operators written down as graphs.
//!
//! A function is put in the place of each node that applies it, as the standard defines its meaning, so that nothing that
//! runs or differentiates a model has to know functions. Exporters write them for what the standard set lacks
//! (scikit-learn's nearest-neighbour imputer) and for whole libraries (PyTorch's).

use std::collections::{BTreeMap, HashMap};

use proofhouse_artifact::protobuf::{Fields, Value};

use super::{Attribute, Graph, Node, broken, not_a_message, read_attribute, standard, text};
use crate::OnnxError;

/// Most nodes of a graph with its functions in place.
const MAX_NODES: usize = 20_000;

/// How deep functions may lie within each other.
const MAX_DEPTH: usize = 16;

/// A function of the model (`FunctionProto`).
#[derive(Debug, Default)]
struct Function {
    inputs: Vec<String>,
    outputs: Vec<String>,
    /// Attributes with their values where a node does not give them.
    defaults: BTreeMap<String, Attribute>,
    nodes: Vec<Node>,
    /// Versions of the operator sets that its nodes are of.
    opsets: Vec<(String, i64)>,
}

impl Graph {
    /// The graph with the bodies of the model's functions in the place of the nodes that apply them.
    ///
    /// # Errors
    /// Functions that apply each other without end, or make a graph of more than 20,000 nodes.
    pub(crate) fn inlined(mut self) -> Result<Self, OnnxError> {
        let functions = functions(&self.metadata.unread)?;
        if functions.is_empty() {
            return Ok(self);
        }
        for (domain, version) in functions.values().flat_map(|function| &function.opsets) {
            self.opsets.entry(domain.clone()).or_insert(*version);
        }
        self.nodes = inline(self.nodes, &functions, 0, &mut 0)?;
        // They are in place; written again, nobody needs them.
        self.metadata.unread.clear();
        Ok(self)
    }
}

type Functions = BTreeMap<(String, String), Function>;

/// Nodes with the bodies of functions in the place of those that apply them, also within nested graphs. `applied` counts
/// applications, so that each has names of its own.
fn inline(
    nodes: Vec<Node>,
    functions: &Functions,
    depth: usize,
    applied: &mut usize,
) -> Result<Vec<Node>, OnnxError> {
    if depth > MAX_DEPTH {
        return Err(OnnxError::Malformed("its functions apply each other without end".to_owned()));
    }
    let mut all = Vec::with_capacity(nodes.len());
    for mut node in nodes {
        match functions.get(&(node.domain.clone(), node.operator.clone())) {
            Some(function) => {
                *applied += 1;
                let body = function.applied(&node, &format!("{}/{applied}", node.name))?;
                all.extend(inline(body, functions, depth + 1, applied)?);
            }
            None => {
                let names: Vec<String> = node.attributes.keys().cloned().collect();
                for name in names {
                    if let Some(mut body) = node.body(&name)? {
                        body.nodes = inline(body.nodes, functions, depth + 1, applied)?;
                        node.attributes.insert(name.clone(), body.attribute(&name));
                    }
                }
                all.push(node);
            }
        }
        if all.len() > MAX_NODES || *applied > MAX_NODES {
            return Err(OnnxError::Malformed(format!(
                "with its functions in place it has more than {MAX_NODES} nodes"
            )));
        }
    }
    Ok(all)
}

impl Function {
    /// The nodes in the place of `node`. Names of inner values are made unlike all others by `place`.
    fn applied(&self, node: &Node, place: &str) -> Result<Vec<Node>, OnnxError> {
        let mut names: HashMap<&str, String> = HashMap::new();
        for (at, inner) in self.inputs.iter().enumerate() {
            names.insert(inner, node.inputs.get(at).cloned().unwrap_or_default());
        }
        let mut given = Vec::new();
        for (inner, outer) in self.outputs.iter().zip(&node.outputs) {
            match names.get(inner.as_str()) {
                // An input is handed on.
                Some(input) => given.push((input.clone(), outer.clone())),
                None => drop(names.insert(inner, outer.clone())),
            }
        }
        let renamed = |name: &String| match names.get(name.as_str()) {
            _ if name.is_empty() => String::new(),
            Some(outer) if !outer.is_empty() || self.inputs.contains(name) => outer.clone(),
            _ => format!("{place}/{name}"),
        };
        let bound = self.nodes.iter().map(|inner| self.bound(inner, node, place, &renamed, 0));
        let mut nodes = bound.collect::<Result<Vec<Node>, _>>()?;
        for (from, to) in given {
            nodes.push(Node {
                name: format!("{place}/{to}"),
                operator: "Identity".to_owned(),
                inputs: vec![from],
                outputs: vec![to],
                ..Node::default()
            });
        }
        Ok(nodes)
    }

    /// A node of the body, with the names and attributes of the place where the function is applied.
    fn bound(
        &self,
        inner: &Node,
        node: &Node,
        place: &str,
        renamed: &dyn Fn(&String) -> String,
        depth: usize,
    ) -> Result<Node, OnnxError> {
        if depth > MAX_DEPTH {
            return Err(node.broken("it is a function with graphs too deep within each other"));
        }
        let mut bound = inner.clone();
        bound.name = format!("{place}/{}", inner.name);
        bound.inputs = inner.inputs.iter().map(renamed).collect();
        bound.outputs = inner.outputs.iter().map(renamed).collect();
        bound.attributes.clear();
        for (name, attribute) in &inner.attributes {
            let value = match (reference(attribute), inner.body(name)?) {
                (Some(outer), _) => {
                    node.attributes.get(&outer).or_else(|| self.defaults.get(&outer)).cloned()
                }
                (None, Some(body)) => {
                    let within = format!("{place}/{}.{name}", bound.outputs.first().unwrap_or(&inner.name));
                    Some(self.nested(body, node, &within, renamed, depth)?.attribute(name))
                }
                (None, None) => Some(attribute.clone()),
            };
            // Not given and without default: it is absent within, too.
            bound.attributes.extend(value.map(|value| (name.clone(), value)));
        }
        Ok(bound)
    }

    /// A graph within the body. What it reads from around it goes by its name there; what it makes itself has a name of
    /// its own, lest it hide one of those.
    fn nested(
        &self,
        mut body: Graph,
        node: &Node,
        place: &str,
        renamed: &dyn Fn(&String) -> String,
        depth: usize,
    ) -> Result<Graph, OnnxError> {
        let captured = body.captured();
        let here = |name: &String| match captured.contains(name) {
            _ if name.is_empty() => String::new(),
            true => renamed(name),
            false => format!("{place}/{name}"),
        };
        let bound = body.nodes.iter().map(|inner| self.bound(inner, node, place, &here, depth + 1));
        body.nodes = bound.collect::<Result<_, _>>()?;
        body.constants = body.constants.into_iter().map(|(name, constant)| (here(&name), constant)).collect();
        for value in body.inputs.iter_mut().chain(&mut body.outputs) {
            value.name = here(&value.name);
        }
        Ok(body)
    }
}

/// The attribute of the function that an attribute stands for (`ref_attr_name`).
fn reference(attribute: &Attribute) -> Option<String> {
    let Attribute::Other(whole) = attribute else { return None };
    Fields::new(whole).filter_map(Result::ok).find_map(|field| match field.value {
        Value::Bytes(name) if field.number == 21 => Some(text(name)),
        _ => None,
    })
}

/// A domain and the version of its operator set.
fn opset(fields: Fields<'_>) -> Result<(String, i64), OnnxError> {
    let (mut domain, mut version) = (String::new(), 0);
    for field in fields {
        let field = field.map_err(broken)?;
        match (field.number, field.value) {
            (1, Value::Bytes(b)) => domain = standard(&text(b)),
            (2, Value::Varint(v)) => version = v.cast_signed(),
            _ => {}
        }
    }
    Ok((domain, version))
}

/// The functions among the fields of a model, by domain and name.
fn functions(fields: &[u8]) -> Result<Functions, OnnxError> {
    let mut all = BTreeMap::new();
    for field in Fields::new(fields) {
        let field = field.map_err(broken)?;
        if field.number != 25 {
            continue;
        }
        let (mut function, mut domain, mut name) = (Function::default(), String::new(), String::new());
        for part in field.message().ok_or_else(|| not_a_message(&field))? {
            let part = part.map_err(broken)?;
            match (part.number, part.value) {
                (1, Value::Bytes(b)) => name = text(b),
                (4, Value::Bytes(b)) => function.inputs.push(text(b)),
                (5, Value::Bytes(b)) => function.outputs.push(text(b)),
                (7, _) => {
                    let message = part.message().ok_or_else(|| not_a_message(&part))?;
                    function.nodes.push(Node::read(message, function.nodes.len())?);
                }
                (9, _) => function.opsets.push(opset(part.message().ok_or_else(|| not_a_message(&part))?)?),
                (10, Value::Bytes(b)) => domain = standard(&text(b)),
                (11, _) => {
                    let (name, value) = read_attribute(part.message().ok_or_else(|| not_a_message(&part))?)?;
                    function.defaults.insert(name, value);
                }
                _ => {}
            }
        }
        all.insert((domain, name), function);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofhouse_artifact::protobuf::Message;

    /// y = f(x) with f(a) = Scaled(a; by) and Scaled(a; by) = a + Constant(by), and a function that applies itself.
    fn model(applies: &str) -> Graph {
        let node =
            |domain: &str, operator: &str, inputs: &[&str], outputs: &[&str], attribute: Option<Message>| {
                let mut out = Message::default();
                inputs.iter().for_each(|v| out.bytes(1, v.as_bytes()));
                outputs.iter().for_each(|v| out.bytes(2, v.as_bytes()));
                out.text(4, operator);
                if let Some(attribute) = attribute {
                    out.message(5, &attribute);
                }
                out.text(7, domain);
                out
            };
        let function = |name: &str, nodes: &[Message]| {
            let mut out = Message::default();
            out.text(1, name);
            out.text(4, "a");
            out.text(5, "b");
            nodes.iter().for_each(|n| out.message(7, n));
            out.text(10, "house");
            out
        };
        let mut by = Message::default();
        by.text(1, "value_float");
        by.text(21, "by");
        by.int(20, 1);
        let mut two = Message::default();
        two.text(1, "by");
        two.fixed32(2, 2.0f32.to_bits());
        two.int(20, 1);
        let scaled =
            [node("", "Constant", &[], &["c"], Some(by)), node("", "Add", &["a", "c"], &["b"], None)];
        let mut unread = Message::default();
        unread.message(25, &function("Scaled", &scaled));
        unread.message(25, &function("f", &[node("house", "Scaled", &["a"], &["b"], Some(two))]));
        unread.message(25, &function("endless", &[node("house", "endless", &["a"], &["b"], None)]));
        unread.message(25, &function("same", &[]));
        let mut graph = Graph::default();
        graph.metadata.unread = unread.into_bytes();
        graph.nodes.push(Node {
            name: "n".to_owned(),
            domain: "house".to_owned(),
            operator: applies.to_owned(),
            inputs: vec!["x".to_owned()],
            outputs: vec!["y".to_owned()],
            ..Node::default()
        });
        graph
    }

    #[test]
    fn bodies_take_the_place_of_nodes() {
        let graph = model("f").inlined().unwrap();
        let [constant, add] = graph.nodes.as_slice() else { panic!("{:?}", graph.nodes) };
        assert_eq!(constant.attributes["value_float"], Attribute::Float(2.0));
        assert_eq!(add.inputs, ["x".to_owned(), constant.outputs[0].clone()]);
        assert_eq!(add.outputs, ["y"]);
        assert_ne!(constant.outputs[0], "c");
    }

    #[test]
    fn functions_without_end_are_refused() {
        assert!(model("endless").inlined().unwrap_err().to_string().contains("without end"));
    }
}
