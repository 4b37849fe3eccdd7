//! The adaptive search: families that held are attacked again, starting from the attempts that came nearest.
//!
//! An evolution whose operators are chosen by a bandit (UCB1, Auer et al. 2002): which converter to add is
//! learned over all families, since they stand before the same guard. Published defences that looked good on
//! fixed attacks fell to searches of this kind; a report without one says little. Its successes are *found*, not
//! sampled, so they are counted apart and get no interval.

use std::collections::BTreeMap;

use crate::attempt::ordered;
use crate::{Attempt, Config, DEEPEST, Dice, Purpose, Recipe, Record, Scenario};

/// Attempts of one generation. Fixed, so that the draws do not depend on how many run at once.
const GENERATION: usize = 16;
/// Recipes that a family keeps to go on from.
const KEPT: usize = 8;

/// A search under way.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    seed: u64,
    budget: usize,
    spent: usize,
    generation: usize,
    converters: Vec<String>,
    arms: BTreeMap<String, Arm>,
    families: BTreeMap<String, Pool>,
    /// The converter that each attempt of the running generation tries.
    tried: Vec<Option<String>>,
}

#[derive(Debug, Clone, Default)]
struct Arm {
    pulls: f64,
    reward: f64,
}

/// What a family's search knows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Pool {
    /// Recipes with how near they came, nearest first.
    kept: Vec<(f64, Recipe)>,
    /// Attempts spent.
    pub spent: usize,
    /// The attempt that got through, by position among those spent, counted from 1.
    pub bypass: Option<usize>,
}

impl Search {
    /// Begins from the planned attempts. Families that already fell need no search.
    pub fn new(config: &Config, records: &[Record]) -> Self {
        let mut families: BTreeMap<String, Pool> = BTreeMap::new();
        let mut fallen = Vec::new();
        for record in records {
            if let Purpose::Attack(id) = &record.recipe.purpose {
                if record.answer.outcome.succeeded() {
                    fallen.push(id.clone());
                }
                let pool = families.entry(id.clone()).or_default();
                pool.kept.push((record.nearness(), record.recipe.clone()));
            }
        }
        families.retain(|id, _| !fallen.contains(id));
        families.values_mut().for_each(Pool::select);
        Self {
            seed: config.seed,
            budget: config.search,
            spent: 0,
            generation: 0,
            converters: config.converters.clone(),
            arms: BTreeMap::new(),
            families,
            tried: Vec::new(),
        }
    }

    /// Families that were searched.
    pub fn families(&self) -> impl Iterator<Item = (&String, &Pool)> {
        self.families.iter().filter(|(_, pool)| pool.spent > 0)
    }

    /// The next attempts, while there is budget and a family that holds.
    pub fn generation(&mut self, scenario: &Scenario, judged: bool) -> Option<Vec<Attempt>> {
        let open: Vec<String> = self
            .families
            .iter()
            .filter(|(_, p)| p.bypass.is_none() && !p.kept.is_empty())
            .map(|(id, _)| id.clone())
            .collect();
        let size = GENERATION.min(self.budget.saturating_sub(self.spent));
        if open.is_empty() || size == 0 {
            return None;
        }
        self.generation += 1;
        self.tried.clear();
        let mut attempts = Vec::new();
        for n in 0..size {
            // Families take turns over all generations, so that none is starved by a small budget.
            let Some(id) = open.get((self.spent + n) % open.len()) else { continue };
            let mut dice = Dice::of(self.seed, &["search", &self.generation.to_string(), &n.to_string()]);
            let (recipe, arm) = self.child(id, &mut dice);
            let name = format!("{id}-search-{:03}-{n:02}", self.generation);
            if let Ok(attempt) = Attempt::build(name, scenario, &recipe, judged) {
                attempts.push(attempt);
                self.tried.push(arm);
            }
        }
        (!attempts.is_empty()).then_some(attempts)
    }

    /// Learns from a generation.
    pub fn record(&mut self, records: &[Record]) {
        for (record, arm) in records.iter().zip(std::mem::take(&mut self.tried)) {
            let nearness = record.nearness();
            self.spent += 1;
            if let Some(arm) = arm {
                let arm = self.arms.entry(arm).or_default();
                arm.pulls += 1.0;
                arm.reward += nearness;
            }
            let Purpose::Attack(id) = &record.recipe.purpose else { continue };
            let Some(pool) = self.families.get_mut(id) else { continue };
            pool.spent += 1;
            if record.answer.outcome.succeeded() && pool.bypass.is_none() {
                pool.bypass = Some(pool.spent);
            }
            pool.kept.push((nearness, record.recipe.clone()));
            pool.select();
        }
    }

