//! The boundary attack (Brendel, Rauber, Bethge: *Decision-Based Adversarial Attacks*, ICLR 2018): a random walk on
//! the attacker's side, along the sphere around the original and a little inwards.
//!
//! Slower than HopSkipJump and without its estimate of a normal, so that what confuses one need not confuse the
//! other. Step sizes follow the share of steps that stay on the attacker's side, as in the paper.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Starts;
use super::walk::{Point, Question, ask, in_groups, start};
use crate::{Access, Attack, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Steps after which the step sizes are adjusted.
const WINDOW: usize = 20;
/// Smallest and largest step, beside the distance.
const STEPS: (f64, f64) = (1e-4, 0.5);

/// A random walk along the boundary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundaryWalk {
    /// Rows to start from.
    pub starts: Starts,
    /// Queries a row may cost, starts and bisections included.
    pub queries: u64,
    /// Whether a row is left alone once it lies within the ball.
    pub stop_within: bool,
    /// Seed of all chance.
    pub seed: u64,
}

impl Attack for BoundaryWalk {
    fn name(&self) -> String {
        "boundary".to_owned()
    }

    fn access(&self) -> Access {
        Access::Labels
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::L2, Norm::Linf]
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

/// How far the walk of one point steps.
struct Gait {
    /// Along the sphere, and inwards, as shares of the distance.
    along: f64,
    inwards: f64,
    stayed: usize,
    came: usize,
    steps: usize,
    /// Where the walk is; in L-infinity the nearest row found may be another.
    at: Vec<f32>,
}

impl BoundaryWalk {
    fn walk(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
    ) -> Result<Vec<Outcome>, RobustnessError> {
        let shape = victim.model.input_shape();
        let mut points: Vec<Point<'_>> =
            targets.iter().map(|t| Point::new(*t, threat, shape, self.seed, "boundary")).collect();
        start(victim, &mut points, &self.starts, threat)?;
        let mut gaits: Vec<Gait> = points
            .iter()
            .map(|p| Gait { along: 0.1, inwards: 0.05, stayed: 0, came: 0, steps: 0, at: p.row.clone() })
            .collect();
        loop {
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
            let along: Vec<Question> =
                active.iter().map(|at| (*at, aside(&mut points[*at], &gaits[*at]))).collect();
            let answers = ask(victim, &mut points, &along)?;
            let mut inwards: Vec<Question> = Vec::new();
            for ((at, row), yes) in along.into_iter().zip(answers) {
                let gait = &mut gaits[at];
                gait.steps += 1;
                if yes {
                    gait.stayed += 1;
                    let origin = points[at].target.row;
                    let nearer = row.iter().zip(origin).map(|(v, o)| {
                        (f64::from(*v) + gait.inwards * (f64::from(*o) - f64::from(*v))) as f32
                    });
                    inwards.push((at, nearer.collect()));
                    points[at].take(row);
                }
            }
            let answers = ask(victim, &mut points, &inwards)?;
            for ((at, row), yes) in inwards.into_iter().zip(answers) {
                if yes {
                    gaits[at].came += 1;
                    gaits[at].at.clone_from(&row);
                    points[at].take(row);
                }
            }
            for at in active {
                gaits[at].adjust();
            }
        }
        Ok(points.into_iter().map(Point::end).collect())
    }
}

impl Gait {
    /// Where half of the steps along the sphere stay, the boundary looks flat; a quarter of the steps inwards
    /// succeeding is the paper's aim for the other.
    fn adjust(&mut self) {
        if self.steps < WINDOW {
            return;
        }
        let (least, most) = STEPS;
        let stay = self.stayed as f64 / self.steps as f64;
        let come = if self.stayed == 0 { 0.0 } else { self.came as f64 / self.stayed as f64 };
        let scale = |step: f64, up: bool| (step * if up { 1.3 } else { 0.75 }).clamp(least, most);
        self.along = scale(self.along, stay > 0.5);
        if self.stayed > 0 {
            self.inwards = scale(self.inwards, come > 0.25);
        }
        (self.stayed, self.came, self.steps) = (0, 0, 0);
    }
}

/// A row at the same Euclidean distance from the original, a step aside.
fn aside(point: &mut Point<'_>, gait: &Gait) -> Vec<f32> {
    let out: Vec<f64> =
        gait.at.iter().zip(point.target.row).map(|(v, o)| f64::from(*v) - f64::from(*o)).collect();
    let length = norm(&out).max(f64::MIN_POSITIVE);
    let mut step: Vec<f64> = out.iter().map(|_| point.chance.normal()).collect();
    let along: f64 = step.iter().zip(&out).map(|(s, o)| s * o).sum::<f64>() / (length * length);
    step.iter_mut().zip(&out).for_each(|(s, o)| *s -= along * o);
    let scale = gait.along * length / norm(&step).max(f64::MIN_POSITIVE);
    let moved: Vec<f64> = out.iter().zip(&step).map(|(o, s)| o + scale * s).collect();
    let back = length / norm(&moved).max(f64::MIN_POSITIVE);
    let mut row: Vec<f32> =
        moved.iter().zip(point.target.row).map(|(m, o)| (f64::from(*o) + m * back) as f32).collect();
    point.clip(&mut row);
    row
}

fn norm(v: &[f64]) -> f64 {
    v.iter().map(|x| x * x).sum::<f64>().sqrt()
}
