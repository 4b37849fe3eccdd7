//! What a person reads when a system file is wrong: the place, the problem, the hint.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use proofhouse_system::System;

const BASE: &str = "\
schema: proofhouse.system/v1
system: { id: s, name: S, purpose: P }
";

/// The messages for `BASE` followed by `rest`.
fn errors(rest: &str) -> Vec<String> {
    let error = System::parse("proofhouse.yaml", &format!("{BASE}{rest}")).unwrap_err();
    error.errors().iter().map(ToString::to_string).collect()
}

#[test]
fn a_misspelt_key_is_named_with_what_was_meant() {
    assert_eq!(
        errors("contxt: {}\n"),
        ["proofhouse.yaml:3:1: unknown key \"contxt\", did you mean context?"]
    );
    let of_zone = errors("zones:\n  - { id: a, trust: internal, colour: red }\n");
    assert_eq!(of_zone, ["proofhouse.yaml:4:31: unknown key \"colour\", known here: id, trust"]);
}

#[test]
fn all_structural_problems_come_together() {
    let text = "\
context:
  minors: maybe
  regions: eu
zones:
  - { id: a }
  - { id: b, trust: internl }
checks:
  performance: { dataset: [x] }
requirements:
  performance:
    - { metric: accuracy, floor: 1.5, confidence: 0.5 }
  recall: { objective_seconds: 0 }
";
    assert_eq!(
        errors(text),
        [
            "proofhouse.yaml:4:11: context.minors is text, expected true or false, write true or false, or leave \
             the key out if it is not known",
            "proofhouse.yaml:5:12: context.regions is text, expected a list, write a list: [a, b] or one \"- \
             item\" a line",
            "proofhouse.yaml:7:5: zones[0] has no key \"trust\", add it: How far it is trusted.",
            "proofhouse.yaml:8:21: \"internl\" is not a value of zones[1].trust, did you mean internal?",
            "proofhouse.yaml:10:27: checks.performance.dataset is a list, expected text",
            "proofhouse.yaml:13:34: requirements.performance[0].floor is 1.5, expected a number from 0 to 1",
            "proofhouse.yaml:13:51: requirements.performance[0].confidence is 0.5, expected a number above 0.5 \
             and below 1",
            "proofhouse.yaml:14:32: requirements.recall.objective_seconds is 0, expected a number above 0",
        ]
    );
}

#[test]
fn all_dangling_references_come_together() {
    let text = "\
zones: [{ id: inside, trust: internal }]
actors: [{ id: staff, trust: internal }]
components:
  - { id: gateway, kind: gateway, zone: insde }
  - { id: gateway, kind: log, writers: [stuff] }
flows:
  - { from: gatway, to: nowhere, carries: [requests] }
checks:
  performance: { dataset: test }
";
    assert_eq!(
        errors(text),
        [
            "proofhouse.yaml:6:41: there is no entry insde under zones, did you mean inside?",
            "proofhouse.yaml:7:11: the id gateway is taken by an earlier entry of components, ids are how \
             findings remember things; choose another",
            "proofhouse.yaml:7:41: there is no entry stuff under actors, did you mean staff?",
            "proofhouse.yaml:9:13: there is no entry gatway under components, did you mean gateway?",
            "proofhouse.yaml:9:25: there is no entry nowhere under components, describe it under components, or \
             correct the reference",
            "proofhouse.yaml:11:27: there is no entry test under datasets, describe it under datasets, or correct \
             the reference",
        ]
    );
}

#[test]
fn numbers_and_dates_out_of_order_are_found() {
    let text = "\
risk:
  currency: EUR
  seed: 1
  scenarios:
    - id: a
      name: A
      threats: [MOD-02]
      frequency_per_year: { low: 2, likely: 1, high: 3 }
      vulnerability: { low: 0.1, likely: 0.5, high: 1.5 }
      loss: { low: 1, likely: 2, high: 3 }
  tolerance:
    - { loss: 100, probability: 0.1 }
    - { loss: 50, probability: 0.2 }
waivers:
  - { id: w, code: c, owner: A, approved_by: A, reason: R, granted: 2026-01-01, expires: 2026-04-02 }
accept:
  - { threat: DAT-14, by: A, reason: R, accepted: 2026-01-01, until: 2026-01-01 }
";
    let found = errors(text);
    let has = |line: u32, what: &str| {
        let at = format!("proofhouse.yaml:{line}:");
        assert!(found.iter().any(|e| e.starts_with(&at) && e.contains(what)), "{line} {what}: {found:#?}");
    };
    has(10, "low, likely and high are not in that order");
    has(11, "a share of attempts is at most 1");
    has(15, "the tolerance curve does not fall");
    has(17, "the owner approved their own waiver");
    has(17, "a waiver lives for at most 90 days");
    has(19, "the acceptance ends before it begins");
    assert_eq!(found.len(), 6);
}

