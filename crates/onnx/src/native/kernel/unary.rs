//! Functions of one value, element by element.

use rten_simd::SimdUnaryOp;
use rten_vecmath as vecmath;

use super::super::value::{Io, Kernel, Out};
use super::vectorised;

/// A function of one float.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Relu,
    Neg,
    Abs,
    Sqrt,
    Reciprocal,
    Floor,
    Ceil,
    /// Halves to even, as ONNX says.
    Round,
    Sign,
    Exp,
    Log,
    Sigmoid,
    Tanh,
    Erf,
    /// The exact one, through the error function.
    Gelu,
    /// The approximation through tanh.
    GeluTanh,
    Softplus,
    Softsign,
    Sin,
    Cos,
    /// Slope of what is negative.
    LeakyRelu(f32),
    /// `alpha (exp(x) - 1)` of what is negative.
    Elu(f32),
    /// `gamma · Elu`.
    Selu(f32, f32),
    /// `clamp(alpha x + beta, 0, 1)`.
    HardSigmoid(f32, f32),
    HardSwish,
    /// Between two bounds.
    Clip(f32, f32),
    /// `x` where it is above, else 0.
    Threshold(f32),
    Not,
    IsNan,
    /// Whether it is not 0: a cast to a boolean.
    Truth,
    /// `x * scale + shift`.
    Affine(f32, f32),
    Mish,
}

/// Applies a [`Unary`].
#[derive(Debug)]
pub(crate) struct Map(pub Unary);

impl Kernel for Map {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (x, out) = (io.floats(0), out.floats());
        match self.0 {
            Unary::Exp => through(&vecmath::Exp {}, x, out),
            Unary::Sigmoid => through(&vecmath::Sigmoid {}, x, out),
            Unary::Tanh => through(&vecmath::Tanh {}, x, out),
            Unary::Erf => through(&vecmath::Erf {}, x, out),
            Unary::Gelu => through(&vecmath::Gelu {}, x, out),
            Unary::GeluTanh => through(&vecmath::ApproxGelu {}, x, out),
            Unary::Sin => through(&vecmath::Sin::new(), x, out),
            Unary::Cos => through(&vecmath::Cos::new(), x, out),
            plain => vectorised(
                #[inline(always)]
                || simple(plain, x, out),
            ),
        }
        Ok(())
    }
}

fn through(function: &impl SimdUnaryOp<f32>, x: &[f32], out: &mut [f32]) {
    out.copy_from_slice(x);
    function.map_mut(out);
}

#[inline(always)]
fn simple(function: Unary, x: &[f32], out: &mut [f32]) {
    let yes = |b: bool| if b { 1.0 } else { 0.0 };
    match function {
        // NaN stays NaN.
        Unary::Relu => each(x, out, |x| if x < 0.0 { 0.0 } else { x }),
        Unary::Neg => each(x, out, |x| -x),
        Unary::Abs => each(x, out, f32::abs),
        Unary::Sqrt => each(x, out, f32::sqrt),
        Unary::Reciprocal => each(x, out, |x| 1.0 / x),
        Unary::Floor => each(x, out, f32::floor),
        Unary::Ceil => each(x, out, f32::ceil),
        Unary::Round => each(x, out, f32::round_ties_even),
        Unary::Sign => each(x, out, |x| {
            if x > 0.0 {
                1.0
            } else if x < 0.0 {
                -1.0
            } else {
                x
            }
        }),
        Unary::Log => each(x, out, f32::ln),
        // ln(1 + exp(x)) without overflow.
        Unary::Softplus => each(x, out, |x| x.max(0.0) + (-x.abs()).exp().ln_1p()),
        Unary::Softsign => each(x, out, |x| x / (1.0 + x.abs())),
        Unary::LeakyRelu(slope) => each(x, out, |x| if x < 0.0 { slope * x } else { x }),
        Unary::Elu(alpha) => each(x, out, |x| if x < 0.0 { alpha * x.exp_m1() } else { x }),
        Unary::Selu(alpha, gamma) => {
            each(x, out, |x| gamma * if x < 0.0 { alpha * x.exp_m1() } else { x });
        }
        Unary::HardSigmoid(alpha, beta) => each(x, out, |x| clamp(alpha * x + beta, 0.0, 1.0)),
        Unary::HardSwish => each(x, out, |x| x * clamp(x / 6.0 + 0.5, 0.0, 1.0)),
        Unary::Clip(low, high) => each(x, out, |x| clamp(x, low, high)),
        Unary::Threshold(at) => each(x, out, |x| if x > at { x } else { 0.0 }),
        Unary::Not => each(x, out, |x| yes(x == 0.0)),
        Unary::IsNan => each(x, out, |x| yes(x.is_nan())),
        Unary::Truth => each(x, out, |x| yes(x != 0.0)),
        Unary::Affine(scale, shift) => each(x, out, |x| x * scale + shift),
        Unary::Mish => each(x, out, |x| x * (x.max(0.0) + (-x.abs()).exp().ln_1p()).tanh()),
        Unary::Exp
        | Unary::Sigmoid
        | Unary::Tanh
        | Unary::Erf
        | Unary::Gelu
        | Unary::GeluTanh
        | Unary::Sin
        | Unary::Cos => {}
    }
}

#[inline(always)]
fn each(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    for (o, x) in out.iter_mut().zip(x) {
        *o = f(*x);
    }
}

/// Bounds in this order, as ONNX says for bounds that cross; NaN stays NaN.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}
