//! The exact distribution of the one-sample Kolmogorov statistic D_n, which SciPy's asymptotic two-sample
//! test uses with n = round(n₁n₂/(n₁+n₂)).
//!
//! The regions follow Simard and L'Ecuyer (2011): Durbin's matrix as computed by Marsaglia, Tsang and
//! Wang (2003) near the median, Pelz and Good (1976) for large n, and twice the one-sided tail of Birnbaum
//! and Tingey (1951) beyond, which Miller (1956) showed to be exact to many digits there.

use std::f64::consts::PI;

use crate::special::ln_gamma;

/// Upper tail P(D_n ≥ x).
#[must_use]
pub fn sf(n: u64, x: f64) -> f64 {
    if n == 0 || x <= 0.0 {
        return 1.0;
    }
    if x >= 1.0 {
        return 0.0;
    }
    let count = n as f64;
    let t = count * x;
    if t <= 0.5 {
        return 1.0;
    }
    if t <= 1.0 {
        // Ruben and Gambino: n! (2x − 1/n)^n.
        let log = ln_gamma(count + 1.0) + count * (2.0 * x - 1.0 / count).ln();
        return (1.0 - log.exp()).clamp(0.0, 1.0);
    }
    let nx2 = t * x;
    if nx2 >= 370.0 {
        return 0.0; // Below the smallest normal number.
    }
    let use_tail = x >= 0.5 || t >= count - 1.0 || if n <= 140 { nx2 > 4.0 } else { nx2 >= 2.2 };
    if use_tail {
        return (2.0 * one_sided_sf(n, x)).clamp(0.0, 1.0);
    }
    let cdf = if n <= 140 || (n <= 100_000 && count * x.powf(1.5) <= 1.4) {
        durbin_cdf(n, x)
    } else {
        pelz_good_cdf(count, x)
    };
    (1.0 - cdf).clamp(0.0, 1.0)
}

/// Above this size the one-sided tail is taken from its expansion instead of from the sum over n terms.
const SUM_TERMS: u64 = 4_000_000;

/// Upper tail P(D⁺_n ≥ x) of the one-sided statistic, 0 < x < 1.
fn one_sided_sf(n: u64, x: f64) -> f64 {
    let count = n as f64;
    if n > SUM_TERMS {
        // Maag and Dicaire (1971); relative error O(1/n).
        return (-(6.0 * count * x + 1.0).powi(2) / (18.0 * count)).exp();
    }
    // All terms are positive, so the sum loses nothing; logarithms keep it from underflowing. The binomial
    // coefficient is carried from term to term.
    let mut sum = 0.0;
    let (mut log_binomial, mut lost) = (0.0f64, 0.0);
    for v in 0..n {
        let share = v as f64 / count;
        let left = 1.0 - x - share;
        if left <= 0.0 {
            break;
        }
        if v > 0 {
            // Compensated (Kahan): over a million additions the plain sum loses six digits of the result.
            let step = ((n - v + 1) as f64 / v as f64).ln() - lost;
            let next = log_binomial + step;
            lost = (next - log_binomial) - step;
            log_binomial = next;
        }
        let log = log_binomial + (v as f64 - 1.0) * (x + share).ln() + (count - v as f64) * left.ln();
        sum += log.exp();
    }
    (x * sum).clamp(0.0, 1.0)
}

/// P(D_n ≤ x) by powers of Durbin's matrix.
fn durbin_cdf(n: u64, x: f64) -> f64 {
    let t = n as f64 * x;
    let k = t.ceil() as usize;
    let h = k as f64 - t;
    let size = 2 * k - 1;
    let mut inverse_factorial = vec![1.0; size + 1];
    for j in 1..=size {
        inverse_factorial[j] = inverse_factorial[j - 1] / j as f64;
    }
    let border = |j: usize| (1.0 - h.powi(j as i32)) * inverse_factorial[j];
    let corner = (1.0 - 2.0 * h.powi(size as i32) + (2.0 * h - 1.0).max(0.0).powi(size as i32))
        * inverse_factorial[size];
    let mut base = Matrix::zero(size);
    for row in 0..size {
        for column in 0..size {
            base.cells[row * size + column] = match (row, column) {
                (r, 0) if r + 1 == size => corner,
                (r, 0) => border(r + 1),
                (r, c) if r + 1 == size => border(size - c),
                (r, c) if r + 1 >= c => inverse_factorial[r + 1 - c],
                _ => 0.0,
            };
        }
    }
    let mut power = Matrix::identity(size);
    let mut left = n;
    while left > 0 {
        if left % 2 == 1 {
            power = power.times(&base);
        }
        left /= 2;
        if left > 0 {
            base = base.times(&base);
        }
    }
    let centre = power.cells[(k - 1) * size + (k - 1)];
    // n!/nⁿ, applied factor by factor so that neither end over- or underflows.
    let (mut p, mut exponent) = (centre, power.exponent);
    for i in 1..=n {
        p *= i as f64 / n as f64;
        if p < 1e-140 && p > 0.0 {
            p *= SCALE;
            exponent -= SCALE_BITS;
        }
    }
    (p * 2f64.powi(exponent.clamp(-1100, 1000) as i32)).clamp(0.0, 1.0)
}

