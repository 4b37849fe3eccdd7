//! The exact L∞ distance from a row to the nearest other class of a tree ensemble.
//!
//! An ensemble is constant on boxes, so the nearest other class is a choice of one leaf in every tree whose boxes
//! meet and whose weights add up to another class. Finding the nearest such choice is NP-hard in general
//! (Kantchelian, Tygar, Joseph 2016, who hand it to a MILP solver). Here it is searched depth first: with every
//! tree at the best leaf that the current box still reaches, the sum bounds what any input in the box can get. Where the
//! bound does not change the class, nothing in the box does. Where those best leaves meet, they *are* an input of another
//! class, and from then on only nearer ones are looked for. Otherwise two of them contradict each other about one
//! feature, and the box is split there.
//!
//! Distances are infima: just beyond a threshold lies the next float32. The witness is such an input, and the model
//! itself has confirmed that it is of another class.

use proofhouse_onnx::{Branch, Interval, Leaf, TreeEnsemble};
use serde::{Deserialize, Serialize};

use crate::RobustnessError;

/// How far to look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ExactOptions {
    /// Smallest value an input can take.
    pub box_low: f32,
    /// Largest value an input can take.
    pub box_high: f32,
    /// Boxes examined before the search gives up with a bound from below.
    pub max_boxes: u64,
}

impl Default for ExactOptions {
    fn default() -> Self {
        Self { box_low: f32::NEG_INFINITY, box_high: f32::INFINITY, max_boxes: 2_000_000 }
    }
}

/// How near another class is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MinimalDistance {
    /// Class of the row.
    pub class: usize,
    /// No input nearer than this has another class. The exact distance where the search ended, else a bound
    /// from below; infinite where no input in the box has another class.
    pub certified: f64,
    /// Distance of the nearest input found; absent where no input in the box has another class or none was
    /// found.
    pub found: Option<f64>,
    /// An input of another class at that distance, or one float beyond it; absent where float32 rounding keeps
    /// the model from confirming it.
    pub witness: Option<Vec<f32>>,
    /// Its class.
    pub becomes: Option<usize>,
    /// Whether the search ended, so that `certified` is the distance itself.
    pub exact: bool,
    /// Boxes examined.
    pub boxes: u64,
}

/// The distance in the L∞ norm from `row` to the nearest input in the box that the ensemble puts into another class.
///
/// ```no_run
/// use proofhouse_onnx::{TreeEnsemble, graph::Graph};
/// use proofhouse_robustness::trees::{ExactOptions, minimal_linf};
///
/// let bytes = std::fs::read("forest.onnx").unwrap();
/// let graph = Graph::read(&bytes).unwrap();
/// let forest = TreeEnsemble::of(graph.first("TreeEnsembleClassifier").unwrap()).unwrap();
/// let nearest = minimal_linf(&forest, &[0.1, 0.7], &ExactOptions::default()).unwrap();
/// println!("{} (exact: {})", nearest.certified, nearest.exact);
/// ```
///
/// # Errors
/// A regressor, a row with too few or non-finite values or outside the box, a tree that compares for equality.
pub fn minimal_linf(
    model: &TreeEnsemble,
    row: &[f32],
    options: &ExactOptions,
) -> Result<MinimalDistance, RobustnessError> {
    let class = check(model, row, options)?;
    let trees = model.leaves()?;
    let mut best = Best { radius: f64::INFINITY, witness: None };
    let mut boxes = 0;
    let mut exhausted = false;
    let mut gave_up_below = f64::INFINITY;
    for goal in goals(model, class) {
        let mut search = Search::new(model, &trees, row, &goal, options);
        let ended = search.run(&mut best, options.max_boxes.saturating_sub(boxes));
        boxes += search.boxes;
        if !ended {
            exhausted = true;
            gave_up_below = gave_up_below.min(search.certified(best.radius));
        }
    }
    let found = best.radius.is_finite().then_some(best.radius);
    Ok(MinimalDistance {
        class,
        certified: if exhausted { gave_up_below.min(best.radius) } else { best.radius },
        becomes: best.witness.as_ref().and_then(|w| classify(model, w)),
        found,
        witness: best.witness,
        exact: !exhausted,
        boxes,
    })
}

fn check(model: &TreeEnsemble, row: &[f32], options: &ExactOptions) -> Result<usize, RobustnessError> {
    if row.len() < model.features() {
        return Err(RobustnessError::Option(format!(
            "the ensemble looks at {} features, the row has {}",
            model.features(),
            row.len()
        )));
    }
    let legal = options.box_low..=options.box_high;
    if let Some(v) = row.iter().find(|v| !v.is_finite() || !legal.contains(v)) {
        return Err(RobustnessError::Option(format!(
            "{v} lies outside the box {}..={}",
            options.box_low, options.box_high
        )));
    }
    classify(model, row).ok_or_else(|| {
        RobustnessError::Option("a regressor has no classes; distances are to another class".to_owned())
    })
}

