//! What is wrong with a system file, where, and what to do about it.

use std::fmt;

use proofhouse_core::Place;

/// One problem in a system file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{}: {what}{}", self.place, self.hint.as_ref().map(|h| format!(", {h}")).unwrap_or_default())]
pub struct SystemError {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

/// Everything that is wrong with a system file, in the order of the file; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SystemErrors(Vec<SystemError>);

impl SystemErrors {
    pub(crate) fn new(mut errors: Vec<SystemError>) -> Self {
        errors.sort_by_key(|e| (e.place.line, e.place.column, e.what.clone()));
        errors.dedup();
        Self(errors)
    }

    /// The problems.
    #[must_use]
    pub fn errors(&self) -> &[SystemError] {
        &self.0
    }
}

impl fmt::Display for SystemErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

/// The candidate a misspelt word most likely meant: the nearest by edit distance, if it is near.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Long words come from outside and the distance is quadratic.
    if word.len() > 64 {
        return None;
    }
    let fold = |s: &str| s.to_ascii_lowercase().replace('-', "_");
    candidates
        .into_iter()
        .map(|c| (distance(&fold(word), &fold(c)), c))
        .filter(|(d, c)| *d <= 1 + c.len() / 4)
        .min_by_key(|(d, c)| (*d, *c))
        .map(|(_, c)| c)
}

/// Levenshtein distance, one row at a time.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = Vec::with_capacity(row.len());
        next.push(left);
        for ((y, diagonal), above) in b.iter().zip(&row).zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != *y)).min(above + 1).min(left + 1);
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_known_pairs() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", "abc"), 0);
    }

    #[test]
    fn near_words_are_offered_and_far_ones_are_not() {
        assert_eq!(did_you_mean("licnce", ["licence", "label"]), Some("licence"));
        assert_eq!(did_you_mean("third-party", ["third_party"]), Some("third_party"));
        assert_eq!(did_you_mean("colour", ["licence", "label"]), None);
        assert_eq!(did_you_mean(&"a".repeat(10_000), ["a"]), None);
    }
}
