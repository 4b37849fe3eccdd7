//! Drives a campaign against a target: at most so many at once, at most so fast, for at most so much.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use proofhouse_dialogue::{Conversation, Turn};
use proofhouse_lifecycle::Progress as _;
use proofhouse_redteam::judge::{Agreement, Label, Ruling, question, ruling, samples};
use proofhouse_redteam::{Answer, Attempt, Blocked, Campaign, Exchange, Goal, Reply, Scenario};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::args::CapArgs;
use super::front::Front;
use super::journal::Journal;
use super::target::{Answered, Failure, Target};
use crate::terminal::Bar;

/// Why a campaign ends before its time.
#[derive(Debug, Clone)]
enum Stop {
    /// A limit was reached. What is under way may end with the answers it has.
    Limit(String),
    /// The target is gone; whoever still asks waits for nothing.
    Gone(String),
}

impl Stop {
    fn why(self) -> String {
        match self {
            Self::Limit(why) | Self::Gone(why) => why,
        }
    }
}

/// What all attempts share.
pub struct Line {
    pub target: Target,
    pub judge: Option<Target>,
    caps: Caps,
    seed: u64,
    scenario: Scenario,
}

struct Caps {
    gap: Option<Duration>,
    next: Mutex<Option<Instant>>,
    requests: AtomicU64,
    max_requests: u64,
    bytes: AtomicU64,
    max_tokens: u64,
    concurrency: usize,
}

/// Bytes of text that count as one token.
const BYTES_A_TOKEN: u64 = 4;

impl Caps {
    fn new(args: &CapArgs) -> Self {
        let positive = |rate: &f64| rate.is_finite() && *rate > 0.0;
        let of_cost = match (args.max_cost, args.price) {
            (Some(cost), Some(price)) if price > 0.0 => (cost / price * 1e6) as u64,
            _ => u64::MAX,
        };
        Self {
            gap: args.rate.filter(positive).map(|rate| Duration::from_secs_f64(1.0 / rate)),
            next: Mutex::new(None),
            requests: AtomicU64::new(0),
            max_requests: args.max_requests.unwrap_or(u64::MAX),
            bytes: AtomicU64::new(0),
            max_tokens: args.max_tokens.unwrap_or(u64::MAX).min(of_cost),
            concurrency: args.places(),
        }
    }

    /// Waits for a place, and takes it.
    async fn enter(&self, conversation: &Conversation) -> Result<(), Stop> {
        let sent = sent(conversation);
        let bytes = self.bytes.fetch_add(sent, Relaxed) + sent;
        if bytes / BYTES_A_TOKEN > self.max_tokens {
            return Err(Stop::Limit("the limit on tokens or cost was reached".to_owned()));
        }
        if self.requests.fetch_add(1, Relaxed) >= self.max_requests {
            return Err(Stop::Limit("the limit on requests was reached".to_owned()));
        }
        if let Some(gap) = self.gap {
            let at = {
                let mut next = self.next.lock().await;
                let at = next.unwrap_or_else(Instant::now).max(Instant::now());
                *next = Some(at + gap);
                at
            };
            tokio::time::sleep_until(at).await;
        }
        Ok(())
    }

    /// Counts an answer, and what was sent again for it.
    fn received(&self, conversation: &Conversation, answered: &Answered) {
        let turn = &answered.turn;
        let calls: usize = turn.calls.iter().map(|c| c.arguments.as_object().len() * 32).sum();
        let again = u64::from(answered.attempts.saturating_sub(1));
        self.requests.fetch_add(again, Relaxed);
        self.bytes.fetch_add((turn.text.len() + calls) as u64 + again * sent(conversation), Relaxed);
    }
}

fn sent(conversation: &Conversation) -> u64 {
    conversation.segments().map(|s| s.text.len() as u64).sum()
}

impl Line {
    /// A line to a target.
    pub fn new(target: Target, judge: Option<Target>, caps: &CapArgs, scenario: Scenario, seed: u64) -> Self {
        Self { target, judge, caps: Caps::new(caps), seed, scenario }
    }

    /// One answer of one of the two. Asking again is the client's affair, and counts.
    async fn ask(&self, whom: &Target, conversation: &Conversation) -> Result<Result<Turn, Reply>, Stop> {
        self.caps.enter(conversation).await?;
        match whom.answer(conversation).await {
            Ok(answered) => {
                self.caps.received(conversation, &answered);
                Ok(Ok(answered.turn))
            }
            Err(Failure::Blocked(blocked)) => Ok(Err(Reply::Blocked(blocked))),
            Err(Failure::Nonsense(why)) => Ok(Err(Reply::Failed(why))),
            Err(Failure::Gone(why)) => {
                Err(Stop::Gone(format!("the target gives no answers any more: {why}")))
            }
        }
    }

