//! Population stability index, with the value that chance alone reaches.
//!
//! PSI = Σ (c − r)·ln(c/r) over frozen bins. The rule "above 0.1 is drift" ignores the sample size: without
//! any drift, ten bins and 100 rows a side exceed 0.1 most of the time, 1000 rows never. So PSI is always
//! reported beside its null quantile.

use crate::special::chi_square_isf;

/// An empty bin counts as this share, so that the logarithm exists.
pub const FLOOR: f64 = 1e-4;

/// PSI between two sets of counts over the same bins; 0 when a side is empty.
#[must_use]
pub fn psi(reference: &[u64], current: &[u64]) -> f64 {
    let (n_ref, n_cur) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n_ref == 0 || n_cur == 0 {
        return 0.0;
    }
    reference
        .iter()
        .zip(current)
        .filter(|(r, c)| **r + **c > 0)
        .map(|(r, c)| {
            let r = (*r as f64 / n_ref as f64).max(FLOOR);
            let c = (*c as f64 / n_cur as f64).max(FLOOR);
            (c - r) * (c / r).ln()
        })
        .sum()
}

/// The PSI that two samples of the same population exceed with probability `tail`.
///
/// To first order PSI is (1/n_ref + 1/n_cur) times a chi-square variable with `bins − 1` degrees of freedom
/// (Yurdakul and Naranjo 2020). Good while every bin expects five rows or more; below that the floor of
/// [`FLOOR`] and skewness make it an approximation only, which is why alarms never rest on PSI.
#[must_use]
pub fn null_quantile(n_ref: u64, n_cur: u64, bins: usize, tail: f64) -> f64 {
    if n_ref == 0 || n_cur == 0 || bins < 2 {
        return 0.0;
    }
    (1.0 / n_ref as f64 + 1.0 / n_cur as f64) * chi_square_isf(tail, bins as u64 - 1)
}

/// Inner bin edges of a reference, sorted ascending: one bin per value up to ten distinct values, else deciles
/// (linear interpolation as NumPy's default, duplicates removed). Bin i is [edge i−1, edge i).
#[must_use]
pub fn frozen_edges(sorted: &[f64]) -> Vec<f64> {
    let mut distinct: Vec<f64> = Vec::with_capacity(11);
    for value in sorted {
        if distinct.last() != Some(value) {
            distinct.push(*value);
            if distinct.len() > 10 {
                return decile_edges(sorted);
            }
        }
    }
    distinct.into_iter().skip(1).collect()
}

/// Inner decile edges of a sample, sorted ascending.
#[must_use]
pub fn decile_edges(sorted: &[f64]) -> Vec<f64> {
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let mut edges: Vec<f64> = (0..=10)
        .map(|tenth| {
            let at = last as f64 * (f64::from(tenth) / 10.0);
            let below = at.floor() as usize;
            let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
            let share = at - below as f64;
            // Interpolated from the nearer end, so that equal neighbours give exactly their value.
            if share < 0.5 { low + (high - low) * share } else { high - (high - low) * (1.0 - share) }
        })
        .collect();
    edges.dedup();
    // The outer edges bound nothing: rows outside the reference's range belong to the outer bins.
    edges.pop();
    edges.into_iter().skip(1).collect()
}

/// The bin of a value.
#[must_use]
pub fn bin(edges: &[f64], value: f64) -> usize {
    edges.partition_point(|edge| *edge <= value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// xorshift64*, enough for a simulation and identical everywhere.
    fn random(state: &mut u64) -> f64 {
        *state ^= *state >> 12;
        *state ^= *state << 25;
        *state ^= *state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn exceed_rate(n_ref: u64, n_cur: u64, bins: usize, threshold: f64, trials: u32) -> f64 {
        let mut state = 0x9E37_79B9_7F4A_7C15;
        let mut draw = |n: u64| {
            let mut counts = vec![0u64; bins];
            for _ in 0..n {
                counts[(random(&mut state) * bins as f64) as usize] += 1;
            }
            counts
        };
        let over = (0..trials).filter(|_| psi(&draw(n_ref), &draw(n_cur)) > threshold).count();
        over as f64 / f64::from(trials)
    }

    #[test]
    fn the_null_quantile_holds_in_simulation() {
        for (n_ref, n_cur, bins) in [(1000, 1000, 10), (5000, 500, 10), (2000, 300, 4)] {
            let rate = exceed_rate(n_ref, n_cur, bins, null_quantile(n_ref, n_cur, bins, 0.05), 2000);
            // Two binomial standard errors are 0.01.
            assert!((0.035..0.075).contains(&rate), "{n_ref} {n_cur} {bins}: {rate}");
        }
    }

    #[test]
    fn the_rule_of_thumb_depends_on_the_sample_size() {
        assert!(exceed_rate(100, 100, 10, 0.1, 400) > 0.7);
        assert_eq!(exceed_rate(1000, 1000, 10, 0.1, 400), 0.0);
    }

    #[test]
    fn few_values_get_a_bin_each() {
        let sorted = [1.0, 1.0, 1.0, 2.0, 3.0];
        assert_eq!(frozen_edges(&sorted), [2.0, 3.0]);
        assert_eq!((bin(&[2.0, 3.0], 0.0), bin(&[2.0, 3.0], 2.0), bin(&[2.0, 3.0], 9.0)), (0, 1, 2));
        assert!(frozen_edges(&[7.0; 20]).is_empty());
        assert!(frozen_edges(&[]).is_empty());
    }

    #[test]
    fn an_empty_bin_is_finite() {
        assert!(psi(&[10, 0], &[0, 10]).is_finite());
        assert_eq!(psi(&[10, 5], &[0, 0]), 0.0);
    }
}
