//! Classes of C++ that torch itself registers for its scripts.
//!
//! What an archive names is made by whoever registered the class, and given the state beside it. Those here keep the
//! packed weights of quantised and prepacked modules, and nothing else. Source: the registrations in
//! `aten/src/ATen/native` of torch 2.15, as `torch._C._jit_get_custom_class_schemas()` lists them.

const PREFIX: &str = "__torch__.torch.classes.";

const KEEP_WEIGHTS: [&str; 11] = [
    "mkldnn.ConvOpContext",
    "quantized.Conv2dPackedParamsBase",
    "quantized.Conv3dPackedParamsBase",
    "quantized.ConvTranspose2dPackedParamsBase",
    "quantized.EmbeddingPackedParamsBase",
    "quantized.LinearPackedParamsBase",
    "rnn.CellParamsBase",
    "sparse.LinearPackedParamsBase",
    "xnnpack.Conv2dOpContext",
    "xnnpack.LinearOpContext",
    "xnnpack.TransposeConv2dOpContext",
];

/// Whether `path`, such as `__torch__.torch.classes.rnn.CellParamsBase`, is one of them.
pub(crate) fn keeps_weights(path: &str) -> bool {
    path.strip_prefix(PREFIX).is_some_and(|class| KEEP_WEIGHTS.contains(&class))
}
