//! `run`: the whole life of a system, once, in an environment of its own.

mod lines;
mod probes;
mod story;
mod talk;
pub mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use proofhouse_core::Freshness;
use proofhouse_lifecycle::{
    Assessment, Candidate, Deployed, Evidence, House, Planned, Project, Release, RunOutcome, RunningInstance,
    Scope,
};
use proofhouse_policy::{Action, Policy};
use serde_json::json;

use crate::Exit;
use crate::args::{Format, RunArgs};
use crate::command::{assess, gate, plan, report, risk};
use crate::fleet::HostFleet;
use crate::plane::{NoGateway, Plane};
use crate::{open, terminal};
use story::Story;

/// Everything a run needs from beginning to end.
pub struct Life {
    house: Arc<House>,
    project: Project,
    policy: Arc<Policy>,
    environment: String,
    story: Story,
}

impl Life {
    /// What its recall and its end reach: this run's instances, and no other of the same model.
    fn here(&self) -> Scope {
        Scope::Environment(self.environment.clone())
    }
}

pub async fn run(args: RunArgs) -> anyhow::Result<Exit> {
    let (project, home) = open::project(&args.project)?;
    let (house, _alone) = open::house_alone(&home).await?;
    let house = Arc::new(house);
    let policy = Arc::new(open::policy()?);
    // A run without a model fails where a model is needed; there is no instance to look for then.
    if let Some(model) = &project.system.model {
        house.reconcile(&HostFleet::new(model.file.as_str(), house.public_key_file())?).await?;
    }
    let environment = house.begin_run(&project).await?;
    let story = Story::new(args.project.format == Format::Human);
    let life = Life { house, project, policy, environment, story };
    life.story.opening(&life.project, &life.environment, &home);
    let lived = live(&life, &args).await;
    // The first error is the one to report, but no stage is left out because another failed.
    let recalled = finish_recalls(&life).await;
    let outcome = match &lived {
        Ok(Ending::Complete) => RunOutcome::Completed,
        Ok(Ending::Denied) => RunOutcome::Denied,
        Ok(Ending::Undetected | Ending::Incomplete) | Err(_) => RunOutcome::Failed,
    };
    life.house.finish_run(&life.project, &life.environment, outcome).await?;
    let output = args.report.clone().unwrap_or_else(|| home.join("report.html"));
    let ending = lived?;
    recalled?;
    close(&life, &output, args.project.format, outcome).await?;
    Ok(match ending {
        Ending::Complete => Exit::Clean,
        Ending::Denied => Exit::Findings,
        Ending::Undetected | Ending::Incomplete => Exit::Unknown,
    })
}

/// What was made before the first instance starts.
struct Made {
    planned: Planned,
    assessment: Assessment,
    candidate: Candidate,
    release: Release,
}

/// How a life ended.
enum Ending {
    /// Recalled, with a certificate.
    Complete,
    /// The gate or the deploy policy refused.
    Denied,
    /// The traffic that was to drift raised no alarm that policy acts on.
    Undetected,
    /// The recall could not be proven complete.
    Incomplete,
}

/// Carries out what was ordered from elsewhere while this run held the house, or could not be completed
/// during it. No gateway of this house runs any more.
async fn finish_recalls(life: &Life) -> anyhow::Result<()> {
    let fleet = HostFleet::new("", life.house.public_key_file())?;
    let gateway = NoGateway { since: open::now() };
    for order in life.house.open_recalls(&life.environment).await? {
        let outcome = life.house.carry_out(&order, &fleet, &gateway).await?;
        terminal::note(format!("{}: {} {}", order.id, order.digest, order.scope));
        outcome.gaps.iter().for_each(|gap| terminal::error(gap));
    }
    Ok(())
}

