//! Streams: events that both protocols share, read from bytes in any pieces and written again.

use serde_json::Value;

use super::{ApiError, Node, Protocol, ReadError, SseDecoder, SseEvent, Usage};
use crate::json::{self, Limits};
use crate::{Name, StopReason};

/// One step of an answer.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum StreamEvent {
    /// The answer begins.
    Start {
        /// The server's name for it.
        id: String,
        /// The model that answers.
        model: String,
        /// Seconds since 1970; 0 where the protocol does not say.
        created: u64,
        /// Tokens read, where that is known by now.
        input: u64,
    },
    /// The model goes on speaking.
    Text {
        /// Which answer.
        choice: u32,
        /// What it adds.
        text: String,
    },
    /// The model goes on declining.
    Refusal {
        /// Which answer.
        choice: u32,
        /// What it adds.
        text: String,
    },
    /// The model goes on thinking.
    Reasoning {
        /// Which answer.
        choice: u32,
        /// What it adds.
        text: String,
    },
    /// The provider's proof of what was thought.
    ReasoningSignature {
        /// Which answer.
        choice: u32,
        /// The proof.
        signature: String,
    },
    /// Thoughts that the provider sealed.
    ReasoningSealed {
        /// Which answer.
        choice: u32,
        /// The sealed bytes.
        data: String,
    },
    /// The model begins to call a tool.
    CallStart {
        /// Which answer.
        choice: u32,
        /// Which of its calls, counted from 0.
        call: u32,
        /// The call's identifier.
        id: String,
        /// The tool.
        name: Name,
    },
    /// The model goes on writing the arguments of a call.
    CallArguments {
        /// Which answer.
        choice: u32,
        /// Which of its calls.
        call: u32,
        /// A piece of JSON text.
        text: String,
    },
    /// The model has said everything it will.
    Stop {
        /// Which answer.
        choice: u32,
        /// Why.
        reason: StopReason,
    },
    /// What it took.
    Usage(Usage),
    /// The stream is complete.
    Done,
    /// The server gave up.
    Error(ApiError),
}

/// Reads the stream of a protocol.
#[derive(Debug)]
pub struct StreamReader {
    decoder: SseDecoder,
    limits: Limits,
    state: State,
    done: bool,
    /// Bytes that may still come.
    left: usize,
}

#[derive(Debug)]
enum State {
    Openai(crate::openai::stream::Reader),
    Anthropic(crate::anthropic::stream::Reader),
}

impl StreamReader {
    /// A reader of `protocol`. `limits` hold for each event; `total` bytes are the most of a stream.
    #[must_use]
    pub fn new(protocol: Protocol, limits: Limits, total: usize) -> Self {
        let state = match protocol {
            Protocol::Openai => State::Openai(crate::openai::stream::Reader::default()),
            Protocol::Anthropic => State::Anthropic(crate::anthropic::stream::Reader::default()),
        };
        Self { decoder: SseDecoder::new(limits.bytes), limits, state, done: false, left: total }
    }

    /// Reads on; returns what happened. Nothing may come after an error.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<StreamEvent>, ReadError> {
        let broken = |why: String| ReadError::Stream(why);
        self.left = self
            .left
            .checked_sub(bytes.len())
            .ok_or_else(|| broken("it is longer than allowed".to_owned()))?;
        let mut events = Vec::new();
        for event in self.decoder.push(bytes).map_err(|error| broken(error.to_string()))? {
            if self.done {
                return Err(broken("something follows its end".to_owned()));
            }
            self.event(&event, &mut events)?;
            self.done = matches!(events.last(), Some(StreamEvent::Done | StreamEvent::Error(_)));
        }
        Ok(events)
    }

    /// Says whether the stream came to its end. One that was cut off is no answer.
    pub fn finish(&self) -> Result<(), ReadError> {
        if self.done { Ok(()) } else { Err(ReadError::Stream("it was cut off before its end".to_owned())) }
    }

    fn event(&mut self, event: &SseEvent, out: &mut Vec<StreamEvent>) -> Result<(), ReadError> {
        if event.data == "[DONE]" && matches!(self.state, State::Openai(_)) {
            out.push(StreamEvent::Done);
            return Ok(());
        }
        let value = json::parse(event.data.as_bytes(), &self.limits)?;
        let root = Node::root(&value);
        root.object()?;
        if root.member("error").is_some() {
            out.push(StreamEvent::Error(ApiError::of(&root)?));
            return Ok(());
        }
        match &mut self.state {
            State::Openai(reader) => reader.read(&root, out),
            State::Anthropic(reader) => reader.read(&root, out),
        }
    }
}

/// Why events cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// Something that only an earlier event makes possible.
    #[error("{0} comes before what it belongs to")]
    Order(&'static str),
    /// Anthropic's protocol has one answer, and ends a call before it begins another.
    #[error("Anthropic's protocol cannot say {0}")]
    Inexpressible(&'static str),
}

/// Writes the stream of a protocol.
#[derive(Debug)]
pub struct StreamWriter {
    state: Writer,
}

#[derive(Debug)]
enum Writer {
    Openai(crate::openai::stream::Writer),
    Anthropic(crate::anthropic::stream::Writer),
}

impl StreamWriter {
    /// A writer of `protocol`. `usage` says whether OpenAI's protocol is to tell the usage, which it does
    /// on request only.
    #[must_use]
    pub fn new(protocol: Protocol, usage: bool) -> Self {
        let state = match protocol {
            Protocol::Openai => Writer::Openai(crate::openai::stream::Writer::new(usage)),
            Protocol::Anthropic => Writer::Anthropic(crate::anthropic::stream::Writer::default()),
        };
        Self { state }
    }

    /// The bytes that say `event`; none where the protocol says it later or not at all.
    pub fn write(&mut self, event: &StreamEvent) -> Result<Vec<u8>, WriteError> {
        let mut out = Vec::new();
        match &mut self.state {
            Writer::Openai(writer) => writer.write(event, &mut out)?,
            Writer::Anthropic(writer) => writer.write(event, &mut out)?,
        }
        Ok(out)
    }
}

/// Appends one event.
pub(crate) fn emit(out: &mut Vec<u8>, event: Option<&str>, data: &Value) {
    if let Some(event) = event {
        out.extend_from_slice(format!("event: {event}\n").as_bytes());
    }
    out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
}
