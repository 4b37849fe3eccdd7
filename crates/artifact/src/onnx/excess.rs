//! Graphs that ask for more memory or time than there is: a constant of 2^45 elements, a loop of 2^60 rounds, a function
//! that calls itself.
//!
//! Only what stands in the file as a constant is held against bounds. A loop that is exported from a condition has the
//! largest number there is for its rounds, and ends by its condition.

use std::collections::HashMap;

use super::{Excess, OperatorId};

/// Most elements that a constant may have: 2^36 of one byte are 64 GiB.
const MAX_ELEMENTS: u64 = 1 << 36;
/// Most rounds that a loop may be given.
const MAX_ROUNDS: i64 = 1 << 32;
/// Most nodes and constants that are kept.
const KEPT: usize = 100_000;

/// Whole numbers and truth values by the value that holds them.
#[derive(Default)]
pub(super) struct Numbers(HashMap<String, Vec<i64>>);

impl Numbers {
    pub(super) fn of(&self, name: &str) -> Option<&[i64]> {
        self.0.get(name).map(Vec::as_slice)
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

/// A node whose first or second input says how much it makes.
struct Asked {
    operator: &'static str,
    node: String,
    at: u64,
    input: String,
}

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
        let (operator, place) = match operator.name.as_str() {
            "ConstantOfShape" => ("ConstantOfShape", 0),
            "Expand" => ("Expand", 1),
            "Tile" => ("Tile", 1),
            "Loop" => ("Loop", 0),
            "Constant" => {
                self.outputs.extend(output.map(|output| (node.to_owned(), output)));
                return;
            }
            _ => return,
        };
        if let Some(input) = inputs.into_iter().nth(place).filter(|input| !input.is_empty()) {
            self.asked.push(Asked { operator, node: node.to_owned(), at, input });
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

    fn excess(&self, asked: &Asked) -> Option<Excess> {
        let numbers = self.numbers.of(&asked.input)?;
        let what = if asked.operator == "Loop" {
            let rounds = *numbers.first()?;
            // Exporters write the largest number for "as long as the condition holds".
            (rounds > MAX_ROUNDS && rounds < i64::MAX - 1).then(|| format!("{rounds} rounds"))?
        } else {
            let sizes = numbers.iter().map(|n| u64::try_from(*n).unwrap_or(1));
            let elements = sizes.fold(1u64, u64::saturating_mul);
            (elements > MAX_ELEMENTS).then(|| format!("{elements} elements"))?
        };
        let what = format!("{} asks for {what}", asked.operator);
        Some(Excess { holder: asked.node.clone(), at: asked.at, what })
    }

    /// A function that reaches itself: nothing in a graph decides how deep it goes.
    fn recursion(&self, functions: &[OperatorId]) -> Option<Excess> {
        let places: HashMap<&OperatorId, usize> = functions.iter().zip(0..).collect();
        // Functions by those that call them, and how many calls of each are left to be seen to end.
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); functions.len()];
        let mut left: Vec<usize> = vec![0; functions.len()];
        let mut first_call: Vec<u64> = vec![0; functions.len()];
        for (from, operator, at) in &self.calls {
            if let Some(callers) = places.get(operator).and_then(|to| callers.get_mut(*to))
                && let (Some(left), Some(first)) = (left.get_mut(*from), first_call.get_mut(*from))
            {
                callers.push(*from);
                *left += 1;
                *first = *at;
            }
        }
        let mut ends: Vec<usize> = left.iter().zip(0..).filter(|(n, _)| **n == 0).map(|(_, at)| at).collect();
        while let Some(ended) = ends.pop() {
            for caller in callers.get_mut(ended).map(std::mem::take).unwrap_or_default() {
                if let Some(left) = left.get_mut(caller) {
                    *left -= 1;
                    if *left == 0 {
                        ends.push(caller);
                    }
                }
            }
        }
        let first = left.iter().position(|n| *n > 0)?;
        let at = first_call.get(first).copied().unwrap_or(0);
        let name = functions.get(first)?.name.clone();
        Some(Excess { what: format!("the function {name:?} leads back to itself"), holder: name, at })
    }
}
