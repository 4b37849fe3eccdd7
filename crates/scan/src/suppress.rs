//! Findings that somebody has looked at and accepted: for one rule, one file's bytes, a reason, an owner and a day.
//!
//! A suppression names the digest of the file, so that it ends when the bytes change, and a day on which it ends
//! anyway. What has ended is said so, and the finding is back. Nothing is hidden: what is suppressed stays in the
//! report, with who answers for it.

use std::collections::BTreeMap;
use std::fmt;

use proofhouse_core::{Digest, Finding};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::report::outcome_of;
use crate::rules::rules;
use crate::{FileReport, Outcome};

/// A file of suppressions, as YAML or JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Suppressions of proofhouse scan")]
pub struct Suppressions {
    /// The accepted findings.
    pub suppressions: Vec<Suppression>,
}

/// One accepted finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Suppression {
    /// The rule, such as `python/runs-in-use`.
    pub rule: String,
    /// SHA-256 of the file that the finding is in, as the report has it: `sha256:` and 64 hexadecimal digits.
    #[schemars(with = "String", regex(pattern = "^sha256:[0-9a-f]{64}$"))]
    pub digest: Digest,
    /// The file's path, for the reader; it may have moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why the finding is acceptable.
    #[schemars(length(min = 10))]
    pub reason: String,
    /// Who answers for it.
    #[schemars(length(min = 1))]
    pub owner: String,
    /// The last day on which it holds, such as 2027-03-31.
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"))]
    pub expires: Day,
}

/// A day of the calendar, `YYYY-MM-DD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

impl Day {
    /// The first day there is: where nothing is suppressed, the day does not matter.
    pub(crate) fn first() -> Self {
        Self("0001-01-01".to_owned())
    }
}

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('-').collect();
        let number = |at: usize, length: usize| {
            let part =
                parts.get(at).filter(|p| p.len() == length && p.bytes().all(|b| b.is_ascii_digit()))?;
            part.parse::<u16>().ok()
        };
        match (number(0, 4), number(1, 2), number(2, 2), parts.len()) {
            (Some(_), Some(1..=12), Some(1..=31), 3) => Ok(Self(text)),
            _ => Err(format!("{text:?} is no day: write it as 2027-03-31")),
        }
    }
}

impl From<Day> for String {
    fn from(day: Day) -> Self {
        day.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A finding that does not count, and who answers for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// What was found.
    pub finding: Finding,
    /// Why it is acceptable.
    pub reason: String,
    /// Who says so.
    pub owner: String,
    /// Until when.
    pub expires: Day,
}

/// A suppression that did not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The suppression.
    pub suppression: Suppression,
    /// Why it does not hold.
    pub why: Why,
}

/// Why a suppression does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Why {
    /// Its day has passed; the finding is back.
    Expired,
    /// The file at its path has other bytes now; what is found there counts.
    BytesChanged,
    /// No finding of its rule is in a file of its digest: it can be removed.
    NothingToSuppress,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Suppression { rule, owner, expires, .. } = &self.suppression;
        match self.why {
            Why::Expired => {
                write!(f, "the suppression of {rule} by {owner} ended on {expires}: the finding is back")
            }
            Why::BytesChanged => {
                write!(
                    f,
                    "the suppression of {rule} by {owner} was for other bytes: what is found in the file counts"
                )
            }
            Why::NothingToSuppress => {
                write!(f, "the suppression of {rule} by {owner} has nothing to suppress: remove it")
            }
        }
    }
}

/// Why a file of suppressions is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SuppressionError {
    /// A rule that there is not.
    #[error("suppression {place}: there is no rule {rule:?} (see --list-rules)")]
    Rule {
        /// Its place in the file, from 1.
        place: usize,
        /// The rule as written.
        rule: String,
    },
    /// No reason or no owner.
    #[error("suppression {0}: a reason of ten characters or more and an owner are needed")]
    Unexplained(usize),
}

impl Suppressions {
    /// Checks what types cannot.
    ///
    /// # Errors
    /// A rule that there is not, a missing reason or owner.
    pub fn check(&self) -> Result<(), SuppressionError> {
        for (place, suppression) in (1..).zip(&self.suppressions) {
            if !rules().iter().any(|r| r.id == suppression.rule) {
                return Err(SuppressionError::Rule { place, rule: suppression.rule.clone() });
            }
            if suppression.reason.trim().chars().count() < 10 || suppression.owner.trim().is_empty() {
                return Err(SuppressionError::Unexplained(place));
            }
        }
        Ok(())
    }

