//! The database under the ledger: addresses, connections, schema, and its errors in plain words.
//!
//! SQLite runs with a write-ahead log and `synchronous=FULL`, so a transaction is on the disk before it
//! is acknowledged, and writers begin with `BEGIN IMMEDIATE`, so that two processes queue rather than
//! fail half-way. On PostgreSQL a writer locks the `origin` row of `ledger_meta`. Either way one append
//! at a time extends the tree.

use std::path::PathBuf;
use std::time::Duration;

use sea_orm::sqlx::error::DatabaseError;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ActiveValue::Set, ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, EntityTrait, QuerySelect as _, RuntimeErr, Schema, SqliteTransactionMode, TransactionOptions,
    TransactionTrait as _,
};

use crate::entity::{checkpoint, leaf, meta, node, object};
use crate::error::LedgerError;
use crate::key::CheckpointKey;
use crate::views;

/// The only schema there has been.
const SCHEMA_VERSION: u32 = 1;

/// Lets two processes that create the same PostgreSQL schema at once do so one after the other. The
/// number has no meaning but to be always the same.
const CREATE_LOCK: &str = "SELECT pg_advisory_xact_lock(7811317463252870)";

/// How to open a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// How long to wait for another process that is writing.
    pub busy_timeout: Duration,
    /// Refuse every change, as an auditor would want. SQLite only; on PostgreSQL use a role that may
    /// only read.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(30), read_only: false }
    }
}

/// A connection that knows what to call itself in errors.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) connection: DatabaseConnection,
    pub(crate) place: String,
    busy_timeout: Duration,
}

enum Address {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Address {
    fn parse(url: &str) -> Result<Self, LedgerError> {
        if let Some(rest) = url.strip_prefix("sqlite:") {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            // A ledger in memory would be gone with the process that is held to account.
            if !path.is_empty() && path != ":memory:" {
                return Ok(Self::Sqlite(path.into()));
            }
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.replacen("postgresql://", "postgres://", 1)));
        }
        Err(LedgerError::Address(without_password(url)))
    }

    /// What to call it in errors; never with a password.
    fn place(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(url) => without_password(url),
        }
    }
}

/// `scheme://…@host/database` without user, password and parameters.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let rest = rest.split_once('?').map_or(rest, |(before, _)| before);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") }
}

impl Database {
    /// Connects, and creates what is missing when there is a `signer`.
    pub(crate) async fn open(
        url: &str,
        origin: &str,
        signer: Option<&CheckpointKey>,
        options: &Options,
    ) -> Result<Self, LedgerError> {
        let address = Address::parse(url)?;
        let create = signer.is_some() && !options.read_only;
        let place = address.place();
        let mut connect = match &address {
            Address::Sqlite(path) => sqlite(path.clone(), create, options, &place)?,
            Address::Postgres(url) => postgres(url, options),
        };
        connect
            .max_connections(4)
            // Longer than the database itself waits, so that its own words come first.
            .acquire_timeout(options.busy_timeout.saturating_add(Duration::from_secs(2)))
            // Statements carry the bodies of events; they do not belong into a process log.
            .sqlx_logging(false);
        let named = |e| translate(e, &place, options.busy_timeout);
        let connection = match &address {
            Address::Sqlite(_) => connect_in_turn(connect, options.busy_timeout).await.map_err(named)?,
            Address::Postgres(_) => sea_orm::Database::connect(connect)
                .await
                .map_err(|error| LedgerError::Unreachable { place: place.clone(), reason: reason(&error) })?,
        };
        let database = Self { connection, place: place.clone(), busy_timeout: options.busy_timeout };
        if create {
            let tx = database.begin_write().await?;
            create_schema(&tx, origin, signer).await.map_err(named)?;
            tx.commit().await.map_err(named)?;
        }
        database.check_meta(origin, signer).await?;
        Ok(database)
    }

