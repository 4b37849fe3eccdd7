//! Confidence intervals for proportions, and for what two of them are to each other.

use crate::Interval;

/// Wilson score interval, two-sided, for `successes` of `n` (Wilson 1927).
///
/// With no observation nothing is known: the interval is 0 to 1. `confidence` is clamped to
/// 0.5..=0.999999.
///
/// ```
/// let i = proofhouse_core::interval::wilson(0, 1000, 0.95);
/// assert!(i.low == 0.0 && (i.high - 0.0038).abs() < 1e-4);
/// ```
#[must_use]
pub fn wilson(successes: u64, n: u64, confidence: f64) -> Interval {
    let confidence = confidence.clamp(0.5, 0.999_999);
    let (low, high) = if n == 0 {
        (0.0, 1.0)
    } else {
        let z = normal_quantile(0.5 + confidence / 2.0);
        let (n, p) = (n as f64, successes.min(n) as f64 / n as f64);
        let z2n = z * z / n;
        let centre = (p + z2n / 2.0) / (1.0 + z2n);
        let half = z / (1.0 + z2n) * (p * (1.0 - p) / n + z2n / (4.0 * n)).sqrt();
        // Rounding must not push an end past what was seen.
        ((centre - half).clamp(0.0, p), (centre + half).clamp(p, 1.0))
    };
    Interval { low, high, confidence, method: "wilson".to_owned() }
}

/// Successes of a number of observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Successes, at most `n`.
    pub successes: u64,
    /// Observations.
    pub n: u64,
}

impl Share {
    /// The share itself; 0 where nothing was observed.
    #[must_use]
    pub fn value(self) -> f64 {
        if self.n == 0 { 0.0 } else { self.successes.min(self.n) as f64 / self.n as f64 }
    }
}

/// Interval, two-sided, for the difference `first - second` of two independent proportions (Newcombe 1998, method 10:
/// from the Wilson interval of each).
#[must_use]
pub fn difference(first: Share, second: Share, confidence: f64) -> Interval {
    let (p, q) = (first.value(), second.value());
    let (a, b) =
        (wilson(first.successes, first.n, confidence), wilson(second.successes, second.n, confidence));
    Interval {
        low: (p - q - (p - a.low).hypot(b.high - q)).max(-1.0),
        high: (p - q + (a.high - p).hypot(q - b.low)).min(1.0),
        confidence: a.confidence,
        method: "newcombe".to_owned(),
    }
}

/// What two judges say of the same observations: how often both, one of them, or neither.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paired {
    /// Both.
    pub both: u64,
    /// The first and not the second.
    pub first: u64,
    /// The second and not the first.
    pub second: u64,
    /// Neither.
    pub neither: u64,
}

impl Paired {
    /// Observations.
    #[must_use]
    pub const fn n(self) -> u64 {
        self.both + self.first + self.second + self.neither
    }

    /// The difference of their shares, `first - second`; 0 where nothing was observed.
    #[must_use]
    pub fn difference(self) -> f64 {
        if self.n() == 0 { 0.0 } else { (self.first as f64 - self.second as f64) / self.n() as f64 }
    }
}

/// Interval, two-sided, for the difference `first - second` of two proportions of the same observations (Newcombe 1998,
/// *paired data*, method 10: from the Wilson interval of each, with their correlation).
#[must_use]
pub fn paired_difference(paired: Paired, confidence: f64) -> Interval {
    let n = paired.n();
    let [e, f, g, h] = [paired.both, paired.first, paired.second, paired.neither].map(|count| count as f64);
    let (a, b) = (
        wilson(paired.both + paired.first, n, confidence),
        wilson(paired.both + paired.second, n, confidence),
    );
    let (low, high) = if n == 0 {
        (-1.0, 1.0)
    } else {
        let (p, q) = ((e + f) / n as f64, (e + g) / n as f64);
        let margins = (e + f) * (g + h) * (e + g) * (f + h);
        // Edwards' correction for continuity, of a positive correlation only.
        let agreement = e * h - f * g;
        let agreement = if agreement > 0.0 { (agreement - n as f64 / 2.0).max(0.0) } else { agreement };
        let correlation = if margins > 0.0 { agreement / margins.sqrt() } else { 0.0 };
        let spread = |x: f64, y: f64| (x * x - 2.0 * correlation * x * y + y * y).max(0.0).sqrt();
        let difference = paired.difference();
        (
            (difference - spread(p - a.low, b.high - q)).max(-1.0),
            (difference + spread(a.high - p, q - b.low)).min(1.0),
        )
    };
    Interval { low, high, confidence: a.confidence, method: "newcombe-paired".to_owned() }
}

