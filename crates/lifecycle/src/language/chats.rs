//! Recorded conversations. A line holds the messages that follow the system prompt, in the form of OpenAI's
//! chat completions, with the origin of each passage beside it; prompt and tools are those of the model
//! under test, so that a recording is replayed against what is released and not against what was.

use proofhouse_dialogue::assistant::Assistant;
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{ChatRequest, Protocol};
use proofhouse_dialogue::{Conversation, Labelling};
use serde_json::{Map, Value, json};

use crate::LifecycleError;
use crate::data::LoadedDataset;

/// One recorded conversation.
#[derive(Debug, Clone)]
pub struct Chat {
    /// The request as an application sends it, origins and all.
    pub bytes: Vec<u8>,
    /// What it says, labelled.
    pub conversation: Conversation,
}

/// The conversations of a dataset, addressed to `model`.
pub fn chats(
    dataset: &LoadedDataset,
    model: &str,
    assistant: &Assistant,
    labelling: &Labelling,
) -> Result<Vec<Chat>, LifecycleError> {
    let read = |(i, line): (usize, &Map<String, Value>)| {
        let wrong =
            |reason: String| LifecycleError::Line { dataset: dataset.id().to_owned(), line: i + 1, reason };
        let body = request(model, assistant, line).map_err(wrong)?;
        let bytes = serde_json::to_vec(&body).map_err(|e| wrong(e.to_string()))?;
        let request = ChatRequest::read(Protocol::Openai, &bytes, labelling, &Limits::default())
            .map_err(|e| wrong(e.to_string()))?;
        Ok(Chat { bytes, conversation: request.conversation().clone() })
    };
    dataset.lines().iter().enumerate().map(read).collect()
}

fn request(model: &str, assistant: &Assistant, line: &Map<String, Value>) -> Result<Value, String> {
    let Some(recorded) = line.get("messages").and_then(Value::as_array) else {
        return Err("it has no list \"messages\"".to_owned());
    };
    let prompt = json!({"role": "system", "content": assistant.prompt});
    let messages: Vec<&Value> = std::iter::once(&prompt).chain(recorded).collect();
    let tools: Vec<Value> =
        assistant.tools.iter().map(|tool| json!({"type": "function", "function": tool})).collect();
    let mut body = json!({"model": model, "messages": messages, "max_tokens": assistant.max_tokens});
    if let (Some(body), false) = (body.as_object_mut(), tools.is_empty()) {
        body.insert("tools".to_owned(), tools.into());
    }
    Ok(body)
}
