//! Membership inference: does the model's answer tell who was in the training data?
//!
//! The criterion holds for the share of members found at a rate of false alarms (Carlini et al. 2022), by the likelihood
//! ratio against shadow models of the model's own kind. Where those cannot be trained (trees), or where there are too few
//! rows to speak about the rate, weaker attacks can still fail the model; nothing can pass it.

use proofhouse_core::{Measurement, Unit, Verdict};
use proofhouse_robustness::clopper_pearson;
use proofhouse_robustness::privacy::ShadowTraining;
use proofhouse_robustness::privacy::membership::{
    MembershipReport, Method, by_confidence, by_labels, by_shadows,
};
use proofhouse_system::{Confidence, MembershipCheck, Positive, Probability};
use serde_json::json;

use super::subject::{
    Sample, beside, count, high, judged, learned, limits, low, plain, shows_scores, template,
};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const FALSE_ALARMS: f64 = 0.001;
const MAX_RATIO: f64 = 5.0;
const SHADOWS: usize = 16;
const EPOCHS: usize = 20;
const SAMPLES: usize = 500;
/// Noisy copies of each row for the attack by labels, and their largest deviation as a share of the box.
const COPIES: usize = 20;
const NOISE: f64 = 0.3;
/// Accuracy on what they learned below which shadows say nothing of the model.
const LEARNED: f64 = 0.8;

/// Members told from others.
pub struct MembershipInference;

impl Check for MembershipInference {
    fn kinds(&self) -> &'static [&'static str] {
        &["membership-inference"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        if context.model.spec().writes() {
            return Ok(Vec::new());
        }
        let check = parameters(context);
        let config = json!({ "check": check, "judged": judged(context)?.digest() });
        let setup = Setup::of(context.model.subject(), config).with_data(learned(context)?.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let check = parameters(context);
        let most = count(check.samples, SAMPLES);
        let members = Sample::of(learned(context)?, most, check.seed)?;
        let others = Sample::of(judged(context)?, most, check.seed)?;
        let (inside, outside) = (members.as_rows(), others.as_rows());
        let model = context.model.classifier()?;
        let confidence = check.confidence.map_or(0.95, Confidence::get);
        let rate = check.false_alarms.map_or(FALSE_ALARMS, Probability::get);
        let ceiling = (rate * check.max_ratio.map_or(MAX_RATIO, Positive::get)).min(1.0);
        let (least, largest) = limits(context, &members.rows);
        let noise = (COPIES, NOISE * (f64::from(largest) - f64::from(least)), check.seed);
        context.progress.step("membership: labels under noise");
        let mut reports = vec![by_labels(model, inside, outside, noise, confidence)?];
        let (mut why, mut accuracy) = (None, None);
        if shows_scores(context) {
            reports.push(by_confidence(model, inside, outside, confidence)?);
            let training = ShadowTraining {
                shadows: count(check.shadows, SHADOWS),
                epochs: count(check.epochs, EPOCHS),
                seed: check.seed,
                ..ShadowTraining::default()
            };
            context.progress.step(&format!("membership: {} shadow models", training.shadows));
            let template = template(context)?;
            match beside(training.shadows, |which| template.shadow(inside, outside, &training, which)) {
                Ok(trained) => {
                    let mean = trained.iter().map(|(_, a)| a).sum::<f64>() / trained.len().max(1) as f64;
                    accuracy = Some(mean);
                    let shadows: Vec<_> = trained.into_iter().map(|(s, _)| s).collect();
                    reports.push(by_shadows(model, inside, outside, &shadows, confidence)?);
                    if mean < LEARNED {
                        why = Some(format!(
                            "the shadow models get {mean:.3} right of what they learned and are no likeness of the model; \
                             raise checks.membership.epochs"
                        ));
                    }
                }
                Err(error) => why = Some(format!("no shadow model can be trained: {error}")),
            }
        }
        if others.len() as f64 * rate < 10.0 {
            why = Some(format!(
                "{} rows that were not learned from cannot show a rate of {rate}; it takes {:.0}, or a larger \
                 checks.membership.false_alarms",
                others.len(),
                (10.0 / rate).ceil()
            ));
        }
        let mut outcome = judge(&reports, rate, ceiling, why.as_deref());
        outcome.measurements = reports.iter().flat_map(measurements).collect();
        outcome.measurements.extend(accuracy.map(|a| plain("shadow-accuracy", a, Unit::Ratio)));
        outcome.exhibit = Some(json!({ "reports": reports }));
        Ok(outcome)
    }
}

fn parameters(context: &Context<'_>) -> MembershipCheck {
    context.project.system.checks.membership.clone().unwrap_or_default()
}

fn judge(reports: &[MembershipReport], rate: f64, ceiling: f64, why: Option<&str>) -> Outcome {
    let at =
        |report: &MembershipReport| report.separation.points.iter().find(|p| p.false_alarms == rate).cloned();
    let found = reports.iter().filter_map(|r| Some((r, at(r)?)));
    let Some((worst, point)) = found.reduce(|a, b| if b.1.found.value > a.1.found.value { b } else { a })
    else {
        return Outcome::new(Verdict::Unknown, format!("members are not counted at a rate of {rate}"));
    };
    let share = &point.found;
    let says = format!(
        "members found at {rate} false alarms by {} {:.4} to {:.4}, upper end at most {ceiling:.4}",
        name(&worst.method),
        low(share),
        high(share)
    );
    // Few others show few false alarms by luck: what is proof is held against the largest rate that they allow.
    let confidence = share.interval.as_ref().map_or(0.95, |i| i.confidence);
    let alarms = clopper_pearson(point.alarms, worst.separation.others, confidence).high.max(rate);
    if low(share) > ceiling / rate * alarms {
        return Outcome::new(Verdict::Fail, says);
    }
    if let Some(why) = why {
        return Outcome::new(Verdict::Unknown, format!("{says}: not measurable because {why}"));
    }
    Outcome::new(Verdict::from(Some(high(share) <= ceiling)), says)
}

const fn name(method: &Method) -> &'static str {
    match method {
        Method::Confidence => "confidence",
        Method::Shadows => "likelihood ratio",
        Method::LabelOnly => "labels under noise",
        _ => "another attack",
    }
}

/// Each attack's points and its area under the curve.
fn measurements(report: &MembershipReport) -> Vec<Measurement> {
    let by = name(&report.method);
    let of = |mut m: Measurement| {
        m.slice = Some(format!("{by}, {}", m.slice.unwrap_or_default()));
        m
    };
    let area = plain("membership-area", report.separation.area, Unit::Ratio).of_slice(by);
    std::iter::once(area).chain(report.separation.points.iter().map(|p| of(p.found.clone()))).collect()
}
