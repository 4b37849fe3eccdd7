//! Every behaviour on SQLite, and what only a file can have.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::time::Duration;

use proofhouse_ledger::{Ledger, LedgerError, Options};
use sea_orm::{ConnectionTrait as _, SqliteTransactionMode, TransactionOptions, TransactionTrait as _};

mod behaviours;
mod support;
use support::{ORIGIN, Place, key, life, note, verifier};

async fn sqlite() -> Option<Place> {
    Some(Place::sqlite())
}

behaviours!(sqlite);

fn file(place: &Place) -> std::path::PathBuf {
    place.dir.path().join("ledger.db")
}

#[tokio::test]
async fn a_missing_ledger_is_not_made_by_reading() {
    let place = Place::sqlite();
    let error = Ledger::open(&place.url, ORIGIN, None).await.unwrap_err();
    assert!(matches!(error, LedgerError::Missing(_)), "{error}");
    assert!(error.to_string().contains("ledger.db"));
    assert!(!file(&place).exists());
    // Another program's database is no ledger either.
    let raw = sea_orm::Database::connect(format!("{}?mode=rwc", place.url)).await.unwrap();
    raw.execute_unprepared("CREATE TABLE other (x INTEGER)").await.unwrap();
    assert!(matches!(Ledger::open(&place.url, ORIGIN, None).await, Err(LedgerError::Missing(_))));
}

/// SQLite does not wait where two connections turn one new file into a write-ahead log: one of them is told at once that
/// it is locked.
#[test]
fn many_may_make_one_ledger_at_once() {
    for _ in 0..20 {
        let (place, together) = (Place::sqlite(), std::sync::Barrier::new(6));
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..6)
                .map(|i| {
                    let (url, together) = (&place.url, &together);
                    scope.spawn(move || {
                        let runtime =
                            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                        together.wait();
                        runtime.block_on(async {
                            let ledger = Ledger::open(url, ORIGIN, Some(key())).await?;
                            ledger.append(&[note(&i.to_string())]).await
                        })
                    })
                })
                .collect();
            let mut last: Vec<u64> =
                openers.into_iter().map(|o| o.join().unwrap().unwrap().last_seq).collect();
            last.sort_unstable();
            assert_eq!(last, [0, 1, 2, 3, 4, 5]);
        });
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_is_named() {
    let place = Place::sqlite();
    let url = format!("sqlite:{}", place.dir.path().join("no/such/folder/ledger.db").display());
    let error = Ledger::open(&url, ORIGIN, Some(key())).await.unwrap_err();
    assert!(matches!(error, LedgerError::CannotOpen { .. }), "{error}");
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    let url = format!("sqlite:{}", place.dir.path().display());
    let error = Ledger::open(&url, ORIGIN, Some(key())).await.unwrap_err();
    assert!(matches!(error, LedgerError::CannotOpen { .. }), "{error}");
}

#[tokio::test]
async fn characters_of_addresses_are_characters_of_paths() {
    let place = Place::sqlite();
    let path = place.dir.path().join("led ger?mode=memory&%41#.db");
    let ledger = Ledger::open(&format!("sqlite:{}", path.display()), ORIGIN, Some(key())).await.unwrap();
    ledger.append(&[note("x")]).await.unwrap();
    assert!(path.exists());
}

#[tokio::test]
async fn a_damaged_file_is_named() {
    let place = Place::sqlite();
    fs::write(
        file(&place),
        b"this is not a database, however long the text may be that stands here. ".repeat(99),
    )
    .unwrap();
    for signer in [None, Some(key())] {
        let error = Ledger::open(&place.url, ORIGIN, signer).await.unwrap_err();
        assert!(matches!(error, LedgerError::Corrupt { .. }), "{error}");
        assert!(error.to_string().contains("ledger.db"), "{error}");
    }
}

#[tokio::test]
async fn pages_of_the_file_are_changed_and_found() {
    let place = Place::sqlite();
    let ledger = place.open().await;
    let mut events = life(&ledger).await;
    events.extend((0..150).map(|i| note(&i.to_string())));
    ledger.append(&events).await.unwrap();
    ledger.close().await.unwrap();
    let good = fs::read(file(&place)).unwrap();
    assert_eq!(good.len() % 4096, 0);
    let mut found = 0;
    let mut changed = 0;
    for page in 1..good.len() / 4096 {
        // Cells grow from the end of a page towards its beginning; what lies between may be left over.
        let at = (page + 1) * 4096 - 8;
        let mut bad = good.clone();
        bad[at..at + 8].iter_mut().for_each(|b| *b ^= 0x55);
        if good[at..at + 8] == [0; 8] {
            continue; // No cell there.
        }
        changed += 1;
        fs::write(file(&place), &bad).unwrap();
        let sound = async {
            let ledger = Ledger::open(&place.url, ORIGIN, None).await?;
            let report = ledger.verify(&verifier(), None).await?;
            ledger.close().await?;
            Ok::<bool, LedgerError>(report.is_sound())
        };
        if !matches!(sound.await, Ok(true)) {
            found += 1;
        }
    }
    assert!(changed > 15, "{changed}");
    assert_eq!(found, changed);
}

#[tokio::test]
async fn a_locked_ledger_says_so() {
    let place = Place::sqlite();
    let options = Options { busy_timeout: Duration::from_millis(100), ..Options::default() };
    let ledger = Ledger::open_with(&place.url, ORIGIN, Some(key()), &options).await.unwrap();
    let raw = place.raw().await;
    let exclusive = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Exclusive),
        ..TransactionOptions::default()
    };
    let held = raw.begin_with_options(exclusive).await.unwrap();
    let error = ledger.append(&[note("x")]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { waited_ms: 100, .. }), "{error}");
    assert!(error.to_string().contains("ledger.db"), "{error}");
    held.rollback().await.unwrap();
    ledger.append(&[note("x")]).await.unwrap();
}

#[tokio::test]
async fn a_read_only_ledger_is_read_and_not_written() {
    let place = Place::sqlite();
    place.open().await.append(&[note("x")]).await.unwrap();
    let options = Options { read_only: true, ..Options::default() };
    let ledger = Ledger::open_with(&place.url, ORIGIN, Some(key()), &options).await.unwrap();
    assert!(ledger.verify(&verifier(), None).await.unwrap().is_sound());
    for error in [
        ledger.append(&[note("y")]).await.unwrap_err(),
        ledger.put_object(b"z").await.unwrap_err(),
        ledger.rebuild().await.unwrap_err(),
    ] {
        assert!(matches!(error, LedgerError::ReadOnly(_)), "{error}");
    }
    assert_eq!(ledger.get(1).await.unwrap(), None);
}

#[tokio::test]
async fn a_later_schema_is_left_alone() {
    let place = Place::sqlite();
    place.open().await.append(&[note("x")]).await.unwrap();
    let raw = place.raw().await;
    support::overwrite(&raw, "ledger_meta", "name", "schema-version", "content", "2").await;
    for signer in [None, Some(key())] {
        assert!(matches!(Ledger::open(&place.url, ORIGIN, signer).await, Err(LedgerError::Schema { .. })));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_and_its_log_are_for_their_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::sqlite();
    let ledger = place.open().await;
    ledger.append(&[note("x")]).await.unwrap();
    for entry in fs::read_dir(place.dir.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.path());
    }
}
