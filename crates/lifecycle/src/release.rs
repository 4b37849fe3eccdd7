//! A release: model, signature, ML-BOM, evidence, decision and the signed release statement, in one folder
//! that appears whole or not at all.
//!
//! ```text
//! HOME/releases/<id>/model/…            the files that were assessed, byte for byte
//!                    model.sig          OpenSSF Model Signing v1.0 bundle
//!                    bom.cdx.json       CycloneDX 1.6 ML-BOM
//!                    evidence/*.dsse.json
//!                    decision.dsse.json
//!                    release.dsse.json  names all of the above by digest
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_attest::predicate::{VerificationOutcome, VerificationSummary};
use proofhouse_attest::{Predicate, ResourceDescriptor, Statement, oms, sign_statement, verify_statement};
use proofhouse_core::{Digest, FileMode, Timestamp};
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::ReleaseMade;
use serde::{Deserialize, Serialize};

use crate::assess::Assessment;
use crate::gate::{Decided, judged_resource};
use crate::house::House;
use crate::model::{ModelUnderTest, Previous};
use crate::package::Candidate;
use crate::{LifecycleError, Project, durable};

/// Days for which a release may be deployed.
const VALID_DAYS: i64 = 90;

/// What a release statement says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseStatement {
    /// Id of the release.
    pub release: String,
    /// The system it belongs to.
    pub system: String,
    /// Digest of the system file.
    pub system_digest: Digest,
    /// Where it may run.
    pub environment: String,
    /// The model's name.
    pub name: String,
    /// The model's version.
    pub version: String,
    /// The model digest.
    pub model: Digest,
    /// Digest of the signature bundle.
    pub signature: Digest,
    /// Digest of the ML-BOM.
    pub bom: Digest,
    /// Digest of the signed decision.
    pub decision: Digest,
    /// Digests of the evidence that was read.
    pub evidence: Vec<Digest>,
    /// When it was released.
    pub released: Timestamp,
    /// When it may no longer be deployed.
    pub expires: Timestamp,
}

impl Predicate for ReleaseStatement {
    const TYPE: &'static str = proofhouse_attest::predicate::RELEASE;
}

/// A release on the disk, verified when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its folder.
    pub dir: PathBuf,
    /// What it states.
    pub statement: ReleaseStatement,
    /// Digest of the signed statement.
    pub envelope: Digest,
    /// Whether the signed decision in the folder let this very model into this environment.
    pub allowed: bool,
}

impl Release {
    /// The model's files.
    #[must_use]
    pub fn model_dir(&self) -> PathBuf {
        self.dir.join("model")
    }

    /// The signature bundle.
    #[must_use]
    pub fn signature_file(&self) -> PathBuf {
        self.dir.join("model.sig")
    }
}

