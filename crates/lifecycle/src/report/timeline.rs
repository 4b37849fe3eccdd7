//! The stages of the life that ran: when, how they ended, what came out in one sentence, and where in the
//! ledger that is written.

use proofhouse_core::{Timestamp, Verdict};
use proofhouse_ledger::{Entry, EventKind};
use proofhouse_report::input::{self, SeqRange, Stage, StageKind, StageOutcome};
use serde_json::Value;

use super::Source;
use super::instances::Audited;
use super::life::text_in;
use super::recall::Recalled;

/// The parts of the report that stages are told from.
pub(super) struct Facts<'a> {
    pub gate: Option<&'a input::Gate>,
    pub instances: &'a [input::Instance],
    pub traffic: Option<&'a Audited>,
    pub drift: Option<&'a input::Drift>,
    pub recall: Option<&'a Recalled>,
    pub risk: Option<&'a input::Risk>,
}

impl Source<'_> {
    pub(super) fn timeline(&self, facts: &Facts<'_>) -> Vec<Stage> {
        let stages = [
            self.described(),
            self.planned_stage(),
            self.assessed(),
            self.decided(facts),
            self.released(),
            self.deployed(facts),
            self.observed(facts),
            self.recalled(facts),
            self.fed_back(facts),
        ];
        let mut stages: Vec<Stage> = stages.into_iter().flatten().collect();
        if let Some(began) = self.life.began() {
            follow(&mut stages, began);
        }
        stages
    }

    fn described(&self) -> Option<Stage> {
        let entry = self.life.newest(EventKind::SystemRegistered)?;
        let system = &self.project.system;
        let changed = entry.subject != Some(self.project.digest);
        let mut note = format!(
            "{}, {} and {} are described",
            counted(system.components.len(), "component"),
            counted(system.flows.len(), "flow"),
            counted(system.actors.len(), "actor")
        );
        if changed {
            note.push_str("; the system file was changed since it was registered, plan again");
        }
        let outcome = if changed { StageOutcome::Attention } else { StageOutcome::Done };
        Some(stage(StageKind::Describe, &[entry], outcome, note))
    }

    fn planned_stage(&self) -> Option<Stage> {
        let derived = self.life.newest(EventKind::ThreatsDerived)?;
        let written = self.life.newest(EventKind::PlanWritten);
        let listed = derived.body.get("threats").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let with = |state: &str| {
            listed.iter().filter(|t| t.get("state").and_then(Value::as_str) == Some(state)).count()
        };
        let tests = written.and_then(|e| e.body.get("tests")).and_then(Value::as_u64);
        let questions = self.questions().len();
        let note = format!(
            "{} of {} threats apply and {} are undecided; {} planned, {} open",
            with("open"),
            listed.len(),
            with("unknown"),
            tests.map_or_else(|| "no test is".to_owned(), |n| format!("{n} tests are")),
            counted(questions, "question")
        );
        let outcome = if questions == 0 { StageOutcome::Done } else { StageOutcome::Attention };
        let entries: Vec<&Entry> = [Some(derived), written].into_iter().flatten().collect();
        Some(stage(StageKind::Plan, &entries, outcome, note))
    }

    /// The newest assessment: from the subjects it took in up to the gate, the package's checks included.
    fn assessed(&self) -> Option<Stage> {
        let (first, last) = (self.results.iter().next()?.seq, self.results.iter().next_back()?.seq);
        let gate = self.gate_entry().map(|e| e.seq).filter(|seq| *seq > first).unwrap_or(u64::MAX);
        let taken_in = self.life.all(EventKind::SubjectRecorded).filter(|e| e.seq < first);
        // Subjects are recorded together; the batch before the first result began the assessment.
        let began = taken_in.rev().take_while(contiguous()).last();
        let results: Vec<_> = self.results.iter().filter(|e| e.seq < gate).collect();
        let with = |v| results.iter().filter(|e| e.result().verdict == v).count();
        let (passed, failed, unknown) = (with(Verdict::Pass), with(Verdict::Fail), with(Verdict::Unknown));
        let note = format!(
            "{}: {passed} pass, {failed} fail, {unknown} could not tell",
            counted(results.len(), "signed result")
        );
        let outcome = if failed + unknown == 0 { StageOutcome::Done } else { StageOutcome::Attention };
        let recorded = self
            .life
            .all(EventKind::EvidenceRecorded)
            .filter(|e| (first..=last).contains(&e.seq) && e.seq < gate);
        let entries: Vec<&Entry> = began.into_iter().chain(recorded).collect();
        (!entries.is_empty()).then(|| stage(StageKind::Assess, &entries, outcome, note))
    }

    fn decided(&self, facts: &Facts<'_>) -> Option<Stage> {
        let (entry, gate) = (self.gate_entry()?, facts.gate?);
        let waived = gate.reasons.iter().filter(|r| r.waived.is_some()).count();
        let note = format!(
            "{} after reading {}: {} against it, {waived} waived, {}",
            if gate.allow { "allowed" } else { "refused" },
            counted(gate.evidence.len(), "signed result"),
            counted(gate.reasons.len() - waived, "reason"),
            counted(gate.warnings.len(), "warning"),
        );
        let outcome = if gate.allow { StageOutcome::Done } else { StageOutcome::Failed };
        Some(stage(StageKind::Gate, &[entry], outcome, note))
    }

    fn released(&self) -> Option<Stage> {
        let entry = self.release_entry()?;
        let text = |field| text_in(entry, field).unwrap_or("not named");
        let note = format!("{} released as {}", text("name"), text("id"));
        Some(stage(StageKind::Release, &[entry], StageOutcome::Done, note))
    }

    fn deployed(&self, facts: &Facts<'_>) -> Option<Stage> {
        let decided = self
            .life
            .own(EventKind::GateDecided)
            .rev()
            .find(|e| text_in(e, "entrypoint") == Some("deploy"))?;
        let allowed = decided.body.get("allow").and_then(Value::as_bool) == Some(true);
        let starts = self.starts();
        let starts: Vec<&Entry> = starts.into_iter().filter(|e| e.seq > decided.seq).collect();
        let proved = facts.instances.iter().filter(|i| i.proven.is_some() && i.proven == self.model).count();
        let (outcome, note) = match (allowed, starts.len()) {
            (false, _) => (StageOutcome::Failed, "the deploy policy refused; nothing was started".to_owned()),
            (true, 0) => (StageOutcome::Failed, "allowed, but no instance has started".to_owned()),
            (true, n) => {
                let note = format!("{} started, {proved} proved the released digest", counted(n, "instance"));
                let done = if proved == facts.instances.len() {
                    StageOutcome::Done
                } else {
                    StageOutcome::Attention
                };
                (done, note)
            }
        };
        let entries: Vec<&Entry> = [decided].into_iter().chain(starts).collect();
        Some(stage(StageKind::Deploy, &entries, outcome, note))
    }

    fn observed(&self, facts: &Facts<'_>) -> Option<Stage> {
        let observed: Vec<&Entry> = self.life.own(EventKind::TrafficObserved).collect();
        let signals = self.signal_entries();
        let judged: Vec<&Entry> = self
            .life
            .own(EventKind::GateDecided)
            .filter(|e| signals.iter().any(|s| text_in(e, "signal") == text_in(s, "id")))
            .collect();
        let entries = observed.into_iter().chain(signals.iter().copied()).chain(judged.iter().copied());
        let mut places: Vec<(u64, Timestamp)> = entries.map(|e| (e.seq, e.at)).collect();
        places.extend(facts.traffic.iter().flat_map(|t| [t.first, t.last]));
        let (first, last) = (places.iter().min()?, places.iter().max()?);
        let requests: u64 = facts.traffic.map_or(0, |t| t.shown.by_status.values().sum());
        let answered: u64 = facts.traffic.map_or(0, |t| {
            t.shown.by_status.iter().filter(|(s, _)| (200..300).contains(*s)).map(|(_, n)| n).sum()
        });
        let looks = facts.drift.map_or(0, |d| d.looks.len());
        let serving = facts.instances.iter().any(|i| i.stopped.is_none());
        let mut note = format!(
            "{} arrived, {answered} answered by the model; {}, {} raised",
            counted(usize::try_from(requests).unwrap_or(usize::MAX), "request"),
            counted(looks, "look"),
            counted(signals.len(), "signal")
        );
        if let Some(action) = judged.last().and_then(|e| text_in(e, "action")) {
            note.push_str(&format!("; the runtime policy answered: {action}"));
        }
        Some(Stage {
            kind: StageKind::Observe,
            started: first.1,
            finished: (!serving).then_some(last.1),
            outcome: match (signals.is_empty(), serving) {
                (false, _) => StageOutcome::Attention,
                (true, true) => StageOutcome::Running,
                (true, false) => StageOutcome::Done,
            },
            note,
            ledger: Some(SeqRange { first: first.0, last: last.0 }),
        })
    }

    fn recalled(&self, facts: &Facts<'_>) -> Option<Stage> {
        let recall = facts.recall?;
        let shown = &recall.shown;
        let proven = shown.proofs.iter().filter(|p| p.at.is_some()).count();
        let certified = shown.certificate.as_ref();
        let note = match certified {
            Some(_) => {
                format!(
                    "{proven} of {} proven stopped, and certified",
                    counted(shown.proofs.len(), "instance")
                )
            }
            None => format!(
                "{proven} of {} recorded as stopped; no certificate",
                counted(shown.proofs.len(), "instance")
            ),
        };
        Some(Stage {
            kind: StageKind::Recall,
            started: shown.ordered_at,
            finished: certified.map(|c| c.issued_at),
            outcome: if certified.is_some() { StageOutcome::Done } else { StageOutcome::Running },
            note,
            ledger: Some(SeqRange { first: shown.ledger_seq, last: recall.last }),
        })
    }

    fn fed_back(&self, facts: &Facts<'_>) -> Option<Stage> {
        let reopened: Vec<&Entry> = self.life.all(EventKind::ThreatReopened).collect();
        let first = reopened.first()?.seq;
        let scored = self.life.all(EventKind::RiskScored).filter(|e| e.seq > first);
        let mut note = format!("{} open again", counted(reopened.len(), "threat"));
        if let Some(risk) = facts.risk
            && let [.., before, after] = risk.curves.as_slice()
        {
            note.push_str(&format!(
                "; mean yearly loss {:.0} {c} {}, {:.0} {c} {}",
                before.mean.value,
                before.name,
                after.mean.value,
                after.name,
                c = risk.currency
            ));
        }
        let entries: Vec<&Entry> = reopened.iter().copied().chain(scored).collect();
        Some(stage(StageKind::Feedback, &entries, StageOutcome::Attention, note))
    }
}

