//! Rows with their classes from a file, and how a model is used that takes them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use proofhouse_core::Digest;
use proofhouse_dataset::NumpyArray;
use proofhouse_onnx::{Answer, ClassifierOptions, Engine, OutputKind, Preprocess, answers};
use proofhouse_robustness::Norm;

use crate::args::attack::NormArg;
use crate::engine::Engines;

/// Labelled rows.
pub struct Rows {
    /// Digest of the file.
    pub digest: Digest,
    /// Shape of one row.
    pub shape: Vec<usize>,
    pub values: Vec<f32>,
    pub labels: Vec<usize>,
}

/// The arrays of a .npz archive.
pub struct Archive {
    path: PathBuf,
    digest: Digest,
    arrays: BTreeMap<String, NumpyArray>,
}

impl Archive {
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        let arrays = NumpyArray::read_archive(&bytes).with_context(|| path.display().to_string())?;
        Ok(Self { path: path.to_owned(), digest: Digest::of(&bytes), arrays })
    }

    /// An archive of these arrays: name, shape and values.
    #[cfg(test)]
    pub fn of(arrays: impl Iterator<Item = (String, Vec<usize>, Vec<f64>)>) -> Self {
        let arrays = arrays.map(|(name, shape, values)| (name, NumpyArray { shape, values })).collect();
        Self { path: "data.npz".into(), digest: Digest::of(b""), arrays }
    }

    pub fn array(&self, name: &str) -> anyhow::Result<&NumpyArray> {
        self.arrays.get(name).with_context(|| {
            let there = self.arrays.keys().cloned().collect::<Vec<_>>().join(", ");
            format!("{} holds no array {name}; it holds: {there}", self.path.display())
        })
    }

    /// The array that holds the rows for an input: the one of its name, or x.
    pub fn rows_for<'a>(&self, input: Option<&'a str>) -> &'a str {
        input.filter(|name| self.arrays.contains_key(*name)).unwrap_or("x")
    }

    /// The rows in the array `x` and the classes in y, at most `most`.
    pub fn rows(&self, x: &str, most: Option<usize>) -> anyhow::Result<Rows> {
        let (rows, n) = (self.values(x, most)?, self.count(x)?);
        let y = self.array("y")?;
        ensure!(y.values.len() == n, "{x} holds {n} rows and y {} classes", y.values.len());
        let count = most.unwrap_or(n).min(n);
        let labels: Option<Vec<usize>> = y.values.iter().take(count).map(|v| class(*v)).collect();
        let labels = labels.context(
            "y holds something that is no class: whole numbers from 0 are. What a number is predicted for is attacked \
             with `proofhouse attack regressor`",
        )?;
        Ok(Rows { labels, ..rows })
    }

    /// How many rows an array holds.
    pub fn count(&self, x: &str) -> anyhow::Result<usize> {
        let first = self.array(x)?.shape.first().copied();
        first.with_context(|| format!("{x} is one number, not rows"))
    }

    /// Rows without classes.
    fn values(&self, x: &str, most: Option<usize>) -> anyhow::Result<Rows> {
        let (n, array) = (self.count(x)?, self.array(x)?);
        let shape = array.shape.get(1..).filter(|shape| !shape.is_empty()).unwrap_or(&[1]).to_vec();
        let width: usize = shape.iter().product();
        let count = most.unwrap_or(n).min(n);
        let values = array.values.iter().take(count * width).map(|v| *v as f32).collect();
        Ok(Rows { digest: self.digest, shape, values, labels: Vec::new() })
    }
}

impl Rows {
    /// Reads the arrays x and y of a .npz archive, at most `most` rows.
    pub fn read(path: &Path, most: Option<usize>) -> anyhow::Result<Self> {
        Archive::read(path)?.rows("x", most)
    }

    /// Reads the array x of a .npz archive, at most `most` rows: for models whose answers need no class.
    pub fn read_values(path: &Path, most: Option<usize>) -> anyhow::Result<Self> {
        Archive::read(path)?.values("x", most)
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

/// How a model is used.
pub struct Use {
    pub options: ClassifierOptions,
    /// Whether all it answers with is a label.
    pub labels_only: bool,
}

/// How a model is used as a classifier of these rows: the output that holds a score for each of several classes, found
/// out by asking about the first row; where there is none, the output that holds a label.
pub fn how_used(engines: &Engines, file: &[u8], rows: &Rows, scale: f32) -> anyhow::Result<Use> {
    let engine = engines.load(file)?;
    let found = outputs(engine.as_ref(), rows, scale)?;
    let options = |output: &str, classes| ClassifierOptions {
        input_shape: rows.shape.clone(),
        classes,
        output: Some(output.to_owned()),
        kind: OutputKind::Logits,
        preprocess: Preprocess { scale },
    };
    for answer in &found {
        if let Answer::Scores { output, classes } = answer {
            return Ok(Use { options: options(output, *classes), labels_only: false });
        }
    }
    for answer in &found {
        if let Answer::Label { output } = answer {
            let classes = rows.labels.iter().max().map_or(2, |most| (most + 1).max(2));
            return Ok(Use { options: options(output, classes), labels_only: true });
        }
    }
    if let Some(Answer::Number { output }) = found.first() {
        bail!(
            "{output} holds one number for each row, so that this is a regressor, or a classifier that says how likely \
             one class of two is. Attack a regressor with `proofhouse attack regressor`; export a classifier with a \
             score for each class"
        );
    }
    let names: Vec<&str> = engine.outputs().iter().map(|o| o.name.as_str()).collect();
    bail!(
        "no output holds a score for each class, or a label, of each row; the outputs are: {}",
        names.join(", ")
    )
}

/// The output of a regressor: one number for each row, or several.
pub fn regressor_options(
    engines: &Engines,
    file: &[u8],
    rows: &Rows,
    scale: f32,
) -> anyhow::Result<(String, usize)> {
    let engine = engines.load(file)?;
    let found = outputs(engine.as_ref(), rows, scale)?;
    let number = found.iter().find_map(|answer| match answer {
        Answer::Number { output } => Some((output.clone(), 1)),
        Answer::Scores { output, classes } => Some((output.clone(), *classes)),
        Answer::Label { .. } => None,
    });
    number.context("no output holds numbers, so that this is no regressor")
}

fn outputs(engine: &dyn Engine, rows: &Rows, scale: f32) -> anyhow::Result<Vec<Answer>> {
    let width: usize = rows.shape.iter().product();
    let first: Vec<f32> = rows.values.iter().take(width).map(|v| v * scale).collect();
    ensure!(!first.is_empty(), "there are no rows to ask the model about");
    answers(engine, &rows.shape, &first).with_context(|| {
        let declared: Vec<String> = engine
            .inputs()
            .iter()
            .map(|i| match &i.shape {
                Some(shape) => {
                    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
                    format!("{} [{}]", i.name, sizes.join(", "))
                }
                None => format!("{} of any shape", i.name),
            })
            .collect();
        format!(
            "the model cannot be run on rows of shape {:?}; it takes {}. Give x that shape",
            rows.shape,
            declared.join(" and ")
        )
    })
}

/// How a classifier is used that is to be trained, too.
pub fn classifier_options(
    engines: &Engines,
    file: &[u8],
    rows: &Rows,
    scale: f32,
) -> anyhow::Result<ClassifierOptions> {
    let used = how_used(engines, file, rows, scale)?;
    ensure!(!used.labels_only, "the model answers with a label only; what is trained answers with scores");
    Ok(used.options)
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
