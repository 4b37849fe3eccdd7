//! The life of an AI system: plan, assess, package, gate, release, deploy, observe, recall, feed back.
//!
//! This is the only crate that knows the engines together, and the only one that writes evidence. It knows
//! neither HTTP nor a terminal: where models run ([`Fleet`]) and what stands in front of them
//! ([`DataPlane`]) are traits, who watches is a [`Progress`], and the time comes from the caller.

pub mod assess;
mod certificate;
pub mod check;
pub mod data;
mod deploy;
mod detector;
mod durable;
pub mod encoder;
mod error;
mod evidence;
mod feedback;
mod fleet;
mod gate;
pub mod hits;
mod house;
pub mod language;
mod looks;
pub mod loss;
mod model;
mod observe;
mod package;
mod plan;
mod progress;
mod project;
mod recall;
mod release;
mod report;
mod run;
mod watch;

pub use assess::Assessment;
pub use certificate::{InstanceProof, RecallCertificate, StopEvidence, read_certificate, verify_certificate};
pub use deploy::Deployed;
pub use detector::DETECTOR;
pub use error::LifecycleError;
pub use evidence::{Evidence, EvidenceStatement};
pub use feedback::FedBack;
pub use fleet::{DataPlane, Denial, Fleet, RunningInstance, Stopped};
pub use gate::Decided;
pub use house::{Clock, House, HouseLock, HouseOptions, LEDGER_ORIGIN, Tool, ledger_url};
pub use looks::{LookRecord, MovedColumn};
pub use loss::RiskScore;
pub use model::ModelUnderTest;
pub use observe::{Judged, RaisedSignal};
pub use package::Candidate;
pub use plan::{Planned, Standing};
pub use progress::{Progress, Silent};
pub use project::{Project, SYSTEM_FILE};
pub use recall::{RecallOrder, RecallOutcome, Scope};
pub use release::{Release, ReleaseStatement};
pub use run::RunOutcome;
pub use watch::{PREDICTED, Rows, Watch};
