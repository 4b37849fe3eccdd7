//! Loss per year, and what the evidence says to other people's frameworks.

use proofhouse_core::{Digest, Reference};
use serde::{Deserialize, Serialize};

/// Yearly loss, simulated before and after what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    /// ISO 4217 code.
    pub currency: String,
    /// Simulated years behind each curve.
    pub years: u64,
    /// Seed of the simulation.
    pub seed: u64,
    /// The curves, in the order they were computed; the first is the prior.
    #[serde(default)]
    pub curves: Vec<LossCurve>,
    /// What the organisation tolerates: at most this probability of exceeding each loss.
    #[serde(default)]
    pub tolerance: Vec<CurvePoint>,
    /// What the last curve consists of, largest first.
    #[serde(default)]
    pub drivers: Vec<Driver>,
}

/// A loss exceedance curve with its summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LossCurve {
    /// What was known when it was computed, such as `before any test`.
    pub name: String,
    /// The curve, by rising loss.
    pub points: Vec<CurvePoint>,
    /// Mean yearly loss.
    pub mean: Estimate,
    /// Loss exceeded in one year of twenty.
    pub p95: Estimate,
    /// Loss exceeded in one year of a hundred.
    pub p99: Estimate,
    /// Evidence that moved it.
    #[serde(default)]
    pub evidence: Vec<Digest>,
}

/// Probability that a year's loss exceeds `loss`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Loss, in the currency.
    pub loss: f64,
    /// Probability between 0 and 1.
    pub probability: f64,
}

/// A number with its sampling band.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub value: f64,
    /// Lower end of the band.
    pub low: f64,
    /// Upper end of the band.
    pub high: f64,
}

/// A scenario and its part of the mean loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Driver {
    /// The scenario.
    pub name: String,
    /// Ids of the threats behind it.
    #[serde(default)]
    pub threats: Vec<String>,
    /// Mean yearly loss, in the currency.
    pub mean: f64,
    /// Share of the mean, between 0 and 1.
    pub share: f64,
}

/// What the evidence says to frameworks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frameworks {
    /// Every subcategory of the NIST AI RMF, evidenced or not.
    #[serde(default)]
    pub rmf: Vec<RmfSubcategory>,
    /// How much of each taxonomy the threats cite.
    #[serde(default)]
    pub counts: Vec<FrameworkCount>,
}

/// A subcategory of the NIST AI RMF and what evidences it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RmfSubcategory {
    /// Such as `NIST AI RMF@1.0:MEASURE 2.7`; the word before the number is the function.
    pub id: Reference,
    /// Signed results.
    #[serde(default)]
    pub evidence: Vec<Digest>,
    /// Other ledger entries: decisions, acceptances, releases.
    #[serde(default)]
    pub entries: Vec<u64>,
}

/// How much of a taxonomy is cited by the threats of this system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameworkCount {
    /// Its name.
    pub framework: String,
    /// Its edition.
    pub version: String,
    /// Entries cited by threats that apply.
    pub cited: u64,
    /// Of those, entries with evidence behind at least one threat.
    pub evidenced: u64,
    /// Entries of the edition, where known.
    #[serde(default)]
    pub total: Option<u64>,
}
