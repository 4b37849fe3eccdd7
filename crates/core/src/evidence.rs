//! The result of a check, and whether it still speaks about the world as it is.

use serde::{Deserialize, Serialize};

use crate::{Digest, Finding, Measurement, Timestamp, Verdict};

/// Everything a result depends on. When any of these changes, the result is stale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// What was examined.
    pub subject: Digest,
    /// The data it was examined with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Digest>,
    /// The check's parameters.
    pub config: Digest,
    /// The program that ran it: name, version and build.
    pub tool: Digest,
    /// The policy bundle whose criterion was applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// The seed, where chance was involved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// The result of one run of one check: what evidence attests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check, such as `evasion`.
    pub check: String,
    /// The threats whose tests this answers.
    pub threats: Vec<String>,
    /// What it depends on.
    pub inputs: Inputs,
    /// The answer.
    pub verdict: Verdict,
    /// The pass criterion as applied, in words with numbers.
    pub criterion: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// When the run ended.
    pub finished: Timestamp,
    /// After this moment the result is stale whatever else holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Timestamp>,
}

/// Whether a result may still be relied on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "state", content = "reasons")]
pub enum Freshness {
    /// Nothing it depends on has changed.
    Fresh,
    /// Something has.
    Stale(Vec<StaleReason>),
}

/// What changed since a result was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum StaleReason {
    /// Another subject.
    Subject,
    /// Other data.
    Data,
    /// Other parameters.
    Config,
    /// Another program.
    Tool,
    /// Another policy.
    Policy,
    /// Another seed.
    Seed,
    /// Its time has run out.
    Expired,
}

impl CheckResult {
    /// Compares what the result depended on with what holds `now`.
    #[must_use]
    pub fn freshness(&self, current: &Inputs, now: Timestamp) -> Freshness {
        let then = &self.inputs;
        let expired = self.valid_until.is_some_and(|end| now >= end);
        let reasons: Vec<StaleReason> = [
            (then.subject != current.subject, StaleReason::Subject),
            (then.data != current.data, StaleReason::Data),
            (then.config != current.config, StaleReason::Config),
            (then.tool != current.tool, StaleReason::Tool),
            (then.policy != current.policy, StaleReason::Policy),
            (then.seed != current.seed, StaleReason::Seed),
            (expired, StaleReason::Expired),
        ]
        .into_iter()
        .filter_map(|(changed, reason)| changed.then_some(reason))
        .collect();
        if reasons.is_empty() { Freshness::Fresh } else { Freshness::Stale(reasons) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> CheckResult {
        CheckResult {
            check: "scan".into(),
            threats: vec!["SUP-01".into()],
            inputs: Inputs {
                subject: Digest::of(b"model"),
                data: Some(Digest::of(b"data")),
                config: Digest::of(b"config"),
                tool: Digest::of(b"tool"),
                policy: None,
                seed: Some(1),
            },
            verdict: Verdict::Pass,
            criterion: "no finding".into(),
            measurements: vec![],
            findings: vec![],
            finished: Timestamp::from_unix_ms(0),
            valid_until: Some(Timestamp::from_unix_ms(1000)),
        }
    }

    #[test]
    fn unchanged_is_fresh_until_it_expires() {
        let r = result();
        assert_eq!(r.freshness(&r.inputs, Timestamp::from_unix_ms(999)), Freshness::Fresh);
        assert_eq!(
            r.freshness(&r.inputs, Timestamp::from_unix_ms(1000)),
            Freshness::Stale(vec![StaleReason::Expired])
        );
    }

    #[test]
    fn every_dependency_makes_it_stale() {
        let r = result();
        let other = Digest::of(b"other");
        let now = Timestamp::from_unix_ms(0);
        type Change = fn(&mut Inputs, Digest);
        let cases: [(Change, StaleReason); 6] = [
            (|i, d| i.subject = d, StaleReason::Subject),
            (|i, _| i.data = None, StaleReason::Data),
            (|i, d| i.config = d, StaleReason::Config),
            (|i, d| i.tool = d, StaleReason::Tool),
            (|i, d| i.policy = Some(d), StaleReason::Policy),
            (|i, _| i.seed = None, StaleReason::Seed),
        ];
        for (change, reason) in cases {
            let mut current = r.inputs.clone();
            change(&mut current, other);
            assert_eq!(r.freshness(&current, now), Freshness::Stale(vec![reason]));
        }
    }
}
