//! The encoder that comes with the program: bytes only, for whoever has an engine to run them.

use super::EncoderFiles;

/// The encoder that comes with the program: an ONNX file and what belongs to it. Where it comes from, how it
/// was trained and what it finds stands in the README of [`detect`](crate::detect).
#[must_use]
pub fn shipped() -> (&'static [u8], EncoderFiles<'static>) {
    let files = EncoderFiles {
        tokenizer: include_bytes!("shipped/tokenizer.json"),
        config: include_bytes!("shipped/config.json"),
        calibration: Some(include_bytes!("shipped/calibration.json")),
    };
    (include_bytes!("shipped/model.onnx"), files)
}
