//! Runs models on rows and writes what they answer, so that other programs can be held against it.
//!
//!     answers FOLDER
//!
//! Each folder in FOLDER with `model.onnx` and `rows.f32` (float32 of this machine) gets `ours.json`: the values of each
//! output by its name, with their shape, or `error`.

use std::path::Path;

use proofhouse_onnx::{Dimension, LoadOptions, Tensor, load};
use serde_json::{Map, Value, json};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let folder = std::env::args().nth(1).ok_or("usage: answers FOLDER")?;
    for entry in std::fs::read_dir(folder)? {
        let case = entry?.path();
        if !case.join("model.onnx").is_file() {
            continue;
        }
        let answers = answers(&case).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        std::fs::write(case.join("ours.json"), serde_json::to_string(&answers)?)?;
    }
    Ok(())
}

fn answers(case: &Path) -> Result<Value, Failed> {
    let engine = load(&std::fs::read(case.join("model.onnx"))?, &LoadOptions::default())?;
    let bytes = std::fs::read(case.join("rows.f32"))?;
    let rows: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|b| f32::from_ne_bytes(*b)).collect();
    let input = engine.inputs().first().ok_or("it has no inputs")?;
    let width = match input.shape.as_deref() {
        Some([_, Dimension::Fixed(width)]) if *width > 0 => *width,
        other => return Err(format!("rows of shape {other:?} are not given here").into()),
    };
    let outputs = engine.run(&[Tensor::new(vec![rows.len() / width, width], rows)?])?;
    let read = engine.outputs().iter().zip(outputs).map(|(spec, tensor)| {
        // JSON has no NaN and no infinity.
        let values: Vec<f32> = tensor.data().iter().map(|v| if v.is_finite() { *v } else { 0.0 }).collect();
        (spec.name.clone(), json!({ "shape": tensor.shape(), "values": values }))
    });
    Ok(Value::Object(read.collect::<Map<_, _>>()))
}
