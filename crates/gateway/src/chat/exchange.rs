//! One request and its answer: what both kinds of answer, whole and streamed, need to know.

use std::collections::BTreeSet;
use std::sync::Arc;

use proofhouse_core::Hasher;
use proofhouse_dialogue::wire::{Protocol, Usage};
use proofhouse_dialogue::{Conversation, StopReason, ToolCall, Turn};
use proofhouse_guard::flow::{Approval, Decision, Facts, Verdict};
use proofhouse_policy::{Entrypoint, Policy};

use super::explain::Withheld;
use super::record::{CallRecord, ChatRecord, NAMED};
use super::{Chat, Failure, Scanned, Scanning, explain};
use crate::budget::Reservation;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

pub(crate) struct Exchange {
    pub request_id: String,
    pub protocol: Protocol,
    /// The name the caller asked for.
    pub model: String,
    /// Seconds since 1970.
    pub created: u64,
    pub now_ns: u64,
    /// As the caller sent it; what was marked or planted for the model is not in it.
    pub conversation: Conversation,
    pub approvals: Vec<Approval>,
    /// Whether the caller wants to know the usage of a stream.
    pub wants_usage: bool,
    /// Answers that were asked for.
    pub choices: u64,
    /// Tokens of an answer that were asked for.
    pub max_tokens: u64,
    pub chat: Arc<Chat>,
    pub policy: Arc<Policy>,
    pub metrics: Arc<Metrics>,
}

/// What leaves of a turn.
pub(crate) struct ReleasedTurn {
    /// Codes of the rules that objected to its text, where it must not leave.
    pub objected: Option<Vec<String>>,
    /// Calls that may be made.
    pub calls: Vec<ToolCall>,
    /// What is said about the others.
    pub explanation: Option<String>,
    /// Why the turn stopped, now.
    pub stop: StopReason,
}

impl Exchange {
    /// The name of the answer. The upstream's own would be a text that nobody has looked at.
    pub(crate) fn answer_id(&self) -> String {
        match self.protocol {
            Protocol::Openai => format!("chatcmpl-{}", self.request_id),
            Protocol::Anthropic => format!("msg_{}", self.request_id),
        }
    }

    /// Most bytes of all answers together.
    pub(crate) fn ceiling(&self) -> usize {
        let tokens = self.max_tokens.saturating_mul(self.choices);
        // A call's name and identifier are bytes that no token of the answer pays for.
        let bytes = tokens.saturating_mul(self.chat.limits.bytes_per_token).saturating_add(4096);
        usize::try_from(bytes).unwrap_or(usize::MAX)
    }

    pub(crate) fn scanner(&self) -> Result<Box<dyn Scanning>, Refusal> {
        self.chat.boundary.scanner(&self.conversation).map_err(failed)
    }

    /// Judges a turn. None of its calls has left, and of its text only what is not in it.
    pub(crate) fn judge(
        &self,
        mut turn: Turn,
        choice: u32,
        record: &mut ChatRecord,
    ) -> Result<ReleasedTurn, Refusal> {
        for (n, call) in turn.calls.iter_mut().enumerate() {
            call.id = self.call_id(choice, n, call);
        }
        let judged = self
            .chat
            .boundary
            .judge(&self.conversation, &turn, &self.approvals, self.now_ns)
            .map_err(failed)?;
        if judged.calls.len() != turn.calls.len() || judged.text.is_none() != turn.text.is_empty() {
            return Err(failed(Failure::Broken("it judged something else".to_owned())));
        }
        let objected = judged.text.and_then(|text| {
            let (verdict, rules) = self.decide(&text.decision, &text.facts, &[]);
            (verdict != Verdict::Allow).then_some(rules)
        });
        for rule in objected.iter().flatten() {
            *record.redactions.entry(rule.clone()).or_default() += 1;
            self.metrics.redacted("answer");
        }
        let made = turn.calls.len();
        let mut released = Vec::with_capacity(made);
        let mut withheld = Vec::new();
        for (call, judged) in turn.calls.into_iter().zip(judged.calls) {
            let (verdict, rules) = self.decide(&judged.decision, &judged.facts, &judged.leaks);
            note_call(record, &call, &judged.decision, verdict, &rules);
            self.metrics.judged(verdict);
            if verdict == Verdict::Allow {
                released.push(call);
            } else {
                let approvable = (verdict == Verdict::NeedsApproval).then_some(judged.decision.digest);
                withheld.push(Withheld { tool: call.name, rules, approvable });
            }
        }
        let stop = match turn.stop {
            StopReason::ToolCalls if made > 0 && released.is_empty() => StopReason::Filtered,
            stop => stop,
        };
        Ok(ReleasedTurn { objected, calls: released, explanation: explain::withheld(&withheld), stop })
    }

