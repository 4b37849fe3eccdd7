//! Invented data in the shape of a real run: a digits classifier that reads cheque amounts at a bank,
//! from the system file to a recall. Every number here is made up, to look at the page and to test it.

#![expect(clippy::unwrap_used, reason = "every parsed text is a constant of this file")]

mod evidence;
mod examination;
mod loss;
mod runtime;
mod threats;

use std::collections::BTreeMap;

use proofhouse_core::{Digest, Severity, ThreatState, Timestamp};
use proofhouse_report::input::*;

use evidence::{evidence, fairness, performance, robustness};
pub use examination::examination;
use loss::{frameworks, risk};
use runtime::{drift, gate, instance, recall};
use threats::{plan, threats};

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
    input.fairness = Some(fairness());
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
        record: Some(d("look")),
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
