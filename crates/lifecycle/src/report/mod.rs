//! The report: what the ledger, its objects and the system file say about one life of a model, in the form
//! that the page is drawn from.
//!
//! Nothing here is remembered by a process: whoever has the house and the system file gets the same report,
//! at any point of a life. What the ledger does not hold is absent, never assumed. Signed things are read
//! through their signatures.

mod attacks;
mod frameworks;
mod gate;
mod instances;
mod life;
mod measured;
mod observed;
mod recall;
mod results;
mod risk;
mod threats;
mod timeline;

use proofhouse_core::Digest;
use proofhouse_ledger::{EventKind, SignedCheckpoint};
use proofhouse_report::{ReportInput, input};

use crate::house::House;
use crate::plan::Planned;
use crate::{LifecycleError, Project};

use life::{Life, digest_in};
use results::Results;

/// Everything the parts of a report are made from.
struct Source<'a> {
    house: &'a House,
    project: &'a Project,
    planned: Planned,
    life: Life,
    /// The model version this life is about.
    model: Option<Digest>,
    results: Results,
}

impl House {
    /// Gathers a report of the life in `environment`; without one, of the newest run's, or else of the
    /// environment that the system file deploys to.
    pub async fn report(
        &self,
        project: &Project,
        environment: Option<&str>,
    ) -> Result<ReportInput, LifecycleError> {
        let life = Life::of(self, project, environment).await?;
        let planned = Planned::derive(project)?;
        let registered = life.newest(EventKind::SystemRegistered).and_then(|e| e.subject);
        let model = life.model(project);
        let results = Results::read(self, project, &life, registered).await?;
        Source { house: self, project, planned, life, model, results }.report().await
    }

    /// The ledger as it is now, vouched for by the house's own key.
    async fn ledger_head(&self) -> Result<input::Ledger, LifecycleError> {
        let stored = self.ledger().checkpoint().await?;
        let signed = stored
            .map(|c| SignedCheckpoint::open(&c.note, self.verifier()))
            .transpose()
            .map_err(proofhouse_ledger::LedgerError::Note)?;
        let head = signed.as_ref().map(|s| &s.checkpoint);
        Ok(input::Ledger {
            origin: self.ledger().origin().to_owned(),
            size: head.map_or(0, |h| h.size),
            // The hash of an empty tree is that of nothing (RFC 6962, section 2.1).
            root: head.map_or_else(|| Digest::of(b""), |h| h.root),
            checkpoint: signed.as_ref().map(|s| s.note.clone()).unwrap_or_default(),
            verifier_key: self.verifier().to_string(),
        })
    }
}

impl Source<'_> {
    async fn report(&self) -> Result<ReportInput, LifecycleError> {
        let gate = self.gate().await?;
        let release = self.release().await?;
        let recall = self.recall().await?;
        let instances = self.instances(recall.as_ref());
        let traffic = self.traffic().await?;
        let drift = self.drift().await?;
        let risk = self.risk().await?;
        let state = self.state(gate.as_ref(), release.as_ref(), recall.as_ref(), &instances);
        let signals = self.signals();
        let timeline = self.timeline(&timeline::Facts {
            gate: gate.as_ref(),
            instances: &instances,
            traffic: traffic.as_ref(),
            drift: drift.as_ref(),
            recall: recall.as_ref(),
            risk: risk.as_ref(),
        });
        let tool = self.house.tool();
        let head = self.house.ledger_head().await?;
        let base = ReportInput::new(
            self.system(),
            self.house.now(),
            self.life.run_name(),
            format!("{} {}, build {}", tool.name, tool.version, tool.build.short()),
            head,
            state,
        );
        Ok(ReportInput {
            timeline,
            questions: self.questions(),
            plan: self.plan(),
            evidence: self.evidence(),
            performance: self.performance().await?,
            fairness: self.fairness().await?,
            robustness: self.robustness().await?,
            constrained: self.constrained().await?,
            attacks: self.attacks().await?,
            frameworks: self.frameworks(),
            threats: self.threats(),
            gate,
            release,
            instances,
            traffic: traffic.map(|t| t.shown),
            drift,
            signals,
            recall: recall.map(|r| r.shown),
            risk,
            ..base
        })
    }

    fn system(&self) -> input::System {
        let about = &self.project.system.system;
        let named = |holder: &Option<proofhouse_system::Holder>| {
            holder.as_ref().and_then(|h| h.name()).unwrap_or("not stated").to_owned()
        };
        let model = match &self.project.system.model {
            Some(m) => {
                input::Model { name: m.id.to_string(), version: m.version.clone(), digest: self.model }
            }
            None => input::Model {
                name: "no model is described".to_owned(),
                version: String::new(),
                digest: None,
            },
        };
        input::System {
            name: about.name.clone(),
            purpose: about.purpose.trim().to_owned(),
            owner: named(&about.owner),
            accountable: named(&about.accountable_executive),
            environment: self.life.environment.clone(),
            digest: self.project.digest,
            model,
        }
    }

    fn state(
        &self,
        gate: Option<&input::Gate>,
        release: Option<&input::Release>,
        recall: Option<&recall::Recalled>,
        instances: &[input::Instance],
    ) -> input::OverallState {
        use input::OverallState;
        let refused_since =
            gate.is_some_and(|g| !g.allow && release.is_none_or(|r| r.ledger_seq < g.ledger_seq));
        match recall {
            Some(r) if r.shown.certificate.is_some() => OverallState::Recalled,
            Some(_) => OverallState::Recalling,
            None if instances.iter().any(|i| i.stopped.is_none()) => OverallState::Running,
            None if refused_since => OverallState::Denied,
            None if release.is_some() => OverallState::Released,
            None if self.results.is_empty() => OverallState::Planned,
            None => OverallState::Assessed,
        }
    }

    /// A document that an entry refers to, where it does.
    async fn referred<T: serde::de::DeserializeOwned>(
        &self,
        entry: &proofhouse_ledger::Entry,
        field: &str,
        what: &'static str,
    ) -> Result<Option<T>, LifecycleError> {
        match digest_in(entry, field) {
            Some(digest) => Ok(Some(self.house.document(&digest, what).await?)),
            None => Ok(None),
        }
    }
}
