//! Operators of the standard set that the embedded runtime lacks, or evaluates otherwise than the standard reads.
//!
//! rten 0.27 takes the last of equal values for `ArgMax` and `ArgMin` where the standard takes the first: nearest
//! neighbours and forests of few trees are full of ties. It makes a truth value of a number by cutting off its fraction,
//! so that 0.3 is false, and refuses a whole number as the exponent of a number.

use super::value::{Value, Whole};
use crate::OnnxError;
use crate::graph::{Attribute, Graph, Node, Values};

/// What a node of the standard set does.
pub(super) enum Standard {
    /// The place of the largest or smallest value along an axis.
    Extreme { largest: bool, axis: i64, keep: bool, last: bool },
    /// Whether a number is not 0.
    Truth,
    /// The slices along an axis for which a condition holds; without axis, the values.
    Compress { axis: Option<i64> },
    /// A power by one whole number.
    Power(i32),
}

/// Whether a node is one of these.
pub(super) fn is_ours(graph: &Graph, node: &Node) -> bool {
    match node.operator.as_str() {
        _ if !node.domain.is_empty() => false,
        "ArgMax" | "ArgMin" | "Compress" => true,
        "Cast" => matches!(node.attributes.get("to"), Some(Attribute::Int(9))),
        "Pow" => exponent(graph, node).is_some(),
        _ => false,
    }
}

impl Standard {
    /// `node` is one of these.
    pub(super) fn of(graph: &Graph, node: &Node) -> Result<Self, OnnxError> {
        Ok(match node.operator.as_str() {
            "Cast" => Self::Truth,
            "Compress" => {
                let axis =
                    if node.attributes.contains_key("axis") { Some(node.int("axis", 0)?) } else { None };
                Self::Compress { axis }
            }
            "Pow" => Self::Power(exponent(graph, node).unwrap_or(1)),
            operator => Self::Extreme {
                largest: operator == "ArgMax",
                axis: node.int("axis", 0)?,
                keep: node.int("keepdims", 1)? != 0,
                last: node.int("select_last_index", 0)? != 0,
            },
        })
    }

    pub(super) fn run(&self, node: &Node, inputs: &[&Value]) -> Result<Vec<Value>, OnnxError> {
        let x = *inputs.first().ok_or_else(|| node.broken("it has no inputs"))?;
        let one = match self {
            Self::Extreme { largest, axis, keep, last } => {
                let Cut { before, along, after, at } = cut(node, x.shape(), *axis)?;
                if along == 0 {
                    return Err(node.broken("there is nothing to compare along its axis"));
                }
                let values = x.numbers();
                let better = |new: f32, held: f32| match (largest, last) {
                    (true, false) => new > held,
                    (true, true) => new >= held,
                    (false, false) => new < held,
                    (false, true) => new <= held,
                };
                let place = |outer: usize, inner: usize| {
                    let value = |k: usize| values[(outer * along + k) * after + inner];
                    let best =
                        (1..along).fold(0, |best, k| if better(value(k), value(best)) { k } else { best });
                    i32::try_from(best).unwrap_or(i32::MAX)
                };
                let data =
                    (0..before).flat_map(|o| (0..after).map(move |i| (o, i))).map(|(o, i)| place(o, i));
                let mut shape = x.shape().to_vec();
                if *keep {
                    shape[at] = 1;
                } else {
                    shape.remove(at);
                }
                Value::ints(shape, data.collect())?
            }
            Self::Truth => {
                let data = x.numbers().iter().map(|v| i32::from(*v != 0.0)).collect();
                Value::ints(x.shape().to_vec(), data)?
            }
            Self::Compress { axis } => {
                let condition = inputs.get(1).ok_or_else(|| node.broken("it has no condition"))?.numbers();
                let flat = [x.numbers().len()];
                let (shape, axis) = match axis {
                    Some(axis) => (x.shape(), *axis),
                    None => (flat.as_slice(), 0),
                };
                let Cut { before, along, after, at } = cut(node, shape, axis)?;
                let kept: Vec<usize> =
                    (0..along).filter(|k| condition.get(*k).is_some_and(|c| *c != 0.0)).collect();
                let mut left = shape.to_vec();
                left[at] = kept.len();
                match x {
                    Value::Float(tensor) => {
                        Value::floats(left, slices(tensor.data(), before, along, after, &kept))?
                    }
                    Value::Int(Whole { data, .. }) => {
                        Value::ints(left, slices(data, before, along, after, &kept))?
                    }
                }
            }
            Self::Power(exponent) => match x {
                Value::Float(tensor) => x.with(tensor.data().iter().map(|v| v.powi(*exponent)).collect())?,
                Value::Int(Whole { shape, data }) => {
                    let power = |v: &i32| v.wrapping_pow(exponent.unsigned_abs());
                    if *exponent < 0 {
                        return Err(node.broken("a whole number to a negative power is none"));
                    }
                    Value::ints(shape.clone(), data.iter().map(power).collect())?
                }
            },
        };
        Ok(vec![one])
    }
}

