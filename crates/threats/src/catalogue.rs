//! The catalogue: 130 threats, the tests that settle them, and where other frameworks treat them.
//!
//! It is data, not code, so that a new edition of a framework is one reviewed diff. Editions are part of
//! every reference; a column of the CSV is named after the framework *and* the edition.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use proofhouse_core::{Digest, Reference, ReferenceError, Severity};
use proofhouse_system::{IdError, ThreatId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

const THREATS: &str = include_str!("../data/catalogue.csv");
const TESTS: &str = include_str!("../data/tests.csv");
const CHECKS: &str = include_str!("../data/checks.csv");
const SIGNALS: &str = include_str!("../data/signals.csv");
const RMF: &str = include_str!("../data/rmf.csv");
const ATLAS: &str = include_str!("../data/atlas.csv");
const NIST_AML: &str = include_str!("../data/nist_aml.csv");

/// Why the data are not a catalogue.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A row cannot be read.
    #[error("{file}: {source}")]
    Row {
        /// The file.
        file: &'static str,
        /// What the reader says, with the row.
        source: csv::Error,
    },
    /// A threat id has another form.
    #[error("catalogue.csv: {0}")]
    ThreatId(#[from] IdError),
    /// A column or cell is not a reference.
    #[error("{0}")]
    Reference(#[from] ReferenceError),
    /// One file names what another does not have.
    #[error("{file}: nothing is known as {name:?}")]
    Dangling {
        /// The file.
        file: &'static str,
        /// What it names.
        name: String,
    },
}

/// A kind of threat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Threat {
    /// Stable id, such as `MOD-02`.
    pub id: ThreatId,
    /// What people call it.
    pub name: String,
    /// Kind of AI it concerns.
    pub ai_type: AiType,
    /// Initials of the STRIDE categories it falls under; none for threats that are no attack.
    pub stride: Vec<String>,
    /// How bad it is where it succeeds, before anything is known of the system.
    pub impact: Severity,
    /// When it applies, in words. The rule of the same id says it exactly.
    pub applies_when: String,
    /// Where other frameworks treat it.
    pub references: Vec<Reference>,
}

impl Threat {
    /// `DAT`, `MOD`, `SUP`, `INF`, `STR`, `LLM`, `RAG` or `AGT`.
    #[must_use]
    pub fn group(&self) -> &str {
        self.id.as_str().split('-').next().unwrap_or_default()
    }
}

/// Kind of AI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AiType {
    /// Any.
    Any,
    /// Classifiers, regressors, recommenders.
    Predictive,
    /// Models that write.
    Generative,
    /// Software that plans and acts.
    Agentic,
}

/// A test that settles a threat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestSpec {
    /// The threat.
    pub threat: ThreatId,
    /// Its kind, such as `evasion-blackbox`.
    pub test: String,
    /// How far it runs without a person.
    pub automation: Automation,
    /// When it runs.
    pub stage: Stage,
    /// Its parameters, in words.
    pub parameters: String,
    /// Its default criterion, in words.
    pub criterion: String,
    /// What kind of evidence it leaves.
    pub evidence: String,
    /// NIST AI RMF subcategories it is evidence for.
    pub rmf: Vec<Reference>,
    /// The gate that asks for it, where one does.
    pub gate: Option<String>,
    /// What is watched at run time instead of running it again.
    pub runtime_signal: Option<String>,
    /// The check of this version that runs it, and how far it answers it; absent where none does.
    pub check: Option<(Check, Answers)>,
}

/// How far a test runs without a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Automation {
    /// All the way.
    Full,
    /// A person judges or supplies a part.
    Partial,
    /// A person does it.
    Manual,
}

/// When a test runs, in the order of a system's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each name is its own explanation")]
pub enum Stage {
    Govern,
    Data,
    Train,
    Release,
    Deploy,
    Operate,
}

