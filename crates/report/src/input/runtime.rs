//! What happened while the model ran.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, Severity, Timestamp};
use serde::{Deserialize, Serialize};

/// What the gateway answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Requests by HTTP status.
    #[serde(default)]
    pub by_status: BTreeMap<u16, u64>,
    /// Stretches of traffic, in order.
    #[serde(default)]
    pub windows: Vec<TrafficWindow>,
}

/// A stretch of traffic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrafficWindow {
    /// What it was, such as `as in training` or `new scanner`.
    pub name: String,
    /// Requests in it.
    pub requests: u64,
}

/// What the drift monitor saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// The evidence these figures come from.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// The entries of the ledger that hold the looks.
    #[serde(default)]
    pub ledger: Vec<u64>,
    /// The evidence that the monitor itself was tested: that it keeps still and that it alarms.
    #[serde(default)]
    pub tested: Option<Digest>,
    /// The statistic of a look, larger for more drift, such as `largest distance of any column`.
    pub statistic: String,
    /// Chance of a false alarm, in the sense of the promise.
    pub alpha: f64,
    /// What the monitor promises about false alarms.
    pub promise: FalseAlarmPromise,
    /// The smallest effect worth an alarm, where significance alone is not enough.
    #[serde(default)]
    pub effect_floor: Option<f64>,
    /// The looks, in order of time.
    #[serde(default)]
    pub looks: Vec<Look>,
    /// The alarm, where one was raised.
    #[serde(default)]
    pub alarm: Option<Alarm>,
    /// Columns that changed most, first the most changed.
    #[serde(default)]
    pub columns: Vec<ColumnDrift>,
}

/// What a monitor promises about false alarms while nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind")]
#[non_exhaustive]
pub enum FalseAlarmPromise {
    /// Alpha is the chance of one look, chosen so that the expected number a year is bounded.
    Yearly {
        /// Expected false alarms a year, at most.
        alarms: f64,
        /// Looks a day that this counts on.
        looks_per_day: f64,
    },
    /// Alpha is the chance of any false alarm ever, however often one looks (an anytime-valid test).
    Ever,
    /// Alpha is the chance of one look, and nothing is promised over many.
    PerLook,
}

/// One look of the monitor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// Rows seen since the start.
    pub rows: u64,
    /// The statistic.
    pub statistic: f64,
    /// The value at which an alarm is raised.
    pub threshold: f64,
}

/// The alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// Position in [`Drift::looks`], counted from 0.
    pub look: usize,
    /// Id of the signal it became.
    pub signal: String,
}

/// A column, then and now, counted on the same edges.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnDrift {
    /// The column.
    pub name: String,
    /// What `distance` is, such as `Kolmogorov–Smirnov`.
    pub statistic: String,
    /// How far the two lie apart.
    pub distance: f64,
    /// Bin edges, one more than there are bins.
    pub edges: Vec<f64>,
    /// Rows per bin in the reference.
    pub reference: Vec<u64>,
    /// Rows per bin in the current traffic.
    pub current: Vec<u64>,
}

/// A runtime fact that may re-open threats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// Its id.
    pub id: String,
    /// Its kind, such as `drift`.
    pub kind: String,
    /// When it was raised.
    pub at: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence with numbers.
    pub message: String,
    /// Ids of the threats it re-opened.
    #[serde(default)]
    pub reopens: Vec<String>,
    /// The signed evidence behind it.
    #[serde(default)]
    pub evidence: Option<Digest>,
    /// What was kept of the observation: an object of the ledger, named by the signal's entry.
    #[serde(default)]
    pub record: Option<Digest>,
    /// Its entry in the ledger.
    pub ledger_seq: u64,
}
