//! Asks an instance which digest it serves, with a nonce so that an old answer cannot be replayed, and
//! checks afterwards that nobody answers at an address any more.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use proofhouse_core::Digest;

use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;

const ANSWER_LIMIT: usize = 16 * 1024;

#[derive(Deserialize)]
struct Identity {
    model_digest: Digest,
    nonce: String,
}

/// The digest that the instance at `addr` says it serves, in answer to a fresh nonce.
pub(crate) async fn proven_digest(addr: SocketAddr, within: Duration) -> Result<Digest, String> {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let uri: hyper::Uri = format!("http://{addr}/proofhouse/v1/instance?nonce={nonce}")
        .parse()
        .map_err(|e| format!("bad address: {e}"))?;
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let answer = async {
        let response = client.get(uri).await.map_err(|e| e.to_string())?;
        if !response.status().is_success() {
            return Err(format!("status {}", response.status()));
        }
        let body =
            Limited::new(response.into_body(), ANSWER_LIMIT).collect().await.map_err(|e| e.to_string())?;
        serde_json::from_slice::<Identity>(&body.to_bytes()).map_err(|e| e.to_string())
    };
    let identity = timeout(within, answer).await.map_err(|_| "no answer in time".to_owned())??;
    if identity.nonce != nonce {
        return Err("the answer carries another nonce".to_owned());
    }
    Ok(identity.model_digest)
}

/// Whether anything still accepts connections at `addr`. A timeout counts as "something may".
pub(crate) async fn accepts_connections(addr: SocketAddr) -> bool {
    !matches!(timeout(Duration::from_millis(500), TcpStream::connect(addr)).await, Ok(Err(_)))
}
