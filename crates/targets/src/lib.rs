//! Where models run.
//!
//! A *target* starts instances of a model, proves which digest each one serves, and stops them with
//! proof. This crate holds the target every machine has, the [`HostAgent`]: instances are child
//! processes that load, verify and serve one model directory.
//!
//! Two things make a stop provable without trusting the process that is to be stopped:
//!
//! * a *lease*: an instance serves only while its agent renews it over its standard input. When the
//!   agent dies, is cut off or stops renewing, the instance stops by itself within one lease;
//! * a *sweep* of the machine's process table, which also finds instances that this agent never started.

mod agent;
mod error;
mod probe;
mod sweep;

pub use agent::{AgentConfig, HostAgent, Instance, InstanceSpec, LEASE_RENEWAL, StopHow, StopProof};
pub use error::TargetError;
pub use sweep::{Reach, Stray, Sweep, processes_serving};
