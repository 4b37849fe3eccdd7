//! `Einsum` of one or two operands as sums, transpositions and one matrix product.

use super::{Adapt, product};
use crate::OnnxError;
use crate::build::{Size, V};

pub(super) fn adapt<'b>(a: &Adapt<'b, '_>) -> Result<Vec<V<'b>>, OnnxError> {
    let operands: Vec<V<'b>> = a.x.iter().flatten().copied().collect();
    let text: String = a.node.text("equation", "")?.chars().filter(|c| !c.is_whitespace()).collect();
    let (left, right) = match text.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (text.clone(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != operands.len() || !(1..=2).contains(&terms.len()) {
        return Err(a.node.broken(format!("equation {text:?} does not have one or two operands")));
    }
    let widest =
        terms.iter().zip(&operands).map(|(t, v)| v.rank() as i64 - named(t)).max().unwrap_or(0).max(0);
    let labels = terms
        .iter()
        .zip(&operands)
        .map(|(term, v)| labels(a, term, v.rank(), widest as usize))
        .collect::<Result<Vec<_>, _>>()?;
    let out = match right {
        Some(right) => labels_of_output(&right, widest as usize),
        None => implicit(&labels),
    };
    let sum_away = |v: V<'b>, own: &[char], other: &[char]| {
        let gone = |c: &char| !out.contains(c) && !other.contains(c);
        let axes: Vec<usize> = own.iter().enumerate().filter(|(_, c)| gone(c)).map(|(at, _)| at).collect();
        let left: Vec<char> = own.iter().copied().filter(|c| !gone(c)).collect();
        (v.sum(&axes, false), left)
    };
    let (value, order) = match (operands.as_slice(), labels.as_slice()) {
        ([x], [own]) => sum_away(*x, own, &[]),
        ([x, y], [p, q]) => multiplied(a, sum_away(*x, p, q), sum_away(*y, q, p), &out)?,
        _ => return Err(a.node.broken("it does not have one or two operands")),
    };
    let perm: Option<Vec<usize>> = out.iter().map(|c| order.iter().position(|o| o == c)).collect();
    match perm {
        Some(perm) if perm.len() == order.len() => Ok(vec![value.transpose(&perm)]),
        _ => Err(a.node.broken(format!("equation {text:?} names an output dimension that no operand has"))),
    }
}

/// Letters in a term.
fn named(term: &str) -> i64 {
    term.chars().filter(|c| c.is_alphabetic()).count() as i64
}

/// A label for each dimension of an operand. Those under an ellipsis are digits, counted from the back.
fn labels(a: &Adapt<'_, '_>, term: &str, rank: usize, widest: usize) -> Result<Vec<char>, OnnxError> {
    let hidden = rank as i64 - named(term);
    let out = match term.split_once("...") {
        Some((before, after)) if hidden >= 0 => {
            let dots = (widest - hidden as usize..widest).map(dot);
            before.chars().chain(dots).chain(after.chars()).collect::<Vec<_>>()
        }
        None if hidden == 0 => term.chars().collect(),
        _ => return Err(a.node.broken(format!("term {term:?} does not fit {rank} dimensions"))),
    };
    let mut unique = out.clone();
    unique.sort_unstable();
    unique.dedup();
    if unique.len() != out.len() || out.iter().any(|c| !c.is_alphanumeric()) {
        return Err(a
            .node
            .broken(format!("term {term:?} has a diagonal or another character; that is not followed")));
    }
    Ok(out)
}

/// The label of a dimension under an ellipsis.
fn dot(at: usize) -> char {
    char::from_digit(at as u32 % 10, 10).unwrap_or('0')
}

fn labels_of_output(term: &str, widest: usize) -> Vec<char> {
    match term.split_once("...") {
        Some((before, after)) => before.chars().chain((0..widest).map(dot)).chain(after.chars()).collect(),
        None => term.chars().collect(),
    }
}

/// Without an arrow: dimensions under the ellipsis, then the letters that occur once, in order.
fn implicit(labels: &[Vec<char>]) -> Vec<char> {
    let mut all: Vec<char> = labels.iter().flatten().copied().collect();
    all.sort_unstable();
    let once = |c: &char| c.is_numeric() || all.iter().filter(|o| *o == c).count() == 1;
    let mut out: Vec<char> = all.iter().copied().filter(once).collect();
    out.dedup();
    out
}

type Labelled<'b> = (V<'b>, Vec<char>);

/// The product of two operands, and the order of its dimensions: shared ones first.
fn multiplied<'b>(
    a: &Adapt<'b, '_>,
    (x, p): Labelled<'b>,
    (y, q): Labelled<'b>,
    out: &[char],
) -> Result<Labelled<'b>, OnnxError> {
    let pick =
        |own: &[char], f: &dyn Fn(&char) -> bool| own.iter().copied().filter(|c| f(c)).collect::<Vec<_>>();
    let batch = pick(&p, &|c| q.contains(c) && out.contains(c));
    let inner = pick(&p, &|c| q.contains(c) && !out.contains(c));
    let (rows, columns) = (pick(&p, &|c| !q.contains(c)), pick(&q, &|c| !p.contains(c)));
    let size = |c: &char| -> Size {
        let of =
            |v: V<'b>, own: &[char]| own.iter().position(|o| o == c).and_then(|at| v.dims().get(at).copied());
        match (of(x, &p), of(y, &q)) {
            (Some(Size::Fixed(1)), Some(other)) | (Some(other), _) | (None, Some(other)) => other,
            (None, None) => Size::Fixed(1),
        }
    };
    let sizes = |labels: &[char]| labels.iter().map(size).collect::<Vec<Size>>();
    let side = |v: V<'b>, own: &[char], order: [&[char]; 3]| -> Result<V<'b>, OnnxError> {
        let perm: Vec<usize> =
            order.concat().iter().filter_map(|c| own.iter().position(|o| o == c)).collect();
        let [batch, rows, columns] = order;
        let mut dims = sizes(batch);
        // A dimension of 1 that stands for more is broadcast before it is merged with others.
        let turned = v.transpose(&perm).expand(&sizes(&order.concat()));
        for part in [rows, columns] {
            dims.push(
                product(&sizes(part))
                    .ok_or_else(|| a.node.broken("two of its dimensions follow the batch"))?,
            );
        }
        Ok(turned.reshape(&dims))
    };
    let left = side(x, &p, [&batch, &rows, &inner])?;
    let right = side(y, &q, [&batch, &inner, &columns])?;
    let order = [batch, rows, columns].concat();
    Ok((left.matmul(right).reshape(&sizes(&order)), order))
}
