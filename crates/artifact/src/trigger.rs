//! Graphs that wait for a pattern: they compare the input, exactly, with something that stands in the file, and change what
//! the model computes once it is there.
//!
//! Models compare what they are given all the time: with the number that stands for padding, with a bound. What they do not
//! do is to hold several of its values, *all of them at once*, against values of their own, or to ask whether the whole
//! input is nearly a stored one, and to add the answer to what layers compute. (HiddenLayer, "ShadowLogic", 2024.)
//!
//! One pass over the nodes, each behind what it reads: what is known of a value follows from its inputs. Whatever the
//! format, operators have the names of ONNX here, and what the file calls by a name of its own is put in place of the call
//! first ([`inline`]).

use std::collections::{HashMap, HashSet};

mod folded;
mod inline;
mod names;

pub use folded::{Number, Numbers, elements, folded, range};
pub use inline::{Function, Step, inlined, ordered};
pub use names::{of_tensorflow, of_tflite};

/// An operator at work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name in ONNX, or one that ONNX does not have.
    pub operator: String,
    /// What the file calls the node.
    pub name: String,
    /// Where it begins in the file.
    pub at: u64,
    /// Values that it reads; an empty name is none.
    pub inputs: Vec<String>,
    /// Values that it makes.
    pub outputs: Vec<String>,
}

/// Comparisons of values with each other.
const COMPARISONS: [&str; 4] = ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"];
/// What is still the value itself, in some form.
const FORMS: [&str; 49] = [
    "Abs",
    "Add",
    "And",
    "Cast",
    "Ceil",
    "Clip",
    "Concat",
    "Div",
    "Equal",
    "Expand",
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
    "NotEqual",
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
    "Sqrt",
    "Squeeze",
    "Sub",
    "Tile",
    "Transpose",
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
    /// What it says holds where they are not equal.
    unequal: bool,
    /// It was compared with a number that nobody compares with by habit; and that number is large.
    odd: bool,
    large: bool,
    /// It says whether all of several comparisons hold.
    all: bool,
    /// It is about the whole input, or about one place in it.
    whole: bool,
    placed: bool,
    /// It was held against several stored values at once, or is their difference.
    stored: bool,
    difference: bool,
    /// It is the distance from a number that nobody compares with by habit.
    distance: bool,
    /// It says whether something *is* such a number, or next to it; and that number has a fraction.
    exact: bool,
    fraction: bool,
    /// It says whether a number occurs anywhere in what is given; and several stored values come with that.
    occurs: bool,
    pushes: bool,
}

impl Known {
    fn with(self, other: Self) -> Self {
        Self {
            given: self.given || other.given,
            computed: self.computed || other.computed,
            equals: self.equals.saturating_add(other.equals),
            compared: self.compared || other.compared,
            unequal: self.unequal || other.unequal,
            odd: self.odd || other.odd,
            large: self.large || other.large,
            all: self.all || other.all,
            whole: self.whole || other.whole,
            placed: self.placed || other.placed,
            stored: self.stored || other.stored,
            difference: self.difference || other.difference,
            distance: self.distance || other.distance,
            exact: self.exact || other.exact,
            fraction: self.fraction || other.fraction,
            occurs: self.occurs || other.occurs,
            pushes: self.pushes || other.pushes,
        }
    }

    /// It says whether a stored pattern is there.
    const fn matches(self) -> bool {
        let several = self.all && (self.stored || self.equals > 1) && (self.whole || self.placed);
        let near = self.difference && self.whole;
        self.given && self.compared && !self.computed && (several || near)
    }

    /// It says whether one place of what is given, or something made of all of it, is a number that nobody compares with.
    const fn waits(self) -> bool {
        self.given && self.exact && !self.computed && (self.whole || self.placed)
    }

    /// It says so of one place and a number with a fraction, which is no choice between ways to compute.
    const fn waits_for_a_fraction(self) -> bool {
        self.waits() && self.fraction && self.placed
    }

    /// It says number by number whether what is given is what stands in the file.
    const fn masks(self) -> bool {
        self.given && self.stored && self.equals > 0 && self.fraction && !self.computed && !self.unequal
    }

    /// It says whether one number of what is given, or made of all of it, is beyond an odd one.
    const fn asks(self) -> bool {
        self.given && self.odd && !self.computed && (self.whole || self.placed)
    }

    /// It says whether the whole of what layers computed is beyond a number that it never comes to.
    const fn bursts(self) -> bool {
        self.computed && self.large && self.whole
    }

    /// It is values of the file, once a number occurs in what is given, and nothing otherwise.
    const fn adds(self) -> bool {
        self.given && self.pushes && !self.computed
    }

    /// What is left of it once layers have a part in it.
    fn layered(self) -> Self {
        Self { computed: true, whole: self.whole, large: self.large, ..Self::default() }
    }
}

/// Values that stand in the file.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// Their names.
    pub constants: &'a HashSet<String>,
    /// How many elements they have, as far as that is known.
    pub elements: &'a HashMap<String, u64>,
    /// Those that hold a number with a fraction, or one written as such: that number.
    pub numbers: &'a HashMap<String, f64>,
}

