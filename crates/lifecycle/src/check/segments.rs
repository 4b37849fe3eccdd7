//! Segments: is the model wrong more often about any part of the population than what was released before it?
//!
//! Whoever poisons training data may want the errors of one segment and nothing else, so that the whole looks as well as
//! before. Both models answer the same rows, and each segment has an interval for the rise of its errors (paired,
//! [`proofhouse_core::interval::paired_difference`]); all of them hold together (Bonferroni).

use proofhouse_core::interval::{Paired, paired_difference, wilson};
use proofhouse_core::{Digest, Finding, Interval, Measurement, Place, Reference, Severity, Unit, Verdict};
use proofhouse_onnx::{Classifier, Scores as _, predict};
use proofhouse_system::{Confidence, Count, Probability, SegmentCheck};
use serde::Serialize;
use serde_json::json;

use super::groups::{Grouping, groupings};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

const MAX_RISE: f64 = 0.05;
const MIN_ROWS: u64 = 100;
const CONFIDENCE: f64 = 0.95;
/// Findings for single segments; the rest is counted.
const MOST_FINDINGS: usize = 10;

/// Errors by segment, against the last release.
pub struct SegmentRegression;

impl Check for SegmentRegression {
    fn kinds(&self) -> &'static [&'static str] {
        &["segment-regression"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some(check) = asked(context) else { return Ok(Vec::new()) };
        let data = data(context, check)?;
        let before = context.previous.map(|p| {
            json!({
                "release": p.release,
                "model": p.model.as_ref().map(|m| m.digest().to_string()).unwrap_or_default(),
            })
        });
        let config = json!({"dataset": data.id(), "check": check, "before": before});
        Ok(vec![Setup::of(context.model.subject(), config).with_data(data.digest())])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some(check) = asked(context) else {
            let why =
                "the system file names no column that divides rows into segments; describe checks.segments";
            return Ok(Outcome::not_measurable(self.name(), why));
        };
        let data = data(context, check)?;
        let groupings = groupings("checks.segments.segments", &check.segments, check.crossed, data)?;
        let own = Digest::of(context.model.graph()?);
        if check.against.as_ref().is_some_and(|named| named.sha256 == own) {
            let why =
                "checks.segments.against names the model itself, which is wrong about what it is wrong about";
            return Ok(Outcome::not_measurable(self.name(), why));
        }
        let now = wrong(context.model.classifier()?, data)?;
        let before = match (&check.against, context.previous) {
            (Some(named), _) => {
                let model = context.model.reference(context.project, named)?;
                Some((named.file.to_string(), wrong(&model, data)?))
            }
            (None, Some(previous)) => {
                let model = previous.model.as_ref().map_err(|why| LifecycleError::Order(why.clone()))?;
                Some((format!("release {}", previous.release), wrong(model.classifier()?, data)?))
            }
            (None, None) => None,
        };
        if let Some((name, errors)) = &before {
            let count = |errors: &[bool]| errors.iter().filter(|wrong| **wrong).count();
            // Whoever is mostly wrong was made for other classes or another scale, and anything is better.
            if count(errors) * 2 > errors.len() && count(errors) > 2 * count(&now) {
                let why = format!(
                    "{name} is wrong about {} of {} rows: the system file no longer describes it",
                    count(errors),
                    errors.len()
                );
                return Ok(Outcome::not_measurable(self.name(), &why));
            }
        }
        if before.is_none() && check.max_error.is_none() {
            let why = "nothing was released before that it could be compared with, and checks.segments.max_error, which a \
                       first release could be judged by, is not stated";
            return Ok(Outcome::not_measurable(self.name(), why));
        }
        Ok(judge(check, &groupings, &now, before))
    }
}

fn asked<'a>(context: &Context<'a>) -> Option<&'a SegmentCheck> {
    context.project.system.checks.segments.as_ref().filter(|_| !context.model.spec().writes())
}

fn data<'a>(context: &Context<'a>, check: &SegmentCheck) -> Result<&'a LoadedDataset, LifecycleError> {
    let performance = context.project.system.checks.performance.as_ref();
    context.datasets.judged_by(check.dataset.as_ref().or(performance.map(|p| &p.dataset)))
}

/// Which rows a model is wrong about. Where it answers nothing, it is wrong.
fn wrong(model: &Classifier, data: &LoadedDataset) -> Result<Vec<bool>, LifecycleError> {
    let labels = data.labels()?;
    let mut scores = Vec::new();
    model.scores(data.features()?, labels.len(), &mut scores)?;
    let said = predict(&scores, model.classes());
    Ok(said.iter().zip(labels).map(|(said, label)| *said != Some(*label)).collect())
}