    /// One attempt from its first request to its answer.
    async fn attempt(&self, front: Option<&Front>, attempt: &Attempt) -> Result<Answer, Stop> {
        let mut exchange = Exchange::new(&self.scenario, attempt);
        let mut score = None;
        while let Some(request) = exchange.request() {
            if let Some(front) = front {
                let inspected = front.inspect(request);
                score = [score, inspected.score].into_iter().flatten().reduce(f64::max);
                if let Some(why) = inspected.refused {
                    exchange.reply(Reply::Blocked(Blocked { at: proofhouse_redteam::Stage::Input, why }));
                    continue;
                }
            }
            let reply = match self.ask(&self.target, request).await? {
                Err(reply) => reply,
                Ok(turn) => match front.map(|f| f.release(request, turn.clone())) {
                    None => Reply::Turn(turn),
                    Some(Ok(turn)) => Reply::Turn(turn),
                    Some(Err(blocked)) => Reply::Blocked(blocked),
                },
            };
            exchange.reply(reply);
        }
        let transcript = exchange.finish();
        let ruling = match (&self.judge, &attempt.probe.goal) {
            (Some(judge), Goal::Judged(rule)) if Answer::wants_judge(attempt, &transcript) => {
                let asked = attempt.probe.attack_texts().join("\n");
                let said = transcript.texts().collect::<Vec<_>>().join("\n");
                Some(self.rule(judge, rule, &asked, &said).await?)
            }
            _ => None,
        };
        Ok(Answer::of(&self.scenario, attempt, &transcript, score, ruling.as_ref()))
    }

    async fn rule(&self, judge: &Target, rule: &str, asked: &str, said: &str) -> Result<Ruling, Stop> {
        let question = question(rule, asked, said, self.seed);
        Ok(match self.ask(judge, &question).await? {
            Ok(turn) => ruling(&turn.text),
            Err(_) => Ruling::Unclear,
        })
    }

    /// How far the judge agrees with the shipped samples.
    pub async fn agreement(
        self: &Arc<Self>,
        bar: &Bar,
        confidence: f64,
    ) -> anyhow::Result<Option<Agreement>> {
        let Some(judge) = &self.judge else { return Ok(None) };
        bar.step("measuring the judge");
        let samples = samples();
        let mut pairs: Vec<(Label, Ruling)> = Vec::new();
        for (n, sample) in samples.iter().enumerate() {
            let ruling = self.rule(judge, &sample.rule, &sample.request, &sample.answer).await;
            let ruling = ruling.map_err(|stop| anyhow::anyhow!("the judge: {}", stop.why()))?;
            pairs.push((sample.label, ruling));
            bar.advance(n as u64 + 1, samples.len() as u64);
        }
        Ok(Some(Agreement::of(&pairs, confidence)))
    }

    /// Runs a campaign to its end, or as far as it goes.
    pub async fn run(
        self: &Arc<Self>,
        campaign: &mut Campaign,
        front: Option<Arc<Front>>,
        journal: &mut Journal,
        bar: &Bar,
    ) -> anyhow::Result<()> {
        let guarded = front.is_some();
        while let Some(batch) = campaign.batch() {
            bar.step(match (guarded, campaign.records().is_empty()) {
                (false, true) => "attacking",
                (true, true) => "attacking through the guard",
                (false, false) => "searching",
                (true, false) => "searching past the guard",
            });
            let mut answers: Vec<Option<Answer>> =
                batch.iter().map(|a| journal.answer(guarded, &a.id).cloned()).collect();
            let total = batch.len() as u64;
            let mut done = answers.iter().filter(|a| a.is_some()).count() as u64;
            let places = Arc::new(Semaphore::new(self.caps.concurrency));
            let mut running = JoinSet::new();
            for (n, attempt) in batch.into_iter().enumerate() {
                if answers.get(n).is_some_and(Option::is_some) {
                    continue;
                }
                let (line, front, places) = (Arc::clone(self), front.clone(), Arc::clone(&places));
                running.spawn(async move {
                    // The semaphore is never closed; were it, the attempt would only run sooner.
                    let _place = places.acquire_owned().await;
                    let answer = line.attempt(front.as_deref(), &attempt).await;
                    (n, attempt.id, answer)
                });
            }
            let mut stopped = None;
            bar.advance(done, total);
            while let Some(joined) = running.join_next().await {
                let (n, id, answer) = joined?;
                match answer {
                    Ok(answer) => {
                        journal.keep(guarded, &id, &answer)?;
                        if let Some(place) = answers.get_mut(n) {
                            *place = Some(answer);
                        }
                        done += 1;
                        bar.advance(done, total);
                    }
                    // What is under way was paid for; what needs more requests meets the same limit at once.
                    Err(stop @ Stop::Limit(_)) => {
                        stopped.get_or_insert(stop);
                    }
                    Err(stop @ Stop::Gone(_)) => {
                        running.abort_all();
                        stopped = Some(stop);
                        break;
                    }
                }
            }
            match stopped {
                Some(stop) => campaign.interrupt(answers, stop.why()),
                None => campaign.record(answers.into_iter().flatten().collect()),
            }
        }
        Ok(())
    }
}
