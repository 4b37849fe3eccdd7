//! A network as a chain of layers, with plain loops for the forward and the backward pass.

use std::collections::BTreeMap;

use proofhouse_onnx::graph::{Attribute, Graph};
use proofhouse_onnx::{Gradients, OnnxError, OutputKind, Scores};

enum Layer {
    /// Kernel 3, padding 1, stride 1: weights out x in x 9.
    Conv {
        weights: Vec<f32>,
        bias: Vec<f32>,
        inputs: usize,
    },
    /// Windows of 2 x 2, stride 2; the first of the largest has the gradient.
    Pool,
    Relu,
    /// Weights out x in.
    Dense {
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    Scale(f32),
    /// To the nearest integer, ties to even; straight-through.
    Round(String),
}

/// A network read from one of the reference models.
pub struct Net {
    layers: Vec<Layer>,
    shape: Vec<usize>,
    classes: usize,
    straight_through: Vec<String>,
    kind: OutputKind,
}

impl Net {
    /// Reads a chain of the operators above; a softmax at its end is left out of the gradients.
    pub fn read(bytes: &[u8]) -> Self {
        let graph = Graph::read(bytes).unwrap();
        let mut constants: BTreeMap<String, Vec<f32>> =
            graph.constants.iter().filter_map(|(name, c)| Some((name.clone(), c.floats()?))).collect();
        let mut net = Self {
            layers: Vec::new(),
            shape: vec![1, 8, 8],
            classes: 10,
            straight_through: Vec::new(),
            kind: OutputKind::Logits,
        };
        for node in &graph.nodes {
            let constant = |at: usize| constants.get(&node.inputs[at]).cloned().unwrap();
            let layer = match node.operator.as_str() {
                "Constant" => {
                    let Some(Attribute::Tensor(value)) = node.attributes.get("value") else {
                        panic!("constant")
                    };
                    constants.insert(node.outputs[0].clone(), value.floats().unwrap());
                    continue;
                }
                "Flatten" => continue,
                "Softmax" => {
                    net.kind = OutputKind::Probabilities;
                    continue;
                }
                "Conv" => {
                    let (weights, bias) = (constant(1), constant(2));
                    let inputs = weights.len() / bias.len() / 9;
                    Layer::Conv { weights, bias, inputs }
                }
                "MaxPool" => Layer::Pool,
                "Relu" => Layer::Relu,
                "Gemm" => Layer::Dense { weights: constant(1), bias: constant(2) },
                "Mul" => Layer::Scale(constant(1)[0]),
                "Div" => Layer::Scale(1.0 / constant(1)[0]),
                "Round" => {
                    net.straight_through.push(node.name.clone());
                    Layer::Round(node.name.clone())
                }
                other => panic!("{other}"),
            };
            net.layers.push(layer);
        }
        net
    }

    /// The same, but the derivative of rounding is what it is: zero.
    pub fn without_repair(mut self) -> Self {
        self.straight_through.clear();
        self
    }

    fn forward(&self, row: &[f32]) -> Vec<Vec<f32>> {
        let mut values = vec![row.to_vec()];
        let mut side = 8;
        for layer in &self.layers {
            let x = values.last().unwrap();
            let y = match layer {
                Layer::Conv { weights, bias, inputs } => conv(x, weights, bias, *inputs, side),
                Layer::Pool => {
                    side /= 2;
                    (0..x.len() / 4).map(|at| x[winner(x, at, side)]).collect()
                }
                Layer::Relu => x.iter().map(|v| v.max(0.0)).collect(),
                Layer::Dense { weights, bias } => bias
                    .iter()
                    .zip(weights.chunks_exact(x.len()))
                    .map(|(b, w)| b + w.iter().zip(x).map(|(w, x)| w * x).sum::<f32>())
                    .collect(),
                Layer::Scale(factor) => x.iter().map(|v| v * factor).collect(),
                Layer::Round(_) => x.iter().map(|v| v.round_ties_even()).collect(),
            };
            values.push(y);
        }
        values
    }