/// A check this version can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Check {
    /// Every file of the model is inert.
    Scan,
    /// The datasets are what the system file says.
    Dataset,
    /// The labels are right.
    LabelNoise,
    /// The model does its task.
    Performance,
    /// The model withstands altered inputs.
    Evasion,
    /// The ML-BOM matches the files.
    Bom,
    /// The model is signed by the release identity.
    Signature,
    /// Every threat that could be tested was.
    Coverage,
    /// Simulated loss stays under the tolerance.
    Loss,
    /// The gateway lets in who may come in.
    Access,
    /// Traffic is what the model was judged on.
    Drift,
    /// A recalled model is gone in time.
    Recall,
    /// The ledger has no gap.
    Audit,
    /// A model that writes withstands attacks by text.
    Injection,
    /// What a model that writes is shown and given holds no secret and no order.
    Context,
    /// Rows of a table withstand changes that its rules allow.
    ConstrainedEvasion,
    /// Answers do not buy a copy of the model.
    Extraction,
    /// Answers do not tell who was in the training data.
    Membership,
    /// What the model takes for a class shows nobody.
    Inversion,
    /// Answers do not tell what the training data look like as a whole.
    Property,
    /// No input takes far longer than others.
    Latency,
    /// Nothing in the model waits for a sign.
    Backdoor,
    /// The model is not wrong more often about some groups than about others.
    Fairness,
    /// Nobody planted training rows.
    Poisoning,
    /// The model would not be better without one of its sources.
    Sources,
    /// The model is wrong about no part of the population more often than the last release.
    Segments,
    /// The model is as sure as it is right.
    Calibration,
    /// The model does nobody else's work.
    Reprogramming,
}

impl Check {
    /// Its name, as evidence and the command line write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Dataset => "dataset",
            Self::LabelNoise => "label-noise",
            Self::Performance => "performance",
            Self::Evasion => "evasion",
            Self::Bom => "bom",
            Self::Signature => "signature",
            Self::Coverage => "coverage",
            Self::Loss => "loss",
            Self::Access => "access",
            Self::Drift => "drift",
            Self::Recall => "recall",
            Self::Audit => "audit",
            Self::Injection => "injection",
            Self::Context => "context",
            Self::ConstrainedEvasion => "constrained-evasion",
            Self::Extraction => "extraction",
            Self::Membership => "membership",
            Self::Inversion => "inversion",
            Self::Property => "property",
            Self::Latency => "latency",
            Self::Backdoor => "backdoor",
            Self::Fairness => "fairness",
            Self::Poisoning => "poisoning",
            Self::Sources => "sources",
            Self::Segments => "segments",
            Self::Calibration => "calibration",
            Self::Reprogramming => "reprogramming",
        }
    }

    /// Whether it needs a model that predicts: rows in, an answer out. Of a model that writes it cannot tell anything.
    #[must_use]
    pub const fn asks_rows(self) -> bool {
        matches!(
            self,
            Self::ConstrainedEvasion
                | Self::Extraction
                | Self::Membership
                | Self::Inversion
                | Self::Property
                | Self::Latency
                | Self::Backdoor
                | Self::Fairness
                | Self::Poisoning
                | Self::Sources
                | Self::Segments
                | Self::Calibration
                | Self::Reprogramming
        )
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far a check answers a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Answers {
    /// Its pass is the test's pass.
    Full,
    /// Its failure is the test's failure; its pass leaves something open.
    Partial,
}

/// The catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalogue {
    threats: BTreeMap<ThreatId, Threat>,
    tests: Vec<TestSpec>,
    signals: BTreeMap<String, BTreeSet<String>>,
    rmf: BTreeMap<String, String>,
    names: BTreeMap<Reference, String>,
    digest: Digest,
}

impl Catalogue {
    /// The catalogue this version carries. Fails only if its data were damaged before it was built.
    pub fn embedded() -> Result<Self, CatalogueError> {
        let mut threats = BTreeMap::new();
        for row in rows::<BTreeMap<String, String>>("catalogue.csv", THREATS)? {
            let threat = threat(row)?;
            threats.insert(threat.id.clone(), threat);
        }
        let rmf: BTreeMap<String, String> =
            rows::<Named>("rmf.csv", RMF)?.into_iter().map(|r| (r.id, r.name)).collect();
        let checks: BTreeMap<String, (Check, Answers)> = rows::<CheckRow>("checks.csv", CHECKS)?
            .into_iter()
            .map(|r| (r.test, (r.check, r.answers)))
            .collect();
        let mut tests = Vec::new();
        for row in rows::<TestRow>("tests.csv", TESTS)? {
            let test = row.spec(&checks)?;
            known("tests.csv", test.threat.as_str(), threats.contains_key(&test.threat))?;
            for subcategory in &test.rmf {
                known("tests.csv", subcategory.id(), rmf.contains_key(subcategory.id()))?;
            }
            tests.push(test);
        }
        for test in checks.keys() {
            known("checks.csv", test, tests.iter().any(|t| &t.test == test))?;
        }
        let mut signals: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows::<SignalRow>("signals.csv", SIGNALS)? {
            let used = tests.iter().any(|t| t.runtime_signal.as_ref() == Some(&row.runtime_signal));
            known("signals.csv", &row.runtime_signal, used)?;
            signals.entry(row.kind).or_default().insert(row.runtime_signal);
        }
        let mut names = BTreeMap::new();
        for (file, text, framework, version) in [
            ("atlas.csv", ATLAS, "ATLAS", "5.6.0"),
            ("nist_aml.csv", NIST_AML, "NIST-AML", "E2025"),
            ("rmf.csv", RMF, "NIST-RMF", "1.0"),
        ] {
            names.extend(
                rows::<Named>(file, text)?
                    .into_iter()
                    .map(|r| (Reference::new(framework, version, r.id), r.name)),
            );
        }
        let digest = Digest::of([THREATS, TESTS, CHECKS, SIGNALS, RMF, ATLAS, NIST_AML].concat().as_bytes());
        Ok(Self { threats, tests, signals, rmf, names, digest })
    }

