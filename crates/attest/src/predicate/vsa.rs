//! SLSA verification summary v1 (VSA): somebody checked an artifact against a policy, and what came out.

use std::collections::BTreeMap;

use proofhouse_core::Timestamp;
use serde::{Deserialize, Serialize};

use super::Predicate;
use crate::ResourceDescriptor;

/// Who verified.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verifier {
    /// A URI.
    pub id: String,
    /// Component to version.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub version: BTreeMap<String, String>,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum VerificationOutcome {
    /// The policy's criteria hold.
    Passed,
    /// They do not, or it could not be established.
    Failed,
}

/// A verification summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VerificationSummary {
    /// Who verified.
    pub verifier: Verifier,
    /// When.
    pub time_verified: Timestamp,
    /// What was verified, as a URI.
    pub resource_uri: String,
    /// The policy it was verified against.
    pub policy: ResourceDescriptor,
    /// The attestations the decision rests on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub input_attestations: Vec<ResourceDescriptor>,
    /// What came out.
    pub verification_result: VerificationOutcome,
    /// The highest level reached on each track; `FAILED` where the result is.
    pub verified_levels: Vec<String>,
    /// Level to number of dependencies that reached it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dependency_levels: Option<BTreeMap<String, u64>>,
    /// The version of the SLSA specification, such as `1.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slsa_version: Option<String>,
}

impl Predicate for VerificationSummary {
    const TYPE: &'static str = super::VERIFICATION_SUMMARY;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_named_as_in_the_specification() {
        let value = json!({
            "verifier": {"id": "https://proofhouse.dev/gate"},
            "timeVerified": "2026-11-23T00:00:00.000Z",
            "resourceUri": "pkg:generic/cheque-reader@3",
            "policy": {"name": "release", "digest": {"sha256": "aa"}},
            "inputAttestations": [{"digest": {"sha256": "bb"}}],
            "verificationResult": "PASSED",
            "verifiedLevels": ["SLSA_BUILD_LEVEL_UNEVALUATED"],
            "dependencyLevels": {"SLSA_BUILD_LEVEL_0": 1},
            "slsaVersion": "1.1"
        });
        let summary: VerificationSummary = serde_json::from_value(value.clone()).unwrap();
        assert_eq!(serde_json::to_value(summary).unwrap(), value);
    }
}
