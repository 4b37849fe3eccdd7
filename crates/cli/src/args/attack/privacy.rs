//! Arguments of attacks on what a model gives away.

use std::path::PathBuf;

use clap::Args;

use super::{OutputArgs, SubjectArgs};

/// Arguments of `attack membership`.
#[derive(Debug, Args)]
pub struct MembershipArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Rows that the model did not learn from, as --data are rows that it did [default: the project's test data].
    #[arg(long, value_name = "FILE", required_unless_present = "project")]
    pub others: Option<PathBuf>,
    /// Shadow models of the model's own kind, trained from its file; 0 leaves the likelihood ratio out.
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub shadows: usize,
    /// Passes over the rows of each shadow model.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub epochs: usize,
    /// Largest learning rate of each shadow model.
    #[arg(long, value_name = "RATE", default_value_t = 3e-3)]
    pub rate: f64,
    /// Noisy copies of each row for the attack by labels; 0 leaves it out.
    #[arg(long, value_name = "N", default_value_t = 30)]
    pub copies: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack attribute`.
#[derive(Debug, Args)]
pub struct AttributeArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Column to guess, from 0.
    #[arg(long, value_name = "N")]
    pub column: usize,
    /// Most different values that the column may have.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub values: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack property`.
#[derive(Debug, Args)]
pub struct PropertyArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Column that the property is about, from 0.
    #[arg(long, value_name = "N")]
    pub column: usize,
    /// Rows have the property where the column is at least this.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub at_least: f32,
    /// The two shares of such rows that are to be told apart.
    #[arg(long, value_name = "LOW,HIGH", value_delimiter = ',', num_args = 2, default_values_t = [0.2, 0.5])]
    pub shares: Vec<f64>,
    /// Shadow models of each kind.
    #[arg(long, value_name = "N", default_value_t = 12)]
    pub shadows: usize,
    /// Passes over the rows of each shadow model.
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub epochs: usize,
    /// Largest learning rate of each shadow model.
    #[arg(long, value_name = "RATE", default_value_t = 3e-3)]
    pub rate: f64,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack inversion`.
#[derive(Debug, Args)]
pub struct InversionArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Steps of a climb.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub steps: usize,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack extraction`.
#[derive(Debug, Args)]
pub struct ExtractionArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Numbers of queries, each for a copy of its own.
    #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [100, 1000, 10_000])]
    pub queries: Vec<u64>,
    /// Share of the rows that the attacker has; copies are judged on the others.
    #[arg(long, value_name = "SHARE", default_value_t = 0.5)]
    pub own: f64,
    /// Queries an hour that one identity may ask.
    #[arg(long, value_name = "N")]
    pub per_hour: Option<f64>,
    /// Identities the attacker has.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub identities: u64,
    /// Hidden neurons of a copy.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub hidden: usize,
    /// Agreement that a copy may reach; the exit code says whether it holds.
    #[arg(long, value_name = "SHARE")]
    pub most: Option<f64>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack backdoor`.
#[derive(Debug, Args)]
pub struct BackdoorArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Steps for each class.
    #[arg(long, value_name = "N", default_value_t = 300)]
    pub steps: usize,
    /// A model of the same task that learned from nothing the suspects could write: a pattern that works on both is
    /// natural. Fewer than four classes can only be judged with one.
    #[arg(long, value_name = "FILE")]
    pub reference: Option<PathBuf>,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// Arguments of `attack sponge`.
#[derive(Debug, Args)]
pub struct SpongeArgs {
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Inputs measured.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub queries: u64,
    /// Repetitions by which an input's time is confirmed; the smallest counts.
    #[arg(long, value_name = "N", default_value_t = 9)]
    pub repetitions: usize,
    /// How many times as long as an ordinary input the dearest may take; the exit code says whether it holds.
    #[arg(long, value_name = "FACTOR")]
    pub most: Option<f64>,
    #[command(flatten)]
    pub output: OutputArgs,
}
