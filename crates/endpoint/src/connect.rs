//! Connections to somebody else's server, encrypted where the address says so.

use std::path::Path;
#[cfg(unix)]
use std::path::PathBuf;
#[cfg(unix)]
use std::pin::Pin;
use std::sync::Arc;
#[cfg(unix)]
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::{Request, Response, Uri};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
#[cfg(unix)]
use hyper_util::rt::TokioIo;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::EndpointError;

/// A pool of connections. Clones share it.
pub type Client = legacy::Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Who may vouch for a server's name.
#[derive(Debug, Clone, Default)]
pub enum Authorities {
    /// The roots of the machine: whoever runs this decides whom it trusts, a company's own authority included.
    #[default]
    Machine,
    /// Only these.
    Only(Roots),
    /// Nobody, where no address begins with `https`. Needs no certificates on the machine.
    Nobody,
}

/// Certificates of authorities.
#[derive(Debug, Clone)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Reads them from PEM; other sections are passed over.
    pub fn from_pem(pem: &[u8]) -> Result<Self, EndpointError> {
        let refuse = |why: String| EndpointError::Setting(format!("the authorities' certificates: {why}"));
        let mut store = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
            store.add(certificate).map_err(|error| refuse(error.to_string()))?;
        }
        if store.is_empty() {
            return Err(refuse("there is none; write them in PEM".to_owned()));
        }
        Ok(Self(store))
    }
}

/// How long a connection is kept that nothing is asked over. Servers of models close one after five seconds (uvicorn's
/// `timeout_keep_alive`) or later, and a question that is written while they do is lost.
const IDLE: Duration = Duration::from_secs(4);

/// A client that waits at most `connect_timeout` for a connection.
pub fn client(connect_timeout: Duration, authorities: &Authorities) -> Result<Client, EndpointError> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(connect_timeout));
    let secure = HttpsConnectorBuilder::new().with_tls_config(tls(authorities)?);
    Ok(legacy::Client::builder(TokioExecutor::new())
        .pool_idle_timeout(IDLE)
        .pool_timer(TokioTimer::new())
        // Only one that was never written: a question that may have arrived is not sent again behind the caller's back, it
        // costs.
        .retry_canceled_requests(true)
        .build(secure.https_or_http().enable_http1().wrap_connector(tcp)))
}

/// How TLS is spoken with servers that these authorities vouch for.
pub(crate) fn tls(authorities: &Authorities) -> Result<ClientConfig, EndpointError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| EndpointError::Setting(format!("TLS cannot be set up: {error}")))?;
    let trusting = match authorities {
        Authorities::Machine => builder.with_native_roots().map_err(|error| {
            EndpointError::Setting(format!("this machine's certificates cannot be read: {error}"))
        })?,
        Authorities::Only(Roots(store)) => builder.with_root_certificates(store.clone()),
        Authorities::Nobody => builder.with_root_certificates(RootCertStore::empty()),
    };
    Ok(trusting.with_no_client_auth())
}

/// Connections to one server, by the network or through a socket of this machine.
pub(crate) enum Pool {
    Network(Client),
    #[cfg(unix)]
    Socket(legacy::Client<Socket, Full<Bytes>>),
}

impl Pool {
    pub(crate) fn new(
        connect_timeout: Duration,
        authorities: &Authorities,
        socket: Option<&Path>,
    ) -> Result<Self, EndpointError> {
        match socket {
            None => Ok(Self::Network(client(connect_timeout, authorities)?)),
            #[cfg(unix)]
            Some(path) => {
                let pool = legacy::Client::builder(TokioExecutor::new())
                    .pool_idle_timeout(IDLE)
                    .pool_timer(TokioTimer::new())
                    .retry_canceled_requests(true)
                    .build(Socket(path.to_owned()));
                Ok(Self::Socket(pool))
            }
            #[cfg(not(unix))]
            Some(_) => Err(EndpointError::Setting("this system has no sockets in files".to_owned())),
        }
    }

    pub(crate) async fn request(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, legacy::Error> {
        match self {
            Self::Network(client) => client.request(request).await,
            #[cfg(unix)]
            Self::Socket(client) => client.request(request).await,
        }
    }
}

/// Connects to a socket in the file system, whatever the address says.
#[cfg(unix)]
#[derive(Clone)]
pub(crate) struct Socket(PathBuf);

#[cfg(unix)]
impl tower_service::Service<Uri> for Socket {
    type Response = TokioIo<tokio::net::UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let path = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(tokio::net::UnixStream::connect(path).await?)) })
    }
}

/// Whether an address is of this machine, so that what goes there unencrypted is seen by nobody else.
#[must_use]
pub fn is_near(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_no_authority() {
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "nothing", no_certificate] {
            assert!(matches!(Roots::from_pem(pem.as_bytes()), Err(EndpointError::Setting(_))), "{pem}");
        }
    }

    #[test]
    fn near_is_this_machine() {
        for (address, near) in [
            ("http://localhost:1", true),
            ("http://127.8.0.1", true),
            ("http://[::1]:80/v1", true),
            ("http://localhost.example", false),
            ("http://10.0.0.1", false),
            ("/v1", false),
        ] {
            assert_eq!(is_near(&address.parse().unwrap()), near, "{address}");
        }
    }
}
