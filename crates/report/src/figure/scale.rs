//! From values to places on a drawing. All scales clamp to their range and send what is not a number to
//! its start, so that no figure can contain `NaN`.

use std::fmt;

/// A coordinate in a drawing: at most two decimals, always finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct At(f64);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hundredths = (self.0 * 100.0).round();
        // Adding zero turns -0 into 0.
        let value = if hundredths.is_finite() { hundredths / 100.0 + 0.0 } else { 0.0 };
        write!(f, "{value}")
    }
}

impl maud::Render for At {
    fn render_to(&self, buffer: &mut String) {
        use fmt::Write as _;
        // Writing to a String cannot fail.
        let _ = write!(buffer, "{self}");
    }
}

/// A coordinate computed by hand.
pub fn at(value: f64) -> At {
    At(value)
}

/// A scale from a domain of values to a range of coordinates.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
    log: bool,
}

impl Scale {
    /// Proportional to the value. An empty or broken domain becomes one unit wide.
    pub fn linear(domain: (f64, f64), range: (f64, f64)) -> Self {
        let (low, high) = domain;
        let sound = low.is_finite() && high.is_finite() && high > low;
        let domain = if sound {
            domain
        } else if low.is_finite() {
            (low, low + 1.0)
        } else {
            (0.0, 1.0)
        };
        Self { domain, range, log: false }
    }

    /// Proportional to the logarithm. Both ends must be positive; else the domain becomes 1 to 10.
    pub fn log(domain: (f64, f64), range: (f64, f64)) -> Self {
        let (low, high) = domain;
        let sound = low.is_finite() && high.is_finite() && low > 0.0 && high > low;
        let domain = if sound {
            domain
        } else if low.is_finite() && low > 0.0 && low < 1e300 {
            (low, low * 10.0)
        } else {
            (1.0, 10.0)
        };
        Self { domain, range, log: true }
    }

    /// Where `value` lies.
    pub fn at(&self, value: f64) -> At {
        let (low, high) = self.domain;
        let share = if self.log {
            if value > 0.0 { (value / low).ln() / (high / low).ln() } else { 0.0 }
        } else {
            (value - low) / (high - low)
        };
        let share = if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) };
        At(self.range.0 + share * (self.range.1 - self.range.0))
    }

    /// The coordinate as a number, for distances.
    pub fn raw(&self, value: f64) -> f64 {
        self.at(value).0
    }

    /// Values worth a tick: round numbers, about `about` of them; powers of ten on a logarithmic scale.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        if self.log { decades(self.domain, about) } else { round_steps(self.domain, about) }
    }
}

fn round_steps((low, high): (f64, f64), about: usize) -> Vec<f64> {
    let rough = (high - low) / about.max(1) as f64;
    let unit = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|k| k * unit).find(|s| *s >= rough * 0.999);
    let Some(step) = step.filter(|s| s.is_finite() && *s > 0.0) else { return vec![low] };
    let first = (low / step - 1e-9).ceil();
    let last = (high / step + 1e-9).floor();
    // The step is at least a fraction of the domain, so there are few; the limit guards rounding.
    (0..64).map(|i| first + f64::from(i)).take_while(|k| *k <= last).map(|k| k * step + 0.0).collect()
}

fn decades((low, high): (f64, f64), about: usize) -> Vec<f64> {
    let (first, last) = ((low.log10() - 1e-9).ceil() as i32, (high.log10() + 1e-9).floor() as i32);
    if last < first {
        return vec![low, high];
    }
    let every = (last - first) / i32::try_from(about.max(1)).unwrap_or(1) + 1;
    (first..=last).step_by(usize::try_from(every).unwrap_or(1)).map(|e| 10f64.powi(e)).collect()
}

/// Smallest and largest of the finite values; `None` where there is none.
pub fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |seen, v| {
        let (low, high) = seen.unwrap_or((v, v));
        Some((low.min(v), high.max(v)))
    })
}

/// An SVG path through the points, in order.
pub fn polyline(points: impl IntoIterator<Item = (At, At)>) -> String {
    use fmt::Write as _;
    let mut out = String::new();
    for (i, (x, y)) in points.into_iter().enumerate() {
        let _ = write!(out, "{}{x} {y}", if i == 0 { "M" } else { "L" });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn linear_is_proportional_and_clamps() {
        let s = Scale::linear((0.0, 200.0), (300.0, 100.0));
        assert_eq!(s.at(50.0).to_string(), "250");
        assert_eq!(s.at(-5.0).to_string(), "300");
        assert_eq!(s.at(1e9).to_string(), "100");
        assert_eq!(s.at(f64::NAN).to_string(), "300");
    }

    #[test]
    fn log_is_even_in_ratios() {
        let s = Scale::log((1.0, 1e4), (0.0, 400.0));
        assert_eq!(s.at(100.0).to_string(), "200");
        assert_eq!(s.at(0.0).to_string(), "0");
        assert_eq!(s.at(f64::INFINITY).to_string(), "400");
        assert_eq!(s.ticks(10), vec![1.0, 10.0, 100.0, 1000.0, 10_000.0]);
    }

    #[test]
    fn broken_domains_still_give_numbers() {
        for domain in [(1.0, 1.0), (f64::NAN, 2.0), (3.0, f64::INFINITY), (5.0, 2.0), (-1.0, 0.0)] {
            for scale in [Scale::linear(domain, (0.0, 10.0)), Scale::log(domain, (0.0, 10.0))] {
                for v in [0.0, -1.0, 1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let text = scale.at(v).to_string();
                    assert!(text.parse::<f64>().is_ok_and(f64::is_finite), "{domain:?} {v}: {text}");
                }
                assert!(scale.ticks(5).len() < 65);
            }
        }
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(
            Scale::linear((0.0, 1.0), (0.0, 1.0)).ticks(5),
            vec![0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]
        );
        assert_eq!(Scale::linear((0.0, 4100.0), (0.0, 1.0)).ticks(4), vec![0.0, 2000.0, 4000.0]);
        assert_eq!(Scale::log((1e-9, 1e9), (0.0, 1.0)).ticks(6).len(), 5);
    }

    #[test]
    fn coordinates_are_short_and_finite() {
        assert_eq!(at(1.0 / 3.0).to_string(), "0.33");
        assert_eq!(at(-0.0001).to_string(), "0");
        assert_eq!(at(f64::NAN).to_string(), "0");
        assert_eq!(polyline([(at(0.0), at(1.0)), (at(2.5), at(3.0))]), "M0 1L2.5 3");
    }
}
