//! Evasion under the rules of a table: what does it cost whoever is judged to get through, and does it pay?
//!
//! Rows are changed as the dataset's domain allows, as cheaply as three searches find; of tree ensembles a price is proved
//! that nothing undercuts. The criterion holds for the upper end of the share that gets through, weighted by what getting
//! through is worth where the system file says so.

use proofhouse_core::{Interval, Measurement, Unit, Verdict};
use proofhouse_onnx::graph::Graph;
use proofhouse_robustness::Chance;
use proofhouse_robustness::domain::Domain;
use proofhouse_robustness::tabular::{Aim, Tabular, TabularOptions, TabularReport, evade};
use proofhouse_robustness::trees::ensemble_of;
use proofhouse_system::{Confidence, ConstrainedEvasionCheck, Features, Positive};
use serde_json::json;

use super::subject::{Sample, count, gradients, high, learned, low};
use super::{Check, Context, Outcome, Setup};
use crate::LifecycleError;
use crate::data::LoadedDataset;

const SAMPLES: usize = 100;
const QUERIES: usize = 2000;
/// Rows whose parts a search may take over.
const DONORS: usize = 500;
/// Samples of the rows by which the interval of a weighted share is found.
const RESAMPLES: usize = 2000;

/// Rows of a table changed at a price.
pub struct ConstrainedEvasion;

impl Check for ConstrainedEvasion {
    fn kinds(&self) -> &'static [&'static str] {
        &["evasion-constrained"]
    }

    fn setups(&self, context: &Context<'_>) -> Result<Vec<Setup>, LifecycleError> {
        let Some(check) = &context.project.system.checks.constrained_evasion else {
            // It runs, to say what it lacks.
            return Ok(vec![Setup::of(context.model.subject(), json!({ "check": null }))]);
        };
        let data = context.datasets.get(&check.dataset)?;
        let setup = Setup::of(context.model.subject(), json!({ "check": check })).with_data(data.digest());
        Ok(vec![Setup { seed: Some(check.seed), ..setup }])
    }

    fn run(&self, context: &Context<'_>, _: &Setup) -> Result<Outcome, LifecycleError> {
        let Some(check) = &context.project.system.checks.constrained_evasion else {
            let why = "the system file has no checks.constrained_evasion; say what a change may cost and how many rows \
                       may get through";
            return Ok(Outcome::not_measurable(self.name(), why));
        };
        let data = context.datasets.get(&check.dataset)?;
        let Some(domain) = domain(context, data)? else {
            let why =
                format!("the dataset {} does not say which rows can exist (features.domain)", data.id());
            return Ok(Outcome::not_measurable(self.name(), &why));
        };
        let sample = Sample::of(data, count(check.samples, SAMPLES), check.seed)?;
        let donors = Sample::of(learned(context).unwrap_or(data), DONORS, check.seed)?;
        let wanted = check.class.and_then(|c| usize::try_from(c).ok());
        let aims: Vec<Aim> =
            sample.labels.iter().map(|own| wanted.map_or(Aim::Other(*own), Aim::Class)).collect();
        let own = gradients(context).ok();
        let trees = Graph::read(context.model.graph()?).ok().and_then(|g| ensemble_of(&g).ok());
        let of = Tabular {
            model: context.model.classifier()?,
            gradients: own.as_ref().map(|g| g as _),
            trees: trees.as_ref(),
            domain: &domain,
            donors: &donors.rows,
        };
        let options = TabularOptions {
            budget: check.budget.map(Positive::get),
            queries: count(check.queries, QUERIES) as u64,
            seed: check.seed,
            confidence: check.confidence.map_or(0.95, Confidence::get),
            ..TabularOptions::default()
        };
        context.progress.step(&format!("evasion by the rules of the table: {} rows", aims.len()));
        let report = evade(of, &sample.rows, &aims, &options, &mut |done, of| {
            context.progress.advance(done as u64, of as u64);
        })?;
        let gain = check.gain.as_ref().map(|column| gains(data, column, &sample)).transpose()?;
        let weighted = gain.as_deref().map(|gain| weighted(&report, gain, &options, check.seed));
        let mut outcome = judge(check, &report, weighted.as_ref());
        // Whoever attacks for gain attacks where it pays; the simulation of losses goes by that.
        let success =
            gain.as_deref().map_or_else(|| report.success.clone(), |g| paying(&report, g, &options));
        outcome.measurements.push(success);
        outcome.measurements.extend(weighted.clone());
        outcome.measurements.extend(report.proved.clone());
        let prices = |m: f64| Measurement::new("median-price", m, Unit::Count);
        outcome.measurements.extend(report.median_cost.map(prices));
        outcome.exhibit = Some(exhibit(context, check, &report, weighted.as_ref(), &sample, &domain)?);
        Ok(outcome)
    }
}

fn judge(check: &ConstrainedEvasionCheck, report: &TabularReport, weighted: Option<&Measurement>) -> Outcome {
    let (what, share) = weighted.map_or(("share of rows that get through", &report.success), |w| {
        ("share of what is at stake that an attacker takes", w)
    });
    let most = check.max_rate.get();
    let says = format!(
        "{what} {:.4} to {:.4} ({} of {} rows), upper end at most {most}",
        low(share),
        high(share),
        report.evaded,
        report.attacked
    );
    let impossible = report.illegal.first().map(|(row, violation)| {
        format!("{} rows cannot exist by the rules, such as row {row}: {violation}", report.illegal.len())
    });
    let unsure = if report.attacked == 0 {
        Some(
            impossible.unwrap_or_else(|| "no row is of another class than the one that is wanted".to_owned()),
        )
    } else if report.unconfirmed > 0 {
        Some(format!("{} counterexamples did not repeat", report.unconfirmed))
    } else {
        impossible
    };
    match unsure {
        _ if report.attacked > 0 && high(share) > most => Outcome::new(Verdict::Fail, says),
        Some(why) => Outcome::new(Verdict::Unknown, format!("{says}: not measurable because {why}")),
        None => Outcome::new(Verdict::Pass, says),
    }
}

