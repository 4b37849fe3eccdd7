//! What a gateway is started with, and the snapshot that requests see.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use proofhouse_core::Digest;
use proofhouse_policy::Policy;

use crate::budget::Purse;
use crate::chat::{Chat, ChatConfigError};
use crate::endpoint::Endpoint;
use crate::key::ApiKey;
use crate::quarantine::{Gate, Quarantine};
use crate::upstream::Upstreams;

/// What a gateway is started with.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where clients connect; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Where `/metrics` and `/healthz` are served, if anywhere. Keep it on the loopback: it asks for no key.
    pub admin: Option<SocketAddr>,
    /// The models and where they run.
    pub routes: Vec<Route>,
    /// Roles with the models each may use; `*` for all.
    pub roles: BTreeMap<String, Vec<String>>,
    /// The keys.
    pub keys: Vec<ApiKey>,
    /// Digests that are quarantined from the start, with the epochs their acknowledgements named.
    pub quarantined: BTreeMap<Digest, u64>,
    /// Limits.
    pub limits: Limits,
}

impl Default for GatewayConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            admin: None,
            routes: Vec::new(),
            roles: BTreeMap::new(),
            keys: Vec::new(),
            quarantined: BTreeMap::new(),
            limits: Limits::default(),
        }
    }
}

/// A model name and what answers for it.
#[derive(Debug, Clone)]
pub struct Route {
    /// The name in the path `/v2/models/<name>/…`, or in the member `model` of a conversation.
    pub model: String,
    /// The digest every answer must prove. What cannot prove one is known by the digest of its description.
    pub digest: Digest,
    /// What answers. The only place an upstream address ever comes from.
    pub upstream: Upstream,
    /// What can be asked of it.
    pub serves: Serves,
}

impl Route {
    /// A model that takes tensors.
    #[must_use]
    pub fn tensors(model: impl Into<String>, digest: Digest, instances: Vec<SocketAddr>) -> Self {
        Self {
            model: model.into(),
            digest,
            upstream: Upstream::Instances(instances),
            serves: Serves::Tensors,
        }
    }

    /// A language model.
    #[must_use]
    pub fn chat(model: impl Into<String>, digest: Digest, upstream: Upstream, chat: Chat) -> Self {
        Self { model: model.into(), digest, upstream, serves: Serves::Chat(Arc::new(chat)) }
    }
}

/// What answers for a model.
#[derive(Debug, Clone)]
pub enum Upstream {
    /// Instances that prove the digest of what they serve with every answer.
    Instances(Vec<SocketAddr>),
    /// Somebody else's endpoint, which proves nothing: the digest is a name, and records say so.
    Endpoint(Endpoint),
}

/// What can be asked of a model.
#[derive(Debug, Clone)]
pub enum Serves {
    /// Open Inference Protocol V2.
    Tensors,
    /// Conversations, behind a guard.
    Chat(Arc<Chat>),
}

/// Limits on what clients and upstreams may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request head, with its request line.
    pub head_bytes: usize,
    /// Headers of a request.
    pub headers: usize,
    /// Bytes of a request body.
    pub body_bytes: u64,
    /// Bytes of a conversation, which says only in its body which model it is for.
    pub chat_body_bytes: u64,
    /// How deep a conversation's JSON is nested.
    pub chat_depth: usize,
    /// Values in a conversation's JSON.
    pub chat_values: usize,
    /// Bytes of an upstream's answer.
    pub response_bytes: u64,
    /// Time for a whole request head, also the time a connection may idle.
    pub head_timeout: Duration,
    /// Time for a whole request body.
    pub body_timeout: Duration,
    /// Time a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// Time for an upstream's whole answer.
    pub upstream_timeout: Duration,
    /// Connections at a time; more wait in the listen queue.
    pub connections: usize,
    /// Audit records that may wait. When they are full, requests are refused; none is ever dropped.
    pub audit_queue: usize,
    /// Observations that may wait. When they are full, observations are dropped and counted.
    pub observation_queue: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_bytes: 16 * 1024,
            headers: 100,
            body_bytes: 1024 * 1024,
            chat_body_bytes: 4 * 1024 * 1024,
            chat_depth: 32,
            chat_values: 100_000,
            response_bytes: 8 * 1024 * 1024,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(15),
            write_timeout: Duration::from_secs(15),
            upstream_timeout: Duration::from_secs(30),
            connections: 1024,
            audit_queue: 8192,
            observation_queue: 1024,
        }
    }
}

