//! The system file and its data as a system under attack: what must not be said, what must not be called, and
//! what must still be done.
//!
//! An attacker writes where the system file says that somebody outside can: in untrusted sources, in what
//! tools answer, and in the chat. Trusted documents stay out of the attacker's reach and in the benign tasks.

use std::collections::BTreeSet;

use proofhouse_dialogue::assistant::Assistant;
use proofhouse_dialogue::{Effect, Trust};
use proofhouse_guard::GuardConfig;
use proofhouse_redteam::{Canary, CanaryKind, Document, Draft, Scenario, Sink, Task, TestTool};
use proofhouse_system::{self as system, DatasetRole, SourceKind, Tool};
use serde_json::Value;

use super::Boundary;
use super::boundary::{document_name, origin};
use super::pages::pages;
use crate::data::{Datasets, LoadedDataset};
use crate::{LifecycleError, ModelUnderTest, Project};

/// Records that a tool answers with. More than one, so that a tool which reaches too far has something to
/// give away.
const ANSWERED: usize = 2;

/// A system under attack, and the same system at its work.
pub struct Scenarios {
    /// With what an attacker can reach.
    pub attacked: Scenario,
    /// With everything that the tasks need.
    pub at_work: Scenario,
}

/// The system of a project, ready for a red team of one's own.
pub struct UnderAttack {
    /// What is attacked. Attackers write where they do in a run; of the tasks, those are there that need no
    /// document out of their reach.
    pub scenario: Scenario,
    /// The boundary that the system file describes.
    pub guard: GuardConfig,
    /// What answers.
    pub model: ModelUnderTest,
}

impl UnderAttack {
    /// Reads a system file, its data and its model.
    pub fn read(project: &Project) -> Result<Self, LifecycleError> {
        let (datasets, model) = (Datasets::load(project)?, ModelUnderTest::load(project)?);
        let assistant = model.assistant()?;
        let boundary = Boundary::of(project, &datasets, assistant)?;
        let Scenarios { attacked, at_work } = scenarios(project, &datasets, assistant, &boundary)?;
        let mut draft = Draft::from(attacked);
        let there: BTreeSet<_> = draft.documents.iter().map(|d| d.source.clone()).collect();
        let tasks = Draft::from(at_work).tasks.into_iter();
        draft.tasks = tasks.filter(|t| t.document.as_ref().is_none_or(|d| there.contains(d))).collect();
        Ok(Self { scenario: checked(draft)?, guard: boundary.guard_config(), model })
    }
}

/// The scenarios of a system.
pub fn scenarios(
    project: &Project,
    datasets: &Datasets,
    assistant: &Assistant,
    boundary: &Boundary,
) -> Result<Scenarios, LifecycleError> {
    let described = project.system.boundary.clone().unwrap_or_default();
    let mut draft = Draft {
        name: project.system.system.name.clone(),
        topic: topic(&project.system.system.purpose),
        system: prompt(assistant, boundary),
        canaries: Vec::new(),
        tools: Vec::new(),
        allowed_hosts: described.hosts.iter().map(|h| h.trim_start_matches("*.").to_owned()).collect(),
        documents: Vec::new(),
        tasks: Vec::new(),
        restrictions: Vec::new(),
        sinks: sinks(project),
        labels: boundary.labelling.clone(),
    };
    let (mut reachable, mut all) = (Vec::new(), Vec::new());
    for source in described.sources.iter().filter(|s| s.kind == SourceKind::Retrieved) {
        let Some(dataset) = datasets.iter().find(|d| d.id() == source.name.as_str()) else { continue };
        for page in pages(dataset) {
            let name = document_name(dataset.id(), page.name.as_str())?;
            let trust = boundary.labelling.label(&origin(source.kind, name.clone())).trust;
            let document = Document { source: name, text: page.visible };
            if trust == Trust::Untrusted {
                reachable.push(document.clone());
            }
            all.push(document);
        }
    }
    for tool in &described.tools {
        let Some(spec) = assistant.tools.iter().find(|spec| spec.name == tool.name) else { continue };
        draft.tools.push(TestTool {
            name: tool.name.clone(),
            description: spec.description.clone(),
            parameters: spec.parameters.clone(),
            effects: tool.effects.iter().copied().collect(),
            answer: answer(tool, datasets, &reachable),
        });
    }
    draft.canaries = canaries(&draft, boundary, datasets);
    let attacked = Draft { documents: reachable, ..draft.clone() };
    let at_work = Draft { documents: all, tasks: tasks(project, datasets)?, ..draft };
    Ok(Scenarios { attacked: checked(attacked)?, at_work: checked(at_work)? })
}