    /// All threats, by id.
    pub fn threats(&self) -> impl Iterator<Item = &Threat> {
        self.threats.values()
    }

    /// The threat of that id.
    #[must_use]
    pub fn threat(&self, id: &ThreatId) -> Option<&Threat> {
        self.threats.get(id)
    }

    /// All tests.
    #[must_use]
    pub fn tests(&self) -> &[TestSpec] {
        &self.tests
    }

    /// The tests that settle a threat; never none.
    pub fn tests_of<'a>(&'a self, id: &'a ThreatId) -> impl Iterator<Item = &'a TestSpec> {
        self.tests.iter().filter(move |t| &t.threat == id)
    }

    /// Kinds of signal that may be raised at run time, such as `drift`.
    pub fn signal_kinds(&self) -> impl Iterator<Item = &str> {
        self.signals.keys().map(String::as_str)
    }

    /// The threats a signal re-opens: those with a test whose runtime signal it stands for. Absent for a
    /// kind of signal that is not known, which is not the same as re-opening nothing.
    #[must_use]
    pub fn reopened_by(&self, kind: &str) -> Option<BTreeSet<ThreatId>> {
        let watched = self.signals.get(kind)?;
        let hit = |t: &&TestSpec| t.runtime_signal.as_ref().is_some_and(|s| watched.contains(s));
        Some(self.tests.iter().filter(hit).map(|t| t.threat.clone()).collect())
    }

    /// NIST AI RMF 1.0 subcategories with their meaning in our words.
    #[must_use]
    pub fn rmf(&self) -> &BTreeMap<String, String> {
        &self.rmf
    }

    /// The name a framework gives an id, for the frameworks whose names may be shipped.
    #[must_use]
    pub fn name_of(&self, reference: &Reference) -> Option<&str> {
        self.names.get(reference).map(String::as_str)
    }

    /// Number of entries of a framework's edition, where all of them are known here.
    #[must_use]
    pub fn size_of(&self, framework: &str, version: &str) -> Option<usize> {
        let of = |r: &&Reference| r.framework() == framework && r.version() == version;
        Some(self.names.keys().filter(of).count()).filter(|n| *n > 0)
    }

    /// Digest of the data: which catalogue a derivation was made with.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }
}

#[derive(Deserialize)]
struct Named {
    id: String,
    #[serde(alias = "meaning")]
    name: String,
}

#[derive(Deserialize)]
struct CheckRow {
    test: String,
    check: Check,
    answers: Answers,
}

#[derive(Deserialize)]
struct SignalRow {
    kind: String,
    runtime_signal: String,
}

#[derive(Deserialize)]
struct TestRow {
    threat: String,
    test: String,
    automation: Automation,
    stage: Stage,
    parameters: String,
    criterion: String,
    evidence: String,
    #[serde(rename = "NIST-RMF@1.0")]
    rmf: String,
    gate: String,
    runtime_signal: String,
}

impl TestRow {
    fn spec(self, checks: &BTreeMap<String, (Check, Answers)>) -> Result<TestSpec, CatalogueError> {
        let given = |text: String| Some(text).filter(|t| !t.is_empty());
        Ok(TestSpec {
            threat: self.threat.parse()?,
            check: checks.get(&self.test).copied(),
            rmf: cells(&self.rmf).map(|id| Reference::new("NIST-RMF", "1.0", id)).collect(),
            gate: given(self.gate),
            runtime_signal: given(self.runtime_signal),
            test: self.test,
            automation: self.automation,
            stage: self.stage,
            parameters: self.parameters,
            criterion: self.criterion,
            evidence: self.evidence,
        })
    }
}

