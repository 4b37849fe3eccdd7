//! Risks: the latest score of each scenario.

use std::collections::BTreeMap;

use sea_orm::entity::prelude::*;
use serde::Serialize;

use super::{View, row_seq};
use crate::body::{Body, BodyError};
use crate::event::Entry;

/// A scored risk.
#[derive(Debug, Clone, PartialEq, Serialize, DeriveEntityModel)]
#[sea_orm(table_name = "risks")]
pub struct Model {
    /// The system's name.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub system: String,
    /// The scenario's id in that system.
    #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
    pub id: String,
    /// Expected loss in a year.
    #[sea_orm(column_type = "Double")]
    pub annual_loss_mean: f64,
    /// The loss that 19 of 20 years stay below.
    #[sea_orm(column_type = "Double")]
    pub annual_loss_p95: f64,
    /// ISO 4217 code of both.
    #[sea_orm(column_type = "Text")]
    pub currency: String,
    /// When it was scored.
    #[sea_orm(column_type = "Text")]
    pub scored: String,
    /// The leaf that recorded the score.
    pub seq: i64,
}

/// Relations are kept by the leaves.
#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl View for Model {
    const NAME: &'static str = "risks";
    type Key = (String, String);

    fn key(&self) -> (String, String) {
        (self.system.clone(), self.id.clone())
    }

    fn touched(body: &Body) -> Vec<(String, String)> {
        match body {
            Body::Risk(b) => vec![(b.system.clone(), b.id.clone())],
            _ => vec![],
        }
    }

    fn apply(
        rows: &mut BTreeMap<(String, String), Self>,
        entry: &Entry,
        body: &Body,
    ) -> Result<(), BodyError> {
        if let Body::Risk(b) = body {
            let row = Self {
                system: b.system.clone(),
                id: b.id.clone(),
                annual_loss_mean: b.annual_loss_mean,
                annual_loss_p95: b.annual_loss_p95,
                currency: b.currency.clone(),
                scored: entry.at.to_string(),
                seq: row_seq(entry),
            };
            rows.insert(row.key(), row);
        }
        Ok(())
    }
}
