//! Runs: a whole life in an environment of its own, so that what a rehearsal recalls stays recalled in the
//! rehearsal only.

use proofhouse_ledger::{Entry, EventKind, Filter};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::house::House;
use crate::{LifecycleError, Project};

/// Entries read at once.
const PAGE: u64 = 2_000;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum RunOutcome {
    /// Every stage did what it is there for.
    Completed,
    /// A gate refused.
    Denied,
    /// A stage could not do its work.
    Failed,
}

impl House {
    /// Begins a run and names its environment, `rehearsal-N`. The caller holds the house's lock: two runs
    /// that began at once would share a number.
    pub async fn begin_run(&self, project: &Project) -> Result<String, LifecycleError> {
        let run = self.entries_of(EventKind::RunStarted).await?.len() + 1;
        let environment = format!("rehearsal-{run}");
        let body = json!({"run": run, "environment": environment, "system": project.id()});
        let event = self.event(EventKind::RunStarted, Some(project.digest), &body)?;
        self.append(&[event]).await?;
        Ok(environment)
    }

    /// Ends the run in `environment`. Returns the ledger entry.
    pub async fn finish_run(
        &self,
        project: &Project,
        environment: &str,
        outcome: RunOutcome,
    ) -> Result<u64, LifecycleError> {
        let body = json!({"environment": environment, "system": project.id(), "outcome": outcome});
        let event = self.event(EventKind::RunFinished, Some(project.digest), &body)?;
        Ok(self.append(&[event]).await?.first_seq)
    }

    /// Every entry of a kind, oldest first. The ledger shows a bounded number at once.
    pub(crate) async fn entries_of(&self, kind: EventKind) -> Result<Vec<Entry>, LifecycleError> {
        let mut entries = Vec::new();
        loop {
            let page = self.page_of(kind, entries.len() as u64, PAGE).await?;
            if page.is_empty() {
                return Ok(entries);
            }
            entries.extend(page);
        }
    }

    /// Up to `limit` entries of a kind after the first `offset`.
    pub(crate) async fn page_of(
        &self,
        kind: EventKind,
        offset: u64,
        limit: u64,
    ) -> Result<Vec<Entry>, LifecycleError> {
        Ok(self.ledger().show(&Filter { kind: Some(kind), offset, limit, ..Filter::default() }).await?)
    }
}
