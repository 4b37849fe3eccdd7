//! A client of the gateway: rows as Open Inference Protocol requests.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

const ANSWER_LIMIT: usize = 1 << 20;
const WITHIN: Duration = Duration::from_secs(10);

/// Sends requests with one key.
#[derive(Clone)]
pub struct Caller {
    client: Client<HttpConnector, Full<Bytes>>,
    uri: hyper::Uri,
    key: Option<String>,
}

/// An answer: its status and its JSON, where it has any.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Caller {
    /// A caller of a model at a gateway.
    pub fn new(gateway: SocketAddr, model: &str, key: Option<&str>) -> anyhow::Result<Self> {
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            uri: format!("http://{gateway}/v2/models/{model}/infer").parse()?,
            key: key.map(str::to_owned),
        })
    }

    /// Sends one row.
    pub async fn infer(&self, input: &str, shape: &[u32], row: &[f32]) -> anyhow::Result<Answer> {
        let dims: Vec<u32> = std::iter::once(1).chain(shape.iter().copied()).collect();
        let body = json!({"inputs": [{"name": input, "shape": dims, "datatype": "FP32", "data": row}]});
        self.send(Bytes::from(serde_json::to_vec(&body)?)).await
    }

    /// Sends a body as it is.
    pub async fn send(&self, body: Bytes) -> anyhow::Result<Answer> {
        let mut request = Request::post(self.uri.clone()).header("content-type", "application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let exchange = async {
            let response = self.client.request(request.body(Full::new(body))?).await?;
            let status = response.status().as_u16();
            let collected = Limited::new(response.into_body(), ANSWER_LIMIT).collect().await;
            let bytes = collected.map_err(|e| anyhow::anyhow!("{e}"))?.to_bytes();
            Ok(Answer { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
        };
        tokio::time::timeout(WITHIN, exchange).await?
    }
}
