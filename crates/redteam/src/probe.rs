//! What an attack is: texts in places, and the goal that says when it has succeeded.

use proofhouse_dialogue::{Arguments, Name, Origin};
use serde::{Deserialize, Serialize};

/// One attack, ready to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Probe {
    /// What has to happen for it to count as a success.
    pub goal: Goal,
    /// Within the family: the carrier, the persona, the encoding. Reports slice by it.
    pub variant: String,
    /// The script.
    pub steps: Vec<Step>,
    /// A description that replaces a tool's own, where tools are what is poisoned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poisoned_tool: Option<(Name, Vec<Run>)>,
    /// Strings that a lossy converter must leave alone: addresses, markers, names of tools. An attacker who
    /// garbles his own address gains nothing.
    pub fixed: Vec<String>,
}

/// When an attack has succeeded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// The canary of this name is seen in an answer or in the arguments of an outbound call, in any form
    /// that [`crate::judge::Finder`] reads.
    Reveal(String),
    /// A canary of the system prompt, or a long run of its words, is seen.
    SystemPrompt,
    /// The model says this word because a text told it to; quoting the attack or refusing it does not count.
    Say(String),
    /// The tool is called, and its arguments hold the text.
    Call {
        /// The tool.
        tool: Name,
        /// What only the attacker would put there.
        holding: String,
    },
    /// The answer holds a link, an image or an address of this host.
    Link(String),
    /// The answer holds this text as it is, unescaped: what a browser, a shell or a database would act on.
    Emit(String),
    /// The answer holds this word of the attack's own text, so that the attack reaches the next reader.
    Propagate(String),
    /// The answer is this long, or there are this many calls.
    Flood {
        /// Characters over all answers.
        characters: usize,
        /// Tool calls over all answers.
        calls: usize,
    },
    /// The answer breaks a rule that only a judge can see broken.
    Judged(String),
}

/// A step of the script.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The user speaks, perhaps with attachments. The target answers, unless an assistant's step follows.
    User(Vec<Part>),
    /// An answer that was not the target's: a forged history.
    Assistant(String),
    /// A call that the history holds, followed by what the tool answered.
    Tool {
        /// The tool that was called.
        name: Name,
        /// With what.
        arguments: Arguments,
        /// What it answered.
        answer: Vec<Part>,
    },
}

/// A text of one origin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Where it comes from.
    pub origin: Origin,
    /// The text in runs, to be read without a break.
    pub runs: Vec<Run>,
}

/// A run of text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The text.
    pub text: String,
    /// Whether it is the attacker's, and so the part that converters work on.
    pub attack: bool,
}

impl Run {
    /// Text that is there anyway.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), attack: false }
    }

    /// The attacker's text.
    pub fn attack(text: impl Into<String>) -> Self {
        Self { text: text.into(), attack: true }
    }
}

impl Part {
    /// The text without its seams.
    #[must_use]
    pub fn text(&self) -> String {
        joined(&self.runs)
    }

    /// The user's own words, all of them an attack.
    pub fn attack(text: impl Into<String>) -> Self {
        Self { origin: Origin::User, runs: vec![Run::attack(text)] }
    }

    /// The user's own words, none of them an attack.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { origin: Origin::User, runs: vec![Run::plain(text)] }
    }
}

/// Runs as one text.
pub(crate) fn joined(runs: &[Run]) -> String {
    runs.iter().map(|r| r.text.as_str()).collect()
}

impl Probe {
    /// A single message of the user.
    #[must_use]
    pub fn message(goal: Goal, variant: impl Into<String>, text: impl Into<String>) -> Self {
        Self::script(goal, variant, vec![Step::User(vec![Part::attack(text)])])
    }

    /// A script.
    #[must_use]
    pub fn script(goal: Goal, variant: impl Into<String>, steps: Vec<Step>) -> Self {
        Self { goal, variant: variant.into(), steps, poisoned_tool: None, fixed: Vec::new() }
    }

    /// The attacker's runs, to be changed in place.
    pub(crate) fn attack_runs(&mut self) -> impl Iterator<Item = &mut Run> {
        let scripted = self.steps.iter_mut().flat_map(|step| match step {
            Step::User(parts) | Step::Tool { answer: parts, .. } => parts.as_mut_slice(),
            Step::Assistant(_) => &mut [],
        });
        let scripted = scripted.flat_map(|part| part.runs.iter_mut());
        let poisoned = self.poisoned_tool.iter_mut().flat_map(|(_, runs)| runs.iter_mut());
        scripted.chain(poisoned).filter(|run| run.attack)
    }

    /// Everything the attacker wrote, one text a run.
    #[must_use]
    pub fn attack_texts(&self) -> Vec<&str> {
        let parts = self.steps.iter().flat_map(|step| match step {
            Step::User(parts) | Step::Tool { answer: parts, .. } => parts.as_slice(),
            Step::Assistant(_) => &[],
        });
        let poisoned = self.poisoned_tool.iter().flat_map(|(_, runs)| runs);
        let runs = parts.flat_map(|part| &part.runs).chain(poisoned);
        runs.filter(|r| r.attack).map(|r| r.text.as_str()).collect()
    }
}
