//! The system file, `proofhouse.yaml`: what an AI system is, who can touch it, who is judged by it, and
//! what it has to prove before it may serve.
//!
//! [`System::parse`] turns text into types that cannot be wrong: identifiers refer to things that exist,
//! numbers lie in their range, paths stay inside the system's folder. A fact that is absent is *unknown*
//! ([`None`]), never false: the threat engine asks about it. Every value remembers its line, so that a
//! finding can point at it ([`System::place`]).
//!
//! ```
//! let text = "schema: proofhouse.system/v1\nsystem: { id: demo, name: Demo, purpose: Show the form }\n";
//! let system = proofhouse_system::System::parse("proofhouse.yaml", text).unwrap();
//! assert_eq!(system.system.id.as_str(), "demo");
//! assert_eq!(system.context.personal_data, None); // not said, therefore not known
//! assert_eq!(system.place("system.id").line, Some(2));
//! ```

mod architecture;
mod assistant;
mod boundary;
mod checks;
mod conditional;
mod context;
mod data;
mod deployment;
mod domain;
mod error;
mod governance;
mod id;
mod injection;
mod model;
mod model_checks;
mod number;
mod parse;
mod risk;
mod schema;
mod source;
mod validate;

use proofhouse_core::{Digest, Place, canonical::CanonicalError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use architecture::{
    Actor, ActorTrust, Capability, Component, ComponentKind, Content, FailureMode, Flow, Zone, ZoneTrust,
};
pub use assistant::{Assistant, InputForm, Sink, StepLimits};
pub use boundary::{
    Approval, ArgumentRule, Boundary, Canary, Detector, DetectorMode, Encoder, Identity, Labelled, Leave,
    Output, Source, SourceKind, Spotlight, Tool,
};
pub use checks::{
    Checks, DatasetCheck, DriftCheck, DriftRequirement, EvasionCheck, EvasionCriterion, LabelNoiseCheck,
    Metric, MetricFloor, Norm, PerformanceCheck, PixelBox, RecallRequirement, Requirements, RobustnessFloor,
    ScanCheck, Slice,
};
pub use context::{About, Context, Holder, Person, Region, Sector, UserGroup};
pub use data::{Dataset, DatasetRole, Features, TableFormat};
pub use deployment::{
    Client, Deployment, Gateway, Limits, Protocol, Role, Route, Target, TargetKind, TokenBudget,
};
pub use domain::{CategoryRule, ChangeRule, ColumnRule, CostRule, DomainRules, RelationRule, TermRule};
pub use error::{SystemError, SystemErrors};
pub use governance::{
    About as DecisionAbout, Acceptance, Control, ControlKind, Decision, MAX_ACCEPTANCE_DAYS, MAX_WAIVER_DAYS,
    Waiver,
};
pub use id::{Id, IdError, ThreatId};
pub use injection::{HitRateCheck, InjectionCheck, InjectionRequirement};
pub use model::{Model, ModelInput, ModelOutput, ModelSource, OutputForm, OutputKind, Task, Tensors};
pub use model_checks::{
    BackdoorCheck, ConstrainedEvasionCheck, ExtractionCheck, FairnessCheck, GroupColumn, InversionCheck,
    LatencyCheck, MembershipCheck, PoisoningCheck, PropertyCheck, ReferenceModel, ReprogrammingCheck,
    SegmentCheck, SourceCheck,
};
pub use number::{Confidence, Count, Epsilon, OutOfRange, Positive, Probability, Range};
pub use risk::{Currency, Risk, Scenario, SecondaryLoss, TolerancePoint};
pub use schema::{description, json_schema};
pub use source::SourceMap;

/// The form of the file this crate reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SchemaVersion {
    /// The first form.
    #[serde(rename = "proofhouse.system/v1")]
    V1,
}