    /// A transaction that no other writer runs beside.
    pub(crate) async fn begin_write(&self) -> Result<DatabaseTransaction, LedgerError> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.connection.begin_with_options(options).await.map_err(|e| self.error(e))
    }

    /// Takes the lock that orders appends. On SQLite the transaction itself is that lock.
    pub(crate) async fn lock_writers(&self, tx: &DatabaseTransaction) -> Result<(), LedgerError> {
        if self.connection.get_database_backend() == DbBackend::Postgres {
            let row = meta::Entity::find_by_id(ORIGIN.to_owned()).lock_exclusive().one(tx).await;
            row.map_err(|e| self.error(e))?.ok_or_else(|| LedgerError::Missing(self.place.clone()))?;
        }
        Ok(())
    }

    /// A transaction that sees one state of the database throughout.
    pub(crate) async fn begin_read(&self) -> Result<DatabaseTransaction, LedgerError> {
        let isolation_level = match self.connection.get_database_backend() {
            DbBackend::Postgres => Some(sea_orm::IsolationLevel::RepeatableRead),
            // A SQLite transaction is a snapshot from its first read on.
            _ => None,
        };
        let options = TransactionOptions { isolation_level, ..TransactionOptions::default() };
        self.connection.begin_with_options(options).await.map_err(|e| self.error(e))
    }

    /// Says what the database said in plain words.
    pub(crate) fn error(&self, error: DbErr) -> LedgerError {
        translate(error, &self.place, self.busy_timeout)
    }

    pub(crate) fn row(&self, table: &'static str, row: impl ToString, reason: impl ToString) -> LedgerError {
        LedgerError::Row {
            place: self.place.clone(),
            table,
            row: row.to_string(),
            reason: reason.to_string(),
        }
    }

    async fn check_meta(&self, origin: &str, signer: Option<&CheckpointKey>) -> Result<(), LedgerError> {
        let missing = || LedgerError::Missing(self.place.clone());
        let rows = meta::Entity::find().all(&self.connection).await.map_err(|error| {
            // No table at all: SQLite has no code of its own for that.
            let no_table = driver_error(&error).is_some_and(|e| {
                e.code().as_deref() == Some("42P01") || e.message().starts_with("no such table")
            });
            if no_table { missing() } else { self.error(error) }
        })?;
        let content = |name| rows.iter().find(|r| r.name == name).map(|r| r.content.as_str());
        let version = content(VERSION).ok_or_else(missing)?;
        if version != SCHEMA_VERSION.to_string() {
            return Err(LedgerError::Schema {
                place: self.place.clone(),
                found: version.to_owned(),
                known: SCHEMA_VERSION,
            });
        }
        let found = content(ORIGIN).unwrap_or_default();
        if found != origin {
            return Err(LedgerError::Origin {
                place: self.place.clone(),
                found: found.to_owned(),
                wanted: origin.to_owned(),
            });
        }
        let found = content(VERIFIER).unwrap_or_default();
        match signer.map(|s| s.verifier().to_string()) {
            Some(wanted) if wanted != found => {
                Err(LedgerError::OtherKey { place: self.place.clone(), found: found.to_owned(), wanted })
            }
            _ => Ok(()),
        }
    }

    /// The verifier key that the ledger was made with. Whoever can write the database can change it: it
    /// is a convenience for exports, never a root of trust.
    pub(crate) async fn verifier(&self) -> Result<String, LedgerError> {
        let row = meta::Entity::find_by_id(VERIFIER.to_owned()).one(&self.connection).await;
        Ok(row.map_err(|e| self.error(e))?.map(|r| r.content).unwrap_or_default())
    }
}

const VERSION: &str = "schema-version";
const ORIGIN: &str = "origin";
const VERIFIER: &str = "verifier-key";

fn sqlite(
    path: PathBuf,
    create: bool,
    options: &Options,
    place: &str,
) -> Result<ConnectOptions, LedgerError> {
    if create {
        create_private(&path, place)?;
    } else if !path.exists() {
        return Err(LedgerError::Missing(place.to_owned()));
    }
    let (busy_timeout, read_only) = (options.busy_timeout, options.read_only);
    // The path goes in below, so that no character of it can be read as part of an address.
    let mut connect = ConnectOptions::new("sqlite://ledger");
    connect.map_sqlx_sqlite_opts(move |sqlite| {
        let sqlite = sqlite
            .filename(&path)
            .busy_timeout(busy_timeout)
            .synchronous(SqliteSynchronous::Full)
            .read_only(read_only);
        if create { sqlite.journal_mode(SqliteJournalMode::Wal) } else { sqlite }
    });
    Ok(connect)
}

/// Connects to a file. SQLite does not wait where two connections turn one file into a write-ahead log at once, because
/// each would wait for the other: it tells one of them at once that it is locked (`SQLITE_BUSY`, `sqlite3_busy_handler`),
/// which then has to come again.
async fn connect_in_turn(connect: ConnectOptions, most: Duration) -> Result<DatabaseConnection, DbErr> {
    const PAUSE: Duration = Duration::from_millis(5);
    let began = tokio::time::Instant::now();
    loop {
        match sea_orm::Database::connect(connect.clone()).await {
            Err(error) if is_locked(&error) && began.elapsed() < most => tokio::time::sleep(PAUSE).await,
            other => return other,
        }
    }
}

fn postgres(url: &str, options: &Options) -> ConnectOptions {
    let lock_timeout = format!("{}ms", options.busy_timeout.as_millis());
    let mut connect = ConnectOptions::new(url.to_owned());
    connect.map_sqlx_postgres_opts(move |postgres| {
        // Whatever the server's default: what is acknowledged is on the disk, and nobody waits for ever.
        postgres.options([("synchronous_commit", "on"), ("lock_timeout", &lock_timeout)])
    });
    connect
}

/// Makes the file before SQLite does, for its owner only: SQLite gives its log the mode of the file.
fn create_private(path: &std::path::Path, place: &str) -> Result<(), LedgerError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(LedgerError::CannotOpen { place: place.to_owned(), reason: e.to_string() })
        }
        _ => Ok(()),
    }
}

