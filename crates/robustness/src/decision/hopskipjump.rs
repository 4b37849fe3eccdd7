//! HopSkipJump (Chen, Jordan, Wainwright: *HopSkipJumpAttack: A Query-Efficient Decision-Based Attack*, S&P 2020).
//!
//! At the boundary, the side on which random neighbours lie gives the direction of the boundary's normal; a step
//! along it, as far as it stays on the attacker's side, and a bisection back towards the original make the next
//! point.
//!
//! Four departures, all to the attacker's advantage. All rows walk side by side, so that the model is asked in
//! batches. The walk starts at the best of several labelled rows of another class. The neighbourhood alternates
//! between a narrow one, right for networks, and a wide one, since a tree's boundary is flat and only looks like one
//! from afar. And between jumps every coordinate is offered a way back, singly and in groups: in L2 to its original
//! value; in L-infinity the change at a slightly smaller radius is tried with some of its signs turned or dropped, the
//! search of RayS (Chen, Gu 2020).

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Starts;
use super::walk::{Point, Question, ask, bisect, in_groups, start};
use crate::{Access, Attack, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Neighbours asked about in the first round; the number grows with the square root of the round.
const NEIGHBOURS: f64 = 60.0;
/// Halvings of a step that leads off the attacker's side.
const HALVINGS: usize = 8;
/// By how much a radius must shrink for a turn of signs to count.
const SHRINK: f64 = 0.995;

/// A decision-based attack along the boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HopSkipJump {
    /// Rows to start from.
    pub starts: Starts,
    /// Queries a row may cost, starts and bisections included; the round that reaches it is finished.
    pub queries: u64,
    /// Whether a row is left alone once it lies within the ball. Without, the attack goes on to the smallest
    /// distance it finds.
    pub stop_within: bool,
    /// Seed of all chance.
    pub seed: u64,
}

impl HopSkipJump {
    /// The attack from these rows with the budget that ART spends, about 6000 queries a row.
    #[must_use]
    pub const fn new(starts: Starts) -> Self {
        Self { starts, queries: 6000, stop_within: true, seed: 0 }
    }
}

impl Attack for HopSkipJump {
    fn name(&self) -> String {
        "hopskipjump".to_owned()
    }

    fn access(&self) -> Access {
        Access::Labels
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf, Norm::L2]
    }

    fn settings(&self) -> serde_json::Value {
        json!({
            "starts": self.starts.labels.len(),
            "queries": self.queries,
            "stop_within": self.stop_within,
            "seed": self.seed,
        })
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        in_groups(targets, progress, |group| self.walk(victim, threat, group))
    }
}

impl HopSkipJump {
    fn walk(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
    ) -> Result<Vec<Outcome>, RobustnessError> {
        let shape = victim.model.input_shape();
        let mut points: Vec<Point<'_>> =
            targets.iter().map(|t| Point::new(*t, threat, shape, self.seed, "hopskipjump")).collect();
        start(victim, &mut points, &self.starts, threat)?;
        for round in 1.. {
            let active: Vec<usize> = (0..points.len())
                .filter(|at| {
                    let p = &points[*at];
                    p.started()
                        && p.distance > 0.0
                        && p.queries < self.queries
                        && !(self.stop_within && p.ball.contains(&p.row))
                })
                .collect();
            if active.is_empty() {
                break;
            }
            jump(victim, &mut points, &active, threat.norm, round)?;
            match threat.norm {
                Norm::Linf => turn(victim, &mut points, &active)?,
                _ => give_back(victim, &mut points, &active)?,
            }
        }
        Ok(points.into_iter().map(Point::end).collect())
    }
}

