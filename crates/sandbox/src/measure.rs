//! What a sandbox does, and whether it holds on this machine.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing a sandbox prevents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Measure {
    /// No network but its own loopback.
    Network,
    /// Files can be read where allowed, and changed in the scratch folder only.
    Files,
    /// System calls that a server has no use for are refused.
    Calls,
    /// No privilege, and no way to gain one.
    Privileges,
    /// Other processes are neither seen nor signalled.
    Isolation,
    /// Memory is bounded.
    Memory,
    /// The number of processes is bounded.
    Processes,
    /// Computing time is bounded.
    Cpu,
    /// The whole is bounded in time.
    Time,
    /// Nothing of the caller's environment is passed on that was not named.
    Environment,
    /// When the sandbox ends, whatever was started in it ends.
    End,
}

impl Measure {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 11] = [
        Self::Network,
        Self::Files,
        Self::Calls,
        Self::Privileges,
        Self::Isolation,
        Self::Memory,
        Self::Processes,
        Self::Cpu,
        Self::Time,
        Self::Environment,
        Self::End,
    ];

    /// Whether a command whose sandbox lacks this could do harm beyond wasting the machine's time.
    #[must_use]
    pub const fn is_essential(self) -> bool {
        matches!(self, Self::Network | Self::Files | Self::Privileges)
    }

    /// What it prevents, in words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Network => "no network but its own loopback",
            Self::Files => "files read-only but for a scratch folder",
            Self::Calls => "only system calls that a server needs",
            Self::Privileges => "no privileges",
            Self::Isolation => "other processes out of reach",
            Self::Memory => "memory",
            Self::Processes => "number of processes",
            Self::Cpu => "computing time",
            Self::Time => "time",
            Self::Environment => "no inherited environment",
            Self::End => "ended with all it started",
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.says())
    }
}

/// Whether a measure holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "held")]
pub enum Held {
    /// It does.
    Enforced {
        /// By what.
        by: String,
    },
    /// It does, but for something.
    Partly {
        /// By what.
        by: String,
        /// What is open.
        gap: String,
    },
    /// It does not.
    No {
        /// Why not.
        because: String,
    },
}

impl Held {
    pub(crate) fn by(by: impl Into<String>) -> Self {
        Self::Enforced { by: by.into() }
    }

    pub(crate) fn partly(by: impl Into<String>, gap: impl Into<String>) -> Self {
        Self::Partly { by: by.into(), gap: gap.into() }
    }

    pub(crate) fn no(because: impl Into<String>) -> Self {
        Self::No { because: because.into() }
    }

    /// Whether it holds, be it in part.
    #[must_use]
    pub const fn holds(&self) -> bool {
        !matches!(self, Self::No { .. })
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enforced { by } => write!(f, "enforced by {by}"),
            Self::Partly { by, gap } => write!(f, "in part, by {by}: {gap}"),
            Self::No { because } => write!(f, "not enforced: {because}"),
        }
    }
}

/// All measures of one sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Measures(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    measure: Measure,
    #[serde(flatten)]
    held: Held,
}

impl Measures {
    /// Notes what became of a measure; the last word on it counts.
    pub(crate) fn note(&mut self, measure: Measure, held: Held) {
        self.0.retain(|entry| entry.measure != measure);
        self.0.push(Entry { measure, held });
        self.0.sort_by_key(|entry| entry.measure);
    }

    /// What became of a measure; one that nobody spoke of does not hold.
    #[must_use]
    pub fn of(&self, measure: Measure) -> Held {
        let entry = self.0.iter().find(|entry| entry.measure == measure);
        entry.map_or_else(|| Held::no("it was not tried"), |entry| entry.held.clone())
    }

    /// Every measure with what became of it.
    pub fn iter(&self) -> impl Iterator<Item = (Measure, Held)> + '_ {
        Measure::ALL.into_iter().map(|measure| (measure, self.of(measure)))
    }

    /// Essential measures that do not hold, with the reasons.
    #[must_use]
    pub fn lacking(&self) -> Vec<(Measure, String)> {
        let essential = self.iter().filter(|(measure, _)| measure.is_essential());
        essential
            .filter_map(|(measure, held)| match held {
                Held::No { because } => Some((measure, because)),
                _ => None,
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_does_not_hold() {
        let mut measures = Measures::default();
        assert_eq!(measures.lacking().len(), 3);
        for measure in [Measure::Network, Measure::Files, Measure::Privileges] {
            measures.note(measure, Held::by("something"));
        }
        assert!(measures.lacking().is_empty());
        measures.note(Measure::Files, Held::no("of a reason"));
        assert_eq!(measures.lacking(), [(Measure::Files, "of a reason".to_owned())]);
        assert_eq!(measures.iter().count(), Measure::ALL.len());
        let json = serde_json::to_value(&measures).unwrap_or_default();
        assert_eq!(json[1], serde_json::json!({"measure": "files", "held": "no", "because": "of a reason"}));
    }
}
