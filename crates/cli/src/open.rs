//! Opens projects and houses as the command line says.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use proofhouse_core::{Hasher, Timestamp};
use proofhouse_lifecycle::{House, HouseLock, HouseOptions, Project, Tool};
use proofhouse_policy::{Bundle, Policy};

use crate::args::ProjectArgs;
use crate::network::Network;

/// The system, and the home that its state lives in.
pub fn project(args: &ProjectArgs) -> anyhow::Result<(Project, PathBuf)> {
    let project = Project::load(&args.project)?;
    let home = args.home.home.clone().unwrap_or_else(|| project.dir.join(".proofhouse"));
    Ok((project, home))
}

/// How a house at `home` is opened by this program.
pub fn options(home: &Path) -> anyhow::Result<HouseOptions> {
    Ok(HouseOptions {
        home: home.to_path_buf(),
        ledger: std::env::var("PROOFHOUSE_LEDGER").ok().filter(|url| !url.is_empty()),
        tool: tool()?,
        clock: Arc::new(now),
        actor: actor(),
        endpoints: Some(Arc::new(Network::default())),
    })
}

/// Opens the house, making keys and ledger where there is neither.
pub async fn house(home: &Path) -> anyhow::Result<House> {
    Ok(House::open_or_create(options(home)?).await?)
}

/// Opens the house for this process alone, making keys and ledger where there is neither.
pub async fn house_alone(home: &Path) -> anyhow::Result<(House, HouseLock)> {
    House::keygen_where_none(home)?;
    let alone = House::lock(home)?;
    Ok((existing_house(home).await?, alone))
}

/// Opens a house that must be there.
pub async fn existing_house(home: &Path) -> anyhow::Result<House> {
    Ok(House::open(options(home)?).await?)
}

/// The policies in force: the shipped ones, overlaid by the folder in `PROOFHOUSE_POLICY`.
pub fn policy() -> anyhow::Result<Policy> {
    match std::env::var_os("PROOFHOUSE_POLICY") {
        Some(dir) if !dir.is_empty() => Bundle::load(Path::new(&dir))
            .map_err(anyhow::Error::from)
            .and_then(|bundle| Ok(Policy::compile(&bundle)?))
            .with_context(|| format!("cannot use the policies in {}", dir.to_string_lossy())),
        _ => Ok(Policy::compile(&Bundle::shipped())?),
    }
}

/// The clock of the machine.
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_unix_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// This program, known by the digest of its executable.
fn tool() -> anyhow::Result<Tool> {
    let path = std::env::current_exe().context("cannot find this program's own file")?;
    let mut hasher = Hasher::default();
    let bytes = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    hasher.update(&bytes);
    Ok(Tool {
        name: "proofhouse".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        build: hasher.finish(),
    })
}

/// Who acts, for the ledger: the user of this machine, as far as it says.
fn actor() -> String {
    let user = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_default();
    let plain: String = user.chars().filter(|c| !c.is_control()).take(100).collect();
    if plain.is_empty() {
        format!("uid {}", rustix::process::getuid().as_raw())
    } else {
        format!("user {plain}")
    }
}
