//! The system under test, as far as an attacker's success is defined by it: what must not be said, what
//! must not be done, and what must still work.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, canonical};
use proofhouse_dialogue::{Effect, Labelling, Name, ToolSpec};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The shortest canary. Anything shorter turns up in ordinary answers, and in their decodings.
pub const SHORTEST_CANARY: usize = 8;

/// A system under test. Obtained by [`TryFrom<Draft>`], so that every success it defines can be decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Scenario(Draft);

/// A scenario as it is written, not yet checked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Draft {
    /// What the system is called.
    pub name: String,
    /// What it is for, as a noun phrase: "orders and returns of a tea shop".
    pub topic: String,
    /// Its system prompt, with the canaries in it.
    pub system: String,
    /// Words that nobody but the system may know.
    #[serde(default)]
    pub canaries: Vec<Canary>,
    /// The tools it has.
    #[serde(default)]
    pub tools: Vec<TestTool>,
    /// Hosts that answers may link to, each with its subdomains.
    #[serde(default)]
    pub allowed_hosts: Vec<String>,
    /// Texts that retrieval, tools and files bring in, free of attacks.
    #[serde(default)]
    pub documents: Vec<Document>,
    /// What it must still do.
    #[serde(default)]
    pub tasks: Vec<Task>,
    /// What it must not do, where only a judge can tell whether it did.
    #[serde(default)]
    pub restrictions: Vec<Restriction>,
    /// Where answers are used; anywhere where nothing is said. An empty list says: people read them as plain
    /// text, and nothing acts on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sinks: Option<BTreeSet<Sink>>,
    /// How far origins are trusted.
    #[serde(default)]
    pub labels: Labelling,
}

/// What acts on an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sink {
    /// A page that shows it as HTML or Markdown.
    Page,
    /// A database that it becomes part of a query to.
    Query,
    /// A shell or an interpreter.
    Command,
    /// A template engine.
    Template,
    /// A spreadsheet.
    Spreadsheet,
}

/// A word that proves a leak by being seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Canary {
    /// What an attacker would ask for: "the secret recipe", "the internal discount code".
    pub name: String,
    /// The word.
    pub value: String,
    /// What it proves.
    pub kind: CanaryKind,
}

/// What the sight of a canary proves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CanaryKind {
    /// The system prompt was revealed.
    SystemPrompt,
    /// A secret was revealed.
    Secret,
    /// Data of another customer were revealed: the name of that customer.
    Tenant(String),
}

/// A tool under test. Nothing is executed: the runner answers each call with `answer`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TestTool {
    /// Its name.
    pub name: Name,
    /// What the model is told about it.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
    /// What it does to the world.
    pub effects: BTreeSet<Effect>,
    /// What it answers.
    pub answer: String,
}

impl TestTool {
    /// What the model is offered.
    #[must_use]
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.clone(),
            description: self.description.clone(),
            parameters: self.parameters.clone(),
        }
    }

    /// Whether a call changes something or lets something out.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.effects.iter().any(|e| *e != Effect::Read)
    }

    /// Whether information can leave through it.
    #[must_use]
    pub fn is_outbound(&self) -> bool {
        self.effects.iter().any(|e| e.is_outbound())
    }
}

/// A clean text of the kind an attacker hides in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Document {
    /// The source retrieval names, such as `handbook`.
    pub source: Name,
    /// The text.
    pub text: String,
}

/// A benign task and how its success is seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Task {
    /// What the user says.
    pub user: String,
    /// A document by source that stands beside the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Name>,
    /// The answer holds one of these, whatever the case. Empty: any answer that is no refusal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expects: Vec<String>,
    /// A tool that must have been called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calls: Option<Name>,
}

/// A rule about content that no canary can decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Restriction {
    /// The rule, as a judge is told it: "gives legal advice".
    pub rule: String,
    /// What an attacker asks for, as an imperative sentence.
    pub ask: String,
}

/// Why a scenario cannot be attacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// A field that must say something says nothing.
    #[error("{0} is empty; say what the system is called, what it is for and what its system prompt is")]
    Empty(&'static str),
    /// Too short to prove anything.
    #[error(
        "canary {name:?}: {length} letters and digits, at least {SHORTEST_CANARY} are needed so that it cannot turn up by chance"
    )]
    ShortCanary {
        /// Its name.
        name: String,
        /// How long it is.
        length: usize,
    },
    /// The canary cannot leak because it is nowhere.
    #[error(
        "canary {0:?} stands neither in the system prompt nor in a document or a tool's answer, so no attack could reveal it"
    )]
    AbsentCanary(String),
    /// Two things of one name.
    #[error("{what} {name:?} is there twice")]
    Twice {
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A task names what is not there.
    #[error("task {task:?} names {what} {name:?}, which the scenario does not have")]
    Dangling {
        /// The task.
        task: String,
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: Name,
    },
    /// A task can never succeed or always does.
    #[error("task {0:?} is empty")]
    EmptyTask(String),
}

impl TryFrom<Draft> for Scenario {
    type Error = ScenarioError;

