//! Policy as code: Rego bundles, tests, lint and decisions.
//!
//! Nothing in the house is decided outside this crate. A [`Bundle`] of Rego files is linted and compiled
//! into a [`Policy`]; a typed input (module [`input`]) goes in, a [`Decision`] comes out. Three rules make
//! that safe where Rego by itself is not:
//!
//! * **Undefined never allows.** In Rego a rule over an absent key says nothing, and a gate that says
//!   nothing would allow. The shipped gates therefore check the shape of the whole input first, and this
//!   side turns an undefined result, an evaluation error or a malformed decision into a denial with the
//!   code `policy/undefined`.
//! * **One language, two engines.** The bundle runs unchanged on a stock Open Policy Agent: no custom
//!   builtins, no clock (time comes in `input.request.now_ns`), no network. The [`lint()`] refuses whatever is
//!   not in the common subset, because an engine may stub such a builtin as undefined (`http.send` is one).
//! * **Loading is not validity.** The engine accepts files whose calls only fail when they are evaluated;
//!   [`Policy::compile`] evaluates every entry point once and demands that an empty input is denied.
//!
//! The engine is the regorus interpreter. Its bytecode machine is faster and answers differently in places
//! (conflicting complete rules, multi-level partial objects, recursion), so it is not used.
//!
//! ```
//! use proofhouse_policy::{Bundle, Entrypoint, Policy};
//! let policy = Policy::compile(&Bundle::shipped())?;
//! let decision = policy.decide(Entrypoint::Release, &serde_json::json!({}));
//! assert!(!decision.allow);
//! # Ok::<(), proofhouse_policy::PolicyError>(())
//! ```

mod builtins;
mod bundle;
mod decision;
pub mod input;
mod lint;
mod metadata;
mod policy;
mod runner;
mod tokens;

pub use bundle::{Bundle, BundleError, Manifest};
pub use decision::{Action, Decision, Reason, WaivedReason, WaiverUse};
pub use input::PolicyInput;
pub use lint::lint;
pub use metadata::Explanation;
pub use policy::{Entrypoint, Limits, Policy, PolicyError};
pub use runner::{FileCoverage, TestOutcome, TestReport, test};
