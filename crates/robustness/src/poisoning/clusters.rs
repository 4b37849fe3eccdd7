//! Does a class fall into two clusters, of which rows that nobody planted know one only?
//!
//! Each class is divided in two within the ten directions in which it varies most, in units of how far the reference is
//! spread there, and each half once more: the first cut of a class that has several kinds of its own may go between those. How well rows are divided is measured by
//! the mean silhouette (Rousseeuw 1987), and so are the reference rows of that class, given to the nearer of the same two
//! centres. Any class can be cut in two, so that neither number says anything by itself: a class is flagged where one
//! cluster is rarer in the reference than chance allows, and the rows are either divided more clearly than their reference
//! or the cluster all but absent there.

use serde::{Deserialize, Serialize};

use super::exact::drawn;
use super::subspace::Scaled;
use super::{Activations, FEWEST, sides};
use crate::{Chance, RobustnessError};

/// Directions within which clusters are sought.
const DIRECTIONS: usize = 10;
/// Rows of a side that clusters are sought among; more are drawn from by chance.
const MOST_ROWS: usize = 1500;
/// Starts of the search, and its rounds.
const STARTS: usize = 5;
const ROUNDS: usize = 50;
/// A cluster so many times rarer in the reference is all but absent there.
const ABSENT: f64 = 4.0;
/// Clusters that are compared: two of the whole class and of each half.
const COMPARED: f64 = 6.0;

/// What was seen of a class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassClusters {
    /// The class.
    pub class: usize,
    /// Training rows looked at.
    pub trained: u64,
    /// Reference rows held against them.
    pub reference: u64,
    /// The division whose clusters are least alike; absent where either side has fewer than [`FEWEST`] rows, or they do
    /// not vary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub division: Option<Division>,
    /// The smallest share of the class that could have been flagged: one that is a cluster by itself, and no row of the
    /// reference in it.
    pub detectable: f64,
    /// Whether it is flagged.
    pub flagged: bool,
    /// Training rows of the cluster that the reference lacks, by their place in what was given, where the class is flagged.
    pub suspects: Vec<usize>,
}

/// How a class, or half of it, is divided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Division {
    /// Share of the class's training rows that were divided: 1 for the whole class.
    pub of: f64,
    /// Mean silhouette of the training rows.
    pub silhouette: f64,
    /// That of the reference rows, divided by the same centres; 0 where all of them lie in one cluster.
    pub reference_silhouette: f64,
    /// Share of the class's training rows in the cluster that is rarer in the reference.
    pub share: f64,
    /// Share of its reference rows in it.
    pub reference_share: f64,
    /// Chance of a difference as large, where both are of one kind (Fisher, one side, for any of the clusters).
    pub chance: f64,
}

impl Division {
    /// How much more clearly the training rows are divided than the reference.
    #[must_use]
    pub fn above(&self) -> f64 {
        self.silhouette - self.reference_silhouette
    }
}

/// Divides each of `classes` classes. `error` is the probability of any flag without a cause, `clearer` how much more
/// clearly a class may be divided than its reference.
///
/// # Errors
/// Values that are not rows of one width.
pub fn clusters(
    trained: Activations<'_>,
    reference: Activations<'_>,
    classes: usize,
    (error, clearer): (f64, f64),
    seed: u64,
) -> Result<Vec<ClassClusters>, RobustnessError> {
    let sides = sides(trained, reference, classes)?;
    let each = error / classes.max(1) as f64;
    let class = |(class, (own, held)): (usize, (Vec<usize>, Vec<usize>))| {
        let mut chance = Chance::new(seed, "clusters", class);
        let (own, held) = (drawn_by_chance(own, &mut chance), drawn_by_chance(held, &mut chance));
        let (rows, others) = (trained.rows(&own, sides.width), reference.rows(&held, sides.width));
        let mut seen = ClassClusters {
            class,
            trained: rows.len() as u64,
            reference: others.len() as u64,
            division: None,
            detectable: smallest(rows.len(), others.len(), each),
            flagged: false,
            suspects: Vec::new(),
        };
        if rows.len() < FEWEST || others.len() < FEWEST {
            return seen;
        }
        let Some(space) = Scaled::of(&rows, &others, DIRECTIONS, &mut chance) else { return seen };
        let points: Vec<Vec<f64>> = rows.iter().map(|row| space.place(row)).collect();
        let others: Vec<Vec<f64>> = others.iter().map(|row| space.place(row)).collect();
        let Some((division, cluster)) = least_alike(&points, &others, &mut chance) else { return seen };
        let absent = division.reference_share * ABSENT <= division.share;
        seen.flagged = division.chance <= each && (absent || division.above() > clearer);
        if seen.flagged {
            seen.suspects = cluster.into_iter().map(|at| own[at]).collect();
        }
        seen.division = Some(division);
        seen
    };
    Ok(sides.classes.into_iter().enumerate().map(class).collect())
}

