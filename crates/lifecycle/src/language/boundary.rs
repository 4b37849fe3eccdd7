//! The boundary of a system file in the words of the guard: labels, rules for tools, what may not leave.
//!
//! Whatever the system file leaves out keeps the guard's own meaning, which is the strict one. A source that
//! is also a dataset of documents vouches for exactly those documents: a passage of any other name is
//! untrusted, however it calls itself.

use std::collections::BTreeMap;

use proofhouse_core::Digest;
use proofhouse_dialogue::assistant::Assistant;
use proofhouse_dialogue::{Labelling, Name, Origin, Stated};
use proofhouse_guard::flow::{self, AnswerLabel, ArgumentRule, Policy, ToolRule, Verdict};
use proofhouse_guard::link::{HostPattern, LinkRules};
use proofhouse_guard::output::{Action, OutputRules};
use proofhouse_guard::spotlight::Spotlight;
use proofhouse_guard::{DetectorConfig, EncoderChoice, GuardConfig};
use proofhouse_system::{self as system, Approval, Leave, Sink, Source, SourceKind};

use crate::data::Datasets;
use crate::{LifecycleError, Project};

/// What stands around a model that writes.
#[derive(Debug, Clone)]
pub struct Boundary {
    /// Which label a text gets.
    pub labelling: Labelling,
    /// Which tools may be called, with what, once what is in context.
    pub policy: Policy,
    /// What may not leave.
    pub output: OutputRules,
    /// Marks whose appearance outside proves a leak.
    pub canaries: Vec<Mark>,
    /// What an attack that the detector sees leads to.
    pub detector: system::DetectorMode,
    /// What reads after the detector. Folders are absolute.
    pub encoder: EncoderChoice,
    /// How untrusted text is set apart for the model.
    pub spotlight: system::Spotlight,
}

/// A mark whose appearance outside proves a leak.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// What findings call it.
    pub name: String,
    /// The mark.
    pub value: String,
    /// Whether the house puts it into the system prompt; others stand in the data already.
    pub planted: bool,
}

impl Boundary {
    /// The boundary of a system file; the strictest one where it describes none.
    pub fn of(project: &Project, datasets: &Datasets, assistant: &Assistant) -> Result<Self, LifecycleError> {
        let described = project.system.boundary.clone().unwrap_or_default();
        let hosts = hosts(&described)?;
        Ok(Self {
            labelling: labelling(&described, datasets)?,
            policy: policy(&described, assistant, &hosts)?,
            output: output(&described, project.system.assistant.as_ref()),
            canaries: canaries(&described, project),
            detector: described.detector.mode,
            encoder: encoder(&described.detector, project)?,
            spotlight: described.spotlight,
        })
    }

    /// What a guard is made of.
    #[must_use]
    pub fn guard_config(&self) -> GuardConfig {
        GuardConfig {
            labels: self.labelling.clone(),
            flow: self.policy.clone(),
            output: self.output.clone(),
            spotlight: match self.spotlight {
                system::Spotlight::Off => Spotlight::Off,
                system::Spotlight::Delimit => Spotlight::Delimit,
                system::Spotlight::Mark => Spotlight::Mark,
                system::Spotlight::Encode => Spotlight::Encode,
            },
            detector: DetectorConfig { encoder: Some(self.encoder.clone()), ..DetectorConfig::default() },
            ..GuardConfig::default()
        }
    }
}

/// The second stage, with the digest that its folder has now: what was tested with another one is stale.
fn encoder(described: &system::Detector, project: &Project) -> Result<EncoderChoice, LifecycleError> {
    match (described.encoder, &described.encoder_folder) {
        (system::Encoder::Shipped, None) => Ok(EncoderChoice::Shipped),
        (system::Encoder::Off, None) => Ok(EncoderChoice::Off),
        (system::Encoder::Shipped, Some(folder)) => {
            let folder = project.dir.join(folder.as_str());
            Ok(EncoderChoice::Folder { digest: crate::encoder::digest(&folder)?, folder })
        }
        (system::Encoder::Off, Some(folder)) => Err(LifecycleError::Boundary(format!(
            "detector.encoder is none, and detector.encoder_folder names {}; leave one of them out",
            folder.as_str()
        ))),
    }
}

