//! Quarantine by digest, with an acknowledgement that means something.
//!
//! After [`QuarantineAck`](crate::QuarantineAck) no byte of that model's output leaves this gateway. That
//! sentence rests on an order: a request counts itself in *before* it reads the flag, the flag is set
//! *before* the count is read, and both are sequentially consistent, so that one of the two sides always
//! sees the other. A request stays counted until its answer has been flushed to the socket, not merely
//! handed to the HTTP library.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError};

use proofhouse_core::Digest;
use tokio::sync::{Notify, watch};

/// The gate of one digest. One for the life of the gateway, shared by every route to that digest.
pub(crate) struct Gate {
    digest: Digest,
    /// 0 while open, else the epoch of the quarantine.
    epoch: AtomicU64,
    in_flight: AtomicU64,
    drained: Notify,
    closed: watch::Sender<bool>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("digest", &self.digest)
            .field("epoch", &self.epoch)
            .finish_non_exhaustive()
    }
}

impl Gate {
    fn new(digest: Digest) -> Self {
        Self {
            digest,
            epoch: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            drained: Notify::new(),
            closed: watch::Sender::new(false),
        }
    }

    /// Whether the digest is quarantined.
    pub(crate) fn is_closed(&self) -> bool {
        self.epoch.load(SeqCst) != 0
    }

    /// Counts a request in, unless the gate is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<InFlight> {
        // Only to keep refused callers from touching the counter that the acknowledgement waits for.
        if self.is_closed() {
            return None;
        }
        self.in_flight.fetch_add(1, SeqCst);
        let guard = InFlight { gate: Arc::clone(self) };
        // The count is visible before the flag is read. Whoever closes the gate sets the flag before it
        // reads the count; so either this read sees the flag or that read sees this request.
        if guard.gate.is_closed() { None } else { Some(guard) }
    }

    /// Ends when the gate closes.
    pub(crate) async fn closing(&self) {
        let mut closed = self.closed.subscribe();
        // The sender lives as long as the gate, so this cannot fail while we are in here.
        let _ = closed.wait_for(|closed| *closed).await;
    }

    /// Ends when no request is counted.
    async fn empty(&self) {
        loop {
            let drained = self.drained.notified();
            tokio::pin!(drained);
            // Registered before the count is read, so that a request leaving in between is not missed.
            drained.as_mut().enable();
            if self.in_flight.load(SeqCst) == 0 {
                return;
            }
            drained.await;
        }
    }
}

/// A counted request; leaving is dropping it.
#[derive(Debug)]
pub(crate) struct InFlight {
    gate: Arc<Gate>,
}

impl InFlight {
    pub(crate) fn gate(&self) -> &Arc<Gate> {
        &self.gate
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        if self.gate.in_flight.fetch_sub(1, SeqCst) == 1 {
            self.gate.drained.notify_waiters();
        }
    }
}

/// The gates of every digest this gateway has heard of.
#[derive(Debug)]
pub(crate) struct Quarantine {
    gates: Mutex<HashMap<Digest, Arc<Gate>>>,
    /// The epoch of the latest quarantine; only grows.
    epoch: watch::Sender<u64>,
}

/// What closing a gate found.
pub(crate) struct Closed {
    pub epoch: u64,
    pub in_flight: u64,
    pub gate: Arc<Gate>,
}

impl Quarantine {
    /// Starts from what the caller has kept: quarantined digests with their epochs.
    pub(crate) fn new(kept: &BTreeMap<Digest, u64>) -> Self {
        let quarantine = Self {
            gates: Mutex::default(),
            epoch: watch::Sender::new(kept.values().copied().max().unwrap_or(0)),
        };
        for (digest, epoch) in kept {
            let gate = quarantine.gate(*digest);
            gate.epoch.store((*epoch).max(1), SeqCst);
            gate.closed.send_replace(true);
        }
        quarantine
    }

