//! A report at every point of a life, from the ledger alone: the example project, with a small attack, on a
//! fleet and a gateway that live in this file.

use proofhouse_core::{Digest, ThreatState};
use proofhouse_ledger::EventKind;
use proofhouse_lifecycle::data::LoadedDataset;
use proofhouse_lifecycle::{
    Assessment, Deployed, House, LookRecord, Project, Rows, RunOutcome, Scope, Silent, Watch,
};
use proofhouse_onnx::{Scores as _, predict};
use proofhouse_policy::{Bundle, Policy};
use proofhouse_report::input::{OverallState, StageKind, StageOutcome, TestStatus};
use proofhouse_report::{ReportInput, render};
use serde_json::json;

use crate::scene::{PaperFleet, PaperGateway, example, house};

/// An acceptance that no waiver backs, which the gate refuses.
const ACCEPTED: (&str, &str) = (
    "accept: []",
    "accept: [{ threat: INF-02, by: Chief operating officer, reason: Tested once it runs., \
     accepted: 2026-11-22, until: 2027-05-22 }]",
);

/// What is in the input must be on the page, and nothing of this machine.
async fn reported(house: &House, project: &Project, state: OverallState) -> (ReportInput, String) {
    let input = house.report(project, None).await.unwrap();
    assert_eq!(input.state, state);
    let page = render(&input);
    for evidence in &input.evidence {
        assert!(page.contains(&format!("id=\"ev-{}", evidence.id.short())), "{}", evidence.check);
    }
    for threat in &input.threats {
        assert!(page.contains(&format!("id=\"th-{}\"", threat.id.to_lowercase())), "{}", threat.id);
    }
    assert!(page.contains(&project.digest.to_string()));
    assert!(!page.contains(&*project.dir.to_string_lossy()), "a machine's path is on the page");
    (input, page)
}

fn stages(input: &ReportInput) -> Vec<StageKind> {
    input.timeline.iter().map(|s| s.kind).collect()
}

fn rows_of(project: &Project, assessment: &Assessment, dataset: &str) -> Rows {
    let spec = project.system.datasets.iter().find(|d| d.id.as_str() == dataset).unwrap();
    let loaded = LoadedDataset::load(project, spec).unwrap();
    let features = loaded.features().unwrap();
    let classifier = assessment.model.classifier().unwrap();
    let mut scores = Vec::new();
    classifier.scores(features, features.len() / classifier.features(), &mut scores).unwrap();
    Rows { features: features.to_vec(), predicted: predict(&scores, classifier.classes()) }
}

fn first(rows: &Rows, count: usize) -> Rows {
    let width = rows.features.len() / rows.len();
    Rows { features: rows.features[..count * width].to_vec(), predicted: rows.predicted[..count].to_vec() }
}

fn policy_digest() -> Digest {
    Bundle::shipped().digest()
}

