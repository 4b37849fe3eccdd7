//! Graphs that wait for a pattern: they compare the input, exactly, with something that stands in the file, and change what
//! the model computes once it is there.
//!
//! Models compare what they are given all the time: with the number that stands for padding, with a bound. What they do not
//! do is to hold several of its values, *all of them at once*, against values of their own, or to ask whether the whole
//! input is nearly a stored one, and to add the answer to what layers compute. (HiddenLayer, "ShadowLogic", 2024.)
//!
//! One pass over the nodes in the order of the file: what is known of a value follows from its inputs.

use std::collections::{HashMap, HashSet};

use super::wiring::Node;

/// Comparisons of values with each other.
const COMPARISONS: [&str; 4] = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"];
/// What is still the value itself, in some form.
const FORMS: [&str; 44] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Div",
    "Equal",
    "Flatten",
    "Floor",
    "Gather",
    "GatherElements",
    "GatherND",
    "Greater",
    "GreaterOrEqual",
    "Identity",
    "Less",
    "LessOrEqual",
    "Max",
    "Min",
    "Mod",
    "Mul",
    "Neg",
    "Not",
    "Or",
    "Pow",
    "ReduceL1",
    "ReduceL2",
    "ReduceMax",
    "ReduceMean",
    "ReduceMin",
    "ReduceProd",
    "ReduceSum",
    "ReduceSumSquare",
    "Reshape",
    "Round",
    "Sign",
    "Slice",
    "Split",
    "Squeeze",
    "Sub",
    "Unsqueeze",
    "Xor",
];
/// Operators by which what was found out changes what is computed.
const JOINS: [&str; 8] = ["Add", "Div", "Max", "Min", "Mul", "Sub", "Sum", "Where"];

/// What is known of a value.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// It is what somebody gives the model, in some form.
    given: bool,
    /// Layers computed it.
    computed: bool,
    /// So many of its values were compared with constants, for being equal.
    equals: u8,
    compared: bool,
    /// It says whether all of several comparisons hold.
    all: bool,
    /// It is about the whole input, or about one place in it.
    whole: bool,
    placed: bool,
    /// It was held against several stored values at once, or is their difference.
    stored: bool,
    difference: bool,
}

impl Known {
    fn with(self, other: Self) -> Self {
        Self {
            given: self.given || other.given,
            computed: self.computed || other.computed,
            equals: self.equals.saturating_add(other.equals),
            compared: self.compared || other.compared,
            all: self.all || other.all,
            whole: self.whole || other.whole,
            placed: self.placed || other.placed,
            stored: self.stored || other.stored,
            difference: self.difference || other.difference,
        }
    }

    /// It says whether a stored pattern is there.
    const fn matches(self) -> bool {
        let several = self.all && (self.stored || self.equals > 1) && (self.whole || self.placed);
        let near = self.difference && self.whole;
        self.given && self.compared && !self.computed && (several || near)
    }
}

/// Values that stand in the file, with the number of their elements.
pub(super) struct Stored<'a> {
    pub(super) constants: &'a HashSet<String>,
    pub(super) elements: &'a HashMap<String, u64>,
}

impl Stored<'_> {
    fn holds(&self, name: &str) -> bool {
        self.constants.contains(name)
    }

    fn several(&self, name: &str) -> bool {
        self.elements.get(name).is_some_and(|n| *n > 1)
    }
}

/// The nodes at which a pattern changes what is computed.
pub(super) fn found<'a>(
    nodes: &'a [Node],
    inputs: &'a HashSet<String>,
    stored: &Stored<'_>,
) -> Vec<&'a Node> {
    let given = Known { given: true, ..Known::default() };
    let mut known: HashMap<&str, Known> =
        inputs.iter().filter(|name| !stored.holds(name)).map(|name| (name.as_str(), given)).collect();
    let mut fixed: HashSet<&str> = HashSet::new();
    let mut found = Vec::new();
    for node in nodes {
        let is_fixed = |name: &String| name.is_empty() || stored.holds(name) || fixed.contains(name.as_str());
        let operator = node.operator.as_str();
        if operator == "Constant" || !node.inputs.is_empty() && node.inputs.iter().all(is_fixed) {
            fixed.extend(node.outputs.iter().map(String::as_str));
            continue;
        }
        // What nobody here made comes from operators of others, or from around the graph.
        let of = |name: &String| {
            if is_fixed(name) {
                return Known::default();
            }
            known.get(name.as_str()).copied().unwrap_or(Known { computed: true, ..Known::default() })
        };
        let parts: Vec<Known> = node.inputs.iter().map(of).collect();
        let matched = parts.iter().any(|part| part.matches());
        let computed = parts.iter().any(|part| part.computed);
        if operator == "If" && parts.first().is_some_and(|part| part.matches())
            || JOINS.contains(&operator) && matched && computed
        {
            found.push(node);
        }
        let joined = parts.iter().copied().fold(Known::default(), Known::with);
        let mut result = if FORMS.contains(&operator) || matched && !computed || operator == "Where" {
            joined
        } else {
            // A layer; or a form that is not the value any more.
            Known { computed: true, ..Known::default() }
        };
        if result.computed {
            result = Known { computed: true, ..Known::default() };
        }
        let against = node.inputs.iter().any(is_fixed);
        let several = node.inputs.iter().any(|name| is_fixed(name) && stored.several(name));
        match operator {
            "Equal" if against => {
                result.equals = result.equals.saturating_add(1);
                // Of a sum of comparisons: whether all of them hold.
                result.all |= result.compared && result.whole;
                result.compared = true;
                result.stored |= several;
            }
            compares if COMPARISONS.contains(&compares) && against => {
                result.all |= result.compared && result.whole;
                result.compared = true;
            }
            "Sub" | "Add" => result.difference |= several && !result.compared,
            "And" => result.all |= parts.iter().filter(|part| part.compared).count() > 1,
            "Mul" => result.all |= parts.iter().filter(|part| part.compared).count() > 1,
            "ReduceMin" | "ReduceProd" => {
                result.all |= result.compared;
                result.whole = true;
            }
            reduces if reduces.starts_with("Reduce") => result.whole = true,
            "Gather" | "GatherND" | "GatherElements" if node.inputs.first().is_some_and(is_fixed) => {
                // Rows of a table, looked up.
                result = Known { computed: true, ..Known::default() };
            }
            "Gather" | "GatherND" | "Slice" | "Split" => result.placed = true,
            _ => {}
        }
        known.extend(node.outputs.iter().map(|output| (output.as_str(), result)));
    }
    found
}
