//! Instances: which copy of which model runs where.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// An instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "instances")]
pub struct Model {
    /// Its id.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// The model digest that it proved to have loaded.
    #[sea_orm(column_type = "Text", indexed)]
    pub model: String,
    /// Where it runs.
    #[sea_orm(column_type = "Text")]
    pub target: String,
    /// The release it runs.
    #[sea_orm(column_type = "Text", nullable)]
    pub release: Option<String>,
    /// Where it answers.
    #[sea_orm(column_type = "Text", nullable)]
    pub endpoint: Option<String>,
    /// Without renewal it stops serving at this moment.
    #[sea_orm(column_type = "Text", nullable)]
    pub lease_until: Option<String>,
    /// `running` or `stopped`, as last reported.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Why it stopped.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// When this was reported.
    #[sea_orm(column_type = "Text")]
    pub changed: String,
    /// The leaf that reported it.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "instances";
    type Key = String;

    fn key(&self) -> String {
        self.id.clone()
    }

    fn touched(body: &Body) -> Vec<String> {
        match body {
            Body::Started(_, b) => vec![b.id.clone()],
            Body::Stopped(b) => vec![b.id.clone()],
            _ => vec![],
        }
    }

    fn apply(rows: &mut BTreeMap<String, Self>, entry: &Entry, body: &Body) -> Result<(), BodyError> {
        match body {
            Body::Started(model, b) => {
                let row = Self {
                    id: b.id.clone(),
                    model: model.to_string(),
                    target: b.target.clone(),
                    release: b.release.clone(),
                    endpoint: b.endpoint.clone(),
                    lease_until: b.lease_until.map(|t| t.to_string()),
                    state: "running".to_owned(),
                    reason: None,
                    changed: entry.at.to_string(),
                    seq: row_seq(entry),
                };
                rows.insert(row.key(), row);
            }
            Body::Stopped(b) => {
                let row = rows.get_mut(&b.id).ok_or_else(|| BodyError::Unrecorded {
                    kind: entry.kind,
                    view: "instance",
                    id: b.id.clone(),
                })?;
                row.state = "stopped".to_owned();
                row.reason = Some(b.reason.clone());
                row.changed = entry.at.to_string();
                row.seq = row_seq(entry);
            }
            _ => {}
        }
        Ok(())
    }
}
