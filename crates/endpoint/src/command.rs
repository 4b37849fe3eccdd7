//! A program that answers on its standard output.
//!
//! It is given one JSON object: `{"messages": [...], "tools": [...], "prompt": "..."}`, messages in OpenAI's
//! form, the prompt being what the user said last. It answers with text, or with a JSON object
//! `{"text": "...", "calls": [{"name": "...", "arguments": {...}}]}`.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use proofhouse_dialogue::json::{self, Limits as JsonLimits};
use proofhouse_dialogue::wire::{Prompt, Protocol};
use proofhouse_dialogue::{Arguments, Conversation, Name, Role, StopReason, ToolCall, Turn};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::timeout;

use crate::{Answered, Ask, Asked, ChatTarget, EndpointError, Limits};

/// How long a program lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// For one question; it answers with all it writes.
    OneQuestion,
    /// For all questions; each is a line, and so is each answer.
    AllQuestions,
}

/// A program.
pub struct Command {
    program: String,
    arguments: Vec<String>,
    life: Life,
    limits: Limits,
    slots: Arc<Semaphore>,
    running: Mutex<Option<Running>>,
}

struct Running {
    // Killed when it is dropped.
    _child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Command {
    /// A program with its arguments. No shell is between.
    #[must_use]
    pub fn new(program: &str, arguments: Vec<String>, life: Life, limits: Limits) -> Self {
        let slots = Arc::new(Semaphore::new(limits.concurrent.max(1)));
        Self { program: program.to_owned(), arguments, life, limits, slots, running: Mutex::new(None) }
    }

    fn fault(&self, why: impl ToString) -> EndpointError {
        EndpointError::Program { program: self.program.clone(), why: why.to_string() }
    }

    fn start(&self) -> Result<Child, EndpointError> {
        tokio::process::Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.fault(format!("cannot be started: {error}")))
    }

    async fn once(&self, question: Vec<u8>) -> Result<Vec<u8>, EndpointError> {
        let mut child = self.start()?;
        let (Some(mut input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(self.fault("has no standard input or output"));
        };
        // It may write before it has read all, so both go on at once. One that does not care for the
        // question may close its input.
        let write = async move {
            let _ = input.write_all(&question).await;
        };
        let most = u64::try_from(self.limits.response_bytes).unwrap_or(u64::MAX);
        let mut answer = Vec::new();
        let mut output = output.take(most.saturating_add(1));
        let ((), read) = tokio::join!(write, output.read_to_end(&mut answer));
        read.map_err(|error| self.fault(error))?;
        if answer.len() > self.limits.response_bytes {
            return Err(EndpointError::TooLarge(self.limits.response_bytes));
        }
        let status = child.wait().await.map_err(|error| self.fault(error))?;
        // So says a shell that finds no such program.
        if status.code() == Some(127) {
            let why = "there is no such program".to_owned();
            return Err(EndpointError::Unreachable { target: self.program.clone(), why });
        }
        if status.success() { Ok(answer) } else { Err(self.fault(format!("ended with {status}"))) }
    }

    async fn line(&self, question: &[u8]) -> Result<Vec<u8>, EndpointError> {
        let mut slot = self.running.lock().await;
        // Taken out, so that one that failed or was left half-way is not asked again.
        let mut running = match slot.take() {
            Some(running) => running,
            None => {
                let mut child = self.start()?;
                let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
                    return Err(self.fault("has no standard input or output"));
                };
                Running { _child: child, input, output: BufReader::new(output) }
            }
        };
        let broken = |error: std::io::Error| self.fault(error);
        running.input.write_all(question).await.map_err(broken)?;
        running.input.flush().await.map_err(broken)?;
        let most = u64::try_from(self.limits.response_bytes).unwrap_or(u64::MAX);
        let mut answer = Vec::new();
        (&mut running.output)
            .take(most.saturating_add(1))
            .read_until(b'\n', &mut answer)
            .await
            .map_err(broken)?;
        if answer.len() > self.limits.response_bytes {
            return Err(EndpointError::TooLarge(self.limits.response_bytes));
        }
        if answer.last() != Some(&b'\n') {
            return Err(self.fault("ended before it had answered"));
        }
        *slot = Some(running);
        Ok(answer)
    }

