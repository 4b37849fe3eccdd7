//! Functions of two or three values, element by element, with broadcasting.

use super::super::value::{Io, Kernel, Out, View};
use super::strides::Walk;
use super::vectorised;

/// A function of two floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
    /// The sign of the divisor.
    Modulo,
    /// The sign of the dividend.
    Remainder,
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    And,
    Or,
    Xor,
    /// `ReluGrad(Y, dY)`.
    ReluGrad,
    /// Slope of what is negative in the second.
    PRelu,
}

/// Applies a [`Binary`].
#[derive(Debug)]
pub(crate) struct Both {
    pub function: Binary,
    pub walk: Walk<2>,
}

impl Kernel for Both {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (a, b, out, walk) = (io.floats(0), io.floats(1), out.floats(), &self.walk);
        let yes = |b: bool| if b { 1.0 } else { 0.0 };
        vectorised(
            #[inline(always)]
            || match self.function {
                Binary::Add => apply(walk, a, b, out, |a, b| a + b),
                Binary::Sub => apply(walk, a, b, out, |a, b| a - b),
                Binary::Mul => apply(walk, a, b, out, |a, b| a * b),
                Binary::Div => apply(walk, a, b, out, |a, b| a / b),
                Binary::Pow => apply(walk, a, b, out, power),
                // NaN wins, as in ONNX Runtime and torch.
                Binary::Max => apply(walk, a, b, out, |a, b| if a > b || a.is_nan() { a } else { b }),
                Binary::Min => apply(walk, a, b, out, |a, b| if a < b || a.is_nan() { a } else { b }),
                Binary::Modulo => apply(walk, a, b, out, |a, b| a - (a / b).floor() * b),
                Binary::Remainder => apply(walk, a, b, out, |a, b| a % b),
                Binary::Equal => apply(walk, a, b, out, |a, b| yes(a == b)),
                Binary::Greater => apply(walk, a, b, out, |a, b| yes(a > b)),
                Binary::GreaterOrEqual => apply(walk, a, b, out, |a, b| yes(a >= b)),
                Binary::Less => apply(walk, a, b, out, |a, b| yes(a < b)),
                Binary::LessOrEqual => apply(walk, a, b, out, |a, b| yes(a <= b)),
                Binary::And => apply(walk, a, b, out, |a, b| yes(a != 0.0 && b != 0.0)),
                Binary::Or => apply(walk, a, b, out, |a, b| yes(a != 0.0 || b != 0.0)),
                Binary::Xor => apply(walk, a, b, out, |a, b| yes((a != 0.0) != (b != 0.0))),
                Binary::ReluGrad => apply(walk, a, b, out, |y, d| if y > 0.0 { d } else { 0.0 }),
                Binary::PRelu => apply(walk, a, b, out, |x, s| if x < 0.0 { s * x } else { x }),
            },
        );
        Ok(())
    }
}

/// Squares are the power that models take; `powf` would be called for each.
#[inline(always)]
fn power(a: f32, b: f32) -> f32 {
    if b == 2.0 {
        a * a
    } else if b == 0.5 {
        a.sqrt()
    } else {
        a.powf(b)
    }
}

#[inline(always)]
fn apply(walk: &Walk<2>, a: &[f32], b: &[f32], out: &mut [f32], f: impl Fn(f32, f32) -> f32 + Copy) {
    let n = walk.inner;
    let mut rest = out;
    walk.rows(
        #[inline(always)]
        |[i, j]| {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            match walk.step {
                [1, 1] => {
                    for ((o, a), b) in row.iter_mut().zip(&a[i..i + n]).zip(&b[j..j + n]) {
                        *o = f(*a, *b);
                    }
                }
                [1, 0] => {
                    let b = b[j];
                    for (o, a) in row.iter_mut().zip(&a[i..i + n]) {
                        *o = f(*a, b);
                    }
                }
                [0, 1] => {
                    let a = a[i];
                    for (o, b) in row.iter_mut().zip(&b[j..j + n]) {
                        *o = f(a, *b);
                    }
                }
                [s, t] => {
                    for (k, o) in row.iter_mut().enumerate() {
                        *o = f(a[at(i, k, s)], b[at(j, k, t)]);
                    }
                }
            }
        },
    );
}

/// Place of element `k` of a row that begins at `first`.
#[inline(always)]
const fn at(first: usize, k: usize, step: isize) -> usize {
    first.wrapping_add_signed(step.wrapping_mul(k as isize))
}

/// `Where(condition, a, b)`.
#[derive(Debug)]
pub(crate) struct Choose {
    pub walk: Walk<3>,
}

impl Kernel for Choose {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let condition = io.floats(0);
        match (io.view(1), io.view(2), out) {
            (View::Float(a), View::Float(b), Out::Float(out)) => {
                vectorised(
                    #[inline(always)]
                    || choose(&self.walk, condition, a, b, out),
                );
            }
            (View::Int(a), View::Int(b), Out::Int(out)) => choose(&self.walk, condition, a, b, out),
            _ => return Err("the two sides are of different types".to_owned()),
        }
        Ok(())
    }
}

#[inline(always)]
fn choose<T: Copy>(walk: &Walk<3>, condition: &[f32], a: &[T], b: &[T], out: &mut [T]) {
    let n = walk.inner;
    let mut rest = out;
    walk.rows(
        #[inline(always)]
        |[c, i, j]| {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(n);
            rest = after;
            if walk.step == [1, 1, 1] {
                let sides = a[i..i + n].iter().zip(&b[j..j + n]);
                for ((o, c), (a, b)) in row.iter_mut().zip(&condition[c..c + n]).zip(sides) {
                    *o = if *c != 0.0 { *a } else { *b };
                }
                return;
            }
            let [r, s, t] = walk.step;
            for (k, o) in row.iter_mut().enumerate() {
                *o = if condition[at(c, k, r)] != 0.0 { a[at(i, k, s)] } else { b[at(j, k, t)] };
            }
        },
    );
}
