//! Models that write: what answers, what stands around it, and how it is put to the test.
//!
//! A model that predicts is judged row by row. A model that writes is judged in conversations, with the
//! boundary of the system file in front of it, and by what comes about: a canary seen, a tool called, a
//! task done.

mod boundary;
mod chats;
mod guarded;
mod model;
mod pages;
mod scenario;
mod trials;

pub(crate) use boundary::document_name;
pub use boundary::{Boundary, Mark};
pub use chats::{Chat, chats};
pub use guarded::{Guarded, Seen};
pub(crate) use model::open;
pub use model::{Endpoints, LanguageModel};
pub use pages::{Hidden, Page, pages};
pub use scenario::UnderAttack;
pub(crate) use trials::rate;
pub use trials::{Harm, Trial, Trials};
