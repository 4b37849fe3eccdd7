//! Endpoints over HTTP.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{ApiError, Prompt, Protocol};
use proofhouse_dialogue::{Conversation, Role, StopReason, Turn};
use proofhouse_redteam::{Blocked, Stage};
use serde::Deserialize;
use serde_json::Value;

use super::target::{Failure, MOST_BYTES, read};

type Http = Client<HttpConnector, Full<Bytes>>;

/// An endpoint that speaks a chat protocol.
pub struct Endpoint {
    http: Http,
    uri: Uri,
    model: String,
    protocol: Protocol,
    /// Never shown.
    key: Option<HeaderValue>,
    timeout: Duration,
    max_tokens: Option<u64>,
}

impl Endpoint {
    /// An endpoint; the key is read from the environment variable.
    pub fn new(
        url: &str,
        model: &str,
        protocol: Protocol,
        key_env: Option<&str>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let key = key_env.map(|name| key(name, protocol)).transpose()?;
        Ok(Self {
            http: client(),
            uri: address(url)?,
            model: model.to_owned(),
            protocol,
            key,
            timeout,
            max_tokens: None,
        })
    }

    /// The same, with a limit on the tokens of an answer.
    pub fn answering(self, tokens: u64) -> Self {
        Self { max_tokens: Some(tokens), ..self }
    }

    /// The host and the model.
    pub fn label(&self) -> String {
        format!("{} at {}", self.model, self.uri.host().unwrap_or_default())
    }

    /// The answer to a conversation.
    pub async fn answer(&self, conversation: &Conversation) -> Result<Turn, Failure> {
        let prompt = Prompt { max_tokens: self.max_tokens, ..Prompt::new(&self.model, conversation) };
        let mut request = Request::builder().method(Method::POST).uri(&self.uri);
        request = request.header(CONTENT_TYPE, "application/json");
        if self.protocol == Protocol::Anthropic {
            request = request.header("anthropic-version", "2023-06-01");
        }
        if let Some(key) = &self.key {
            let name = match self.protocol {
                Protocol::Openai => AUTHORIZATION,
                Protocol::Anthropic => HeaderName::from_static("x-api-key"),
            };
            request = request.header(name, key);
        }
        let body = Full::new(Bytes::from(prompt.to_bytes(self.protocol)));
        let request = request.body(body).map_err(|e| Failure::Gone(e.to_string()))?;
        let bytes = exchange(&self.http, request, self.timeout).await?;
        read(&bytes, self.protocol)
    }
}

fn client() -> Http {
    Client::builder(TokioExecutor::new()).build_http()
}

fn address(url: &str) -> anyhow::Result<Uri> {
    let uri: Uri = url.parse().with_context(|| format!("{url:?} is no address"))?;
    match uri.scheme_str() {
        Some("http") if uri.host().is_some() => Ok(uri),
        Some("https") => bail!(
            "this build speaks plain HTTP only; put a proxy that ends TLS between, and give its http:// address"
        ),
        _ => bail!("{url:?} is no http:// address"),
    }
}

