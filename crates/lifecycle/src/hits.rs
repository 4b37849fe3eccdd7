//! The guard's hit rate: how many requests of a window it saw an attack in, or stopped an effect of, held
//! against the rate of recorded ordinary conversations. A rate that jumps says that somebody has begun to
//! try, or that something the model reads has been changed.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, Severity};
use proofhouse_dialogue::{Origin, Trust};
use proofhouse_drift::rate::{Rate, RateLook, RateMonitor};
use proofhouse_drift::{AlarmBudget, EffectFloor};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::SignalRaised;
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use crate::data::Datasets;
use crate::house::House;
use crate::language::{Boundary, Guarded, Seen, chats};
use crate::looks::LookRecord;
use crate::model::ModelUnderTest;
use crate::observe::RaisedSignal;
use crate::{LifecycleError, Project};

/// What reports and signals call it.
pub const HIT_RATE: &str = "guard hit rate";
/// A rate this much above the ordinary one is no nuisance any more.
const CRITICAL_SHARE: f64 = 0.3;
/// Sources that a signal names.
const NAMED_SOURCES: usize = 5;

/// One request, as far as the watch needs it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Whether it counts.
    pub hit: bool,
    /// Where the texts come from that made it count.
    pub sources: Vec<String>,
}

impl From<&Seen> for Request {
    fn from(seen: &Seen) -> Self {
        Self { hit: seen.is_hit(), sources: seen.attacks.clone() }
    }
}

/// The monitor of a deployment's guard.
pub struct HitWatch {
    monitor: RateMonitor,
    window: usize,
    /// Origins that the operator vouches for, as records write them.
    vouched: BTreeSet<String>,
    /// Tools that only read.
    readers: BTreeSet<String>,
}

impl HitWatch {
    /// Counts the hits of the recorded conversations that the system file names as ordinary, with the same
    /// guard and model.
    pub fn new(
        project: &Project,
        model: &ModelUnderTest,
        datasets: &Datasets,
    ) -> Result<Self, LifecycleError> {
        let check = project.system.checks.hit_rate.as_ref().ok_or_else(|| {
            LifecycleError::Order(
                "the system file has no checks.hit_rate; add it to watch a model that writes".to_owned(),
            )
        })?;
        let assistant = model.assistant()?;
        let boundary = Boundary::of(project, datasets, assistant)?;
        let guarded = Guarded::new(&boundary)?;
        let language = model.language()?;
        let recorded =
            chats(datasets.get(&check.reference)?, model.spec().id.as_str(), assistant, &boundary.labelling)?;
        let hits = recorded
            .par_iter()
            .filter(|chat| guarded.watched(&*language, &chat.conversation).1.is_hit())
            .count() as u64;
        let reference = Rate { hits, of: recorded.len() as u64 };
        let monitor = RateMonitor::new(reference, budget(project)?, EffectFloor::default());
        Ok(Self {
            monitor,
            window: usize::try_from(check.window.get()).unwrap_or(usize::MAX),
            vouched: vouched(&boundary),
            readers: readers(&boundary),
        })
    }

    /// What counts of a request that a gateway observed: where its texts come from that look like an attack,
    /// and the tools whose calls were withheld. The same counts as in the reference.
    #[must_use]
    pub fn request(&self, attacks: &[String], withheld: &[String]) -> Request {
        let sources: Vec<String> = attacks.iter().filter(|s| !self.vouched.contains(*s)).cloned().collect();
        let effect_stopped = withheld.iter().any(|tool| !self.readers.contains(tool));
        Request { hit: !sources.is_empty() || effect_stopped, sources }
    }

    /// Requests in one look.
    #[must_use]
    pub const fn window(&self) -> usize {
        self.window
    }

    /// The monitor.
    #[must_use]
    pub const fn monitor(&self) -> &RateMonitor {
        &self.monitor
    }

    /// One look.
    #[must_use]
    pub fn look(&self, requests: &[Request]) -> RateLook {
        let hits = requests.iter().filter(|r| r.hit).count() as u64;
        self.monitor.look(Rate { hits, of: requests.len() as u64 })
    }
}

/// Origins whose own label is trusted. Within a user's message their text has the user's trust only.
fn vouched(boundary: &Boundary) -> BTreeSet<String> {
    let labelling = &boundary.labelling;
    let stated = labelling.stated.iter().flat_map(|(kind, names)| {
        names.iter().filter(|(_, s)| s.trust == Trust::Trusted).map(move |(name, _)| format!("{kind} {name}"))
    });
    let own = [Origin::System, Origin::Operator, Origin::User]
        .into_iter()
        .filter(|origin| labelling.label(origin).trust == Trust::Trusted)
        .map(|origin| origin.to_string());
    stated.chain(own).collect()
}

