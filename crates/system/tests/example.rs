//! The example of the repository is a system file, says what its schema says, and points back into itself.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use proofhouse_system::{ComponentKind, DatasetRole, EvasionCriterion, Id, System, json_schema};
use serde_json::{Value, json};

const NAME: &str = "proofhouse.yaml";

fn text() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/cheque-reader/proofhouse.yaml");
    std::fs::read_to_string(path).unwrap()
}

fn example() -> System {
    System::parse(NAME, &text()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn it_parses_and_keeps_what_it_says() {
    let system = example();
    let model = system.model.as_ref().unwrap();
    let tensors = model.tensors().unwrap();
    assert_eq!((model.id.as_str(), tensors.input.len(), tensors.classes.len()), ("cheque-digits", 64, 10));
    assert_eq!(system.datasets_with(DatasetRole::Train).count(), 1);
    let train: Id = "train".parse().unwrap();
    assert_eq!(system.dataset(&train).unwrap().features.as_ref().unwrap().divisor(), 16.0);
    assert_eq!(system.evasion_criterion(), Some(EvasionCriterion::MaxSuccessRate(0.30)));
    assert_eq!(system.false_alarms_per_year(), Some(1.0));
    assert!(system.components.iter().any(|c| c.kind == ComponentKind::Gateway));
}

#[test]
fn what_is_left_out_is_unknown() {
    let system = example();
    assert_eq!(system.system.deputy, None);
    assert_eq!(system.context.single_site, None);
    assert_eq!(system.context.minors, Some(false));
}

#[test]
fn places_point_at_the_line() {
    let (system, text) = (example(), text());
    let line = |path: &str| {
        let line = system.place(path).line.unwrap();
        text.lines().nth(usize::try_from(line).unwrap() - 1).unwrap().trim().to_owned()
    };
    assert_eq!(line("system.owner"), "owner: Payments operations");
    assert_eq!(line("datasets[train].licence"), "licence: CC-BY-4.0");
    assert_eq!(line("datasets[train].licence"), line("datasets[0].licence"));
    assert!(line("flows[gateway->reader].carries").starts_with("- { from: gateway, to: reader"));
    // What is not written points at what encloses it.
    assert_eq!(system.place("datasets[train].linkage_fields"), system.place("datasets[train]"));
    assert_eq!(system.place("nowhere").line, None);
}

#[test]
fn the_digest_is_of_the_meaning() {
    let system = example();
    let plain = system.digest().unwrap();
    let commented = System::parse("other.yaml", &format!("# a comment\n{}", text())).unwrap();
    assert_eq!(commented.digest().unwrap(), plain);
    let nulled = text().replace("  # single_site: UNKNOWN", "  single_site: null");
    assert_eq!(System::parse(NAME, &nulled).unwrap().digest().unwrap(), plain);
    let answered = text().replace("  # single_site: UNKNOWN", "  single_site: false");
    assert_ne!(System::parse(NAME, &answered).unwrap().digest().unwrap(), plain);
}

#[test]
fn an_independent_validator_agrees() {
    let schema = json_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let value = serde_json::to_value(example()).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");

    type Change = fn(&mut Value);
    let spoil: [(&str, Change); 4] = [
        ("unknown key", |v| v["context"]["colour"] = json!("red")),
        ("range", |v| v["checks"]["evasion"]["eps"] = json!(0)),
        ("word", |v| v["datasets"][0]["role"] = json!("training")),
        ("missing", |v| drop(v["system"].as_object_mut().unwrap().remove("purpose"))),
    ];
    for (what, change) in spoil {
        let mut bad = value.clone();
        change(&mut bad);
        assert!(!validator.is_valid(&bad), "{what}");
        // JSON is YAML, so our own reader can be asked the same.
        assert!(System::parse(NAME, &bad.to_string()).is_err(), "{what}");
    }
    assert!(System::parse(NAME, &value.to_string()).is_ok());
}

#[test]
fn every_key_of_the_schema_is_described() {
    let schema = json_schema();
    let mut open = vec![("", &schema)];
    let mut seen = 0;
    while let Some((at, value)) = open.pop() {
        let Some(object) = value.as_object() else { continue };
        if let Some(properties) = object.get("properties").and_then(Value::as_object) {
            assert_eq!(object.get("additionalProperties"), Some(&json!(false)), "{at}");
            for (name, of) in properties {
                seen += 1;
                assert!(of.get("description").is_some(), "{at}.{name} says nothing about itself");
            }
        }
        if let Some(defs) = object.get("$defs").and_then(Value::as_object) {
            open.extend(defs.iter().map(|(name, def)| (name.as_str(), def)));
        }
    }
    assert!(seen > 150, "{seen}");
}
