//! Signed results and what they measured.

use proofhouse_core::{
    Finding, Freshness, Inputs, Measurement, Place, Severity, StaleReason, Subject, SubjectKind, Unit,
    Verdict,
};
use proofhouse_report::input::*;

use super::{d, t};

pub fn evidence() -> Vec<Evidence> {
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

pub fn performance() -> Performance {
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

pub fn fairness() -> Fairness {
    let share = |(group, k, n): (&str, u64, u64)| GroupShare {
        group: group.to_owned(),
        share: Measurement::proportion("selection-rate", k, n, 0.95).of_slice(group),
    };
    Fairness {
        evidence: Some(d("performance")),
        rates: vec![GroupRates {
            rate: "favoured".to_owned(),
            bad: false,
            groups: [
                ("age: below 30", 120, 160),
                ("age: 30 to below 60", 410, 500),
                ("age not stated", 30, 41),
            ]
            .map(share)
            .to_vec(),
            furthest: Some(
                Measurement::proportion("selection-ratio", 89, 100, 0.95)
                    .of_slice("age not stated against age: 30 to below 60"),
            ),
            asked: "a ratio between 0.8 and 1.25".to_owned(),
        }],
        too_small: vec![("age: 60 and above".to_owned(), 7)],
    }
}

pub fn robustness() -> Robustness {
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
                proved: Some(Measurement::proportion("certified-accuracy", k * 2 / 3, 200, 0.95)),
            })
            .collect(),
        required: Some(0.75),
        proof: Some(Proved::By("linear bounds".into())),
        classes: (0..10)
            .map(|class| ClassSuccess {
                class: class.to_string(),
                success: Measurement::proportion("evasion-success", class % 7, 19, 0.95),
            })
            .collect(),
        attacks: vec![AttackPart {
            name: "apgd-ce".into(),
            sees: "gradients".into(),
            attacked: 195,
            turned: 35,
            queries: 19_500,
            repairs: vec!["logits are rescaled".into()],
        }],
        claim: Some("robust against projected gradient on a share of at least 0.74; not proved".into()),
        doubts: vec![Doubt {
            says: "12 of 48 probabilities are 1 in float32".into(),
            answer: Some("losses that do not saturate".into()),
        }],
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
    let image = |pixels| Image { width: 8, height: 8, channels: 1, pixels };
    Counterexample {
        record: record.into(),
        truth: truth.into(),
        answer: answer.into(),
        distance: 0.1,
        change: Change::Image { original: image(original), altered: image(altered) },
    }
}
