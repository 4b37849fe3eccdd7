//! Packaging: the signature and the bill of materials of a candidate, made before the gate so that the
//! gate can refuse them, and the two checks that examine them.

use proofhouse_attest::oms;
use proofhouse_bom::{
    Approach, Basis, BomInput, DatasetRole as BomRole, Metric, Model as BomModel, ModelCard, Reference,
    ReferenceKind, Risk, Tool as BomTool,
};
use proofhouse_core::{CheckResult, Digest, Finding, Inputs, Severity, Verdict, canonical};
use proofhouse_system::{DatasetRole, System, Task};
use serde_json::json;

use crate::assess::Assessment;
use crate::evidence::{Evidence, Signed};
use crate::house::House;
use crate::language::{Boundary, Guarded};
use crate::plan::Planned;
use crate::{LifecycleError, Project};

/// Days for which the evidence about a package counts.
const VALID_DAYS: i64 = 90;

/// A candidate for release: what the gate decides on, besides the evidence.
pub struct Candidate {
    /// The OpenSSF Model Signing bundle.
    pub signature: Vec<u8>,
    /// The CycloneDX ML-BOM.
    pub bom: Vec<u8>,
    /// Faults of the BOM that its lint and its comparison with the files found.
    pub bom_findings: Vec<Finding>,
    /// The evidence about both.
    pub evidence: Vec<Evidence>,
}

impl House {
    /// Signs the model, writes its BOM, examines both as a stranger would, and records the results.
    pub async fn package(
        &self,
        project: &Project,
        planned: &Planned,
        assessment: &Assessment,
    ) -> Result<Candidate, LifecycleError> {
        let model = &assessment.model;
        let signature = oms::sign(&model.subject().name, model.entries(), self.signer())?.to_json()?;
        let bom = proofhouse_bom::write(&bom_input(self, project, assessment, &signature)?)?;
        let mut bom_findings = proofhouse_bom::lint(&bom);
        bom_findings.extend(proofhouse_bom::verify(&bom, model.entries())?);
        self.ledger().put_object(&signature).await?;
        self.ledger().put_object(&bom).await?;
        let verified = oms::verify(&signature, model.entries(), self.trusted());
        let signed = vec![
            self.packaged(
                planned,
                assessment,
                "signature-verify",
                Digest::of(&signature),
                match &verified {
                    Ok(v) if v.model_digest() == model.digest() => (
                        Verdict::Pass,
                        format!("the signature of {} verifies over every file", v.signer()),
                        vec![],
                    ),
                    Ok(_) => (Verdict::Fail, "the signature is over another model digest".to_owned(), vec![]),
                    Err(e) => (Verdict::Fail, format!("the signature does not verify: {e}"), vec![]),
                },
            )
            .await?,
            self.packaged(planned, assessment, "mlbom-completeness", Digest::of(&bom), {
                let serious = bom_findings.iter().filter(|f| f.severity >= Severity::Medium).count();
                (
                    Verdict::from(Some(serious == 0)),
                    format!("the ML-BOM lists every file with its digest and has {serious} serious faults"),
                    bom_findings.clone(),
                )
            })
            .await?,
        ];
        let evidence = self.record_all(signed).await?;
        Ok(Candidate { signature, bom, bom_findings, evidence })
    }

    async fn packaged(
        &self,
        planned: &Planned,
        assessment: &Assessment,
        check: &str,
        document: Digest,
        (verdict, criterion, findings): (Verdict, String, Vec<Finding>),
    ) -> Result<Signed, LifecycleError> {
        let finished = self.now();
        let result = CheckResult {
            check: check.to_owned(),
            threats: planned.threats_tested_by(&[check]),
            inputs: Inputs {
                subject: assessment.model.digest(),
                data: Some(document),
                config: canonical::digest(&json!({}))?,
                tool: self.tool_digest()?,
                policy: Some(assessment.policy),
                seed: None,
            },
            verdict,
            criterion,
            measurements: vec![],
            findings,
            finished,
            valid_until: Some(finished.plus_days(VALID_DAYS)),
        };
        self.sign_result(assessment.model.subject(), result, None).await
    }
}