fn hosts(described: &system::Boundary) -> Result<Vec<HostPattern>, LifecycleError> {
    let pattern = |host: &String| HostPattern::new(host).map_err(|e| LifecycleError::Boundary(e.to_string()));
    described.hosts.iter().map(pattern).collect()
}

fn labelling(described: &system::Boundary, datasets: &Datasets) -> Result<Labelling, LifecycleError> {
    let mut labelling = Labelling { user: described.user, ..Labelling::default() };
    for tool in &described.tools {
        if let Some(answers) = tool.answers {
            let stated = Stated { trust: answers.trust, secrecy: answers.secrecy };
            labelling = labelling.stating(&Origin::Tool(tool.name.clone()), stated);
        }
    }
    for source in &described.sources {
        let stated = Stated { trust: source.trust, secrecy: source.secrecy };
        for name in names(source, datasets)? {
            labelling = labelling.stating(&origin(source.kind, name), stated);
        }
    }
    Ok(labelling)
}

/// The names under which text of a source is vouched for: its documents where it is a dataset, else its own.
fn names(source: &Source, datasets: &Datasets) -> Result<Vec<Name>, LifecycleError> {
    let documents = datasets.iter().find(|d| d.id() == source.name.as_str()).map(|d| d.documents());
    match documents {
        Some(documents) if !documents.is_empty() => {
            documents.iter().map(|d| document_name(source.name.as_str(), d.name.as_str())).collect()
        }
        _ => Ok(vec![source.name.clone()]),
    }
}

/// What a document is called in labels: its source and its file, such as `help-centre/returns.md`.
pub(crate) fn document_name(source: &str, file: &str) -> Result<Name, LifecycleError> {
    Name::new(format!("{source}/{file}")).map_err(|e| {
        LifecycleError::Boundary(format!("the document {file} of {source} cannot be named: {e}"))
    })
}

pub(super) fn origin(kind: SourceKind, name: Name) -> Origin {
    match kind {
        SourceKind::Retrieved => Origin::Retrieved(name),
        SourceKind::File => Origin::File(name),
        SourceKind::Web => Origin::Web(name),
    }
}

fn policy(
    described: &system::Boundary,
    assistant: &Assistant,
    hosts: &[HostPattern],
) -> Result<Policy, LifecycleError> {
    let mut tools = BTreeMap::new();
    for tool in &described.tools {
        let spec = assistant.tools.iter().find(|spec| spec.name == tool.name);
        tools.insert(tool.name.clone(), rule(tool, spec.map(Policy::pin), hosts)?);
    }
    Ok(Policy { tools, links: links(hosts), ..Policy::default() })
}

fn links(hosts: &[HostPattern]) -> LinkRules {
    LinkRules { hosts: hosts.to_vec(), ..LinkRules::default() }
}

fn rule(
    tool: &system::Tool,
    reviewed: Option<Digest>,
    hosts: &[HostPattern],
) -> Result<ToolRule, LifecycleError> {
    let mut arguments = BTreeMap::new();
    for argument in &tool.arguments {
        let path = argument.name.parse().map_err(|e: flow::ArgumentPathError| {
            LifecycleError::Boundary(format!("tool {}: {e}", tool.name))
        })?;
        arguments.insert(path, argument_rule(argument, hosts));
    }
    let (always, exposed) = match tool.approval {
        None => (Verdict::default(), None),
        // Where nobody is to be asked, what would have to be asked is refused.
        Some(Approval::Never) => (Verdict::default(), Some(Verdict::Deny)),
        Some(Approval::WhenUntrusted) => (Verdict::default(), Some(Verdict::NeedsApproval)),
        Some(Approval::Always) => (Verdict::NeedsApproval, Some(Verdict::NeedsApproval)),
    };
    Ok(ToolRule {
        answer: tool.answers.map(|a| AnswerLabel { trust: a.trust, secrecy: a.secrecy }),
        arguments,
        always,
        exposed,
        // The description that was signed and released is the one that was reviewed.
        description: reviewed,
        ..ToolRule::new(tool.effects.iter().copied())
    })
}

