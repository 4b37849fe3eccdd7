//! What a campaign came to, in numbers with their doubt.

mod criterion;
mod figure;
mod html;
mod junit_xml;
mod sarif_log;

use std::collections::BTreeMap;

use proofhouse_core::{Digest, Finding, Measurement, Place};
use serde::{Deserialize, Serialize};

pub use criterion::Criterion;
pub use html::render as html;
pub use junit_xml::junit;
pub use sarif_log::sarif;

use crate::judge::Agreement;
use crate::{Attempt, Campaign, Config, Family, Held, Outcome, Purpose, Record, family};

/// Successful attacks that a report shows for a family.
const EXAMPLES: usize = 3;

/// The report of a campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Report {
    /// What was attacked, as whoever ran it calls it.
    pub target: String,
    /// The scenario's name.
    pub scenario: String,
    /// What identifies the scenario.
    pub scenario_digest: Digest,
    /// What was done.
    pub config: Config,
    /// Families, in the order of the configuration.
    pub families: Vec<FamilyResult>,
    /// Attack success by converter, over all families; an attempt with two converters counts under both.
    pub converters: Vec<Measurement>,
    /// Benign tasks done.
    pub benign_success: Option<Measurement>,
    /// Benign requests that look like attacks and were refused or blocked.
    pub over_refusal: Option<Measurement>,
    /// What the adaptive search found.
    pub search: Vec<SearchResult>,
    /// How far the judge agrees with labelled samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Agreement>,
    /// Families that the scenario has nothing for, with what they need.
    pub skipped: Vec<String>,
    /// Requests sent.
    pub requests: u64,
    /// Attempts that could not be decided.
    pub unknown: u64,
    /// Why it ended before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// What a family came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct FamilyResult {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// Attempts.
    pub attempts: u64,
    /// Attempts that reached their goal.
    pub succeeded: u64,
    /// Attempts that could not be decided.
    pub unknown: u64,
    /// What stood in the way of the others.
    pub held: BTreeMap<Held, u64>,
    /// Success among the decided attempts.
    pub attack_success: Measurement,
    /// The same for attempts as they were drawn, and for converted ones.
    pub by_dress: Vec<Measurement>,
    /// The same by variant.
    pub variants: Vec<Measurement>,
    /// Some that succeeded.
    pub examples: Vec<Example>,
}

/// A successful attack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Example {
    /// The attempt.
    pub id: String,
    /// Its variant.
    pub variant: String,
    /// Its converters.
    pub chain: Vec<String>,
    /// What the attacker wrote, one text a run.
    pub attack: Vec<String>,
    /// The beginning of what came back.
    pub reply: String,
    /// What proves the success.
    pub proof: String,
}

/// What the search found for a family that had held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SearchResult {
    /// The family.
    pub family: String,
    /// Attempts spent on it.
    pub attempts: u64,
    /// The attempt that got through, counted from 1.
    pub bypass_after: Option<u64>,
    /// It.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Example>,
}

impl Campaign {
    /// The report on what was recorded so far. `target` is what readers know the target by.
    #[must_use]
    pub fn report(&self, target: impl Into<String>) -> Report {
        let confidence = self.config().confidence;
        let planned: Vec<&Record> = self.records().iter().filter(|r| !r.id.contains("-search-")).collect();
        let families = self.config().families.iter().filter_map(|id| {
            let family = family(id)?;
            let of: Vec<&Record> =
                planned.iter().copied().filter(|r| r.recipe.purpose == Purpose::Attack(id.clone())).collect();
            (!of.is_empty()).then(|| self.family_result(family, &of))
        });
        let benign: Vec<&Record> =
            planned.iter().copied().filter(|r| matches!(r.recipe.purpose, Purpose::Task(_))).collect();
        let hard: Vec<&Record> =
            planned.iter().copied().filter(|r| matches!(r.recipe.purpose, Purpose::HardRequest(_))).collect();
        let attacks: Vec<&Record> =
            planned.iter().copied().filter(|r| matches!(r.recipe.purpose, Purpose::Attack(_))).collect();
        Report {
            target: target.into(),
            scenario: self.scenario().name.clone(),
            scenario_digest: self.scenario().digest(),
            config: self.config().clone(),
            families: families.collect(),
            converters: by(&attacks, |r| r.recipe.chain.clone(), "converter", confidence),
            benign_success: (!benign.is_empty())
                .then(|| rate("benign-success", &benign, Outcome::succeeded, confidence)),
            over_refusal: (!hard.is_empty())
                .then(|| rate("over-refusal", &hard, |o| o.held_by().is_some(), confidence)),
            search: self.search_results(),
            agreement: self.agreement.clone(),
            skipped: self.skipped().to_vec(),
            requests: self.records().iter().map(|r| r.answer.requests as u64).sum(),
            unknown: self.records().iter().filter(|r| r.answer.outcome.is_unknown()).count() as u64,
            stopped: self.stopped.clone(),
        }
    }