fn threat(mut row: BTreeMap<String, String>) -> Result<Threat, CatalogueError> {
    let mut take = |column: &str| {
        row.remove(column)
            .ok_or_else(|| CatalogueError::Dangling { file: "catalogue.csv", name: column.to_owned() })
    };
    let word = |text: String| CatalogueError::Dangling { file: "catalogue.csv", name: text };
    let id: ThreatId = take("id")?.parse()?;
    let (name, applies_when) = (take("name")?, take("applies_when")?);
    let ai_type = match take("ai_type")?.as_str() {
        "any" => AiType::Any,
        "predictive" => AiType::Predictive,
        "generative" => AiType::Generative,
        "agentic" => AiType::Agentic,
        other => return Err(word(other.to_owned())),
    };
    let impact = match take("impact")?.as_str() {
        "critical" => Severity::Critical,
        "high" => Severity::High,
        "medium" => Severity::Medium,
        "low" => Severity::Low,
        other => return Err(word(other.to_owned())),
    };
    let stride = take("stride")?.split_whitespace().map(str::to_owned).collect();
    // What is left are columns named after a framework and its edition.
    let mut references = Vec::new();
    for (column, ids) in row {
        for id in cells(&ids) {
            references.push(format!("{column}:{id}").parse()?);
        }
    }
    references.sort();
    Ok(Threat { id, name, ai_type, stride, impact, applies_when, references })
}

fn cells(text: &str) -> impl Iterator<Item = &str> {
    text.split(';').map(str::trim).filter(|cell| !cell.is_empty())
}

fn rows<T: DeserializeOwned>(file: &'static str, text: &str) -> Result<Vec<T>, CatalogueError> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .collect::<Result<_, _>>()
        .map_err(|source| CatalogueError::Row { file, source })
}

fn known(file: &'static str, name: &str, is: bool) -> Result<(), CatalogueError> {
    if is { Ok(()) } else { Err(CatalogueError::Dangling { file, name: name.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::embedded().unwrap()
    }

    #[test]
    fn every_threat_has_a_test_and_every_test_a_threat() {
        let c = catalogue();
        assert_eq!(c.threats().count(), 130);
        assert_eq!(c.tests().len(), 132);
        assert!(c.threats().all(|t| c.tests_of(&t.id).next().is_some()));
        assert_eq!(c.rmf().len(), 72);
    }

    #[test]
    fn every_id_of_a_framework_whose_names_we_have_exists_in_that_edition() {
        let c = catalogue();
        for threat in c.threats() {
            for r in threat.references.iter().filter(|r| ["ATLAS", "NIST-AML"].contains(&r.framework())) {
                assert!(c.name_of(r).is_some(), "{} cites {r}", threat.id);
            }
        }
        let frameworks: BTreeSet<String> = c
            .threats()
            .flat_map(|t| &t.references)
            .map(|r| format!("{}@{}", r.framework(), r.version()))
            .collect();
        assert_eq!(
            frameworks.into_iter().collect::<Vec<_>>(),
            [
                "ATLAS@5.6.0",
                "COSAI@18ab1ef",
                "NIST-AML@E2025",
                "OWASP-ASI@2026",
                "OWASP-LLM@2025",
                "OWASP-LLM@2026",
                "OWASP-ML@2023",
                "PLOT4AI@5f4b43e"
            ]
        );
    }

    #[test]
    fn an_owasp_id_carries_the_year_of_its_edition() {
        for r in catalogue().threats().flat_map(|t| t.references.clone()) {
            if r.framework() == "OWASP-LLM" {
                assert!(r.id().ends_with(r.version()), "{r}");
            }
        }
    }

    #[test]
    fn every_runtime_signal_belongs_to_a_kind() {
        let c = catalogue();
        let mapped: BTreeSet<&String> = c.signals.values().flatten().collect();
        for test in c.tests() {
            if let Some(signal) = &test.runtime_signal {
                assert!(mapped.contains(signal), "{signal}");
            }
        }
    }

    #[test]
    fn drift_reopens_exactly_what_watches_for_it() {
        let c = catalogue();
        let reopened = c.reopened_by("drift").unwrap();
        let ids: Vec<&str> = reopened.iter().map(ThreatId::as_str).collect();
        assert_eq!(ids, ["DAT-02", "DAT-08", "DAT-10", "DAT-13", "MOD-10", "MOD-11", "MOD-13", "MOD-14"]);
        assert_eq!(c.reopened_by("nonsense"), None);
    }
}
