//! The few directions in which rows vary most, and the geometry within them.

use crate::Chance;

/// Rounds of iteration. Directions that are still unsettled then vary by almost the same amount, and any of them will do.
const ROUNDS: usize = 40;
/// Share of the variance of the reference that every direction has at least, so that one in which the reference happens to
/// lie flat is not infinitely wide.
const FLOOR: f64 = 0.05;
/// Variance that rounding alone makes, as a share of the square of values in single precision.
const ROUNDING: f64 = 1e-10;
/// Rotations until a small matrix is diagonal; each sweep squares what is left.
const SWEEPS: usize = 30;

/// A mean and orthonormal directions, the one of largest variance first.
#[derive(Debug, Clone)]
pub(super) struct Subspace {
    mean: Vec<f64>,
    directions: Vec<Vec<f64>>,
}

impl Subspace {
    /// The directions in which `rows` vary most, at most `most`; fewer where they vary in fewer.
    pub(super) fn of(rows: &[&[f32]], most: usize, chance: &mut Chance) -> Self {
        let mean = mean(rows);
        let most = most.min(mean.len()).min(rows.len().saturating_sub(1));
        let mut directions: Vec<Vec<f64>> =
            (0..most).map(|_| mean.iter().map(|_| chance.normal()).collect()).collect();
        orthonormal(&mut directions);
        for _ in 0..ROUNDS {
            let mut next = vec![vec![0.0; mean.len()]; directions.len()];
            for row in rows {
                for (direction, next) in directions.iter().zip(&mut next) {
                    let along = along(row, &mean, direction);
                    next.iter_mut()
                        .zip(*row)
                        .zip(&mean)
                        .for_each(|((n, v), m)| *n += along * (f64::from(*v) - m));
                }
            }
            directions = next;
            orthonormal(&mut directions);
        }
        // Within what they span, the axes themselves.
        let within = Self { mean, directions };
        let points: Vec<Vec<f64>> = rows.iter().map(|row| within.project(row)).collect();
        let (_, axes) = eigen(moment(&points, &vec![0.0; within.directions.len()]));
        let turned = axes.iter().map(|axis| {
            let mut direction = vec![0.0; within.mean.len()];
            for (share, part) in axis.iter().zip(&within.directions) {
                direction.iter_mut().zip(part).for_each(|(d, p)| *d += share * p);
            }
            direction
        });
        Self { directions: turned.collect(), mean: within.mean.clone() }
    }

    /// Where a row lies.
    pub(super) fn project(&self, row: &[f32]) -> Vec<f64> {
        self.directions.iter().map(|direction| along(row, &self.mean, direction)).collect()
    }
}

/// The directions in which rows vary most, each in units of how far a reference is spread along it: what the reference
/// varies in by itself, such as kinds within a class, is no longer wide.
#[derive(Debug, Clone)]
pub(super) struct Scaled {
    space: Subspace,
    centre: Vec<f64>,
    axes: Vec<Vec<f64>>,
}

impl Scaled {
    /// At most `most` directions of `rows`, in units of `reference`. None where the reference does not vary.
    pub(super) fn of(
        rows: &[&[f32]],
        reference: &[&[f32]],
        most: usize,
        chance: &mut Chance,
    ) -> Option<Self> {
        let space = Subspace::of(rows, most, chance);
        let held: Vec<Vec<f64>> = reference.iter().map(|row| space.project(row)).collect();
        let centre = centre(&held);
        let (values, axes) = eigen(moment(&held, &centre));
        let spread = values.iter().sum::<f64>();
        let floor = FLOOR * spread / values.len().max(1) as f64;
        // What varies by no more than rounding does not vary.
        let size = dot(&space.mean, &space.mean);
        if !(floor > 0.0 && floor.is_finite() && spread > ROUNDING * size) {
            return None;
        }
        let scaled = values.iter().zip(axes).map(|(value, axis)| {
            let unit = (value.max(0.0) + floor).sqrt();
            axis.into_iter().map(|a| a / unit).collect()
        });
        Some(Self { axes: scaled.collect(), space, centre })
    }

    /// Where a row lies from the middle of the reference.
    pub(super) fn place(&self, row: &[f32]) -> Vec<f64> {
        let point = self.space.project(row);
        let off: Vec<f64> = point.iter().zip(&self.centre).map(|(p, c)| p - c).collect();
        self.axes.iter().map(|axis| dot(axis, &off)).collect()
    }

    /// How many directions there are.
    pub(super) const fn width(&self) -> usize {
        self.axes.len()
    }
}

fn along(row: &[f32], mean: &[f64], direction: &[f64]) -> f64 {
    row.iter().zip(mean).zip(direction).map(|((v, m), d)| (f64::from(*v) - m) * d).sum()
}

fn mean(rows: &[&[f32]]) -> Vec<f64> {
    let mut mean = vec![0.0; rows.first().map_or(0, |row| row.len())];
    for row in rows {
        mean.iter_mut().zip(*row).for_each(|(m, v)| *m += f64::from(*v));
    }
    mean.iter_mut().for_each(|m| *m /= rows.len() as f64);
    mean
}

