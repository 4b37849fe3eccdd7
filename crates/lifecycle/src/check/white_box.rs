//! White-box evasion: the standard ensemble of gradient attacks at the system file's radius, after a look for
//! masked gradients.
//!
//! Whoever has the weights, or trains a copy, follows gradients. The criterion is that of the black-box check,
//! and so is its place in the loss simulation; signs that an attack failed for another reason than robustness
//! make the verdict unknown, never a pass. A tree ensemble has no gradient and needs none: its exact distances
//! answer instead.

use proofhouse_core::{Measurement, Verdict};
use proofhouse_onnx::graph::Graph;
use proofhouse_onnx::{Classifier, DifferentiableClassifier, LoadOptions};
use proofhouse_robustness::certify::Proof;
use proofhouse_robustness::{Access, Attack, RobustnessError};
use proofhouse_robustness::{
    Assurance, Bounds, Budget, Claim, Counting, LabelledRows, Standing, Threat, Victim, assure, curve,
    standard,
};
use proofhouse_system::{EvasionCheck, EvasionCriterion, Norm};
use serde_json::json;

use super::evasion::{KEPT_EXAMPLES, parameters};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

/// Rows and steps of the curve in the report, which is a picture.
const CURVE_ROWS: usize = 100;
const CURVE_STEPS: usize = 20;
const CURVE_QUERIES: u64 = 100;

/// The standard ensemble with gradients.
pub struct WhiteBox;

impl Check for WhiteBox {
    fn kinds(&self) -> &'static [&'static str] {
        &["evasion-whitebox"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let (check, data) = parameters(context)?;
        let config = json!({ "check": check, "ensemble": "standard" });
        let setup = Setup::of(context.model.subject(), config).with_data(data.digest());
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
        let budget = Budget { queries: u64::from(check.queries.get()), ..Budget::seeded(check.seed) };
        let counting = Counting { confidence: check.confidence.get(), max_examples: KEPT_EXAMPLES };
        let judged = LabelledRows::new(rows, labels);
        let own = DifferentiableClassifier::new(
            context.model.graph()?,
            model.options().clone(),
            &LoadOptions::default(),
        );
        let proof = prove(context, model, &judged, &threat);
        let exact = proof.as_ref().ok().and_then(Proof::attack);
        let victim = match (&own, exact) {
            (Ok(own), _) => victim(model, own),
            // What is known exactly needs no gradient.
            (Err(_), Some(_)) => Victim::black_box(model),
            (Err(error), None) => return Ok(Outcome::could_not_run(self.name(), &error.to_string())),
        };
        context.progress.step(&format!("standard ensemble: {count} inputs"));
        let more: Vec<&dyn Attack> = exact.into_iter().map(|trees| trees as &dyn Attack).collect();
        let mut assured = assure(&victim, &judged, &threat, &budget, &more, &counting, &mut |p| {
            context.progress.advance(p.rows_done as u64, p.rows as u64);
        })?;
        if let Ok(proof) = &proof {
            context.progress.step(&format!("proving: {}", proof.method()));
            let proved = proof.certified(model, &judged, &threat)?;
            assured.report.certify(proof.method(), &proved)?;
        }
        let mut outcome = judge(context, &assured);
        context.progress.step("standard ensemble: curve over the radius");
        let drawn = count.min(CURVE_ROWS);
        let radii: Vec<f64> = [0.25, 0.5, 0.75, 1.0, 1.5, 2.0].iter().map(|f| f * check.eps.get()).collect();
        let sketch = Budget { steps: CURVE_STEPS, aims: 3, queries: CURVE_QUERIES, ..budget };
        let access = if victim.gradients.is_some() { Access::Gradients } else { Access::Scores };
        let sketch = standard(access, threat.norm, &sketch);
        let sketch: Vec<&dyn Attack> = more.iter().copied().chain(sketch.iter().map(AsRef::as_ref)).collect();
        let some = LabelledRows::new(&rows[..drawn * features], &labels[..drawn]);
        let mut points = curve(&victim, &some, &radii, &threat, &sketch, &counting, &mut |_| ())?;
        if let Ok(proof) = &proof {
            context.progress.step("proving: curve over the radius");
            proof.curve(model, &some, &threat, &mut points, counting.confidence)?;
        }
        let report = &assured.report;
        outcome.exhibit = Some(json!({
            "attack": report.attack,
            "shape": context.model.tensors()?.input.shape,
            "clean": Measurement::proportion("accuracy", report.attacked, report.n, check.confidence.get()),
            "report": report,
            "diagnosis": assured.diagnosis,
            "curve": points,
            "not_proved": proof.as_ref().err().map(ToString::to_string),
        }));
        Ok(outcome)
    }
}