fn readers(boundary: &Boundary) -> BTreeSet<String> {
    let tools = boundary.policy.tools.iter();
    tools.filter(|(_, rule)| rule.only_reads()).map(|(name, _)| name.to_string()).collect()
}

/// How many false alarms the system file bears, at how many looks.
pub(crate) fn budget(project: &Project) -> Result<AlarmBudget, LifecycleError> {
    let looks = project.system.checks.hit_rate.as_ref().map_or(24.0, |c| c.looks_per_day.get());
    Ok(AlarmBudget::new(project.system.false_hit_alarms_per_year().unwrap_or(1.0), looks)?)
}

impl House {
    /// One look at a window of requests. Returns the signal where there is an alarm.
    pub async fn observe_hits(
        &self,
        project: &Project,
        watch: &HitWatch,
        model: Digest,
        requests: &[Request],
    ) -> Result<(RateLook, Option<RaisedSignal>), LifecycleError> {
        let look = watch.look(requests);
        if !look.alarmed {
            return Ok((look, None));
        }
        let sources = most_frequent(requests);
        let kept = self.keep(&json!({"look": look, "requests": requests})).await?;
        let severity = match look.window.share() - look.reference.share() >= CRITICAL_SHARE {
            true => Severity::Critical,
            false => Severity::High,
        };
        let summary = format!(
            "the guard hit {} of {} requests, {} of {} in ordinary traffic; most in {}; at most {:.3} false alarms a year",
            look.window.hits,
            look.window.of,
            look.reference.hits,
            look.reference.of,
            sources.first().map_or("no one source", String::as_str),
            watch.monitor.budget().alarms_per_year()
        );
        let id = format!("signal-{}", self.ledger().signals(None).await?.len() + 1);
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            raised: SignalRaised,
            look: Digest,
            columns: Vec<String>,
            rows: u64,
            alpha: f64,
        }
        let body = Body {
            raised: SignalRaised {
                id: id.clone(),
                signal: "guard".to_owned(),
                severity,
                summary: summary.clone(),
                system: Some(project.id().to_owned()),
                instance: None,
            },
            look: kept,
            columns: sources.clone(),
            rows: look.window.of,
            alpha: look.alpha,
        };
        let event = self.event(EventKind::SignalRaised, Some(model), &body)?;
        let at = event.at;
        let seq = self.append(&[event]).await?.first_seq;
        let rows = look.window.of;
        let alpha = look.alpha;
        let signal = RaisedSignal {
            id,
            kind: "guard".to_owned(),
            severity,
            summary,
            model,
            look: kept,
            columns: sources,
            rows,
            alpha,
            at,
            seq,
        };
        Ok((look, Some(signal)))
    }
}

/// Sources by how many hits they were in, most first.
fn most_frequent(requests: &[Request]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for source in requests.iter().filter(|r| r.hit).flat_map(|r| &r.sources) {
        *counts.entry(source).or_default() += 1;
    }
    let mut ranked: Vec<(&str, usize)> = counts.into_iter().collect();
    ranked.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    // Policy takes names without spaces.
    ranked.into_iter().take(NAMED_SOURCES).map(|(s, _)| s.replace(' ', ":")).collect()
}

impl LookRecord {
    /// A look at a rate, the last of `seen` requests.
    #[must_use]
    pub fn of_rate(
        look: &RateLook,
        seen: u64,
        at: proofhouse_core::Timestamp,
        signal: Option<&RaisedSignal>,
    ) -> Self {
        let of = look.window.of.max(1) as f64;
        Self {
            at,
            rows: seen,
            column: HIT_RATE.to_owned(),
            distance: look.window.share(),
            line: look.line.map_or(1.0, |l| l as f64 / of),
            alpha: look.alpha,
            floor: EffectFloor::default().0,
            signal: signal.map(|s| s.id.clone()),
            columns: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_of_most_hits_is_named_first() {
        let request = |hit, source: &str| Request { hit, sources: vec![source.to_owned()] };
        let requests =
            [request(true, "web a"), request(true, "tool b"), request(true, "tool b"), request(false, "c")];
        assert_eq!(most_frequent(&requests), ["tool:b", "web:a"]);
    }
}
