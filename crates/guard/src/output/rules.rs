//! What the operator says, and what a scanner needs of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::code::Within;
use super::links::Markup;
use super::look::{Look, Step};
use super::{
    Action, Confidential, Locale, OutputFinding, OutputRule, Released, Scanner, active, links, output_rules,
    personal, secret,
};
use crate::link::LinkRules;

/// The operator's output rules. Without any statement everything is looked for, each rule does what its
/// table says, and no link leads to another host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputRules {
    /// Actions that differ from the table's, by rule (`personal/e-mail`) or family (`personal`). What is
    /// stated of the rule outranks what is stated of its family.
    pub actions: BTreeMap<String, Action>,
    /// Countries whose personal numbers are looked for; all where nothing is stated. Payment cards, bank
    /// accounts, e-mail addresses and passports are looked for everywhere.
    pub locales: Option<BTreeSet<Locale>>,
    /// Which links may leave.
    pub links: LinkRules,
}

/// How much of a confidential text may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Overlap {
    /// So many words in a row are too many, a character counting as a word where a script has no spaces …
    pub words: usize,
    /// … if they have at least so many bytes of letters and digits.
    pub bytes: usize,
}

impl Default for Overlap {
    fn default() -> Self {
        Self { words: 8, bytes: 32 }
    }
}

impl OutputRules {
    /// Names in `actions` that are neither a rule nor a family.
    pub fn unknown_names(&self) -> impl Iterator<Item = &str> {
        self.actions
            .keys()
            .map(String::as_str)
            .filter(|name| !output_rules().any(|rule| rule.id == *name || rule.family() == *name))
    }
}

/// Output rules, ready to read answers. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Filter(Arc<Inner>);

/// What scanners of one filter share.
#[derive(Debug)]
pub(super) struct Inner {
    links: LinkRules,
    look_for_links: bool,
    active: active::Table,
    actions: BTreeMap<&'static str, Action>,
    personal: personal::Table,
    secrets: secret::Table,
    /// Bytes, other than the first of a word, where something may begin.
    pub special: [bool; 256],
}

impl Filter {
    /// Prepares rules.
    #[must_use]
    pub fn new(rules: &OutputRules) -> Self {
        let stated = |rule: &OutputRule| {
            let named = rules.actions.get(rule.id).or_else(|| rules.actions.get(rule.family()));
            named.copied().unwrap_or(rule.action)
        };
        let actions: BTreeMap<_, _> = output_rules().map(|rule| (rule.id, stated(rule))).collect();
        let on = |rule: &OutputRule| actions.get(rule.id) != Some(&Action::Ignore);
        let look_for_links = links::RULES.iter().any(on);
        let personal = personal::Table::new(rules.locales.as_ref(), &on);
        let secrets = secret::Table::new(&on);
        let active = active::Table::new(&on);
        let mut special = [false; 256];
        for byte in b"-".iter().chain(personal::SPECIAL).copied().chain(active.special()) {
            special[usize::from(byte)] = true;
        }
        if look_for_links {
            for byte in links::SPECIAL {
                special[usize::from(*byte)] = true;
            }
        }
        Self(Arc::new(Inner {
            links: rules.links.clone(),
            look_for_links,
            active,
            actions,
            personal,
            secrets,
            special,
        }))
    }

    /// A scanner for one answer.
    #[must_use]
    pub fn scanner(&self, confidential: &Confidential) -> Scanner {
        Scanner::new(Arc::clone(&self.0), confidential.secrets())
    }

    /// Reads a whole text.
    #[must_use]
    pub fn scan(&self, confidential: &Confidential, text: &str) -> Released {
        let mut scanner = self.scanner(confidential);
        let mut released = scanner.push(text);
        released.append(scanner.finish());
        released
    }

    /// What is found in a whole text, in the order of places, whatever would be done about it.
    #[must_use]
    pub fn findings(&self, confidential: &Confidential, text: &str) -> Vec<OutputFinding> {
        let all = Inner { actions: self.0.reporting(), ..self.0.parts() };
        let mut scanner = Scanner::new(Arc::new(all), confidential.secrets());
        let mut released = scanner.push(text);
        released.append(scanner.finish());
        for finding in &mut released.findings {
            finding.action = self.0.actions.get(finding.rule).copied().unwrap_or(finding.action);
        }
        released
            .findings
            .sort_by(|a, b| (a.span.start, a.span.end, a.rule).cmp(&(b.span.start, b.span.end, b.rule)));
        released.findings
    }
}

impl Inner {
    pub(super) fn action(&self, rule: &OutputRule) -> Action {
        self.actions.get(rule.id).copied().unwrap_or(rule.action)
    }

    pub(super) fn secret(&self, look: Look<'_>) -> Step {
        self.secrets.recognise(look)
    }

    pub(super) fn personal(&self, look: Look<'_>) -> Step {
        self.personal.recognise(look)
    }

    pub(super) fn link(&self, look: Look<'_>, markup: &Markup) -> Step {
        if self.look_for_links { links::recognise(&self.links, look, markup) } else { Step::No }
    }

    pub(super) fn active(&self, look: Look<'_>, within: Within) -> Step {
        self.active.recognise(look, within)
    }

    /// The same actions, but nothing that is found hides or ends the text.
    fn reporting(&self) -> BTreeMap<&'static str, Action> {
        self.actions.iter().map(|(rule, action)| (*rule, (*action).min(Action::Report))).collect()
    }

    fn parts(&self) -> Self {
        Self {
            links: self.links.clone(),
            look_for_links: self.look_for_links,
            active: self.active,
            actions: BTreeMap::new(),
            personal: self.personal.clone(),
            secrets: self.secrets.clone(),
            special: self.special,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_outranks_its_family() {
        let rules: OutputRules = serde_json::from_str(
            r#"{"actions": {"personal": "ignore", "personal/iban": "block", "personl": "block"}}"#,
        )
        .unwrap();
        assert_eq!(rules.unknown_names().collect::<Vec<_>>(), ["personl"]);
        let filter = Filter::new(&rules);
        let none = Confidential::new();
        assert!(filter.scan(&none, "DE89 3704 0044 0532 0130 00").blocked);
        assert!(filter.scan(&none, "4111 1111 1111 1111").findings.is_empty());
    }
}
