//! One record for every request, and observations for the monitors.
//!
//! A request is only served when there is room for its record: the place in the queue is taken first and
//! the record always fits. A client that goes away leaves a record too. Observations may be dropped, and
//! the drops are counted.

use std::time::Instant;

use prometheus_client::metrics::counter::Counter;
use proofhouse_core::{Digest, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::chat::{ChatRecord, ObservedChat};
use crate::config::LiveRoute;
use crate::infer::{self, Tensor};

/// What happened to one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// Random id, also in the answer.
    pub request_id: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The key's id, once it was proven; never the key.
    pub key_id: Option<String>,
    /// The key's role.
    pub role: Option<String>,
    /// The model's name, where it is one of ours.
    pub model: Option<String>,
    /// The model's digest.
    pub digest: Option<Digest>,
    /// `infer`, `metadata`, `ready`, `chat`, `messages`, `models`, or `none` where it got no further.
    pub operation: String,
    /// Status of the answer; 499 where the client did not wait for one. Of a stream that was cut off, the
    /// status that its reason would have had.
    pub status: u16,
    /// `ok`, or the code of the refusal.
    pub code: String,
    /// Codes of the policy's reasons, where it was asked and refused.
    pub policy_reasons: Vec<String>,
    /// The policy bundle in force.
    pub policy: Option<Digest>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the answer's body.
    pub bytes_out: u64,
    /// What was found in a conversation with a language model, and what was done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chat: Option<Box<ChatRecord>>,
    /// From the end of the request's head to the answer.
    pub latency_us: u64,
    /// SHA-256 over salt and body, where a body was read.
    pub body_commitment: Option<Digest>,
    /// The salt of the commitment, hexadecimal. Keep it apart from the record: whoever has both can test
    /// guesses, and deleting it is how a body is forgotten while the ledger stays whole.
    #[serde(skip)]
    pub body_salt: Option<String>,
}

/// Rows that a model answered, for drift detection.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The request's id.
    pub request_id: String,
    /// When it arrived.
    pub at: Timestamp,
    /// The model's name.
    pub model: String,
    /// The model's digest, proven by the instance.
    pub digest: Digest,
    /// The input tensors.
    pub inputs: Vec<Tensor>,
    /// The output tensors; empty where the answer was not in the protocol's shape.
    pub outputs: Vec<Tensor>,
}

/// Where the records come out. Dropping it stops the gateway from serving.
#[derive(Debug)]
pub struct AuditReceiver(pub(crate) mpsc::Receiver<AuditRecord>);

impl AuditReceiver {
    /// Waits for records and takes up to `limit` of them; empty when the gateway has ended and all are taken.
    pub async fn batch(&mut self, limit: usize) -> Vec<AuditRecord> {
        let mut out = Vec::new();
        self.0.recv_many(&mut out, limit.max(1)).await;
        out
    }
}

/// Where the observations come out.
#[derive(Debug)]
pub struct ObservedReceiver(pub(crate) mpsc::Receiver<Observed>);

impl ObservedReceiver {
    /// Waits for observations and takes up to `limit`; empty when the gateway has ended and all are taken.
    pub async fn batch(&mut self, limit: usize) -> Vec<Observed> {
        let mut out = Vec::new();
        self.0.recv_many(&mut out, limit.max(1)).await;
        out
    }
}

/// Where the observed conversations come out.
#[derive(Debug)]
pub struct ChatReceiver(pub(crate) mpsc::Receiver<ObservedChat>);

impl ChatReceiver {
    /// Waits for observations and takes up to `limit`; empty when the gateway has ended and all are taken.
    pub async fn batch(&mut self, limit: usize) -> Vec<ObservedChat> {
        let mut out = Vec::new();
        self.0.recv_many(&mut out, limit.max(1)).await;
        out
    }
}

/// Where observed conversations go in.
#[derive(Clone)]
pub(crate) struct Tap {
    chats: mpsc::Sender<ObservedChat>,
    dropped: Counter,
}

