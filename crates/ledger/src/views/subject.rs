//! Subjects: everything with a digest that was taken in.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "subjects")]
pub struct Model {
    /// Its digest.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub digest: String,
    /// What it is, such as `model`.
    #[sea_orm(column_type = "Text")]
    pub kind: String,
    /// What people call it.
    #[sea_orm(column_type = "Text")]
    pub name: String,
    /// The system it belongs to.
    #[sea_orm(column_type = "Text", nullable)]
    pub system: Option<String>,
    /// The leaf that recorded it last.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "subjects";
    type Key = String;

    fn key(&self) -> String {
        self.digest.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::System(digest, _) | Body::Subject(digest, _) => vec![digest.to_string()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        let row = match body {
            Body::System(digest, system) => Self {
                digest: digest.to_string(),
                kind: proofhouse_core::SubjectKind::System.to_string(),
                name: system.name.clone(),
                system: Some(system.name.clone()),
                seq: row_seq(entry),
            },
            Body::Subject(digest, subject) => Self {
                digest: digest.to_string(),
                kind: subject.kind.to_string(),
                name: subject.name.clone(),
                system: subject.system.clone(),
                seq: row_seq(entry),
            },
            _ => return Ok(()),
        };
        rows.insert(row.key(), row);
        Ok(())
    }
}
