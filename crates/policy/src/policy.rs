//! A compiled bundle and how it is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use proofhouse_core::{Digest, Finding, Severity, canonical};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{Engine, Value};
use serde::{Deserialize, Serialize};

use crate::decision::Asked;
use crate::{Bundle, Decision, Explanation, PolicyInput, lint, metadata};

/// Inputs nested deeper than this are refused: the engine walks values recursively.
const MAX_INPUT_DEPTH: usize = 32;

/// A gate: a package with a `decision` rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entrypoint {
    /// May this model version be released?
    Release,
    /// May this release start here?
    Deploy,
    /// A signal came: watch, quarantine or recall?
    Runtime,
    /// May this caller do this to this model?
    Request,
    /// May this tool be called, or this answer be given, with what is in context?
    Boundary,
}

impl Entrypoint {
    /// All of them; a bundle must answer each.
    pub const ALL: [Self; 5] = [Self::Release, Self::Deploy, Self::Runtime, Self::Request, Self::Boundary];

    /// The package, without `data.`.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::Release => "proofhouse.release",
            Self::Deploy => "proofhouse.deploy",
            Self::Runtime => "proofhouse.runtime",
            Self::Request => "proofhouse.request",
            Self::Boundary => "proofhouse.boundary",
        }
    }

    /// The rule that is evaluated, such as `data.proofhouse.release.decision`.
    #[must_use]
    pub fn rule(self) -> String {
        format!("data.{}.decision", self.package())
    }
}

impl fmt::Display for Entrypoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rule())
    }
}

/// How long one evaluation may take.
///
/// The limit is soft: the interpreter looks at the clock between steps, so one builtin call over a large
/// value runs to its end. The lint therefore keeps generators such as `numbers.range` out, and whoever
/// calls bounds the size of the input. Running into the limit denies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wall time of one evaluation.
    pub time: Duration,
    /// Interpreter steps between two looks at the clock.
    pub steps_per_check: NonZeroU32,
}

impl Default for Limits {
    fn default() -> Self {
        // The release gate needs some tens of milliseconds on a large input, and took two seconds in an
        // unoptimised build on a machine with seven times its load. Only a policy that does not end gets to ten.
        Self {
            time: Duration::from_secs(10),
            steps_per_check: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
        }
    }
}

/// Why a bundle is not taken into use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The lint found what must not be in a policy.
    #[error("the policy bundle is refused by its lint: {}", list(.0))]
    Refused(Vec<Finding>),
    /// A file does not parse.
    #[error("{file} does not parse: {reason}")]
    Syntax {
        /// The file inside the bundle.
        file: String,
        /// What the engine said, with line and column.
        reason: String,
    },
    /// A data document is unusable.
    #[error("the bundle's data cannot be used: {0}")]
    Data(String),
    /// An entry point fails when it is evaluated.
    #[error("{entrypoint} cannot be evaluated: {reason}")]
    Evaluation {
        /// The entry point.
        entrypoint: Entrypoint,
        /// What the engine said, or what was wrong with the answer.
        reason: String,
    },
    /// An entry point allows an input that holds nothing.
    #[error("{0} allows an empty input; a gate must deny what it was not shown")]
    AllowsNothing(Entrypoint),
    /// The engine cannot say which lines the tests reached.
    #[error("the coverage of the tests cannot be read: {0}")]
    Coverage(String),
}

fn list(findings: &[Finding]) -> String {
    let lines: Vec<String> =
        findings.iter().map(|f| format!("{}: {} ({})", f.place, f.message, f.rule)).collect();
    lines.join("; ")
}

/// A bundle that was linted, compiled and evaluated once. Cheap to ask from many threads at the same time.
pub struct Policy {
    engine: Engine,
    digest: Digest,
    revision: String,
    explanations: BTreeMap<(String, String), Explanation>,
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("digest", &self.digest).field("revision", &self.revision).finish()
    }
}

