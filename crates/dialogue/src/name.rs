//! Names of tools, sources, files and sites, as they appear in labels, audit records and policies.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A name of 1 to 128 printable characters without spaces or control characters, so that it can stand in a
/// label, a log line or a Rego string without anybody having to quote it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Name(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing there, or more than fits.
    #[error("a name has 1 to 128 characters, this one has {0}")]
    Length(usize),
    /// A character that could be taken for something else.
    #[error("a name has no spaces or control characters, this one has {0:?}")]
    Character(char),
}

impl Name {
    /// Longest name in characters.
    pub const MAX: usize = 128;

    /// Checks a name.
    pub fn new(text: impl Into<String>) -> Result<Self, NameError> {
        let text = text.into();
        let length = text.chars().count();
        if length == 0 || length > Self::MAX {
            return Err(NameError::Length(length));
        }
        match text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            Some(c) => Err(NameError::Character(c)),
            None => Ok(Self(text)),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        assert_eq!(Name::new("send_mail").unwrap().as_str(), "send_mail");
        assert_eq!(Name::new(""), Err(NameError::Length(0)));
        assert_eq!(Name::new("a".repeat(129)), Err(NameError::Length(129)));
        assert_eq!(Name::new("a b"), Err(NameError::Character(' ')));
        assert_eq!(Name::new("a\u{7}"), Err(NameError::Character('\u{7}')));
    }
}
