//! Executable checks of a dataset. Each returns an [`Outcome`]: a verdict on a stated criterion, with what was
//! measured and found.

mod integrity;
mod label_noise;
mod leakage;
mod licence;
mod provenance;
mod quality;

pub use integrity::integrity;
pub use label_noise::{LabelNoise, LabelNoiseRules, Suspect, label_noise};
pub use leakage::{Leak, Leakage, LeakageRules, leakage};
pub use licence::licence;
pub use provenance::provenance;
pub use quality::{QualityRules, quality};

use proofhouse_core::{Finding, Measurement, Place, Severity, Verdict};
use serde::{Deserialize, Serialize};

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// The criterion as applied, in words with numbers.
    pub criterion: String,
    /// What was measured.
    pub measurements: Vec<Measurement>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Confidence of every interval a criterion is judged on.
const CONFIDENCE: f64 = 0.95;

fn finding(rule: &str, severity: Severity, place: Place, message: String, remediation: &str) -> Finding {
    Finding {
        rule: format!("dataset/{rule}"),
        severity,
        message,
        place,
        remediation: remediation.to_owned(),
        references: Vec::new(),
    }
}

/// The first row numbers of many, for a person.
fn some_rows(rows: &[usize]) -> String {
    let shown: Vec<String> = rows.iter().take(10).map(ToString::to_string).collect();
    let more = if rows.len() > shown.len() { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