/// Gram and Schmidt, twice for the digits; what depends on the others is dropped.
fn orthonormal(directions: &mut Vec<Vec<f64>>) {
    let mut kept: Vec<Vec<f64>> = Vec::with_capacity(directions.len());
    for mut direction in directions.drain(..) {
        let before = dot(&direction, &direction).sqrt();
        for _ in 0..2 {
            for other in &kept {
                let share = dot(&direction, other);
                direction.iter_mut().zip(other).for_each(|(d, o)| *d -= share * o);
            }
        }
        let length = dot(&direction, &direction).sqrt();
        if length > 1e-9 * before && length > f64::MIN_POSITIVE {
            direction.iter_mut().for_each(|d| *d /= length);
            kept.push(direction);
        }
    }
    *directions = kept;
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The mean of points.
pub(super) fn centre(points: &[Vec<f64>]) -> Vec<f64> {
    let mut centre = vec![0.0; points.first().map_or(0, Vec::len)];
    for point in points {
        centre.iter_mut().zip(point).for_each(|(c, p)| *c += p / points.len() as f64);
    }
    centre
}

/// Second moments of points about another: their covariance, where that is their mean.
pub(super) fn moment(points: &[Vec<f64>], about: &[f64]) -> Vec<Vec<f64>> {
    let mut moment = vec![vec![0.0; about.len()]; about.len()];
    for point in points {
        let off: Vec<f64> = point.iter().zip(about).map(|(p, a)| p - a).collect();
        for (row, a) in moment.iter_mut().zip(&off) {
            row.iter_mut().zip(&off).for_each(|(m, b)| *m += a * b / points.len() as f64);
        }
    }
    moment
}

/// Eigenvalues of a symmetric matrix, largest first, each with its unit vector (Jacobi 1846, by cyclic sweeps).
pub(super) fn eigen(mut matrix: Vec<Vec<f64>>) -> (Vec<f64>, Vec<Vec<f64>>) {
    let n = matrix.len();
    let mut vectors: Vec<Vec<f64>> =
        (0..n).map(|i| (0..n).map(|j| f64::from(u8::from(i == j))).collect()).collect();
    for _ in 0..SWEEPS {
        let off: f64 =
            (0..n).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| matrix[i][j].powi(2)).sum();
        let all: f64 = matrix.iter().flatten().map(|v| v * v).sum();
        if off <= 1e-28 * all {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                if matrix[p][q] == 0.0 {
                    continue;
                }
                let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
                let t = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let c = 1.0 / t.hypot(1.0);
                let s = t * c;
                for row in &mut matrix {
                    (row[p], row[q]) = (c * row[p] - s * row[q], s * row[p] + c * row[q]);
                }
                for k in 0..n {
                    (matrix[p][k], matrix[q][k]) =
                        (c * matrix[p][k] - s * matrix[q][k], s * matrix[p][k] + c * matrix[q][k]);
                    (vectors[p][k], vectors[q][k]) =
                        (c * vectors[p][k] - s * vectors[q][k], s * vectors[p][k] + c * vectors[q][k]);
                }
            }
        }
    }
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by(|a, b| matrix[*b][*b].total_cmp(&matrix[*a][*a]));
    (order.iter().map(|i| matrix[*i][*i]).collect(), order.iter().map(|i| vectors[*i].clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows whose coordinates vary by 5, 3, 1 and 0 along turned axes.
    fn rows() -> Vec<Vec<f32>> {
        let mut chance = Chance::new(4, "rows", 0);
        (0..400)
            .map(|_| {
                let (a, b, c) = (5.0 * chance.normal(), 3.0 * chance.normal(), chance.normal());
                vec![(0.6 * a - 0.8 * b + 7.0) as f32, (0.8 * a + 0.6 * b) as f32, c as f32, 2.0]
            })
            .collect()
    }

    #[test]
    fn the_widest_directions_come_first() {
        let rows = rows();
        let rows: Vec<&[f32]> = rows.iter().map(Vec::as_slice).collect();
        let found = Subspace::of(&rows, 10, &mut Chance::new(1, "", 0));
        assert_eq!(found.directions.len(), 3, "one coordinate does not vary");
        for (direction, wanted) in found.directions.iter().zip([[0.6, 0.8, 0.0, 0.0], [-0.8, 0.6, 0.0, 0.0]])
        {
            assert!(dot(direction, &wanted).abs() > 0.99, "{direction:?}");
        }
        let points: Vec<Vec<f64>> = rows.iter().map(|row| found.project(row)).collect();
        let spread = moment(&points, &centre(&points));
        assert!((spread[0][0].sqrt() - 5.0).abs() < 0.4 && spread[0][1].abs() < 1e-9, "{spread:?}");
    }

    #[test]
    fn eigenvectors_give_the_matrix_back() {
        let matrix = vec![vec![4.0, 1.0, -2.0], vec![1.0, 2.0, 0.5], vec![-2.0, 0.5, 3.0]];
        let (values, vectors) = eigen(matrix.clone());
        assert!(values.is_sorted_by(|a, b| a >= b));
        for i in 0..3 {
            for j in 0..3 {
                let again: f64 = values.iter().zip(&vectors).map(|(l, v)| l * v[i] * v[j]).sum();
                assert!((again - matrix[i][j]).abs() < 1e-12, "{values:?} {vectors:?}");
            }
        }
    }
}
