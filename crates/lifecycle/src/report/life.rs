//! One life out of a ledger that holds many: of other systems, of earlier runs, of other environments.
//!
//! Entries about releases, instances and recalls name their environment. The others (plans, evidence,
//! scores, signals) belong to the run they were written in; outside of a run they belong to everybody.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, SubjectKind, Timestamp};
use proofhouse_ledger::body::SubjectRecorded;
use proofhouse_ledger::{Entry, EventKind};

use crate::house::House;
use crate::{LifecycleError, Project};

/// Every kind that a report reads whole. Audit records are many; they are counted page by page.
const KINDS: &[EventKind] = &[
    EventKind::RunStarted,
    EventKind::RunFinished,
    EventKind::SystemRegistered,
    EventKind::ThreatsDerived,
    EventKind::ThreatChanged,
    EventKind::ThreatReopened,
    EventKind::WaiverGranted,
    EventKind::PlanWritten,
    EventKind::SubjectRecorded,
    EventKind::EvidenceRecorded,
    EventKind::GateDecided,
    EventKind::ReleaseMade,
    EventKind::InstanceStarted,
    EventKind::InstanceStopped,
    EventKind::TrafficObserved,
    EventKind::SignalRaised,
    EventKind::RecallOrdered,
    EventKind::RecallCertified,
    EventKind::RiskScored,
];

/// A run's place in the ledger: from its first entry up to, and without, `end`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    environment: String,
    number: u64,
    first: u64,
    end: u64,
}

/// The entries of one life.
pub(super) struct Life {
    pub environment: String,
    run: Option<Span>,
    others: Vec<Span>,
    entries: BTreeMap<EventKind, Vec<Entry>>,
}

impl Life {
    pub async fn of(
        house: &House,
        project: &Project,
        environment: Option<&str>,
    ) -> Result<Self, LifecycleError> {
        let mut entries = BTreeMap::new();
        for kind in KINDS {
            entries.insert(*kind, house.entries_of(*kind).await?);
        }
        let known = known(project, &entries);
        for list in entries.values_mut() {
            list.retain(|e| concerns(e, project, &known));
        }
        let mut others = spans(&entries);
        let deployed = project.system.deployment.as_ref().map(|d| d.environment.to_string());
        let newest = others.last().map(|s| s.environment.clone());
        let default = newest.or(deployed.clone()).unwrap_or_else(|| "not deployed".to_owned());
        let chosen = environment.map_or(default, str::to_owned);
        let run = others.iter().position(|s| s.environment == chosen).map(|i| others.remove(i));
        let life = Self { environment: chosen, run, others, entries };
        let is_known = life.run.is_some()
            || deployed.as_ref() == Some(&life.environment)
            || KINDS.iter().any(|kind| life.own(*kind).next().is_some());
        if environment.is_some() && !is_known {
            return Err(LifecycleError::Order(format!(
                "the ledger has no life of {} in {}; `proofhouse status` lists those there are",
                project.id(),
                life.environment
            )));
        }
        Ok(life)
    }

    /// What the report calls this life.
    pub fn run_name(&self) -> String {
        match &self.run {
            Some(run) => format!("run {} ({})", run.number, run.environment),
            None => format!("{}, step by step", self.environment),
        }
    }

    /// When the run began, where this life is a run. Steps taken one by one may lie hours apart.
    pub fn began(&self) -> Option<Timestamp> {
        let run = self.run.as_ref()?;
        self.everywhere(EventKind::RunStarted).find(|e| e.seq == run.first).map(|e| e.at)
    }

