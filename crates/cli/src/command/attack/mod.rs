//! `attack`: everything that somebody may try with a model of a project, or with any ONNX file.

mod attacks;
mod evasion;
mod natural;
mod page;
mod privacy;
mod regressor;
mod remote;
pub mod rows;
mod show;
mod subject;
mod table;

use std::sync::Arc;

use anyhow::Context as _;
use proofhouse_lifecycle::Progress as _;
use proofhouse_report::input::Examination;
use serde::Serialize;

use crate::Exit;
use crate::args::Format;
use crate::args::attack::{AttackArgs, AttackCommand, OutputArgs};
use crate::terminal;

/// What came of an attack: a JSON document, words for people, a page, and an exit code.
trait Found: Serialize + Send + 'static {
    /// 0 where what was required holds or nothing was; 1 where it does not; 2 where nobody can tell.
    fn exit(&self) -> Exit;
    /// For people.
    fn show(&self);
    /// With figures.
    fn page(&self) -> Examination;
}

pub async fn run(args: AttackArgs) -> anyhow::Result<Exit> {
    let Some(command) = args.command else {
        return examine(args.evasion, evasion::attack, evasion::output).await;
    };
    match command {
        AttackCommand::Natural(a) => examine(*a, natural::attack, |a| &a.output).await,
        AttackCommand::Table(a) => examine(*a, table::attack, |a| &a.output).await,
        AttackCommand::Regressor(a) => examine(*a, regressor::attack, |a| &a.output).await,
        AttackCommand::Membership(a) => examine(*a, privacy::membership::attack, |a| &a.output).await,
        AttackCommand::Attribute(a) => examine(*a, privacy::attribute::attack, |a| &a.output).await,
        AttackCommand::Property(a) => examine(*a, privacy::property::attack, |a| &a.output).await,
        AttackCommand::Inversion(a) => examine(*a, privacy::inversion::attack, |a| &a.output).await,
        AttackCommand::Extraction(a) => examine(*a, privacy::extraction::attack, |a| &a.output).await,
        AttackCommand::Backdoor(a) => examine(*a, privacy::backdoor::attack, |a| &a.output).await,
        AttackCommand::Sponge(a) => examine(*a, privacy::sponge::attack, |a| &a.output).await,
    }
}

/// Runs an attack and says what it found, in every form that was asked for.
async fn examine<A, F>(
    args: A,
    attack: fn(&A) -> anyhow::Result<F>,
    output: fn(&A) -> &OutputArgs,
) -> anyhow::Result<Exit>
where
    A: Send + Sync + 'static,
    F: Found,
{
    // Hours of arithmetic do not belong on a thread that answers signals.
    let args = Arc::new(args);
    let found = tokio::task::spawn_blocking({
        let args = Arc::clone(&args);
        move || attack(&args)
    })
    .await??;
    let output = output(&args);
    let json = serde_json::to_string_pretty(&found)?;
    let write = |file: &std::path::Path, text: &str| {
        std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    };
    if let Some(file) = &output.output {
        write(file, &format!("{json}\n"))?;
    }
    if let Some(file) = &output.html {
        write(file, &proofhouse_report::render_examination(&found.page()))?;
        terminal::note(format!("page: {}", file.display()));
    }
    match output.format {
        Format::Json => terminal::line(json),
        Format::Human => found.show(),
    }
    Ok(found.exit())
}

/// Runs something long under a bar. It is told what is done of how much.
fn watched<T, E>(what: &str, run: impl FnOnce(&mut dyn FnMut(usize, usize)) -> Result<T, E>) -> Result<T, E> {
    let bar = terminal::Bar::new();
    bar.step(what);
    run(&mut |done, of| bar.advance(done as u64, of as u64))
}