impl Policy {
    /// Compiles `bundle` with the default [`Limits`].
    ///
    /// Fails when the lint has a finding of severity high or more, a file does not parse, an entry point is
    /// missing or fails, or an empty input is allowed.
    pub fn compile(bundle: &Bundle) -> Result<Self, PolicyError> {
        Self::compile_with(bundle, Limits::default())
    }

    /// Compiles `bundle` with other limits.
    pub fn compile_with(bundle: &Bundle, limits: Limits) -> Result<Self, PolicyError> {
        let serious: Vec<Finding> =
            lint(bundle).into_iter().filter(|finding| finding.severity >= Severity::High).collect();
        if !serious.is_empty() {
            return Err(PolicyError::Refused(serious));
        }
        let mut engine = engine(bundle, bundle.policies(), limits)?;
        // Loading accepts files whose calls fail only when they are evaluated, so each gate is asked once.
        engine.set_input(Value::new_object());
        for entrypoint in Entrypoint::ALL {
            engine
                .eval_rule(entrypoint.rule())
                .map_err(|error| PolicyError::Evaluation { entrypoint, reason: error.to_string() })?;
        }
        let revision = bundle.manifest().and_then(Result::ok).map(|m| m.revision).unwrap_or_default();
        let policy =
            Self { engine, digest: bundle.digest(), revision, explanations: metadata::explanations(bundle) };
        for entrypoint in Entrypoint::ALL {
            let decision = policy.decide(entrypoint, &serde_json::json!({}));
            if decision.allow {
                return Err(PolicyError::AllowsNothing(entrypoint));
            }
            if let Some(reason) = decision.deny.iter().find(|r| r.code == "policy/undefined") {
                return Err(PolicyError::Evaluation { entrypoint, reason: reason.msg.clone() });
            }
        }
        Ok(policy)
    }

    /// Asks a gate.
    ///
    /// Always answers: an evaluation error, an undefined result, a decision that is malformed or that
    /// contradicts itself is a denial with the code `policy/undefined` (for the runtime gate, quarantine).
    /// There is no error to handle, so none can be handled as "go on".
    #[must_use]
    pub fn decide(&self, entrypoint: Entrypoint, input: &serde_json::Value) -> Decision {
        let mut asked = Asked {
            entrypoint,
            policy: self.digest,
            revision: &self.revision,
            input: Digest::of(&[]),
            explanations: &self.explanations,
        };
        if deeper_than(input, MAX_INPUT_DEPTH) {
            return asked.undefined(&format!("the input is nested deeper than {MAX_INPUT_DEPTH} levels"));
        }
        match canonical::digest(input) {
            Ok(digest) => asked.input = digest,
            Err(error) => return asked.undefined(&error.to_string()),
        }
        // The clone shares everything but the evaluation state.
        let mut engine = self.engine.clone();
        engine.set_input(Value::from(input.clone()));
        match engine.eval_rule(entrypoint.rule()) {
            Err(error) => asked.undefined(&error.to_string()),
            Ok(Value::Undefined) => asked.undefined("it is undefined for this input"),
            Ok(value) => match serde_json::to_value(&value) {
                Ok(value) => asked.read(value),
                Err(error) => asked.undefined(&error.to_string()),
            },
        }
    }

    /// Asks the gate that `input` is for.
    #[must_use]
    pub fn evaluate<I: PolicyInput>(&self, input: &I) -> Decision {
        // A value that JSON cannot say becomes null, and null is denied by every gate.
        let value = serde_json::to_value(input).unwrap_or(serde_json::Value::Null);
        self.decide(I::ENTRYPOINT, &value)
    }

    /// The digest of the bundle this was compiled from.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// What the bundle's manifest calls it.
    #[must_use]
    pub fn revision(&self) -> &str {
        &self.revision
    }

