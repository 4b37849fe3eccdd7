//! A language model as an artifact: the folder that is hashed, signed, released and served.
//!
//! ```text
//! model/assistant.json   which model answers, and where prompt and tools are
//!       prompt.md        the system prompt
//!       tools.json       the tools it is offered, a list of name, description and parameters
//! ```
//!
//! The weights may be elsewhere; what makes this assistant another one (prompt, tools, the name of the
//! model behind it) is in the folder, so a changed prompt is a changed digest. No key is ever in it.
//!
//! ```
//! use proofhouse_dialogue::assistant::{Assistant, Engine};
//!
//! let file = |name: &str| match name {
//!     "assistant.json" => Some(br#"{"schema": "proofhouse.assistant/v1", "engine": "stand-in",
//!                                   "prompt": "prompt.md"}"#.as_slice()),
//!     "prompt.md" => Some(b"You answer questions about parcels.".as_slice()),
//!     _ => None,
//! };
//! let assistant = Assistant::read("assistant.json", file)?;
//! assert_eq!(assistant.engine, Engine::StandIn);
//! assert!(assistant.tools.is_empty());
//! # Ok::<(), proofhouse_dialogue::assistant::AssistantError>(())
//! ```

use std::collections::BTreeSet;

use proofhouse_core::FilePath;
use serde::{Deserialize, Serialize};

use crate::wire::Protocol;
use crate::{Conversation, Label, Message, Name, Origin, Role, Secrecy, Segment, ToolSpec, Trust};

/// Largest file that is read: a prompt beyond this leaves no room for a conversation.
const MAX_BYTES: usize = 1 << 20;
/// Most tools.
const MAX_TOOLS: usize = 256;

/// A language model with its prompt and tools.
#[derive(Debug, Clone, PartialEq)]
pub struct Assistant {
    /// What answers.
    pub engine: Engine,
    /// The system prompt.
    pub prompt: String,
    /// The tools it is offered.
    pub tools: Vec<ToolSpec>,
    /// Most tokens of an answer.
    pub max_tokens: u32,
}

/// What answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// A program that does whatever any text in its context asks for. It is no model; it is the worst a
    /// model could be, and it runs offline.
    StandIn,
    /// A model behind a chat protocol.
    Endpoint(Endpoint),
}

/// A model behind a chat protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// What is spoken.
    pub protocol: Protocol,
    /// The base address, such as `https://api.example/v1`.
    pub url: String,
    /// The model's name there.
    pub model: String,
    /// The environment variable that holds the key; absent where none is needed.
    #[serde(default)]
    pub key_env: Option<String>,
}

impl Endpoint {
    /// The endpoint that an `assistant.json` names, without the files beside it.
    #[must_use]
    pub fn named_in(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_BYTES {
            return None;
        }
        match serde_json::from_slice::<Written>(bytes).ok()?.engine {
            Engine::Endpoint(endpoint) => Some(endpoint),
            Engine::StandIn => None,
        }
    }
}

/// `assistant.json` as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    schema: Schema,
    engine: Engine,
    prompt: WrittenPath,
    #[serde(default)]
    tools: Option<WrittenPath>,
    #[serde(default = "default_max_tokens")]
    max_tokens: u32,
}

#[derive(Deserialize)]
enum Schema {
    #[serde(rename = "proofhouse.assistant/v1")]
    V1,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct WrittenPath(FilePath);

impl TryFrom<String> for WrittenPath {
    type Error = proofhouse_core::FilePathError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse().map(Self)
    }
}

const fn default_max_tokens() -> u32 {
    1024
}

/// Why a folder is no assistant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssistantError {
    /// A file that has to be there is not.
    #[error("the model folder holds no {0}")]
    Missing(String),
    /// A file is too large.
    #[error("{file} has {bytes} bytes, more than the {MAX_BYTES} that are read")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size.
        bytes: usize,
    },
    /// A file does not say what it should.
    #[error("{file}: {reason}")]
    Wrong {
        /// The file.
        file: String,
        /// What is wrong.
        reason: String,
    },
}

