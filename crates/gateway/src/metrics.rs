//! Metrics in the Prometheus text format. Labels are constants of this program; nothing a caller sends
//! becomes one.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// What a request was and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub operation: &'static str,
    pub code: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    pub requests: Family<Outcome, Counter>,
    pub latency: Histogram,
    pub released: Counter,
    pub observations_dropped: Counter,
    pub connections: Gauge,
    pub in_flight: Gauge,
    pub quarantined: Gauge,
    pub epoch: Gauge<u64, AtomicU64>,
    pub audit_waiting: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("proofhouse_gateway"),
            requests: Family::default(),
            latency: Histogram::new(exponential_buckets(0.000_1, 2.0, 18)),
            released: Counter::default(),
            observations_dropped: Counter::default(),
            connections: Gauge::default(),
            in_flight: Gauge::default(),
            quarantined: Gauge::default(),
            epoch: Gauge::default(),
            audit_waiting: Gauge::default(),
        };
        let r = &mut metrics.registry;
        r.register("requests", "Requests by operation and outcome", metrics.requests.clone());
        r.register("latency_seconds", "Time from head to answer", metrics.latency.clone());
        r.register("answers_released", "Answers of models handed to the wire", metrics.released.clone());
        r.register("observations_dropped", "Observations not taken", metrics.observations_dropped.clone());
        r.register("connections", "Open connections", metrics.connections.clone());
        r.register("in_flight", "Requests under way", metrics.in_flight.clone());
        r.register("quarantined_digests", "Quarantined model digests", metrics.quarantined.clone());
        r.register("quarantine_epoch", "Epoch of the latest quarantine", metrics.epoch.clone());
        r.register("audit_waiting", "Audit records and places taken", metrics.audit_waiting.clone());
        metrics
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut out, &self.registry);
        out
    }
}