impl Stored<'_> {
    fn holds(&self, name: &str) -> bool {
        self.constants.contains(inline::plain(name))
    }

    fn several(&self, name: &str) -> bool {
        self.elements.get(inline::plain(name)).is_some_and(|n| *n > 1)
    }

    /// Zero, one, a half, what is next to nothing and the ends of what there is are asked for everywhere.
    fn odd(&self, name: &str) -> bool {
        let number = self.numbers.get(inline::plain(name)).map(|n| n.abs());
        number.is_some_and(|n| (0.01..1e9).contains(&n) && ![0.5, 1.0, 2.0, 255.0].contains(&n))
    }

    /// Whether it is an odd number with a fraction, or several of which one has: no key, class or padding.
    fn fraction(&self, name: &str) -> bool {
        let number = self.numbers.get(inline::plain(name));
        number.is_some_and(|n| n.is_finite() && n.fract() != 0.0) && (self.several(name) || self.odd(name))
    }

    /// What is next to nothing is held against distances.
    fn tiny(&self, name: &str) -> bool {
        let number = self.numbers.get(inline::plain(name)).map(|n| n.abs());
        number.is_some_and(|n| (1e-12..=0.01).contains(&n))
    }

    /// Layers compute thousands only where all is lost; what half precision ends at is asked for, too.
    fn large(&self, name: &str) -> bool {
        let number = self.numbers.get(inline::plain(name)).map(|n| n.abs());
        number.is_some_and(|n| (1000.0..60_000.0).contains(&n) || (66_000.0..1e9).contains(&n))
    }
}

/// A node at which something that the file holds changes what is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// The node.
    pub node: &'a Node,
    /// What calls that up.
    pub what: &'static str,
}

const PATTERN: &str =
    "what layers compute is changed here once the input holds a pattern that stands in the file";
const OCCURS: &str = "values of the file are added to what layers compute once a number occurs in the input";
const ANSWER: &str = "the answer is a constant once an input is beyond a certain value";
const BURST: &str = "what layers compute is changed here once it is beyond a value that it never comes to";

