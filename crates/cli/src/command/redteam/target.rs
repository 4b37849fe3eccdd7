//! What is attacked: something that answers a conversation.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use proofhouse_dialogue::wire::Protocol;
use proofhouse_dialogue::{Conversation, StopReason, Turn};
use proofhouse_endpoint::{Ask, ChatClient, ChatTarget, Command, EndpointError, Key, Life, Limits, Template};
use proofhouse_lifecycle::ModelUnderTest;
use proofhouse_lifecycle::language::LanguageModel;
use proofhouse_redteam::{Blocked, Stage};
use proofhouse_standin::Standin;

use super::args::{AttackArgs, JudgeArgs, Speaks};

/// Bytes of one answer.
const MOST_BYTES: usize = 4 << 20;
/// Times a request is made before a target that has too much to do is given up.
const ATTEMPTS: u32 = 7;
/// Tokens of a judge's answer: one word.
const RULING_TOKENS: u64 = 8;

/// Why no turn came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// Something in front of the model refused.
    Blocked(Blocked),
    /// What came back is no answer. The attempt is unknown, the campaign goes on.
    Nonsense(String),
    /// Nothing comes back any more: the campaign ends.
    Gone(String),
}

/// A target.
pub struct Target {
    kind: Kind,
    label: String,
    ask: Ask,
}

enum Kind {
    Asked(Box<dyn ChatTarget>),
    StandIn(Standin),
    /// The model of a project.
    Own(Arc<dyn LanguageModel>),
}

/// An answer, and how often the target was asked for it.
pub struct Answered {
    pub turn: Turn,
    pub attempts: u32,
}

impl Target {
    /// The target that the arguments name, else the model of the project.
    pub fn open(args: &AttackArgs, own: Option<&ModelUnderTest>) -> anyhow::Result<Self> {
        let target = &args.target;
        let limits = limits(args);
        let ask = Ask { max_tokens: Some(target.answer_tokens), ..Ask::default() };
        let asked = |what: Box<dyn ChatTarget>, label: Option<String>| {
            let label = label.unwrap_or_else(|| what.describe());
            Self { kind: Kind::Asked(what), label, ask: ask.clone() }
        };
        if let Some(url) = &target.url {
            let key = target.key_env.as_deref();
            let client = client(url, &target.model, target.protocol, key, limits)?;
            return Ok(asked(Box::new(client), None));
        }
        if let Some(file) = &target.template {
            let at = || format!("template {}", file.display());
            let template = Template::read(&std::fs::read(file).with_context(at)?, limits).with_context(at)?;
            return Ok(asked(Box::new(template), None));
        }
        if let Some(command) = &target.command {
            let program = command.split_whitespace().next().unwrap_or_default();
            let name = Path::new(program).file_name().map_or(program.into(), |name| name.to_string_lossy());
            let label = format!("command {name}");
            let shell = Command::new("sh", vec!["-c".to_owned(), command.clone()], Life::OneQuestion, limits);
            return Ok(asked(Box::new(shell), Some(label)));
        }
        if target.stand_in {
            let label = "obedient stand-in".to_owned();
            return Ok(Self { kind: Kind::StandIn(Standin::new(args.scope.seed)), label, ask });
        }
        if let Some(own) = own {
            let model = own.language().context("name the target yourself, as with --url")?;
            return Ok(Self { label: model.name(), kind: Kind::Own(model), ask });
        }
        bail!("nothing to attack; give a project, --url, --command, --template or, for trying, --stand-in")
    }

    /// The judge that the arguments name.
    pub fn judge(args: &AttackArgs) -> anyhow::Result<Option<Self>> {
        let JudgeArgs { judge_url, judge_model, judge_protocol, judge_key_env, .. } = &args.judge;
        let Some(url) = judge_url else { return Ok(None) };
        let client = client(url, judge_model, *judge_protocol, judge_key_env.as_deref(), limits(args))?;
        let ask = Ask { max_tokens: Some(RULING_TOKENS), ..Ask::default() };
        Ok(Some(Self { label: client.describe(), kind: Kind::Asked(Box::new(client)), ask }))
    }