impl Assistant {
    /// Reads `file` of a model folder and the files it names; `bytes` yields the content of a file by its
    /// name in the folder.
    pub fn read<'f>(file: &str, bytes: impl Fn(&str) -> Option<&'f [u8]>) -> Result<Self, AssistantError> {
        let text = |name: &str| -> Result<&'f str, AssistantError> {
            let bytes = bytes(name).ok_or_else(|| AssistantError::Missing(name.to_owned()))?;
            if bytes.len() > MAX_BYTES {
                return Err(AssistantError::TooLarge { file: name.to_owned(), bytes: bytes.len() });
            }
            std::str::from_utf8(bytes).map_err(|_| wrong(name, "it is not UTF-8"))
        };
        let written: Written = serde_json::from_str(text(file)?).map_err(|e| wrong(file, e))?;
        let Schema::V1 = written.schema;
        let prompt_file = written.prompt.0.as_str();
        let prompt = text(prompt_file)?.trim();
        if prompt.is_empty() {
            return Err(wrong(prompt_file, "the prompt is empty"));
        }
        let tools = match &written.tools {
            Some(WrittenPath(name)) => tools(name.as_str(), text(name.as_str())?)?,
            None => Vec::new(),
        };
        Ok(Self { engine: written.engine, prompt: prompt.to_owned(), tools, max_tokens: written.max_tokens })
    }

    /// A conversation that begins with its prompt and offers its tools.
    #[must_use]
    pub fn conversation(&self) -> Conversation {
        let label = Label { origin: Origin::System, trust: Trust::Trusted, secrecy: Secrecy::Public };
        let prompt = Message::new(Role::System, vec![Segment::new(&self.prompt, label)]);
        Conversation::new(vec![prompt], self.tools.clone())
    }
}

fn tools(file: &str, text: &str) -> Result<Vec<ToolSpec>, AssistantError> {
    let tools: Vec<ToolSpec> = serde_json::from_str(text).map_err(|e| wrong(file, e))?;
    if tools.len() > MAX_TOOLS {
        return Err(wrong(file, format!("{} tools are more than {MAX_TOOLS}", tools.len())));
    }
    let mut names: BTreeSet<&Name> = BTreeSet::new();
    for tool in &tools {
        if !names.insert(&tool.name) {
            return Err(wrong(file, format!("two tools are called {}", tool.name)));
        }
        if !tool.parameters.is_object() {
            return Err(wrong(file, format!("the parameters of {} are no JSON Schema object", tool.name)));
        }
    }
    Ok(tools)
}

fn wrong(file: &str, reason: impl ToString) -> AssistantError {
    AssistantError::Wrong { file: file.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(description: &str, tools: &str) -> Result<Assistant, AssistantError> {
        Assistant::read("assistant.json", |name| match name {
            "assistant.json" => Some(description.as_bytes()),
            "prompt.md" => Some(b"You help.\n"),
            "tools.json" => Some(tools.as_bytes()),
            _ => None,
        })
    }

    const PLAIN: &str = r#"{"schema": "proofhouse.assistant/v1", "engine": "stand-in", "prompt": "prompt.md",
                            "tools": "tools.json"}"#;

    #[test]
    fn an_endpoint_names_its_model_and_where_its_key_is() {
        let description = PLAIN.replace(
            "\"stand-in\"",
            r#"{"endpoint": {"protocol": "openai", "url": "https://llm.example/v1", "model": "m",
                             "key_env": "LLM_KEY"}}"#,
        );
        let Engine::Endpoint(endpoint) = read(&description, "[]").unwrap().engine else { panic!() };
        assert_eq!((endpoint.model.as_str(), endpoint.key_env.as_deref()), ("m", Some("LLM_KEY")));
    }

    #[test]
    fn the_prompt_is_the_application_s_word() {
        let conversation = read(PLAIN, "[]").unwrap().conversation();
        assert_eq!(conversation.lowest_trust(), Trust::Trusted);
        assert_eq!(conversation.messages[0].segments[0].text, "You help.");
    }

    #[test]
    fn what_is_wrong_is_named_with_its_file() {
        let error = |description: &str, tools: &str| read(description, tools).unwrap_err().to_string();
        assert_eq!(
            error(&PLAIN.replace("prompt.md", "other.md"), "[]"),
            "the model folder holds no other.md"
        );
        assert!(error(&PLAIN.replace("prompt.md", "../x"), "[]").starts_with("assistant.json: "));
        assert!(error(&PLAIN.replace("stand-in", "gpt"), "[]").contains("unknown variant `gpt`"));
        let tool = r#"{"name": "refund", "description": "", "parameters": {}}"#;
        assert_eq!(error(PLAIN, &format!("[{tool}, {tool}]")), "tools.json: two tools are called refund");
        assert!(error(PLAIN, &format!("[{}]", tool.replace("{}", "[]"))).contains("no JSON Schema object"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(description in ".{0,200}", tools in ".{0,200}") {
            let _ = read(&description, &tools);
            let _ = read(PLAIN, &tools);
        }
    }
}
