//! From the events of a stream to whole answers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Answer, ChatResponse, Reasoning, StreamEvent, Usage};
use crate::json::{self, JsonError, Limits};
use crate::{Arguments, Name, StopReason, ToolCall, Turn};

/// Why events make no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AssembleError {
    /// The answer has not ended, or never began.
    #[error("the answer has not come to its end")]
    Unfinished,
    /// A piece of a call that did not begin.
    #[error("arguments for a call that did not begin")]
    NoSuchCall,
    /// A call begun twice.
    #[error("the call {0:?} begins twice")]
    Twice(String),
    /// Arguments that are no JSON object.
    #[error("the arguments of the call of {tool} {why}")]
    Arguments {
        /// The tool.
        tool: Name,
        /// What is wrong.
        why: String,
    },
    /// More than allowed.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// The server gave up.
    #[error("the server reported an error: {0}")]
    Server(String),
}

/// Collects the events of a stream.
#[derive(Debug)]
pub struct TurnAssembler {
    response: ChatResponse,
    parts: BTreeMap<u32, Part>,
    done: bool,
    bytes: usize,
    limit: usize,
}

#[derive(Debug, Default)]
struct Part {
    text: String,
    refusal: Option<String>,
    reasoning: Vec<Reasoning>,
    calls: BTreeMap<u32, Call>,
    stop: Option<StopReason>,
}

#[derive(Debug)]
struct Call {
    id: String,
    name: Name,
    arguments: String,
}

impl TurnAssembler {
    /// An assembler for answers of at most `limit` bytes.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        let response = ChatResponse {
            id: String::new(),
            model: String::new(),
            created: 0,
            answers: Vec::new(),
            usage: Usage { input: 0, output: 0 },
        };
        Self { response, parts: BTreeMap::new(), done: false, bytes: 0, limit }
    }

    /// Takes the next event.
    pub fn push(&mut self, event: &StreamEvent) -> Result<(), AssembleError> {
        match event {
            StreamEvent::Start { id, model, created, input } => {
                self.response.id.clone_from(id);
                self.response.model.clone_from(model);
                self.response.created = *created;
                self.response.usage.input = *input;
            }
            StreamEvent::Text { choice, text } => self.part(*choice, text.len())?.text.push_str(text),
            StreamEvent::Refusal { choice, text } => {
                self.part(*choice, text.len())?.refusal.get_or_insert_default().push_str(text);
            }
            StreamEvent::Reasoning { choice, text: more } => {
                let part = self.part(*choice, more.len())?;
                match part.reasoning.last_mut() {
                    Some(Reasoning::Shown { text, signature: None }) => text.push_str(more),
                    _ => part.reasoning.push(Reasoning::Shown { text: more.clone(), signature: None }),
                }
            }
            StreamEvent::ReasoningSignature { choice, signature: proof } => {
                let part = self.part(*choice, proof.len())?;
                match part.reasoning.last_mut() {
                    Some(Reasoning::Shown { signature: signature @ None, .. }) => {
                        *signature = Some(proof.clone());
                    }
                    _ => {
                        let signature = Some(proof.clone());
                        part.reasoning.push(Reasoning::Shown { text: String::new(), signature });
                    }
                }
            }
            StreamEvent::ReasoningSealed { choice, data } => {
                self.part(*choice, data.len())?.reasoning.push(Reasoning::Sealed(data.clone()));
            }
            StreamEvent::CallStart { choice, call, id, name } => {
                let new = Call { id: id.clone(), name: name.clone(), arguments: String::new() };
                let calls = &mut self.part(*choice, id.len() + name.as_str().len())?.calls;
                if calls.values().any(|c| c.id == *id) || calls.insert(*call, new).is_some() {
                    return Err(AssembleError::Twice(id.clone()));
                }
            }
            StreamEvent::CallArguments { choice, call, text } => {
                let calls = &mut self.part(*choice, text.len())?.calls;
                let call = calls.get_mut(call).ok_or(AssembleError::NoSuchCall)?;
                call.arguments.push_str(text);
            }
            StreamEvent::Stop { choice, reason } => self.part(*choice, 0)?.stop = Some(*reason),
            StreamEvent::Usage(usage) => {
                let input = if usage.input == 0 { self.response.usage.input } else { usage.input };
                self.response.usage = Usage { input, output: usage.output };
            }
            StreamEvent::Done => self.done = true,
            StreamEvent::Error(error) => return Err(AssembleError::Server(error.message.clone())),
        }
        Ok(())
    }

    /// The whole response, once the stream is complete.
    pub fn finish(mut self) -> Result<ChatResponse, AssembleError> {
        if !self.done || self.parts.is_empty() {
            return Err(AssembleError::Unfinished);
        }
        for part in self.parts.into_values() {
            let calls = part.calls.into_values().map(|call| {
                let arguments = arguments(&call.arguments, self.limit)
                    .map_err(|why| AssembleError::Arguments { tool: call.name.clone(), why })?;
                Ok(ToolCall { id: call.id, name: call.name, arguments })
            });
            let turn = Turn {
                calls: calls.collect::<Result<_, _>>()?,
                text: part.text,
                stop: part.stop.ok_or(AssembleError::Unfinished)?,
            };
            self.response.answers.push(Answer { turn, refusal: part.refusal, reasoning: part.reasoning });
        }
        Ok(self.response)
    }

    fn part(&mut self, choice: u32, bytes: usize) -> Result<&mut Part, AssembleError> {
        // A few bytes for the part itself, so that empty ones are not free.
        self.bytes = self.bytes.saturating_add(bytes).saturating_add(8);
        if self.bytes > self.limit {
            return Err(AssembleError::TooLarge(self.limit));
        }
        Ok(self.parts.entry(choice).or_default())
    }
}

/// Reads the arguments of a call, which a model wrote as a text. A model that has nothing to say may write
/// nothing.
pub(crate) fn arguments(text: &str, limit: usize) -> Result<Arguments, String> {
    if text.trim().is_empty() {
        return Ok(Arguments::new(Map::new()));
    }
    let limits = Limits { bytes: limit, ..Limits::default() };
    match json::parse(text.as_bytes(), &limits) {
        Ok(Value::Object(object)) => Ok(Arguments::new(object)),
        Ok(_) => Err("are no JSON object".to_owned()),
        Err(error @ JsonError { .. }) => Err(format!("are {error}")),
    }
}
