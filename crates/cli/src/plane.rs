//! The gateway as the lifecycle sees it, its audit into the ledger, and what it observed: rows or conversations.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use proofhouse_core::{Digest, Timestamp};
use proofhouse_gateway::{
    ApiKey, AuditReceiver, AuditRecord, Chat, ChatLimits, ChatReceiver, Gateway, GatewayConfig,
    GatewayHandle, KeySecret, Limits, ObservedReceiver, Route, SystemClock, TokenBudget, Upstream,
};
use proofhouse_ledger::{Event, EventKind, MAX_LEAF_BYTES};
use proofhouse_lifecycle::{Assessment, DataPlane, Denial, House, Project, RunningInstance};
use proofhouse_policy::Policy;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::front::{self, Front};
use crate::traffic::Door;

/// Audit records in one ledger entry at most.
const RECORDS_PER_ENTRY: usize = 64;
/// Bytes of the records in one ledger entry: what a leaf holds, less what stands around them. One of tensors has
/// about 600 bytes, one of a conversation several thousand.
const BYTES_PER_ENTRY: usize = MAX_LEAF_BYTES - 4 * 1024;
/// How long the audit waits for a batch to fill.
const AUDIT_EVERY: Duration = Duration::from_millis(250);

/// A running gateway.
pub struct Plane {
    pub handle: GatewayHandle,
    pub name: String,
    pub statuses: Arc<Statuses>,
    pub observed: Option<ObservedReceiver>,
    pub chats: Option<ChatReceiver>,
    audit: JoinHandle<Result<u64, String>>,
}

/// What the audit has seen so far.
#[derive(Default)]
pub struct Statuses {
    counts: Mutex<BTreeMap<u16, u64>>,
    denied: Mutex<BTreeMap<Digest, (Timestamp, Instant)>>,
    answered_after: Mutex<BTreeMap<Digest, u64>>,
    spent: Mutex<BTreeMap<String, Spent>>,
}

/// What a client has had language models read and write.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spent {
    /// Its requests, refused ones too.
    pub requests: u64,
    /// Tokens that were charged.
    pub tokens: u64,
}

impl Statuses {
    fn count(&self, record: &AuditRecord) {
        *lock(&self.counts).entry(record.status).or_default() += 1;
        if let Some(key) = &record.key_id {
            let mut spent = lock(&self.spent);
            let of_key = spent.entry(key.clone()).or_default();
            of_key.requests += 1;
            of_key.tokens += record.chat.as_ref().map_or(0, |chat| chat.tokens_charged);
        }
        let Some(digest) = record.digest else { return };
        let answered = record.at.plus_ms(i64::try_from(record.latency_us / 1000).unwrap_or(i64::MAX));
        let after = lock(&self.denied).get(&digest).is_some_and(|(denied, _)| answered > *denied);
        if record.status == 200 && after {
            *lock(&self.answered_after).entry(digest).or_default() += 1;
        }
    }

    /// When the gateway acknowledged that it denies a digest.
    pub fn denied_at(&self, digest: &Digest) -> Option<Instant> {
        lock(&self.denied).get(digest).map(|(_, at)| *at)
    }

    /// What a client has spent, as far as the audit has come.
    pub fn spent(&self, client: &str) -> Spent {
        lock(&self.spent).get(client).copied().unwrap_or_default()
    }

    /// Requests by status of the answer.
    pub fn by_status(&self) -> BTreeMap<u16, u64> {
        lock(&self.counts).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A counter that another thread panicked over is still a counter.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A gateway's clients with the keys that were made for them.
pub struct Keys(BTreeMap<String, KeySecret>);

impl Keys {
    /// The key of a client.
    pub fn of(&self, client: &str) -> anyhow::Result<&KeySecret> {
        self.0.get(client).with_context(|| format!("the gateway has no client {client}"))
    }

    /// Every client with its key.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &KeySecret)> {
        self.0.iter()
    }
}

impl Plane {
    /// Starts a gateway for the instances of one model, as the system file describes it. Each client gets
    /// a new key; only its hash is kept.
    #[expect(clippy::too_many_arguments, reason = "each is another thing, and they are given once")]
    pub async fn start(
        house: &Arc<House>,
        project: &Project,
        assessment: &Assessment,
        policy: Arc<Policy>,
        environment: &str,
        instances: &[RunningInstance],
        recalled: BTreeSet<Digest>,
        listen: Option<std::net::SocketAddr>,
    ) -> anyhow::Result<(Self, Keys)> {
        let deployment =
            project.system.deployment.as_ref().context("the system file describes no deployment")?;
        let mut keys = Vec::new();
        let mut secrets = BTreeMap::new();
        for client in &deployment.gateway.clients {
            let rate =
                NonZeroU32::new(client.requests_per_second.get().ceil() as u32).unwrap_or(NonZeroU32::MIN);
            let burst = NonZeroU32::new(client.burst.get()).unwrap_or(NonZeroU32::MIN);
            let (key, secret) = ApiKey::generate(client.id.as_str(), client.role.as_str(), rate, burst)?;
            keys.push(match client.tokens.map(budget) {
                Some(budget) => key.with_budget(budget),
                None => key,
            });
            secrets.insert(client.id.to_string(), secret);
        }
        let described = &deployment.gateway.limits;
        let config = GatewayConfig {
            listen: listen.unwrap_or(deployment.gateway.listen),
            admin: Some(([127, 0, 0, 1], 0).into()),
            routes: route(project, assessment, environment, instances)?.into_iter().collect(),
            roles: deployment
                .gateway
                .roles
                .iter()
                .map(|r| (r.id.to_string(), r.models.iter().map(ToString::to_string).collect()))
                .collect(),
            keys,
            quarantined: recalled.into_iter().zip(1..).collect(),
            limits: Limits {
                body_bytes: u64::from(described.body_bytes.get()),
                chat_body_bytes: u64::from(described.body_bytes.get()),
                upstream_timeout: Duration::from_millis(u64::from(described.timeout_ms.get())),
                ..Limits::default()
            },
        };
        let started = Gateway::start(config, policy, Arc::new(SystemClock)).await?;
        let statuses = Arc::new(Statuses::default());
        let audit = tokio::spawn(record(Arc::clone(house), started.audit, Arc::clone(&statuses)));
        let name = format!("gateway {}", started.handle.address());
        let plane = Self {
            handle: started.handle,
            name,
            statuses,
            observed: Some(started.observed),
            chats: Some(started.chats),
            audit,
        };
        Ok((plane, Keys(secrets)))
    }

