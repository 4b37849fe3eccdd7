//! The arguments of a call against the rules of its tool.

use proofhouse_dialogue::Trust;
use url::{Host, Url};

use super::carry::{Carried, Private};
use super::context::Context;
use super::facts::{ArgumentFacts, StepFacts};
use super::leaves::{Leaf, LeafValue};
use super::provenance::number::Decimal;
use super::provenance::{Meaning, Standing, standing};
use super::{ArgumentRule, Reads, Reason, Rule, ToolRule, Verdict};
use crate::link::{HostPattern, LinkPlace, LinkRefusal, LinkRules};

/// Sources that are listed in facts and reasons.
const LISTED: usize = 8;

const UNCLEAR: &str = "it can be read in more ways than are tried, and private data is in context";

/// What the rules find about a call's arguments.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub reasons: Vec<Reason>,
    pub facts: Vec<ArgumentFacts>,
}

/// Judges every value of a call, and what all of them carry together.
pub(super) fn judge(tool: &ToolRule, leaves: &[Leaf<'_>], context: &Context<'_>, private: &Private) -> Found {
    let mut found = Found::default();
    let (mut texts, mut names) = (String::new(), String::new());
    for leaf in leaves {
        let mut one = One {
            tool,
            leaf,
            name: leaf.place.to_string(),
            context,
            private,
            exempt: false,
            reasons: Vec::new(),
        };
        let facts = one.judge();
        if !one.exempt {
            texts.push_str(&text_of(leaf));
            names.extend(leaf.place.names());
        }
        found.reasons.append(&mut one.reasons);
        found.facts.push(facts);
    }
    for (path, _) in tool.arguments.iter().filter(|(_, rule)| rule.required) {
        let there = |leaf: &&Leaf<'_>| {
            leaf.place.is_under(path) && !matches!(leaf.value, LeafValue::Null | LeafValue::Empty)
        };
        if !leaves.iter().any(|leaf| there(&leaf)) {
            let message = "the policy requires this argument and the call lacks it";
            found.reasons.push(Reason::deny(Rule::ArgumentMissing, message).about(path.to_string()));
        }
    }
    // A secret cut into pieces, each too short to be told.
    let alone = found.reasons.iter().any(|r| r.rule == Rule::ArgumentPrivate);
    if tool.is_outbound() && !alone {
        let carried = private.carried_in(&(texts + &names));
        let message = match carried {
            Carried::Nothing => return found,
            Carried::From(_) => "the arguments together carry data out of a private text",
            Carried::Unclear => UNCLEAR,
        };
        let reason = Reason::new(Rule::ArgumentPrivate, Verdict::NeedsApproval, message);
        found.reasons.push(reason.along(carried.step().cloned()));
    }
    found
}

fn text_of(leaf: &Leaf<'_>) -> String {
    match leaf.value {
        LeafValue::Text(text) => text.to_owned(),
        LeafValue::Number(number) => number.to_string(),
        LeafValue::Null | LeafValue::Flag(_) | LeafValue::Empty => String::new(),
    }
}

/// One value on its way through the rules.
struct One<'a> {
    tool: &'a ToolRule,
    leaf: &'a Leaf<'a>,
    name: String,
    context: &'a Context<'a>,
    private: &'a Private,
    /// It may carry private data: the principal named it, or the policy says so.
    exempt: bool,
    reasons: Vec<Reason>,
}

