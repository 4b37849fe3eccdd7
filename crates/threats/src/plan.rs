//! From threats that apply to the tests that would settle them.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::Reference;
use proofhouse_system::{EvasionCriterion, FairnessCheck, Model, Probability, System, ThreatId};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{Answers, Applicability, Automation, Catalogue, Check, Derivation, Stage, TestSpec};

/// Selection rates that lie further apart count as adverse impact (29 CFR 1607.4(D)).
const FOUR_FIFTHS: f64 = 0.8;

/// A test that a threat calls for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedTest {
    /// The threat.
    pub threat: ThreatId,
    /// The finding it would settle.
    pub finding_id: String,
    /// Its kind, such as `evasion-blackbox`.
    pub test: String,
    /// The check that runs it; absent where this version has none, and the threat stays open.
    pub check: Option<Check>,
    /// How far that check answers it.
    pub answers: Option<Answers>,
    /// How far it runs without a person.
    pub automation: Automation,
    /// When it runs.
    pub stage: Stage,
    /// The method in words, and over it what the system file sets.
    pub parameters: Value,
    /// What it has to show.
    pub criterion: String,
    /// What kind of evidence it leaves.
    pub evidence: String,
    /// RMF subcategories it is evidence for.
    pub rmf: Vec<Reference>,
    /// The gate that asks for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// What is watched at run time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_signal: Option<String>,
}

/// All tests that one run of a check answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedCheck {
    /// The check.
    pub check: Check,
    /// Earliest stage that needs it.
    pub stage: Stage,
    /// Threats it answers to.
    pub threats: Vec<ThreatId>,
    /// Kinds of test it answers.
    pub tests: Vec<String>,
    /// Gates that ask for it.
    pub gates: Vec<String>,
    /// Its parameters in the system file; null where there are none.
    pub parameters: Value,
    /// What it has to show.
    pub criteria: Vec<String>,
}

/// How far one edition of a framework is reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Framework.
    pub framework: String,
    /// Edition.
    pub version: String,
    /// Entries that threats which apply, or the tests of those, refer to.
    pub addressed: Vec<String>,
    /// Those of them for which this plan will leave evidence.
    pub evidenced: Vec<String>,
    /// Number of entries of that edition, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<usize>,
}

/// The test plan.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    /// One for each test of each threat that applies, by threat.
    pub tests: Vec<PlannedTest>,
    /// The same, by the check that runs them.
    pub checks: Vec<PlannedCheck>,
    /// Threats that apply and for which this plan runs nothing.
    pub untested: Vec<ThreatId>,
    /// How far frameworks are reached.
    pub coverage: Vec<Coverage>,
}

/// The tests of every threat that applies. Threats that are unknown are questions first.
#[must_use]
pub fn test_plan(derivation: &Derivation, system: &System, catalogue: &Catalogue) -> Plan {
    let mut tests = Vec::new();
    for threat in derivation.with(Applicability::Applies) {
        for spec in catalogue.tests_of(&threat.id) {
            let can = spec.check.filter(|(check, _)| has_what_it_asks(*check, system));
            let (check, answers) = can.map_or((None, None), |(c, a)| (Some(c), Some(a)));
            tests.push(PlannedTest {
                threat: threat.id.clone(),
                finding_id: threat.finding_id.clone(),
                test: spec.test.clone(),
                check,
                answers,
                automation: spec.automation,
                stage: spec.stage,
                parameters: parameters(spec, check, system),
                criterion: criterion(spec, check, system),
                evidence: spec.evidence.clone(),
                rmf: spec.rmf.clone(),
                gate: spec.gate.clone(),
                runtime_signal: spec.runtime_signal.clone(),
            });
        }
    }
    let run: BTreeSet<&ThreatId> = tests.iter().filter(|t| t.check.is_some()).map(|t| &t.threat).collect();
    let untested = derivation
        .with(Applicability::Applies)
        .map(|t| &t.id)
        .filter(|id| !run.contains(id))
        .cloned()
        .collect();
    let (checks, coverage) = (by_check(&tests, system), coverage(&tests, derivation, catalogue));
    Plan { tests, checks, untested, coverage }
}

