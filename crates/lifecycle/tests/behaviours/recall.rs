//! Recalls against the ledger: who is ordered, who has to be listed, and what a certificate is held against.

use proofhouse_core::Digest;
use proofhouse_ledger::EventKind;
use proofhouse_ledger::body::{InstanceStarted, InstanceStopped};
use proofhouse_lifecycle::{House, Scope, StopEvidence, verify_certificate};

use crate::scene::{PaperFleet, PaperGateway, house};

async fn started(house: &House, model: Digest, id: &str, target: &str) {
    let body = InstanceStarted {
        id: id.into(),
        target: target.into(),
        release: None,
        endpoint: None,
        lease_until: None,
    };
    house.append(&[house.event(EventKind::InstanceStarted, Some(model), &body).unwrap()]).await.unwrap();
}

async fn stopped(house: &House, model: Digest, id: &str) {
    let body = InstanceStopped { id: id.into(), reason: "the deployment ended".into() };
    house.append(&[house.event(EventKind::InstanceStopped, Some(model), &body).unwrap()]).await.unwrap();
}

#[tokio::test]
async fn orders_given_at_the_same_moment_are_all_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let [a, b, c] = ["a", "b", "c"].map(|m| Digest::of(m.as_bytes()));
    let (x, y, z) = tokio::join!(
        house.order_recall(a, Scope::Everywhere, "advisory 1", None),
        house.order_recall(b, Scope::Everywhere, "advisory 2", None),
        house.order_recall(c, Scope::Everywhere, "advisory 3", None),
    );
    let mut names = [x.unwrap().id, y.unwrap().id, z.unwrap().id];
    names.sort();
    assert_eq!(names, ["recall-1", "recall-2", "recall-3"]);
    assert_eq!(house.recalled_in("production").await.unwrap(), [a, b, c].into_iter().collect());
}

#[tokio::test]
async fn a_certificate_lists_what_stopped_between_the_order_and_the_sweep() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let model = Digest::of(b"model");
    for (id, target) in [
        ("production.i1", "production/paper"),
        ("production.i2", "production/another-host"),
        ("production.i3", "production/another-host"),
        ("rehearsal-1.i4", "rehearsal-1/paper"),
    ] {
        started(&house, model, id, target).await;
    }
    stopped(&house, model, "production.i3").await;
    let scope = Scope::Environment("production".into());
    let order = house.order_recall(model, scope, "advisory 42", None).await.unwrap();
    // Their hosts end them before anybody carries out the order.
    stopped(&house, model, "production.i1").await;
    stopped(&house, model, "production.i2").await;
    let outcome =
        house.carry_out(&order, &PaperFleet::default(), &PaperGateway(order.ordered)).await.unwrap();
    assert_eq!(outcome.gaps, Vec::<String>::new());
    let listed: Vec<(&str, &StopEvidence)> =
        outcome.certificate.instances.iter().map(|i| (i.id.as_str(), &i.proof)).collect();
    let recorded = order.seq + 2;
    assert_eq!(
        listed,
        [
            ("production.i1", &StopEvidence::Absent { target: "paper".into() }),
            ("production.i2", &StopEvidence::Recorded { seq: recorded }),
        ]
    );
    let bytes = house.certificate_of(&order.id).await.unwrap().unwrap();
    let certificate = verify_certificate(&bytes, house.trusted()).unwrap();
    assert_eq!(certificate.cross_check(house.ledger()).await.unwrap(), Vec::<String>::new());

    let mut silent = certificate.clone();
    silent.instances.remove(0);
    let mut invented = certificate.clone();
    invented.instances[1].proof = StopEvidence::Recorded { seq: order.seq };
    let mut other = certificate.clone();
    other.ordered = other.ordered.plus_ms(1);
    for (changed, expected) in
        [(silent, "production.i1 was running"), (invented, "does not say that"), (other, "is not the order")]
    {
        let gaps = changed.cross_check(house.ledger()).await.unwrap();
        assert!(gaps.iter().any(|g| g.contains(expected)), "{expected}: {gaps:?}");
    }
}

#[tokio::test]
async fn an_instance_of_a_host_that_nobody_swept_keeps_a_recall_open() {
    let dir = tempfile::tempdir().unwrap();
    let house = house(dir.path()).await;
    let model = Digest::of(b"model");
    started(&house, model, "production.i1", "production/another-host").await;
    let order = house.order_recall(model, Scope::Everywhere, "advisory 42", None).await.unwrap();
    let outcome =
        house.carry_out(&order, &PaperFleet::default(), &PaperGateway(order.ordered)).await.unwrap();
    assert_eq!(outcome.gaps.len(), 1);
    assert!(outcome.envelope.is_none());
    assert_eq!(house.open_recalls("production").await.unwrap(), [order]);
}
