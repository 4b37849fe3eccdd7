//! Where and how the system runs.

use std::net::SocketAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Count, Id, Positive};

/// Where and how the system runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// Such as `production`.
    pub environment: Id,
    /// Country or cloud region.
    #[serde(default)]
    pub region: Option<String>,
    /// Where instances run.
    pub targets: Vec<Target>,
    /// The door in front of them.
    pub gateway: Gateway,
}

/// Where instances run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Stable identifier.
    pub id: Id,
    /// What runs them.
    pub kind: TargetKind,
    /// How many.
    pub instances: Count,
}

/// What runs instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TargetKind {
    /// Processes on this host.
    HostAgent,
}

/// The door in front of the instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Address and port; port 0 lets the machine choose.
    #[schemars(with = "String")]
    pub listen: SocketAddr,
    /// What can be called.
    pub routes: Vec<Route>,
    /// Who may call what.
    pub roles: Vec<Role>,
    /// Who calls. Their keys are issued when the gateway starts and are never written here.
    pub clients: Vec<Client>,
    /// Limits for all.
    #[serde(default)]
    pub limits: Limits,
}

/// Something that can be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Stable identifier.
    pub id: Id,
    /// Path of the request, such as `/v1/read-digit`.
    #[schemars(regex(pattern = r"^/[A-Za-z0-9._~/-]*$"))]
    pub path: String,
    /// The model that answers.
    pub model: Id,
    /// What is spoken there.
    #[serde(default)]
    pub protocol: Protocol,
}

/// What is spoken on a route.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Protocol {
    /// Open Inference Protocol V2: numbers in, numbers out.
    #[default]
    OipV2,
    /// OpenAI-compatible chat completions.
    OpenaiChat,
    /// Anthropic messages.
    AnthropicMessages,
}

impl Protocol {
    /// Whether it carries conversations.
    #[must_use]
    pub const fn is_chat(self) -> bool {
        matches!(self, Self::OpenaiChat | Self::AnthropicMessages)
    }
}

/// Who may call what.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Stable identifier.
    pub id: Id,
    /// Models a caller of this role may use.
    pub models: Vec<Id>,
}

/// Somebody who calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// Stable identifier.
    pub id: Id,
    /// Its role.
    pub role: Id,
    /// The actor behind it.
    #[serde(default)]
    pub actor: Option<Id>,
    /// Steady rate.
    pub requests_per_second: Positive,
    /// How many at once above that rate.
    pub burst: Count,
    /// What it may have a language model read and write.
    #[serde(default)]
    pub tokens: Option<TokenBudget>,
}

/// What a client may have a language model read and write, both counted.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBudget {
    /// At most so many tokens …
    pub limit: Count,
    /// … in so many seconds.
    pub seconds: Positive,
}

/// Limits for all callers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Largest request body in bytes.
    pub body_bytes: Count,
    /// Longest wait for an answer in milliseconds.
    pub timeout_ms: Count,
}

impl Default for Limits {
    fn default() -> Self {
        // One digit image is 64 numbers, well under 2 KiB of JSON; a mebibyte leaves room for batches.
        Self { body_bytes: Count::ONE_MEBI, timeout_ms: Count::TWO_THOUSAND }
    }
}
