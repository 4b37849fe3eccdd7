//! The judge of one point of a conversation: every rule over every call, and over what is said.

use std::cell::OnceCell;

use proofhouse_core::Digest;
use proofhouse_dialogue::{Conversation, Effect, Name, ToolCall, ToolSpec, Turn};
use serde::{Deserialize, Serialize};

use super::argument;
use super::carry::Private;
use super::context::Context;
use super::facts::{Act, ApprovalFacts, Builtin, ContextFacts, Facts};
use super::leaves::leaves;
use super::policy::{ToolRule, UserWords};
use super::{Approval, ApprovalKey, Decision, Policy, Reason, Rule, Step, Taint, Verdict, answer, digest};

/// Judges calls and answers at one point of a conversation.
#[derive(Debug)]
pub struct Judge<'a> {
    pub(super) policy: &'a Policy,
    pub(super) context: Context<'a>,
    conversation: &'a Conversation,
    digest: Digest,
    taint: Taint,
    approvals: Vec<&'a Approval>,
    private: OnceCell<Private>,
}

/// What becomes of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TurnDecision {
    /// Of what it says.
    pub text: Decision,
    /// Of each call, in order.
    pub calls: Vec<Decision>,
}

impl TurnDecision {
    /// The strictest verdict in it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.calls.iter().map(|call| call.verdict).fold(self.text.verdict, Verdict::max)
    }
}

impl<'a> Judge<'a> {
    /// Looks at a conversation once, for any number of judgements.
    #[must_use]
    pub fn new(policy: &'a Policy, conversation: &'a Conversation) -> Self {
        let context = Context::of(policy, conversation);
        let taint = context.taint.clone();
        Self {
            policy,
            context,
            conversation,
            digest: digest::conversation(conversation),
            taint,
            approvals: Vec::new(),
            private: OnceCell::new(),
        }
    }

    /// Adds what earlier parts of the session took up that are no longer in the conversation.
    #[must_use]
    pub fn after(mut self, earlier: &Taint) -> Self {
        let past =
            |step: &Option<Step>| step.clone().map(|step| Step { place: super::Place::Earlier, ..step });
        let earlier = Taint {
            exposed: past(&earlier.exposed),
            private: past(&earlier.private),
            private_words: past(&earlier.private_words),
        };
        // What is still there is named where it stands.
        self.taint = self.taint.joined(&earlier);
        self
    }

    /// Adds approvals; those that `key` does not accept at `now_ns` count for nothing.
    #[must_use]
    pub fn approved(mut self, key: &ApprovalKey, now_ns: u64, approvals: &'a [Approval]) -> Self {
        self.approvals.extend(approvals.iter().filter(|a| key.accepts(a, a.call, now_ns)));
        self
    }

    /// What the session has taken up by now; to be kept for [`Judge::after`].
    #[must_use]
    pub const fn taint(&self) -> &Taint {
        &self.taint
    }

    /// The digest of the conversation up to here.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Decides about a call.
    #[must_use]
    pub fn call(&self, call: &ToolCall) -> Decision {
        self.facts(call).0
    }

    /// Decides about a call, with the facts behind it.
    #[must_use]
    pub fn facts(&self, call: &ToolCall) -> (Decision, Facts) {
        self.among(call, &[], &[], None)
    }

    /// Decides about a turn: calls that are made together count together.
    #[must_use]
    pub fn turn(&self, turn: &Turn) -> TurnDecision {
        let calls = self.calls(turn).into_iter().map(|(decision, _)| decision).collect();
        TurnDecision { text: self.text(&turn.text), calls }
    }

    /// Decides about the calls of a turn, with the facts behind each decision.
    #[must_use]
    pub fn calls(&self, turn: &Turn) -> Vec<(Decision, Facts)> {
        let most = self.policy.limits.calls;
        let mut made = Vec::new();
        let judge = |(n, call): (usize, &ToolCall)| {
            let before = turn.calls.get(..n).unwrap_or_default();
            let surplus = (n >= most)
                .then(|| Reason::deny(Rule::Budget, format!("more than {most} calls in one turn")));
            let (decision, facts) = self.among(call, before, &made, surplus);
            // What is denied is not made, and uses up nothing.
            if decision.verdict < Verdict::Deny {
                made.push(call.name.clone());
            }
            (decision, facts)
        };
        turn.calls.iter().enumerate().map(judge).collect()
    }

