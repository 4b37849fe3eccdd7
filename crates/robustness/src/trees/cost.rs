//! The cheapest legal change of a tree ensemble's answer, exactly, by best-first branch and bound.
//!
//! As in [`minimal_linf`](super::minimal_linf) a leaf is a box and an answer is a choice of one leaf in every tree
//! whose boxes meet. What differs is the measure, a sum of prices over columns and categories, and the space, which
//! holds only what the domain allows: whole numbers, one category of each group, columns that only grow.
//!
//! The bound of a space: with every leaf at the price of entering it from the original row, what is the smallest
//! price R at which the best leaves of each tree below R, taken independently, add up to the wanted answer? Nothing in
//! the space is cheaper, since an input pays at least for the dearest of its leaves. Spaces are looked at in order of
//! that bound, so the search may stop at any time and has a bound from below for all that is left.
//!
//! Sums are compared with an allowance for float32 rounding, and where all leaves agree the model itself is asked
//! inside the box, so the answer is that of the model as it is evaluated, not of real arithmetic.
//!
//! Relations between columns prune spaces in which they cannot hold. Where the cheapest corner of an answer breaks
//! one, it is repaired, which may cost more than necessary; the result is then an interval instead of a number.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use proofhouse_onnx::{Branch, TreeEnsemble};
use serde::{Deserialize, Serialize};

use super::space::{Set, Space, between};
use crate::RobustnessError;
use crate::domain::Domain;
use crate::tabular::Aim;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CostOptions {
    /// Spaces examined before the search gives up with a bound from below. Each is kept in memory, some hundred
    /// bytes.
    pub max_boxes: u64,
    /// A price at which the answer is known to change already; nothing dearer is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upper: Option<f64>,
}

impl Default for CostOptions {
    fn default() -> Self {
        Self { max_boxes: 100_000, upper: None }
    }
}

/// What the wanted answer costs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinimalCost {
    /// No legal row that reaches the aim is cheaper; infinite where there is none.
    pub certified: f64,
    /// Price of the cheapest one found here that is cheaper than `upper`; absent where there is none.
    pub found: Option<f64>,
    /// That row.
    pub witness: Option<Vec<f32>>,
    /// Whether `certified` is the price itself: that of the witness, or the given upper one.
    pub exact: bool,
    /// Spaces examined.
    pub boxes: u64,
}

/// The price of the cheapest legal change of `row` after which the ensemble's answer is what `aim` wants.
///
/// # Errors
/// A row that does not fit the domain or is not legal in it, an aim that the ensemble cannot reach by its kind
/// (classes of a regressor, numbers of a classifier), a tree that compares for equality.
pub fn minimal_cost(
    model: &TreeEnsemble,
    domain: &Domain,
    row: &[f32],
    aim: Aim,
    options: &CostOptions,
) -> Result<MinimalCost, RobustnessError> {
    if let Some(violation) = domain.illegal(row) {
        return Err(RobustnessError::Option(format!("the row cannot exist: {violation}")));
    }
    if row.len() < model.features() {
        return Err(RobustnessError::Option(format!(
            "the ensemble looks at {} features, the domain has {}",
            model.features(),
            row.len()
        )));
    }
    let functionals = functionals(model, aim)?;
    let space = Space::new(domain, row);
    let mut search = Search::new(model, aim, &space, &functionals, options.upper)?;
    if search.reached(row) {
        return Ok(MinimalCost {
            certified: 0.0,
            found: Some(0.0),
            witness: Some(row.to_vec()),
            exact: true,
            boxes: 0,
        });
    }
    let left = search.run(options.max_boxes);
    let certified = search.best.min(search.gap).min(left);
    Ok(MinimalCost {
        certified,
        found: search.witness.is_some().then_some(search.best),
        exact: certified >= search.best,
        witness: search.witness,
        boxes: search.boxes,
    })
}

/// A weighted sum of scores that has to be at least zero.
struct Functional {
    factors: Vec<(usize, f64)>,
    start: f64,
}

fn functionals(model: &TreeEnsemble, aim: Aim) -> Result<Vec<Vec<Functional>>, RobustnessError> {
    let between = |high: usize, low: usize| Functional {
        factors: vec![(high, 1.0), (low, -1.0)],
        start: f64::from(model.base(high)) - f64::from(model.base(low)),
    };
    let one = |output: usize, sign: f64, from: f64| Functional {
        factors: vec![(output, sign)],
        start: sign * (f64::from(model.base(output)) - from),
    };
    // Alternatives, each a list of what has to hold together.
    Ok(match (model.branch(), aim) {
        (Branch::Above(threshold), Aim::Other(class)) => {
            vec![vec![one(0, if class == 0 { 1.0 } else { -1.0 }, f64::from(threshold))]]
        }
        (Branch::Above(threshold), Aim::Class(class)) => {
            vec![vec![one(0, if class == 1 { 1.0 } else { -1.0 }, f64::from(threshold))]]
        }
        (Branch::Largest, Aim::Other(class)) if class < model.targets() => {
            (0..model.targets()).filter(|o| *o != class).map(|o| vec![between(o, class)]).collect()
        }
        (Branch::Largest, Aim::Class(class)) if class < model.targets() => {
            vec![(0..model.targets()).filter(|o| *o != class).map(|o| between(class, o)).collect()]
        }
        (Branch::None, Aim::AtLeast { output, value }) if output < model.targets() => {
            vec![vec![one(output, 1.0, value)]]
        }
        (Branch::None, Aim::AtMost { output, value }) if output < model.targets() => {
            vec![vec![one(output, -1.0, value)]]
        }
        _ => {
            return Err(RobustnessError::Option(format!(
                "{aim:?} is nothing that this ensemble of {} scores answers",
                model.targets()
            )));
        }
    })
}

