//! Releases: what a folder must hold to be deployed, and what a deployment is told about it.

use std::fs;
use std::path::{Path, PathBuf};

use proofhouse_core::{Freshness, StaleReason};
use proofhouse_lifecycle::{
    Assessment, Candidate, Decided, Deployed, Fleet as _, House, LifecycleError, Project, Release, Scope,
    Silent,
};
use proofhouse_policy::{Bundle, Policy};

use crate::scene::{PaperFleet, example, house};

struct Judged {
    assessment: Assessment,
    candidate: Candidate,
    decided: Decided,
}

fn policy() -> Policy {
    Policy::compile(&Bundle::shipped()).unwrap()
}

async fn judged(house: &House, project: &Project, environment: &str) -> Judged {
    let policy = policy();
    let (planned, _) = house.plan(project).await.unwrap();
    let (assessment, _) = house.assess(project, &planned, policy.digest(), &Silent).await.unwrap();
    let candidate = house.package(project, &planned, &assessment).await.unwrap();
    let (decided, _) =
        house.decide_release(project, &planned, &assessment, &candidate, &policy, environment).await.unwrap();
    Judged { assessment, candidate, decided }
}

async fn released(house: &House, project: &Project, judged: &Judged, environment: &str) -> Release {
    let Judged { assessment, candidate, decided } = judged;
    house.release(project, assessment, candidate, decided, environment).await.unwrap().0
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry.map(|e| (e.path(), e.file_name())).unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name))
        } else {
            fs::copy(&path, to.join(name)).map(drop).unwrap()
        }
    }
}

fn reason(error: &LifecycleError) -> String {
    assert!(matches!(error, LifecycleError::Release { .. } | LifecycleError::Read { .. }), "{error}");
    error.to_string()
}

#[tokio::test]
async fn only_the_release_that_the_ledger_recorded_is_deployed() {
    let dir = tempfile::tempdir().unwrap();
    let project = example(&dir.path().join("system"), None);
    let house = house(&dir.path().join("house")).await;
    let judged = judged(&house, &project, "production").await;
    assert!(judged.decided.decision.allow, "{:?}", judged.decided.decision.deny);
    let first = released(&house, &project, &judged, "production").await;
    // Cut short after the folder was moved into place, before the ledger knew of it.
    fs::create_dir_all(dir.path().join("house/releases/production.2/model")).unwrap();
    let second = released(&house, &project, &judged, "production").await;
    assert_eq!(second.statement.release, "production.3");
    // Another environment whose name begins alike.
    let regional = released(&house, &project, &judged, "production.eu").await;
    assert_eq!(house.latest_release(&project, "production").await.unwrap(), second);

    // The gate judged this for production and nowhere else.
    let opened = house.latest_release(&project, "production.eu").await.unwrap();
    assert_eq!((opened.statement.release.as_str(), opened.allowed), ("production.eu.3", false));
    let fleet = PaperFleet::default();
    let deployed = house.deploy(&project, &opened, &policy(), "production.eu", 1, &fleet).await.unwrap();
    let Deployed::Denied(decision) = deployed else { panic!("it was deployed") };
    assert!(decision.deny.iter().any(|r| r.code == "release/refused"), "{:?}", decision.deny);
    assert!(regional.dir.exists());

    // What was deployed and has stopped leaves room for the next deployment.
    for _ in 0..2 {
        let deployed = house.deploy(&project, &second, &policy(), "production", 1, &fleet).await.unwrap();
        let Deployed::Running { instances, .. } = deployed else { panic!("it was refused") };
        assert_eq!(instances.len(), 1);
        let here = Scope::Environment("production".into());
        let stopped = fleet.stop_all(&second.statement.model, &here).await.unwrap();
        house.record_stops(&second.statement.model, &stopped, "the deployment ended").await.unwrap();
    }

    let evidence = second.dir.join(format!("evidence/{}.dsse.json", second.statement.evidence[0].to_hex()));
    let kept = fs::read(&evidence).unwrap();
    fs::write(&evidence, b"{}").unwrap();
    let error = house.latest_release(&project, "production").await.unwrap_err();
    assert!(reason(&error).contains("is not the evidence that was released"), "{error}");
    fs::remove_file(&evidence).unwrap();
    assert!(house.latest_release(&project, "production").await.is_err());
    fs::write(&evidence, kept).unwrap();
    house.latest_release(&project, "production").await.unwrap();

    // An older release in its place: every signature in it is good.
    fs::remove_dir_all(&second.dir).unwrap();
    copy(&first.dir, &second.dir);
    let error = house.latest_release(&project, "production").await.unwrap_err();
    assert!(reason(&error).contains("another statement"), "{error}");
}

