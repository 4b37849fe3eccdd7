//! `system schema|check`.

use proofhouse_lifecycle::Project;
use serde_json::json;

use crate::Exit;
use crate::args::{Format, SystemCommand};
use crate::terminal;

pub fn run(command: SystemCommand) -> anyhow::Result<Exit> {
    match command {
        SystemCommand::Schema => terminal::json(&proofhouse_system::json_schema())?,
        SystemCommand::Check(args) => {
            let project = Project::load(&args.project)?;
            let system = &project.system;
            if args.format == Format::Json {
                terminal::json(&json!({"system": system.system.id, "digest": project.digest}))?;
            } else {
                terminal::line(format!(
                    "{}: {} components, {} flows, {} datasets, {} decisions; digest {}",
                    project.file.display(),
                    system.components.len(),
                    system.flows.len(),
                    system.datasets.len(),
                    system.decisions.len(),
                    project.digest
                ));
            }
        }
    }
    Ok(Exit::Clean)
}
