//! The simulation: a compound Poisson process per scenario, year by year.
//!
//! Every block of years of every scenario has a random stream of its own, seeded from (seed, scenario id, block).
//! So the result is the same for any number of threads and any order of scenarios, and changing one scenario
//! leaves the draws of all others as they were.

use proofhouse_core::Hasher;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution, Gamma, LogNormal, Poisson};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::scenario::check_all;
use crate::{Loss, Pert, RiskError, Scenario, Simulation, Vulnerability};

/// How to simulate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Years to draw: 100,000 give the 95th percentile to about half a percent.
    pub years: usize,
    /// Seed.
    pub seed: u64,
    /// ISO 4217 code of the money all losses are in.
    pub currency: String,
}

const BLOCK_YEARS: usize = 4096;
const LEAST_YEARS: usize = 1000;
const MOST_SCENARIO_YEARS: usize = 40_000_000;

/// Draws `settings.years` independent years of `scenarios`.
pub fn simulate(scenarios: &[Scenario], settings: &Settings) -> Result<Simulation, RiskError> {
    check_all(scenarios)?;
    let cells = settings.years.checked_mul(scenarios.len());
    if settings.years < LEAST_YEARS || cells.is_none_or(|c| c > MOST_SCENARIO_YEARS) {
        return Err(RiskError::Size {
            years: settings.years,
            scenarios: scenarios.len(),
            least: LEAST_YEARS,
            most: MOST_SCENARIO_YEARS,
        });
    }
    // Sums of floats depend on their order: by id, so that the caller's order does not matter.
    let mut ordered: Vec<&Scenario> = scenarios.iter().collect();
    ordered.sort_by(|a, b| a.id.cmp(&b.id));
    let models: Vec<Model> = ordered.iter().map(|s| Model::of(s)).collect::<Result<_, _>>()?;
    let losses: Vec<Vec<f64>> = models
        .iter()
        .map(|model| {
            let blocks = settings.years.div_ceil(BLOCK_YEARS);
            let drawn: Vec<Vec<f64>> = (0..blocks)
                .into_par_iter()
                .map(|block| {
                    let years = BLOCK_YEARS.min(settings.years - block * BLOCK_YEARS);
                    model.draw(settings.seed, block as u64, years)
                })
                .collect();
            drawn.concat()
        })
        .collect();
    Ok(Simulation::of(&ordered, &losses, settings))
}

/// A scenario with its distributions made ready.
struct Model {
    id: String,
    frequency: Draw,
    vulnerability: Draw,
    loss: Draw,
    shock: Option<(String, Gamma<f64>)>,
}

impl Model {
    fn of(scenario: &Scenario) -> Result<Self, RiskError> {
        let error = |field| RiskError::Scenario {
            scenario: scenario.id.clone(),
            field,
            reason: "is not a distribution that can be drawn from",
        };
        let vulnerability = match scenario.vulnerability {
            Vulnerability::Prior(p) => Draw::pert(p),
            Vulnerability::Measured { successes, trials } => {
                let failures = trials.saturating_sub(successes);
                Beta::new(successes as f64 + 0.5, failures as f64 + 0.5).ok().map(|beta| Draw::Beta {
                    low: 0.0,
                    width: 1.0,
                    beta,
                })
            }
        };
        let loss = match scenario.loss {
            Loss::Pert(p) => Draw::pert(p),
            Loss::Interval90 { low, high } => {
                // Half the distance between the percentiles, in standard deviations.
                let z = proofhouse_core::interval::normal_quantile(0.95);
                let (low, high) = (low.ln(), high.ln());
                LogNormal::new((low + high) / 2.0, (high - low) / (2.0 * z)).ok().map(Draw::LogNormal)
            }
        };
        let shock = match &scenario.shared_shock {
            None => None,
            Some(shock) => {
                let gamma =
                    Gamma::new(1.0 / shock.variance, shock.variance).map_err(|_| error("shared shock"))?;
                Some((shock.group.clone(), gamma))
            }
        };
        Ok(Self {
            id: scenario.id.clone(),
            frequency: Draw::pert(scenario.frequency).ok_or_else(|| error("frequency"))?,
            vulnerability: vulnerability.ok_or_else(|| error("vulnerability"))?,
            loss: loss.ok_or_else(|| error("loss"))?,
            shock,
        })
    }

    /// Loss of each year of a block.
    fn draw(&self, seed: u64, block: u64, years: usize) -> Vec<f64> {
        let mut rng = stream(seed, "scenario", &self.id, block);
        // Members of a group read the same stream, so they meet the same years.
        let mut shock =
            self.shock.as_ref().map(|(group, gamma)| (stream(seed, "group", group, block), gamma));
        (0..years)
            .map(|_| {
                let factor = shock.as_mut().map_or(1.0, |(rng, gamma)| gamma.sample(rng));
                let rate = self.frequency.sample(&mut rng) * self.vulnerability.sample(&mut rng) * factor;
                // A rate of zero is no distribution, and no event.
                let events = Poisson::new(rate).map_or(0.0, |p| p.sample(&mut rng)) as u64;
                (0..events).map(|_| self.loss.sample(&mut rng)).sum()
            })
            .collect()
    }
}

fn stream(seed: u64, kind: &str, id: &str, block: u64) -> ChaCha8Rng {
    let mut hasher = Hasher::with_domain("proofhouse.risk-stream.v1");
    hasher.field(&seed.to_be_bytes());
    hasher.field(kind.as_bytes());
    hasher.field(id.as_bytes());
    hasher.field(&block.to_be_bytes());
    ChaCha8Rng::from_seed(*hasher.finish().as_bytes())
}

/// A distribution, or a known value.
enum Draw {
    Known(f64),
    Beta { low: f64, width: f64, beta: Beta<f64> },
    LogNormal(LogNormal<f64>),
}

impl Draw {
    fn pert(p: Pert) -> Option<Self> {
        let width = p.high() - p.low();
        if width <= 0.0 {
            return Some(Self::Known(p.low()));
        }
        let alpha = 1.0 + 4.0 * (p.mode() - p.low()) / width;
        let beta = Beta::new(alpha, 6.0 - alpha).ok()?;
        Some(Self::Beta { low: p.low(), width, beta })
    }

    fn sample(&self, rng: &mut ChaCha8Rng) -> f64 {
        match self {
            Self::Known(value) => *value,
            Self::Beta { low, width, beta } => low + width * beta.sample(rng),
            Self::LogNormal(d) => d.sample(rng),
        }
    }
}
