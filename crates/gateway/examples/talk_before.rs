//! Stands before a language model for `bench/run`:
//!
//! * `talk_before answer` is a model that gives every request in OpenAI's protocol the same short answer;
//! * `talk_before open ADDRESS KEY_FILE` is a gateway before it whose guard reads nothing;
//! * `talk_before guarded ADDRESS KEY_FILE` is one whose guard is the house's with its defaults.
//!
//! Prints its address and serves until its standard input ends. Policy is asked in both; records are taken and
//! thrown away, so what is measured is the gateway and not the ledger behind it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::Read as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use proofhouse_core::Digest;
use proofhouse_dialogue::wire::ChatRequest;
use proofhouse_dialogue::{Conversation, Labelling, Turn};
use proofhouse_gateway::{
    ApiKey, Boundary, Chat, Endpoint, Failure, Gateway, GatewayConfig, Inspected, JudgedText, JudgedTurn,
    Layers, Route, Scanned, Scanning, SystemClock, Upstream,
};
use proofhouse_guard::flow::{self, Approval, Judge};
use proofhouse_guard::{Guard, GuardConfig};
use proofhouse_policy::{Bundle, Policy};
use tokio::net::TcpListener;

type Failed = Box<dyn std::error::Error>;

const ANSWER: &str = r#"{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Your parcel left the depot this morning and arrives tomorrow before noon."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":200,"completion_tokens":16,"total_tokens":216}}"#;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["answer"] => answer().await,
        ["open", address, key] => stand(Arc::new(Unguarded::new()), address, key).await,
        ["guarded", address, key] => {
            stand(Arc::new(Layers::new(Guard::new(GuardConfig::default())?)), address, key).await
        }
        _ => Err("usage: talk_before answer | talk_before open|guarded ADDRESS KEY_FILE".into()),
    }
}

#[expect(clippy::print_stdout, reason = "a command-line example")]
async fn announce(address: impl std::fmt::Display) -> Result<(), Failed> {
    println!("{address}");
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}

async fn answer() -> Result<(), Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(same)));
        }
    });
    announce(address).await
}

async fn same(request: Request<Incoming>) -> Result<Response<Full<&'static [u8]>>, Infallible> {
    // The whole request is taken in, as a model would.
    let _ = request.into_body().collect().await;
    Ok(Response::new(Full::new(ANSWER.as_bytes())))
}

async fn stand(boundary: Arc<dyn Boundary>, address: &str, key_file: &str) -> Result<(), Failed> {
    let plenty = NonZeroU32::new(1_000_000).ok_or("zero")?;
    let (key, secret) = ApiKey::generate("bench", "bench", plenty, plenty)?;
    std::fs::write(key_file, secret.expose())?;
    let endpoint = Endpoint::new(&format!("http://{address}"))?;
    let config = GatewayConfig {
        routes: vec![Route::chat("m", Digest::of(b"m"), Upstream::Endpoint(endpoint), Chat::new(boundary))],
        roles: BTreeMap::from([("bench".to_owned(), vec!["m".to_owned()])]),
        keys: vec![key],
        ..GatewayConfig::default()
    };
    let policy = Arc::new(Policy::compile(&Bundle::shipped())?);
    let mut started = Gateway::start(config, policy, Arc::new(SystemClock)).await?;
    tokio::spawn(async move { while !started.audit.batch(1024).await.is_empty() {} });
    tokio::spawn(async move { while !started.chats.batch(1024).await.is_empty() {} });
    announce(started.handle.address()).await
}

/// A guard that reads nothing and lets out every text. It judges no call: none is offered here.
#[derive(Debug)]
struct Unguarded {
    labelling: Labelling,
    /// The same about every text.
    text: JudgedText,
}

impl Unguarded {
    fn new() -> Self {
        let (decision, facts) = Judge::new(&flow::Policy::default(), &Conversation::default()).answer("");
        Self { labelling: Labelling::default(), text: JudgedText { decision, facts } }
    }
}

impl Boundary for Unguarded {
    fn labelling(&self) -> &Labelling {
        &self.labelling
    }

    fn inspect(&self, _: &Conversation) -> Result<Inspected, Failure> {
        Ok(Inspected::default())
    }

    fn prepare(&self, _: &mut ChatRequest) -> Result<(), Failure> {
        Ok(())
    }

    fn judge(&self, _: &Conversation, turn: &Turn, _: &[Approval], _: u64) -> Result<JudgedTurn, Failure> {
        if turn.calls.is_empty() {
            let text = (!turn.text.is_empty()).then(|| self.text.clone());
            Ok(JudgedTurn { text, calls: Vec::new() })
        } else {
            Err(Failure::Broken("nothing here judges calls".to_owned()))
        }
    }

    fn scanner(&self, _: &Conversation) -> Result<Box<dyn Scanning>, Failure> {
        Ok(Box::new(Unread))
    }
}

struct Unread;

impl Scanning for Unread {
    fn push(&mut self, piece: &str) -> Result<Scanned, Failure> {
        Ok(Scanned { text: piece.to_owned(), ..Scanned::default() })
    }

    fn finish(&mut self) -> Result<Scanned, Failure> {
        Ok(Scanned::default())
    }
}
