//! Annotations of rules, read on this side.
//!
//! `rego.metadata.*` exists in the Open Policy Agent and not in regorus, so rules do not look at their own
//! annotations. The host reads the `# METADATA` blocks and joins them to a decision by reason code.
//!
//! The blocks are YAML; read here are flat `key: value` lines, folded texts (`>-`) and one level of
//! `custom:`, which is all that the shipped bundle writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Bundle;
use crate::tokens::{Kind, tokens};

/// What the annotations say about a reason code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The rule's title.
    pub title: String,
    /// Why the rule exists.
    pub description: String,
    /// What to do about it.
    pub solution: String,
    /// The package whose rule this is.
    pub package: String,
}

/// Explanations by package and reason code, over every policy file of the bundle.
pub(crate) fn explanations(bundle: &Bundle) -> BTreeMap<(String, String), Explanation> {
    let mut out = BTreeMap::new();
    for (_, source) in bundle.policies() {
        let package = crate::tokens::package_of(source).unwrap_or_default();
        for block in blocks(source) {
            let take = |key: &str| block.get(key).cloned().unwrap_or_default();
            if let Some(code) = block.get("code") {
                out.insert(
                    (package.clone(), code.clone()),
                    Explanation {
                        title: take("title"),
                        description: take("description"),
                        solution: take("solution"),
                        package: package.clone(),
                    },
                );
            }
        }
    }
    out
}

/// The annotation blocks of a file as flat maps.
fn blocks(source: &str) -> Vec<BTreeMap<String, String>> {
    let mut out: Vec<BTreeMap<String, String>> = Vec::new();
    let mut open: Option<(u64, Option<String>)> = None;
    for token in tokens(source) {
        if token.kind != Kind::Comment {
            open = None;
            continue;
        }
        let text = token.text.trim_start_matches('#');
        if text.trim() == "METADATA" {
            out.push(BTreeMap::new());
            open = Some((token.line, None));
            continue;
        }
        let Some((line, folded)) = &mut open else { continue };
        let Some(block) = out.last_mut().filter(|_| token.line == *line + 1) else {
            open = None;
            continue;
        };
        *line = token.line;
        let text = text.trim();
        match (text.split_once(": ").or_else(|| text.strip_suffix(':').map(|key| (key, ""))), &folded) {
            // A folded text goes on until a line that is a key again.
            (Some((key, value)), _) if is_key(key) => {
                let starts_fold = matches!(value.trim(), ">-" | ">" | "|");
                *folded = starts_fold.then(|| key.to_owned());
                let value = if starts_fold { "" } else { unquoted(value.trim()) };
                block.insert(key.to_owned(), value.to_owned());
            }
            (_, Some(key)) => {
                let value = block.entry(key.clone()).or_default();
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(text);
            }
            _ => {}
        }
    }
    out
}

fn is_key(text: &str) -> bool {
    const KEYS: [&str; 8] =
        ["title", "description", "custom", "code", "solution", "scope", "entrypoint", "related_resources"];
    KEYS.contains(&text)
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_blocks_the_bundle_writes() {
        let source = "# METADATA\n# title: A\n# description: >-\n#   one: two\n#   three\n# custom:\n#   code: x/y\n#   solution: \"Do.\"\np := 1\n# title: not in a block\n";
        let all = blocks(source);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0]["description"], "one: two three");
        assert_eq!((all[0]["code"].as_str(), all[0]["solution"].as_str()), ("x/y", "Do."));
        assert_eq!(all[0]["title"], "A");
    }

    #[test]
    fn every_shipped_code_is_explained_in_full() {
        let all = explanations(&Bundle::shipped());
        assert!(all.len() > 40, "{}", all.len());
        for ((_, code), e) in all {
            assert!(!e.title.is_empty() && !e.description.is_empty() && !e.solution.is_empty(), "{code}");
        }
    }
}
