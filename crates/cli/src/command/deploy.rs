//! `deploy`: the latest release behind the gateway, until Ctrl-C; recalls are obeyed within a blink.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proofhouse_core::Freshness;
use proofhouse_gateway::{Observed, ObservedChat};
use proofhouse_lifecycle::hits::{HitWatch, Request};
use proofhouse_lifecycle::{
    Assessment, DataPlane as _, Deployed, Evidence, Fleet as _, House, Planned, Project, RaisedSignal,
    Release, Rows, Scope, Watch,
};
use proofhouse_policy::{Action, Policy};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, ProjectArgs};
use crate::command::gate;
use crate::command::run::watch::collect;
use crate::fleet::HostFleet;
use crate::plane::Plane;
use crate::{open, signal, terminal};

/// How often the ledger is asked for new recalls.
const RECALLS_EVERY: Duration = Duration::from_millis(200);

pub async fn run(args: ProjectArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args)?;
    let _alone = House::lock(&home)?;
    let house = Arc::new(open::existing_house(&home).await?);
    let policy = Arc::new(open::policy()?);
    let environment = gate::environment(&project)?;
    let deployment = project.system.deployment.as_ref().context("the system file describes no deployment")?;
    let release = house.latest_release(&project, &environment).await?;
    // Nothing starts that could not be watched.
    let guard = Guard::new(&house, &project, &release, &policy, &environment).await?;
    let fleet = HostFleet::new(project.model()?.file.as_str(), house.public_key_file())?;
    for id in house.reconcile(&fleet).await? {
        terminal::note(format!("{id} had ended without a word; the ledger knows now"));
    }
    let count = deployment.targets.iter().map(|t| u64::from(t.instances.get())).sum();
    let instances = match house.deploy(&project, &release, &policy, &environment, count, &fleet).await? {
        Deployed::Running { instances, .. } => instances,
        Deployed::Denied(decision) => {
            for reason in &decision.deny {
                terminal::line(format!("deny  {:<24} {}", reason.code, reason.msg));
            }
            return Ok(Exit::Findings);
        }
    };
    let recalled = house.recalled_in(&environment).await?;
    let started = Plane::start(
        &house,
        &project,
        &guard.assessment,
        Arc::clone(&policy),
        &environment,
        &instances,
        recalled,
        None,
    )
    .await;
    let (mut plane, keys) = match started {
        Ok(started) => started,
        Err(error) => {
            stop(&house, &release.statement.model, &environment, &fleet, "the gateway did not start").await?;
            return Err(error);
        }
    };
    // The only place a key is ever written: to whoever deployed, once.
    if args.format == Format::Json {
        let keys: Vec<_> =
            keys.iter().map(|(client, key)| json!({"client": client, "key": key.expose()})).collect();
        terminal::json(&json!({
            "environment": environment,
            "gateway": plane.handle.address(),
            "metrics": plane.handle.admin_address(),
            "instances": instances,
            "keys": keys,
        }))?;
    } else {
        terminal::line(format!(
            "{} in {environment}: {} instances",
            release.statement.release,
            instances.len()
        ));
        terminal::line(format!("gateway  http://{}", plane.handle.address()));
        if let Some(metrics) = plane.handle.admin_address() {
            terminal::line(format!("metrics  http://{metrics}/metrics"));
        }
        for (client, key) in keys.iter() {
            terminal::line(format!("key      {client}  {}  (shown once)", key.expose()));
        }
    }
    let ended = guard.keep(&mut plane, &fleet).await;
    // The instances stop even where the last of the audit cannot be written.
    let audited = plane.shutdown().await;
    stop(&house, &release.statement.model, &environment, &fleet, "the deployment ended").await?;
    audited?;
    ended
}

async fn stop(
    house: &House,
    model: &proofhouse_core::Digest,
    environment: &str,
    fleet: &HostFleet,
    why: &str,
) -> anyhow::Result<()> {
    let here = Scope::Environment(environment.to_owned());
    let stopped = fleet.stop_all(model, &here).await.map_err(|e| anyhow::anyhow!(e))?;
    house.record_stops(model, &stopped, why).await?;
    Ok(())
}

/// Watches a deployment: drift or the guard's hits, recalls, and the end.
struct Guard<'a> {
    house: &'a House,
    project: &'a Project,
    policy: &'a Policy,
    environment: &'a str,
    planned: Planned,
    assessment: Assessment,
    evidence: Vec<Evidence>,
    eyes: Eyes,
}

/// What is watched.
enum Eyes {
    /// The numbers that go in and out of a model.
    Rows { watch: Watch, width: usize, output: String },
    /// What the guard saw of conversations.
    Hits(HitWatch),
}

impl Eyes {
    fn new(project: &Project, assessment: &Assessment) -> anyhow::Result<Self> {
        let (model, datasets) = (&assessment.model, &assessment.datasets);
        if model.spec().writes() {
            return Ok(Self::Hits(HitWatch::new(project, model, datasets)?));
        }
        let tensors = model.tensors()?;
        let (width, output) = (tensors.input.len(), tensors.output.name.clone());
        Ok(Self::Rows { watch: Watch::new(project, model, datasets)?, width, output })
    }
}

/// What was seen since the last look.
#[derive(Default)]
struct Window {
    rows: Rows,
    requests: Vec<Request>,
}

impl Window {
    fn add_rows(&mut self, eyes: &Eyes, batch: &[Observed]) {
        if let Eyes::Rows { width, output, .. } = eyes {
            batch.iter().for_each(|row| collect(row, output, *width, &mut self.rows));
        }
    }

