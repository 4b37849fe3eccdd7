//! The release gate: everything known about a candidate in one document, a decision by policy, and the
//! decision signed (SLSA VSA) and recorded.

use std::collections::BTreeMap;

use proofhouse_attest::predicate::{VerificationOutcome, VerificationSummary, Verifier};
use proofhouse_attest::{ResourceDescriptor, Statement, oms, sign_statement};
use proofhouse_core::{Digest, Freshness, Severity, ThreatState, Timestamp, Verdict};
use proofhouse_ledger::EventKind;
use proofhouse_policy::input::release::{
    self, Bom, BomLint, Ceiling, Counts, Dataset, File, Floor, Input, Measurement, Model, Requirements,
    Signature, Threat, ThreatModel, Waiver,
};
use proofhouse_policy::{Decision, Policy};
use proofhouse_system::{Metric, Slice, System};
use proofhouse_threats::Assessment as StateAssessment;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::assess::{Assessment, kinds_of};
use crate::evidence::Evidence;
use crate::house::House;
use crate::package::Candidate;
use crate::plan::{Planned, Standing};
use crate::{LifecycleError, Project};

/// A decision that is in the ledger.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// What was decided, and why.
    pub decision: Decision,
    /// Digest of the signed decision.
    pub envelope: Digest,
    /// Digest of the input that was judged, kept so that the decision can be repeated.
    pub input: Digest,
    /// When.
    pub at: Timestamp,
    /// Its ledger entry.
    pub seq: u64,
}

impl House {
    /// Asks the release policy about a candidate, for one environment.
    pub async fn decide_release(
        &self,
        project: &Project,
        planned: &Planned,
        assessment: &Assessment,
        candidate: &Candidate,
        policy: &Policy,
        environment: &str,
    ) -> Result<(Decided, Vec<StateAssessment>), LifecycleError> {
        let evidence: Vec<Evidence> =
            assessment.evidence.iter().chain(&candidate.evidence).cloned().collect();
        let freshness = assessment.freshness(self, project, &evidence)?;
        let judged: Vec<(Evidence, Freshness)> = evidence.into_iter().zip(freshness).collect();
        let standing = Standing { evidence: &judged, signals: &[], now: self.now() };
        let states = self.record_states(project, planned, &standing).await?;
        let facts =
            Facts { house: self, project, planned, assessment, candidate, judged: &judged, states: &states };
        let recalled = self.recalled_in(environment).await?.into_iter().collect();
        let input = facts.input(environment, recalled)?;
        let decision = policy.evaluate(&input);
        let decided =
            self.record_decision(&input, decision, assessment.model.subject().name, environment).await?;
        Ok((decided, states))
    }

    async fn record_decision(
        &self,
        input: &Input,
        decision: Decision,
        name: String,
        environment: &str,
    ) -> Result<Decided, LifecycleError> {
        let kept = self.keep(input).await?;
        let at = self.now();
        let verified_levels =
            if decision.allow { vec!["PROOFHOUSE_RELEASE".to_owned()] } else { vec!["FAILED".to_owned()] };
        let summary = VerificationSummary {
            verifier: Verifier {
                id: "https://proofhouse.dev/gate".to_owned(),
                version: BTreeMap::from([(self.tool().name.clone(), self.tool().version.clone())]),
            },
            time_verified: at,
            resource_uri: judged_resource(environment, &name),
            policy: ResourceDescriptor::sha256("policy", &decision.policy),
            input_attestations: decision
                .evidence
                .iter()
                .map(|d| ResourceDescriptor::sha256("evidence", d))
                .collect(),
            verification_result: if decision.allow {
                VerificationOutcome::Passed
            } else {
                VerificationOutcome::Failed
            },
            verified_levels,
            dependency_levels: None,
            slsa_version: Some("1.1".to_owned()),
        };
        let about = ResourceDescriptor::sha256(name, &input.model.digest);
        let envelope = sign_statement(&Statement::new(vec![about], &summary)?, self.signer())?;
        let envelope = self.ledger().put_object(&envelope.to_json()?).await?;
        let document = self.keep(&decision).await?;
        let body = json!({
            "allow": decision.allow,
            "environment": environment,
            "codes": decision.deny.iter().map(|r| &r.code).collect::<Vec<_>>(),
            "envelope": envelope,
            "decision": document,
            "input": kept,
            "policy": decision.policy,
        });
        let event = self.event(EventKind::GateDecided, Some(input.model.digest), &body)?;
        let seq = self.append(&[event]).await?.first_seq;
        Ok(Decided { decision, envelope, input: kept, at, seq })
    }
}

