//! What the evidence says to other people's frameworks. A subcategory is evidenced by results of the tests
//! that the catalogue maps to it, and by nothing else; one that could not tell is evidence of nothing.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, Reference, Verdict};
use proofhouse_ledger::EventKind;
use proofhouse_report::input;

use super::Source;
use crate::assess::kinds_of;

/// The framework shown subcategory by subcategory.
const RMF: (&str, &str) = ("NIST-RMF", "1.0");

impl Source<'_> {
    pub(super) fn frameworks(&self) -> input::Frameworks {
        // Before threats are derived nothing is known to be cited.
        if self.life.newest(EventKind::ThreatsDerived).is_none() {
            return input::Frameworks::default();
        }
        input::Frameworks { rmf: self.rmf(), counts: self.counts() }
    }

    fn rmf(&self) -> Vec<input::RmfSubcategory> {
        let mut evidenced: BTreeMap<&str, BTreeSet<(u64, Digest)>> = BTreeMap::new();
        for evidence in self.results.iter().filter(|e| e.result().verdict != Verdict::Unknown) {
            let kinds = kinds_of(&evidence.result().check);
            for test in self.planned.plan.tests.iter().filter(|t| kinds.contains(&t.test.as_str())) {
                for subcategory in &test.rmf {
                    evidenced.entry(subcategory.id()).or_default().insert((evidence.seq, evidence.id));
                }
            }
        }
        self.planned
            .catalogue
            .rmf()
            .keys()
            .map(|id| input::RmfSubcategory {
                id: Reference::new(RMF.0, RMF.1, id.as_str()),
                evidence: evidenced.get(id.as_str()).into_iter().flatten().map(|(_, id)| *id).collect(),
                entries: Vec::new(),
            })
            .collect()
    }

    /// Entries cited by threats that apply, and those of them with evidence behind such a threat: what the
    /// ledger holds, not what the plan intends.
    fn counts(&self) -> Vec<input::FrameworkCount> {
        let told = self.results.iter().filter(|e| e.result().verdict != Verdict::Unknown);
        let spoken_of: BTreeSet<&str> = told.flat_map(|e| &e.result().threats).map(String::as_str).collect();
        self.planned
            .plan
            .coverage
            .iter()
            .filter(|c| (c.framework.as_str(), c.version.as_str()) != RMF)
            .map(|c| {
                let evidenced: BTreeSet<&str> = self
                    .planned
                    .derivation
                    .with(proofhouse_threats::Applicability::Applies)
                    .filter(|t| spoken_of.contains(t.id.as_str()))
                    .flat_map(|t| &t.references)
                    .filter(|r| r.framework() == c.framework && r.version() == c.version)
                    .map(Reference::id)
                    .collect();
                input::FrameworkCount {
                    framework: c.framework.clone(),
                    version: c.version.clone(),
                    cited: c.addressed.len() as u64,
                    evidenced: evidenced.len() as u64,
                    total: c.of.map(|n| n as u64),
                }
            })
            .collect()
    }
}
