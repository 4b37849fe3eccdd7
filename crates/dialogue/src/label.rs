//! Labels: where a text comes from, how far that is trusted, and who may see it.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Name;

/// Where a piece of text comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The application's own instructions.
    System,
    /// The operator of the application, at run time (a `developer` message).
    Operator,
    /// The person the conversation is held with.
    User,
    /// The model itself, in an earlier turn.
    Assistant,
    /// What a tool answered.
    Tool(Name),
    /// A passage that retrieval put into the context.
    Retrieved(Name),
    /// An uploaded or attached file.
    File(Name),
    /// A page or another resource of the web.
    Web(Name),
}

impl Origin {
    /// The kind alone, such as `tool`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Operator => "operator",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool(_) => "tool",
            Self::Retrieved(_) => "retrieved",
            Self::File(_) => "file",
            Self::Web(_) => "web",
        }
    }

    /// The name within the kind, where the kind has names.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        match self {
            Self::System | Self::Operator | Self::User | Self::Assistant => None,
            Self::Tool(name) | Self::Retrieved(name) | Self::File(name) | Self::Web(name) => Some(name),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{} {name}", self.kind()),
            None => f.write_str(self.kind()),
        }
    }
}

/// How far the author of a text is trusted to direct the system. The order is the order of trust, so the
/// trust of a mixture is the minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Data. Whatever it asks for is no instruction.
    Untrusted,
    /// The person the system acts for: may ask for what that person may do.
    Principal,
    /// The application and its operator.
    Trusted,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted => "untrusted",
            Self::Principal => "principal",
            Self::Trusted => "trusted",
        })
    }
}

/// Who may see a text. The order is the order of secrecy, so the secrecy of a mixture is the maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Secrecy {
    /// Anybody.
    Public,
    /// The principal and the operator, nobody outside.
    Private,
}

/// What is known about a piece of text before reading it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Label {
    /// Where it comes from.
    pub origin: Origin,
    /// How far it is trusted.
    pub trust: Trust,
    /// Who may see it.
    pub secrecy: Secrecy,
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}", self.origin, self.trust)?;
        if self.secrecy == Secrecy::Private {
            f.write_str(", private")?;
        }
        f.write_str(")")
    }
}
