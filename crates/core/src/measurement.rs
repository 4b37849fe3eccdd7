//! Numbers with a unit, a sample size and an interval.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a number counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unit {
    /// A share between 0 and 1.
    Ratio,
    /// A number of things.
    Count,
    /// Milliseconds.
    Milliseconds,
    /// Bytes.
    Bytes,
    /// Money, with its ISO 4217 code.
    Money(String),
    /// A statistic without a unit, such as a Kolmogorov–Smirnov distance.
    Statistic,
}

/// An interval that holds the true value with the stated confidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Confidence of the two-sided interval, between 0 and 1.
    pub confidence: f64,
    /// How it was computed, such as `wilson`.
    pub method: String,
}

/// One measured number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// What was measured, such as `accuracy`.
    pub name: String,
    /// The part of the population it speaks about, such as `class=7`; absent for the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slice: Option<String>,
    /// The point estimate.
    pub value: f64,
    /// Its unit.
    pub unit: Unit,
    /// Sample size, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// The interval, where one can be computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<Interval>,
}

impl Measurement {
    /// A number without sample size or interval.
    #[must_use]
    pub fn new(name: impl Into<String>, value: f64, unit: Unit) -> Self {
        Self { name: name.into(), slice: None, value, unit, n: None, interval: None }
    }

    /// `successes` of `n` as a ratio, with its Wilson interval.
    #[must_use]
    pub fn proportion(name: impl Into<String>, successes: u64, n: u64, confidence: f64) -> Self {
        let value = if n == 0 { 0.0 } else { successes as f64 / n as f64 };
        Self {
            n: Some(n),
            interval: Some(crate::interval::wilson(successes, n, confidence)),
            ..Self::new(name, value, Unit::Ratio)
        }
    }

    /// The same measurement, said of a slice.
    #[must_use]
    pub fn of_slice(mut self, slice: impl Into<String>) -> Self {
        self.slice = Some(slice.into());
        self
    }
}

impl fmt::Display for Measurement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        if let Some(slice) = &self.slice {
            write!(f, "[{slice}]")?;
        }
        write!(f, " {:.4}", self.value)?;
        if let Some(i) = &self.interval {
            // 99.75 % is neither 99 nor 100: corrected for many comparisons, what is behind the point is what counts.
            let confidence = (i.confidence * 10_000.0).round() / 100.0;
            write!(f, " ({confidence} % {:.4}–{:.4})", i.low, i.high)?;
        }
        if let Some(n) = self.n {
            write!(f, ", n={n}")?;
        }
        Ok(())
    }
}
