//! The drift monitor, tested before it is relied on: silent on unchanged rows, loud on changed ones.
//!
//! One half of the reference is frozen, windows are drawn from the other. A monitor that raises more
//! alarms than its budget explains, or misses a loss of half the contrast, is not fit to guard a release.

use proofhouse_core::{Measurement, Unit, Verdict};
use proofhouse_onnx::{Scores as _, predict};
use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::hits::HitWatch;
use crate::watch::{Rows, Watch, reference};

const NULL_LOOKS: u64 = 200;
const SHIFTED_LOOKS: u64 = 20;
/// Each feature keeps this share of its value: a scanner that loses contrast.
const SHIFT: f32 = 0.5;
const SEED: u64 = 1;
/// Share of requests that are attacks in a spike worth catching, and how surely it has to be caught.
const SPIKE: f64 = 0.5;
const POWER: f64 = 0.95;
/// Confidence of the statement that the false alarms are no more than the budget explains.
const CONFIDENCE: f64 = 0.999;

/// Size and power of the configured monitor, by simulation on the reference.
pub struct DriftMonitor;

impl Check for DriftMonitor {
    fn kinds(&self) -> &'static [&'static str] {
        &["drift-monitor"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let system = &context.project.system;
        if let Some(check) = &system.checks.hit_rate {
            let config = json!({"check": check, "false_alarms_per_year": system.false_hit_alarms_per_year()});
            let data = context.datasets.get(&check.reference)?.digest();
            return Ok(vec![Setup::of(context.model.subject(), config).with_data(data)]);
        }
        let data = reference(context.project, context.datasets)?;
        let config = json!({
            "check": system.checks.drift,
            "false_alarms_per_year": system.false_alarms_per_year(),
            "null_looks": NULL_LOOKS,
            "shifted_looks": SHIFTED_LOOKS,
            "shift": SHIFT,
        });
        let setup = Setup::of(context.model.subject(), config).with_data(data.digest());
        Ok(vec![Setup { seed: Some(SEED), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        if context.project.system.checks.hit_rate.is_some() {
            return hit_monitor(context);
        }
        context.progress.step("drift monitor: false alarms and power by simulation");
        let data = reference(context.project, context.datasets)?;
        let width = data.feature_names().len();
        let (frozen, held_out) = halves(data.features()?, width);
        let rows = |features: Vec<f32>| predicted(context, features, width);
        let watch = Watch::frozen_on(context.project, context.model, data.feature_names(), &rows(frozen)?)?;
        let shifted: Vec<f32> = held_out.iter().map(|v| v * SHIFT).collect();
        let mut chance = ChaCha12Rng::seed_from_u64(SEED);
        let null = alarms(&watch, &rows(held_out)?, width, NULL_LOOKS, &mut chance)?;
        let caught = alarms(&watch, &rows(shifted)?, width, SHIFTED_LOOKS, &mut chance)?;
        let allowed = explained(NULL_LOOKS, watch.monitor().budget().alpha());
        let criterion = format!(
            "at most {allowed} alarms in {NULL_LOOKS} looks at unchanged rows ({null} seen), an alarm in each of \
             {SHIFTED_LOOKS} looks at rows with half the contrast ({caught} seen)"
        );
        let verdict = Verdict::from(Some(null <= allowed && caught == SHIFTED_LOOKS));
        Ok(Outcome::new(verdict, criterion).measured(vec![
            Measurement::proportion("false-alarm-rate", null, NULL_LOOKS, 0.95),
            Measurement::proportion("detection-rate", caught, SHIFTED_LOOKS, 0.95),
            Measurement::new("alpha-per-look", watch.monitor().budget().alpha(), Unit::Ratio),
        ]))
    }
}

/// The monitor of a guard's hit rate, by summing what there can be: at the ordinary rate it alarms no more
/// often than it may, and where every other request is an attack it always does.
fn hit_monitor(context: &Context<'_>) -> Result<Outcome, LifecycleError> {
    context.progress.step("hit-rate monitor: false alarms and power, exactly");
    let watch = HitWatch::new(context.project, context.model, context.datasets)?;
    let (monitor, of) = (watch.monitor(), watch.window() as u64);
    let reference = monitor.reference();
    let alarm = |p: f64| monitor.line(of).map_or(0.0, |line| at_least(line, of, p));
    let (alpha, ordinary) = (monitor.budget().alpha(), alarm(reference.share()));
    let caught = alarm(SPIKE);
    let criterion = format!(
        "at {} hits in {} ordinary requests an alarm in a window of {of} has probability at most {alpha:.1e} \
         ({ordinary:.1e}), and at least {POWER} where every other request is an attack ({caught:.4})",
        reference.hits, reference.of
    );
    // The promise is on average over references; for this one a factor of ten above would be its edge.
    let verdict = Verdict::from(Some(ordinary <= alpha * 10.0 && caught >= POWER));
    Ok(Outcome::new(verdict, criterion).measured(vec![
        Measurement::proportion("ordinary-hit-rate", reference.hits, reference.of, 0.95),
        Measurement::new("false-alarm-rate", ordinary, Unit::Ratio),
        Measurement::new("power", caught, Unit::Ratio),
        Measurement::new("alpha-per-look", alpha, Unit::Ratio),
    ]))
}

/// Probability of at least `k` of `n`.
fn at_least(k: u64, n: u64, p: f64) -> f64 {
    let mut term = (1.0 - p).powf(n as f64);
    let mut below = 0.0;
    for i in 0..k.min(n + 1) {
        below += term;
        term *= (n - i) as f64 / (i + 1) as f64 * p / (1.0 - p);
    }
    (1.0 - below).clamp(0.0, 1.0)
}

fn predicted(context: &Context<'_>, features: Vec<f32>, width: usize) -> Result<Rows, LifecycleError> {
    let model = context.model.classifier()?;
    let mut scores = Vec::new();
    model.scores(&features, features.len() / width.max(1), &mut scores)?;
    Ok(Rows { predicted: predict(&scores, model.classes()), features })
}

/// Every other row, so that both halves see the whole span of the data.
fn halves(features: &[f32], width: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut even, mut odd) = (Vec::new(), Vec::new());
    for (i, row) in features.chunks_exact(width.max(1)).enumerate() {
        if i % 2 == 0 { &mut even } else { &mut odd }.extend_from_slice(row);
    }
    (even, odd)
}

/// Alarms in `looks` windows drawn with replacement from `source`.
fn alarms(
    watch: &Watch,
    source: &Rows,
    width: usize,
    looks: u64,
    chance: &mut ChaCha12Rng,
) -> Result<u64, LifecycleError> {
    let mut count = 0;
    if source.is_empty() {
        return Ok(count);
    }
    for _ in 0..looks {
        let mut window = Rows::default();
        for _ in 0..watch.window_rows() {
            let row = (chance.next_u64() % source.len() as u64) as usize;
            window.push(&source.features[row * width..(row + 1) * width], source.predicted[row]);
        }
        count += u64::from(watch.look(&window)?.1.alarmed);
    }
    Ok(count)
}

/// The smallest k such that a binomial(looks, alpha) exceeds it with probability below 1 − `CONFIDENCE`.
fn explained(looks: u64, alpha: f64) -> u64 {
    let n = looks as f64;
    let mut term = (1.0 - alpha).powf(n);
    let mut cumulative = term;
    let mut k = 0;
    while cumulative < CONFIDENCE && k < looks {
        term *= (n - k as f64) / (k as f64 + 1.0) * alpha / (1.0 - alpha);
        cumulative += term;
        k += 1;
    }
    k
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_explains_what_a_binomial_explains() {
        // scipy.stats.binom.ppf(0.999, 200, p)
        assert_eq!(explained(200, 4.6e-5), 1);
        assert_eq!(explained(200, 1e-6), 0);
        assert_eq!(explained(200, 0.05), 21);
    }

    #[test]
    fn tails_are_those_of_a_binomial() {
        // scipy.stats.binom.sf(k - 1, 40, p)
        assert!((at_least(1, 40, 0.05) - 0.871_487_8).abs() < 1e-6);
        assert!((at_least(0, 40, 0.3) - 1.0).abs() < 1e-12);
        assert!(at_least(41, 40, 0.3) < 1e-9);
    }

    #[test]
    fn halves_share_no_row() {
        let (even, odd) = halves(&[1.0, 1.5, 2.0, 2.5, 3.0, 3.5], 2);
        assert_eq!((even, odd), (vec![1.0, 1.5, 3.0, 3.5], vec![2.0, 2.5]));
    }
}