struct LeafBox {
    bounds: Vec<(usize, Set)>,
    weights: Vec<(usize, f32)>,
}

struct Search<'a> {
    model: &'a TreeEnsemble,
    aim: Aim,
    space: &'a Space<'a>,
    alternatives: &'a [Vec<Functional>],
    trees: Vec<Vec<LeafBox>>,
    best: f64,
    witness: Option<Vec<f32>>,
    /// Price below which a repaired answer might have a cheaper neighbour.
    gap: f64,
    boxes: u64,
    raw: Vec<f32>,
}

/// A space with its bound, and how it is to be divided.
struct Open {
    bound: f64,
    number: u64,
    alternative: usize,
    sets: Vec<Set>,
    coordinate: usize,
    part: Set,
}

impl PartialEq for Open {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Open {}
impl PartialOrd for Open {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Open {
    /// The smallest bound is the greatest; of equals the latest, which is the deepest.
    fn cmp(&self, other: &Self) -> Ordering {
        other.bound.total_cmp(&self.bound).then(self.number.cmp(&other.number))
    }
}

impl<'a> Search<'a> {
    fn new(
        model: &'a TreeEnsemble,
        aim: Aim,
        space: &'a Space<'a>,
        alternatives: &'a [Vec<Functional>],
        upper: Option<f64>,
    ) -> Result<Self, RobustnessError> {
        let trees = model
            .leaves()?
            .into_iter()
            .map(|leaves| {
                let boxed = leaves.into_iter().filter_map(|leaf| {
                    let mut bounds: Vec<(usize, Set)> = Vec::with_capacity(leaf.bounds.len());
                    for (column, interval) in leaf.bounds {
                        let (coordinate, set) = space.bound(column, interval);
                        // Several columns of a group are one coordinate.
                        match bounds.iter_mut().find(|(c, _)| *c == coordinate) {
                            Some((_, held)) => *held = held.and(set),
                            None => bounds.push((coordinate, set)),
                        }
                    }
                    let reachable = bounds.iter().all(|(c, set)| !space.whole[*c].and(*set).is_empty());
                    reachable.then_some(LeafBox { bounds, weights: leaf.weights })
                });
                boxed.collect()
            })
            .collect();
        Ok(Self {
            model,
            aim,
            space,
            alternatives,
            trees,
            best: upper.unwrap_or(f64::INFINITY),
            witness: None,
            gap: f64::INFINITY,
            boxes: 0,
            raw: Vec::new(),
        })
    }

    /// Searches; returns the smallest bound of what was not looked at.
    fn run(&mut self, max_boxes: u64) -> f64 {
        let mut open = BinaryHeap::new();
        for alternative in 0..self.alternatives.len() {
            open.extend(self.examine(alternative, self.space.whole.clone()));
        }
        while let Some(next) = open.pop() {
            if next.bound >= self.best {
                return f64::INFINITY;
            }
            if self.boxes >= max_boxes {
                return next.bound;
            }
            let (first, second) = next.sets[next.coordinate].split(next.part);
            for side in [first, second] {
                if !side.is_empty() {
                    let mut sets = next.sets.clone();
                    sets[next.coordinate] = side;
                    open.extend(self.examine(next.alternative, sets));
                }
            }
        }
        f64::INFINITY
    }

