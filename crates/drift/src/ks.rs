//! The two-sample Kolmogorov–Smirnov test.
//!
//! The distance is kept as an exact integer ratio, so ties, shards and platforms cannot change it. Its
//! p-value is exact (a lattice walk, Hodges 1957) or asymptotic as SciPy's `ks_2samp` computes it. With ties
//! both are conservative.

use crate::kolmogorov;

/// A Kolmogorov–Smirnov distance, `gap / (n_ref · n_cur)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// max |count_ref(≤x) · n_cur − count_cur(≤x) · n_ref|.
    pub gap: u128,
    /// Values in the reference.
    pub n_ref: u64,
    /// Values in the current sample.
    pub n_cur: u64,
}

/// How the p-value is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Every path of the merged sample, counted.
    Exact,
    /// The distribution of D_n with n = round(n₁n₂/(n₁+n₂)).
    Asymptotic,
    /// Exact up to 10,000 values a side, as in SciPy, and while the walk stays below 67 million steps; else
    /// asymptotic. Beyond that many steps the distance is so large that both are far below any threshold.
    Auto,
}

impl Distance {
    /// The distance between two samples, sorted ascending, without NaN.
    #[must_use]
    pub fn of_sorted(reference: &[f64], current: &[f64]) -> Self {
        let (n_ref, n_cur) = (reference.len() as u64, current.len() as u64);
        let (mut i, mut j, mut gap) = (0, 0, 0u128);
        while i < reference.len() && j < current.len() {
            let x = reference[i].min(current[j]);
            while reference.get(i).is_some_and(|v| *v <= x) {
                i += 1;
            }
            while current.get(j).is_some_and(|v| *v <= x) {
                j += 1;
            }
            gap = gap.max(cross(i as u64, j as u64, n_ref, n_cur));
        }
        Self { gap, n_ref, n_cur }
    }

    /// The distance as a share between 0 and 1; 0 when a side is empty.
    #[must_use]
    pub fn statistic(&self) -> f64 {
        if self.n_ref == 0 || self.n_cur == 0 {
            return 0.0;
        }
        self.gap as f64 / (self.n_ref as f64 * self.n_cur as f64)
    }

    /// The two-sided p-value.
    #[must_use]
    pub fn p_value(&self, method: Method) -> f64 {
        if self.gap == 0 || self.n_ref == 0 || self.n_cur == 0 {
            return 1.0;
        }
        let exact = match method {
            Method::Exact => true,
            Method::Asymptotic => false,
            Method::Auto => self.n_ref.max(self.n_cur) <= 10_000 && 2 * self.gap <= 1 << 26,
        };
        if exact { exact_p(self.gap, self.n_ref, self.n_cur) } else { self.asymptotic_p() }
    }

    fn asymptotic_p(&self) -> f64 {
        let (a, b) = (self.n_ref as f64, self.n_cur as f64);
        // Ties to even, as NumPy rounds; a sample of one against one has n = 0.5 and says nothing.
        let n = (a * b / (a + b)).round_ties_even() as u64;
        kolmogorov::sf(n, self.statistic())
    }
}

/// |i · n_cur − j · n_ref|.
pub(crate) fn cross(i: u64, j: u64, n_ref: u64, n_cur: u64) -> u128 {
    (u128::from(i) * u128::from(n_cur)).abs_diff(u128::from(j) * u128::from(n_ref))
}

/// The distance that reaches p-value `alpha` at these sizes, from P ≈ 2·exp(−2nD²): what a test at this
/// size is able to see.
#[must_use]
pub fn critical_distance(n_ref: u64, n_cur: u64, alpha: f64) -> f64 {
    if n_ref == 0 || n_cur == 0 {
        return 1.0;
    }
    let (a, b) = (n_ref as f64, n_cur as f64);
    ((2.0 / alpha).ln() / (2.0 * a * b / (a + b))).sqrt().min(1.0)
}