    /// Takes out of `files` what is suppressed on the day `today`, and says what did not hold.
    pub(crate) fn apply(&self, files: &mut [FileReport], today: &Day) -> (Vec<Suppressed>, Vec<Ended>) {
        let digests: BTreeMap<String, Digest> =
            files.iter().filter_map(|f| Some((f.path.as_str().to_owned(), f.sha256?))).collect();
        let mut used = vec![false; self.suppressions.len()];
        let mut suppressed = Vec::new();
        for file in files.iter_mut() {
            let mut kept = Vec::new();
            for finding in std::mem::take(&mut file.findings) {
                let digest = digests.get(&finding.place.path);
                let mut holds = self.suppressions.iter().zip(&mut used).filter(|(s, _)| {
                    s.rule == finding.rule && Some(&s.digest) == digest && s.expires >= *today
                });
                match holds.next() {
                    Some((suppression, used)) => {
                        *used = true;
                        suppressed.push(Suppressed {
                            finding,
                            reason: suppression.reason.clone(),
                            owner: suppression.owner.clone(),
                            expires: suppression.expires.clone(),
                        });
                    }
                    None => kept.push(finding),
                }
            }
            file.findings = kept;
            if !file.truncated {
                file.outcome =
                    file.findings.iter().map(|f| outcome_of(&f.rule)).max().unwrap_or(Outcome::Clean);
            }
        }
        let ended = self.suppressions.iter().zip(used).filter(|(_, used)| !used).map(|(suppression, _)| {
            let here = digests.values().any(|d| *d == suppression.digest);
            let changed = !here && suppression.path.as_ref().is_some_and(|path| digests.contains_key(path));
            let why = if suppression.expires < *today && here {
                Why::Expired
            } else if changed {
                Why::BytesChanged
            } else {
                Why::NothingToSuppress
            };
            Ended { suppression: suppression.clone(), why }
        });
        let ended = ended.collect();
        suppressed.sort_by(|a, b| a.finding.cmp(&b.finding));
        suppressed.dedup();
        (suppressed, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, scan_bytes};

    const SOURCE: &[u8] = b"import os\nclass A:\n    def f(self):\n        os.system('x')\n";

    fn file() -> FileReport {
        scan_bytes(&"m.py".parse().unwrap(), SOURCE, &Limits::default())
    }

    fn suppression(digest: Digest, expires: &str) -> Suppressions {
        Suppressions {
            suppressions: vec![Suppression {
                rule: "python/runs-in-use".to_owned(),
                digest,
                path: Some("m.py".to_owned()),
                reason: "reviewed in April".to_owned(),
                owner: "model risk".to_owned(),
                expires: expires.to_owned().try_into().unwrap(),
            }],
        }
    }

    #[test]
    fn a_suppression_holds_for_its_bytes_and_until_its_day() {
        let today: Day = "2027-01-15".to_owned().try_into().unwrap();
        let digest = file().sha256.unwrap();
        for (digest, expires, outcome, why) in [
            (digest, "2027-01-15", Outcome::Clean, None),
            (digest, "2027-01-14", Outcome::Suspicious, Some(Why::Expired)),
            (Digest::of(b"other"), "2027-02-01", Outcome::Suspicious, Some(Why::BytesChanged)),
        ] {
            let mut files = [file()];
            let suppressions = suppression(digest, expires);
            suppressions.check().unwrap();
            let (suppressed, ended) = suppressions.apply(&mut files, &today);
            assert_eq!(files[0].outcome, outcome, "{expires}");
            assert_eq!(suppressed.len(), usize::from(why.is_none()));
            assert_eq!(ended.first().map(|e| e.why), why);
        }
    }

    #[test]
    fn what_is_no_suppression_is_refused() {
        let good = suppression(Digest::of(b""), "2027-01-01");
        let mut bad = good.clone();
        bad.suppressions[0].rule = "python/no-such".to_owned();
        assert!(matches!(bad.check(), Err(SuppressionError::Rule { place: 1, .. })));
        let mut bad = good;
        bad.suppressions[0].reason = "ok".to_owned();
        assert_eq!(bad.check(), Err(SuppressionError::Unexplained(1)));
        assert!(
            Day::try_from("2027-13-01".to_owned()).is_err() && Day::try_from("27-1-1".to_owned()).is_err()
        );
    }

    /// `PROOFHOUSE_WRITE=1 cargo test -p proofhouse-scan schema` writes it anew.
    #[test]
    fn the_schema_is_that_of_the_type() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scan-suppressions.schema.json");
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Suppressions)).unwrap() + "\n";
        if std::env::var_os("PROOFHOUSE_WRITE").is_some() {
            std::fs::write(path, &schema).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == schema,
            "docs/scan-suppressions.schema.json is not that of the type: write it anew"
        );
    }
}
