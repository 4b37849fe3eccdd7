//! Appending, reading, proofs and views.

use proofhouse_core::{Digest, Timestamp};
use proofhouse_ledger::body::BodyError;
use proofhouse_ledger::{EventKind, Filter, LeafError, Ledger, LedgerError, MAX_BATCH, SignedCheckpoint};
use serde_json::json;

use crate::support::{ORIGIN, Place, event, key, life, model, note, verifier};

pub async fn a_life_is_appended_and_read_back(place: &Place) {
    let ledger = place.open().await;
    assert_eq!(ledger.checkpoint().await.unwrap(), None);
    let events = life(&ledger).await;
    let receipt = ledger.append(&events).await.unwrap();
    assert_eq!((receipt.first_seq, receipt.last_seq), (0, events.len() as u64 - 1));
    assert_eq!(ledger.checkpoint().await.unwrap().as_ref(), Some(&receipt.checkpoint));
    assert_eq!(SignedCheckpoint::open(&receipt.checkpoint.note, &verifier()).unwrap(), receipt.checkpoint);

    let entries = ledger.show(&Filter::default()).await.unwrap();
    assert_eq!(entries.len(), events.len());
    for ((seq, event), entry) in (0u64..).zip(&events).zip(&entries) {
        assert_eq!((entry.seq, entry.kind, &entry.subject), (seq, event.kind, &event.subject));
        assert_eq!(entry.leaf_hash, receipt.leaf_hashes[usize::try_from(seq).unwrap()]);
        assert_eq!(ledger.get(seq).await.unwrap().as_ref(), Some(entry));
    }
    assert_eq!(ledger.get(events.len() as u64).await.unwrap(), None);
    assert_eq!(ledger.get(u64::MAX).await.unwrap(), None);

    let started = Filter { kind: Some(EventKind::InstanceStarted), ..Filter::default() };
    assert_eq!(ledger.show(&started).await.unwrap().len(), 2);
    let about = Filter { subject: Some(model()), limit: 2, offset: 1, ..Filter::default() };
    let about = ledger.show(&about).await.unwrap();
    assert_eq!(about.iter().map(|e| e.seq).collect::<Vec<_>>(), [4, 7]);
    let newest = Filter { newest_first: true, limit: 1, ..Filter::default() };
    assert_eq!(ledger.show(&newest).await.unwrap()[0].kind, EventKind::RiskScored);
}

pub async fn every_view_tells_the_life(place: &Place) {
    let ledger = place.open().await;
    let events = life(&ledger).await;
    ledger.append(&events).await.unwrap();

    let threats = ledger.threats("cheque-reader").await.unwrap();
    let states: Vec<_> = threats.iter().map(|t| (t.id.as_str(), t.state.as_str())).collect();
    assert_eq!(states, [("DOS-02", "accepted"), ("EVA-01", "open"), ("SUP-01", "controlled")]);
    assert_eq!(threats[0].accepted_until.as_deref(), Some("2027-01-01T00:00:00.000Z"));
    assert_eq!(threats[1].reason.as_deref(), Some("signal s-1"));
    assert_eq!(threats[1].title, "Evasion by small changes");

    assert_eq!(ledger.subjects(Some("cheque-reader")).await.unwrap().len(), 2);
    let evidence = ledger.evidence(&model()).await.unwrap();
    assert_eq!((evidence[0].check.as_str(), evidence[0].verdict.as_str()), ("scan", "pass"));
    let envelope = evidence[0].envelope.parse().unwrap();
    assert!(ledger.get_object(&envelope).await.unwrap().is_some());
    assert_eq!(ledger.releases(Some(&model())).await.unwrap()[0].id, "r-1");
    let instances = ledger.instances(Some(&model())).await.unwrap();
    assert!(instances.iter().all(|i| i.state == "stopped") && instances.len() == 2);
    assert_eq!(ledger.signals(None).await.unwrap()[0].signal, "drift");
    assert_eq!(ledger.recalls().await.unwrap()[0].state, "certified");
    assert!(ledger.is_recalled(&model()).await.unwrap());
    assert!(!ledger.is_recalled(&Digest::of(b"another")).await.unwrap());
    assert_eq!(ledger.risks("cheque-reader").await.unwrap()[0].annual_loss_mean, 12500.25);
}

pub async fn proofs_hold_between_every_two_checkpoints(place: &Place) {
    let ledger = place.open().await;
    let mut roots = vec![];
    for i in 0..21 {
        let receipt = ledger.append(&[note(&i.to_string())]).await.unwrap();
        roots.push(receipt.checkpoint.checkpoint);
    }
    for new in &roots {
        for seq in 0..new.size {
            let proof = ledger.inclusion(seq, new.size).await.unwrap();
            proof.verify(&new.root).unwrap();
            assert!(proof.verify(&Digest::of(b"another root")).is_err());
        }
        for old in roots.iter().take_while(|old| old.size <= new.size) {
            ledger.consistency(old.size, new.size).await.unwrap().verify(&old.root, &new.root).unwrap();
        }
    }
    assert!(matches!(ledger.inclusion(21, 21).await, Err(LedgerError::Proof(_))));
    assert!(matches!(ledger.inclusion(20, 22).await, Err(LedgerError::Row { table: "leaves", .. })));
    assert!(matches!(ledger.consistency(5, 4).await, Err(LedgerError::Proof(_))));
}

