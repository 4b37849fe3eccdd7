//! The cheque reader: what comes out, that it comes out the same twice, and that forgetting removes nothing.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use proofhouse_core::{Freshness, StaleReason, ThreatState, Timestamp, Verdict};
use proofhouse_system::{System, ThreatId};
use proofhouse_threats::{
    Applicability, Catalogue, Check, Derivation, EvidenceItem, Plan, PlannedTest, SignalRaised, assess_state,
    derive, test_plan,
};
use serde_json::Value;

fn text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cheque-reader/proofhouse.yaml");
    std::fs::read_to_string(path).unwrap()
}

fn system() -> System {
    System::parse("proofhouse.yaml", &text()).unwrap_or_else(|e| panic!("{e}"))
}

fn id(text: &str) -> ThreatId {
    text.parse().unwrap()
}

fn all() -> (System, Catalogue, Derivation, Plan) {
    let (system, catalogue) = (system(), Catalogue::embedded().unwrap());
    let derivation = derive(&system, &catalogue).unwrap();
    let plan = test_plan(&derivation, &system, &catalogue);
    (system, catalogue, derivation, plan)
}

#[test]
fn summary() {
    let (_, _, derivation, plan) = all();
    let mut out = String::new();
    for (title, kind) in [
        ("applies", Applicability::Applies),
        ("unknown", Applicability::Unknown),
        ("unsupported", Applicability::Unsupported),
        ("not applicable", Applicability::NotApplicable),
    ] {
        let ids: Vec<&str> = derivation.with(kind).map(|t| t.id.as_str()).collect();
        out += &format!("{title}: {}\n  {}\n", ids.len(), ids.join(" "));
    }
    out += "questions\n";
    for q in &derivation.questions {
        let ids: Vec<&str> = q.decides.iter().map(ThreatId::as_str).collect();
        out += &format!("  {} [{}]\n", q.text, ids.join(" "));
    }
    out += "checks\n";
    for c in &plan.checks {
        let ids: Vec<&str> = c.threats.iter().map(ThreatId::as_str).collect();
        out += &format!("  {:?} ({}): {}\n", c.check, ids.join(" "), c.criteria.join(" | "));
    }
    out += "coverage\n";
    for c in &plan.coverage {
        let of = c.of.map(|n| format!(" of {n}")).unwrap_or_default();
        let (addressed, evidenced) = (c.addressed.len(), c.evidenced.len());
        out +=
            &format!("  {}@{}: {addressed} addressed, {evidenced} evidenced{of}\n", c.framework, c.version);
    }
    insta::assert_snapshot!(out);
}

