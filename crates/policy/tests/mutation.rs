//! Fail-closed by construction: take any one key out of an input that a gate allows, or put null or
//! another type in its place, and the gate denies. In Rego a rule over an absent key says nothing, so this
//! is the hole through which an unsigned model passes a gate whose author forgot one `not`.
#![allow(clippy::unwrap_used, reason = "a test that cannot build its input fails")]

mod inputs;

use proofhouse_policy::{Action, Bundle, Decision, Entrypoint, Policy};
use serde_json::{Value, json};

/// Keys that an input may lack. There are none, and it stays so.
const OPTIONAL: &[&str] = &[];

fn shipped() -> Policy {
    Policy::compile(&Bundle::shipped()).unwrap()
}

fn good_inputs() -> Vec<(Entrypoint, Value)> {
    vec![
        (Entrypoint::Release, serde_json::to_value(inputs::release()).unwrap()),
        (Entrypoint::Deploy, serde_json::to_value(inputs::deploy()).unwrap()),
        (Entrypoint::Runtime, serde_json::to_value(inputs::runtime()).unwrap()),
        (Entrypoint::Request, serde_json::to_value(inputs::request()).unwrap()),
        (Entrypoint::Boundary, serde_json::to_value(inputs::boundary()).unwrap()),
    ]
}

#[test]
fn the_good_inputs_are_allowed() {
    let policy = shipped();
    for (gate, input) in good_inputs() {
        let decision = policy.decide(gate, &input);
        assert!(decision.allow, "{gate}: {:#?}", decision.deny);
        assert!(decision.warn.is_empty(), "{gate}: {:#?}", decision.warn);
    }
}

#[test]
fn deleting_any_key_denies() {
    let policy = shipped();
    for (gate, input) in good_inputs() {
        let mut tried = 0;
        for place in places(&input).into_iter().filter(|place| is_key(&input, place)) {
            let mut mutant = input.clone();
            delete(&mut mutant, &place);
            if OPTIONAL.contains(&place.as_str()) {
                continue;
            }
            assert_denied(&policy.decide(gate, &mutant), &format!("{place} deleted"));
            tried += 1;
        }
        assert!(tried > 10, "{gate}: {tried}");
    }
}

#[test]
fn null_and_other_types_deny() {
    let policy = shipped();
    for (gate, input) in good_inputs() {
        for place in places(&input) {
            let original = input.pointer(&place).unwrap();
            for value in [json!(null), other_kind(original)] {
                let mut mutant = input.clone();
                *mutant.pointer_mut(&place).unwrap() = value.clone();
                assert_denied(&policy.decide(gate, &mutant), &format!("{place} replaced by {value}"));
            }
        }
    }
}

#[test]
fn turning_any_fact_round_denies() {
    let policy = shipped();
    // Facts whose other side is not worse: an input may have them either way.
    let neutral = [
        "/system/has_fallback",
        "/signal/details/alarm",
        "/arguments/0/known",
        "/arguments/0/private",
        "/arguments/0/untrusted",
        "/guard/enforced",
        "/guard/attachments_pass",
    ];
    for (gate, input) in good_inputs() {
        for place in places(&input) {
            let Some(&Value::Bool(fact)) = input.pointer(&place) else { continue };
            // A threat without an automatic test is a person's to answer; the gate warns.
            if neutral.contains(&place.as_str()) || place.ends_with("/automatic") {
                continue;
            }
            let mut mutant = input.clone();
            *mutant.pointer_mut(&place).unwrap() = json!(!fact);
            assert_denied(&policy.decide(gate, &mutant), &format!("{place} turned to {}", !fact));
        }
    }
}

#[test]
fn emptying_any_needed_list_denies() {
    let policy = shipped();
    // The third threat is waived, whatever is wrong with its tests.
    let waived = "/threat_model/threats/2/required_checks";
    let mut may_be_empty = vec!["/recalled", "/instances", "/signal/details/columns", waived];
    // What hides nothing may still be found.
    may_be_empty.push("/guard/hits/0/alarms");
    // A call without arguments; labels and paths only explain.
    may_be_empty.extend(["/arguments", "/context/labels", "/builtin/reasons/0/path"]);
    for (gate, input) in good_inputs() {
        for place in places(&input) {
            let Some(Value::Array(items)) = input.pointer(&place) else { continue };
            if items.is_empty() || may_be_empty.contains(&place.as_str()) {
                continue;
            }
            let mut mutant = input.clone();
            *mutant.pointer_mut(&place).unwrap() = json!([]);
            assert_denied(&policy.decide(gate, &mutant), &format!("{place} emptied"));
        }
    }
}

#[test]
fn numbers_json_cannot_say_deny() {
    let mut input = inputs::release();
    input.evidence[1].measurements[0].low = f64::NAN;
    assert!(!shipped().evaluate(&input).allow);
    let mut input = inputs::runtime();
    input.system.value_at_risk = f64::INFINITY;
    assert_eq!(shipped().evaluate(&input).action, Some(Action::Quarantine));
}

#[test]
fn decisions_are_explained_and_repeatable() {
    let mut input = inputs::release();
    input.signature.verified = false;
    let policy = shipped();
    let (one, two) = (policy.evaluate(&input), policy.evaluate(&input));
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&two).unwrap());
    assert_eq!(one.deny[0].code, "signature/invalid");
    assert!(!one.deny[0].title.is_empty() && !one.deny[0].solution.is_empty());
    assert_eq!(one.policy, Bundle::shipped().digest());
    assert_eq!(one.waived[0].waiver.approved_by, "security");
}

fn assert_denied(decision: &Decision, what: &str) {
    assert!(!decision.allow && !decision.deny.is_empty(), "{}: {what} is allowed", decision.entrypoint);
    let stopped = decision.action.is_none_or(|action| action >= Action::Quarantine);
    assert!(stopped, "{}: {what} is only watched", decision.entrypoint);
}

/// JSON pointers to every value inside `value`.
fn places(value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    let mut open = vec![(String::new(), value)];
    while let Some((place, value)) = open.pop() {
        let inside: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (format!("{place}/{k}"), v)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, v)| (format!("{place}/{i}"), v)).collect()
            }
            _ => Vec::new(),
        };
        out.extend(inside.iter().map(|(place, _)| place.clone()));
        open.extend(inside);
    }
    out
}

fn parent(place: &str) -> (&str, &str) {
    place.rsplit_once('/').unwrap()
}

fn is_key(input: &Value, place: &str) -> bool {
    input.pointer(parent(place).0).is_some_and(Value::is_object)
}

fn delete(input: &mut Value, place: &str) {
    let (parent, key) = parent(place);
    input.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(key).unwrap();
}

/// A value of another type, as close as a careless writer would come.
fn other_kind(value: &Value) -> Value {
    match value {
        Value::Null | Value::Number(_) => json!("7"),
        Value::Bool(fact) => json!(fact.to_string()),
        Value::String(_) => json!(7),
        Value::Array(_) => json!({}),
        Value::Object(_) => json!([]),
    }
}
