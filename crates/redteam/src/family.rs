//! Families of attacks, one file each. Every text here was written for this house; the families are those that
//! frameworks and papers name.

mod covert;
mod delayed;
mod deputy;
mod encodings;
mod escalation;
mod exfiltration;
mod extraction;
mod indirect;
mod instruction_override;
mod languages;
mod persona;
mod prefix;
mod refusal_suppression;
mod replication;
mod role_play;
mod shots;
mod sink;
mod splitting;
mod tenant;
mod tool_description;
mod wallet;

use proofhouse_core::{Reference, Severity};

use crate::Probe;
use crate::draw::Draw;

/// A family of attacks.
#[derive(Debug)]
pub struct Family {
    /// Stable id.
    pub id: &'static str,
    /// What people call it.
    pub title: &'static str,
    /// What the attacker does, in a sentence.
    pub what: &'static str,
    /// What to do where it succeeds.
    pub remedy: &'static str,
    /// How bad a success is.
    pub severity: Severity,
    /// Threats of the catalogue that it tests.
    pub threats: &'static [&'static str],
    /// Entries of other people's frameworks, `framework@edition:id`.
    pub(crate) references: &'static [&'static str],
    /// What a scenario must have for it.
    pub needs: &'static str,
    /// Draws one attack; `None` where the scenario has nothing for it.
    pub(crate) draw: fn(&mut Draw<'_>) -> Option<Probe>,
}

impl Family {
    /// Entries of other people's frameworks.
    #[must_use]
    pub fn references(&self) -> Vec<Reference> {
        self.references.iter().filter_map(|r| r.parse().ok()).collect()
    }

    /// The rule that findings of it carry.
    #[must_use]
    pub fn rule(&self) -> String {
        format!("redteam/{}", self.id)
    }
}

/// All families.
pub static FAMILIES: &[&Family] = &[
    &instruction_override::FAMILY,
    &persona::FAMILY,
    &role_play::FAMILY,
    &refusal_suppression::FAMILY,
    &prefix::FAMILY,
    &shots::FAMILY,
    &splitting::FAMILY,
    &encodings::FAMILY,
    &languages::FAMILY,
    &escalation::FAMILY,
    &extraction::FAMILY,
    &exfiltration::FAMILY,
    &indirect::FAMILY,
    &deputy::FAMILY,
    &tool_description::FAMILY,
    &wallet::FAMILY,
    &delayed::FAMILY,
    &replication::FAMILY,
    &tenant::FAMILY,
    &sink::FAMILY,
    &covert::FAMILY,
];

/// A family by its id.
#[must_use]
pub fn family(id: &str) -> Option<&'static Family> {
    FAMILIES.iter().copied().find(|f| f.id == id)
}

/// Direct injection and jailbreak, as the frameworks number them.
const DIRECT: &[&str] = &[
    "OWASP-LLM@2025:LLM01:2025",
    "OWASP-LLM@2026:LLM01:2026",
    "ATLAS@5.6.0:AML.T0051.000",
    "ATLAS@5.6.0:AML.T0054",
    "NIST-AML@E2025:NISTAML.018",
];

/// Obfuscated injection.
const OBFUSCATED: &[&str] = &[
    "OWASP-LLM@2025:LLM01:2025",
    "OWASP-LLM@2026:LLM01:2026",
    "ATLAS@5.6.0:AML.T0068",
    "NIST-AML@E2025:NISTAML.015",
    "NIST-AML@E2025:NISTAML.018",
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{Attempt, CONVERTERS, Draft, Purpose, Recipe, Scenario};

    fn recipe(family: &Family, draw: u64) -> Recipe {
        Recipe { purpose: Purpose::Attack(family.id.to_owned()), draw, chain: vec![] }
    }

    #[test]
    fn ids_are_there_once_and_references_are_well_formed() {
        let ids: BTreeSet<&str> = FAMILIES.iter().map(|f| f.id).collect();
        assert_eq!(ids.len(), FAMILIES.len());
        for family in FAMILIES {
            assert_eq!(family.references().len(), family.references.len(), "{}", family.id);
            assert!(!family.references.is_empty() && !family.threats.is_empty(), "{}", family.id);
        }
    }

    /// The catalogue says where other frameworks treat a threat; a family may name only that.
    #[test]
    fn references_are_those_of_the_catalogue() {
        let catalogue = proofhouse_threats::Catalogue::embedded().unwrap();
        for family in FAMILIES {
            let known: BTreeSet<Reference> = family
                .threats
                .iter()
                .map(|id| {
                    catalogue.threat(&id.parse().unwrap()).unwrap_or_else(|| panic!("{}: {id}", family.id))
                })
                .flat_map(|t| t.references.clone())
                .collect();
            for reference in family.references() {
                assert!(known.contains(&reference), "{}: {reference}", family.id);
            }
        }
    }

    #[test]
    fn each_family_has_fifty_different_attacks_without_open_slots() {
        let scenario = Scenario::demonstration();
        for family in FAMILIES {
            let mut texts = BTreeSet::new();
            for draw in 0..120 {
                let attempt = Attempt::build("x", &scenario, &recipe(family, draw), true).unwrap();
                let text = attempt.probe.attack_texts().join("\n");
                let open =
                    ["$ask", "$marker", "$secret", "$host", "$call", "$url", "$mail", "$tenant", "⟨", "⟩"];
                assert!(!open.iter().any(|o| text.contains(o)), "{}: {text}", family.id);
                assert!(!text.trim().is_empty(), "{}", family.id);
                texts.insert(text);
            }
            assert!(texts.len() >= 100, "{}: {} different of 120", family.id, texts.len());
        }
    }

    #[test]
    fn nothing_to_attack_is_said() {
        let bare: Draft = serde_json::from_str(r#"{"name": "n", "topic": "t", "system": "s"}"#).unwrap();
        let bare = Scenario::try_from(bare).unwrap();
        for family in FAMILIES {
            if let Err(error) = Attempt::build("x", &bare, &recipe(family, 1), false) {
                assert!(error.to_string().contains(family.needs), "{error}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_of_a_scenario_makes_a_family_fail(
            name in "\\PC{1,20}", topic in "\\PC{1,30}", system in "\\PC{1,80}", canary in "[A-Z]{4}-[0-9]{6}",
            draw: u64, converter in 0..CONVERTERS.len(),
        ) {
            let mut draft: Draft = Scenario::demonstration().into();
            draft.name = format!("n{name}");
            draft.topic = format!("t{topic}");
            draft.system = format!("{system} {canary} ⟨a|b $ask");
            draft.canaries.retain(|c| matches!(c.kind, crate::CanaryKind::Tenant(_)));
            for (n, kind) in [(1, crate::CanaryKind::Secret), (2, crate::CanaryKind::SystemPrompt)] {
                draft.canaries.push(crate::Canary { name: format!("{n} {name}"), value: canary.clone(), kind });
            }
            let scenario = Scenario::try_from(draft).unwrap();
            let chain = vec![CONVERTERS[converter].id.to_owned()];
            for family in FAMILIES {
                let recipe = Recipe { chain: chain.clone(), ..recipe(family, draw) };
                let once = Attempt::build("x", &scenario, &recipe, true).unwrap();
                prop_assert_eq!(&once, &Attempt::build("x", &scenario, &recipe, true).unwrap());
            }
        }
    }
}
