//! Calls of one message each way over one HTTP/2 connection, bounded in time, bytes, rate and number.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::client::conn::http2::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use hyper::{Method, Request, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::sync::{Mutex, watch};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::GrpcAddress;
use super::greeting::Greeted;
use super::status::{GrpcStatus, decoded};
use crate::connect::{Authorities, is_near, tls};
use crate::http::{LONGEST_CONNECT, clean, secret};
use crate::pace::{Failure, Pace};
use crate::{EndpointError, Key, Limits};

/// The service, as it stands in the path of a call.
const SERVICE: &str = "/inference.GRPCInferenceService/";

/// Most bytes of the headers of an answer.
const HEADERS: u32 = 32 << 10;

/// Bytes that a server may have sent and nobody has read. Fixed, because a window that adapts asks by pings, and servers of
/// gRPC end a connection that pings often.
const WINDOW: u32 = 8 << 20;

/// A server, and the connection to it once there is one.
pub(super) struct Channel {
    address: GrpcAddress,
    link: Link,
    headers: HeaderMap,
    /// Taken out of whatever a server says.
    keys: Vec<Key>,
    pace: Pace,
    open: Mutex<Option<Connection>>,
}

/// A connection, shared by the calls on it.
#[derive(Clone)]
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Why it ended, once it has: a call on it hears only that it did.
    end: watch::Receiver<Option<String>>,
}

/// How to get there.
enum Link {
    Plain,
    Tls(TlsConnector, ServerName<'static>),
    /// A socket in the file system, whatever the address says.
    Socket(PathBuf),
}

impl Channel {
    pub(super) fn new(
        address: GrpcAddress,
        socket: Option<&Path>,
        key: Option<&Key>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        let setting = |why: &str| EndpointError::Setting(why.to_owned());
        let uri = uri(&address, "")?;
        if key.is_some() && !address.secure && !is_near(&uri) {
            return Err(setting("a key would travel unencrypted; use grpcs, or an address of this machine"));
        }
        let link = match (socket, address.secure) {
            (Some(path), _) => Link::Socket(path.to_owned()),
            (None, false) => Link::Plain,
            (None, true) => {
                let mut config = tls(&Authorities::Machine)?;
                config.alpn_protocols = vec![b"h2".to_vec()];
                let host = address.host.trim_start_matches('[').trim_end_matches(']').to_owned();
                let name = ServerName::try_from(host).map_err(|_| setting("the address has no host"))?;
                Link::Tls(TlsConnector::from(Arc::new(config)), name)
            }
        };
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert("grpc-accept-encoding", HeaderValue::from_static("identity"));
        headers.insert("grpc-timeout", allowed(limits.timeout));
        if let Some(key) = key {
            headers.insert(AUTHORIZATION, secret(&format!("Bearer {}", key.expose()))?);
        }
        let keys = key.into_iter().cloned().collect();
        Ok(Self { address, link, headers, keys, pace: Pace::new(limits)?, open: Mutex::new(None) })
    }

    pub(super) const fn address(&self) -> &GrpcAddress {
        &self.address
    }

    /// Calls `method` with `message` until it is answered, as often as the limits allow: a call of this protocol changes
    /// nothing. Returns the message of the answer and the number of attempts.
    pub(super) async fn call(&self, method: &str, message: &[u8]) -> Result<(Bytes, u32), EndpointError> {
        let uri = uri(&self.address, method)?;
        let length = u32::try_from(message.len()).map_err(|_| {
            EndpointError::Setting("a question has more than 4 GiB; ask for fewer rows".to_owned())
        })?;
        // Length-prefixed message: not compressed, four bytes of length.
        let mut framed = BytesMut::with_capacity(5 + message.len());
        framed.put_u8(0);
        framed.put_u32(length);
        framed.put_slice(message);
        let framed = framed.freeze();
        let _slot = self.pace.slot().await?;
        let once = || self.once(&uri, framed.clone());
        self.pace.until_done(&self.address.shown(), EndpointError::may_pass, once).await
    }

    /// A text of the server, short, in one line and without keys.
    pub(super) fn clean(&self, text: &str) -> String {
        clean(text, &self.keys)
    }

