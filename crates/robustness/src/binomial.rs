//! Exact intervals of a proportion (Clopper, Pearson 1934).
//!
//! Wilson's interval holds its confidence on average; a certificate, and a rate of one in a thousand, need one that
//! holds it always.

use proofhouse_core::Interval;

/// Steps of the continued fraction, far beyond what it takes.
const STEPS: usize = 10_000;

/// The two-sided interval for `k` of `n`. With nothing seen nothing is known: 0 to 1.
#[must_use]
pub fn clopper_pearson(k: u64, n: u64, confidence: f64) -> Interval {
    let tail = (1.0 - confidence.clamp(0.5, 0.999_999_999)) / 2.0;
    let (low, high) = (lower_bound(k, n, tail), 1.0 - lower_bound(n - k.min(n), n, tail));
    Interval { low, high, confidence, method: "clopper-pearson".to_owned() }
}

/// The largest p at which `k` or more of `n` happen with probability at most `tail`: with confidence 1 - `tail` the
/// true share is not below it.
#[must_use]
pub fn lower_bound(k: u64, n: u64, tail: f64) -> f64 {
    let k = k.min(n);
    if k == 0 || n == 0 {
        return 0.0;
    }
    let (a, b) = (k as f64, (n - k) as f64 + 1.0);
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..200 {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            break;
        }
        if beta(a, b, middle) > tail { high = middle } else { low = middle }
    }
    low
}

/// Regularised incomplete beta function I_x(a, b): the probability that a Beta(a, b) number is at most x (Abramowitz,
/// Stegun 26.5.8, by the modified method of Lentz).
fn beta(a: f64, b: f64, x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return f64::from(u8::from(x >= 1.0));
    }
    // The fraction converges quickly on one side of the mean.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - beta(b, a, 1.0 - x);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp() / a;
    let tiny = 1e-300;
    let away = |v: f64| if v.abs() < tiny { tiny } else { v };
    let (mut c, mut d) = (1.0, 1.0 / away(1.0 - (a + b) * x / (a + 1.0)));
    let mut fraction = d;
    for step in 1..STEPS {
        let m = step as f64;
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let before = fraction;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            fraction *= c * d;
        }
        if (fraction / before - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front * fraction
}

/// ln Γ(x) for x > 0 (Stirling's series, after a shift to where six terms are exact).
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut shift) = (x, 0.0);
    while x < 15.0 {
        shift += x.ln();
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = (1.0 / 12.0 + r * (-1.0 / 360.0 + r * (1.0 / 1260.0 - r * (1.0 / 1680.0)))) / x;
    (x - 0.5) * x.ln() - x + 0.5 * std::f64::consts::TAU.ln() + series - shift
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scipy.stats.beta.ppf (SciPy 1.17).
    #[test]
    fn intervals_match_scipy() {
        for (k, n, c, low, high) in [
            (8, 10, 0.95, 0.443_904_537_7, 0.974_789_273_7),
            (0, 1000, 0.95, 0.0, 0.003_682_083_9),
            (999, 1000, 0.998, 0.990_804_502_4, 0.999_998_999_5),
            (5, 5000, 0.95, 0.000_324_774_5, 0.002_332_110_6),
        ] {
            let i = clopper_pearson(k, n, c);
            assert!((i.low - low).abs() < 1e-7 && (i.high - high).abs() < 1e-7, "{k}/{n}: {i:?}");
        }
    }

    #[test]
    fn all_of_n_bound_by_the_root() {
        // All of n: the bound is the n-th root of the tail.
        assert!((lower_bound(100, 100, 0.001) - 0.001f64.powf(0.01)).abs() < 1e-12);
        assert_eq!(lower_bound(0, 0, 0.05), 0.0);
        assert_eq!((clopper_pearson(0, 0, 0.95).low, clopper_pearson(0, 0, 0.95).high), (0.0, 1.0));
    }
}
