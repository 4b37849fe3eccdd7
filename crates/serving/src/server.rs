//! Listening, and ending.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::model::ServedModel;
use crate::routes::{Served, router};
use crate::{Limits, ServeConfig, ServeError};

/// Longest request head, in bytes. Addresses and headers of the protocol are short.
const HEAD_BYTES: usize = 16 * 1024;

/// What a server says about itself once it listens; one line of JSON for whoever started it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The digest of the bytes that answer.
    pub model_digest: Digest,
    /// Name in the URLs.
    pub model_name: String,
    /// Its process.
    pub pid: u32,
    /// Its name.
    pub instance: String,
}

/// A server that listens. Dropping it starts the shutdown without waiting for it.
#[derive(Debug)]
pub struct Running {
    announcement: Announcement,
    stop: oneshot::Sender<Duration>,
    task: JoinHandle<Drained>,
}

/// How a shutdown went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every request in work was answered.
    Completely,
    /// The time ran out, and the requests still in work were cut off.
    CutOff,
}

impl Running {
    /// What it says about itself.
    #[must_use]
    pub const fn announcement(&self) -> &Announcement {
        &self.announcement
    }

    /// Where it listens.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.announcement.addr
    }

    /// Stops listening at once, answers what is in work within `grace`, and returns once nothing is.
    pub async fn shutdown(self, grace: Duration) -> Result<Drained, ServeError> {
        // A receiver that is gone has ended by itself; the task says how.
        let _ = self.stop.send(grace);
        Ok(self.task.await?)
    }
}

/// Verifies and loads the model, then listens. Returns once it accepts connections.
pub async fn serve(config: ServeConfig) -> Result<Running, ServeError> {
    check(&config)?;
    let (model, config) =
        tokio::task::spawn_blocking(move || ServedModel::load(&config).map(|model| (model, config)))
            .await??;
    let limits = config.limits.clone();
    listen(config.listen, served(model, config.name, config.version, config.instance, limits)).await
}

/// Serves the stand-in by itself under a name, on a free port of this machine: no folder, prompt or tools, to try
/// with what would be put before a model.
pub async fn serve_stand_in(name: &str) -> Result<Running, ServeError> {
    check_names([("name", name)])?;
    let (version, instance) = ("1".to_owned(), "stand-in".to_owned());
    let served = served(ServedModel::stand_in(), name.to_owned(), version, instance, Limits::default());
    listen(([127, 0, 0, 1], 0).into(), served).await
}

fn served(model: ServedModel, name: String, version: String, instance: String, limits: Limits) -> Served {
    let permits = Arc::new(Semaphore::new(limits.concurrent));
    Served { model, name, version, instance, permits, limits, draining: AtomicBool::new(false) }
}

async fn listen(addr: SocketAddr, served: Served) -> Result<Running, ServeError> {
    let refuse = |source| ServeError::Listen { addr, source };
    let listener = TcpListener::bind(addr).await.map_err(refuse)?;
    let announcement = Announcement {
        addr: listener.local_addr().map_err(refuse)?,
        model_digest: served.model.digest(),
        model_name: served.name.clone(),
        pid: std::process::id(),
        instance: served.instance.clone(),
    };
    tracing::info!(addr = %announcement.addr, digest = %announcement.model_digest, "serving");
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(accept(listener, Arc::new(served), stopped));
    Ok(Running { announcement, stop, task })
}

fn check(config: &ServeConfig) -> Result<(), ServeError> {
    check_names([("name", &config.name), ("version", &config.version), ("instance", &config.instance)])?;
    let limits = &config.limits;
    if limits.concurrent == 0 || limits.connections == 0 || limits.batch_rows == 0 {
        return Err(ServeError::Setting("a limit of 0 would refuse every request".into()));
    }
    if !config.listen.ip().is_loopback() && !config.expose {
        return Err(ServeError::Exposed(config.listen));
    }
    Ok(())
}

fn check_names<const N: usize>(names: [(&str, &str); N]) -> Result<(), ServeError> {
    let segment = |s: &str| {
        !s.is_empty() && s.len() <= 200 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match names.iter().find(|(_, value)| !segment(value)) {
        None => Ok(()),
        Some((what, value)) => Err(ServeError::Setting(format!(
            "the {what} {value:?} is not made of letters, digits, \"-\", \"_\" and \".\""
        ))),
    }
}

async fn accept(
    listener: TcpListener,
    served: Arc<Served>,
    mut stopped: oneshot::Receiver<Duration>,
) -> Drained {
    let connections = Arc::new(Semaphore::new(served.limits.connections));
    let graceful = GracefulShutdown::new();
    let routes = router(Arc::clone(&served));
    let mut open = JoinSet::new();
    let grace = loop {
        // Forget the connections that have ended.
        while open.try_join_next().is_some() {}
        let next = async {
            // Nobody closes this semaphore, so the permit always comes.
            let slot = Arc::clone(&connections).acquire_owned().await.ok();
            (slot, listener.accept().await)
        };
        tokio::select! {
            grace = &mut stopped => break grace.unwrap_or_default(),
            (slot, accepted) = next => match accepted {
                Ok((stream, _)) => {
                    let head_timeout = served.limits.head_timeout;
                    open.spawn(connection(stream, routes.clone(), head_timeout, graceful.watcher(), slot));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: to try again at once would only burn the processor.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    };
    drop(listener);
    served.draining.store(true, Ordering::SeqCst);
    match tokio::time::timeout(grace, graceful.shutdown()).await {
        Ok(()) => Drained::Completely,
        Err(_) => {
            open.shutdown().await;
            Drained::CutOff
        }
    }
}

async fn connection(
    stream: TcpStream,
    routes: Router,
    head_timeout: Duration,
    watcher: Watcher,
    _slot: Option<OwnedSemaphorePermit>,
) {
    // An answer is one small write; waiting to fill a packet only delays it.
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(routes);
    let connection = http1::Builder::new()
        // Without a timer the timeout does nothing.
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
}
