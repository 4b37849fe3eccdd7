//! in-toto test result v0.1: which tests passed, under which configuration.

use serde::{Deserialize, Serialize};

use super::Predicate;
use crate::ResourceDescriptor;

/// The overall outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TestOutcome {
    /// Every test passed.
    Passed,
    /// No test failed, some warned.
    Warned,
    /// Some test failed.
    Failed,
}

/// A test run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TestResult {
    /// The overall outcome.
    pub result: TestOutcome,
    /// What the run was configured with.
    pub configuration: Vec<ResourceDescriptor>,
    /// Where a person can read more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Tests that passed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed_tests: Vec<String>,
    /// Tests that warned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned_tests: Vec<String>,
    /// Tests that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed_tests: Vec<String>,
}

impl TestResult {
    /// A run whose outcome follows from its tests. A run without any test proves nothing, and the format
    /// has no word for "unknown": it counts as failed.
    #[must_use]
    pub fn new(
        configuration: Vec<ResourceDescriptor>,
        passed_tests: Vec<String>,
        warned_tests: Vec<String>,
        failed_tests: Vec<String>,
    ) -> Self {
        let nothing_ran = passed_tests.is_empty() && warned_tests.is_empty();
        let result = if !failed_tests.is_empty() || nothing_ran {
            TestOutcome::Failed
        } else if warned_tests.is_empty() {
            TestOutcome::Passed
        } else {
            TestOutcome::Warned
        };
        Self { result, configuration, url: None, passed_tests, warned_tests, failed_tests }
    }
}

impl Predicate for TestResult {
    const TYPE: &'static str = super::TEST_RESULT;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_follows_from_the_tests() {
        let of = |passed: &[&str], warned: &[&str], failed: &[&str]| {
            let own = |names: &[&str]| names.iter().map(ToString::to_string).collect();
            TestResult::new(vec![], own(passed), own(warned), own(failed)).result
        };
        assert_eq!(of(&["a"], &[], &[]), TestOutcome::Passed);
        assert_eq!(of(&["a"], &["b"], &[]), TestOutcome::Warned);
        assert_eq!(of(&["a"], &["b"], &["c"]), TestOutcome::Failed);
        assert_eq!(of(&[], &[], &[]), TestOutcome::Failed);
    }

    #[test]
    fn members_are_named_as_in_the_specification() {
        let value =
            serde_json::to_value(TestResult::new(vec![], vec!["scan".into()], vec![], vec![])).unwrap();
        assert_eq!(
            value,
            serde_json::json!({"result": "PASSED", "configuration": [], "passedTests": ["scan"]})
        );
    }
}
