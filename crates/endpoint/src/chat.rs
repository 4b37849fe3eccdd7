//! Servers that speak a chat protocol.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{HeaderMap as Headers, Method};
use proofhouse_dialogue::wire::{ChatResponse, Prompt, Protocol, StreamEvent, StreamReader};
use proofhouse_dialogue::{Conversation, json};
use tokio::time::timeout_at;

use crate::http::{Open, Sender, secret};
use crate::{Answered, Ask, Asked, ChatTarget, EndpointError, Key, Limits};

/// The header in which Proofhouse's servers prove which model answers.
const DIGEST: &str = "proofhouse-model-digest";

/// The version of Anthropic's protocol that is spoken.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// A server that speaks a chat protocol.
pub struct ChatClient {
    protocol: Protocol,
    model: String,
    sender: Sender,
}

impl ChatClient {
    /// A client of the server at `base`, such as `https://api.example/v1`; the protocol's path is added where
    /// the address does not end with it.
    pub fn new(
        protocol: Protocol,
        base: &str,
        model: &str,
        key: Option<Key>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let base = base.trim_end_matches('/');
        let path = protocol.path();
        let end = path.trim_start_matches("/v1");
        let path = match base {
            whole if whole.ends_with(end) => "",
            base if base.ends_with("/v1") => end,
            _ => path,
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, text/event-stream"));
        if protocol == Protocol::Anthropic {
            headers.insert("anthropic-version", HeaderValue::from_static(ANTHROPIC_VERSION));
        }
        if let Some(key) = &key {
            match protocol {
                Protocol::Openai => {
                    headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose()))?);
                }
                Protocol::Anthropic => {
                    headers.insert("x-api-key", secret(key.expose())?);
                }
            }
        }
        let keys = key.into_iter().collect();
        let sender = Sender::new(Method::POST, &format!("{base}{path}"), headers, keys, limits)?;
        Ok(Self { protocol, model: model.to_owned(), sender })
    }

    /// The protocol it speaks.
    #[must_use]
    pub const fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The model it asks for.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Sends the body of a request in its protocol, and reads a whole answer.
    pub async fn complete(
        &self,
        body: Vec<u8>,
    ) -> Result<(ChatResponse, u32, Option<String>), EndpointError> {
        let open = self.sender.send(Bytes::from(body)).await?;
        let (attempts, digest) = (open.attempts, digest(open.response.headers()));
        let bytes = open.bytes(self.sender.limits()).await?;
        let limits = json::Limits { bytes: self.sender.limits().response_bytes, ..json::Limits::default() };
        let response = ChatResponse::read(self.protocol, &bytes, &limits)
            .map_err(|error| EndpointError::Answer(self.sender.clean(&error.to_string())))?;
        Ok((response, attempts, digest))
    }

    /// Sends the body of a request that asks for a stream.
    pub async fn stream(&self, body: Vec<u8>) -> Result<Events, EndpointError> {
        let open = self.sender.send(Bytes::from(body)).await?;
        let limits = json::Limits::default();
        let reader = StreamReader::new(self.protocol, limits, self.sender.limits().response_bytes);
        Ok(Events { open, reader, limits: self.sender.limits().clone(), ended: false })
    }
}

fn digest(headers: &Headers) -> Option<String> {
    headers.get(DIGEST).and_then(|value| value.to_str().ok()).map(str::to_owned)
}

impl ChatTarget for ChatClient {
    fn describe(&self) -> String {
        format!("{} at {}", self.model, self.sender.shown())
    }

    fn ask<'a>(&'a self, conversation: &'a Conversation, ask: &'a Ask) -> Asked<'a> {
        Box::pin(async move {
            let prompt = Prompt {
                max_tokens: ask.max_tokens,
                sampling: ask.sampling.clone(),
                tool_choice: ask.tool_choice.clone(),
                provenance: ask.provenance,
                ..Prompt::new(&self.model, conversation)
            };
            let (response, attempts, digest) = self.complete(prompt.to_bytes(self.protocol)).await?;
            let usage = Some(response.usage);
            let answer = response.answers.into_iter().next();
            let answer = answer.ok_or_else(|| EndpointError::Answer("there is none".to_owned()))?;
            let mut turn = answer.turn;
            // Who declines says something, too.
            if let Some(refusal) = answer.refusal {
                turn.text.push_str(&refusal);
            }
            Ok(Answered { turn, usage, digest, attempts })
        })
    }
}

/// The stream of an answer.
pub struct Events {
    open: Open,
    reader: StreamReader,
    limits: Limits,
    ended: bool,
}

impl Events {
    /// What happens next: nothing more once the stream has come to its end. After an error there is
    /// nothing.
    pub async fn next(&mut self) -> Option<Result<Vec<StreamEvent>, EndpointError>> {
        while !self.ended {
            let frame = timeout_at(self.open.deadline, self.open.response.body_mut().frame()).await;
            let events = match frame {
                Err(_) => Err(EndpointError::Timeout(self.limits.timeout)),
                Ok(None) => {
                    self.ended = true;
                    let finished = self.reader.finish();
                    return finished.err().map(|error| Err(EndpointError::Answer(error.to_string())));
                }
                Ok(Some(Err(error))) => Err(EndpointError::Answer(format!("it was cut off: {error}"))),
                Ok(Some(Ok(frame))) => {
                    let data = frame.into_data().unwrap_or_default();
                    self.reader.push(&data).map_err(|error| EndpointError::Answer(error.to_string()))
                }
            };
            match events {
                Ok(events) if events.is_empty() => {}
                Ok(events) => return Some(Ok(events)),
                Err(error) => {
                    self.ended = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