    /// The gate of a digest.
    pub(crate) fn gate(&self, digest: Digest) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(gates.entry(digest).or_insert_with(|| Arc::new(Gate::new(digest))))
    }

    /// Closes the gate of a digest. Closing it again keeps its epoch.
    pub(crate) fn close(&self, digest: Digest) -> Closed {
        let gate = self.gate(digest);
        let mut epoch = 0;
        self.epoch.send_modify(|latest| {
            let next = latest.saturating_add(1);
            epoch = match gate.epoch.compare_exchange(0, next, SeqCst, SeqCst) {
                Ok(_) => {
                    *latest = next;
                    next
                }
                Err(earlier) => earlier,
            };
        });
        let in_flight = gate.in_flight.load(SeqCst);
        gate.closed.send_replace(true);
        Closed { epoch, in_flight, gate }
    }

    /// Opens the gate again. The epoch does not go back.
    pub(crate) fn open(&self, digest: Digest) -> bool {
        let gate = self.gate(digest);
        let was_closed = gate.epoch.swap(0, SeqCst) != 0;
        gate.closed.send_replace(false);
        was_closed
    }

    /// The epoch of the latest quarantine.
    pub(crate) fn epoch(&self) -> u64 {
        *self.epoch.borrow()
    }

    /// Tells of every new quarantine.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.epoch.subscribe()
    }

    /// The quarantined digests with their epochs.
    pub(crate) fn closed(&self) -> BTreeMap<Digest, u64> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let epochs = gates.iter().map(|(digest, gate)| (*digest, gate.epoch.load(SeqCst)));
        epochs.filter(|(_, epoch)| *epoch != 0).collect()
    }
}

impl Closed {
    /// Ends when the last request that was under way has left.
    pub(crate) async fn drained(&self) {
        self.gate.empty().await;
    }
}

/// Requests of one connection of whose answers hyper holds something the socket may not have taken yet.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Vec<Arc<InFlight>>>,
}

impl Outbox {
    /// A piece of an answer was handed to hyper. The request stays counted until the piece has left, however
    /// long its body lives.
    pub(crate) fn push(&self, guard: &Arc<InFlight>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if !waiting.last().is_some_and(|last| Arc::ptr_eq(last, guard)) {
            waiting.push(Arc::clone(guard));
        }
    }

    /// Everything that was handed to hyper has been written.
    pub(crate) fn flushed(&self) {
        let done = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        drop(done);
    }

    /// Whether an answer that waits is of a quarantined model.
    pub(crate) fn is_tainted(&self) -> bool {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.iter().any(|guard| guard.gate().is_closed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;
    use std::time::Duration;

    fn table() -> Quarantine {
        Quarantine::new(&BTreeMap::new())
    }

    #[test]
    fn a_closed_gate_lets_nobody_in() {
        let table = table();
        let gate = table.gate(Digest::of(b"m"));
        drop(gate.enter().expect("open"));
        assert_eq!(table.close(Digest::of(b"m")).epoch, 1);
        assert!(gate.enter().is_none());
        assert_eq!(table.close(Digest::of(b"m")).epoch, 1);
        assert_eq!(table.close(Digest::of(b"n")).epoch, 2);
        assert_eq!(gate.in_flight.load(SeqCst), 0);
        assert!(table.open(Digest::of(b"m")) && gate.enter().is_some());
        assert_eq!(table.close(Digest::of(b"m")).epoch, 3);
    }

    #[test]
    fn what_was_kept_stays_closed() {
        let table = Quarantine::new(&BTreeMap::from([(Digest::of(b"m"), 7)]));
        assert!(table.gate(Digest::of(b"m")).enter().is_none());
        assert_eq!(table.close(Digest::of(b"n")).epoch, 8);
        assert_eq!(table.closed().len(), 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn nobody_is_inside_after_draining() {
        for _ in 0..50 {
            let table = table();
            let gate = table.gate(Digest::of(b"m"));
            let acked = Arc::new(AtomicBool::new(false));
            let workers: Vec<_> = (0..8)
                .map(|_| {
                    let (gate, acked) = (Arc::clone(&gate), Arc::clone(&acked));
                    tokio::spawn(async move {
                        while let Some(_guard) = gate.enter() {
                            // Inside: the acknowledgement must not have been given.
                            assert!(!acked.load(SeqCst));
                            tokio::task::yield_now().await;
                            assert!(!acked.load(SeqCst));
                        }
                    })
                })
                .collect();
            tokio::time::sleep(Duration::from_millis(1)).await;
            let closed = table.close(Digest::of(b"m"));
            closed.drained().await;
            acked.store(true, SeqCst);
            for worker in workers {
                worker.await.expect("no request was inside after the acknowledgement");
            }
        }
    }
}
