//! What is decided, which controls are claimed, and what somebody has agreed to live with for a while.

use proofhouse_core::{Digest, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Currency, Holder, Id, Range, ThreatId};

/// Longest life of a waiver.
pub const MAX_WAIVER_DAYS: i64 = 90;
/// Longest life of an acceptance.
pub const MAX_ACCEPTANCE_DAYS: i64 = 365;

/// Something that is decided with the model's output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Stable identifier.
    pub id: Id,
    /// What is decided.
    pub what: String,
    /// Whom or what it is about.
    #[serde(default)]
    pub about: Option<About>,
    /// Whether it takes effect without a person.
    #[serde(default)]
    pub automatic: Option<bool>,
    /// Whether it can be to the disadvantage of whom it is about.
    #[serde(default)]
    pub adverse: Option<bool>,
    /// Whether its effect is legal, or similarly significant.
    #[serde(default)]
    pub legal_effect: Option<bool>,
    /// Whether it is part of a core transaction: payment, order, claim or care.
    #[serde(default)]
    pub core_transaction: Option<bool>,
    /// Who answers for it.
    #[serde(default)]
    pub owner: Option<Holder>,
    /// How often a day.
    #[serde(default)]
    pub volume_per_day: Option<Range>,
    /// Money that hangs on one decision.
    #[serde(default)]
    pub value_at_risk: Option<Range>,
    /// Cost of acting where one should not have.
    #[serde(default)]
    pub false_positive_cost: Option<Range>,
    /// Cost of not acting where one should have.
    #[serde(default)]
    pub false_negative_cost: Option<Range>,
    /// Currency of the amounts.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// What a person does before it takes effect.
    #[serde(default)]
    pub human_review: Option<String>,
    /// How it can be contested.
    #[serde(default)]
    pub appeal: Option<String>,
}

/// Whom or what a decision is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// A person.
    NaturalPerson,
    /// A company or body.
    LegalPerson,
    /// A thing or an event.
    Thing,
}

/// A control that is claimed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Stable identifier.
    pub id: Id,
    /// What is claimed.
    pub claim: String,
    /// How it works.
    pub kind: ControlKind,
    /// Threats it is meant against.
    pub against: Vec<ThreatId>,
    /// Kinds of check whose fresh, passing evidence the claim stands on, such as `access-control-test`.
    pub evidence: Vec<Id>,
}

/// How a control works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ControlKind {
    /// Keeps it from happening.
    Preventive,
    /// Shows that it happens.
    Detective,
    /// Limits or repairs the damage.
    Corrective,
}

/// A finding or gate code that does not count for a while. Exactly one of `finding`, `code` and `threat`
/// says which.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Stable identifier.
    pub id: Id,
    /// Rule id of a finding, such as `onnx/external-data`.
    #[serde(default)]
    pub finding: Option<String>,
    /// Code of a gate rule.
    #[serde(default)]
    pub code: Option<String>,
    /// A threat.
    #[serde(default)]
    pub threat: Option<ThreatId>,
    /// Only for this subject. Left out: for any.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub scope: Option<Digest>,
    /// Who asked for it and has to remove its cause.
    pub owner: String,
    /// Who granted it; not the owner.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// From when.
    #[schemars(with = "String")]
    pub granted: Timestamp,
    /// Until when: at most 90 days later.
    #[schemars(with = "String")]
    pub expires: Timestamp,
}

/// A threat somebody has accepted by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Acceptance {
    /// The threat.
    pub threat: ThreatId,
    /// Who accepts it: a role that may.
    pub by: String,
    /// Why.
    pub reason: String,
    /// From when.
    #[schemars(with = "String")]
    pub accepted: Timestamp,
    /// Until when: at most 365 days later.
    #[schemars(with = "String")]
    pub until: Timestamp,
}
