//! Arguments of attacks that know no norm, and of those on regressors.

use std::path::PathBuf;

use clap::Args;
use proofhouse_robustness::natural::Kind;

use super::{NormArg, OutputArgs, SubjectArgs};

/// Arguments of `attack natural`.
#[derive(Debug, Args)]
pub struct NaturalArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Kinds of change [default: all].
    #[arg(long = "kind", value_parser = kind, value_name = "KIND", value_delimiter = ',')]
    pub kinds: Vec<Kind>,
    /// Search each row for the worst setting within this severity of turning, moving, zoom, light and contrast
    /// together, or of the kinds given.
    #[arg(long, value_name = "SEVERITY", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub worst: Option<u8>,
    /// Queries of that search for each row.
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub queries: u64,
    /// Make one change of at most this size (linf) that fools on rows it was not made from.
    #[arg(long, value_name = "SIZE")]
    pub universal: Option<f64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

fn kind(name: &str) -> Result<Kind, String> {
    Kind::ALL.into_iter().find(|k| k.name() == name).ok_or_else(|| {
        let known: Vec<&str> = Kind::ALL.iter().map(|k| k.name()).collect();
        format!("the kinds are {}", known.join(", "))
    })
}

/// Arguments of `attack table`.
#[derive(Debug, Args)]
pub struct TableArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Which rows can exist and what a change costs: YAML of the form of features.domain in a system file
    /// [default: the project's].
    #[arg(long, value_name = "FILE", required_unless_present = "project")]
    pub domain: Option<PathBuf>,
    /// Names of the columns, in order [default: the project's, else the array columns of the data, else c0, c1, …].
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Most that a change may cost [default: the system file's, else anything].
    #[arg(long, value_name = "COST")]
    pub budget: Option<f64>,
    /// Class that the attacker wants [default: the system file's, else any other].
    #[arg(long, value_name = "CLASS")]
    pub class: Option<usize>,
    /// Largest change of any column, in units of the model's input.
    #[arg(long, value_name = "SIZE")]
    pub eps: Option<f64>,
    /// Queries of each search for each row.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub queries: u64,
    /// Share of rows that may fall within the budget; the exit code says whether it holds.
    #[arg(long, value_name = "SHARE")]
    pub most: Option<f64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack regressor`.
#[derive(Debug, Args)]
pub struct RegressorArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// How the size of a change is measured.
    #[arg(long, value_enum, default_value_t = NormArg::Linf)]
    pub norm: NormArg,
    /// Largest change, in units of the rows.
    #[arg(long, value_name = "SIZE")]
    pub eps: f64,
    /// Change of the output from which on it counts as moved.
    #[arg(long, value_name = "AMOUNT")]
    pub tolerance: Option<f64>,
    /// Steps of a climb; of a model without gradients, queries.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: usize,
    /// Climbs from different starts.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub restarts: usize,
    /// Share of rows that may move by more than the tolerance; the exit code says whether it holds.
    #[arg(long, value_name = "SHARE", requires = "tolerance")]
    pub most: Option<f64>,
    #[command(flatten)]
    pub output: OutputArgs,
}
