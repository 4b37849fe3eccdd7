//! What the boundary answers, and why.

use std::fmt;

use proofhouse_core::Digest;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Step;

/// The three answers, from the mildest to the strictest; several together are the strictest of them.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It may go ahead.
    #[default]
    Allow,
    /// It may go ahead once a person has approved exactly this.
    NeedsApproval,
    /// It may not go ahead, whoever approves.
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::NeedsApproval => "needs-approval",
            Self::Deny => "deny",
        })
    }
}

macro_rules! rules {
    ($($variant:ident $code:literal $doc:literal)*) => {
        /// A rule of the boundary. Its code is stable and never changes its meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $doc] #[serde(rename = $code)] $variant,)*
        }

        impl Rule {
            /// Every rule.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its code, such as `tool/undeclared`.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What it says, in one sentence.
            #[must_use]
            pub const fn statement(self) -> &'static str {
                match self { $(Self::$variant => $doc,)* }
            }
        }
    };
}

rules! {
    ToolUndeclared "tool/undeclared" "Only tools that the policy declares may be called."
    ToolNotOffered "tool/not-offered" "Only tools that the conversation offers may be called."
    ToolDescription "tool/description" "A tool's description is the one that was reviewed."
    ToolApproval "tool/approval" "This tool is called only as the policy says, whatever is in context."
    ToolExposed "tool/exposed" "Once untrusted text is in context, this tool is called only as the policy says."
    ToolTooOften "tool/too-often" "A tool is called a limited number of times in one conversation."
    CallId "call/id" "Each call has an identifier of its own."
    ArgumentUndeclared "argument/undeclared" "Tools with effects take only arguments that the policy declares."
    ArgumentMissing "argument/missing" "Required arguments are there."
    ArgumentMalformed "argument/malformed" "An argument is what its rule reads it as, in one spelling only."
    ArgumentSource "argument/source" "The value stands, literally and whole, in a text of sufficient trust."
    ArgumentAmbiguous "argument/ambiguous" "A number can be read in one way only."
    ArgumentContested "argument/contested" "A value that untrusted text names too is treated as the policy says."
    ArgumentUnlisted "argument/unlisted" "The value is one that the policy lists."
    ArgumentHost "argument/host" "Addresses lead only to hosts that the policy lists."
    ArgumentRedirect "argument/redirect" "An address does not carry another one to a host that is not listed."
    ArgumentData "argument/data" "An address carries no more than addresses need."
    ArgumentLimit "argument/limit" "Numbers stay within their bounds."
    ArgumentLength "argument/length" "Texts stay within their length."
    ArgumentPrivate "argument/private" "Private data is not carried outside in an argument."
    Trifecta "flow/trifecta" "Private data, untrusted text and an outbound effect never meet without a person's approval."
    LinkHost "link/host" "Links lead to hosts that the policy lists, or stand in a trusted text."
    ImageHost "link/image" "Images and other things loaded unasked come from hosts that the policy lists for them."
    LinkForm "link/form" "Links are written plainly, in a scheme that the policy lists."
    LinkData "link/data" "A link that is not quoted whole from a text carries no more than links need."
    LinkPrivate "link/private" "Private data is not carried outside in a link."
    LinkRedirect "link/redirect" "A link does not carry another one to a host that is not listed."
    Budget "budget/exceeded" "What is too large to be judged is not passed."
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why something may not simply go ahead. Holds places and labels, never the text that stands there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule.
    pub rule: Rule,
    /// What it demands.
    pub verdict: Verdict,
    /// One sentence with the particulars.
    pub message: String,
    /// The argument it is about, such as `to[1]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argument: Option<String>,
    /// The segments that led to it, in the order in which they did.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Step>,
    /// A person's approval of exactly this call answers it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approved: bool,
}

impl Reason {
    pub(super) fn new(rule: Rule, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { rule, verdict, message: message.into(), argument: None, path: Vec::new(), approved: false }
    }

    pub(super) fn deny(rule: Rule, message: impl Into<String>) -> Self {
        Self::new(rule, Verdict::Deny, message)
    }

    pub(super) fn about(mut self, argument: impl Into<String>) -> Self {
        self.argument = Some(argument.into());
        self
    }

    pub(super) fn along(mut self, path: impl IntoIterator<Item = Step>) -> Self {
        self.path.extend(path);
        self
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.rule, self.message)?;
        for (n, step) in self.path.iter().enumerate() {
            write!(f, "{}{step}", if n == 0 { " [" } else { " → " })?;
        }
        if !self.path.is_empty() {
            f.write_str("]")?;
        }
        if self.approved {
            f.write_str(" (approved)")?;
        }
        Ok(())
    }
}

/// The boundary's answer about one call, or about what the model says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What follows from the reasons.
    pub verdict: Verdict,
    /// Every reason, in the order of the rules.
    pub reasons: Vec<Reason>,
    /// Names exactly this call at exactly this point of the conversation; what an approval is given for.
    pub digest: Digest,
    /// Who approved it, where that mattered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
}

impl Decision {
    pub(super) fn of(mut reasons: Vec<Reason>, digest: Digest) -> Self {
        reasons.sort_by_key(|r| r.rule);
        let mut decision = Self { verdict: Verdict::Allow, reasons, digest, approved_by: None };
        decision.weigh();
        decision
    }

    /// Lets an approval answer what can be approved.
    pub(super) fn approve(&mut self, by: &str) {
        for reason in self.reasons.iter_mut().filter(|r| r.verdict == Verdict::NeedsApproval) {
            reason.approved = true;
            self.approved_by = Some(by.to_owned());
        }
        self.weigh();
    }

    fn weigh(&mut self) {
        self.verdict =
            self.reasons.iter().filter(|r| !r.approved).map(|r| r.verdict).max().unwrap_or_default();
    }

    /// Whether it may go ahead now.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allow
    }

    /// The rules that objected, approved or not.
    pub fn rules(&self) -> impl Iterator<Item = Rule> {
        self.reasons.iter().map(|r| r.rule)
    }
}
