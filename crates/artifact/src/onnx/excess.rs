//! Graphs that ask for more memory or time than there is: a constant of 2^45 elements, a loop of 2^60 rounds, a function
//! that calls itself.
//!
//! Only what stands in the file as a constant is held against bounds. A loop that is exported from a condition has the
//! largest number there is for its rounds, and ends by its condition.

use std::collections::HashMap;

use super::{Excess, OperatorId};
use crate::calls::{Calls, follow};
use crate::trigger::{self, Node};

/// Most elements that a constant may have: 2^32 of four bytes are 16 GiB.
const MAX_ELEMENTS: u64 = 1 << 32;
/// Most rounds that a loop may be given.
const MAX_ROUNDS: i64 = 1 << 32;
/// Most nodes of a function once every call in it is replaced by what it calls.
const MAX_NODES: u64 = 1 << 28;
/// Numbers of a value that are followed: a shape has few.
const FEW: usize = 16;
/// Excesses that are told: the first ones tell the story.
const TOLD: usize = 16;
/// Most nodes and constants that are kept.
const KEPT: usize = 100_000;

/// Whole numbers and truth values by the value that holds them.
#[derive(Default)]
pub(super) struct Numbers(HashMap<String, Vec<i64>>);

impl Numbers {
    pub(super) fn of(&self, name: &str) -> Option<&[i64]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// Those that a shape may hold.
    #[expect(clippy::cast_precision_loss, reason = "sizes are held against bounds")]
    fn sizes(&self) -> HashMap<String, Vec<f64>> {
        let few = self.0.iter().filter(|(_, numbers)| numbers.len() <= FEW);
        few.map(|(name, numbers)| (name.clone(), numbers.iter().map(|n| *n as f64).collect())).collect()
    }
}

/// Gathers, while the graph is walked.
#[derive(Default)]
pub(super) struct Excesses {
    pub(super) numbers: Numbers,
    /// Outputs of nodes that hold a constant, by node.
    outputs: HashMap<String, String>,
    asked: Vec<Asked>,
    /// Which function uses which operator, and where.
    calls: Vec<(usize, OperatorId, u64)>,
}

/// A node one of whose inputs says how much it makes.
struct Asked {
    operator: &'static str,
    node: String,
    at: u64,
    input: String,
    /// Its inputs.
    inputs: Vec<String>,
}

/// Operators that make as much as an input says, and which of them.
const ASKS: [(&str, usize); 13] = [
    ("BlackmanWindow", 0),
    ("CenterCropPad", 1),
    ("ConstantOfShape", 0),
    ("Expand", 1),
    ("HammingWindow", 0),
    ("HannWindow", 0),
    ("Loop", 0),
    ("OneHot", 1),
    ("Pad", 1),
    ("Range", 1),
    ("Resize", 3),
    ("Tile", 1),
    ("Upsample", 1),
];
/// Operators whose attribute `shape` says it.
const SHAPED: [&str; 2] = ["RandomNormal", "RandomUniform"];

impl Excesses {
    pub(super) fn node(
        &mut self,
        operator: &OperatorId,
        node: &str,
        at: u64,
        function: Option<usize>,
        inputs: Vec<String>,
        output: Option<String>,
    ) {
        if let Some(function) = function
            && self.calls.len() < KEPT
        {
            self.calls.push((function, operator.clone(), at));
        }
        if !matches!(operator.domain.as_str(), "" | "ai.onnx") || self.asked.len() >= KEPT {
            return;
        }
        if operator.name == "Constant" {
            self.outputs.extend(output.map(|output| (node.to_owned(), output)));
            return;
        }
        let asks = ASKS.iter().find(|(name, _)| *name == operator.name);
        let shaped = SHAPED.iter().find(|name| **name == operator.name);
        let asked = match (asks, shaped) {
            (Some((operator, place)), _) => inputs.get(*place).cloned().map(|input| (*operator, input)),
            (None, Some(operator)) => Some((*operator, Self::shape_of(node))),
            _ => None,
        };
        if let Some((operator, input)) = asked.filter(|(_, input)| !input.is_empty()) {
            self.asked.push(Asked { operator, node: node.to_owned(), at, input, inputs });
        }
    }

    /// What the shape in an attribute of a node is kept as.
    fn shape_of(node: &str) -> String {
        format!("{node}/shape")
    }

    /// Whole numbers in an attribute of a node.
    pub(super) fn attribute(&mut self, node: &str, name: &str, numbers: &[i64]) {
        match name {
            "value_int" | "value_ints" | "value_float" | "value_floats" => {
                self.constant(Some(node.to_owned()), "", numbers);
            }
            "shape" => self.constant(None, &Self::shape_of(node), numbers),
            _ => {}
        }
    }

