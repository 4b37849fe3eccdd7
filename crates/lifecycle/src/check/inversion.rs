//! Model inversion: does what the model takes for a class show whom it learned from?
//!
//! From a neutral row every class's probability is climbed, with the gradients that an attacker has: exact where the
//! weights can be had, estimated from scores otherwise. A matcher then says which class's real rows the result resembles.
//! Where a class is a kind of thing and no person, a match tells what a digit looks like and nothing about anybody; the
//! test is therefore answered in part only.

use proofhouse_core::Verdict;
use proofhouse_robustness::privacy::inversion::{Inversion, invert};
use proofhouse_system::{Confidence, InversionCheck};
use serde_json::json;

use super::subject::{
    Sample, count, high, learned, limits, low, shows_gradients, shows_scores, with_gradients,
};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const STEPS: usize = 100;
const SAMPLES: usize = 1000;

/// Classes drawn from the model.
pub struct InversionAttempt;

impl Check for InversionAttempt {
    fn kinds(&self) -> &'static [&'static str] {
        &["inversion-attempt"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        if context.model.spec().writes() {
            return Ok(Vec::new());
        }
        let check = parameters(context);
        let setup = Setup::of(context.model.subject(), json!({ "check": check }))
            .with_data(learned(context)?.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let check = parameters(context);
        if !shows_scores(context) && !shows_gradients(context) {
            let why = "callers see labels only, which give nothing to climb by";
            return Ok(Outcome::not_measurable(self.name(), why));
        }
        let reference = Sample::of(learned(context)?, count(check.samples, SAMPLES), check.seed)?;
        let limits = limits(context, &reference.rows);
        let inversion = Inversion {
            steps: count(check.steps, STEPS),
            bounds: limits,
            confidence: check.confidence.map_or(0.95, Confidence::get),
            ..Inversion::default()
        };
        context.progress.step("inversion: every class");
        let own = shows_gradients(context);
        let (report, gradients) = with_gradients(context, own, limits, check.seed, |gradients| {
            invert(gradients, reference.as_rows(), &inversion)
        })?;
        let verdict = Verdict::from(Some(!report.leaks));
        let mut outcome = Outcome::new(
            verdict,
            format!(
                "share of classes that a matcher recognises {:.3} to {:.3}, lower end at most {:.3} as by chance; \
                 gradients {gradients}",
                low(&report.matched),
                high(&report.matched),
                report.chance
            ),
        )
        .measured(vec![report.matched.clone()]);
        outcome.exhibit = Some(json!({ "shape": context.model.tensors()?.input.shape, "report": report }));
        Ok(outcome)
    }
}

fn parameters(context: &Context<'_>) -> InversionCheck {
    context.project.system.checks.inversion.clone().unwrap_or_default()
}
