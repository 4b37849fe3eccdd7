//! A model that writes, observed: recorded conversations go through the gateway as its clients send them, and
//! what its guard saw is looked at window by window, until the hit rate leaves the ordinary one.
//!
//! A client is an application: it says where each passage comes from, runs the tools that the model may call,
//! and goes on until the model has answered. What it runs here changes nothing: it looks records up, and says
//! of everything else that it is done. A conversation counts once, however many requests it takes, and counts as
//! hit where one of them does: the reference counts conversations too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use bytes::Bytes;
use proofhouse_dialogue::json::Limits;
use proofhouse_dialogue::wire::{ChatResponse, Prompt, Protocol};
use proofhouse_dialogue::{Conversation, Labelling, Message, Origin, Role, Segment, ToolCall};
use proofhouse_gateway::{ChatReceiver, ObservedChat};
use proofhouse_lifecycle::data::LoadedDataset;
use proofhouse_lifecycle::hits::{HitWatch, Request};
use proofhouse_lifecycle::language::{Boundary, chats};
use proofhouse_lifecycle::{Assessment, LookRecord, Project};
use proofhouse_system::DatasetRole;
use serde_json::{Map, Value, json};
use tokio::task::JoinSet;

use super::Life;
use super::watch::{Watched, caller};
use crate::plane::{Keys, Plane};
use crate::traffic::{Caller, Door};
use crate::{open, terminal};

/// Conversations under way at a time.
const CONCURRENT: usize = 8;
/// Turns of the model in one conversation, where the system file states no limit.
const STEPS: u32 = 6;
/// How long an observation may take from the answer to the window.
const OBSERVED_WITHIN: Duration = Duration::from_secs(5);
/// Nothing comes after this long when nobody calls.
const SETTLED: Duration = Duration::from_millis(200);

/// Holds each recorded conversation of the system file through the gateway and looks at every full window. Ends
/// at the first alarm.
pub async fn run(
    life: &Life,
    assessment: &Assessment,
    plane: &mut Plane,
    keys: &Keys,
) -> anyhow::Result<Watched> {
    let watch = HitWatch::new(&life.project, &assessment.model, &assessment.datasets)?;
    let (reference, budget) = (watch.monitor().reference(), watch.monitor().budget());
    life.story.tell(|| {
        terminal::line(format!(
            "  guard hit {} of {} ordinary conversations, windows of {}; at most {} false alarms a year at {} looks a \
             day (α {:.1e} a look)",
            reference.hits,
            reference.of,
            watch.window(),
            budget.alarms_per_year(),
            budget.looks_per_day(),
            budget.alpha()
        ));
    });
    let assistant = assessment.model.assistant()?;
    let boundary = Boundary::of(&life.project, &assessment.datasets, assistant)?;
    let client =
        Arc::new(Application::new(life, assessment, &boundary.labelling, caller(life, plane, keys)?)?);
    let mut observed = plane.chats.take().context("the gateway observes nothing")?;
    // What the deployment tests sent is no traffic.
    settle(&mut observed).await;
    let (mut looks, mut signal, mut seen) = (Vec::new(), None, 0);
    let recorded = life.project.system.datasets.iter().filter(|d| d.role == DatasetRole::Traffic);
    'traffic: for spec in recorded {
        let traffic = LoadedDataset::load(&life.project, spec)?;
        let talks = chats(&traffic, client.model.as_str(), assistant, &boundary.labelling)?;
        for window in talks.chunks(watch.window()) {
            let held = window.iter().map(|chat| without_prompt(&chat.conversation)).collect();
            let (requests, ran) = through_the_gateway(&client, held, &mut observed, &watch).await?;
            let (look, raised) =
                life.house.observe_hits(&life.project, &watch, assessment.model.digest(), &requests).await?;
            life.story.tell(|| {
                terminal::line(format!(
                    "  {:<16} {:>4} conversations  guard hit {:>3}  alarm from {:>3}  {}  tools run: {}",
                    traffic.id(),
                    look.window.of,
                    look.window.hits,
                    look.line.map_or_else(|| "–".to_owned(), |l| l.to_string()),
                    if look.alarmed { terminal::strong("ALARM") } else { "quiet".to_owned() },
                    told(&ran),
                ));
            });
            seen += look.window.of;
            looks.push(LookRecord::of_rate(&look, seen, open::now(), raised.as_ref()));
            if let Some(raised) = raised {
                life.story.tell(|| {
                    terminal::line(format!("  {}  {}: {}", raised.id, raised.severity, raised.summary))
                });
                signal = Some(raised);
                break 'traffic;
            }
        }
    }
    life.house.record_looks(&life.project, &life.environment, &looks).await?;
    Ok(Watched { signal })
}

