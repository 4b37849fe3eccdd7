//! Reprogramming: can a caller make the model do other work ([`proofhouse_robustness::privacy::reprogram`])?
//!
//! A sample of such work is tried with the gradients that an attacker has. How much of it is too much depends on what free
//! work costs, so that without a ceiling a person has to judge.

use proofhouse_core::Verdict;
use proofhouse_robustness::privacy::reprogram::{Reprogramming, reprogram};
use proofhouse_system::{Confidence, Probability, ReprogrammingCheck};
use serde_json::json;

use super::subject::{
    Sample, count, high, judged, limits, low, shows_gradients, shows_scores, with_gradients,
};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const STEPS: usize = 300;
const QUESTIONS: usize = 1000;
/// Steps below which a program that was not found may be there all the same.
const FEWEST_STEPS: usize = 100;
/// Rows that say between which values features lie, where the system file does not.
const SAMPLES: usize = 1000;

/// The model put to other work.
pub struct ReprogrammingProbe;

impl Check for ReprogrammingProbe {
    fn kinds(&self) -> &'static [&'static str] {
        &["reprogramming-probe"]
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
        if !shows_scores(context) && !shows_gradients(context) {
            let why = "callers see labels only, which say nothing of how to change a program";
            return Ok(Outcome::not_measurable(self.name(), why));
        }
        let rows = Sample::of(judged(context)?, SAMPLES, check.seed)?;
        let limits = limits(context, &rows.rows);
        let search = Reprogramming {
            steps: count(check.steps, STEPS),
            questions: count(check.questions, QUESTIONS),
            bounds: limits,
            confidence: check.confidence.map_or(0.95, Confidence::get),
            seed: check.seed,
            ..Reprogramming::default()
        };
        context.progress.step("reprogramming: a program that makes the model count");
        let own = shows_gradients(context);
        let (report, gradients) = with_gradients(context, own, limits, check.seed, |gradients| {
            reprogram(gradients, &search, &mut |done, of| context.progress.advance(done as u64, of as u64))
        })?;
        let seen = format!(
            "share of somebody else's questions answered rightly {:.3} to {:.3} ({:.3} without a program, {:.3} by guessing; \
             gradients {gradients})",
            low(&report.accuracy),
            high(&report.accuracy),
            report.before.value,
            report.chance()
        );
        let (verdict, criterion) = match check.max_accuracy.map(Probability::get) {
            Some(ceiling) if high(&report.accuracy) > ceiling => {
                (Verdict::Fail, format!("{seen}, upper end at most {ceiling}"))
            }
            // An attack that found nothing speaks about the attack.
            Some(_) if report.accuracy.value <= report.before.value || search.steps < FEWEST_STEPS => (
                Verdict::Unknown,
                format!(
                    "{seen}: not measurable because no program did better than none within {} steps (at least {FEWEST_STEPS})",
                    search.steps
                ),
            ),
            Some(ceiling) => (Verdict::Pass, format!("{seen}, upper end at most {ceiling}")),
            None => (
                Verdict::Unknown,
                format!(
                    "{seen}: not decided, because no checks.reprogramming.max_accuracy says how much is too much"
                ),
            ),
        };
        let measured = vec![report.accuracy.clone(), report.before.clone()];
        let mut outcome = Outcome::new(verdict, criterion).measured(measured);
        outcome.exhibit = Some(json!({ "shape": context.model.tensors()?.input.shape, "report": report }));
        Ok(outcome)
    }
}

fn parameters(context: &Context<'_>) -> ReprogrammingCheck {
    context.project.system.checks.reprogramming.clone().unwrap_or_default()
}
