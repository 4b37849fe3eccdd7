//! Is there an input that costs far more to answer than others? (Shumailov et al., *Sponge Examples*, EuroS&P 2021.)
//!
//! What an answer costs is told by a callback: operations counted by an engine, time measured by whoever has a clock,
//! tokens written by a model that writes. The search is a small evolution that wants the cost high. A measured time is
//! noisy, so the dearest inputs are measured again and the *smallest* of their repetitions counts: what an input costs at
//! least is what an attacker can rely on.

use serde::{Deserialize, Serialize};

use crate::{Chance, RobustnessError};

/// How to search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpongeSearch {
    /// Inputs measured.
    pub queries: u64,
    /// Inputs of a generation.
    pub population: usize,
    /// Repetitions by which an input's cost is confirmed.
    pub repetitions: usize,
    /// Smallest and largest value of a feature.
    pub bounds: (f32, f32),
    /// Seed of all chance.
    pub seed: u64,
}

impl Default for SpongeSearch {
    fn default() -> Self {
        Self { queries: 2000, population: 40, repetitions: 5, bounds: (0.0, 1.0), seed: 0 }
    }
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpongeReport {
    /// Everything it was run with.
    pub search: SpongeSearch,
    /// Median and largest confirmed cost of the natural rows.
    pub natural: (f64, f64),
    /// Confirmed cost of the dearest input found.
    pub sponge: f64,
    /// That cost beside the natural median.
    pub factor: f64,
    /// Inputs measured, repetitions included.
    pub queries: u64,
    /// The input.
    pub row: Vec<f32>,
}

/// Looks for the dearest input, beginning with natural rows of `width` values. `cost` says what one row costs.
///
/// # Errors
/// No natural row, a cost that is not a number from 0, and what `cost` itself returns.
pub fn find(
    natural: &[f32],
    width: usize,
    search: &SpongeSearch,
    cost: &mut dyn FnMut(&[f32]) -> Result<f64, RobustnessError>,
) -> Result<SpongeReport, RobustnessError> {
    let (low, high) = search.bounds;
    if width == 0 || natural.is_empty() || !natural.len().is_multiple_of(width) {
        return Err(RobustnessError::Option(format!("{} values are no rows of {width}", natural.len())));
    }
    if search.population < 4
        || search.repetitions == 0
        || !(low < high && low.is_finite() && high.is_finite())
    {
        return Err(RobustnessError::Option(
            "a search takes a population of at least 4, a repetition, and a box that holds something"
                .to_owned(),
        ));
    }
    let mut queries = 0u64;
    let mut measure = |row: &[f32]| -> Result<f64, RobustnessError> {
        queries += 1;
        let c = cost(row)?;
        if c.is_finite() && c >= 0.0 {
            Ok(c)
        } else {
            Err(RobustnessError::Option(format!("an answer was said to cost {c}, which is no cost")))
        }
    };
    let mut least = |row: &[f32]| -> Result<f64, RobustnessError> {
        let mut least = f64::INFINITY;
        for _ in 0..search.repetitions {
            least = least.min(measure(row)?);
        }
        Ok(least)
    };
    let mut ordinary: Vec<f64> = natural.chunks_exact(width).map(&mut least).collect::<Result<_, _>>()?;
    let mut chance = Chance::new(search.seed, "sponge", 0);
    let count = natural.len() / width;
    let mut living: Vec<(f64, Vec<f32>)> = Vec::new();
    for at in 0..search.population {
        let row: Vec<f32> = if at % 2 == 0 {
            natural[chance.below(count) * width..][..width].to_vec()
        } else {
            (0..width).map(|_| (f64::from(low) + f64::from(high - low) * chance.unit()) as f32).collect()
        };
        living.push((measure(&row)?, row));
    }
    let generations = search.queries / search.population as u64;
    for _ in 1..generations {
        living.sort_by(|a, b| b.0.total_cmp(&a.0));
        living.truncate((search.population / 4).max(2));
        let parents = living.len();
        while living.len() < search.population {
            let (a, b) = (chance.below(parents), chance.below(parents));
            let mut child: Vec<f32> = living[a]
                .1
                .iter()
                .zip(&living[b].1)
                .map(|(x, y)| if chance.coin() { *x } else { *y })
                .collect();
            for v in &mut child {
                if chance.below(width.max(8) / 4) == 0 {
                    let far = if chance.coin() {
                        f64::from(high - low) * 0.2 * chance.normal()
                    } else {
                        f64::from(low) + f64::from(high - low) * chance.unit() - f64::from(*v)
                    };
                    *v = ((f64::from(*v) + far) as f32).clamp(low, high);
                }
            }
            living.push((measure(&child)?, child));
        }
    }
    living.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut confirmed: Option<(f64, Vec<f32>)> = None;
    for (_, row) in living.into_iter().take(5) {
        let mut cost = f64::INFINITY;
        for _ in 0..search.repetitions {
            cost = cost.min(measure(&row)?);
        }
        if confirmed.as_ref().is_none_or(|(most, _)| cost > *most) {
            confirmed = Some((cost, row));
        }
    }
    ordinary.sort_by(f64::total_cmp);
    let natural =
        (ordinary.get(ordinary.len() / 2).copied().unwrap_or(0.0), ordinary.last().copied().unwrap_or(0.0));
    let (sponge, row) = confirmed.unwrap_or_default();
    Ok(SpongeReport {
        search: search.clone(),
        natural,
        sponge,
        factor: sponge / natural.0.max(f64::MIN_POSITIVE),
        queries,
        row,
    })
}