/// A conversation as a client knows it: the prompt is with the instances.
fn without_prompt(conversation: &Conversation) -> Conversation {
    let messages = conversation.messages.iter().filter(|m| m.role != Role::System).cloned().collect();
    Conversation::new(messages, conversation.tools.clone())
}

/// How often each tool was run.
type Ran = BTreeMap<String, u32>;

fn told(ran: &Ran) -> String {
    let each: Vec<String> = ran.iter().map(|(tool, n)| format!("{n} × {tool}")).collect();
    if each.is_empty() { "none".to_owned() } else { each.join(", ") }
}

/// Holds conversations and collects what the gateway saw of each.
async fn through_the_gateway(
    client: &Arc<Application>,
    conversations: Vec<Conversation>,
    observed: &mut ChatReceiver,
    watch: &HitWatch,
) -> anyhow::Result<(Vec<Request>, Ran)> {
    let mut tasks = JoinSet::new();
    let mut all = Vec::new();
    for conversation in conversations {
        if tasks.len() >= CONCURRENT
            && let Some(held) = tasks.join_next().await
        {
            all.push(held??);
        }
        let client = Arc::clone(client);
        tasks.spawn(async move { client.hold(conversation).await });
    }
    while let Some(held) = tasks.join_next().await {
        all.push(held??);
    }
    let sent = all.iter().map(|held: &Held| held.requests.len()).sum();
    let seen = collected(observed, sent).await;
    anyhow::ensure!(seen.len() == sent, "of {sent} requests the gateway observed {}", seen.len());
    let seen: BTreeMap<&str, &ObservedChat> = seen.iter().map(|c| (c.request_id.as_str(), c)).collect();
    let mut ran = Ran::new();
    let mut counted = Vec::new();
    for held in &all {
        held.ran.iter().for_each(|(tool, n)| *ran.entry(tool.clone()).or_default() += n);
        let of_this = held.requests.iter().filter_map(|id| seen.get(id.as_str()));
        counted.push(together(of_this.map(|chat| watch.request(&chat.attacks, &chat.withheld))));
    }
    Ok((counted, ran))
}

/// Requests of one conversation as one; a page that is in each of them is named once.
fn together(requests: impl Iterator<Item = Request>) -> Request {
    let mut whole = Request::default();
    for request in requests {
        whole.hit |= request.hit;
        let new: Vec<String> = request.sources.into_iter().filter(|s| !whole.sources.contains(s)).collect();
        whole.sources.extend(new);
    }
    whole
}

/// Drops what was observed so far.
pub async fn settle(observed: &mut ChatReceiver) {
    while tokio::time::timeout(SETTLED, observed.batch(256)).await.is_ok_and(|seen| !seen.is_empty()) {}
}

/// The next `count` observations, or as many as come in time.
pub async fn collected(observed: &mut ChatReceiver, count: usize) -> Vec<ObservedChat> {
    let mut seen = Vec::new();
    let deadline = Instant::now() + OBSERVED_WITHIN;
    while seen.len() < count && Instant::now() < deadline {
        let Ok(batch) = tokio::time::timeout(OBSERVED_WITHIN, observed.batch(count - seen.len())).await
        else {
            break;
        };
        if batch.is_empty() {
            break;
        }
        seen.extend(batch);
    }
    seen
}

/// An application that talks with the model for its customers.
struct Application {
    caller: Caller,
    protocol: Protocol,
    model: String,
    max_tokens: u64,
    steps: u32,
    labelling: Labelling,
    /// The records that a tool looks up, by tool.
    records: BTreeMap<String, Vec<Map<String, Value>>>,
}

/// One conversation, held.
#[derive(Default)]
struct Held {
    /// Its requests, by the names that the gateway gave them.
    requests: Vec<String>,
    ran: Ran,
}