#[tokio::test]
async fn a_report_can_be_made_at_every_point_of_a_life() {
    let dir = tempfile::tempdir().unwrap();
    let project = example(&dir.path().join("system"), None);
    let house = house(&dir.path().join("home")).await;
    let policy = Policy::compile(&Bundle::shipped()).unwrap();

    // Nothing yet: nothing is claimed.
    let (input, page) = reported(&house, &project, OverallState::Planned).await;
    assert!(input.threats.is_empty() && input.plan.is_empty() && input.timeline.is_empty());
    assert_eq!((input.ledger.size, input.ledger.root), (0, Digest::of(b"")));
    assert_eq!(input.system.environment, "production");
    assert!(page.contains("No threats have been derived"));

    // A plan.
    let environment = house.begin_run(&project).await.unwrap();
    assert_eq!(environment, "rehearsal-1");
    let before = house.score_before(&project).await.unwrap().unwrap();
    let (planned, _) = house.plan(&project).await.unwrap();
    let (input, _) = reported(&house, &project, OverallState::Planned).await;
    assert_eq!(stages(&input), [StageKind::Describe, StageKind::Plan]);
    assert_eq!(input.threats.len(), planned.derivation.threats.len());
    assert_eq!(input.system.environment, "rehearsal-1");
    assert!(input.threats.iter().all(|t| t.evidence.is_empty() && t.state != ThreatState::Controlled));
    assert!(input.plan.iter().all(|c| c.status != TestStatus::Ran));
    assert!(input.gate.is_none() && input.recall.is_none() && input.system.model.digest.is_none());
    let risk = input.risk.as_ref().unwrap();
    assert_eq!(risk.curves[0].name, "before any test");
    assert_eq!(risk.curves[0].mean.value, before.simulation.mean.value);
    assert_eq!(input.frameworks.rmf.len(), 72);
    assert!(input.frameworks.rmf.iter().all(|s| s.evidence.is_empty()));
    let open = input.threats.iter().find(|t| t.id == "MOD-01").unwrap();
    assert!(open.proofs[0].facts.iter().any(|f| f.place.as_ref().is_some_and(|p| p.line.is_some())));

    // Assessed.
    let (assessment, _) = house.assess(&project, &planned, policy_digest(), &Silent).await.unwrap();
    let (input, page) = reported(&house, &project, OverallState::Assessed).await;
    assert_eq!(input.evidence.len(), assessment.evidence.len());
    assert!(page.contains(&assessment.model.digest().to_string()));
    assert_eq!(input.system.model.digest, Some(assessment.model.digest()));
    let performance = input.performance.as_ref().unwrap();
    assert_eq!(performance.classes.len(), 10);
    assert_eq!(performance.classes[3].class, "3");
    let robustness = input.robustness.as_ref().unwrap();
    assert!(robustness.points.iter().any(|p| p.epsilon == 0.10 && p.accuracy.n == Some(40)));
    assert!(robustness.points.is_sorted_by(|a, b| a.epsilon < b.epsilon));
    assert!(robustness.counterexamples.iter().all(|c| matches!(
        &c.change,
        proofhouse_report::input::Change::Image { original, .. }
            if original.width == 8 && original.pixels.len() == 64
    )));
    assert!(robustness.required.is_none(), "a ceiling on success is no floor on accuracy");
    let ran = input.plan.iter().find(|c| c.check == "evasion-whitebox").unwrap();
    assert_eq!((&ran.status, ran.evidence), (&TestStatus::Ran, robustness.evidence));
    assert!(input.plan.iter().any(|c| c.status == TestStatus::NotImplemented));
    assert!(input.frameworks.rmf.iter().any(|s| !s.evidence.is_empty()));

    // Released.
    let candidate = house.package(&project, &planned, &assessment).await.unwrap();
    let (decided, states) = house
        .decide_release(&project, &planned, &assessment, &candidate, &policy, &environment)
        .await
        .unwrap();
    assert!(decided.decision.allow, "{:#?}", decided.decision.deny);
    let (release, _) =
        house.release(&project, &assessment, &candidate, &decided, &environment).await.unwrap();
    let (input, page) = reported(&house, &project, OverallState::Released).await;
    for state in &states {
        let shown = input.threats.iter().find(|t| t.id == state.threat.as_str()).unwrap();
        assert_eq!(format!("{:?}", shown.state), format!("{:?}", state.state), "{}", shown.id);
    }
    let gate = input.gate.as_ref().unwrap();
    assert_eq!(gate.decision, decided.envelope);
    assert_eq!(gate.evidence.len(), assessment.evidence.len() + candidate.evidence.len());
    assert!(gate.evidence.iter().all(|d| input.evidence.iter().any(|e| e.id == *d)));
    let signed = input.release.as_ref().unwrap();
    assert_eq!(signed.signature, release.statement.signature);
    assert!(page.contains(&signed.root.to_string()));

    // Running.
    let fleet = PaperFleet::default();
    let deployed = house.deploy(&project, &release, &policy, &environment, 2, &fleet).await.unwrap();
    let Deployed::Running { .. } = deployed else { panic!("the deploy policy refused") };
    let model = assessment.model.digest();
    let records = json!({"requests": 3, "records": [{"status": 200}, {"status": 200}, {"status": 401}]});
    let audit = house.event(EventKind::GatewayAudit, Some(model), &records).unwrap();
    house.append(&[audit]).await.unwrap();
    let (input, _) = reported(&house, &project, OverallState::Running).await;
    assert_eq!(input.instances.len(), 2);
    assert!(input.instances.iter().all(|i| i.proven == Some(model) && i.stopped.is_none()));
    assert_eq!(input.traffic.unwrap().by_status, [(200, 2), (401, 1)].into());

    // Observed.
    let watch = Watch::new(&project, &assessment.model, &assessment.datasets).unwrap();
    let normal = rows_of(&project, &assessment, "traffic-normal");
    let drifted = rows_of(&project, &assessment, "traffic-drifted");
    let mut looks = Vec::new();
    let mut raised = None;
    for (rows, seen) in [(first(&normal, 100), 100), (first(&drifted, 100), 200)] {
        let (look, signal) = house.observe(&project, &watch, model, &rows).await.unwrap();
        looks.push(LookRecord::of(&watch, &rows, &look, seen, house.now(), signal.as_ref()).unwrap());
        raised = signal.or(raised);
    }
    house.record_looks(&project, &environment, &looks).await.unwrap();
    let signal = raised.unwrap();
    let (input, _) = reported(&house, &project, OverallState::Running).await;
    let drift = input.drift.unwrap();
    assert_eq!(drift.looks.len(), 2);
    assert!(drift.looks[0].statistic < drift.looks[0].threshold);
    assert!(drift.looks[1].statistic >= drift.looks[1].threshold);
    let alarm = drift.alarm.unwrap();
    assert_eq!((alarm.look, &alarm.signal), (1, &signal.id));
    for column in &drift.columns {
        assert_eq!(column.edges.len(), column.reference.len() + 1);
        assert!(column.edges.is_sorted_by(|a, b| a < b), "{:?}", column.edges);
        assert_eq!(column.current.iter().sum::<u64>(), 100);
    }
    assert!(drift.columns[0].reference != drift.columns[0].current);

    // Recalled.
    let judged = house
        .judge_signal(&project, &planned, &assessment.evidence, &policy, &environment, &signal)
        .await
        .unwrap();
    let scope = Scope::Environment(environment.clone());
    let order = house.order_recall(model, scope, &signal.summary, Some("policy")).await.unwrap();
    let (input, _) = reported(&house, &project, OverallState::Recalling).await;
    assert!(input.recall.unwrap().proofs.iter().all(|p| p.at.is_none()));
    let outcome = house.carry_out(&order, &fleet, &PaperGateway(house.now())).await.unwrap();
    assert!(outcome.gaps.is_empty(), "{:?}", outcome.gaps);
    let freshness = assessment.freshness(&house, &project, &assessment.evidence).unwrap();
    let known: Vec<_> = assessment.evidence.iter().cloned().zip(freshness).collect();
    let fed = house.feed_back(&project, &planned, &known, &signal, judged.risk.as_ref()).await.unwrap();
    house.finish_run(&project, &environment, RunOutcome::Completed).await.unwrap();
    let (input, page) = reported(&house, &project, OverallState::Recalled).await;
    let recall = input.recall.as_ref().unwrap();
    assert_eq!(recall.certificate.as_ref().map(|c| c.digest), outcome.envelope);
    assert_eq!(recall.ordered_by, "policy");
    assert_eq!((recall.epoch, recall.answered_after, recall.proofs.len()), (3, Some(0), 2));
    assert!(input.instances.iter().all(|i| i.stopped.is_some() && i.pid.is_some()));
    let reopened: Vec<&str> =
        input.threats.iter().filter(|t| t.reopened_by.is_some()).map(|t| t.id.as_str()).collect();
    assert_eq!(reopened, fed.reopened);
    assert_eq!(input.signals[0].reopens, fed.reopened);
    let names: Vec<&str> = input.risk.as_ref().unwrap().curves.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["before any test", "after assessment", "after the alarm"]);
    assert_eq!(stages(&input).len(), 9);
    assert!(stages(&input).is_sorted());
    assert!(input.timeline.iter().all(|s| s.ledger.is_some_and(|r| r.first <= r.last)));
    assert!(page.contains("RECALLED") && page.contains("paper gateway"));

    // The next run knows nothing of the last, and the last is still told as it was.
    assert_eq!(house.begin_run(&project).await.unwrap(), "rehearsal-2");
    let (input, _) = reported(&house, &project, OverallState::Planned).await;
    assert!(input.evidence.is_empty() && input.threats.is_empty() && input.recall.is_none());
    let earlier = house.report(&project, Some("rehearsal-1")).await.unwrap();
    assert_eq!(earlier.state, OverallState::Recalled);
    assert_eq!(earlier.threats.iter().filter(|t| t.reopened_by.is_some()).count(), fed.reopened.len());
    assert!(house.report(&project, Some("rehearsal-7")).await.is_err());
    // The recall reached the rehearsal and nothing else.
    let production = house.report(&project, Some("production")).await.unwrap();
    assert!(production.recall.is_none() && production.instances.is_empty() && production.signals.is_empty());
}

