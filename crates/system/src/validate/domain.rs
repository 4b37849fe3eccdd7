//! The rules of a table's domain: names that exist, numbers in order.

use super::Checker;
use crate::{DomainRules, Features};

impl Checker<'_> {
    /// `at` is where the features stand.
    pub(super) fn domain(&mut self, at: &str, features: &Features, rules: &DomainRules) {
        let known = |name: &str| match (&features.columns, &features.prefix) {
            (Some(columns), _) => columns.iter().any(|c| c == name),
            (None, Some(prefix)) => name
                .strip_prefix(prefix.as_str())
                .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())),
            (None, None) => true,
        };
        let mut names = Vec::new();
        for (i, rule) in rules.columns.iter().enumerate() {
            let place = format!("{at}.domain.columns[{i}]");
            names.push((format!("{place}.column"), rule.column.as_str()));
            if let (Some(low), Some(high)) = (rule.low, rule.high)
                && !(low.is_finite() && high.is_finite() && low <= high)
            {
                let what = format!("the range {low} to {high} holds nothing");
                self.report(&place, what, "write low and high in order");
            }
            if rule.step.is_some_and(|s| !(s.is_finite() && s > 0.0)) {
                self.report(
                    &format!("{place}.step"),
                    "a step is a number above 0",
                    "write 1 for whole numbers",
                );
            }
            if rule.cost.is_some_and(|c| [c.once, c.up, c.down].iter().any(|c| !(c.is_finite() && *c >= 0.0)))
            {
                self.report(&format!("{place}.cost"), "a cost is a number from 0", None);
            }
        }
        for (i, rule) in rules.one_of.iter().enumerate() {
            let place = format!("{at}.domain.one_of[{i}]");
            if rule.columns.len() < 2 {
                self.report(&place, "a category is spread over at least two columns", "name them all");
            }
            if rule.cost.is_some_and(|c| !(c.is_finite() && c >= 0.0)) {
                self.report(&format!("{place}.cost"), "a cost is a number from 0", None);
            }
            names.extend(rule.columns.iter().map(|c| (format!("{place}.columns"), c.as_str())));
        }
        for (i, rule) in rules.relations.iter().enumerate() {
            let place = format!("{at}.domain.relations[{i}]");
            let stated = [rule.at_most, rule.at_least, rule.equals].iter().flatten().count();
            if stated != 1 {
                self.report(
                    &place,
                    "exactly one of at_most, at_least and equals says what the sum may be",
                    None,
                );
            }
            if rule.terms.is_empty() || rule.terms.iter().any(|t| !t.factor.is_finite() || t.factor == 0.0) {
                self.report(
                    &format!("{place}.terms"),
                    "a relation has terms, each with a factor other than 0",
                    "leave out columns that it is not about",
                );
            }
            names.extend(rule.terms.iter().map(|t| (format!("{place}.terms"), t.column.as_str())));
        }
        for (place, name) in names {
            if !known(name) {
                let what = format!("{name:?} is not one of the feature columns");
                self.report(&place, what, "name a column that the model sees");
            }
        }
    }
}
