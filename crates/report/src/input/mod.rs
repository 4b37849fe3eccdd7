//! What a report is made from: plain values, filled by whoever knows the engines.
//!
//! The report computes no fact of its own. Whatever is not in here is shown as not done, never as fine.

mod attacks;
mod evidence;
mod examination;
mod measured;
mod recall;
mod release;
mod risk;
mod runtime;
mod threat;

use proofhouse_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

pub use attacks::{AttackFamily, Attacks, PoisonedDocument};
pub use evidence::Evidence;
pub use examination::{
    Examination, Hardening, HardeningEpoch, Natural, Picture, Results, Spending, TableAttack,
};
pub use measured::{
    AttackPart, Change, ClassScore, ClassSuccess, Counterexample, Doubt, Fairness, GroupRates, GroupShare,
    Image, Performance, Proved, Robustness, RobustnessPoint, ValueChange,
};
pub use recall::{Certificate, InstanceProof, Recall, RecallStep};
pub use release::{Gate, Instance, Reason, Release, Waiver};
pub use risk::{CurvePoint, Driver, Estimate, FrameworkCount, Frameworks, LossCurve, Risk, RmfSubcategory};
pub use runtime::{Alarm, ColumnDrift, Drift, FalseAlarmPromise, Look, Signal, Traffic, TrafficWindow};
pub use threat::{
    Acceptance, Automation, Fact, PlannedCheck, Proof, Question, TestStatus, Threat, ThreatTest,
};

/// Everything one report shows. Lists keep the order they are given in unless a section says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportInput {
    /// The system the report is about.
    pub system: System,
    /// When the report was made; the caller's clock, so that the same input gives the same bytes.
    pub generated_at: Timestamp,
    /// The run, as `proofhouse status` names it.
    pub run: String,
    /// Name, version and build of the program, such as `proofhouse 0.1.0`.
    pub tool: String,
    /// The log that holds what the report claims.
    pub ledger: Ledger,
    /// Where the life of the model stands.
    pub state: OverallState,
    /// The stages that ran, in order.
    #[serde(default)]
    pub timeline: Vec<Stage>,
    /// Threats that apply, or may.
    #[serde(default)]
    pub threats: Vec<Threat>,
    /// What only a person can answer.
    #[serde(default)]
    pub questions: Vec<Question>,
    /// Every check the threats call for, run or not.
    #[serde(default)]
    pub plan: Vec<PlannedCheck>,
    /// Signed results.
    #[serde(default)]
    pub evidence: Vec<Evidence>,
    /// The release gate's decision.
    #[serde(default)]
    pub gate: Option<Gate>,
    /// What was signed.
    #[serde(default)]
    pub release: Option<Release>,
    /// Running and stopped copies of the model.
    #[serde(default)]
    pub instances: Vec<Instance>,
    /// What the gateway let through and turned away.
    #[serde(default)]
    pub traffic: Option<Traffic>,
    /// How well the model does its work.
    #[serde(default)]
    pub performance: Option<Performance>,
    /// How the model treats groups of people.
    #[serde(default)]
    pub fairness: Option<Fairness>,
    /// How well it does so under attack.
    #[serde(default)]
    pub robustness: Option<Robustness>,
    /// What changes of a table's rows cost, where its domain is described.
    #[serde(default)]
    pub constrained: Option<(Option<Digest>, TableAttack)>,
    /// Attacks by text; absent for a model that does not write.
    #[serde(default)]
    pub attacks: Option<Attacks>,
    /// What the traffic did over time.
    #[serde(default)]
    pub drift: Option<Drift>,
    /// Runtime facts that may re-open threats.
    #[serde(default)]
    pub signals: Vec<Signal>,
    /// The recall, where one was ordered.
    #[serde(default)]
    pub recall: Option<Recall>,
    /// Loss before and after what was measured.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// What the evidence says to other people's frameworks.
    #[serde(default)]
    pub frameworks: Frameworks,
}

impl ReportInput {
    /// A report on which nothing has happened yet.
    #[must_use]
    pub fn new(
        system: System,
        generated_at: Timestamp,
        run: impl Into<String>,
        tool: impl Into<String>,
        ledger: Ledger,
        state: OverallState,
    ) -> Self {
        Self {
            system,
            generated_at,
            run: run.into(),
            tool: tool.into(),
            ledger,
            state,
            timeline: Vec::new(),
            threats: Vec::new(),
            questions: Vec::new(),
            plan: Vec::new(),
            evidence: Vec::new(),
            gate: None,
            release: None,
            instances: Vec::new(),
            traffic: None,
            performance: None,
            fairness: None,
            robustness: None,
            constrained: None,
            attacks: None,
            drift: None,
            signals: Vec::new(),
            recall: None,
            risk: None,
            frameworks: Frameworks::default(),
        }
    }
}

/// The system under report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Its name.
    pub name: String,
    /// What it is for, in a sentence.
    pub purpose: String,
    /// Who runs it.
    pub owner: String,
    /// Who answers for it.
    pub accountable: String,
    /// Where it runs, such as `production`.
    pub environment: String,
    /// Digest of the system file.
    pub digest: Digest,
    /// The model the report follows.
    pub model: Model,
}

/// A version of a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The model digest, once the files were read.
    #[serde(default)]
    pub digest: Option<Digest>,
}

/// The state of the log when the report was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// The log's origin line.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// Merkle root over them.
    pub root: Digest,
    /// The signed checkpoint note (C2SP tlog-checkpoint), as text.
    pub checkpoint: String,
    /// The verifier key of the note, as text.
    pub verifier_key: String,
}

/// Where the life of the model stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum OverallState {
    /// Threats and test plan are known; nothing was tested.
    Planned,
    /// Checks ran; no gate decided.
    Assessed,
    /// The gate refused the release.
    Denied,
    /// Signed and released; nothing runs yet, or nothing runs any more.
    Released,
    /// Instances are running.
    Running,
    /// A recall was ordered and is not proven complete.
    Recalling,
    /// Recalled, with a certificate.
    Recalled,
}

/// One stage of the life that ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// Which.
    pub kind: StageKind,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; absent while it goes on.
    #[serde(default)]
    pub finished: Option<Timestamp>,
    /// How it ended.
    pub outcome: StageOutcome,
    /// One sentence with numbers: what came out.
    pub note: String,
    /// First and last ledger entry it wrote, where it wrote any.
    #[serde(default)]
    pub ledger: Option<SeqRange>,
}

/// The stages, in the order of a life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StageKind {
    /// The system file was read.
    Describe,
    /// Threats were derived and the test plan written.
    Plan,
    /// Checks ran.
    Assess,
    /// The gate decided.
    Gate,
    /// The model was signed.
    Release,
    /// Instances were started.
    Deploy,
    /// Traffic was served and watched.
    Observe,
    /// The model was recalled.
    Recall,
    /// Threats were re-opened and risk re-scored.
    Feedback,
}

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StageOutcome {
    /// Done, and nothing needs a person.
    Done,
    /// Done, and something needs a person: an alarm, an open threat, an answer that is missing.
    Attention,
    /// Refused or failed.
    Failed,
    /// Under way.
    Running,
}

/// Consecutive ledger entries, both ends included, counted from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeqRange {
    /// First entry.
    pub first: u64,
    /// Last entry.
    pub last: u64,
}
