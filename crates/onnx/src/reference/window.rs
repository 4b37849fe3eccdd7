//! Operators that slide a window: convolutions, pools, and the fused derivatives of both.

use super::{Array, Call, flat, places};
use crate::OnnxError;
use crate::shape::Window;

pub(super) fn evaluate(call: &Call<'_>) -> Result<Option<Vec<Array>>, OnnxError> {
    let node = call.node;
    let shape = call.shape();
    let one = match node.operator.as_str() {
        "Conv" => {
            let (x, w, bias) = (call.x(0)?, call.x(1)?, call.get(2));
            let mut y = Array::filled(shape, |_| 0.0);
            taps(node, &x.shape, &w.shape, &y.shape.clone(), |at| {
                y.data[at.y] += x.data[at.x] * w.data[at.w];
            })?;
            biased(y, bias)
        }
        "ConvTranspose" => {
            // The derivative of a convolution with respect to its input, as an operator of its own.
            let (x, w, bias) = (call.x(0)?, call.x(1)?, call.get(2));
            let mut y = Array::filled(shape, |_| 0.0);
            taps(node, &y.shape.clone(), &w.shape, &x.shape, |at| {
                y.data[at.x] += x.data[at.y] * w.data[at.w];
            })?;
            biased(y, bias)
        }
        "ConvGradInput" => {
            let (dy, w, x) = (call.x(0)?, call.x(1)?, call.x(2)?);
            let mut dx = Array::filled(x.shape.clone(), |_| 0.0);
            taps(node, &x.shape, &w.shape, &dy.shape, |at| {
                dx.data[at.x] += dy.data[at.y] * w.data[at.w];
            })?;
            dx
        }
        "ConvGradWeight" => {
            let (x, dy, w) = (call.x(0)?, call.x(1)?, call.x(2)?);
            let mut dw = Array::filled(w.shape.clone(), |_| 0.0);
            taps(node, &x.shape, &w.shape, &dy.shape, |at| {
                dw.data[at.w] += dy.data[at.y] * x.data[at.x];
            })?;
            dw
        }
        "MaxPool" => {
            let x = call.x(0)?;
            let value = |w: Vec<usize>| w.iter().map(|at| x.data[*at]).fold(f64::NEG_INFINITY, f64::max);
            Array::new(
                shape.clone(),
                windows(call, &x.shape, &shape)?.into_iter().map(|w| value(w.0)).collect(),
            )
        }
        "AveragePool" => {
            let x = call.x(0)?;
            let value =
                |(w, count): (Vec<usize>, usize)| w.iter().map(|at| x.data[*at]).sum::<f64>() / count as f64;
            Array::new(shape.clone(), windows(call, &x.shape, &shape)?.into_iter().map(value).collect())
        }
        "MaxPoolGrad" => {
            let (x, y, dy) = (call.x(0)?, call.x(1)?, call.x(2)?);
            let mut dx = Array::filled(x.shape.clone(), |_| 0.0);
            for ((w, _), (y, dy)) in
                windows(call, &x.shape, &y.shape)?.iter().zip(y.data.iter().zip(&dy.data))
            {
                if let Some(at) = w.iter().find(|at| x.data[**at] == *y) {
                    dx.data[*at] += dy;
                }
            }
            dx
        }
        "AveragePoolGrad" => {
            let (x, dy) = (call.x(0)?, call.x(1)?);
            let mut dx = Array::filled(x.shape.clone(), |_| 0.0);
            for ((w, count), dy) in windows(call, &x.shape, &dy.shape)?.iter().zip(&dy.data) {
                w.iter().for_each(|at| dx.data[*at] += dy / *count as f64);
            }
            dx
        }
        _ => return Ok(None),
    };
    Ok(Some(vec![one]))
}

/// The three values that meet in one product of a convolution, as flat indices.
struct Tap {
    x: usize,
    w: usize,
    y: usize,
}

/// Every product of the convolution of `x` with `w` into `y`.
fn taps(
    node: &crate::graph::Node,
    x: &[usize],
    w: &[usize],
    y: &[usize],
    mut each: impl FnMut(&Tap),
) -> Result<(), OnnxError> {
    let window = Window::of(node, x.get(2..).unwrap_or_default())?;
    let group = usize::try_from(node.int("group", 1)?).unwrap_or(1).max(1);
    let (&[outs, ins, ..], &[n, ..]) = (w, y) else { return Ok(()) };
    let outs_a_group = outs / group;
    let out_space = y.get(2..).unwrap_or_default();
    let kernel = w.get(2..).unwrap_or_default();
    for row in 0..n {
        for o in 0..outs {
            for i in 0..ins {
                let channel = o / outs_a_group.max(1) * ins + i;
                for p in places(out_space) {
                    for k in places(kernel) {
                        let Some(at) = window.reads(&p, &k) else { continue };
                        each(&Tap {
                            x: flat(x, &[&[row, channel], &at[..]].concat()),
                            w: flat(w, &[&[o, i], &k[..]].concat()),
                            y: flat(y, &[&[row, o], &p[..]].concat()),
                        });
                    }
                }
            }
        }
    }
    Ok(())
}

fn biased(y: Array, bias: Option<&Array>) -> Array {
    let Some(bias) = bias else { return y };
    let add = |(at, v): (Vec<usize>, &f64)| v + bias.at(at.get(1..2).unwrap_or_default());
    Array::new(y.shape.clone(), places(&y.shape).zip(&y.data).map(add).collect())
}

/// For every output of a pool, in order, the flat indices of the values in its window, and what an average
/// divides by.
fn windows(call: &Call<'_>, x: &[usize], y: &[usize]) -> Result<Vec<(Vec<usize>, usize)>, OnnxError> {
    let window = Window::of(call.node, x.get(2..).unwrap_or_default())?;
    let with_pads = call.node.int("count_include_pad", 0)? != 0;
    let one = |at: Vec<usize>| {
        let (channel, p) = at.split_at(2.min(at.len()));
        let inside: Vec<usize> = places(&window.kernel)
            .filter_map(|k| window.reads(p, &k))
            .map(|place| flat(x, &[channel, &place[..]].concat()))
            .collect();
        let count = if with_pads {
            places(&window.kernel).filter(|k| window.padded(p, k)).count()
        } else {
            inside.len()
        };
        (inside, count)
    };
    Ok(places(y).map(one).collect())
}
