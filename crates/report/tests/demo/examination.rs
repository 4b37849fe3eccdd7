//! Everything that a page about one examination can show, with invented numbers.

use proofhouse_core::Measurement;
use proofhouse_report::input::*;

use super::evidence::robustness;

fn share(name: &str, k: u64, n: u64) -> Measurement {
    Measurement::proportion(name, k, n, 0.95)
}

/// All sections at once; no real examination has them all.
pub fn examination() -> Examination {
    let kinds = ["rotation", "translation", "brightness", "fog", "blur", "compression"];
    let colours = (0..3 * 16 * 16).map(|i| f64::from((i * 37) % 101) / 100.0).collect();
    Examination {
        title: "Attack on cheque-digits.onnx".into(),
        lead: vec!["160 of 200 rows stay right under attack; 106 are proved to.".into()],
        tool: "proofhouse 0.1.0".into(),
        facts: vec![("model".into(), "sha256:…".into()), ("seed".into(), "7".into())],
        robustness: Some(Robustness { evidence: None, ..robustness() }),
        table: Some(table()),
        natural: Some(Natural {
            clean: share("accuracy", 195, 200),
            kinds: kinds
                .iter()
                .enumerate()
                .map(|(i, kind)| {
                    let at = |severity: u64| share("accuracy", 195 - severity * severity * i as u64, 200);
                    ((*kind).to_owned(), (1..=5).map(at).collect())
                })
                .collect(),
        }),
        hardening: Some(hardening()),
        spending: Some(Spending {
            of: "queries".into(),
            share: "agreement of copy and model".into(),
            points: vec![
                (100.0, share("fidelity", 120, 200)),
                (1000.0, share("fidelity", 170, 200)),
                (10_000.0, share("fidelity", 191, 200)),
            ],
            baseline: Some(("always the commonest class".into(), 0.12)),
            ceiling: Some(0.9),
        }),
        tables: vec![Results {
            title: "Rows that were learned from".into(),
            says: "Found at a rate of false alarms.".into(),
            columns: vec!["False alarms".into(), "Found".into(), "Interval".into()],
            rows: vec![vec!["1%".into(), "3.2%".into(), "1.9% to 5.1%".into()]],
        }],
        examples: vec![],
        pictures: vec![Picture {
            caption: "What the model takes for a 3".into(),
            image: Image { width: 16, height: 16, channels: 3, pixels: colours },
        }],
    }
}

fn table() -> TableAttack {
    let change = |feature: &str, before, after, cost| ValueChange {
        feature: feature.into(),
        before,
        after,
        cost: Some(cost),
    };
    TableAttack {
        aim: "class 0 (granted)".into(),
        budget: Some(12.0),
        attacked: 40,
        success: share("evasion-success", 31, 40),
        proved: Some(share("proved-robust", 6, 40)),
        gain: Some(share("share-of-gain", 14, 40)),
        prices: (0..31).map(|i| 0.4 + f64::from(i * i) / 60.0).collect(),
        floors: (0..40).map(|i| 0.3 + f64::from(i * i) / 80.0).collect(),
        examples: vec![Counterexample {
            record: "test[3]".into(),
            truth: "1 (refused)".into(),
            answer: "0 (granted)".into(),
            distance: 4.2,
            change: Change::Table(vec![
                change("income", 1800.0, 2150.0, 3.5),
                change("accounts_open", 3.0, 2.0, 0.7),
            ]),
        }],
    }
}

fn hardening() -> Hardening {
    let epochs = (1..=30).map(|epoch| {
        let done = 1.0 - (-f64::from(epoch) / 8.0).exp();
        HardeningEpoch {
            epoch: epoch as usize,
            loss: 2.3 - 1.9 * done,
            clean: 0.3 + 0.68 * done.sqrt(),
            robust: 0.05 + 0.76 * done,
        }
    });
    Hardening {
        epochs: epochs.collect(),
        chosen: 27,
        before: (share("accuracy", 198, 200), share("robust-accuracy", 84, 200)),
        after: (share("accuracy", 197, 200), share("robust-accuracy", 161, 200)),
        attacks: "apgd-ce+apgd-t+fab-t+square".into(),
    }
}