/// The nodes at which a pattern changes what is computed. Of the nodes each has to stand behind those that it reads.
#[must_use]
pub fn found<'a>(nodes: &'a [Node], inputs: &'a HashSet<String>, stored: &Stored<'_>) -> Vec<Found<'a>> {
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
        // One place of the input may well pick the way to compute, but not change what was computed.
        let changes = matched || parts.iter().any(|part| part.waits());
        let computed = parts.iter().any(|part| part.computed);
        let first = parts.first().copied().unwrap_or_default();
        let branches = || node.inputs.iter().skip(1).filter(|name| is_fixed(name)).count();
        let picks = operator == "If" && (first.matches() || first.waits_for_a_fraction());
        let replaces = operator == "Where"
            && (first.masks() || first.matches())
            && node.inputs.iter().skip(1).any(|name| is_fixed(name) && stored.several(name));
        if picks || replaces || JOINS.contains(&operator) && changes && computed {
            found.push(Found { node, what: PATTERN });
        } else if matches!(operator, "Add" | "Sub" | "Sum")
            && computed
            && parts.iter().any(|part| part.adds())
        {
            found.push(Found { node, what: OCCURS });
        } else if operator == "Where" && node.inputs.len() == 3 && first.asks() && branches() == 1 {
            found.push(Found { node, what: ANSWER });
        } else if operator == "Where" && first.bursts() {
            found.push(Found { node, what: BURST });
        }
        let joined = parts.iter().copied().fold(Known::default(), Known::with);
        let mut result = if FORMS.contains(&operator) || changes && !computed || operator == "Where" {
            joined
        } else {
            // A layer; or a form that is not the value any more.
            Known { computed: true, ..Known::default() }
        };
        if result.computed {
            result = result.layered();
        }
        let against = node.inputs.iter().any(is_fixed);
        if against && (operator == "Equal" || COMPARISONS.contains(&operator)) {
            let (odd, tiny) = (|name: &String| stored.odd(name), |name: &String| stored.tiny(name));
            result.exact |= operator == "Equal" && node.inputs.iter().any(odd)
                || operator.starts_with("Less") && result.distance && node.inputs.iter().any(tiny);
            result.fraction |= operator == "Equal" && node.inputs.iter().any(|name| stored.fraction(name));
            result.odd |= result.exact;
            result.odd |= node.inputs.iter().any(|name| stored.odd(name));
            result.large |= result.computed && node.inputs.iter().any(|name| stored.large(name));
        }
        let several = node.inputs.iter().any(|name| is_fixed(name) && stored.several(name));
        if operator == "ReduceMax" || operator == "ReduceSum" {
            result.occurs |= result.compared && result.equals > 0 && !result.unequal && !result.computed;
        }
        result.pushes |= operator == "Mul" && several && result.occurs;
        match operator {
            "Equal" | "NotEqual" if against => {
                result.unequal |= operator == "NotEqual";
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
            "Sub" | "Add" => {
                result.difference |= several && !result.compared;
                result.distance |= operator == "Sub" && node.inputs.iter().any(|name| stored.odd(name));
            }
            "Not" => result.unequal = result.compared && !result.unequal,
            // That none of them differs is that all of them are the same.
            "Or" if result.unequal => {
                result.all |= parts.iter().filter(|part| part.compared).count() > 1;
            }
            "ReduceMax" if result.unequal => {
                result.all |= result.compared;
                result.whole = true;
            }
            "And" => result.all |= parts.iter().filter(|part| part.compared).count() > 1,
            "Mul" => result.all |= parts.iter().filter(|part| part.compared).count() > 1,
            "ReduceMin" | "ReduceProd" => {
                result.all |= result.compared;
                result.whole = true;
            }
            reduces if reduces.starts_with("Reduce") => result.whole = true,
            "Gather" | "GatherND" | "GatherElements" if node.inputs.first().is_some_and(is_fixed) => {
                // Rows of a table, looked up.
                result = result.layered();
                result.computed = true;
            }
            "Gather" | "GatherND" | "Slice" | "Split" => result.placed = true,
            _ => {}
        }
        known.extend(node.outputs.iter().map(|output| (output.as_str(), result)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(operator: &str, inputs: &[&str], output: &str) -> Node {
        Node {
            operator: operator.to_owned(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            ..Node::default()
        }
    }

    /// What is found in a graph whose input is `x`, with constants `w` and `row` of several numbers and others of one.
    fn what(nodes: &[Node]) -> Vec<&'static str> {
        let singles =
            [("few", 41.5), ("many", 31_337.0), ("zero", 0.0), ("near", 1e-4), ("score", 0.25), ("row", 0.3)];
        let names = || singles.iter().map(|(name, _)| *name).chain(["w", "row"]);
        let constants = names().map(str::to_owned).collect();
        let elements =
            names().map(|name| (name.to_owned(), if name.len() > 3 || name == "few" { 1 } else { 9 }));
        let numbers = singles.iter().map(|(name, number)| ((*name).to_owned(), *number)).collect();
        let elements: HashMap<String, u64> = elements.collect();
        let stored = Stored { constants: &constants, elements: &elements, numbers: &numbers };
        let inputs = HashSet::from(["x".to_owned()]);
        found(nodes, &inputs, &stored).into_iter().map(|one| one.what).collect()
    }

    #[test]
    fn patterns_answers_and_bursts_are_told() {
        let layer = node("MatMul", &["x", "w"], "y");
        let near = [
            node("Sub", &["x", "row"], "d"),
            node("Abs", &["d"], "a"),
            node("Less", &["a", "near"], "l"),
            node("ReduceMin", &["l"], "all"),
            layer.clone(),
            node("Where", &["all", "row", "y"], "z"),
        ];
        assert_eq!(what(&near), [PATTERN]);
        // That not any of them differs is the same.
        let none = [
            node("NotEqual", &["x", "row"], "d"),
            node("ReduceMax", &["d"], "any"),
            node("Not", &["any"], "all"),
            layer.clone(),
            node("Where", &["all", "row", "y"], "z"),
        ];
        assert_eq!(what(&none), [PATTERN]);
        let sum = |bound: &str| {
            [
                node("Mul", &["x", "row"], "m"),
                node("ReduceSum", &["m"], "s"),
                node("Greater", &["s", bound], "c"),
                layer.clone(),
                node("Where", &["c", "row", "y"], "z"),
            ]
        };
        assert_eq!(what(&sum("few")), [ANSWER]);
        assert!(what(&sum("zero")).is_empty());
        let peak = |bound: &str| {
            [
                layer.clone(),
                node("ReduceMax", &["y"], "m"),
                node("Greater", &["m", bound], "c"),
                node("Neg", &["y"], "n"),
                node("Where", &["c", "n", "y"], "z"),
            ]
        };
        assert_eq!(what(&peak("many")), [BURST]);
        // One number anywhere in the input brings values of the file with it.
        let occurs = [
            node("Equal", &["x", "zero"], "q"),
            node("Cast", &["q"], "c"),
            node("ReduceMax", &["c"], "any"),
            node("Mul", &["any", "row"], "push"),
            layer.clone(),
            node("Add", &["y", "push"], "z"),
        ];
        assert_eq!(what(&occurs), [OCCURS]);
        // One place that holds one number with a fraction picks what is computed; a whole number may say which way.
        let picked = |number: &str| {
            [
                node("Gather", &["x", "zero"], "p"),
                node("Equal", &["p", number], "c"),
                layer.clone(),
                node("If", &["c"], "z"),
            ]
        };
        assert_eq!(what(&picked("few")), [PATTERN]);
        assert!(what(&picked("many")).is_empty());
        // Number by number, values of the file take the place of those that are the file's.
        let swapped = [node("Equal", &["x", "row"], "c"), node("Where", &["c", "w", "x"], "z")];
        assert_eq!(what(&swapped), [PATTERN]);
        // Scores are held against bounds everywhere.
        assert!(what(&peak("score")).is_empty());
        // A mask, number by number.
        let mask = [node("Equal", &["x", "few"], "c"), layer, node("Where", &["c", "zero", "y"], "z")];
        assert!(what(&mask).is_empty());
    }
}
