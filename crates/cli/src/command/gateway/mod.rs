//! `gateway`: the guard in front of any endpoint that speaks a chat protocol, without a house around it.
//!
//! The same data plane as in a deployment: keys, limits, policy, guard, audit. What it cannot have is a digest
//! that is proven: an endpoint of somebody else is known by its address and its name for the model.

mod keys;
mod trail;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proofhouse_core::Hasher;
use proofhouse_dialogue::wire::Protocol;
use proofhouse_gateway::{
    Chat, Endpoint, Gateway, GatewayConfig, Layers, OnFinding, OnRefusal, Roots, Route, SystemClock,
    TokenBudget, Upstream, approval_header,
};
use proofhouse_guard::flow::ApprovalKey;
use proofhouse_serving::{Announcement, serve_stand_in};
use serde_json::json;

use crate::Exit;
use crate::args::{ApproveArgs, Format, GatewayArgs, Speaks};
use crate::guards::StatedGuard;
use crate::{open, signal, terminal};

/// Requests under way may take this long to finish when the gateway ends.
const GRACE: Duration = Duration::from_secs(5);

/// What the stand-in is called.
const STAND_IN: &str = "stand-in";

/// The role of every key here.
const ROLE: &str = "client";

pub async fn run(args: GatewayArgs) -> anyhow::Result<Exit> {
    let policy = Arc::new(open::policy()?);
    let guard = StatedGuard::read(args.guard.as_deref())?.make()?;
    let mut layers = Layers::new(guard);
    if let Some(file) = &args.approval_key {
        layers = layers.approving(keys::approval(file)?);
    }
    let stand_in = if args.stand_in { Some(serve_stand_in(STAND_IN).await?) } else { None };
    let models = models(&args)?;
    let behind = match (&args.upstream, &stand_in) {
        (Some(url), _) => Behind::Endpoint { endpoint: endpoint(url, &args)?, url: url.clone() },
        (None, Some(running)) => Behind::StandIn(running.announcement().clone()),
        (None, None) => anyhow::bail!("name an endpoint with --upstream, or try it with --stand-in"),
    };
    let mut chat = Chat::new(Arc::new(layers));
    chat.protocols = protocols(args.speaks);
    chat.on_refusal = if args.refuse_in_words { OnRefusal::Message } else { OnRefusal::Error };
    chat.on_finding = if args.watch { OnFinding::Watch } else { OnFinding::Refuse };
    chat.limits.max_tokens = args.max_tokens;
    let routes = models.iter().map(|(name, inner)| {
        let mut chat = chat.clone();
        chat.upstream_model = Some(inner.clone());
        match &behind {
            Behind::Endpoint { endpoint, url } => {
                Route::chat(name, identity(url, inner), Upstream::Endpoint(endpoint.clone()), chat)
            }
            Behind::StandIn(it) => {
                Route::chat(name, it.model_digest, Upstream::Instances(vec![it.addr]), chat)
            }
        }
    });
    let budget = args.token_budget.map(|tokens| TokenBudget { tokens, window_seconds: args.budget_window });
    let keys = keys::clients(args.keys.as_deref(), budget)?;
    let config = GatewayConfig {
        listen: args.listen,
        admin: Some(([127, 0, 0, 1], 0).into()),
        routes: routes.collect(),
        roles: BTreeMap::from([(ROLE.to_owned(), vec!["*".to_owned()])]),
        keys: keys.kept,
        ..GatewayConfig::default()
    };
    let started = Gateway::start(config, policy, Arc::new(SystemClock)).await?;
    let (mut observed, mut chats) = (started.observed, started.chats);
    tokio::spawn(async move { while !observed.batch(1024).await.is_empty() {} });
    tokio::spawn(async move { while !chats.batch(1024).await.is_empty() {} });
    let trail = tokio::spawn(trail::keep(started.audit, args.audit.clone()));
    announce(&args, &started.handle, &models, keys.issued.as_deref(), stand_in.is_some())?;
    if args.audit.is_none() {
        terminal::note("no --audit FILE: what happens to requests is written down nowhere");
    }
    tokio::select! {
        ended = signal::end() => ended?,
        // Nothing is served that is not recorded.
        ended = wait(trail) => ended?,
    }
    started.handle.shutdown(GRACE).await;
    if let Some(stand_in) = stand_in {
        stand_in.shutdown(GRACE).await?;
    }
    Ok(Exit::Clean)
}

