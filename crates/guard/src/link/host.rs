//! The hosts that an operator allows links to lead to.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Host;

use super::{LinkRefusal, covert};

/// Longest name, in bytes, of what stands below a host of which everything below is allowed.
const LABELS_BYTES: usize = 24;

/// A host an operator allows: `shop.example`, `*.shop.example` for what is below it, with a port where it is
/// not the scheme's own, or `*` for any name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HostPattern {
    host: Allowed,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Allowed {
    Any,
    Exactly(String),
    Below(String),
}

/// Why a text is no host pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no host; write shop.example, *.shop.example, shop.example:8443 or *")]
pub struct HostPatternError(String);

impl HostPattern {
    /// Reads a pattern. Names are brought into their ASCII form.
    pub fn new(text: &str) -> Result<Self, HostPatternError> {
        let wrong = || HostPatternError(text.to_owned());
        if text == "*" {
            return Ok(Self { host: Allowed::Any, port: None });
        }
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') && !name.ends_with(':') => {
                (name, Some(port.parse().map_err(|_| wrong())?))
            }
            _ => (text, None),
        };
        let (name, below) = match name.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (name, false),
        };
        if name.contains(['*', '/', '@', ' ']) {
            return Err(wrong());
        }
        let name = host_name(&Host::parse(name).map_err(|_| wrong())?);
        Ok(Self { host: if below { Allowed::Below(name) } else { Allowed::Exactly(name) }, port })
    }

    pub(crate) fn covers(&self, host: &Host, port: Option<u16>) -> bool {
        let name = host_name(host);
        let named = match &self.host {
            Allowed::Any => matches!(host, Host::Domain(_)) && name.contains('.'),
            Allowed::Exactly(allowed) => name == *allowed,
            Allowed::Below(allowed) => {
                name.strip_suffix(allowed.as_str()).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
            }
        };
        // The port of the pattern, or the scheme's own, which the parser leaves out.
        named && port == self.port
    }

    /// Names below an allowed one reach its owner through DNS whether they exist or not: what stands there
    /// is a name, not a message.
    pub(super) fn judge_labels(&self, name: &str) -> Result<(), LinkRefusal> {
        let Allowed::Below(allowed) = &self.host else { return Ok(()) };
        let labels = name.strip_suffix(allowed.as_str()).unwrap_or_default();
        match labels.len() {
            0..=LABELS_BYTES => Ok(()),
            bytes => Err(LinkRefusal::Opaque { host: allowed.clone(), bytes }),
        }
    }

    /// Whether `name` is meant to be taken for this host: it begins or goes on with it
    /// (`shop.example.evil.net`, `shop-example.net`), or is an internationalised name drawn like it.
    pub(super) fn is_imitated_by(&self, name: &str) -> bool {
        let (Allowed::Exactly(allowed) | Allowed::Below(allowed)) = &self.host else { return false };
        let drawn = covert::drawn_like(name);
        let dashed = allowed.replace('.', "-");
        drawn == *allowed && name != allowed
            || drawn.ends_with(&format!(".{allowed}")) && !name.ends_with(allowed.as_str())
            || name.starts_with(&format!("{allowed}."))
            || name.contains(&format!(".{allowed}."))
            || name.split('.').any(|label| label == dashed)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match &self.host {
            Allowed::Any => Cow::Borrowed("*"),
            Allowed::Exactly(name) => Cow::Borrowed(name.as_str()),
            Allowed::Below(name) => Cow::Owned(format!("*.{name}")),
        };
        match self.port {
            Some(port) => write!(f, "{name}:{port}"),
            None => f.write_str(&name),
        }
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;

    fn try_from(text: String) -> Result<Self, HostPatternError> {
        Self::new(&text)
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

pub(super) fn host_name(host: &Host) -> String {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_read_once_and_well() {
        for good in ["a.example", "*.a.example", "a.example:8443", "*", "127.0.0.1", "[::1]", "[::1]:80"] {
            assert_eq!(HostPattern::new(good).unwrap().to_string(), good);
        }
        assert_eq!(HostPattern::new("Bücher.example").unwrap().to_string(), "xn--bcher-kva.example");
        for bad in ["", "a b", "a.example/x", "*a.example", "u@a.example", "a:b"] {
            assert!(HostPattern::new(bad).is_err(), "{bad}");
        }
    }
}