/// What a decision is about: a model by its name, in one environment.
pub(crate) fn judged_resource(environment: &str, model: &str) -> String {
    format!("urn:proofhouse:{environment}:{model}")
}

/// Everything the gate is told, in one place.
struct Facts<'a> {
    house: &'a House,
    project: &'a Project,
    planned: &'a Planned,
    assessment: &'a Assessment,
    candidate: &'a Candidate,
    judged: &'a [(Evidence, Freshness)],
    states: &'a [StateAssessment],
}

impl Facts<'_> {
    fn input(&self, environment: &str, recalled: Vec<Digest>) -> Result<Input, LifecycleError> {
        let model = &self.assessment.model;
        let spec = model.spec();
        Ok(Input {
            schema: release::SCHEMA.to_owned(),
            request: release::Request {
                now_ns: nanoseconds(self.house.now()),
                environment: environment.to_owned(),
                actor: self.house.signer_id().to_string(),
            },
            model: Model {
                name: spec.id.to_string(),
                version: spec.version.clone(),
                digest: model.digest(),
                files: model
                    .entries()
                    .iter()
                    .map(|e| File { path: e.path.clone(), size: e.size, sha256: e.content })
                    .collect(),
            },
            signature: self.signature(),
            system: release::System { digest: self.project.digest },
            threat_model: ThreatModel {
                digest: self.planned.digest()?,
                system_digest: self.planned.derivation.system,
                threats: self.threats(),
            },
            evidence: self.evidence(),
            bom: self.bom(),
            datasets: self.datasets(),
            requirements: requirements(&self.project.system),
            waivers: waivers(&self.project.system, self.house.now()),
            recalled,
        })
    }

    fn signature(&self) -> Signature {
        let model = &self.assessment.model;
        match oms::verify(&self.candidate.signature, model.entries(), self.house.trusted()) {
            Ok(verified) => Signature {
                present: true,
                verified: true,
                trusted: true,
                digest: Some(verified.model_digest()),
                signer: verified.signer().to_string(),
            },
            Err(error) => Signature {
                present: !self.candidate.signature.is_empty(),
                verified: false,
                trusted: !matches!(error, proofhouse_attest::Error::UnknownKey(_)),
                digest: None,
                signer: String::new(),
            },
        }
    }

    /// Each threat with the checks that have to have spoken before a release. A threat that no check of
    /// this build speaks about is left to people, and the gate says so.
    fn threats(&self) -> Vec<Threat> {
        let state_of: BTreeMap<&str, ThreatState> =
            self.states.iter().map(|s| (s.threat.as_str(), s.state)).collect();
        self.planned
            .derivation
            .threats
            .iter()
            .map(|t| {
                let required_checks = self.planned.required_before_release(&t.id);
                Threat {
                    id: t.id.to_string(),
                    severity: t.impact,
                    state: state_of.get(t.id.as_str()).copied().unwrap_or(ThreatState::Unknown),
                    automatic: !required_checks.is_empty(),
                    required_checks,
                }
            })
            .collect()
    }

    fn evidence(&self) -> Vec<release::Evidence> {
        self.judged
            .iter()
            .flat_map(|(e, freshness)| {
                // Evidence that answers several kinds of test may speak for several checks.
                let mut words: Vec<String> =
                    kinds_of(&e.result().check).into_iter().map(|k| self.planned.check_of(k)).collect();
                words.dedup();
                words.into_iter().map(move |check| release::Evidence {
                    digest: e.id,
                    check,
                    subject: e.subject.digest,
                    verdict: e.result().verdict,
                    fresh: *freshness == Freshness::Fresh,
                    threats: e.result().threats.clone(),
                    signer: e.signer.to_string(),
                    // Evidence cannot be read without a trusted signature over it.
                    trusted: true,
                    criterion: e.result().criterion.clone(),
                    measurements: e.result().measurements.iter().map(Measurement::from).collect(),
                    findings: e.result().findings.iter().collect::<Counts>(),
                })
            })
            .collect()
    }

    fn bom(&self) -> Bom {
        let model = &self.assessment.model;
        let findings = &self.candidate.bom_findings;
        let differs =
            proofhouse_bom::verify(&self.candidate.bom, model.entries()).map_or(true, |f| !f.is_empty());
        let count = |at_least: Severity, below: Severity| {
            findings.iter().filter(|f| f.severity >= at_least && f.severity < below).count() as u64
        };
        Bom {
            present: !self.candidate.bom.is_empty(),
            digest: Some(Digest::of(&self.candidate.bom)),
            model_digest: named_model(&self.candidate.bom),
            files_match: !differs,
            lint: BomLint {
                high: findings.iter().filter(|f| f.severity >= Severity::High).count() as u64,
                medium: count(Severity::Medium, Severity::High),
            },
        }
    }

    fn datasets(&self) -> Vec<Dataset> {
        self.assessment
            .datasets
            .iter()
            .map(|d| Dataset {
                name: d.id().to_owned(),
                digest: d.digest(),
                provenance_verified: ["provenance-verify", "digest-verify"].iter().all(|check| {
                    self.judged.iter().any(|(e, freshness)| {
                        e.result().check == *check
                            && e.subject.digest == d.digest()
                            && e.result().verdict == Verdict::Pass
                            && *freshness == Freshness::Fresh
                    })
                }),
                licence: d.spec().licence.clone().unwrap_or_default(),
            })
            .collect()
    }
}

