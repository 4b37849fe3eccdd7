//! References into other people's frameworks.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An entry of a framework, always with the edition: a bare `LLM03` names three different things in
/// three editions of the OWASP list. Written `framework@version:id`, such as `ATLAS@5.6.0:AML.T0043`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    framework: String,
    version: String,
    id: String,
}

/// The text is not `framework@version:id`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a reference of the form framework@version:id")]
pub struct ReferenceError(String);

impl Reference {
    /// A reference to `id` in the given edition of a framework.
    #[must_use]
    pub fn new(framework: impl Into<String>, version: impl Into<String>, id: impl Into<String>) -> Self {
        Self { framework: framework.into(), version: version.into(), id: id.into() }
    }

    /// The framework's name, such as `ATLAS`.
    #[must_use]
    pub fn framework(&self) -> &str {
        &self.framework
    }

    /// The edition.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The identifier within that edition.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.framework, self.version, self.id)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(s: &str) -> Result<Self, ReferenceError> {
        let parts = s.split_once('@').and_then(|(framework, rest)| {
            let (version, id) = rest.split_once(':')?;
            let full = !framework.is_empty() && !version.is_empty() && !id.is_empty();
            full.then(|| Self::new(framework, version, id))
        });
        parts.ok_or_else(|| ReferenceError(s.to_owned()))
    }
}

impl Serialize for Reference {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_a_bare_id_is_refused() {
        let r = Reference::new("OWASP-LLM", "2025", "LLM03:2025");
        assert_eq!(r.to_string(), "OWASP-LLM@2025:LLM03:2025");
        assert_eq!(r.to_string().parse(), Ok(r));
        assert!("LLM03".parse::<Reference>().is_err());
        assert!("@1:x".parse::<Reference>().is_err());
    }
}