    /// A changed recipe, and the converter whose worth it tests.
    fn child(&self, family: &str, dice: &mut Dice) -> (Recipe, Option<String>) {
        let kept = self.families.get(family).map_or(&[][..], |p| p.kept.as_slice());
        // A tournament of two: the better of two draws.
        let (a, b) = (dice.below(kept.len()), dice.below(kept.len()));
        let mut recipe = kept.get(a.min(b)).map_or_else(
            || Recipe { purpose: Purpose::Attack(family.to_owned()), draw: dice.bits(), chain: vec![] },
            |(_, recipe)| recipe.clone(),
        );
        let mut arm = None;
        match dice.below(10) {
            // Other words, other goal.
            0 | 1 => recipe.draw = dice.bits(),
            // One converter less.
            2 if !recipe.chain.is_empty() => {
                recipe.chain.remove(dice.below(recipe.chain.len()));
            }
            // Half of another's chain.
            3 => {
                if let Some((_, other)) = dice.pick(kept) {
                    let half = recipe.chain.len().div_ceil(2);
                    recipe.chain.truncate(half);
                    recipe.chain.extend(other.chain.iter().skip(half).cloned());
                }
            }
            _ => {
                if let Some(chosen) = self.best_arm(dice) {
                    if recipe.chain.len() >= DEEPEST {
                        recipe.chain.remove(dice.below(recipe.chain.len()));
                    }
                    recipe.chain.push(chosen.clone());
                    arm = Some(chosen);
                }
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        recipe.chain.retain(|id| seen.insert(id.clone()));
        recipe.chain.truncate(DEEPEST);
        ordered(&mut recipe.chain);
        (recipe, arm)
    }

    /// UCB1: the mean reward plus what is not known yet. Untried arms come first, in an order of the dice.
    fn best_arm(&self, dice: &mut Dice) -> Option<String> {
        let total: f64 = self.arms.values().map(|a| a.pulls).sum::<f64>().max(1.0);
        let mut order: Vec<&String> = self.converters.iter().collect();
        dice.shuffle(&mut order);
        let worth = |id: &str| match self.arms.get(id) {
            Some(arm) if arm.pulls > 0.0 => arm.reward / arm.pulls + (0.5 * total.ln() / arm.pulls).sqrt(),
            _ => 10.0,
        };
        order.into_iter().max_by(|a, b| worth(a).total_cmp(&worth(b))).cloned()
    }
}

impl Pool {
    fn select(&mut self) {
        // Stable, so equals stay in the order they came.
        self.kept.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut seen = std::collections::BTreeSet::new();
        self.kept.retain(|(_, recipe)| seen.insert(recipe.clone()));
        self.kept.truncate(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use proofhouse_dialogue::{Conversation, StopReason, Turn};

    use crate::exchange::Stage;
    use crate::{Blocked, Campaign, Config, Reply, Scenario, converse};

    /// A guard that knows one spelling of everything, in front of a model that tells everything.
    fn leaky(conversation: &Conversation) -> Reply {
        let text: String = conversation.segments().skip(1).map(|s| s.text.as_str()).collect();
        let known =
            ["ignore", "disregard", "instructions", "secret", "prompt", "reveal", "recipe", "code", "repeat"];
        if known.iter().any(|k| text.to_lowercase().contains(k)) {
            return Reply::Blocked(Blocked { at: Stage::Input, why: "known words".into() });
        }
        let system = conversation.segments().next().map(|s| s.text.clone()).unwrap_or_default();
        Reply::Turn(Turn { text: system, calls: vec![], stop: StopReason::End })
    }

    fn search(budget: usize) -> (usize, Vec<String>) {
        let config = Config {
            per_family: 6,
            converted: 0,
            families: vec!["override".into(), "extraction".into()],
            search: budget,
            tasks: 0,
            hard_requests: 0,
            ..Config::default()
        };
        let mut campaign = Campaign::new(Scenario::demonstration(), config).unwrap();
        while let Some(batch) = campaign.batch() {
            let answers = batch.iter().map(|a| converse(campaign.scenario(), a, &mut leaky)).collect();
            campaign.record(answers);
        }
        let found = campaign.report("leaky").search.iter().filter(|s| s.bypass_after.is_some()).count();
        (found, campaign.records().iter().map(|r| format!("{} {:?}", r.id, r.recipe)).collect())
    }

    #[test]
    fn what_a_fixed_attack_does_not_find_a_search_does() {
        let (without, _) = search(0);
        let (with, first) = search(120);
        let (_, second) = search(120);
        assert_eq!(without, 0);
        assert!(with >= 1);
        assert_eq!(first, second, "the same seed searches the same way");
    }
}
