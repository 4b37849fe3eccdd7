//! What values come to at least, as far as constants of the file decide it: sizes that are put together of numbers, and of
//! shapes, each of which is one at the least.

use std::collections::HashMap;

use super::Node;
use super::inline::plain;

/// Numbers by value; one that nothing decides is `None`.
pub type Numbers = HashMap<String, Vec<Option<Number>>>;

/// What a number is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Number {
    /// It is as large, or larger.
    pub least: f64,
    /// It is as large.
    pub exact: bool,
}

impl Number {
    const fn exactly(least: f64) -> Self {
        Self { least, exact: true }
    }

    const fn at_least(least: f64) -> Self {
        Self { least, exact: false }
    }

    /// What grows with both is at least what it is of the least of both, where neither is below zero.
    fn grown(self, other: Self, compute: fn(f64, f64) -> f64) -> Option<Self> {
        let exact = self.exact && other.exact;
        let grows = exact || self.least >= 0.0 && other.least >= 0.0;
        grows.then(|| Self { least: compute(self.least, other.least), exact })
    }

    /// What only two numbers that are known tell.
    fn computed(self, other: Self, compute: fn(f64, f64) -> f64) -> Option<Self> {
        (self.exact && other.exact).then(|| Self::exactly(compute(self.least, other.least)))
    }
}

/// Follows constants through nodes, values of at most `few` numbers. Of the nodes each stands behind those that it reads.
#[must_use]
pub fn folded(nodes: &[Node], constants: &HashMap<String, Vec<f64>>, few: usize) -> Numbers {
    let mut known = Numbers::new();
    for node in nodes {
        for input in &node.inputs {
            // A value of a function stands in the file under its plain name.
            if !known.contains_key(input)
                && let Some(numbers) = constants.get(plain(input)).filter(|numbers| numbers.len() <= few)
            {
                known.insert(input.clone(), numbers.iter().copied().map(Number::exactly).map(Some).collect());
            }
        }
        let Some(output) = node.outputs.first() else { continue };
        let result = result(node, &known, few);
        if let Some(result) = result.filter(|result| !result.is_empty() && result.len() <= few) {
            known.insert(output.clone(), result);
        }
    }
    known
}

fn result(node: &Node, known: &Numbers, few: usize) -> Option<Vec<Option<Number>>> {
    let of = |at: usize| node.inputs.get(at).and_then(|input| known.get(input));
    let both = || Some((of(0)?, of(1)?));
    let folds = |of_two: fn(f64, f64) -> f64| {
        let mut all = of(0)?.iter().copied();
        let first = all.next()?;
        Some(vec![all.fold(first, |n, next| n?.grown(next?, of_two))])
    };
    let is_same = node.inputs.len() == 2 && node.inputs.first() == node.inputs.get(1);
    Some(match node.operator.as_str() {
        "Cast" | "Expand" | "Flatten" | "Identity" | "Reshape" | "Squeeze" | "Transpose" | "Unsqueeze" => {
            of(0)?.clone()
        }
        // However many there are, one stands for all.
        "Shape" | "Size" => vec![Some(Number::at_least(1.0))],
        "Concat" => {
            let parts =
                node.inputs.iter().map(|input| known.get(input).cloned().unwrap_or_else(|| vec![None]));
            parts.flatten().take(few + 1).collect()
        }
        "Gather" | "GatherElements" | "GatherND" | "Slice" | "Split" => vec![picked(of(0)?, of(1))],
        "ReduceProd" => folds(|a, b| a * b)?,
        "ReduceSum" => folds(|a, b| a + b)?,
        "ReduceMax" => folds(f64::max)?,
        "ReduceMin" => folds(f64::min)?,
        "Mul" if [of(0), of(1)].into_iter().flatten().any(|side| is_zero(side)) => {
            vec![Some(Number::exactly(0.0))]
        }
        "Sub" if is_same => vec![Some(Number::exactly(0.0))],
        "Div" if is_same => vec![Some(Number::exactly(1.0))],
        // The larger one is at least what is known of either.
        "Max" => each(of(0).or(of(1)).map(|_| (of(0), of(1)))?, |a, b| {
            let larger = a.into_iter().chain(b).map(|n| n.least).fold(f64::MIN, f64::max);
            let exact = [a, b].into_iter().all(|side| side.is_some_and(|n| n.exact));
            Some(Number { least: larger, exact })
        }),
        "Min" => {
            of_two(both()?, |a, b| Some(Number { least: a.least.min(b.least), exact: a.exact && b.exact }))
        }
        "Where" => of_two((of(1)?, of(2)?), |a, b| Some(Number::at_least(a.least.min(b.least)))),
        "Add" => of_two(both()?, |a, b| Some(Number { least: a.least + b.least, exact: a.exact && b.exact })),
        "Mul" => of_two(both()?, |a, b| a.grown(b, |a, b| a * b)),
        // What is taken from a number, or what it is divided by, has to be known.
        "Sub" => {
            of_two(both()?, |a, b| b.exact.then_some(Number { least: a.least - b.least, exact: a.exact }))
        }
        "Div" => of_two(both()?, |a, b| {
            (b.exact && (a.exact || b.least > 0.0))
                .then_some(Number { least: a.least / b.least, exact: a.exact })
        }),
        "Pow" => of_two(both()?, |a, b| {
            let grows = b.exact && b.least >= 1.0 && a.least >= 0.0;
            let grown = grows.then(|| Number { least: a.least.powf(b.least), exact: a.exact });
            grown.or_else(|| a.computed(b, f64::powf))
        }),
        _ => return None,
    })
}