async fn live(life: &Life, args: &RunArgs) -> anyhow::Result<Ending> {
    let house = &life.house;
    life.story.stage("plan", "threats from the system file, each with the facts that make it apply");
    let (planned, _) = house.plan(&life.project).await?;
    life.story.tell(|| plan::summary(&planned, false));

    life.story.stage("assess", "the planned checks, each result signed");
    let before = house.score_before(&life.project).await?;
    let bar = terminal::Bar::new();
    let (assessment, _) = house.assess(&life.project, &planned, life.policy.digest(), &bar).await?;
    drop(bar);
    life.story.tell(|| {
        assess::summary(&assessment);
        before.iter().chain(&assessment.risk).for_each(risk::summary);
    });

    life.story.stage("gate", "sign the candidate, write its ML-BOM, ask the release policy");
    let candidate = house.package(&life.project, &planned, &assessment).await?;
    let (decided, _) = house
        .decide_release(&life.project, &planned, &assessment, &candidate, &life.policy, &life.environment)
        .await?;
    life.story.tell(|| {
        candidate.evidence.iter().for_each(assess::line);
        gate::summary(&decided, 8);
    });
    if !decided.decision.allow {
        life.story.tell(|| gate::findings(assessment.evidence.iter().chain(&candidate.evidence)));
        return Ok(Ending::Denied);
    }

    life.story.stage("release", "model, signature, ML-BOM, evidence and decision in one folder");
    let (release, _) =
        house.release(&life.project, &assessment, &candidate, &decided, &life.environment).await?;
    life.story.tell(|| {
        terminal::line(format!(
            "{} {} as {}",
            release.statement.name, release.statement.version, release.statement.release
        ));
        terminal::line(format!("  {}", release.dir.display()));
    });
    operate(life, args, &Made { planned, assessment, candidate, release }).await
}

/// From the first instance to the certificate. Whatever happens, no instance outlives it.
async fn operate(life: &Life, args: &RunArgs, made: &Made) -> anyhow::Result<Ending> {
    let (house, release) = (&life.house, &made.release);
    life.story.stage("deploy", "instances prove the digest of the bytes they loaded");
    let fleet = HostFleet::new(life.project.model()?.file.as_str(), house.public_key_file())?;
    let count = life
        .project
        .system
        .deployment
        .as_ref()
        .map_or(1, |d| d.targets.iter().map(|t| u64::from(t.instances.get())).sum());
    let instances =
        match house.deploy(&life.project, release, &life.policy, &life.environment, count, &fleet).await? {
            Deployed::Running { instances, .. } => instances,
            Deployed::Denied(decision) => {
                for reason in &decision.deny {
                    life.story.tell(|| terminal::line(format!("  deny  {:<24} {}", reason.code, reason.msg)));
                }
                return Ok(Ending::Denied);
            }
        };
    let ending = serve(life, args, made, &fleet, &instances).await;
    if ending.is_err() {
        // The first error is the one to report; the instances stop either way.
        use proofhouse_lifecycle::Fleet as _;
        if let Ok(stopped) = fleet.stop_all(&release.statement.model, &life.here()).await {
            let _ = house.record_stops(&release.statement.model, &stopped, "the run failed").await;
        }
    }
    ending
}

/// What policy made of a signal.
fn told(life: &Life, action: Action, decision: &proofhouse_policy::Decision) {
    life.story.tell(|| {
        terminal::line(format!("  policy says {}", terminal::strong(&format!("{action:?}").to_lowercase())));
        for reason in &decision.deny {
            terminal::line(format!("    {}: {}", reason.code, reason.msg));
        }
    });
}

