//! What walks along the boundary have in common: points that are on the attacker's side, questions asked for many
//! points in one batch, starts, and bisection back towards the original.

use super::Starts;
use crate::{Ball, Chance, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// Points walked side by side: bounds the memory of a batch, not the result.
pub(super) const GROUP: usize = 64;
/// Starts tried for each row, nearest first.
const TRIED: usize = 12;
/// Draws from the box where no start is of use.
const NOISE: usize = 100;
/// Questions of a bisection: the way is known to 2^-14 of itself.
const BISECTIONS: usize = 14;

/// A row on the attacker's side of the boundary, and where it comes from.
pub(super) struct Point<'a> {
    pub target: Target<'a>,
    pub chance: Chance,
    /// Ball of no radius but the box: for its limits.
    pub open: Ball,
    /// What counts in the end.
    pub ball: Ball,
    /// The nearest row found on the attacker's side.
    pub row: Vec<f32>,
    pub distance: f64,
    pub queries: u64,
    pub undefined: u64,
}

/// A question: the point it is asked for, and the row.
pub(super) type Question = (usize, Vec<f32>);

impl<'a> Point<'a> {
    pub(super) fn new(
        target: Target<'a>,
        threat: &Threat,
        shape: &[usize],
        seed: u64,
        purpose: &str,
    ) -> Self {
        Self {
            target,
            chance: Chance::new(seed, purpose, target.index),
            open: Ball::new(
                &Threat { norm: Norm::Linf, ..threat.clone() }.unbounded(shape),
                shape,
                target.row,
            ),
            ball: Ball::new(threat, shape, target.row),
            row: Vec::new(),
            distance: f64::INFINITY,
            queries: 0,
            undefined: 0,
        }
    }

    pub(super) fn started(&self) -> bool {
        self.distance.is_finite()
    }

    /// Brings a row into the box.
    pub(super) fn clip(&self, row: &mut [f32]) {
        for ((v, o), (low, high)) in
            row.iter_mut().zip(self.target.row).zip(self.open.low().iter().zip(self.open.high()))
        {
            *v = if v.is_nan() { *o } else { v.clamp(*low, *high) };
        }
    }

    /// Takes a row of the attacker's side where it is nearer.
    pub(super) fn take(&mut self, row: Vec<f32>) -> bool {
        let distance = self.ball.distance(&row);
        let nearer = distance < self.distance;
        if nearer {
            self.distance = distance;
            self.row = row;
        }
        nearer
    }

    pub(super) fn end(self) -> Outcome {
        let found = self.started() && self.ball.contains(&self.row);
        Outcome {
            found: found.then_some(self.row),
            queries: self.queries,
            undefined: self.undefined,
            ..Outcome::of(&self.target)
        }
    }
}

