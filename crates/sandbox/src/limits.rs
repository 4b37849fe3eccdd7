//! Limits of one process (`setrlimit(2)`), inherited by what it starts.

use rustix::process::{Resource, Rlimit, setrlimit};

/// Bounds a resource for good. Where a lower bound is in force, that one stays.
pub fn bound(resource: Resource, most: u64) -> Result<(), String> {
    let now = rustix::process::getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })
        .map_err(|error| error.to_string())
}