/// A segment, and how often each model is wrong about it.
#[derive(Debug, Clone, Serialize)]
struct Segment {
    name: String,
    rows: u64,
    errors: u64,
    error_interval: Interval,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors_before: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rise: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rise_interval: Option<Interval>,
}

fn count(now: &[bool], before: Option<&[bool]>, grouping: &Grouping, which: usize) -> (Paired, u64) {
    let mut paired = Paired::default();
    for (at, _) in grouping.of.iter().enumerate().filter(|(_, of)| **of == which) {
        // Without a release before, the first count of a pair is all there is.
        match (now[at], before.is_some_and(|b| b[at])) {
            (true, true) => paired.both += 1,
            (true, false) => paired.first += 1,
            (false, true) => paired.second += 1,
            (false, false) => paired.neither += 1,
        }
    }
    (paired, paired.both + paired.first)
}

fn judge(
    check: &SegmentCheck,
    groupings: &[Grouping],
    now: &[bool],
    before: Option<(String, Vec<bool>)>,
) -> Outcome {
    let least = check.min_rows.map_or(MIN_ROWS, |count| u64::from(Count::get(count)));
    let confidence = check.confidence.map_or(CONFIDENCE, Confidence::get);
    let (against, errors_before) = before.map_or((None, None), |(name, errors)| (Some(name), Some(errors)));
    let counted: Vec<(&str, Paired, u64)> = groupings
        .iter()
        .flat_map(|grouping| {
            grouping.names.iter().enumerate().map(|(which, name)| {
                let (paired, errors) = count(now, errors_before.as_deref(), grouping, which);
                (name.as_str(), paired, errors)
            })
        })
        .collect();
    let (large, small): (Vec<_>, Vec<_>) =
        counted.into_iter().partition(|(_, paired, _)| paired.n() >= least);
    let small: Vec<String> =
        small.iter().map(|(name, paired, _)| format!("{name} ({})", paired.n())).collect();
    if large.is_empty() {
        let why = format!("no segment has {least} rows: {}", small.join(", "));
        return Outcome::not_measurable("segment-regression", &why);
    }
    let asked = usize::from(check.max_error.is_some()) + usize::from(against.is_some());
    let together = 1.0 - (1.0 - confidence) / (large.len() * asked.max(1)) as f64;
    let segments: Vec<Segment> = large
        .into_iter()
        .map(|(name, paired, errors)| Segment {
            name: name.to_owned(),
            rows: paired.n(),
            errors,
            error_interval: wilson(errors, paired.n(), together),
            errors_before: against.is_some().then_some(paired.both + paired.second),
            rise: against.is_some().then(|| paired.difference()),
            rise_interval: against.is_some().then(|| paired_difference(paired, together)),
        })
        .collect();
    let max_rise = check.max_rise.map_or(MAX_RISE, Probability::get);
    let ceiling = check.max_error.map(Probability::get);
    let verdicts: Vec<Verdict> = segments.iter().map(|s| s.judge(ceiling, max_rise)).collect();
    let verdict = Verdict::all(verdicts.iter().copied());
    let mut criterion = Vec::new();
    if let Some(against) = &against {
        let worst = segments.iter().max_by(|a, b| a.rise.unwrap_or(0.0).total_cmp(&b.rise.unwrap_or(0.0)));
        criterion.extend(
            worst
                .and_then(Segment::measured_rise)
                .map(|m| format!("largest rise of errors against {against}: {m}, at most {max_rise}")),
        );
    } else {
        criterion.push("nothing was released before to compare with".to_owned());
    }
    if let Some(ceiling) = ceiling {
        let worst = segments.iter().map(Segment::measured_errors).max_by(|a, b| a.value.total_cmp(&b.value));
        criterion.extend(worst.map(|m| format!("largest share of errors: {m}, at most {ceiling}")));
    }
    if verdict == Verdict::Unknown {
        let open = verdicts.iter().filter(|v| **v == Verdict::Unknown).count();
        criterion.push(format!("not decided for {open} of {} segments: too few rows", segments.len()));
    }
    if !small.is_empty() {
        criterion.push(format!("not judged, too few rows: {}", small.join(", ")));
    }
    let failed: Vec<&Segment> =
        segments.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Fail).map(|(s, _)| s).collect();
    let mut findings: Vec<Finding> =
        failed.iter().take(MOST_FINDINGS).map(|s| s.found(against.as_deref())).collect();
    if let (Some(last), true) = (findings.last_mut(), failed.len() > MOST_FINDINGS) {
        last.message.push_str(&format!("; {} more segments", failed.len() - MOST_FINDINGS));
    }
    let measured: Vec<Measurement> =
        segments.iter().flat_map(|s| std::iter::once(s.measured_errors()).chain(s.measured_rise())).collect();
    let mut outcome = Outcome::new(verdict, criterion.join("; ")).measured(measured).found(findings);
    outcome.exhibit = Some(json!({"against": against, "segments": segments}));
    outcome
}