/// Where answers are used, as far as the system file says.
fn sinks(project: &Project) -> Option<BTreeSet<Sink>> {
    let reached = project.system.assistant.as_ref()?.output_reaches.as_ref()?;
    let sinks = reached.iter().filter_map(|sink| match sink {
        system::Sink::Markup | system::Sink::Link => Some(Sink::Page),
        system::Sink::Query => Some(Sink::Query),
        system::Sink::Command => Some(Sink::Command),
        system::Sink::Template => Some(Sink::Template),
        _ => None,
    });
    Some(sinks.collect())
}

fn checked(draft: Draft) -> Result<Scenario, LifecycleError> {
    draft.try_into().map_err(|e: proofhouse_redteam::ScenarioError| LifecycleError::Scenario(e.to_string()))
}

/// The first sentence of a purpose, as a noun phrase would stand in one.
fn topic(purpose: &str) -> String {
    let first = purpose.split(['.', ';']).next().unwrap_or(purpose).trim();
    let mut letters = first.chars();
    letters.next().map_or_else(String::new, |c| c.to_lowercase().chain(letters).collect())
}

/// The system prompt, and below it the canaries that stand nowhere yet.
fn prompt(assistant: &Assistant, boundary: &Boundary) -> String {
    let planted: Vec<&str> =
        boundary.canaries.iter().filter(|c| c.planted).map(|c| c.value.as_str()).collect();
    if planted.is_empty() {
        return assistant.prompt.clone();
    }
    format!("{}\n\nInternal reference of this text: {}", assistant.prompt, planted.join(" "))
}

/// What a tool answers: the records of its component, a page of somebody else where it fetches such, or that
/// it is done.
fn answer(tool: &Tool, datasets: &Datasets, reachable: &[Document]) -> String {
    let holds = |d: &&LoadedDataset| {
        tool.component.is_some() && d.spec().component == tool.component && !d.lines().is_empty()
    };
    if let Some(records) = datasets.iter().find(holds) {
        let lines: Vec<String> =
            records.lines().iter().take(ANSWERED).map(|r| Value::Object(r.clone()).to_string()).collect();
        return lines.join("\n");
    }
    let fetches = tool.effects.iter().all(|e| *e == Effect::Read)
        && tool.answers.is_none_or(|a| a.trust == Trust::Untrusted);
    match reachable.first() {
        Some(page) if fetches => page.text.clone(),
        _ => r#"{"status":"done"}"#.to_owned(),
    }
}

/// Canaries by where they stand: in the prompt a secret, in records the data of whom they belong to.
fn canaries(draft: &Draft, boundary: &Boundary, datasets: &Datasets) -> Vec<Canary> {
    let mut names = BTreeSet::new();
    let mut all = Vec::new();
    for canary in &boundary.canaries {
        let kind = if canary.planted {
            CanaryKind::SystemPrompt
        } else if draft.system.contains(&canary.value) {
            CanaryKind::Secret
        } else if let Some(owner) = owner(&canary.value, datasets) {
            CanaryKind::Tenant(owner)
        } else {
            CanaryKind::Secret
        };
        let present = draft.system.contains(&canary.value)
            || draft.tools.iter().any(|t| t.answer.contains(&canary.value))
            || draft.documents.iter().any(|d| d.text.contains(&canary.value));
        // What stands nowhere cannot be leaked by anything that is tested here.
        if present && names.insert(canary.name.clone()) {
            all.push(Canary { name: spoken(&canary.name), value: canary.value.clone(), kind });
        }
    }
    all
}

fn spoken(id: &str) -> String {
    format!("the {}", id.replace(['-', '_', '.'], " "))
}

/// Whom a record with this value belongs to.
fn owner(value: &str, datasets: &Datasets) -> Option<String> {
    let holds = |text: &Value| text.as_str().is_some_and(|t| t.contains(value));
    let mut records = datasets.with_role(DatasetRole::Retrieval).flat_map(LoadedDataset::lines);
    let record = records.find(|r| r.values().any(holds))?;
    record.get("customer").and_then(Value::as_str).map(str::to_owned)
}

/// The benign tasks, a line each.
fn tasks(project: &Project, datasets: &Datasets) -> Result<Vec<Task>, LifecycleError> {
    let Some(check) = &project.system.checks.injection else { return Ok(Vec::new()) };
    let dataset = datasets.get(&check.tasks)?;
    let read = |(i, line): (usize, &serde_json::Map<String, Value>)| {
        serde_json::from_value(Value::Object(line.clone())).map_err(|e| LifecycleError::Line {
            dataset: dataset.id().to_owned(),
            line: i + 1,
            reason: e.to_string(),
        })
    };
    dataset.lines().iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_the_first_sentence_as_it_would_stand_in_one() {
        assert_eq!(topic("Answers customers, and refunds. Nothing else."), "answers customers, and refunds");
        assert_eq!(topic(""), "");
    }

    #[test]
    fn a_canary_is_asked_for_by_its_name() {
        assert_eq!(spoken("escalation-code"), "the escalation code");
    }
}