async fn create_schema(
    tx: &DatabaseTransaction,
    origin: &str,
    signer: Option<&CheckpointKey>,
) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(CREATE_LOCK).await?;
    }
    let schema = Schema::new(tx.get_database_backend());
    tx.execute(schema.create_table_from_entity(meta::Entity).if_not_exists()).await?;
    if meta::Entity::find_by_id(VERSION.to_owned()).one(tx).await?.is_some() {
        return Ok(());
    }
    create_table(tx, &schema, leaf::Entity).await?;
    create_table(tx, &schema, node::Entity).await?;
    create_table(tx, &schema, checkpoint::Entity).await?;
    create_table(tx, &schema, object::Entity).await?;
    views::create_tables(tx).await?;
    let rows = [
        (VERSION, SCHEMA_VERSION.to_string()),
        (ORIGIN, origin.to_owned()),
        (VERIFIER, signer.map(|s| s.verifier().to_string()).unwrap_or_default()),
    ];
    let rows =
        rows.map(|(name, content)| meta::ActiveModel { name: Set(name.to_owned()), content: Set(content) });
    meta::Entity::insert_many(rows).exec_without_returning(tx).await?;
    Ok(())
}

async fn create_table<E: EntityTrait>(
    tx: &DatabaseTransaction,
    schema: &Schema,
    entity: E,
) -> Result<(), DbErr> {
    tx.execute(&schema.create_table_from_entity(entity)).await?;
    for index in schema.create_index_from_entity(entity) {
        tx.execute(&index).await?;
    }
    Ok(())
}

/// What went wrong, as briefly as the driver says it.
fn reason(error: &DbErr) -> String {
    driver_error(error).map_or_else(|| error.to_string(), |e| e.message().to_owned())
}

fn driver_error(error: &DbErr) -> Option<&dyn DatabaseError> {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(e))
        | DbErr::Exec(RuntimeErr::SqlxError(e))
        | DbErr::Query(RuntimeErr::SqlxError(e)) => e.as_database_error(),
        _ => None,
    }
}

/// SQLite: the low byte is the primary result code (https://www.sqlite.org/rescode.html). PostgreSQL codes are five
/// characters.
fn primary(code: &str) -> Option<u32> {
    if code.len() == 5 { None } else { code.parse::<u32>().ok().map(|code| code & 0xff) }
}

fn is_locked(error: &DbErr) -> bool {
    driver_error(error)
        .and_then(DatabaseError::code)
        .is_some_and(|code| matches!(primary(&code), Some(5 | 6)))
}

fn translate(error: DbErr, place: &str, busy_timeout: Duration) -> LedgerError {
    let place = place.to_owned();
    let waited_ms = u64::try_from(busy_timeout.as_millis()).unwrap_or(u64::MAX);
    if matches!(error, DbErr::ConnectionAcquire(_)) {
        return LedgerError::Locked { place, waited_ms };
    }
    let Some(driver) = driver_error(&error) else {
        return LedgerError::Database { place, source: error };
    };
    let reason = reason(&error);
    let code = driver.code().unwrap_or_default().into_owned();
    match (primary(&code), code.as_str()) {
        (Some(5 | 6), _) | (_, "55P03" | "40P01") => LedgerError::Locked { place, waited_ms },
        (Some(8), _) | (_, "25006" | "42501") => LedgerError::ReadOnly(place),
        (Some(11 | 26), _) | (_, "XX001" | "XX002") => LedgerError::Corrupt { place, reason },
        (Some(13), _) | (_, "53100") => LedgerError::Full(place),
        (Some(14), _) => LedgerError::CannotOpen { place, reason },
        _ => LedgerError::Database { place, source: error },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for url in [
            "postgres://ledger:hunter2@db.example/proof",
            "postgresql://ledger:hun@ter2@db.example:5432/proof?password=hunter2",
        ] {
            let place = Address::parse(url).unwrap().place();
            assert!(place.starts_with("postgres://db.example"), "{place}");
        }
        let Err(error) = Address::parse("mysql://u:hunter2@h/d") else { panic!("accepted") };
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_commit_is_on_the_disk_before_it_returns() {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("ledger.db").display());
        let key = CheckpointKey::from_seed("log".parse().unwrap(), &[7; 32]);
        let database = Database::open(&url, "log", Some(&key), &Options::default()).await.unwrap();
        let ask = async |pragma: &str| {
            let statement = sea_orm::Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {pragma}"));
            database.connection.query_one_raw(statement).await.unwrap().unwrap()
        };
        assert_eq!(ask("journal_mode").await.try_get_by_index::<String>(0).unwrap(), "wal");
        // FULL: the write-ahead log is synced at every commit. NORMAL (1) would sync at checkpoints only.
        assert_eq!(ask("synchronous").await.try_get_by_index::<i32>(0).unwrap(), 2);
    }

    #[test]
    fn a_ledger_in_memory_is_refused() {
        for url in ["sqlite:", "sqlite::memory:", "sqlite://:memory:", "ledger.db", ""] {
            assert!(matches!(Address::parse(url), Err(LedgerError::Address(_))), "{url}");
        }
    }
}
