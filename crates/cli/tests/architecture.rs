//! The floors of the house, checked from `cargo metadata`: arrows point downward, an engine imports no
//! other engine, and engines know no network, no database and no terminal.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// Every crate with its floor. A crate may depend on crates of lower floors only; `ENGINE_PAIRS` and
/// `SAME_FLOOR` name the exceptions.
const FLOORS: &[(&str, u8)] = &[
    ("core", 0),
    ("artifact", 0),
    ("dialogue", 0),
    ("system", 0),
    ("scan", 1),
    ("attest", 1),
    ("bom", 1),
    ("dataset", 1),
    ("threats", 1),
    ("risk", 1),
    ("onnx", 1),
    ("robustness", 1),
    ("policy", 1),
    ("drift", 1),
    ("guard", 1),
    ("redteam", 1),
    ("standin", 1),
    ("report", 1),
    ("ledger", 2),
    ("lifecycle", 3),
    ("endpoint", 4),
    ("source", 4),
    ("serving", 4),
    ("gateway", 4),
    ("targets", 4),
    ("sandbox", 4),
    ("cli", 5),
];

/// On the ground floor `core` is below the others, and the system file speaks the words of conversations.
/// Model server and gateway reach somebody else's model through the client for such.
const SAME_FLOOR: &[(&str, &str)] = &[
    ("artifact", "core"),
    ("dialogue", "core"),
    ("system", "core"),
    ("system", "dialogue"),
    ("serving", "endpoint"),
    ("source", "endpoint"),
    ("gateway", "endpoint"),
];

/// The one engine that is built on another: attacks and certificates need a model to run.
const ENGINE_PAIRS: &[(&str, &str)] = &[("robustness", "onnx")];

/// What a crate below the lifecycle must not link: network, databases, terminals, clocks of a runtime.
const FORBIDDEN_IN_ENGINES: &[&str] = &[
    "axum",
    "hyper",
    "hyper-util",
    "reqwest",
    "tokio",
    "sea-orm",
    "sqlx",
    "rusqlite",
    "clap",
    "indicatif",
    "tracing",
];

#[expect(clippy::expect_used, reason = "a test without cargo metadata has nothing to test")]
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata");
    metadata
        .packages
        .iter()
        .map(|package| {
            let normal = package
                .dependencies
                .iter()
                .filter(|d| d.kind != DependencyKind::Development)
                .map(|d| d.name.clone())
                .collect();
            (package.name.trim_start_matches("proofhouse-").to_owned(), normal)
        })
        .collect()
}

fn floor(name: &str) -> u8 {
    FLOORS.iter().find(|(n, _)| *n == name).map_or_else(|| panic!("{name} has no floor"), |(_, f)| *f)
}

#[test]
fn every_crate_has_a_floor_and_every_floor_a_crate() {
    let listed: BTreeSet<String> = FLOORS.iter().map(|(n, _)| (*n).to_owned()).collect();
    let present: BTreeSet<String> = dependencies().into_keys().collect();
    assert_eq!(listed, present);
}

#[test]
fn arrows_point_downward() {
    let mut wrong = Vec::new();
    for (name, needs) in dependencies() {
        for need in needs.iter().filter_map(|n| n.strip_prefix("proofhouse-")) {
            let allowed = floor(need) < floor(&name)
                || SAME_FLOOR.contains(&(name.as_str(), need))
                || ENGINE_PAIRS.contains(&(name.as_str(), need));
            if !allowed {
                wrong.push(format!("{name} -> {need}"));
            }
        }
    }
    assert!(wrong.is_empty(), "these dependencies do not point downward: {wrong:?}");
}

#[test]
fn engines_know_no_network_no_database_and_no_terminal() {
    let mut wrong = Vec::new();
    for (name, needs) in dependencies() {
        if floor(&name) <= 1 {
            wrong.extend(
                FORBIDDEN_IN_ENGINES.iter().filter(|f| needs.contains(**f)).map(|f| format!("{name} -> {f}")),
            );
        }
    }
    assert!(wrong.is_empty(), "engines must stay pure: {wrong:?}");
}

#[test]
fn the_lifecycle_knows_neither_http_nor_terminal() {
    let needs = &dependencies()["lifecycle"];
    for forbidden in ["axum", "hyper", "hyper-util", "clap", "indicatif"] {
        assert!(!needs.contains(forbidden), "lifecycle -> {forbidden}");
    }
}

#[test]
fn only_the_lifecycle_and_the_binary_know_several_engines() {
    let engines: BTreeSet<String> =
        FLOORS.iter().filter(|(_, f)| *f == 1).map(|(n, _)| format!("proofhouse-{n}")).collect();
    // The model server loads what it verified, the gateway asks policy and guard; neither composes engines.
    let allowed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::from([
        (
            "serving",
            BTreeSet::from([
                "proofhouse-attest".to_owned(),
                "proofhouse-onnx".to_owned(),
                "proofhouse-standin".to_owned(),
            ]),
        ),
        ("gateway", BTreeSet::from(["proofhouse-guard".to_owned(), "proofhouse-policy".to_owned()])),
    ]);
    for (name, needs) in dependencies() {
        if floor(&name) < 2 || ["lifecycle", "cli"].contains(&name.as_str()) {
            continue;
        }
        let known: BTreeSet<String> = needs.intersection(&engines).cloned().collect();
        let may = allowed.get(name.as_str()).cloned().unwrap_or_default();
        assert!(known.is_subset(&may), "{name} knows {known:?}, may know {may:?}");
    }
}
