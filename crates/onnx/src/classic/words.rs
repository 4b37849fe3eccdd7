//! Texts as numbers.
//!
//! The names of classes are the only texts that a model of numeric inputs has. Each is carried as its place in the
//! sorted list of all that the model mentions, which is the order in which scikit-learn lists classes, so that nothing
//! that runs the model has to know texts. Which values are texts is followed through the graph: where a text becomes a
//! number or a number a text, the place in a list would be wrong without a word, and the model is refused.

use std::collections::BTreeSet;

use super::DOMAIN;
use crate::OnnxError;
use crate::graph::{Attribute, Constant, Graph, Node};

/// STRING among the element types of ONNX.
const STRING: i64 = 8;

/// Every text that a model mentions as a class or a constant, sorted.
#[derive(Debug, Default)]
pub(crate) struct Words(Vec<String>);

impl Words {
    fn of(graph: &Graph) -> Self {
        let mut all = BTreeSet::new();
        for constant in graph.constants.values() {
            all.extend(constant.texts().unwrap_or_default());
        }
        for node in &graph.nodes {
            for (name, attribute) in &node.attributes {
                match attribute {
                    Attribute::Texts(texts) if names_values(name) => all.extend(texts.iter().cloned()),
                    Attribute::Tensor(constant) => all.extend(constant.texts().unwrap_or_default()),
                    Attribute::Text(text) if name == "default_string" => {
                        all.insert(text.clone());
                    }
                    _ => {}
                }
            }
        }
        Self(all.into_iter().collect())
    }

    /// The number of a text; one that no text has where the model does not mention it.
    pub(crate) fn number(&self, text: &str) -> i32 {
        let found = self.0.binary_search_by(|word| word.as_str().cmp(text));
        found.ok().and_then(|at| i32::try_from(at).ok()).unwrap_or(-1)
    }
}

fn names_values(attribute: &str) -> bool {
    ["classlabels_strings", "classes_strings", "keys_strings", "values_strings"].contains(&attribute)
}

/// Puts numbers in the place of the texts in a graph.
///
/// # Errors
/// An input that holds texts; a cast from or to texts.
pub(super) fn numbered(mut graph: Graph) -> Result<(Graph, Words), OnnxError> {
    if let Some(input) =
        graph.inputs.iter().find(|i| i.element_type.is_some_and(|e| i64::from(e.0) == STRING))
    {
        return Err(OnnxError::TextInput { tensor: input.name.clone() });
    }
    let words = Words::of(&graph);
    let mut texts = BTreeSet::new();
    for (name, constant) in &mut graph.constants {
        if let Some(numbers) = as_numbers(constant, &words) {
            *constant = numbers;
            texts.insert(name.clone());
        }
    }
    for node in &mut graph.nodes {
        let reads = node.inputs.iter().any(|input| texts.contains(input));
        if node.applies("", "Cast") {
            let to = node.int("to", 0)?;
            if reads != (to == STRING) {
                let (from, to) = if reads { ("texts", "numbers") } else { ("numbers", "texts") };
                return Err(node.broken(format!("it makes {to} of {from}, which is not evaluated here")));
            }
            if reads {
                "Identity".clone_into(&mut node.operator);
                node.attributes.clear();
            }
        }
        for attribute in node.attributes.values_mut() {
            if let Attribute::Tensor(constant) = attribute
                && let Some(numbers) = as_numbers(constant, &words)
                && node.domain.is_empty()
            {
                *constant = numbers;
                texts.extend(node.outputs.first().cloned());
            }
        }
        let first = node.outputs.first().cloned();
        if gives_texts(node) || (reads && passes(node)) {
            texts.extend(first);
        }
    }
    Ok((graph, words))
}

fn as_numbers(constant: &Constant, words: &Words) -> Option<Constant> {
    let texts = constant.texts()?;
    let numbers = texts.iter().map(|text| i64::from(words.number(text))).collect();
    Some(Constant::int64(constant.shape.clone(), numbers))
}

/// Whether the first output of a node of the classical domain is the names of classes.
fn gives_texts(node: &Node) -> bool {
    let any = |name: &str| node.texts(name).is_ok_and(|texts| !texts.is_empty());
    node.domain == DOMAIN && (any("classlabels_strings") || any("values_strings"))
}

/// Operators that give on what they are given.
fn passes(node: &Node) -> bool {
    let moved = [
        "Identity",
        "Reshape",
        "Gather",
        "GatherElements",
        "GatherND",
        "Concat",
        "Squeeze",
        "Unsqueeze",
        "Transpose",
        "Slice",
        "Flatten",
        "Expand",
        "Where",
        "Tile",
        "Split",
        "Compress",
        "Pad",
    ];
    node.applies(DOMAIN, "ArrayFeatureExtractor")
        || (node.domain.is_empty() && moved.contains(&node.operator.as_str()))
}
