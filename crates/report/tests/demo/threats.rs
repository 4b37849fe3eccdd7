//! Threats and test plan.

use proofhouse_core::{Place, Reference, Severity, ThreatState};
use proofhouse_report::input::*;

use super::d;

pub fn threats(reopened: bool) -> Vec<Threat> {
    use Severity::{Critical, High, Low, Medium};
    use ThreatState::{Accepted, Controlled, NotApplicable, Open, Stale, Unknown};
    let signal = |state| if reopened { state } else { Controlled };
    let list: [(&str, &str, ThreatState, Severity, &str, &str); 27] = [
        (
            "DAT-01",
            "Indiscriminate poisoning of training data",
            Controlled,
            High,
            "label-noise",
            "label-noise",
        ),
        ("DAT-02", "Poisoning of one subpopulation", Unknown, High, "label-noise", ""),
        ("DAT-03", "Wrong or careless labels", Controlled, Medium, "label-noise", "label-noise"),
        ("DAT-04", "Leakage between training and test data", Controlled, Medium, "leakage", "leakage"),
        ("DAT-05", "Corrections by customers reach the next training run", Unknown, High, "provenance", ""),
        ("DAT-07", "Input no longer looks like training data", signal(Stale), High, "drift", "drift"),
        ("DAT-09", "Licence of the training data does not allow the use", Accepted, Low, "licence", ""),
        ("MOD-01", "Evasion by small changes to the image", Open, Critical, "evasion", "evasion"),
        ("MOD-02", "Evasion by changes a person can draw", Open, High, "evasion-physical", ""),
        ("MOD-03", "Backdoor with a trigger", Open, High, "trigger-inversion", ""),
        ("MOD-04", "Accuracy falls unnoticed", signal(Open), High, "performance", "performance"),
        ("MOD-06", "Extraction of the model by queries", Open, Medium, "extraction", ""),
        ("MOD-08", "Overconfident answers on unreadable input", Open, Medium, "calibration", ""),
        ("PRI-01", "Membership of a training record can be inferred", Unknown, Medium, "membership", ""),
        ("PRI-02", "Training records can be reconstructed", NotApplicable, Low, "inversion", ""),
        ("SUP-01", "Model file that runs code when loaded", Controlled, Critical, "scan", "scan"),
        (
            "SUP-02",
            "Model exchanged between release and load",
            Controlled,
            Critical,
            "signature",
            "signature",
        ),
        ("SUP-03", "Unknown parts in the model or its tools", Controlled, Medium, "bom", "bom"),
        ("SUP-05", "Base model from an unverified source", NotApplicable, Medium, "provenance", ""),
        ("OPS-01", "Requests without a valid key", Open, High, "gateway-auth", ""),
        ("OPS-02", "Drift alarm that nobody acts on", signal(Open), High, "drift", "drift"),
        ("OPS-03", "Exhaustion of the service by expensive requests", Open, Medium, "rate-limit", ""),
        (
            "OPS-05",
            "Recalled model still served somewhere",
            Controlled,
            Critical,
            "recall-drill",
            "recall-drill",
        ),
        ("OPS-06", "Record of decisions altered afterwards", Open, High, "ledger", ""),
        (
            "STR-03",
            "Automated decision without the explanation the law asks for",
            Open,
            Medium,
            "explanation",
            "",
        ),
        ("STR-11", "Losses concentrated in one customer segment", Open, Medium, "bias", ""),
        ("STR-14", "Nobody is left who can read cheques by hand", Accepted, Low, "fallback-drill", ""),
    ];
    list.into_iter()
        .enumerate()
        .map(|(i, (id, name, state, severity, check, evidence))| Threat {
            id: id.into(),
            name: name.into(),
            group: id.split('-').next().unwrap_or_default().into(),
            state,
            severity,
            proofs: vec![proof(id, i as u64)],
            references: vec![
                Reference::new("ATLAS", "5.6.0", "AML.T0043"),
                Reference::new("NIST AI 100-2", "E2025", "NISTAML.022"),
                Reference::new("OWASP ML", "2023", "ML01"),
            ],
            tests: vec![ThreatTest { check: check.into(), automation: Automation::Full }],
            evidence: if evidence.is_empty() { vec![] } else { vec![d(evidence)] },
            reopened_by: (reopened && matches!(id, "DAT-07" | "MOD-04" | "OPS-02"))
                .then(|| "sig-drift-1".into()),
            acceptance: (state == Accepted).then(|| Acceptance {
                by: "Head of payments".into(),
                until: Some("2027-05-31".parse().unwrap()),
                why: "Volume is below the threshold of the operating policy; reviewed twice a year.".into(),
            }),
        })
        .collect()
}