    async fn once(&self, uri: &Uri, framed: Bytes) -> Result<Bytes, Failure> {
        let at_once = |error| (error, None);
        let mut connection = self.connection().await.map_err(at_once)?;
        let mut request = Request::new(Full::new(framed));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri.clone();
        *request.headers_mut() = self.headers.clone();
        let response = match connection.sender.send_request(request).await {
            Ok(response) => response,
            Err(error) => return Err(at_once(self.unreachable(&error, Some(&mut connection.end)).await)),
        };
        let (head, body) = response.into_parts();
        if !head.status.is_success() {
            return Err(at_once(match head.status.as_u16() {
                status @ 300..400 => EndpointError::Redirect(status),
                status => EndpointError::Status { status, message: "it does not speak gRPC here".to_owned() },
            }));
        }
        let kind = head.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        if !kind.starts_with("application/grpc") {
            let why = format!("it is of type {:?} and not gRPC's", self.clean(kind));
            return Err(at_once(EndpointError::Answer(why)));
        }
        // A call that fails at once may be answered by headers alone.
        if let Some(status) = self.status(&head.headers) {
            status?;
        }
        let most = self.pace.limits.response_bytes;
        let collected = Limited::new(body, most.saturating_add(5)).collect().await.map_err(|error| {
            at_once(match error.is::<LengthLimitError>() {
                true => EndpointError::TooLarge(most),
                false => EndpointError::CutOff(self.clean(&reasons(error.as_ref()))),
            })
        })?;
        match collected.trailers().and_then(|trailers| self.status(trailers)) {
            Some(status) => status?,
            None if head.headers.contains_key("grpc-status") => {}
            None => {
                return Err(at_once(EndpointError::CutOff("no status came at its end".to_owned())));
            }
        }
        unframed(collected.to_bytes()).map_err(at_once)
    }

    /// What headers or trailers say of the call, where they say it.
    fn status(&self, headers: &HeaderMap) -> Option<Result<(), Failure>> {
        let status = headers.get("grpc-status")?;
        let number = status.to_str().ok().and_then(|text| text.trim().parse().ok());
        let status = number.map_or(GrpcStatus::UNKNOWN, GrpcStatus);
        if status == GrpcStatus::OK {
            return Some(Ok(()));
        }
        let message = headers.get("grpc-message").map(|text| decoded(text.as_bytes())).unwrap_or_default();
        // How long to wait before asking again; a number below zero asks not to (gRFC A6).
        let told = headers.get("grpc-retry-pushback-ms").map(|wait| {
            let wait = wait.to_str().ok().and_then(|text| text.trim().parse().ok());
            wait.map_or(Duration::MAX, Duration::from_millis)
        });
        Some(Err((EndpointError::Grpc { status, message: self.clean(&message) }, told)))
    }

    /// The connection, opened anew where there is none or it is gone.
    async fn connection(&self) -> Result<Connection, EndpointError> {
        let mut open = self.open.lock().await;
        if let Some(connection) = open.as_ref().filter(|connection| !connection.sender.is_closed()) {
            return Ok(connection.clone());
        }
        let most = self.pace.limits.timeout.min(LONGEST_CONNECT);
        let connected = timeout(most, self.connect()).await;
        let connection = connected
            .unwrap_or_else(|_| Err(self.out_of_reach("no connection within the time".to_owned())))?;
        *open = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<Connection, EndpointError> {
        let failed = |error: std::io::Error| self.out_of_reach(self.clean(&error.to_string()));
        match &self.link {
            #[cfg(unix)]
            Link::Socket(path) => {
                self.handshake(tokio::net::UnixStream::connect(path).await.map_err(failed)?).await
            }
            #[cfg(not(unix))]
            Link::Socket(_) => Err(EndpointError::Setting("this system has no sockets in files".to_owned())),
            Link::Plain => self.handshake(self.tcp().await?).await,
            Link::Tls(connector, name) => {
                let stream = connector.connect(name.clone(), self.tcp().await?).await.map_err(failed)?;
                if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
                    return Err(EndpointError::Answer(format!(
                        "{} does not speak HTTP/2, which gRPC goes over",
                        self.address.shown()
                    )));
                }
                self.handshake(stream).await
            }
        }
    }

    async fn tcp(&self) -> Result<TcpStream, EndpointError> {
        let host = self.address.host.trim_start_matches('[').trim_end_matches(']');
        let failed = |error: std::io::Error| self.out_of_reach(self.clean(&error.to_string()));
        let stream = TcpStream::connect((host, self.address.port)).await.map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        Ok(stream)
    }

