//! Language models: OpenAI's chat completions and Anthropic's messages.
//!
//! The folder that is served ([`proofhouse_dialogue::assistant`]) holds the prompt and the tools; the server
//! puts both before what a client sends, so that they are what was signed. What answers is the stand-in, or
//! a model behind an endpoint, to which the request is relayed in whatever protocol it speaks.

mod chat;
mod say;

use axum::Router;
use axum::routing::{get, post};
use proofhouse_dialogue::assistant::{Assistant, AssistantError, Engine};
use proofhouse_endpoint::{ChatClient, EndpointError, Key, Limits};
use proofhouse_standin::Standin;

use crate::ServeError;
use crate::routes::Served;

/// The file that makes a folder a language model.
pub(crate) const FILE: &str = "assistant.json";

/// A language model that answers.
pub(crate) struct Language {
    assistant: Assistant,
    mind: Mind,
}

/// What answers.
enum Mind {
    StandIn(Standin),
    Endpoint(Box<ChatClient>),
}

impl Language {
    /// The stand-in by itself, without a prompt or tools of its own.
    pub(crate) fn stand_in() -> Self {
        let assistant = Assistant {
            engine: Engine::StandIn,
            prompt: String::new(),
            tools: Vec::new(),
            max_tokens: u32::MAX,
        };
        Self { assistant, mind: Mind::StandIn(Standin::new(0)) }
    }

    /// Reads the folder whose files `bytes` yields.
    pub(crate) fn load<'f>(file: &str, bytes: impl Fn(&str) -> Option<&'f [u8]>) -> Result<Self, ServeError> {
        let assistant = Assistant::read(file, bytes)?;
        if assistant.max_tokens == 0 {
            let reason = "an answer of 0 tokens is none".to_owned();
            return Err(AssistantError::Wrong { file: file.to_owned(), reason }.into());
        }
        let mind = match &assistant.engine {
            Engine::StandIn => Mind::StandIn(Standin::new(0)),
            Engine::Endpoint(endpoint) => Mind::Endpoint(Box::new(client(endpoint)?)),
        };
        Ok(Self { assistant, mind })
    }
}

fn client(endpoint: &proofhouse_dialogue::assistant::Endpoint) -> Result<ChatClient, EndpointError> {
    let key = endpoint.key_env.as_deref().map(Key::from_env).transpose()?;
    // How many go at one time is bounded by the server already.
    let limits = Limits { concurrent: 1024, ..Limits::default() };
    ChatClient::new(endpoint.protocol, &endpoint.url, &endpoint.model, key, limits)
}

/// The addresses of a language model.
pub(crate) fn routes() -> Router<std::sync::Arc<Served>> {
    Router::new()
        .route("/v1/models", get(chat::models))
        .route("/v1/chat/completions", post(chat::openai))
        .route("/v1/messages", post(chat::anthropic))
}