impl Application {
    fn new(
        life: &Life,
        assessment: &Assessment,
        labelling: &Labelling,
        caller: Caller,
    ) -> anyhow::Result<Self> {
        let system = &life.project.system;
        let Door::Chat(protocol) = Door::of(&life.project)? else {
            anyhow::bail!("no route carries conversations");
        };
        let limits = system.assistant.as_ref().and_then(|a| a.limits.as_ref());
        Ok(Self {
            caller,
            protocol,
            model: life.project.model()?.id.to_string(),
            max_tokens: assessment.model.assistant()?.max_tokens.into(),
            steps: limits.and_then(|l| l.steps).map_or(STEPS, |steps| steps.get()),
            labelling: labelling.clone(),
            records: records(&life.project, assessment),
        })
    }

    /// Sends the conversation, runs the tools that the answer may call, and goes on until none is left.
    async fn hold(&self, mut conversation: Conversation) -> anyhow::Result<Held> {
        let mut held = Held::default();
        for _ in 0..self.steps {
            let prompt = Prompt {
                max_tokens: Some(self.max_tokens),
                provenance: true,
                ..Prompt::new(&self.model, &conversation)
            };
            let (request, response) = self.ask(Bytes::from(prompt.to_bytes(self.protocol))).await?;
            held.requests.push(request);
            let Some(response) = response else { break };
            let Some(answer) = response.answers.into_iter().next() else { break };
            if answer.turn.calls.is_empty() {
                break;
            }
            let calls = answer.turn.calls.clone();
            conversation.messages.push(self.said(answer.turn.text, answer.turn.calls));
            for call in calls {
                *held.ran.entry(call.name.to_string()).or_default() += 1;
                let label = self.labelling.label(&Origin::Tool(call.name.clone()));
                let segment = Segment::new(self.run(&call), label);
                conversation.messages.push(Message::tool(call.id, vec![segment]));
            }
        }
        Ok(held)
    }

    fn said(&self, text: String, calls: Vec<ToolCall>) -> Message {
        let label = self.labelling.label(&Origin::Assistant);
        let segments = if text.is_empty() { Vec::new() } else { vec![Segment::new(text, label)] };
        Message { calls, ..Message::new(Role::Assistant, segments) }
    }

    /// The request's name and the answer; none where the guard refused the request.
    async fn ask(&self, body: Bytes) -> anyhow::Result<(String, Option<ChatResponse>)> {
        let answer = self.caller.send_in_turn(body).await?;
        match answer.status {
            200 => {
                let response = ChatResponse::read(self.protocol, &answer.bytes, &Limits::default())?;
                Ok((answer.request_id, Some(response)))
            }
            403 if answer.code().starts_with("guard/") => Ok((answer.request_id, None)),
            status => anyhow::bail!("the gateway answered {status}: {}", answer.json()),
        }
    }

    /// What a tool answers: the record that an argument names, or that it is done.
    fn run(&self, call: &ToolCall) -> String {
        let Some(records) = self.records.get(call.name.as_str()) else {
            return json!({"status": "done"}).to_string();
        };
        let asked: Vec<&Value> = call.arguments.as_object().values().collect();
        let found = records.iter().find(|record| record.values().any(|value| asked.contains(&value)));
        found.map_or_else(
            || json!({"status": "not found"}).to_string(),
            |r| Value::Object(r.clone()).to_string(),
        )
    }
}

/// The datasets that tools look records up in: those of the same component.
fn records(project: &Project, assessment: &Assessment) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let tools = project.system.boundary.iter().flat_map(|b| &b.tools).filter(|t| t.component.is_some());
    tools
        .filter_map(|tool| {
            let holds = |d: &&LoadedDataset| d.spec().component == tool.component && !d.lines().is_empty();
            let records = assessment.datasets.iter().find(holds)?;
            Some((tool.name.to_string(), records.lines().to_vec()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_counts_once_and_is_hit_where_one_request_is() {
        let request = |hit, source: &str| Request { hit, sources: vec![source.to_owned()] };
        let whole =
            together([request(false, "web a"), request(true, "web a"), request(false, "web b")].into_iter());
        assert_eq!(whole, Request { hit: true, sources: vec!["web a".to_owned(), "web b".to_owned()] });
        assert_eq!(together(std::iter::empty()), Request::default());
    }
}