/// In a run stages follow each other without a pause, and most write only when they are done: such a stage
/// began when the one before ended. A recall is timed from its order, as its certificate is.
fn follow(stages: &mut [Stage], began: Timestamp) {
    let mut before = began;
    for stage in stages {
        if stage.kind != StageKind::Recall && stage.started > before {
            stage.started = before;
        }
        before = stage.finished.unwrap_or(before).max(before);
    }
}

/// A stage that is over, from its entries, oldest first.
fn stage(kind: StageKind, entries: &[&Entry], outcome: StageOutcome, note: String) -> Stage {
    let (first, last) = (entries.first(), entries.last());
    let time = |e: Option<&&Entry>| e.map_or(Timestamp::from_unix_ms(0), |e| e.at);
    Stage {
        kind,
        started: time(first),
        finished: Some(time(last)),
        outcome,
        note,
        ledger: first.zip(last).map(|(f, l)| SeqRange { first: f.seq, last: l.seq }),
    }
}

/// Accepts entries as long as each lies right before the one accepted last.
fn contiguous() -> impl FnMut(&&Entry) -> bool {
    let mut expected: Option<u64> = None;
    move |entry| {
        let fits = expected.is_none_or(|seq| seq == entry.seq);
        expected = entry.seq.checked_sub(1);
        fits
    }
}

fn counted(n: usize, one: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_of_a_run_begin_where_the_one_before_ended() {
        let at = Timestamp::from_unix_ms;
        let one = |kind, from, to: Option<i64>| Stage {
            kind,
            started: at(from),
            finished: to.map(at),
            outcome: StageOutcome::Done,
            note: String::new(),
            ledger: None,
        };
        let mut stages = [
            one(StageKind::Describe, 10, Some(10)),
            one(StageKind::Gate, 40, Some(40)),
            one(StageKind::Observe, 45, Some(90)),
            one(StageKind::Recall, 70, Some(80)),
            one(StageKind::Feedback, 95, None),
        ];
        follow(&mut stages, at(4));
        let began: Vec<i64> = stages.iter().map(|s| s.started.unix_ms()).collect();
        // The recall keeps its own time, and overlaps with the traffic that goes on being refused.
        assert_eq!(began, [4, 10, 40, 70, 90]);
    }
}