    /// A tensor of whole numbers, by its name, or held by a node.
    pub(super) fn constant(&mut self, node: Option<String>, name: &str, numbers: &[i64]) {
        if numbers.is_empty() || self.numbers.0.len() >= KEPT {
            return;
        }
        let value = node.and_then(|node| self.outputs.get(&node).cloned());
        self.numbers.0.insert(value.unwrap_or_else(|| name.to_owned()), numbers.to_vec());
    }

    /// What is beyond all bounds; `functions` are those of the file.
    pub(super) fn found(&self, functions: &[OperatorId]) -> Vec<Excess> {
        let mut found: Vec<Excess> = self.asked.iter().filter_map(|asked| self.excess(asked)).collect();
        found.extend(self.recursion(functions));
        found
    }

    /// What is beyond all bounds once numbers are computed. Of the nodes each stands behind those that it reads.
    pub(super) fn computed(&self, nodes: &[Node]) -> Vec<Excess> {
        let known = trigger::folded(nodes, &self.numbers.sizes(), FEW);
        let asks = nodes.iter().filter_map(|node| {
            let (operator, place) = ASKS.iter().find(|(name, _)| *name == node.operator)?;
            let input = node.inputs.get(*place)?;
            // What stands in the file was held against bounds already.
            let asked = known.get(input).filter(|_| self.numbers.of(input).is_none())?;
            #[expect(clippy::cast_precision_loss, reason = "bounds are powers of two")]
            let (most, of) = match *operator {
                "Loop" => (MAX_ROUNDS as f64, "rounds"),
                _ => (MAX_ELEMENTS as f64, "elements"),
            };
            let number = |at: usize| Some(known.get(node.inputs.get(at)?)?.as_slice());
            let count = match *operator {
                "Range" => trigger::range([number(0)?, number(1)?, number(2)?])?,
                "Pad" => asked.iter().flatten().map(|n| n.least).fold(0.0, f64::max),
                // Exporters write the largest number for "as long as the condition holds".
                "Loop" => asked.first().copied().flatten().map(|n| n.least).filter(|n| *n < 9.2e18)?,
                _ => trigger::elements(asked),
            };
            let what = format!("{operator} asks for {count} {of}, put together of other numbers");
            (count > most).then(|| Excess { holder: node.name.clone(), at: node.at, what })
        });
        asks.take(TOLD).collect()
    }

    fn excess(&self, asked: &Asked) -> Option<Excess> {
        let numbers = self.numbers.of(&asked.input)?;
        let what = if asked.operator == "Loop" {
            let rounds = *numbers.first()?;
            // Exporters write the largest number for "as long as the condition holds".
            (rounds > MAX_ROUNDS && rounds < i64::MAX - 1).then(|| format!("{rounds} rounds"))?
        } else {
            let sizes = numbers.iter().map(|n| u64::try_from(*n).unwrap_or(1));
            let elements = match asked.operator {
                "Range" => {
                    let number = |at: usize| self.numbers.of(asked.inputs.get(at)?)?.first().copied();
                    let length = i128::from(number(1)?).abs_diff(i128::from(number(0)?));
                    let step = i128::from(number(2)?).unsigned_abs();
                    u64::try_from(length.checked_div(step)?).unwrap_or(u64::MAX)
                }
                // What is added to one side.
                "Pad" => sizes.max()?,
                _ => sizes.fold(1u64, u64::saturating_mul),
            };
            (elements > MAX_ELEMENTS).then(|| format!("{elements} elements"))?
        };
        let what = format!("{} asks for {what}", asked.operator);
        Some(Excess { holder: asked.node.clone(), at: asked.at, what })
    }

    /// Functions that reach themselves, or call each other so that they become more nodes than there is memory for.
    fn recursion(&self, functions: &[OperatorId]) -> Option<Excess> {
        let places: HashMap<&OperatorId, usize> = functions.iter().zip(0..).collect();
        let mut own = vec![0u64; functions.len()];
        let mut calls = Vec::new();
        for (from, operator, _) in &self.calls {
            if let Some(own) = own.get_mut(*from) {
                *own += 1;
            }
            calls.extend(places.get(operator).map(|to| (*from, *to)));
        }
        let (function, what) = match follow(&own, &calls) {
            Calls::Circle(function) => (function, "leads back to itself".to_owned()),
            Calls::Largest(function, nodes) if nodes > MAX_NODES => {
                (function, format!("is {nodes} nodes once every call is replaced by what it calls"))
            }
            _ => return None,
        };
        let at = self.calls.iter().rev().find(|(from, ..)| *from == function).map_or(0, |(.., at)| *at);
        let name = functions.get(function)?.name.clone();
        Some(Excess { what: format!("the function {name:?} {what}"), holder: name, at })
    }
}
