//! Three-valued verdicts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The answer of a check. "Could not tell" is an answer of its own, never a pass and never a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The criterion holds.
    Pass,
    /// It could not be established whether the criterion holds.
    Unknown,
    /// The criterion does not hold.
    Fail,
}

impl Verdict {
    /// The verdict over both: a failure outranks not knowing, which outranks a pass.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The verdict over all of them. Over none it is [`Verdict::Unknown`]: nothing was looked at.
    #[must_use]
    pub fn all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        verdicts.into_iter().reduce(Self::and).unwrap_or(Self::Unknown)
    }

    /// Exit code of a command: 0 pass, 1 fail, 2 unknown.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Unknown => 2,
        }
    }
}

impl From<Option<bool>> for Verdict {
    fn from(holds: Option<bool>) -> Self {
        match holds {
            Some(true) => Self::Pass,
            Some(false) => Self::Fail,
            None => Self::Unknown,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Fail, Pass, Unknown};

    #[test]
    fn failure_outranks_unknown_outranks_pass() {
        assert_eq!(Pass.and(Unknown), Unknown);
        assert_eq!(Unknown.and(Fail), Fail);
        assert_eq!(Verdict::all([Pass, Pass]), Pass);
    }

    #[test]
    fn nothing_looked_at_is_not_a_pass() {
        assert_eq!(Verdict::all([]), Unknown);
    }
}