fn classify(model: &TreeEnsemble, row: &[f32]) -> Option<usize> {
    let mut raw = Vec::new();
    model.raw(row, &mut raw);
    model.class(&raw)
}

/// What has to be reached for another class: a weighted sum of scores beyond zero.
struct Goal {
    /// Factor on each target's score.
    factors: Vec<(usize, f64)>,
    /// What the sum starts from.
    start: f64,
    /// Whether zero itself is enough.
    zero_counts: bool,
}

fn goals(model: &TreeEnsemble, class: usize) -> Vec<Goal> {
    match model.branch() {
        Branch::Above(threshold) => {
            let above = f64::from(model.base(0)) - f64::from(threshold);
            let sign = if class == 0 { 1.0 } else { -1.0 };
            vec![Goal { factors: vec![(0, sign)], start: sign * above, zero_counts: class == 1 }]
        }
        _ => (0..model.targets())
            .filter(|other| *other != class)
            .map(|other| Goal {
                factors: vec![(other, 1.0), (class, -1.0)],
                start: f64::from(model.base(other)) - f64::from(model.base(class)),
                // Of equal scores the first wins.
                zero_counts: other < class,
            })
            .collect(),
    }
}

impl Goal {
    fn value(&self, leaf: &Leaf) -> f64 {
        let of = |target: usize| self.factors.iter().find(|(t, _)| *t == target).map_or(0.0, |(_, f)| *f);
        leaf.weights.iter().map(|(target, weight)| of(*target) * f64::from(*weight)).sum()
    }

    fn reached(&self, sum: f64) -> bool {
        sum > 0.0 || (self.zero_counts && sum == 0.0)
    }
}

/// The nearest input of another class so far.
struct Best {
    radius: f64,
    witness: Option<Vec<f32>>,
}

/// A leaf as the search sees it.
struct Choice<'a> {
    bounds: &'a [(usize, Interval)],
    value: f64,
    /// Distance from the row to its box.
    distance: f64,
}

struct Search<'a> {
    model: &'a TreeEnsemble,
    row: &'a [f32],
    goal: &'a Goal,
    limits: Interval,
    /// Choices of each tree, best first.
    trees: Vec<Vec<Choice<'a>>>,
    /// What the trees from each one on can add at most.
    rest: Vec<f64>,
    /// The current box.
    space: Vec<Interval>,
    boxes: u64,
}

/// What there is to say about a box.
enum Look {
    /// Nothing in it within reach is of another class.
    Nothing,
    /// These leaves meet.
    Meet(Vec<Interval>),
    /// The best leaves contradict each other about a feature: at most this value, or more.
    Split(usize, f32),
}

