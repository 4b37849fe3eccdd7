//! Where models live: model hubs, object stores, registries, behind one trait.
//!
//! A [`Source`] lists its files and fetches one; [`fetch`] brings them into a folder, bounded in number, bytes and
//! time, and checks the digest of each where the source states one. Nothing is unpacked, linked or run. Redirects are
//! followed only where they stay encrypted and lead to public addresses, never with credentials to another host, and
//! each one is told.

mod address;
mod error;
mod fetch;
mod hf;
mod http;
mod mlflow;
mod oci;
mod s3;

use std::future::Future;
use std::pin::Pin;

pub use address::{Address, Settings};
pub use error::SourceError;
pub use fetch::{Fetched, Limits, fetch};
pub use http::{Http, Reach};
use proofhouse_core::{Digest, FilePath};

/// A file as its source lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its path within the model.
    pub path: FilePath,
    /// Where to fetch it.
    pub url: String,
    /// Its size in bytes, where the source states it.
    pub size: Option<u64>,
    /// The SHA-256 that its bytes must have, where the source states it.
    pub sha256: Option<Digest>,
}

/// What an asynchronous method of [`Source`] returns.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, SourceError>> + Send + 'a>>;

/// Somewhere that models are kept.
pub trait Source: Send + Sync {
    /// What is asked for, for people: the address with the revision that it was resolved to.
    fn name(&self) -> String;

    /// The files of the model.
    fn list(&self) -> Answer<'_, Vec<Remote>>;

    /// Headers of the request for a file, such as a signature.
    ///
    /// # Errors
    /// They cannot be made.
    fn headers(&self, file: &Remote) -> Result<Vec<(String, String)>, SourceError>;
}