/// Interval, two-sided, for the ratio `first / second` of two independent proportions (Donner and Zou 2012: from the
/// Wilson interval of each). There is none where the second may be nothing at all, since the ratio then has no bound.
#[must_use]
pub fn ratio(first: Share, second: Share, confidence: f64) -> Option<Interval> {
    let (p, q) = (first.value(), second.value());
    let (a, b) =
        (wilson(first.successes, first.n, confidence), wilson(second.successes, second.n, confidence));
    let root = |a: f64, b: f64| (p * p * q * q - a * b).max(0.0).sqrt();
    let (least, most) = (a.low * (2.0 * p - a.low), b.high * (2.0 * q - b.high));
    let (more, less) = (a.high * (2.0 * p - a.high), b.low * (2.0 * q - b.low));
    if first.n == 0 || less <= 0.0 {
        return None;
    }
    // Multiplied out so that no divisor comes near nothing where the upper end of the second is twice its value.
    let below = p * q + root(least, most);
    Some(Interval {
        low: if least > 0.0 { least / below } else { 0.0 },
        high: (p * q + root(more, less)) / less,
        confidence: a.confidence,
        method: "mover".to_owned(),
    })
}

/// Quantile of the standard normal distribution for `p` in (0, 1); relative error below 1e-15
/// (Wichura 1988, algorithm AS 241, PPND16).
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * rational(r, &CENTRE_NUM, &CENTRE_DEN);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-tail.ln()).sqrt();
    let x = if r <= 5.0 {
        rational(r - 1.6, &MIDDLE_NUM, &MIDDLE_DEN)
    } else {
        rational(r - 5.0, &FAR_NUM, &FAR_DEN)
    };
    if q < 0.0 { -x } else { x }
}

fn rational(r: f64, num: &[f64; 8], den: &[f64; 8]) -> f64 {
    let poly = |c: &[f64; 8]| c.iter().rev().fold(0.0, |acc, k| acc * r + k);
    poly(num) / poly(den)
}

