//! What a caller is told when something was withheld: which tool, which rules, and how a person can approve
//! it. Not what the rules say in particular, nor what set them off: that is for the operator's records.

use std::fmt::Write as _;

use proofhouse_core::Digest;
use proofhouse_dialogue::Name;

/// A call that did not leave.
pub(crate) struct Withheld {
    pub tool: Name,
    /// Codes of the rules that objected, each once.
    pub rules: Vec<String>,
    /// The call, where a person can approve it.
    pub approvable: Option<Digest>,
}

/// What is said in place of calls that were withheld; nothing where none was.
pub(crate) fn withheld(calls: &[Withheld]) -> Option<String> {
    if calls.is_empty() {
        return None;
    }
    let mut out = String::new();
    for Withheld { tool, rules, approvable } in calls {
        let separator = if out.is_empty() { "" } else { "\n" };
        let _ = write!(out, "{separator}[A call of {tool} was withheld: {}.", rules.join(", "));
        if let Some(call) = approvable {
            let _ = write!(out, " A person can approve exactly this call: {call}.");
        }
        out.push(']');
    }
    Some(out)
}

/// What is said in place of an answer that must not be shown.
pub(crate) fn unsaid(rules: &[String]) -> String {
    format!("[What the model said was withheld: {}.]", rules.join(", "))
}
