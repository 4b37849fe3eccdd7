//! The boundary for generative AI, in layers that do not rely on each other.
//!
//! * [`flow`]: provenance and data flow. Which tools may be called, with arguments from whom, once which
//!   text is in context. Deterministic; no wording talks its way through.
//! * [`normal`]: the normal form of a text, with bounded work: what a reader or a model could make of
//!   invisible, look-alike, encoded and reversed characters.
//! * [`extract`]: what documents hide from people and show to models.
//! * [`detect`]: scores how much a text looks like an attempt to direct the model. It lowers noise; it is
//!   never what security rests on.
//! * [`link`]: where links lead, and whether they may; the same decision for answers and for arguments of tools.
//! * [`canary`] and [`spotlight`]: words that tell who read a confidential text, and marks around untrusted text.
//! * [`output`]: what may not leave: secrets, canaries, personal data, links, matched in streams.
//!
//! [`Guard`] is all of them together, configured by one [`GuardConfig`].

pub mod canary;
pub mod detect;
pub mod extract;
pub mod flow;
mod guard;
pub mod link;
mod mac;
pub mod normal;
pub mod output;
mod pages;
pub mod spotlight;

pub use guard::{
    CallVerdict, DetectorConfig, Detectors, EncoderChoice, Finding, Guard, GuardConfig, GuardError,
    Inspection, SegmentInspection, Session, TurnVerdict, Work,
};
