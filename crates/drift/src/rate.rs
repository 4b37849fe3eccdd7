//! A rate watched against a reference: has something that happens now and then become more frequent?
//!
//! Each look is Fisher's exact test, one-sided: given how many hits there are in reference and window
//! together, how likely is it that so many of them fall into the window? Conditional on that total the
//! probability is hypergeometric whatever the true rate is, so a look alarms falsely with probability at most
//! α for *any* rate, any size and any reference, without an approximation. Looks add up linearly as in
//! [`crate::Monitor`]: expected false alarms a year stay within the [`AlarmBudget`], on average over
//! references. What it needs is that requests of an ordinary window hit independently and at the rate of the
//! reference; one source that sends the same request a hundred times is an alarm, as it should be.

use proofhouse_core::{Measurement, Unit, Verdict};
use serde::{Deserialize, Serialize};

use crate::{AlarmBudget, EffectFloor};

/// So many hits of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// Those that count.
    pub hits: u64,
    /// All.
    pub of: u64,
}

impl Rate {
    /// The share; zero of none.
    #[must_use]
    pub fn share(&self) -> f64 {
        if self.of == 0 { 0.0 } else { self.hits.min(self.of) as f64 / self.of as f64 }
    }
}

/// A frozen rate with its budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateMonitor {
    reference: Rate,
    budget: AlarmBudget,
    floor: EffectFloor,
}

/// What one look saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RateLook {
    /// The frozen rate.
    pub reference: Rate,
    /// The rate of the window.
    pub window: Rate,
    /// Probability of at least so many hits in the window if nothing changed.
    pub p: f64,
    /// The chance of a false alarm that this look was allowed.
    pub alpha: f64,
    /// The fewest hits in a window of this size that raise an alarm; absent where none would.
    pub line: Option<u64>,
    /// Whether it alarmed.
    pub alarmed: bool,
    /// Fail on an alarm; unknown where there was nothing to look at; else pass.
    pub verdict: Verdict,
}

impl RateMonitor {
    /// A monitor on a frozen rate.
    #[must_use]
    pub fn new(reference: Rate, budget: AlarmBudget, floor: EffectFloor) -> Self {
        let reference = Rate { hits: reference.hits.min(reference.of), ..reference };
        Self { reference, budget, floor }
    }

    /// The frozen rate.
    #[must_use]
    pub fn reference(&self) -> Rate {
        self.reference
    }

    /// The budget.
    #[must_use]
    pub fn budget(&self) -> AlarmBudget {
        self.budget
    }

    /// Compares a window with the reference.
    #[must_use]
    pub fn look(&self, window: Rate) -> RateLook {
        let window = Rate { hits: window.hits.min(window.of), ..window };
        let alarmed = self.alarms(window);
        let judged = window.of > 0 && self.reference.of > 0;
        RateLook {
            reference: self.reference,
            window,
            p: more_often(self.reference, window),
            alpha: self.budget.alpha(),
            line: self.line(window.of),
            alarmed,
            verdict: match (judged, alarmed) {
                (false, _) => Verdict::Unknown,
                (true, alarmed) => Verdict::from(Some(!alarmed)),
            },
        }
    }

    /// The fewest hits of `of` that raise an alarm. More hits are never less of an alarm, so halving finds it.
    #[must_use]
    pub fn line(&self, of: u64) -> Option<u64> {
        if !self.alarms(Rate { hits: of, of }) {
            return None;
        }
        let (mut quiet, mut loud) = (0, of);
        while loud - quiet > 1 {
            let hits = quiet + (loud - quiet) / 2;
            if self.alarms(Rate { hits, of }) { loud = hits } else { quiet = hits }
        }
        Some(loud)
    }

    fn alarms(&self, window: Rate) -> bool {
        window.of > 0
            && self.reference.of > 0
            && window.share() - self.reference.share() >= self.floor.0
            && more_often(self.reference, window) <= self.budget.alpha()
    }
}

impl RateLook {
    /// The rates as measurements with intervals.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        let proportion = |name: &str, rate: Rate| Measurement::proportion(name, rate.hits, rate.of, 0.95);
        let mut measured: Vec<Measurement> =
            [("reference-rate", self.reference), ("window-rate", self.window)]
                .into_iter()
                .filter(|(_, rate)| rate.of > 0)
                .map(|(name, rate)| proportion(name, rate))
                .collect();
        measured.push(Measurement::new("p-value", self.p, Unit::Ratio));
        measured
    }
}