    /// What reports call it. Never with a key, a query or user information.
    pub fn label(&self) -> String {
        self.label.clone()
    }

    /// The answer to a conversation.
    pub async fn answer(&self, conversation: &Conversation) -> Result<Answered, Failure> {
        let answered = match &self.kind {
            Kind::StandIn(standin) => {
                return Ok(Answered { turn: standin.answer(conversation), attempts: 1 });
            }
            Kind::Own(model) => {
                let (model, conversation) = (Arc::clone(model), conversation.clone());
                let answer = tokio::task::spawn_blocking(move || model.answer(&conversation)).await;
                let turn = answer.map_err(|e| Failure::Gone(e.to_string()))?.map_err(Failure::Nonsense)?;
                return Ok(Answered { turn, attempts: 1 });
            }
            Kind::Asked(target) => target.ask(conversation, &self.ask).await.map_err(failure)?,
        };
        if answered.turn.stop == StopReason::Filtered {
            let why = "the endpoint's own filter cut the answer off".to_owned();
            return Err(Failure::Blocked(Blocked { at: Stage::Output, why }));
        }
        if answered.turn.text.trim().is_empty() && answered.turn.calls.is_empty() {
            return Err(Failure::Nonsense("an empty answer".to_owned()));
        }
        Ok(Answered { turn: answered.turn, attempts: answered.attempts })
    }
}

fn limits(args: &AttackArgs) -> Limits {
    Limits {
        timeout: Duration::from_secs(args.target.timeout.max(1)),
        response_bytes: MOST_BYTES,
        concurrent: args.caps.places(),
        attempts: ATTEMPTS,
        ..Limits::default()
    }
}

fn client(
    url: &str,
    model: &str,
    protocol: Speaks,
    key_env: Option<&str>,
    limits: Limits,
) -> anyhow::Result<ChatClient> {
    let key = key_env.map(Key::from_env).transpose()?;
    ChatClient::new(protocol.into(), url, model, key, limits).with_context(|| format!("cannot ask {model}"))
}

impl From<Speaks> for Protocol {
    fn from(speaks: Speaks) -> Self {
        match speaks {
            Speaks::Openai => Self::Openai,
            Speaks::Anthropic => Self::Anthropic,
        }
    }
}

/// What an error means for a campaign.
fn failure(error: EndpointError) -> Failure {
    let said = error.to_string();
    match error {
        EndpointError::Status { status, .. } => match status {
            // A boundary in front of the model refuses with a status of its own; so do content filters of
            // providers.
            400 | 403 | 422 | 451 => Failure::Blocked(Blocked { at: Stage::Input, why: said }),
            429 | 503 | 529 => Failure::Gone(format!(
                "it kept saying that it was asked too often; lower --rate or --concurrency ({said})"
            )),
            401 | 404 | 405 => Failure::Gone(said),
            _ => Failure::Nonsense(said),
        },
        EndpointError::Unreachable { .. }
        | EndpointError::Redirect(_)
        | EndpointError::Setting(_)
        | EndpointError::NoKey(_) => Failure::Gone(said),
        _ => Failure::Nonsense(said),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let of = |status| failure(EndpointError::Status { status, message: "no".to_owned() });
        assert!(matches!(of(429), Failure::Gone(why) if why.contains("too often")));
        assert!(matches!(of(403), Failure::Blocked(_)));
        assert!(matches!(of(401), Failure::Gone(_)));
        assert!(matches!(of(500), Failure::Nonsense(_)));
        assert!(matches!(failure(EndpointError::Redirect(302)), Failure::Gone(_)));
        assert!(matches!(failure(EndpointError::TooLarge(1)), Failure::Nonsense(_)));
    }
}
