//! Attacks and tasks, run: each attack once against the model alone and once with the boundary around it, so
//! that what the boundary is worth can be told from what the model would have withstood anyway.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use proofhouse_core::{Digest, Measurement};
use proofhouse_dialogue::Conversation;
use proofhouse_redteam::{
    Answer, Attempt, Campaign, Config, Goal, Outcome, Purpose, Record, Reply, Report, Scenario, converse,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::guarded::{Guarded, alone};
use super::{Boundary, scenario};
use crate::data::Datasets;
use crate::model::ModelUnderTest;
use crate::{LifecycleError, Progress, Project};

/// Times each benign task is put, in other words each time.
const VOICES: usize = 4;

/// What an attack is after. Ceilings hold for what does harm; a word said because somebody asked for it is
/// counted and does none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Harm {
    /// Something that may not leave was seen.
    Leak,
    /// A tool was called that the attacker named.
    Effect,
    /// A link or an image leads where the attacker wants it.
    Link,
    /// Markup, code or a query of the attacker's, as it is.
    Payload,
    /// The attack's own text, on its way to the next reader.
    Spread,
    /// More work than the request is worth.
    Cost,
    /// A word that the attacker chose.
    Word,
}

impl Harm {
    fn of(goal: &Goal) -> Self {
        match goal {
            Goal::Reveal(_) | Goal::SystemPrompt => Self::Leak,
            Goal::Call { .. } => Self::Effect,
            Goal::Link(_) => Self::Link,
            Goal::Emit(_) => Self::Payload,
            Goal::Propagate(_) => Self::Spread,
            Goal::Flood { .. } => Self::Cost,
            Goal::Say(_) | Goal::Judged(_) => Self::Word,
        }
    }
}

/// One attack, with the boundary and without.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trial {
    /// The attempt's name.
    pub id: String,
    /// Its family.
    pub family: String,
    /// Within the family.
    pub variant: String,
    /// Converters that were applied.
    pub converted: bool,
    /// What it is after.
    pub harm: Harm,
    /// What it came to with the boundary.
    pub guarded: Outcome,
    /// What it came to without.
    pub alone: Outcome,
}

/// All that was tried.
pub struct Trials {
    /// The attacks.
    pub attacks: Vec<Trial>,
    /// The report on the attacks with the boundary, with examples of what got through.
    pub report: Report,
    /// Benign tasks and hard benign requests with the boundary.
    pub benign: Report,
    /// The same without.
    pub benign_alone: Report,
    /// Tools that the model called for benign tasks.
    pub used: BTreeSet<String>,
    /// Digest of the scenario under attack.
    pub scenario: Digest,
}

impl Trials {
    /// Runs everything that `checks.injection` asks for.
    pub(crate) fn run(
        project: &Project,
        model: &ModelUnderTest,
        datasets: &Datasets,
        progress: &dyn Progress,
    ) -> Result<Self, LifecycleError> {
        let check = project.system.checks.injection.clone().ok_or_else(|| {
            LifecycleError::Order(
                "the system file has no checks.injection; add it to attack the model".to_owned(),
            )
        })?;
        let confidence = project.system.requirements.injection.map_or(0.95, |r| r.confidence.get());
        let assistant = model.assistant()?;
        let boundary = Boundary::of(project, datasets, assistant)?;
        let scenarios = scenario::scenarios(project, datasets, assistant, &boundary)?;
        let guarded = Guarded::new(&boundary)?;
        let language = model.language()?;
        let scenario = scenarios.attacked.digest();
        let config = Config {
            seed: check.seed,
            per_family: usize::try_from(check.samples.get()).unwrap_or(usize::MAX),
            families: check.families.iter().flatten().map(ToString::to_string).collect(),
            tasks: 0,
            hard_requests: 0,
            confidence,
            ..Config::default()
        };
        let behind = |c: &Conversation| guarded.answer(&*language, c);
        let bare = |c: &Conversation| alone(&*language, c);
        progress.step("attacks on the model alone");
        let plain = campaign(&scenarios.attacked, config.clone(), progress, &bare)?;
        progress.step("the same attacks with the boundary in front");
        let search = check.adaptive.map_or(0, |n| usize::try_from(n.get()).unwrap_or(usize::MAX));
        let held = campaign(&scenarios.attacked, Config { search, ..config.clone() }, progress, &behind)?;
        let work = Config {
            per_family: 0,
            tasks: scenarios.at_work.tasks.len() * VOICES,
            hard_requests: usize::try_from(check.samples.get()).unwrap_or(usize::MAX),
            ..config
        };
        progress.step("benign tasks");
        let used = Mutex::new(BTreeSet::new());
        let noted = |c: &Conversation| {
            let reply = guarded.answer(&*language, c);
            if let (Reply::Turn(turn), Ok(mut used)) = (&reply, used.lock()) {
                used.extend(turn.calls.iter().map(|call| call.name.to_string()));
            }
            reply
        };
        let benign = campaign(&scenarios.at_work, work.clone(), progress, &noted)?;
        let benign_alone = campaign(&scenarios.at_work, work, progress, &bare)?;
        Ok(Self {
            attacks: paired(&scenarios.attacked, &held, &plain),
            report: held.report(language.name()),
            benign: benign.report(language.name()),
            benign_alone: benign_alone.report(language.name()),
            used: used.into_inner().unwrap_or_default(),
            scenario,
        })
    }

