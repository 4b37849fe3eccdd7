//! The boundary of a system file in front of instances: the layers of the guard, the marks that stand in the
//! data, and the prompt that the instances put before every conversation.
//!
//! A client sends no system prompt: the instances hold the one that was signed. So that it is confidential all
//! the same, it is put before what the guard judges.

use proofhouse_dialogue::wire::ChatRequest;
use proofhouse_dialogue::{Conversation, Labelling, Message, Origin, Role, Segment, ToolCall, Turn};
use proofhouse_gateway::{Boundary, Failure, Inspected, JudgedTurn, Layers, OnFinding, Scanned, Scanning};
use proofhouse_guard::flow::Approval;
use proofhouse_guard::output::{Action, Confidential, Filter, OutputRules, Released, Scanner};
use proofhouse_lifecycle::{Assessment, Project};
use proofhouse_lifecycle::{encoder, language};
use proofhouse_system::DetectorMode;
use std::path::Path;

/// The layers of one deployment.
#[derive(Debug)]
pub struct Front {
    layers: Layers,
    filter: Filter,
    confidential: Confidential,
    prompt: Message,
    /// What is put before the prompt, so that whoever repeats it is found out.
    reference: Option<String>,
}

impl Front {
    /// What the system file describes, for the model that is served.
    pub fn new(project: &Project, assessment: &Assessment) -> anyhow::Result<Self> {
        let assistant = assessment.model.assistant()?;
        let described = language::Boundary::of(project, &assessment.datasets, assistant)?;
        let rules = OutputRules { links: described.policy.links.clone(), ..described.output.clone() };
        let mut confidential = Confidential::new().text("system prompt", &assistant.prompt)?;
        for mark in &described.canaries {
            confidential = confidential.canary(&mark.name, &mark.value)?;
        }
        let planted: Vec<&str> =
            described.canaries.iter().filter(|c| c.planted).map(|c| c.value.as_str()).collect();
        let label = described.labelling.label(&Origin::System);
        Ok(Self {
            layers: Layers::new(encoder::guard(described.guard_config(), None, Path::new(""))?),
            filter: Filter::new(&rules),
            confidential,
            prompt: Message::new(Role::System, vec![Segment::new(&assistant.prompt, label)]),
            reference: (!planted.is_empty())
                .then(|| format!("Internal reference of this text: {}", planted.join(" "))),
        })
    }

    /// The conversation as the model gets it.
    fn whole(&self, conversation: &Conversation) -> Conversation {
        let messages = std::iter::once(&self.prompt).chain(&conversation.messages).cloned().collect();
        Conversation::new(messages, conversation.tools.clone())
    }

    /// Marks in the arguments of a call. Whoever receives them could be anybody.
    fn marks(&self, call: &ToolCall) -> Vec<&'static str> {
        let arguments = serde_json::Value::Object(call.arguments.as_object().clone()).to_string();
        let found = self.filter.findings(&self.confidential, &arguments);
        found.iter().map(|finding| finding.rule).filter(|rule| rule.starts_with("canary/")).collect()
    }
}

/// What a request in which the detector found something comes to. A gateway lets a request pass or does not: where
/// the system file asks to withhold the text alone, the whole request is refused.
pub fn on_finding(project: &Project) -> OnFinding {
    match project.system.boundary.as_ref().map(|b| b.detector.mode).unwrap_or_default() {
        DetectorMode::Off | DetectorMode::Record => OnFinding::Watch,
        DetectorMode::Withhold | DetectorMode::Refuse => OnFinding::Refuse,
    }
}

impl Boundary for Front {
    fn labelling(&self) -> &Labelling {
        self.layers.labelling()
    }

    fn inspect(&self, conversation: &Conversation) -> Result<Inspected, Failure> {
        self.layers.inspect(conversation)
    }

    fn is_quick(&self) -> bool {
        self.layers.is_quick()
    }

    fn prepare(&self, request: &mut ChatRequest) -> Result<(), Failure> {
        self.layers.prepare(request)?;
        if let Some(reference) = &self.reference {
            request.prepend_system(reference, self.layers.labelling());
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
        let mut judged = self.layers.judge(&self.whole(conversation), turn, approvals, now_ns)?;
        for (call, judged) in turn.calls.iter().zip(&mut judged.calls) {
            judged.leaks.extend(self.marks(call));
        }
        Ok(judged)
    }

    fn scanner(&self, _: &Conversation) -> Result<Box<dyn Scanning>, Failure> {
        Ok(Box::new(Reader(Some(self.filter.scanner(&self.confidential)))))
    }
}

struct Reader(Option<Scanner>);

impl Scanning for Reader {
    fn push(&mut self, piece: &str) -> Result<Scanned, Failure> {
        Ok(scanned(self.0.as_mut().ok_or_else(ended)?.push(piece)))
    }

    fn finish(&mut self) -> Result<Scanned, Failure> {
        Ok(scanned(self.0.take().ok_or_else(ended)?.finish()))
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