/// A number of some, by its place where that is known; otherwise it is at least the smallest of them.
fn picked(all: &[Option<Number>], place: Option<&Vec<Option<Number>>>) -> Option<Number> {
    let one = |place: &Vec<Option<Number>>| match place.as_slice() {
        [Some(Number { least, exact: true })] => Some(*least),
        _ => None,
    };
    if let (Some(place), false) = (place.and_then(one), all.len() == 1) {
        let from_end = place < 0.0;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is no place is none"
        )]
        let place = place.abs() as usize;
        return if from_end { *all.get(all.len().checked_sub(place)?)? } else { *all.get(place)? };
    }
    let least = all.iter().copied().try_fold(f64::MAX, |least, n| Some(least.min(n?.least)))?;
    Some(Number { least, exact: all.len() == 1 && all.first().copied().flatten()?.exact })
}

fn is_zero(side: &[Option<Number>]) -> bool {
    side.iter().all(|n| *n == Some(Number::exactly(0.0)))
}

fn of_two(
    (a, b): (&Vec<Option<Number>>, &Vec<Option<Number>>),
    compute: impl Fn(Number, Number) -> Option<Number>,
) -> Vec<Option<Number>> {
    each((Some(a), Some(b)), |a, b| compute(a?, b?))
}

/// What is known of one of two.
type Side<'a> = Option<&'a Vec<Option<Number>>>;

/// One from two, number by number; one number stands for as many as the other side has.
fn each(
    (a, b): (Side<'_>, Side<'_>),
    compute: impl Fn(Option<Number>, Option<Number>) -> Option<Number>,
) -> Vec<Option<Number>> {
    let number = |side: Side<'_>, at: usize| {
        let side = side?;
        if side.len() == 1 { side.first().copied().flatten() } else { side.get(at).copied().flatten() }
    };
    let length = a.map_or(1, Vec::len).max(b.map_or(1, Vec::len));
    (0..length).map(|at| compute(number(a, at), number(b, at))).collect()
}

/// Elements that an operator makes at least which makes as many as sizes say: one that nothing is known of is one.
#[must_use]
pub fn elements(sizes: &[Option<Number>]) -> f64 {
    sizes.iter().map(|n| n.map_or(1.0, |n| n.least).max(1.0)).product()
}

/// Elements from a number to another one in steps, at least.
#[must_use]
pub fn range(numbers: [&[Option<Number>]; 3]) -> Option<f64> {
    let [from, to, step] = numbers.map(|all| all.first().copied().flatten());
    let (from, to, step) = (from?, to?, step?);
    let far = to.exact || step.least > 0.0;
    (from.exact && step.exact && far).then(|| (to.least - from.least) / step.least).filter(|n| *n > 0.0)
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

    fn constants() -> HashMap<String, Vec<f64>> {
        let all = [("zero", vec![0.0]), ("n", vec![4096.0]), ("two", vec![2.0]), ("pair", vec![7.0, 4096.0])];
        all.into_iter().map(|(name, numbers)| (name.to_owned(), numbers)).collect()
    }

    #[test]
    fn sizes_are_put_together() {
        let nodes = [
            node("Mul", &["x", "zero"], "none"),
            node("Add", &["none", "n"], "a"),
            node("Max", &["x", "n"], "b"),
            node("Concat", &["a", "b", "x"], "shape"),
            node("Add", &["x", "n"], "unknown"),
        ];
        let known = folded(&nodes, &constants(), 8);
        let least: Vec<_> = known["shape"].iter().map(|n| n.map(|n| n.least)).collect();
        assert_eq!(least, [Some(4096.0), Some(4096.0), None]);
        assert!(!known.contains_key("unknown"));
        // A value is never longer than asked for.
        assert!(!folded(&nodes, &constants(), 2).contains_key("shape"));
    }

    #[test]
    fn shapes_are_one_at_the_least() {
        let known = |nodes: &[Node]| {
            let output = nodes.last().unwrap().outputs.first().unwrap().clone();
            folded(nodes, &constants(), 8).get(&output).map(|all| elements(all))
        };
        let shape = || node("Shape", &["x"], "s");
        let place = || node("Gather", &["s", "zero"], "d");
        assert_eq!(known(&[shape(), place(), node("Mul", &["d", "n"], "r")]), Some(4096.0));
        assert_eq!(
            known(&[shape(), node("Add", &["s", "n"], "r"), node("Pow", &["r", "two"], "q")]),
            Some(4097.0 * 4097.0)
        );
        assert_eq!(
            known(&[shape(), node("Div", &["s", "s"], "one"), node("Mul", &["one", "pair"], "r")]),
            Some(7.0 * 4096.0)
        );
        assert_eq!(known(&[node("Gather", &["pair", "zero"], "r")]), Some(7.0));
        // What is taken away may be as much as there is, and the smaller of two may be one.
        assert_eq!(known(&[shape(), node("Sub", &["n", "s"], "r")]), Some(1.0));
        assert_eq!(known(&[shape(), node("Div", &["n", "s"], "r")]), Some(1.0));
        assert_eq!(known(&[shape(), node("Min", &["n", "s"], "r")]), Some(1.0));
        assert_eq!(known(&[shape(), node("Where", &["c", "n", "s"], "r")]), Some(1.0));
        let three = |from, to, step| range([&[from][..], &[to], &[step]]);
        let (zero, many) = (Some(Number::exactly(0.0)), Some(Number::at_least(1e9)));
        assert_eq!(three(zero, many, Some(Number::exactly(2.0))), Some(5e8));
        assert_eq!(three(many, zero, Some(Number::exactly(-1.0))), None);
        assert_eq!(three(zero, many, None), None);
    }
}
