//! Re-reading everything.
//!
//! Nothing stored is taken at its word: leaves are hashed again, nodes and the root at every checkpoint
//! are computed from those hashes, checkpoints must carry the trusted key's signature, and views must
//! equal what the leaves make of them. The root of trust is the key that the caller brings, and, against
//! a cut tail, a checkpoint that was kept elsewhere.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use proofhouse_core::Digest;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Statement,
};
use serde::Serialize;

use crate::body::Body;
use crate::entity::{checkpoint, leaf, node, object};
use crate::error::LedgerError;
use crate::event::Entry;
use crate::ledger::{Ledger, PAGE};
use crate::merkle::{Frontier, NodeId, leaf_hash};
use crate::note::{Checkpoint, SignedCheckpoint, VerifierKey};
use crate::views::{ViewBatch, ViewDigest};

/// Problems that are listed; one changed leaf shows in many places.
const MAX_PROBLEMS: usize = 100;

/// What a verification looked at and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// The log's name.
    pub origin: String,
    /// Leaves read.
    pub size: u64,
    /// The root computed from them.
    pub root: Digest,
    /// Stored checkpoints compared with the tree.
    pub checkpoints: u64,
    /// Interior nodes compared with the tree.
    pub nodes: u64,
    /// Objects hashed.
    pub objects: u64,
    /// What the views hold, as the leaves have it.
    pub views: Vec<ViewDigest>,
    /// Size of the checkpoint that the caller brought.
    pub external: Option<u64>,
    /// What is wrong, the first bad place first; at most 100 places.
    pub problems: Vec<Problem>,
}

/// One place that is not as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The table, or `checkpoint` for the one that the caller brought.
    pub table: &'static str,
    /// The row's key.
    pub row: String,
    /// What is wrong with it.
    pub reason: String,
}

impl VerifyReport {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.table, self.row, self.reason)
    }
}

impl Ledger {
    /// Re-reads everything and compares it with what `trusted` has signed, and with the note `external`
    /// of a checkpoint kept elsewhere: without one, leaves cut off together with their checkpoints
    /// cannot be missed.
    ///
    /// An error means that it could not be told; what is wrong is in the report.
    pub async fn verify(
        &self,
        trusted: &VerifierKey,
        external: Option<&str>,
    ) -> Result<VerifyReport, LedgerError> {
        let external = external.map(|note| SignedCheckpoint::open(note, trusted)).transpose()?;
        let tx = self.db.begin_read().await?;
        let mut check = Check {
            ledger: self,
            tx: &tx,
            trusted,
            external: external.map(|e| e.checkpoint),
            tree: Frontier::default(),
            external_root: None,
            views: Some(ViewBatch::default()),
            promised: BTreeMap::new(),
            report: VerifyReport {
                origin: self.origin().to_owned(),
                size: 0,
                root: crate::merkle::empty_root(),
                checkpoints: 0,
                nodes: 0,
                objects: 0,
                views: Vec::new(),
                external: None,
                problems: Vec::new(),
            },
        };
        check.file().await?;
        check.leaves().await?;
        check.ends().await?;
        check.external();
        check.views().await?;
        check.objects().await?;
        Ok(check.report)
    }
}

struct Check<'a> {
    ledger: &'a Ledger,
    tx: &'a DatabaseTransaction,
    trusted: &'a VerifierKey,
    external: Option<Checkpoint>,
    tree: Frontier,
    /// The root at the size of the external checkpoint, once that many leaves were read.
    external_root: Option<Digest>,
    /// `None` once a leaf could not be applied: what follows would be noise.
    views: Option<ViewBatch>,
    /// Objects that leaves name, with the first leaf that does.
    promised: BTreeMap<Digest, u64>,
    report: VerifyReport,
}

