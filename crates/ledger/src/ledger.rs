//! Appending and reading.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::Digest;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait, IntoActiveModel as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use crate::body::Body;
use crate::database::{Database, Options};
use crate::entity::{checkpoint, leaf, node, object};
use crate::error::LedgerError;
use crate::event::{Entry, Event, EventKind};
use crate::key::CheckpointKey;
use crate::merkle::{Frontier, NodeId, Span};
use crate::note::{Checkpoint, KeyName, SignedCheckpoint, VerifierKey};
use crate::views::{self, ViewBatch};

/// Most events in one append.
pub const MAX_BATCH: usize = 10_000;

/// Most entries that [`Ledger::show`] returns at once.
const MAX_SHOWN: u64 = 10_000;

/// Rows in one statement: five columns each, and SQLite allows 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 5_000;

/// Leaves read at once when all are read.
pub(crate) const PAGE: u64 = 2_048;

/// An open ledger. Several handles, in one process or many, may append to one database.
#[derive(Debug)]
pub struct Ledger {
    pub(crate) db: Database,
    origin: KeyName,
    signer: Option<CheckpointKey>,
}

/// What an append did. When it is here, it is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The place of the first event.
    pub first_seq: u64,
    /// The place of the last event.
    pub last_seq: u64,
    /// The hash of each event's leaf, in the order given.
    pub leaf_hashes: Vec<Digest>,
    /// The state of the ledger with these events as its last.
    pub checkpoint: SignedCheckpoint,
}

/// Which entries to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Of this kind only.
    pub kind: Option<EventKind>,
    /// About this subject only.
    pub subject: Option<Digest>,
    /// At most so many; 0 means as many as there may be, which is 10,000.
    pub limit: u64,
    /// After so many.
    pub offset: u64,
    /// The latest first.
    pub newest_first: bool,
}

impl Ledger {
    /// Opens the ledger at `url` (`sqlite:PATH` or `postgres://…`), which must be the log `origin`.
    ///
    /// With a `signer`, named like the origin, a ledger is created where there is none, and events can be
    /// appended. Without, a missing ledger is an error.
    pub async fn open(url: &str, origin: &str, signer: Option<CheckpointKey>) -> Result<Self, LedgerError> {
        Self::open_with(url, origin, signer, &Options::default()).await
    }

    /// As [`Ledger::open`], with a say in how the database is used.
    pub async fn open_with(
        url: &str,
        origin: &str,
        signer: Option<CheckpointKey>,
        options: &Options,
    ) -> Result<Self, LedgerError> {
        let name: KeyName = origin.parse()?;
        if let Some(signer) = signer.as_ref().filter(|s| *s.verifier().name() != name) {
            return Err(LedgerError::Origin {
                place: format!("the checkpoint key {}", signer.verifier()),
                found: signer.verifier().name().to_string(),
                wanted: origin.to_owned(),
            });
        }
        let db = Database::open(url, origin, signer.as_ref(), options).await?;
        Ok(Self { db, origin: name, signer })
    }

    /// Closes the database. Without it the connections close when the handle is dropped.
    pub async fn close(self) -> Result<(), LedgerError> {
        let Self { db: Database { connection, place, .. }, .. } = self;
        connection.close().await.map_err(|source| LedgerError::Database { place, source })
    }