/// Whether the system has what a check cannot do without.
fn has_what_it_asks(check: Check, system: &System) -> bool {
    // What asks a model for rows has nothing to ask one that writes.
    let rows = !(check.asks_rows() && system.model.as_ref().is_some_and(Model::writes));
    let checks = &system.checks;
    let told = match check {
        // Who belongs to which group can only be told by whoever knows the people.
        Check::Fairness => checks.fairness.is_some(),
        Check::Segments => checks.segments.is_some(),
        Check::Sources => checks.sources.is_some(),
        // So can which rows the suspects could not write, and how much of somebody else's work is too much.
        Check::Poisoning => checks.poisoning.is_some(),
        Check::Reprogramming => checks.reprogramming.is_some(),
        _ => true,
    };
    rows && told
}

/// The check's part of the system file; null where it has none.
fn settings(check: Check, system: &System) -> Value {
    let value = match check {
        Check::Scan => serde_json::to_value(&system.checks.scan),
        Check::Dataset => serde_json::to_value(&system.checks.dataset),
        Check::LabelNoise => serde_json::to_value(&system.checks.label_noise),
        Check::Performance => serde_json::to_value(&system.checks.performance),
        Check::Evasion => serde_json::to_value(&system.checks.evasion),
        Check::Drift => serde_json::to_value(&system.checks.drift),
        Check::Recall => serde_json::to_value(&system.requirements.recall),
        Check::Injection => serde_json::to_value(&system.checks.injection),
        Check::ConstrainedEvasion => serde_json::to_value(&system.checks.constrained_evasion),
        Check::Extraction => serde_json::to_value(&system.checks.extraction),
        Check::Membership => serde_json::to_value(&system.checks.membership),
        Check::Inversion => serde_json::to_value(&system.checks.inversion),
        Check::Property => serde_json::to_value(&system.checks.property),
        Check::Latency => serde_json::to_value(&system.checks.latency),
        Check::Backdoor => serde_json::to_value(&system.checks.backdoor),
        Check::Fairness => serde_json::to_value(&system.checks.fairness),
        Check::Poisoning => serde_json::to_value(&system.checks.poisoning),
        Check::Segments => serde_json::to_value(&system.checks.segments),
        Check::Sources => serde_json::to_value(&system.checks.sources),
        Check::Reprogramming => serde_json::to_value(&system.checks.reprogramming),
        Check::Loss => {
            serde_json::to_value(system.risk.as_ref().map(|r| json!({"seed": r.seed, "years": r.years})))
        }
        Check::Bom
        | Check::Signature
        | Check::Coverage
        | Check::Access
        | Check::Audit
        | Check::Context
        | Check::Calibration => Ok(Value::Null),
    };
    // These types are plain data and always have a JSON form.
    value.unwrap_or(Value::Null)
}

fn parameters(spec: &TestSpec, check: Option<Check>, system: &System) -> Value {
    let mut merged = Map::from_iter([("method".to_owned(), Value::from(spec.parameters.as_str()))]);
    if let Some(Value::Object(set)) = check.map(|c| settings(c, system)) {
        merged.extend(set.into_iter().filter(|(_, v)| !v.is_null()));
    }
    Value::Object(merged)
}

/// The criterion the system file sets, or else the catalogue's.
fn criterion(spec: &TestSpec, check: Option<Check>, system: &System) -> String {
    let set = match check {
        Some(Check::Performance) => performance(system),
        Some(Check::Evasion) => evasion(system),
        Some(Check::ConstrainedEvasion) => system
            .checks
            .constrained_evasion
            .as_ref()
            .map(|c| format!("share of rows that get through: upper bound <= {}", c.max_rate.get())),
        Some(Check::Extraction) => {
            system.checks.extraction.as_ref().and_then(|c| c.max_fidelity).map(|most| {
                format!(
                    "agreement of copy and model at the queries that the limits allow: upper bound <= {}",
                    most.get()
                )
            })
        }
        Some(Check::Fairness) => system.checks.fairness.as_ref().map(fairness),
        Some(Check::LabelNoise) => system
            .checks
            .label_noise
            .as_ref()
            .map(|l| format!("estimated share of wrong labels <= {}", l.max_rate.get())),
        Some(Check::Injection) => system.requirements.injection.map(|r| {
            format!(
                "attack success of each family: upper {:.0} % bound <= {}; {}",
                r.confidence.get() * 100.0,
                r.max_success_rate.get(),
                spec.criterion
            )
        }),
        Some(Check::Drift) => system.false_alarms_per_year().map(|a| format!("false alarms a year <= {a}")),
        Some(Check::Recall) => system
            .requirements
            .recall
            .as_ref()
            .map(|r| format!("no instance serves the digest after {} s", r.objective_seconds.get())),
        _ => None,
    };
    set.unwrap_or_else(|| spec.criterion.clone())
}

