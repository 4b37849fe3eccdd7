//! From a system to the threats that apply to it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proofhouse_core::{Digest, Finding, Reference, Severity, canonical};
use proofhouse_system::{System, ThreatId};
use serde::Serialize;

use crate::judgement::{Fact, Judgement, Proof, Tri};
use crate::question::{Question, questions};
use crate::rules::{self, Case};
use crate::{Catalogue, claims};

/// What a rule says about a threat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Applicability {
    /// The facts make it apply.
    Applies,
    /// A fact is missing.
    Unknown,
    /// This version has no rule for it.
    Unsupported,
    /// The facts rule it out.
    NotApplicable,
}

impl fmt::Display for Applicability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Applies => "applies",
            Self::Unknown => "unknown",
            Self::Unsupported => "unsupported",
            Self::NotApplicable => "not applicable",
        })
    }
}

/// A threat and what is known of it in this system.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DerivedThreat {
    /// The threat's id.
    pub id: ThreatId,
    /// Its name.
    pub name: String,
    /// Its group.
    pub group: String,
    /// Whether it applies.
    pub applicability: Applicability,
    /// What it means where it applies, for a person who knows the system.
    pub meaning: String,
    /// What the answer rests on.
    pub proof: Proof,
    /// Facts that are missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// How bad it is where it succeeds.
    pub impact: Severity,
    /// What is claimed against it. Claims change nothing until their evidence is there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Fact>,
    /// Where other frameworks treat it.
    pub references: Vec<Reference>,
    /// Stable id of the finding: rule and components, not names, order or wording.
    pub finding_id: String,
}

/// Every threat of the catalogue, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Derivation {
    /// Digest of the system's content.
    pub system: Digest,
    /// Digest of the catalogue.
    pub catalogue: Digest,
    /// All threats, by id.
    pub threats: Vec<DerivedThreat>,
    /// Missing facts, the most decisive first.
    pub questions: Vec<Question>,
    /// What the system file says that the catalogue does not know: threats and kinds of evidence.
    pub warnings: Vec<Finding>,
}

impl Derivation {
    /// Threats of one applicability, by id.
    pub fn with(&self, applicability: Applicability) -> impl Iterator<Item = &DerivedThreat> {
        self.threats.iter().filter(move |t| t.applicability == applicability)
    }

    /// The threat of that id.
    #[must_use]
    pub fn threat(&self, id: &ThreatId) -> Option<&DerivedThreat> {
        self.threats.iter().find(|t| &t.id == id)
    }
}

/// Judges every threat of the catalogue. Same input, same output, byte for byte.
///
/// Fails only if the system cannot be written as canonical JSON, which a parsed system always can.
pub fn derive(system: &System, catalogue: &Catalogue) -> Result<Derivation, canonical::CanonicalError> {
    let case = Case::new(system);
    let rules: BTreeMap<&str, &rules::Rule> = rules::all().map(|rule| (rule.id, rule)).collect();
    let mut missing: BTreeMap<String, BTreeSet<ThreatId>> = BTreeMap::new();
    let mut threats = Vec::new();
    for threat in catalogue.threats() {
        let (applicability, meaning, judgement) = match rules.get(threat.id.as_str()) {
            Some(rule) => {
                let judgement = (rule.decide)(&case);
                let applicability = match judgement.holds {
                    Tri::True => Applicability::Applies,
                    Tri::False => Applicability::NotApplicable,
                    Tri::Unknown => Applicability::Unknown,
                };
                (applicability, rule.meaning.to_owned(), judgement)
            }
            None => without_rule(&threat.applies_when, &case),
        };
        for path in &judgement.missing {
            missing.entry(path.clone()).or_default().insert(threat.id.clone());
        }
        threats.push(DerivedThreat {
            id: threat.id.clone(),
            name: threat.name.clone(),
            group: threat.group().to_owned(),
            applicability,
            meaning,
            finding_id: finding_id(&threat.id, &judgement.proof),
            proof: judgement.proof,
            missing: judgement.missing,
            impact: threat.impact,
            claims: claims::against(&case, &threat.id),
            references: threat.references.clone(),
        });
    }
    Ok(Derivation {
        system: system.digest()?,
        catalogue: catalogue.digest(),
        threats,
        questions: questions(missing, |path| case.graph.line(path)),
        warnings: warnings(system, catalogue),
    })
}

/// A threat of a newer catalogue than the rules: never ruled out, and said to be without a rule.
fn without_rule(applies_when: &str, case: &Case<'_>) -> (Applicability, String, Judgement) {
    let condition = format!("It applies where: {applies_when}.");
    let judgement = Judgement::on(true, case.fact("system.id", "no rule for this threat"), None);
    (Applicability::Unsupported, condition, judgement)
}

/// The components on the way, or else those the facts speak of. Only what names things stably goes in, so a
/// suppression survives a rename, a move in the file and a better sentence.
fn finding_id(id: &ThreatId, proof: &Proof) -> String {
    let mut components: Vec<&str> = if proof.path.is_empty() {
        proof.facts.iter().filter_map(|f| Some(f.path.split_once('[')?.1.split_once(']')?.0)).collect()
    } else {
        proof.path.iter().map(String::as_str).collect()
    };
    components.sort_unstable();
    components.dedup();
    if components.is_empty() { id.to_string() } else { format!("{id}@{}", components.join("+")) }
}

/// References from the system file into the catalogue that lead nowhere. They are findings and not parse
/// errors, since a system file may be newer than the catalogue.
fn warnings(system: &System, catalogue: &Catalogue) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut warn = |path: String, message: String| {
        findings.push(Finding {
            rule: "threats/unknown-reference".to_owned(),
            severity: Severity::Medium,
            message,
            place: system.place(&path),
            remediation: "Correct the name; `proofhouse plan` lists those that are known.".to_owned(),
            references: Vec::new(),
        });
    };
    let mut threat = |path: String, id: &ThreatId| {
        if catalogue.threat(id).is_none() {
            warn(path, format!("the catalogue has no threat {id}"));
        }
    };
    for control in &system.controls {
        for (i, id) in control.against.iter().enumerate() {
            threat(format!("controls[{}].against[{i}]", control.id), id);
        }
    }
    for scenario in system.risk.iter().flat_map(|r| &r.scenarios) {
        for (i, id) in scenario.threats.iter().enumerate() {
            threat(format!("risk.scenarios[{}].threats[{i}]", scenario.id), id);
        }
    }
    for (i, accepted) in system.accept.iter().enumerate() {
        threat(format!("accept[{i}].threat"), &accepted.threat);
    }
    for waiver in &system.waivers {
        if let Some(id) = &waiver.threat {
            threat(format!("waivers[{}].threat", waiver.id), id);
        }
    }
    for control in &system.controls {
        for (i, evidence) in control.evidence.iter().enumerate() {
            if !catalogue.tests().iter().any(|t| t.test == evidence.as_str()) {
                warn(
                    format!("controls[{}].evidence[{i}]", control.id),
                    format!("the catalogue has no test {evidence}, so nothing can be evidence of it"),
                );
            }
        }
    }
    findings.sort();
    findings
}