    async fn handshake<S>(&self, stream: S) -> Result<Connection, EndpointError>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    {
        let (stream, older) = Greeted::new(stream);
        let shaken = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_header_list_size(HEADERS)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = match shaken {
            Ok(both) => both,
            Err(error) => return Err(self.unreachable(&error, None).await),
        };
        let (ended, end) = watch::channel(None);
        // It ends with the last of its senders, or with the server.
        tokio::spawn(async move {
            let why = match connection.await {
                _ if older.load(Ordering::Relaxed) => {
                    "it answers in HTTP/1, so that this is no server of gRPC; those of REST are at \
                     http://host:port/v2/models/MODEL"
                        .to_owned()
                }
                Ok(()) => "the server closed the connection".to_owned(),
                Err(error) => reasons(&error),
            };
            ended.send_replace(Some(why));
        });
        Ok(Connection { sender, end })
    }

    /// What a call heard, or why its connection `end`ed.
    async fn unreachable(
        &self,
        error: &hyper::Error,
        end: Option<&mut watch::Receiver<Option<String>>>,
    ) -> EndpointError {
        const SOON: Duration = Duration::from_millis(200);
        let mut why = reasons(error);
        if let Some(end) = end
            && let Ok(Ok(ended)) = timeout(SOON, end.wait_for(Option::is_some)).await
        {
            why = ended.clone().unwrap_or(why);
        }
        self.out_of_reach(self.clean(&why))
    }

    fn out_of_reach(&self, why: String) -> EndpointError {
        EndpointError::Unreachable { target: self.address.shown(), why }
    }
}

/// The address of a call.
fn uri(address: &GrpcAddress, method: &str) -> Result<Uri, EndpointError> {
    let scheme = if address.secure { "https" } else { "http" };
    let text = format!("{scheme}://{}{SERVICE}{method}", address.authority());
    text.parse().map_err(|_| EndpointError::Setting(format!("{} is no address", address.shown())))
}

/// `grpc-timeout`: at most eight digits and a unit.
fn allowed(timeout: Duration) -> HeaderValue {
    const MOST: u128 = 99_999_999;
    let text = match timeout.as_millis().max(1) {
        millis @ ..=MOST => format!("{millis}m"),
        millis => format!("{}S", (millis / 1000).min(MOST)),
    };
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("60S"))
}

/// The one message of an answer.
fn unframed(bytes: Bytes) -> Result<Bytes, EndpointError> {
    let wrong = |why: &str| EndpointError::Answer(why.to_owned());
    let Some(([compressed, length @ ..], message)) = bytes.split_first_chunk::<5>() else {
        return Err(wrong("it holds no message"));
    };
    if *compressed != 0 {
        return Err(wrong("its message is compressed, which nobody had offered"));
    }
    if usize::try_from(u32::from_be_bytes(*length)) != Ok(message.len()) {
        return Err(wrong("its message is not as long as it says, or there are several"));
    }
    Ok(bytes.slice(5..))
}

/// An error with what caused it.
fn reasons(error: &(dyn std::error::Error + 'static)) -> String {
    let each = std::iter::successors(Some(error), |error| error.source());
    let mut texts: Vec<String> = each.map(ToString::to_string).collect();
    // Each tells the one below it again, as hyper and h2 have it.
    texts.dedup_by(|later, earlier| earlier.contains(later.as_str()));
    texts.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_message() {
        let of = |bytes: &'static [u8]| unframed(Bytes::from_static(bytes));
        assert_eq!(of(b"\0\0\0\0\x02ab"), Ok(Bytes::from_static(b"ab")));
        assert_eq!(of(b"\0\0\0\0\0"), Ok(Bytes::new()));
        for (bytes, says) in [
            (&b""[..], "no message"),
            (b"\0\0\0\0", "no message"),
            (b"\x01\0\0\0\x02ab", "compressed"),
            (b"\0\0\0\0\x03ab", "not as long"),
            (b"\0\0\0\0\x01ab", "several"),
        ] {
            assert!(of(bytes).unwrap_err().to_string().contains(says), "{bytes:?}");
        }
    }

    #[test]
    fn a_deadline_has_eight_digits_at_most() {
        assert_eq!(allowed(Duration::from_millis(400)), "400m");
        assert_eq!(allowed(Duration::ZERO), "1m");
        assert_eq!(allowed(Duration::from_secs(1_000_000)), "1000000S");
        assert_eq!(allowed(Duration::MAX), "99999999S");
    }
}
