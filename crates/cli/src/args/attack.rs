//! Arguments of `attack`.

mod other;
mod privacy;

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueEnum};

use super::Format;
use super::engine::EngineArgs;
use super::remote::RemoteArgs;

pub use other::{NaturalArgs, RegressorArgs, TableArgs};
pub use privacy::{
    AttributeArgs, BackdoorArgs, ExtractionArgs, InversionArgs, MembershipArgs, PropertyArgs, SpongeArgs,
};

/// Arguments of `attack`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct AttackArgs {
    /// What else than changes within a distance.
    #[command(subcommand)]
    pub command: Option<AttackCommand>,
    #[command(flatten)]
    pub evasion: EvasionArgs,
}

/// `attack …`
#[derive(Debug, Subcommand)]
pub enum AttackCommand {
    /// Change images as the world does: turned, darkened, covered, fogged, compressed.
    #[command(
        after_help = "Examples:\n  proofhouse attack natural --model cnn.onnx --data test.npz\n  proofhouse attack natural --model cnn.onnx --data test.npz --kind rotation,fog --html natural.html\n  proofhouse attack natural examples/cheque-reader --worst 2"
    )]
    Natural(Box<NaturalArgs>),
    /// Change rows of a table as its rules allow, as cheaply as possible.
    ///
    /// The rules say which rows can exist and what changing one costs: those of the project's dataset
    /// (features.domain), or a YAML file of the same form. Of tree ensembles a price is proved that nothing undercuts.
    #[command(
        after_help = "Examples:\n  proofhouse attack table --model loans.onnx --data test.npz --domain rules.yaml --class 1 --budget 500\n  proofhouse attack table . --html prices.html"
    )]
    Table(Box<TableArgs>),
    /// Move the output of a regressor as far as a small change can.
    #[command(
        after_help = "Example:\n  proofhouse attack regressor --model price.onnx --data test.npz --eps 0.05 --tolerance 10000"
    )]
    Regressor(Box<RegressorArgs>),
    /// Tell rows that the model learned from from others.
    #[command(
        after_help = "Examples:\n  proofhouse attack membership --model cnn.onnx --data train.npz --others test.npz --shadows 16\n  proofhouse attack membership ."
    )]
    Membership(Box<MembershipArgs>),
    /// Guess a column of a row from its other columns and the model's answer.
    #[command(
        after_help = "Example:\n  proofhouse attack attribute --model m.onnx --data test.npz --column 4"
    )]
    Attribute(Box<AttributeArgs>),
    /// Tell a property of the training data as a whole.
    #[command(
        after_help = "Example:\n  proofhouse attack property --model m.onnx --data pool.npz --column 2 --at-least 0.5 --shares 0.2,0.6"
    )]
    Property(Box<PropertyArgs>),
    /// Draw what the model takes for each class, and see whether it shows anybody.
    #[command(
        after_help = "Example:\n  proofhouse attack inversion --model cnn.onnx --data train.npz --html inverted.html"
    )]
    Inversion(Box<InversionArgs>),
    /// Copy the model from its answers, by how many queries.
    #[command(
        after_help = "Example:\n  proofhouse attack extraction --model cnn.onnx --data test.npz --queries 100,1000,10000 --per-hour 18000"
    )]
    Extraction(Box<ExtractionArgs>),
    /// Look for a small pattern that turns everything into one class.
    #[command(
        after_help = "Example:\n  proofhouse attack backdoor --model cnn.onnx --data test.npz --html backdoor.html"
    )]
    Backdoor(Box<BackdoorArgs>),
    /// Look for an input that takes far longer to answer than others.
    #[command(
        after_help = "Example:\n  proofhouse attack sponge --model m.onnx --data test.npz --queries 4000"
    )]
    Sponge(Box<SpongeArgs>),
}

/// Which model, with which rows.
#[derive(Debug, Clone, Args)]
pub struct SubjectArgs {
    /// A project with a system file: its model, its test data and its `checks.evasion`.
    #[arg(conflicts_with_all = ["model", "data"])]
    pub project: Option<PathBuf>,
    /// An ONNX file.
    #[arg(long, value_name = "FILE", requires = "data")]
    pub model: Option<PathBuf>,
    /// Rows and their classes: a .npz archive with the arrays x and y.
    #[arg(long, value_name = "FILE")]
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
    #[command(flatten)]
    pub engine: EngineArgs,
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
pub struct EvasionArgs {
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
    #[command(flatten)]
    pub remote: RemoteArgs,
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
