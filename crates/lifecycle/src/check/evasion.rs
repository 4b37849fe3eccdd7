//! Black-box evasion: the Square attack at the system file's radius and budget.
//!
//! The criterion holds for the upper end of the success rate's interval. A run with the whole box as
//! radius must break nearly everything; where it does not, the attack itself is in doubt and the verdict
//! is unknown, never a pass.

use proofhouse_core::Verdict;
use proofhouse_robustness::{
    Counting, EvasionReport, LabelledRows, Square, Victim, criterion, curve, evade, sanity,
};
use proofhouse_system::{EvasionCheck, EvasionCriterion};
use serde_json::json;

use super::white_box::threat;
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

/// Rows and queries of the run that checks the attack itself; it breaks what can be broken quickly.
const SANITY_ROWS: usize = 50;
const SANITY_QUERIES: u64 = 200;
/// Queries for each radius of the curve in the report. A curve is a picture, the check is not.
const CURVE_QUERIES: u64 = 300;
const CURVE_ROWS: usize = 100;
pub(super) const KEPT_EXAMPLES: usize = 6;

/// The Square attack under a query budget.
pub struct Evasion;

impl Check for Evasion {
    fn kinds(&self) -> &'static [&'static str] {
        &["evasion-blackbox"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let (check, data) = parameters(context)?;
        let setup = Setup::of(context.model.subject(), json!(check)).with_data(data.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let (check, data) = parameters(context)?;
        let model = context.model.classifier()?;
        let features = context.model.tensors()?.input.len();
        let samples = usize::try_from(check.samples.get()).unwrap_or(usize::MAX);
        let count = data.labels()?.len().min(samples);
        let (rows, labels) = (&data.features()?[..count * features], &data.labels()?[..count]);
        let threat = threat(check, data.grid());
        let square = Square::new(u64::from(check.queries.get()), check.seed);
        let counting = Counting { confidence: check.confidence.get(), max_examples: KEPT_EXAMPLES };
        let victim = Victim::black_box(model);
        context.progress.step(&format!("square attack: {count} inputs, {} queries each", square.queries));
        let judged = LabelledRows::new(rows, labels);
        let report = evade(&victim, &judged, &threat, &[&square], &counting, &mut |p| {
            context.progress.advance(p.rows_done as u64, p.rows as u64);
        })?;
        let few = count.min(SANITY_ROWS);
        let quick = Square { queries: SANITY_QUERIES, ..square.clone() };
        let some = LabelledRows::new(&rows[..few * features], &labels[..few]);
        let sane = sanity(&victim, &some, &threat, &[&quick], &mut |_| ())?;
        let mut outcome = judge(context, &report, &sane);
        let drawn = count.min(CURVE_ROWS);
        let radii: Vec<f64> = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0].iter().map(|f| f * check.eps.get()).collect();
        context.progress.step("square attack: curve over the radius");
        let sketch = Square { queries: CURVE_QUERIES, ..square };
        let some = LabelledRows::new(&rows[..drawn * features], &labels[..drawn]);
        let points = curve(&victim, &some, &radii, &threat, &[&sketch], &counting, &mut |_| ())?;
        outcome.exhibit = Some(json!({
            "attack": report.attack,
            "shape": context.model.tensors()?.input.shape,
            "clean": proofhouse_core::Measurement::proportion("accuracy", report.attacked, report.n, check.confidence.get()),
            "report": report,
            "curve": points,
        }));
        Ok(outcome)
    }
}

pub(super) fn parameters<'a>(
    context: &'a Context<'_>,
) -> Result<(&'a EvasionCheck, &'a LoadedDataset), LifecycleError> {
    let check = context.project.system.checks.evasion.as_ref().ok_or_else(|| {
        LifecycleError::Order(
            "the system file has no checks.evasion; state the norm, the radius and the budget of an attacker"
                .to_owned(),
        )
    })?;
    Ok((check, context.datasets.judged_by(Some(&check.dataset))?))
}

fn judge(context: &Context<'_>, report: &EvasionReport, sane: &proofhouse_robustness::Sanity) -> Outcome {
    let mut measurements = vec![report.success.clone(), report.robust_accuracy.clone()];
    measurements.extend(report.per_class.iter().cloned());
    let outcome = match context.project.system.evasion_criterion() {
        Some(EvasionCriterion::MaxSuccessRate(limit)) => {
            let assessed = criterion(report, sane, limit);
            let doubts = if assessed.doubts.is_empty() {
                String::new()
            } else {
                format!(" (in doubt: {})", assessed.doubts.join("; "))
            };
            Outcome::new(assessed.verdict, format!("{}{doubts}", assessed.criterion))
        }
        Some(EvasionCriterion::MinRobustAccuracy(floor)) => {
            let low = report.robust_accuracy.interval.as_ref().map(|i| i.low);
            let holds = Verdict::from(low.map(|low| low >= floor)).and(sane.verdict);
            let low = low.map_or_else(|| "not measured".to_owned(), |low| format!("{low:.3}"));
            Outcome::new(holds, format!("lower end of accuracy under attack {low} ≥ {floor}"))
        }
        None => Outcome::new(Verdict::Unknown, "the system file states no criterion for evasion"),
    };
    outcome.measured(measurements)
}