fn key(variable: &str, protocol: Protocol) -> anyhow::Result<HeaderValue> {
    let key = std::env::var(variable).with_context(|| format!("--key-env {variable}"))?;
    let key = key.trim();
    let text = match protocol {
        Protocol::Openai => format!("Bearer {key}"),
        Protocol::Anthropic => key.to_owned(),
    };
    let mut value = HeaderValue::from_str(&text)
        .with_context(|| format!("the key in {variable} has characters that no key has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// One request and its whole answer.
async fn exchange(http: &Http, request: Request<Full<Bytes>>, timeout: Duration) -> Result<Bytes, Failure> {
    let run = async {
        let response = http.request(request).await.map_err(|e| Failure::Gone(error_chain(&e)))?;
        let status = response.status();
        let wait =
            response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(|v| v.parse().ok());
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let bytes = body.map_err(|e| Failure::Nonsense(format!("the answer broke off: {e}")))?.to_bytes();
        if status.is_success() {
            return Ok(bytes);
        }
        Err(refused(status, wait, &bytes))
    };
    match tokio::time::timeout(timeout, run).await {
        Ok(result) => result,
        Err(_) => Err(Failure::Nonsense(format!("no answer within {} s", timeout.as_secs()))),
    }
}

/// What an error status means for a campaign.
fn refused(status: StatusCode, wait: Option<u64>, bytes: &[u8]) -> Failure {
    let said = ApiError::read(bytes, &Limits::default()).map_or_else(
        |_| String::from_utf8_lossy(bytes).chars().take(200).collect(),
        |e| e.code.map_or_else(|| e.message.clone(), |code| format!("{code}: {}", e.message)),
    );
    match status.as_u16() {
        429 | 503 | 529 => Failure::Throttled(wait.map(Duration::from_secs)),
        401 | 404 | 405 => Failure::Gone(format!("{status}: {said}")),
        // A boundary in front of the model refuses with a status of its own; so do content filters of providers.
        400 | 403 | 422 | 451 => {
            Failure::Blocked(Blocked { at: Stage::Input, why: format!("{status}: {said}") })
        }
        _ => Failure::Nonsense(format!("{status}: {said}")),
    }
}

fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// A request of any shape. In `body` and `headers`, `{{prompt}}` is the last message of the user,
/// `{{system}}` the system prompt and `{{conversation}}` all of it as text, each escaped for a JSON string;
/// `{{env:NAME}}` is an environment variable.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shape {
    url: String,
    #[serde(default = "post")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: String,
    /// JSON pointer to the answer's text; absent: the whole body is it.
    answer: Option<String>,
}

fn post() -> String {
    "POST".to_owned()
}

/// An endpoint of any shape.
pub struct Template {
    http: Http,
    uri: Uri,
    method: Method,
    /// Never shown: they may hold keys.
    headers: Vec<(HeaderName, HeaderValue)>,
    body: String,
    answer: Option<String>,
    timeout: Duration,
}

impl Template {
    /// Reads a template.
    pub fn read(file: &Path, timeout: Duration) -> anyhow::Result<Self> {
        let at = || format!("template {}", file.display());
        let text = std::fs::read_to_string(file).with_context(at)?;
        let shape: Shape = serde_json::from_str(&text).with_context(at)?;
        if !["{{prompt}}", "{{conversation}}"].iter().any(|slot| shape.body.contains(slot)) {
            bail!(
                "{}: the body has neither {{{{prompt}}}} nor {{{{conversation}}}}, so nothing would be attacked",
                at()
            );
        }
        let headers = shape.headers.iter().map(|(name, value)| {
            let mut value = HeaderValue::from_str(&with_environment(value)?)?;
            value.set_sensitive(true);
            anyhow::Ok((HeaderName::try_from(name)?, value))
        });
        Ok(Self {
            http: client(),
            uri: address(&shape.url).with_context(at)?,
            method: shape.method.parse().with_context(at)?,
            headers: headers.collect::<Result<_, _>>().with_context(at)?,
            body: with_environment(&shape.body).with_context(at)?,
            answer: shape.answer,
            timeout,
        })
    }

    /// The host.
    pub fn label(&self) -> String {
        format!("endpoint at {}", self.uri.host().unwrap_or_default())
    }

    /// The answer to a conversation.
    pub async fn answer(&self, conversation: &Conversation) -> Result<Turn, Failure> {
        let mut request =
            Request::builder().method(&self.method).uri(&self.uri).header(CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::from(filled(&self.body, conversation)));
        let request = request.body(body).map_err(|e| Failure::Gone(e.to_string()))?;
        let bytes = exchange(&self.http, request, self.timeout).await?;
        let text = match &self.answer {
            None => String::from_utf8_lossy(&bytes).into_owned(),
            Some(pointer) => {
                let value: Value =
                    serde_json::from_slice(&bytes).map_err(|e| Failure::Nonsense(format!("no JSON: {e}")))?;
                let found = value.pointer(pointer).and_then(Value::as_str);
                found.ok_or_else(|| Failure::Nonsense(format!("nothing at {pointer}")))?.to_owned()
            }
        };
        Ok(Turn { text, calls: vec![], stop: StopReason::End })
    }
}

fn with_environment(text: &str) -> anyhow::Result<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{env:") {
        let (name, tail) = after.split_once("}}").context("{{env: is not closed")?;
        out.push_str(before);
        out.push_str(&std::env::var(name).with_context(|| format!("environment variable {name}"))?);
        rest = tail;
    }
    out.push_str(rest);
    Ok(out)
}

/// The body with the conversation in it. Slots are found in the template only, never in what fills them.
fn filled(template: &str, conversation: &Conversation) -> String {
    let of = |role| {
        let said = conversation.messages.iter().filter(move |m| m.role == role);
        said.map(|m| m.segments.iter().map(|s| s.text.as_str()).collect::<String>())
    };
    let system = of(Role::System).next().unwrap_or_default();
    let prompt = of(Role::User).next_back().unwrap_or_default();
    let all = conversation.messages.iter().map(|m| {
        let text: String = m.segments.iter().map(|s| s.text.as_str()).collect();
        format!("{:?}: {text}", m.role)
    });
    let all = all.collect::<Vec<_>>().join("\n\n");
    let escaped = |text: &str| {
        let quoted = Value::from(text).to_string();
        quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
    };
    let slots = [("{{prompt}}", prompt), ("{{system}}", system), ("{{conversation}}", all)];
    let mut out = String::new();
    let mut rest = template;
    while let Some((at, slot, value)) = slots
        .iter()
        .filter_map(|(slot, value)| rest.find(slot).map(|at| (at, *slot, value)))
        .min_by_key(|(at, ..)| *at)
    {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push_str(&escaped(value));
        rest = rest.get(at + slot.len()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::{Labelling, Message, Origin, Segment};

    use super::*;

    #[test]
    fn slots_are_filled_once_and_escaped() {
        let text = |origin: Origin, text: &str| vec![Segment::new(text, Labelling::default().label(&origin))];
        let conversation = Conversation::new(
            vec![
                Message::new(Role::System, text(Origin::System, "s")),
                Message::new(Role::User, text(Origin::User, "say \"{{system}}\"\n")),
            ],
            vec![],
        );
        let out = filled(r#"{"q": "{{prompt}}", "s": "{{system}}"}"#, &conversation);
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!((value["q"].as_str(), value["s"].as_str()), (Some("say \"{{system}}\"\n"), Some("s")));
    }

    #[test]
    fn statuses_are_told_apart() {
        let of = |code| refused(StatusCode::from_u16(code).unwrap(), Some(3), b"{}");
        assert_eq!(of(429), Failure::Throttled(Some(Duration::from_secs(3))));
        assert!(matches!(of(403), Failure::Blocked(_)));
        assert!(matches!(of(401), Failure::Gone(_)));
        assert!(matches!(of(500), Failure::Nonsense(_)));
    }
}