/// Routes or keys that contradict themselves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A model name that cannot stand in a path.
    #[error("model name {0:?} cannot stand in a path: use letters, digits, '.', '_', '~' and '-'")]
    ModelName(String),
    /// Two routes for one name.
    #[error("there are two routes for model {0:?}")]
    DuplicateModel(String),
    /// A route that leads nowhere.
    #[error("the route of model {0:?} has no upstream")]
    NoUpstream(String),
    /// What takes tensors proves its digest, and an endpoint cannot.
    #[error("model {0:?} takes tensors from instances, not from an endpoint")]
    TensorsFromEndpoint(String),
    /// Settings of a conversation that contradict themselves.
    #[error("the route of model {model:?}: {source}")]
    Chat {
        /// The model.
        model: String,
        /// What is wrong.
        source: ChatConfigError,
    },
    /// Two keys with one id or one secret.
    #[error("there are two keys with the id or the secret of {0:?}")]
    DuplicateKey(String),
    /// A key whose role nobody defined.
    #[error("key {key:?} has the role {role:?}, which is not defined")]
    UnknownRole {
        /// The key's id.
        key: String,
        /// Its role.
        role: String,
    },
}

/// What one request sees from its first to its last step.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub routes: HashMap<String, Arc<LiveRoute>>,
    pub keys: HashMap<Digest, Arc<LiveKey>>,
    pub roles: Arc<BTreeMap<String, Vec<String>>>,
    pub policy: Arc<Policy>,
}

/// A route with its gate and the health of its instances.
#[derive(Debug)]
pub(crate) struct LiveRoute {
    pub model: String,
    pub digest: Digest,
    pub gate: Arc<Gate>,
    pub upstreams: Upstreams,
    pub serves: Serves,
}

impl LiveRoute {
    /// The settings of a language model.
    pub(crate) fn chat(&self) -> Option<&Arc<Chat>> {
        match &self.serves {
            Serves::Tensors => None,
            Serves::Chat(chat) => Some(chat),
        }
    }
}

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// A key with its rate limiter and its budget.
#[derive(Debug)]
pub(crate) struct LiveKey {
    pub key: ApiKey,
    pub limiter: Limiter,
    pub purse: Option<Arc<Purse>>,
}

impl LiveKey {
    /// A budget that stays as it was keeps what was spent of it, whatever else about the key changes.
    fn new(key: ApiKey, before: Option<&Self>) -> Self {
        let quota = Quota::per_second(key.rate_per_second).allow_burst(key.burst);
        let spent = before.and_then(|old| old.purse.as_ref()).filter(|old| Some(old.budget()) == key.budget);
        let purse = spent.cloned().or_else(|| key.budget.map(|budget| Arc::new(Purse::new(budget))));
        Self { key, limiter: RateLimiter::direct_with_clock(quota, MonotonicClock), purse }
    }
}

pub(crate) fn live_routes(
    routes: Vec<Route>,
    quarantine: &Quarantine,
) -> Result<HashMap<String, Arc<LiveRoute>>, ConfigError> {
    let mut out = HashMap::with_capacity(routes.len());
    for route in routes {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        let dots = route.model == "." || route.model == "..";
        if route.model.is_empty() || route.model.len() > 128 || dots || !route.model.bytes().all(plain) {
            return Err(ConfigError::ModelName(route.model));
        }
        match (&route.upstream, &route.serves) {
            (Upstream::Instances(instances), _) if instances.is_empty() => {
                return Err(ConfigError::NoUpstream(route.model));
            }
            (Upstream::Endpoint(_), Serves::Tensors) => {
                return Err(ConfigError::TensorsFromEndpoint(route.model));
            }
            (_, Serves::Chat(chat)) => {
                chat.check().map_err(|source| ConfigError::Chat { model: route.model.clone(), source })?;
            }
            _ => {}
        }
        let live = LiveRoute {
            model: route.model.clone(),
            digest: route.digest,
            gate: quarantine.gate(route.digest),
            upstreams: Upstreams::new(route.upstream),
            serves: route.serves,
        };
        if out.insert(route.model.clone(), Arc::new(live)).is_some() {
            return Err(ConfigError::DuplicateModel(route.model));
        }
    }
    Ok(out)
}

