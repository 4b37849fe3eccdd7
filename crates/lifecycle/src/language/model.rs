//! What answers a conversation. The lifecycle knows no network: endpoints come from whoever opened the house.

use std::sync::Arc;

use proofhouse_dialogue::assistant::{Assistant, Endpoint, Engine};
use proofhouse_dialogue::{Conversation, Turn};
use proofhouse_standin::Standin;

use crate::LifecycleError;

/// Something that answers conversations.
pub trait LanguageModel: Send + Sync {
    /// What people call it. Evidence names it, so that one endpoint's results are not taken for another's.
    fn name(&self) -> String;

    /// Answers, or says why not.
    fn answer(&self, conversation: &Conversation) -> Result<Turn, String>;
}

/// Opens endpoints that a model folder names.
pub trait Endpoints: Send + Sync {
    /// A model behind an endpoint.
    fn open(&self, endpoint: &Endpoint, max_tokens: u32) -> Result<Arc<dyn LanguageModel>, String>;
}

/// The stand-in as a model. Its seed chooses between phrases only.
struct StandIn(Standin);

const SEED: u64 = 1;

impl LanguageModel for StandIn {
    fn name(&self) -> String {
        "stand-in that obeys every text (no language model)".to_owned()
    }

    fn answer(&self, conversation: &Conversation) -> Result<Turn, String> {
        Ok(self.0.answer(conversation))
    }
}

/// What answers for an assistant.
pub(crate) fn open(
    assistant: &Assistant,
    endpoints: Option<&dyn Endpoints>,
) -> Result<Arc<dyn LanguageModel>, LifecycleError> {
    match &assistant.engine {
        Engine::StandIn => Ok(Arc::new(StandIn(Standin::new(SEED)))),
        Engine::Endpoint(endpoint) => endpoints
            .ok_or_else(|| "this process opens no endpoints".to_owned())
            .and_then(|e| e.open(endpoint, assistant.max_tokens))
            .map_err(|reason| LifecycleError::Endpoint { url: endpoint.url.clone(), reason }),
    }
}
