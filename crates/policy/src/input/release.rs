//! Input of the release gate: everything known about one model version, each fact with the digest of the
//! signed statement it came from.

use proofhouse_core::{Digest, FilePath, Severity, ThreatState, Verdict};
use serde::{Deserialize, Serialize};

use super::{PolicyInput, digest_or_none};
use crate::Entrypoint;

/// The value of [`Input::schema`].
pub const SCHEMA: &str = "proofhouse.release/v1";

/// What the release gate reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// Who asks, when and for what.
    pub request: Request,
    /// The model version to be released.
    pub model: Model,
    /// Its signature, as verified by the host.
    pub signature: Signature,
    /// The system it is part of.
    pub system: System,
    /// The threats of that system.
    pub threat_model: ThreatModel,
    /// The current evidence: for each check and subject the newest result, not its history. Every piece must
    /// be trusted, fresh and about a subject named here.
    pub evidence: Vec<Evidence>,
    /// The bill of materials.
    pub bom: Bom,
    /// What the model was trained and tested on.
    pub datasets: Vec<Dataset>,
    /// Bounds that the system file states.
    pub requirements: Requirements,
    /// Exceptions that people stand for.
    pub waivers: Vec<Waiver>,
    /// Every recalled digest, of models and datasets.
    pub recalled: Vec<Digest>,
}

impl PolicyInput for Input {
    const ENTRYPOINT: Entrypoint = Entrypoint::Release;
}

/// Who asks, when and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Nanoseconds since 1970; policies have no other clock.
    pub now_ns: u64,
    /// The environment it is to be released for.
    pub environment: String,
    /// Who asks.
    pub actor: String,
}

/// The model version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its model digest.
    pub digest: Digest,
    /// Its files.
    pub files: Vec<File>,
}

/// A file of the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Path under the model's root.
    pub path: FilePath,
    /// Bytes.
    pub size: u64,
    /// Digest of its content.
    pub sha256: Digest,
}

/// The model's signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// There is one.
    pub present: bool,
    /// It verifies over the files as they are.
    pub verified: bool,
    /// Its signer is in the trust policy.
    pub trusted: bool,
    /// The model digest it carries.
    #[serde(with = "digest_or_none")]
    pub digest: Option<Digest>,
    /// The signer's identity; empty where there is none.
    pub signer: String,
}

/// The system file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct System {
    /// Its digest.
    pub digest: Digest,
}

/// The threats that were derived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreatModel {
    /// Digest of the threat model.
    pub digest: Digest,
    /// The system file it was derived from; must be the one above.
    pub system_digest: Digest,
    /// The threats.
    pub threats: Vec<Threat>,
}

/// A threat of this system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Threat {
    /// Its id in the catalogue.
    pub id: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub state: ThreatState,
    /// Kinds of checks that must each have evidence naming this threat.
    pub required_checks: Vec<String>,
    /// Whether these checks run by machine. Where they do not, the gate warns and does not deny.
    pub automatic: bool,
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Digest of the signed envelope.
    pub digest: Digest,
    /// The check, such as `scan`.
    pub check: String,
    /// What it is about.
    pub subject: Digest,
    /// Its answer.
    pub verdict: Verdict,
    /// Nothing it depends on has changed.
    pub fresh: bool,
    /// The threats it answers.
    pub threats: Vec<String>,
    /// Who signed; empty where nobody did.
    pub signer: String,
    /// The signature verifies and its signer is in the trust policy.
    pub trusted: bool,
    /// The criterion as applied.
    pub criterion: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// How many findings of each severity.
    pub findings: Counts,
}

/// A measured number with its interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured.
    pub name: String,
    /// The part of the population; empty for the whole.
    pub slice: String,
    /// Point estimate. No gate decides on it.
    pub value: f64,
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
    /// Confidence of the interval; 0 where there is none, which satisfies no requirement.
    pub confidence: f64,
    /// Sample size; 0 where there is none, which satisfies no requirement.
    pub n: u64,
}

impl From<&proofhouse_core::Measurement> for Measurement {
    fn from(m: &proofhouse_core::Measurement) -> Self {
        let (low, high, confidence) =
            m.interval.as_ref().map_or((m.value, m.value, 0.0), |i| (i.low, i.high, i.confidence));
        Self {
            name: m.name.clone(),
            slice: m.slice.clone().unwrap_or_default(),
            value: m.value,
            low,
            high,
            confidence,
            n: m.n.unwrap_or(0),
        }
    }
}

/// Findings by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Harmful as it is.
    pub critical: u64,
    /// Not fit for release.
    pub high: u64,
    /// To be looked at.
    pub medium: u64,
    /// To be tidied up.
    pub low: u64,
    /// Worth knowing.
    pub info: u64,
}

impl<'a> FromIterator<&'a proofhouse_core::Finding> for Counts {
    fn from_iter<T: IntoIterator<Item = &'a proofhouse_core::Finding>>(findings: T) -> Self {
        let mut counts = Self::default();
        for finding in findings {
            *match finding.severity {
                Severity::Critical => &mut counts.critical,
                Severity::High => &mut counts.high,
                Severity::Medium => &mut counts.medium,
                Severity::Low => &mut counts.low,
                Severity::Info => &mut counts.info,
            } += 1;
        }
        counts
    }
}

/// The bill of materials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bom {
    /// There is one.
    pub present: bool,
    /// Its digest.
    #[serde(with = "digest_or_none")]
    pub digest: Option<Digest>,
    /// The model digest it names.
    #[serde(with = "digest_or_none")]
    pub model_digest: Option<Digest>,
    /// Its files are the model's files, all of them.
    pub files_match: bool,
    /// Faults its lint found.
    pub lint: BomLint,
}

/// Faults of a bill of materials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BomLint {
    /// High and critical.
    pub high: u64,
    /// Medium.
    pub medium: u64,
}

/// A dataset in the model's lineage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// Its name in the system file.
    pub name: String,
    /// Digest of its manifest.
    pub digest: Digest,
    /// The manifest is signed by someone trusted and matches the records.
    pub provenance_verified: bool,
    /// Its licence; empty where none is stated.
    pub licence: String,
}

/// Bounds that the measurements must keep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Requirements {
    /// Lower bounds must not be under these.
    pub floors: Vec<Floor>,
    /// Upper bounds must not be over these; evasion success is one.
    pub ceilings: Vec<Ceiling>,
}

/// A floor on the lower bound of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Name of the measurement.
    pub metric: String,
    /// The slice; empty for the whole, `*` for every slice that was measured.
    pub slice: String,
    /// The floor.
    pub floor: f64,
    /// The least confidence the interval must have, between 0 and 1.
    pub confidence: f64,
}

/// A ceiling on the upper bound of a measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ceiling {
    /// Name of the measurement.
    pub metric: String,
    /// The slice; empty for the whole, `*` for every slice that was measured.
    pub slice: String,
    /// The ceiling.
    pub ceiling: f64,
    /// The least confidence the interval must have, between 0 and 1.
    pub confidence: f64,
}

/// An exception: this reason about this subject is waived for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiver {
    /// The reason's code.
    pub code: String,
    /// The reason's subject.
    pub subject: String,
    /// Who asks for it.
    pub owner: String,
    /// Who agrees; must be another person.
    pub approved_by: String,
    /// Why.
    pub reason: String,
    /// When it ends, nanoseconds since 1970; at most 90 days ahead.
    pub expires_ns: u64,
}
