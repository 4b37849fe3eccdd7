//! What is attacked: something that answers a conversation.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{ChatResponse, Prompt, Protocol};
use proofhouse_dialogue::{Conversation, StopReason, Turn};
use proofhouse_redteam::{Blocked, Stage};
use proofhouse_standin::Standin;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::args::{Speaks, TargetArgs};
use super::http::{Endpoint, Template};

/// Bytes of one answer.
pub const MOST_BYTES: usize = 4 << 20;

/// Why no turn came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Something in front of the model refused.
    Blocked(Blocked),
    /// Too much at once: try again, after so long where it says.
    Throttled(Option<Duration>),
    /// What came back is no answer. The attempt is unknown, the campaign goes on.
    Nonsense(String),
    /// Nothing comes back any more: the campaign ends.
    Gone(String),
}

/// A target.
pub enum Target {
    /// An endpoint that speaks a chat protocol.
    Endpoint(Endpoint),
    /// An endpoint of any shape.
    Template(Template),
    /// A program.
    Program { command: String, timeout: Duration, model: String },
    /// The stand-in.
    StandIn(Standin),
}

impl Target {
    /// The target that the arguments name.
    pub fn open(args: &TargetArgs, seed: u64) -> anyhow::Result<Self> {
        let timeout = Duration::from_secs(args.timeout.max(1));
        if let Some(url) = &args.url {
            let endpoint =
                Endpoint::new(url, &args.model, args.protocol.into(), args.key_env.as_deref(), timeout)?;
            return Ok(Self::Endpoint(endpoint.answering(args.answer_tokens)));
        }
        if let Some(file) = &args.template {
            return Ok(Self::Template(Template::read(file, timeout)?));
        }
        if let Some(command) = &args.command {
            return Ok(Self::Program { command: command.clone(), timeout, model: args.model.clone() });
        }
        if args.stand_in {
            return Ok(Self::StandIn(Standin::new(seed)));
        }
        bail!("nothing to attack; give --url, --command, --template or, for trying, --stand-in")
    }

    /// What reports call it. Never with a key, a query or user information.
    pub fn label(&self) -> String {
        match self {
            Self::Endpoint(endpoint) => endpoint.label(),
            Self::Template(template) => template.label(),
            Self::Program { command, .. } => {
                let program = command.split_whitespace().next().unwrap_or_default();
                format!(
                    "command {}",
                    Path::new(program).file_name().map_or(program.into(), |n| n.to_string_lossy())
                )
            }
            Self::StandIn(_) => "obedient stand-in".to_owned(),
        }
    }

    /// The answer to a conversation.
    pub async fn answer(&self, conversation: &Conversation) -> Result<Turn, Failure> {
        match self {
            Self::Endpoint(endpoint) => endpoint.answer(conversation).await,
            Self::Template(template) => template.answer(conversation).await,
            Self::Program { command, timeout, model } => {
                program(command, model, *timeout, conversation).await
            }
            Self::StandIn(standin) => Ok(standin.answer(conversation)),
        }
    }
}

impl From<Speaks> for Protocol {
    fn from(speaks: Speaks) -> Self {
        match speaks {
            Speaks::Openai => Self::Openai,
            Speaks::Anthropic => Self::Anthropic,
        }
    }
}

async fn program(
    command: &str,
    model: &str,
    timeout: Duration,
    conversation: &Conversation,
) -> Result<Turn, Failure> {
    let run = async {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start it")?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its request is free to answer anyway.
            let _ = stdin.write_all(&Prompt::new(model, conversation).to_bytes(Protocol::Openai)).await;
        }
        anyhow::Ok(child.wait_with_output().await?)
    };
    match tokio::time::timeout(timeout, run).await {
        Err(_) => Err(Failure::Nonsense(format!("no answer within {} s", timeout.as_secs()))),
        Ok(Err(error)) => Err(Failure::Gone(format!("{error:#}"))),
        Ok(Ok(output)) if output.status.code() == Some(127) => {
            Err(Failure::Gone("there is no such program".to_owned()))
        }
        Ok(Ok(output)) if !output.status.success() => {
            Err(Failure::Nonsense(format!("the program ended with {}", output.status)))
        }
        Ok(Ok(output)) => read(&output.stdout, Protocol::Openai),
    }
}

/// A response of the protocol, or plain text where it is no JSON object.
pub fn read(bytes: &[u8], protocol: Protocol) -> Result<Turn, Failure> {
    let limits = Limits { bytes: MOST_BYTES, ..Limits::default() };
    let is_object = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    if is_object {
        let response =
            ChatResponse::read(protocol, bytes, &limits).map_err(|e| Failure::Nonsense(e.to_string()))?;
        let Some(answer) = response.answers.into_iter().next() else {
            return Err(Failure::Nonsense("a response without an answer".to_owned()));
        };
        let mut turn = answer.turn;
        if turn.stop == StopReason::Filtered {
            let why = "the endpoint's own filter cut the answer off".to_owned();
            return Err(Failure::Blocked(Blocked { at: Stage::Output, why }));
        }
        if let Some(refusal) = answer.refusal.filter(|_| turn.text.is_empty()) {
            turn.text = refusal;
        }
        return Ok(turn);
    }
    let text = String::from_utf8_lossy(bytes.get(..MOST_BYTES).unwrap_or(bytes)).trim().to_owned();
    if text.is_empty() {
        return Err(Failure::Nonsense("an empty answer".to_owned()));
    }
    Ok(Turn { text, calls: vec![], stop: StopReason::End })
}
