//! The gate, and what happened while the model ran.

use proofhouse_core::Severity;
use proofhouse_report::input::*;

use super::{d, t};

pub fn drift() -> Drift {
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
        evidence: None,
        ledger: vec![43],
        tested: Some(d("drift")),
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

pub fn gate(allow: bool) -> Gate {
    let mut reasons = vec![Reason {
        code: "release/evasion-bound".into(),
        subject: "MOD-01".into(),
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
            subject: "MOD-03".into(),
            message: "MOD-03 is open, of severity high, and has neither evidence nor an acceptance.".into(),
            severity: Severity::High,
            solution: "Run a test that answers MOD-03, or let a named person accept it until a date.".into(),
            waived: None,
        });
    }
    Gate {
        allow,
        reasons,
        warnings: warnings(),
        evidence: ["scan", "signature", "bom", "performance", "evasion"].map(d).to_vec(),
        policy: d("policy"),
        decision: d("decision"),
        decided_at: t("09:03:39"),
        ledger_seq: 29,
    }
}

fn warnings() -> Vec<Reason> {
    let manual = [("MOD-08", Severity::Medium), ("MOD-03", Severity::High), ("STR-03", Severity::Medium)];
    let warning = |code: &str, subject: &str, severity, message: &str| Reason {
        code: code.into(),
        subject: subject.into(),
        message: message.into(),
        severity,
        solution: "Let a person look at it and write down what was found.".into(),
        waived: None,
    };
    let unknown = warning("threat/unknown", "PRI-01", Severity::Medium, "it is not known whether it applies");
    std::iter::once(unknown)
        .chain(manual.map(|(id, s)| warning("threat/manual", id, s, "no machine test answers this threat")))
        .collect()
}

pub fn instance(id: &str, pid: u32, seq: u64) -> Instance {
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

pub fn recall() -> Recall {
    let step = |name: &str, at, detail: &str, seq| RecallStep {
        name: name.into(),
        at: t(at),
        detail: detail.into(),
        ledger_seq: Some(seq),
    };
    Recall {
        order: "recall-7".into(),
        digest: d("model"),
        scope: "in production".into(),
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
