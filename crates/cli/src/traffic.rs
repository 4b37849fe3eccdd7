//! A client of the gateway, in whatever protocol a model speaks.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use proofhouse_dialogue::wire::Protocol;
use proofhouse_gateway::REQUEST_ID_HEADER;
use proofhouse_lifecycle::Project;
use serde_json::{Value, json};

const ANSWER_LIMIT: usize = 1 << 20;
const WITHIN: Duration = Duration::from_secs(30);
/// The version of Anthropic's protocol.
const ANTHROPIC: (&str, &str) = ("anthropic-version", "2023-06-01");
/// How long to wait where a key has used up its rate.
const PAUSE: Duration = Duration::from_millis(100);
/// How often in a row that may be.
const PAUSES: u32 = 100;
/// Tokens that the smallest request asks for.
const FEW_TOKENS: u32 = 16;

/// What is spoken with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Open Inference Protocol V2.
    Infer,
    /// Conversations.
    Chat(Protocol),
}

impl Door {
    /// The protocols of the routes that lead to the model; at least one.
    pub fn all(project: &Project) -> anyhow::Result<Vec<Self>> {
        let deployment =
            project.system.deployment.as_ref().context("the system file describes no deployment")?;
        let model = project.model()?;
        let mut doors = Vec::new();
        for route in deployment.gateway.routes.iter().filter(|route| route.model == model.id) {
            doors.push(match route.protocol {
                proofhouse_system::Protocol::OipV2 => Self::Infer,
                proofhouse_system::Protocol::OpenaiChat => Self::Chat(Protocol::Openai),
                proofhouse_system::Protocol::AnthropicMessages => Self::Chat(Protocol::Anthropic),
                other => anyhow::bail!("no gateway of this build speaks {other:?}"),
            });
        }
        anyhow::ensure!(!doors.is_empty(), "no route of deployment.gateway leads to the model {}", model.id);
        Ok(doors)
    }

    /// The first of them.
    pub fn of(project: &Project) -> anyhow::Result<Self> {
        Self::all(project)?.into_iter().next().context("no route leads to the model")
    }

    fn path(self, model: &str) -> String {
        match self {
            Self::Infer => format!("/v2/models/{model}/infer"),
            Self::Chat(protocol) => protocol.path().to_owned(),
        }
    }

    /// A request to `model` that a model of the project's kind answers, and that costs it little.
    pub fn smallest(self, project: &Project, model: &str) -> anyhow::Result<Bytes> {
        match self {
            Self::Infer => {
                let input = project.tensors()?.input;
                let shape: Vec<u32> = input.shape.iter().map(|c| c.get()).collect();
                tensor(&input.name, &shape, &vec![0.5; input.len()])
            }
            Self::Chat(_) => self.saying(model, "Good day.", FEW_TOKENS),
        }
    }

    /// A request of a user who says `text`.
    pub fn saying(self, model: &str, text: &str, max_tokens: u32) -> anyhow::Result<Bytes> {
        let message = json!({"role": "user", "content": text});
        let body = json!({"model": model, "messages": [message], "max_tokens": max_tokens});
        Ok(Bytes::from(serde_json::to_vec(&body)?))
    }
}

/// Sends requests with one key.
#[derive(Clone)]
pub struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: hyper::Uri,
    door: Door,
    key: Option<String>,
}

/// An answer: its status and its body.
pub struct Answer {
    pub status: u16,
    /// What the gateway's records call the request.
    pub request_id: String,
    pub bytes: Bytes,
}

impl Answer {
    /// Its JSON, where it has any.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or(Value::Null)
    }

    /// The code of a refusal; empty where it is none.
    pub fn code(&self) -> String {
        self.json().pointer("/error/code").and_then(Value::as_str).unwrap_or_default().to_owned()
    }
}

impl Caller {
    /// A caller of a model at a gateway.
    pub fn new(gateway: SocketAddr, door: Door, model: &str, key: Option<&str>) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            uri: format!("http://{gateway}{}", door.path(model)).parse()?,
            door,
            key: key.map(str::to_owned),
        })
    }

    /// Sends one row, later where the key has used up its rate.
    pub async fn infer_in_turn(&self, input: &str, shape: &[u32], row: &[f32]) -> anyhow::Result<Answer> {
        self.send_in_turn(tensor(input, shape, row)?).await
    }

    /// Sends a body as it is, later where the key has used up its rate: how fast this machine asks says nothing about
    /// the model.
    pub async fn send_in_turn(&self, body: Bytes) -> anyhow::Result<Answer> {
        for _ in 0..PAUSES {
            let answer = self.send(body.clone()).await?;
            if (answer.status, answer.code().as_str()) != (429, "key/rate") {
                return Ok(answer);
            }
            tokio::time::sleep(PAUSE).await;
        }
        anyhow::bail!("the gateway lets no request of this client through; raise its requests_per_second")
    }

    /// Sends a body as it is.
    pub async fn send(&self, body: Bytes) -> anyhow::Result<Answer> {
        let mut request = Request::post(self.uri.clone()).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = match self.door {
                Door::Chat(Protocol::Anthropic) => {
                    request.header("x-api-key", key).header(ANTHROPIC.0, ANTHROPIC.1)
                }
                _ => request.header("authorization", format!("Bearer {key}")),
            };
        }
        let exchange = async {
            let response = self.client.request(request.body(Full::new(body))?).await?;
            let status = response.status().as_u16();
            let request_id = response.headers().get(REQUEST_ID_HEADER).and_then(|id| id.to_str().ok());
            let request_id = request_id.unwrap_or_default().to_owned();
            let collected = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
            let bytes = collected.map_err(|e| anyhow::anyhow!("{e}"))?.to_bytes();
            Ok(Answer { status, request_id, bytes })
        };
        tokio::time::timeout(WITHIN, exchange).await?
    }
}

fn tensor(input: &str, shape: &[u32], row: &[f32]) -> anyhow::Result<Bytes> {
    let dims: Vec<u32> = std::iter::once(1).chain(shape.iter().copied()).collect();
    let body = json!({"inputs": [{"name": input, "shape": dims, "datatype": "FP32", "data": row}]});
    Ok(Bytes::from(serde_json::to_vec(&body)?))
}