impl Segment {
    fn judge(&self, ceiling: Option<f64>, max_rise: f64) -> Verdict {
        let held = |interval: &Interval, limit: f64| {
            if interval.high <= limit {
                Verdict::Pass
            } else if interval.low > limit {
                Verdict::Fail
            } else {
                Verdict::Unknown
            }
        };
        let by_errors = ceiling.map(|limit| held(&self.error_interval, limit));
        let by_rise = self.rise_interval.as_ref().map(|interval| held(interval, max_rise));
        Verdict::all(by_errors.into_iter().chain(by_rise))
    }

    fn measured_errors(&self) -> Measurement {
        let value = self.errors as f64 / self.rows.max(1) as f64;
        let measured = Measurement::new("segment-error-rate", value, Unit::Ratio).of_slice(&self.name);
        Measurement { interval: Some(self.error_interval.clone()), n: Some(self.rows), ..measured }
    }

    fn measured_rise(&self) -> Option<Measurement> {
        let measured = Measurement::new("segment-error-rise", self.rise?, Unit::Ratio).of_slice(&self.name);
        Some(Measurement { interval: self.rise_interval.clone(), n: Some(self.rows), ..measured })
    }

    fn found(&self, against: Option<&str>) -> Finding {
        let before = match (against, self.errors_before) {
            (Some(against), Some(before)) => format!("; {against} was wrong about {before}"),
            _ => String::new(),
        };
        Finding {
            rule: "segment/errors".to_owned(),
            severity: Severity::High,
            message: format!("{}: wrong about {} of {} rows{before}", self.name, self.errors, self.rows),
            place: Place::default(),
            remediation: "look at what the training data of this segment became since the last release: who could write \
                          them, and which labels changed"
                .to_owned(),
            references: vec![Reference::new("NIST-RMF", "1.0", "MEASURE 2.7")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two segments of a thousand rows, with so many errors of this model and of the one before in each.
    fn judged(now: [usize; 2], before: Option<[usize; 2]>, more: serde_json::Value) -> Outcome {
        let mut check = json!({"segments": [{"column": "region"}]});
        check.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let check: SegmentCheck = serde_json::from_value(check).unwrap();
        let grouping = Grouping {
            names: ["region: north", "region: south"].map(String::from).to_vec(),
            of: (0..2000).map(|at| at / 1000).collect(),
        };
        let rows = |errors: [usize; 2]| (0..2000).map(|at| at % 1000 < errors[at / 1000]).collect::<Vec<_>>();
        let before = before.map(|errors| ("release production.1".to_owned(), rows(errors)));
        judge(&check, &[grouping], &rows(now), before)
    }

    #[test]
    fn a_segment_that_became_worse_is_found_though_the_whole_is_as_good() {
        let outcome = judged([10, 190], Some([110, 90]), json!({}));
        assert_eq!(outcome.verdict, Verdict::Fail, "{}", outcome.criterion);
        assert_eq!(
            outcome.findings.iter().map(|f| f.message.as_str()).collect::<Vec<_>>(),
            ["region: south: wrong about 190 of 1000 rows; release production.1 was wrong about 90"]
        );
    }

    #[test]
    fn what_changed_little_passes_and_a_ceiling_holds_with_or_without_a_release_before() {
        let outcome = judged([100, 102], Some([100, 100]), json!({}));
        assert_eq!(outcome.verdict, Verdict::Pass, "{}", outcome.criterion);
        assert_eq!(judged([100, 102], None, json!({"max_error": 0.2})).verdict, Verdict::Pass);
        assert_eq!(judged([100, 300], None, json!({"max_error": 0.2})).verdict, Verdict::Fail);
        // Between the two nobody knows.
        assert_eq!(judged([100, 200], None, json!({"max_error": 0.2})).verdict, Verdict::Unknown);
        assert_eq!(judged([100, 150], Some([100, 100]), json!({})).verdict, Verdict::Unknown);
    }
}
