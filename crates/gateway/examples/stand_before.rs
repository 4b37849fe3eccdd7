//! Stands a gateway before one instance, for `bench/run`: `stand_before ADDRESS MODEL DIGEST KEY_FILE`.
//!
//! Uses the shipped policy and one key without a rate that matters, which it writes to KEY_FILE; prints its address
//! and serves until its standard input ends. Records and observations are taken and thrown away, so what is
//! measured is the gateway and not the ledger behind it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::num::NonZeroU32;
use std::sync::Arc;

use proofhouse_gateway::{ApiKey, Gateway, GatewayConfig, Route, SystemClock};
use proofhouse_policy::{Bundle, Policy};

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command-line example")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, model, digest, key_file] = arguments.as_slice() else {
        return Err("usage: stand_before ADDRESS MODEL DIGEST KEY_FILE".into());
    };
    let plenty = NonZeroU32::new(1_000_000).ok_or("zero")?;
    let (key, secret) = ApiKey::generate("bench", "bench", plenty, plenty)?;
    std::fs::write(key_file, secret.expose())?;
    let config = GatewayConfig {
        routes: vec![Route::tensors(model, digest.parse()?, vec![address.parse()?])],
        roles: BTreeMap::from([("bench".to_owned(), vec![model.clone()])]),
        keys: vec![key],
        ..GatewayConfig::default()
    };
    let policy = Arc::new(Policy::compile(&Bundle::shipped())?);
    let mut started = Gateway::start(config, policy, Arc::new(SystemClock)).await?;
    println!("{}", started.handle.address());
    tokio::spawn(async move { while !started.audit.batch(1024).await.is_empty() {} });
    tokio::spawn(async move { while !started.observed.batch(1024).await.is_empty() {} });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
