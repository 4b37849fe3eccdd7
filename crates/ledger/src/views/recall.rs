//! Recalls: what shall be served nowhere, and whether that is so.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A recall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "recalls")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The recalled digest.
    #[sea_orm(column_type = "Text", indexed)]
    pub subject: String,
    /// Why.
    #[sea_orm(column_type = "Text")]
    pub reason: String,
    /// `ordered` or `certified`.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// When it was ordered.
    #[sea_orm(column_type = "Text")]
    pub ordered: String,
    /// When it was certified.
    #[sea_orm(column_type = "Text", nullable)]
    pub certified: Option<String>,
    /// The digest of the certificate, an object.
    #[sea_orm(column_type = "Text", nullable)]
    pub certificate: Option<String>,
    /// The leaf that changed it last.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "recalls";
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::Ordered(_, b) => vec![b.id.clone()],
            Body::Certified(b) => vec![b.id.clone()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        match body {
            Body::Ordered(subject, b) => {
                // The first order would be gone from the view, and its digest served again.
                if rows.contains_key(&b.id) {
                    return Err(BodyError::Taken { kind: entry.kind, view: "recall", id: b.id.clone() });
                }
                let row = Self {
                    id: b.id.clone(),
                    subject: subject.to_string(),
                    reason: b.reason.clone(),
                    state: "ordered".to_owned(),
                    ordered: entry.at.to_string(),
                    certified: None,
                    certificate: None,
                    seq: row_seq(entry),
                };
                rows.insert(row.key(), row);
            }
            Body::Certified(b) => {
                let row = rows.get_mut(&b.id).ok_or_else(|| BodyError::Unrecorded {
                    kind: entry.kind,
                    view: "recall",
                    id: b.id.clone(),
                })?;
                row.state = "certified".to_owned();
                row.certified = Some(entry.at.to_string());
                row.certificate = Some(b.certificate.to_string());
                row.seq = row_seq(entry);
            }
            _ => {}
        }
        Ok(())
    }
}
