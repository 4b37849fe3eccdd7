//! Held-out performance: the lower end of each interval must reach its floor.

use proofhouse_core::{Measurement, Verdict};
use proofhouse_onnx::{Evaluation, evaluate};
use proofhouse_system::{Metric, MetricFloor, Slice};
use serde_json::json;

use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

/// Confidence of the intervals where no requirement states one.
const DEFAULT_CONFIDENCE: f64 = 0.95;

/// Accuracy and per-class recall on the dataset the system file names, with Wilson intervals.
pub struct Performance;

impl Check for Performance {
    fn kinds(&self) -> &'static [&'static str] {
        &["performance-floor"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        if context.model.spec().writes() {
            return Ok(vec![super::suite::setup(context, json!({"benign": true}))?]);
        }
        let system = &context.project.system;
        let data = context.datasets.judged_by(system.checks.performance.as_ref().map(|c| &c.dataset))?;
        let config = json!({"dataset": data.id(), "requirements": system.requirements.performance});
        Ok(vec![Setup::of(context.model.subject(), config).with_data(data.digest())])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        if context.model.spec().writes() {
            return super::suite::tasks_done(context);
        }
        let system = &context.project.system;
        let data = context.datasets.judged_by(system.checks.performance.as_ref().map(|c| &c.dataset))?;
        let (rows, labels) = (data.features()?, data.labels()?);
        let floors = &system.requirements.performance;
        let confidence = floors.iter().map(|f| f.confidence.get()).fold(DEFAULT_CONFIDENCE, f64::max);
        let evaluation = evaluate(context.model.classifier()?, rows, labels, confidence)?;
        let (verdict, criterion) = judge(&evaluation, floors);
        let mut measurements = vec![evaluation.accuracy.clone()];
        measurements.extend(recalls(&evaluation));
        measurements.extend(precisions(&evaluation, confidence));
        let mut outcome = Outcome::new(verdict, criterion).measured(measurements);
        outcome.exhibit =
            Some(json!({"confusion": evaluation.confusion, "classes": context.model.tensors()?.classes}));
        Ok(outcome)
    }
}

/// Recall per class: accuracy among the rows of that class.
fn recalls(evaluation: &Evaluation) -> Vec<Measurement> {
    let renamed = |m: &Measurement| Measurement { name: "recall".to_owned(), ..m.clone() };
    evaluation.per_class.iter().map(renamed).collect()
}

/// Precision per class: the share of the rows given that class that have it.
fn precisions(evaluation: &Evaluation, confidence: f64) -> Vec<Measurement> {
    let classes = evaluation.confusion.len();
    let column = |class: usize| evaluation.confusion.iter().filter_map(|row| row.get(class)).sum::<u64>();
    (0..classes)
        .filter(|class| column(*class) > 0)
        .map(|class| {
            Measurement::proportion(
                "precision",
                evaluation.confusion[class][class],
                column(class),
                confidence,
            )
            .of_slice(format!("class={class}"))
        })
        .collect()
}

/// Holds every floor against the lower end of what was measured. Without a floor nothing was asked, and
/// the answer is not known.
fn judge(evaluation: &Evaluation, floors: &[MetricFloor]) -> (Verdict, String) {
    if floors.is_empty() {
        return (
            Verdict::Unknown,
            "the system file states no floor under requirements.performance".to_owned(),
        );
    }
    let mut parts = Vec::new();
    let verdict = Verdict::all(floors.iter().map(|floor| {
        let measured: Vec<Measurement> = match (floor.metric, floor.per) {
            // A recall or precision over all rows of a single-label classifier is its accuracy.
            (_, Slice::All) => vec![evaluation.accuracy.clone()],
            (Metric::Accuracy | Metric::Recall, _) => recalls(evaluation),
            (Metric::Precision, _) => precisions(evaluation, floor.confidence.get()),
            // A metric of a newer system file: not measured, so not known.
            _ => Vec::new(),
        };
        let lowest = measured.iter().filter_map(|m| m.interval.as_ref()).map(|i| i.low).fold(1.0, f64::min);
        let name = match floor.metric {
            Metric::Accuracy => "accuracy",
            Metric::Recall => "recall",
            Metric::Precision => "precision",
            _ => "another metric",
        };
        let of = match floor.per {
            Slice::All => "",
            _ => " of the worst class",
        };
        parts.push(format!("lower end of {name}{of} {lowest:.3} ≥ {:.3}", floor.floor.get()));
        Verdict::from((!measured.is_empty()).then_some(lowest >= floor.floor.get()))
    }));
    (verdict, parts.join("; "))
}
