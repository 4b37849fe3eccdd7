//! Arguments of `harden`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Format;
use super::attack::{BoxArg, NormArg};
use super::engine::EngineArgs;

/// Arguments of `harden`.
#[derive(Debug, Args)]
pub struct HardenArgs {
    /// The ONNX file to harden.
    pub model: PathBuf,
    /// Rows to learn from and their classes: a .npz archive with the arrays x and y.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Other rows, for the comparison before and after [default: those set apart].
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// Where the hardened model goes.
    #[arg(long, short, value_name = "FILE")]
    pub output: PathBuf,
    /// Largest change to withstand, in units of the rows.
    #[arg(long, value_name = "SIZE")]
    pub eps: f64,
    #[command(flatten)]
    pub engine: EngineArgs,
    /// How the size of a change is measured: linf, l2 or l1.
    #[arg(long, value_enum, default_value_t = NormArg::Linf)]
    pub norm: NormArg,
    /// How rows are changed before the model learns from them.
    #[arg(long, value_enum, default_value_t = MethodArg::Pgd)]
    pub method: MethodArg,
    /// Steps of the attack within training.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub steps: usize,
    /// Weight of the divergence that TRADES adds.
    #[arg(long, value_name = "WEIGHT", default_value_t = 6.0)]
    pub beta: f64,
    /// Passes over the rows.
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub epochs: usize,
    /// Rows that the weights learn from at a time.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub batch: usize,
    /// How weights follow gradients.
    #[arg(long, value_enum, default_value_t = OptimiserArg::Adam)]
    pub optimiser: OptimiserArg,
    /// The largest learning rate [default: 0.005 for adam, 0.05 for sgd].
    #[arg(long, value_name = "RATE")]
    pub rate: Option<f64>,
    /// How the learning rate goes.
    #[arg(long, value_enum, default_value_t = ScheduleArg::OneCycle)]
    pub schedule: ScheduleArg,
    /// Weight decay.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub decay: f64,
    /// End after so many epochs without a better robust accuracy.
    #[arg(long, value_name = "N")]
    pub patience: Option<usize>,
    /// Share of the rows that is set apart to choose the epoch by.
    #[arg(long, value_name = "SHARE", default_value_t = 0.1)]
    pub set_apart: f64,
    /// Smallest and largest value of a feature.
    #[arg(long = "box", value_name = "LOW,HIGH", default_value = "0,1")]
    pub bounds: BoxArg,
    /// What a row is multiplied with before the model sees it.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0)]
    pub scale: f32,
    /// Queries of the Square attack for each row, before and after.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub queries: u64,
    /// Rows attacked before and after, from the first.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub rows: usize,
    /// Seed of all chance: the same seed gives the same bytes.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Written after every epoch; a training that finds it there goes on from it.
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
    /// Private key that signs where the new model comes from (PEM, P-256).
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Where that statement goes [default: the output with .lineage.json].
    #[arg(long, value_name = "FILE", requires = "key")]
    pub lineage: Option<PathBuf>,
    /// Write a page with the curves of the training to this file, too.
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Methods, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MethodArg {
    /// Projected gradient descent (Madry et al. 2018).
    Pgd,
    /// Accuracy against divergence (Zhang et al. 2019).
    Trades,
    /// One step from a random start (Wong, Rice, Kolter 2020).
    Fast,
    /// Random points of the ball, no gradient.
    Noise,
    /// No change: training as usual, for comparison.
    Plain,
}

/// Optimisers, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum OptimiserArg {
    /// Adam.
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
}

/// Schedules, as the command line calls them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScheduleArg {
    /// Up, then down.
    OneCycle,
    /// Down along a cosine.
    Cosine,
    /// Always the same.
    Constant,
}
