//! What the tests of the attacks share: the digits, and a differentiable network written by hand, so that
//! the attacks are tested against an implementation that shares no code with the engines.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses its part; one that cannot read its fixture has failed"
)]

pub mod net;

const DIGITS: &[u8] = include_bytes!("../../../onnx/tests/fixtures/digits_test.u8");

/// The first `n` held-out digits.
pub fn digits(n: usize) -> (Vec<f32>, Vec<usize>) {
    let records = DIGITS.chunks_exact(65).take(n);
    let labels = records.clone().map(|r| usize::from(r[0])).collect();
    (records.flat_map(|r| r[1..].iter().map(|p| f32::from(*p) / 16.0)).collect(), labels)
}

/// The bytes of a reference model.
pub fn model(name: &str) -> Vec<u8> {
    let crates = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let places = [crates.join("tests/fixtures"), crates.join("../onnx/tests/fixtures")];
    let file = places.iter().map(|p| p.join(format!("{name}.onnx"))).find(|p| p.exists());
    std::fs::read(file.unwrap_or_else(|| panic!("no fixture {name}"))).unwrap_or_default()
}