#[test]
fn an_evasion_check_needs_exactly_one_criterion() {
    let check = |more: &str| {
        format!(
            "datasets:
  - {{ id: t, role: test, paths: [t.parquet], format: parquet, features: {{ prefix: p }}, label: y }}
checks:
  evasion: {{ dataset: t, norm: linf, eps: 0.1, queries: 1, samples: 1, seed: 1, box: {{ low: 0, high: 1 }},
    confidence: 0.95{more} }}
"
        )
    };
    assert!(errors(&check(""))[0].contains("the check has no criterion"));
    let two = errors(&check(", max_success_rate: 0.2, min_robust_accuracy: 0.8"));
    assert!(two[0].contains("there are two criteria"));
    let fine = format!("{BASE}{}", check(", max_success_rate: 0.2"));
    assert!(System::parse("p.yaml", &fine).is_ok());
}

#[test]
fn yaml_traps_are_refused() {
    let cases = [
        ("zones: &z []\ncomponents: *z\n", "without anchors"),
        ("context: { <<: { minors: true } }\n", ""),
        ("zones: []\nzones: []\n", "the key zones is given twice"),
        ("context: { minors: yes }\n", "write true or false"),
        ("--- \nschema: x\n", ""),
        ("zones: !!python/object:os.system []\n", ""),
        ("waivers: [", ""),
    ];
    for (text, expected) in cases {
        let found = errors(text);
        assert!(found.iter().any(|e| e.contains(expected)), "{text}: {found:?}");
        assert!(found.iter().all(|e| e.starts_with("proofhouse.yaml")), "{found:?}");
    }
}

#[test]
fn paths_cannot_leave_the_folder_and_sizes_are_bounded() {
    let dataset = |path: &str| {
        format!(
            "datasets: [{{ id: t, role: test, paths: [{path}], format: parquet, features: {{ prefix: p }} }}]\n"
        )
    };
    for path in ["../secret", "/etc/passwd", "a/../../b", "\"a\\\\b\""] {
        assert!(errors(&dataset(path))[0].contains("cannot name a file"), "{path}");
    }
    let big = format!("{BASE}# {}\n", "x".repeat(2 << 20));
    let error = System::parse("p.yaml", &big).unwrap_err().to_string();
    assert!(error.contains("more than 1048576"), "{error}");
    let deep = format!("zones: {}{}\n", "[".repeat(500), "]".repeat(500));
    assert!(!errors(&deep).is_empty());
}

#[test]
fn a_model_that_predicts_needs_tensors_and_one_that_writes_has_none() {
    let model = |rest: &str| {
        format!("model: {{ id: m, name: M, version: \"1\", path: model, file: m.json, {rest} }}\n")
    };
    assert_eq!(
        errors(&model("task: classification")),
        [
            "proofhouse.yaml:3:8: model has no key \"classes\", add it: Names of the classes, in the order of the \
             output. A model that writes has none.",
            "proofhouse.yaml:3:8: model has no key \"input\", add it: What it takes, unless it writes.",
            "proofhouse.yaml:3:8: model has no key \"output\", add it: What it gives, unless it writes.",
        ]
    );
    assert_eq!(
        errors(&model(
            "task: classification, input: null, output: { name: y, kind: logits }, classes: [a, b]"
        )),
        ["proofhouse.yaml:3:8: model has no key \"input\", add it: What it takes, unless it writes."]
    );
    assert_eq!(
        errors(&model("task: generation, classes: [a, b]")),
        [
            "proofhouse.yaml:3:85: the key \"classes\" has no place here, a model that writes has neither tensors \
             nor classes; leave it out"
        ]
    );
    let written = format!("{BASE}{}", model("task: generation"));
    let system = System::parse("p.yaml", &written).unwrap();
    let model = system.model.unwrap();
    assert!(model.writes() && model.tensors().is_none());
}