/// The only exponent of a power, where it is a constant whole number.
fn exponent(graph: &Graph, node: &Node) -> Option<i32> {
    let constant = graph.constants.get(node.inputs.get(1)?)?;
    match (&constant.values, constant.shape.as_slice()) {
        (Values::Int(v), [] | [1]) => i32::try_from(*v.first()?).ok(),
        _ => None,
    }
}

/// A shape around one of its dimensions.
struct Cut {
    before: usize,
    along: usize,
    after: usize,
    at: usize,
}

fn cut(node: &Node, shape: &[usize], axis: i64) -> Result<Cut, OnnxError> {
    let counted = if axis < 0 { axis + shape.len() as i64 } else { axis };
    let at = usize::try_from(counted).ok().filter(|at| *at < shape.len());
    let at = at.ok_or_else(|| node.broken(format!("axis {axis} is none of {} dimensions", shape.len())))?;
    let (before, rest) = shape.split_at(at);
    Ok(Cut {
        before: before.iter().product(),
        along: rest.first().copied().unwrap_or(1),
        after: rest.iter().skip(1).product(),
        at,
    })
}

fn slices<T: Copy>(data: &[T], before: usize, along: usize, after: usize, kept: &[usize]) -> Vec<T> {
    let places = (0..before).flat_map(|outer| kept.iter().map(move |k| (outer * along + k) * after));
    places.flat_map(|from| data.get(from..from + after).unwrap_or_default()).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn node(operator: &str, attributes: &[(&str, i64)]) -> Node {
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), Attribute::Int(*v)));
        Node {
            name: operator.to_owned(),
            domain: String::new(),
            operator: operator.to_owned(),
            inputs: vec!["x".to_owned()],
            outputs: vec!["y".to_owned()],
            attributes: attributes.collect::<BTreeMap<_, _>>(),
        }
    }

    fn run(node: &Node, inputs: &[&Value]) -> Value {
        Standard::of(&Graph::default(), node).unwrap().run(node, inputs).unwrap().remove(0)
    }

    #[test]
    fn of_equal_values_the_first_counts_unless_the_last_is_asked_for() {
        let x = Value::floats(vec![2, 3], vec![1.0, 5.0, 5.0, 2.0, 2.0, 1.0]).unwrap();
        let best = |operator, attributes| run(&node(operator, attributes), &[&x]);
        assert_eq!(best("ArgMax", &[("axis", 1)]), Value::ints(vec![2, 1], vec![1, 0]).unwrap());
        let last = [("axis", -1), ("keepdims", 0), ("select_last_index", 1)];
        assert_eq!(best("ArgMax", &last), Value::ints(vec![2], vec![2, 1]).unwrap());
        assert_eq!(best("ArgMin", &[("axis", 0)]), Value::ints(vec![1, 3], vec![0, 1, 1]).unwrap());
        let odd = node("ArgMax", &[("axis", 2)]);
        assert!(Standard::of(&Graph::default(), &odd).unwrap().run(&odd, &[&x]).is_err());
    }

    #[test]
    fn a_fraction_is_true_and_slices_are_kept() {
        let x = Value::floats(vec![2, 2], vec![0.3, 0.0, -0.0, -2.0]).unwrap();
        let truth = run(&node("Cast", &[("to", 9)]), &[&x]);
        assert_eq!(truth, Value::ints(vec![2, 2], vec![1, 0, 0, 1]).unwrap());
        let kept = run(&node("Compress", &[("axis", 1)]), &[&x, &Value::ints(vec![2], vec![0, 1]).unwrap()]);
        assert_eq!(kept, Value::floats(vec![2, 1], vec![0.0, -2.0]).unwrap());
        let flat = run(&node("Compress", &[]), &[&x, &Value::ints(vec![4], vec![1, 0, 0, 1]).unwrap()]);
        assert_eq!(flat, Value::floats(vec![2], vec![0.3, -2.0]).unwrap());
    }
}
