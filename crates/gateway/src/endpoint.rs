//! Somebody else's model endpoint: an address and a key, both from the configuration.

use std::fmt;
use std::time::Duration;

use hyper::Uri;
use hyper::header::HeaderValue;
use proofhouse_endpoint::{Authorities, Client, Roots, client, is_near};

use crate::refusal::Refusal;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// An endpoint that speaks a chat protocol and proves nothing about what it serves. Clones share connections.
#[derive(Debug, Clone)]
pub struct Endpoint {
    base: String,
    key: Option<EndpointKey>,
    /// A key may be sent: encrypted, or on this machine.
    keeps_keys: bool,
    client: Client,
}

/// The credential for an endpoint. Never printed by `Debug`.
#[derive(Clone)]
pub struct EndpointKey(String);

/// A text that is no address of an endpoint, or a key that cannot be sent there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// Not a plain address.
    #[error(
        "{0:?} is no address of an endpoint: write https://host, http://host:port or the same with a path; a key \
         does not belong into it"
    )]
    Url(String),
    /// A key with characters that no header takes.
    #[error("the key of the endpoint has characters that cannot stand in a header")]
    Key,
    /// A key that everybody on the way could read.
    #[error("the key would travel to {0} unencrypted; use https, or an address of this machine")]
    Unencrypted(String),
    /// TLS cannot be spoken.
    #[error("{0}")]
    Connect(String),
}

impl Endpoint {
    /// An endpoint at `url`, vouched for by the machine's authorities where it is `https`. A path that ends in
    /// `/v1`, as clients are given it, names the same endpoint.
    pub fn new(url: &str) -> Result<Self, EndpointError> {
        Self::at(url, Authorities::Machine)
    }

    /// The same, vouched for by these authorities and no others.
    pub fn trusting(url: &str, roots: Roots) -> Result<Self, EndpointError> {
        Self::at(url, Authorities::Only(roots))
    }

    fn at(url: &str, authorities: Authorities) -> Result<Self, EndpointError> {
        // What stands before an @ may be a key, and the refusal is printed.
        let shown = || url.chars().take_while(|c| !matches!(c, '@' | '?')).take(200).collect::<String>();
        let refuse = || {
            let named = if url.contains('@') { "…@…".to_owned() } else { shown() };
            EndpointError::Url(named)
        };
        let parsed: Uri = url.parse().map_err(|_| refuse())?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(refuse());
        };
        // A key in the address would end up in logs.
        if authority.as_str().contains('@') || parsed.query().is_some() {
            return Err(refuse());
        }
        let authorities = match scheme {
            "https" => authorities,
            "http" => Authorities::Nobody,
            _ => return Err(refuse()),
        };
        let path = parsed.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path);
        Ok(Self {
            base: format!("{scheme}://{authority}{path}"),
            key: None,
            keeps_keys: scheme == "https" || is_near(&parsed),
            client: client(CONNECT, &authorities)
                .map_err(|error| EndpointError::Connect(error.to_string()))?,
        })
    }

    /// The same with a key: `Authorization: Bearer` in OpenAI's protocol, `x-api-key` in Anthropic's.
    pub fn with_key(self, key: &str) -> Result<Self, EndpointError> {
        if !self.keeps_keys {
            return Err(EndpointError::Unencrypted(self.base));
        }
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

    pub(crate) fn client(&self) -> &Client {
        &self.client
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
        for url in
            ["", "h:1", "ftp://h", "http://", "http://u:sk-1@h", "http://h/v1?key=sk-1", "/v1", "sk-1@h"]
        {
            let error = Endpoint::new(url).unwrap_err();
            assert!(!error.to_string().contains("sk-1"), "{error}");
        }
    }

    #[test]
    fn a_key_goes_nowhere_in_the_clear() {
        for (url, sent) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost", true),
            ("http://api.example/v1", false),
            ("http://localhost.example", false),
        ] {
            let keyed = Endpoint::new(url).unwrap().with_key("sk-1");
            assert_eq!(keyed.is_ok(), sent, "{url}");
        }
    }

    #[test]
    fn a_key_does_not_print() {
        let endpoint = Endpoint::new("http://[::1]").unwrap().with_key("sk-secret").unwrap();
        assert!(!format!("{endpoint:?}").contains("secret"));
        assert!(!format!("{:?}", endpoint.key().unwrap().bearer()).contains("secret"));
        assert!(Endpoint::new("http://[::1]").unwrap().with_key("a\nb").is_err());
    }
}