/// The smallest share of `n` rows that chance does not explain where none of `m` others is like them; 1 where there is none.
fn smallest(n: usize, m: usize, error: f64) -> f64 {
    let seen = |count: usize| COMPARED * drawn(count, n, count, n + m) <= error;
    let (mut low, mut high) = (0, n);
    if n == 0 || !seen(n) {
        return 1.0;
    }
    while low + 1 < high {
        let middle = low.midpoint(high);
        if seen(middle) { high = middle } else { low = middle }
    }
    high as f64 / n as f64
}

/// At most [`MOST_ROWS`] of the rows, in their order.
fn drawn_by_chance(mut rows: Vec<usize>, chance: &mut Chance) -> Vec<usize> {
    if rows.len() > MOST_ROWS {
        chance.shuffle(&mut rows);
        rows.truncate(MOST_ROWS);
        rows.sort_unstable();
    }
    rows
}

/// Two centres of least squares (Lloyd's rounds from k-means++ starts); none where all points are one.
fn two_means(points: &[&Vec<f64>], chance: &mut Chance) -> Option<[Vec<f64>; 2]> {
    let mut best: Option<(f64, [Vec<f64>; 2])> = None;
    for _ in 0..STARTS {
        let first = points.get(chance.below(points.len()))?.to_vec();
        let away: Vec<f64> = points.iter().map(|p| squared(p, &first)).collect();
        let all: f64 = away.iter().sum();
        if !(all > 0.0 && all.is_finite()) {
            return None;
        }
        let mut left = chance.unit() * all;
        let second = away.iter().position(|d| {
            left -= d;
            left < 0.0
        });
        let mut centres = [first, points.get(second.unwrap_or(points.len() - 1))?.to_vec()];
        for _ in 0..ROUNDS {
            let means = [0, 1].map(|which| mean_of(points, &centres, which));
            let [Some(a), Some(b)] = means else { break };
            let next = [a, b];
            if next == centres {
                break;
            }
            centres = next;
        }
        let within: f64 = points.iter().map(|p| squared(p, &centres[nearest(p, &centres)])).sum();
        if best.as_ref().is_none_or(|(least, _)| within < *least) {
            best = Some((within, centres));
        }
    }
    best.map(|(_, centres)| centres)
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn nearest(point: &[f64], centres: &[Vec<f64>; 2]) -> usize {
    usize::from(squared(point, &centres[1]) < squared(point, &centres[0]))
}

/// The mean of the points that are nearest to a centre.
fn mean_of(points: &[&Vec<f64>], centres: &[Vec<f64>; 2], which: usize) -> Option<Vec<f64>> {
    let own: Vec<Vec<f64>> =
        points.iter().filter(|p| nearest(p, centres) == which).map(|p| p.to_vec()).collect();
    (!own.is_empty()).then(|| super::subspace::centre(&own))
}

/// Of all divisions the one with the cluster that is rarest in the reference beside what chance explains, and the points of
/// that cluster.
fn least_alike(
    points: &[Vec<f64>],
    others: &[Vec<f64>],
    chance: &mut Chance,
) -> Option<(Division, Vec<usize>)> {
    let all = (points.len(), others.len());
    let every = |points: &[Vec<f64>]| (0..points.len()).collect::<Vec<_>>();
    let whole = Halves::of((points, every(points)), (others, every(others)), chance)?;
    let mut best = whole.compare(all);
    for half in 0..2 {
        let part = |side: &Side<'_>| side.part(half);
        let (own, held) = (part(&whole.own), part(&whole.held));
        if own.len() < FEWEST {
            continue;
        }
        let again = Halves::of((points, own), (others, held), chance).map(|halves| halves.compare(all));
        if let Some(again) = again.filter(|again| again.0.chance < best.0.chance) {
            best = again;
        }
    }
    Some(best)
}

/// Some of the points, each with its cluster.
struct Side<'a> {
    points: &'a [Vec<f64>],
    some: Vec<usize>,
    of: Vec<usize>,
}