impl Tap {
    pub(crate) fn new(chats: mpsc::Sender<ObservedChat>, dropped: Counter) -> Self {
        Self { chats, dropped }
    }

    fn observe(&self, record: &AuditRecord) {
        if let Some(observed) = ObservedChat::of(record)
            && self.chats.try_send(observed).is_err()
        {
            self.dropped.inc();
        }
    }
}

/// A record being written. Whatever happens to the request, dropping this sends it.
pub(crate) struct Draft {
    pub record: AuditRecord,
    started: Instant,
    place: Option<mpsc::OwnedPermit<AuditRecord>>,
    tap: Tap,
}

impl Draft {
    /// Takes a place in the queue; nothing where it is full or nobody reads it.
    pub(crate) fn begin(
        queue: &mpsc::Sender<AuditRecord>,
        tap: &Tap,
        request_id: String,
        at: Timestamp,
    ) -> Option<Self> {
        let place = queue.clone().try_reserve_owned().ok()?;
        let record = AuditRecord {
            request_id,
            at,
            key_id: None,
            role: None,
            model: None,
            digest: None,
            operation: "none".to_owned(),
            // What stays when the client goes away and nothing below is written.
            status: 499,
            code: "client/gone".to_owned(),
            policy_reasons: Vec::new(),
            policy: None,
            bytes_in: 0,
            bytes_out: 0,
            chat: None,
            latency_us: 0,
            body_commitment: None,
            body_salt: None,
        };
        Some(Self { record, started: Instant::now(), place: Some(place), tap: tap.clone() })
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Notes which model the request is for.
    pub(crate) fn aim(&mut self, route: &LiveRoute) {
        self.record.model = Some(route.model.clone());
        self.record.digest = Some(route.digest);
    }

    /// Commits to the body under a fresh salt.
    pub(crate) fn commit(&mut self, body: &[u8]) {
        let salt: [u8; 16] = rand::random();
        self.record.body_commitment = Some(infer::commitment(salt, body));
        self.record.body_salt = Some(format!("{:032x}", u128::from_be_bytes(salt)));
    }

    /// What the record says about a conversation.
    pub(crate) fn chat(&mut self) -> &mut ChatRecord {
        self.record.chat.get_or_insert_default()
    }

    /// Notes how it ended.
    pub(crate) fn end(&mut self, status: u16, code: &str) {
        self.record.status = status;
        code.clone_into(&mut self.record.code);
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            let mut record = self.record.clone();
            record.latency_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.tap.observe(&record);
            place.send(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tap() -> Tap {
        Tap::new(mpsc::channel(1).0, Counter::default())
    }

    #[tokio::test]
    async fn a_dropped_draft_is_a_record_and_a_full_queue_gives_no_place() {
        let (queue, receiver) = mpsc::channel(1);
        let at = Timestamp::from_unix_ms(0);
        let draft = Draft::begin(&queue, &tap(), "a".to_owned(), at).expect("room");
        assert!(Draft::begin(&queue, &tap(), "b".to_owned(), at).is_none());
        drop(draft);
        assert!(Draft::begin(&queue, &tap(), "c".to_owned(), at).is_none());
        let mut receiver = AuditReceiver(receiver);
        let batch = receiver.batch(10).await;
        assert_eq!((batch.len(), batch[0].status, batch[0].code.as_str()), (1, 499, "client/gone"));
        assert!(Draft::begin(&queue, &tap(), "d".to_owned(), at).is_some());
    }

    #[test]
    fn the_salt_is_not_part_of_the_written_record() {
        let (queue, _receiver) = mpsc::channel(1);
        let mut draft =
            Draft::begin(&queue, &tap(), "a".to_owned(), Timestamp::from_unix_ms(0)).expect("room");
        draft.record.body_salt = Some("5a17".to_owned());
        assert!(!serde_json::to_string(&draft.record).unwrap().contains("5a17"));
    }
}
