//! A writer is killed while it appends; whatever it acknowledged is there.
//!
//! `SIGKILL` ends the process, not the machine: this shows that a transaction is all or nothing and is
//! handed to the system before it is acknowledged. That it is on the disk by then is SQLite's
//! `synchronous=FULL`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

use proofhouse_core::Digest;
use proofhouse_ledger::{Event, EventKind, Ledger, SignedCheckpoint};

mod support;
use support::{ORIGIN, Place, key, life, note, verifier};

const CHILD: &str = "PROOFHOUSE_TEST_CRASH_CHILD";

/// The writer; a test that has nothing to do unless it was started as a child.
#[tokio::test]
async fn child() {
    let Ok(url) = std::env::var(CHILD) else { return };
    let ledger = Ledger::open(&url, ORIGIN, Some(key())).await.unwrap();
    for i in 0u64.. {
        // Some appends with views, some of many leaves.
        let events = match i % 3 {
            0 => life_without_recall(&ledger).await,
            1 => vec![note(&i.to_string())],
            _ => (0..50).map(|j| note(&format!("{i}/{j}"))).collect(),
        };
        let receipt = ledger.append(&events).await.unwrap();
        let note = receipt.checkpoint.note.replace('\n', "|");
        println!("ack {} {} {note}", receipt.last_seq, receipt.leaf_hashes.last().unwrap());
    }
}

/// Repeated, a life would order the same recall again.
async fn life_without_recall(ledger: &Ledger) -> Vec<Event> {
    let mut events = life(ledger).await;
    events.retain(|event| !matches!(event.kind, EventKind::RecallOrdered | EventKind::RecallCertified));
    events
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() {
    let place = Place::sqlite();
    let mut acknowledged: Vec<(u64, Digest, SignedCheckpoint)> = vec![];
    // Waits that end at different moments of an append.
    for wait_ms in [3, 50, 7, 111, 23, 64] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(CHILD, &place.url)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let reader = std::thread::spawn(move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            // The harness may write on the same line.
            lines
                .filter_map(|line| line.split_once("ack ").map(|(_, ack)| ack.to_owned()))
                .collect::<Vec<_>>()
        });
        // Until it has begun to append, then a while.
        let begun = acknowledged.last().map_or(0, |(seq, ..)| seq + 1);
        let ledger = place.open().await;
        while ledger.checkpoint().await.unwrap().is_none_or(|c| c.checkpoint.size <= begun) {
            assert_eq!(child.try_wait().unwrap(), None, "the writer ended by itself");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        for ack in reader.join().unwrap() {
            let mut parts = ack.splitn(3, ' ');
            let mut part = || parts.next().unwrap().to_owned();
            let (seq, hash, note) = (part(), part(), part());
            let Some(note) = note.strip_suffix('|') else { continue };
            let note = note.replace('|', "\n") + "\n";
            let signed = SignedCheckpoint::open(&note, &verifier()).unwrap();
            acknowledged.push((seq.parse().unwrap(), hash.parse().unwrap(), signed));
        }
        ledger.close().await.unwrap();

        let ledger = place.open().await;
        let last = &acknowledged.last().unwrap().2;
        let report = ledger.verify(&verifier(), Some(&last.note)).await.unwrap();
        assert_eq!(report.problems, []);
        assert!(report.size >= last.checkpoint.size);
        ledger.close().await.unwrap();
    }
    let ledger = place.open().await;
    let head = ledger.checkpoint().await.unwrap().unwrap().checkpoint;
    assert!(acknowledged.len() >= 6);
    for (seq, hash, signed) in &acknowledged {
        assert_eq!(ledger.get(*seq).await.unwrap().unwrap().leaf_hash, *hash);
        let stated = &signed.checkpoint;
        let proof = ledger.consistency(stated.size, head.size).await.unwrap();
        proof.verify(&stated.root, &head.root).unwrap();
    }
}
