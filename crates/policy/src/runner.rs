//! Runs the `test_` rules of a bundle, as `opa test` does, and says which lines they reached.

use std::collections::BTreeSet;

use crate::bundle::{Bundle, is_test};
use crate::policy::{Limits, PolicyError, engine};
use crate::tokens::{package_of, rule_heads, tokens};

/// What a run of a bundle's tests gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestReport {
    /// Every test, in order of file and place.
    pub outcomes: Vec<TestOutcome>,
    /// Every policy file, tests left out.
    pub coverage: Vec<FileCoverage>,
}

/// One test.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// The rule, such as `data.proofhouse.release.test_unsigned`.
    pub name: String,
    /// The file it stands in.
    pub file: String,
    /// Nothing when it passed; else what it gave instead of `true`.
    pub failure: Option<String>,
}

/// Lines of one file that the tests reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCoverage {
    /// The file.
    pub file: String,
    /// Lines with an expression that was evaluated.
    pub covered: BTreeSet<u32>,
    /// Lines with an expression that no test evaluated.
    pub not_covered: BTreeSet<u32>,
}

impl TestReport {
    /// Every test passed, and there was one.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.outcomes.is_empty() && self.outcomes.iter().all(|outcome| outcome.failure.is_none())
    }

    /// The share of lines reached, between 0 and 1; 0 where there is no line.
    #[must_use]
    pub fn covered_share(&self) -> f64 {
        let covered: usize = self.coverage.iter().map(|file| file.covered.len()).sum();
        let all: usize = covered + self.coverage.iter().map(|file| file.not_covered.len()).sum::<usize>();
        if all == 0 { 0.0 } else { covered as f64 / all as f64 }
    }
}

/// Runs every rule whose name begins with `test_` in the files `*_test.rego`.
///
/// A test passes when its value is `true`; undefined is a failure. Fails when a file does not parse.
pub fn test(bundle: &Bundle) -> Result<TestReport, PolicyError> {
    let mut engine = engine(bundle, bundle.rego(), Limits::default())?;
    engine.set_enable_coverage(true);
    let mut outcomes = Vec::new();
    for (file, source) in bundle.rego().filter(|(name, _)| is_test(name)) {
        let package = package_of(source).unwrap_or_default();
        let tokens = tokens(source);
        let names: BTreeSet<&str> = rule_heads(&tokens)
            .iter()
            .map(|head| head.text)
            .filter(|name| name.starts_with("test_"))
            .collect();
        for test in names {
            let name = format!("data.{package}.{test}");
            let failure = match engine.eval_rule(name.clone()) {
                Ok(regorus::Value::Bool(true)) => None,
                Ok(regorus::Value::Undefined) => Some("is undefined".to_owned()),
                Ok(other) => Some(format!("is {other}")),
                Err(error) => Some(format!("fails: {error}")),
            };
            outcomes.push(TestOutcome { name, file: file.to_owned(), failure });
        }
    }
    let report = engine.get_coverage_report().map_err(|error| PolicyError::Coverage(error.to_string()))?;
    let coverage = report
        .files
        .into_iter()
        .filter(|file| !is_test(&file.path))
        .map(|file| FileCoverage { file: file.path, covered: file.covered, not_covered: file.not_covered })
        .collect();
    Ok(TestReport { outcomes, coverage })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_tests_pass() {
        let report = test(&Bundle::shipped()).unwrap();
        let failed: Vec<_> = report.outcomes.iter().filter(|o| o.failure.is_some()).collect();
        assert!(report.passed(), "{failed:#?}");
        // What is left are the `else` heads and the heads of functions, which the engine counts as lines of
        // their own and never marks.
        let gaps: Vec<_> = report.coverage.iter().map(|file| (&file.file, &file.not_covered)).collect();
        assert!(report.covered_share() > 0.96, "{:.3} {gaps:?}", report.covered_share());
    }

    #[test]
    fn undefined_and_false_are_failures() {
        let bundle = Bundle::from_files([
            ("a.rego", "package a\nimport rego.v1\nx if input.y\n"),
            (
                "a_test.rego",
                "package a\nimport rego.v1\ntest_one if x with input as {\"y\": true}\n\
                 test_two if x with input as {}\ntest_three := false\ntest_four := true\n",
            ),
        ]);
        let report = test(&bundle).unwrap();
        assert!(!report.passed());
        let failed: Vec<&str> =
            report.outcomes.iter().filter(|o| o.failure.is_some()).map(|o| o.name.as_str()).collect();
        assert_eq!(failed, ["data.a.test_three", "data.a.test_two"]);
        assert_eq!(report.outcomes.len(), 4);
    }

    #[test]
    fn a_bundle_without_tests_has_not_passed() {
        assert!(!test(&Bundle::from_files([("a.rego", "package a\nx := 1\n")])).unwrap().passed());
    }
}