/// The best proof that there is of the model, or why there is none.
fn prove(
    context: &Context<'_>,
    model: &Classifier,
    data: &LabelledRows<'_>,
    threat: &Threat,
) -> Result<Proof, RobustnessError> {
    let bytes = context.model.graph().map_err(|e| RobustnessError::Option(e.to_string()))?;
    Proof::find(&Graph::read(bytes)?, model.options(), model, data, threat, &mut |_, _| ())
}

/// The model whose answers count, its gradients, and a second way of computing it that has to agree.
fn victim<'a>(model: &'a Classifier, own: &'a DifferentiableClassifier) -> Victim<'a> {
    Victim::white_box(model, own).confirmed_by("differentiable graph", own)
}

pub(super) fn threat(check: &EvasionCheck, grid: Option<f64>) -> Threat {
    Threat {
        norm: match check.norm {
            Norm::Linf => proofhouse_robustness::Norm::Linf,
            Norm::L2 => proofhouse_robustness::Norm::L2,
        },
        eps: check.eps.get(),
        bounds: Bounds::Everywhere { low: check.bounds.low as f32, high: check.bounds.high as f32 },
        grid,
    }
}

fn judge(context: &Context<'_>, assured: &Assurance) -> Outcome {
    let report = &assured.report;
    let mut measurements = vec![report.success.clone(), report.robust_accuracy.clone()];
    measurements.extend(report.certified.iter().map(|c| c.accuracy.clone()));
    measurements.extend(report.per_class.iter().cloned());
    let standing: Vec<&str> = assured.diagnosis.standing().map(|flag| flag.says.as_str()).collect();
    let doubts =
        if standing.is_empty() { String::new() } else { format!(" (in doubt: {})", standing.join("; ")) };
    let outcome = match context.project.system.evasion_criterion() {
        Some(EvasionCriterion::MaxSuccessRate(limit)) => {
            let high = report.success.interval.as_ref().filter(|_| report.attacked > 0).map(|i| i.high);
            let verdict = match high.map(|high| high <= limit) {
                Some(false) => Verdict::Fail,
                Some(true) if standing.is_empty() => Verdict::Pass,
                _ => Verdict::Unknown,
            };
            let high = high.map_or_else(|| "not measured".to_owned(), |high| format!("{high:.4}"));
            Outcome::new(
                verdict,
                format!(
                    "upper end of evasion success by {} ({} of {} rows) {high} at most {limit}{doubts}",
                    report.attack, report.evaded, report.attacked
                ),
            )
        }
        Some(EvasionCriterion::MinRobustAccuracy(floor)) => {
            let claim = Claim::of(report, &assured.diagnosis, floor);
            let verdict = match claim.standing() {
                Standing::Proved { .. } | Standing::Withstood { .. } => Verdict::Pass,
                Standing::Fell { .. } => Verdict::Fail,
                _ => Verdict::Unknown,
            };
            Outcome::new(verdict, format!("accuracy under attack at least {floor}: {claim}"))
        }
        None => Outcome::new(Verdict::Unknown, "the system file states no criterion for evasion"),
    };
    outcome.measured(measurements)
}
