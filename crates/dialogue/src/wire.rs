//! Chat protocols as one set of types: requests, answers and streams of OpenAI's chat completions and
//! Anthropic's messages.
//!
//! A request is read strictly ([`crate::json`]) and kept as what was read, so *what is checked is what is
//! forwarded*: nothing of the caller's bytes survives that this reader did not understand the same way.
//! Every text that a model will read becomes a labelled [`crate::Segment`]; what is no text becomes an
//! [`Attachment`] for a policy to judge; a field that neither this reader nor a guard looks into is listed
//! in [`ChatRequest::unlisted`], refused or let through by whoever decides.
//!
//! Answers are the other way round: only what was understood is written again.

mod assemble;
mod cursor;
mod edit;
mod error;
mod request;
mod response;
mod sse;
mod stream;

pub use assemble::{AssembleError, TurnAssembler};
pub use error::{Fault, ReadError};
pub use request::{Attachment, AttachmentKind, ChatRequest, Content, Prompt, Protocol, Sampling, ToolChoice};
pub use response::{Answer, ApiError, ChatResponse, Reasoning, Usage};
pub use sse::{SseDecoder, SseError, SseEvent};
pub use stream::{StreamEvent, StreamReader, StreamWriter, WriteError};

pub(crate) use assemble::arguments as call_arguments;
pub(crate) use cursor::{Node, Place};
pub(crate) use request::{Draft, Options, Provenance, members, plain_name};
pub(crate) use stream::emit;
