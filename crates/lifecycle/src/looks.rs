//! The looks at traffic, kept as a series: one object beside the ledger, so that a report can draw what the
//! monitor saw before the alarm and not the alarm alone.

use proofhouse_core::{Digest, Timestamp};
use proofhouse_drift::{AlarmBudget, ColumnDrift, Counts, Look, Shape, Window};
use proofhouse_ledger::EventKind;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::house::House;
use crate::observe::RaisedSignal;
use crate::watch::{self, Rows, Watch};
use crate::{LifecycleError, Project};

/// Columns of an alarm that are kept with their counts.
const KEPT_COLUMNS: usize = 6;

/// One look, as far as a picture of all looks needs it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookRecord {
    /// When.
    pub at: Timestamp,
    /// Rows seen since the start, those of this look included.
    pub rows: u64,
    /// The column nearest to its line, or furthest above it.
    pub column: String,
    /// Its distance from the reference.
    pub distance: f64,
    /// The distance at which it alone raises an alarm: the effect floor, or what these sizes can tell from
    /// chance where that is more.
    pub line: f64,
    /// The chance of a false alarm that the look was allowed.
    pub alpha: f64,
    /// The smallest effect worth an alarm.
    pub floor: f64,
    /// The signal it became.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<String>,
    /// Of an alarm: the numeric columns that moved most, counted on the reference's bins.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<MovedColumn>,
}

/// A column that moved: reference and window on the same bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MovedColumn {
    /// The column.
    pub name: String,
    /// Kolmogorov–Smirnov distance.
    pub distance: f64,
    /// Bin edges, one more than there are bins. The outermost are drawn where the bins are open.
    pub edges: Vec<f64>,
    /// Reference rows per bin.
    pub reference: Vec<u64>,
    /// Rows of the window per bin.
    pub current: Vec<u64>,
}

/// What is kept of a stretch of traffic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct LookSeries {
    pub system: String,
    pub environment: String,
    pub budget: AlarmBudget,
    pub looks: Vec<LookRecord>,
}

impl LookRecord {
    /// A look at `rows`, the last of `seen` rows.
    pub fn of(
        watch: &Watch,
        rows: &Rows,
        look: &Look,
        seen: u64,
        at: Timestamp,
        signal: Option<&RaisedSignal>,
    ) -> Result<Self, LifecycleError> {
        let (column, distance, line) = nearest(look);
        let columns = match look.alarmed {
            true => moved(watch, &watch.look(rows)?.0, look),
            false => Vec::new(),
        };
        Ok(Self {
            at,
            rows: seen,
            column,
            distance,
            line,
            alpha: look.alpha,
            floor: look.floor.0,
            signal: signal.map(|s| s.id.clone()),
            columns,
        })
    }
}

impl House {
    /// Keeps a series of looks and refers to it in the ledger. Returns the entry.
    pub async fn record_looks(
        &self,
        project: &Project,
        environment: &str,
        looks: &[LookRecord],
    ) -> Result<u64, LifecycleError> {
        let series = LookSeries {
            system: project.id().to_owned(),
            environment: environment.to_owned(),
            budget: watch::budget(project)?,
            looks: looks.to_vec(),
        };
        let document: Digest = self.keep(&series).await?;
        let body = json!({
            "system": series.system,
            "environment": environment,
            "looks": looks.len(),
            "alarms": looks.iter().filter(|l| l.signal.is_some()).count(),
            "document": document,
        });
        let event = self.event(EventKind::TrafficObserved, Some(project.digest), &body)?;
        Ok(self.append(&[event]).await?.first_seq)
    }
}

/// The column with the largest distance for its line. Categories have no line of their own: chance moves
/// many of them a little, so they count where they alarmed.
fn nearest(look: &Look) -> (String, f64, f64) {
    let line = |c: &ColumnDrift| c.detectable.unwrap_or(0.0).max(look.floor.0);
    let relative = |c: &&ColumnDrift| c.distance / line(c).max(f64::MIN_POSITIVE);
    look.columns
        .iter()
        .filter(|c| c.detectable.is_some() || c.alarmed)
        .max_by(|a, b| relative(a).total_cmp(&relative(b)))
        .map_or_else(|| (String::new(), 0.0, look.floor.0), |c| (c.column.clone(), c.distance, line(c)))
}

/// The numeric columns of an alarm, the most moved first.
fn moved(watch: &Watch, window: &Window, look: &Look) -> Vec<MovedColumn> {
    let ranked = look.alarm.iter().flat_map(|a| &a.columns);
    let frozen = watch.monitor().profile().columns();
    ranked
        .filter_map(|r| {
            let at = frozen.iter().position(|c| c.name == r.column)?;
            let (Shape::Numeric(reference), Counts::Numeric { psi, .. }) =
                (&frozen[at].shape, &window.columns().get(at)?.counts)
            else {
                return None;
            };
            Some(MovedColumn {
                name: r.column.clone(),
                distance: look.columns.get(at)?.distance,
                edges: outlined(&reference.psi_edges, &reference.points),
                reference: reference.psi_counts.clone(),
                current: psi.clone(),
            })
        })
        .take(KEPT_COLUMNS)
        .collect()
}

/// Inner edges with an outermost one at either end: the reference's least and largest value, or one mean
/// width further where that is an inner edge already.
fn outlined(inner: &[f64], points: &[f64]) -> Vec<f64> {
    let (Some(first), Some(last)) = (inner.first(), inner.last()) else {
        let least = points.first().copied().unwrap_or(0.0);
        return vec![least, points.last().copied().filter(|p| *p > least).unwrap_or(least + 1.0)];
    };
    let width = if last > first { (last - first) / (inner.len() - 1) as f64 } else { 1.0 };
    let low = points.first().copied().filter(|p| p < first).unwrap_or(first - width);
    let high = points.last().copied().filter(|p| p > last).unwrap_or(last + width);
    std::iter::once(low).chain(inner.iter().copied()).chain([high]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_get_an_edge_at_either_end() {
        assert_eq!(outlined(&[1.0, 2.0], &[0.0, 1.0, 2.0]), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(outlined(&[0.5], &[0.0, 1.0]), [0.0, 0.5, 1.0]);
        assert_eq!(outlined(&[], &[4.0]), [4.0, 5.0]);
        assert_eq!(outlined(&[], &[]), [0.0, 1.0]);
    }
}
