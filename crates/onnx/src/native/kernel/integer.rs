//! Arithmetic of integers, and conversions. Rare and small, so nothing here is fast.

use super::super::value::{Io, Kernel, Out, View};
use super::elementwise::Binary;
use super::strides::Walk;

/// A [`Binary`] of integers. Comparisons give booleans.
#[derive(Debug)]
pub(crate) struct IntBoth {
    pub function: Binary,
    pub walk: Walk<2>,
}

impl Kernel for IntBoth {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (a, b) = (io.ints(0), io.ints(1));
        let mut error = None;
        let mut results = Vec::new();
        self.walk.rows(|[i, j]| {
            for k in 0..self.walk.inner as isize {
                let (a, b) = (
                    a[i.wrapping_add_signed(k * self.walk.step[0])],
                    b[j.wrapping_add_signed(k * self.walk.step[1])],
                );
                match apply(self.function, a, b) {
                    Some(value) => results.push(value),
                    None => error = Some(format!("{:?} of {a} and {b} is no 64-bit integer", self.function)),
                }
            }
        });
        if let Some(error) = error {
            return Err(error);
        }
        match out {
            Out::Int(out) => out.copy_from_slice(&results),
            Out::Float(out) => out.iter_mut().zip(results).for_each(|(o, r)| *o = r as f32),
        }
        Ok(())
    }
}

fn apply(function: Binary, a: i64, b: i64) -> Option<i64> {
    Some(match function {
        Binary::Add => a.checked_add(b)?,
        Binary::Sub => a.checked_sub(b)?,
        Binary::Mul => a.checked_mul(b)?,
        Binary::Div => a.checked_div(b)?,
        Binary::Pow => a.checked_pow(u32::try_from(b).ok()?)?,
        Binary::Max => a.max(b),
        Binary::Min => a.min(b),
        Binary::Modulo => {
            let r = a.checked_rem(b)?;
            if r != 0 && (r < 0) != (b < 0) { r + b } else { r }
        }
        Binary::Remainder => a.checked_rem(b)?,
        Binary::Equal => i64::from(a == b),
        Binary::Greater => i64::from(a > b),
        Binary::GreaterOrEqual => i64::from(a >= b),
        Binary::Less => i64::from(a < b),
        Binary::LessOrEqual => i64::from(a <= b),
        Binary::And | Binary::Or | Binary::Xor | Binary::ReluGrad | Binary::PRelu => return None,
    })
}

/// Integers to floats, or floats to integers (towards 0; what does not fit becomes the nearest that does).
#[derive(Debug)]
pub(crate) struct Convert {
    /// Bounds of the integer type.
    pub range: (i64, i64),
}

impl Kernel for Convert {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        match (io.view(0), out) {
            (View::Int(x), Out::Float(out)) => out.iter_mut().zip(x).for_each(|(o, x)| *o = *x as f32),
            (View::Float(x), Out::Int(out)) => {
                out.iter_mut().zip(x).for_each(|(o, x)| *o = (*x as i64).clamp(self.range.0, self.range.1));
            }
            (View::Float(x), Out::Float(out)) => out.copy_from_slice(x),
            (View::Int(x), Out::Int(out)) => {
                out.iter_mut().zip(x).for_each(|(o, x)| *o = (*x).clamp(self.range.0, self.range.1));
            }
        }
        Ok(())
    }
}

/// One class in a row of zeros: `OneHot` with `[outer, depth, inner]`, values off and on.
#[derive(Debug)]
pub(crate) struct OneHot {
    pub depth: usize,
    pub inner: usize,
}

impl Kernel for OneHot {
    fn run(&self, io: &Io<'_>, out: Out<'_>, _: &mut [f32]) -> Result<(), String> {
        let (indices, values, out) = (io.ints(0), io.floats(1), out.floats());
        let [off, on] = values else { return Err("its values are not two: off and on".to_owned()) };
        out.fill(*off);
        let inner = self.inner.max(1);
        for (i, index) in indices.iter().enumerate() {
            let from_front = if *index < 0 { index + self.depth as i64 } else { *index };
            // An index outside means a row of zeros, as ONNX says.
            if let Some(at) = usize::try_from(from_front).ok().filter(|at| *at < self.depth) {
                out[(i / inner * self.depth + at) * inner + i % inner] = *on;
            }
        }
        Ok(())
    }
}
