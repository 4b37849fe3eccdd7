//! The host agent as the lifecycle sees it.

use proofhouse_core::Digest;
use proofhouse_dialogue::assistant::Endpoint;
use proofhouse_lifecycle::{Fleet, Release, RunningInstance, Scope, Stopped};
use proofhouse_targets::{
    AgentConfig, HostAgent, InstanceSpec, Reach, StopHow, StopProof, processes_serving,
};

use std::path::{Path, PathBuf};
use std::time::Duration;

/// An instance serves this long without its agent.
pub const LEASE: Duration = Duration::from_secs(3);

/// Instances as processes of this machine.
pub struct HostFleet {
    agent: HostAgent,
    name: String,
    model_file: String,
    trusted_key: PathBuf,
}

impl HostFleet {
    /// A fleet that starts this very program.
    pub fn new(model_file: &str, trusted_key: PathBuf) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        Ok(Self {
            agent: HostAgent::new(AgentConfig { program, lease: LEASE }),
            name: format!("host-agent@{}", hostname()),
            model_file: model_file.to_owned(),
            // A sweep tells houses apart by this path; it must mean the same from any folder.
            trusted_key: std::path::absolute(trusted_key)?,
        })
    }
}

impl Fleet for HostFleet {
    fn name(&self) -> &str {
        &self.name
    }

    async fn start(&self, id: &str, release: &Release) -> Result<RunningInstance, String> {
        let stated = &release.statement;
        let argument = |flag: &str, value: String| [flag.to_owned(), value];
        let arguments = [
            argument("--model", release.model_dir().display().to_string()),
            argument("--file", self.model_file.clone()),
            argument("--signature", release.signature_file().display().to_string()),
            argument("--key", self.trusted_key.display().to_string()),
            argument("--name", stated.name.clone()),
            argument("--model-version", stated.version.clone()),
        ]
        .concat();
        let environment = environment(&release.model_dir().join(&self.model_file));
        let spec = InstanceSpec { id: id.to_owned(), digest: stated.model, arguments, environment };
        let instance = self.agent.start(&spec).await.map_err(|e| e.to_string())?;
        Ok(RunningInstance {
            id: instance.id,
            digest: instance.digest,
            pid: instance.pid,
            addr: instance.addr,
        })
    }

    fn serving(&self, digest: &Digest) -> Result<Option<Vec<String>>, String> {
        let sweep = processes_serving(digest).map_err(|e| e.to_string())?;
        let names = sweep.strays.into_iter().filter_map(|s| s.instance).collect();
        Ok((!sweep.is_partial).then_some(names))
    }

    async fn stop_all(&self, digest: &Digest, scope: &Scope) -> Result<Vec<Stopped>, String> {
        let reach = match scope {
            Scope::Everywhere => Reach::Machine,
            Scope::Environment(name) => {
                Reach::Environment { name: name.clone(), key: self.trusted_key.clone() }
            }
        };
        let proofs = self.agent.stop_all(digest, &reach).await.map_err(|e| e.to_string())?;
        Ok(proofs.into_iter().map(stopped).collect())
    }
}

/// The variables that an instance of this model needs: the key of the endpoint that it relays to. The file is
/// not verified yet; whatever it says, the instance shows a key to nobody before it has verified it.
fn environment(model_file: &Path) -> Vec<String> {
    let described = std::fs::read(model_file).unwrap_or_default();
    let endpoint = Endpoint::named_in(&described);
    // Without these a machine that keeps its certificates elsewhere reaches no endpoint.
    let certificates = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(str::to_owned);
    endpoint.map(|e| e.key_env.into_iter().chain(certificates).collect()).unwrap_or_default()
}

fn stopped(proof: StopProof) -> Stopped {
    Stopped {
        id: proof.id,
        pid: proof.pid,
        how: match proof.how {
            StopHow::Killed => "killed",
            StopHow::AlreadyEnded => "already-ended",
            StopHow::SweptAway => "swept-away",
        }
        .to_owned(),
        connection_refused: proof.connection_refused,
    }
}

/// The machine's name: an instance is where its process table is.
fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let plain: String =
        name.trim().chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
    if plain.is_empty() { "localhost".to_owned() } else { plain }
}
