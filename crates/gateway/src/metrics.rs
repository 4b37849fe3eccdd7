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
use proofhouse_dialogue::Carrier;
use proofhouse_dialogue::wire::{Protocol, Usage};
use proofhouse_guard::flow::Verdict;

use crate::chain::Operation;
use crate::chat::Inspected;

/// What a request was and how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Outcome {
    pub operation: &'static str,
    pub code: &'static str,
}

/// One word about something.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// What the guard said about a segment of one carrier.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Hit {
    carrier: &'static str,
    verdict: &'static str,
}

pub(crate) struct Metrics {
    registry: Registry,
    pub requests: Family<Outcome, Counter>,
    streams: Family<Outcome, Counter>,
    verdicts: Family<Kind, Counter>,
    hits: Family<Hit, Counter>,
    denials: Family<Kind, Counter>,
    calls: Family<Kind, Counter>,
    redactions: Family<Kind, Counter>,
    tokens: Family<Kind, Counter>,
    pub guard_seconds: Histogram,
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
            streams: Family::default(),
            verdicts: Family::default(),
            hits: Family::default(),
            denials: Family::default(),
            calls: Family::default(),
            redactions: Family::default(),
            tokens: Family::default(),
            guard_seconds: Histogram::new(exponential_buckets(0.000_01, 2.0, 20)),
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
        r.register("streams_ended", "Streams by operation and end", metrics.streams.clone());
        r.register("guard_verdicts", "Conversations by the worst the guard found", metrics.verdicts.clone());
        r.register("guard_segments", "Segments by carrier and verdict", metrics.hits.clone());
        r.register(
            "boundary_denials",
            "Requests refused for what the guard found, by reason",
            metrics.denials.clone(),
        );
        r.register("tool_calls", "Calls of tools by decision", metrics.calls.clone());
        r.register(
            "output_redactions",
            "What the output rules replaced, by kind",
            metrics.redactions.clone(),
        );
        r.register("tokens", "Tokens by direction", metrics.tokens.clone());
        r.register("guard_seconds", "Time to inspect a conversation", metrics.guard_seconds.clone());
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

    /// A stream ended.
    pub(crate) fn ended(&self, protocol: Protocol, code: &'static str) {
        let operation = Operation::Chat(protocol).name();
        self.streams.get_or_create(&Outcome { operation, code }).inc();
    }

    /// The guard has read a conversation.
    pub(crate) fn inspected(&self, inspected: &Inspected, seconds: f64) {
        self.guard_seconds.observe(seconds);
        self.verdicts.get_or_create(&Kind { kind: inspected.verdict() }).inc();
        for segment in &inspected.segments {
            let carrier = match segment.carrier {
                Carrier::Chat => "chat",
                Carrier::Document => "document",
                Carrier::Code => "code",
            };
            self.hits.get_or_create(&Hit { carrier, verdict: segment.verdict }).inc();
        }
    }

    /// What the guard found refused a request.
    pub(crate) fn denied(&self, kind: &'static str) {
        self.denials.get_or_create(&Kind { kind }).inc();
    }

    /// A call was judged.
    pub(crate) fn judged(&self, verdict: Verdict) {
        let kind = match verdict {
            Verdict::Allow => "allow",
            Verdict::NeedsApproval => "needs-approval",
            Verdict::Deny => "deny",
        };
        self.calls.get_or_create(&Kind { kind }).inc();
    }

    /// Something was replaced on its way out.
    pub(crate) fn redacted(&self, kind: &'static str) {
        self.redactions.get_or_create(&Kind { kind }).inc();
    }

    /// An answer was paid for.
    pub(crate) fn tokens(&self, usage: Usage) {
        self.tokens.get_or_create(&Kind { kind: "in" }).inc_by(usage.input);
        self.tokens.get_or_create(&Kind { kind: "out" }).inc_by(usage.output);
    }

    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut out, &self.registry);
        out
    }
}