// Coefficients of AS 241 (PPND16), lowest power first.
const CENTRE_NUM: [f64; 8] = [
    3.387_132_872_796_366_5,
    133.141_667_891_784_38,
    1_971.590_950_306_551_3,
    13_731.693_765_509_46,
    45_921.953_931_549_87,
    67_265.770_927_008_7,
    33_430.575_583_588_13,
    2_509.080_928_730_122_7,
];
const CENTRE_DEN: [f64; 8] = [
    1.0,
    42.313_330_701_600_91,
    687.187_007_492_057_9,
    5_394.196_021_424_751,
    21_213.794_301_586_597,
    39_307.895_800_092_71,
    28_729.085_735_721_943,
    5_226.495_278_852_545,
];
const MIDDLE_NUM: [f64; 8] = [
    1.423_437_110_749_683_5,
    4.630_337_846_156_546,
    5.769_497_221_460_691,
    3.647_848_324_763_204_5,
    1.270_458_252_452_368_4,
    0.241_780_725_177_450_6,
    0.022_723_844_989_269_184,
    7.745_450_142_783_414e-4,
];
const MIDDLE_DEN: [f64; 8] = [
    1.0,
    2.053_191_626_637_759,
    1.676_384_830_183_803_8,
    0.689_767_334_985_1,
    0.148_103_976_427_480_08,
    0.015_198_666_563_616_457,
    5.475_938_084_995_345e-4,
    1.050_750_071_644_416_9e-9,
];
const FAR_NUM: [f64; 8] = [
    6.657_904_643_501_103,
    5.463_784_911_164_114,
    1.784_826_539_917_291_3,
    0.296_560_571_828_504_87,
    0.026_532_189_526_576_124,
    1.242_660_947_388_078_4e-3,
    2.711_555_568_743_487_6e-5,
    2.010_334_399_292_288_1e-7,
];
const FAR_DEN: [f64; 8] = [
    1.0,
    0.599_832_206_555_888,
    0.136_929_880_922_735_8,
    0.014_875_361_290_850_615,
    7.868_691_311_456_133e-4,
    1.846_318_317_510_054_8e-5,
    1.421_511_758_316_446e-7,
    2.044_263_103_389_939_8e-15,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Reference values: norm.ppf of SciPy and proportion_confint(method="wilson") of statsmodels.
    #[test]
    fn quantiles_match_scipy() {
        for (p, x) in [
            (0.975, 1.959_963_984_540_054),
            (0.995, 2.575_829_303_548_901),
            (0.6, 0.253_347_103_135_799_7),
            (1e-10, -6.361_340_902_404_056),
            (0.5, 0.0),
            (1e-300, -37.047_096_299_361_2),
        ] {
            assert!((normal_quantile(p) - x).abs() <= 1e-12 * x.abs().max(1.0), "{p}");
        }
    }

    #[test]
    fn intervals_match_statsmodels() {
        for (k, n, c, low, high) in [
            (8, 10, 0.95, 0.490_162_471_536_641_83, 0.943_317_848_545_624_7),
            (0, 1000, 0.95, 0.0, 0.003_826_758_485_555_123_4),
            (172, 200, 0.99, 0.785_198_468_373_928_5, 0.911_682_854_039_104_3),
        ] {
            let i = wilson(k, n, c);
            assert!((i.low - low).abs() < 1e-12 && (i.high - high).abs() < 1e-12, "{k}/{n}: {i:?}");
        }
    }

    #[test]
    fn nothing_seen_is_nothing_known() {
        let i = wilson(0, 0, 0.95);
        assert_eq!((i.low, i.high), (0.0, 1.0));
    }

    fn of(successes: u64, n: u64) -> Share {
        Share { successes, n }
    }

    // Newcombe 1998, table II, rows (a) and (d), method 10.
    #[test]
    fn differences_match_newcombe() {
        for (first, second, low, high) in
            [(of(56, 70), of(48, 80), 0.0524, 0.3339), (of(9, 10), of(3, 10), 0.1705, 0.8090)]
        {
            let i = difference(first, second, 0.95);
            assert!((i.low - low).abs() < 1e-4 && (i.high - high).abs() < 1e-4, "{i:?}");
        }
    }

    /// The share of all outcomes, by their probability, whose interval holds the truth.
    fn coverage(n: u64, p: f64, q: f64, holds: impl Fn(Share, Share) -> bool) -> f64 {
        let mass = |p: f64| -> Vec<f64> {
            let mut mass = vec![(1.0 - p).powi(n as i32)];
            for k in 1..=n {
                let before = mass[k as usize - 1];
                mass.push(before * (n - k + 1) as f64 / k as f64 * p / (1.0 - p));
            }
            mass
        };
        let (first, second) = (mass(p), mass(q));
        let mut held = 0.0;
        for (i, a) in first.iter().enumerate() {
            for (j, b) in second.iter().enumerate() {
                held += a * b * f64::from(u8::from(holds(of(i as u64, n), of(j as u64, n))));
            }
        }
        held
    }

    #[test]
    fn intervals_of_two_shares_hold_the_truth_as_often_as_they_say() {
        for (p, q) in [(0.1, 0.2), (0.3, 0.3), (0.5, 0.8), (0.7, 0.75), (0.05, 0.9), (0.9, 0.3)] {
            let holds = |i: &Interval, truth: f64| i.low <= truth && truth <= i.high;
            let c = coverage(60, p, q, |a, b| holds(&difference(a, b, 0.95), p - q));
            assert!((0.93..0.99).contains(&c), "difference of {p} and {q}: {c}");
            let c = coverage(60, p, q, |a, b| ratio(a, b, 0.95).is_none_or(|i| holds(&i, p / q)));
            assert!((0.93..0.99).contains(&c), "ratio of {p} and {q}: {c}");
        }
    }

    /// The same for observations of which each judge of a pair says something: shares of the four outcomes.
    fn paired_coverage(n: u64, shares: [f64; 4], confidence: f64) -> f64 {
        let truth = shares[1] - shares[2];
        let log: Vec<f64> = (0..=n)
            .scan(0.0, |sum, k| {
                *sum += if k == 0 { 0.0 } else { (k as f64).ln() };
                Some(*sum)
            })
            .collect();
        let mut held = 0.0;
        for both in 0..=n {
            for first in 0..=n - both {
                for second in 0..=n - both - first {
                    let counts = [both, first, second, n - both - first - second];
                    let i = paired_difference(Paired { both, first, second, neither: counts[3] }, confidence);
                    if i.low <= truth && truth <= i.high {
                        let of =
                            counts.iter().zip(shares).map(|(k, p)| *k as f64 * p.ln() - log[*k as usize]);
                        held += (log[n as usize] + of.sum::<f64>()).exp();
                    }
                }
            }
        }
        held
    }

    #[test]
    fn intervals_of_paired_shares_hold_the_truth_as_often_as_they_say() {
        // Where the judges hardly ever differ, or nearly always agree, the interval is wider than it had to be.
        for (shares, most) in [
            ([0.05, 0.03, 0.02, 0.9], 0.999),
            ([0.2, 0.1, 0.1, 0.6], 0.985),
            ([0.02, 0.2, 0.01, 0.77], 0.985),
            ([0.4, 0.05, 0.15, 0.4], 0.985),
        ] {
            let c = paired_coverage(50, shares, 0.95);
            assert!((0.935..most).contains(&c), "{shares:?}: {c}");
        }
    }

    #[test]
    fn a_pair_tells_more_than_two_strangers() {
        // Both are wrong about the same fifth; the second about three rows more.
        let paired = Paired { both: 40, first: 0, second: 3, neither: 157 };
        let i = paired_difference(paired, 0.95);
        assert!(i.low > -0.05 && i.high < 0.01 && i.low <= -0.015 && i.high >= -0.015, "{i:?}");
        let apart = difference(of(40, 200), of(43, 200), 0.95);
        assert!(apart.high - apart.low > 3.0 * (i.high - i.low), "{apart:?} {i:?}");
        let nothing = paired_difference(Paired::default(), 0.95);
        assert_eq!((nothing.low, nothing.high), (-1.0, 1.0));
    }

    #[test]
    fn a_ratio_to_what_may_be_nothing_has_no_bound() {
        assert_eq!(ratio(of(3, 10), of(0, 10), 0.95), None);
        assert_eq!(ratio(of(0, 0), of(5, 10), 0.95), None);
        let i = ratio(of(0, 50), of(25, 50), 0.95).unwrap();
        assert!(i.low == 0.0 && i.high > 0.0 && i.high < 0.25, "{i:?}");
    }

    proptest! {
        #[test]
        fn what_two_shares_are_to_each_other_lies_within(
            n in 1u64..5_000, m in 1u64..5_000, a in 0.0f64..=1.0, b in 0.0f64..=1.0, c in 0.5f64..0.9999,
        ) {
            let (first, second) = (of((n as f64 * a) as u64, n), of((m as f64 * b) as u64, m));
            let (p, q) = (first.value(), second.value());
            let d = difference(first, second, c);
            prop_assert!(d.low <= p - q + 1e-12 && p - q - 1e-12 <= d.high && d.low >= -1.0 && d.high <= 1.0);
            if let Some(r) = ratio(first, second, c) {
                prop_assert!(r.low >= 0.0 && r.low <= p / q + 1e-9 && p / q - 1e-9 <= r.high && r.high.is_finite());
            }
        }

        #[test]
        fn what_is_paired_lies_within(
            both in 0u64..500, first in 0u64..500, second in 0u64..500, neither in 0u64..500, c in 0.5f64..0.9999,
        ) {
            let paired = Paired { both, first, second, neither };
            let i = paired_difference(paired, c);
            let d = paired.difference();
            prop_assert!(i.low <= d + 1e-12 && d - 1e-12 <= i.high && i.low >= -1.0 && i.high <= 1.0, "{i:?} {d}");
        }

        #[test]
        fn the_interval_holds_the_estimate(n in 1u64..100_000, share in 0.0f64..=1.0, c in 0.5f64..0.9999) {
            let k = (n as f64 * share) as u64;
            let i = wilson(k, n, c);
            let p = k as f64 / n as f64;
            prop_assert!(0.0 <= i.low && i.low <= p && p <= i.high && i.high <= 1.0);
        }
    }
}
