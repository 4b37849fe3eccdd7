//! Two-sample tests on category counts.
//!
//! The chi-square figures are reported because people know them. Alarms rest on Fisher's exact test per
//! category with Bonferroni's correction: chi-square is not trustworthy at one in a million with a handful of
//! rows per category, which is exactly where an alarm budget of one a year puts the threshold.

use crate::special::chi_square_sf;

/// Pearson's two-sample chi-square without continuity correction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ChiSquare {
    /// Σ (observed − expected)² / expected over the 2 × k table.
    pub statistic: f64,
    /// k − 1 for the k categories that occur in either sample.
    pub degrees: u64,
    /// Asymptotic p-value.
    pub p_value: f64,
}

/// Chi-square of two sets of counts over the same categories. Unlike a goodness-of-fit test it does not take
/// the reference sample for the truth.
#[must_use]
pub fn chi_square(reference: &[u64], current: &[u64]) -> ChiSquare {
    let (n_ref, n_cur) = (reference.iter().sum::<u64>() as f64, current.iter().sum::<u64>() as f64);
    if n_ref == 0.0 || n_cur == 0.0 {
        return ChiSquare { statistic: 0.0, degrees: 0, p_value: 1.0 };
    }
    let (mut statistic, mut categories) = (0.0, 0u64);
    for (r, c) in reference.iter().zip(current) {
        let total = (*r + *c) as f64;
        if total > 0.0 {
            categories += 1;
            for (observed, n) in [(*r as f64, n_ref), (*c as f64, n_cur)] {
                let expected = total * n / (n_ref + n_cur);
                statistic += (observed - expected).powi(2) / expected;
            }
        }
    }
    let degrees = categories.saturating_sub(1);
    ChiSquare { statistic, degrees, p_value: chi_square_sf(statistic, degrees) }
}

/// Valid p-value for "some category's share differs": the smallest Fisher p times the number of categories.
#[must_use]
pub fn any_category_p(reference: &[u64], current: &[u64]) -> f64 {
    let (n_ref, n_cur) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    let occurring = reference.iter().zip(current).filter(|(r, c)| **r + **c > 0);
    let (mut smallest, mut categories) = (1.0f64, 0u32);
    for (r, c) in occurring {
        categories += 1;
        smallest = smallest.min(fisher_exact(*r, n_ref, *c, n_cur));
    }
    // Two categories mirror each other: one test, not two.
    let tests = if categories == 2 { 1 } else { categories.max(1) };
    (smallest * f64::from(tests)).min(1.0)
}

/// Two-sided p-value of Fisher's exact test: `a` of `n_a` against `b` of `n_b`.
///
/// The sum of the probabilities of all tables, with these margins, that are no likelier than the one seen
/// (those within 1e-7 of it count as equal, as in SciPy).
#[must_use]
pub fn fisher_exact(a: u64, n_a: u64, b: u64, n_b: u64) -> f64 {
    let (a, b) = (a.min(n_a), b.min(n_b));
    let hits = a + b;
    let (low, high) = (hits.saturating_sub(n_b), hits.min(n_a));
    if low >= high {
        return 1.0;
    }
    // Weights relative to the mode by the ratio of neighbours: no logarithm, no lost digits. A walk ends
    // where weights vanish.
    let mode = ((hits + 1) as f64 * (n_a + 1) as f64 / (n_a + n_b + 2) as f64) as u64;
    let mode = mode.clamp(low, high);
    // Weight of x + 1 over weight of x.
    let step =
        |x: u64| ((n_a - x) as f64 * (hits - x) as f64) / ((x + 1) as f64 * ((n_b + x + 1) - hits) as f64);
    let observed = {
        let mut weight = 1.0;
        if a >= mode {
            for x in mode..a {
                weight *= step(x);
            }
        } else {
            for x in (a..mode).rev() {
                weight /= step(x);
            }
        }
        weight
    };
    let limit = observed * (1.0 + 1e-7);
    let (mut total, mut extreme) = (0.0, 0.0);
    let mut add = |weight: f64| {
        total += weight;
        if weight <= limit {
            extreme += weight;
        }
        weight > 1e-320
    };
    add(1.0);
    let mut weight = 1.0;
    for x in mode..high {
        weight *= step(x);
        if !add(weight) {
            break;
        }
    }
    weight = 1.0;
    for x in (low..mode).rev() {
        weight /= step(x);
        if !add(weight) {
            break;
        }
    }
    (extreme / total).min(1.0)
}

/// Total variation distance between two sets of counts: half the sum of absolute differences of shares.
#[must_use]
pub fn total_variation(reference: &[u64], current: &[u64]) -> f64 {
    let (n_ref, n_cur) = (reference.iter().sum::<u64>(), current.iter().sum::<u64>());
    if n_ref == 0 || n_cur == 0 {
        return 0.0;
    }
    let sum: f64 = reference
        .iter()
        .zip(current)
        .map(|(r, c)| (*r as f64 / n_ref as f64 - *c as f64 / n_cur as f64).abs())
        .sum();
    sum / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scipy.stats.fisher_exact of SciPy 1.17.1.
    #[test]
    fn fisher_matches_scipy() {
        for (a, n_a, b, n_b, p) in FISHER {
            let got = fisher_exact(a, n_a, b, n_b);
            assert!((got - p).abs() <= 1e-9 * p, "{a}/{n_a} {b}/{n_b}: {got} {p}");
        }
    }

    include!("../tests/data/fisher.rs");

    #[test]
    fn nothing_to_compare_is_one() {
        assert_eq!(fisher_exact(0, 10, 0, 20), 1.0);
        assert_eq!(fisher_exact(10, 10, 20, 20), 1.0);
        assert_eq!(fisher_exact(0, 0, 3, 9), 1.0);
        assert_eq!(any_category_p(&[5], &[7]), 1.0);
        assert_eq!(chi_square(&[0, 0], &[1, 2]).p_value, 1.0);
    }

    #[test]
    fn a_new_category_shows() {
        assert!(any_category_p(&[500, 500, 0], &[400, 400, 200]) < 1e-50);
        assert!((total_variation(&[500, 500, 0], &[400, 400, 200]) - 0.2).abs() < 1e-15);
    }
}