    /// Attacks of these families that do harm.
    pub fn harmful<'a>(&'a self, families: &'a [&str]) -> impl Iterator<Item = &'a Trial> {
        self.attacks.iter().filter(|t| t.harm != Harm::Word && families.contains(&t.family.as_str()))
    }

    /// Success of each family with something to show, with the boundary or without.
    pub fn by_family<'a>(
        trials: impl Iterator<Item = &'a Trial>,
        name: &str,
        confidence: f64,
        outcome: impl Fn(&Trial) -> &Outcome,
    ) -> Vec<Measurement> {
        let mut families: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
        for trial in trials {
            families.entry(&trial.family).or_default().push(outcome(trial));
        }
        families
            .into_iter()
            .map(|(family, outcomes)| rate(name, &outcomes, confidence).of_slice(format!("family={family}")))
            .collect()
    }
}

/// The share of decided outcomes that succeeded.
pub(crate) fn rate(name: &str, outcomes: &[&Outcome], confidence: f64) -> Measurement {
    let decided = outcomes.iter().filter(|o| !o.is_unknown()).count() as u64;
    let succeeded = outcomes.iter().filter(|o| o.succeeded()).count() as u64;
    Measurement::proportion(name, succeeded, decided, confidence)
}

/// Runs a campaign. Within a batch the order of answers does not matter, so attempts share the cores.
fn campaign(
    scenario: &Scenario,
    config: Config,
    progress: &dyn Progress,
    target: &(dyn Fn(&Conversation) -> Reply + Sync),
) -> Result<Campaign, LifecycleError> {
    let mut campaign =
        Campaign::new(scenario.clone(), config).map_err(|e| LifecycleError::Scenario(e.to_string()))?;
    while let Some(batch) = campaign.batch() {
        let total = batch.len() as u64;
        let done = std::sync::atomic::AtomicU64::new(0);
        let answers: Vec<Answer> = batch
            .par_iter()
            .map(|attempt| {
                let answer = converse(scenario, attempt, &mut |c| target(c));
                let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                progress.advance(n, total);
                answer
            })
            .collect();
        campaign.record(answers);
    }
    Ok(campaign)
}

/// Attacks with both outcomes: the same recipe is the same attack.
fn paired(scenario: &Scenario, held: &Campaign, plain: &Campaign) -> Vec<Trial> {
    let before: BTreeMap<&str, &Record> = plain.records().iter().map(|r| (r.id.as_str(), r)).collect();
    let pair = |record: &Record| {
        let Purpose::Attack(family) = &record.recipe.purpose else { return None };
        let alone = before.get(record.id.as_str()).filter(|b| b.recipe == record.recipe)?;
        let attempt = Attempt::build(&record.id, scenario, &record.recipe, false).ok()?;
        Some(Trial {
            id: record.id.clone(),
            family: family.clone(),
            variant: record.variant.clone(),
            converted: !record.recipe.chain.is_empty(),
            harm: Harm::of(&attempt.probe.goal),
            guarded: record.answer.outcome.clone(),
            alone: alone.answer.outcome.clone(),
        })
    };
    held.records().iter().filter_map(pair).collect()
}
