//! Somebody else's model endpoint: an address and a key, both from the configuration.

use std::fmt;

use hyper::Uri;
use hyper::header::HeaderValue;

use crate::refusal::Refusal;

/// An endpoint that speaks a chat protocol and proves nothing about what it serves.
#[derive(Debug, Clone)]
pub struct Endpoint {
    base: String,
    key: Option<EndpointKey>,
}

/// The credential for an endpoint. Never printed by `Debug`.
#[derive(Clone)]
pub struct EndpointKey(String);

/// A text that is no address of an endpoint, or a key that cannot stand in a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a plain address.
    #[error("{0:?} is no address of an endpoint: write http://host:port or http://host:port/path")]
    Url(String),
    /// A key with characters that no header takes.
    #[error("the key of the endpoint has characters that cannot stand in a header")]
    Key,
}

impl Endpoint {
    /// An endpoint at `url`. A path that ends in `/v1`, as clients are given it, names the same endpoint.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        let refuse = || EndpointError::Url(url.chars().take(200).collect());
        let parsed: Uri = url.parse().map_err(|_| refuse())?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(refuse());
        };
        // A key in the address would end up in logs.
        if scheme != "http" || authority.as_str().contains('@') || parsed.query().is_some() {
            return Err(refuse());
        }
        let path = parsed.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path);
        Ok(Self { base: format!("{scheme}://{authority}{path}"), key: None })
    }

    /// The same with a key: `Authorization: Bearer` in OpenAI's protocol, `x-api-key` in Anthropic's.
    pub fn with_key(self, key: &str) -> Result<Self, EndpointError> {
        if key.is_empty() || HeaderValue::from_str(key).is_err() {
            return Err(EndpointError::Key);
        }
        Ok(Self { key: Some(EndpointKey(key.to_owned())), ..self })
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn key(&self) -> Option<&EndpointKey> {
        self.key.as_ref()
    }
}

impl EndpointKey {
    pub(crate) fn bearer(&self) -> Result<HeaderValue, Refusal> {
        header(&format!("Bearer {}", self.0))
    }

    pub(crate) fn bare(&self) -> Result<HeaderValue, Refusal> {
        header(&self.0)
    }
}

fn header(text: &str) -> Result<HeaderValue, Refusal> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| Refusal::new(502, "upstream/request", "the request cannot be forwarded"))?;
    value.set_sensitive(true);
    Ok(value)
}

impl fmt::Debug for EndpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndpointKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_what_clients_are_given() {
        for url in ["http://h:1", "http://h:1/", "http://h:1/v1", "http://h:1/v1/"] {
            assert_eq!(Endpoint::new(url).unwrap().base(), "http://h:1", "{url}");
        }
        assert_eq!(Endpoint::new("http://h/openai/v1").unwrap().base(), "http://h/openai");
        for url in ["", "h:1", "ftp://h", "http://", "http://u:p@h", "http://h/v1?key=x", "/v1"] {
            assert!(Endpoint::new(url).is_err(), "{url}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let endpoint = Endpoint::new("http://h").unwrap().with_key("sk-secret").unwrap();
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(!format!("{:?}", endpoint.key().unwrap().bearer()).contains("secret"));
        assert!(Endpoint::new("http://h").unwrap().with_key("a\nb").is_err());
    }
}