const SCALE_BITS: i64 = 256;
const SCALE: f64 = 1.157_920_892_373_162e77; // 2^256

/// A square matrix times 2^exponent.
struct Matrix {
    size: usize,
    cells: Vec<f64>,
    exponent: i64,
}

impl Matrix {
    fn zero(size: usize) -> Self {
        Self { size, cells: vec![0.0; size * size], exponent: 0 }
    }

    fn identity(size: usize) -> Self {
        let mut m = Self::zero(size);
        for i in 0..size {
            m.cells[i * size + i] = 1.0;
        }
        m
    }

    fn times(&self, other: &Self) -> Self {
        let size = self.size;
        let mut out = Self::zero(size);
        for row in 0..size {
            for inner in 0..size {
                let factor = self.cells[row * size + inner];
                if factor != 0.0 {
                    let (target, source) =
                        (&mut out.cells[row * size..][..size], &other.cells[inner * size..][..size]);
                    for (t, s) in target.iter_mut().zip(source) {
                        *t += factor * s;
                    }
                }
            }
        }
        out.exponent = self.exponent + other.exponent;
        if out.cells.iter().any(|c| *c > SCALE / 2.0) {
            for cell in &mut out.cells {
                *cell /= SCALE;
            }
            out.exponent += SCALE_BITS;
        }
        out
    }
}

/// P(D_n ≤ x) by the expansion of Pelz and Good, in the form that converges for small z = x√n.
fn pelz_good_cdf(n: f64, x: f64) -> f64 {
    let z = n.sqrt() * x;
    let (z2, z4, z6) = (z * z, z.powi(4), z.powi(6));
    let (pi2, pi4, pi6) = (PI * PI, PI.powi(4), PI.powi(6));
    let root = (2.0 * PI).sqrt();
    let (mut k0, mut k1, mut k2, mut k3) = (0.0, 0.0, 0.0, 0.0);
    let (mut k2_even, mut k3_even) = (0.0, 0.0);
    let terms = (16.0 * z / PI).ceil() as i32;
    // Smallest terms first.
    for k in (1..=terms).rev() {
        let odd = f64::from(2 * k - 1);
        let (m2, m4, m6) = (odd.powi(2), odd.powi(4), odd.powi(6));
        let weight = (-pi2 * m2 / (8.0 * z2)).exp();
        k0 += weight;
        k1 += weight * (pi2 / 4.0 * m2 - z2);
        k2 += weight
            * (6.0 * z6
                + 2.0 * z4
                + (2.0 * z4 - 5.0 * z2) * pi2 / 4.0 * m2
                + pi4 * (1.0 - 2.0 * z2) / 16.0 * m4);
        k3 += weight
            * (-30.0 * z6 - 90.0 * z.powi(8)
                + pi2 * (135.0 * z4 - 96.0 * z6) / 4.0 * m2
                + pi4 * (212.0 * z4 - 60.0 * z2) / 16.0 * m4
                + pi6 * (5.0 - 30.0 * z2) / 64.0 * m6);
        let kk = f64::from(k * k);
        let weight = (-pi2 * kk / (2.0 * z2)).exp();
        k2_even += kk * weight;
        k3_even += (3.0 * z2 - pi2 * kk) * kk * weight;
    }
    let k0 = root * k0 / z;
    let k1 = root * k1 / (6.0 * z4);
    let k2 = root * k2 / (72.0 * z.powi(7)) - pi2 * root / (36.0 * z.powi(3)) * k2_even;
    let k3 = root * k3 / (6480.0 * z.powi(10)) + pi2 * root / (216.0 * z6) * k3_even;
    (k0 + k1 / n.sqrt() + k2 / n + k3 / n.powf(1.5)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scipy.stats.kstwo.sf of SciPy 1.17.1. One row at least per region of `sf`.
    #[test]
    fn every_region_matches_scipy() {
        for (n, x, p) in REFERENCE {
            let got = sf(n, x);
            assert!((got - p).abs() <= 1e-9 * p, "n={n} x={x}: {got} instead of {p}");
        }
    }

    include!("../tests/data/kstwo.rs");

    #[test]
    fn it_falls_from_one_to_nothing() {
        for n in [1, 2, 10, 139, 140, 141, 1000, 100_000, 10_000_000] {
            let mut last = 1.0;
            for i in 0..=400 {
                let p = sf(n, f64::from(i) / 400.0);
                assert!(p <= last + 1e-9 && (0.0..=1.0).contains(&p), "n={n} i={i}: {p} after {last}");
                last = p;
            }
            assert_eq!(last, 0.0);
        }
    }
}
