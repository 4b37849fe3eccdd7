//! Why a threat is open. That a check failed and that no check speaks about it are different news, and one
//! number for both frightens or comforts without reason.

use proofhouse_core::{Freshness, ThreatState, Verdict};

use crate::input::{TestStatus, Threat};
use crate::{ReportInput, number};

/// Why a threat is open or stale, what weighs most first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// A result about it fails.
    Failed,
    /// A signal re-opened it.
    Reopened,
    /// A result about it is stale or could not tell.
    Unclear,
    /// What ran passes, and the threat is open all the same.
    Partly,
    /// This build has a check for it that has not run.
    Due,
    /// No check of this build speaks about it.
    NoCheck,
    /// All that answers it is the judgement of a person.
    Person,
}

impl Why {
    const ALL: [Self; 7] =
        [Self::Failed, Self::Reopened, Self::Unclear, Self::Partly, Self::Due, Self::NoCheck, Self::Person];

    /// As a heading over the threats it holds for.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Failed => "A check failed",
            Self::Reopened => "Re-opened by a signal",
            Self::Unclear => "Evidence is stale or could not tell",
            Self::Partly => "Tested in part",
            Self::Due => "A check is due",
            Self::NoCheck => "Untested: no check in this build",
            Self::Person => "Left to a person",
        }
    }

    /// What it means, in a sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Failed => "A signed result says that a criterion is not met.",
            Self::Reopened => "A fact of the running system speaks against them, whatever passed before.",
            Self::Unclear => "There is a result, and it does not say how things stand now.",
            Self::Partly => {
                "What ran passes and has not settled them: that takes a person, a further check or a new decision."
            }
            Self::Due => "This build has a check for them that has left no result yet.",
            Self::NoCheck => "Nothing is known against them and nothing for them.",
            Self::Person => "No program can answer them.",
        }
    }

    /// What one threat does and what several do, after their number.
    fn verbs(self) -> (&'static str, &'static str) {
        match self {
            Self::Failed => ("failed a check", "failed a check"),
            Self::Reopened => ("was re-opened by a signal", "were re-opened by a signal"),
            Self::Unclear => {
                ("has evidence that is stale or unclear", "have evidence that is stale or unclear")
            }
            Self::Partly => ("is tested in part", "are tested in part"),
            Self::Due => ("waits for a check", "wait for a check"),
            Self::NoCheck => {
                ("has no check in this build and is untested", "have no check in this build and are untested")
            }
            Self::Person => ("is left to a person", "are left to a person"),
        }
    }
}

/// Whether a threat counts as open.
pub fn is_open(threat: &Threat) -> bool {
    matches!(threat.state, ThreatState::Open | ThreatState::Stale)
}

/// Why an open threat is open.
pub fn why(input: &ReportInput, threat: &Threat) -> Why {
    let results: Vec<_> = input.evidence.iter().filter(|e| threat.evidence.contains(&e.id)).collect();
    if results.iter().any(|e| e.verdict == Verdict::Fail) {
        return Why::Failed;
    }
    if threat.reopened_by.is_some() {
        return Why::Reopened;
    }
    let clear = |verdict, freshness: &Freshness| verdict == Verdict::Pass && *freshness == Freshness::Fresh;
    // Evidence that is named and not on the page cannot be judged here.
    let judged = results.len() == threat.evidence.len();
    if threat.state == ThreatState::Stale
        || !judged
        || results.iter().any(|e| !clear(e.verdict, &e.freshness))
    {
        return Why::Unclear;
    }
    if !results.is_empty() {
        return Why::Partly;
    }
    if input.plan.is_empty() {
        return Why::Due;
    }
    let planned = input.plan.iter().filter(|c| c.threats.contains(&threat.id));
    let whys = planned.map(|check| match check.status {
        TestStatus::Ran | TestStatus::NotRun(_) => Why::Due,
        TestStatus::NotImplemented => Why::NoCheck,
        TestStatus::ByPerson => Why::Person,
    });
    whys.min().unwrap_or(Why::NoCheck)
}

/// How many threats are open for which reason, without those that hold for none.
pub fn split(input: &ReportInput) -> Vec<(Why, usize)> {
    let whys: Vec<Why> = input.threats.iter().filter(|t| is_open(t)).map(|t| why(input, t)).collect();
    let n = |why| whys.iter().filter(|w| **w == why).count();
    Why::ALL.into_iter().map(|why| (why, n(why))).filter(|(_, n)| *n > 0).collect()
}

/// The split as parts of a sentence: a number with what so many threats do.
pub fn parts(split: &[(Why, usize)]) -> Vec<String> {
    split
        .iter()
        .map(|(why, n)| {
            let (one, several) = why.verbs();
            number::counted(*n, one, several)
        })
        .collect()
}
