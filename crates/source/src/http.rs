//! Requests that cannot be led astray: redirects are followed only where they stay encrypted and public, and never
//! with credentials to another host; answers are bounded.

use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, LOCATION};
use hyper::{Request, Response, Uri};
use proofhouse_endpoint::{Authorities, Client, client};
use url::Url;

use crate::SourceError;

/// Most redirects of one request.
const MAX_REDIRECTS: usize = 5;
/// Largest answer that is read into memory: listings and manifests.
const MAX_ANSWER: usize = 64 << 20;

/// Which addresses may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reach {
    /// What is asked for itself may be anywhere; redirects lead to public addresses only.
    #[default]
    Public,
    /// Redirects may lead to private addresses too: a registry in a company's own network.
    Private,
}

/// A client for sources.
pub struct Http {
    client: Client,
    reach: Reach,
    /// Redirects to other hosts, for the one who asked.
    notes: Mutex<Vec<String>>,
}

impl Http {
    /// A client.
    ///
    /// # Errors
    /// The machine's certificates cannot be read.
    pub fn new(authorities: &Authorities, reach: Reach) -> Result<Self, SourceError> {
        let client =
            client(Duration::from_secs(10), authorities).map_err(|e| SourceError::Setting(e.to_string()))?;
        Ok(Self { client, reach, notes: Mutex::default() })
    }

    /// What is to be known of how requests went.
    pub fn notes(&self) -> Vec<String> {
        self.notes.lock().map(|notes| notes.clone()).unwrap_or_default()
    }

    /// Asks for `url`; the answer's head has status 2xx.
    ///
    /// # Errors
    /// The server cannot be reached, refuses, or redirects to where it should not.
    pub(crate) async fn open(
        &self,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Response<Incoming>, SourceError> {
        let first = parse(url)?;
        let mut at = first.clone();
        for _ in 0..=MAX_REDIRECTS {
            let response = self.ask(&at, headers, same_host(&at, &first)).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let to = response.headers().get(LOCATION).and_then(|to| to.to_str().ok());
            let Some(to) = to.filter(|_| status.is_redirection()) else {
                return Err(SourceError::Status {
                    url: shown(&at),
                    status: status.as_u16(),
                    hint: hint(status.as_u16()),
                });
            };
            let next =
                at.join(to).map_err(|e| SourceError::Answer { url: shown(&at), why: e.to_string() })?;
            self.may_follow(&first, &at, &next).await?;
            at = next;
        }
        Err(SourceError::Redirect { url: shown(&first), to: shown(&at), why: "there are too many redirects" })
    }

    /// One request, whatever its answer's status is.
    pub(crate) async fn once(
        &self,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<Response<Incoming>, SourceError> {
        self.ask(&parse(url)?, headers, true).await
    }

    async fn ask(
        &self,
        url: &Url,
        headers: &[(String, String)],
        with_credentials: bool,
    ) -> Result<Response<Incoming>, SourceError> {
        let unreachable = |why: String| SourceError::Unreachable { url: shown(url), why };
        let uri: Uri =
            url.as_str().parse().map_err(|e: hyper::http::uri::InvalidUri| unreachable(e.to_string()))?;
        let mut request =
            Request::get(uri).header("user-agent", concat!("proofhouse/", env!("CARGO_PKG_VERSION")));
        if let Some(fields) = request.headers_mut() {
            fill(fields, headers, with_credentials);
        }
        let request = request.body(Full::new(Bytes::new())).map_err(|e| unreachable(e.to_string()))?;
        let answer = tokio::time::timeout(Duration::from_secs(60), self.client.request(request)).await;
        answer.map_err(|_| unreachable("no answer within 60 seconds".to_owned()))?.map_err(|e| {
            let cause = std::error::Error::source(&e).map_or_else(|| e.to_string(), ToString::to_string);
            unreachable(cause)
        })
    }

    /// Whether a redirect may be followed.
    async fn may_follow(&self, first: &Url, from: &Url, to: &Url) -> Result<(), SourceError> {
        let refuse = |why| SourceError::Redirect { url: shown(from), to: shown(to), why };
        if !matches!(to.scheme(), "http" | "https") {
            return Err(refuse("it leads to another protocol"));
        }
        if from.scheme() == "https" && to.scheme() != "https" {
            return Err(refuse("it leads from an encrypted to a plain connection"));
        }
        if !to.username().is_empty() || to.password().is_some() {
            return Err(refuse("it carries a name or password"));
        }
        if same_host(first, to) {
            return Ok(());
        }
        if self.reach == Reach::Public {
            let host =
                to.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_owned();
            let port = to.port_or_known_default().unwrap_or(443);
            let found = tokio::net::lookup_host((host.as_str(), port)).await;
            let mut found = found
                .map_err(|e| SourceError::Unreachable { url: shown(to), why: e.to_string() })?
                .peekable();
            if found.peek().is_none() || found.any(|address| !is_public(address.ip())) {
                return Err(refuse("it leads to an address of this machine or of a private network"));
            }
        }
        if let Ok(mut notes) = self.notes.lock() {
            let note = format!("{} sends to {}", shown(first), shown(to));
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        Ok(())
    }

    /// The whole answer, where it is small.
    pub(crate) async fn read(
        &self,
        url: &str,
        headers: &[(String, String)],
    ) -> Result<(HeaderMap, Bytes), SourceError> {
        let response = self.open(url, headers).await?;
        let (head, body) = response.into_parts();
        let shown = parse(url).map(|u| shown(&u))?;
        let body = http_body_util::Limited::new(body, MAX_ANSWER).collect();
        let body = tokio::time::timeout(Duration::from_secs(120), body).await;
        let body = body.map_err(|_| SourceError::Timeout(Duration::from_secs(120)))?;
        let body = body.map_err(|e| SourceError::Answer { url: shown, why: e.to_string() })?;
        Ok((head.headers, body.to_bytes()))
    }
}

fn fill(fields: &mut HeaderMap, headers: &[(String, String)], with_credentials: bool) {
    for (name, value) in headers {
        let (Ok(name), Ok(mut value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else {
            continue;
        };
        let secret = name == AUTHORIZATION || name.as_str().starts_with("x-amz-");
        if secret {
            value.set_sensitive(true);
        }
        if with_credentials || !secret {
            fields.insert(name, value);
        }
    }
}

fn parse(url: &str) -> Result<Url, SourceError> {
    Url::parse(url).map_err(|e| SourceError::Unreachable { url: url.to_owned(), why: e.to_string() })
}

fn same_host(a: &Url, b: &Url) -> bool {
    a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
        && a.scheme() == b.scheme()
}

/// An address for people: signatures stand in queries.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    url.to_string()
}

fn hint(status: u16) -> &'static str {
    match status {
        401 | 403 => ": a token or key is needed, or has no right to this",
        404 => ": there is no such model, revision or file, or it is not public",
        429 => ": it is asked too often",
        _ => "",
    }
}

/// Whether an address is of the public internet.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 198 && (18..20).contains(&b))
                || (a == 192 && b == 0))
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => {
                let first = v6.segments()[0];
                // Global unicast is 2000::/3; 6to4 and NAT64 hide other addresses.
                (first & 0xe000) == 0x2000
                    && first != 0x2002
                    && !(first == 0x2001 && v6.segments()[1] < 0x200)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::is_public;

    #[test]
    fn private_addresses_are_known_in_every_dress() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::",
            "64:ff9b::a00:1",
            "255.255.255.255",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["1.1.1.1", "8.8.8.8", "2606:4700::1111"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
