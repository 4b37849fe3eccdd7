//! From a recipe to an attempt. A recipe is all that chance decided; building it again gives the same bytes,
//! so journals and regression cases only need recipes.

use serde::{Deserialize, Serialize};

use crate::convert::{self, DEEPEST, Kind};
use crate::draw::Draw;
use crate::{Dice, Part, Probe, Scenario, Step, family, hard};

/// What an attempt is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// An attack of a family.
    Attack(String),
    /// A benign task of the scenario, by position.
    Task(usize),
    /// A benign request that looks like an attack, by position in the house's list.
    HardRequest(usize),
}

/// All that chance decided about an attempt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Recipe {
    /// What it is for.
    pub purpose: Purpose,
    /// The draw that chose template, goal and words.
    pub draw: u64,
    /// Converters, first to last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
}

/// An attempt, ready to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its name in journals and reports, such as `override-0007`.
    pub id: String,
    /// How it was made.
    pub recipe: Recipe,
    /// What is sent, converted.
    pub probe: Probe,
}

/// Why a recipe gives nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecipeError {
    /// There is no such family.
    #[error("there is no family {0:?}; `proofhouse redteam list` names them")]
    Family(String),
    /// There is no such converter.
    #[error("there is no converter {0:?}; `proofhouse redteam list` names them")]
    Converter(String),
    /// The scenario lacks what the family attacks.
    #[error("the scenario has nothing for family {family}: it needs {needs}")]
    NothingToAttack {
        /// The family.
        family: String,
        /// What it needs.
        needs: &'static str,
    },
    /// A position beyond the list.
    #[error("there is no benign request number {0}")]
    Request(usize),
}

impl Attempt {
    /// Builds an attempt. Judged goals are drawn only where `judged` says that somebody will judge.
    pub fn build(
        id: impl Into<String>,
        scenario: &Scenario,
        recipe: &Recipe,
        judged: bool,
    ) -> Result<Self, RecipeError> {
        let mut probe = match &recipe.purpose {
            Purpose::Attack(id) => {
                let family = family::family(id).ok_or_else(|| RecipeError::Family(id.clone()))?;
                let mut draw = Draw::new(scenario, recipe.draw, id, judged);
                (family.draw)(&mut draw)
                    .map(|probe| draw.sealed(probe))
                    .ok_or_else(|| RecipeError::NothingToAttack { family: id.clone(), needs: family.needs })?
            }
            Purpose::Task(index) => {
                task(scenario, *index, recipe.draw).ok_or(RecipeError::Request(*index))?
            }
            Purpose::HardRequest(index) => {
                hard::request(*index, recipe.draw).ok_or(RecipeError::Request(*index))?
            }
        };
        let mut chain = Vec::new();
        for id in recipe.chain.iter().take(2 * DEEPEST) {
            chain.push(convert::converter(id).ok_or_else(|| RecipeError::Converter(id.clone()))?);
        }
        let fixed = probe.fixed.clone();
        for (position, converter) in chain.into_iter().enumerate() {
            for (number, run) in probe.attack_runs().enumerate() {
                let parts = [converter.id, &position.to_string(), &number.to_string()];
                let dressed =
                    convert::dress(converter, &run.text, &fixed, &mut Dice::of(recipe.draw, &parts));
                run.text = dressed;
            }
        }
        Ok(Self { id: id.into(), recipe: recipe.clone(), probe })
    }

    /// The family, where it is an attack.
    #[must_use]
    pub fn family(&self) -> Option<&str> {
        match &self.recipe.purpose {
            Purpose::Attack(id) => Some(id),
            Purpose::Task(_) | Purpose::HardRequest(_) => None,
        }
    }
}

/// A benign task, in one of a few voices, with the document it is about.
fn task(scenario: &Scenario, index: usize, draw: u64) -> Option<Probe> {
    let task = scenario.tasks.get(index)?;
    let mut draw = Draw::new(scenario, draw, "task", false);
    draw.set("request", &task.user);
    let text = draw.text(
        "⟨|Hi, |Hello! |Good morning. |Hey, |Quick question: |One more thing: ⟩$request⟨| Thanks!| Thank you in advance.| Cheers| That is all for today.⟩",
    );
    let mut parts = vec![Part::plain(text)];
    if let Some(document) = task.document.as_ref().and_then(|source| scenario.document(source)) {
        parts.push(draw.passage(document));
    }
    Some(Probe::script(
        crate::Goal::Judged(String::new()),
        format!("task {}", index + 1),
        vec![Step::User(parts)],
    ))
}

/// A chain of up to [`DEEPEST`] converters. Wrappers and encodings come last: spelling changes inside an
/// encoding still decode, an encoding whose letters were swapped does not.
pub(crate) fn chain(pool: &[String], dice: &mut Dice) -> Vec<String> {
    // Most attackers use one trick; fewer nest.
    let depth = match dice.below(10) {
        0..=5 => 1,
        6..=8 => 2,
        _ => DEEPEST,
    };
    let mut chain: Vec<String> = Vec::new();
    for _ in 0..depth {
        if let Some(id) = dice.pick(pool).filter(|id| !chain.contains(id)) {
            chain.push(id.clone());
        }
    }
    ordered(&mut chain);
    chain
}

/// Prose first, then spelling, then wrappers, then encodings; the order within a kind stays.
pub(crate) fn ordered(chain: &mut [String]) {
    chain.sort_by_key(|id| match convert::converter(id).map(|c| c.kind) {
        Some(Kind::Prose) | None => 0,
        Some(Kind::Spelling) => 1,
        Some(Kind::Wrapper) => 2,
        Some(Kind::Encoding) => 3,
    });
}
