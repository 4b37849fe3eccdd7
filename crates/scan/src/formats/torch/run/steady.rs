//! Loops that change by the same numbers in each round, so that it is known where they stand after any number of rounds.

use std::collections::HashMap;

use super::Frame;
use super::statement::ENDLESS;
use super::value::{Value, What};

/// What a frame held after the last round, and by how much its numbers have moved in it.
#[derive(Default)]
pub(super) struct Steady {
    held: HashMap<String, Held>,
    moved: HashMap<String, f64>,
    /// Whether the last two rounds did the same.
    same: bool,
}

#[derive(PartialEq)]
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
        // A tensor or list that grows may be asked for its size.
        let mut sizes = held.len() == self.held.len();
        for (name, now) in &held {
            let Some(before) = self.held.get(name) else { continue };
            sizes &= now.count == before.count;
            match (now.number, before.number) {
                (Some(now), Some(before)) if now != before => {
                    moved.insert(name.clone(), now - before);
                }
                (None, None) | (Some(_), Some(_)) => {}
                _ => sizes = false,
            }
        }
        self.same = sizes && moved == self.moved;
        (self.held, self.moved) = (held, moved);
    }

    /// Moves each number to where it stands after 2^40 rounds more; false where the rounds differ.
    pub(super) fn leap(&self, frame: &mut Frame<'_>) -> bool {
        for (name, by) in self.moved.iter().filter(|_| self.same) {
            if let Some(value) = frame.values.get_mut(name)
                && let What::Number(Some(number), fraction) = value.what
            {
                value.what = What::Number(Some(by.mul_add(ENDLESS, number)), fraction);
            }
        }
        self.same
    }
}
