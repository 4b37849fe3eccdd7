//! The binary: wires the lifecycle to processes, gateway and terminal, and talks to people.

mod args;
mod command;
mod engine;
mod fleet;
mod front;
mod guards;
mod network;
mod open;
mod plane;
mod signal;
mod terminal;
mod traffic;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};

/// 0 clean or allowed, 1 findings or denied, 2 could not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Clean or allowed.
    Clean,
    /// Findings or denied.
    Findings,
    /// Could not tell.
    Unknown,
}

impl From<proofhouse_core::Verdict> for Exit {
    fn from(verdict: proofhouse_core::Verdict) -> Self {
        match verdict.exit_code() {
            0 => Self::Clean,
            1 => Self::Findings,
            _ => Self::Unknown,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The process that parses needs none of what follows, and is safer without it.
    if let Command::ScanWorker = cli.command {
        return match command::scan::worker::run() {
            Ok(_) => ExitCode::SUCCESS,
            Err(_) => ExitCode::from(2),
        };
    }
    if let Command::SandboxStage { stage } = &cli.command {
        return ExitCode::from(u8::try_from(proofhouse_sandbox::stage(stage)).unwrap_or(2));
    }
    // Logs go to standard error and are off unless asked for; they never carry request bodies or keys.
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("PROOFHOUSE_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            terminal::error(&format!("cannot start: {error}"));
            return ExitCode::from(2);
        }
    };
    match runtime.block_on(dispatch(cli.command)) {
        Ok(Exit::Clean) => ExitCode::SUCCESS,
        Ok(Exit::Findings) => ExitCode::from(1),
        Ok(Exit::Unknown) => ExitCode::from(2),
        Err(error) => {
            terminal::error(&terminal::chain(&error));
            ExitCode::from(2)
        }
    }
}

async fn dispatch(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Run(args) => command::run::run(args).await,
        Command::System(args) => command::system::run(args),
        Command::Keygen(args) => command::keygen::run(&args),
        Command::Plan(args) => command::plan::run(args).await,
        Command::Assess(args) => command::assess::run(args).await,
        Command::Gate(args) => command::gate::run(args, false).await,
        Command::Release(args) => command::gate::run(args, true).await,
        Command::Deploy(args) => command::deploy::run(args).await,
        Command::Recall(args) => command::recall::run(args).await,
        Command::Status(args) => command::status::run(args).await,
        Command::Report(args) => command::report::run(args).await,
        Command::Risk(args) => command::risk::run(args).await,
        Command::Scan(args) => command::scan::run(&args).await,
        Command::ScanWorker => command::scan::worker::run(),
        Command::SandboxStage { stage } => {
            anyhow::bail!("{stage} is a process of a sandbox; it is not for people to start")
        }
        Command::Attack(args) => command::attack::run(*args).await,
        Command::Harden(args) => command::harden::run(*args).await,
        Command::Guard(args) => command::guard::run(args).await,
        Command::Redteam(args) => command::redteam::run(*args).await,
        Command::Dataset(args) => command::dataset::run(&args),
        Command::Bom(args) => command::bom::run(args).await,
        Command::Sign(args) => command::sign::run(&args),
        Command::Verify(args) => command::verify::run(args).await,
        Command::Policy(args) => command::policy::run(args),
        Command::Ledger(args) => command::ledger::run(args).await,
        Command::Serve(args) => command::serve::run(args).await,
        Command::Gateway(args) => command::gateway::run(args).await,
        Command::Approve(args) => command::gateway::approve(&args),
        Command::Completions { shell } => {
            // Into memory first: clap_complete panics when whoever reads goes away.
            let mut script = Vec::new();
            clap_complete::generate(
                shell,
                &mut <Cli as clap::CommandFactory>::command(),
                "proofhouse",
                &mut script,
            );
            terminal::line(String::from_utf8_lossy(&script).trim_end());
            Ok(Exit::Clean)
        }
    }
}
