//! Latency search: is there an input that takes far longer to answer than others?
//!
//! Times are measured here and now, so that two runs differ; the smallest of several repetitions counts, which is what an
//! attacker can rely on and what a busy machine disturbs least. A model whose ordinary inputs already scatter by more
//! than the ceiling allows cannot be judged on this machine.

use std::time::Instant;

use proofhouse_core::{Unit, Verdict};
use proofhouse_onnx::Scores as _;
use proofhouse_robustness::RobustnessError;
use proofhouse_robustness::privacy::sponge::{SpongeSearch, find};
use proofhouse_system::{LatencyCheck, Positive};
use serde_json::json;

use super::subject::{Sample, count, judged, limits, plain};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const QUERIES: usize = 1000;
const MAX_FACTOR: f64 = 3.0;
/// Ordinary rows that are timed, and repetitions of each.
const ORDINARY: usize = 50;
const REPETITIONS: usize = 9;

/// Slow inputs.
pub struct LatencySearch;

impl Check for LatencySearch {
    fn kinds(&self) -> &'static [&'static str] {
        &["latency-search"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        if context.model.spec().writes() {
            return Ok(Vec::new());
        }
        let check = parameters(context);
        let setup = Setup::of(context.model.subject(), json!({ "check": check }))
            .with_data(judged(context)?.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let check = parameters(context);
        let ordinary = Sample::of(judged(context)?, ORDINARY, check.seed)?;
        let model = context.model.classifier()?;
        let search = SpongeSearch {
            queries: count(check.queries, QUERIES) as u64,
            repetitions: REPETITIONS,
            bounds: limits(context, &ordinary.rows),
            seed: check.seed,
            ..SpongeSearch::default()
        };
        context.progress.step(&format!("latency: {} inputs", search.queries));
        let mut scores = Vec::new();
        let report = find(&ordinary.rows, model.features(), &search, &mut |row| {
            let start = Instant::now();
            model.scores(row, 1, &mut scores)?;
            Ok::<f64, RobustnessError>(start.elapsed().as_secs_f64())
        })?;
        let ceiling = check.max_factor.map_or(MAX_FACTOR, Positive::get);
        let (median, slowest) = report.natural;
        let scatter = slowest / median.max(f64::MIN_POSITIVE);
        let says = format!(
            "the slowest input found takes {:.2} times the median of ordinary ones ({:.1} µs), at most {ceiling}",
            report.factor,
            median * 1e6
        );
        let outcome = if report.factor <= ceiling {
            Outcome::new(Verdict::Pass, says)
        } else if scatter > ceiling {
            let why = format!("ordinary inputs already scatter by {scatter:.2} here");
            Outcome::new(Verdict::Unknown, format!("{says}: not measurable because {why}"))
        } else {
            Outcome::new(Verdict::Fail, says)
        };
        let mut outcome = outcome.measured(vec![
            plain("latency-factor", report.factor, Unit::Ratio),
            plain("latency-scatter", scatter, Unit::Ratio),
        ]);
        outcome.exhibit = Some(json!({ "report": report }));
        Ok(outcome)
    }
}

fn parameters(context: &Context<'_>) -> LatencyCheck {
    context.project.system.checks.latency.clone().unwrap_or_default()
}
