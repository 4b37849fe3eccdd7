//! `serve`: one verified model, until its lease ends or it is told to stop.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use anyhow::Context as _;
use proofhouse_attest::{TrustedKeys, keyfile};
use proofhouse_serving::{LeaseEnd, ServeConfig, lease_end, serve};

use crate::Exit;
use crate::args::ServeArgs;
use crate::{signal, terminal};

const GRACE: Duration = Duration::from_secs(5);

pub async fn run(args: ServeArgs) -> anyhow::Result<Exit> {
    let trusted = TrustedKeys::from(keyfile::read_verifying(&args.key)?);
    let mut config = ServeConfig::new(args.model, args.signature, trusted, args.digest);
    config.model_file = args.file;
    config.name = args.name;
    config.version = args.model_version;
    config.instance = args.instance;
    config.listen = args.listen;
    let running = serve(config).await?;
    let announcement = serde_json::to_string(running.announcement())?;
    {
        // Whoever started this waits for the line; it must not stay in a buffer.
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "{announcement}")
            .and_then(|()| stdout.flush())
            .context("cannot announce the instance")?;
    }
    match args.lease_ms {
        Some(ms) => {
            let end = lease_end(standard_input()?, Duration::from_millis(ms)).await;
            terminal::note(match end {
                LeaseEnd::Lapsed => "the lease was not renewed in time; this instance stops",
                LeaseEnd::Closed => "the agent is gone; this instance stops",
            });
            // The lease is a promise: nothing is answered after it, not even what is in work.
            running.shutdown(Duration::ZERO).await?;
        }
        None => {
            signal::end().await?;
            running.shutdown(GRACE).await?;
        }
    }
    // A read of standard input cannot be cancelled and would keep the process alive.
    std::process::exit(0);
}

/// Standard input as the runtime reads it.
fn standard_input() -> anyhow::Result<tokio::fs::File> {
    let descriptor = std::io::stdin().as_fd().try_clone_to_owned().context("there is no standard input")?;
    Ok(tokio::fs::File::from_std(std::fs::File::from(descriptor)))
}