fn argument_rule(described: &system::ArgumentRule, hosts: &[HostPattern]) -> ArgumentRule {
    let max = described.max.and_then(|m| serde_json::Number::from_f64(m.get()));
    ArgumentRule {
        from: described.from,
        max,
        one_of: described.one_of.as_ref().map(|v| v.iter().map(|v| v.as_str().into()).collect()),
        hosts: described.on_hosts.then(|| hosts.to_vec()),
        ..ArgumentRule::any()
    }
}

/// What may not leave. What acts in a query, a command or a template is ordinary text elsewhere, so it is
/// taken out where the system file says that answers go there.
fn output(described: &system::Boundary, assistant: Option<&system::Assistant>) -> OutputRules {
    let said = &described.output;
    let families = [
        ("secret", said.secrets),
        ("canary", said.canaries),
        ("personal", said.personal_data),
        ("link", said.links),
    ];
    let families = families.into_iter().map(|(family, leave)| (family.to_owned(), action(leave)));
    let reached = assistant.and_then(|a| a.output_reaches.as_deref()).unwrap_or_default();
    let active = reached.iter().filter_map(|sink| match sink {
        Sink::Query => Some("active/query"),
        Sink::Command => Some("active/command"),
        Sink::Template => Some("active/template"),
        _ => None,
    });
    let active = active.map(|rule| (rule.to_owned(), Action::Redact));
    OutputRules { actions: families.chain(active).collect(), ..OutputRules::default() }
}

const fn action(leave: Leave) -> Action {
    match leave {
        Leave::Record => Action::Report,
        Leave::Redact => Action::Redact,
        Leave::Block => Action::Block,
    }
}

/// Canaries with their values. One without a value is made from the system file's digest: it differs between
/// systems and stays the same over runs, so that evidence can be repeated.
fn canaries(described: &system::Boundary, project: &Project) -> Vec<Mark> {
    let mut all = Vec::new();
    for canary in &described.canaries {
        let mark = |value: String, planted| Mark { name: canary.id.to_string(), value, planted };
        match &canary.values {
            Some(values) => all.extend(values.iter().map(|v| mark(v.clone(), false))),
            None => all.push(mark(planted(project, canary.id.as_str()), true)),
        }
    }
    all
}

fn planted(project: &Project, id: &str) -> String {
    let digest = Digest::of(format!("{} {id}", project.digest).as_bytes()).to_hex();
    format!("CN-{}", digest.chars().take(16).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_nobody_is_asked_what_would_be_asked_is_refused() {
        let tool = |approval| system::Tool {
            name: Name::new("pay").unwrap(),
            effects: vec![proofhouse_dialogue::Effect::Pay],
            answers: None,
            arguments: Vec::new(),
            approval,
            component: None,
            identity: None,
            reversible: None,
            wider_than_task: None,
            runs_code: None,
        };
        let exposed = |approval| rule(&tool(approval), None, &[]).unwrap().exposed;
        assert_eq!(exposed(Some(Approval::Never)), Some(Verdict::Deny));
        assert_eq!(exposed(Some(Approval::WhenUntrusted)), Some(Verdict::NeedsApproval));
        assert_eq!(exposed(None), None);
        assert_eq!(rule(&tool(Some(Approval::Always)), None, &[]).unwrap().always, Verdict::NeedsApproval);
    }
}
