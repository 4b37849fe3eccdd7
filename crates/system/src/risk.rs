//! What could be lost, how often, and how much of that is tolerable.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Count, Id, Positive, Probability, Range, ThreatId};

/// Loss scenarios and the tolerance they are held against.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Risk {
    /// Currency of every amount here.
    pub currency: Currency,
    /// Simulated years.
    #[serde(default)]
    pub years: Option<Count>,
    /// Seed of the simulation.
    pub seed: u64,
    /// What could happen.
    pub scenarios: Vec<Scenario>,
    /// Tolerable probability of losing more than an amount in a year; larger amounts, smaller
    /// probabilities.
    #[serde(default)]
    pub tolerance: Vec<TolerancePoint>,
}

/// Something that could happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Stable identifier.
    pub id: Id,
    /// What happens, in a sentence.
    pub name: String,
    /// Threats that lead to it.
    pub threats: Vec<ThreatId>,
    /// Attempts or occasions in a year.
    pub frequency_per_year: Range,
    /// Share of attempts that succeed, as believed before anything was measured.
    pub vulnerability: Range,
    /// The check whose measured success rate replaces that belief, such as `evasion`.
    #[serde(default)]
    pub measured_by: Option<Id>,
    /// Loss of one success.
    pub loss: Range,
    /// Loss that follows only sometimes: fines, publicity.
    #[serde(default)]
    pub secondary: Option<SecondaryLoss>,
    /// A component whose failure would touch every scenario that names it.
    #[serde(default)]
    pub shared_cause: Option<Id>,
}

/// Loss that follows only sometimes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondaryLoss {
    /// Share of successes that it follows.
    pub probability: Range,
    /// Its amount.
    pub loss: Range,
}

/// A point of the tolerance curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TolerancePoint {
    /// Amount.
    pub loss: Positive,
    /// Tolerable probability that a year costs more.
    pub probability: Probability,
}

/// ISO 4217 code of a currency: three capitals.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Currency(String);

impl Currency {
    /// The code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let code = String::deserialize(d)?;
        if code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err(serde::de::Error::custom(format!("{code:?} is not a currency code such as EUR")))
        }
    }
}

impl JsonSchema for Currency {
    fn schema_name() -> Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217 code such as EUR" })
    }
}
