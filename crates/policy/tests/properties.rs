//! Whatever JSON comes in, no gate allows it and none fails to answer.
#![allow(clippy::unwrap_used, reason = "a test that cannot build its input fails")]

mod inputs;

use std::sync::LazyLock;

use proofhouse_policy::{Bundle, Entrypoint, Policy};
use proptest::prelude::*;
use serde_json::{Value, json};

static POLICY: LazyLock<Policy> = LazyLock::new(|| Policy::compile(&Bundle::shipped()).unwrap());

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-z/.*]{0,8}".prop_map(Value::from),
        Just(json!(inputs::digest("model"))),
    ];
    // Names that the gates read, so that the values get past the first look.
    let key = prop_oneof![
        Just("schema"),
        Just("request"),
        Just("model"),
        Just("digest"),
        Just("signature"),
        Just("verified"),
        Just("evidence"),
        Just("waivers"),
        Just("recalled"),
        Just("signal"),
        Just("details"),
        Just("x"),
    ];
    leaf.prop_recursive(4, 48, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(key.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_random_input_is_allowed(input in any_json()) {
        for gate in Entrypoint::ALL {
            let decision = POLICY.decide(gate, &input);
            prop_assert!(!decision.allow && !decision.deny.is_empty());
        }
    }

    #[test]
    fn one_part_of_a_good_input_replaced_at_random_is_denied_or_well_formed(part in 0usize..12, value in any_json()) {
        let mut input = serde_json::to_value(inputs::release()).unwrap();
        let members = input.as_object_mut().unwrap();
        let key = members.keys().nth(part % members.len()).unwrap().clone();
        // Only an empty list can stand for one of these: nothing is recalled, nothing is waived.
        let harmless = ["recalled", "waivers"].contains(&key.as_str()) && value.is_array();
        members.insert(key, value);
        prop_assert!(harmless || !POLICY.decide(Entrypoint::Release, &input).allow);
    }
}