pub async fn what_cannot_be_a_leaf_is_refused_and_leaves_no_trace(place: &Place) {
    let ledger = place.open().await;
    let bad = |body| event(EventKind::PlanWritten, None, body);
    let mut deep = json!(1);
    for _ in 0..40 {
        deep = json!([deep]);
    }
    let mut nobody = note("x");
    nobody.actor = String::new();
    let cases = [
        (bad(json!({"text": "x".repeat(70_000)})), "65535"),
        (bad(json!({"seed": u64::MAX})), "18446744073709551615"),
        (bad(json!({"text": "a\0b"})), "NUL"),
        (bad(deep), "32 levels"),
        (nobody, "actor"),
        (event(EventKind::InstanceStopped, None, json!({"id": "i-9", "reason": ""})), "never recorded"),
        (event(EventKind::ReleaseMade, None, json!({})), "needs a subject"),
        (event(EventKind::RiskScored, None, json!({"system": 5})), "risk-scored"),
        (
            event(
                EventKind::EvidenceRecorded,
                Some(model()),
                json!({"envelope": Digest::of(b"nowhere"), "check": "scan", "verdict": "pass",
                       "finished": Timestamp::from_unix_ms(0)}),
            ),
            "store it first",
        ),
    ];
    for (event, named) in cases {
        // Behind a good one: nothing of the append may stay.
        let error = ledger.append(&[note("good"), event]).await.unwrap_err();
        assert!(error.to_string().contains("event 1 of this append"), "{error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(ledger.get(0).await.unwrap(), None);
    }
    assert!(matches!(ledger.append(&[]).await, Err(LedgerError::Batch { found: 0 })));
    let many = vec![note("x"); MAX_BATCH + 1];
    assert!(matches!(ledger.append(&many).await, Err(LedgerError::Batch { .. })));
}

pub async fn errors_can_be_told_apart(place: &Place) {
    let ledger = place.open().await;
    let large = event(EventKind::PlanWritten, None, json!({"text": "x".repeat(70_000)}));
    let error = ledger.append(&[large]).await.unwrap_err();
    assert!(matches!(
        error,
        LedgerError::Event { index: 0, source: LeafError::TooLarge { bytes: 70_000.. } }
    ));
    let stop = event(EventKind::InstanceStopped, None, json!({"id": "i", "reason": "r"}));
    let error = ledger.append(&[stop]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Body { index: 0, source: BodyError::Unrecorded { .. } }));
}

pub async fn a_ledger_is_reopened_by_its_origin_and_key_only(place: &Place) {
    place.open().await.append(&[note("first")]).await.unwrap();
    let url = place.url.clone();

    let reader = Ledger::open(&url, ORIGIN, None).await.unwrap();
    assert_eq!(reader.get(0).await.unwrap().unwrap().seq, 0);
    assert!(matches!(reader.append(&[note("second")]).await, Err(LedgerError::NoSigner(_))));

    let other = "proofhouse.test/other";
    assert!(matches!(Ledger::open(&url, other, None).await, Err(LedgerError::Origin { .. })));
    assert!(matches!(Ledger::open(&url, other, Some(key())).await, Err(LedgerError::Origin { .. })));
    let stranger = proofhouse_ledger::CheckpointKey::from_seed(ORIGIN.parse().unwrap(), &[8; 32]);
    assert!(matches!(Ledger::open(&url, ORIGIN, Some(stranger)).await, Err(LedgerError::OtherKey { .. })));

    let ledger = place.open().await;
    assert_eq!(ledger.append(&[note("second")]).await.unwrap().first_seq, 1);
}

pub async fn a_taken_id_stays_with_what_it_stands_for(place: &Place) {
    let ledger = place.open().await;
    ledger.append(&life(&ledger).await).await.unwrap();
    let other = Some(Digest::of(b"another model"));
    let recall = event(EventKind::RecallOrdered, other, json!({"id": "c-1", "reason": "advisory"}));
    let release = json!({"id": "r-1", "system": "cheque-reader", "name": "cheque-reader 1.0.0"});
    for event in [recall, event(EventKind::ReleaseMade, other, release.clone())] {
        let error = ledger.append(&[event]).await.unwrap_err();
        assert!(matches!(error, LedgerError::Body { index: 0, source: BodyError::Taken { .. } }), "{error}");
    }
    assert!(ledger.is_recalled(&model()).await.unwrap());
    // Within one append as well, where the first is not stored yet.
    let twice = |id| event(EventKind::RecallOrdered, other, json!({"id": id, "reason": "advisory"}));
    assert!(ledger.append(&[twice("c-2"), twice("c-2")]).await.is_err());
    assert!(!ledger.is_recalled(&Digest::of(b"another model")).await.unwrap());
    // The same release recorded again is the same release.
    ledger.append(&[event(EventKind::ReleaseMade, Some(model()), release)]).await.unwrap();
    assert_eq!(ledger.releases(None).await.unwrap().len(), 1);
}
