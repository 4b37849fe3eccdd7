//! From a campaign to texts to learn from: attempts that succeeded through the guard although the detector
//! had read their words.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use proofhouse_dialogue::Carrier;
use proofhouse_guard::Guard;
use proofhouse_guard::detect::learn::Lesson;
use proofhouse_guard::detect::{Verdict, plain_order};
use proofhouse_guard::normal::{Budget, normalise};
use proofhouse_redteam::{Answer, Attempt, Campaign, Part, Step};
use serde::{Deserialize, Serialize};

use super::journal::{Answers, Header, read};

/// Fewer characters are words that anybody may write; a part of an attack that was split is often so short.
const SHORTEST: usize = 24;

/// A regression case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The text as the detector read it, in the form in which it came nearest to being found.
    pub text: String,
    /// Whether it attacks.
    pub attack: bool,
    /// What kind of text it is.
    pub carrier: Carrier,
    /// The family of the attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// The attempt that found it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<String>,
}

impl From<&Case> for Lesson {
    fn from(case: &Case) -> Self {
        Self { text: case.text.clone(), attack: case.attack, carrier: case.carrier }
    }
}

/// What was found to learn from.
#[derive(Debug, Default)]
pub struct Found {
    pub cases: Vec<Case>,
    /// Attempts that succeeded through the guard.
    pub through: usize,
    /// Of these, attempts whose words the detectors find when they read them alone: only what stood around
    /// them hid them, and no training changes that.
    pub known: usize,
    /// Of these, attempts without a text that is long enough to say anything.
    pub short: usize,
}

/// Reads a journal, or cases.
pub fn found(bytes: &[u8], guard: &Guard) -> anyhow::Result<Found> {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let first: serde_json::Value = serde_json::from_slice(first)
        .context("line 1 is no JSON: this is neither a journal nor a file of cases")?;
    if first.get("text").is_some() {
        return Ok(Found { cases: cases(bytes)?, ..Found::default() });
    }
    let (header, answers) = read(bytes)?;
    let mut found = Found::default();
    for (attempt, answer) in again(&header, &answers)? {
        if attempt.family().is_none() || !answer.outcome.succeeded() {
            continue;
        }
        found.through += 1;
        match case(guard, &attempt) {
            Missed::Case(case) => found.cases.push(case),
            Missed::Known => found.known += 1,
            Missed::Short => found.short += 1,
        }
    }
    Ok(found)
}

/// Cases, a line each.
pub fn cases(bytes: &[u8]) -> anyhow::Result<Vec<Case>> {
    let text = std::str::from_utf8(bytes)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(n, line)| serde_json::from_str(line).with_context(|| format!("line {}", n + 1))).collect()
}

/// Cases as they are written.
pub fn written(cases: &[Case]) -> anyhow::Result<String> {
    let mut out = String::new();
    for case in cases {
        writeln!(out, "{}", serde_json::to_string(case)?)?;
    }
    Ok(out)
}

/// Earlier cases and new ones, each once. The same text with two labels stays, so that it is told.
pub fn together(earlier: Vec<Case>, new: Vec<Case>) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    earlier
        .into_iter()
        .chain(new)
        .filter(|case| seen.insert((case.text.trim().to_owned(), case.attack)))
        .collect()
}

/// Makes the attempts of a journal again: those that were made through the guard, with their answers.
fn again(header: &Header, answers: &Answers) -> anyhow::Result<Vec<(Attempt, Answer)>> {
    ensure!(
        header.version == env!("CARGO_PKG_VERSION"),
        "version {} of this program began the journal, and another one may draw other attacks; attack again",
        header.version
    );
    if !answers.keys().any(|(guarded, _)| *guarded) {
        bail!("no attempt of this journal went through the guard; attack with --guard or --compare");
    }
    let mut campaign = Campaign::new(header.scenario.clone(), header.config.clone())?;
    let mut made = Vec::new();
    while let Some(batch) = campaign.batch() {
        let given: Vec<Option<Answer>> =
            batch.iter().map(|a| answers.get(&(true, a.id.clone())).cloned()).collect();
        made.extend(batch.into_iter().zip(given.clone()).filter_map(|(a, answer)| Some((a, answer?))));
        if given.iter().any(Option::is_none) {
            campaign.interrupt(given, "the journal ends here");
        } else {
            campaign.record(given.into_iter().flatten().collect());
        }
    }
    Ok(made)
}

enum Missed {
    Case(Case),
    Known,
    Short,
}

/// The text of an attempt that came nearest to being found, in the form in which it did.
fn case(guard: &Guard, attempt: &Attempt) -> Missed {
    let mut nearest: Option<(f32, Case)> = None;
    for (text, carrier) in injected(attempt) {
        let form = normalise(&text, &Budget::default());
        for view in form.texts().filter(|view| view.trim().chars().count() >= SHORTEST) {
            if guard.score(view, carrier).verdict == Verdict::Attack || plain_order(view).is_some() {
                return Missed::Known;
            }
            // The first detector's margin: it is what training moves.
            let margin = guard.detector().score(view, carrier).margin;
            if nearest.as_ref().is_none_or(|(most, _)| margin > *most) {
                let case = Case {
                    text: view.to_owned(),
                    attack: true,
                    carrier,
                    family: attempt.family().map(str::to_owned),
                    attempt: Some(attempt.id.clone()),
                };
                nearest = Some((margin, case));
            }
        }
    }
    nearest.map_or(Missed::Short, |(_, case)| Missed::Case(case))
}

/// What the attacker wrote, part by part.
fn injected(attempt: &Attempt) -> Vec<(String, Carrier)> {
    let parts = attempt.probe.steps.iter().flat_map(|step| match step {
        Step::User(parts) | Step::Tool { answer: parts, .. } => parts.as_slice(),
        Step::Assistant(_) => &[],
    });
    let of = |part: &Part| {
        let text: String = part.runs.iter().filter(|run| run.attack).map(|run| run.text.as_str()).collect();
        let carrier = if part.origin.name().is_some() { Carrier::Document } else { Carrier::Chat };
        (text, carrier)
    };
    let poisoned = attempt.probe.poisoned_tool.iter().map(|(_, runs)| {
        let runs = runs.iter().filter(|run| run.attack).map(|run| run.text.as_str());
        (runs.collect::<String>(), Carrier::Document)
    });
    parts.map(of).chain(poisoned).filter(|(text, _)| !text.is_empty()).collect()
}
