//! `guard`: what a text, file, folder or conversation holds, or what an answer may not say.

mod files;
mod human;
mod input_rules;
mod inspect;
mod report;
mod sarif;
mod serve;

use anyhow::Context as _;
use proofhouse_dialogue::Origin;
use serde_json::json;

use crate::Exit;
use crate::args::{GuardArgs, ScanFormat};
use crate::terminal;

use files::Source;
use inspect::Inspector;
use report::{Report, Subject};

pub async fn run(args: GuardArgs) -> anyhow::Result<Exit> {
    if let Some(id) = &args.explain {
        return explain(id);
    }
    if args.list_rules {
        for rule in input_rules::all() {
            terminal::line(format!(
                "{:<34} {:<9} {:<7} {}",
                rule.id,
                rule.severity.to_string(),
                "report",
                rule.title
            ));
        }
        for rule in proofhouse_guard::output::output_rules() {
            let action = rule.action.to_string();
            terminal::line(format!(
                "{:<34} {:<9} {action:<7} {}",
                rule.id,
                rule.severity.to_string(),
                rule.title
            ));
        }
        return Ok(Exit::Clean);
    }
    let inspector = Inspector::new(args.config.as_deref())?;
    if let Some(addr) = args.serve {
        return serve::run(inspector, addr, args.expose).await;
    }
    let context = match &args.context {
        Some(file) => Some(inspector.conversation(&files::read_small(file)?, args.conversation)?),
        None => None,
    };
    let report = tokio::task::spawn_blocking({
        let format = args.format;
        move || look(&args, &inspector, context.as_ref()).map(|report| (report, args.show_normal, format))
    });
    let (report, show_normal, format) = report.await.context("looking at the input ended abnormally")??;
    match format {
        ScanFormat::Human => human::write(&report, show_normal),
        ScanFormat::Json => terminal::json(&report)?,
        ScanFormat::Sarif => terminal::json(&sarif::log(&report))?,
    }
    Ok(report.verdict.into())
}

/// Looks at everything that was given. What cannot be read is told in its place and hides nothing else.
fn look(
    args: &GuardArgs,
    inspector: &Inspector,
    context: Option<&proofhouse_dialogue::Conversation>,
) -> anyhow::Result<Report> {
    let mut subjects = Vec::new();
    if let Some(text) = &args.text {
        subjects.extend(one(args, inspector, context, &Source::text("text", text.clone()))?);
    }
    let bar = terminal::Bar::new();
    for path in &args.paths {
        files::walk(path, &bar, &mut |source| match source
            .and_then(|source| one(args, inspector, context, &source))
        {
            Ok(found) => subjects.extend(found),
            Err(error) => {
                subjects.push(Subject::unread(&path.display().to_string(), &terminal::chain(&error)))
            }
        });
    }
    drop(bar);
    for subject in &mut subjects {
        if !args.show_normal {
            subject.normal = None;
        }
    }
    Ok(Report::new(subjects))
}

fn one(
    args: &GuardArgs,
    inspector: &Inspector,
    context: Option<&proofhouse_dialogue::Conversation>,
    source: &Source,
) -> anyhow::Result<Vec<Subject>> {
    if args.conversation.is_some() && !args.output_side {
        let conversation = inspector
            .conversation(source.bytes(), args.conversation)
            .with_context(|| format!("{} is no conversation", source.name()))?;
        return Ok(inspector.inspect_conversation(source.name(), &conversation));
    }
    if args.output_side {
        return Ok(vec![inspector.output(source, context)?]);
    }
    let origin = match &args.origin {
        Some(origin) => origin.0.clone(),
        None => source.origin(),
    };
    Ok(vec![inspector.input(source, &origin)])
}

fn explain(id: &str) -> anyhow::Result<Exit> {
    let rule = report::rule(id).with_context(|| {
        let family = id.split('/').next().unwrap_or(id);
        let near: Vec<String> = report::rule_ids().filter(|r| r.split('/').next() == Some(family)).collect();
        match near.as_slice() {
            [] => format!("there is no rule {id} (see --list-rules)"),
            near => format!("there is no rule {id}; near it are {}", near.join(", ")),
        }
    })?;
    terminal::line(terminal::strong(&rule.id));
    terminal::line(format!("{} ({})", rule.title, rule.severity));
    terminal::line("");
    terminal::line(&rule.what);
    terminal::line(format!("What to do: {}", rule.remediation));
    for reference in rule.references {
        terminal::line(terminal::quiet(&reference.to_string()));
    }
    Ok(Exit::Clean)
}

/// What the server says once it listens, one line of JSON.
fn announcement(addr: std::net::SocketAddr) -> String {
    json!({ "addr": addr, "endpoints": ["POST /v1/inspect", "POST /v1/output", "GET /healthz", "GET /metrics"] }).to_string()
}

/// Where a text without a name of its own comes from: the person at the keyboard.
const fn default_origin() -> Origin {
    Origin::User
}
