//! Servers that speak the Open Inference Protocol (V2), which KServe, Triton, MLServer, OpenVINO and Proofhouse do: over
//! REST, and over gRPC.

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use hyper::Method;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::grpc::{GrpcAddress, GrpcModel};
use crate::http::{Sender, secret};
use crate::model::{Metadata, Signature};
use crate::tensor::{self, Declared, Rows};
use crate::{Answers, EndpointError, Key, Limits, RowTarget, Rowwise};

/// A model of such a server.
pub struct InferenceClient {
    metadata: Metadata,
    signature: Signature,
    wire: Wire,
}

/// How the server is spoken to.
enum Wire {
    Rest(Sender),
    Grpc(GrpcModel),
}

/// The address of a model, and how to get there.
#[derive(Debug, Clone)]
pub struct Address<'a> {
    /// Such as `https://host/v2/models/NAME`, or `…/versions/1`; over gRPC, `grpcs://host:port/NAME`, or
    /// `…?version=1`.
    pub url: &'a str,
    /// A socket in the file system to connect to, whatever the address says.
    pub socket: Option<&'a Path>,
    /// A key for the server.
    pub key: Option<Key>,
    /// The name of the input that takes the rows, where there are several or the server does not say what the model
    /// takes.
    pub input: Option<&'a str>,
}

impl InferenceClient {
    /// Asks the server at `address` what the model takes. `output` is the one to ask for, where it matters.
    pub async fn connect(
        address: Address<'_>,
        output: Option<&str>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let (wire, metadata) = if GrpcAddress::is_meant(address.url) {
            let place = GrpcAddress::read(address.url)?;
            let model = GrpcModel::new(place, address.socket, address.key.as_ref(), limits)?;
            let said = model.describe().await;
            (Wire::Grpc(model), said)
        } else {
            Wire::rest(&address, limits).await?
        };
        let metadata = match metadata {
            Err(error) if error.is_unimplemented() && address.input.is_some() => Metadata::default(),
            said => said?,
        };
        let signature = Signature::of(&metadata, address.input, output, &wire.shown())?;
        Ok(Self { metadata, signature, wire })
    }

    /// What the server says of the model.
    #[must_use]
    pub const fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// Refuses rows of another shape than the model declares. A layout is never guessed.
    pub fn admits(&self, shape: &[usize]) -> Result<(), EndpointError> {
        self.signature.admits(shape)
    }

    /// The most rows of one request that the model's declaration admits.
    #[must_use]
    pub fn most_rows(&self) -> Option<usize> {
        self.signature.most_rows()
    }

    /// The input that takes the rows.
    #[must_use]
    pub fn input(&self) -> Option<&Declared> {
        self.signature.attacked()
    }

    /// What the model takes besides the rows.
    pub fn others(&self) -> impl Iterator<Item = &Declared> {
        self.signature.others()
    }
}

impl Wire {
    /// Over REST, and what the server says of the model.
    async fn rest(
        address: &Address<'_>,
        limits: Limits,
    ) -> Result<(Self, Result<Metadata, EndpointError>), EndpointError> {
        let base = address.url.trim_end_matches('/');
        let base = base.strip_suffix("/infer").unwrap_or(base);
        if !base.contains("/v2/models/") {
            return Err(EndpointError::Setting(format!(
                "{base} is no address of a model; write it as https://host/v2/models/NAME, or for gRPC as \
                 grpcs://host:port/NAME"
            )));
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(key) = &address.key {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose()))?);
        }
        let keys: Vec<Key> = address.key.iter().cloned().collect();
        let sender = |method, url: &str| {
            Sender::through(method, url, address.socket, headers.clone(), keys.clone(), limits.clone())
        };
        let about = sender(Method::GET, base)?;
        let metadata = match about.ask(Bytes::new()).await {
            Ok((bytes, _)) => Metadata::read(&bytes).map_err(|error| {
                EndpointError::Answer(format!("what {} says of the model: {}", about.shown(), error.reason()))
            }),
            Err(error) => Err(error),
        };
        Ok((Self::Rest(sender(Method::POST, &format!("{base}/infer"))?), metadata))
    }

    fn shown(&self) -> String {
        match self {
            Self::Rest(sender) => sender.shown(),
            Self::Grpc(model) => model.shown(),
        }
    }
}

impl RowTarget for InferenceClient {
    fn describe(&self) -> String {
        self.wire.shown()
    }

    fn ask<'a>(&'a self, rows: Rows<'a>) -> Rowwise<'a> {
        Box::pin(async move {
            let inputs = self.signature.feed(&rows)?;
            let output = self.signature.output.as_deref();
            match &self.wire {
                Wire::Grpc(model) => {
                    let (outputs, attempts) = model.infer(&inputs, output).await?;
                    Ok(Answers { outputs, attempts })
                }
                Wire::Rest(sender) => {
                    let body = tensor::request(&inputs, output)?;
                    let (bytes, attempts) = sender.ask(Bytes::from(body)).await?;
                    let clean = |error: EndpointError| EndpointError::Answer(sender.clean(&error.reason()));
                    let outputs =
                        tensor::parse(&bytes).and_then(|answer| tensor::outputs(&answer)).map_err(clean)?;
                    Ok(Answers { outputs, attempts })
                }
            }
        })
    }
}

/// Waits until something that is starting answers, at most this long. `alive` says whether it may still.
pub async fn until_answered<T, F: Future<Output = Result<T, EndpointError>>>(
    mut ask: impl FnMut() -> F,
    alive: impl Fn() -> bool,
    most: Duration,
) -> Result<T, EndpointError> {
    const PAUSE: Duration = Duration::from_millis(100);
    let began = tokio::time::Instant::now();
    loop {
        match ask().await {
            Err(error) if error.may_pass() && alive() && began.elapsed() < most => {
                tokio::time::sleep(PAUSE).await
            }
            other => return other,
        }
    }
}
