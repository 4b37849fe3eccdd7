//! Sources: is the model better without any of those that its training rows came from
//! ([`proofhouse_robustness::poisoning::sources`])?

use proofhouse_core::{Finding, Place, Reference, Severity, Unit, Verdict};
use proofhouse_robustness::poisoning::sources::{SourceEffect, SourceReport, SourceTraining, leave_out};
use proofhouse_robustness::privacy::ShadowTraining;
use proofhouse_robustness::privacy::membership::Rows;
use proofhouse_system::{Confidence, Probability, SourceCheck};
use serde_json::json;

use super::groups::groupings;
use super::subject::{all_learned, beside, count, high, judged, learned, low, plain, template};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;

const MAX_GAIN: f64 = 0.01;
const COPIES: usize = 5;
const EPOCHS: usize = 20;
const CONFIDENCE: f64 = 0.95;

/// Copies of the model without each source in turn.
pub struct PoisonCanaryRetrain;

impl Check for PoisonCanaryRetrain {
    fn kinds(&self) -> &'static [&'static str] {
        &["poison-canary-retrain"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some(check) = asked(context) else { return Ok(Vec::new()) };
        let config = json!({ "check": check, "judged": judged(context)?.digest() });
        let setup = Setup::of(context.model.subject(), config).with_data(learned(context)?.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some(check) = asked(context) else {
            let why = "the system file names no column that says where a training row came from; describe checks.sources";
            return Ok(Outcome::not_measurable(self.name(), why));
        };
        let judging = judged(context)?;
        let data = match all_learned(context)? {
            Ok(data) => data,
            Err(why) => return Ok(Outcome::not_measurable(self.name(), &why)),
        };
        let by = groupings("checks.sources.by", std::slice::from_ref(&check.by), false, data)?;
        let Some(sources) = by.first().filter(|sources| sources.names.len() > 1) else {
            let why = format!(
                "every training row has the same {:?}, so that there is no source to leave out",
                check.by.column
            );
            return Ok(Outcome::not_measurable(self.name(), &why));
        };
        let how = SourceTraining {
            copies: count(check.copies, COPIES),
            training: ShadowTraining {
                epochs: count(check.epochs, EPOCHS),
                seed: check.seed,
                ..ShadowTraining::default()
            },
            confidence: check.confidence.map_or(CONFIDENCE, Confidence::get),
        };
        context.progress.step(&format!(
            "sources: {} copies with all of them, and without each of {}",
            how.copies,
            sources.names.len()
        ));
        let trained = Rows { rows: data.features()?, labels: data.labels()? };
        let judge = Rows { rows: judging.features()?, labels: judging.labels()? };
        let told = (sources.of.as_slice(), sources.names.as_slice());
        match leave_out(template(context)?, (trained, judge), told, &how, |n, train| beside(n, train)) {
            Ok(report) => Ok(outcome(check, &report)),
            // Trees and the like have no copies that could be trained here.
            Err(why) => Ok(Outcome::not_measurable(self.name(), &why.to_string())),
        }
    }
}

fn asked<'a>(context: &Context<'a>) -> Option<&'a SourceCheck> {
    context.project.system.checks.sources.as_ref().filter(|_| !context.model.spec().writes())
}

fn outcome(check: &SourceCheck, report: &SourceReport) -> Outcome {
    let limit = check.max_gain.map_or(MAX_GAIN, Probability::get);
    let judge = |source: &SourceEffect| {
        if high(&source.gain) <= limit {
            Verdict::Pass
        } else if low(&source.gain) > limit {
            Verdict::Fail
        } else {
            Verdict::Unknown
        }
    };
    let verdicts: Vec<Verdict> = report.sources.iter().map(judge).collect();
    let verdict = Verdict::all(verdicts.iter().copied());
    let worst = report.sources.iter().max_by(|a, b| a.gain.value.total_cmp(&b.gain.value));
    let mut criterion: Vec<String> =
        worst.iter().map(|s| format!("largest gain without a source: {}, at most {limit}", s.gain)).collect();
    if verdict == Verdict::Unknown {
        let open = verdicts.iter().filter(|v| **v == Verdict::Unknown).count();
        criterion.push(format!(
            "not decided for {open} of {} sources: too few copies or rows; raise checks.sources.copies",
            report.sources.len()
        ));
    }
    let failed = report.sources.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::Fail);
    let findings = failed.map(|(source, _)| Finding {
        rule: "poisoning/source".to_owned(),
        severity: Severity::High,
        message: format!(
            "{}: without its {} rows copies of the model are right {:.1} points more often",
            source.name,
            source.rows,
            source.gain.value * 100.0
        ),
        place: Place::default(),
        remediation:
            "look at the rows of this source, and at who writes them; train without it until that is known"
                .to_owned(),
        references: vec![Reference::new("NIST-RMF", "1.0", "MEASURE 2.7")],
    });
    let measured = std::iter::once(plain("accuracy-of-copies", report.accuracy, Unit::Ratio))
        .chain(report.sources.iter().map(|s| s.gain.clone()));
    let mut outcome =
        Outcome::new(verdict, criterion.join("; ")).measured(measured.collect()).found(findings.collect());
    outcome.exhibit = Some(json!({ "report": report }));
    outcome
}
