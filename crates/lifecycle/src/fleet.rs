//! What the lifecycle asks of the floors above it: somewhere instances run, and a gateway in front of
//! them. Both are traits, so that the lifecycle knows neither processes nor HTTP.

use std::future::Future;
use std::net::SocketAddr;

use proofhouse_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Release, Scope};

/// A running instance that has proven its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunningInstance {
    /// Its name, unique in the ledger.
    pub id: String,
    /// The digest it proved.
    pub digest: Digest,
    /// Its process id.
    pub pid: u32,
    /// Where it serves.
    pub addr: SocketAddr,
}

/// Evidence that one instance no longer serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stopped {
    /// Which instance.
    pub id: String,
    /// Its process id.
    pub pid: u32,
    /// How it stopped: `killed`, `already-ended` or `swept-away`.
    pub how: String,
    /// Whether its address refused a connection afterwards; absent when it was never known.
    pub connection_refused: Option<bool>,
}

/// Somewhere instances run.
pub trait Fleet: Sync {
    /// What people call it, such as `host-agent`.
    fn name(&self) -> &str;

    /// Starts an instance of a release; returns once it has proven its digest.
    fn start(
        &self,
        id: &str,
        release: &Release,
    ) -> impl Future<Output = Result<RunningInstance, String>> + Send;

    /// Names of the instances of `digest` that run here; absent where not every process could be seen, so
    /// that nothing can be said about those that are missing.
    fn serving(&self, digest: &Digest) -> Result<Option<Vec<String>>, String>;

    /// Stops every instance of `digest` in `scope`, whoever started it, and returns the proof for each. An
    /// empty answer says that nothing was found. What runs outside the scope is left alone.
    fn stop_all(
        &self,
        digest: &Digest,
        scope: &Scope,
    ) -> impl Future<Output = Result<Vec<Stopped>, String>> + Send;
}

/// A gateway's word that it lets nothing through to a digest any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// Which gateway.
    pub gateway: String,
    /// Its recall list's epoch.
    pub epoch: u64,
    /// Requests that were cut off.
    pub cancelled: u64,
    /// When the last request to the digest had left it.
    pub acknowledged: Timestamp,
}

/// The gateway in front of the instances.
pub trait DataPlane: Sync {
    /// Refuses every request to `digest` from now on and returns once none is in flight.
    fn deny(&self, digest: &Digest) -> impl Future<Output = Result<Denial, String>> + Send;

    /// Requests to `digest` that were answered by a model after the acknowledgement. Anything but zero
    /// means that the denial does not hold.
    fn answered_after_denial(&self, digest: &Digest) -> u64;
}
