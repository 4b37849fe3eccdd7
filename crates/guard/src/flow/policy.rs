//! What the operator declares. Whatever is left out has the safe meaning: undeclared tools and, for tools
//! with effects, undeclared arguments are denied; once untrusted text is in context every effect beyond
//! reading needs a person; no host is linked to and no image is loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proofhouse_core::Digest;
use proofhouse_dialogue::{Conversation, Effect, Labelling, Name, Secrecy, ToolSpec, Trust};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::{Decision, Judge, Verdict, digest};
use crate::link::{HostPattern, LinkRules};

/// The boundary policy of one application.
///
/// ```
/// use proofhouse_guard::flow::Policy;
///
/// let policy: Policy = serde_json::from_str(r#"{
///   "tools": {
///     "lookup_order": { "effects": ["read"] },
///     "refund": {
///       "effects": ["pay"],
///       "arguments": {
///         "iban": { "from": "principal" },
///         "amount": { "from": "principal", "reads": "amount", "max": 200 }
///       },
///       "exposed": "allow"
///     }
///   }
/// }"#)?;
/// assert_eq!(policy.tools.len(), 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The tools. A tool that is not here is denied.
    pub tools: BTreeMap<Name, ToolRule>,
    /// What becomes of a call once untrusted text is in context, by effect, where the tool does not say.
    pub exposed: Exposed,
    /// What becomes of an outbound effect while both private data and untrusted text are in context.
    pub trifecta: Trifecta,
    /// Where links and images in what the model says may lead, besides links that stand in a trusted text.
    pub links: LinkRules,
    /// A link may be quoted whole from any text in context, whatever its host: an answer cites its sources.
    pub cites: bool,
    /// Who wrote the tools' descriptions, which the model reads too. `untrusted` unless stated: a server of
    /// somebody else may have sent them. A description that a tool pins is trusted either way.
    pub descriptions: Descriptions,
    /// Bounds of the work that one judgement does.
    pub limits: Limits,
}

/// How far the texts of tool descriptions are trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Descriptions {
    /// Anybody may have written them: offering such a tool exposes the conversation.
    #[default]
    Untrusted,
    /// The application's own code writes them.
    Trusted,
}

/// What a tool does and how it may be called.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolRule {
    /// What it does to the world. None at all is taken as all of them.
    pub effects: BTreeSet<Effect>,
    /// The label of its answers. Where the conversation labels them otherwise, the stricter holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<AnswerLabel>,
    /// Rules for its arguments. A tool with any effect beyond reading takes no other argument.
    #[serde(default)]
    pub arguments: BTreeMap<ArgumentPath, ArgumentRule>,
    /// What becomes of a call whatever is in context.
    #[serde(default)]
    pub always: Verdict,
    /// What becomes of a call once untrusted text is in context; by effect where nothing is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposed: Option<Verdict>,
    /// How many calls of it one conversation may hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_calls: Option<u32>,
    /// Digest of the description and parameters that were reviewed, as [`Policy::pin`] computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub description: Option<Digest>,
}

impl ToolRule {
    /// A tool with these effects and nothing else stated.
    #[must_use]
    pub fn new(effects: impl IntoIterator<Item = Effect>) -> Self {
        Self { effects: effects.into_iter().collect(), ..Self::default() }
    }

    /// Whether information can leave through it.
    #[must_use]
    pub fn is_outbound(&self) -> bool {
        self.effects.is_empty() || self.effects.iter().any(|e| e.is_outbound())
    }

    /// Whether it does no more than look something up.
    #[must_use]
    pub fn only_reads(&self) -> bool {
        !self.effects.is_empty() && self.effects.iter().all(|e| *e == Effect::Read)
    }
}

/// The label of what a tool answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnswerLabel {
    /// How far it is trusted.
    #[serde(default = "untrusted")]
    pub trust: Trust,
    /// Whether it is confidential.
    #[serde(default = "private")]
    pub secrecy: Secrecy,
}

const fn untrusted() -> Trust {
    Trust::Untrusted
}

const fn private() -> Secrecy {
    Secrecy::Private
}

/// A rule for an argument and everything below it: each element of a list, each member of an object.
/// Everything stated must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArgumentRule {
    /// As what the value is read, compared and bounded.
    pub reads: Reads,
    /// The value must stand in a text of at least this trust.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Trust>,
    /// Values that the operator vouches for: they need not stand anywhere.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Value>,
    /// What becomes of a call whose value does not stand where `from` says.
    #[serde(default = "deny")]
    pub otherwise: Verdict,
    /// What becomes of a value that stands in an untrusted text as well. Allowed unless stated: an invoice
    /// names the amount that the user asks to pay.
    pub contested: Verdict,
    /// The only values there may be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_of: Option<Vec<Value>>,
    /// The only hosts that an address (`url`, `address` or `host`) may lead to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<HostPattern>>,
    /// The smallest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<Number>,
    /// The largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<Number>,
    /// The most characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_length: Option<usize>,
    /// The argument may not be left out.
    pub required: bool,
    /// What becomes of private data in it, where the tool is outbound.
    #[serde(default = "needs_approval")]
    pub private: Verdict,
}