    /// Decides about what the model says.
    #[must_use]
    pub fn text(&self, text: &str) -> Decision {
        self.answer(text).0
    }

    /// Decides about what the model says, with the facts behind it.
    #[must_use]
    pub fn answer(&self, text: &str) -> (Decision, Facts) {
        let digest = digest::answer(self.digest, text);
        let mut reasons = self.overrun();
        if reasons.is_empty() {
            reasons = answer::judge(self, text);
        }
        let decision = self.weigh(reasons, digest);
        let act = Act {
            kind: "answer".to_owned(),
            tool: String::new(),
            declared: true,
            effects: Vec::new(),
            outbound: false,
            digest,
        };
        let facts = self.gather(act, Vec::new(), &decision);
        (decision, facts)
    }

    /// Whether the model may be shown a tool.
    pub(crate) fn offers(&self, spec: &ToolSpec) -> bool {
        let Some(rule) = self.policy.tools.get(&spec.name) else { return false };
        let once = self.conversation.tools.iter().filter(|other| other.name == spec.name).count() == 1;
        let as_reviewed = rule.description.is_none_or(|pinned| pinned == digest::tool(spec));
        let denied = rule.always == Verdict::Deny
            || (self.taint.exposed.is_some() && self.policy.exposed.of(rule) == Verdict::Deny);
        once && as_reviewed && !denied && self.context.overrun.is_none()
    }

    /// What is private here, found when it is first asked for.
    pub(super) fn private(&self) -> &Private {
        self.private.get_or_init(|| Private::of(&self.context))
    }

    /// Judges a call after others of its turn, of which some are made.
    fn among(
        &self,
        call: &ToolCall,
        before: &[ToolCall],
        made: &[Name],
        surplus: Option<Reason>,
    ) -> (Decision, Facts) {
        let digest = digest::call(self.digest, call);
        let tool = self.policy.tools.get(&call.name);
        let mut reasons = self.overrun();
        reasons.extend(surplus);
        let mut arguments = Vec::new();
        if reasons.is_empty() {
            reasons.extend(self.identity(call, before));
            match tool {
                None => reasons.push(Reason::deny(
                    Rule::ToolUndeclared,
                    format!("the policy declares no tool {}", call.name),
                )),
                Some(rule) => {
                    reasons.extend(self.tool(call, rule, made));
                    match leaves(call, &self.policy.limits) {
                        Ok(leaves) => {
                            let found = argument::judge(rule, &leaves, &self.context, self.private());
                            reasons.extend(found.reasons);
                            arguments = found.facts;
                        }
                        Err(problem) => reasons.push(Reason::deny(Rule::Budget, problem)),
                    }
                }
            }
        }
        let decision = self.weigh(reasons, digest);
        let act = Act {
            kind: "call".to_owned(),
            tool: call.name.to_string(),
            declared: tool.is_some(),
            effects: tool.map_or_else(all_effects, |rule| match rule.effects.is_empty() {
                true => all_effects(),
                false => rule.effects.iter().copied().collect(),
            }),
            outbound: tool.is_none_or(ToolRule::is_outbound),
            digest,
        };
        let facts = self.gather(act, arguments, &decision);
        (decision, facts)
    }

    fn overrun(&self) -> Vec<Reason> {
        let problem = self.context.overrun.iter();
        problem
            .map(|problem| Reason::deny(Rule::Budget, format!("the conversation holds {problem}")))
            .collect()
    }

