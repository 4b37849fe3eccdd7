//! Arguments for a model that is no ONNX file.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where a model is that can only be asked, and how.
#[derive(Debug, Args)]
#[command(next_help_heading = "A model that can only be asked")]
pub struct RemoteArgs {
    /// Address of a model that speaks the Open Inference Protocol V2: https://host/v2/models/NAME over REST,
    /// grpcs://host:port/NAME or ...NAME?version=1 over gRPC; http and grpc without encryption. With `--serve`, on
    /// localhost.
    #[arg(long, value_name = "URL", conflicts_with_all = ["project", "model"], requires = "data")]
    pub endpoint: Option<String>,
    /// Ask any other HTTP address as this JSON file says: its `body` holds "{{rows}}", "{{flat_rows}}", "{{row}}" or
    /// "{{flat_row}}", its `answer` is a JSON pointer to one answer for each row.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["project", "model", "endpoint"], requires = "data")]
    pub template: Option<PathBuf>,
    /// Start this command in a sandbox and attack the model it serves on port $PORT: as model `model`, or as
    /// `--endpoint` or `--template` say. Linux only.
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["project", "model"], requires = "data")]
    pub serve: Option<String>,
    /// The command reads requests of the protocol from its standard input, one a line, and writes answers likewise; it
    /// has no network at all.
    #[arg(long, requires = "serve", conflicts_with_all = ["endpoint", "template"])]
    pub serve_stdio: bool,
    /// Name of the environment variable that holds a key for the server.
    #[arg(long, value_name = "NAME", requires = "endpoint")]
    pub key_env: Option<String>,
    /// What the answers are; asked for where they do not show it.
    #[arg(long, value_enum, value_name = "KIND")]
    pub answers: Option<AnswersArg>,
    /// Name of the input to attack, where there are several or the server does not say what the model takes. Its rows
    /// are the array of that name in the data, or x; every other input takes the array of its own name.
    #[arg(long, value_name = "NAME", visible_alias = "input")]
    pub input_tensor: Option<String>,
    /// The output that holds the answers, where there are several.
    #[arg(long, value_name = "NAME")]
    pub output_tensor: Option<String>,
    /// Number of classes, or their names as the model answers them, in the order of y: 3 or cat,dog,bird.
    #[arg(long, value_name = "N|NAMES")]
    pub classes: Option<String>,
    /// Rows in one request.
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub batch: usize,
    /// Requests at one time.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub concurrent: usize,
    /// Requests a minute at most.
    #[arg(long, value_name = "N")]
    pub per_minute: Option<u32>,
    /// Rows to ask about at most, in this run; then the result is a partial one.
    #[arg(long, value_name = "N")]
    pub max_queries: Option<u64>,
    /// How often a question is asked, where the target is out of reach, throttles or fails, before it is given up. The
    /// pauses double from half a second, or are as long as it says (Retry-After).
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    pub attempts: u32,
    /// Seconds an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub timeout: u64,
    /// Keep every answer in this file, so that an attack that was interrupted can go on.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Go on from the state file, without asking again what is in it.
    #[arg(long, requires = "state")]
    pub resume: bool,
    /// Another file or folder that the command can read; its program, the system's and the current folder it can.
    #[arg(long, value_name = "PATH", requires = "serve")]
    pub readable: Vec<PathBuf>,
    /// Environment variable that is passed on to the command.
    #[arg(long, value_name = "NAME", requires = "serve")]
    pub serve_env: Vec<String>,
    /// Memory of the command, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 4096, value_parser = clap::value_parser!(u64).range(16..))]
    pub serve_memory: u64,
    /// Processes and threads of the command.
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u64).range(1..))]
    pub serve_processes: u64,
    /// Seconds the command may run, and compute.
    #[arg(long, value_name = "SECONDS", default_value_t = 7200, value_parser = clap::value_parser!(u64).range(1..))]
    pub serve_time: u64,
    /// Seconds the command may take to answer for the first time.
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub serve_start: u64,
    /// Run the command even where this machine cannot keep it from the network, from files or from privileges.
    #[arg(long, requires = "serve")]
    pub accept_weak_sandbox: bool,
}

impl RemoteArgs {
    /// Whether such a model is meant.
    pub const fn is_meant(&self) -> bool {
        self.endpoint.is_some() || self.template.is_some() || self.serve.is_some()
    }
}

/// What answers are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswersArg {
    /// Probabilities of the classes.
    Probabilities,
    /// Scores of the classes before any softmax.
    Logits,
    /// The class.
    Labels,
    /// One number: the probability of class 1 of two.
    Probability,
    /// One number: above 0 for class 1 of two.
    Margin,
}
