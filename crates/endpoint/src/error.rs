//! Why a target gave no answer.

use std::time::Duration;

use crate::grpc::GrpcStatus;

/// Why a target gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// A setting makes no sense.
    #[error("{0}")]
    Setting(String),
    /// The key is not where it should be.
    #[error("the environment variable {0} holds no key; set it, and do not write the key anywhere else")]
    NoKey(String),
    /// The target cannot be reached.
    #[error("{target} cannot be reached: {why}")]
    Unreachable {
        /// Its address, without what could be secret.
        target: String,
        /// What the system says.
        why: String,
    },
    /// The target took too long.
    #[error("no whole answer came within {0:?}")]
    Timeout(Duration),
    /// The target refused or failed.
    #[error("the target answered with status {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// What it said, shortened.
        message: String,
    },
    /// The target refused or failed, over gRPC.
    #[error("the target answered with gRPC status {status}: {}{message}", if message.is_empty() { status.meaning().to_owned() } else { format!("{}. It says: ", status.meaning()) })]
    Grpc {
        /// The status.
        status: GrpcStatus,
        /// What it said, shortened.
        message: String,
    },
    /// The target wants the question elsewhere.
    #[error("the target redirects (status {0}); give the address that answers")]
    Redirect(u16),
    /// The answer is too large.
    #[error("the answer has more than {0} bytes")]
    TooLarge(usize),
    /// The answer ended before its end.
    #[error("the answer was cut off: {0}")]
    CutOff(String),
    /// The answer is not understood.
    #[error("the answer is not understood: {0}")]
    Answer(String),
    /// A program did not do what it should.
    #[error("the program {program}: {why}")]
    Program {
        /// Its path.
        program: String,
        /// What happened.
        why: String,
    },
}

impl EndpointError {
    /// Whether asking again may help.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500 | 502..=504 | 529),
            Self::Grpc { status, .. } => status.is_passing(),
            _ => false,
        }
    }

    /// Whether asking again may help where the question changes nothing, so that it does no harm that an earlier one
    /// may have arrived.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        self.is_passing() || matches!(self, Self::Timeout(_) | Self::CutOff(_))
    }

    /// Whether the target says that it has no answer to questions of this kind.
    pub(crate) const fn is_unimplemented(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 404 | 405 | 501),
            Self::Grpc { status, .. } => matches!(*status, GrpcStatus::NOT_FOUND | GrpcStatus::UNIMPLEMENTED),
            _ => false,
        }
    }

    /// What is wrong with an answer, to be told with more of where.
    pub(crate) fn reason(self) -> String {
        match self {
            Self::Answer(why) => why,
            other => other.to_string(),
        }
    }
}
