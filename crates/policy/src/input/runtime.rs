//! Input of the runtime gate: one signal about one running model.

use proofhouse_core::{Digest, Severity};
use serde::{Deserialize, Serialize};

use super::PolicyInput;
use crate::Entrypoint;

/// The value of [`Input::schema`].
pub const SCHEMA: &str = "proofhouse.runtime/v1";

/// What the runtime gate reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When and where.
    pub request: Request,
    /// The signal.
    pub signal: Signal,
    /// What is at stake.
    pub system: System,
    /// Every recalled digest.
    pub recalled: Vec<Digest>,
}

impl PolicyInput for Input {
    const ENTRYPOINT: Entrypoint = Entrypoint::Runtime;
}

/// When and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Nanoseconds since 1970.
    pub now_ns: u64,
    /// The environment.
    pub environment: String,
}

/// A signal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Digest of the signed signal.
    pub digest: Digest,
    /// Its kind. `integrity`, `advisory` and `compromise` speak about what the model *is*; every other kind
    /// (`drift`, `performance`, `extraction`, …) is statistical and needs an alarm with a stated budget.
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// The model it is about.
    pub model_digest: Digest,
    /// What the detector said.
    pub details: Details,
}

/// What a detector said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// It raised an alarm.
    pub alarm: bool,
    /// The columns it is about.
    pub columns: Vec<String>,
    /// Probability of any false alarm it was run at; alarms over 0.1 are warnings only.
    pub budget: f64,
    /// How many observations it saw.
    pub observations: u64,
}

/// What is at stake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// Digest of the system file.
    pub digest: Digest,
    /// Value at risk, in the currency of the system file.
    pub value_at_risk: f64,
    /// The value at risk that was agreed to be borne, in the same currency.
    pub risk_appetite: f64,
    /// The system can do without this model for a while.
    pub has_fallback: bool,
}
