//! Every rule fires, holds still and admits ignorance, on the systems in `cases/`.
//!
//! A case is a system file; its comments say what has to come out (`# applies: DAT-01 DAT-02`). A new case
//! is a new file.

#![expect(clippy::unwrap_used, reason = "in a helper of a test, as in a test, a surprise ends the test")]

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_system::{System, ThreatId};
use proofhouse_threats::{Applicability, Catalogue, Derivation, derive};

const KINDS: [(&str, Applicability); 4] = [
    ("applies", Applicability::Applies),
    ("not-applicable", Applicability::NotApplicable),
    ("unknown", Applicability::Unknown),
    ("unsupported", Applicability::Unsupported),
];

struct Case {
    name: String,
    text: String,
    expected: Vec<(ThreatId, Applicability)>,
}

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut expected = Vec::new();
        for line in text.lines().filter_map(|l| l.strip_prefix("# ")) {
            let Some((kind, ids)) = line.split_once(": ") else { continue };
            let Some((_, kind)) = KINDS.iter().find(|(name, _)| *name == kind) else { continue };
            expected.extend(ids.split_whitespace().map(|id| (id.parse().unwrap(), *kind)));
        }
        Case { name: path.file_name().unwrap().to_string_lossy().into_owned(), text, expected }
    };
    paths.iter().map(read).collect()
}

fn derivation(case: &Case, catalogue: &Catalogue) -> Derivation {
    let system = System::parse(&case.name, &case.text).unwrap_or_else(|e| panic!("{e}"));
    derive(&system, catalogue).unwrap()
}

#[test]
fn every_case_comes_out_as_it_says() {
    let catalogue = Catalogue::embedded().unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        let derived = derivation(&case, &catalogue);
        assert!(!case.expected.is_empty(), "{} expects nothing", case.name);
        for (id, expected) in &case.expected {
            let threat = derived.threat(id).unwrap();
            if threat.applicability != *expected {
                wrong.push(format!(
                    "{}: {id} is {:?}, expected {expected:?}: {:?} {:?}",
                    case.name, threat.applicability, threat.proof.facts, threat.missing
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Rules that follow from the architecture alone, for which one answer cannot occur.
const NEVER_UNKNOWN: &[&str] = &[
    "DAT-05", "DAT-08", "MOD-10", "MOD-13", "MOD-18", "SUP-01", "SUP-03", "SUP-06", "INF-03", "INF-06",
    "INF-08", "INF-09", "INF-12", "INF-14", "STR-18", "STR-21", "STR-23", "STR-28", "AGT-08",
];
/// Rules that hold of everything with a model.
const NEVER_RULED_OUT: &[&str] =
    &["DAT-08", "MOD-10", "SUP-03", "SUP-06", "INF-03", "INF-08", "INF-09", "INF-14", "STR-10", "STR-28"];

#[test]
fn every_rule_is_seen_in_every_state_it_can_have() {
    let mut seen: BTreeMap<ThreatId, BTreeSet<Applicability>> = BTreeMap::new();
    for case in cases() {
        for (id, kind) in case.expected {
            seen.entry(id).or_default().insert(kind);
        }
    }
    for threat in Catalogue::embedded().unwrap().threats() {
        let states = seen.get(&threat.id).cloned().unwrap_or_default();
        let id = threat.id.as_str();
        assert!(states.contains(&Applicability::Applies), "{id} never applies");
        assert!(
            states.contains(&Applicability::NotApplicable) || NEVER_RULED_OUT.contains(&id),
            "{id} is never ruled out"
        );
        assert!(
            states.contains(&Applicability::Unknown) || NEVER_UNKNOWN.contains(&id),
            "{id} is never unknown"
        );
    }
}

#[test]
fn every_threat_gets_exactly_one_answer_and_a_reason() {
    let catalogue = Catalogue::embedded().unwrap();
    for case in cases() {
        let derived = derivation(&case, &catalogue);
        let ids: Vec<&ThreatId> = derived.threats.iter().map(|t| &t.id).collect();
        assert_eq!(ids, catalogue.threats().map(|t| &t.id).collect::<Vec<_>>(), "{}", case.name);
        for threat in &derived.threats {
            let reasoned = !threat.proof.facts.is_empty() || !threat.missing.is_empty();
            assert!(reasoned, "{}: {} has no reason", case.name, threat.id);
            assert_eq!(threat.missing.is_empty(), threat.applicability != Applicability::Unknown);
        }
        for question in &derived.questions {
            assert!(!question.decides.is_empty() && question.text.ends_with('?'), "{question:?}");
        }
    }
}

#[test]
fn every_threat_of_the_catalogue_has_a_rule() {
    let catalogue = Catalogue::embedded().unwrap();
    for case in cases() {
        let without: Vec<String> = derivation(&case, &catalogue)
            .with(Applicability::Unsupported)
            .map(|threat| threat.id.to_string())
            .collect();
        assert!(without.is_empty(), "{}: no rule for {without:?}", case.name);
    }
}