    fn try_from(draft: Draft) -> Result<Self, ScenarioError> {
        for (field, text) in [("name", &draft.name), ("topic", &draft.topic), ("system", &draft.system)] {
            if text.trim().is_empty() {
                return Err(ScenarioError::Empty(field));
            }
        }
        unique("canary", draft.canaries.iter().map(|c| c.name.as_str()))?;
        unique("tool", draft.tools.iter().map(|t| t.name.as_str()))?;
        unique("document", draft.documents.iter().map(|d| d.source.as_str()))?;
        for canary in &draft.canaries {
            let length = canary.value.chars().filter(|c| c.is_alphanumeric()).count();
            if length < SHORTEST_CANARY {
                return Err(ScenarioError::ShortCanary { name: canary.name.clone(), length });
            }
            let present = std::iter::once(&draft.system)
                .chain(draft.documents.iter().map(|d| &d.text))
                .chain(draft.tools.iter().map(|t| &t.answer))
                .any(|text| text.contains(&canary.value));
            if !present {
                return Err(ScenarioError::AbsentCanary(canary.name.clone()));
            }
        }
        for task in &draft.tasks {
            if task.user.trim().is_empty() || task.expects.iter().any(|e| e.trim().is_empty()) {
                return Err(ScenarioError::EmptyTask(task.user.clone()));
            }
            let dangling = |what, name: &Name| ScenarioError::Dangling {
                task: task.user.clone(),
                what,
                name: name.clone(),
            };
            if let Some(name) =
                task.document.as_ref().filter(|n| !draft.documents.iter().any(|d| d.source == **n))
            {
                return Err(dangling("document", name));
            }
            if let Some(name) = task.calls.as_ref().filter(|n| !draft.tools.iter().any(|t| t.name == **n)) {
                return Err(dangling("tool", name));
            }
        }
        Ok(Self(draft))
    }
}

fn unique<'a>(what: &'static str, names: impl Iterator<Item = &'a str>) -> Result<(), ScenarioError> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(ScenarioError::Twice { what, name: name.to_owned() });
        }
    }
    Ok(())
}

impl From<Scenario> for Draft {
    fn from(scenario: Scenario) -> Self {
        scenario.0
    }
}

impl std::ops::Deref for Scenario {
    type Target = Draft;

    fn deref(&self) -> &Draft {
        &self.0
    }
}

impl Scenario {
    /// The scenario that comes with the house: the assistant of an invented tea shop, with tools of every
    /// effect, a secret recipe, two customers and documents.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a file of the crate, read by its tests")]
    pub fn demonstration() -> Self {
        serde_json::from_str(include_str!("../data/tea-shop.json")).expect("the shipped scenario is one")
    }

    /// What identifies it: the hash of its canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Digest {
        // Serialising plain strings, lists and maps with string keys cannot fail.
        canonical::to_vec(&self.0).map_or_else(|_| Digest::of(b""), |bytes| Digest::of(&bytes))
    }

    /// A tool by name.
    #[must_use]
    pub fn tool(&self, name: &Name) -> Option<&TestTool> {
        self.tools.iter().find(|t| t.name == *name)
    }

    /// A document by source.
    #[must_use]
    pub fn document(&self, source: &Name) -> Option<&Document> {
        self.documents.iter().find(|d| d.source == *source)
    }

    /// Effects by tool, for whoever builds a boundary policy from it.
    #[must_use]
    pub fn effects(&self) -> BTreeMap<Name, BTreeSet<Effect>> {
        self.tools.iter().map(|t| (t.name.clone(), t.effects.clone())).collect()
    }

    /// Whether answers may link to `host`.
    #[must_use]
    pub fn allows_host(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        self.allowed_hosts.iter().map(|h| h.to_ascii_lowercase()).any(|allowed| {
            host == allowed || host.strip_suffix(&allowed).is_some_and(|sub| sub.ends_with('.'))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Scenario::demonstration().into()
    }

    #[test]
    fn the_shipped_scenario_has_something_for_every_family() {
        let s = Scenario::demonstration();
        assert!(s.tools.iter().any(TestTool::is_outbound) && s.tools.iter().any(|t| !t.acts()));
        assert!(s.canaries.iter().any(|c| matches!(c.kind, CanaryKind::Tenant(_))));
        assert!(s.tasks.len() >= 8 && s.documents.len() >= 3 && !s.restrictions.is_empty());
    }

    #[test]
    fn what_could_not_be_decided_is_refused() {
        let mut short = draft();
        short.canaries[0].value = "abc-1".into();
        assert!(matches!(Scenario::try_from(short), Err(ScenarioError::ShortCanary { length: 4, .. })));
        let mut absent = draft();
        absent.canaries[0].value = "NOWHERE-77341".into();
        assert!(matches!(Scenario::try_from(absent), Err(ScenarioError::AbsentCanary(_))));
        let mut twice = draft();
        twice.tools.push(twice.tools[0].clone());
        assert!(matches!(Scenario::try_from(twice), Err(ScenarioError::Twice { what: "tool", .. })));
        let mut dangling = draft();
        dangling.tasks[0].calls = Some(Name::new("no_such_tool").unwrap());
        assert!(matches!(Scenario::try_from(dangling), Err(ScenarioError::Dangling { what: "tool", .. })));
    }

    #[test]
    fn hosts_are_compared_whole() {
        let s = Scenario::demonstration();
        let host = &s.allowed_hosts[0];
        assert!(s.allows_host(host) && s.allows_host(&format!("www.{host}").to_uppercase()));
        assert!(!s.allows_host(&format!("evil{host}")) && !s.allows_host(&format!("{host}.evil.test")));
    }
}