    /// Stops the gateway and returns once the last audit record is in the ledger; the number of entries.
    pub async fn shutdown(self) -> anyhow::Result<u64> {
        self.handle.shutdown(Duration::from_secs(1)).await;
        self.audit.await?.map_err(|reason| anyhow::anyhow!("the audit was not written: {reason}"))
    }
}

/// The way to the model, in the protocols that the system file gives it.
fn route(
    project: &Project,
    assessment: &Assessment,
    environment: &str,
    instances: &[RunningInstance],
) -> anyhow::Result<Option<Route>> {
    let Some(first) = instances.first() else { return Ok(None) };
    let model = project.model()?.id.to_string();
    let addresses = instances.iter().map(|i| i.addr).collect();
    let doors = Door::all(project)?.into_iter();
    let protocols: BTreeSet<_> = doors
        .filter_map(|door| match door {
            Door::Chat(protocol) => Some(protocol),
            Door::Infer => None,
        })
        .collect();
    if protocols.is_empty() {
        return Ok(Some(Route::tensors(model, first.digest, addresses)));
    }
    let described = project.system.deployment.as_ref().map(|d| d.gateway.limits.clone()).unwrap_or_default();
    let limits = ChatLimits {
        max_tokens: assessment.model.assistant()?.max_tokens.into(),
        answer_timeout: Duration::from_millis(u64::from(described.timeout_ms.get())),
        ..ChatLimits::default()
    };
    let chat = Chat {
        protocols,
        limits,
        on_finding: front::on_finding(project),
        environment: environment.to_owned(),
        ..Chat::new(Arc::new(Front::new(project, assessment)?))
    };
    Ok(Some(Route::chat(model, first.digest, Upstream::Instances(addresses), chat)))
}

fn budget(stated: proofhouse_system::TokenBudget) -> TokenBudget {
    let seconds = NonZeroU64::new(stated.seconds.get().ceil() as u64).unwrap_or(NonZeroU64::MIN);
    TokenBudget { tokens: stated.limit.get().into(), window_seconds: seconds }
}

impl DataPlane for Plane {
    async fn deny(&self, digest: &Digest) -> Result<Denial, String> {
        let ack = self.handle.quarantine(*digest).await;
        lock(&self.statuses.denied).insert(*digest, (ack.acked_at, Instant::now()));
        Ok(Denial {
            gateway: self.name.clone(),
            epoch: ack.epoch,
            cancelled: ack.in_flight_cancelled,
            acknowledged: ack.acked_at,
        })
    }

    fn answered_after_denial(&self, digest: &Digest) -> u64 {
        lock(&self.statuses.answered_after).get(digest).copied().unwrap_or(0)
    }
}

/// Stands in where no gateway runs: whoever holds the lock of a house knows that none does, and a gateway
/// that starts later reads the recall list first.
pub struct NoGateway {
    pub since: Timestamp,
}

impl DataPlane for NoGateway {
    async fn deny(&self, _: &Digest) -> Result<Denial, String> {
        Ok(Denial {
            gateway: "none runs in this house: its lock is held by this recall".to_owned(),
            epoch: 0,
            cancelled: 0,
            acknowledged: self.since,
        })
    }