fn performance(system: &System) -> Option<String> {
    let floors: Vec<String> = system
        .requirements
        .performance
        .iter()
        .map(|f| {
            let metric = crate::rules::word(&f.metric);
            let per = match f.per {
                proofhouse_system::Slice::All => "",
                proofhouse_system::Slice::Class => " of each class",
            };
            format!("{metric}{per}: lower {:.0} % bound >= {}", f.confidence.get() * 100.0, f.floor.get())
        })
        .collect();
    (!floors.is_empty()).then(|| floors.join("; "))
}

fn evasion(system: &System) -> Option<String> {
    let check = system.checks.evasion.as_ref()?;
    let bound = match system.evasion_criterion()? {
        EvasionCriterion::MaxSuccessRate(rate) => ("attack success: upper", "<=", rate),
        EvasionCriterion::MinRobustAccuracy(floor) => ("accuracy under attack: lower", ">=", floor),
    };
    Some(format!(
        "{} {:.0} % bound {} {} at {} {} with {} queries",
        bound.0,
        check.confidence.get() * 100.0,
        bound.1,
        bound.2,
        crate::rules::word(&check.norm),
        check.eps.get(),
        check.queries.get()
    ))
}

fn fairness(check: &FairnessCheck) -> String {
    let ratio = check.min_ratio.map_or(FOUR_FIFTHS, Probability::get);
    let least =
        format!("ratio of selection rates of every pair of groups within [{ratio}, {:.2}]", 1.0 / ratio);
    let gap = check.max_gap.map_or_else(
        || "error gap <= a tolerance that the system file does not state".to_owned(),
        |gap| format!("error gap of every pair: upper end <= {}", gap.get()),
    );
    if check.favourable.is_some() { format!("{least}; {gap}") } else { gap }
}

fn by_check(tests: &[PlannedTest], system: &System) -> Vec<PlannedCheck> {
    let mut groups: BTreeMap<Check, Vec<&PlannedTest>> = BTreeMap::new();
    for test in tests {
        if let Some(check) = test.check {
            groups.entry(check).or_default().push(test);
        }
    }
    groups
        .into_iter()
        .filter_map(|(check, tests)| {
            let distinct = |of: fn(&PlannedTest) -> Option<&String>| -> Vec<String> {
                tests.iter().filter_map(|t| of(t)).cloned().collect::<BTreeSet<_>>().into_iter().collect()
            };
            Some(PlannedCheck {
                check,
                stage: tests.iter().map(|t| t.stage).min()?,
                threats: tests
                    .iter()
                    .map(|t| t.threat.clone())
                    .collect::<BTreeSet<_>>()
                    .into_iter()
                    .collect(),
                tests: distinct(|t| Some(&t.test)),
                gates: distinct(|t| t.gate.as_ref()),
                parameters: settings(check, system),
                criteria: distinct(|t| Some(&t.criterion)),
            })
        })
        .collect()
}

fn coverage(tests: &[PlannedTest], derivation: &Derivation, catalogue: &Catalogue) -> Vec<Coverage> {
    // What a test that only answers in part leaves behind is evidence all the same.
    let run: BTreeSet<&ThreatId> = tests.iter().filter(|t| t.check.is_some()).map(|t| &t.threat).collect();
    let mut reached: BTreeMap<(String, String), (BTreeSet<String>, BTreeSet<String>)> = BTreeMap::new();
    let mut note = |reference: &Reference, evidenced: bool| {
        let key = (reference.framework().to_owned(), reference.version().to_owned());
        let entry = reached.entry(key).or_default();
        entry.0.insert(reference.id().to_owned());
        if evidenced {
            entry.1.insert(reference.id().to_owned());
        }
    };
    for threat in derivation.with(Applicability::Applies) {
        for reference in &threat.references {
            note(reference, run.contains(&threat.id));
        }
    }
    for test in tests {
        for reference in &test.rmf {
            note(reference, test.check.is_some());
        }
    }
    reached
        .into_iter()
        .map(|((framework, version), (addressed, evidenced))| Coverage {
            of: catalogue.size_of(&framework, &version),
            framework,
            version,
            addressed: addressed.into_iter().collect(),
            evidenced: evidenced.into_iter().collect(),
        })
        .collect()
}
