//! What there is to know about an application around a language model: what reaches the model, where its
//! words go, and what it does by itself.
//!
//! Threats to systems that write, retrieve or act hang on these facts. Tools and sources are described
//! under `boundary`, where their rules are; who writes what is described by components and flows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, Id, Positive};

/// The application around a language model. Every fact left out is unknown and turns into a question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Assistant {
    /// The component that is this application.
    #[serde(default)]
    pub component: Option<Id>,

    // What reaches the model.
    /// Forms in which others' content reaches it.
    #[serde(default)]
    pub inputs: Option<Vec<InputForm>>,
    /// Whether instructions, tool descriptions or rules stand in its context that users are not shown.
    #[serde(default)]
    pub hidden_instructions: Option<bool>,
    /// Whether data of other people than the one it talks to can reach its context.
    #[serde(default)]
    pub others_data_reachable: Option<bool>,
    /// Whether keys, passwords or tokens stand in its configuration, its prompts or what its tools answer.
    #[serde(default)]
    pub secrets_in_reach: Option<bool>,
    /// Whether what is said in one conversation is kept for later ones.
    #[serde(default)]
    pub remembers: Option<bool>,

    // What it says.
    /// Whether it may not speak about, or help with, everything.
    #[serde(default)]
    pub restricted: Option<bool>,
    /// Whether what it says is free text, rather than one of a few prepared answers.
    #[serde(default)]
    pub open_ended: Option<bool>,
    /// Whether it holds conversations with people, or makes images, sound or video.
    #[serde(default)]
    pub conversational: Option<bool>,
    /// Whether it speaks as if it were a person, or with a name and a character.
    #[serde(default)]
    pub personified: Option<bool>,
    /// Whether it is meant to make people buy, stay or agree.
    #[serde(default)]
    pub persuades: Option<bool>,
    /// Whether its answers give facts, prices, policy or advice.
    #[serde(default)]
    pub states_facts: Option<bool>,
    /// Whether it names packages, links or contacts that are then used.
    #[serde(default)]
    pub names_entities: Option<bool>,
    /// Whether its answers show where a statement is taken from.
    #[serde(default)]
    pub shows_sources: Option<bool>,
    /// Where its words go. An empty list says: to people as plain text, and nowhere else.
    #[serde(default)]
    pub output_reaches: Option<Vec<Sink>>,

    // What it costs and does by itself.
    /// Whether each request is paid for by what it reads and writes.
    #[serde(default)]
    pub metered: Option<bool>,
    /// Whether it decides by itself which steps to take.
    #[serde(default)]
    pub plans: Option<bool>,
    /// Where it stops by itself.
    #[serde(default)]
    pub limits: Option<StepLimits>,
    /// Whether it browses pages or uses a computer as a person does.
    #[serde(default)]
    pub browses: Option<bool>,
    /// Whether it can write its own rules, prompts, schedules or tool descriptions.
    #[serde(default)]
    pub changes_itself: Option<bool>,
    /// Whether the content of a request decides which model or agent serves it.
    #[serde(default)]
    pub routes_by_content: Option<bool>,
    /// Whether agents can be started that nobody has registered.
    #[serde(default)]
    pub unregistered_agents: Option<bool>,
    /// Whether one agent acts on what another says without a check between them.
    #[serde(default)]
    pub unchecked_handover: Option<bool>,
    /// Whether every action is recorded with the user, the agent, the tool and the digest of its input.
    #[serde(default)]
    pub actions_attributed: Option<bool>,
}

/// A form in which content reaches a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum InputForm {
    /// Text.
    Text,
    /// Pictures.
    Image,
    /// Sound or video.
    Audio,
    /// Files that users or others upload.
    File,
}

/// Where a model's words go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Sink {
    /// Rendered as HTML or Markdown.
    Markup,
    /// Links or images in it are followed or fetched by a client.
    Link,
    /// Put into a query.
    Query,
    /// Run as code or as a command.
    Command,
    /// Filled into a template.
    Template,
    /// Stored where a model reads later.
    Store,
    /// Read by another model.
    Model,
}

/// Where an agent stops by itself. A limit left out is not set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepLimits {
    /// Turns of the model in one task.
    #[serde(default)]
    pub steps: Option<Count>,
    /// Tool calls in one task.
    #[serde(default)]
    pub calls: Option<Count>,
    /// Seconds for one task.
    #[serde(default)]
    pub seconds: Option<Positive>,
}
