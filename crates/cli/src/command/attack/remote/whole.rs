//! Inputs that take whole numbers only. Attacks change rows by fractions; what is sent is rounded, and nothing else can
//! be: the attack is held to what can.

use anyhow::{bail, ensure};
use proofhouse_endpoint::Declared;
use proofhouse_robustness::Norm;

/// How far a row of the data may be from what can be sent, in whole numbers: what another program has scaled misses
/// by a rounding.
const MISSED: f64 = 1e-3;

/// An input that takes whole numbers.
#[derive(Debug, Clone)]
pub struct Whole {
    says: String,
    low: f64,
    high: f64,
    /// What a row is multiplied with before it is sent.
    scale: f32,
}

impl Whole {
    /// Nothing where fractions can be sent, too.
    pub fn of(input: Option<&Declared>, scale: f32) -> Option<Self> {
        let input = input?;
        let (low, high) = input.element()?.whole()?;
        Some(Self { says: input.says(), low, high, scale })
    }

    /// The distance between two values of a row that can be sent.
    pub fn step(&self) -> f64 {
        1.0 / f64::from(self.scale).abs()
    }

    /// The nearest value that can be sent.
    pub fn nearest(&self, value: f32) -> f32 {
        let nearest = f64::from(value).round().clamp(self.low, self.high) as f32;
        // Of 32 bits and more, the largest has no float32 of its own.
        if f64::from(nearest) > self.high { nearest.next_down() } else { nearest }
    }

    /// Refuses rows that cannot be sent as they are.
    pub fn admits(&self, rows: &[f32], features: usize) -> anyhow::Result<()> {
        for (at, value) in rows.iter().enumerate() {
            let sent = value * self.scale;
            let off = (f64::from(sent) - f64::from(self.nearest(sent))).abs();
            // Beyond 2^13 a float32 has fewer digits than that.
            if off <= MISSED.max(f64::from(sent.abs()) * f64::from(f32::EPSILON)) {
                continue;
            }
            let row = at / features.max(1);
            let hint = if self.scale == 1.0 && rows.iter().all(|v| (0.0..=1.0).contains(v)) {
                "; rows between 0 and 1 may want a --scale, such as 255"
            } else {
                ""
            };
            let scaled = if self.scale == 1.0 { String::new() } else { format!(", times {}", self.scale) };
            bail!(
                "the model takes {}, whole numbers from {} to {}, and row {row} holds {value}{scaled}{hint}",
                self.says,
                self.low,
                self.high
            );
        }
        Ok(())
    }

    /// The distance between deployable values: as it was given, where that is of whole numbers.
    pub fn grid(&self, given: Option<f64>) -> anyhow::Result<f64> {
        let step = self.step();
        let grid = given.unwrap_or(step);
        let steps = grid / step;
        ensure!(
            steps > 0.5 && (steps - steps.round()).abs() < MISSED,
            "the model takes {}, so that values lie {step} apart, and --grid {grid} is no multiple of that",
            self.says
        );
        Ok(grid)
    }

    /// The largest change up to `eps` that can be sent. In linf, what is rounded lies within it, too.
    pub fn radius(&self, norm: Norm, eps: f64) -> anyhow::Result<f64> {
        if norm.counts_positions() {
            return Ok(eps);
        }
        let step = self.step();
        // A radius that is written with a few digits means the step that it stands for.
        let steps = (eps / step + MISSED).floor();
        ensure!(
            steps >= 1.0 || norm == Norm::L2 && eps >= step,
            "the model takes {}, so that values lie {step} apart, and no change of at most {eps} can be sent",
            self.says
        );
        Ok(if norm == Norm::L2 { eps } else { steps * step })
    }

    /// What it takes.
    pub fn says(&self) -> &str {
        &self.says
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(datatype: &str, scale: f32) -> Whole {
        let input = Declared { name: "x".into(), datatype: datatype.into(), shape: vec![None, Some(2)] };
        Whole::of(Some(&input), scale).unwrap()
    }

    #[test]
    fn only_whole_numbers_within_their_range_are_sent() {
        let pixels = whole("UINT8", 255.0);
        assert_eq!(
            [-3.0, 0.4, 127.5, 254.6, 999.0].map(|v| pixels.nearest(v)),
            [0.0, 0.0, 128.0, 255.0, 255.0]
        );
        assert!(f64::from(whole("INT32", 1.0).nearest(f32::MAX)) < f64::from(i32::MAX));
        let rows: Vec<f32> = (0..=255).map(|v| v as f32 / 255.0).collect();
        assert!(pixels.admits(&rows, 2).is_ok());
        let large: Vec<f32> = (0..100).map(|v| (v * 1_234_567) as f32).collect();
        assert!(whole("INT64", 1.0).admits(&large, 2).is_ok());
        let error = whole("UINT8", 1.0).admits(&[0.0, 1.0, 0.5, 0.0], 2).unwrap_err().to_string();
        assert!(error.contains("row 1 holds 0.5; rows between 0 and 1 may want a --scale"), "{error}");
        let error = whole("BOOL", 1.0).admits(&[0.0, 2.0], 2).unwrap_err().to_string();
        assert!(error.contains("from 0 to 1, and row 0 holds 2"), "{error}");
        let fractions = Declared { name: "x".into(), datatype: "FP16".into(), shape: vec![] };
        assert!(Whole::of(Some(&fractions), 1.0).is_none() && Whole::of(None, 1.0).is_none());
    }

    #[test]
    fn changes_are_as_large_as_can_be_sent() {
        let pixels = whole("UINT8", 255.0);
        let step = pixels.step();
        assert_eq!(pixels.radius(Norm::Linf, 0.1).unwrap(), 25.0 * step);
        assert_eq!(pixels.radius(Norm::Linf, 0.003_921).unwrap(), step);
        assert_eq!(pixels.radius(Norm::L0, 3.0).unwrap(), 3.0);
        assert_eq!(pixels.radius(Norm::L2, 0.1).unwrap(), 0.1);
        assert!(pixels.radius(Norm::Linf, 0.001).unwrap_err().to_string().contains("can be sent"));
        assert_eq!(pixels.grid(None).unwrap(), step);
        assert_eq!(pixels.grid(Some(2.0 * step)).unwrap(), 2.0 * step);
        assert!(pixels.grid(Some(0.001)).is_err());
    }
}