    /// Policy's word about an act, and the codes of all that objected. The guard brings facts and what its
    /// built-in rules say; policy can be stricter, and what leaks is withheld whatever both say.
    fn decide(&self, built_in: &Decision, facts: &Facts, leaks: &[&'static str]) -> (Verdict, Vec<String>) {
        let input = facts.input(self.now_ns, &self.chat.environment);
        let decision = self.policy.decide(Entrypoint::Boundary, &input);
        let objecting = built_in.rules().map(|rule| rule.code().to_owned());
        let stated = decision.deny.iter().map(|reason| reason.code.clone());
        let rules: BTreeSet<String> =
            objecting.chain(stated).chain(leaks.iter().map(|rule| (*rule).to_owned())).collect();
        // A person's approval answers what is waivable, and nothing else.
        let open = decision.deny.iter().all(|reason| reason.waivable);
        let verdict = match built_in.verdict {
            _ if !leaks.is_empty() => Verdict::Deny,
            Verdict::Allow if decision.allow => Verdict::Allow,
            Verdict::NeedsApproval if open => Verdict::NeedsApproval,
            _ => Verdict::Deny,
        };
        (verdict, rules.into_iter().collect())
    }

    /// A name for a call that is the same whenever the model makes the same call at the same point, so that
    /// a person can approve it before it is made again.
    fn call_id(&self, choice: u32, n: usize, call: &ToolCall) -> String {
        let mut hasher = Hasher::with_domain("proofhouse.gateway.call-id/v1");
        hasher.field(&(self.conversation.messages.len() as u64).to_be_bytes());
        hasher.field(&(u64::from(choice) << 32 | n as u64).to_be_bytes());
        hasher.field(call.name.as_str().as_bytes());
        hasher.field(&serde_json::to_vec(&call.arguments).unwrap_or_default());
        let digest = hasher.finish().to_string();
        let short: String = digest.chars().skip("sha256:".len()).take(24).collect();
        match self.protocol {
            Protocol::Openai => format!("call_{short}"),
            Protocol::Anthropic => format!("toolu_{short}"),
        }
    }

    /// Settles what the answer took, as its server says.
    pub(crate) fn settle(&self, reservation: Reservation, usage: Usage, record: &mut ChatRecord) {
        record.tokens_in = usage.input;
        record.tokens_out = usage.output;
        let used = usage.input.saturating_add(usage.output);
        // A server that says nothing leaves no other sound number than what was reserved.
        if used > 0 {
            record.tokens_charged = used;
            reservation.settle(used);
        }
        self.metrics.tokens(usage);
    }
}

/// Notes what was found in text on its way out.
pub(crate) fn note_findings(metrics: &Metrics, scanned: &Scanned, record: &mut ChatRecord) {
    for kind in &scanned.findings {
        *record.redactions.entry((*kind).to_owned()).or_default() += 1;
        metrics.redacted(kind);
    }
}

fn note_call(
    record: &mut ChatRecord,
    call: &ToolCall,
    decision: &Decision,
    verdict: Verdict,
    rules: &[String],
) {
    record.calls_made += 1;
    record.calls_withheld += u32::from(verdict != Verdict::Allow);
    if record.calls.len() < NAMED {
        record.calls.push(CallRecord {
            tool: call.name.to_string(),
            decision: verdict.to_string(),
            rules: rules.to_vec(),
            approved_by: decision.approved_by.clone(),
            call: decision.digest,
        });
    }
}

/// A guard that could not do its work refuses.
pub(crate) fn failed(failure: Failure) -> Refusal {
    match failure {
        Failure::TooLarge(_) => Refusal::new(
            400,
            "guard/too-large",
            "the guard does not take a conversation of this size; send less",
        ),
        Failure::Broken(why) => {
            tracing::error!(%why, "the guard failed");
            Refusal::new(503, "guard/failed", "the guard could not do its work, so nothing passes")
        }
    }
}
