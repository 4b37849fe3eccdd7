//! The operators of domain `ai.proofhouse`: derivatives that one kernel computes at once.
//!
//! Reverse-mode differentiation lowers a backward graph in one of two ways ([`Lowering`]). The portable one
//! uses operators of the standard set only, so any runtime runs it. The fused one uses the operators below
//! where they say the same in one node; they exist because the portable form of a pooling or convolution
//! derivative moves the data many times.
//!
//! **Canonical graphs.** Forward and backward graphs that this crate makes are of opset [`OPSET`], whatever
//! the model had, and use one form of each operator:
//! * attributes of `Conv`, `ConvTranspose`, pools and their derivatives are all explicit: `kernel_shape`,
//!   `strides`, `dilations`, `pads` (begins, then ends), `group`, `ceil_mode`, `count_include_pad`,
//!   `output_padding`; `auto_pad` is resolved and absent;
//! * axes, shapes, pads and slices are constant inputs, never attributes; axes are not negative; `Reshape` has a
//!   constant shape with at most one `-1` (the batch) and no 0. Only where a model makes a batch out of what has
//!   none (a token for each row) is the shape of an `Expand` computed, from the `Shape` of the input;
//! * `Softmax` and `LogSoftmax` work along one axis (opset 13); `Gemm` is of rank 2, its `C` may broadcast;
//! * what follows from constants and static dimensions is folded; dead nodes are gone.

/// The domain of the fused operators.
pub const DOMAIN: &str = "ai.proofhouse";

/// The version of [`DOMAIN`].
pub const VERSION: i64 = 1;

/// The version of the standard operator set that canonical graphs are written in.
pub const OPSET: i64 = 20;

/// What a backward graph is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lowering {
    /// Operators of the standard set only.
    #[default]
    Portable,
    /// Those, and the operators of [`DOMAIN`].
    Fused,
}

/// `ConvGradInput(dY, W, X) -> dX`: the derivative of `Y = Conv(X, W, …)` with respect to `X`.
///
/// `X` is read for its shape only. Attributes as `Conv`'s. Values of `X` that no window reaches get 0.
pub const CONV_GRAD_INPUT: &str = "ConvGradInput";

/// `ConvGradWeight(X, dY, W) -> dW`: the derivative of `Y = Conv(X, W, …)` with respect to `W`, summed over
/// the batch in order of the rows. `W` is read for its shape only. Attributes as `Conv`'s.
pub const CONV_GRAD_WEIGHT: &str = "ConvGradWeight";

/// `MaxPoolGrad(X, Y, dY) -> dX`: the derivative of `Y = MaxPool(X)`.
///
/// Each `dY` goes to the first value of its window, in row-major order, that is the window's maximum, as in
/// PyTorch. Windows may overlap (their shares add up), be dilated, and reach into the padding, which never
/// holds the maximum. `GlobalMaxPool` is this with the kernel as large as the input. Attributes as
/// `MaxPool`'s; `storage_order` is absent.
pub const MAX_POOL_GRAD: &str = "MaxPoolGrad";

/// `AveragePoolGrad(X, dY) -> dX`: the derivative of `Y = AveragePool(X)`. `X` is read for its shape only.
///
/// Each `dY` is divided among the values of its window by the number that the forward pass divided by:
/// with `count_include_pad`, values of the padding count (those that `ceil_mode` adds beyond it do not).
/// Attributes as `AveragePool`'s.
pub const AVERAGE_POOL_GRAD: &str = "AveragePoolGrad";

/// `ReluGrad(Y, dY) -> dX`: `dY` where `Y > 0`, else 0, with `Y = Relu(X)`. No attributes.
pub const RELU_GRAD: &str = "ReluGrad";
