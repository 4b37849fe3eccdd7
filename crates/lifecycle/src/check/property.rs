//! Property inference: do the model's answers tell what the training data look like as a whole?
//!
//! Shadow models learn from sets with two shares of the property, and their answers to rows that none of them learned
//! from are told apart. The criterion holds for the upper end of the advantage: few shadow models prove nothing. Whoever
//! runs the check has to say which property is the secret.

use proofhouse_core::{Unit, Verdict};
use proofhouse_onnx::Scores as _;
use proofhouse_robustness::privacy::ShadowTraining;
use proofhouse_robustness::privacy::property::{Pool, infer};
use proofhouse_system::{Confidence, Probability, PropertyCheck};
use serde_json::json;

use super::subject::{Sample, beside, count, gradients, high, learned, low, plain, template};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

const SHARES: (f64, f64) = (0.2, 0.5);
const MAX_ADVANTAGE: f64 = 0.1;
const SHADOWS: usize = 12;
const EPOCHS: usize = 20;

/// A property of the training data told from answers.
pub struct PropertyInference;

impl Check for PropertyInference {
    fn kinds(&self) -> &'static [&'static str] {
        &["property-inference"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        if context.model.spec().writes() {
            return Ok(Vec::new());
        }
        let check = context.project.system.checks.property.as_ref();
        let setup = Setup::of(context.model.subject(), json!({ "check": check }))
            .with_data(learned(context)?.digest());
        Ok(vec![Setup { seed: check.map(|c| c.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some(check) = &context.project.system.checks.property else {
            let why = "the system file does not say which property is the secret; describe checks.property";
            return Ok(Outcome::not_measurable(self.name(), why));
        };
        let own = match gradients(context) {
            Ok(own) => own,
            Err(error) => {
                let why = format!("no shadow model can be trained: {error}");
                return Ok(Outcome::not_measurable(self.name(), &why));
            }
        };
        let data = learned(context)?;
        let all = Sample::of(data, usize::MAX, check.seed)?;
        let pool = pool(check, data, &all, own.features())?;
        let training = ShadowTraining {
            shadows: count(check.shadows, SHADOWS),
            epochs: count(check.epochs, EPOCHS),
            seed: check.seed,
            ..ShadowTraining::default()
        };
        context.progress.step(&format!("property inference: {} shadow models", 2 * training.shadows));
        let (template, n) = (template(context)?, pool.probes.len() / own.features());
        let trained = beside(2 * training.shadows, |which| {
            let with = pool.draw(which % 2 == 0, training.seed, which);
            let trained = template.train(all.as_rows(), &with, &training, which)?;
            let mut answer = Vec::new();
            trained.model.scores(&pool.probes, n, &mut answer)?;
            Ok((answer, trained.accuracy))
        })?;
        let accuracy = trained.iter().map(|(_, a)| a).sum::<f64>() / trained.len().max(1) as f64;
        let of = |parity: usize| {
            trained.iter().skip(parity).step_by(2).map(|(a, _)| a.clone()).collect::<Vec<_>>()
        };
        let mut answer = Vec::new();
        own.scores(&pool.probes, n, &mut answer)?;
        let confidence = check.confidence.map_or(0.95, Confidence::get);
        let report = infer(&of(0), &of(1), &answer, confidence)?;
        let advantage = |share: f64| (2.0 * share - 1.0).max(0.0);
        let (least, most) = (advantage(low(&report.told)), advantage(high(&report.told)));
        let ceiling = check.max_advantage.map_or(MAX_ADVANTAGE, Probability::get);
        let says = format!(
            "advantage over a coin {least:.3} to {most:.3} by {} shadow models of each kind, upper end at most {ceiling}",
            report.shadows.0
        );
        let outcome = if least > ceiling {
            Outcome::new(Verdict::Fail, says)
        } else if most <= ceiling {
            Outcome::new(Verdict::Pass, says)
        } else {
            let why = "so few shadow models bound the advantage no better; raise checks.property.shadows";
            Outcome::new(Verdict::Unknown, format!("{says}: not measurable because {why}"))
        };
        let mut outcome =
            outcome.measured(vec![report.told.clone(), plain("shadow-accuracy", accuracy, Unit::Ratio)]);
        outcome.exhibit = Some(json!({ "report": report }));
        Ok(outcome)
    }
}

fn pool(
    check: &PropertyCheck,
    data: &LoadedDataset,
    all: &Sample,
    width: usize,
) -> Result<Pool, LifecycleError> {
    let column = data.feature_names().iter().position(|name| *name == check.column).ok_or_else(|| {
        LifecycleError::Order(format!(
            "checks.property is about column {}, which is no feature of the dataset {}",
            check.column,
            data.id()
        ))
    })?;
    let divisor = data.spec().features.as_ref().map_or(1.0, proofhouse_system::Features::divisor);
    let shares = match check.shares.as_deref() {
        Some([low, high]) => (low.get(), high.get()),
        _ => SHARES,
    };
    Ok(Pool::of(all.as_rows(), width, column, (check.at_least / divisor) as f32, shares)?)
}
