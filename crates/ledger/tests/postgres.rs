//! Every behaviour on PostgreSQL, where `PROOFHOUSE_TEST_POSTGRES` names a database that may be written;
//! without it each says that it is skipped and asserts the soundness of a ledger on SQLite.

mod behaviours;
mod support;
use support::Place;

const SERVER: &str = "PROOFHOUSE_TEST_POSTGRES";

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
    let error = proofhouse_ledger::Ledger::open(url, support::ORIGIN, None).await.unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1/proof") && !error.contains("hunter2"), "{error}");
}
