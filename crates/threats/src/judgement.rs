//! Three-valued answers that remember why.
//!
//! Kleene's logic: a conjunction is false as soon as one part is, a disjunction true as soon as one part
//! is, and otherwise what is missing makes the answer unknown. Each answer carries the facts it rests on and
//! the changes any one of which would end it. Those follow from the structure: of a conjunction that
//! holds, breaking any part is enough; of a disjunction, only what breaks every part that holds.

use serde::Serialize;

/// True, false, or not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each name is its own explanation")]
pub enum Tri {
    False,
    Unknown,
    True,
}

impl From<Option<bool>> for Tri {
    fn from(value: Option<bool>) -> Self {
        match value {
            Some(true) => Self::True,
            Some(false) => Self::False,
            None => Self::Unknown,
        }
    }
}

/// A fact of the system file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Fact {
    /// Where it is written, such as `datasets[train].third_party`.
    pub path: String,
    /// What it says there, or `none` for a list without a matching entry.
    pub value: String,
    /// Line of the file; of what encloses it where it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// A change of one fact that would end an answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Change {
    /// Where the fact is written.
    pub path: String,
    /// What it would have to say.
    pub to: String,
}

/// What an answer rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// The facts.
    pub facts: Vec<Fact>,
    /// The way through the system, as component ids, where there is one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// Changes any one of which would end it.
    pub would_change: Vec<Change>,
}

/// An answer with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// The answer.
    pub holds: Tri,
    /// What it rests on.
    pub proof: Proof,
    /// Paths of the facts that are missing; empty unless the answer is unknown.
    pub missing: Vec<String>,
}

impl Judgement {
    /// An answer that rests on one fact.
    #[must_use]
    pub fn on(holds: bool, fact: Fact, change: impl Into<Option<Change>>) -> Self {
        let proof =
            Proof { facts: vec![fact], path: Vec::new(), would_change: change.into().into_iter().collect() };
        Self { holds: if holds { Tri::True } else { Tri::False }, proof, missing: Vec::new() }
    }

    /// Not known for want of one fact.
    #[must_use]
    pub fn missing(path: impl Into<String>) -> Self {
        Self { holds: Tri::Unknown, proof: Proof::default(), missing: vec![path.into()] }
    }

    /// The same answer, with a way through the system.
    #[must_use]
    pub fn along(mut self, path: Vec<String>) -> Self {
        self.proof.path = path;
        self
    }

    /// Both.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        combine(self, other, Tri::False)
    }

    /// Either.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        combine(self, other, Tri::True)
    }

    /// At least one of them. Over none it is false, and `none` is the fact that says so.
    #[must_use]
    pub fn any(of: impl IntoIterator<Item = Self>, none: Fact) -> Self {
        of.into_iter().reduce(Self::or).unwrap_or_else(|| Self::on(false, none, None))
    }

    /// The opposite. What it rests on and what would change it stay the same.
    #[must_use]
    pub fn negate(mut self) -> Self {
        self.holds = match self.holds {
            Tri::True => Tri::False,
            Tri::False => Tri::True,
            Tri::Unknown => Tri::Unknown,
        };
        self
    }
}

/// Conjunction where `decisive` is false, disjunction where it is true: the decisive value settles the
/// answer alone, the other one only together.
fn combine(mut a: Judgement, mut b: Judgement, decisive: Tri) -> Judgement {
    // Alternatives come in the order of the file, which must not decide which way is shown: the shortest
    // one is. Of a conjunction it is the first part's.
    let later = |x: &[String], y: &[String]| !y.is_empty() && (x.len(), x) > (y.len(), y);
    if decisive == Tri::True && later(&a.proof.path, &b.proof.path) {
        std::mem::swap(&mut a, &mut b);
    }
    match (a.holds == decisive, b.holds == decisive) {
        // Either alone would do, so only a change that ends both ends the answer.
        (true, true) => {
            let shared: Vec<Change> =
                a.proof.would_change.iter().filter(|c| b.proof.would_change.contains(c)).cloned().collect();
            let mut joined = join(a, b, decisive);
            joined.proof.would_change = shared;
            joined
        }
        (true, false) => a,
        (false, true) => b,
        (false, false) => {
            let unknown = a.holds == Tri::Unknown || b.holds == Tri::Unknown;
            let holds = if unknown { Tri::Unknown } else { a.holds };
            join(a, b, holds)
        }
    }
}

fn join(mut a: Judgement, b: Judgement, holds: Tri) -> Judgement {
    fn extend<T: PartialEq>(into: &mut Vec<T>, from: Vec<T>) {
        for item in from {
            if !into.contains(&item) {
                into.push(item);
            }
        }
    }
    extend(&mut a.proof.facts, b.proof.facts);
    extend(&mut a.proof.would_change, b.proof.would_change);
    extend(&mut a.missing, b.missing);
    if a.proof.path.is_empty() {
        a.proof.path = b.proof.path;
    }
    a.holds = holds;
    a
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn leaf(name: &str, value: Option<bool>) -> Judgement {
        match value {
            Some(v) => Judgement::on(
                v,
                Fact { path: name.into(), value: v.to_string(), line: None },
                Change { path: name.into(), to: (!v).to_string() },
            ),
            None => Judgement::missing(name),
        }
    }

    fn kleene_and(a: Tri, b: Tri) -> Tri {
        match (a, b) {
            (Tri::False, _) | (_, Tri::False) => Tri::False,
            (Tri::True, Tri::True) => Tri::True,
            _ => Tri::Unknown,
        }
    }

    /// (a and b) or (c and a), a shape with a shared fact.
    fn formula(v: [Option<bool>; 3]) -> Judgement {
        let [a, b, c] = v;
        leaf("a", a).and(leaf("b", b)).or(leaf("c", c).and(leaf("a", a)))
    }

    proptest! {
        #[test]
        fn follows_kleene(v in any::<[Option<bool>; 2]>()) {
            let [a, b] = v;
            prop_assert_eq!(leaf("a", a).and(leaf("b", b)).holds, kleene_and(a.into(), b.into()));
            let dual = leaf("a", a).negate().and(leaf("b", b).negate()).negate().holds;
            prop_assert_eq!(leaf("a", a).or(leaf("b", b)).holds, dual);
        }

        #[test]
        fn each_change_named_ends_the_answer(v in any::<[Option<bool>; 3]>()) {
            let before = formula(v);
            prop_assume!(before.holds != Tri::Unknown);
            for change in &before.proof.would_change {
                let mut w = v;
                let slot = usize::from(change.path.as_bytes()[0] - b'a');
                w[slot] = Some(change.to == "true");
                prop_assert_ne!(formula(w).holds, before.holds, "{:?} in {:?}", change, v);
            }
        }

        #[test]
        fn forgetting_a_fact_never_turns_true_into_false(v in any::<[Option<bool>; 3]>(), slot in 0usize..3) {
            let mut w = v;
            w[slot] = None;
            if formula(v).holds == Tri::True {
                prop_assert_ne!(formula(w).holds, Tri::False);
            }
        }

        #[test]
        fn unknown_always_says_what_is_missing(v in any::<[Option<bool>; 3]>()) {
            let j = formula(v);
            prop_assert_eq!(j.holds == Tri::Unknown, !j.missing.is_empty());
        }
    }
}
