//! Requests over HTTP, bounded on every side.

use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, Uri};
use proofhouse_dialogue::json;
use proofhouse_dialogue::wire::ApiError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep};

use crate::connect::{Authorities, Pool, is_near};
use crate::pace::{Failure, Pace};
use crate::{EndpointError, Key, Limits};

/// Longest message of a server that is told on.
const MESSAGE: usize = 300;

/// Longest wait for a connection.
pub(crate) const LONGEST_CONNECT: Duration = Duration::from_secs(10);

/// Longest error body that is read.
const ERROR_BYTES: usize = 64 << 10;

/// Sends requests to one address.
pub(crate) struct Sender {
    pool: Pool,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    /// Taken out of whatever a server says.
    keys: Vec<Key>,
    pace: Pace,
}

/// A response whose head has come, and what must be held until its body has.
pub(crate) struct Open {
    pub response: Response<Incoming>,
    pub attempts: u32,
    pub deadline: Instant,
    _slot: OwnedSemaphorePermit,
}

impl Sender {
    pub(crate) fn new(
        method: Method,
        uri: &str,
        headers: HeaderMap,
        keys: Vec<Key>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        Self::through(method, uri, None, headers, keys, limits)
    }

    /// Sends requests through a socket in the file system, where one is given, instead of the network.
    pub(crate) fn through(
        method: Method,
        uri: &str,
        socket: Option<&Path>,
        headers: HeaderMap,
        keys: Vec<Key>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let setting = |why: &str| EndpointError::Setting(why.to_owned());
        let uri: Uri = uri.parse().map_err(|_| setting("the address is no URL"))?;
        let authority = uri.authority().ok_or_else(|| setting("the address has no host"))?;
        if authority.as_str().contains('@') {
            return Err(setting(
                "the address holds a name or password; give a key by its environment variable",
            ));
        }
        let authorities = match uri.scheme_str() {
            Some("https") => Authorities::Machine,
            Some("http") if is_near(&uri) || keys.is_empty() => Authorities::Nobody,
            Some("http") => {
                return Err(setting(
                    "a key would travel unencrypted; use https, or an address of this machine",
                ));
            }
            _ => return Err(setting("the address begins with neither https:// nor http://")),
        };
        Ok(Self {
            pool: Pool::new(limits.timeout.min(LONGEST_CONNECT), &authorities, socket)?,
            method,
            uri,
            headers,
            keys,
            pace: Pace::new(limits)?,
        })
    }

    /// The address without its query, which may hold what is not for reports.
    pub(crate) fn shown(&self) -> String {
        let authority = self.uri.authority().map_or("", |a| a.as_str());
        format!("{}://{authority}{}", self.uri.scheme_str().unwrap_or_default(), self.uri.path())
    }

    /// Sends `body` until it is answered with success, as often as the limits allow.
    pub(crate) async fn send(&self, body: Bytes) -> Result<Open, EndpointError> {
        let slot = self.pace.slot().await?;
        let timeout = self.pace.limits.timeout;
        let once = || async {
            let deadline = Instant::now() + timeout;
            Ok((self.once(body.clone()).await?, deadline))
        };
        let ((response, deadline), attempts) =
            self.pace.until_done(&self.shown(), EndpointError::is_passing, once).await?;
        Ok(Open { response, attempts, deadline, _slot: slot })
    }

    /// Sends a question that changes nothing until its whole answer has come, as often as the limits allow. Returns the
    /// answer and the number of attempts.
    pub(crate) async fn ask(&self, body: Bytes) -> Result<(Bytes, u32), EndpointError> {
        let limits = &self.pace.limits;
        let mut pause = limits.backoff;
        let mut attempts = 0;
        loop {
            let error = match self.send(body.clone()).await {
                Ok(open) => {
                    attempts += open.attempts;
                    match open.bytes(limits).await {
                        Ok(bytes) => return Ok((bytes, attempts)),
                        Err(error) => error,
                    }
                }
                Err(error) => {
                    attempts += 1;
                    error
                }
            };
            // What `send` has tried as often as it may is not tried again.
            if attempts >= limits.attempts || error.is_passing() || !error.may_pass() {
                return Err(error);
            }
            tracing::debug!(target = %self.shown(), %error, ?pause, "asking again");
            sleep(pause).await;
            pause = self.pace.longer(pause);
        }
    }

    async fn once(&self, body: Bytes) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        let response = self.pool.request(request).await.map_err(|error| {
            let why =
                std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
            (EndpointError::Unreachable { target: self.shown(), why: self.clean(&why) }, None)
        })?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err((EndpointError::Redirect(status.as_u16()), None));
        }
        let told = response.headers().get(RETRY_AFTER).and_then(wait);
        let body = Limited::new(response.into_body(), ERROR_BYTES).collect().await;
        let bytes = body.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let message = match ApiError::read(&bytes, &json::Limits::default()) {
            Ok(error) => error.message,
            Err(_) => String::from_utf8_lossy(&bytes).into_owned(),
        };
        Err((EndpointError::Status { status: status.as_u16(), message: self.clean(&message) }, told))
    }

    /// A text of a server, short, in one line and without keys.
    pub(crate) fn clean(&self, text: &str) -> String {
        clean(text, &self.keys)
    }

    /// The bounds of this client.
    pub(crate) const fn limits(&self) -> &Limits {
        &self.pace.limits
    }
}

/// A text of a server, short, in one line and without keys.
pub(crate) fn clean(text: &str, keys: &[Key]) -> String {
    let without = keys.iter().fold(text.to_owned(), |text, key| key.removed_from(&text));
    without.chars().take(MESSAGE).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Open {
    /// The whole body.
    pub(crate) async fn bytes(self, limits: &Limits) -> Result<Bytes, EndpointError> {
        let body = Limited::new(self.response.into_body(), limits.response_bytes).collect();
        match tokio::time::timeout_at(self.deadline, body).await {
            Err(_) => Err(EndpointError::Timeout(limits.timeout)),
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                Err(EndpointError::TooLarge(limits.response_bytes))
            }
            Ok(Err(error)) => Err(EndpointError::CutOff(error.to_string())),
        }
    }
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn wait(value: &HeaderValue) -> Option<Duration> {
    let text = value.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO))
}

/// A header that is never shown.
pub(crate) fn secret(text: &str) -> Result<HeaderValue, EndpointError> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| EndpointError::Setting("a key has characters that no header can hold".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(crate) fn header(name: &str) -> Result<HeaderName, EndpointError> {
    name.parse().map_err(|_| EndpointError::Setting(format!("{name:?} is no name of a header")))
}
