//! Threats: where each threat of each system stands.

use proofhouse_core::ThreatState;
use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A threat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "threats")]
pub struct Model {
    /// The system's name.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub system: String,
    /// The threat's id in that system.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// What it is.
    #[sea_orm(column_type = "Text")]
    pub title: String,
    /// How bad it would be.
    #[sea_orm(column_type = "Text", nullable)]
    pub severity: Option<String>,
    /// Where it stands: a [`ThreatState`] as text.
    #[sea_orm(column_type = "Text")]
    pub state: String,
    /// Why it stands there, where somebody said so.
    #[sea_orm(column_type = "Text", nullable)]
    pub reason: Option<String>,
    /// The moment at which an accepted threat counts as open again.
    #[sea_orm(column_type = "Text", nullable)]
    pub accepted_until: Option<String>,
    /// The leaf that changed it last.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "threats";
    type Key = (String, String);

    fn key(&self) -> (String, String) {
        (self.system.clone(), self.id.clone())
    }

    fn touched(body: &Body) -> Vec<(String, String)> {
        match body {
            Body::ThreatsDerived(b) => b.threats.iter().map(|t| (b.system.clone(), t.id.clone())).collect(),
            Body::ThreatChanged(b) => vec![(b.system.clone(), b.id.clone())],
            Body::Waiver(b) => b.threats.iter().map(|id| (b.system.clone(), id.clone())).collect(),
            _ => vec![],
        }
    }

    fn apply(
        rows: &mut BTreeMap<(String, String), Self>,
        entry: &Entry,
        body: &Body,
    ) -> Result<(), BodyError> {
        let mut change = |id: &str, system: &str, state: ThreatState, reason: &str, until| {
            let row = rows.get_mut(&(system.to_owned(), id.to_owned())).ok_or_else(|| {
                BodyError::Unrecorded { kind: entry.kind, view: "threat", id: id.to_owned() }
            })?;
            row.state = state.to_string();
            row.reason = Some(reason.to_owned());
            row.accepted_until = until;
            row.seq = row_seq(entry);
            Ok(())
        };
        match body {
            Body::ThreatsDerived(b) => {
                for threat in &b.threats {
                    let row = Self {
                        system: b.system.clone(),
                        id: threat.id.clone(),
                        title: threat.title.clone(),
                        severity: threat.severity.map(|s| s.to_string()),
                        state: threat.state.to_string(),
                        reason: None,
                        accepted_until: None,
                        seq: row_seq(entry),
                    };
                    rows.insert(row.key(), row);
                }
                Ok(())
            }
            Body::ThreatChanged(b) => change(&b.id, &b.system, b.state, &b.reason, None),
            Body::Waiver(b) => b.threats.iter().try_for_each(|id| {
                change(id, &b.system, ThreatState::Accepted, &b.reason, Some(b.until.to_string()))
            }),
            _ => Ok(()),
        }
    }
}
