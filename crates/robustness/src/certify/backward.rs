//! The least value of a linear function of a step's values over a region, by pulling it back to the input.
//!
//! Going back through an affine step is exact but for its rounding error, which is taken off. A ReLU whose sign is open
//! is replaced by a line below it where its coefficient is positive and a line above it where it is negative; a maximum
//! by one of its members, or by a constant. At the input the linear function has a least value in closed form.

use super::interval::Known;
use super::network::{Network, Region, Step};
use crate::Norm;

/// Beside a bound, what float64 may have rounded on the way to it.
const SLACK: f64 = 1e-11;

/// A number that `row · values of step` is never below.
pub(super) fn least(network: &Network, known: &Known, region: &Region, step: usize, row: &[f64]) -> f64 {
    let mut pending: Vec<Option<Vec<f64>>> = vec![None; step + 1];
    pending[step] = Some(row.to_vec());
    let (mut constant, mut size) = (0.0f64, 0.0f64);
    for at in (0..=step).rev() {
        let Some(coefficients) = pending[at].take() else { continue };
        let add = |pending: &mut Vec<Option<Vec<f64>>>, to: usize, from: usize, by: f64| {
            let target = pending[to].get_or_insert_with(|| vec![0.0; network.sizes[to]]);
            target[from] += by;
        };
        match &network.steps[at] {
            Step::Input(_) => {
                let (value, magnitude) = at_input(region, &coefficients);
                return constant + value - SLACK * (size + magnitude + constant.abs());
            }
            Step::Affine(from, map) => {
                let mut into = pending[*from].take().unwrap_or_else(|| vec![0.0; network.sizes[*from]]);
                for (output, c) in coefficients.iter().enumerate() {
                    if *c != 0.0 {
                        constant += map.pull(output, *c, &mut into);
                        constant -= c.abs() * known.error[at][output];
                        let most = known.low[at][output].abs().max(known.high[at][output].abs());
                        size += c.abs() * most;
                    }
                }
                pending[*from] = Some(into);
            }
            Step::Sum(a, b) => {
                for (i, c) in coefficients.iter().enumerate() {
                    if *c != 0.0 {
                        add(&mut pending, *a, i, *c);
                        add(&mut pending, *b, i, *c);
                        constant -= c.abs() * known.error[at][i];
                    }
                }
            }
            Step::Relu(from) => {
                for (i, c) in coefficients.iter().enumerate() {
                    let (low, high) = (known.low[*from][i], known.high[*from][i]);
                    if *c == 0.0 || high <= 0.0 {
                        continue;
                    }
                    if low >= 0.0 {
                        add(&mut pending, *from, i, *c);
                    } else if *c > 0.0 {
                        // Below: the value itself or zero, whichever leaves the smaller area.
                        if high > -low {
                            add(&mut pending, *from, i, *c);
                        }
                    } else {
                        // Above: the line through both ends, lifted until rounding cannot put an end above it.
                        let slope = high / (high - low);
                        let height = (-slope * low).max(high - slope * high);
                        let lift = height + SLACK * (high - low);
                        add(&mut pending, *from, i, c * slope);
                        constant += c * lift;
                        size += c.abs() * high;
                    }
                }
            }
            Step::Max(from, groups) => {
                let (low, high) = (&known.low[*from], &known.high[*from]);
                for (group, c) in groups.iter().zip(&coefficients) {
                    if *c == 0.0 {
                        continue;
                    }
                    let members = || group.iter().map(|i| *i as usize);
                    let best = members().reduce(|a, b| if low[b] > low[a] { b } else { a });
                    let Some(best) = best else { continue };
                    let wins = members().all(|i| i == best || high[i] <= low[best]);
                    if *c > 0.0 || wins {
                        // A maximum is at least any of its members.
                        add(&mut pending, *from, best, *c);
                    } else {
                        let most = members().map(|i| high[i]).fold(f64::NEG_INFINITY, f64::max);
                        constant += c * most;
                        size += (c * most).abs();
                    }
                }
            }
        }
    }
    constant - SLACK * (size + constant.abs())
}

/// The least value of a linear function over a region: the better of what the box and the ball allow.
fn at_input(region: &Region, coefficients: &[f64]) -> (f64, f64) {
    let ends = coefficients.iter().zip(region.low.iter().zip(&region.high));
    let (mut in_box, mut size) = (0.0f64, 0.0f64);
    for (c, (low, high)) in ends {
        in_box += (c * low).min(c * high);
        size += c.abs() * low.abs().max(high.abs());
    }
    let Some((centre, radius, dual)) = &region.ball else { return (in_box, size) };
    let at_centre: f64 = coefficients.iter().zip(centre).map(|(c, x)| c * x).sum();
    let length = match dual {
        Norm::L2 => coefficients.iter().map(|c| c * c).sum::<f64>().sqrt(),
        _ => coefficients.iter().fold(0.0, |most: f64, c| most.max(c.abs())),
    };
    (in_box.max(at_centre - radius * length), size + radius * length)
}