    /// The call is one of its own, of a tool that is offered as it was reviewed.
    fn identity(&self, call: &ToolCall, before: &[ToolCall]) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let past = self.conversation.messages.iter().flat_map(|m| &m.calls).chain(before);
        if call.id.is_empty() || past.into_iter().any(|other| other.id == call.id) {
            let message = "a call needs an identifier that no other call of the conversation has";
            reasons.push(Reason::deny(Rule::CallId, message));
        }
        let offered: Vec<&ToolSpec> =
            self.conversation.tools.iter().filter(|t| t.name == call.name).collect();
        match offered.as_slice() {
            [] => {
                let message = format!("the conversation does not offer tool {}", call.name);
                reasons.push(Reason::deny(Rule::ToolNotOffered, message));
            }
            [spec] => {
                let pinned = self.policy.tools.get(&call.name).and_then(|rule| rule.description);
                if pinned.is_some_and(|pinned| pinned != digest::tool(spec)) {
                    let message =
                        format!("tool {} is described otherwise than when it was reviewed", call.name);
                    reasons.push(Reason::deny(Rule::ToolDescription, message));
                }
            }
            _ => {
                let message = format!("the conversation offers tool {} more than once", call.name);
                reasons.push(Reason::deny(Rule::ToolDescription, message));
            }
        }
        reasons
    }

    /// What the context makes of the tool.
    fn tool(&self, call: &ToolCall, rule: &ToolRule, made: &[Name]) -> Vec<Reason> {
        let mut reasons = Vec::new();
        if rule.always > Verdict::Allow {
            let message = format!("the policy says {} for every call of {}", rule.always, call.name);
            reasons.push(Reason::new(Rule::ToolApproval, rule.always, message));
        }
        if let Some(most) = rule.max_calls {
            let past = self.conversation.messages.iter().flat_map(|m| &m.calls).map(|other| &other.name);
            let made = past.chain(made).filter(|other| **other == call.name).count();
            if made >= most as usize {
                let message = format!("{} was called {made} times and may be {most} times", call.name);
                reasons.push(Reason::deny(Rule::ToolTooOften, message));
            }
        }
        let Some(exposed) = &self.taint.exposed else { return reasons };
        let verdict = self.policy.exposed.of(rule);
        if verdict > Verdict::Allow {
            let message =
                format!("untrusted text is in context, and the policy says {verdict} for {} then", call.name);
            reasons.push(Reason::new(Rule::ToolExposed, verdict, message).along([exposed.clone()]));
        }
        if let Some(private) = self.private_step().filter(|_| rule.is_outbound()) {
            let message =
                format!("private data and untrusted text are in context, and {} reaches outside", call.name);
            let reason = Reason::new(Rule::Trifecta, self.policy.trifecta.verdict.into(), message);
            reasons.push(reason.along([private.clone(), exposed.clone()]));
        }
        reasons
    }

    /// The private data that the rule of three counts.
    fn private_step(&self) -> Option<&Step> {
        let words = match self.policy.trifecta.user_words {
            UserWords::AsLabelled => self.taint.private_words.as_ref(),
            UserWords::Public => None,
        };
        self.taint.private.as_ref().or(words)
    }

    fn weigh(&self, reasons: Vec<Reason>, digest: Digest) -> Decision {
        let mut decision = Decision::of(reasons, digest);
        if let Some(approval) = self.approvals.iter().find(|approval| approval.call == digest) {
            decision.approve(&approval.by);
        }
        decision
    }

    fn gather(&self, act: Act, arguments: Vec<super::ArgumentFacts>, decision: &Decision) -> Facts {
        let approval = self.approvals.iter().find(|approval| approval.call == act.digest);
        let approval = approval.map_or_else(ApprovalFacts::default, |a| ApprovalFacts {
            present: true,
            by: a.by.clone(),
            expires_ns: a.expires_ns,
        });
        Facts {
            act,
            context: ContextFacts::new(
                self.digest,
                &self.context,
                self.taint.exposed.as_ref(),
                self.private_step(),
            ),
            arguments,
            builtin: Builtin::new(&decision.reasons),
            approval,
        }
    }
}

fn all_effects() -> Vec<Effect> {
    vec![Effect::Read, Effect::Write, Effect::Send, Effect::Pay]
}