/// The model digest that a bill of materials names.
fn named_model(bom: &[u8]) -> Option<Digest> {
    let bom = proofhouse_bom::parse(bom).ok()?;
    bom.metadata?.component?.property(proofhouse_bom::property::MODEL_DIGEST)?.parse().ok()
}

/// Floors and ceilings of the system file, under the names the checks measure by.
fn requirements(system: &System) -> Requirements {
    let floors = system
        .requirements
        .performance
        .iter()
        .map(|f| {
            let (metric, slice) = measured_as(f.metric, f.per);
            Floor {
                metric: metric.to_owned(),
                slice: slice.to_owned(),
                floor: f.floor.get(),
                confidence: f.confidence.get(),
            }
        })
        .collect();
    let evasion = system.checks.evasion.as_ref();
    let mut floors: Vec<Floor> = floors;
    let mut ceilings: Vec<Ceiling> = system
        .requirements
        .robustness
        .iter()
        // A requirement for another ball than the one attacked has no measurement to be held against.
        .filter(|r| evasion.is_some_and(|e| e.norm == r.norm && e.eps == r.eps))
        .map(|r| Ceiling {
            metric: "evasion-success".to_owned(),
            slice: String::new(),
            ceiling: r.max_success_rate.get(),
            confidence: r.confidence.get(),
        })
        .collect();
    // The ceiling for attacks is held by each suite for its own families; these hold for all of them.
    if let Some(r) = system.requirements.injection {
        let confidence = r.confidence.get();
        let ceiling = |metric: &str, slice: &str, ceiling| Ceiling {
            metric: metric.to_owned(),
            slice: slice.to_owned(),
            ceiling,
            confidence,
        };
        floors.push(Floor {
            metric: "benign-success".to_owned(),
            slice: String::new(),
            floor: r.min_benign_success.get(),
            confidence,
        });
        ceilings.push(ceiling("over-refusal", "", r.max_over_refusal.get()));
    }
    Requirements { floors, ceilings }
}

/// The measurement and slice that a floor is held against. Over all rows of a single-label classifier,
/// recall and precision are its accuracy. A metric this build does not measure keeps its own name, finds no
/// measurement and is denied as missing.
fn measured_as(metric: Metric, per: Slice) -> (&'static str, &'static str) {
    match (metric, per) {
        (_, Slice::All) => ("accuracy", ""),
        (Metric::Precision, _) => ("precision", "*"),
        (Metric::Accuracy | Metric::Recall, _) => ("recall", "*"),
        _ => ("unmeasured", "*"),
    }
}

fn waivers(system: &System, now: Timestamp) -> Vec<Waiver> {
    system
        .waivers
        .iter()
        .filter(|w| w.granted <= now)
        .map(|w| Waiver {
            code: w.code.clone().unwrap_or_else(|| "threat/untested".to_owned()),
            subject: w
                .threat
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| w.finding.clone())
                .or_else(|| w.scope.map(|d| d.to_string()))
                .unwrap_or_default(),
            owner: w.owner.clone(),
            approved_by: w.approved_by.clone(),
            reason: w.reason.clone(),
            expires_ns: nanoseconds(w.expires),
        })
        .collect()
}

/// Nanoseconds since 1970, as policies count time, down to a multiple of 256: canonical JSON holds numbers
/// as doubles, and the input that is kept must be the input that was judged, to the last digit.
pub(crate) fn nanoseconds(t: Timestamp) -> u64 {
    u64::try_from(t.unix_ms()).unwrap_or_default().saturating_mul(1_000_000) & !0xff
}