/// Keys by hash. A key that stays as it was keeps its limiter, so that a reload is no way to a fresh burst.
pub(crate) fn live_keys(
    keys: Vec<ApiKey>,
    roles: &BTreeMap<String, Vec<String>>,
    before: &HashMap<Digest, Arc<LiveKey>>,
) -> Result<HashMap<Digest, Arc<LiveKey>>, ConfigError> {
    let mut out = HashMap::with_capacity(keys.len());
    let mut ids = std::collections::HashSet::new();
    for key in keys {
        if !roles.contains_key(&key.role) {
            return Err(ConfigError::UnknownRole { key: key.id, role: key.role });
        }
        let (hash, id) = (key.hash, key.id.clone());
        let live = match before.get(&hash) {
            Some(old) if old.key == key => Arc::clone(old),
            old => Arc::new(LiveKey::new(key, old.map(Arc::as_ref))),
        };
        if !ids.insert(id.clone()) || out.insert(hash, live).is_some() {
            return Err(ConfigError::DuplicateKey(id));
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    fn route(model: &str) -> Route {
        Route::tensors(model, Digest::of(b"m"), vec![([127, 0, 0, 1], 1).into()])
    }

    #[test]
    fn routes_are_checked_at_the_edge() {
        let table = Quarantine::new(&BTreeMap::new());
        for name in ["", "a/b", "a b", "..", "a%2f", "ä"] {
            let refused = live_routes(vec![route(name)], &table).err();
            assert_eq!(refused, Some(ConfigError::ModelName(name.to_owned())));
        }
        let twice = live_routes(vec![route("m"), route("m")], &table).err();
        assert_eq!(twice, Some(ConfigError::DuplicateModel("m".to_owned())));
        let nowhere = Route::tensors("m", Digest::of(b"m"), Vec::new());
        assert_eq!(live_routes(vec![nowhere], &table).err(), Some(ConfigError::NoUpstream("m".to_owned())));
    }

    #[test]
    fn a_reload_keeps_spent_budgets() {
        let one = NonZeroU32::MIN;
        let budget = crate::TokenBudget { tokens: 10, window_seconds: std::num::NonZeroU64::MAX };
        let (mut key, _) = ApiKey::generate("k", "teller", one, one).unwrap();
        key.budget = Some(budget);
        let roles = BTreeMap::from([("teller".to_owned(), vec!["*".to_owned()])]);
        let first = live_keys(vec![key.clone()], &roles, &HashMap::new()).unwrap();
        drop(first[&key.hash].purse.as_ref().unwrap().reserve(10, 0).unwrap());
        key.burst = NonZeroU32::new(7).unwrap();
        let second = live_keys(vec![key.clone()], &roles, &first).unwrap();
        assert!(second[&key.hash].purse.as_ref().unwrap().reserve(1, 0).is_err());
        key.budget = Some(crate::TokenBudget { tokens: 11, ..budget });
        let third = live_keys(vec![key.clone()], &roles, &second).unwrap();
        assert!(third[&key.hash].purse.as_ref().unwrap().reserve(1, 0).is_ok());
    }

    #[test]
    fn a_reload_keeps_spent_limits() {
        let one = NonZeroU32::MIN;
        let (key, _) = ApiKey::generate("k", "teller", one, one).unwrap();
        let roles = BTreeMap::from([("teller".to_owned(), vec!["*".to_owned()])]);
        let first = live_keys(vec![key.clone()], &roles, &HashMap::new()).unwrap();
        assert!(first[&key.hash].limiter.check().is_ok());
        let second = live_keys(vec![key.clone()], &roles, &first).unwrap();
        assert!(second[&key.hash].limiter.check().is_err());
        let orphan = live_keys(vec![key], &BTreeMap::new(), &first).err();
        assert!(matches!(orphan, Some(ConfigError::UnknownRole { .. })));
    }
}
