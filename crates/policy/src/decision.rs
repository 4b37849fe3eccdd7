//! What a gate answers.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, Severity};
use serde::{Deserialize, Serialize};

use crate::{Entrypoint, Explanation};

/// The answer of a gate: allowed or not, and every reason.
///
/// `allow` is true exactly when `deny` is empty; an answer that contradicts itself is a denial.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The gate that answered.
    pub entrypoint: Entrypoint,
    /// Whether it may go ahead.
    pub allow: bool,
    /// Why not.
    pub deny: Vec<Reason>,
    /// What people should know; never decides.
    pub warn: Vec<Reason>,
    /// Reasons that live waivers held back, each with the waiver that was used.
    pub waived: Vec<WaivedReason>,
    /// Digests of the evidence that was read.
    pub evidence: Vec<Digest>,
    /// For the runtime gate: what to do with the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// The bundle that decided.
    pub policy: Digest,
    /// What its manifest calls it.
    pub revision: String,
    /// The canonical digest of the input, so that the decision can be replayed.
    pub input: Digest,
}

/// What to do with a running model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Let it serve and keep looking.
    Watch,
    /// Stop serving it now; can be lifted. What an input that cannot be read is answered with: it stops
    /// the harm at once, and a broken sensor does not destroy a release.
    Quarantine,
    /// It is served nowhere, for good.
    Recall,
}

/// One reason of a gate.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reason {
    /// Stable code, `area/rule`.
    pub code: String,
    /// One sentence with the particulars.
    pub msg: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it is about: a digest, a threat, a metric.
    pub subject: String,
    /// Whether a waiver can hold it back.
    pub waivable: bool,
    /// The rule's title; empty where its annotations give none.
    #[serde(default)]
    pub title: String,
    /// What to do about it; empty where its annotations give nothing.
    #[serde(default)]
    pub solution: String,
}

/// A reason that a waiver held back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WaivedReason {
    /// The reason.
    #[serde(flatten)]
    pub reason: Reason,
    /// The waiver.
    pub waiver: WaiverUse,
}

/// The waiver that was used, as it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WaiverUse {
    /// Who asked for it.
    pub owner: String,
    /// Who agreed.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// When it ends, nanoseconds since 1970.
    pub expires_ns: u64,
}

/// The shape a `decision` rule must have. Unknown members are fine, missing ones are not.
#[derive(Deserialize)]
struct Raw {
    allow: bool,
    deny: Vec<Reason>,
    warn: Vec<Reason>,
    waived: Vec<WaivedReason>,
    evidence: Vec<Digest>,
    action: Option<Action>,
}

/// What was asked, for the record of the answer.
pub(crate) struct Asked<'a> {
    pub entrypoint: Entrypoint,
    pub policy: Digest,
    pub revision: &'a str,
    pub input: Digest,
    pub explanations: &'a BTreeMap<(String, String), Explanation>,
}

impl Asked<'_> {
    /// Reads what the engine returned. Whatever is not a decision that agrees with itself denies.
    pub(crate) fn read(&self, value: serde_json::Value) -> Decision {
        let raw: Raw = match serde_json::from_value(value) {
            Ok(raw) => raw,
            Err(error) => return self.undefined(&format!("its decision is malformed: {error}")),
        };
        if raw.allow != raw.deny.is_empty() {
            return self.undefined("its decision contradicts itself: allow and deny do not agree");
        }
        // Only the runtime gate acts, and it acts exactly when it denies.
        let agrees = match raw.action {
            Some(action) => self.entrypoint == Entrypoint::Runtime && raw.allow == (action == Action::Watch),
            None => self.entrypoint != Entrypoint::Runtime,
        };
        if !agrees {
            return self.undefined("its decision lacks an action or names one that contradicts allow");
        }
        let mut decision = Decision {
            entrypoint: self.entrypoint,
            allow: raw.allow,
            deny: raw.deny,
            warn: raw.warn,
            waived: raw.waived,
            evidence: raw.evidence,
            action: raw.action,
            policy: self.policy,
            revision: self.revision.to_owned(),
            input: self.input,
        };
        let waived = decision.waived.iter_mut().map(|w| &mut w.reason);
        for reason in decision.deny.iter_mut().chain(&mut decision.warn).chain(waived) {
            let key = (self.entrypoint.package().to_owned(), reason.code.clone());
            if let Some(explanation) = self.explanations.get(&key) {
                explanation.title.clone_into(&mut reason.title);
                explanation.solution.clone_into(&mut reason.solution);
            }
        }
        decision.deny.sort();
        decision.warn.sort();
        decision.waived.sort();
        decision.evidence.sort();
        decision
    }

    /// The denial for an answer that is none.
    pub(crate) fn undefined(&self, why: &str) -> Decision {
        Decision {
            entrypoint: self.entrypoint,
            allow: false,
            deny: vec![Reason {
                code: "policy/undefined".to_owned(),
                msg: format!("{} gave no decision, which denies: {why}", self.entrypoint.rule()),
                severity: Severity::Critical,
                subject: self.entrypoint.package().to_owned(),
                waivable: false,
                title: "The policy gave no decision".to_owned(),
                solution: "Run `proofhouse policy test` and `proofhouse policy lint` on the bundle."
                    .to_owned(),
            }],
            warn: Vec::new(),
            waived: Vec::new(),
            evidence: Vec::new(),
            action: (self.entrypoint == Entrypoint::Runtime).then_some(Action::Quarantine),
            policy: self.policy,
            revision: self.revision.to_owned(),
            input: self.input,
        }
    }
}
