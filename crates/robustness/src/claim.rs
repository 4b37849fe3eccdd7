//! The word a report may use.
//!
//! "Robust" is the one word that does harm when it is wrong, so that it is not for anyone to write: a
//! [`Claim`] is made from a report and a diagnosis, and refuses the word while a flag stands.

use serde::{Deserialize, Serialize};

use crate::{Diagnosis, EvasionReport, Flag};

/// What may be said. Made by [`Claim::of`] only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claim(Standing);

/// The cases of a claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "claim")]
#[non_exhaustive]
pub enum Standing {
    /// Enough rows are *proved* robust.
    Proved {
        /// Lower end of the interval of the certified accuracy.
        at_least: f64,
        /// How it was proved.
        method: String,
    },
    /// Not proved; the attacks that ran left enough rows, and nothing speaks against them having worked.
    Withstood {
        /// Lower end of the interval of the accuracy under attack.
        at_least: f64,
        /// The attacks.
        attacks: String,
    },
    /// Attacks left too few rows.
    Fell {
        /// Lower end of the interval of the accuracy under attack.
        at_least: f64,
        /// What was required.
        required: f64,
    },
    /// The attacks left enough rows, but something says that they may not have worked.
    Refused {
        /// What.
        flags: Vec<Flag>,
    },
}

impl Claim {
    /// Holds the report against "accuracy under attack of at least `required`", on the lower end of the
    /// interval. A fall is a fall whatever the flags: counterexamples were confirmed.
    #[must_use]
    pub fn of(report: &EvasionReport, diagnosis: &Diagnosis, required: f64) -> Self {
        let low = |m: &proofhouse_core::Measurement| m.interval.as_ref().map_or(0.0, |i| i.low);
        let at_least = low(&report.robust_accuracy);
        if at_least < required {
            return Self(Standing::Fell { at_least, required });
        }
        let flags: Vec<Flag> = diagnosis.standing().cloned().collect();
        if !flags.is_empty() || report.attacked == 0 {
            return Self(Standing::Refused { flags });
        }
        let proved = report.certified.as_ref().map(|c| (low(&c.accuracy), c.method.clone()));
        if let Some((at_least, method)) = proved.filter(|(proved, _)| *proved >= required) {
            return Self(Standing::Proved { at_least, method });
        }
        Self(Standing::Withstood { at_least, attacks: report.attack.clone() })
    }

    /// Which case it is.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.0
    }

    /// Whether the word may be used.
    #[must_use]
    pub const fn may_say_robust(&self) -> bool {
        matches!(self.0, Standing::Proved { .. } | Standing::Withstood { .. })
    }
}

impl std::fmt::Display for Claim {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Standing::Proved { at_least, method } => {
                write!(f, "robust: proved by {method} on a share of at least {at_least:.3}")
            }
            Standing::Withstood { at_least, attacks } => {
                write!(f, "robust against {attacks} on a share of at least {at_least:.3}; not proved")
            }
            Standing::Fell { at_least, required } => {
                write!(f, "falls short: {at_least:.3} of the required {required:.3} is left under attack")
            }
            Standing::Refused { flags } => {
                let says: Vec<&str> = flags.iter().map(|flag| flag.says.as_str()).collect();
                write!(f, "undecided, for the attacks may not have worked: {}", says.join("; "))
            }
        }
    }
}