    fn family_result(&self, family: &Family, records: &[&Record]) -> FamilyResult {
        let confidence = self.config().confidence;
        let mut held = BTreeMap::new();
        for by in records.iter().filter_map(|r| r.answer.outcome.held_by()) {
            *held.entry(by).or_default() += 1;
        }
        let succeeded: Vec<&&Record> = records.iter().filter(|r| r.answer.outcome.succeeded()).collect();
        let dress =
            |r: &Record| vec![if r.recipe.chain.is_empty() { "plain" } else { "converted" }.to_owned()];
        FamilyResult {
            id: family.id.to_owned(),
            title: family.title.to_owned(),
            attempts: records.len() as u64,
            succeeded: succeeded.len() as u64,
            unknown: records.iter().filter(|r| r.answer.outcome.is_unknown()).count() as u64,
            held,
            attack_success: rate("attack-success", records, Outcome::succeeded, confidence)
                .of_slice(format!("family={}", family.id)),
            by_dress: by(records, dress, "dress", confidence),
            variants: by(records, |r| vec![r.variant.clone()], "variant", confidence),
            examples: succeeded.iter().take(EXAMPLES).filter_map(|r| self.example(r)).collect(),
        }
    }

    fn search_results(&self) -> Vec<SearchResult> {
        let Some(search) = self.search() else { return Vec::new() };
        let found = |id: &str| {
            self.records().iter().find(|r| {
                r.id.contains("-search-")
                    && r.recipe.purpose == Purpose::Attack(id.to_owned())
                    && r.answer.outcome.succeeded()
            })
        };
        search
            .families()
            .map(|(id, pool)| SearchResult {
                family: id.clone(),
                attempts: pool.spent as u64,
                bypass_after: pool.bypass.map(|n| n as u64),
                example: pool.bypass.and_then(|_| found(id)).and_then(|r| self.example(r)),
            })
            .collect()
    }

    fn example(&self, record: &Record) -> Option<Example> {
        let Outcome::Succeeded { proof } = &record.answer.outcome else { return None };
        let attempt =
            Attempt::build(&record.id, self.scenario(), &record.recipe, self.config().judged).ok()?;
        Some(Example {
            id: record.id.clone(),
            variant: record.variant.clone(),
            chain: record.recipe.chain.clone(),
            attack: attempt.probe.attack_texts().into_iter().map(str::to_owned).collect(),
            reply: record.answer.reply.clone(),
            proof: proof.clone(),
        })
    }
}

/// A share of the decided records.
fn rate(name: &str, records: &[&Record], hit: impl Fn(&Outcome) -> bool, confidence: f64) -> Measurement {
    let decided: Vec<&Outcome> =
        records.iter().map(|r| &r.answer.outcome).filter(|o| !o.is_unknown()).collect();
    let hits = decided.iter().filter(|o| hit(o)).count() as u64;
    Measurement::proportion(name, hits, decided.len() as u64, confidence)
}

/// Attack success by some key.
fn by(
    records: &[&Record],
    keys: impl Fn(&Record) -> Vec<String>,
    slice: &str,
    confidence: f64,
) -> Vec<Measurement> {
    let mut groups: BTreeMap<String, Vec<&Record>> = BTreeMap::new();
    for record in records {
        for key in keys(record) {
            groups.entry(key).or_default().push(record);
        }
    }
    groups
        .into_iter()
        .map(|(key, records)| {
            rate("attack-success", &records, Outcome::succeeded, confidence)
                .of_slice(format!("{slice}={key}"))
        })
        .collect()
}

impl Report {
    /// Everything measured, for evidence.
    #[must_use]
    pub fn measurements(&self) -> Vec<Measurement> {
        let families = self.families.iter().map(|f| f.attack_success.clone());
        let benign = [&self.benign_success, &self.over_refusal].into_iter().flatten().cloned();
        let kappa = self.agreement.iter().filter_map(|a| {
            let mut m = Measurement::new("judge-kappa", a.kappa?, proofhouse_core::Unit::Statistic);
            m.n = Some(a.n);
            m.interval.clone_from(&a.interval);
            Some(m)
        });
        families.chain(benign).chain(kappa).collect()
    }

    /// A finding for every family in which an attack succeeded, planned or found by the search. The place is
    /// the attempt within the scenario.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let planned = self.families.iter().filter(|f| f.succeeded > 0).filter_map(|f| {
            let example = f.examples.first()?;
            let rate = f.attack_success.value * 100.0;
            let message = format!(
                "{}: {} of {} attacks succeeded ({rate:.0} %); for example {}",
                f.title, f.succeeded, f.attempts, example.proof
            );
            Some((f.id.as_str(), message, example))
        });
        let searched = self.search.iter().filter_map(|s| {
            let (after, example) = (s.bypass_after?, s.example.as_ref()?);
            let title = family(&s.family)?.title;
            let message =
                format!("{title}: the search got through after {after} attempts; {}", example.proof);
            Some((s.family.as_str(), message, example))
        });
        planned
            .chain(searched)
            .filter_map(|(id, message, example)| {
                let family = family(id)?;
                Some(Finding {
                    rule: family.rule(),
                    severity: family.severity,
                    message,
                    place: Place::file(format!("scenario/{}", self.scenario)).within(&example.id),
                    remediation: family.remedy.to_owned(),
                    references: family.references(),
                })
            })
            .collect()
    }

    /// Whether it ran to its end.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.stopped.is_none()
    }
}