/// An AI system, as its owners describe it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct System {
    /// The form of this file: `proofhouse.system/v1`.
    pub schema: SchemaVersion,
    /// What the system is and who answers for it.
    pub system: About,
    /// Where and on whom it is used. Leave out what is not known.
    #[serde(default)]
    pub context: Context,
    /// The people with a part in the system's life.
    #[serde(default)]
    pub people: Vec<Person>,
    /// Areas of equal trust.
    #[serde(default)]
    pub zones: Vec<Zone>,
    /// Parties who may touch the system, whatever their intent.
    #[serde(default)]
    pub actors: Vec<Actor>,
    /// What the system is made of.
    #[serde(default)]
    pub components: Vec<Component>,
    /// What moves between components.
    #[serde(default)]
    pub flows: Vec<Flow>,
    /// What the model learns from, is judged by and is shown.
    #[serde(default)]
    pub datasets: Vec<Dataset>,
    /// The model under release.
    #[serde(default)]
    pub model: Option<Model>,
    /// The application around a model that writes.
    #[serde(default)]
    pub assistant: Option<Assistant>,
    /// The boundary between trusted and untrusted text around a model that writes.
    #[serde(default)]
    pub boundary: Option<Boundary>,
    /// What is decided with the model's output.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// What the system has to reach, whoever tests it.
    #[serde(default)]
    pub requirements: Requirements,
    /// How each check is run here.
    #[serde(default)]
    pub checks: Checks,
    /// Controls that are claimed. A claim removes no threat: it names the evidence that has to exist.
    #[serde(default)]
    pub controls: Vec<Control>,
    /// What could be lost, how often, and how much of that is tolerable.
    #[serde(default)]
    pub risk: Option<Risk>,
    /// Findings and gate codes that do not count for a while.
    #[serde(default)]
    pub waivers: Vec<Waiver>,
    /// Threats somebody has accepted by name, for a while.
    #[serde(default)]
    pub accept: Vec<Acceptance>,
    /// Where and how the system runs.
    #[serde(default)]
    pub deployment: Option<Deployment>,
    #[serde(skip)]
    #[schemars(skip)]
    source: SourceMap,
}

impl System {
    /// Parses the text of a system file. `file_name` is only used in messages and places.
    ///
    /// Every problem that can be told apart is reported: all structural ones (unknown, missing or
    /// mistyped keys, numbers out of range) together, or, where the structure holds, all dangling
    /// references, duplicates and contradictions together.
    pub fn parse(file_name: &str, text: &str) -> Result<Self, SystemErrors> {
        parse::parse(file_name, text)
    }

    /// Digest of the parsed content in canonical JSON (RFC 8785). Comments, key order and layout do not
    /// matter; a key that is left out and one that is `null` are the same.
    pub fn digest(&self) -> Result<Digest, CanonicalError> {
        let mut value = serde_json::to_value(self)?;
        drop_nulls(&mut value);
        proofhouse_core::canonical::digest(&value)
    }

    /// Where a value is written: `datasets[train].licence`, `datasets[0].licence` and `system.id` are
    /// paths. A path that is not in the file yields the nearest enclosing one that is.
    #[must_use]
    pub fn place(&self, path: &str) -> Place {
        self.source.place(path)
    }

    /// Places of everything in the file.
    #[must_use]
    pub fn source(&self) -> &SourceMap {
        &self.source
    }

    /// The component of that id.
    #[must_use]
    pub fn component(&self, id: &Id) -> Option<&Component> {
        self.components.iter().find(|c| &c.id == id)
    }

    /// The actor of that id.
    #[must_use]
    pub fn actor(&self, id: &Id) -> Option<&Actor> {
        self.actors.iter().find(|a| &a.id == id)
    }

    /// The zone of that id.
    #[must_use]
    pub fn zone(&self, id: &Id) -> Option<&Zone> {
        self.zones.iter().find(|z| &z.id == id)
    }

    /// The dataset of that id.
    #[must_use]
    pub fn dataset(&self, id: &Id) -> Option<&Dataset> {
        self.datasets.iter().find(|d| &d.id == id)
    }

    /// The datasets that play `role`.
    pub fn datasets_with(&self, role: DatasetRole) -> impl Iterator<Item = &Dataset> {
        self.datasets.iter().filter(move |d| d.role == role)
    }
}

/// Absent and `null` say the same, so only one of them may reach the digest. Recursion is as deep as the
/// types above, not as the input.
fn drop_nulls(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
