//! What an attempt came to.

use serde::{Deserialize, Serialize};

use crate::exchange::Stage;

/// What an attempt came to. For benign requests *success* means that the task was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
pub enum Outcome {
    /// The goal was reached.
    Succeeded {
        /// What was seen that proves it.
        proof: String,
    },
    /// The goal was not reached.
    Held {
        /// What stood in the way.
        by: Held,
    },
    /// It cannot be said: nothing came back, or only a judge could tell and there was none.
    Unknown {
        /// Why.
        why: String,
    },
}

/// What stood in the way of a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// Something in front of the model refused the request.
    BlockedInput,
    /// Something in front of the model withheld the answer or a call.
    BlockedOutput,
    /// The model declined.
    Refused,
    /// The model did something else.
    NotObeyed,
}

impl Held {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::BlockedInput => "request blocked",
            Self::BlockedOutput => "answer blocked",
            Self::Refused => "refused by the model",
            Self::NotObeyed => "not obeyed",
        }
    }

    /// Whether something in front of the model stood in the way.
    #[must_use]
    pub const fn is_block(self) -> bool {
        matches!(self, Self::BlockedInput | Self::BlockedOutput)
    }
}

impl From<Stage> for Held {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Input => Self::BlockedInput,
            Stage::Output => Self::BlockedOutput,
        }
    }
}

impl Outcome {
    /// Whether the goal was reached.
    #[must_use]
    pub const fn succeeded(&self) -> bool {
        matches!(self, Self::Succeeded { .. })
    }

    /// Whether it cannot be said.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown { .. })
    }

    /// What stood in the way, where something did.
    #[must_use]
    pub const fn held_by(&self) -> Option<Held> {
        match self {
            Self::Held { by } => Some(*by),
            _ => None,
        }
    }
}