/// What a person reads of the threats that depend on who can reach what.
#[test]
fn proofs() {
    let (_, _, derivation, _) = all();
    let mut out = String::new();
    for name in
        ["DAT-01", "DAT-04", "MOD-01", "MOD-02", "MOD-03", "SUP-02", "SUP-05", "INF-05", "INF-11", "STR-01"]
    {
        let t = derivation.threat(&id(name)).unwrap();
        out += &format!("{} {}: {}\n  {}\n", t.finding_id, t.name, t.applicability, t.meaning);
        for f in &t.proof.facts {
            out += &format!("  {}: {} (line {})\n", f.path, f.value, f.line.unwrap_or_default());
        }
        if !t.proof.path.is_empty() {
            out += &format!("  way: {}\n", t.proof.path.join(" > "));
        }
        for c in &t.proof.would_change {
            out += &format!("  ends with {}: {}\n", c.path, c.to);
        }
        for m in &t.missing {
            out += &format!("  not stated: {m}\n");
        }
        for c in &t.claims {
            out += &format!("  claimed {}: {}\n", c.path, c.value);
        }
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_proof_names_facts_lines_and_the_way() {
    let (_, _, derivation, _) = all();
    let threat = derivation.threat(&id("DAT-03")).unwrap();
    assert_eq!(threat.applicability, Applicability::Applies);
    let text = text();
    for fact in threat.proof.facts.iter().filter(|f| f.path.starts_with("actors[")) {
        let line = usize::try_from(fact.line.unwrap()).unwrap();
        let written = text.lines().nth(line - 1).unwrap();
        assert!(written.contains(fact.value.trim_matches(['[', ']'])), "{fact:?}: {written}");
    }
    // What is on a cheque comes back as a training record through the clerks' corrections.
    let way = ["branch-scanner", "gateway", "crediting", "review-desk", "corrections", "training-set"];
    assert_eq!(threat.proof.path, way);
    assert_eq!(
        threat.finding_id,
        "DAT-03@branch-scanner+corrections+crediting+gateway+review-desk+training-set"
    );
}

#[test]
fn findings_keep_their_ids_when_the_file_is_rearranged() {
    let (_, catalogue, before, _) = all();
    let mut value = serde_json::to_value(system()).unwrap();
    for list in ["components", "flows", "actors", "datasets"] {
        value[list].as_array_mut().unwrap().reverse();
    }
    value["system"]["name"] = "Another name".into();
    let after = derive(&System::parse("p.yaml", &value.to_string()).unwrap(), &catalogue).unwrap();
    for (a, b) in before.threats.iter().zip(&after.threats) {
        assert_eq!((&a.finding_id, a.applicability), (&b.finding_id, b.applicability));
    }
}

#[test]
fn same_input_same_bytes() {
    let write = || {
        let (_, _, derivation, plan) = all();
        (serde_json::to_vec(&derivation).unwrap(), serde_json::to_vec(&plan).unwrap())
    };
    assert_eq!(write(), write());
}

#[test]
fn the_example_refers_to_nothing_unknown() {
    let (_, _, derivation, _) = all();
    assert!(derivation.warnings.is_empty(), "{:#?}", derivation.warnings);
    let bad = text().replace("evidence: [recall-drill]", "evidence: [recall-dril]");
    let system = System::parse("p.yaml", &bad).unwrap();
    let derivation = derive(&system, &Catalogue::embedded().unwrap()).unwrap();
    assert_eq!(derivation.warnings.len(), 1);
    assert!(derivation.warnings[0].message.contains("recall-dril"));
}

/// Every place of the document that holds a single fact: a scalar or a list of scalars.
fn facts(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((pointer, value)) = open.pop() {
        match value {
            Value::Object(map) => open.extend(map.iter().map(|(k, v)| (format!("{pointer}/{k}"), v))),
            Value::Array(items) if items.iter().any(|i| i.is_object()) => {
                open.extend(items.iter().enumerate().map(|(i, v)| (format!("{pointer}/{i}"), v)));
            }
            Value::Null => {}
            _ => found.push(pointer),
        }
    }
    found.sort();
    found
}

#[test]
fn forgetting_any_single_fact_never_rules_a_threat_out() {
    let (_, catalogue, before, _) = all();
    let value = serde_json::to_value(system()).unwrap();
    let mut tried = 0;
    for pointer in facts(&value) {
        let mut forgotten = value.clone();
        *forgotten.pointer_mut(&pointer).unwrap() = Value::Null;
        // A required key cannot be forgotten: the file is refused, which is no silence either. (Without
        // text there are no places, which nothing here asks for.)
        let Ok(system) = serde_json::from_value::<System>(forgotten) else { continue };
        tried += 1;
        let after = derive(&system, &catalogue).unwrap();
        for (a, b) in before.threats.iter().zip(&after.threats) {
            if a.applicability != Applicability::NotApplicable {
                assert_ne!(
                    b.applicability,
                    Applicability::NotApplicable,
                    "{} is gone without {pointer}",
                    a.id
                );
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[test]
fn each_boolean_a_proof_says_would_end_it_does() {
    let (_, catalogue, before, _) = all();
    let value = serde_json::to_value(system()).unwrap();
    let mut tried = 0;
    for threat in before.with(Applicability::Applies) {
        for change in threat.proof.would_change.iter().filter(|c| ["true", "false"].contains(&c.to.as_str()))
        {
            let mut changed = value.clone();
            *at(&mut changed, &change.path) = Value::Bool(change.to == "true");
            let system = System::parse("p.yaml", &changed.to_string()).unwrap_or_else(|e| panic!("{e}"));
            let after = derive(&system, &catalogue).unwrap();
            let now = after.threat(&threat.id).unwrap().applicability;
            assert_ne!(now, Applicability::Applies, "{} after {change:?}", threat.id);
            tried += 1;
        }
    }
    assert!(tried > 10, "{tried}");
}

/// The value at a path such as `datasets[train].third_party`.
fn at<'v>(value: &'v mut Value, path: &str) -> &'v mut Value {
    let (list, rest) = path.split_once('[').unwrap_or((path, ""));
    if rest.is_empty() {
        return value.pointer_mut(&format!("/{}", list.replace('.', "/"))).unwrap();
    }
    let (id, key) = rest.split_once("].").unwrap();
    let items = value[list].as_array_mut().unwrap();
    items.iter_mut().find(|i| i["id"] == id).unwrap().get_mut(key).unwrap()
}

#[test]
fn a_claim_removes_nothing() {
    let (_, catalogue, before, _) = all();
    let start = text().find("\ncontrols:").unwrap();
    let end = text().find("# What calibrated people expect").unwrap();
    let mut without = text();
    without.replace_range(start..end, "\n");
    let after = derive(&System::parse("p.yaml", &without).unwrap(), &catalogue).unwrap();
    for (a, b) in before.threats.iter().zip(&after.threats) {
        assert_eq!(a.applicability, b.applicability, "{}", a.id);
        assert!(b.claims.iter().all(|c| !c.path.starts_with("controls[")));
    }
    // Nor does what a part says of itself, or its silence.
    let bold = text().replace("authenticated: false", "authenticated: true");
    let meek = text().replace("encrypted: true", "encrypted: false");
    for changed in [bold, meek] {
        let after = derive(&System::parse("p.yaml", &changed).unwrap(), &catalogue).unwrap();
        let crossing = after.threat(&id("INF-05")).unwrap();
        assert_eq!(crossing.applicability, Applicability::Applies);
        assert!(crossing.claims.iter().any(|c| c.path == "flows[digit-archive->training-set].encrypted"));
    }
    let evasion = before.threat(&id("MOD-02")).unwrap();
    assert!(evasion.claims[0].value.contains("stands on evasion-whitebox, evasion-blackbox"));
}

#[test]
fn the_plan_takes_parameters_and_criterion_from_the_system_file() {
    let (_, _, _, plan) = all();
    let evasion = plan.tests.iter().find(|t| t.test == "evasion-blackbox").unwrap();
    assert_eq!(evasion.check, Some(Check::Evasion));
    assert_eq!(evasion.parameters["queries"], 1000);
    assert_eq!(evasion.parameters["box"]["high"], 1.0);
    assert!(evasion.parameters["method"].as_str().unwrap().contains("query budget"));
    assert_eq!(evasion.criterion, "attack success: upper 95 % bound <= 0.3 at linf 0.1 with 1000 queries");
    let scan = plan.checks.iter().find(|c| c.check == Check::Scan).unwrap();
    assert_eq!(scan.gates, ["release/artifact-scan-clean"]);
    // A threat for which nothing can be run is said to be untested: nobody knows who wrote the digits.
    assert!(plan.untested.contains(&id("MOD-11")));
    let grouped = text()
        .replace("\nchecks:\n", "\nchecks:\n  fairness: { groups: [{ column: writer }], max_gap: 0.1 }\n");
    let system = System::parse("p.yaml", &grouped).unwrap();
    let catalogue = Catalogue::embedded().unwrap();
    let grouped = test_plan(&derive(&system, &catalogue).unwrap(), &system, &catalogue);
    assert!(!grouped.untested.contains(&id("MOD-11")));
    let fairness = grouped.tests.iter().find(|t| t.test == "group-fairness").unwrap();
    assert_eq!(fairness.check, Some(Check::Fairness));
    assert_eq!(fairness.criterion, "error gap of every pair: upper end <= 0.1");
    let rmf = plan.coverage.iter().find(|c| c.framework == "NIST-RMF").unwrap();
    assert_eq!(rmf.of, Some(72));
}

fn result(test: &str, verdict: Verdict, finished: i64) -> EvidenceItem {
    let finished = Timestamp::from_unix_ms(finished);
    EvidenceItem { test: test.to_owned(), verdict, freshness: Freshness::Fresh, finished }
}

#[test]
fn the_life_of_a_threat() {
    let (system, catalogue, derivation, plan) = all();
    let now = Timestamp::from_unix_ms(1_000);
    let state = |threat: &str, evidence: &[EvidenceItem], signals: &[SignalRaised]| {
        let threat = derivation.threat(&id(threat)).unwrap();
        assess_state(threat, &plan.tests, evidence, signals, &[], &catalogue, now).state
    };
    let drift = SignalRaised { kind: "drift".to_owned(), at: Timestamp::from_unix_ms(500) };
    let advisory = SignalRaised { kind: "advisory".to_owned(), ..drift.clone() };
    let pass = |at| result("drift-monitor", Verdict::Pass, at);

    assert_eq!(state("MOD-13", &[], &[]), ThreatState::Open);
    assert_eq!(state("MOD-13", &[result("drift-monitor", Verdict::Unknown, 1)], &[]), ThreatState::Open);
    assert_eq!(state("MOD-13", &[pass(1)], &[]), ThreatState::Controlled);
    assert_eq!(
        state("MOD-13", &[pass(1), result("drift-monitor", Verdict::Fail, 2)], &[]),
        ThreatState::Open
    );
    assert_eq!(
        state("MOD-13", &[result("drift-monitor", Verdict::Fail, 1), pass(2)], &[]),
        ThreatState::Controlled
    );
    // A signal makes what was shown before it stale, and only for the threats it is about.
    assert_eq!(state("MOD-13", &[pass(1)], std::slice::from_ref(&drift)), ThreatState::Stale);
    assert_eq!(state("MOD-13", &[pass(501)], std::slice::from_ref(&drift)), ThreatState::Controlled);
    assert_eq!(state("MOD-13", &[pass(1)], std::slice::from_ref(&advisory)), ThreatState::Controlled);
    // Another model, and the old evidence speaks of another world.
    let changed = EvidenceItem { freshness: Freshness::Stale(vec![StaleReason::Subject]), ..pass(1) };
    assert_eq!(state("MOD-13", &[changed], &[]), ThreatState::Stale);
    // Half an answer fails the threat but does not settle it.
    assert_eq!(state("DAT-09", &[result("leakage-scan", Verdict::Pass, 1)], &[]), ThreatState::Open);
    assert_eq!(state("STR-08", &[], &[]), ThreatState::NotApplicable);
    assert_eq!(state("STR-29", &[], &[]), ThreatState::Unknown);
    drop(system);
}

#[test]
fn an_acceptance_holds_from_its_day_to_its_end() {
    let (_, catalogue, derivation, plan) = all();
    let threat = derivation.threat(&id("DAT-14")).unwrap();
    let acceptance = proofhouse_system::Acceptance {
        threat: id("DAT-14"),
        by: "Chief operating officer".to_owned(),
        reason: "a public benchmark, for the pilot".to_owned(),
        accepted: "2026-11-22".parse().unwrap(),
        until: "2027-05-22".parse().unwrap(),
    };
    let at = |day: &str| {
        let accepted = std::slice::from_ref(&acceptance);
        assess_state(threat, &plan.tests, &[], &[], accepted, &catalogue, day.parse().unwrap())
    };
    assert_eq!(at("2026-11-21").state, ThreatState::Open);
    let accepted = at("2026-11-22");
    assert_eq!(accepted.state, ThreatState::Accepted);
    assert!(accepted.reasons[0].starts_with("accepted by Chief operating officer until 2027-05-22"));
    assert!(accepted.reasons.len() > 1, "why it is open stays said");
    assert_eq!(at("2027-05-22").state, ThreatState::Open);
}

#[test]
fn every_planned_test_belongs_to_a_threat_that_applies() {
    let (_, catalogue, derivation, plan) = all();
    let applies =
        |t: &&PlannedTest| derivation.threat(&t.threat).unwrap().applicability == Applicability::Applies;
    assert_eq!(plan.tests.iter().filter(applies).count(), plan.tests.len());
    for threat in derivation.with(Applicability::Applies) {
        let planned = plan.tests.iter().filter(|t| t.threat == threat.id).count();
        assert_eq!(planned, catalogue.tests_of(&threat.id).count(), "{}", threat.id);
    }
}