/// Probability that a random merge of both samples comes to a point at least `gap` off the diagonal.
///
/// Walks the lattice row by row inside the band and adds up what leaves it: only positive terms, so small
/// p-values keep their digits. Steps: about 2·gap.
fn exact_p(gap: u128, a: u64, b: u64) -> f64 {
    // Rows along the shorter side.
    let (rows, columns) = (a.min(b), a.max(b));
    let inside = |i: u64, j: u64| cross(i, j, rows, columns) < gap;
    let mut here = vec![0.0f64; columns as usize + 2];
    let mut outside = 0.0;
    // The first column inside the band in the row above.
    let mut first = 0u64;
    for i in 0..=rows {
        let mut next_first = None;
        let mut arrived_left = if i == 0 { 1.0 } else { 0.0 };
        let mut j = first;
        while j <= columns {
            // Until overwritten, `here[j]` is what stepped down from the row above.
            let mass = here[j as usize] + arrived_left;
            arrived_left = 0.0;
            here[j as usize] = 0.0;
            if inside(i, j) {
                next_first.get_or_insert(j);
                let (down, right) = (rows - i, columns - j);
                if down + right > 0 {
                    let share = down as f64 / (down + right) as f64;
                    here[j as usize] = mass * share;
                    arrived_left = mass * (1.0 - share);
                }
            } else {
                outside += mass;
                if next_first.is_some() {
                    // Past the band: nothing further right can be reached from this row, and what the row
                    // above left beyond its own band is zero.
                    break;
                }
            }
            j += 1;
        }
        match next_first {
            Some(j) => first = j,
            // No point of this row is inside: every path has left.
            None => return outside.min(1.0),
        }
    }
    outside.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut v = values.to_vec();
        v.sort_by(f64::total_cmp);
        v
    }

    // Reference: scipy.stats.ks_2samp of SciPy 1.17.1, method='exact'.
    #[test]
    fn small_samples_match_scipy() {
        let d = Distance::of_sorted(&[0.1, 0.4, 0.7, 0.9], &[0.2, 0.3, 0.35, 0.5, 0.6]);
        assert!((d.statistic() - 0.5).abs() < 1e-15);
        assert!((d.p_value(Method::Exact) - 0.5634920634920635).abs() < 1e-14);
        let separated = Distance::of_sorted(&[1.0, 2.0, 3.0], &[4.0, 5.0, 6.0]);
        assert_eq!(separated.statistic(), 1.0);
        assert!((separated.p_value(Method::Exact) - 0.1).abs() < 1e-14);
        let one = Distance::of_sorted(&[1.0], &[2.0]);
        assert_eq!(one.p_value(Method::Exact), 1.0);
    }

    /// All merges of two samples without ties, one by one.
    #[test]
    fn the_lattice_walk_equals_enumeration() {
        for (a, b) in [(3u32, 3u32), (4, 6), (5, 2), (1, 7)] {
            let total = a + b;
            let mut gaps: Vec<u128> = Vec::new();
            for mask in 0u32..1 << total {
                if mask.count_ones() != a {
                    continue;
                }
                let (mut i, mut j, mut gap) = (0, 0, 0);
                for bit in 0..total {
                    if mask >> bit & 1 == 1 {
                        i += 1
                    } else {
                        j += 1
                    }
                    gap = gap.max(cross(i, j, u64::from(a), u64::from(b)));
                }
                gaps.push(gap);
            }
            for gap in 1..=u128::from(a * b) {
                let expected = gaps.iter().filter(|g| **g >= gap).count() as f64 / gaps.len() as f64;
                let got = exact_p(gap, u64::from(a), u64::from(b));
                assert!((got - expected).abs() < 1e-12, "{a} {b} {gap}: {got} {expected}");
            }
        }
    }

    #[test]
    fn ties_and_equal_samples() {
        let x = sorted(&[1.0, 1.0, 2.0, 2.0, 3.0]);
        let d = Distance::of_sorted(&x, &x);
        assert_eq!((d.statistic(), d.p_value(Method::Auto)), (0.0, 1.0));
        let d = Distance::of_sorted(&[1.0, 1.0, 1.0, 2.0], &[1.0, 2.0, 2.0, 2.0]);
        assert_eq!(d.statistic(), 0.5);
        assert_eq!(Distance::of_sorted(&[], &[1.0]).p_value(Method::Auto), 1.0);
    }

    #[test]
    fn infinities_are_ordinary_ends() {
        let d = Distance::of_sorted(&[f64::NEG_INFINITY, 0.0], &[0.0, f64::INFINITY]);
        assert_eq!(d.statistic(), 0.5);
    }

    #[test]
    fn the_critical_distance_is_where_the_test_turns() {
        let d = critical_distance(2000, 3000, 1e-4);
        let p = kolmogorov::sf(1200, d);
        assert!((0.3e-4..1.1e-4).contains(&p), "{p}");
    }
}