    /// Entries of a kind that is not bound to an environment.
    pub fn all(&self, kind: EventKind) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.get(&kind).into_iter().flatten().filter(|e| match &self.run {
            Some(run) => (run.first..run.end).contains(&e.seq),
            None => true,
        })
    }

    /// The latest of them.
    pub fn newest(&self, kind: EventKind) -> Option<&Entry> {
        self.all(kind).next_back()
    }

    /// Entries of a kind that name this environment.
    pub fn own(&self, kind: EventKind) -> impl DoubleEndedIterator<Item = &Entry> {
        self.everywhere(kind).filter(|e| environment_of(e) == Some(self.environment.as_str()))
    }

    /// Entries of a kind wherever they were written.
    pub fn everywhere(&self, kind: EventKind) -> impl DoubleEndedIterator<Item = &Entry> {
        self.entries.get(&kind).into_iter().flatten()
    }

    /// Whether an entry that names no environment was written in this one: in its run, or in none.
    pub fn holds(&self, seq: u64) -> bool {
        match &self.run {
            Some(run) => (run.first..run.end).contains(&seq),
            None => !self.others.iter().any(|s| (s.first..s.end).contains(&seq)),
        }
    }

    /// The newest model that was taken in under the name the system file gives it.
    pub fn model(&self, project: &Project) -> Option<Digest> {
        let name = project.system.model.as_ref()?.id.to_string();
        self.subjects()
            .into_iter()
            .find(|(kind, of, _)| *kind == SubjectKind::Model && *of == name)
            .map(|s| s.2)
    }

    /// What was taken in: of each kind and name the newest.
    pub fn subjects(&self) -> Vec<(SubjectKind, String, Digest)> {
        let mut newest = BTreeMap::new();
        for entry in self.all(EventKind::SubjectRecorded) {
            let body: Option<SubjectRecorded> = serde_json::from_value(entry.body.clone()).ok();
            if let (Some(body), Some(digest)) = (body, entry.subject) {
                newest.insert((body.kind.to_string(), body.name), (body.kind, digest));
            }
        }
        newest.into_iter().map(|((_, name), (kind, digest))| (kind, name, digest)).collect()
    }
}

/// A text field of a body.
pub(super) fn text_in<'e>(entry: &'e Entry, field: &str) -> Option<&'e str> {
    entry.body.get(field)?.as_str()
}

/// The environment that an entry names, itself or in its target.
fn environment_of(entry: &Entry) -> Option<&str> {
    text_in(entry, "environment").or_else(|| text_in(entry, "target")?.split('/').next())
}

/// A digest in a body.
pub(super) fn digest_in(entry: &Entry, field: &str) -> Option<Digest> {
    text_in(entry, field)?.parse().ok()
}

/// Digests that belong to this system: its files, and what was taken in for it.
fn known(project: &Project, entries: &BTreeMap<EventKind, Vec<Entry>>) -> BTreeSet<Digest> {
    let of = |kind: EventKind, field: &'static str| {
        entries
            .get(&kind)
            .into_iter()
            .flatten()
            .filter(move |e| text_in(e, field) == Some(project.id()))
            .filter_map(|e| e.subject)
    };
    of(EventKind::SystemRegistered, "name")
        .chain(of(EventKind::SubjectRecorded, "system"))
        .chain([project.digest])
        .collect()
}

fn concerns(entry: &Entry, project: &Project, known: &BTreeSet<Digest>) -> bool {
    let field = if entry.kind == EventKind::SystemRegistered { "name" } else { "system" };
    match text_in(entry, field) {
        Some(system) => system == project.id(),
        None => entry.subject.is_none_or(|d| known.contains(&d)),
    }
}

/// The runs, in their order. One that was cut off before it could end reaches up to the next, or to where
/// another environment is spoken of: a house is held by one run or deployment at a time.
fn spans(entries: &BTreeMap<EventKind, Vec<Entry>>) -> Vec<Span> {
    let of = |kind: EventKind| entries.get(&kind).into_iter().flatten();
    of(EventKind::RunStarted)
        .zip(1..)
        .filter_map(|(start, count)| {
            let environment = text_in(start, "environment")?.to_owned();
            let after = entries.values().flatten().filter(|e| e.seq > start.seq);
            let finished = of(EventKind::RunFinished)
                .find(|e| e.seq > start.seq && text_in(e, "environment") == Some(&environment))
                .map(|e| e.seq + 1);
            let cut_off = after
                .filter(|e| environment_of(e).is_some_and(|named| named != environment))
                .map(|e| e.seq)
                .min();
            Some(Span {
                number: start.body.get("run").and_then(serde_json::Value::as_u64).unwrap_or(count),
                environment,
                first: start.seq,
                end: finished.or(cut_off).unwrap_or(u64::MAX),
            })
        })
        .collect()
}
