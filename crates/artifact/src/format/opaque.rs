//! Formats that are known by their first bytes, and most of which are not read.

/// Which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Opaque {
    /// RAR archive.
    Rar,
    /// TensorRT engine.
    TensorRt,
    /// GGML before GGUF.
    OldGgml,
    /// XGBoost's binary format before UBJSON.
    XgboostBinary,
    /// Torch 7.
    Torch7,
    /// RKNN.
    Rknn,
    /// Parameters of MXNet.
    Mxnet,
}

impl Opaque {
    /// The format of bytes that begin so.
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        Some(match bytes {
            [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Self::Rar,
            [b'p' | b'f', b't', b'r', b't', ..] => Self::TensorRt,
            // The magic numbers ggml, ggmf, ggjt and ggla, little-endian.
            [b'l', b'm', b'g', b'g', ..] | [b'f', b'm', b'g', b'g', ..] | [b't', b'j', b'g', b'g', ..] => {
                Self::OldGgml
            }
            [b'a', b'l', b'g', b'g', ..] => Self::OldGgml,
            [b'b', b'i', b'n', b'f', 0..=8, ..] | [b'b', b's', b'6', b'4', b'\t', ..] => Self::XgboostBinary,
            [4, 0, 0, 0, _, 0, 0, 0, 3, 0, 0, 0, b'V', b' ', b'1', ..] => Self::Torch7,
            _ if crate::boosters::xgboost::is_legacy(bytes) => Self::XgboostBinary,
            [b'R', b'K', b'N', b'N', ..] => Self::Rknn,
            [0x12, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] => Self::Mxnet,
            _ => return None,
        })
    }

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rar => "rar",
            Self::TensorRt => "tensorrt",
            Self::OldGgml => "ggml",
            Self::XgboostBinary => "xgboost-binary",
            Self::Torch7 => "torch7",
            Self::Rknn => "rknn",
            Self::Mxnet => "mxnet",
        }
    }
}
