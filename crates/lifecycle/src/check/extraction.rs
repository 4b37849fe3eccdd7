//! Extraction: how good a copy the model's answers buy, at the numbers of queries that the gateway's limits allow.
//!
//! A rate limit stops nobody; it sets how many queries fit into the time until somebody notices. The criterion holds for
//! the best copy within that number. Where the limits allow more queries than were tried, a copy that stays below the
//! ceiling proves nothing, and the verdict is unknown.

use proofhouse_core::{Measurement, Unit, Verdict};
use proofhouse_robustness::privacy::Training;
use proofhouse_robustness::privacy::extraction::{Extraction, Shown, extract};
use proofhouse_system::{ActorTrust, Capability, ExtractionCheck, Positive};
use serde_json::json;

use super::subject::{high, limits, low, shows_scores};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

/// Numbers of queries where the system file names none.
const QUERIES: [u64; 3] = [100, 1000, 10_000];
/// Hours within which somebody notices, where it says nothing.
const WINDOW_HOURS: f64 = 24.0;
/// A ceiling that any copy meets.
const ANY: f64 = 1.0;

/// Copies made from answers.
pub struct ExtractionBudget;

impl Check for ExtractionBudget {
    fn kinds(&self) -> &'static [&'static str] {
        &["extraction-budget"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some((check, data)) = parameters(context)? else { return Ok(Vec::new()) };
        let config = json!({ "check": check, "allowed_per_hour": allowed_per_hour(context) });
        let setup = Setup::of(context.model.subject(), config).with_data(data.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some((check, data)) = parameters(context)? else {
            return Ok(Outcome::not_measurable(self.name(), "the model writes and answers no rows"));
        };
        let model = context.model.classifier()?;
        let rows = data.features()?;
        let width = context.model.tensors()?.input.len();
        let own = rows.len() / width / 2;
        let (own, judged) = rows.split_at(own * width);
        let queries: Vec<u64> = check
            .queries
            .as_ref()
            .map_or_else(|| QUERIES.to_vec(), |q| q.iter().map(|c| u64::from(c.get())).collect());
        let confidence = check.confidence.map_or(0.95, proofhouse_system::Confidence::get);
        let extraction = Extraction {
            budgets: queries,
            shown: if shows_scores(context) { Shown::Scores } else { Shown::Label },
            queries_per_hour: allowed_per_hour(context),
            identities: 1,
            bounds: limits(context, rows),
            training: Training { seed: check.seed, ..Training::default() },
            seed: check.seed,
            confidence,
        };
        context.progress.step("extraction: copies by their number of queries");
        let report = extract(model, own, judged, &extraction, &mut |done, of| {
            context.progress.advance(done as u64, of as u64);
        })?;
        let hours = check.window_hours.map_or(WINDOW_HOURS, Positive::get);
        let allowed = allowed_per_hour(context).map(|per_hour| per_hour * hours);
        let within = |asked: u64| allowed.is_none_or(|allowed| asked as f64 <= allowed);
        let mut tried: Vec<_> = report.copies.iter().filter(|c| within(c.queries)).collect();
        tried.sort_by(|a, b| a.fidelity.value.total_cmp(&b.fidelity.value));
        let most_tried = tried.iter().map(|c| c.queries).max().unwrap_or(0);
        let enough = allowed.is_some_and(|allowed| most_tried as f64 >= allowed.floor());
        let bought = tried.last();
        let limit = allowed.map_or_else(
            || "nothing limits the queries of an outsider".to_owned(),
            |a| format!("the limits allow {a:.0} queries in {hours} hours"),
        );
        let measured = bought.map_or_else(
            || "no number of queries was tried that the limits allow".to_owned(),
            |c| {
                format!(
                    "{} queries bought a copy that agrees on {:.3} to {:.3} of the rows",
                    c.queries,
                    low(&c.fidelity),
                    high(&c.fidelity)
                )
            },
        );
        let (verdict, says) = match (check.max_fidelity, bought) {
            (None, _) => (
                Verdict::Unknown,
                "not judged because the system file has no checks.extraction.max_fidelity".to_owned(),
            ),
            (Some(most), _) if most.get() >= ANY => {
                (Verdict::Pass, "any agreement is accepted (checks.extraction.max_fidelity is 1)".to_owned())
            }
            (Some(most), None) => (Verdict::Unknown, format!("agreement at most {}", most.get())),
            (Some(most), Some(copy)) if high(&copy.fidelity) > most.get() => {
                (Verdict::Fail, format!("upper end of the agreement at most {}", most.get()))
            }
            (Some(most), Some(_)) if enough => {
                (Verdict::Pass, format!("upper end of the agreement at most {}", most.get()))
            }
            (Some(most), Some(_)) => (
                Verdict::Unknown,
                format!(
                    "upper end of the agreement at most {}: not measurable because more queries are allowed than the \
                     {most_tried} that were tried",
                    most.get()
                ),
            ),
        };
        let mut outcome = Outcome::new(verdict, format!("{says}; {measured}, and {limit}"));
        outcome.measurements = report.copies.iter().map(|c| c.fidelity.clone()).collect();
        outcome.measurements.push(Measurement::new("extraction-baseline", report.baseline, Unit::Ratio));
        outcome.exhibit = Some(json!({ "report": report, "allowed": allowed, "hours": hours }));
        Ok(outcome)
    }
}

fn parameters<'a>(
    context: &'a Context<'_>,
) -> Result<Option<(ExtractionCheck, &'a LoadedDataset)>, LifecycleError> {
    if context.model.spec().writes() {
        return Ok(None);
    }
    let checks = &context.project.system.checks;
    let check = checks.extraction.clone().unwrap_or_default();
    let named = check.dataset.as_ref().or(checks.performance.as_ref().map(|c| &c.dataset));
    Ok(Some((check.clone(), context.datasets.judged_by(named)?)))
}

/// Queries an hour that the gateway lets outsiders ask together: partners and whoever is outside, who may query.
/// Absent where nothing limits one of them.
fn allowed_per_hour(context: &Context<'_>) -> Option<f64> {
    let system = &context.project.system;
    let gateway = &system.deployment.as_ref()?.gateway;
    let outside = |id: &proofhouse_system::Id| {
        system.actors.iter().find(|a| a.id == *id).is_none_or(|actor| {
            let trusted = matches!(actor.trust, ActorTrust::Internal);
            let asks = actor.capabilities.as_ref().is_none_or(|c| c.contains(&Capability::Query));
            !trusted && asks
        })
    };
    let rates = gateway
        .clients
        .iter()
        .filter(|c| c.actor.as_ref().is_some_and(outside))
        .map(|c| c.requests_per_second.get() * 3600.0);
    let sum: f64 = rates.sum();
    (sum > 0.0).then_some(sum)
}
