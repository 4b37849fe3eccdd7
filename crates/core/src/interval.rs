//! Confidence intervals for proportions.

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

/// Quantile of the standard normal distribution for `p` in (0, 1); relative error below 1e-15
/// (Wichura 1988, algorithm AS 241, PPND16).
#[must_use]
pub fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        return q * ratio(r, &CENTRE_NUM, &CENTRE_DEN);
    }
    let tail = if q < 0.0 { p } else { 1.0 - p };
    if tail <= 0.0 {
        return if q < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    let r = (-tail.ln()).sqrt();
    let x =
        if r <= 5.0 { ratio(r - 1.6, &MIDDLE_NUM, &MIDDLE_DEN) } else { ratio(r - 5.0, &FAR_NUM, &FAR_DEN) };
    if q < 0.0 { -x } else { x }
}

fn ratio(r: f64, num: &[f64; 8], den: &[f64; 8]) -> f64 {
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

    proptest! {
        #[test]
        fn the_interval_holds_the_estimate(n in 1u64..100_000, share in 0.0f64..=1.0, c in 0.5f64..0.9999) {
            let k = (n as f64 * share) as u64;
            let i = wilson(k, n, c);
            let p = k as f64 / n as f64;
            prop_assert!(0.0 <= i.low && i.low <= p && p <= i.high && i.high <= 1.0);
        }
    }
}
