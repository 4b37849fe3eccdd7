//! Runs what is not trusted, and says what holds it.
//!
//! Two kinds of process are confined here. [`Sandbox`] starts somebody's command, such as a server that wraps a
//! model, with no network but its own loopback, files that it can read but not change, and bounds on memory, time and
//! processes; when the sandbox ends, so does everything that was started in it. [`parser`] confines the calling
//! process itself, for one that only reads and computes.
//!
//! No machine can do everything: a container may forbid namespaces, an old kernel has no Landlock. Each [`Measure`] is
//! tried by itself, and [`Measures`] says of each whether it holds, holds in part, or does not and why. Whoever runs a
//! command decides on that; nothing is passed over in silence.
//!
//! What is used: user, network, mount, process and IPC namespaces (`namespaces(7)`), Landlock (`landlock(7)`), seccomp
//! filters (`seccomp(2)`), resource limits (`setrlimit(2)`). No privilege is needed, and none is kept.

mod measure;
pub mod parser;
mod policy;

#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod files;
#[cfg(target_os = "linux")]
mod job;
#[cfg(target_os = "linux")]
mod limits;
#[cfg(target_os = "linux")]
mod needs;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod spaces;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod watch;

pub use measure::{Held, Measure, Measures};
pub use policy::{Network, Policy};

#[cfg(target_os = "linux")]
pub use run::Sandbox;
#[cfg(target_os = "linux")]
pub use stage::{STAGE, stage};

#[cfg(not(target_os = "linux"))]
mod elsewhere;
#[cfg(not(target_os = "linux"))]
pub use elsewhere::{STAGE, Sandbox, stage};

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// No sandbox is built for this system.
    #[error(
        "commands are sandboxed on Linux only; start the server yourself, in a virtual machine or a container, and give \
         its address"
    )]
    System,
    /// The sandbox itself could not be set up.
    #[error("the sandbox cannot be set up: {0}")]
    Setup(String),
    /// The command could not be started in it.
    #[error("{command:?} cannot be started: {why}")]
    Start {
        /// The command.
        command: String,
        /// What the system says.
        why: String,
    },
}
