//! Arguments of `attack`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::Format;

/// Which model, with which rows.
#[derive(Debug, Clone, Args)]
pub struct SubjectArgs {
    /// A project with a system file: its model, its test data and its `checks.evasion`.
    #[arg(required_unless_present = "model", conflicts_with_all = ["model", "data"])]
    pub project: Option<PathBuf>,
    /// An ONNX file.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub model: Option<PathBuf>,
    /// Rows and their classes: a .npz archive with the arrays x and y.
    #[arg(long, value_name = "FILE", requires = "model")]
    pub data: Option<PathBuf>,
    /// Rows to attack, from the first [default: the system file's, else all].
    #[arg(long, value_name = "N")]
    pub rows: Option<usize>,
    /// Smallest and largest value of a feature [default: the system file's, else 0,1].
    #[arg(long = "box", value_name = "LOW,HIGH", allow_hyphen_values = true)]
    pub bounds: Option<BoxArg>,
    /// What a row is multiplied with before the model sees it.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub scale: f32,
    /// Look at scores only, as an attacker without the weights must.
    #[arg(long)]
    pub black_box: bool,
    /// Look at the predicted class only.
    #[arg(long, conflicts_with = "black_box")]
    pub labels_only: bool,
    /// Seed of all chance: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

/// Where results go.
#[derive(Debug, Clone, Args)]
pub struct OutputArgs {
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// Write the whole report as JSON to this file, too.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write a page with figures to this file, too; it loads nothing and runs nothing.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
}

/// Changes within a distance.
#[derive(Debug, Args)]
pub struct AttackArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// How the size of a change is measured [default: the system file's, else linf].
    #[arg(long, value_enum)]
    pub norm: Option<NormArg>,
    /// Largest change, in units of the rows; several make a curve [default: the system file's].
    #[arg(long, value_name = "SIZE", value_delimiter = ',', required_unless_present = "project")]
    pub eps: Vec<f64>,
    /// Attacks to run, each on what is left standing; `standard` is APGD-CE, APGD-T, FAB-T and Square, for trees the
    /// exact distance and Square, for a model that answers with labels HopSkipJump and the boundary attack.
    #[arg(
        long = "with",
        value_enum,
        value_name = "ATTACK",
        value_delimiter = ',',
        default_value = "standard"
    )]
    pub attacks: Vec<AttackKind>,
    /// How rows are proved to keep their class.
    #[arg(long, value_enum, default_value_t = ProofArg::Auto)]
    pub prove: ProofArg,
    /// Distance between the values that a deployed input can have, such as 0.00392156862 for 8-bit images.
    #[arg(long, value_name = "STEP")]
    pub grid: Option<f64>,
    /// Aim at this class instead of any wrong one.
    #[arg(long, value_name = "CLASS")]
    pub target: Option<usize>,
    /// Steps of each gradient attack.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: usize,
    /// Restarts of each gradient attack.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub restarts: usize,
    /// Queries of each attack by scores or labels, for each row.
    #[arg(long, value_name = "N", default_value_t = 5000)]
    pub queries: u64,
    /// Accuracy under attack that is required of the first radius; the exit code says whether it holds.
    #[arg(long, value_name = "SHARE")]
    pub require: Option<f64>,
    /// Counterexamples to keep in the report.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub examples: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Norms, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum NormArg {
    /// Largest change of any value.
    Linf,
    /// Euclidean length of the change.
    L2,
    /// Sum of the absolute changes.
    L1,
    /// Number of changed positions.
    L0,
    /// Area of the rectangle that covers every change.
    Patch,
}

/// Proofs, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProofArg {
    /// Exact distances of trees, bounds of ReLU networks; none where neither fits, with the reason.
    Auto,
    /// The same, and the smoothed classifier by majority under noise, in a field of its own.
    Smoothing,
    /// None.
    None,
}

/// Attacks, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AttackKind {
    /// The ensemble of AutoAttack (Croce and Hein 2020).
    Standard,
    /// One step along the gradient's sign (Goodfellow et al. 2015).
    Fgsm,
    /// Projected gradient descent (Madry et al. 2018).
    Pgd,
    /// PGD with step sizes of its own, cross-entropy.
    ApgdCe,
    /// The same with the difference of logits ratio.
    ApgdDlr,
    /// The same, aimed at each likely class.
    ApgdT,
    /// Fast adaptive boundary, aimed at each likely class.
    FabT,
    /// Carlini and Wagner 2017.
    CarliniWagner,
    /// Moosavi-Dezfooli et al. 2016.
    Deepfool,
    /// Few positions or a patch, by gradients.
    Sparse,
    /// Random squares, scores only (Andriushchenko et al. 2020).
    Square,
    /// One direction after the other, scores only (Guo et al. 2019).
    Simba,
    /// Along the boundary, labels only (Chen et al. 2020).
    HopSkipJump,
    /// A random walk along the boundary, labels only (Brendel et al. 2018).
    Boundary,
    /// The nearest other class of a tree ensemble, exactly.
    Exact,
}

/// A pair of numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BoxArg {
    pub low: f32,
    pub high: f32,
}

impl FromStr for BoxArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(',').and_then(|(low, high)| {
            Some(Self { low: low.trim().parse().ok()?, high: high.trim().parse().ok()? })
        });
        parsed
            .filter(|b| b.low < b.high)
            .ok_or_else(|| "write the smaller and the larger value, as in 0,1".to_owned())
    }
}
