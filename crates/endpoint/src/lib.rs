//! Clients for somebody else's model.
//!
//! A target is asked with a [`Conversation`] and answers with a [`Turn`], whatever it is: a server that speaks
//! OpenAI's or Anthropic's protocol ([`ChatClient`]), a program ([`Command`]), or any other HTTP address
//! ([`Template`]). A model of rows ([`RowTarget`]) is behind the Open Inference Protocol, over REST or gRPC
//! ([`InferenceClient`]), a program's lines ([`Lines`]) or any other HTTP address ([`RowTemplate`]). Each is bounded in
//! time, in bytes, in requests at one time and in requests a minute; each tells the tokens it used, so that a caller
//! can stop at a cost.
//!
//! Nothing a server answers sends this client elsewhere: redirects are refused and no proxy is taken from the
//! environment. Keys come from environment variables, go into one header, and into no log and no message.
//! Without TLS only this machine is spoken to, unless no key is sent.

mod chat;
mod command;
mod connect;
mod element;
mod error;
mod grpc;
mod http;
mod inference;
mod key;
mod lines;
mod model;
mod pace;
mod table;
mod template;
mod tensor;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use proofhouse_dialogue::wire::{Sampling, ToolChoice, Usage};
use proofhouse_dialogue::{Conversation, Turn};

pub use chat::{ChatClient, Events};
pub use command::{Command, Life};
pub use connect::{Authorities, Client, Roots, client, is_near};
pub use element::Element;
pub use error::EndpointError;
pub use grpc::GrpcStatus;
pub use inference::{Address, InferenceClient, until_answered};
pub use key::Key;
pub use lines::Lines;
pub use model::Metadata;
pub use table::RowTemplate;
pub use template::{Template, TemplateFile};
pub use tensor::{Companion, Datatype, Declared, Rows, Tensor, Values};

/// Settings of one question.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ask {
    /// The most tokens of the answer.
    pub max_tokens: Option<u64>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Whether tools may be called.
    pub tool_choice: ToolChoice,
    /// Whether to say where texts come from, which Proofhouse's gateway reads.
    pub provenance: bool,
}

/// An answer and what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct Answered {
    /// What the model says and calls.
    pub turn: Turn,
    /// The tokens used, where the target says.
    pub usage: Option<Usage>,
    /// The digest of the model that answered, where the target proves one.
    pub digest: Option<String>,
    /// How often it was asked; more than once where it was throttled or failed.
    pub attempts: u32,
}

/// A question in work.
pub type Asked<'a> = Pin<Box<dyn Future<Output = Result<Answered, EndpointError>> + Send + 'a>>;

/// Something that answers conversations.
pub trait ChatTarget: Send + Sync {
    /// What it is, for reports; never a key.
    fn describe(&self) -> String;

    /// Asks it.
    fn ask<'a>(&'a self, conversation: &'a Conversation, ask: &'a Ask) -> Asked<'a>;
}

/// Answers to rows, and what they took.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// All that the target says of the rows.
    pub outputs: Vec<Tensor>,
    /// How often it was asked; more than once where it was throttled or failed.
    pub attempts: u32,
}

/// Rows in work.
pub type Rowwise<'a> = Pin<Box<dyn Future<Output = Result<Answers, EndpointError>> + Send + 'a>>;

/// Something that answers rows.
pub trait RowTarget: Send + Sync {
    /// What it is, for reports; never a key.
    fn describe(&self) -> String;

    /// Asks it. Asking changes nothing, so that a question without an answer may be asked again.
    fn ask<'a>(&'a self, rows: Rows<'a>) -> Rowwise<'a>;
}

/// Bounds of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time for a whole answer, each attempt by itself.
    pub timeout: Duration,
    /// Bytes of an answer.
    pub response_bytes: usize,
    /// Questions at one time.
    pub concurrent: usize,
    /// Questions a minute; as many as there is room for where none is given.
    pub per_minute: Option<u32>,
    /// Attempts where the target is out of reach, throttles or fails.
    pub attempts: u32,
    /// The first wait between attempts; each is twice the one before, unless the target says how long.
    pub backoff: Duration,
    /// The longest wait between attempts. A target that asks for longer is given up.
    pub longest_wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(120),
            response_bytes: 8 << 20,
            concurrent: 4,
            per_minute: None,
            attempts: 4,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_secs(60),
        }
    }
}
