//! Computations on slices whose shapes are settled. Kernels know neither ONNX nor plans.

pub(crate) mod correlate;
pub(crate) mod dense;
pub(crate) mod elementwise;
pub(crate) mod integer;
pub(crate) mod movement;
pub(crate) mod pack;
pub(crate) mod pool;
pub(crate) mod product;
pub(crate) mod reduce;
pub(crate) mod rowwise;
pub(crate) mod strides;
pub(crate) mod unary;

use rten_simd::{Isa, SimdOp};

/// Runs `f` compiled for the instruction set of this machine, so that its plain loops become vector code.
/// `f` should be an `#[inline(always)]` closure.
pub(crate) fn vectorised<R>(f: impl FnOnce() -> R) -> R {
    struct Plain<F>(F);
    impl<R, F: FnOnce() -> R> SimdOp for Plain<F> {
        type Output = R;
        #[inline(always)]
        fn eval<I: Isa>(self, _: I) -> R {
            (self.0)()
        }
    }
    Plain(f).dispatch()
}
