//! A command that serves a model, started in a sandbox.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use proofhouse_endpoint::RowTemplate;
use proofhouse_sandbox::{Measure, Network, Policy, Sandbox};

use crate::args::remote::RemoteArgs;
use crate::terminal;

/// A command that runs in a sandbox.
pub struct Served {
    pub sandbox: Sandbox,
    /// The address of its model, as it is seen inside.
    pub url: String,
}

impl Served {
    pub fn start(args: &RemoteArgs, command: &str) -> anyhow::Result<Self> {
        let (network, url) = if args.serve_stdio { (Network::None, String::new()) } else { address(args)? };
        let folder = std::env::current_dir().context("there is no current folder")?;
        let mut policy = Policy::new(command, &folder, network);
        policy.memory = args.serve_memory.saturating_mul(1 << 20);
        policy.processes = args.serve_processes;
        policy.time = Duration::from_secs(args.serve_time);
        policy.cpu = policy.time;
        policy.readable = args.readable.iter().map(|path| existing(path)).collect::<anyhow::Result<_>>()?;
        for name in &args.serve_env {
            let value =
                std::env::var(name).with_context(|| format!("the environment variable {name} is not set"))?;
            policy.environment.insert(name.clone(), value);
        }
        let launcher = std::env::current_exe().context("where this program lies is not known")?;
        let sandbox = Sandbox::start(&policy, &launcher)?;
        let lacking = sandbox.measures().lacking();
        if !lacking.is_empty() {
            let each = lacking.iter().map(|(measure, because)| format!("{measure}: {because}"));
            let each = each.collect::<Vec<_>>().join("; ");
            if !args.accept_weak_sandbox {
                bail!(
                    "this machine cannot keep the command in check ({each}); it was ended. Run it where it can, start the \
                     server yourself and give its --endpoint, or take the risk with --accept-weak-sandbox"
                );
            }
            terminal::note(format!("the command is not kept in check: {each}"));
        }
        Ok(Self { sandbox, url })
    }

    /// How it ended and what it said last; nothing while it runs.
    pub fn end(&self) -> Option<String> {
        let end = self.sandbox.ended()?;
        Some(format!("the command is gone: {end}{}", self.words()))
    }

    /// What it said last.
    pub fn words(&self) -> String {
        let words = self.sandbox.last_words();
        let last: Vec<&str> = words.lines().rev().take(3).collect();
        let last: Vec<&str> = last.into_iter().rev().collect();
        if last.is_empty() { String::new() } else { format!(". It wrote: {}", last.join(" / ")) }
    }

    /// What to look at where it does not start to answer.
    pub fn hint(&self) -> String {
        let files = self.sandbox.measures().of(Measure::Files).holds();
        let read = if files { " What it may read is listed under --readable." } else { "" };
        format!("it has to listen on port $PORT of localhost and answer {}.{read}", self.url)
    }
}

fn existing(path: &std::path::Path) -> anyhow::Result<PathBuf> {
    path.canonicalize().with_context(|| format!("--readable {}", path.display()))
}

/// The port on which the command is to listen, and the address of its model.
fn address(args: &RemoteArgs) -> anyhow::Result<(Network, String)> {
    let url = match (&args.endpoint, &args.template) {
        (Some(url), _) => url.clone(),
        (None, Some(file)) => {
            let at = || format!("template {}", file.display());
            RowTemplate::address(&std::fs::read(file).with_context(at)?).with_context(at)?
        }
        (None, None) => {
            // In a sandbox with a network of its own any port is free; where there is none, this one is.
            let free =
                std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
            let port = free.map_or(8080, |address| address.port());
            format!("http://127.0.0.1:{port}/v2/models/model")
        }
    };
    let uri: hyper::Uri = url.parse().with_context(|| format!("{url} is no URL"))?;
    let near = matches!(uri.scheme_str(), Some("http" | "grpc")) && proofhouse_endpoint::is_near(&uri);
    let port = uri.port_u16().filter(|port| *port > 0);
    match port {
        Some(port) if near => Ok((Network::Port(port), url)),
        _ => bail!(
            "with --serve the address is one of its own loopback, such as http://127.0.0.1:8080/…, not {url}"
        ),
    }
}