/// Probability that at least `window.hits` of all hits fall into the window, by chance alone.
#[must_use]
pub fn more_often(reference: Rate, window: Rate) -> f64 {
    let hits = reference.hits + window.hits;
    let (low, high) = (hits.saturating_sub(reference.of), hits.min(window.of));
    if window.hits <= low {
        return 1.0;
    }
    // Weights of neighbouring tables relative to the one seen, so that nothing under- or overflows where it
    // matters: upward they are the tail, downward the rest.
    let up = |x: u64| {
        (window.of - x) as f64 * (hits - x) as f64 / ((x + 1) as f64 * (reference.of + x + 1 - hits) as f64)
    };
    let (mut tail, mut weight) = (1.0, 1.0);
    for x in window.hits..high {
        weight *= up(x);
        tail += weight;
        if !tail.is_finite() {
            // The window seen is so far below what was to be expected that the tail is everything.
            return 1.0;
        }
        if weight < 1e-300 {
            break;
        }
    }
    let (mut rest, mut weight) = (0.0, 1.0);
    for x in (low..window.hits).rev() {
        weight /= up(x);
        rest += weight;
        if weight < 1e-300 || !rest.is_finite() {
            break;
        }
    }
    tail / (tail + rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choose(n: u64, k: u64) -> f64 {
        if k > n { 0.0 } else { (0..k).map(|i| (n - i) as f64 / (i + 1) as f64).product() }
    }

    fn binomial(n: u64, p: f64) -> Vec<f64> {
        (0..=n).map(|k| choose(n, k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32)).collect()
    }

    /// The promise, by summing every reference and window there can be.
    #[test]
    fn a_look_alarms_falsely_no_more_often_than_it_may_whatever_the_rate() {
        for (n, w) in [(60, 20), (40, 40), (100, 10)] {
            for alpha in [0.05, 0.005] {
                // So many looks a day that one look may take alpha.
                let budget = AlarmBudget::new(1.0, 1.0 / (alpha * 365.25)).unwrap();
                for p in [0.001, 0.02, 0.1, 0.3, 0.5, 0.9] {
                    let (references, windows) = (binomial(n, p), binomial(w, p));
                    let mut false_alarms = 0.0;
                    for (hits, chance) in (0..).zip(&references) {
                        let monitor = RateMonitor::new(Rate { hits, of: n }, budget, EffectFloor(0.0));
                        for (hits, of_window) in (0..).zip(&windows) {
                            if monitor.look(Rate { hits, of: w }).alarmed {
                                false_alarms += chance * of_window;
                            }
                        }
                    }
                    assert!(false_alarms <= alpha * (1.0 + 1e-9), "{n} {w} {p}: {false_alarms} > {alpha}");
                }
            }
        }
    }

    #[test]
    fn a_spike_is_seen_and_an_ordinary_window_is_not() {
        let budget = AlarmBudget::new(1.0, 24.0).unwrap();
        let monitor = RateMonitor::new(Rate { hits: 6, of: 200 }, budget, EffectFloor::default());
        assert!(!monitor.look(Rate { hits: 3, of: 40 }).alarmed);
        let spike = monitor.look(Rate { hits: 22, of: 40 });
        assert!(spike.alarmed && spike.p < 1e-12 && spike.verdict == Verdict::Fail);
        let line = spike.line.unwrap();
        assert!(monitor.look(Rate { hits: line, of: 40 }).alarmed);
        assert!(!monitor.look(Rate { hits: line - 1, of: 40 }).alarmed);
    }

    #[test]
    fn nothing_to_compare_is_unknown_and_no_alarm() {
        let budget = AlarmBudget::new(1.0, 1.0).unwrap();
        let empty = RateMonitor::new(Rate::default(), budget, EffectFloor::default());
        let look = empty.look(Rate { hits: 5, of: 5 });
        assert_eq!((look.verdict, look.alarmed, look.line), (Verdict::Unknown, false, None));
        let monitor = RateMonitor::new(Rate { hits: 1, of: 9 }, budget, EffectFloor::default());
        assert_eq!(monitor.look(Rate::default()).verdict, Verdict::Unknown);
    }

    proptest! {
        #[test]
        fn the_tail_is_the_sum_of_its_tables(a in 0u64..25, n in 0u64..25, b in 0u64..25, w in 1u64..25) {
            let (reference, window) = (Rate { hits: a.min(n), of: n }, Rate { hits: b.min(w), of: w });
            let hits = reference.hits + window.hits;
            let table = |x: u64| choose(w, x) * choose(n, hits - x);
            let all: f64 = (0..=hits.min(w)).map(table).sum();
            let tail: f64 = (window.hits..=hits.min(w)).map(table).sum();
            prop_assert!((more_often(reference, window) - tail / all).abs() < 1e-9);
        }

        #[test]
        fn any_counts_give_a_probability(a in any::<u32>(), n in any::<u32>(), b in 0u64..3000, w in 0u64..3000) {
            let reference = Rate { hits: u64::from(a.min(n)), of: u64::from(n) };
            let p = more_often(reference, Rate { hits: b.min(w), of: w });
            prop_assert!((0.0..=1.0).contains(&p), "{p}");
        }
    }
}
