//! Bounds of every value of a network over a region, step by step.

use super::backward;
use super::network::{Method, Network, Region, Step};

/// What is known of every step's values.
pub(super) struct Known {
    pub low: Vec<Vec<f64>>,
    pub high: Vec<Vec<f64>>,
    /// Of affine steps and sums: the largest rounding error of each value.
    pub error: Vec<Vec<f64>>,
}

/// Intervals forwards; with linear bounds, what a ReLU reads is tightened on the way where its sign is open.
pub(super) fn forward(network: &Network, region: &Region, method: Method) -> Known {
    let steps = network.steps.len();
    let mut known = Known {
        low: Vec::with_capacity(steps),
        high: Vec::with_capacity(steps),
        error: Vec::with_capacity(steps),
    };
    for at in 0..steps {
        let (low, high, error) = one(&network.steps[at], &known, region);
        known.low.push(low);
        known.high.push(high);
        known.error.push(error);
        let read_by_relu = network.steps.iter().any(|step| matches!(step, Step::Relu(from) if *from == at));
        // The first affine step is a function of the box itself, of which intervals are exact.
        let first = matches!(network.steps[at], Step::Affine(0, _)) && region.ball.is_none();
        if method == Method::Linear && read_by_relu && !first {
            tighten(network, &mut known, region, at);
        }
    }
    known
}

fn tighten(network: &Network, known: &mut Known, region: &Region, at: usize) {
    let size = network.sizes[at];
    let mut row = vec![0.0; size];
    for neuron in 0..size {
        if known.low[at][neuron] >= 0.0 || known.high[at][neuron] <= 0.0 {
            continue;
        }
        row[neuron] = 1.0;
        let least = backward::least(network, known, region, at, &row);
        row[neuron] = -1.0;
        let most = -backward::least(network, known, region, at, &row);
        row[neuron] = 0.0;
        known.low[at][neuron] = known.low[at][neuron].max(least);
        known.high[at][neuron] = known.high[at][neuron].min(most);
    }
}

fn one(step: &Step, known: &Known, region: &Region) -> (Vec<f64>, Vec<f64>, Vec<f64>) {
    match step {
        Step::Input(size) => (region.low.clone(), region.high.clone(), vec![0.0; *size]),
        Step::Affine(from, map) => {
            let (low, high) = (&known.low[*from], &known.high[*from]);
            let mut out = (Vec::new(), Vec::new(), Vec::new());
            for output in 0..map.outputs() {
                let (least, most, error) = map.bound(output, low, high);
                out.0.push(least);
                out.1.push(most);
                out.2.push(error);
            }
            out
        }
        Step::Sum(a, b) => {
            let size = |at: usize, i: usize| known.low[at][i].abs().max(known.high[at][i].abs());
            let error: Vec<f64> =
                (0..known.low[*a].len()).map(|i| 1e-7 * (size(*a, i) + size(*b, i)) + 1e-40).collect();
            let low = (0..error.len()).map(|i| known.low[*a][i] + known.low[*b][i] - error[i]).collect();
            let high = (0..error.len()).map(|i| known.high[*a][i] + known.high[*b][i] + error[i]).collect();
            (low, high, error)
        }
        Step::Relu(from) => {
            let cut = |v: &Vec<f64>| v.iter().map(|v| v.max(0.0)).collect::<Vec<_>>();
            (cut(&known.low[*from]), cut(&known.high[*from]), Vec::new())
        }
        Step::Max(from, groups) => {
            let most = |v: &Vec<f64>| -> Vec<f64> {
                groups
                    .iter()
                    .map(|g| g.iter().map(|i| v[*i as usize]).fold(f64::NEG_INFINITY, f64::max))
                    .collect()
            };
            (most(&known.low[*from]), most(&known.high[*from]), Vec::new())
        }
    }
}
