//! FAB, the fast adaptive boundary attack (Croce and Hein: *Minimally distorted adversarial examples with a
//! fast adaptive boundary attack*, ICML 2020), aimed at one class after the other as in AutoAttack.
//!
//! Each step goes to the nearest point, in the box, of the plane that the gradients take the boundary for,
//! pulled towards the original by an amount that depends on how near the original lies to that plane; once
//! across, the search backs off towards the original and starts over from there. As every step overshoots, the
//! points that it crosses at lie up to a hundredth further out than they need, even on a linear model: the
//! final search along the line from the original (section 2 of the paper; AutoAttack leaves it out) takes that
//! back.

use serde::{Deserialize, Serialize};

use super::apgd::ranked;
use super::loss::Objective;
use super::pgd::repairs;
use super::step::random_start;
use super::{Hunt, Loss, Slope, agreed, group_rows};
use crate::attack::margin;
use crate::chance::Chance;
use crate::{Access, Attack, Ball, Goal, Norm, Outcome, Progress, RobustnessError, Target, Threat, Victim};

/// The largest share that the original has in a step.
const ALPHA_MOST: f64 = 0.1;
/// How far past the plane a step goes.
const OVERSHOOT: f64 = 1.05;
/// What is left of the change after backing off from a counterexample.
const BACK_OFF: f64 = 0.9;
/// Steps of the final search.
const FINAL_STEPS: usize = 3;
/// What a final step keeps of the way from the boundary, where it seems to be, to the counterexample: exactly on
/// the boundary it is rounding that decides.
const FINAL_SHARE: f64 = 0.1;

/// FAB-T.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fab {
    /// The most likely wrong classes aimed at, one after the other.
    pub aims: usize,
    /// Steps for each.
    pub steps: usize,
    /// Searches; the first starts at the row, the others at random.
    pub restarts: usize,
    /// Answers averaged for one gradient, for models that draw at random.
    pub draws: usize,
    /// Whether to go on after the first counterexample in the ball, for the nearest.
    pub minimise: bool,
    /// Seed of all chance.
    pub seed: u64,
}

impl Fab {
    /// FAB-T with AutoAttack's budget: nine classes, 100 steps each.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { aims: 9, steps: 100, restarts: 1, draws: 1, minimise: false, seed }
    }
}

impl Attack for Fab {
    fn name(&self) -> String {
        "fab-t".to_owned()
    }

    fn access(&self) -> Access {
        Access::Gradients
    }