impl House {
    /// Releases a candidate that the gate allowed.
    pub async fn release(
        &self,
        project: &Project,
        assessment: &Assessment,
        candidate: &Candidate,
        decided: &Decided,
        environment: &str,
    ) -> Result<(Release, u64), LifecycleError> {
        if !decided.decision.allow {
            return Err(LifecycleError::Order(
                "the gate denied this candidate; it cannot be released".to_owned(),
            ));
        }
        let spec = assessment.model.spec();
        let id = self.next_release(environment).await?;
        let released = self.now();
        let statement = ReleaseStatement {
            release: id.clone(),
            system: project.id().to_owned(),
            system_digest: project.digest,
            environment: environment.to_owned(),
            name: spec.id.to_string(),
            version: spec.version.clone(),
            model: assessment.model.digest(),
            signature: Digest::of(&candidate.signature),
            bom: Digest::of(&candidate.bom),
            decision: decided.envelope,
            evidence: assessment.evidence.iter().chain(&candidate.evidence).map(|e| e.id).collect(),
            released,
            expires: released.plus_days(VALID_DAYS),
        };
        let about = ResourceDescriptor::sha256(&statement.name, &statement.model);
        let signed = sign_statement(&Statement::new(vec![about], &statement)?, self.signer())?.to_json()?;
        let envelope = self.ledger().put_object(&signed).await?;
        let dir = self.home().join("releases").join(&id);
        let temporary = durable::beside(&dir);
        let written = self.write_release(&temporary, assessment, candidate, &statement, &signed).await;
        if let Err(error) = written.and_then(|()| moved(&temporary, &dir)) {
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
        #[derive(Serialize)]
        struct Body {
            #[serde(flatten)]
            made: ReleaseMade,
            environment: String,
            statement: Digest,
        }
        let body = Body {
            made: ReleaseMade {
                id,
                system: project.id().to_owned(),
                name: format!("{} {}", statement.name, statement.version),
                decision: Some(decided.envelope),
                signature: Some(statement.signature),
                bom: Some(statement.bom),
            },
            environment: environment.to_owned(),
            statement: envelope,
        };
        let event = self.event(EventKind::ReleaseMade, Some(statement.model), &body)?;
        let seq = self.append(&[event]).await?.first_seq;
        Ok((Release { dir, statement, envelope, allowed: true }, seq))
    }

    /// A name that neither the ledger knows nor a folder has: a release that was cut short between the two
    /// leaves its folder, and must not be in the way of all that follow.
    async fn next_release(&self, environment: &str) -> Result<String, LifecycleError> {
        let mut number = self.ledger().releases(None).await?.len() + 1;
        loop {
            let id = format!("{environment}.{number}");
            if !self.home().join("releases").join(&id).exists() {
                return Ok(id);
            }
            number += 1;
        }
    }

    async fn write_release(
        &self,
        dir: &Path,
        assessment: &Assessment,
        candidate: &Candidate,
        statement: &ReleaseStatement,
        signed: &[u8],
    ) -> Result<(), LifecycleError> {
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(failed(dir))?;
        }
        for (entry, bytes) in assessment.model.files().iter() {
            let path = dir.join("model").join(entry.path.as_str());
            durable::write(&path, bytes)?;
            if entry.mode == FileMode::Executable {
                use std::os::unix::fs::PermissionsExt as _;
                fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed(&path))?;
            }
        }
        durable::write(&dir.join("model.sig"), &candidate.signature)?;
        durable::write(&dir.join("bom.cdx.json"), &candidate.bom)?;
        durable::write(&dir.join("decision.dsse.json"), &self.object(&statement.decision).await?)?;
        for id in &statement.evidence {
            durable::write(&dir.join(evidence_file(id)), &self.object(id).await?)?;
        }
        durable::write(&dir.join("release.dsse.json"), signed)
    }

    /// Opens the newest release for an environment and verifies it: statement, decision, evidence, signature,
    /// files, digest, and that it is the one which the ledger recorded under its name.
    pub async fn latest_release(
        &self,
        project: &Project,
        environment: &str,
    ) -> Result<Release, LifecycleError> {
        let newest = self
            .ledger()
            .releases(None)
            .await?
            .into_iter()
            .filter(|r| r.system == project.id())
            .filter(|r| r.id.rsplit_once('.').is_some_and(|(name, _)| name == environment))
            .max_by_key(|r| r.seq);
        let row =
            newest.ok_or_else(|| LifecycleError::NoRelease(format!("{} for {environment}", project.id())))?;
        let release = self.open_release(&self.home().join("releases").join(&row.id))?;
        let entry = self.ledger().get(u64::try_from(row.seq).unwrap_or_default()).await?;
        let recorded: Option<Digest> =
            entry.and_then(|e| e.body.get("statement").and_then(|s| s.as_str()).and_then(|s| s.parse().ok()));
        // Every older release is signed just as well: a folder in the place of another is found only so.
        if recorded != Some(release.envelope) {
            return Err(LifecycleError::Release {
                path: release.dir,
                reason: format!(
                    "it holds {}; the ledger recorded another statement as {}",
                    release.statement.release, row.id
                ),
            });
        }
        Ok(release)
    }

    /// The newest release of this system, in whatever environment, whose model file is another than that of `model`, so that
    /// nobody has to remember which it was. What was recalled everywhere is no measure.
    pub(crate) async fn last_release_of_another(
        &self,
        project: &Project,
        model: &ModelUnderTest,
    ) -> Result<Option<Previous>, LifecycleError> {
        let recalled = self.recalled_everywhere().await?;
        let own = model.digest().to_string();
        let mut rows = self.ledger().releases(None).await?;
        rows.retain(|r| r.system == project.id() && r.model != own);
        for row in rows.into_iter().rev() {
            if row.model.parse().is_ok_and(|digest| recalled.contains(&digest)) {
                continue;
            }
            // A folder that is gone is a reason why the check cannot answer, not why nothing can be assessed.
            let released =
                self.released_model(project, &row.id, &row.model).map_err(|error| error.to_string());
            // Another text beside the same weights is no other model.
            let same =
                |other: &ModelUnderTest| matches!((other.graph(), model.graph()), (Ok(a), Ok(b)) if a == b);
            if !released.as_ref().is_ok_and(same) {
                return Ok(Some(Previous { release: row.id, model: released }));
            }
        }
        Ok(None)
    }

    fn released_model(
        &self,
        project: &Project,
        id: &str,
        recorded: &str,
    ) -> Result<ModelUnderTest, LifecycleError> {
        let release = self.open_release(&self.home().join("releases").join(id))?;
        let model = ModelUnderTest::load_from(project, &release.model_dir())?;
        if model.digest().to_string() == recorded && release.statement.model == model.digest() {
            return Ok(model);
        }
        let reason = format!("its files have the digest {}, {recorded} was released", model.digest());
        Err(LifecycleError::Release { path: release.dir, reason })
    }

    /// Opens a release folder and verifies it.
    pub fn open_release(&self, dir: &Path) -> Result<Release, LifecycleError> {
        let unusable = |reason: String| LifecycleError::Release { path: dir.to_path_buf(), reason };
        let read = |name: &str| {
            let path = dir.join(name);
            fs::read(&path).map_err(|source| LifecycleError::Read { path, source })
        };
        let signed = read("release.dsse.json")?;
        let statement: ReleaseStatement =
            verify_statement(&signed, self.trusted())?.statement().predicate_as()?;
        for (name, digest) in [
            ("model.sig", statement.signature),
            ("bom.cdx.json", statement.bom),
            ("decision.dsse.json", statement.decision),
        ] {
            if Digest::of(&read(name)?) != digest {
                return Err(unusable(format!("{name} is not the one that was released")));
            }
        }
        for id in &statement.evidence {
            let name = evidence_file(id);
            if Digest::of(&read(&name)?) != *id {
                return Err(unusable(format!("{name} is not the evidence that was released")));
            }
        }
        let decided = verify_statement(&read("decision.dsse.json")?, self.trusted())?;
        let decision: VerificationSummary = decided.statement().predicate_as()?;
        let allowed = decision.verification_result == VerificationOutcome::Passed
            && decided.statement().speaks_of(&statement.model)
            && decision.resource_uri == judged_resource(&statement.environment, &statement.name);
        let tree = hash_tree(&dir.join("model"), &TreeOptions::default(), &|_| ())?;
        oms::verify(&read("model.sig")?, &tree.files, self.trusted())?;
        if tree.digest != statement.model {
            return Err(unusable(format!(
                "its files have the digest {}, {} was released",
                tree.digest, statement.model
            )));
        }
        Ok(Release { dir: dir.to_path_buf(), envelope: Digest::of(&signed), statement, allowed })
    }
}

/// Where a release keeps a piece of evidence.
fn evidence_file(id: &Digest) -> String {
    format!("evidence/{}.dsse.json", id.to_hex())
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> LifecycleError {
    let path = path.to_path_buf();
    move |source| LifecycleError::Write { path, source }
}

fn moved(from: &Path, to: &Path) -> Result<(), LifecycleError> {
    fs::rename(from, to).map_err(failed(to))?;
    durable::sync_dir(to.parent().unwrap_or(Path::new(".")))
}
