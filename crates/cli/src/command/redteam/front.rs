//! The house's guard in front of a target, built from the scenario: its tools' effects become the boundary's
//! policy, its canaries and system prompt are what may not leave, its hosts are where links may lead.

use std::collections::BTreeMap;

use anyhow::Context as _;
use proofhouse_dialogue::{Conversation, Labelling, Trust, Turn};
use proofhouse_guard::flow::{ArgumentRule, Policy, ToolRule, Verdict};
use proofhouse_guard::link::LinkRules;
use proofhouse_guard::output::{Action, Confidential, Filter, OutputRules};
use proofhouse_guard::{Finding, Guard};
use proofhouse_redteam::{Blocked, Scenario, Stage};

use crate::guards::StatedGuard;

/// A guard.
pub struct Front {
    guard: Guard,
    /// What the operator of this scenario named as secret, besides what the guard keeps by itself.
    named: Confidential,
    filter: Filter,
}

/// What the guard thinks of a request.
#[derive(Debug, Default)]
pub struct Inspected {
    /// How much it looks like an attack, 0 to 1.
    pub score: Option<f64>,
    /// Why it is not sent.
    pub refused: Option<String>,
}

impl Front {
    /// The guard for a scenario. What the configuration leaves out about tools, links and labels is taken from
    /// the scenario.
    pub fn new(scenario: &Scenario, mut stated: StatedGuard) -> anyhow::Result<Self> {
        let hosts = scenario.allowed_hosts.iter().map(String::as_str);
        let links = LinkRules::to(hosts).context("an allowed host of the scenario is none")?;
        let tools = scenario.tools.iter().map(|tool| {
            let mut rule = ToolRule::new(tool.effects.iter().copied());
            let names = tool.parameters.get("properties").and_then(|p| p.as_object()).into_iter().flatten();
            for (name, _) in names {
                // Whoever the assistant works for says what is done and to whom; a lookup may be about anything.
                let argument =
                    if tool.acts() { ArgumentRule::from(Trust::Principal) } else { ArgumentRule::any() };
                rule.arguments.insert(name.parse().context("a parameter's name cannot be a rule")?, argument);
            }
            anyhow::Ok((tool.name.clone(), rule))
        });
        let flow =
            Policy { tools: tools.collect::<Result<BTreeMap<_, _>, _>>()?, links, ..Policy::default() };
        let config = &mut stated.config;
        if config.flow == Policy::default() {
            config.flow = flow;
        }
        if config.labels == Labelling::default() {
            config.labels = scenario.labels.clone();
        }
        let mut named = Confidential::new();
        for canary in &scenario.canaries {
            named = named.canary(&canary.name, &canary.value)?;
        }
        let filter = Filter::new(&OutputRules { links: config.flow.links.clone(), ..OutputRules::default() });
        Ok(Self { guard: stated.make()?, named, filter })
    }

    /// Names everything that decides.
    pub fn digest(&self) -> String {
        self.guard.digest().to_string()
    }

    /// Looks at what is about to be sent. The application's own words are nobody's attack.
    pub fn inspect(&self, conversation: &Conversation) -> Inspected {
        let inspection = self.guard.inspect(conversation);
        let outside = || inspection.segments.iter().filter(|s| s.label.trust != Trust::Trusted);
        let score = outside().filter_map(|s| s.score).map(f64::from).reduce(f64::max);
        let refused = outside().find(|s| s.verdict >= Finding::Unread).map(|s| {
            let alarms = s.alarms.join(", ");
            format!(
                "text from {} looks like an attack{}{alarms}",
                s.label.origin,
                if alarms.is_empty() { "" } else { ": " }
            )
        });
        Inspected { score, refused }
    }

    /// Judges an answer: what may leave of it, or why nothing may.
    pub fn release(&self, conversation: &Conversation, turn: Turn) -> Result<Turn, Blocked> {
        let block = |why: String| Blocked { at: Stage::Output, why };
        let judged = self.guard.judge_turn(conversation, &turn).map_err(|e| block(e.to_string()))?;
        // Nobody is there to approve, so what needs an approval does not happen.
        if judged.verdict != Verdict::Allow {
            let decisions = std::iter::once(&judged.text).chain(judged.calls.iter().map(|c| &c.decision));
            let rules = decisions.flat_map(|d| &d.reasons).map(|r| r.rule.code());
            let found = judged.findings.iter().filter(|f| f.action == Action::Block).map(|f| f.rule);
            let why = rules.chain(found).collect::<Vec<_>>().join(", ");
            return Err(block(format!("{} ({why})", judged.verdict)));
        }
        let released = self.filter.scan(&self.named, &judged.released);
        if released.blocked {
            let rules = released.findings.iter().filter(|f| f.action == Action::Block).map(|f| f.rule);
            return Err(block(rules.collect::<Vec<_>>().join(", ")));
        }
        Ok(Turn { text: released.text, ..turn })
    }
}