    fn norms(&self) -> &'static [Norm] {
        &[Norm::Linf, Norm::L2, Norm::L1]
    }

    fn settings(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    fn repairs(&self, victim: &Victim<'_>) -> Vec<String> {
        repairs(victim, Loss::Margin, self.draws)
    }

    fn run(
        &self,
        victim: &Victim<'_>,
        threat: &Threat,
        targets: &[Target<'_>],
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Vec<Outcome>, RobustnessError> {
        if self.steps == 0 || self.restarts == 0 || self.aims == 0 {
            return Err(RobustnessError::Option("FAB needs at least one step, restart and class".to_owned()));
        }
        let mut slope = Slope::new(victim.differentiable("fab-t")?, self.draws);
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(targets.len());
        for group in targets.chunks(group_rows(victim.model.features())) {
            let mut hunts: Vec<Hunt<'_>> =
                group.iter().map(|t| Hunt::new(victim, threat, t, !self.minimise)).collect();
            let aims = aims(victim, &mut hunts, self.aims)?;
            for round in 0..aims.iter().map(Vec::len).max().unwrap_or(0) {
                for restart in 0..self.restarts {
                    self.search(victim, &mut slope, &mut hunts, &aims, (round, restart))?;
                    progress(Progress {
                        rows_done: outcomes.len() + hunts.iter().filter(|h| h.over()).count(),
                        rows: targets.len(),
                        queries: outcomes.iter().map(|o| o.queries).sum::<u64>()
                            + hunts.iter().map(|h| h.outcome.queries).sum::<u64>(),
                    });
                }
            }
            outcomes.extend(hunts.into_iter().map(Hunt::end));
        }
        Ok(outcomes)
    }
}

/// The classes that each row is aimed at, in order.
fn aims(
    victim: &Victim<'_>,
    hunts: &mut [Hunt<'_>],
    most: usize,
) -> Result<Vec<Vec<usize>>, RobustnessError> {
    let rows: Vec<f32> = hunts.iter().flat_map(|h| h.target.row.iter().copied()).collect();
    let mut scores = Vec::new();
    victim.model.scores(&rows, hunts.len(), &mut scores)?;
    let scores = scores.chunks_exact(victim.model.classes());
    Ok(hunts
        .iter_mut()
        .zip(scores)
        .map(|(hunt, scores)| {
            hunt.outcome.queries += 1;
            match hunt.target.goal {
                Goal::Targeted(class) => vec![class],
                Goal::Untargeted => ranked(scores, hunt.target.label, most),
            }
        })
        .collect())
}

impl Fab {
    fn search(
        &self,
        victim: &Victim<'_>,
        slope: &mut Slope<'_>,
        hunts: &mut [Hunt<'_>],
        aims: &[Vec<usize>],
        (round, restart): (usize, usize),
    ) -> Result<(), RobustnessError> {
        let (features, gradients) = (victim.model.features(), victim.differentiable("fab-t")?);
        let mut walks: Vec<Walk> = Vec::new();
        for (at, hunt) in hunts.iter().enumerate().filter(|(_, hunt)| !hunt.over()) {
            let Some(aim) = aims[at].get(round) else { continue };
            let mut point = hunt.target.row.to_vec();
            if restart > 0 {
                let mut chance = Chance::new(self.seed, &format!("fab {round} {restart}"), hunt.target.index);
                point = random_start(&hunt.ball, &mut chance);
                back_off(hunt.target.row, &mut point, 0.5);
            }
            walks.push(Walk { at, aim: *aim, point, ended: false, nearest: None });
        }
        let (mut rows, mut logits, mut over) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..self.steps {
            over.extend(walks.extract_if(.., |walk| walk.ended || hunts[walk.at].over()));
            if walks.is_empty() {
                break;
            }
            rows.clear();
            walks.iter().for_each(|walk| rows.extend_from_slice(&walk.point));
            let (answers, gradient) = slope.at(&rows, walks.len(), &mut |row, logits, slope| {
                let (label, aim) = (hunts[walks[row].at].target.label, Some(walks[row].aim));
                Objective::Class { loss: Loss::Margin, label, aim }.at(logits, slope)
            })?;
            for ((walk, answer), gradient) in
                walks.iter_mut().zip(answers).zip(gradient.chunks_exact(features))
            {
                let hunt = &mut hunts[walk.at];
                hunt.outcome.queries += self.draws.max(1) as u64;
                hunt.outcome.gradients += self.draws.max(1) as u64;
                hunt.outcome.undefined += u64::from(answer.class.is_none());
                walk.ended =
                    answer.class.is_none() || !step(&hunt.ball, &mut walk.point, answer.value, gradient);
            }
            rows.clear();
            walks.iter().for_each(|walk| rows.extend_from_slice(&walk.point));
            gradients.scores(&rows, walks.len(), &mut logits)?;
            let answers = logits.chunks_exact(gradients.classes());
            let crossed: Vec<bool> = walks
                .iter()
                .zip(answers)
                .map(|(walk, logits)| {
                    hunts[walk.at].outcome.queries += 1;
                    hunts[walk.at].target.judge(logits).is_some_and(|(_, reached)| reached)
                })
                .collect();
            let crossings = walks.iter().zip(&crossed).filter(|(_, crossed)| **crossed);
            let crossings: Vec<_> = crossings.map(|(walk, _)| (walk.at, walk.point.as_slice())).collect();
            self.believe(victim, hunts, &crossings)?;
            for (walk, _) in walks.iter_mut().zip(crossed).filter(|(_, crossed)| *crossed) {
                let hunt = &hunts[walk.at];
                let distance = hunt.ball.distance(&walk.point);
                if walk.nearest.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
                    walk.nearest = Some((distance, walk.point.clone()));
                }
                back_off(hunt.target.row, &mut walk.point, BACK_OFF);
            }
        }
        over.extend(walks);
        self.draw_in(victim, hunts, over)
    }

    /// Draws the nearest crossing of every walk in towards the original, as far as it stays one.
    fn draw_in(
        &self,
        victim: &Victim<'_>,
        hunts: &mut [Hunt<'_>],
        walks: Vec<Walk>,
    ) -> Result<(), RobustnessError> {
        let gradients = victim.differentiable("fab-t")?;
        let crossed = |walk: Walk| Some((walk.at, walk.nearest?.1)).filter(|(at, _)| !hunts[*at].over());
        let mut lines: Vec<Line> = walks.into_iter().filter_map(crossed).map(Line::new).collect();
        if lines.is_empty() {
            return Ok(());
        }
        let (mut rows, mut logits) = (Vec::new(), Vec::new());
        // Both ends first: the original and the crossing.
        for _ in 0..2 + FINAL_STEPS {
            rows.clear();
            lines.iter().for_each(|line| rows.extend(line.point(hunts[line.at].target.row, line.asked)));
            gradients.scores(&rows, lines.len(), &mut logits)?;
            for (line, logits) in lines.iter_mut().zip(logits.chunks_exact(gradients.classes())) {
                let hunt = &mut hunts[line.at];
                hunt.outcome.queries += 1;
                let Target { label, goal, .. } = *hunt.target;
                line.learn(-margin(logits, label, goal, gradients.kind()));
            }
        }
        let points: Vec<(usize, Vec<f32>)> =
            lines.iter().map(|line| (line.at, line.point(hunts[line.at].target.row, line.outer.0))).collect();
        let points: Vec<(usize, &[f32])> = points.iter().map(|(at, point)| (*at, point.as_slice())).collect();
        self.believe(victim, hunts, &points)
    }

    /// Takes the crossings that the model itself confirms; only what is nearer than before, and of use, needs
    /// to be asked about.
    fn believe(
        &self,
        victim: &Victim<'_>,
        hunts: &mut [Hunt<'_>],
        crossings: &[(usize, &[f32])],
    ) -> Result<(), RobustnessError> {
        let of_use = |(at, point): &(usize, &[f32])| {
            let hunt = &hunts[*at];
            let distance = hunt.ball.distance(point);
            distance < hunt.distance() && (self.minimise || distance <= hunt.ball.eps())
        };
        let crossings: Vec<(usize, &[f32])> = crossings.iter().copied().filter(of_use).collect();
        let candidates: Vec<_> = crossings.iter().map(|(at, point)| (hunts[*at].target, *point)).collect();
        let agreed = agreed(victim, &candidates)?;
        for ((at, point), agreed) in crossings.into_iter().zip(agreed) {
            hunts[at].outcome.queries += 1;
            if agreed {
                hunts[at].take(point);
            }
        }
        Ok(())
    }
}

/// The search for one row and one class.
struct Walk {
    at: usize,
    aim: usize,
    point: Vec<f32>,
    /// Whether it has nowhere to go: no slope, or no answer.
    ended: bool,
    /// Where it crossed nearest to the original, and how near.
    nearest: Option<(f64, Vec<f32>)>,
}

/// The line from a row to a counterexample, of which the nearest point across is sought. Places on it are shares of
/// its length, and with them stands the lead that the attacker has there.
struct Line {
    at: usize,
    end: Vec<f32>,
    inner: (f64, f64),
    outer: (f64, f64),
    asked: f64,
}

impl Line {
    fn new((at, end): (usize, Vec<f32>)) -> Self {
        Self { at, end, inner: (0.0, f64::NAN), outer: (1.0, f64::NAN), asked: 0.0 }
    }

    fn point(&self, origin: &[f32], share: f64) -> Vec<f32> {
        let mut point = self.end.clone();
        if share < 1.0 {
            back_off(origin, &mut point, share);
        }
        point
    }

    /// Takes the answer to what was asked, and asks on: a little outside of where a straight line between the two
    /// ends crosses (the rule of false position).
    fn learn(&mut self, lead: f64) {
        if self.asked == 0.0 {
            (self.inner.1, self.asked) = (lead, 1.0);
            return;
        }
        // Ties are the label's in most cases, and whoever believes the point asks again.
        if lead > 0.0 || self.asked == 1.0 {
            self.outer = (self.asked, lead);
        } else {
            self.inner = (self.asked, lead);
        }
        let ((inner, under), (outer, over)) = (self.inner, self.outer);
        let across = inner + (outer - inner) * (-under / (over - under)).clamp(0.0, 1.0);
        let next = across + FINAL_SHARE * (outer - across);
        self.asked = if next.is_finite() { next } else { outer };
    }
}

/// Moves `point` towards `origin`, leaving `share` of the change.
fn back_off(origin: &[f32], point: &mut [f32], share: f64) {
    for (v, o) in point.iter_mut().zip(origin) {
        *v = (f64::from(*o) + (f64::from(*v) - f64::from(*o)) * share) as f32;
    }
}

/// One step from `point`, where the margin of the class aimed at is `margin` (negative before the boundary)
/// with this gradient. Says whether there was a direction to go in.
fn step(ball: &Ball, point: &mut [f32], margin: f64, gradient: &[f32]) -> bool {
    let origin = ball.origin();
    // On the plane: gradient · z = gradient · point - margin.
    let lag: f64 = gradient
        .iter()
        .zip(point.iter().zip(origin))
        .map(|(g, (p, o))| f64::from(*g) * (f64::from(*p) - f64::from(*o)))
        .sum();
    let box_of = |at: usize| {
        let (low, high) = ball.box_of(at);
        (f64::from(low), f64::from(high))
    };
    // A point on the plane belongs to the label still: what rounding of the margin may hide is gone beyond, or the
    // walk would stand still there.
    let blur: f64 = gradient.iter().zip(&*point).map(|(g, p)| f64::from(g * p).abs()).sum();
    let gap = -margin + if margin > 0.0 { 0.0 } else { f64::from(f32::EPSILON) * blur };
    let from_point = nearest_on_plane(ball.norm(), gradient, gap, |at| {
        let (low, high) = box_of(at);
        (low - f64::from(point[at]), high - f64::from(point[at]))
    });
    let from_origin = nearest_on_plane(ball.norm(), gradient, lag - margin, |at| {
        let (low, high) = box_of(at);
        (low - f64::from(origin[at]), high - f64::from(origin[at]))
    });
    let (Some((d1, size1)), Some((d2, size2))) = (from_point, from_origin) else { return false };
    let (size1, size2) = (size1.max(1e-8), size2.max(1e-8));
    let alpha = (size1 / (size1 + size2)).clamp(0.0, ALPHA_MOST);
    for (at, v) in point.iter_mut().enumerate() {
        let (x, o) = (f64::from(*v), f64::from(origin[at]));
        let (low, high) = box_of(at);
        let next = (x + OVERSHOOT * d1[at]) * (1.0 - alpha) + (o + OVERSHOOT * d2[at]) * alpha;
        *v = next.clamp(low, high) as f32;
    }
    true
}

/// The smallest change, in `norm` and within the room of each feature, that gains `gap` along `w`; where the
/// room does not suffice, all of it. With its size; `None` where `w` is zero.
fn nearest_on_plane(
    norm: Norm,
    w: &[f32],
    gap: f64,
    room: impl Fn(usize) -> (f64, f64),
) -> Option<(Vec<f64>, f64)> {
    // A fall is a rise along -w.
    let turn = if gap < 0.0 { -1.0 } else { 1.0 };
    let gap = gap.abs();
    let weight: Vec<f64> = w.iter().map(|w| f64::from(*w) * turn).collect();
    if weight.iter().all(|w| *w == 0.0) {
        return None;
    }
    // How far each feature can go in its own direction.
    let reach: Vec<f64> = weight
        .iter()
        .enumerate()
        .map(|(at, w)| {
            let (down, up) = room(at);
            if *w > 0.0 { up.max(0.0) } else { (-down).max(0.0) }
        })
        .collect();
    let sizes: Vec<f64> = match norm {
        // All by the same, or as far as they can.
        Norm::Linf => {
            let t = multiplier(gap, &weight, &reach, |_| 1.0);
            reach.iter().map(|r| t.min(*r)).collect()
        }
        // In proportion to the weight, or as far as they can.
        Norm::L2 => {
            let t = multiplier(gap, &weight, &reach, f64::abs);
            weight.iter().zip(&reach).map(|(w, r)| (t * w.abs()).min(*r)).collect()
        }
        // The heaviest first.
        _ => {
            let mut order: Vec<usize> = (0..weight.len()).filter(|at| weight[*at] != 0.0).collect();
            order.sort_by(|a, b| weight[*b].abs().total_cmp(&weight[*a].abs()).then(a.cmp(b)));
            let (mut left, mut sizes) = (gap, vec![0.0; weight.len()]);
            for at in order {
                let size = (left / weight[at].abs()).min(reach[at]);
                sizes[at] = size;
                left -= size * weight[at].abs();
                if left <= 0.0 {
                    break;
                }
            }
            sizes
        }
    };
    let change: Vec<f64> =
        sizes.iter().zip(&weight).map(|(s, w)| if *w == 0.0 { 0.0 } else { s * w.signum() }).collect();
    let size = match norm {
        Norm::Linf => change.iter().fold(0.0f64, |m, d| m.max(d.abs())),
        Norm::L2 => change.iter().map(|d| d * d).sum::<f64>().sqrt(),
        _ => change.iter().map(|d| d.abs()).sum(),
    };
    Some((change, size))
}

/// The t at which the features, each gone `min(t * pace(w), reach)`, gain `gap` together. The gain is concave
/// in t, so that Newton's method from below only ever stops features and ends after as many rounds as it
/// stops any.
fn multiplier(gap: f64, weight: &[f64], reach: &[f64], pace: impl Fn(f64) -> f64) -> f64 {
    let mut t = 0.0;
    for _ in 0..=weight.len() {
        let (mut stopped, mut moving) = (0.0, 0.0);
        for (w, r) in weight.iter().zip(reach) {
            let (w, pace) = (w.abs(), pace(*w));
            if t * pace >= *r {
                stopped += w * r;
            } else {
                moving += w * pace;
            }
        }
        if moving <= 0.0 {
            break;
        }
        let next = (gap - stopped) / moving;
        if next <= t * (1.0 + 1e-12) {
            break;
        }
        t = next;
    }
    t
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_plane_is_reached_and_nothing_nearer_reaches_it(
            w in proptest::collection::vec(-3.0f32..3.0, 6),
            x in proptest::collection::vec(0.0f64..=1.0, 6),
            other in proptest::collection::vec(0.0f64..=1.0, 6),
            gap in -2.0f64..2.0,
            which in 0usize..3,
        ) {
            prop_assume!(w.iter().any(|w| w.abs() > 0.1));
            let norm = [Norm::Linf, Norm::L2, Norm::L1][which];
            let (change, size) = nearest_on_plane(norm, &w, gap, |at| (-x[at], 1.0 - x[at])).unwrap();
            let gain: f64 = change.iter().zip(&w).map(|(d, w)| d * f64::from(*w)).sum();
            let most: f64 = w.iter().zip(&x).map(|(w, x)| {
                let w = f64::from(*w) * gap.signum();
                if w > 0.0 { w * (1.0 - x) } else { -w * x }
            }).sum();
            for (d, x) in change.iter().zip(&x) {
                prop_assert!((-1e-12..=1.0 + 1e-12).contains(&(x + d)));
            }
            prop_assert!((gain - gap.signum() * gap.abs().min(most)).abs() < 1e-9, "{gain} of {gap}, at most {most}");
            // Any other point of the box beyond the plane is at least as far.
            let moved: Vec<f64> = other.iter().zip(&x).map(|(o, x)| o - x).collect();
            let gained: f64 = moved.iter().zip(&w).map(|(d, w)| d * f64::from(*w)).sum();
            if gained * gap.signum() >= gap.abs() {
                let far = match norm {
                    Norm::Linf => moved.iter().fold(0.0f64, |m, d| m.max(d.abs())),
                    Norm::L2 => moved.iter().map(|d| d * d).sum::<f64>().sqrt(),
                    _ => moved.iter().map(|d| d.abs()).sum(),
                };
                prop_assert!(size <= far + 1e-9);
            }
        }
    }

    #[test]
    fn no_slope_no_step() {
        let ball = Ball::new(&Threat::new(Norm::L2, 0.1), &[2], &[0.5, 0.5]);
        let mut point = vec![0.5, 0.5];
        assert!(!step(&ball, &mut point, -1.0, &[0.0, 0.0]));
        assert!(step(&ball, &mut point, -0.1, &[1.0, 0.0]));
        assert!((point[0] - 0.605).abs() < 1e-6 && point[1] == 0.5, "{point:?}");
    }
}
