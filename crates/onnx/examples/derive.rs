//! Differentiates a model and writes what comes out, so that other programs can be held against it.
//!
//!     derive MODEL SHAPE CLASSES FOLDER
//!
//! SHAPE is that of a row: `3,32,32`. FOLDER has `rows.f32` and `seed.f32`, rows and a derivative of a loss with
//! respect to their logits, as float32 of this machine. Written there: `logits.f32`, `dx.f32`; `weights.txt` with a
//! name a line, and `dw0.f32`, `dw1.f32` and so on; `forward.onnx`, `backward.onnx` and `sources.txt`, which says
//! where the inputs of the latter after the first come from.

use std::path::{Path, PathBuf};

use proofhouse_onnx::fused::Lowering;
use proofhouse_onnx::{
    ClassifierOptions, DifferentiableClassifier, Gradients, LoadOptions, OutputKind, Preprocess, Scores,
    Source, Trainable, gradient_graphs,
};

type Failed = Box<dyn std::error::Error>;

fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, shape, classes, folder] = arguments.as_slice() else {
        return Err("usage: derive MODEL SHAPE CLASSES FOLDER".into());
    };
    let folder = PathBuf::from(folder);
    let bytes = std::fs::read(model)?;
    let options = ClassifierOptions {
        input_shape: shape.split(',').map(str::parse).collect::<Result<_, _>>()?,
        classes: classes.parse()?,
        output: None,
        kind: OutputKind::Logits,
        preprocess: Preprocess::default(),
    };
    let (rows, seed) = (read(&folder.join("rows.f32"))?, read(&folder.join("seed.f32"))?);
    let n = seed.len() / options.classes;
    let mut fixed = |_: &[f32], out: &mut [f32]| out.copy_from_slice(&seed);

    let load = LoadOptions::default();
    let classifier = DifferentiableClassifier::new(&bytes, options.clone(), &load)?;
    let mut values = Vec::new();
    classifier.scores(&rows, n, &mut values)?;
    write(&folder.join("logits.f32"), &values)?;
    classifier.pull_back(&rows, n, &mut fixed, &mut values)?;
    write(&folder.join("dx.f32"), &values)?;

    let trainable = Trainable::new(&bytes, options.clone(), &load)?;
    let mut gradients = Vec::new();
    trainable.weight_gradients(&rows, n, &mut fixed, &mut gradients)?;
    std::fs::write(folder.join("weights.txt"), trainable.names().join("\n"))?;
    for (at, gradient) in gradients.iter().enumerate() {
        write(&folder.join(format!("dw{at}.f32")), gradient.data())?;
    }

    let graphs = gradient_graphs(&bytes, &options, Lowering::Portable)?;
    std::fs::write(folder.join("forward.onnx"), graphs.forward.write())?;
    std::fs::write(folder.join("backward.onnx"), graphs.backward.write())?;
    let source = |s: &Source| match s {
        Source::Input(at) => format!("input {at}\n"),
        Source::Output(at) => format!("output {at}\n"),
    };
    std::fs::write(folder.join("sources.txt"), graphs.sources.iter().map(source).collect::<String>())?;
    Ok(())
}

fn read(path: &Path) -> Result<Vec<f32>, Failed> {
    let bytes = std::fs::read(path)?;
    Ok(bytes.as_chunks::<4>().0.iter().map(|b| f32::from_ne_bytes(*b)).collect())
}

fn write(path: &Path, values: &[f32]) -> Result<(), Failed> {
    Ok(std::fs::write(path, values.iter().flat_map(|v| v.to_ne_bytes()).collect::<Vec<u8>>())?)
}
