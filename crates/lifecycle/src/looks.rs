//! The looks at traffic, kept as a series: one object beside the ledger, so that a report can draw what the
//! monitor saw before the alarm and not the alarm alone.

use proofhouse_core::{Digest, Timestamp};
use proofhouse_drift::{AlarmBudget, ColumnDrift, Look, Shape};
use proofhouse_ledger::EventKind;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::house::House;
use crate::observe::RaisedSignal;
use crate::watch::{self, Rows, Watch};
use crate::{LifecycleError, Project, hits};

/// Columns of an alarm that are kept with their counts.
const KEPT_COLUMNS: usize = 6;
/// Bins of their histograms.
const BINS: usize = 16;

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
    /// Of an alarm: the numeric columns that moved most, counted on bins of their own.
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
    /// Bin edges, one more than there are bins.
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
            true => moved(watch, rows, look)?,
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
            budget: match project.system.checks.hit_rate {
                Some(_) => hits::budget(project)?,
                None => watch::budget(project)?,
            },
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
fn moved(watch: &Watch, rows: &Rows, look: &Look) -> Result<Vec<MovedColumn>, LifecycleError> {
    let frozen = watch.monitor().profile().columns();
    let mut columns = Vec::new();
    for ranked in look.alarm.iter().flat_map(|a| &a.columns) {
        let name = &ranked.column;
        let found = frozen.iter().zip(&look.columns).find(|(f, l)| f.name == *name && l.column == *name);
        let Some((reference, drift)) = found else {
            return Err(LifecycleError::Order(format!(
                "the look has a column {name} that its watch does not know; give the watch that looked"
            )));
        };
        // Categories have no bins.
        let (Shape::Numeric(numeric), Some(mut current)) = (&reference.shape, watch.values(rows, name))
        else {
            continue;
        };
        current.retain(|v| v.is_finite());
        let current: Vec<(f64, u64)> = current.into_iter().map(|v| (v, 1)).collect();
        let reference = weighted(&numeric.points, &numeric.cells);
        let Some(edges) = even_edges(reference.iter().chain(&current).map(|(v, _)| *v)) else { continue };
        columns.push(MovedColumn {
            name: name.clone(),
            distance: drift.distance,
            reference: counted(&edges, &reference),
            current: counted(&edges, &current),
            edges,
        });
        if columns.len() == KEPT_COLUMNS {
            break;
        }
    }
    Ok(columns)
}

/// The reference as values with their counts. What lies between two points, in a reference kept as
/// quantiles, is put in their middle.
fn weighted(points: &[f64], cells: &[u64]) -> Vec<(f64, u64)> {
    let value = |cell: usize| match (cell % 2, points.get(cell / 2)) {
        (1, point) => point.copied(),
        (_, Some(above)) if cell > 0 => Some(points[cell / 2 - 1].midpoint(*above)),
        (_, Some(first)) => Some(*first),
        (_, None) => points.last().copied(),
    };
    cells.iter().enumerate().filter(|(_, n)| **n > 0).filter_map(|(c, n)| Some((value(c)?, *n))).collect()
}

/// Edges of equally wide bins over all values. The monitor's own bins follow the reference and would put
/// everything that left it into the outermost.
fn even_edges(values: impl Iterator<Item = f64>) -> Option<Vec<f64>> {
    let (low, high) = values.fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((v.min(low), v.max(high))),
    })?;
    let width = if high > low { (high - low) / BINS as f64 } else { 1.0 / BINS as f64 };
    Some((0..=BINS).map(|i| low + width * i as f64).collect())
}

/// Counts per bin; a value on an edge belongs to the bin above, the largest to the last.
fn counted(edges: &[f64], values: &[(f64, u64)]) -> Vec<u64> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    for (value, n) in values {
        let bin = edges.partition_point(|e| e <= value).saturating_sub(1).min(counts.len() - 1);
        counts[bin] += n;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_that_moves_is_seen_to_move() {
        let reference = weighted(&[0.0], &[0, 5, 0]);
        let current = [(0.0, 1), (1.0, 3)];
        let edges = even_edges([0.0, 0.0, 1.0].into_iter()).unwrap();
        let (before, now) = (counted(&edges, &reference), counted(&edges, &current));
        assert_eq!((before[0], before[BINS - 1]), (5, 0));
        assert_eq!((now[0], now[BINS - 1]), (1, 3));
    }

    #[test]
    fn quantiles_put_what_lies_between_in_the_middle() {
        assert_eq!(weighted(&[1.0, 2.0], &[0, 3, 4, 5, 0]), [(1.0, 3), (1.5, 4), (2.0, 5)]);
        assert_eq!(weighted(&[], &[0]), []);
    }

    #[test]
    fn one_value_alone_still_has_bins() {
        let edges = even_edges([4.0].into_iter()).unwrap();
        assert!(edges.is_sorted_by(|a, b| a < b));
        assert_eq!(counted(&edges, &[(4.0, 7)])[0], 7);
        assert!(even_edges(std::iter::empty()).is_none());
    }
}