#[tokio::test]
async fn a_deployment_is_watched_by_the_model_it_serves() {
    let dir = tempfile::tempdir().unwrap();
    let system = dir.path().join("system");
    let mut project = example(&system, None);
    let house = house(&dir.path().join("house")).await;
    let judged = judged(&house, &project, "production").await;
    let release = released(&house, &project, &judged, "production").await;
    let policy = policy().digest();

    // A newer version lies in the project's folder by now.
    let notes: PathBuf = project.path(&project.model().unwrap().path).join("NOTES.md");
    fs::write(&notes, "the next version").unwrap();
    assert_ne!(
        Assessment::read(&house, &project, policy).await.unwrap().model.digest(),
        release.statement.model
    );
    let served = Assessment::of_release(&house, &project, &release, policy).await.unwrap();
    assert_eq!(served.model.digest(), release.statement.model);
    let evidence = house.current_evidence(&served.subjects(&project)).await.unwrap();
    let freshness = served.freshness(&house, &project, &evidence).unwrap();
    assert!(!evidence.is_empty());
    assert!(freshness.iter().all(|f| *f == Freshness::Fresh), "{freshness:?}");

    // What a check was set up with is gone: what it once found out is stale, not fresh.
    project.system.datasets.retain(|d| d.role != proofhouse_system::DatasetRole::Test);
    let without = Assessment::of_release(&house, &project, &release, policy).await.unwrap();
    let freshness = without.freshness(&house, &project, &evidence).unwrap();
    let performance = evidence.iter().position(|e| e.result().check == "performance-floor").unwrap();
    assert_eq!(freshness[performance], Freshness::Stale(vec![StaleReason::Subject]));

    fs::write(release.model_dir().join("NOTES.md"), "slipped in").unwrap();
    assert!(Assessment::of_release(&house, &project, &release, policy).await.is_err());
}

#[tokio::test]
async fn segments_are_compared_with_the_newest_release_of_another_model() {
    const BEFORE: &str = "  label_noise: {";
    let asked = format!(
        "  segments: {{ dataset: test, segments: [{{ column: p28, edges: [8] }}], max_error: 0.5 }}\n{BEFORE}"
    );
    let dir = tempfile::tempdir().unwrap();
    let system = dir.path().join("system");
    let project = example(&system, Some((BEFORE, &asked)));
    let house = house(&dir.path().join("house")).await;
    let judged = judged(&house, &project, "production").await;
    let release = released(&house, &project, &judged, "production").await;
    let policy = policy().digest();
    // What was just released is no release before itself, so that its evidence stays fresh.
    let own = Assessment::of_release(&house, &project, &release, policy).await.unwrap();
    assert!(own.previous.is_none());

    let folder = project.path(&project.model().unwrap().path);
    fs::write(folder.join("NOTES.md"), "the next version").unwrap();
    // Another text beside the same weights is no other model.
    assert!(Assessment::read(&house, &project, policy).await.unwrap().previous.is_none());
    // A documentation string, as the last field of the file.
    let file = folder.join(project.model().unwrap().file.as_str());
    let mut changed = fs::read(&file).unwrap();
    changed.extend(b"\x32\x04next");
    fs::write(&file, changed).unwrap();
    let next = Assessment::read(&house, &project, policy).await.unwrap();
    let previous = next.previous.as_ref().unwrap();
    assert_eq!(previous.release, release.statement.release);
    assert_eq!(previous.model.as_ref().unwrap().digest(), release.statement.model);
    let (planned, _) = house.plan(&project).await.unwrap();
    let (assessment, _) = house.assess(&project, &planned, policy, &Silent).await.unwrap();
    let told = assessment.evidence.iter().find(|e| e.result().check == "segment-regression").unwrap();
    assert!(told.result().criterion.contains(&release.statement.release), "{}", told.result().criterion);

    // A release that cannot be relied on is a reason why there is no answer, and not the end of the rest.
    fs::write(release.model_dir().join("NOTES.md"), "slipped in").unwrap();
    let next = Assessment::read(&house, &project, policy).await.unwrap();
    assert!(next.previous.unwrap().model.is_err());

    // What was recalled everywhere is no measure.
    let digest = release.statement.model;
    house.order_recall(digest, Scope::Everywhere, "poisoned", None).await.unwrap();
    assert!(Assessment::read(&house, &project, policy).await.unwrap().previous.is_none());
}