    /// What the rules' annotations say about a reason code of a gate.
    #[must_use]
    pub fn explain(&self, entrypoint: Entrypoint, code: &str) -> Option<&Explanation> {
        self.explanations.get(&(entrypoint.package().to_owned(), code.to_owned()))
    }

    /// Every explanation with its package and code.
    pub fn explanations(&self) -> impl Iterator<Item = (&str, &str, &Explanation)> {
        self.explanations.iter().map(|((package, code), e)| (package.as_str(), code.as_str(), e))
    }
}

/// An engine with some of the bundle's files loaded.
pub(crate) fn engine<'a>(
    bundle: &Bundle,
    files: impl Iterator<Item = (&'a str, &'a str)>,
    limits: Limits,
) -> Result<Engine, PolicyError> {
    let mut engine = Engine::new();
    engine.set_strict_builtin_errors(true);
    engine.set_execution_timer_config(ExecutionTimerConfig {
        limit: limits.time,
        check_interval: limits.steps_per_check,
    });
    for (name, text) in files {
        engine
            .add_policy(name.to_owned(), text.to_owned())
            .map_err(|error| PolicyError::Syntax { file: name.to_owned(), reason: error.to_string() })?;
    }
    let data = bundle.data().map_err(PolicyError::Data)?;
    engine.add_data(Value::from(data)).map_err(|error| PolicyError::Data(error.to_string()))?;
    Ok(engine)
}

