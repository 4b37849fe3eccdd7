//! What a caller is told when something was withheld: which tool, which rules, and how a person can approve
//! it. Not what the rules say in particular, nor what set them off: that is for the operator's records.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proofhouse_dialogue::Name;
use proofhouse_guard::flow::Decision;

use super::exchange::is_open;

/// What is said in place of calls that were withheld; nothing where none was.
pub(crate) fn withheld(calls: &[(Name, Decision)]) -> Option<String> {
    if calls.is_empty() {
        return None;
    }
    let mut out = String::new();
    for (tool, decision) in calls {
        let rules: BTreeSet<&str> = decision.rules().map(|rule| rule.code()).collect();
        let rules: Vec<&str> = rules.into_iter().collect();
        let separator = if out.is_empty() { "" } else { "\n" };
        let _ = write!(out, "{separator}[A call of {tool} was withheld: {}.", rules.join(", "));
        if is_open(decision) {
            let _ = write!(out, " A person can approve exactly this call: {}.", decision.digest);
        }
        out.push(']');
    }
    Some(out)
}