    fn answered_after_denial(&self, _: &Digest) -> u64 {
        0
    }
}

/// Writes the audit into the ledger in batches until the gateway is gone. Records are counted as they come,
/// so that a recall sees what was answered without waiting for a batch to fill.
async fn record(house: Arc<House>, mut audit: AuditReceiver, statuses: Arc<Statuses>) -> Result<u64, String> {
    let mut entries = 0;
    let mut waiting: Vec<AuditRecord> = Vec::new();
    let mut written = Instant::now();
    loop {
        let received = tokio::time::timeout(AUDIT_EVERY, audit.batch(RECORDS_PER_ENTRY)).await;
        let ended = received.as_ref().is_ok_and(Vec::is_empty);
        for batch in received.into_iter() {
            batch.iter().for_each(|r| statuses.count(r));
            waiting.extend(batch);
        }
        let due = ended || written.elapsed() >= AUDIT_EVERY || waiting.len() >= RECORDS_PER_ENTRY * 8;
        if due && !waiting.is_empty() {
            entries += write(&house, &waiting).await?;
            waiting.clear();
            written = Instant::now();
        }
        if ended {
            return Ok(entries);
        }
    }
}

async fn write(house: &House, records: &[AuditRecord]) -> Result<u64, String> {
    let at = house.now();
    let events: Vec<Event> = packed(records).into_iter().map(|records| entry(records, at)).collect();
    house.append(&events).await.map_err(|e| e.to_string())?;
    Ok(events.len() as u64)
}

fn entry(records: &[AuditRecord], at: Timestamp) -> Event {
    Event {
        kind: EventKind::GatewayAudit,
        subject: records.iter().find_map(|r| r.digest),
        actor: "gateway".to_owned(),
        at,
        body: json!({"requests": records.len(), "records": records}),
    }
}

/// Records in the order they came, as many together as one entry takes.
fn packed(records: &[AuditRecord]) -> Vec<&[AuditRecord]> {
    let mut out = Vec::new();
    let (mut first, mut bytes) = (0, 0);
    for (n, record) in records.iter().enumerate() {
        // A comma follows. The ledger's own form differs in the order of members only.
        let size = serde_json::to_vec(record).map_or(BYTES_PER_ENTRY, |json| json.len() + 1);
        if n > first && (bytes + size > BYTES_PER_ENTRY || n - first >= RECORDS_PER_ENTRY) {
            out.extend(records.get(first..n));
            (first, bytes) = (n, 0);
        }
        bytes += size;
    }
    out.extend(records.get(first..).filter(|rest| !rest.is_empty()));
    out
}

#[cfg(test)]
mod tests {
    use proofhouse_gateway::{CallRecord, ChatRecord, SegmentRecord};

    use super::*;

    fn record(chat: Option<ChatRecord>) -> AuditRecord {
        AuditRecord {
            request_id: "r".repeat(32),
            at: Timestamp::from_unix_ms(1_790_000_000_000),
            key_id: Some("client".to_owned()),
            role: Some("client".to_owned()),
            model: Some("m".to_owned()),
            digest: Some(Digest::of(b"m")),
            operation: "chat".to_owned(),
            status: 200,
            code: "ok".to_owned(),
            policy_reasons: Vec::new(),
            policy: Some(Digest::of(b"p")),
            bytes_in: 1,
            bytes_out: 1,
            chat: chat.map(Box::new),
            latency_us: 1,
            body_commitment: Some(Digest::of(b"b")),
            body_salt: None,
        }
    }

    /// A record in which every list is as long as it gets, with names as long as they get.
    fn largest() -> AuditRecord {
        let name = "n".repeat(128);
        let rules: Vec<String> = (0..16).map(|n| format!("argument/source-{n:02}")).collect();
        let segment = SegmentRecord {
            index: 1,
            origin: format!("tool {name}"),
            trust: "untrusted".to_owned(),
            normal_form: Digest::of(b"n"),
            score_milli: 1000,
            verdict: "attack".to_owned(),
            alarms: rules.clone(),
        };
        let call = CallRecord {
            tool: name.clone(),
            decision: "needs-approval".to_owned(),
            rules: rules.clone(),
            approved_by: Some(name.clone()),
            call: Digest::of(b"c"),
        };
        record(Some(ChatRecord {
            suspicious: vec![segment; 8],
            calls: vec![call; 8],
            redactions: rules.iter().map(|rule| (rule.clone(), 1)).collect(),
            labels: (0..64).map(|n| (format!("tool-{n} untrusted"), 1)).collect(),
            reasons: rules,
            ..ChatRecord::default()
        }))
    }

    #[test]
    fn every_entry_fits_into_a_leaf_and_none_is_lost() {
        let at = Timestamp::from_unix_ms(1_790_000_000_000);
        let mixed: Vec<AuditRecord> =
            (0..200).map(|n| if n % 3 == 0 { largest() } else { record(None) }).collect();
        for records in [vec![], vec![largest()], vec![record(None); 130], vec![largest(); 130], mixed] {
            let entries = packed(&records);
            assert_eq!(entries.concat(), records);
            assert!(entries.iter().all(|part| !part.is_empty() && part.len() <= RECORDS_PER_ENTRY));
            for part in &entries {
                let (bytes, _) = entry(part, at).to_leaf(u64::MAX >> 16).unwrap();
                assert!(bytes.len() <= MAX_LEAF_BYTES);
            }
        }
        assert_eq!(packed(&vec![record(None); 130]).len(), 3, "small records are packed as before");
    }
}
