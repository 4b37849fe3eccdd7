//! Tables that answer questions quickly, and that hold nothing the leaves do not say.
//!
//! [`ViewBatch::apply`] is the only way a row comes to be: a pure function from the rows there are and
//! one entry to the rows there will be. Appending loads the rows that its events touch, applies them and
//! writes the rows back; rebuilding applies every leaf to nothing; verifying does the same in memory and
//! compares. Adding a view is a file here and a line in `views!`.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::Digest;
use sea_orm::sea_query::{OnConflict, Table};
use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable as _, ModelTrait,
    PrimaryKeyToColumn as _, Schema,
};
use serde::Serialize;

use crate::body::{Body, BodyError};
use crate::event::Entry;

mod evidence;
mod instance;
mod query;
mod recall;
mod release;
mod risk;
mod signal;
mod subject;
mod threat;

pub use evidence::Model as EvidenceRow;
pub use instance::Model as InstanceRow;
pub use recall::Model as RecallRow;
pub use release::Model as ReleaseRow;
pub use risk::Model as RiskRow;
pub use signal::Model as SignalRow;
pub use subject::Model as SubjectRow;
pub use threat::Model as ThreatRow;

/// Rows written in one statement: the widest view has ten columns, SQLite allows 32,766 parameters.
const ROWS_PER_STATEMENT: usize = 1000;

/// A row of a view.
pub(crate) trait View: ModelTrait + Serialize + Clone + PartialEq {
    /// The table's name.
    const NAME: &'static str;
    /// The primary key.
    type Key: Ord + Clone + std::fmt::Debug + Send;

    /// This row's primary key.
    fn key(&self) -> Self::Key;
    /// The keys of the rows that `body` may change.
    fn touched(body: &Body) -> Vec<Self::Key>;
    /// Changes `rows` as `entry` says. Looks only at the rows that it has touched.
    fn apply(rows: &mut BTreeMap<Self::Key, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError>;
}

/// What one view holds, in one digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ViewDigest {
    /// The view's table.
    pub view: &'static str,
    /// Number of rows.
    pub rows: u64,
    /// SHA-256 over the rows' JSON, in the order of their keys.
    pub digest: Digest,
}

/// A row that is not what the leaves say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ViewDifference {
    pub(crate) view: &'static str,
    pub(crate) key: String,
    pub(crate) reason: String,
}

macro_rules! views {
    ($($field:ident: $module:ident,)+) => {
        /// Rows of every view, by key.
        #[derive(Debug, Clone, Default, PartialEq)]
        pub(crate) struct ViewBatch {
            $($field: BTreeMap<<$module::Model as View>::Key, $module::Model>,)+
        }

        impl ViewBatch {
            /// Changes the rows as `entry` says.
            pub(crate) fn apply(&mut self, entry: &Entry) -> Result<(), BodyError> {
                let body = Body::parse(entry)?;
                $($module::Model::apply(&mut self.$field, entry, &body)?;)+
                Ok(())
            }

            /// The rows that `bodies` may change, as the database has them.
            pub(crate) async fn load<C: ConnectionTrait>(db: &C, bodies: &[Body]) -> Result<Self, DbErr> {
                Ok(Self { $($field: {
                    let keys: BTreeSet<_> = bodies.iter().flat_map($module::Model::touched).collect();
                    let mut rows = BTreeMap::new();
                    for key in keys {
                        if let Some(row) = $module::Entity::find_by_id(key.clone()).one(db).await? {
                            rows.insert(key, row);
                        }
                    }
                    rows
                },)+ })
            }

            /// Every row that the database has.
            pub(crate) async fn load_all<C: ConnectionTrait>(db: &C) -> Result<Self, DbErr> {
                Ok(Self { $($field: {
                    let rows = $module::Entity::find().all(db).await?;
                    rows.into_iter().map(|row| (row.key(), row)).collect()
                },)+ })
            }

            /// Writes every row, over those there are.
            pub(crate) async fn store<C: ConnectionTrait>(self, db: &C) -> Result<(), DbErr> {
                $(upsert::<$module::Entity, $module::ActiveModel, C>(db, self.$field.into_values().collect()).await?;)+
                Ok(())
            }

            /// A digest of every view.
            pub(crate) fn digests(&self) -> Result<Vec<ViewDigest>, serde_json::Error> {
                Ok(vec![$(digest(&self.$field)?,)+])
            }

            /// The first row of every view in which `self`, what the leaves say, and `stored` differ.
            pub(crate) fn differences(&self, stored: &Self) -> Vec<ViewDifference> {
                [$(difference(&self.$field, &stored.$field),)+].into_iter().flatten().collect()
            }
        }

        /// Drops the tables of every view, as far as there are any.
        pub(crate) async fn drop_tables<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
            $(db.execute(Table::drop().table($module::Entity).if_exists()).await?;)+
            Ok(())
        }

        /// Creates the tables of every view.
        pub(crate) async fn create_tables<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
            let schema = Schema::new(db.get_database_backend());
            $(
                db.execute(&schema.create_table_from_entity($module::Entity)).await?;
                for index in schema.create_index_from_entity($module::Entity) {
                    db.execute(&index).await?;
                }
            )+
            Ok(())
        }
    };
}

