//! What the types cannot say: that references lead somewhere, that numbers are in order, that dates end.
//! Every problem is collected, so that one run shows them all.

mod domain;
mod generative;
mod model_checks;

use std::collections::BTreeSet;

use crate::error::did_you_mean;
use crate::{
    Dataset, Id, MAX_ACCEPTANCE_DAYS, MAX_WAIVER_DAYS, Norm, Range, System, SystemError, TolerancePoint,
};

pub(crate) fn check(system: &System) -> Vec<SystemError> {
    let mut checker = Checker { system, errors: Vec::new() };
    checker.architecture();
    checker.data();
    checker.checks();
    checker.model_checks();
    checker.decisions();
    checker.risk();
    checker.governance();
    checker.deployment();
    checker.generative();
    checker.errors
}

struct Checker<'a> {
    system: &'a System,
    errors: Vec<SystemError>,
}

impl Checker<'_> {
    fn report(&mut self, path: &str, what: impl Into<String>, hint: impl Into<Option<&'static str>>) {
        let hint = hint.into().map(str::to_owned);
        self.errors.push(SystemError { place: self.system.place(path), what: what.into(), hint });
    }

    fn unique<'i>(&mut self, list: &str, ids: impl IntoIterator<Item = &'i Id>) -> BTreeSet<&'i str> {
        let mut seen = BTreeSet::new();
        for (i, id) in ids.into_iter().enumerate() {
            if !seen.insert(id.as_str()) {
                self.report(
                    &format!("{list}[{i}].id"),
                    format!("the id {id} is taken by an earlier entry of {list}"),
                    "ids are how findings remember things; choose another",
                );
            }
        }
        seen
    }

    fn refers(&mut self, path: &str, id: &Id, known: &BTreeSet<&str>, what: &str) {
        if !known.contains(id.as_str()) {
            let hint = did_you_mean(id.as_str(), known.iter().copied()).map_or_else(
                || format!("describe it under {what}, or correct the reference"),
                |near| format!("did you mean {near}?"),
            );
            self.errors.push(SystemError {
                place: self.system.place(path),
                what: format!("there is no entry {id} under {what}"),
                hint: Some(hint),
            });
        }
    }

    fn refer_all(&mut self, path: &str, ids: Option<&[Id]>, known: &BTreeSet<&str>, what: &str) {
        for (i, id) in ids.into_iter().flatten().enumerate() {
            self.refers(&format!("{path}[{i}]"), id, known, what);
        }
    }

    fn ordered(&mut self, path: &str, range: Option<&Range>) {
        if range.is_some_and(|r| !r.is_ordered()) {
            self.report(
                path,
                "low, likely and high are not in that order",
                "give a range that holds the true value nine times of ten",
            );
        }
    }

    fn architecture(&mut self) {
        let s = self.system;
        let zones = self.unique("zones", s.zones.iter().map(|z| &z.id));
        let actors = self.unique("actors", s.actors.iter().map(|a| &a.id));
        let components = self.unique("components", s.components.iter().map(|c| &c.id));
        self.unique("people", s.people.iter().map(|p| &p.id));
        for (i, component) in s.components.iter().enumerate() {
            if let Some(zone) = &component.zone {
                self.refers(&format!("components[{i}].zone"), zone, &zones, "zones");
            }
            let at = format!("components[{i}].writers");
            self.refer_all(&at, component.writers.as_deref(), &actors, "actors");
        }
        let mut keys = BTreeSet::new();
        for (i, flow) in s.flows.iter().enumerate() {
            self.refers(&format!("flows[{i}].from"), &flow.from, &components, "components");
            self.refers(&format!("flows[{i}].to"), &flow.to, &components, "components");
            let at = format!("flows[{i}].writers");
            self.refer_all(&at, flow.writers.as_deref(), &actors, "actors");
            if flow.from == flow.to {
                self.report(&format!("flows[{i}].to"), "the flow leads back to where it starts", None);
            }
            if flow.carries.is_empty() {
                self.report(
                    &format!("flows[{i}].carries"),
                    "the flow carries nothing",
                    "name what it carries",
                );
            }
            if !keys.insert(flow.key()) {
                let what = format!("another flow is already known as {}", flow.key());
                self.report(&format!("flows[{i}]"), what, "merge the two or give this one an id");
            }
        }
    }

    fn data(&mut self) {
        let s = self.system;
        let datasets = self.unique("datasets", s.datasets.iter().map(|d| &d.id));
        let components = ids(s.components.iter().map(|c| &c.id));
        for (i, dataset) in s.datasets.iter().enumerate() {
            if let Some(component) = &dataset.component {
                self.refers(&format!("datasets[{i}].component"), component, &components, "components");
            }
            self.dataset(i, dataset);
        }
        let Some(model) = &s.model else { return };
        if let Some(component) = &model.component {
            self.refers("model.component", component, &components, "components");
        }
        self.refer_all("model.trained_on", model.trained_on.as_deref(), &datasets, "datasets");
        let Some(tensors) = model.tensors() else { return };
        if tensors.classes.len() < 2 && model.task == crate::Task::Classification {
            self.report("model.classes", "a classifier has at least two classes", None);
        }
        let distinct: BTreeSet<&String> = tensors.classes.iter().collect();
        if distinct.len() != tensors.classes.len() {
            self.report("model.classes", "two classes share a name", None);
        }
        if tensors.input.shape.is_empty() {
            self.report(
                "model.input.shape",
                "the shape of a sample is empty",
                "leave out the batch axis only",
            );
        }
    }

    fn dataset(&mut self, i: usize, dataset: &Dataset) {
        let at = |key: &str| format!("datasets[{i}].{key}");
        if dataset.paths.is_empty() {
            self.report(&at("paths"), "the dataset has no file", "name at least one");
        }
        if dataset.sha256.is_some() && dataset.paths.len() > 1 {
            self.report(&at("sha256"), "one digest cannot speak for several files", "split the dataset");
        }
        let Some(features) = &dataset.features else { return };
        if let Some(rules) = &features.domain {
            self.domain(&at("features"), features, rules);
        }
        match (&features.prefix, &features.columns) {
            (Some(prefix), None) if prefix.is_empty() => {
                self.report(&at("features.prefix"), "the prefix is empty", "name the columns' prefix");
            }
            (Some(_), None) => {}
            (None, Some(columns)) => {
                let tensors = self.system.model.as_ref().and_then(|m| m.tensors());
                let expected = tensors.map(|t| t.input.len());
                if expected.is_some_and(|n| n != columns.len()) {
                    let what = format!("{} columns do not fill the model's input", columns.len());
                    self.report(
                        &at("features.columns"),
                        what,
                        "list as many columns as the input has values",
                    );
                }
            }
            _ => self.report(
                &at("features"),
                "exactly one of prefix and columns says which columns are features",
                None,
            ),
        }
    }

    fn checks(&mut self) {
        let s = self.system;
        let datasets = ids(s.datasets.iter().map(|d| &d.id));
        let c = &s.checks;
        let labelled = [
            ("performance", c.performance.as_ref().map(|p| &p.dataset)),
            ("evasion", c.evasion.as_ref().map(|e| &e.dataset)),
            ("label_noise", c.label_noise.as_ref().map(|l| &l.dataset)),
        ];
        for (check, dataset) in labelled.iter().filter_map(|(n, d)| d.map(|d| (n, d))) {
            let path = format!("checks.{check}.dataset");
            self.refers(&path, dataset, &datasets, "datasets");
            if s.dataset(dataset).is_some_and(|d| d.label.is_none()) {
                let what = format!("the dataset {dataset} has no label column to judge by");
                self.report(&path, what, "name its label column");
            }
        }
        if let Some(drift) = &c.drift {
            self.refers("checks.drift.reference", &drift.reference, &datasets, "datasets");
            if s.dataset(&drift.reference).is_some_and(|d| d.features.is_none()) {
                self.report(
                    "checks.drift.reference",
                    "what has no columns cannot be compared column by column",
                    None,
                );
            }
            if s.false_alarms_per_year().is_none() {
                let hint = "set alarms_per_year here or requirements.drift.false_alarms_per_year";
                self.report("checks.drift", "the budget for false alarms is not said", hint);
            }
        }
        if let Some(e) = &c.evasion {
            let b = e.bounds;
            if !(b.low.is_finite() && b.high.is_finite() && b.low < b.high) {
                self.report("checks.evasion.box", "low is not below high", None);
            }
            if e.max_success_rate.is_some() && e.min_robust_accuracy.is_some() {
                self.report("checks.evasion", "there are two criteria", "keep one of them");
            }
            if s.evasion_criterion().is_none() {
                let hint =
                    "set max_success_rate, min_robust_accuracy, or a requirement for this norm and eps";
                self.report("checks.evasion", "the check has no criterion", hint);
            }
            let laxer = s.requirements.robustness.iter().any(|r| {
                r.norm == e.norm
                    && r.eps == e.eps
                    && e.max_success_rate.is_some_and(|m| m.get() > r.max_success_rate.get())
            });
            if laxer {
                let what = "the check allows more than requirements.robustness does";
                self.report("checks.evasion.max_success_rate", what, "leave it out here");
            }
        }
        let mut seen: Vec<(Norm, f64)> = Vec::new();
        for (i, r) in s.requirements.robustness.iter().enumerate() {
            if seen.contains(&(r.norm, r.eps.get())) {
                let path = format!("requirements.robustness[{i}]");
                self.report(&path, "this norm and eps already have a floor", "keep one of them");
            }
            seen.push((r.norm, r.eps.get()));
        }
    }

    fn decisions(&mut self) {
        let s = self.system;
        self.unique("decisions", s.decisions.iter().map(|d| &d.id));
        for (i, d) in s.decisions.iter().enumerate() {
            let money = [
                ("value_at_risk", d.value_at_risk.as_ref()),
                ("false_positive_cost", d.false_positive_cost.as_ref()),
                ("false_negative_cost", d.false_negative_cost.as_ref()),
            ];
            self.ordered(&format!("decisions[{i}].volume_per_day"), d.volume_per_day.as_ref());
            for (key, range) in money {
                self.ordered(&format!("decisions[{i}].{key}"), range);
            }
            if d.currency.is_none() && money.iter().any(|(_, r)| r.is_some()) {
                let path = format!("decisions[{i}]");
                self.report(&path, "the amounts have no currency", "add currency: EUR, or another");
            }
        }
    }

    fn risk(&mut self) {
        let s = self.system;
        let Some(risk) = &s.risk else { return };
        self.unique("risk.scenarios", risk.scenarios.iter().map(|x| &x.id));
        let components = ids(s.components.iter().map(|c| &c.id));
        for (i, x) in risk.scenarios.iter().enumerate() {
            let at = |key: &str| format!("risk.scenarios[{i}].{key}");
            self.ordered(&at("frequency_per_year"), Some(&x.frequency_per_year));
            self.ordered(&at("vulnerability"), Some(&x.vulnerability));
            self.ordered(&at("loss"), Some(&x.loss));
            if x.vulnerability.high > 1.0 {
                self.report(&at("vulnerability.high"), "a share of attempts is at most 1", None);
            }
            if let Some(second) = &x.secondary {
                self.ordered(&at("secondary.probability"), Some(&second.probability));
                self.ordered(&at("secondary.loss"), Some(&second.loss));
                if second.probability.high > 1.0 {
                    self.report(&at("secondary.probability.high"), "a probability is at most 1", None);
                }
            }
            if let Some(cause) = &x.shared_cause {
                self.refers(&at("shared_cause"), cause, &components, "components");
            }
        }
        let falls =
            |w: &[TolerancePoint]| matches!(w, [a, b] if a.loss < b.loss && a.probability >= b.probability);
        for (i, _) in risk.tolerance.windows(2).enumerate().filter(|(_, w)| !falls(w)) {
            let path = format!("risk.tolerance[{}]", i + 1);
            self.report(
                &path,
                "the tolerance curve does not fall",
                "list larger losses with smaller probabilities",
            );
        }
    }

    fn governance(&mut self) {
        let s = self.system;
        self.unique("controls", s.controls.iter().map(|c| &c.id));
        self.unique("waivers", s.waivers.iter().map(|w| &w.id));
        for (i, control) in s.controls.iter().enumerate() {
            if control.evidence.is_empty() {
                self.report(
                    &format!("controls[{i}].evidence"),
                    "the claim names no evidence",
                    "name the checks it stands on; a claim alone counts for nothing",
                );
            }
        }
        for (i, w) in s.waivers.iter().enumerate() {
            let at = |key: &str| format!("waivers[{i}].{key}");
            let targets = [w.finding.is_some(), w.code.is_some(), w.threat.is_some()];
            if targets.iter().filter(|t| **t).count() != 1 {
                let path = format!("waivers[{i}]");
                self.report(&path, "exactly one of finding, code and threat says what is waived", None);
            }
            if w.owner.trim() == w.approved_by.trim() {
                let hint = "somebody else has to approve it";
                self.report(&at("approved_by"), "the owner approved their own waiver", hint);
            }
            if w.expires <= w.granted {
                self.report(&at("expires"), "the waiver ends before it begins", None);
            } else if w.expires > w.granted.plus_days(MAX_WAIVER_DAYS) {
                self.report(&at("expires"), "a waiver lives for at most 90 days", "renew it when it ends");
            }
        }
        for (i, a) in s.accept.iter().enumerate() {
            let path = format!("accept[{i}].until");
            if a.until <= a.accepted {
                self.report(&path, "the acceptance ends before it begins", None);
            } else if a.until > a.accepted.plus_days(MAX_ACCEPTANCE_DAYS) {
                self.report(&path, "an acceptance lives for at most 365 days", "renew it when it ends");
            }
        }
    }

    fn deployment(&mut self) {
        let s = self.system;
        let Some(deployment) = &s.deployment else { return };
        let gateway = &deployment.gateway;
        let models = ids(s.model.iter().map(|m| &m.id));
        let actors = ids(s.actors.iter().map(|a| &a.id));
        self.unique("deployment.targets", deployment.targets.iter().map(|t| &t.id));
        self.unique("deployment.gateway.routes", gateway.routes.iter().map(|r| &r.id));
        let roles = self.unique("deployment.gateway.roles", gateway.roles.iter().map(|r| &r.id));
        self.unique("deployment.gateway.clients", gateway.clients.iter().map(|c| &c.id));
        let mut paths = BTreeSet::new();
        for (i, route) in gateway.routes.iter().enumerate() {
            let at = |key: &str| format!("deployment.gateway.routes[{i}].{key}");
            self.refers(&at("model"), &route.model, &models, "model");
            let plain = |c: char| c.is_ascii_alphanumeric() || "._~/-".contains(c);
            let dots = route.path.split('/').any(|part| part == "." || part == "..");
            if !route.path.starts_with('/') || !route.path.chars().all(plain) || dots {
                self.report(&at("path"), "a path starts with / and has only letters, digits and ._~-", None);
            }
            if !paths.insert(&route.path) {
                self.report(&at("path"), "another route has this path", None);
            }
        }
        for (i, role) in gateway.roles.iter().enumerate() {
            let path = format!("deployment.gateway.roles[{i}].models");
            self.refer_all(&path, Some(&role.models), &models, "model");
        }
        for (i, client) in gateway.clients.iter().enumerate() {
            let at = |key: &str| format!("deployment.gateway.clients[{i}].{key}");
            self.refers(&at("role"), &client.role, &roles, "deployment.gateway.roles");
            if let Some(actor) = &client.actor {
                self.refers(&at("actor"), actor, &actors, "actors");
            }
        }
    }
}

fn ids<'i>(ids: impl IntoIterator<Item = &'i Id>) -> BTreeSet<&'i str> {
    ids.into_iter().map(Id::as_str).collect()
}
