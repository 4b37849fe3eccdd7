//! Signals: what was seen at run time.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A signal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "signals")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// What sort of signal.
    #[sea_orm(column_type = "Text")]
    pub signal: String,
    /// How bad.
    #[sea_orm(column_type = "Text")]
    pub severity: String,
    /// One sentence for a person.
    #[sea_orm(column_type = "Text")]
    pub summary: String,
    /// The model digest it speaks about.
    #[sea_orm(column_type = "Text", nullable, indexed)]
    pub subject: Option<String>,
    /// The system's name.
    #[sea_orm(column_type = "Text", nullable)]
    pub system: Option<String>,
    /// The instance it was seen at.
    #[sea_orm(column_type = "Text", nullable)]
    pub instance: Option<String>,
    /// When it was raised.
    #[sea_orm(column_type = "Text")]
    pub raised: String,
    /// The leaf that recorded it.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "signals";
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::Signal(_, b) => vec![b.id.clone()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        if let Body::Signal(subject, b) = body {
            let row = Self {
                id: b.id.clone(),
                signal: b.signal.clone(),
                severity: b.severity.to_string(),
                summary: b.summary.clone(),
                subject: subject.map(|d| d.to_string()),
                system: b.system.clone(),
                instance: b.instance.clone(),
                raised: entry.at.to_string(),
                seq: row_seq(entry),
            };
            rows.insert(row.key(), row);
        }
        Ok(())
    }
}