    /// The log's name.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.origin.as_str()
    }

    /// The key that checkpoints are signed with, where the ledger was opened with one.
    #[must_use]
    pub fn verifier(&self) -> Option<&VerifierKey> {
        self.signer.as_ref().map(CheckpointKey::verifier)
    }

    /// Appends `events` in their order, all or none. Returns when they are on the disk.
    ///
    /// Where the connection to a server breaks while it commits, it is not known here whether it did: the
    /// error says what broke, and [`Ledger::checkpoint`] afterwards says which of the two it was.
    pub async fn append(&self, events: &[Event]) -> Result<Receipt, LedgerError> {
        let signer = self.signer.as_ref().ok_or_else(|| LedgerError::NoSigner(self.db.place.clone()))?;
        if events.is_empty() || events.len() > MAX_BATCH {
            return Err(LedgerError::Batch { found: events.len() });
        }
        let tx = self.db.begin_write().await?;
        self.db.lock_writers(&tx).await?;
        let mut frontier = self.sound_frontier(&tx, signer.verifier()).await?;
        let first_seq = frontier.size();

        let mut leaves = Vec::with_capacity(events.len());
        let mut entries = Vec::with_capacity(events.len());
        let mut nodes = Vec::with_capacity(events.len());
        for (index, event) in events.iter().enumerate() {
            let seq = frontier.size();
            let (bytes, entry) = event.to_leaf(seq).map_err(|source| LedgerError::Event { index, source })?;
            nodes.extend(frontier.push(entry.leaf_hash).into_iter().filter(|(id, _)| id.level > 0));
            leaves.push(leaf::ActiveModel {
                seq: Set(self.stored(seq)?),
                kind: Set(entry.kind.to_string()),
                subject: Set(entry.subject.map(|d| d.to_string())),
                leaf: Set(bytes),
                hash: Set(entry.leaf_hash.as_bytes().to_vec()),
            });
            entries.push(entry);
        }
        let batch = self.apply(&tx, &entries).await?;

        let checkpoint = signer.sign(Checkpoint {
            origin: self.origin.to_string(),
            size: frontier.size(),
            root: frontier.root(),
        });
        let written = async {
            insert::<leaf::Entity, _>(&tx, leaves).await?;
            let nodes = nodes.into_iter().map(|(id, hash)| node::ActiveModel {
                level: Set(i32::from(id.level)),
                // Below the number of leaves, which fits.
                position: Set(i64::try_from(id.index).unwrap_or(i64::MAX)),
                hash: Set(hash.as_bytes().to_vec()),
            });
            insert::<node::Entity, _>(&tx, nodes.collect()).await?;
            batch.store(&tx).await?;
            let row = checkpoint::Model {
                size: i64::try_from(checkpoint.checkpoint.size).unwrap_or(i64::MAX),
                note: checkpoint.note.clone(),
            };
            checkpoint::Entity::insert(row.into_active_model()).exec_without_returning(&tx).await?;
            tx.commit().await
        };
        written.await.map_err(|e| self.db.error(e))?;
        Ok(Receipt {
            first_seq,
            last_seq: checkpoint.checkpoint.size - 1,
            leaf_hashes: entries.iter().map(|e| e.leaf_hash).collect(),
            checkpoint,
        })
    }

    /// The rows of the views as `entries` leave them. Refuses entries that a rebuild could not apply.
    async fn apply<C: ConnectionTrait>(&self, tx: &C, entries: &[Entry]) -> Result<ViewBatch, LedgerError> {
        let mut bodies = Vec::with_capacity(entries.len());
        let mut seen = BTreeSet::new();
        for (index, entry) in entries.iter().enumerate() {
            let body = Body::parse(entry).map_err(|source| LedgerError::Body { index, source })?;
            if let Some(digest) = body.object().filter(|d| seen.insert(*d)) {
                let there = object::Entity::find_by_id(digest.to_string()).count(tx).await;
                if there.map_err(|e| self.db.error(e))? == 0 {
                    return Err(LedgerError::ObjectMissing { index, digest });
                }
            }
            bodies.push(body);
        }
        let mut batch = ViewBatch::load(tx, &bodies).await.map_err(|e| self.db.error(e))?;
        for (index, entry) in entries.iter().enumerate() {
            batch.apply(entry).map_err(|source| LedgerError::Body { index, source })?;
        }
        Ok(batch)
    }

    /// The frontier to append to. Refuses one that the last checkpoint does not vouch for: a signer that
    /// extended a tree it never stated would launder whatever was done to it.
    async fn sound_frontier<C: ConnectionTrait>(
        &self,
        tx: &C,
        trusted: &VerifierKey,
    ) -> Result<Frontier, LedgerError> {
        let head = |reason: String| LedgerError::Head { place: self.db.place.clone(), reason };
        let last = leaf::Entity::find().order_by_desc(leaf::Column::Seq).one(tx).await;
        let last = last.map_err(|e| self.db.error(e))?;
        let size = match &last {
            Some(leaf) => {
                u64::try_from(leaf.seq).map_err(|_| head("a leaf has a negative number".into()))? + 1
            }
            None => 0,
        };
        let Some(note) = self.last_note(tx).await? else {
            return if size == 0 {
                Ok(Frontier::default())
            } else {
                Err(head(format!("there are {size} leaves and no checkpoint")))
            };
        };
        let stated = SignedCheckpoint::open(&note, trusted)?.checkpoint;
        if stated.size != size || stated.origin != self.origin.as_str() {
            return Err(head(format!("it covers {} leaves, there are {size}", stated.size)));
        }
        let ids = Span::new(0, size).nodes();
        let hashes = self.nodes(tx, &ids).await?;
        let frontier = Frontier::resume(size, &hashes)?;
        if frontier.root() != stated.root {
            return Err(head(format!(
                "its root is {}, that of the tree is {}",
                stated.root,
                frontier.root()
            )));
        }
        Ok(frontier)
    }

    /// The entry at place `seq`.
    pub async fn get(&self, seq: u64) -> Result<Option<Entry>, LedgerError> {
        let Ok(key) = i64::try_from(seq) else { return Ok(None) };
        let row = leaf::Entity::find_by_id(key).one(&self.db.connection).await;
        row.map_err(|e| self.db.error(e))?.map(|row| self.entry(&row)).transpose()
    }

    /// The entries that `filter` lets through, in the order of their places.
    pub async fn show(&self, filter: &Filter) -> Result<Vec<Entry>, LedgerError> {
        let limit = if filter.limit == 0 { MAX_SHOWN } else { filter.limit.min(MAX_SHOWN) };
        let mut query = leaf::Entity::find().limit(limit);
        if filter.offset > 0 {
            query = query.offset(filter.offset.min(i64::MAX as u64));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(leaf::Column::Kind.eq(kind.as_str()));
        }
        if let Some(subject) = filter.subject {
            query = query.filter(leaf::Column::Subject.eq(subject.to_string()));
        }
        query = if filter.newest_first {
            query.order_by_desc(leaf::Column::Seq)
        } else {
            query.order_by_asc(leaf::Column::Seq)
        };
        let rows = query.all(&self.db.connection).await.map_err(|e| self.db.error(e))?;
        rows.iter().map(|row| self.entry(row)).collect()
    }

    /// The last checkpoint as it is stored; `None` while the ledger is empty. The note proves itself:
    /// give it to [`SignedCheckpoint::open`] with a key from elsewhere before relying on it.
    pub async fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, LedgerError> {
        let Some(note) = self.last_note(&self.db.connection).await? else { return Ok(None) };
        let key: VerifierKey = self.db.verifier().await?.parse()?;
        Ok(Some(SignedCheckpoint::open(&note, &key)?))
    }

    /// Drops every view and makes it again from the leaves.
    pub async fn rebuild(&self) -> Result<Vec<views::ViewDigest>, LedgerError> {
        let tx = self.db.begin_write().await?;
        self.db.lock_writers(&tx).await?;
        let mut batch = ViewBatch::default();
        let mut next = 0;
        loop {
            let page = self.page(&tx, next, PAGE).await?;
            if page.is_empty() {
                break;
            }
            for row in &page {
                let entry = self.entry(row)?;
                if entry.seq != next {
                    return Err(self.db.row("leaves", next, "the leaf is missing"));
                }
                batch.apply(&entry).map_err(|e| self.db.row("leaves", entry.seq, e))?;
                next += 1;
            }
        }
        let digests = batch.digests().map_err(|e| self.db.row("views", "all", e))?;
        let written = async {
            views::drop_tables(&tx).await?;
            views::create_tables(&tx).await?;
            batch.store(&tx).await?;
            tx.commit().await
        };
        written.await.map_err(|e| self.db.error(e))?;
        Ok(digests)
    }

    /// Reads the leaf of a row and refuses one that is not what was written.
    pub(crate) fn entry(&self, row: &leaf::Model) -> Result<Entry, LedgerError> {
        let bad = |reason: String| self.db.row("leaves", row.seq, reason);
        let seq = u64::try_from(row.seq).map_err(|_| bad("its number is negative".into()))?;
        let entry = Entry::from_leaf(seq, &row.leaf).map_err(|e| bad(e.to_string()))?;
        if entry.leaf_hash.as_bytes().as_slice() != row.hash.as_slice() {
            return Err(bad("its hash is not that of its leaf".into()));
        }
        Ok(entry)
    }

    /// Up to `count` leaves from place `from` on.
    pub(crate) async fn page<C: ConnectionTrait>(
        &self,
        db: &C,
        from: u64,
        count: u64,
    ) -> Result<Vec<leaf::Model>, LedgerError> {
        let query = leaf::Entity::find()
            .filter(leaf::Column::Seq.gte(self.stored(from)?))
            .order_by_asc(leaf::Column::Seq)
            .limit(count);
        query.all(db).await.map_err(|e| self.db.error(e))
    }

    /// The hashes of complete nodes, in the order of `ids`.
    pub(crate) async fn nodes<C: ConnectionTrait>(
        &self,
        db: &C,
        ids: &[NodeId],
    ) -> Result<Vec<Digest>, LedgerError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut found: BTreeMap<NodeId, Digest> = BTreeMap::new();
        // One read per level: a proof needs few positions of each.
        let levels: BTreeSet<u8> = ids.iter().map(|id| id.level).collect();
        for level in levels {
            let indexes = ids.iter().filter(|id| id.level == level).map(|id| self.stored(id.index));
            let indexes: Vec<i64> = indexes.collect::<Result<_, _>>()?;
            let rows: Vec<(i64, Vec<u8>)> = if level == 0 {
                let query = leaf::Entity::find().filter(leaf::Column::Seq.is_in(indexes));
                let columns = query.select_only().column(leaf::Column::Seq).column(leaf::Column::Hash);
                columns.into_tuple().all(db).await.map_err(|e| self.db.error(e))?
            } else {
                let query = node::Entity::find()
                    .filter(node::Column::Level.eq(i32::from(level)))
                    .filter(node::Column::Position.is_in(indexes));
                let columns = query.select_only().column(node::Column::Position).column(node::Column::Hash);
                columns.into_tuple().all(db).await.map_err(|e| self.db.error(e))?
            };
            for (index, hash) in rows {
                let row = format!("level {level}, position {index}");
                let hash = <[u8; 32]>::try_from(hash)
                    .map_err(|h| self.db.row("nodes", &row, format!("its hash has {} bytes", h.len())))?;
                let index = u64::try_from(index).map_err(|_| self.db.row("nodes", &row, "it is negative"))?;
                found.insert(NodeId { level, index }, Digest::from_bytes(hash));
            }
        }
        ids.iter()
            .map(|id| {
                found.get(id).copied().ok_or_else(|| {
                    let row = format!("level {}, position {}", id.level, id.index);
                    self.db.row(if id.level == 0 { "leaves" } else { "nodes" }, row, "it is missing")
                })
            })
            .collect()
    }

    async fn last_note<C: ConnectionTrait>(&self, db: &C) -> Result<Option<String>, LedgerError> {
        let row = checkpoint::Entity::find().order_by_desc(checkpoint::Column::Size).one(db).await;
        Ok(row.map_err(|e| self.db.error(e))?.map(|row| row.note))
    }

    /// A number as the databases hold it.
    pub(crate) fn stored(&self, number: u64) -> Result<i64, LedgerError> {
        i64::try_from(number).map_err(|_| LedgerError::Full(self.db.place.clone()))
    }
}

async fn insert<E, A>(tx: &sea_orm::DatabaseTransaction, rows: Vec<A>) -> Result<(), sea_orm::DbErr>
where
    E: EntityTrait,
    A: sea_orm::ActiveModelTrait<Entity = E> + Send,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows.by_ref().take(ROWS_PER_STATEMENT).collect();
        E::insert_many(chunk).exec_without_returning(tx).await?;
    }
    Ok(())
}
