//! The house's guard in its place: the layers of `proofhouse-guard` behind [`Boundary`].

use proofhouse_core::Digest;
use proofhouse_dialogue::wire::ChatRequest;
use proofhouse_dialogue::{Conversation, Labelling, Trust, Turn};
use proofhouse_guard::canary::{Canary, CanaryKey};
use proofhouse_guard::flow::{Approval, ApprovalKey, Verdict};
use proofhouse_guard::output::{Action, Released, Scanner};
use proofhouse_guard::spotlight::{Marker, Spotlight};
use proofhouse_guard::{Finding, Guard, GuardError, Session};

use super::boundary::{
    Boundary, Failure, Inspected, InspectedSegment, JudgedCall, JudgedText, JudgedTurn, Scanned, Scanning,
};

/// A guard with the keys of this deployment.
#[derive(Debug)]
pub struct Layers {
    guard: Guard,
    labelling: Labelling,
    approvals: Option<ApprovalKey>,
    canaries: Option<CanaryKey>,
    marks: [u8; 32],
}

impl Layers {
    /// The layers of a guard. Nobody can approve a call until a key for that is given.
    #[must_use]
    pub fn new(guard: Guard) -> Self {
        let labelling = guard.config().labelling();
        Self { guard, labelling, approvals: None, canaries: None, marks: rand::random() }
    }

    /// The same, taking approvals that were made with this key.
    #[must_use]
    pub fn approving(self, key: ApprovalKey) -> Self {
        Self { approvals: Some(key), ..self }
    }

    /// The same, with a canary of its own in the system prompt of every conversation.
    #[must_use]
    pub fn planting(self, key: CanaryKey) -> Self {
        Self { canaries: Some(key), ..self }
    }

    /// The canary of one point of a conversation; the same whenever it is asked for.
    fn canary(&self, session: Digest) -> Option<Canary> {
        Some(self.canaries.as_ref()?.canary("system prompt", &session.to_string()))
    }

    fn session<'a>(&'a self, conversation: &'a Conversation) -> Session<'a> {
        let session = self.guard.session(conversation);
        let digest = session.judge().digest();
        match self.canary(digest) {
            Some(canary) => session.canary(canary),
            None => session,
        }
    }
}

impl Boundary for Layers {
    fn labelling(&self) -> &Labelling {
        &self.labelling
    }

    fn inspect(&self, conversation: &Conversation) -> Result<Inspected, Failure> {
        let found = self.guard.inspect(conversation);
        let segments = found.segments.into_iter().map(|segment| InspectedSegment {
            verdict: match segment.verdict {
                Finding::Benign => "benign",
                Finding::Grey => "grey",
                Finding::Unread => "unread",
                Finding::Attack => "attack",
            },
            // What was not read has no normal form, and is known as that.
            normal_form: segment.normal_form.unwrap_or_else(|| Digest::of(b"")),
            score: segment.score.map_or(0.0, f64::from),
            label: segment.label,
            carrier: segment.carrier,
            // What made an attack of it, when the score did not, and why nobody read it.
            alarms: segment
                .alarms
                .into_iter()
                .chain(segment.order.then_some("plain-order"))
                .chain(segment.second_failed.is_some().then_some("detector-failed"))
                .collect(),
        });
        Ok(Inspected { segments: segments.collect() })
    }

    fn is_quick(&self) -> bool {
        self.guard.second().is_none()
    }

    fn prepare(&self, request: &mut ChatRequest) -> Result<(), Failure> {
        let original = request.conversation().clone();
        let session = self.guard.session(&original);
        let offered: Vec<_> = session.offered().into_iter().map(|tool| tool.name.clone()).collect();
        request.retain_tools(|name| offered.contains(name));
        if let Some(canary) = self.canary(session.judge().digest()) {
            let own = original.messages.iter().enumerate().find_map(|(m, message)| {
                let s = message.segments.iter().position(|segment| segment.label.trust == Trust::Trusted)?;
                Some((m, s, message.segments.get(s)?))
            });
            if let Some((m, s, segment)) = own {
                replaced(request.set_text(m, s, &canary.plant(&segment.text)))?;
            }
        }
        let how = self.guard.config().spotlight;
        if how == Spotlight::Off {
            return Ok(());
        }
        let texts = original.segments().map(|segment| segment.text.as_str());
        let marker = Marker::new(how, &self.marks, &session.judge().digest().to_string(), texts);
        // The explanation comes first; after it every message is where it was.
        let marked = marker.apply(&original);
        for (m, (before, after)) in original.messages.iter().zip(marked.messages.iter().skip(1)).enumerate() {
            for (s, (before, after)) in before.segments.iter().zip(&after.segments).enumerate() {
                if before.text != after.text {
                    replaced(request.set_text(m, s, &after.text))?;
                }
            }
        }
        if let Some(explanation) = marker.explanation() {
            request.prepend_system(&explanation, &self.labelling);
        }
        Ok(())
    }

    fn judge(
        &self,
        conversation: &Conversation,
        turn: &Turn,
        approvals: &[Approval],
        now_ns: u64,
    ) -> Result<JudgedTurn, Failure> {
        let session = self.session(conversation);
        let session = match &self.approvals {
            Some(key) => session.approved(key, now_ns, approvals),
            None => session,
        };
        let text = (!turn.text.is_empty()).then(|| {
            let (decision, facts) = session.judge().answer(&turn.text);
            JudgedText { decision, facts }
        });
        let judged = session.judge_turn(turn).map_err(broken)?;
        let calls = judged.calls.into_iter().map(|call| JudgedCall {
            leaks: match call.verdict {
                // The boundary would have let it pass, or a person could; what is in it may not leave.
                Verdict::Deny if call.decision.verdict < Verdict::Deny => {
                    call.findings.iter().map(|finding| finding.rule).collect()
                }
                _ => Vec::new(),
            },
            decision: call.decision,
            facts: call.facts,
        });
        Ok(JudgedTurn { text, calls: calls.collect() })
    }

    fn scanner(&self, conversation: &Conversation) -> Result<Box<dyn Scanning>, Failure> {
        let scanner = self.session(conversation).scanner().map_err(broken)?;
        Ok(Box::new(Reader { scanner: Some(scanner) }))
    }
}

fn broken(error: GuardError) -> Failure {
    Failure::Broken(error.to_string())
}

/// A text that was to be replaced and is not there would go to the model as it was.
fn replaced(done: bool) -> Result<(), Failure> {
    if done { Ok(()) } else { Err(Failure::Broken("a text is not where it was read".to_owned())) }
}

struct Reader {
    scanner: Option<Scanner>,
}

impl Scanning for Reader {
    fn push(&mut self, piece: &str) -> Result<Scanned, Failure> {
        let scanner = self.scanner.as_mut().ok_or_else(ended)?;
        Ok(scanned(scanner.push(piece)))
    }

    fn finish(&mut self) -> Result<Scanned, Failure> {
        Ok(scanned(self.scanner.take().ok_or_else(ended)?.finish()))
    }
}

fn ended() -> Failure {
    Failure::Broken("an answer goes on after its end".to_owned())
}

fn scanned(released: Released) -> Scanned {
    let replaced = released.findings.iter().filter(|finding| finding.action >= Action::Redact);
    Scanned {
        findings: replaced.map(|finding| finding.rule).collect(),
        text: released.text,
        cut: released.blocked,
    }
}
