//! What values come to at least, as far as constants of the file decide it: sizes that are put together of numbers.

use std::collections::HashMap;

use super::Node;
use super::inline::plain;

/// Numbers by value; one that nothing decides is `None`.
pub type Numbers = HashMap<String, Vec<Option<f64>>>;

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
                known.insert(input.clone(), numbers.iter().copied().map(Some).collect());
            }
        }
        let Some(output) = node.outputs.first() else { continue };
        let of = |at: usize| node.inputs.get(at).and_then(|input| known.get(input));
        let result = match node.operator.as_str() {
            "Cast" | "Identity" | "Reshape" | "Squeeze" | "Unsqueeze" => of(0).cloned(),
            "Concat" => {
                let parts =
                    node.inputs.iter().map(|input| known.get(input).cloned().unwrap_or_else(|| vec![None]));
                Some(parts.flatten().take(few + 1).collect())
            }
            "ReduceProd" => {
                of(0).map(|all| vec![all.iter().copied().try_fold(1.0, |n, next| Some(n * next?))])
            }
            "Mul"
                if [of(0), of(1)].into_iter().flatten().any(|side| side.iter().all(|n| *n == Some(0.0))) =>
            {
                Some(vec![Some(0.0)])
            }
            // The larger one is at least what is known of either.
            "Max" => of(0)
                .or(of(1))
                .map(|_| each(of(0), of(1), |a, b| Some(a.into_iter().chain(b).fold(f64::MIN, f64::max)))),
            operator => {
                let compute: Option<fn(f64, f64) -> f64> = match operator {
                    "Add" => Some(|a, b| a + b),
                    "Sub" => Some(|a, b| a - b),
                    "Mul" => Some(|a, b| a * b),
                    "Div" => Some(|a, b| a / b),
                    "Pow" => Some(f64::powf),
                    _ => None,
                };
                compute.and_then(|compute| {
                    let (a, b) = (of(0)?, of(1)?);
                    Some(each(Some(a), Some(b), |a, b| Some(compute(a?, b?))))
                })
            }
        };
        if let Some(result) = result.filter(|result| !result.is_empty() && result.len() <= few) {
            known.insert(output.clone(), result);
        }
    }
    known
}

/// One from two, number by number; one number stands for as many as the other side has.
fn each(
    a: Option<&Vec<Option<f64>>>,
    b: Option<&Vec<Option<f64>>>,
    compute: impl Fn(Option<f64>, Option<f64>) -> Option<f64>,
) -> Vec<Option<f64>> {
    let number = |side: Option<&Vec<Option<f64>>>, at: usize| {
        let side = side?;
        if side.len() == 1 { side.first().copied().flatten() } else { side.get(at).copied().flatten() }
    };
    let length = a.map_or(1, Vec::len).max(b.map_or(1, Vec::len));
    (0..length).map(|at| compute(number(a, at), number(b, at))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_put_together() {
        let node = |operator: &str, inputs: &[&str], output: &str| Node {
            operator: operator.to_owned(),
            inputs: inputs.iter().map(|name| (*name).to_owned()).collect(),
            outputs: vec![output.to_owned()],
            ..Node::default()
        };
        let constants = HashMap::from([("zero".to_owned(), vec![0.0]), ("n".to_owned(), vec![4096.0])]);
        let nodes = [
            node("Mul", &["x", "zero"], "none"),
            node("Add", &["none", "n"], "a"),
            node("Max", &["x", "n"], "b"),
            node("Concat", &["a", "b", "x"], "shape"),
            node("Add", &["x", "n"], "unknown"),
        ];
        let known = folded(&nodes, &constants, 8);
        assert_eq!(known["shape"], [Some(4096.0), Some(4096.0), None]);
        assert!(!known.contains_key("unknown"));
        // A value is never longer than asked for.
        assert!(!folded(&nodes, &constants, 2).contains_key("shape"));
    }
}