/// From the first request to the certificate.
async fn serve(
    life: &Life,
    args: &RunArgs,
    made: &Made,
    fleet: &HostFleet,
    instances: &[RunningInstance],
) -> anyhow::Result<Ending> {
    let Made { planned, assessment, candidate, release } = made;
    let house = &life.house;
    let recalled = house.recalled_in(&life.environment).await?;
    let (mut plane, keys) = Plane::start(
        house,
        &life.project,
        assessment,
        Arc::clone(&life.policy),
        &life.environment,
        instances,
        recalled,
        args.listen,
    )
    .await?;
    life.story.tell(|| {
        for instance in instances {
            terminal::line(format!(
                "  {}  process {}  {}  {}",
                instance.id,
                instance.pid,
                instance.addr,
                instance.digest.short()
            ));
        }
        terminal::line(format!(
            "  gateway on http://{}, {} clients with a key each",
            plane.handle.address(),
            keys.iter().count()
        ));
    });
    let probed = probes::run(life, planned, assessment, &mut plane, &keys).await?;
    life.story.tell(|| probed.iter().for_each(assess::line));

    let watched = if life.project.model()?.writes() {
        life.story.stage(
            "observe",
            "recorded conversations through the gateway, the guard's hit rate window by window",
        );
        talk::run(life, assessment, &mut plane, &keys).await?
    } else {
        life.story
            .stage("observe", "traffic through the gateway, window by window against the frozen reference");
        watch::run(life, assessment, &mut plane, &keys).await?
    };
    let Some(signal) = watched.signal else {
        stop(life, release, fleet, plane).await?;
        return Ok(Ending::Undetected);
    };
    let evidence: Vec<Evidence> = assessment.evidence.iter().chain(&candidate.evidence).cloned().collect();
    let judged = house
        .judge_signal(&life.project, planned, &evidence, &life.policy, &life.environment, &signal)
        .await?;
    let action = judged.decision.action.unwrap_or(Action::Quarantine);
    told(life, action, &judged.decision);
    if action != Action::Recall {
        use proofhouse_lifecycle::DataPlane as _;
        if action == Action::Quarantine {
            plane.deny(&release.statement.model).await.map_err(|e| anyhow::anyhow!(e))?;
        }
        stop(life, release, fleet, plane).await?;
        return Ok(Ending::Undetected);
    }

    life.story
        .stage("recall", "deny at the gateway, stop, sweep, certify; clients keep calling all the while");
    let load = watch::Load::start(life, &plane, &keys)?;
    let order = house
        .order_recall(
            release.statement.model,
            life.here(),
            &signal.summary,
            Some(&format!("policy {} on {}", judged.decision.policy.short(), signal.id)),
        )
        .await?;
    let outcome = house.carry_out(&order, fleet, &plane).await?;
    let served = load.finish(plane.statuses.denied_at(&release.statement.model)).await?;
    let drill = probes::recall_drill(life, planned, assessment, &order, &outcome, &served).await?;
    life.story.tell(|| watch::recall_summary(&outcome, &served));
    life.story.tell(|| assess::line(&drill));

    life.story.stage("feed back", "threats re-opened, loss scored again, what to re-test");
    let all: Vec<Evidence> = evidence.into_iter().chain(probed).chain([drill]).collect();
    let freshness = assessment.freshness(house, &life.project, &all)?;
    let standing: Vec<(Evidence, Freshness)> = all.into_iter().zip(freshness).collect();
    let fed = house.feed_back(&life.project, planned, &standing, &signal, judged.risk.as_ref()).await?;
    let statuses = plane.statuses.by_status();
    plane.shutdown().await?;
    life.story.tell(|| {
        terminal::line(format!("  {} re-opened by {}", terminal::strong(&fed.reopened.join(" ")), signal.id));
        assessment.risk.iter().chain(&judged.risk).for_each(risk::summary);
        for (test, threats) in &fed.retest {
            terminal::line(format!("  re-test {test} for {}", threats.join(", ")));
        }
        let counts: Vec<String> = statuses.iter().map(|(s, n)| format!("{n} × {s}")).collect();
        terminal::line(format!("  answered by the gateway: {}", counts.join(", ")));
    });
    Ok(if outcome.gaps.is_empty() { Ending::Complete } else { Ending::Incomplete })
}

/// Ends a deployment that was not recalled.
async fn stop(life: &Life, release: &Release, fleet: &HostFleet, plane: Plane) -> anyhow::Result<()> {
    use proofhouse_lifecycle::Fleet as _;
    plane.shutdown().await?;
    let stopped =
        fleet.stop_all(&release.statement.model, &life.here()).await.map_err(|e| anyhow::anyhow!(e))?;
    life.house.record_stops(&release.statement.model, &stopped, "the run ended").await?;
    Ok(())
}

async fn close(
    life: &Life,
    output: &std::path::Path,
    format: Format,
    outcome: RunOutcome,
) -> anyhow::Result<()> {
    let size = report::write(&life.house, &life.project, Some(&life.environment), output).await?;
    let sound = life.house.ledger().verify(life.house.verifier(), None).await?;
    if format == Format::Json {
        let certificates: Vec<PathBuf> = std::fs::read_dir(life.house.home().join("certificates"))
            .map(|entries| entries.flatten().map(|e| e.path()).collect())
            .unwrap_or_default();
        return terminal::json(&json!({
            "environment": life.environment,
            "outcome": outcome,
            "report": output,
            "ledger": {"size": sound.size, "root": sound.root, "sound": sound.is_sound()},
            "certificates": certificates,
        }));
    }
    life.story.stage("report", "every claim linked to its evidence");
    terminal::line(format!("  {} ({} KB, no script, no network)", output.display(), size / 1000));
    terminal::line(format!(
        "  ledger: {} entries, {}",
        sound.size,
        if sound.is_sound() { "verified" } else { "NOT SOUND" }
    ));
    terminal::line(format!("  proofhouse ledger verify --home {}", life.house.home().display()));
    Ok(())
}
