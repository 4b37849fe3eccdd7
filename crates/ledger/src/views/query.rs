//! Questions to the views. The answers are as fresh as the last append and as true as the last
//! verification: whoever can write the database can write a view.

use proofhouse_core::Digest;
use sea_orm::{ColumnTrait as _, EntityTrait, QueryFilter as _, QueryOrder as _, Select};

use super::{
    EvidenceRow, InstanceRow, RecallRow, ReleaseRow, RiskRow, SignalRow, SubjectRow, ThreatRow, evidence,
    instance, recall, release, risk, signal, subject, threat,
};
use crate::error::LedgerError;
use crate::ledger::Ledger;

impl Ledger {
    /// The subjects, in the order of the leaves; of one system where one is given.
    pub async fn subjects(&self, system: Option<&str>) -> Result<Vec<SubjectRow>, LedgerError> {
        let mut query = subject::Entity::find().order_by_asc(subject::Column::Seq);
        if let Some(system) = system {
            query = query.filter(subject::Column::System.eq(system));
        }
        self.all(query).await
    }

    /// The threats of `system`, by id.
    pub async fn threats(&self, system: &str) -> Result<Vec<ThreatRow>, LedgerError> {
        let query = threat::Entity::find().filter(threat::Column::System.eq(system));
        self.all(query.order_by_asc(threat::Column::Id)).await
    }

    /// The evidence about `subject`, the oldest first.
    pub async fn evidence(&self, subject: &Digest) -> Result<Vec<EvidenceRow>, LedgerError> {
        let query = evidence::Entity::find().filter(evidence::Column::Subject.eq(subject.to_string()));
        self.all(query.order_by_asc(evidence::Column::Seq)).await
    }

    /// The releases, the oldest first; of one model where one is given.
    pub async fn releases(&self, model: Option<&Digest>) -> Result<Vec<ReleaseRow>, LedgerError> {
        let mut query = release::Entity::find().order_by_asc(release::Column::Seq);
        if let Some(model) = model {
            query = query.filter(release::Column::Model.eq(model.to_string()));
        }
        self.all(query).await
    }

    /// The instances, by the leaf that changed them last; of one model where one is given.
    pub async fn instances(&self, model: Option<&Digest>) -> Result<Vec<InstanceRow>, LedgerError> {
        let mut query = instance::Entity::find().order_by_asc(instance::Column::Seq);
        if let Some(model) = model {
            query = query.filter(instance::Column::Model.eq(model.to_string()));
        }
        // Instances that one append reported keep an order.
        self.all(query.order_by_asc(instance::Column::Id)).await
    }

    /// The signals, the oldest first; about one subject where one is given.
    pub async fn signals(&self, subject: Option<&Digest>) -> Result<Vec<SignalRow>, LedgerError> {
        let mut query = signal::Entity::find().order_by_asc(signal::Column::Seq);
        if let Some(subject) = subject {
            query = query.filter(signal::Column::Subject.eq(subject.to_string()));
        }
        self.all(query).await
    }

    /// The recalls, by the leaf that changed them last.
    pub async fn recalls(&self) -> Result<Vec<RecallRow>, LedgerError> {
        self.all(recall::Entity::find().order_by_asc(recall::Column::Seq)).await
    }

    /// Whether `digest` was recalled, certified or not. The whole answer is one look-up in an index.
    pub async fn is_recalled(&self, digest: &Digest) -> Result<bool, LedgerError> {
        let query = recall::Entity::find().filter(recall::Column::Subject.eq(digest.to_string()));
        let row = query.one(&self.db.connection).await.map_err(|e| self.db.error(e))?;
        Ok(row.is_some())
    }

    /// The latest score of each risk of `system`, by id.
    pub async fn risks(&self, system: &str) -> Result<Vec<RiskRow>, LedgerError> {
        let query = risk::Entity::find().filter(risk::Column::System.eq(system));
        self.all(query.order_by_asc(risk::Column::Id)).await
    }

    async fn all<E: EntityTrait>(&self, query: Select<E>) -> Result<Vec<E::Model>, LedgerError> {
        query.all(&self.db.connection).await.map_err(|e| self.db.error(e))
    }
}
