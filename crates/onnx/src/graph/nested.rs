//! Graphs within the nodes of a graph: the bodies of loops and branches.

use std::collections::BTreeSet;

use proofhouse_artifact::onnx::ValueInfo;
use proofhouse_artifact::protobuf::{Fields, Value};

use super::{Attribute, Graph, Node, broken, not_a_message, text};
use crate::OnnxError;

impl Node {
    /// The names of everything that it reads, also what the graphs in its attributes read of the graph around them.
    /// Preflight has bounded how deep those lie within each other.
    pub(crate) fn reads(&self) -> impl Iterator<Item = String> {
        let mut names: Vec<String> = self.inputs.iter().filter(|name| !name.is_empty()).cloned().collect();
        for attribute in self.attributes.keys() {
            if let Ok(Some(body)) = self.body(attribute) {
                names.extend(body.captured());
            }
        }
        names.into_iter()
    }

    /// The graph in an attribute; nothing where the attribute is not given or is no graph.
    ///
    /// # Errors
    /// A graph that cannot be read.
    pub(crate) fn body(&self, attribute: &str) -> Result<Option<Graph>, OnnxError> {
        let Some(Attribute::Other(whole)) = self.attributes.get(attribute) else { return Ok(None) };
        for field in Fields::new(whole) {
            let field = field.map_err(broken)?;
            if field.number == 6 {
                let mut graph = Graph::default();
                graph.read_body(field.message().ok_or_else(|| not_a_message(&field))?)?;
                return Ok(Some(graph));
            }
        }
        Ok(None)
    }
}

impl Graph {
    /// Values of the graph around this one that its nodes read or that it gives on.
    pub(crate) fn captured(&self) -> Vec<String> {
        let made: BTreeSet<&String> = self
            .constants
            .keys()
            .chain(self.inputs.iter().map(|input| &input.name))
            .chain(self.nodes.iter().flat_map(|node| &node.outputs))
            .collect();
        let outputs = self.outputs.iter().map(|output| output.name.clone());
        let read: BTreeSet<String> = self.nodes.iter().flat_map(Node::reads).chain(outputs).collect();
        read.into_iter().filter(|name| !made.contains(name)).collect()
    }

    /// A graph within a node, with the names of its inputs and outputs.
    fn read_body(&mut self, fields: Fields<'_>) -> Result<(), OnnxError> {
        for field in fields.clone() {
            let field = field.map_err(broken)?;
            let into = match field.number {
                11 => &mut self.inputs,
                12 => &mut self.outputs,
                _ => continue,
            };
            let message = field.message().ok_or_else(|| not_a_message(&field))?;
            let mut info = ValueInfo { name: String::new(), element_type: None, dims: None, kind: "unknown" };
            for part in message {
                if let (1, Value::Bytes(name)) = part.map(|p| (p.number, p.value)).map_err(broken)? {
                    info.name = text(name);
                }
            }
            into.push(info);
        }
        self.read_graph(fields)
    }
}
