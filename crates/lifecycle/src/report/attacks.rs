//! Attacks by text, out of the evidence of every suite: a family counts once, whichever suites it is part of.

use std::collections::BTreeMap;

use proofhouse_core::Measurement;
use proofhouse_report::input;
use serde::Deserialize;

use super::Source;
use crate::LifecycleError;
use crate::check::index_poison::Tried;

/// What a suite keeps.
#[derive(Deserialize)]
struct SuiteExhibit {
    families: Vec<Family>,
    target: String,
    benign: Option<Measurement>,
    benign_alone: Option<Measurement>,
    over_refusal: Option<Measurement>,
}

#[derive(Deserialize)]
struct Family {
    id: String,
    title: String,
    attacks: u64,
    guarded: u64,
    alone: u64,
}

/// What the check of the index keeps.
#[derive(Deserialize)]
struct IndexExhibit {
    documents: Vec<Tried>,
}

impl Source<'_> {
    pub(super) async fn attacks(&self) -> Result<Option<input::Attacks>, LifecycleError> {
        let required = self.project.system.requirements.injection;
        let confidence = required.map_or(0.95, |r| r.confidence.get());
        let mut families: BTreeMap<String, input::AttackFamily> = BTreeMap::new();
        let mut attacks: Option<input::Attacks> = None;
        for kind in crate::check::suites() {
            let Some(evidence) = self.results.of_check(kind) else { continue };
            let Some(exhibit) = self.exhibit::<SuiteExhibit>(evidence).await? else { continue };
            for f in exhibit.families.iter().filter(|f| f.attacks > 0) {
                let rate = |hits| Measurement::proportion("attack-success", hits, f.attacks, confidence);
                families.entry(f.id.clone()).or_insert_with(|| input::AttackFamily {
                    title: f.title.clone(),
                    guarded: rate(f.guarded),
                    alone: rate(f.alone),
                });
            }
            let all = attacks.get_or_insert_with(|| input::Attacks {
                evidence: Vec::new(),
                target: exhibit.target.clone(),
                families: Vec::new(),
                ceiling: required.map(|r| r.max_success_rate.get()),
                benign: exhibit.benign.clone(),
                benign_alone: exhibit.benign_alone.clone(),
                over_refusal: exhibit.over_refusal.clone(),
                documents: Vec::new(),
            });
            all.evidence.push(evidence.id);
        }
        let Some(mut attacks) = attacks else { return Ok(None) };
        attacks.families = families.into_values().collect();
        if let Some(evidence) = self.results.of_check("index-poison-test")
            && let Some(exhibit) = self.exhibit::<IndexExhibit>(evidence).await?
        {
            attacks.documents = exhibit.documents.into_iter().filter(Tried::is_told).map(document).collect();
        }
        Ok(Some(attacks))
    }
}

fn document(tried: Tried) -> input::PoisonedDocument {
    input::PoisonedDocument {
        name: tried.document,
        visible: tried.visible,
        hidden: tried.hidden.into_iter().map(|h| (h.text, h.how)).collect(),
        alone: tried.alone,
        withheld: tried.withheld,
        redacted: tried.redacted,
    }
}
