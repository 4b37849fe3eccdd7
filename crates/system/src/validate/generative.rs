//! What has to hold for a model that writes, its boundary and its checks.

use std::collections::BTreeSet;

use super::{Checker, ids};
use crate::{Boundary, Id, TableFormat};

/// Shortest canary. A shorter one is met by chance, or guessed.
const MIN_CANARY: usize = 12;

impl Checker<'_> {
    pub(super) fn generative(&mut self) {
        let s = self.system;
        let components = ids(s.components.iter().map(|c| &c.id));
        if let Some(component) = s.assistant.as_ref().and_then(|a| a.component.as_ref()) {
            self.refers("assistant.component", component, &components, "components");
        }
        if let Some(boundary) = &s.boundary {
            self.boundary(boundary, &components);
        }
        self.checks_of_text();
        self.routes_of_text();
    }

    fn boundary(&mut self, boundary: &Boundary, components: &BTreeSet<&str>) {
        let mut names = BTreeSet::new();
        for (i, tool) in boundary.tools.iter().enumerate() {
            let at = |key: &str| format!("boundary.tools[{i}].{key}");
            if !names.insert(&tool.name) {
                self.report(&at("name"), format!("another tool is called {}", tool.name), None);
            }
            if let Some(component) = &tool.component {
                self.refers(&at("component"), component, components, "components");
            }
            let mut arguments = BTreeSet::new();
            for (j, rule) in tool.arguments.iter().enumerate() {
                let path = format!("boundary.tools[{i}].arguments[{j}]");
                if !arguments.insert(&rule.name) {
                    self.report(&path, "the argument already has a rule", "write both into one");
                }
            }
        }
        let mut names = BTreeSet::new();
        for (i, source) in boundary.sources.iter().enumerate() {
            let at = |key: &str| format!("boundary.sources[{i}].{key}");
            if !names.insert((source.kind as u8, &source.name)) {
                self.report(
                    &at("name"),
                    format!("another source of this kind is called {}", source.name),
                    None,
                );
            }
            if let Some(component) = &source.component {
                self.refers(&at("component"), component, components, "components");
            }
        }
        for (i, _) in boundary.hosts.iter().enumerate().filter(|(_, host)| !is_host(host)) {
            let hint = "write help.example.org, or *.example.org for all below; no scheme, no port, no path";
            self.report(&format!("boundary.hosts[{i}]"), "this is no host", hint);
        }
        self.unique("boundary.canaries", boundary.canaries.iter().map(|c| &c.id));
        for (i, canary) in boundary.canaries.iter().enumerate() {
            let short = |v: &String| v.chars().count() < MIN_CANARY;
            if canary.values.as_ref().is_some_and(|v| v.is_empty() || v.iter().any(short)) {
                let path = format!("boundary.canaries[{i}].values");
                self.report(&path, "a canary has at least 12 characters", "a shorter one is met by chance");
            }
        }
        if self.system.model.as_ref().is_some_and(|m| !m.writes()) {
            let hint = "set model.task to generation, or leave the boundary out";
            self.report("boundary", "the model does not write, so there is no text to keep apart", hint);
        }
    }

    fn checks_of_text(&mut self) {
        let s = self.system;
        let c = &s.checks;
        let writes = s.model.as_ref().is_some_and(|m| m.writes());
        let of_classes = [
            ("performance", c.performance.is_some()),
            ("evasion", c.evasion.is_some()),
            ("label_noise", c.label_noise.is_some()),
            ("drift", c.drift.is_some()),
        ];
        for (check, _) in of_classes.iter().filter(|(_, there)| *there && writes) {
            let hint = "leave it out; checks.injection and checks.hit_rate are for models that write";
            self.report(&format!("checks.{check}"), "the model writes, and this check reads classes", hint);
        }
        let of_text = [("injection", c.injection.is_some()), ("hit_rate", c.hit_rate.is_some())];
        for (check, _) in of_text.iter().filter(|(_, there)| *there && !writes) {
            let hint = "leave it out, or set model.task to generation";
            self.report(&format!("checks.{check}"), "this check needs a model that writes", hint);
        }
        if let Some(injection) = &c.injection {
            self.lines("checks.injection.tasks", &injection.tasks);
            if s.requirements.injection.is_none() {
                let hint = "add requirements.injection";
                self.report("checks.injection", "what the model has to withstand is not said", hint);
            }
        }
        if let Some(rate) = &c.hit_rate {
            self.lines("checks.hit_rate.reference", &rate.reference);
            if s.false_hit_alarms_per_year().is_none() {
                let hint = "set alarms_per_year here or requirements.drift.false_alarms_per_year";
                self.report("checks.hit_rate", "the budget for false alarms is not said", hint);
            }
        }
    }

    /// A reference to a dataset of JSON lines.
    fn lines(&mut self, path: &str, id: &Id) {
        let datasets = ids(self.system.datasets.iter().map(|d| &d.id));
        self.refers(path, id, &datasets, "datasets");
        if self.system.dataset(id).is_some_and(|d| d.format != TableFormat::JsonLines) {
            let what = format!("the dataset {id} is not written as json-lines");
            self.report(path, what, "name one with a conversation or task a line");
        }
    }

    fn routes_of_text(&mut self) {
        let s = self.system;
        let (Some(deployment), Some(model)) = (&s.deployment, &s.model) else { return };
        for (i, route) in deployment.gateway.routes.iter().enumerate() {
            if route.model == model.id && route.protocol.is_chat() != model.writes() {
                let path = format!("deployment.gateway.routes[{i}].protocol");
                let (what, hint) = if model.writes() {
                    (
                        "the model writes, and this protocol carries numbers",
                        "say openai-chat or anthropic-messages",
                    )
                } else {
                    (
                        "the model does not write, and this protocol carries conversations",
                        "say oip-v2, or leave it out",
                    )
                };
                self.report(&path, what, hint);
            }
        }
    }
}

/// A host name in lower case, or `*.` and one.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let label = |part: &str| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !part.is_empty()
            && part.len() <= 63
            && part.chars().all(plain)
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_and_nothing_else() {
        for good in ["localhost", "help.example.org", "*.example.org", "xn--bcher-kva.example"] {
            assert!(is_host(good), "{good}");
        }
        for bad in [
            "",
            "*",
            "https://a.example",
            "a.example/x",
            "a.example:80",
            "A.example",
            "*.*.example",
            ".a",
            "a..b",
            "bücher.example",
        ] {
            assert!(!is_host(bad), "{bad}");
        }
    }
}
