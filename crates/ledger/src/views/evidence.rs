//! Evidence: which check said what about which subject.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A piece of evidence. Its envelope is the object with the same digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "evidence")]
pub struct Model {
    /// The digest of the signed envelope.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub envelope: String,
    /// The check.
    #[sea_orm(column_type = "Text")]
    pub check: String,
    /// The digest of what was examined.
    #[sea_orm(column_type = "Text", indexed)]
    pub subject: String,
    /// `pass`, `fail` or `unknown`.
    #[sea_orm(column_type = "Text")]
    pub verdict: String,
    /// When the check ended.
    #[sea_orm(column_type = "Text")]
    pub finished: String,
    /// From this moment on it is stale.
    #[sea_orm(column_type = "Text", nullable)]
    pub valid_until: Option<String>,
    /// The leaf that recorded it.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "evidence";
    type Key = String;

    fn key(&self) -> String {
        self.envelope.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::Evidence(_, b) => vec![b.envelope.to_string()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        if let Body::Evidence(subject, b) = body {
            let row = Self {
                envelope: b.envelope.to_string(),
                check: b.check.clone(),
                subject: subject.to_string(),
                verdict: b.verdict.to_string(),
                finished: b.finished.to_string(),
                valid_until: b.valid_until.map(|t| t.to_string()),
                seq: row_seq(entry),
            };
            rows.insert(row.key(), row);
        }
        Ok(())
    }
}