/// One round of the paper for every active point.
fn jump(
    victim: &Victim<'_>,
    points: &mut [Point<'_>],
    active: &[usize],
    norm: Norm,
    round: usize,
) -> Result<(), RobustnessError> {
    let neighbours = (NEIGHBOURS * (round as f64).sqrt()).min(400.0) as usize;
    // Narrow and wide in turn, as shares of the distance.
    let reach = if round % 2 == 1 { 0.02 } else { 0.3 };
    let mut questions: Vec<Question> = Vec::with_capacity(active.len() * neighbours);
    for at in active {
        let point = &mut points[*at];
        let features = point.row.len() as f64;
        let spread = match norm {
            Norm::Linf => reach * point.distance,
            _ => reach * point.distance / features.sqrt(),
        };
        for _ in 0..neighbours {
            let mut row: Vec<f32> = Vec::with_capacity(point.row.len());
            for v in &point.row {
                let by = match norm {
                    Norm::Linf => 2.0 * point.chance.unit() - 1.0,
                    _ => point.chance.normal(),
                };
                row.push((f64::from(*v) + spread * by) as f32);
            }
            point.clip(&mut row);
            questions.push((*at, row));
        }
    }
    let answers = ask(victim, points, &questions)?;
    // The normal: the mean of the neighbours' directions, those of the attacker's side counted positive, after the
    // mean of the answers is taken off (section IV-C of the paper).
    let mut ahead: Vec<(usize, Vec<f64>, f64)> = Vec::new();
    for ((at, group), yes) in
        active.iter().zip(questions.chunks_exact(neighbours)).zip(answers.chunks_exact(neighbours))
    {
        let point = &points[*at];
        let mean = yes.iter().map(|y| if *y { 1.0 } else { -1.0 }).sum::<f64>() / neighbours as f64;
        let mut normal = vec![0.0f64; point.row.len()];
        for ((_, row), yes) in group.iter().zip(yes) {
            let side = if *yes { 1.0 } else { -1.0 };
            let weight = if mean.abs() == 1.0 { mean } else { side - mean };
            for (n, (moved, v)) in normal.iter_mut().zip(row.iter().zip(&point.row)) {
                *n += weight * (f64::from(*moved) - f64::from(*v));
            }
        }
        if norm == Norm::Linf {
            // What is far below the largest is noise; moved along, it would only be brought back.
            let most = normal.iter().fold(0.0f64, |m, n| m.max(n.abs()));
            normal.iter_mut().for_each(|n| *n = if n.abs() > 0.1 * most { n.signum() } else { 0.0 });
        } else {
            let length = normal.iter().map(|n| n * n).sum::<f64>().sqrt();
            normal.iter_mut().for_each(|n| *n /= length.max(f64::MIN_POSITIVE));
        }
        ahead.push((*at, normal, point.distance / (round as f64).sqrt()));
    }
    let mut landed: Vec<Question> = Vec::new();
    for _ in 0..HALVINGS {
        let questions: Vec<Question> = ahead
            .iter()
            .map(|(at, normal, step)| {
                let point = &points[*at];
                let moved = point.row.iter().zip(normal).map(|(v, n)| (f64::from(*v) + step * n) as f32);
                let mut row: Vec<f32> = moved.collect();
                point.clip(&mut row);
                (*at, row)
            })
            .collect();
        let answers = ask(victim, points, &questions)?;
        let mut again = Vec::new();
        for ((way, question), yes) in ahead.into_iter().zip(questions).zip(answers) {
            if yes {
                landed.push(question);
            } else {
                again.push((way.0, way.1, way.2 / 2.0));
            }
        }
        ahead = again;
        if ahead.is_empty() {
            break;
        }
    }
    bisect(victim, points, landed, norm)
}

/// Offers blocks of coordinates, then single ones, their original value; what stays on the attacker's side is kept.
fn give_back(victim: &Victim<'_>, points: &mut [Point<'_>], active: &[usize]) -> Result<(), RobustnessError> {
    let width = points.first().map_or(0, |p| p.target.row.len());
    let mut order: Vec<Vec<usize>> = Vec::with_capacity(active.len());
    for at in active {
        let mut coordinates: Vec<usize> = (0..width).collect();
        points[*at].chance.shuffle(&mut coordinates);
        order.push(coordinates);
    }
    // Many coordinates are offered in blocks, so that a pass costs at most a hundred questions or so.
    let block = width.div_ceil(64).max(1);
    for first in (0..width).step_by(block) {
        let mut questions: Vec<Question> = Vec::new();
        for (at, order) in active.iter().zip(&order) {
            let point = &points[*at];
            let mut row = point.row.clone();
            for coordinate in order.iter().skip(first).take(block) {
                row[*coordinate] = point.target.row[*coordinate];
            }
            if row != point.row {
                questions.push((*at, row));
            }
        }
        let answers = ask(victim, points, &questions)?;
        for ((at, row), yes) in questions.into_iter().zip(answers) {
            if yes {
                points[at].take(row);
            }
        }
    }
    let nearer: Vec<Question> = active.iter().map(|at| (*at, points[*at].row.clone())).collect();
    bisect(victim, points, nearer, Norm::L2)
}

/// Tries the corners of a slightly smaller ball next to the current one: signs of single coordinates and of random
/// groups turned, or their change dropped.
fn turn(victim: &Victim<'_>, points: &mut [Point<'_>], active: &[usize]) -> Result<(), RobustnessError> {
    let width = points.first().map_or(0, |p| p.target.row.len());
    let tries = width.clamp(8, 64);
    for attempt in 0..tries {
        let mut questions: Vec<Question> = Vec::with_capacity(active.len());
        for at in active {
            let point = &mut points[*at];
            let radius = point.distance * SHRINK;
            let mut signs: Vec<f64> = point
                .row
                .iter()
                .zip(point.target.row)
                .map(|(v, o)| (f64::from(*v) - f64::from(*o)) / point.distance.max(f64::MIN_POSITIVE))
                .collect();
            // One coordinate first and most often, then groups of up to a quarter.
            let count = if attempt % 2 == 0 { 1 } else { 1 + point.chance.below(width.div_ceil(4)) };
            for _ in 0..count {
                let coordinate = point.chance.below(width);
                signs[coordinate] = match point.chance.below(4) {
                    0 => 0.0,
                    1 => 1.0,
                    2 => -1.0,
                    _ => 2.0 * point.chance.unit() - 1.0,
                };
            }
            let row = signs
                .iter()
                .zip(point.target.row)
                .map(|(s, o)| (f64::from(*o) + (s * point.distance).clamp(-radius, radius)) as f32);
            let mut row: Vec<f32> = row.collect();
            point.clip(&mut row);
            questions.push((*at, row));
        }
        let answers = ask(victim, points, &questions)?;
        let shrunk: Vec<Question> =
            questions.into_iter().zip(answers).filter(|(_, yes)| *yes).map(|(q, _)| q).collect();
        bisect(victim, points, shrunk, Norm::Linf)?;
    }
    Ok(())
}
