//! Several writers, many events, rebuilding and exporting.

use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

use proofhouse_core::Digest;
use proofhouse_ledger::{Filter, Ledger, LedgerError, VerifyReport, verify_export};

use crate::support::{Place, life, note, verifier};

async fn sound(ledger: &Ledger) -> VerifyReport {
    let report = ledger.verify(&verifier(), None).await.unwrap();
    assert_eq!(report.problems, []);
    report
}

pub async fn two_handles_append_at_once(place: &Place) {
    // Opened at once as well: whoever comes second finds the schema made.
    let (first, second) = tokio::join!(place.open(), place.open());
    let append = |ledger: Ledger, name: &'static str| async move {
        let mut last = None;
        for i in 0..40 {
            last = Some(ledger.append(&[note(&format!("{name}{i}")), note("and one")]).await.unwrap());
        }
        last.unwrap()
    };
    let (a, b) = tokio::join!(tokio::spawn(append(first, "a")), tokio::spawn(append(second, "b")));
    let (a, b) = (a.unwrap(), b.unwrap());
    assert_eq!(a.last_seq.max(b.last_seq), 159);

    let ledger = place.open().await;
    let report = sound(&ledger).await;
    assert_eq!((report.size, report.checkpoints), (160, 80));
    let bodies: BTreeSet<String> = ledger
        .show(&Filter::default())
        .await
        .unwrap()
        .iter()
        .map(|entry| entry.body["batch"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(bodies.len(), 81, "every event once, and the one that all share");
}

#[expect(clippy::print_stdout, reason = "the time is shown with --nocapture and never judged")]
pub async fn ten_thousand_events_in_batches_of_a_hundred(place: &Place) {
    let ledger = place.open().await;
    let start = Instant::now();
    for batch in 0..100 {
        let events: Vec<_> = (0..100).map(|i| note(&format!("{batch}/{i}"))).collect();
        ledger.append(&events).await.unwrap();
    }
    println!("10,000 events in {} ms", start.elapsed().as_millis());
    let last = ledger.checkpoint().await.unwrap().unwrap().checkpoint;
    assert_eq!(last.size, 10_000);
    ledger.inclusion(4321, 10_000).await.unwrap().verify(&last.root).unwrap();
    let report = sound(&ledger).await;
    assert_eq!((report.size, report.root), (10_000, last.root));
    // n leaves have n - (set bits of n) complete nodes above them.
    assert_eq!(report.nodes, 10_000 - u64::from(10_000u32.count_ones()));
}

pub async fn views_are_rebuilt_to_the_same_rows(place: &Place) {
    let ledger = place.open().await;
    let events = life(&ledger).await;
    // One by one: every event meets rows that were stored before.
    for event in &events {
        ledger.append(std::slice::from_ref(event)).await.unwrap();
    }
    let rows = |ledger: Ledger| async move {
        let text = format!(
            "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
            ledger.subjects(None).await.unwrap(),
            ledger.threats("cheque-reader").await.unwrap(),
            ledger.evidence(&crate::support::model()).await.unwrap(),
            ledger.releases(None).await.unwrap(),
            ledger.instances(None).await.unwrap(),
            ledger.signals(None).await.unwrap(),
            ledger.recalls().await.unwrap(),
            ledger.risks("cheque-reader").await.unwrap(),
        );
        (ledger, text)
    };
    let before = sound(&ledger).await.views;
    assert!(before.len() == 8 && before.iter().all(|view| view.rows > 0), "{before:?}");
    let (ledger, rows_before) = rows(ledger).await;
    assert_eq!(ledger.rebuild().await.unwrap(), before);
    assert_eq!(sound(&ledger).await.views, before);
    let (ledger, rows_after) = rows(ledger).await;
    assert_eq!(rows_after, rows_before);
    // And the ledger goes on.
    ledger.append(&[note("after")]).await.unwrap();
    sound(&ledger).await;
}

pub async fn an_export_is_checked_without_the_database(place: &Place) {
    let ledger = place.open().await;
    let dir = place.dir.path().join("export");
    assert!(matches!(ledger.export(&dir).await, Err(LedgerError::Export { .. })), "nothing to export");
    ledger.append(&life(&ledger).await).await.unwrap();
    for i in 0..3 {
        let events: Vec<_> = (0..100).map(|j| note(&format!("{i}/{j}"))).collect();
        ledger.append(&events).await.unwrap();
    }
    let written = ledger.export(&dir).await.unwrap();
    assert_eq!((written.checkpoint.size, written.objects), (318, 2));
    assert_eq!(verify_export(&dir, &verifier()).unwrap(), written);
    assert!(matches!(ledger.export(&dir).await, Err(LedgerError::Export { .. })), "not empty");

    let mut files = vec![];
    let mut waiting = vec![dir.clone()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let names: Vec<_> =
        files.iter().map(|f| f.strip_prefix(&dir).unwrap().to_str().unwrap().replace('\\', "/")).collect();
    for name in
        ["checkpoint", "leaves.jsonl", "ledger.vkey", "tile/0/000", "tile/0/001.p/62", "tile/1/000.p/1"]
    {
        assert!(names.iter().any(|n| n == name), "{name} in {names:?}");
    }
    for (file, name) in files.iter().zip(&names).filter(|(_, name)| *name != "ledger.vkey") {
        let good = fs::read(file).unwrap();
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(file, &bad).unwrap();
            let error = verify_export(&dir, &verifier()).unwrap_err().to_string();
            // A changed leaf may first show in a tile made of it.
            assert!(error.contains(name.as_str()) || name == "leaves.jsonl", "{name} byte {at}: {error}");
        }
        fs::write(file, &good[..good.len() - 1]).unwrap();
        assert!(verify_export(&dir, &verifier()).is_err(), "{name} cut");
        fs::remove_file(file).unwrap();
        assert!(verify_export(&dir, &verifier()).is_err(), "{name} missing");
        fs::write(file, &good).unwrap();
    }
    let leaves = dir.join("leaves.jsonl");
    let text = fs::read_to_string(&leaves).unwrap();
    let cut: String = text.split_inclusive('\n').take(317).collect();
    fs::write(&leaves, cut).unwrap();
    let error = verify_export(&dir, &verifier()).unwrap_err().to_string();
    assert!(error.contains("317 leaves, the checkpoint covers 318"), "{error}");
}

pub async fn objects_are_what_their_digest_says(place: &Place) {
    let ledger = place.open().await;
    let digest = ledger.put_object(b"document").await.unwrap();
    assert_eq!(digest, Digest::of(b"document"));
    assert_eq!(ledger.put_object(b"document").await.unwrap(), digest);
    assert_eq!(ledger.get_object(&digest).await.unwrap().as_deref(), Some(b"document".as_slice()));
    assert_eq!(ledger.get_object(&Digest::of(b"another")).await.unwrap(), None);
    let empty = ledger.put_object(b"").await.unwrap();
    assert_eq!(ledger.get_object(&empty).await.unwrap().as_deref(), Some(b"".as_slice()));

    let raw = place.raw().await;
    crate::support::overwrite(&raw, "objects", "digest", digest.to_string(), "content", b"forged".to_vec())
        .await;
    let error = ledger.get_object(&digest).await.unwrap_err();
    assert!(matches!(error, LedgerError::Row { table: "objects", .. }), "{error}");
    let report = ledger.verify(&verifier(), None).await.unwrap();
    assert_eq!((report.problems[0].table, &report.problems[0].row), ("objects", &digest.to_string()));
}
