//! Rows with their classes from a file, and how a model is used that takes them.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use proofhouse_dataset::NumpyArray;
use proofhouse_onnx::{ClassifierOptions, Dimension, LoadOptions, OutputKind, Preprocess, load};
use proofhouse_robustness::Norm;

use crate::args::attack::NormArg;

/// Labelled rows.
pub struct Rows {
    /// Digest of the file.
    pub digest: Digest,
    /// Shape of one row.
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
    pub labels: Vec<usize>,
}

impl Rows {
    /// Reads the arrays x and y of a .npz archive, at most `most` rows.
    pub fn read(path: &Path, most: Option<usize>) -> anyhow::Result<Self> {
        let archive = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let arrays = NumpyArray::read_archive(&archive).with_context(|| path.display().to_string())?;
        let array = |name: &str| {
            arrays.get(name).with_context(|| {
                let there = arrays.keys().cloned().collect::<Vec<_>>().join(", ");
                format!("{} holds no array {name}; it holds: {there}", path.display())
            })
        };
        let (x, y) = (array("x")?, array("y")?);
        let Some((n, shape)) = x.shape.split_first() else { bail!("x is one number, not rows") };
        ensure!(y.values.len() == *n, "x holds {n} rows and y {} classes", y.values.len());
        let count = most.unwrap_or(*n).min(*n);
        let labels: Option<Vec<usize>> = y.values.iter().take(count).map(|v| class(*v)).collect();
        let labels = labels.context("y holds something that is no class: whole numbers from 0 are")?;
        let shape = if shape.is_empty() { vec![1] } else { shape.to_vec() };
        let width: usize = shape.iter().product();
        let values = x.values.iter().take(count * width).map(|v| *v as f32).collect();
        Ok(Self { digest: Digest::of(&archive), shape, values, labels })
    }

    /// Some of the rows, in the order of `indices`.
    pub fn only(&self, indices: &[usize]) -> Self {
        let width: usize = self.shape.iter().product();
        let values = indices.iter().filter_map(|i| self.values.get(i * width..(i + 1) * width)).flatten();
        Self {
            digest: self.digest,
            shape: self.shape.clone(),
            values: values.copied().collect(),
            labels: indices.iter().filter_map(|i| self.labels.get(*i)).copied().collect(),
        }
    }
}

fn class(value: f64) -> Option<usize> {
    (value >= 0.0 && value.fract() == 0.0 && value < 1e9).then_some(value as usize)
}

/// How a model is used as a classifier of rows of this shape: the first output that is declared to have one
/// value for each of several classes.
pub fn classifier_options(file: &[u8], shape: &[usize], scale: f32) -> anyhow::Result<ClassifierOptions> {
    let engine = load(file, &LoadOptions::default())?;
    let scores = engine.outputs().iter().find_map(|output| match output.shape.as_deref() {
        Some([_, Dimension::Fixed(classes)]) if *classes > 1 => Some((output.name.clone(), *classes)),
        _ => None,
    });
    let (output, classes) = scores.with_context(|| {
        let names: Vec<&str> = engine.outputs().iter().map(|o| o.name.as_str()).collect();
        format!("no output of the shape [N, classes] is declared; the outputs are: {}", names.join(", "))
    })?;
    Ok(ClassifierOptions {
        input_shape: shape.to_vec(),
        classes,
        output: Some(output),
        kind: OutputKind::Logits,
        preprocess: Preprocess { scale },
    })
}

/// A norm by its argument.
pub const fn norm(argument: NormArg) -> Norm {
    match argument {
        NormArg::Linf => Norm::Linf,
        NormArg::L2 => Norm::L2,
        NormArg::L1 => Norm::L1,
        NormArg::L0 => Norm::L0,
        NormArg::Patch => Norm::Patch,
    }
}
