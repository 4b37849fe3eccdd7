//! Exact chances of counts, where two sides are of one kind.

/// For each `x` in `0..=n` the chance that `x` or more of `n` values lie beyond the `rank`-th furthest (from 1) of `m` others
/// of the same kind: beta-binomial (Gumbel, von Schelling 1950).
pub(super) fn beyond(n: usize, m: usize, rank: usize) -> Vec<f64> {
    let (within, all) = ((m + 1 - rank.clamp(1, m)) as f64, (m + 1) as f64);
    let rank = rank.clamp(1, m) as f64;
    let mut log: f64 = (0..n).map(|i| ((within + i as f64) / (all + i as f64)).ln()).sum();
    let mut chances = Vec::with_capacity(n + 1);
    for x in 0..=n {
        chances.push(log.exp());
        let (x, left) = (x as f64, (n - x) as f64);
        log += ((left / (x + 1.0)) * ((x + rank) / (left - 1.0 + within))).ln();
    }
    // Summed from the small end, so that small chances keep their digits.
    let mut tail = 0.0;
    for chance in chances.iter_mut().rev() {
        tail += *chance;
        *chance = tail.min(1.0);
    }
    chances
}

/// The chance that `x` or more of `n` drawn without putting back are of a kind that `marked` of all `total` are of:
/// hypergeometric, one side of Fisher's exact test.
pub(super) fn drawn(x: usize, n: usize, marked: usize, total: usize) -> f64 {
    let (least, most) = ((n + marked).saturating_sub(total), n.min(marked));
    if x <= least {
        return 1.0;
    }
    if x > most {
        return 0.0;
    }
    let choose = |n: usize, k: usize| (0..k).map(|i| ((n - i) as f64 / (i + 1) as f64).ln()).sum::<f64>();
    let mut log = choose(marked, least) + choose(total - marked, n - least) - choose(total, n);
    let mut tail = 0.0;
    for k in least..=most {
        if k >= x {
            tail += log.exp();
        }
        let (kf, left) = ((k + 1) as f64, (total + k + 1) as f64 - (marked + n) as f64);
        log += ((marked - k) as f64 * (n - k) as f64 / (kf * left)).ln();
    }
    tail.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference: scipy.stats.betabinom.sf(x - 1, n, rank, m + 1 - rank), by fractions where that loses its digits, and
    // hypergeom.sf(x - 1, total, marked, n).
    #[test]
    fn chances_match_scipy() {
        for (x, n, m, rank, wanted) in BEYOND {
            let found = beyond(n, m, rank)[x];
            assert!((found / wanted - 1.0).abs() < 1e-9, "{x} of {n} beyond {rank} of {m}: {found}");
        }
        for (x, n, marked, total, wanted) in DRAWN {
            let found = drawn(x, n, marked, total);
            assert!((found / wanted - 1.0).abs() < 1e-9, "{x} of {n}, {marked} of {total}: {found}");
        }
    }

    const BEYOND: [(usize, usize, usize, usize, f64); 7] = [
        (0, 10, 20, 1, 1.0),
        (3, 10, 20, 1, 2.955_665_024_630_605e-2),
        (19, 265, 100, 1, 1.897_128_720_192_875e-3),
        (27, 265, 100, 2, 1.076_712_745_009_978e-3),
        (60, 2000, 500, 5, 1.861_053_126_927_747e-3),
        (200, 2000, 500, 5, 8.326_086_278_743_011e-16),
        (1, 1, 40, 40, 9.756_097_560_975_61e-1),
    ];
    const DRAWN: [(usize, usize, usize, usize, f64); 4] = [
        (5, 10, 8, 30, 5.631_799_484_872_947e-2),
        (30, 100, 40, 150, 1.329_551_002_472_591e-1),
        (50, 200, 55, 300, 5.729_981_734_110_441e-6),
        (8, 8, 8, 30, 1.708_547_435_683_867e-7),
    ];

    #[test]
    fn chances_go_down_from_one() {
        let tail = beyond(300, 50, 2);
        assert!((tail[0] - 1.0).abs() < 1e-12 && tail.is_sorted_by(|a, b| a >= b));
        assert_eq!((drawn(0, 5, 3, 9), drawn(4, 5, 3, 9)), (1.0, 0.0));
    }
}