fn domain(context: &Context<'_>, data: &LoadedDataset) -> Result<Option<Domain>, LifecycleError> {
    let Some(features) = &data.spec().features else { return Ok(None) };
    let Some(rules) = &features.domain else { return Ok(None) };
    let observed = learned(context).unwrap_or(data).features()?;
    Ok(Some(Domain::read(rules, data.feature_names(), Features::divisor(features), observed)?))
}

/// What getting through with each sampled row is worth.
fn gains(data: &LoadedDataset, column: &str, sample: &Sample) -> Result<Vec<f64>, LifecycleError> {
    let names = [column.to_owned()];
    let all = proofhouse_dataset::numeric_matrix(data.table(), &names, 1.0)?;
    Ok(sample.indices.iter().map(|at| all.values.get(*at).map_or(0.0, |v| f64::from(*v))).collect())
}

/// The share of rows with which getting through is worth more than it costs.
fn paying(report: &TabularReport, gain: &[f64], options: &TabularOptions) -> Measurement {
    let pays = |index: usize, cost: f64| gain.get(index).is_some_and(|worth| cost < *worth);
    let taken = report.rows.iter().filter(|r| r.cost.is_some_and(|cost| pays(r.index, cost))).count() as u64;
    Measurement::proportion(report.success.name.clone(), taken, report.attacked, options.confidence)
}

/// The share of what is at stake that is taken where it pays, with a percentile interval over samples of the rows.
fn weighted(report: &TabularReport, gain: &[f64], options: &TabularOptions, seed: u64) -> Measurement {
    let of = |index: usize| gain.get(index).copied().unwrap_or(0.0).max(0.0);
    let stakes: Vec<(f64, f64)> = report
        .rows
        .iter()
        .map(|r| (of(r.index), if r.cost.is_some_and(|c| c < of(r.index)) { of(r.index) } else { 0.0 }))
        .collect();
    let share = |rows: &mut dyn Iterator<Item = (f64, f64)>| {
        let (total, taken) = rows.fold((0.0, 0.0), |(t, k), (stake, got)| (t + stake, k + got));
        if total > 0.0 { taken / total } else { 0.0 }
    };
    let value = share(&mut stakes.iter().copied());
    let mut chance = Chance::new(seed, "weighted share", 0);
    let mut samples: Vec<f64> = (0..RESAMPLES)
        .map(|_| share(&mut (0..stakes.len()).map(|_| stakes[chance.below(stakes.len())])))
        .collect();
    samples.sort_by(f64::total_cmp);
    let tail = (1.0 - options.confidence) / 2.0;
    let at = |q: f64| samples.get(((RESAMPLES - 1) as f64 * q).round() as usize).copied().unwrap_or(value);
    let mut measured = Measurement::new("evasion-gain", value, Unit::Ratio);
    measured.n = Some(stakes.len() as u64);
    measured.interval = Some(Interval {
        low: at(tail).min(value),
        high: at(1.0 - tail).max(value),
        confidence: options.confidence,
        method: "bootstrap".to_owned(),
    });
    measured
}

fn exhibit(
    context: &Context<'_>,
    check: &ConstrainedEvasionCheck,
    report: &TabularReport,
    weighted: Option<&Measurement>,
    sample: &Sample,
    domain: &Domain,
) -> Result<serde_json::Value, LifecycleError> {
    let tensors = context.model.tensors()?;
    let class =
        |index: usize| tensors.classes.get(index).cloned().unwrap_or_else(|| format!("class {index}"));
    let divisor =
        context.datasets.get(&check.dataset)?.spec().features.as_ref().map_or(1.0, Features::divisor);
    let mut fallen: Vec<_> = report.rows.iter().filter(|r| r.cost.is_some()).collect();
    fallen.sort_by(|a, b| a.cost.unwrap_or_default().total_cmp(&b.cost.unwrap_or_default()));
    let examples: Vec<_> = fallen
        .iter()
        .take(6)
        .map(|row| {
            let changes: Vec<_> = row
                .changes
                .iter()
                .map(|(name, from, to)| {
                    let at = domain.columns().iter().position(|c| c.name == *name);
                    let cost = at.and_then(|at| domain.price(at, *from, *to));
                    // As they are stored, which is what people know.
                    json!({
                        "feature": name,
                        "before": f64::from(*from) * divisor,
                        "after": f64::from(*to) * divisor,
                        "cost": cost,
                    })
                })
                .collect();
            json!({
                "record": format!("{}[{}]", check.dataset, sample.indices.get(row.index).copied().unwrap_or_default()),
                "truth": class(sample.labels.get(row.index).copied().unwrap_or_default()),
                "answer": check.class.map_or_else(|| "another class".to_owned(), |c| class(c as usize)),
                "distance": row.cost,
                "change": { "table": changes },
            })
        })
        .collect();
    Ok(json!({
        "drawn": {
            "aim": check.class.map_or_else(|| "another class".to_owned(), |c| class(c as usize)),
            "budget": check.budget,
            "attacked": report.attacked,
            "success": report.success,
            "proved": report.proved,
            "gain": weighted,
            "prices": fallen.iter().filter_map(|r| r.cost).collect::<Vec<_>>(),
            "floors": report.rows.iter().filter_map(|r| r.at_least).filter(|c| c.is_finite()).collect::<Vec<_>>(),
            "examples": examples,
        },
        "illegal": report.illegal,
        "queries": report.queries,
    }))
}
