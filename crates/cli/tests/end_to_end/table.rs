//! `proofhouse run examples/loan-desk`: a model of rows in a table goes through the house, with the attacks that tables have.

use std::fs;

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn a_model_of_a_table_is_bought_spied_on_released_watched_and_recalled() {
    let scene = Scene::of("loan-desk", "table");
    // Fewer rows than the example takes; ceilings that so few can prove.
    scene.edit("samples: 800, queries: 500", "samples: 120, queries: 100");
    scene.edit("max_rate: 0.65", "max_rate: 0.95");
    scene.edit("samples: 500", "samples: 100");
    scene.edit("max_success_rate: 0.15", "max_success_rate: 0.3");
    scene.edit(
        "membership: { samples: 10000, shadows: 16, epochs: 8",
        "membership: { samples: 1500, shadows: 2, epochs: 8, false_alarms: 0.01",
    );
    scene.edit("queries: [300, 3000]", "queries: [100]");
    scene.edit("years: 200000", "years: 5000");
    let run = scene.proofhouse(&["run", ".", "--format", "json"]).exits(0).json();
    assert_eq!(run["outcome"], "completed");
    assert_eq!(run["ledger"]["sound"], true);

    let evidence = scene.entries("evidence-recorded");
    let body = |check: &str| {
        let of = evidence.iter().filter(|e| e["body"]["check"] == check);
        of.map(|e| e["body"].clone()).next_back().unwrap_or(Value::Null)
    };
    let answered = [
        "evasion-constrained",
        "membership-inference",
        "inversion-attempt",
        "trigger-inversion",
        "group-fairness",
    ];
    for check in answered {
        assert_eq!(body(check)["verdict"], "pass", "{check}");
    }
    // Nobody outside supplies these data, and the gate asks for their origin all the same.
    assert_eq!(body("provenance-verify")["verdict"], "pass");
    assert_eq!(scene.entries("signal-raised").len(), 1);
    assert_eq!(scene.entries("recall-certified").len(), 1);
    let report = fs::read_to_string(scene.home().join("report.html")).unwrap();
    for shown in ["MOD-03", "MOD-05", "employed", "age: below 30"] {
        assert!(report.contains(shown), "the report lacks {shown:?}");
    }
    scene.verify_ledger().exits(0);
}