impl<'a> Search<'a> {
    fn new(
        model: &'a TreeEnsemble,
        trees: &'a [Vec<Leaf>],
        row: &'a [f32],
        goal: &'a Goal,
        options: &ExactOptions,
    ) -> Self {
        // `(below low, high]` holds exactly the values of the box.
        let limits = Interval { above: options.box_low.next_down(), to: options.box_high };
        let choice = |leaf: &'a Leaf| Choice {
            bounds: &leaf.bounds,
            value: goal.value(leaf),
            distance: leaf.bounds.iter().map(|(f, i)| distance(row[*f], i.and(limits))).fold(0.0, f64::max),
        };
        let mut trees: Vec<Vec<Choice<'a>>> = trees.iter().map(|t| t.iter().map(choice).collect()).collect();
        for tree in &mut trees {
            // Best first, nearest first among equals: the first that is reached is the tree's bound.
            tree.sort_by(|a, b| b.value.total_cmp(&a.value).then(a.distance.total_cmp(&b.distance)));
        }
        // Trees that can change most come first, so that a hopeless box is known early.
        let spread = |tree: &Vec<Choice<'_>>| {
            tree.first().map_or(0.0, |c| c.value) - tree.last().map_or(0.0, |c| c.value)
        };
        trees.sort_by(|a, b| spread(b).total_cmp(&spread(a)));
        let mut rest: Vec<f64> = trees
            .iter()
            .rev()
            .scan(0.0, |sum, tree| {
                *sum += tree.first().map_or(0.0, |c| c.value);
                Some(*sum)
            })
            .collect();
        rest.reverse();
        rest.push(0.0);
        Self { model, row, goal, limits, trees, rest, space: vec![limits; row.len()], boxes: 0 }
    }

    /// Looks for inputs nearer than `best`. False where it gave up.
    fn run(&mut self, best: &mut Best, max_boxes: u64) -> bool {
        // Each entry undoes what was done after it was pushed: a feature with the interval it had, and the
        // side that is still to be looked at.
        let mut open: Vec<(usize, Interval, Option<Interval>)> = Vec::new();
        loop {
            self.boxes += 1;
            if self.boxes > max_boxes {
                return false;
            }
            match self.look(best.radius) {
                Look::Meet(meeting) => {
                    self.improve(best, &meeting);
                    // The box may hold a nearer one: look again with the smaller radius.
                    continue;
                }
                Look::Split(feature, at) => {
                    let whole = self.space[feature];
                    let low = whole.and(Interval { above: f32::NEG_INFINITY, to: at });
                    let high = whole.and(Interval { above: at, to: f32::INFINITY });
                    // The side of the row first: what is near makes the rest of the search short.
                    let (first, second) = if self.row[feature] <= at { (low, high) } else { (high, low) };
                    open.push((feature, whole, Some(second)));
                    self.space[feature] = first;
                    continue;
                }
                Look::Nothing => {}
            }
            loop {
                match open.pop() {
                    None => return true,
                    Some((feature, whole, Some(second))) => {
                        self.space[feature] = second;
                        open.push((feature, whole, None));
                        break;
                    }
                    Some((feature, whole, None)) => self.space[feature] = whole,
                }
            }
        }
    }

    /// The part of a leaf's bound that lies in the current box, where it is within `radius`.
    fn within(&self, feature: usize, bound: Interval, radius: f64) -> Option<Interval> {
        let both = self.space[feature].and(bound);
        (!both.is_empty() && distance(self.row[feature], both) < radius).then_some(both)
    }

    fn look(&self, radius: f64) -> Look {
        let mut sum = self.goal.start;
        let mut chosen = Vec::with_capacity(self.trees.len());
        for (tree, rest) in self.trees.iter().zip(self.rest.iter().skip(1)) {
            let reached = tree.iter().find(|choice| {
                choice.distance < radius
                    && choice.bounds.iter().all(|(f, i)| self.within(*f, *i, radius).is_some())
            });
            let Some(choice) = reached else { return Look::Nothing };
            sum += choice.value;
            if !self.goal.reached(sum + rest) {
                return Look::Nothing;
            }
            chosen.push(choice);
        }
        let mut meeting = self.space.clone();
        for choice in chosen {
            for (feature, bound) in choice.bounds {
                let both = meeting[*feature].and(*bound);
                if both.is_empty() {
                    // One of them ends where the other begins, or before.
                    let at = if meeting[*feature].to <= bound.above { bound.above } else { bound.to };
                    return Look::Split(*feature, at);
                }
                meeting[*feature] = both;
            }
        }
        Look::Meet(meeting)
    }

    /// Takes the nearest point of a box of another class.
    fn improve(&self, best: &mut Best, meeting: &[Interval]) {
        let mut witness = self.row.to_vec();
        let mut radius = 0.0f64;
        for (value, interval) in witness.iter_mut().zip(meeting) {
            radius = radius.max(distance(*value, *interval));
            *value = if *value <= interval.above { interval.above.next_up() } else { value.min(interval.to) };
        }
        // Where float32 rounds a sum to the other side of the threshold the distance still holds in exact
        // arithmetic, but the model itself does not confirm it.
        let confirmed = classify(self.model, &witness) != classify(self.model, self.row);
        *best = Best { radius, witness: confirmed.then_some(witness) };
    }

    /// A radius within which even every tree's best leaf together does not change the class.
    fn certified(&mut self, upper: f64) -> f64 {
        self.space.fill(self.limits);
        let mut radii: Vec<f64> =
            self.trees.iter().flatten().map(|c| c.distance).filter(|d| *d < upper).collect();
        radii.sort_by(f64::total_cmp);
        radii.dedup();
        let hopeless = |radius: f64| {
            let bound: f64 = self
                .trees
                .iter()
                .map(|tree| {
                    let first = tree.iter().find(|c| {
                        c.distance < radius
                            && c.bounds.iter().all(|(f, i)| self.within(*f, *i, radius).is_some())
                    });
                    first.map_or(0.0, |c| c.value)
                })
                .sum();
            !self.goal.reached(self.goal.start + bound)
        };
        let count = radii.partition_point(|radius| hopeless(*radius));
        count.checked_sub(1).and_then(|at| radii.get(at)).copied().unwrap_or(0.0)
    }
}

/// Distance from a value to an interval; the infimum where its lower end is excluded.
fn distance(value: f32, interval: Interval) -> f64 {
    if value <= interval.above {
        f64::from(interval.above) - f64::from(value)
    } else if value > interval.to {
        f64::from(value) - f64::from(interval.to)
    } else {
        0.0
    }
}
