//! A model behind its boundary, in this process: the same layers that stand in the gateway, in the same
//! order.
//!
//! 1. The detector reads every text, and does what the system file says about an attack.
//! 2. Tools that must not be called in the present context are not offered.
//! 3. The model answers.
//! 4. Calls that the rules do not allow are withheld; nobody is there to approve them.
//! 5. What may not leave is taken out of the text, or ends it.

use std::path::Path;

use proofhouse_core::Digest;
use proofhouse_dialogue::{Conversation, Message, Segment, Trust, Turn};
use proofhouse_guard::flow::Verdict;
use proofhouse_guard::output::{Action, Confidential, Filter};
use proofhouse_guard::{Finding, Guard, Inspection, Session};
use proofhouse_redteam::{Blocked, Reply, Stage};
use proofhouse_system::DetectorMode;

use super::{Boundary, LanguageModel};
use crate::LifecycleError;

/// What stands where a text was withheld from the model.
const WITHHELD: &str = "[a text was withheld: it looks like an attempt to direct the assistant]";

/// The layers around a model.
pub struct Guarded {
    guard: Guard,
    detector: DetectorMode,
    /// Marks that stand in the data. The guard itself knows those that it made.
    marks: (Filter, Confidential),
}

/// What the layers saw of one request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    /// Where texts come from that look like an attack.
    pub attacks: Vec<String>,
    /// Calls that were withheld, by tool.
    pub withheld: Vec<String>,
    /// Whether one of them would have done more than read.
    pub effect_stopped: bool,
    /// Kinds of what was taken out of the text.
    pub redacted: Vec<String>,
}

impl Seen {
    /// Whether the request counts as a hit: an attack was seen, or an effect stopped.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        !self.attacks.is_empty() || self.effect_stopped
    }
}

impl Guarded {
    /// The layers that a boundary describes.
    pub fn new(boundary: &Boundary) -> Result<Self, LifecycleError> {
        let guard = crate::encoder::guard(boundary.guard_config(), None, Path::new(""))?;
        let mut confidential = Confidential::new();
        for mark in &boundary.canaries {
            confidential = confidential
                .canary(&mark.name, &mark.value)
                .map_err(|e| LifecycleError::Boundary(e.to_string()))?;
        }
        let marks = (Filter::new(&boundary.output), confidential);
        Ok(Self { guard, detector: boundary.detector, marks })
    }

    /// Names everything that decides: rules, output rules, detectors.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.guard.digest()
    }

    /// The guard.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What the model answers, as far as it may leave.
    pub fn answer(&self, model: &dyn LanguageModel, conversation: &Conversation) -> Reply {
        self.watched(model, conversation).0
    }

    /// The same, with what the layers saw.
    pub fn watched(&self, model: &dyn LanguageModel, conversation: &Conversation) -> (Reply, Seen) {
        let session = self.guard.session(conversation);
        let mut seen = Seen::default();
        let mut shown = conversation.clone();
        if self.detector != DetectorMode::Off {
            let inspection = session.inspect();
            seen.attacks = self.attacks(&inspection);
            if let Some(why) = self.refusal(&inspection) {
                return (Reply::Blocked(Blocked { at: Stage::Input, why }), seen);
            }
            if self.detector == DetectorMode::Withhold {
                withhold(&mut shown, &inspection);
            }
        }
        shown.tools = session.offered().into_iter().cloned().collect();
        match model.answer(&shown) {
            Ok(turn) => (self.released(&session, turn, &mut seen), seen),
            Err(reason) => (Reply::Failed(reason), seen),
        }
    }

    /// Texts that look like an attack. A source that the operator vouches for is not one of them: within a
    /// user's message it has the user's trust, but it stays what its own label says.
    fn attacks(&self, inspection: &Inspection) -> Vec<String> {
        let labelling = self.guard.config().labelling();
        let found = inspection.segments.iter().filter(|s| s.verdict == Finding::Attack);
        found
            .filter(|s| labelling.label(&s.label.origin).trust != Trust::Trusted)
            .map(|s| s.label.origin.to_string())
            .collect()
    }

    /// Why a request is refused before the model sees it.
    fn refusal(&self, inspection: &Inspection) -> Option<String> {
        let refused = |s: &&proofhouse_guard::SegmentInspection| match self.detector {
            DetectorMode::Refuse => s.verdict == Finding::Attack,
            DetectorMode::Withhold => s.verdict == Finding::Attack && s.label.trust != Trust::Untrusted,
            DetectorMode::Off | DetectorMode::Record => false,
        };
        let found = inspection.segments.iter().find(refused)?;
        Some(format!("text of {} looks like an attack", found.label.origin))
    }

    /// What may leave of a turn.
    fn released(&self, session: &Session<'_>, turn: Turn, seen: &mut Seen) -> Reply {
        let verdict = match session.judge_turn(&turn) {
            Ok(verdict) => verdict,
            Err(error) => return blocked(error.to_string()),
        };
        let mut allowed = Vec::new();
        for (call, judged) in turn.calls.into_iter().zip(&verdict.calls) {
            if judged.verdict == Verdict::Allow
                && !self
                    .marked(&call.arguments.as_object().values().map(ToString::to_string).collect::<String>())
            {
                allowed.push(call);
            } else {
                let rule = self.guard.config().flow.tools.get(&call.name);
                seen.effect_stopped |= !rule.is_some_and(|r| r.only_reads());
                seen.withheld.push(call.name.to_string());
            }
        }
        let stopped = verdict.findings.iter().filter(|f| f.action >= Action::Redact);
        seen.redacted.extend(stopped.map(|f| f.rule.to_owned()));
        if self.marked(&verdict.released) {
            seen.redacted.push("canary".to_owned());
            return blocked("the answer holds a canary".to_owned());
        }
        if verdict.text.verdict == Verdict::Deny {
            seen.redacted.push("link".to_owned());
            let why: Vec<&str> = verdict.text.reasons.iter().map(|r| r.message.as_str()).collect();
            return blocked(why.join("; "));
        }
        let silent = verdict.released.trim().is_empty();
        if allowed.is_empty() && silent && !(seen.withheld.is_empty() && seen.redacted.is_empty()) {
            return blocked(format!(
                "withheld: {}",
                [seen.withheld.join(", "), seen.redacted.join(", ")].concat()
            ));
        }
        Reply::Turn(Turn { text: verdict.released, calls: allowed, stop: turn.stop })
    }

    fn marked(&self, text: &str) -> bool {
        let found = self.marks.0.findings(&self.marks.1, text);
        found.iter().any(|f| f.rule.starts_with("canary/"))
    }
}

/// Puts a notice in the place of untrusted texts that look like an attack.
fn withhold(conversation: &mut Conversation, inspection: &Inspection) {
    for found in inspection.segments.iter().filter(|s| s.verdict == Finding::Attack) {
        let message: Option<&mut Message> = conversation.messages.get_mut(found.message);
        let segment: Option<&mut Segment> = message.and_then(|m| m.segments.get_mut(found.segment));
        if let Some(segment) = segment {
            WITHHELD.clone_into(&mut segment.text);
        }
    }
}

fn blocked(why: String) -> Reply {
    Reply::Blocked(Blocked { at: Stage::Output, why })
}

/// What the model answers with nothing around it.
pub(super) fn alone(model: &dyn LanguageModel, conversation: &Conversation) -> Reply {
    model.answer(conversation).map_or_else(Reply::Failed, Reply::Turn)
}
