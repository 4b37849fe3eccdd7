//! Writes inputs for every gate with our answers, for comparison with another Rego engine:
//!
//! `differential MUTANTS SEED` prints one JSON document a line, `{"name", "package", "input", "decision"}`: for
//! each gate an input it allows, that input without each of its members and elements in turn, and MUTANTS
//! copies changed in one to four places at random. The same seed gives the same lines.

#![allow(clippy::unwrap_used, reason = "the inputs are those of the tests, which unwrap")]

#[path = "../tests/inputs/mod.rs"]
mod inputs;

use std::io::Write as _;

use proofhouse_policy::{Bundle, Entrypoint, Policy};
use proptest::prelude::Rng as _;
use proptest::test_runner::{RngAlgorithm, TestRng};
use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(mutants), Some(seed)) = (arguments.next(), arguments.next()) else {
        return Err("usage: differential MUTANTS SEED".into());
    };
    let mutants: u32 = mutants.parse()?;
    let mut dice = Dice::new(seed.parse()?);
    let policy = Policy::compile(&Bundle::shipped())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());

    for gate in Entrypoint::ALL {
        let good = match gate {
            Entrypoint::Release => serde_json::to_value(inputs::release())?,
            Entrypoint::Deploy => serde_json::to_value(inputs::deploy())?,
            Entrypoint::Runtime => serde_json::to_value(inputs::runtime())?,
            Entrypoint::Request => serde_json::to_value(inputs::request())?,
            Entrypoint::Boundary => serde_json::to_value(inputs::boundary())?,
        };
        let places = places(&good);
        let mut cases = vec![("good".to_owned(), good.clone()), ("empty".to_owned(), json!({}))];
        for place in &places {
            let mut input = good.clone();
            remove(&mut input, place);
            cases.push((format!("without {place}"), input));
        }
        for number in 0..mutants {
            let mut input = good.clone();
            let changes = 1 + dice.below(4);
            let changed: Vec<&str> = (0..changes).map(|_| mutate(&mut input, &places, &mut dice)).collect();
            cases.push((format!("mutant {number}: {}", changed.join(", ")), input));
        }
        for (name, input) in cases {
            let decision = policy.decide(gate, &input);
            let line = json!({"name": name, "package": gate.package(), "input": input, "decision": decision});
            writeln!(out, "{line}")?;
        }
    }
    out.flush()?;
    Ok(())
}

/// JSON pointers of every member and element.
fn places(root: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(String::new(), root)];
    while let Some((path, value)) = open.pop() {
        let children: Vec<(String, &Value)> = match value {
            Value::Object(members) => members.iter().map(|(k, v)| (format!("{path}/{k}"), v)).collect(),
            Value::Array(items) => {
                items.iter().enumerate().map(|(i, v)| (format!("{path}/{i}"), v)).collect()
            }
            _ => Vec::new(),
        };
        found.extend(children.iter().map(|(path, _)| path.clone()));
        open.extend(children);
    }
    found.sort();
    found
}

fn remove(root: &mut Value, place: &str) {
    let Some((parent, name)) = place.rsplit_once('/') else { return };
    match root.pointer_mut(parent) {
        Some(Value::Object(members)) => {
            members.remove(name);
        }
        Some(Value::Array(items)) => {
            if let Some(index) = name.parse().ok().filter(|i| *i < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}

/// Changes one place, and says which. A place that an earlier change took away stays as it is.
fn mutate<'a>(root: &mut Value, places: &'a [String], dice: &mut Dice) -> &'a str {
    let Some(place) = places.get(dice.below(places.len())) else { return "" };
    let other = places.get(dice.below(places.len())).and_then(|p| root.pointer(p)).cloned();
    let roll = dice.below(8);
    if roll == 0 {
        remove(root, place);
        return place;
    }
    let fresh = dice.value();
    if let Some(value) = root.pointer_mut(place) {
        match (roll, value) {
            (1, value) => *value = other.unwrap_or_default(),
            // Twice the same, as when two tools wrote the list.
            (2 | 3, Value::Array(items)) => items.extend(items.clone()),
            (2..5, Value::Bool(flag)) => *flag = !*flag,
            (2..5, Value::Number(n)) => *n = dice.number(n),
            (2..5, Value::String(text)) => text.push(' '),
            (_, value) => *value = fresh,
        }
    }
    place
}

/// A seeded source of choices.
struct Dice(TestRng);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound.max(1)
    }

    /// A value that some rule compares with something. Numbers end where a typed input's do: above 2^64 the
    /// engines differ in whether `floor(x)` equals `x`.
    fn value(&mut self) -> Value {
        let values = [
            Value::Null,
            json!(true),
            json!(false),
            json!(0),
            json!(-1),
            json!(0.5),
            json!(1e18),
            json!(9_007_199_254_740_993_u64),
            json!(u64::MAX),
            json!(""),
            json!(" "),
            json!("*"),
            json!("critical"),
            json!("low"),
            json!("pass"),
            json!("fail"),
            json!("integrity"),
            json!("read"),
            json!("deny"),
            json!("allow"),
            json!("untrusted"),
            json!("answer"),
            json!("x\u{0}\u{e9}\u{1f600}"),
            json!(inputs::digest("model")),
            json!(inputs::digest("something else")),
            json!([]),
            json!({}),
            json!([[1]]),
            json!({"x": {"y": "z"}}),
        ];
        values.get(self.below(values.len())).cloned().unwrap_or_default()
    }

    /// A number near `n`, where a comparison may turn.
    fn number(&mut self, n: &serde_json::Number) -> serde_json::Number {
        let near = n.as_f64().unwrap_or_default();
        let changed = match self.below(5) {
            0 => -near,
            1 => near + 1.0,
            2 => near - 1.0,
            3 => near / 2.0,
            _ => near * 1.000_001,
        };
        serde_json::Number::from_f64(changed).unwrap_or_else(|| n.clone())
    }
}