const fn deny() -> Verdict {
    Verdict::Deny
}

const fn needs_approval() -> Verdict {
    Verdict::NeedsApproval
}

impl ArgumentRule {
    /// Any value; private data in it still needs an approval where the tool is outbound.
    #[must_use]
    pub fn any() -> Self {
        Self { otherwise: Verdict::Deny, private: Verdict::NeedsApproval, ..Self::default() }
    }

    /// Only values that stand in a text of at least this trust.
    #[must_use]
    pub fn from(trust: Trust) -> Self {
        Self { from: Some(trust), ..Self::any() }
    }

    /// The same, read as something.
    #[must_use]
    pub fn reading(self, reads: Reads) -> Self {
        Self { reads, ..self }
    }

    /// The same, with a largest number.
    #[must_use]
    pub fn at_most(self, max: impl Into<Number>) -> Self {
        Self { max: Some(max.into()), ..self }
    }

    /// The same, limited to hosts.
    #[must_use]
    pub fn on(self, hosts: impl IntoIterator<Item = HostPattern>) -> Self {
        Self { hosts: Some(hosts.into_iter().collect()), ..self }
    }
}

/// As what a value is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// By its shape: a number is an amount, `name@host` an address, `https://…` a URL, anything else text.
    #[default]
    Auto,
    /// A sequence of whole words, compared exactly.
    Text,
    /// A number, compared as a number whatever the locale it is written in.
    Amount,
    /// A mail address, or several separated by commas or semicolons.
    Address,
    /// A URL.
    Url,
    /// The name of a host.
    Host,
}

/// What becomes of a call once untrusted text is in context, by effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exposed {
    /// Of tools that read.
    pub read: Verdict,
    /// Of tools that write.
    pub write: Verdict,
    /// Of tools that send.
    pub send: Verdict,
    /// Of tools that pay.
    pub pay: Verdict,
}

impl Default for Exposed {
    fn default() -> Self {
        Self {
            read: Verdict::Allow,
            write: Verdict::NeedsApproval,
            send: Verdict::NeedsApproval,
            pay: Verdict::NeedsApproval,
        }
    }
}

impl Exposed {
    /// What becomes of a tool: the strictest that any of its effects demands.
    #[must_use]
    pub fn of(&self, rule: &ToolRule) -> Verdict {
        let one = |effect: &Effect| match effect {
            Effect::Read => self.read,
            Effect::Write => self.write,
            Effect::Send => self.send,
            Effect::Pay => self.pay,
        };
        let all = [self.read, self.write, self.send, self.pay];
        let strictest = match rule.effects.is_empty() {
            true => all.into_iter().max(),
            false => rule.effects.iter().map(one).max(),
        };
        rule.exposed.or(strictest).unwrap_or(Verdict::Deny)
    }
}

/// The rule that private data, untrusted text and an outbound effect do not meet by themselves. It can be
/// made stricter, not be switched off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Trifecta {
    /// What becomes of such a call.
    pub verdict: TrifectaVerdict,
    /// Whether the user's own words count as private data. They do unless stated.
    pub user_words: UserWords,
}

/// What becomes of a call in which all three meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TrifectaVerdict {
    /// A person approves it.
    #[default]
    NeedsApproval,
    /// It does not happen.
    Deny,
}

impl From<TrifectaVerdict> for Verdict {
    fn from(verdict: TrifectaVerdict) -> Self {
        match verdict {
            TrifectaVerdict::NeedsApproval => Self::NeedsApproval,
            TrifectaVerdict::Deny => Self::Deny,
        }
    }
}

/// Whether the user's own words count as private data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum UserWords {
    /// As their label says.
    #[default]
    AsLabelled,
    /// What the user types here is nothing that may not leave.
    Public,
}

/// Bounds of the work that one judgement does. What exceeds them is denied, never passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Segments of a conversation.
    pub segments: usize,
    /// Bytes of text of a conversation.
    pub bytes: usize,
    /// Values in the arguments of one call.
    pub values: usize,
    /// Bytes of the arguments of one call.
    pub argument_bytes: usize,
    /// How deep arguments are nested.
    pub depth: usize,
    /// Calls in one turn.
    pub calls: usize,
    /// Links in one answer.
    pub links: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segments: 4096,
            bytes: 8 << 20,
            values: 512,
            argument_bytes: 256 << 10,
            depth: 16,
            calls: 64,
            links: 256,
        }
    }
}

impl Policy {
    /// What is to become of a call the model asks for at this point of the conversation. [`Judge`] does the
    /// same for several calls, with approvals and with what an earlier part of the session left behind.
    #[must_use]
    pub fn judge_call(&self, conversation: &Conversation, call: &proofhouse_dialogue::ToolCall) -> Decision {
        Judge::new(self, conversation).call(call)
    }