impl Check<'_> {
    fn problem(&mut self, table: &'static str, row: impl ToString, reason: impl ToString) {
        if self.report.problems.len() < MAX_PROBLEMS {
            self.report.problems.push(Problem { table, row: row.to_string(), reason: reason.to_string() });
        }
    }

    /// Whether the database file itself holds together: an index that disagrees with its table would
    /// hide leaves from `show` and stay unseen below, where everything is read by key.
    async fn file(&mut self) -> Result<(), LedgerError> {
        if self.tx.get_database_backend() == DbBackend::Sqlite {
            let ask = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check(1)");
            let row = self.tx.query_one_raw(ask).await.map_err(|e| self.ledger.db.error(e))?;
            let said = row.map(|row| row.try_get_by_index::<String>(0)).transpose();
            let said = said.map_err(|e| self.ledger.db.error(e))?.unwrap_or_default();
            if said != "ok" {
                self.problem("database", "file", format!("SQLite says: {said}"));
            }
        }
        let stored = self.ledger.db.verifier().await?;
        if stored != self.trusted.to_string() {
            self.problem(
                "ledger_meta",
                "verifier-key",
                format!("it is {stored}, trusted is {}", self.trusted),
            );
        }
        Ok(())
    }

    async fn leaves(&mut self) -> Result<(), LedgerError> {
        self.note_external();
        loop {
            let from = self.tree.size();
            let page = self.ledger.page(self.tx, from, PAGE).await?;
            if page.is_empty() {
                return Ok(());
            }
            let stated = self.stated(from, page.len() as u64).await?;
            let mut completed = Vec::with_capacity(page.len());
            let mut roots = BTreeMap::new();
            let mut gap = false;
            for row in &page {
                let seq = self.tree.size();
                if u64::try_from(row.seq) != Ok(seq) {
                    self.problem("leaves", seq, "the leaf is missing; what follows it is not compared");
                    gap = true;
                    break;
                }
                self.leaf(seq, row);
                // Of the bytes, whatever the row says its hash is.
                completed.extend(self.tree.push(leaf_hash(&row.leaf)));
                if stated.contains_key(&self.tree.size()) {
                    roots.insert(self.tree.size(), self.tree.root());
                }
                self.note_external();
            }
            self.report.size = self.tree.size();
            self.report.root = self.tree.root();
            self.nodes(from..self.tree.size(), completed).await?;
            for (size, note) in stated.range(..=self.tree.size()) {
                self.report.checkpoints += 1;
                if let Err(reason) = self.checkpoint(*size, note, &roots) {
                    self.problem("checkpoints", size, reason);
                }
            }
            if gap {
                return Ok(());
            }
        }
    }

    fn note_external(&mut self) {
        if self.external.as_ref().is_some_and(|e| e.size == self.tree.size()) {
            self.external_root = Some(self.tree.root());
        }
    }

    fn leaf(&mut self, seq: u64, row: &leaf::Model) {
        if leaf_hash(&row.leaf).as_bytes().as_slice() != row.hash.as_slice() {
            self.problem("leaves", seq, "field hash is not the hash of field leaf");
        }
        let entry = match Entry::from_leaf(seq, &row.leaf) {
            Ok(entry) => entry,
            Err(e) => {
                self.problem("leaves", seq, format!("field leaf: {e}"));
                self.views = None;
                return;
            }
        };
        if row.kind != entry.kind.as_str() {
            self.problem(
                "leaves",
                seq,
                format!("field kind is {:?}, the leaf says {}", row.kind, entry.kind),
            );
        }
        if row.subject != entry.subject.map(|d| d.to_string()) {
            self.problem("leaves", seq, "field subject is not that of the leaf");
        }
        let promised = Body::parse(&entry).map(|body| body.object());
        let applied = self.views.as_mut().map_or(Ok(()), |views| views.apply(&entry));
        match promised.and_then(|object| applied.map(|()| object)) {
            Ok(object) => {
                if let Some(object) = object {
                    self.promised.entry(object).or_insert(seq);
                }
            }
            Err(e) => {
                self.problem("leaves", seq, e);
                self.views = None;
            }
        }
    }

    /// Compares the stored nodes that the leaves in `range` complete.
    async fn nodes(
        &mut self,
        range: Range<u64>,
        completed: Vec<(NodeId, Digest)>,
    ) -> Result<(), LedgerError> {
        let expected: BTreeMap<NodeId, Digest> =
            completed.into_iter().filter(|(id, _)| id.level > 0).collect();
        let mut stored: BTreeMap<NodeId, Vec<u8>> = BTreeMap::new();
        for level in 1..63u8 {
            let (first, end) = (range.start >> level, range.end >> level);
            if end == 0 {
                break;
            }
            let query = node::Entity::find()
                .filter(node::Column::Level.eq(i32::from(level)))
                .filter(node::Column::Position.gte(self.ledger.stored(first)?))
                .filter(node::Column::Position.lt(self.ledger.stored(end)?));
            for row in query.all(self.tx).await.map_err(|e| self.ledger.db.error(e))? {
                if let Ok(index) = u64::try_from(row.position) {
                    stored.insert(NodeId { level, index }, row.hash);
                }
            }
        }
        for (id, hash) in expected {
            let row = format!("level {}, position {}", id.level, id.index);
            match stored.get(&id) {
                Some(found) if found.as_slice() == hash.as_bytes().as_slice() => {}
                Some(_) => self.problem("nodes", row, "field hash is not the hash of the two below it"),
                None => self.problem("nodes", row, "the node is missing"),
            }
            self.report.nodes += 1;
        }
        Ok(())
    }

    /// The notes of the stored checkpoints of sizes above `from`, up to `count` more.
    async fn stated(&self, from: u64, count: u64) -> Result<BTreeMap<u64, String>, LedgerError> {
        let query = checkpoint::Entity::find()
            .filter(checkpoint::Column::Size.gt(self.ledger.stored(from)?))
            .filter(checkpoint::Column::Size.lte(self.ledger.stored(from + count)?));
        let rows = query.all(self.tx).await.map_err(|e| self.ledger.db.error(e))?;
        // The query lets no negative size through.
        Ok(rows.into_iter().filter_map(|row| Some((u64::try_from(row.size).ok()?, row.note))).collect())
    }

    fn checkpoint(&self, size: u64, note: &str, roots: &BTreeMap<u64, Digest>) -> Result<(), String> {
        let stated = SignedCheckpoint::open(note, self.trusted).map_err(|e| e.to_string())?.checkpoint;
        if stated.origin != self.ledger.origin() {
            return Err(format!("it is of the log {:?}", stated.origin));
        }
        if stated.size != size {
            return Err(format!("its note states {} leaves", stated.size));
        }
        // A stored note has one signature line; more would be bytes that nothing vouches for.
        if note.lines().count() != 5 {
            return Err("its note has lines that this ledger does not write".to_owned());
        }
        match roots.get(&stated.size) {
            Some(root) if *root == stated.root => Ok(()),
            Some(root) => Err(format!("it states the root {}, the leaves give {root}", stated.root)),
            None => Err("it covers leaves that could not be read".to_owned()),
        }
    }

    /// What lies outside the leaves that were read.
    async fn ends(&mut self) -> Result<(), LedgerError> {
        let error = |e| self.ledger.db.error(e);
        let size = self.report.size;
        let stored = self.ledger.stored(size)?;

        let below =
            leaf::Entity::find().filter(leaf::Column::Seq.lt(0)).count(self.tx).await.map_err(error)?;
        // A tree of n leaves has n - (set bits of n) complete nodes above them.
        let expected = size - u64::from(size.count_ones());
        let nodes = node::Entity::find().count(self.tx).await.map_err(error)?;
        let last = checkpoint::Entity::find().order_by_desc(checkpoint::Column::Size);
        let last = last.one(self.tx).await.map_err(error)?.map(|row| row.size);
        let empty = checkpoint::Entity::find().filter(checkpoint::Column::Size.lte(0));
        let empty = empty.count(self.tx).await.map_err(error)?;

        if below > 0 {
            self.problem("leaves", "below 0", format!("{below} leaves have negative numbers"));
        }
        if nodes != expected {
            let reason = format!("there are {nodes} nodes, a tree of {size} leaves has {expected}");
            self.problem("nodes", "all", reason);
        }
        if empty > 0 {
            self.problem("checkpoints", "up to 0", "checkpoints of no leaves are never written");
        }
        match last {
            Some(last) if last > stored => {
                let reason = format!("it covers {last} leaves, there are {size}: the end was cut off");
                self.problem("checkpoints", last, reason);
            }
            Some(last) if last < stored => {
                let reason = format!("the last covers {last} leaves, there are {size}: the rest is unsigned");
                self.problem("checkpoints", last, reason);
            }
            None if size > 0 => {
                self.problem("checkpoints", "last", format!("there is none, and {size} leaves"));
            }
            _ => {}
        }
        Ok(())
    }

    fn external(&mut self) {
        let Some(external) = self.external.clone() else { return };
        self.report.external = Some(external.size);
        if external.origin != self.ledger.origin() {
            self.problem("checkpoint", external.size, format!("it is of the log {:?}", external.origin));
            return;
        }
        match self.external_root {
            Some(root) if root == external.root => {}
            Some(root) => {
                let reason = format!(
                    "it states the root {}, the first {} leaves give {root}: the ledger was rewritten",
                    external.root, external.size
                );
                self.problem("checkpoint", external.size, reason);
            }
            None => {
                let reason = format!(
                    "it covers {} leaves, the ledger has {}: the end was cut off",
                    external.size, self.report.size
                );
                self.problem("checkpoint", external.size, reason);
            }
        }
    }

    async fn views(&mut self) -> Result<(), LedgerError> {
        // The leaf that could not be applied is named already.
        let Some(right) = self.views.take() else { return Ok(()) };
        self.report.views = right.digests().map_err(|e| self.ledger.db.row("views", "all", e))?;
        let stored = ViewBatch::load_all(self.tx).await.map_err(|e| self.ledger.db.error(e))?;
        for difference in right.differences(&stored) {
            self.problem(difference.view, difference.key, difference.reason);
        }
        Ok(())
    }

    /// Hashes every object, one at a time: they may be large.
    async fn objects(&mut self) -> Result<(), LedgerError> {
        let names = object::Entity::find().select_only().column(object::Column::Digest);
        let names: Vec<String> =
            names.into_tuple().all(self.tx).await.map_err(|e| self.ledger.db.error(e))?;
        for name in names {
            let row = object::Entity::find_by_id(name.clone()).one(self.tx).await;
            let Some(row) = row.map_err(|e| self.ledger.db.error(e))? else { continue };
            let digest = Digest::of(&row.content);
            self.report.objects += 1;
            if digest.to_string() == name {
                self.promised.remove(&digest);
            } else {
                self.problem("objects", name, format!("its content has the digest {digest}"));
            }
        }
        for (digest, seq) in std::mem::take(&mut self.promised) {
            self.problem("objects", digest, format!("it is missing, leaf {seq} names it"));
        }
        Ok(())
    }
}
