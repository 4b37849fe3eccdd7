//! How often a loop goes round, as far as constants decide it: its first turns are computed.

use std::collections::{HashMap, HashSet};

use super::fold::{COPIES, Fold, Function, computed, producer};

/// Turns that are computed of a loop, and values of all its turns.
const TURNS: usize = 2048;
const VALUES: usize = 200_000;
/// Deepest chain of nodes.
const DEPTH: u32 = 48;
/// No machine goes round so often within a day.
const MOST: i128 = 1 << 40;

type Numbers = Option<Vec<i64>>;

/// Why a loop does not end, or not while anybody waits.
pub(super) fn endless(
    fold: &Fold,
    (scope, node): (usize, &str),
    condition: &Function,
    body: &Function,
) -> Option<String> {
    let (_, inputs) = fold.maker(scope, node)?;
    let mut state: Vec<Numbers> = inputs.iter().map(|input| fold.numbers(scope, input)).collect();
    let (_, goes_on) = condition.returned.first()?;
    let mut seen = HashSet::new();
    let mut left = VALUES;
    let mut gaps: Vec<Vec<i128>> = Vec::new();
    for _ in 0..TURNS {
        let mut asked = Turn::new(fold, condition, &state, left);
        let truth = asked.value(goes_on, 0)?;
        if truth.iter().all(|truth| *truth == 0) {
            return None;
        }
        gaps.push(asked.gaps(goes_on, 0).unwrap_or_default());
        left = asked.left;
        let mut turn = Turn::new(fold, body, &state, left);
        let next: Vec<Numbers> = body.returned.iter().map(|(_, value)| turn.value(value, 0)).collect();
        left = turn.left;
        // What is known follows from what was known: once it is as before, it stays so.
        if !seen.insert(state) {
            return Some("what it goes on by comes back to what it was".to_owned());
        }
        state = next;
        if left == 0 {
            break;
        }
    }
    let [.., before, last, now] = &gaps[..] else { return None };
    if now.is_empty() || before.len() != now.len() || last.len() != now.len() {
        return None;
    }
    let mut turns = i128::MAX;
    for ((a, b), c) in before.iter().zip(last).zip(now) {
        let step = b - c;
        if a - b != step {
            return None;
        }
        turns = turns.min(if step > 0 { c / step } else { i128::MAX });
    }
    (turns > MOST).then(|| match turns {
        i128::MAX => "what it counts never comes to its bound".to_owned(),
        turns => format!("it goes round {turns} times more"),
    })
}

/// A function at work on what is known of its arguments.
struct Turn<'f> {
    fold: &'f Fold,
    function: &'f Function,
    arguments: HashMap<&'f str, &'f Numbers>,
    known: HashMap<String, Numbers>,
    left: usize,
}

impl<'f> Turn<'f> {
    fn new(fold: &'f Fold, function: &'f Function, state: &'f [Numbers], left: usize) -> Self {
        let arguments = function.arguments.iter().map(String::as_str).zip(state).collect();
        Self { fold, function, arguments, known: HashMap::new(), left }
    }

    fn value(&mut self, name: &str, depth: u32) -> Numbers {
        let node = producer(name);
        if let Some(known) = self.known.get(node) {
            return known.clone();
        }
        self.left = self.left.checked_sub(1)?;
        if depth > DEPTH {
            return None;
        }
        let (fold, scope) = (self.fold, self.function.scope);
        let value = if let Some(numbers) = fold.constant_of(scope, node) {
            Some(numbers.to_vec())
        } else if let Some((operation, inputs)) = fold.maker(scope, node) {
            let (operation, inputs) = (operation.to_owned(), inputs.to_vec());
            computed(&operation, inputs.len(), &mut |at| self.value(inputs.get(at)?, depth + 1))
        } else {
            self.arguments.get(node).copied().cloned().flatten()
        };
        self.known.insert(node.to_owned(), value.clone());
        value
    }

    /// How far each comparison is from being false, for one that says whether to go on.
    fn gaps(&mut self, name: &str, depth: u32) -> Option<Vec<i128>> {
        if depth > DEPTH {
            return None;
        }
        let (operation, inputs) = self.fold.maker(self.function.scope, producer(name))?;
        let one = |machine: &mut Self, at: usize| match machine.value(inputs.get(at)?, depth + 1)?[..] {
            [number] => Some(i128::from(number)),
            _ => None,
        };
        match operation {
            copies if COPIES.contains(&copies) => self.gaps(inputs.first()?, depth + 1),
            "LogicalAnd" => {
                let mut all = self.gaps(inputs.first()?, depth + 1)?;
                all.extend(self.gaps(inputs.get(1)?, depth + 1)?);
                (all.len() <= 16).then_some(all)
            }
            "Less" | "LessEqual" => Some(vec![one(self, 1)? - one(self, 0)?]),
            "Greater" | "GreaterEqual" => Some(vec![one(self, 0)? - one(self, 1)?]),
            _ => None,
        }
    }
}
