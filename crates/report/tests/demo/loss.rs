//! Loss, and frameworks.

use proofhouse_core::{Digest, Reference};
use proofhouse_report::input::*;

use super::d;

pub fn risk() -> Risk {
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

pub fn frameworks() -> Frameworks {
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
