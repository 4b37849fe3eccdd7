//! Invented data in the shape of a real run: a digits classifier that reads cheque amounts at a bank,
//! from the system file to a recall. Every number here is made up, to look at the page and to test it.

#![expect(clippy::unwrap_used, reason = "every parsed text is a constant of this file")]

use std::collections::BTreeMap;

use proofhouse_core::{
    Digest, Finding, Freshness, Inputs, Measurement, Place, Reference, Severity, StaleReason, Subject,
    SubjectKind, Timestamp, Unit, Verdict,
};
use proofhouse_report::input::*;

/// A time on the day of the run.
pub fn t(clock: &str) -> Timestamp {
    format!("2026-11-23T{clock}Z").parse().unwrap()
}

fn d(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// The whole life, up to the recall.
pub fn demo() -> ReportInput {
    let mut input = planned();
    input.state = OverallState::Recalled;
    input.generated_at = t("09:18:40");
    input.ledger.size = 58;
    input.timeline = timeline();
    input.plan = plan(true);
    input.evidence = evidence();
    input.gate = Some(gate(true));
    input.release = Some(Release {
        signer: "ed25519:release-2026".into(),
        root: d("oms root"),
        signature: d("signature"),
        bom: Some(d("bom")),
        released_at: t("09:03:41"),
        ledger_seq: 31,
    });
    input.instances = vec![instance("cheque-digits-1", 48_211, 33), instance("cheque-digits-2", 48_212, 34)];
    input.traffic = Some(Traffic {
        by_status: BTreeMap::from([(200, 4_612), (401, 25), (429, 140), (410, 311)]),
        windows: vec![
            TrafficWindow { name: "as in training".into(), requests: 3_000 },
            TrafficWindow { name: "new scanner".into(), requests: 2_088 },
        ],
    });
    input.performance = Some(performance());
    input.robustness = Some(robustness());
    input.drift = Some(drift());
    input.signals = vec![Signal {
        id: "sig-drift-1".into(),
        kind: "drift".into(),
        at: t("09:14:02"),
        severity: Severity::High,
        message: "Input drift on pixel_3_4 and 11 more columns: distance 0.412 against a threshold of 0.131."
            .into(),
        reopens: vec!["MOD-04".into(), "OPS-02".into(), "DAT-07".into()],
        evidence: Some(d("drift")),
        ledger_seq: 44,
    }];
    input.recall = Some(recall());
    input.risk = Some(risk());
    input.frameworks = frameworks();
    input.threats = threats(true);
    input
}

/// Threats and plan only.
pub fn planned() -> ReportInput {
    let system = System {
        name: "Cheque reader".into(),
        purpose:
            "Reads the handwritten amount on scanned cheques and books it without a person up to EUR 1,000."
                .into(),
        owner: "Payments operations".into(),
        accountable: "Head of payments".into(),
        environment: "production".into(),
        digest: d("system"),
        model: Model { name: "cheque-digits".into(), version: "1.2.0".into(), digest: Some(d("model")) },
    };
    let ledger = Ledger {
        origin: "proofhouse.example/cheque-reader".into(),
        size: 4,
        root: d("root"),
        checkpoint: "proofhouse.example/cheque-reader\n58\nq1X1m7b2n0f6m3b5Jp6Jk0m4cXcVtq2xw2Ck6k3c0bE=\n\n— proofhouse.example/cheque-reader 3nq8xAbCdEf0123456789AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789AbCdEf01234=\n".into(),
        verifier_key: "proofhouse.example/cheque-reader+de7abf03+AXyLZ0aq0a1b2c3d4e5f6g7h8i9j0k1l2m3n4o5p6q7r8".into(),
    };
    let mut input = ReportInput::new(
        system,
        t("09:02:20"),
        "run-2026-11-23-0902",
        "proofhouse 0.1.0 (example data)",
        ledger,
        OverallState::Planned,
    );
    input.timeline = timeline().into_iter().take(2).collect();
    input.threats = threats(false);
    for threat in &mut input.threats {
        threat.evidence.clear();
        if threat.state == ThreatState::Controlled {
            threat.state = ThreatState::Open;
        }
    }
    input.questions = vec![
        Question {
            text: "Who can write to the store of corrected amounts that the next training run reads?".into(),
            decides: vec!["DAT-02".into(), "DAT-05".into()],
        },
        Question {
            text: "Does any customer see the confidence of the model, or only the booked amount?".into(),
            decides: vec!["PRI-01".into(), "MOD-06".into()],
        },
    ];
    input.plan = plan(false);
    input
}

/// Tested, and refused by the gate.
pub fn denied() -> ReportInput {
    let mut input = demo();
    input.state = OverallState::Denied;
    input.timeline.truncate(4);
    if let Some(gate) = input.timeline.last_mut() {
        gate.outcome = StageOutcome::Failed;
        gate.note = "Refused for two reasons.".into();
    }
    input.gate = Some(gate(false));
    input.release = None;
    input.instances.clear();
    input.traffic = None;
    input.drift = None;
    input.signals.clear();
    input.recall = None;
    input.threats = threats(false);
    if let Some(risk) = &mut input.risk {
        risk.curves.truncate(2);
    }
    input.ledger.size = 30;
    input
}

fn timeline() -> Vec<Stage> {
    let stage = |kind, from, to, outcome, note: &str, first, last| Stage {
        kind,
        started: t(from),
        finished: Some(t(to)),
        outcome,
        note: note.into(),
        ledger: Some(SeqRange { first, last }),
    };
    use StageKind as K;
    use StageOutcome::{Attention, Done};
    vec![
        stage(
            K::Describe,
            "09:02:11.020",
            "09:02:11.038",
            Done,
            "9 components, 11 flows and 2 datasets read from proofhouse.yaml.",
            0,
            1,
        ),
        stage(
            K::Plan,
            "09:02:11.038",
            "09:02:11.081",
            Attention,
            "27 threats derived, 2 questions to people, 31 checks planned.",
            2,
            3,
        ),
        stage(
            K::Assess,
            "09:02:11.200",
            "09:03:38.900",
            Attention,
            "9 checks ran: 7 pass, 1 fail, 1 unknown.",
            4,
            28,
        ),
        stage(
            K::Gate,
            "09:03:39",
            "09:03:39.020",
            Done,
            "Allowed, with one reason waived until 31 Jan 2027.",
            29,
            29,
        ),
        stage(
            K::Release,
            "09:03:41",
            "09:03:41.260",
            Done,
            "Model signed, ML-BOM with 14 components written.",
            30,
            32,
        ),
        stage(
            K::Deploy,
            "09:03:42",
            "09:03:44.100",
            Done,
            "2 instances started, both proved the released digest.",
            33,
            36,
        ),
        stage(
            K::Observe,
            "09:03:45",
            "09:14:02",
            Attention,
            "5,088 requests; drift alarm after 3,900.",
            37,
            44,
        ),
        stage(
            K::Recall,
            "09:14:02.400",
            "09:14:05.900",
            Done,
            "Both instances proven stopped, certificate issued.",
            45,
            53,
        ),
        stage(
            K::Feedback,
            "09:14:06",
            "09:14:08.200",
            Attention,
            "3 threats re-opened, risk re-scored.",
            54,
            57,
        ),
    ]
}

fn threats(reopened: bool) -> Vec<Threat> {
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

fn plan(ran: bool) -> Vec<PlannedCheck> {
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

fn evidence() -> Vec<Evidence> {
    let subject = |kind, name: &str| Subject { kind, name: name.into(), digest: d("model") };
    let one = |check: &str, verdict, criterion: &str, seq, measurements: Vec<Measurement>| Evidence {
        id: d(check),
        check: check.into(),
        subject: subject(SubjectKind::Model, "cheque-digits 1.2.0"),
        verdict,
        criterion: criterion.into(),
        inputs: Inputs {
            subject: d("model"),
            data: Some(d("data")),
            config: d("config"),
            tool: d("tool"),
            policy: Some(d("policy")),
            seed: Some(42),
        },
        freshness: Freshness::Fresh,
        measurements,
        findings: vec![],
        finished: t("09:03:12"),
        valid_until: Some("2026-12-23".parse().unwrap()),
        signer: "ed25519:checks-2026".into(),
        ledger_seq: seq,
    };
    let share = |name: &str, k, n| Measurement::proportion(name, k, n, 0.95);
    let mut list = vec![
        one(
            "scan",
            Verdict::Pass,
            "no finding of severity high or worse, every file proven inert",
            6,
            vec![
                Measurement::new("files", 3.0, Unit::Count),
                Measurement::new("bytes", 268_412.0, Unit::Bytes),
            ],
        ),
        one("signature", Verdict::Pass, "every file signed by a trusted key", 9, vec![]),
        one(
            "bom",
            Verdict::Pass,
            "every file of the model listed with its digest",
            11,
            vec![Measurement::new("components", 14.0, Unit::Count)],
        ),
        one(
            "label-noise",
            Verdict::Pass,
            "upper bound of the noise estimate at most 2%",
            13,
            vec![share("noise_estimate", 9, 1_297)],
        ),
        one(
            "leakage",
            Verdict::Pass,
            "no record of the test set within 0.01 of a training record",
            16,
            vec![share("near_duplicates", 0, 200)],
        ),
        one(
            "performance",
            Verdict::Pass,
            "lower bound of accuracy at least 95%",
            19,
            performance_measurements(),
        ),
        one(
            "evasion",
            Verdict::Fail,
            "lower bound of accuracy under attack at least 75% at epsilon 0.10",
            23,
            vec![
                share("robust_accuracy", 160, 200).of_slice("epsilon 0.10"),
                share("robust_accuracy", 88, 200).of_slice("epsilon 0.15"),
            ],
        ),
        one(
            "drift",
            Verdict::Unknown,
            "no alarm before the end of the watch",
            43,
            vec![Measurement::new("ks_distance", 0.412, Unit::Statistic)],
        ),
        one(
            "recall-drill",
            Verdict::Pass,
            "no request answered after acknowledgement",
            27,
            vec![share("answered_after", 0, 311)],
        ),
    ];
    list[0].findings = vec![Finding {
        rule: "onnx/metadata-url".into(),
        severity: Severity::Low,
        message: "The metadata of the model names a web address; nothing loads it.".into(),
        place: Place::file("model.onnx").within("metadata_props[2]").at(268_101),
        remediation: "Remove the entry if it is not needed.".into(),
        references: vec![],
    }];
    list[3].findings = (0..4u64)
        .map(|i| Finding {
            rule: "dataset/label-suspect".into(),
            severity: Severity::Medium,
            message: format!(
                "Record {} is labelled 8; its 10 nearest neighbours are labelled 3.",
                104 + 31 * i
            ),
            place: Place { line: Some(105 + 31 * i), ..Place::file("train.csv") },
            remediation: "Look at the record and correct the label, or keep it with a note.".into(),
            references: vec![],
        })
        .collect();
    list[7].freshness = Freshness::Stale(vec![StaleReason::Data]);
    list
}

fn performance_measurements() -> Vec<Measurement> {
    let p = performance();
    std::iter::once(p.accuracy).chain(p.classes.into_iter().map(|c| c.recall)).collect()
}

fn performance() -> Performance {
    let counts =
        [(20, 20), (19, 20), (20, 20), (17, 18), (21, 21), (20, 20), (20, 20), (20, 20), (17, 19), (21, 22)];
    Performance {
        evidence: Some(d("performance")),
        accuracy: Measurement::proportion("accuracy", 195, 200, 0.95),
        classes: counts
            .iter()
            .enumerate()
            .map(|(i, (k, n))| ClassScore {
                class: i.to_string(),
                recall: Measurement::proportion("recall", *k, *n, 0.95).of_slice(format!("class {i}")),
            })
            .collect(),
    }
}

fn robustness() -> Robustness {
    let points = [(0.05, 189), (0.1, 160), (0.15, 88), (0.2, 31)];
    Robustness {
        evidence: Some(d("evasion")),
        attack: "projected gradient, 40 steps, 5 restarts".into(),
        norm: "largest change of any pixel (L-infinity), pixels scaled to 0..1".into(),
        clean: Measurement::proportion("accuracy", 195, 200, 0.95),
        points: points
            .iter()
            .map(|(epsilon, k)| RobustnessPoint {
                epsilon: *epsilon,
                accuracy: Measurement::proportion("robust_accuracy", *k, 200, 0.95),
            })
            .collect(),
        required: Some(0.75),
        counterexamples: vec![
            turned("test[17]", "3", "8", 0),
            turned("test[92]", "1", "4", 1),
            turned("test[141]", "9", "5", 2),
        ],
    }
}

/// A drawn digit and a change of at most 0.1 to each pixel.
fn turned(record: &str, truth: &str, answer: &str, which: usize) -> Counterexample {
    const DIGITS: [[&str; 8]; 3] = [
        ["..9ff9..", ".3c..f5.", ".....f6.", "...8ff..", ".....af2", ".1....f7", ".6c..5f3", "..8ffd5."],
        ["...1f8..", "..2df8..", ".3fcf8..", "....f8..", "....f7..", "....f7..", "....f8..", "..5ffff4"],
        ["..3eff5.", "..f7.9f.", "..f6..f3", "..8ffff4", "......f4", ".....5f2", "..5.2ea.", "..8ffb1."],
    ];
    let rows = DIGITS.get(which).copied().unwrap_or_default();
    let original: Vec<f64> = rows
        .iter()
        .flat_map(|row| row.chars().map(|c| f64::from(c.to_digit(16).unwrap_or(0)) / 15.0))
        .collect();
    let altered = original
        .iter()
        .enumerate()
        .map(|(i, v)| (v + [0.1, -0.1, 0.04, 0.0, -0.07, 0.1, 0.0][(i * (which + 3)) % 7]).clamp(0.0, 1.0))
        .collect();
    let image = |pixels| Image { width: 8, height: 8, pixels };
    Counterexample {
        record: record.into(),
        truth: truth.into(),
        answer: answer.into(),
        distance: 0.1,
        original: image(original),
        altered: image(altered),
    }
}

fn drift() -> Drift {
    let quiet = [0.051, 0.044, 0.062, 0.047, 0.055, 0.041, 0.058, 0.049, 0.053, 0.046];
    let rising = [0.068, 0.094, 0.412];
    let looks: Vec<Look> = quiet
        .iter()
        .chain(&rising)
        .enumerate()
        .map(|(i, s)| Look {
            at: t("09:04:00").plus_ms(46_000 * i as i64),
            rows: 300 * (i as u64 + 1),
            statistic: *s,
            threshold: 0.131,
        })
        .collect();
    let bell = |centre: f64, width: f64, n: f64| -> Vec<u64> {
        (0..16).map(|i| (n * (-((f64::from(i) - centre) / width).powi(2)).exp()) as u64 + 3).collect()
    };
    let column = |name: &str, distance, from: (f64, f64), to: (f64, f64)| ColumnDrift {
        name: name.into(),
        statistic: "Kolmogorov–Smirnov".into(),
        distance,
        edges: (0..=16).map(f64::from).collect(),
        reference: bell(from.0, from.1, 210.0),
        current: bell(to.0, to.1, 140.0),
    };
    Drift {
        evidence: Some(d("drift")),
        statistic: "largest distance of any column".into(),
        alpha: 1.0 / (24.0 * 365.25),
        promise: FalseAlarmPromise::Yearly { alarms: 1.0, looks_per_day: 24.0 },
        effect_floor: Some(0.1),
        alarm: Some(Alarm { look: looks.len() - 1, signal: "sig-drift-1".into() }),
        looks,
        columns: vec![
            column("pixel_3_4", 0.412, (4.0, 3.0), (9.0, 4.0)),
            column("pixel_2_4", 0.371, (6.0, 4.0), (11.0, 3.0)),
            column("pixel_5_3", 0.298, (3.0, 5.0), (7.0, 5.0)),
        ],
    }
}

fn gate(allow: bool) -> Gate {
    let mut reasons = vec![Reason {
        code: "release/evasion-bound".into(),
        message:
            "The lower bound of accuracy under attack is 73.9% at epsilon 0.10; the policy asks for 75%."
                .into(),
        severity: Severity::High,
        solution: "Harden the model, or lower the amount that is booked without a person.".into(),
        waived: allow.then(|| Waiver {
            by: "Head of payments".into(),
            until: Some("2027-01-31".parse().unwrap()),
            why: "Amounts are capped at EUR 200 until the hardened model is tested.".into(),
        }),
    }];
    if !allow {
        reasons.push(Reason {
            code: "release/threat-without-test".into(),
            message: "MOD-03 is open, of severity high, and has neither evidence nor an acceptance.".into(),
            severity: Severity::High,
            solution: "Run a test that answers MOD-03, or let a named person accept it until a date.".into(),
            waived: None,
        });
    }
    Gate {
        allow,
        reasons,
        evidence: ["scan", "signature", "bom", "performance", "evasion"].map(d).to_vec(),
        policy: d("policy"),
        decision: d("decision"),
        decided_at: t("09:03:39"),
        ledger_seq: 29,
    }
}

fn instance(id: &str, pid: u32, seq: u64) -> Instance {
    Instance {
        id: id.into(),
        pid: Some(pid),
        address: format!("127.0.0.1:{}", 18_000 + pid % 100),
        proven: Some(d("model")),
        started: t("09:03:43"),
        stopped: Some(t("09:14:04")),
        stop_proof: Some(format!("process {pid} exited with signal 15; its port refuses connections")),
        ledger_seq: seq,
    }
}

fn recall() -> Recall {
    let step = |name: &str, at, detail: &str, seq| RecallStep {
        name: name.into(),
        at: t(at),
        detail: detail.into(),
        ledger_seq: Some(seq),
    };
    Recall {
        order: "recall-7".into(),
        digest: d("model"),
        reason: "Drift alarm sig-drift-1 of severity high; the policy orders a recall.".into(),
        ordered_by: "policy monitor/recall-on-drift".into(),
        ordered_at: t("09:14:02.400"),
        epoch: 7,
        ledger_seq: 45,
        steps: vec![
            step(
                "Denied at the gateway",
                "09:14:02.460",
                "The gateway acknowledged epoch 7 and answers 410.",
                46,
            ),
            step("Processes stopped", "09:14:04.010", "Both processes ended within the grace period.", 48),
            step("Sweep", "09:14:05.300", "Every known address was asked; none serves the digest.", 51),
            step(
                "Certificate issued",
                "09:14:05.900",
                "Signed over the order, the acknowledgements and the sweep.",
                53,
            ),
        ],
        proofs: ["cheque-digits-1", "cheque-digits-2"]
            .map(|id| InstanceProof {
                instance: id.into(),
                at: Some(t("09:14:04.010")),
                proof: "acknowledged; process exited with signal 15; port refuses connections".into(),
            })
            .to_vec(),
        certificate: Some(Certificate {
            digest: d("certificate"),
            signer: "ed25519:recall-2026".into(),
            issued_at: t("09:14:05.900"),
            ledger_seq: 53,
        }),
        answered_after: Some(0),
    }
}

fn risk() -> Risk {
    let curve = |name: &str, scale: f64, rate: f64, evidence: Vec<Digest>| {
        let points = (0..120)
            .map(|i| {
                let loss = 2_000.0 * 10f64.powf(f64::from(i) / 32.0);
                CurvePoint { loss, probability: rate * (-(loss / scale).powf(0.55)).exp() }
            })
            .collect();
        let e = |v: f64| Estimate { value: v, low: v * 0.985, high: v * 1.016 };
        LossCurve {
            name: name.into(),
            points,
            mean: e(scale * rate * 1.1),
            p95: e(scale * 3.6),
            p99: e(scale * 8.2),
            evidence,
        }
    };
    let tolerated = [(10_000.0, 0.5), (100_000.0, 0.1), (1_000_000.0, 0.01), (5_000_000.0, 0.001)];
    Risk {
        currency: "EUR".into(),
        years: 200_000,
        seed: 7,
        curves: vec![
            curve("before any test", 164_000.0, 0.9, vec![]),
            curve("after assessment", 88_000.0, 0.8, vec![d("evasion"), d("performance")]),
            curve("after recall", 21_000.0, 0.5, vec![d("drift")]),
        ],
        tolerance: tolerated
            .iter()
            .map(|(loss, probability)| CurvePoint { loss: *loss, probability: *probability })
            .collect(),
        drivers: vec![
            Driver {
                name: "Altered cheques booked at another amount".into(),
                threats: vec!["MOD-01".into(), "MOD-02".into()],
                mean: 6_900.0,
                share: 0.6,
            },
            Driver {
                name: "Silent loss of accuracy".into(),
                threats: vec!["MOD-04".into()],
                mean: 3_200.0,
                share: 0.28,
            },
            Driver {
                name: "Exchanged model".into(),
                threats: vec!["SUP-02".into()],
                mean: 1_400.0,
                share: 0.12,
            },
        ],
    }
}

fn frameworks() -> Frameworks {
    let counts = [
        ("GOVERN", [7, 3, 2, 3, 2, 2].as_slice()),
        ("MAP", &[6, 3, 5, 2, 2]),
        ("MEASURE", &[3, 13, 3, 3]),
        ("MANAGE", &[4, 4, 2, 3]),
    ];
    let mut rmf = Vec::new();
    for (function, categories) in counts {
        for (category, n) in categories.iter().enumerate() {
            for k in 1..=*n {
                let i = rmf.len();
                rmf.push(RmfSubcategory {
                    id: Reference::new("NIST AI RMF", "1.0", format!("{function} {}.{k}", category + 1)),
                    evidence: if function == "MEASURE" && i % 2 == 0 {
                        vec![d("evasion"), d("performance")]
                    } else {
                        vec![]
                    },
                    entries: if i % 3 == 0 { vec![2, 29] } else { vec![] },
                });
            }
        }
    }
    let count = |framework: &str, version: &str, cited, evidenced, total| FrameworkCount {
        framework: framework.into(),
        version: version.into(),
        cited,
        evidenced,
        total,
    };
    Frameworks {
        rmf,
        counts: vec![
            count("MITRE ATLAS", "5.6.0", 19, 11, Some(170)),
            count("NIST AI 100-2", "E2025", 9, 5, Some(25)),
            count("OWASP ML", "2023", 8, 6, Some(10)),
            count("PLOT4ai", "2025-06-20", 41, 22, Some(138)),
        ],
    }
}