impl One<'_> {
    fn judge(&mut self) -> ArgumentFacts {
        let rules: Vec<&ArgumentRule> = {
            let leaf = self.leaf;
            self.tool
                .arguments
                .iter()
                .filter(|(path, _)| leaf.place.is_under(path))
                .map(|(_, rule)| rule)
                .collect()
        };
        if rules.is_empty() {
            self.undeclared();
        }
        let is_value = !matches!(self.leaf.value, LeafValue::Null | LeafValue::Empty);
        let mut facts = ArgumentFacts {
            argument: self.name.clone(),
            declared: !rules.is_empty(),
            reads: "none".to_owned(),
            known: false,
            sources: Vec::new(),
            trusted: false,
            untrusted: false,
            private: false,
        };
        if is_value {
            for rule in &rules {
                self.by_rule(rule, &mut facts);
            }
            if rules.is_empty() {
                self.look_up(Reads::Auto, Trust::Principal, &mut facts);
            }
            self.carried(&rules, &mut facts);
        }
        facts
    }

    fn object(&mut self, rule: Rule, verdict: Verdict, message: impl Into<String>) {
        self.reasons.push(Reason::new(rule, verdict, message).about(self.name.clone()));
    }

    fn deny(&mut self, rule: Rule, message: impl Into<String>) {
        self.object(rule, Verdict::Deny, message);
    }

    fn undeclared(&mut self) {
        if !self.tool.only_reads() {
            self.deny(
                Rule::ArgumentUndeclared,
                "the tool has effects and the policy declares no such argument for it",
            );
        } else if let LeafValue::Text(text) = self.leaf.value
            && text.contains("//")
        {
            // A tool that fetches an address sends what the address says.
            self.deny(
                Rule::ArgumentUndeclared,
                "it holds an address; state in a rule which hosts this argument may lead to",
            );
        }
    }

    fn by_rule(&mut self, rule: &ArgumentRule, facts: &mut ArgumentFacts) {
        if let (Some(most), LeafValue::Text(text)) = (rule.max_length, self.leaf.value)
            && text.chars().count() > most
        {
            self.deny(Rule::ArgumentLength, format!("it is longer than {most} characters"));
        }
        let Some((meaning, standing)) =
            self.look_up(rule.reads, rule.from.unwrap_or(Trust::Principal), facts)
        else {
            return;
        };
        let known = rule.known.iter().any(|listed| meaning.is(listed));
        facts.known |= known;
        if let Some(listed) = &rule.one_of
            && !each(&meaning).iter().all(|one| listed.iter().any(|l| one.is(l)))
        {
            self.deny(Rule::ArgumentUnlisted, "it is none of the values that the policy lists");
        }
        if let Some(hosts) = &rule.hosts {
            self.hosts(hosts, &meaning);
        }
        self.bounds(rule, &meaning);
        match rule.from {
            Some(_) if known => {}
            Some(trust) => self.source(rule, trust, &standing),
            None => {}
        }
        // What the principal named, the principal sends.
        let named = standing.from(Trust::Principal).next().is_some() && !standing.ambiguous;
        self.exempt |= known || rule.private == Verdict::Allow || (named && rule.from.is_some());
    }

    /// Reads the value and finds where it stands.
    fn look_up(
        &mut self,
        reads: Reads,
        trust: Trust,
        facts: &mut ArgumentFacts,
    ) -> Option<(Meaning, Standing)> {
        let meaning = match Meaning::read(self.leaf.value, reads) {
            Ok(meaning) => meaning,
            Err(problem) => {
                self.deny(Rule::ArgumentMalformed, problem);
                return None;
            }
        };
        let mut standing = standing(&meaning, self.context, trust);
        // What looks like a number may be a code: `order #0815`.
        if let (true, Reads::Auto, LeafValue::Text(text)) =
            (standing.steps.is_empty(), reads, self.leaf.value)
        {
            standing = self::standing(&Meaning::Text(text.to_owned()), self.context, trust);
        }
        meaning.name().clone_into(&mut facts.reads);
        facts.trusted |= standing.from(Trust::Principal).next().is_some();
        facts.untrusted |= standing.untrusted().next().is_some();
        let found = standing.steps.iter().map(StepFacts::from);
        for step in found {
            if !facts.sources.contains(&step) {
                facts.sources.push(step);
            }
        }
        facts.sources.sort_by_key(|step| std::cmp::Reverse(step.trust));
        facts.sources.truncate(LISTED);
        Some((meaning, standing))
    }

    fn source(&mut self, rule: &ArgumentRule, trust: Trust, standing: &Standing) {
        if standing.from(trust).next().is_none() {
            let elsewhere: Vec<_> = standing.steps.iter().take(LISTED).cloned().collect();
            let message = match elsewhere.is_empty() {
                true => format!(
                    "the value stands in no text at all, and must stand in one of trust {trust} or more"
                ),
                false => format!("the value stands only in texts of less trust than {trust}"),
            };
            let reason = Reason::new(Rule::ArgumentSource, rule.otherwise, message);
            self.reasons.push(reason.about(self.name.clone()).along(elsewhere));
            return;
        }
        if standing.ambiguous {
            let by: Vec<_> = standing.from(trust).take(LISTED).cloned().collect();
            let message = "the number stands there in a form that can be read in two ways";
            let reason = Reason::new(Rule::ArgumentAmbiguous, Verdict::NeedsApproval, message);
            self.reasons.push(reason.about(self.name.clone()).along(by));
        }
        let contesting: Vec<_> = standing.untrusted().take(LISTED).cloned().collect();
        if !contesting.is_empty() && rule.contested > Verdict::Allow {
            let reason =
                Reason::new(Rule::ArgumentContested, rule.contested, "an untrusted text names the value too");
            self.reasons.push(reason.about(self.name.clone()).along(contesting));
        }
    }

    fn hosts(&mut self, hosts: &[HostPattern], meaning: &Meaning) {
        let covers = |name: &str| match Host::parse(name) {
            Ok(host) => hosts.iter().any(|pattern| pattern.covers(&host, None)),
            Err(_) => false,
        };
        let outside = match meaning {
            Meaning::Url(url) => return self.link(hosts, url),
            Meaning::Addresses(addresses) => addresses.iter().any(|a| !covers(a.host())),
            Meaning::Host(name) => !covers(name),
            Meaning::Text(_) | Meaning::Amount(_) => {
                self.deny(Rule::ArgumentMalformed, "the rule lists hosts, and it is no plain address");
                return;
            }
        };
        if outside {
            self.deny(Rule::ArgumentHost, "it leads to a host that the policy does not list");
        }
    }

    fn link(&mut self, hosts: &[HostPattern], url: &Url) {
        let rules = LinkRules {
            hosts: hosts.to_vec(),
            schemes: vec!["https".to_owned(), "http".to_owned()],
            ..LinkRules::default()
        };
        let Err(refusal) = rules.judge(url.as_str(), LinkPlace::Argument) else { return };
        let rule = match refusal {
            LinkRefusal::Redirect { .. } => Rule::ArgumentRedirect,
            LinkRefusal::Carries { .. } | LinkRefusal::Opaque { .. } => Rule::ArgumentData,
            _ => Rule::ArgumentHost,
        };
        self.deny(rule, refusal.to_string());
    }

    fn bounds(&mut self, rule: &ArgumentRule, meaning: &Meaning) {
        if rule.min.is_none() && rule.max.is_none() {
            return;
        }
        let Meaning::Amount(readings) = meaning else {
            self.deny(Rule::ArgumentMalformed, "the rule bounds a number, and it is none");
            return;
        };
        let bound =
            |number: &Option<serde_json::Number>| number.as_ref().map(|n| Decimal::parse(&n.to_string()));
        let within = match (bound(&rule.min), bound(&rule.max)) {
            // A bound that cannot be compared exactly bounds nothing.
            (Some(None), _) | (_, Some(None)) => false,
            (min, max) => readings.within(min.flatten(), max.flatten()),
        };
        if !within {
            self.deny(Rule::ArgumentLimit, "the number, in some reading, is outside its bounds");
        }
    }

    fn carried(&mut self, rules: &[&ArgumentRule], facts: &mut ArgumentFacts) {
        let names: String = self.leaf.place.names().collect();
        let carried = match self.private.carried_in(&text_of(self.leaf)) {
            Carried::Nothing => self.private.carried_in(&names),
            found => found,
        };
        facts.private = carried != Carried::Nothing;
        let verdict = rules.iter().map(|rule| rule.private).max().unwrap_or(Verdict::NeedsApproval);
        if !facts.private || !self.tool.is_outbound() || self.exempt || verdict == Verdict::Allow {
            return;
        }
        let message =
            if carried == Carried::Unclear { UNCLEAR } else { "it carries data out of a private text" };
        let reason = Reason::new(Rule::ArgumentPrivate, verdict, message).about(self.name.clone());
        self.reasons.push(reason.along(carried.step().cloned()));
    }
}

/// The values that a value of several holds.
fn each(meaning: &Meaning) -> Vec<Meaning> {
    match meaning {
        Meaning::Addresses(all) => all.iter().map(|one| Meaning::Addresses(vec![one.clone()])).collect(),
        other => vec![other.clone()],
    }
}
