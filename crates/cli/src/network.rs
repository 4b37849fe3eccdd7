//! Models behind chat endpoints, as the lifecycle sees them.
//!
//! The lifecycle asks and waits; the connections belong to a runtime on a thread of its own, so that whoever
//! asks may stand on any thread, be it of another runtime or of a pool that knows none.

use std::sync::{Arc, OnceLock, mpsc};

use proofhouse_dialogue::assistant::Endpoint;
use proofhouse_dialogue::{Conversation, StopReason, Turn};
use proofhouse_endpoint::{Ask, ChatClient, ChatTarget as _, Key, Limits};
use proofhouse_lifecycle::language::{Endpoints, LanguageModel};
use tokio::sync::mpsc as questions;

/// Opens endpoints over the network.
#[derive(Default)]
pub struct Network {
    /// Starts with the first endpoint: most systems have none.
    sender: OnceLock<questions::UnboundedSender<Question>>,
}

/// A question, and where its answer is waited for.
struct Question {
    client: Arc<ChatClient>,
    conversation: Conversation,
    ask: Ask,
    answer: mpsc::Sender<Result<Turn, String>>,
}

/// A model behind an endpoint.
struct Remote {
    client: Arc<ChatClient>,
    ask: Ask,
    sender: questions::UnboundedSender<Question>,
}

impl Network {
    fn sender(&self) -> Result<questions::UnboundedSender<Question>, String> {
        if let Some(sender) = self.sender.get() {
            return Ok(sender.clone());
        }
        let (sender, mut questions) = questions::unbounded_channel::<Question>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let answering = move || {
            runtime.block_on(async move {
                while let Some(question) = questions.recv().await {
                    tokio::spawn(question.put());
                }
            });
        };
        let spawned = std::thread::Builder::new().name("endpoints".to_owned()).spawn(answering);
        spawned.map_err(|error| error.to_string())?;
        Ok(self.sender.get_or_init(|| sender).clone())
    }
}

impl Question {
    async fn put(self) {
        let answer = match self.client.ask(&self.conversation, &self.ask).await {
            Ok(answered) if answered.turn.stop == StopReason::Filtered => {
                Err("the endpoint's own filter cut the answer off".to_owned())
            }
            Ok(answered) => Ok(answered.turn),
            Err(error) => Err(error.to_string()),
        };
        // Whoever asked may have gone away.
        let _ = self.answer.send(answer);
    }
}

impl Endpoints for Network {
    fn open(&self, endpoint: &Endpoint, max_tokens: u32) -> Result<Arc<dyn LanguageModel>, String> {
        let key = endpoint.key_env.as_deref().map(Key::from_env).transpose().map_err(|e| e.to_string())?;
        let client =
            ChatClient::new(endpoint.protocol, &endpoint.url, &endpoint.model, key, Limits::default())
                .map_err(|error| error.to_string())?;
        let ask = Ask { max_tokens: Some(max_tokens.into()), ..Ask::default() };
        Ok(Arc::new(Remote { client: Arc::new(client), ask, sender: self.sender()? }))
    }
}

impl LanguageModel for Remote {
    fn name(&self) -> String {
        self.client.describe()
    }

    fn answer(&self, conversation: &Conversation) -> Result<Turn, String> {
        let (answer, waiting) = mpsc::channel();
        let question = Question {
            client: Arc::clone(&self.client),
            conversation: conversation.clone(),
            ask: self.ask.clone(),
            answer,
        };
        let gone = |_| "the endpoints' thread has ended".to_owned();
        self.sender.send(question).map_err(|_| gone(mpsc::RecvError))?;
        waiting.recv().map_err(gone)?
    }
}
