//! Ids inside the page. Every link is made here from what the page really contains, so that none dangles
//! and no id occurs twice, whatever the names in the input are.

use std::collections::{BTreeMap, BTreeSet};

use maud::{Markup, html};
use proofhouse_core::Digest;

use crate::ReportInput;

/// Id of the release, under its section.
pub const RELEASE: &str = "release";

/// Where things are on the page.
pub struct Anchors {
    /// Evidence rows, by digest.
    pub evidence: Register,
    /// Threat rows, by catalogue id.
    pub threats: Register,
    /// Signal rows, by id.
    pub signals: Register,
    /// Instance rows, by id.
    pub instances: Register,
    checks: BTreeMap<Digest, String>,
    named: BTreeMap<Digest, (&'static str, &'static str)>,
}

impl Anchors {
    /// Lays out the ids of a page.
    pub fn new(input: &ReportInput) -> Self {
        Self {
            evidence: Register::new("ev", input.evidence.iter().map(|e| (e.id.to_string(), e.id.short()))),
            threats: Register::new("th", input.threats.iter().map(|t| (t.id.clone(), slug(&t.id)))),
            signals: Register::new("sig", input.signals.iter().map(|s| (s.id.clone(), slug(&s.id)))),
            instances: Register::new("in", input.instances.iter().map(|i| (i.id.clone(), slug(&i.id)))),
            checks: input.evidence.iter().map(|e| (e.id, e.check.clone())).collect(),
            named: named(input),
        }
    }

    /// A proof mark: links to the evidence where the page has it, or to what else the digest names here;
    /// otherwise shows the bare digest.
    pub fn mark(&self, id: &Digest) -> Markup {
        let hex = id.to_hex();
        let short = hex.get(..8).unwrap_or_default();
        let check = self.checks.get(id).map(String::as_str).unwrap_or_default();
        html! {
            @match self.evidence.of(&id.to_string()) {
                Some(anchor) => { a.mark href={ "#" (anchor) } { (check) " " code { (short) } } },
                None => {
                    @match self.named.get(id) {
                        Some((name, place)) => { a.mark href={ "#" (place) } { (name) " " code { (short) } } },
                        None => { span.mark.loose title=(id) { "not in this report " code { (short) } } },
                    }
                },
            }
        }
    }

    /// Proof marks of several results; a dash where there is none.
    pub fn marks(&self, ids: &[Digest]) -> Markup {
        html! {
            @if ids.is_empty() { span.none { "none" } }
            @for id in ids { (self.mark(id)) " " }
        }
    }

    /// Threat ids, linked where the page has them.
    pub fn threat_links(&self, ids: &[String]) -> Markup {
        html! {
            @for (i, id) in ids.iter().enumerate() {
                @if i > 0 { ", " }
                (self.threats.link(id))
            }
        }
    }
}

/// Digests that are no evidence and stand on the page, with what they are and the id of where.
fn named(input: &ReportInput) -> BTreeMap<Digest, (&'static str, &'static str)> {
    let mut named = BTreeMap::new();
    let mut name = |digest: Option<Digest>, what, place| {
        if let Some(digest) = digest {
            named.entry(digest).or_insert((what, place));
        }
    };
    let (release, gate) = (input.release.as_ref(), input.gate.as_ref());
    name(release.and_then(|r| r.bom), "ML-BOM", RELEASE);
    name(release.map(|r| r.signature), "signature", RELEASE);
    name(release.map(|r| r.root), "OpenSSF root", RELEASE);
    name(gate.map(|g| g.decision), "decision", "gate");
    name(gate.map(|g| g.policy), "policy", "gate");
    name(
        input.recall.as_ref().and_then(|r| r.certificate.as_ref()).map(|c| c.digest),
        "certificate",
        "recall",
    );
    name(input.system.model.digest, "model", "top");
    name(Some(input.system.digest), "system file", "top");
    named
}

/// Ids of one kind.
pub struct Register {
    by_key: BTreeMap<String, String>,
    rows: Vec<Option<String>>,
}

impl Register {
    /// `keys` yields what a thing is looked up by and how its id should end, row by row.
    fn new(prefix: &str, keys: impl Iterator<Item = (String, String)>) -> Self {
        let mut taken = BTreeSet::new();
        let mut by_key = BTreeMap::new();
        let mut rows = Vec::new();
        for (key, ending) in keys {
            if by_key.contains_key(&key) {
                // The same thing twice: links go to its first row.
                rows.push(None);
                continue;
            }
            let wanted = format!("{prefix}-{ending}");
            let mut anchor = wanted.clone();
            let mut n = 2;
            while !taken.insert(anchor.clone()) {
                anchor = format!("{wanted}-{n}");
                n += 1;
            }
            by_key.insert(key, anchor.clone());
            rows.push(Some(anchor));
        }
        Self { by_key, rows }
    }

    /// The id of a row, counted from 0; a repeated row has none.
    pub fn row(&self, index: usize) -> Option<&str> {
        self.rows.get(index).and_then(|r| r.as_deref())
    }

    /// The id of the row that shows `key`.
    pub fn of(&self, key: &str) -> Option<&str> {
        self.by_key.get(key).map(String::as_str)
    }

    /// `key`, linked where the page shows it.
    pub fn link(&self, key: &str) -> Markup {
        html! {
            @match self.of(key) {
                Some(anchor) => { a href={ "#" (anchor) } { (key) } },
                None => { (key) },
            }
        }
    }
}

/// A name as part of an id: ASCII letters, digits and single hyphens, at most 48.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if out.len() >= 48 {
            break;
        }
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    let trimmed = out.trim_end_matches('-');
    if trimmed.is_empty() { "x".to_owned() } else { trimmed.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("MOD-01"), "mod-01");
        assert_eq!(slug("\"><script>x"), "script-x");
        assert_eq!(slug("——"), "x");
        assert!(slug(&"a".repeat(1000)).len() <= 48);
    }

    #[test]
    fn different_things_never_share_an_id() {
        let keys = ["a b", "a-b", "a_b", "a b"].map(|k| (k.to_owned(), slug(k)));
        let register = Register::new("th", keys.into_iter());
        assert_eq!(register.row(0), Some("th-a-b"));
        assert_eq!(register.row(1), Some("th-a-b-2"));
        assert_eq!(register.row(2), Some("th-a-b-3"));
        assert_eq!(register.row(3), None);
        assert_eq!(register.of("a_b"), Some("th-a-b-3"));
        assert_eq!(register.of("c"), None);
    }
}
