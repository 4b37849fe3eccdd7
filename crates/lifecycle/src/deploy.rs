//! Deployment: the deploy policy decides, the fleet starts instances, each has proven its digest before it
//! is recorded.

use proofhouse_artifact::{TreeOptions, hash_tree};
use proofhouse_attest::oms;
use proofhouse_core::Digest;
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::{InstanceStarted, InstanceStopped};
use proofhouse_policy::input::deploy::{self, Input, Instance, Model, Request, Signature, Target};
use proofhouse_policy::{Decision, Policy};
use serde_json::json;

use crate::fleet::{Fleet, RunningInstance, Stopped};
use crate::gate::nanoseconds;
use crate::house::House;
use crate::recall::RUNNING;
use crate::release::Release;
use crate::{LifecycleError, Project, Scope};

/// What a deployment came to.
pub enum Deployed {
    /// Instances run.
    Running {
        /// The decision that allowed it.
        decision: Decision,
        /// The instances, each of which proved its digest.
        instances: Vec<RunningInstance>,
        /// First and last ledger entry.
        entries: (u64, u64),
    },
    /// Policy refused.
    Denied(Decision),
}

impl House {
    /// Asks the deploy policy, then starts `count` instances of a release. When one fails to start, those
    /// that did are stopped again.
    pub async fn deploy<F: Fleet>(
        &self,
        project: &Project,
        release: &Release,
        policy: &Policy,
        environment: &str,
        count: u64,
        fleet: &F,
    ) -> Result<Deployed, LifecycleError> {
        let input = self.deploy_input(project, release, environment, count, fleet.name()).await?;
        let decision = policy.evaluate(&input);
        let kept = self.keep(&input).await?;
        let body = json!({
            "allow": decision.allow,
            "environment": environment,
            "entrypoint": "deploy",
            "codes": decision.deny.iter().map(|r| &r.code).collect::<Vec<_>>(),
            "input": kept,
            "policy": decision.policy,
        });
        let event = self.event(EventKind::GateDecided, Some(release.statement.model), &body)?;
        let first = self.append(&[event]).await?.first_seq;
        if !decision.allow {
            return Ok(Deployed::Denied(decision));
        }
        let started_before = self.ledger().instances(None).await?.len() as u64;
        let mut instances = Vec::new();
        let mut last = first;
        for n in 1..=count {
            let id = format!("{environment}.i{}", started_before + n);
            match fleet.start(&id, release).await {
                Ok(instance) => {
                    last = self.record_start(&instance, release, environment, fleet.name()).await?;
                    instances.push(instance);
                }
                Err(reason) => {
                    let here = Scope::Environment(environment.to_owned());
                    let stopped = fleet
                        .stop_all(&release.statement.model, &here)
                        .await
                        .map_err(LifecycleError::Fleet)?;
                    self.record_stops(&release.statement.model, &stopped, "another instance failed to start")
                        .await?;
                    return Err(LifecycleError::Fleet(reason));
                }
            }
        }
        Ok(Deployed::Running { decision, instances, entries: (first, last) })
    }

    async fn record_start(
        &self,
        instance: &RunningInstance,
        release: &Release,
        environment: &str,
        target: &str,
    ) -> Result<u64, LifecycleError> {
        let body = InstanceStarted {
            id: instance.id.clone(),
            target: format!("{environment}/{target}"),
            release: Some(release.statement.release.clone()),
            endpoint: Some(instance.addr.to_string()),
            // The host agent renews leases without a word in the ledger, so the ledger states none.
            lease_until: None,
        };
        let event = self.event(EventKind::InstanceStarted, Some(instance.digest), &body)?;
        Ok(self.append(&[event]).await?.first_seq)
    }

    /// Records the end of instances that the ledger believes to be running on this fleet and that are not
    /// there: their agent was killed before it could say so. The caller holds the house's lock, so none is
    /// just being started. Returns their names.
    pub async fn reconcile<F: Fleet>(&self, fleet: &F) -> Result<Vec<String>, LifecycleError> {
        let mut gone = Vec::new();
        let mut events = Vec::new();
        for row in self.ledger().instances(None).await? {
            let here = row.target.split_once('/').is_some_and(|(_, name)| name == fleet.name());
            let Ok(digest) = row.model.parse::<Digest>() else { continue };
            if row.state != RUNNING || !here {
                continue;
            }
            let Some(serving) = fleet.serving(&digest).map_err(LifecycleError::Fleet)? else { continue };
            if !serving.contains(&row.id) {
                let reason = "it was found gone: its agent ended without stopping it".to_owned();
                let body = InstanceStopped { id: row.id.clone(), reason };
                events.push(self.event(EventKind::InstanceStopped, Some(digest), &body)?);
                gone.push(row.id);
            }
        }
        if !events.is_empty() {
            self.append(&events).await?;
        }
        Ok(gone)
    }

    /// Records that instances stopped, for those the ledger knows to be running.
    pub async fn record_stops(
        &self,
        digest: &Digest,
        stopped: &[Stopped],
        reason: &str,
    ) -> Result<(), LifecycleError> {
        let rows = self.ledger().instances(Some(digest)).await?;
        let events = stopped
            .iter()
            .filter(|s| rows.iter().any(|r| r.id == s.id && r.state == RUNNING))
            .map(|s| {
                let body = InstanceStopped { id: s.id.clone(), reason: reason.to_owned() };
                self.event(EventKind::InstanceStopped, Some(*digest), &body)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if !events.is_empty() {
            self.append(&events).await?;
        }
        Ok(())
    }

    async fn deploy_input(
        &self,
        project: &Project,
        release: &Release,
        environment: &str,
        count: u64,
        target: &str,
    ) -> Result<Input, LifecycleError> {
        let stated = &release.statement;
        let region = project.system.deployment.as_ref().and_then(|d| d.region.clone()).unwrap_or_default();
        let tree = hash_tree(&release.model_dir(), &TreeOptions::default(), &|_| ())?;
        let bundle = std::fs::read(release.signature_file())
            .map_err(|source| LifecycleError::Read { path: release.signature_file(), source })?;
        let verified = oms::verify(&bundle, &tree.files, self.trusted());
        let at_target = format!("{environment}/{target}");
        let running = self.ledger().instances(None).await?;
        Ok(Input {
            schema: deploy::SCHEMA.to_owned(),
            request: Request {
                now_ns: nanoseconds(self.now()),
                environment: environment.to_owned(),
                region: if region.is_empty() { "unstated".to_owned() } else { region },
                actor: self.signer_id().to_string(),
            },
            model: Model { name: stated.name.clone(), version: stated.version.clone(), digest: tree.digest },
            release: deploy::Release {
                present: true,
                digest: Some(release.envelope),
                // A release cannot be opened without verifying its statement.
                trusted: true,
                allow: release.allowed,
                model_digest: Some(stated.model),
                environments: vec![stated.environment.clone()],
                regions: vec!["*".to_owned()],
                expires_ns: nanoseconds(stated.expires),
            },
            signature: Signature {
                verified: verified.is_ok(),
                trusted: verified.is_ok(),
                digest: verified.ok().map(|v| v.model_digest()),
            },
            target: Target { kind: "host".to_owned(), name: target.to_owned(), max_instances: count },
            instances: running
                .into_iter()
                // What has stopped takes no place of what is to start.
                .filter(|i| i.target == at_target && i.state == RUNNING)
                .map(|i| Instance { id: i.id, digest: i.model.parse().ok(), state: i.state })
                .collect(),
            recalled: self.recalled_in(environment).await?.into_iter().collect(),
        })
    }
}