fn proof(id: &str, i: u64) -> Proof {
    let fact = |text: &str, line| Fact {
        text: text.into(),
        place: Some(Place { line: Some(line), column: Some(7), ..Place::file("proofhouse.yaml") }),
    };
    match id {
        "MOD-01" => Proof {
            sentence: "A paying-in customer gains from an error and writes the image that the classifier reads, so small changes to the image are worth money.".into(),
            facts: vec![
                fact("flow scans: written by customer", 41),
                fact("decision book-amount: automatic below EUR 1,000", 73),
                fact("actor customer: gains from an error", 58),
            ],
            path: vec!["customer".into(), "scanner".into(), "gateway".into(), "digits-classifier".into(), "book-amount".into()],
            removed_by: Some("decision book-amount is made by a person".into()),
        },
        "DAT-02" | "DAT-05" | "PRI-01" => Proof {
            sentence: "Whether this applies depends on a fact that the system file does not state.".into(),
            facts: vec![
                fact("dataset corrections: feeds training", 30),
                Fact { text: "dataset corrections: writer".into(), place: None },
            ],
            path: vec![],
            removed_by: None,
        },
        _ => Proof {
            sentence: "The component is on the path from an outside writer to an automatic decision.".into(),
            facts: vec![fact("component digits-classifier: kind model", 20 + i), fact("zone payments: trust internal", 12)],
            path: vec!["scanner".into(), "digits-classifier".into()],
            removed_by: Some("the component is removed".into()),
        },
    }
}

pub fn plan(ran: bool) -> Vec<PlannedCheck> {
    let run = [
        "scan",
        "signature",
        "bom",
        "label-noise",
        "leakage",
        "performance",
        "evasion",
        "drift",
        "recall-drill",
    ];
    let not_implemented = [
        "trigger-inversion",
        "evasion-physical",
        "calibration",
        "membership",
        "inversion",
        "extraction-adaptive",
        "explanation",
        "bias",
        "canary-retrain",
        "source-holdout",
        "quantisation-parity",
        "fault-injection",
        "unlearning",
        "prompt-leak",
    ];
    let manual = ["licence", "fallback-drill", "legal-basis"];
    let waiting = ["gateway-auth", "rate-limit", "ledger", "provenance", "extraction"];
    let check = |name: &str, status: TestStatus, automation| PlannedCheck {
        check: name.into(),
        threats: vec![
            "MOD-01".into(),
            if name.len().is_multiple_of(2) { "DAT-01".into() } else { "SUP-02".into() },
        ],
        automation,
        evidence: (status == TestStatus::Ran).then(|| d(name)),
        status,
    };
    let first = |name: &str| {
        let status =
            if ran { TestStatus::Ran } else { TestStatus::NotRun("The run stopped after the plan.".into()) };
        check(name, status, Automation::Full)
    };
    run.iter()
        .map(|n| first(n))
        .chain(
            waiting
                .iter()
                .map(|n| check(n, TestStatus::NotRun("Needs a running gateway.".into()), Automation::Full)),
        )
        .chain(not_implemented.iter().map(|n| check(n, TestStatus::NotImplemented, Automation::Partial)))
        .chain(manual.iter().map(|n| check(n, TestStatus::ByPerson, Automation::Manual)))
        .collect()
}