#[test]
fn a_boundary_that_says_nothing_or_leads_nowhere_is_refused() {
    let text = "\
model: { id: m, name: M, version: \"1\", path: model, file: assistant.json, task: generation }
boundary:
  hosts: [\"https://shop.example/x\", \"*.shop.example\"]
  tools:
    - { name: refund, effects: [pay], component: nowhere, arguments: [{ name: amount }] }
    - { name: refund, effects: [] }
  sources:
    - { name: help, kind: retrieved, trust: untrusted, secrecy: public }
    - { name: help, kind: web, trust: untrusted, secrecy: public }
  canaries: [{ id: prompt }, { id: records, values: [short] }]
datasets:
  - { id: tasks, role: test, paths: [tasks.jsonl], format: json-lines, features: { prefix: p } }
";
    let found = errors(text);
    assert_eq!(
        found,
        [
            "proofhouse.yaml:14:72: the key \"features\" has no place here, only a table has columns; leave it out"
        ]
    );
    let found = errors(&text.replace(", features: { prefix: p }", ""));
    assert_eq!(
        found,
        [
            "proofhouse.yaml:5:11: this is no host, write help.example.org, or *.example.org for all below; no \
             scheme, no port, no path",
            "proofhouse.yaml:7:50: there is no entry nowhere under components, describe it under components, or \
             correct the reference",
            "proofhouse.yaml:8:15: another tool is called refund",
            "proofhouse.yaml:12:53: a canary has at least 12 characters, a shorter one is met by chance",
        ]
    );
}

#[test]
fn checks_and_routes_fit_the_kind_of_model() {
    let text = "\
model: { id: m, name: M, version: \"1\", path: model, file: assistant.json, task: generation }
datasets:
  - { id: tasks, role: test, paths: [tasks.jsonl], format: json-lines }
  - { id: table, role: test, paths: [t.parquet], format: parquet, features: { prefix: p }, label: y }
checks:
  performance: { dataset: table }
  injection: { tasks: table, samples: 50, seed: 1 }
  hit_rate: { reference: tasks, window: 50, looks_per_day: 24 }
deployment:
  environment: production
  targets: [{ id: host, kind: host-agent, instances: 2 }]
  gateway:
    listen: 127.0.0.1:0
    routes: [{ id: a, path: /a, model: m }, { id: b, path: /b, model: m, protocol: openai-chat }]
    roles: []
    clients: []
";
    assert_eq!(
        errors(text),
        [
            "proofhouse.yaml:8:16: the model writes, and this check reads classes, leave it out; checks.injection \
             and checks.hit_rate are for models that write",
            "proofhouse.yaml:9:14: what the model has to withstand is not said, add requirements.injection",
            "proofhouse.yaml:9:23: the dataset table is not written as json-lines, name one with a conversation \
             or task a line",
            "proofhouse.yaml:10:13: the budget for false alarms is not said, set alarms_per_year here or \
             requirements.drift.false_alarms_per_year",
            "proofhouse.yaml:16:14: the model writes, and this protocol carries numbers, say openai-chat or \
             anthropic-messages",
        ]
    );
}

#[test]
fn rules_of_a_domain_name_features_and_say_one_thing() {
    let text = "\
datasets:
  - id: loans
    role: test
    paths: [loans.parquet]
    format: parquet
    features:
      columns: [age, debt]
      domain:
        columns:
          - { column: aeg, low: 18, high: 17, step: 0 }
        one_of:
          - { columns: [age] }
        relations:
          - { name: r, terms: [{ column: debt, factor: 1 }], at_most: 1, equals: 2 }
";
    let found = errors(text);
    for expected in [
        "\"aeg\" is not one of the feature columns",
        "the range 18 to 17 holds nothing",
        "a step is a number above 0",
        "spread over at least two columns",
        "exactly one of at_most, at_least and equals",
    ] {
        assert!(found.iter().any(|e| e.contains(expected)), "{expected} is not among {found:#?}");
    }
    assert!(found.iter().any(|e| e.starts_with("proofhouse.yaml:12:")), "{found:#?}");
}

#[test]
fn checks_of_a_model_say_what_they_lack() {
    let text = "\
datasets:
  - { id: train, role: train, paths: [a.parquet], format: parquet, features: { columns: [age, debt] }, label: y }
checks:
  constrained_evasion: { dataset: train, max_rate: 0.1 }
  extraction: { dataset: tran, queries: [] }
  membership: { false_alarms: 0.02 }
  property: { column: income, at_least: 3, shares: [0.5, 0.2] }
  fairness: { groups: [{ column: age, edges: [60, 30] }, { column: age }], favourable: 2, dataset: test }
  segments: { segments: [], dataset: test }
  poisoning: { reference: train }
  backdoor: { allow: [\"sha256:nothing\"] }
";
    let all = errors(text).join("\n");
    assert!(all.contains("checks.backdoor") || all.contains("digest"), "{all}");
    let text = text.replace("  backdoor: { allow: [\"sha256:nothing\"] }\n", "");
    assert_eq!(
        errors(&text),
        [
            "proofhouse.yaml:6:35: the dataset train does not say which rows can exist and what a change costs, \
             describe features.domain of the dataset",
            "proofhouse.yaml:7:26: there is no entry tran under datasets, did you mean train?",
            "proofhouse.yaml:7:41: there is no number of queries to try, list numbers of queries, or leave the key out",
            "proofhouse.yaml:8:31: members are counted at a rate of 0.001, 0.01, 0.05 or 0.1, write one of them",
            "proofhouse.yaml:9:23: \"income\" is not one of the feature columns, name a column that the model sees",
            "proofhouse.yaml:9:52: two shares in order are told apart, write [0.2, 0.5]",
            "proofhouse.yaml:10:46: groups of numbers begin at numbers that ascend, write them in order, such as [30, 60]",
            "proofhouse.yaml:10:68: the column \"age\" is named twice, name each column once",
            "proofhouse.yaml:10:88: the model has 0 classes, counted from 0, give the index of a class under model.classes",
            "proofhouse.yaml:10:100: there is no entry test under datasets, describe it under datasets, or correct the reference",
            "proofhouse.yaml:11:25: there is no column that tells groups apart, name a column of the dataset that tells groups apart",
            "proofhouse.yaml:11:38: there is no entry test under datasets, describe it under datasets, or correct the reference",
            "proofhouse.yaml:12:27: the training rows cannot answer for themselves, name a labelled dataset that the suspects could not write",
        ]
    );
}