/// Whether a value is nested deeper than `limit`, found without recursion.
fn deeper_than(value: &serde_json::Value, limit: usize) -> bool {
    let mut open = vec![(value, 1)];
    while let Some((value, depth)) = open.pop() {
        if depth > limit {
            return true;
        }
        match value {
            serde_json::Value::Array(items) => open.extend(items.iter().map(|v| (v, depth + 1))),
            serde_json::Value::Object(members) => open.extend(members.values().map(|v| (v, depth + 1))),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_shared_between_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Policy>();
    }

    /// The shipped bundle with the request gate replaced.
    fn with_request_gate(rego: &str) -> Result<Policy, PolicyError> {
        Policy::compile(&Bundle::shipped().overlaid(Bundle::from_files([("r.rego", rego)])))
    }

    fn denied(body: &str) -> Decision {
        let rego = format!(
            "package proofhouse.request\nimport rego.v1\n\
             refused := {{\"allow\": false, \"deny\": [{{\"code\": \"x\", \"msg\": \"m\", \"severity\": \"low\", \
             \"subject\": \"s\", \"waivable\": false}}], \"warn\": [], \"waived\": [], \"evidence\": []}}\n\
             granted := {{\"allow\": true, \"deny\": [], \"warn\": [], \"waived\": [], \"evidence\": []}}\n{body}"
        );
        let policy = with_request_gate(&rego).expect("the gate compiles");
        let decision = policy.decide(Entrypoint::Request, &serde_json::json!({"n": 1}));
        assert!(!decision.allow, "{decision:?}");
        decision
    }

    #[test]
    fn what_is_no_decision_denies() {
        let code = |body| denied(body).deny[0].code.clone();
        // Undefined for this input.
        assert_eq!(code("decision := refused if not input.n\n"), "policy/undefined");
        // Two answers at once.
        assert_eq!(
            code("decision := refused if not input.n == 2\ndecision := granted if input.n == 1\n"),
            "policy/undefined"
        );
        // A builtin that fails.
        assert_eq!(
            code(
                "decision := refused if not input.n\ndecision := granted if to_number(type_name(input.n)) == 1\n"
            ),
            "policy/undefined"
        );
        // Allow with a reason against it.
        assert_eq!(
            code(
                "decision := refused if not input.n\ndecision := object.union(refused, {\"allow\": true}) if input.n\n"
            ),
            "policy/undefined"
        );
        // Not a decision at all.
        assert_eq!(
            code("decision := refused if not input.n\ndecision := true if input.n\n"),
            "policy/undefined"
        );
        // An action is the runtime gate's word.
        assert_eq!(
            code(
                "decision := refused if not input.n\ndecision := object.union(granted, {\"action\": \"watch\"}) if input.n\n"
            ),
            "policy/undefined"
        );
    }

    #[test]
    fn a_gate_that_allows_nothing_shown_is_refused() {
        let rego = "package proofhouse.request\n\
            decision := {\"allow\": true, \"deny\": [], \"warn\": [], \"waived\": [], \"evidence\": []}\n";
        assert!(matches!(with_request_gate(rego), Err(PolicyError::AllowsNothing(Entrypoint::Request))));
    }

    #[test]
    fn a_gate_without_decision_is_refused() {
        let gate = with_request_gate("package proofhouse.request\nx := 1\n");
        assert!(
            matches!(gate, Err(PolicyError::Evaluation { entrypoint: Entrypoint::Request, .. })),
            "{gate:?}"
        );
    }

    #[test]
    fn recursion_is_refused_and_does_not_abort() {
        let gate = with_request_gate(
            "package proofhouse.request\nimport rego.v1\nx if y\ny if x\ndecision := {} if x\n",
        );
        assert!(matches!(gate, Err(PolicyError::Evaluation { .. })), "{gate:?}");
    }

    #[test]
    fn a_file_that_does_not_parse_is_named() {
        let gate = with_request_gate("package proofhouse.request\ndecision := {\n");
        assert!(matches!(&gate, Err(PolicyError::Refused(f)) if f[0].place.path == "r.rego"), "{gate:?}");
    }

    #[test]
    fn an_evaluation_that_does_not_end_denies() {
        let rego = "package proofhouse.request\nimport rego.v1\n\
            refused := {\"allow\": false, \"deny\": [{\"code\": \"x\", \"msg\": \"m\", \"severity\": \"low\", \
            \"subject\": \"s\", \"waivable\": false}], \"warn\": [], \"waived\": [], \"evidence\": []}\n\
            decision := refused if not input.rows\n\
            decision := {\"allow\": true, \"deny\": [], \"warn\": [], \"waived\": [], \"evidence\": []} if {\n\
            \tcount([1 | some a in input.rows; some b in input.rows; some c in input.rows; a + b + c > 0]) > 0\n}\n";
        let bundle = Bundle::shipped().overlaid(Bundle::from_files([("r.rego", rego)]));
        let limits = Limits { time: Duration::from_millis(400), ..Limits::default() };
        let policy = Policy::compile_with(&bundle, limits).unwrap();
        let rows: Vec<u32> = (0..2000).collect();
        let started = std::time::Instant::now();
        let decision = policy.decide(Entrypoint::Request, &serde_json::json!({ "rows": rows }));
        assert_eq!(decision.deny[0].code, "policy/undefined");
        assert!(started.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn deep_inputs_are_refused_before_the_engine_sees_them() {
        let policy = Policy::compile(&Bundle::shipped()).unwrap();
        let mut deep = serde_json::json!(1);
        for _ in 0..100 {
            deep = serde_json::json!([deep]);
        }
        let decision = policy.decide(Entrypoint::Release, &serde_json::json!({ "request": deep }));
        assert_eq!(decision.deny[0].code, "policy/undefined");
    }

    #[test]
    fn a_site_adds_denials_and_takes_none_away() {
        let site = "package proofhouse.site\nimport rego.v1\nimport data.proofhouse.reason\n\
            request contains reason.final(\"site/closed\", \"low\", \"x\", \"closed on Sundays\")\n";
        let policy =
            Policy::compile(&Bundle::shipped().overlaid(Bundle::from_files([("site.rego", site)]))).unwrap();
        let input: serde_json::Value = serde_json::to_value(crate::input::request::tests::good()).unwrap();
        let decision = policy.decide(Entrypoint::Request, &input);
        assert_eq!(decision.deny[0].code, "site/closed");
        assert!(decision.revision.ends_with("+local"));
    }
}
