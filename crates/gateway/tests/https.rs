//! Endpoints behind TLS: who may vouch for them, and what they are sent.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot set up its house fails")]

mod house;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use house::chat::{PROTOCOLS, WordGuard, answering, asking};
use house::{Behaviour, House, digest};
use proofhouse_dialogue::wire::Protocol;
use proofhouse_gateway::{Chat, Endpoint, EndpointError, Roots, Route, Upstream};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn roots(authority: &Authority) -> Roots {
    Roots::from_pem(authority.pem().as_bytes()).unwrap()
}

/// A server that `authority` vouches for under `name`, answers every request alike and writes down what it was sent.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    async fn start(authority: &Authority, name: &str, answer: String) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, authority).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let written = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that does not believe the certificate goes away here.
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut bytes = Vec::new();
                while !is_whole(&bytes) && stream.read_buf(&mut bytes).await.is_ok_and(|n| n > 0) {}
                written.lock().unwrap().push(String::from_utf8(bytes).unwrap());
                let head = format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                let _ = stream.write_all(format!("{head}{answer}").as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { address, requests }
    }

    fn url(&self) -> String {
        format!("https://{}/v1", self.address)
    }
}

fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
    body.len() >= length.unwrap_or(0)
}

/// A gateway before `endpoint`, and the status and code of one answer.
async fn ask(endpoint: Endpoint, protocol: Protocol) -> (u16, String, House) {
    let house = House::chat_with(
        Behaviour::default(),
        |_| {},
        |config| {
            config.routes.pop();
            let mut chat = Chat::new(Arc::new(WordGuard::default()));
            chat.upstream_model = Some("inner".to_owned());
            config.routes.push(Route::chat("assistant", digest(), Upstream::Endpoint(endpoint), chat));
        },
    )
    .await;
    let reply = house.send(house.ask(protocol, &asking("Hello")).as_bytes()).await.unwrap();
    let code = if reply.status == 200 { String::new() } else { reply.code() };
    (reply.status, code, house)
}

#[tokio::test]
async fn a_vouched_for_endpoint_gets_its_own_key_and_never_the_callers() {
    let authority = authority();
    for protocol in PROTOCOLS {
        let server = Server::start(&authority, "127.0.0.1", answering(protocol, "Hello", &[])).await;
        let endpoint = Endpoint::trusting(&server.url(), roots(&authority)).unwrap();
        let (status, code, mut house) = ask(endpoint.with_key("sk-upstream").unwrap(), protocol).await;
        assert_eq!((status, code.as_str()), (200, ""));
        let requests = server.requests.lock().unwrap().clone();
        let [request] = requests.as_slice() else { panic!("one request: {requests:?}") };
        let key = match protocol {
            Protocol::Openai => "authorization: bearer sk-upstream",
            Protocol::Anthropic => "x-api-key: sk-upstream",
        };
        assert!(request.starts_with(&format!("POST {} HTTP/1.1", protocol.path())), "{request}");
        assert!(request.to_ascii_lowercase().contains(key), "{request}");
        assert!(request.contains("\"inner\"") && !request.contains(house.secret.expose()), "{request}");
        let record = house.started.audit.batch(1).await.pop().unwrap();
        assert!(!record.chat.as_ref().unwrap().digest_proven);
        assert!(!serde_json::to_string(&record).unwrap().contains("sk-upstream"));
    }
}

#[tokio::test]
async fn nothing_is_sent_to_whom_nobody_vouches_for() {
    let authority = authority();
    let answer = || answering(Protocol::Openai, "Hello", &[]);
    let other = Server::start(&authority, "other.example", answer()).await;
    let good = Server::start(&authority, "127.0.0.1", answer()).await;
    for (endpoint, what) in [
        (Endpoint::trusting(&other.url(), roots(&authority)), "another name"),
        (Endpoint::trusting(&good.url(), roots(&self::authority())), "another authority"),
    ] {
        let (status, code, _house) = ask(endpoint.unwrap(), Protocol::Openai).await;
        assert_eq!((status, code.as_str()), (503, "upstream/unreachable"), "{what}");
    }
    assert!(other.requests.lock().unwrap().is_empty() && good.requests.lock().unwrap().is_empty());
    assert!(matches!(
        Endpoint::new("http://api.example/v1").unwrap().with_key("k"),
        Err(EndpointError::Unencrypted(_))
    ));
}
