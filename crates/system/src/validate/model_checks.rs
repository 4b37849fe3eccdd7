//! The checks of a model beside evasion: datasets and columns that exist, numbers that make sense together.

use super::{Checker, ids};
use crate::{DatasetRole, GroupColumn, Id};

/// Rates of false alarms that are looked at.
const FALSE_ALARMS: [f64; 4] = [0.001, 0.01, 0.05, 0.1];

impl Checker<'_> {
    pub(super) fn model_checks(&mut self) {
        let s = self.system;
        let checks = &s.checks;
        let datasets = ids(s.datasets.iter().map(|d| &d.id));
        let labelled = [
            ("constrained_evasion", checks.constrained_evasion.as_ref().map(|c| &c.dataset)),
            ("extraction", checks.extraction.as_ref().and_then(|c| c.dataset.as_ref())),
            ("fairness", checks.fairness.as_ref().and_then(|c| c.dataset.as_ref())),
            ("segments", checks.segments.as_ref().and_then(|c| c.dataset.as_ref())),
        ];
        for (check, dataset) in labelled {
            if let Some(dataset) = dataset {
                self.refers(&format!("checks.{check}.dataset"), dataset, &datasets, "datasets");
            }
        }
        if let Some(reference) = checks.poisoning.as_ref().map(|c| &c.reference) {
            let path = "checks.poisoning.reference";
            self.refers(path, reference, &datasets, "datasets");
            if s.dataset(reference).is_some_and(|d| d.role == DatasetRole::Train) {
                let what = "the training rows cannot answer for themselves";
                self.report(path, what, "name a labelled dataset that the suspects could not write");
            }
        }
        if let Some(check) = &checks.constrained_evasion {
            self.constrained(&check.dataset);
            self.is_class("checks.constrained_evasion.class", check.class);
        }
        if let Some(check) = &checks.fairness {
            self.is_class("checks.fairness.favourable", check.favourable);
            self.groups("checks.fairness.groups", &check.groups);
        }
        if let Some(check) = &checks.segments {
            self.groups("checks.segments.segments", &check.segments);
        }
        if let Some(check) = &checks.sources {
            self.edges("checks.sources.by", &check.by);
        }
        if checks.extraction.as_ref().is_some_and(|c| c.queries.as_ref().is_some_and(Vec::is_empty)) {
            let hint = "list numbers of queries, or leave the key out";
            self.report("checks.extraction.queries", "there is no number of queries to try", hint);
        }
        let rate = checks.membership.as_ref().and_then(|c| c.false_alarms);
        if rate.is_some_and(|rate| !FALSE_ALARMS.contains(&rate.get())) {
            self.report(
                "checks.membership.false_alarms",
                "members are counted at a rate of 0.001, 0.01, 0.05 or 0.1",
                "write one of them",
            );
        }
        if let Some(check) = &checks.property {
            let shares = check.shares.as_deref();
            if shares.is_some_and(|s| !matches!(s, [low, high] if low < high)) {
                self.report(
                    "checks.property.shares",
                    "two shares in order are told apart",
                    "write [0.2, 0.5]",
                );
            }
            if !check.at_least.is_finite() {
                self.report("checks.property.at_least", "it is no number", None);
            }
            let train = s.datasets.iter().find(|d| d.role == DatasetRole::Train);
            let columns = train.and_then(|d| d.features.as_ref()).and_then(|f| f.columns.as_ref());
            if columns.is_some_and(|c| !c.contains(&check.column)) {
                let what = format!("{:?} is not one of the feature columns", check.column);
                self.report("checks.property.column", what, "name a column that the model sees");
            }
        }
    }

    fn is_class(&mut self, path: &str, index: Option<u32>) {
        let tensors = self.system.model.as_ref().and_then(|m| m.tensors());
        let classes = tensors.map_or(0, |t| t.classes.len());
        if index.is_some_and(|c| usize::try_from(c).is_ok_and(|c| c >= classes)) {
            let what = format!("the model has {classes} classes, counted from 0");
            self.report(path, what, "give the index of a class under model.classes");
        }
    }

    fn groups(&mut self, path: &str, groups: &[GroupColumn]) {
        if groups.is_empty() {
            let hint = "name a column of the dataset that tells groups apart";
            self.report(path, "there is no column that tells groups apart", hint);
        }
        for (at, group) in groups.iter().enumerate() {
            self.edges(&format!("{path}[{at}]"), group);
            if groups[..at].iter().any(|other| other.column == group.column) {
                let what = format!("the column {:?} is named twice", group.column);
                self.report(&format!("{path}[{at}].column"), what, "name each column once");
            }
        }
    }

    fn edges(&mut self, path: &str, group: &GroupColumn) {
        let edges = group.edges.as_deref().unwrap_or_default();
        let ascend = edges.iter().all(|e| e.is_finite()) && edges.is_sorted_by(|a, b| a < b);
        if !ascend || group.edges.as_ref().is_some_and(Vec::is_empty) {
            self.report(
                &format!("{path}.edges"),
                "groups of numbers begin at numbers that ascend",
                "write them in order, such as [30, 60]",
            );
        }
    }

    fn constrained(&mut self, dataset: &Id) {
        let described = self.system.dataset(dataset);
        let path = "checks.constrained_evasion.dataset";
        if described.is_some_and(|d| d.label.is_none()) {
            self.report(path, format!("the dataset {dataset} has no label column"), "name its label column");
        }
        if described.is_some_and(|d| d.features.as_ref().is_none_or(|f| f.domain.is_none())) {
            self.report(
                path,
                format!("the dataset {dataset} does not say which rows can exist and what a change costs"),
                "describe features.domain of the dataset",
            );
        }
    }
}
