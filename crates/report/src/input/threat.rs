//! Threats with their proofs, the questions that would settle them, and the checks they call for.

use proofhouse_core::{Digest, Place, Reference, Severity, ThreatState, Timestamp};
use serde::{Deserialize, Serialize};

/// A catalogue entry, as it stands for this system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threat {
    /// Catalogue id, such as `MOD-01`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// The catalogue's group, such as `MOD`.
    pub group: String,
    /// How it stands.
    pub state: ThreatState,
    /// How bad it would be here.
    pub severity: Severity,
    /// Why it applies, or why that is unknown.
    #[serde(default)]
    pub proofs: Vec<Proof>,
    /// What other people's frameworks call it.
    #[serde(default)]
    pub references: Vec<Reference>,
    /// The tests that answer it.
    #[serde(default)]
    pub tests: Vec<ThreatTest>,
    /// Evidence that speaks about it.
    #[serde(default)]
    pub evidence: Vec<Digest>,
    /// The signal that re-opened it.
    #[serde(default)]
    pub reopened_by: Option<String>,
    /// Who accepted it, where someone did.
    #[serde(default)]
    pub acceptance: Option<Acceptance>,
}

/// Why a threat applies: the rule's sentence, the facts it read and the path it walked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The explanation, in one sentence.
    pub sentence: String,
    /// The facts it rests on.
    #[serde(default)]
    pub facts: Vec<Fact>,
    /// Component ids along the path, in order; empty where no path is involved.
    #[serde(default)]
    pub path: Vec<String>,
    /// The fact whose change would remove the threat.
    #[serde(default)]
    pub removed_by: Option<String>,
}

/// A fact of the system file, with the place it is written at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// The fact, such as `flow scans -> classifier: writer = customer`.
    pub text: String,
    /// Where it is written; absent for a fact that is missing.
    #[serde(default)]
    pub place: Option<Place>,
}

/// A test that answers a threat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatTest {
    /// Kind of check, such as `evasion`.
    pub check: String,
    /// How much of it needs no person.
    pub automation: Automation,
}

/// How much of a test needs no person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Automation {
    /// All of it.
    Full,
    /// A person prepares it or reads the result.
    Partial,
    /// None of it.
    Manual,
}

/// A threat that someone answers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Who, by role or name as the system file has it.
    pub by: String,
    /// Until when.
    #[serde(default)]
    pub until: Option<Timestamp>,
    /// Why.
    pub why: String,
}

/// A fact that is missing, put as a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The question.
    pub text: String,
    /// Ids of the threats an answer would decide.
    #[serde(default)]
    pub decides: Vec<String>,
}

/// One check of the test plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedCheck {
    /// Kind of check.
    pub check: String,
    /// Threats that call for it.
    #[serde(default)]
    pub threats: Vec<String>,
    /// How much of it needs no person.
    pub automation: Automation,
    /// What became of it.
    pub status: TestStatus,
    /// Its result, where it ran.
    #[serde(default)]
    pub evidence: Option<Digest>,
}

/// What became of a planned check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "status", content = "why")]
#[non_exhaustive]
pub enum TestStatus {
    /// It ran and left evidence.
    Ran,
    /// This build could run it and did not, for the reason given.
    NotRun(String),
    /// This build has no implementation of it.
    NotImplemented,
    /// It needs a person.
    ByPerson,
}