/// What answers behind the gateway.
enum Behind {
    /// Somebody else's model.
    Endpoint { endpoint: Endpoint, url: String },
    /// The stand-in, which proves its digest as every instance of this house does.
    StandIn(Announcement),
}

/// The endpoint with the authorities it is believed by and the key from the environment.
fn endpoint(url: &str, args: &GatewayArgs) -> anyhow::Result<Endpoint> {
    let endpoint = match &args.upstream_ca {
        None => Endpoint::new(url)?,
        Some(file) => {
            let pem = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let roots = Roots::from_pem(&pem).with_context(|| file.display().to_string())?;
            Endpoint::trusting(url, roots)?
        }
    };
    let Some(variable) = &args.upstream_key_env else { return Ok(endpoint) };
    let key = std::env::var(variable)
        .with_context(|| format!("the environment has no {variable} with the key of the endpoint"))?;
    Ok(endpoint.with_key(key.trim())?)
}

/// Returns when the trail of records breaks; it ends by itself only after the gateway.
async fn wait(trail: tokio::task::JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
    trail.await?.context("requests cannot be recorded, so the gateway ends")
}

fn protocols(speaks: Speaks) -> BTreeSet<Protocol> {
    match speaks {
        Speaks::Openai => BTreeSet::from([Protocol::Openai]),
        Speaks::Anthropic => BTreeSet::from([Protocol::Anthropic]),
        Speaks::Both => BTreeSet::from([Protocol::Openai, Protocol::Anthropic]),
    }
}

/// Names for callers with the endpoint's names.
fn models(args: &GatewayArgs) -> anyhow::Result<BTreeMap<String, String>> {
    let mut models = BTreeMap::new();
    for text in &args.model {
        let (name, inner) = match text.split_once('=') {
            Some((_, inner)) if args.stand_in && inner != STAND_IN => {
                anyhow::bail!("--model {text}: the stand-in is called {STAND_IN} and nothing else")
            }
            Some(both) => both,
            None if args.stand_in => (text.as_str(), STAND_IN),
            None => (text.as_str(), text.as_str()),
        };
        if models.insert(name.to_owned(), inner.to_owned()).is_some() {
            anyhow::bail!("--model {name} is given twice");
        }
    }
    if models.is_empty() {
        if !args.stand_in {
            anyhow::bail!("name the models that may be used with --model NAME, as often as there are models");
        }
        models.insert(STAND_IN.to_owned(), STAND_IN.to_owned());
    }
    Ok(models)
}

/// What an endpoint's model is known by, as it proves nothing better.
fn identity(url: &str, model: &str) -> proofhouse_core::Digest {
    let mut hasher = Hasher::with_domain("proofhouse.endpoint-model/v1");
    hasher.field(url.as_bytes());
    hasher.field(model.as_bytes());
    hasher.finish()
}

fn announce(
    args: &GatewayArgs,
    handle: &proofhouse_gateway::GatewayHandle,
    models: &BTreeMap<String, String>,
    issued: Option<&str>,
    standin: bool,
) -> anyhow::Result<()> {
    let names: Vec<&String> = models.keys().collect();
    if args.format == Format::Json {
        return terminal::json(&json!({
            "gateway": handle.address(),
            "metrics": handle.admin_address(),
            "models": names,
            "key": issued,
            "stand_in": standin,
        }));
    }
    terminal::line(format!("gateway  http://{}/v1", handle.address()));
    if let Some(metrics) = handle.admin_address() {
        terminal::line(format!("metrics  http://{metrics}/metrics"));
    }
    names.iter().for_each(|name| terminal::line(format!("model    {name}")));
    if let Some(key) = issued {
        terminal::line(format!("key      {key}  (shown once)"));
    }
    if standin {
        terminal::note(
            "the model is a stand-in: no language model, but a program that obeys whoever speaks last",
        );
    }
    Ok(())
}

/// `approve`: one call, by name of a person, for a time.
pub fn approve(args: &ApproveArgs) -> anyhow::Result<Exit> {
    let key: ApprovalKey = keys::approval(&args.key)?;
    let seconds = NonZeroU64::get(args.seconds);
    let now = u64::try_from(open::now().unix_ms()).unwrap_or(0).saturating_mul(1_000_000);
    let expires = now.saturating_add(seconds.saturating_mul(1_000_000_000));
    terminal::line(approval_header(&key.approve(args.call, &args.by, expires)));
    Ok(Exit::Clean)
}