impl<'a> Side<'a> {
    fn part(&self, which: usize) -> Vec<usize> {
        self.some.iter().zip(&self.of).filter(|(_, of)| **of == which).map(|(at, _)| *at).collect()
    }

    fn silhouette(&self) -> f64 {
        let some: Vec<&Vec<f64>> = self.some.iter().map(|at| &self.points[*at]).collect();
        silhouette(&some, &self.of)
    }

    fn of(points: &'a [Vec<f64>], some: Vec<usize>, centres: &[Vec<f64>; 2]) -> Self {
        let of = some.iter().map(|at| nearest(&points[*at], centres)).collect();
        Self { points, some, of }
    }
}

/// Training and reference rows, divided by the same centres.
struct Halves<'a> {
    own: Side<'a>,
    held: Side<'a>,
}

impl<'a> Halves<'a> {
    fn of(
        (points, own): (&'a [Vec<f64>], Vec<usize>),
        (others, held): (&'a [Vec<f64>], Vec<usize>),
        chance: &mut Chance,
    ) -> Option<Self> {
        let some: Vec<&Vec<f64>> = own.iter().map(|at| &points[*at]).collect();
        let centres = two_means(&some, chance)?;
        Some(Self { own: Side::of(points, own, &centres), held: Side::of(others, held, &centres) })
    }

    /// The cluster that is rarer in the reference than chance explains, each as a share of all `n` and `m` rows.
    fn compare(&self, (n, m): (usize, usize)) -> (Division, Vec<usize>) {
        let of_cluster = |which: usize| {
            let (cluster, b) = (self.own.part(which), self.held.part(which).len());
            let chance = (COMPARED * drawn(cluster.len(), n, cluster.len() + b, n + m)).min(1.0);
            (chance, cluster, b)
        };
        let (first, second) = (of_cluster(0), of_cluster(1));
        let (chance, cluster, b) = if second.0 < first.0 { second } else { first };
        let division = Division {
            of: self.own.some.len() as f64 / n as f64,
            silhouette: self.own.silhouette(),
            reference_silhouette: self.held.silhouette(),
            share: cluster.len() as f64 / n as f64,
            reference_share: b as f64 / m as f64,
            chance,
        };
        (division, cluster)
    }
}

/// The mean silhouette: how much nearer points are to their own cluster than to the other, as a share of the larger
/// distance. A point that is its cluster alone has 0, and so have points that are all in one.
fn silhouette(points: &[&Vec<f64>], of: &[usize]) -> f64 {
    let sizes = [0, 1].map(|which| of.iter().filter(|o| **o == which).count());
    if sizes.contains(&0) {
        return 0.0;
    }
    let one = |(at, point): (usize, &&Vec<f64>)| {
        let own = of[at];
        let mut sums = [0.0; 2];
        for (other, which) in points.iter().zip(of) {
            sums[*which] += squared(point, other).sqrt();
        }
        if sizes[own] == 1 {
            return 0.0;
        }
        let (within, without) = (sums[own] / (sizes[own] - 1) as f64, sums[1 - own] / sizes[1 - own] as f64);
        let larger = within.max(without);
        if larger > 0.0 { (without - within) / larger } else { 0.0 }
    };
    points.iter().enumerate().map(one).sum::<f64>() / points.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: sklearn.metrics.silhouette_score.
    #[test]
    fn silhouettes_match_the_definition() {
        let points = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [5.0, 5.0], [5.0, 7.0]].map(|p| p.to_vec());
        let points: Vec<&Vec<f64>> = points.iter().collect();
        let found = silhouette(&points, &[0, 0, 0, 1, 1]);
        assert!((found - SILHOUETTE).abs() < 1e-12, "{found}");
        assert_eq!(silhouette(&points, &[1; 5]), 0.0);
    }

    const SILHOUETTE: f64 = 0.797_728_560_711_643;
}
