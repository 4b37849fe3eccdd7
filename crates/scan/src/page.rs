//! The page about the rules, made from the rules.

use std::fmt::Write as _;

use crate::rules;

/// The page, in Markdown: `docs/scan-rules.md`.
#[must_use]
pub fn rules_page() -> String {
    let mut out = String::from(HEAD);
    let mut group = "";
    for rule in rules() {
        let (this, _) = rule.id.split_once('/').unwrap_or((rule.id, ""));
        if this != group {
            group = this;
            let _ = write!(out, "\n## {group}\n");
        }
        let references: Vec<String> = rule.references().iter().map(ToString::to_string).collect();
        let _ = write!(
            out,
            "\n### `{}`\n\n**{}.** Severity {}; a file with it is {}.\n\n{}\n\n*What to do:* {}\n",
            rule.id, rule.title, rule.severity, rule.outcome, rule.what, rule.remediation
        );
        if !references.is_empty() {
            let _ = write!(out, "\n*References:* {}\n", references.join(", "));
        }
    }
    out
}

const HEAD: &str = "# Rules of `proofhouse scan`

Made by `proofhouse scan --rules-page` from the rules themselves; a test holds this page to them.

A file is **clean** when every byte of it is accounted for and nothing in it runs, **suspicious** when that is not
proven, **malicious** when it reaches something harmful, and **unscannable** where it could not be looked into; the
last stands beside the others, and what was found before stays found. The worst of all files is the outcome of the
scan: the exit status is 0 for clean, 1 for suspicious or malicious, and 2 for unscannable or when the scan itself
failed. A finding of severity `info` explains and changes nothing.
";

#[cfg(test)]
mod tests {
    use super::rules_page;

    /// `PROOFHOUSE_WRITE=1 cargo test -p proofhouse-scan page` writes it anew.
    #[test]
    fn the_page_is_that_of_the_rules() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/scan-rules.md");
        if std::env::var_os("PROOFHOUSE_WRITE").is_some() {
            std::fs::write(path, rules_page()).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == rules_page(), "docs/scan-rules.md is not that of the rules: write it anew");
    }
}
