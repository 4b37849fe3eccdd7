//! Loops that change by the same numbers in each round, so that it is known where they stand after any number of rounds.

use std::collections::HashMap;

use super::Frame;
use super::statement::ENDLESS;
use super::value::{Value, What};

/// What a frame held after the last round, and by how much its numbers have moved in it.
#[derive(Default)]
pub(super) struct Steady {
    held: HashMap<String, Held>,
    /// Of each number how far it moved; nothing where the last two rounds moved it differently.
    moved: HashMap<String, Option<f64>>,
    rounds: usize,
    /// Whether a tensor or a list grew in the last round: it may be asked for its size.
    grows: bool,
}

struct Held {
    number: Option<f64>,
    count: f64,
}

impl Held {
    fn of(value: &Value) -> Self {
        Self { number: value.number(), count: value.count() }
    }
}

impl Steady {
    pub(super) fn after_a_round(&mut self, frame: &Frame<'_>) {
        let held: HashMap<String, Held> =
            frame.values.iter().map(|(name, value)| (name.clone(), Held::of(value))).collect();
        let mut moved = HashMap::new();
        self.grows = false;
        for (name, now) in &held {
            let Some(before) = self.held.get(name) else { continue };
            self.grows |= now.count != before.count;
            let (Some(now), Some(before)) = (now.number, before.number) else { continue };
            let by = now - before;
            // A round before the last one there was nothing to compare with.
            let same = self.rounds < 2 || self.moved.get(name).copied().flatten() == Some(by);
            moved.insert(name.clone(), Some(by).filter(|by| same && by.is_finite()));
        }
        self.rounds += 1;
        (self.held, self.moved) = (held, moved);
    }

    /// Whether what was seen tells where the numbers go.
    pub(super) const fn is_known(&self) -> bool {
        self.rounds >= 3 && !self.grows
    }

    /// Moves each number to where it stands after 2^40 rounds more; one that moves unevenly is known no longer.
    pub(super) fn leap(&self, frame: &mut Frame<'_>) {
        for (name, by) in &self.moved {
            if let Some(value) = frame.values.get_mut(name)
                && let What::Number(Some(number), fraction) = value.what
            {
                value.what = What::Number(by.map(|by| by.mul_add(ENDLESS, number)), fraction);
            }
        }
    }
}
