//! Where a threat stands.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a threat stands: derived from facts and evidence, recorded in the ledger, decided on by the gate, shown in the
/// report, everywhere by the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThreatState {
    /// It applies, and something has failed or has never been tested.
    Open,
    /// It applies; every one of its tests has passed, and the evidence is fresh.
    Controlled,
    /// It applies, and somebody who may has accepted it by name, for a while. The gate asks for a live waiver besides.
    Accepted,
    /// The facts rule it out.
    NotApplicable,
    /// Every one of its tests has passed, but something has changed since.
    Stale,
    /// A fact is missing, or this version has no rule for it.
    Unknown,
}

impl fmt::Display for ThreatState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Controlled => "controlled",
            Self::Accepted => "accepted",
            Self::NotApplicable => "not-applicable",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_is_stored() {
        for state in [
            ThreatState::Open,
            ThreatState::Controlled,
            ThreatState::Accepted,
            ThreatState::NotApplicable,
            ThreatState::Stale,
            ThreatState::Unknown,
        ] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
        }
    }
}