    async fn answer(&self, conversation: &Conversation, ask: &Ask) -> Result<Answered, EndpointError> {
        let slot = Arc::clone(&self.slots).acquire_owned().await;
        let _slot = slot.map_err(|error| self.fault(error))?;
        let mut question = question(conversation, ask).into_bytes();
        question.push(b'\n');
        let limit: Duration = self.limits.timeout;
        let bytes = match self.life {
            Life::OneQuestion => timeout(limit, self.once(question)).await,
            Life::AllQuestions => timeout(limit, self.line(&question)).await,
        };
        let bytes = bytes.map_err(|_| EndpointError::Timeout(limit))??;
        Ok(Answered { turn: turn(&bytes)?, usage: None, digest: None, attempts: 1 })
    }
}

impl ChatTarget for Command {
    fn describe(&self) -> String {
        format!("the program {}", self.program)
    }

    fn ask<'a>(&'a self, conversation: &'a Conversation, ask: &'a Ask) -> Asked<'a> {
        Box::pin(self.answer(conversation, ask))
    }
}

/// What a program is given.
fn question(conversation: &Conversation, ask: &Ask) -> String {
    let prompt = Prompt { max_tokens: ask.max_tokens, ..Prompt::new("", conversation) };
    let body: Value = serde_json::from_slice(&prompt.to_bytes(Protocol::Openai)).unwrap_or_default();
    json!({
        "messages": body.get("messages"),
        "tools": body.get("tools").cloned().unwrap_or_else(|| json!([])),
        "prompt": last_words(conversation),
        "max_tokens": ask.max_tokens,
    })
    .to_string()
}

/// What the user said last.
pub(crate) fn last_words(conversation: &Conversation) -> String {
    let last = conversation.messages.iter().rev().find(|message| message.role == Role::User);
    let texts = last.map(|message| message.segments.iter().map(|s| s.text.as_str()).collect::<Vec<_>>());
    texts.unwrap_or_default().join("\n")
}

/// Reads an answer: text, or an object with `text` and `calls`.
pub(crate) fn turn(bytes: &[u8]) -> Result<Turn, EndpointError> {
    let wrong = |why: &str| EndpointError::Answer(why.to_owned());
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is not UTF-8"))?.trim();
    let limits = JsonLimits { bytes: bytes.len(), ..JsonLimits::default() };
    let Ok(Value::Object(members)) = json::parse(text.as_bytes(), &limits) else {
        return Ok(Turn { text: text.to_owned(), calls: Vec::new(), stop: StopReason::End });
    };
    let said = match members.get("text") {
        Some(Value::String(said)) => said.clone(),
        None | Some(Value::Null) => String::new(),
        Some(_) => return Err(wrong("\"text\" is no string")),
    };
    let mut calls = Vec::new();
    for (n, call) in members.get("calls").and_then(Value::as_array).into_iter().flatten().enumerate() {
        let name = call.get("name").and_then(Value::as_str).ok_or_else(|| wrong("a call has no \"name\""))?;
        let name = Name::new(name).map_err(|error| wrong(&error.to_string()))?;
        let arguments = call.get("arguments").cloned().unwrap_or_else(|| json!({}));
        let arguments = Arguments::try_from(arguments).map_err(|error| wrong(&error.to_string()))?;
        calls.push(ToolCall { id: format!("call_{n}"), name, arguments });
    }
    if said.is_empty() && calls.is_empty() && !members.contains_key("text") {
        return Err(wrong("a JSON object needs \"text\" or \"calls\""));
    }
    let stop = if calls.is_empty() { StopReason::End } else { StopReason::ToolCalls };
    Ok(Turn { text: said, calls, stop })
}
