//! How many nodes a YAML document has once each alias is what it stands for.
//!
//! Lists of aliases of lists of aliases are a billion nodes in a few lines; a loader shares them, and whoever prints, copies,
//! merges or checks the result does not (CWE-776).

use std::collections::HashMap;

use granit_parser::Event;

/// Most nodes that aliases may make: merged configurations have thousands.
const MOST: u64 = 10_000_000;

/// Counts while a document is read.
#[derive(Default)]
pub(super) struct Growth {
    /// Collections that are open: their anchor (0 for none), and their nodes so far.
    open: Vec<(usize, u64)>,
    anchored: HashMap<usize, u64>,
    told: bool,
}

impl Growth {
    /// Takes the next event; how many nodes the document has by now, once, when they are too many.
    pub(super) fn event(&mut self, event: &Event<'_>) -> Option<u64> {
        let (anchor, nodes) = match event {
            Event::SequenceStart(_, anchor, _) | Event::MappingStart(_, anchor, _) => {
                self.open.push((*anchor, 1));
                return None;
            }
            Event::SequenceEnd | Event::MappingEnd => self.open.pop()?,
            Event::Scalar(_, _, anchor, _) => (*anchor, 1),
            // An alias of a collection that is still open leads round in a circle, and is made once.
            Event::Alias(anchor) => (0, self.anchored.get(anchor).copied().unwrap_or(1)),
            Event::DocumentEnd => {
                *self = Self { told: self.told, ..Self::default() };
                return None;
            }
            _ => return None,
        };
        if anchor != 0 {
            self.anchored.insert(anchor, nodes);
        }
        if let Some((_, outer)) = self.open.last_mut() {
            *outer = outer.saturating_add(nodes);
        }
        (nodes > MOST && !std::mem::replace(&mut self.told, true)).then_some(nodes)
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn outcome(text: &str) -> Outcome {
        scan_bytes(&"train.yaml".parse().unwrap(), text.as_bytes(), &Limits::default()).outcome
    }

    #[test]
    fn aliases_that_multiply_are_told() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..8 {
            text += &format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(", "));
        }
        assert_eq!(outcome(&text), Outcome::Suspicious);
        let block: String = text.replace("[", "{k: [").replace("]", "]}");
        assert_eq!(outcome(&block), Outcome::Suspicious);
    }

    #[test]
    fn shared_settings_and_circles_are_not() {
        let shared: String = (0..400).map(|n| format!("job{n}:\n  <<: *base\n  steps: *steps\n")).collect();
        let text = format!("base: &base {{lr: 0.1, epochs: 3}}\nsteps: &steps [a, b, c]\n{shared}");
        assert_eq!(outcome(&text), Outcome::Clean);
        assert_eq!(outcome("a: &a [1, *a, *a]\nb: [*a, *a]\n"), Outcome::Clean);
    }
}
