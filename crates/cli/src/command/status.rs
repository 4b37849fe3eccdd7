//! `status`.

use serde_json::json;

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::{open, terminal};

pub async fn run(args: ProjectArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let house = open::existing_house(&home).await?;
    let ledger = house.ledger();
    let threats = ledger.threats(project.id()).await?;
    let releases = ledger.releases(None).await?;
    let instances = ledger.instances(None).await?;
    let signals = ledger.signals(None).await?;
    let recalls = ledger.recalls().await?;
    let orders = house.recall_orders().await?;
    let checkpoint = ledger.checkpoint().await?;
    if args.format == Format::Json {
        terminal::json(&json!({
            "system": project.id(),
            "threats": threats,
            "releases": releases,
            "instances": instances,
            "signals": signals,
            "recalls": recalls,
            "checkpoint": checkpoint.as_ref().map(|c| &c.note),
        }))?;
        return Ok(Exit::Clean);
    }
    terminal::line(terminal::strong(&project.system.system.name));
    let count = |state: &str| threats.iter().filter(|t| t.state == state).count();
    terminal::line(format!(
        "threats    {} open, {} stale, {} controlled, {} accepted, {} unknown",
        count("open"),
        count("stale"),
        count("controlled"),
        count("accepted"),
        count("unknown")
    ));
    for release in releases.iter().filter(|r| r.system == project.id()) {
        // The same model may be recalled in one environment and released in another; `NAME.N` names where.
        let environment = release.id.rsplit_once('.').map_or(release.id.as_str(), |(name, _)| name);
        let order = orders
            .iter()
            .rev()
            .find(|o| o.digest.to_string() == release.model && o.scope.reaches(environment));
        let recalled = order.and_then(|o| recalls.iter().find(|r| r.id == o.id));
        let fate = recalled.map_or_else(String::new, |r| format!("  {} ({}): {}", r.id, r.state, r.reason));
        terminal::line(format!("release    {}  {}  {}{fate}", release.id, release.name, release.model));
    }
    for instance in instances.iter().filter(|i| i.state == "running") {
        terminal::line(format!(
            "instance   {}  {}  {}",
            instance.id,
            instance.endpoint.as_deref().unwrap_or("unknown address"),
            instance.model
        ));
    }
    if !instances.iter().any(|i| i.state == "running") {
        terminal::line("instance   none running");
    }
    for signal in signals.iter().rev().take(5) {
        terminal::line(format!(
            "signal     {}  {} {}: {}",
            signal.id, signal.severity, signal.signal, signal.summary
        ));
    }
    if let Some(c) = checkpoint {
        terminal::line(format!("ledger     {} entries, root {}", c.checkpoint.size, c.checkpoint.root));
    }
    Ok(Exit::Clean)
}