    /// Bounds a space, takes the answer that its cheapest leaves give together, and says how to divide it where
    /// something cheaper than the best may be left.
    fn examine(&mut self, alternative: usize, sets: Vec<Set>) -> Option<Open> {
        self.boxes += 1;
        if !self.space.domain.relations().iter().all(|r| self.space.can_hold(r, &sets)) {
            return None;
        }
        let (bound, chosen) = self.bound(alternative, &sets)?;
        if bound >= self.best {
            return None;
        }
        let open = |coordinate, part, number| {
            Some(Open { bound, number, alternative, sets: sets.clone(), coordinate, part })
        };
        let mut meeting = sets.clone();
        for (tree, leaf) in self.trees.iter().zip(&chosen) {
            for (coordinate, set) in &tree[*leaf].bounds {
                let both = meeting[*coordinate].and(*set);
                if both.is_empty() {
                    // One of them ends where the other begins, or before: divide between them.
                    return open(*coordinate, between(meeting[*coordinate], *set), self.boxes);
                }
                meeting[*coordinate] = both;
            }
        }
        let candidate = self.space.cheapest(&meeting);
        let price = self.space.domain.cost(self.space.row, &candidate);
        if self.reached(&candidate) {
            if self.space.domain.relations().iter().all(|r| r.holds(&candidate)) {
                self.take(price, candidate);
                if price <= bound {
                    return None;
                }
            } else {
                let mut repaired = candidate;
                let possible = self.space.domain.repair(&self.space.limits(&meeting), &mut repaired)
                    && self.space.domain.admits(self.space.row, &repaired).is_ok();
                if possible && self.reached(&repaired) {
                    let dearer = self.space.domain.cost(self.space.row, &repaired);
                    self.take(dearer, repaired);
                }
                if price < self.best {
                    self.gap = self.gap.min(price);
                }
            }
        }
        // The answer of `meeting` is settled; the rest of the space is not.
        let narrower = (0..sets.len())
            .filter(|at| meeting[*at] != sets[*at])
            .map(|at| (self.space.cost(at, meeting[at]) - self.space.cost(at, sets[at]), at))
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        narrower.and_then(|(_, at)| open(at, meeting[at], self.boxes))
    }

    fn take(&mut self, price: f64, row: Vec<f32>) {
        if price < self.best {
            self.best = price;
            self.witness = Some(row);
        }
    }

    fn reached(&mut self, row: &[f32]) -> bool {
        self.model.raw(row, &mut self.raw);
        match (self.aim, self.model.class(&self.raw)) {
            (Aim::Other(own), Some(class)) => class != own,
            (Aim::Class(wanted), Some(class)) => class == wanted,
            (aim, _) => aim.reached(&self.raw),
        }
    }

    /// A price that nothing in the space undercuts, and the leaf of each tree that it comes from; nothing where the
    /// answer is out of reach.
    fn bound(&self, alternative: usize, sets: &[Set]) -> Option<(f64, Vec<usize>)> {
        let own: Vec<f64> = sets.iter().enumerate().map(|(at, set)| self.space.cost(at, *set)).collect();
        let base: f64 = own.iter().sum();
        let room = self.best - base;
        if room <= 0.0 {
            return None;
        }
        // What entering each leaf costs beyond what the space costs already.
        let mut entries: Vec<(f64, usize, usize)> = Vec::new();
        for (t, tree) in self.trees.iter().enumerate() {
            'leaves: for (l, leaf) in tree.iter().enumerate() {
                let mut extra = 0.0;
                for (coordinate, set) in &leaf.bounds {
                    let both = sets[*coordinate].and(*set);
                    if both.is_empty() {
                        continue 'leaves;
                    }
                    if both != sets[*coordinate] {
                        extra += self.space.cost(*coordinate, both) - own[*coordinate];
                    }
                    if extra >= room {
                        continue 'leaves;
                    }
                }
                entries.push((extra, t, l));
            }
        }
        entries.sort_by(|a, b| a.0.total_cmp(&b.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let mut hardest: Option<(f64, Vec<usize>)> = None;
        for functional in &self.alternatives[alternative] {
            let (price, chosen) = self.reach(functional, &entries)?;
            if hardest.as_ref().is_none_or(|(most, _)| price > *most) {
                hardest = Some((price, chosen));
            }
        }
        hardest.map(|(price, chosen)| (base + price, chosen))
    }

    /// The smallest price at which the best leaves below it reach the functional.
    fn reach(&self, functional: &Functional, entries: &[(f64, usize, usize)]) -> Option<(f64, Vec<usize>)> {
        let value = |tree: usize, leaf: usize| -> f64 {
            let weights = &self.trees[tree][leaf].weights;
            let of = |target| functional.factors.iter().filter(move |(t, _)| *t == target);
            weights.iter().map(|(target, w)| of(*target).map(|(_, f)| f * f64::from(*w)).sum::<f64>()).sum()
        };
        let mut held: Vec<Option<(usize, f64)>> = vec![None; self.trees.len()];
        let (mut sum, mut size, mut missing) = (functional.start, functional.start.abs(), self.trees.len());
        for (at, (price, tree, leaf)) in entries.iter().enumerate() {
            let v = value(*tree, *leaf);
            size = size.max(v.abs());
            match held[*tree] {
                None => {
                    missing -= 1;
                    sum += v;
                    held[*tree] = Some((*leaf, v));
                }
                Some((_, before)) if v > before => {
                    sum += v - before;
                    held[*tree] = Some((*leaf, v));
                }
                Some(_) => {}
            }
            // A sum of float32 numbers may come out beyond zero where the exact one does not.
            let trees = self.trees.len() as f64;
            let allowance = (trees + 2.0) * (trees + 2.0) * size * f64::from(f32::EPSILON);
            let complete = entries.get(at + 1).is_none_or(|next| next.0 > *price);
            if missing == 0 && complete && sum >= -allowance {
                return held
                    .into_iter()
                    .map(|h| h.map(|(leaf, _)| leaf))
                    .collect::<Option<_>>()
                    .map(|c| (*price, c));
            }
        }
        None
    }
}