views! {
    subjects: subject,
    threats: threat,
    evidence: evidence,
    releases: release,
    instances: instance,
    signals: signal,
    recalls: recall,
    risks: risk,
}

async fn upsert<E, A, C>(db: &C, rows: Vec<E::Model>) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<A>,
    A: ActiveModelTrait<Entity = E> + Send,
    C: ConnectionTrait,
{
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(|key| key.into_column()).collect();
    let mut replace = OnConflict::columns(keys);
    replace.update_columns(E::Column::iter());
    let mut rows = rows.into_iter().map(IntoActiveModel::into_active_model).peekable();
    while rows.peek().is_some() {
        let chunk: Vec<A> = rows
            .by_ref()
            .take(ROWS_PER_STATEMENT)
            // A row read from the database counts as unchanged, and unchanged columns are not written.
            .map(ActiveModelTrait::reset_all)
            .collect();
        E::insert_many(chunk).on_conflict(replace.clone()).exec_without_returning(db).await?;
    }
    Ok(())
}

fn digest<V: View>(rows: &BTreeMap<V::Key, V>) -> Result<ViewDigest, serde_json::Error> {
    let mut hasher = proofhouse_core::Hasher::with_domain("proofhouse.ledger-view.v1");
    for row in rows.values() {
        // Fields in the order of their declaration: the same build gives the same bytes.
        hasher.field(&serde_json::to_vec(row)?);
    }
    Ok(ViewDigest { view: V::NAME, rows: rows.len() as u64, digest: hasher.finish() })
}

fn difference<V: View>(right: &BTreeMap<V::Key, V>, stored: &BTreeMap<V::Key, V>) -> Option<ViewDifference> {
    let keys: BTreeSet<&V::Key> = right.keys().chain(stored.keys()).collect();
    keys.into_iter().find_map(|key| {
        let reason = match (right.get(key), stored.get(key)) {
            (Some(right), Some(stored)) if right == stored => return None,
            (Some(right), Some(stored)) => {
                format!("the leaves say {}, the table {}", json(right), json(stored))
            }
            (Some(right), None) => format!("the row {} is missing", json(right)),
            (None, _) => "no leaf speaks of this row".to_owned(),
        };
        Some(ViewDifference { view: V::NAME, key: format!("{key:?}"), reason })
    })
}

fn json<V: Serialize>(row: &V) -> String {
    serde_json::to_string(row).unwrap_or_default()
}

/// The sequence number as the databases hold it.
///
/// Only `Entry`s that are or will be rows of `leaves` come here, whose numbers fit.
fn row_seq(entry: &Entry) -> i64 {
    i64::try_from(entry.seq).unwrap_or(i64::MAX)
}
