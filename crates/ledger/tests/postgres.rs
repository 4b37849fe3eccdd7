//! Every behaviour on PostgreSQL, where `PROOFHOUSE_TEST_POSTGRES` names a database that may be written;
//! without it each says that it is skipped and asserts the soundness of a ledger on SQLite.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use proofhouse_ledger::{Ledger, LedgerError, Options};
use sea_orm::TransactionTrait as _;

mod behaviours;
mod support;
use support::{ORIGIN, Place, key, note};

const SERVER: &str = "PROOFHOUSE_TEST_POSTGRES";

#[expect(clippy::print_stdout, reason = "whoever runs the tests should see what did not run")]
async fn postgres() -> Option<Place> {
    let Ok(server) = std::env::var(SERVER) else {
        println!("skipped: {SERVER} is not set; a ledger on SQLite is asserted to be sound instead");
        return None;
    };
    Some(Place::postgres(&server).await)
}

behaviours!(postgres);

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_password() {
    // Port 1 is reserved and nothing listens on it.
    let url = "postgres://ledger:hunter2@127.0.0.1:1/proof";
    let options = Options { busy_timeout: Duration::from_millis(300), ..Options::default() };
    let error = Ledger::open_with(url, support::ORIGIN, None, &options).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unreachable { .. }), "{error}");
    let error = error.to_string();
    assert!(error.contains("127.0.0.1:1/proof") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_writer_that_holds_on_is_not_waited_for_without_end() {
    let Some(place) = postgres().await else { return };
    // Long enough for a busy machine to open it, and to be told from no waiting at all.
    let options = Options { busy_timeout: Duration::from_secs(2), ..Options::default() };
    let ledger = Ledger::open_with(&place.url, ORIGIN, Some(key()), &options).await.unwrap();
    let raw = place.raw().await;
    let held = raw.begin().await.unwrap();
    support::overwrite(&held, "ledger_meta", "name", "origin", "content", ORIGIN).await;
    let error = ledger.append(&[note("x")]).await.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { waited_ms: 2000, .. }), "{error}");
    held.rollback().await.unwrap();
    ledger.append(&[note("x")]).await.unwrap();
}