/// Asks in one batch; says of each question whether the row is on the attacker's side.
pub(super) fn ask(
    victim: &Victim<'_>,
    points: &mut [Point<'_>],
    questions: &[Question],
) -> Result<Vec<bool>, RobustnessError> {
    if questions.is_empty() {
        return Ok(Vec::new());
    }
    let rows: Vec<f32> = questions.iter().flat_map(|(_, row)| row.iter().copied()).collect();
    let mut scores = Vec::new();
    victim.model.scores(&rows, questions.len(), &mut scores)?;
    let answers = questions.iter().zip(scores.chunks_exact(victim.model.classes()));
    Ok(answers
        .map(|((at, _), scores)| {
            let point = &mut points[*at];
            point.queries += 1;
            match point.target.judge(scores) {
                Some((_, reached)) => reached,
                None => {
                    point.undefined += 1;
                    false
                }
            }
        })
        .collect())
}

/// Puts every point on the attacker's side: at a labelled row of another class, nearest first, else at noise.
pub(super) fn start(
    victim: &Victim<'_>,
    points: &mut [Point<'_>],
    starts: &Starts,
    threat: &Threat,
) -> Result<(), RobustnessError> {
    let width = victim.model.features();
    if starts.rows.len() != starts.labels.len().saturating_mul(width) {
        return Err(RobustnessError::Option(format!(
            "{} starts call for as many rows of {width} values, not for {} values",
            starts.labels.len(),
            starts.rows.len()
        )));
    }
    let mut questions: Vec<Question> = Vec::new();
    for (at, point) in points.iter().enumerate() {
        let wanted = starts.rows.chunks_exact(width).zip(&starts.labels);
        let mut near: Vec<(f64, Vec<f32>)> = wanted
            .filter(|(row, label)| {
                point.target.goal.reached(point.target.label, **label) && row.iter().all(|v| v.is_finite())
            })
            .map(|(row, _)| {
                let mut row = row.to_vec();
                point.clip(&mut row);
                (point.ball.distance(&row), row)
            })
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0));
        questions.extend(near.into_iter().take(TRIED).map(|(_, row)| (at, row)));
    }
    let answers = ask(victim, points, &questions)?;
    let mut candidates: Vec<Question> =
        questions.into_iter().zip(answers).filter(|(_, yes)| *yes).map(|(q, _)| q).collect();
    let mut noise: Vec<Question> = Vec::new();
    for (at, point) in points.iter_mut().enumerate() {
        if candidates.iter().all(|(of, _)| *of != at) {
            for _ in 0..NOISE {
                let limits = point.open.low().iter().zip(point.open.high());
                let row = limits.map(|(low, high)| {
                    (f64::from(*low) + (f64::from(*high) - f64::from(*low)) * point.chance.unit()) as f32
                });
                noise.push((at, row.collect()));
            }
        }
    }
    let answers = ask(victim, points, &noise)?;
    candidates.extend(noise.into_iter().zip(answers).filter(|(_, yes)| *yes).map(|(q, _)| q).take(NOISE));
    // The nearest few of each are drawn to the boundary; the best of them is where the walk begins.
    bisect(victim, points, candidates, threat.norm)
}

/// Draws rows of the attacker's side towards the original as far as they stay there, and keeps what is nearest.
/// In the L-infinity norm a row is drawn by clipping its change, in others along the straight line.
pub(super) fn bisect(
    victim: &Victim<'_>,
    points: &mut [Point<'_>],
    rows: Vec<Question>,
    norm: Norm,
) -> Result<(), RobustnessError> {
    let drawn = |point: &Point<'_>, row: &[f32], share: f64, reach: f64| -> Vec<f32> {
        let change = row.iter().zip(point.target.row).map(|(v, o)| {
            let (v, o) = (f64::from(*v), f64::from(*o));
            let by = if norm == Norm::Linf {
                (v - o).clamp(-share * reach, share * reach)
            } else {
                share * (v - o)
            };
            (o + by) as f32
        });
        let mut row: Vec<f32> = change.collect();
        point.clip(&mut row);
        row
    };
    struct Way {
        at: usize,
        far: Vec<f32>,
        reach: f64,
        low: f64,
        high: f64,
    }
    let mut ways: Vec<Way> = rows
        .into_iter()
        .map(|(at, far)| Way { at, reach: points[at].ball.distance(&far), far, low: 0.0, high: 1.0 })
        .collect();
    for _ in 0..BISECTIONS {
        let questions: Vec<Question> = ways
            .iter()
            .map(|w| (w.at, drawn(&points[w.at], &w.far, f64::midpoint(w.low, w.high), w.reach)))
            .collect();
        for (way, yes) in ways.iter_mut().zip(ask(victim, points, &questions)?) {
            let middle = f64::midpoint(way.low, way.high);
            if yes { way.high = middle } else { way.low = middle }
        }
    }
    for way in ways {
        let row =
            if way.high == 1.0 { way.far } else { drawn(&points[way.at], &way.far, way.high, way.reach) };
        points[way.at].take(row);
    }
    Ok(())
}

/// Runs an attack group by group.
pub(super) fn in_groups<'t>(
    targets: &[Target<'t>],
    progress: &mut dyn FnMut(Progress),
    mut walk: impl FnMut(&[Target<'t>]) -> Result<Vec<Outcome>, RobustnessError>,
) -> Result<Vec<Outcome>, RobustnessError> {
    let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
    for group in targets.chunks(GROUP) {
        outcomes.extend(walk(group)?);
        progress(Progress {
            rows_done: outcomes.len(),
            rows: targets.len(),
            queries: outcomes.iter().map(|o| o.queries).sum(),
        });
    }
    Ok(outcomes)
}
