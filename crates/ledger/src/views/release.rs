//! Releases: which model was let out, and on what decision.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "releases")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The system's name.
    #[sea_orm(column_type = "Text")]
    pub system: String,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The model digest.
    #[sea_orm(column_type = "Text", indexed)]
    pub model: String,
    /// The digest of the gate's decision.
    #[sea_orm(column_type = "Text", nullable)]
    pub decision: Option<String>,
    /// The digest of the signature bundle.
    #[sea_orm(column_type = "Text", nullable)]
    pub signature: Option<String>,
    /// The digest of the ML-BOM.
    #[sea_orm(column_type = "Text", nullable)]
    pub bom: Option<String>,
    /// When it was made.
    #[sea_orm(column_type = "Text")]
    pub made: String,
    /// The leaf that recorded it.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "releases";
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::Release(_, b) => vec![b.id.clone()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        if let Body::Release(model, b) = body {
            // What runs under a release's id is looked up here: it must never become another model.
            if rows.get(&b.id).is_some_and(|row| row.model != model.to_string()) {
                return Err(BodyError::Taken { kind: entry.kind, view: "release", id: b.id.clone() });
            }
            let row = Self {
                id: b.id.clone(),
                system: b.system.clone(),
                name: b.name.clone(),
                model: model.to_string(),
                decision: b.decision.map(|d| d.to_string()),
                signature: b.signature.map(|d| d.to_string()),
                bom: b.bom.map(|d| d.to_string()),
                made: entry.at.to_string(),
                seq: row_seq(entry),
            };
            rows.insert(row.key(), row);
        }
        Ok(())
    }
}