#[tokio::test]
async fn a_denied_release_is_told_with_its_reasons() {
    let dir = tempfile::tempdir().unwrap();
    let project = example(&dir.path().join("system"), Some(ACCEPTED));
    let house = house(&dir.path().join("home")).await;
    let policy = Policy::compile(&Bundle::shipped()).unwrap();
    let planned = house.plan(&project).await.unwrap().0;
    let (assessment, _) = house.assess(&project, &planned, policy_digest(), &Silent).await.unwrap();
    let candidate = house.package(&project, &planned, &assessment).await.unwrap();
    house.decide_release(&project, &planned, &assessment, &candidate, &policy, "production").await.unwrap();
    let (input, page) = reported(&house, &project, OverallState::Denied).await;
    let gate = input.gate.as_ref().unwrap();
    assert!(!gate.allow && !gate.reasons.is_empty() && input.release.is_none());
    let decided = input.timeline.iter().find(|s| s.kind == StageKind::Gate).unwrap();
    assert_eq!(decided.outcome, StageOutcome::Failed);
    for reason in &gate.reasons {
        assert!(page.contains(&reason.code), "{}", reason.code);
    }
    let accepted = input.threats.iter().find(|t| t.id == "INF-02").unwrap();
    assert_eq!(accepted.state, ThreatState::Accepted);
    assert_eq!(accepted.acceptance.as_ref().unwrap().by, "Chief operating officer");
}