    fn backward(&self, values: &[Vec<f32>], slope: &[f32]) -> Vec<f32> {
        let mut g = slope.to_vec();
        let mut side = 8 >> self.layers.iter().filter(|l| matches!(l, Layer::Pool)).count();
        for (layer, x) in self.layers.iter().zip(values).rev() {
            g = match layer {
                Layer::Conv { weights, bias, inputs } => conv_back(&g, weights, bias.len(), *inputs, side),
                Layer::Pool => {
                    let mut back = vec![0.0; x.len()];
                    for (at, g) in g.iter().enumerate() {
                        back[winner(x, at, side)] += g;
                    }
                    side *= 2;
                    back
                }
                Layer::Relu => g.iter().zip(x).map(|(g, x)| if *x > 0.0 { *g } else { 0.0 }).collect(),
                Layer::Dense { weights, .. } => {
                    let mut back = vec![0.0; x.len()];
                    for (g, w) in g.iter().zip(weights.chunks_exact(x.len())) {
                        back.iter_mut().zip(w).for_each(|(b, w)| *b += g * w);
                    }
                    back
                }
                Layer::Scale(factor) => g.iter().map(|v| v * factor).collect(),
                Layer::Round(name) if self.straight_through.contains(name) => g,
                Layer::Round(_) => vec![0.0; g.len()],
            };
        }
        g
    }
}

/// Index of the largest of the four values that output `at` of a pool with `side` columns sees.
fn winner(x: &[f32], at: usize, side: usize) -> usize {
    let (channel, line, column) = (at / (side * side), at / side % side, at % side);
    let corner = channel * 4 * side * side + 2 * line * 2 * side + 2 * column;
    [corner, corner + 1, corner + 2 * side, corner + 2 * side + 1]
        .into_iter()
        .reduce(|best, next| if x[next] > x[best] { next } else { best })
        .unwrap()
}

/// Calls `visit(output, input, tap)` for every pair of pixels that a 3 x 3 kernel joins.
fn taps(side: usize, mut visit: impl FnMut(usize, usize, usize)) {
    for tap in 0..9 {
        let (down, right) = (tap / 3, tap % 3);
        for line in 1usize.saturating_sub(down)..side.min(side + 1 - down) {
            for column in 1usize.saturating_sub(right)..side.min(side + 1 - right) {
                visit(line * side + column, (line + down - 1) * side + column + right - 1, tap);
            }
        }
    }
}

fn conv(x: &[f32], weights: &[f32], bias: &[f32], inputs: usize, side: usize) -> Vec<f32> {
    let area = side * side;
    let mut y: Vec<f32> = bias.iter().flat_map(|b| std::iter::repeat_n(*b, area)).collect();
    for (out, y) in y.chunks_exact_mut(area).enumerate() {
        for input in 0..inputs {
            let (x, w) = (&x[input * area..][..area], &weights[(out * inputs + input) * 9..][..9]);
            taps(side, |to, from, tap| y[to] += w[tap] * x[from]);
        }
    }
    y
}

fn conv_back(g: &[f32], weights: &[f32], outputs: usize, inputs: usize, side: usize) -> Vec<f32> {
    let area = side * side;
    let mut back = vec![0.0; inputs * area];
    for out in 0..outputs {
        let g = &g[out * area..][..area];
        for (input, back) in back.chunks_exact_mut(area).enumerate() {
            let w = &weights[(out * inputs + input) * 9..][..9];
            taps(side, |to, from, tap| back[from] += w[tap] * g[to]);
        }
    }
    back
}

impl Scores for Net {
    fn classes(&self) -> usize {
        self.classes
    }
    fn input_shape(&self) -> &[usize] {
        &self.shape
    }
    fn kind(&self) -> OutputKind {
        OutputKind::Logits
    }
    fn scores(&self, rows: &[f32], _: usize, out: &mut Vec<f32>) -> Result<(), OnnxError> {
        out.clear();
        rows.chunks_exact(64).for_each(|row| out.extend(self.forward(row).pop().unwrap()));
        Ok(())
    }
}

impl Gradients for Net {
    fn pull_back(
        &self,
        rows: &[f32],
        _: usize,
        loss: &mut dyn FnMut(&[f32], &mut [f32]),
        gradient: &mut Vec<f32>,
    ) -> Result<(), OnnxError> {
        gradient.clear();
        let passes: Vec<Vec<Vec<f32>>> = rows.chunks_exact(64).map(|row| self.forward(row)).collect();
        let logits: Vec<f32> =
            passes.iter().flat_map(|values| values.last().unwrap().iter().copied()).collect();
        let mut slopes = vec![0.0; logits.len()];
        loss(&logits, &mut slopes);
        for (values, slope) in passes.iter().zip(slopes.chunks_exact(self.classes)) {
            gradient.extend(self.backward(values, slope));
        }
        Ok(())
    }

    fn straight_through(&self) -> &[String] {
        &self.straight_through
    }
}
