//! Statements of a script.

use super::steady::Steady;
use super::{Frame, Machine, Value, What};
use crate::python::syntax::{Act, Id, Kind, Statement};

/// Rounds of a loop that are run; a tensor that doubles is beyond all bounds long before.
const MOST_ROUNDS: usize = 64;
/// Nodes beyond which loops are run once.
const MANY_NODES: usize = 50_000;
/// Rounds of a loop over numbers that nobody waits for the end of: each takes a microsecond at least, and models have layers
/// and steps, some thousands at most.
const LONG: f64 = 100_000_000.0;
/// Rounds that nobody waits for the end of, whatever they do.
pub(super) const ENDLESS: f64 = 1_099_511_627_776.0;

impl<'m> Machine<'_, 'm> {
    /// Runs statements; what they return, if they do so whatever happens.
    pub(super) fn block(&mut self, frame: &mut Frame<'m>, body: &'m [Statement]) -> Option<Value> {
        for statement in body {
            if !self.step() {
                return None;
            }
            match &statement.kind {
                Act::Evaluate(values) => values.iter().for_each(|value| {
                    self.value(frame, *value);
                }),
                Act::Annotate(_, target, Some(value)) => {
                    let value = self.value(frame, *value);
                    self.assign(frame, *target, value, statement.line);
                }
                Act::Assign(targets, value) => {
                    let value = self.value(frame, *value);
                    for target in targets {
                        self.assign(frame, *target, value.clone(), statement.line);
                    }
                }
                Act::Augment(target, operator, value) => {
                    let old = self.value(frame, *target);
                    let value = self.value(frame, *value);
                    let operator = operator.trim_end_matches('=');
                    let new = self.joined(frame, statement.line, operator, old, value);
                    self.assign(frame, *target, new, statement.line);
                }
                Act::Return(value) => {
                    return Some(match value {
                        Some(value) => self.value(frame, *value),
                        None => self.constant(What::Unknown, 1),
                    });
                }
                Act::If { test, body, otherwise } => {
                    let condition = self.value(frame, *test);
                    if let Some(value) = self.branches(frame, statement.line, &condition, body, otherwise) {
                        return Some(value);
                    }
                }
                Act::While { test, body, .. } => self.while_holds(frame, *test, body, statement.line),
                Act::For { target, source, body, .. } => {
                    let source = self.value(frame, *source);
                    self.rounds(frame, *target, &source, body, statement.line);
                }
                Act::With { body, .. } => {
                    if let Some(value) = self.block(frame, body) {
                        return Some(value);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Runs a loop as long as its condition is known to hold.
    fn while_holds(&mut self, frame: &mut Frame<'m>, test: Id, body: &'m [Statement], line: u32) {
        let mut steady = Steady::default();
        for round in 0..MOST_ROUNDS {
            let condition = self.value(frame, test).number();
            self.block(frame, body);
            let known = condition.is_some_and(|holds| holds != 0.0);
            if !known || self.nodes.len() > MANY_NODES || !self.step() {
                return;
            }
            // Two rounds are compared; a frame may be large and its loop one of many.
            if round + 3 >= MOST_ROUNDS {
                self.steps = self.steps.saturating_sub(frame.values.len());
                steady.after_a_round(frame);
            }
        }
        if leaves(body) || !steady.is_known() {
            return;
        }
        // What the loop counts with stands where 2^40 rounds would have brought it: a round from there on settles it, and
        // is none that the script runs.
        let (values, told) = (frame.values.clone(), self.found.len());
        self.steps = self.steps.saturating_sub(values.len());
        steady.leap(frame);
        self.block(frame, body);
        let goes_on = self.value(frame, test).number().is_some_and(|holds| holds != 0.0);
        frame.values = values;
        self.found.truncate(told);
        if goes_on {
            let message = "a loop of the script goes on for more than 2^40 rounds once it is entered";
            self.tell(frame, line, "torch/endless", message.to_owned());
        }
    }

    fn rounds(
        &mut self,
        frame: &mut Frame<'m>,
        target: Id,
        source: &Value,
        body: &'m [Statement],
        line: u32,
    ) {
        let count = match &source.what {
            What::Range(..) | What::Items(_) => source.count(),
            _ => 1.0,
        };
        if count >= LONG && !leaves(body) {
            let message = format!("a loop of the script takes {count} rounds");
            self.tell(frame, line, "torch/endless", message);
        }
        for round in 0..MOST_ROUNDS {
            if round as f64 >= count || round > 0 && self.nodes.len() > MANY_NODES || !self.step() {
                break;
            }
            let value = match &source.what {
                What::Items(items) => items.get(round).cloned(),
                What::Range(from, _, step) => {
                    let number = step.mul_add(round as f64, *from);
                    Some(self.constant(What::Number(Some(number), false), 1))
                }
                _ => None,
            };
            let value = match value {
                Some(value) => value,
                None => self.node(frame, line, "Gather", &[source], What::Unknown),
            };
            self.assign(frame, target, value, line);
            if let Some(value) = self.block(frame, body) {
                // That the loop is entered at all is not known.
                let condition = self.constant(What::Unknown, 1);
                frame.returned.push((condition, true, value, line));
                break;
            }
        }
    }

    /// Both branches, each with the values that there were before.
    fn branches(
        &mut self,
        frame: &mut Frame<'m>,
        line: u32,
        condition: &Value,
        body: &'m [Statement],
        otherwise: &'m [Statement],
    ) -> Option<Value> {
        if let Some(holds) = condition.number() {
            return self.block(frame, if holds == 0.0 { otherwise } else { body });
        }
        self.steps = self.steps.saturating_sub(frame.values.len());
        let before = frame.values.clone();
        let first = self.block(frame, body);
        let then = std::mem::replace(&mut frame.values, before);
        let second = self.block(frame, otherwise);
        let fixed = self.is_constant(condition);
        let mut differs = first.is_some() || second.is_some();
        match (first, second) {
            (Some(one), Some(other)) => {
                if !fixed {
                    self.node(frame, line, "If", &[condition], What::Unknown);
                }
                return Some(self.merged(frame, line, condition, &one, &other));
            }
            (Some(value), None) => frame.returned.push((condition.clone(), true, value, line)),
            (None, Some(value)) => {
                frame.returned.push((condition.clone(), false, value, line));
                frame.values = then;
            }
            (None, None) => {
                let mut names: Vec<String> = then.keys().cloned().collect();
                names.sort();
                for name in names {
                    let Some(one) = then.get(&name) else { continue };
                    let value = match frame.values.get(&name).cloned() {
                        Some(other) if other.wire == one.wire => continue,
                        Some(other) => {
                            differs = true;
                            self.merged(frame, line, condition, one, &other)
                        }
                        // A name of that branch alone is not asked for behind it.
                        None => one.clone(),
                    };
                    frame.values.insert(name, value);
                }
            }
        }
        if differs && !fixed {
            self.node(frame, line, "If", &[condition], What::Unknown);
        }
        None
    }

    /// One of two values.
    pub(super) fn merged(
        &mut self,
        frame: &Frame<'m>,
        line: u32,
        condition: &Value,
        one: &Value,
        other: &Value,
    ) -> Value {
        if one.wire == other.wire || matches!(one.what, What::Object(_)) {
            return one.clone();
        }
        if let (What::Items(a), What::Items(b)) = (&one.what, &other.what)
            && a.len() == b.len()
            && a.len() < MOST_ROUNDS
        {
            let items: Vec<Value> =
                a.iter().zip(b.iter()).map(|(a, b)| self.merged(frame, line, condition, a, b)).collect();
            return self.items(items);
        }
        let what = match (&one.what, &other.what) {
            (What::Tensor(a), What::Tensor(b)) if a == b => one.what.clone(),
            (What::Tensor(_), _) | (_, What::Tensor(_)) => What::Tensor(None),
            (What::Number(..), What::Number(..)) => What::Number(None, false),
            _ => What::Unknown,
        };
        let [condition, one, other] = [condition, one, other].map(|value| self.wired(frame, line, value));
        self.node(frame, line, "Where", &[&condition, &one, &other], what)
    }

    fn assign(&mut self, frame: &mut Frame<'m>, target: Id, value: Value, line: u32) {
        match super::kind(frame.module, target) {
            Some(Kind::Name(name)) => {
                frame.values.insert(name.clone(), value);
            }
            Some(Kind::Elements(targets)) => {
                for (at, target) in targets.iter().enumerate() {
                    let item = match &value.what {
                        What::Items(items) => items.get(at).cloned(),
                        _ => None,
                    };
                    let item = match item {
                        Some(item) => item,
                        None => self.node(frame, line, "Split", &[&value], What::Unknown),
                    };
                    self.assign(frame, *target, item, line);
                }
            }
            Some(Kind::Subscript(base, index)) => {
                let base = self.value(frame, *base);
                let index = self.value(frame, *index);
                self.put(frame, line, &base, &index, &value);
            }
            _ => {}
        }
    }
}

fn leaves(body: &[Statement]) -> bool {
    body.iter().any(|statement| match &statement.kind {
        Act::Leave | Act::Return(_) => true,
        Act::If { body, otherwise, .. } => leaves(body) || leaves(otherwise),
        _ => false,
    })
}
