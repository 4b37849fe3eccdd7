//! Hosts, and patterns that list them.
//!
//! Read as a browser reads them (WHATWG URL, UTS 46): one host has one form here whatever its case, its
//! trailing dot, its escapes or its script, and a number in disguise (`0x7f.1`, `2130706433`) is the
//! address it stands for.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

/// A host that is listed: `docs.example`, `docs.example:8443`, or `*.docs.example` for one label under it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct HostPattern {
    /// One more label stands in front.
    below: bool,
    host: String,
    port: Option<u16>,
}

/// A text that lists no host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} lists no host; write docs.example, *.docs.example or docs.example:8443, without scheme or path"
)]
pub struct HostPatternError(String);

/// The longest label that a `*.` pattern stands for: a longer one is data, not a name.
const MAX_LABEL: usize = 24;

impl HostPattern {
    /// Whether a URL leads to this host.
    #[must_use]
    pub fn covers(&self, url: &Url) -> bool {
        let Some(host) = url.host() else { return false };
        // A port that the scheme implies is none.
        self.port == url.port() && self.covers_host(&canonical(&host))
    }

    /// Whether it is a host in the form that [`host_of`] gives.
    pub(super) fn covers_host(&self, host: &str) -> bool {
        if !self.below {
            return host == self.host;
        }
        host.strip_suffix(&self.host)
            .and_then(|front| front.strip_suffix('.'))
            .is_some_and(|label| !label.is_empty() && label.len() <= MAX_LABEL && !label.contains('.'))
    }
}

/// The one form of a host.
pub(super) fn canonical<S: AsRef<str>>(host: &Host<S>) -> String {
    match host {
        Host::Domain(name) => name.as_ref().trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => format!("[{address}]"),
    }
}

/// The one form of a host as written, where it is one.
pub(super) fn host_of(text: &str) -> Option<String> {
    let host = canonical(&Host::parse(text).ok()?);
    (!host.is_empty()).then_some(host)
}

/// Whether a host is written in Unicode or in the encoding of it: such a name can look like another one.
pub(super) fn is_international(host: &str) -> bool {
    !host.is_ascii() || host.split('.').any(|label| label.starts_with("xn--"))
}

impl std::str::FromStr for HostPattern {
    type Err = HostPatternError;

    fn from_str(text: &str) -> Result<Self, HostPatternError> {
        let error = || HostPatternError(text.to_owned());
        let (below, rest) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| error())?)),
            _ => (rest, None),
        };
        if host.contains(['/', '@', '*', '?', '#', '\\', '%']) || host.starts_with('.') {
            return Err(error());
        }
        let host = host_of(host).ok_or_else(error)?;
        // Everything under a top-level domain is nobody's list.
        if below && !host.contains('.') {
            return Err(error());
        }
        Ok(Self { below, host, port })
    }
}

impl TryFrom<String> for HostPattern {
    type Error = HostPatternError;

    fn try_from(text: String) -> Result<Self, HostPatternError> {
        text.parse()
    }
}

impl From<HostPattern> for String {
    fn from(pattern: HostPattern) -> Self {
        pattern.to_string()
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.below { "*." } else { "" };
        write!(f, "{star}{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(pattern: &str, url: &str) -> bool {
        pattern.parse::<HostPattern>().unwrap().covers(&Url::parse(url).unwrap())
    }

    #[test]
    fn one_host_has_one_form() {
        for url in [
            "https://docs.example/a",
            "HTTPS://DOCS.EXAMPLE",
            "https://docs.example./",
            "https://docs.example:443/",
            "https://user@docs.example/",
            "https:\\\\docs.example\\x",
            "https://docs%2eexample/",
        ] {
            assert!(covers("docs.example", url), "{url}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_another() {
        for url in [
            "https://docs.example.evil.example/",
            "https://docs.example@evil.example/",
            "https://evil.example/docs.example",
            "https://evil.example#docs.example",
            "https://docs.example:8443/",
            "https://dоcs.example/", // a Cyrillic о
            "https://xdocs.example/",
            "https://a.docs.example/",
        ] {
            assert!(!covers("docs.example", url), "{url}");
        }
        assert!(covers("127.0.0.1", "http://2130706433/") && covers("127.0.0.1", "http://0x7f.1/"));
        assert!(covers("[::1]", "http://[0:0:0:0:0:0:0:1]/"));
        assert!(covers("docs.example:8443", "https://docs.example:8443/"));
    }

    #[test]
    fn a_star_is_one_short_label() {
        assert!(covers("*.docs.example", "https://img.docs.example/"));
        assert!(!covers("*.docs.example", "https://docs.example/"));
        assert!(!covers("*.docs.example", "https://a.b.docs.example/"));
        assert!(!covers("*.docs.example", "https://mzxw6ytboi4dcmrtgq2tmnzyha.docs.example/"));
    }

    #[test]
    fn patterns_read_and_print_the_same() {
        for text in ["docs.example", "*.docs.example", "docs.example:8443", "[::1]:80", "127.0.0.1"] {
            assert_eq!(text.parse::<HostPattern>().unwrap().to_string(), text);
        }
        for text in ["", "*", "*.example", "https://docs.example", "a/b", "a@b", "*.*.example", "a:b", "a b"]
        {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
    }
}