    fn add_chats(&mut self, eyes: &Eyes, batch: &[ObservedChat]) {
        if let Eyes::Hits(watch) = eyes {
            self.requests.extend(batch.iter().map(|chat| watch.request(&chat.attacks, &chat.withheld)));
        }
    }

    fn is_full(&self, eyes: &Eyes) -> bool {
        match eyes {
            Eyes::Rows { watch, .. } => self.rows.len() >= watch.window_rows(),
            Eyes::Hits(watch) => self.requests.len() >= watch.window(),
        }
    }
}

impl<'a> Guard<'a> {
    async fn new(
        house: &'a House,
        project: &'a Project,
        release: &Release,
        policy: &'a Policy,
        environment: &'a str,
    ) -> anyhow::Result<Self> {
        let planned = Planned::derive(project)?;
        let assessment = Assessment::of_release(house, project, release, policy.digest()).await?;
        let evidence = house.current_evidence(&assessment.subjects(project)).await?;
        let eyes = Eyes::new(project, &assessment)?;
        Ok(Self { house, project, policy, environment, planned, assessment, evidence, eyes })
    }

    async fn keep(&self, plane: &mut Plane, fleet: &HostFleet) -> anyhow::Result<Exit> {
        let mut rows = plane.observed.take().context("the gateway observes nothing")?;
        let mut chats = plane.chats.take().context("the gateway observes nothing")?;
        let writes = matches!(self.eyes, Eyes::Hits(_));
        let mut window = Window::default();
        let mut recalls = tokio::time::interval(RECALLS_EVERY);
        let mut ended = std::pin::pin!(signal::end());
        loop {
            tokio::select! {
                ended = &mut ended => {
                    ended?;
                    return Ok(Exit::Clean);
                }
                _ = recalls.tick() => {
                    if self.obey(plane, fleet).await? {
                        return Ok(Exit::Findings);
                    }
                }
                batch = rows.batch(256), if !writes => {
                    anyhow::ensure!(!batch.is_empty(), "the gateway ended by itself");
                    window.add_rows(&self.eyes, &batch);
                }
                batch = chats.batch(256), if writes => {
                    anyhow::ensure!(!batch.is_empty(), "the gateway ended by itself");
                    window.add_chats(&self.eyes, &batch);
                }
            }
            if window.is_full(&self.eyes) {
                self.look(plane, &std::mem::take(&mut window)).await?;
            }
        }
    }

    /// Carries out every open recall; true when one was about the model that is served here.
    async fn obey(&self, plane: &Plane, fleet: &HostFleet) -> anyhow::Result<bool> {
        let served = self.assessment.model.digest();
        let recalled = self.house.recalled_in(self.environment).await?;
        let open = self.house.open_recalls(self.environment).await?;
        // Another house on the same ledger may have certified it already, without this gateway.
        let mut ours = recalled.contains(&served) && !open.iter().any(|o| o.digest == served);
        for order in open {
            let outcome = self.house.carry_out(&order, fleet, plane).await?;
            terminal::note(format!("{}: {} {}", order.id, order.digest, order.scope));
            outcome.gaps.iter().for_each(|gap| terminal::error(gap));
            ours |= order.digest == served && outcome.gaps.is_empty();
        }
        Ok(ours)
    }

    /// One look at a full window. An alarm goes to policy; a recall is ordered and carried out by the next
    /// tick.
    async fn look(&self, plane: &Plane, window: &Window) -> anyhow::Result<()> {
        let model = self.assessment.model.digest();
        let raised: Option<RaisedSignal> = match &self.eyes {
            Eyes::Rows { watch, .. } => self.house.observe(self.project, watch, model, &window.rows).await?.1,
            Eyes::Hits(watch) => {
                self.house.observe_hits(self.project, watch, model, &window.requests).await?.1
            }
        };
        let Some(signal) = raised else { return Ok(()) };
        terminal::note(format!("{} {}: {}", signal.id, signal.severity, signal.summary));
        let freshness = self.assessment.freshness(self.house, self.project, &self.evidence)?;
        let standing: Vec<_> = self.evidence.iter().cloned().zip(freshness).collect();
        // What is at risk is judged by what still holds; stale evidence would make it look smaller.
        let fresh: Vec<Evidence> =
            standing.iter().filter(|(_, f)| *f == Freshness::Fresh).map(|(e, _)| e.clone()).collect();
        let judged = self
            .house
            .judge_signal(self.project, &self.planned, &fresh, self.policy, self.environment, &signal)
            .await?;
        self.house.feed_back(self.project, &self.planned, &standing, &signal, judged.risk.as_ref()).await?;
        let by = format!("policy {} on {}", judged.decision.policy.short(), signal.id);
        let reason = match judged.decision.action {
            Some(Action::Watch) => return Ok(()),
            Some(Action::Recall) => signal.summary,
            // Quarantine, and whatever a policy says that this build does not know.
            _ => {
                plane.deny(&model).await.map_err(|e| anyhow::anyhow!(e))?;
                terminal::note(
                    "the gateway denies the model until a person looks: `proofhouse recall` it, or end this \
                     deployment and deploy again",
                );
                return Ok(());
            }
        };
        let scope = Scope::Environment(self.environment.to_owned());
        self.house.order_recall(model, scope, &reason, Some(&by)).await?;
        Ok(())
    }
}