    /// What is to become of what the model says: its links and images.
    #[must_use]
    pub fn judge_text(&self, conversation: &Conversation, text: &str) -> Decision {
        Judge::new(self, conversation).text(text)
    }

    /// The tools of the conversation that the model may be shown: declared, with the description that was
    /// reviewed, and not denied in the present context. What the model is not shown it is not talked into.
    #[must_use]
    pub fn offered<'c>(&self, conversation: &'c Conversation) -> Vec<&'c ToolSpec> {
        let judge = Judge::new(self, conversation);
        conversation.tools.iter().filter(|spec| judge.offers(spec)).collect()
    }

    /// `labelling` with what this policy states about the answers of tools.
    #[must_use]
    pub fn labelling(&self, labelling: Labelling) -> Labelling {
        self.tools.iter().filter_map(|(name, rule)| Some((name, rule.answer?))).fold(
            labelling,
            |labelling, (name, answer)| {
                let origin = proofhouse_dialogue::Origin::Tool(name.clone());
                let stated = proofhouse_dialogue::Stated { trust: answer.trust, secrecy: answer.secrecy };
                labelling.stating(&origin, stated)
            },
        )
    }

    /// The digest that pins a tool as it is described to the model.
    #[must_use]
    pub fn pin(spec: &ToolSpec) -> Digest {
        digest::tool(spec)
    }

    /// Whether a tool's description counts as untrusted text.
    pub(super) fn distrusts(&self, spec: &ToolSpec) -> bool {
        match self.tools.get(&spec.name) {
            Some(ToolRule { description: Some(pinned), .. }) => *pinned != digest::tool(spec),
            Some(_) => self.descriptions == Descriptions::Untrusted,
            None => true,
        }
    }
}

/// Which arguments a rule is for: `to`, `payment.amount`, `items[].price`. A rule covers everything below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct ArgumentPath(Vec<PathPart>);

/// One step into an argument.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum PathPart {
    /// The member of an object.
    Member(String),
    /// Each element of a list.
    Each,
}

/// A text that names no argument.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no argument; write it as to, payment.amount or items[].price")]
pub struct ArgumentPathError(String);

impl ArgumentPath {
    pub(super) fn parts(&self) -> &[PathPart] {
        &self.0
    }
}

impl std::str::FromStr for ArgumentPath {
    type Err = ArgumentPathError;

    fn from_str(text: &str) -> Result<Self, ArgumentPathError> {
        let error = || ArgumentPathError(text.to_owned());
        let mut parts = Vec::new();
        for member in text.split('.') {
            let name = member.trim_end_matches("[]");
            if name.is_empty() || name.contains(['[', ']']) {
                return Err(error());
            }
            parts.push(PathPart::Member(name.to_owned()));
            parts.extend(std::iter::repeat_n(PathPart::Each, (member.len() - name.len()) / 2));
        }
        if parts.len() > 16 { Err(error()) } else { Ok(Self(parts)) }
    }
}

impl TryFrom<String> for ArgumentPath {
    type Error = ArgumentPathError;

    fn try_from(text: String) -> Result<Self, ArgumentPathError> {
        text.parse()
    }
}

impl From<ArgumentPath> for String {
    fn from(path: ArgumentPath) -> Self {
        path.to_string()
    }
}

impl fmt::Display for ArgumentPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, part) in self.0.iter().enumerate() {
            match part {
                PathPart::Member(name) if n == 0 => f.write_str(name)?,
                PathPart::Member(name) => write!(f, ".{name}")?,
                PathPart::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_and_print_the_same() {
        for text in ["to", "payment.amount", "items[].price", "grid[][]"] {
            assert_eq!(text.parse::<ArgumentPath>().unwrap().to_string(), text);
        }
        for text in ["", ".", "a..b", "[]", "a[0]", "a]"] {
            assert!(text.parse::<ArgumentPath>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_silent_policy_is_strict() {
        let rule: ArgumentRule = serde_json::from_str("{}").unwrap();
        assert_eq!(rule, ArgumentRule::any());
        assert_eq!(rule.otherwise, Verdict::Deny);
        assert_eq!(rule.private, Verdict::NeedsApproval);
        let policy: Policy = serde_json::from_str("{}").unwrap();
        assert_eq!(policy, Policy::default());
        assert_eq!(policy.exposed.of(&ToolRule::new([Effect::Send])), Verdict::NeedsApproval);
        assert_eq!(policy.exposed.of(&ToolRule::new([])), Verdict::NeedsApproval);
        assert!(serde_json::from_str::<Policy>(r#"{"tolls": {}}"#).is_err());
        let switched_off = r#"{"trifecta": {"verdict": "allow"}}"#;
        assert!(serde_json::from_str::<Policy>(switched_off).is_err());
    }
}
