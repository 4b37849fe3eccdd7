//! `report`.

use std::path::Path;

use anyhow::Context as _;
use proofhouse_lifecycle::{House, Project};

use crate::Exit;
use crate::args::ReportArgs;
use crate::{open, terminal};

pub async fn run(args: ReportArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args.project)?;
    let house = open::existing_house(&home).await?;
    let output = args.output.unwrap_or_else(|| home.join("report.html"));
    let size = write(&house, &project, None, &output).await?;
    terminal::line(output.display());
    terminal::note(format!("{size} bytes, one file, no script, no network"));
    Ok(Exit::Clean)
}

/// Writes the report of a life; returns its size.
pub async fn write(
    house: &House,
    project: &Project,
    environment: Option<&str>,
    output: &Path,
) -> anyhow::Result<usize> {
    let input = house.report(project, environment).await?;
    let page = proofhouse_report::render(&input);
    let temporary = output.with_extension("html.tmp");
    std::fs::write(&temporary, &page).with_context(|| format!("cannot write {}", temporary.display()))?;
    std::fs::rename(&temporary, output).with_context(|| format!("cannot write {}", output.display()))?;
    Ok(page.len())
}
