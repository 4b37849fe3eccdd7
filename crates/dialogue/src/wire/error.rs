//! Why a request or an answer is not understood.

use crate::NameError;
use crate::json::JsonError;

/// Why bytes are no message of a chat protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON, or JSON that two readers could read differently.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A field is not as the protocol has it.
    #[error("{at}: {fault}")]
    Field {
        /// The field, such as `messages[3].content[0]`.
        at: String,
        /// What is wrong with it.
        fault: Fault,
    },
    /// A stream is no stream of events.
    #[error("the stream is broken: {0}")]
    Stream(String),
}

/// What is wrong with a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// A field that must be there.
    #[error("there is no {0:?}")]
    Missing(String),
    /// Another type.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// What the protocol has there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// A field within a message that nobody looks into, though a model might.
    #[error("the field {0:?} is not known here, so nothing would check it; leave it out")]
    UnknownField(String),
    /// A field that some readers take for another.
    #[error(
        "the field {field:?} differs from {known:?} only in case, and some readers take one for the other"
    )]
    Lookalike {
        /// What is there.
        field: String,
        /// What the protocol has.
        known: String,
    },
    /// A role that the protocol does not have.
    #[error("{0:?} is no role; use system, developer, user, assistant or tool")]
    UnknownRole(String),
    /// An answer to a call that nobody made.
    #[error("it answers the call {0:?}, which no earlier assistant message made")]
    UnknownCall(String),
    /// Two things under one name.
    #[error("{0} is given twice")]
    Twice(String),
    /// Part of the protocol that is not let through.
    #[error("{what} is not supported; {instead}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What to do.
        instead: &'static str,
    },
    /// A value that makes no sense.
    #[error("{0}")]
    Value(String),
}

impl Fault {
    /// A short stable word for logs, metrics and policies.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing-field",
            Self::Kind { .. } => "wrong-type",
            Self::UnknownField(_) => "unknown-field",
            Self::Lookalike { .. } => "lookalike-field",
            Self::UnknownRole(_) => "unknown-role",
            Self::UnknownCall(_) => "unknown-call",
            Self::Twice(_) => "given-twice",
            Self::Unsupported { .. } => "unsupported",
            Self::Value(_) => "bad-value",
        }
    }
}

impl ReadError {
    /// A short stable word for logs, metrics and policies.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Json(error) => match error.problem {
                crate::json::Problem::Duplicate(_) => "duplicate-key",
                crate::json::Problem::TooLarge(_)
                | crate::json::Problem::TooDeep(_)
                | crate::json::Problem::TooMany(_) => "too-large",
                _ => "not-json",
            },
            Self::Field { fault, .. } => fault.code(),
            Self::Stream(_) => "broken-stream",
        }
    }
}

impl From<NameError> for Fault {
    fn from(error: NameError) -> Self {
        Self::Value(error.to_string())
    }
}