fn bom_input(
    house: &House,
    project: &Project,
    assessment: &Assessment,
    signature: &[u8],
) -> Result<BomInput, LifecycleError> {
    let spec = assessment.model.spec();
    let system = &project.system;
    let mut references = vec![Reference {
        kind: ReferenceKind::ElectronicSignature,
        url: "model.sig".to_owned(),
        digest: Digest::of(signature),
        comment: Some("OpenSSF Model Signing v1.0 bundle".to_owned()),
    }];
    references.extend(assessment.evidence.iter().map(|e| Reference {
        kind: if e.result().check == "artifact-scan" {
            ReferenceKind::StaticAnalysisReport
        } else {
            ReferenceKind::Evidence
        },
        url: format!("evidence/{}.dsse.json", e.id.to_hex()),
        digest: e.id,
        comment: Some(format!("{}: {}", e.result().check, e.result().verdict)),
    }));
    if spec.writes() {
        let boundary = Boundary::of(project, &assessment.datasets, assessment.model.assistant()?)?;
        let guard = Guarded::new(&boundary)?.digest();
        references.push(Reference {
            kind: ReferenceKind::Attestation,
            url: format!("urn:proofhouse:guard:{}", guard.to_hex()),
            digest: guard,
            comment: Some(
                "rules, output rules and detector weights of the guard it was tested with".to_owned(),
            ),
        });
    }
    Ok(BomInput {
        model: BomModel {
            name: spec.id.to_string(),
            version: spec.version.clone(),
            description: Some(spec.name.clone()),
            supplier: system.system.owner.as_ref().and_then(|h| h.name()).map(str::to_owned),
            licence: spec.licence.as_ref().and_then(|l| l.parse().ok()),
            files: assessment.model.entries().to_vec(),
            card: card(system, assessment),
        },
        datasets: assessment.datasets.iter().map(dataset).collect(),
        references,
        tool: BomTool { name: house.tool().name.clone(), version: house.tool().version.clone() },
        timestamp: house.now(),
    })
}

fn card(system: &System, assessment: &Assessment) -> ModelCard {
    let spec = assessment.model.spec();
    let shape = |dims: Vec<String>| format!("float32[N,{}]", dims.join(","));
    let (inputs, outputs) = match spec.tensors() {
        Some(t) => {
            let axes = t.input.shape.iter().map(|c| c.get().to_string()).collect();
            let classes = vec![t.classes.len().to_string()];
            (
                vec![format!("{}: {}", t.input.name, shape(axes))],
                vec![format!("{}: {}", t.output.name, shape(classes))],
            )
        }
        None => (vec!["text".to_owned()], vec!["text".to_owned()]),
    };
    // Several suites read one campaign and state the same figure; a card names it once.
    let mut named = std::collections::BTreeSet::new();
    let metrics =
        assessment.evidence.iter().filter(|e| e.subject.digest == assessment.model.digest()).flat_map(|e| {
            e.result()
                .measurements
                .iter()
                .map(|m| Metric { measurement: m.clone(), basis: Basis::Measured { evidence: e.id } })
        });
    ModelCard {
        approach: (spec.task == Task::Classification).then_some(Approach::Supervised),
        task: Some(crate::plan::word(&spec.task)),
        // An endpoint is somebody else's: it is named, and no digest vouches for it.
        architecture: assessment.model.language().ok().map(|language| language.name()),
        inputs,
        outputs,
        metrics: metrics
            .filter(|m: &Metric| named.insert((m.measurement.name.clone(), m.measurement.slice.clone())))
            .collect(),
        users: system.context.users.iter().flatten().map(crate::plan::word).collect(),
        use_cases: vec![system.system.purpose.clone()],
        ethical_considerations: system
            .decisions
            .iter()
            .map(|d| Risk {
                name: d.what.clone(),
                mitigation: d.human_review.clone().or_else(|| d.appeal.clone()),
            })
            .collect(),
        ..ModelCard::default()
    }
}

fn dataset(loaded: &crate::data::LoadedDataset) -> proofhouse_bom::Dataset {
    let spec = loaded.spec();
    let iri = spec.source.as_ref().filter(|s| s.starts_with("https://") || s.starts_with("http://"));
    proofhouse_bom::Dataset {
        name: loaded.id().to_owned(),
        version: None,
        description: spec.attribution.clone(),
        role: match spec.role {
            DatasetRole::Train => BomRole::Training,
            DatasetRole::Validation => BomRole::Validation,
            DatasetRole::Test => BomRole::Test,
            DatasetRole::Retrieval => BomRole::Retrieval,
            DatasetRole::Reference | DatasetRole::Traffic => BomRole::Reference,
        },
        manifest: loaded.digest(),
        classification: None,
        sensitive: if spec.personal_data == Some(true) { vec!["personal data".to_owned()] } else { vec![] },
        owners: vec![],
        licence: spec.licence.as_ref().and_then(|l| l.parse().ok()),
        source: iri.cloned(),
    }
}
