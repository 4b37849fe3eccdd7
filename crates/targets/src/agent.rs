//! The host agent: instances as child processes under a lease.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use proofhouse_core::Digest;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::sweep::is_still;
use crate::{Reach, Stray, TargetError, probe, processes_serving};

/// The line that renews an instance's lease.
pub const LEASE_RENEWAL: &[u8] = b"renew\n";

const ANNOUNCEMENT_WITHIN: Duration = Duration::from_secs(20);
const CHALLENGE_WITHIN: Duration = Duration::from_secs(5);
const STOP_WITHIN: Duration = Duration::from_secs(5);
const REASON_LIMIT: u64 = 8 * 1024;

/// How an agent runs its instances.
#[derive(Debug, Clone)]
pub struct AgentConfig {
    /// The `proofhouse` program.
    pub program: PathBuf,
    /// How long an instance serves without a renewal.
    pub lease: Duration,
}

/// What is to run.
#[derive(Debug, Clone)]
pub struct InstanceSpec {
    /// Name, unique on this agent.
    pub id: String,
    /// The digest it must prove.
    pub digest: Digest,
    /// Further arguments of `proofhouse serve`: where model, signature and trusted key lie.
    pub arguments: Vec<String>,
    /// Environment variables of the agent that the instance gets too, by name; it gets no others.
    pub environment: Vec<String>,
}

/// A running instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name.
    pub id: String,
    /// The digest it proved by answering a challenge after it had started.
    pub digest: Digest,
    /// Its process id.
    pub pid: u32,
    /// Where it serves.
    pub addr: SocketAddr,
}

/// How an instance came to stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopHow {
    /// The process was killed and collected.
    Killed,
    /// It had already ended.
    AlreadyEnded,
    /// It was not started here; it was killed and is gone from the process table.
    SweptAway,
}

/// Evidence that an instance no longer serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopProof {
    /// Which instance.
    pub id: String,
    /// Its process id.
    pub pid: u32,
    /// How it stopped.
    pub how: StopHow,
    /// Its address refused a connection afterwards; absent when the address was never known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_refused: Option<bool>,
}

/// Runs instances on this machine.
pub struct HostAgent {
    config: AgentConfig,
    running: Mutex<BTreeMap<String, Running>>,
}

struct Running {
    instance: Instance,
    child: Child,
    renewal: JoinHandle<()>,
}

#[derive(Deserialize)]
struct Announcement {
    addr: SocketAddr,
    model_digest: Digest,
}

impl HostAgent {
    /// An agent without instances.
    #[must_use]
    pub fn new(config: AgentConfig) -> Self {
        Self { config, running: Mutex::default() }
    }

    /// Starts an instance and returns once it has proven its digest in answer to a challenge. On any
    /// error nothing is left running.
    pub async fn start(&self, spec: &InstanceSpec) -> Result<Instance, TargetError> {
        let mut child = self.spawn(spec)?;
        let result = self.introduce(spec, &mut child).await;
        match result {
            Ok((instance, stdin)) => {
                let renewal = tokio::spawn(renew(stdin, self.config.lease / 3));
                let entry = Running { instance: instance.clone(), child, renewal };
                if let Some(old) = self.running.lock().await.insert(spec.id.clone(), entry) {
                    end(old).await?;
                }
                Ok(instance)
            }
            Err(error) => {
                // The child is also killed on drop; waiting for it here leaves no zombie behind.
                let _ = child.kill().await;
                Err(error)
            }
        }
    }

    fn spawn(&self, spec: &InstanceSpec) -> Result<Child, TargetError> {
        Command::new(&self.config.program)
            .arg("serve")
            .args(["--instance", &spec.id])
            .args(["--digest", &spec.digest.to_string()])
            .args(["--lease-ms", &self.config.lease.as_millis().to_string()])
            .args(&spec.arguments)
            // Least privilege: an instance needs nothing of its agent's environment but what its model calls
            // for by name, and secrets often live there.
            .env_clear()
            .envs(spec.environment.iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| TargetError::Spawn { program: self.config.program.clone(), source })
    }

    async fn introduce(
        &self,
        spec: &InstanceSpec,
        child: &mut Child,
    ) -> Result<(Instance, ChildStdin), TargetError> {
        let instance = || spec.id.clone();
        let refused = |reason: &str| TargetError::Refused { instance: instance(), reason: reason.to_owned() };
        let (Some(stdin), Some(stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(refused("its standard streams are missing"));
        };
        let mut line = String::new();
        let mut lines = BufReader::new(stdout.take(REASON_LIMIT));
        match timeout(ANNOUNCEMENT_WITHIN, lines.read_line(&mut line)).await {
            Err(_) => return Err(TargetError::Silent { instance: instance(), within: ANNOUNCEMENT_WITHIN }),
            Ok(Err(e)) => return Err(refused(&e.to_string())),
            Ok(Ok(0)) => {
                let mut reason = String::new();
                let _ =
                    timeout(STOP_WITHIN, (&mut stderr).take(REASON_LIMIT).read_to_string(&mut reason)).await;
                return Err(refused(reason.trim()));
            }
            Ok(Ok(_)) => {}
        }
        let announced: Announcement = serde_json::from_str(&line).map_err(|e| TargetError::Announcement {
            instance: instance(),
            line: line.trim().chars().take(200).collect(),
            reason: e.to_string(),
        })?;
        // An instance writes little after its announcement; what it does write must not fill the pipe
        // and block it.
        tokio::spawn(async move { tokio::io::copy(&mut lines, &mut tokio::io::sink()).await });
        tokio::spawn(async move { tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await });
        let proven = probe::proven_digest(announced.addr, CHALLENGE_WITHIN)
            .await
            .map_err(|reason| TargetError::Challenge { instance: instance(), reason })?;
        if proven != spec.digest || announced.model_digest != spec.digest {
            return Err(TargetError::WrongDigest { instance: instance(), expected: spec.digest, proven });
        }
        let pid = child.id().ok_or_else(|| refused("it ended right after it had answered"))?;
        Ok((Instance { id: instance(), digest: proven, pid, addr: announced.addr }, stdin))
    }

    /// The instances that this agent runs, in order of their names.
    pub async fn instances(&self) -> Vec<Instance> {
        self.running.lock().await.values().map(|r| r.instance.clone()).collect()
    }

    /// Stops one instance now, without grace: whoever asks has already cut off its traffic, and a grace
    /// period would keep it serving.
    pub async fn stop(&self, id: &str) -> Result<StopProof, TargetError> {
        let running = self.running.lock().await.remove(id);
        end(running.ok_or_else(|| TargetError::NoSuchInstance(id.to_owned()))?).await
    }

    /// Stops every instance of `digest` within `reach` that this agent runs, then every other process
    /// within it that serves the digest. Returns the proof for each; an empty answer means that a sweep
    /// found nothing.
    pub async fn stop_all(&self, digest: &Digest, reach: &Reach) -> Result<Vec<StopProof>, TargetError> {
        let ids: Vec<String> = self
            .instances()
            .await
            .into_iter()
            .filter(|i| i.digest == *digest && reach.names(&i.id))
            .map(|i| i.id)
            .collect();
        let mut proofs = Vec::new();
        for id in ids {
            proofs.push(self.stop(&id).await?);
        }
        let sweep = processes_serving(digest)?;
        for stray in sweep.strays.into_iter().filter(|s| reach.includes(s)) {
            proofs.push(kill_stray(stray, digest).await?);
        }
        // An environment's instances run as the user of its house, and those are always seen.
        if sweep.is_partial && *reach == Reach::Machine {
            return Err(TargetError::Hidden(*digest));
        }
        Ok(proofs)
    }
}

/// Renews the lease until the instance no longer listens.
async fn renew(mut stdin: ChildStdin, every: Duration) {
    while stdin.write_all(LEASE_RENEWAL).await.is_ok() && stdin.flush().await.is_ok() {
        sleep(every).await;
    }
}

async fn end(mut running: Running) -> Result<StopProof, TargetError> {
    running.renewal.abort();
    let Instance { id, pid, addr, .. } = running.instance;
    let failed = |source| TargetError::Stop { pid, source };
    let how = match running.child.try_wait().map_err(failed)? {
        Some(_) => StopHow::AlreadyEnded,
        None => {
            running.child.start_kill().map_err(failed)?;
            timeout(STOP_WITHIN, running.child.wait())
                .await
                .map_err(|_| failed(std::io::Error::other("it did not end after SIGKILL")))?
                .map_err(failed)?;
            StopHow::Killed
        }
    };
    let connection_refused = Some(!probe::accepts_connections(addr).await);
    Ok(StopProof { id, pid, how, connection_refused })
}

async fn kill_stray(stray: Stray, digest: &Digest) -> Result<StopProof, TargetError> {
    let failed = |source: std::io::Error| TargetError::Stop { pid: stray.pid, source };
    let pid = i32::try_from(stray.pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| failed(std::io::Error::other("not a process id")))?;
    // It may have ended by itself since the sweep, and its number may belong to another process by now: the
    // descriptor pins the process, and only then are its arguments looked at again.
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(process) if is_still(&stray, digest) => match pidfd_send_signal(process, Signal::KILL) {
            Ok(()) | Err(Errno::SRCH) => {}
            Err(e) => return Err(failed(e.into())),
        },
        Ok(_) | Err(Errno::SRCH) => {}
        Err(e) => return Err(failed(e.into())),
    }
    let gone = async {
        while is_still(&stray, digest) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(STOP_WITHIN, gone)
        .await
        .map_err(|_| failed(std::io::Error::other("it did not end after SIGKILL")))?;
    Ok(StopProof {
        id: stray.instance.unwrap_or_else(|| format!("unnamed process {}", stray.pid)),
        pid: stray.pid,
        how: StopHow::SweptAway,
        connection_refused: None,
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// A program that behaves as `script` says, in place of `proofhouse`.
    fn agent(dir: &tempfile::TempDir, script: &str) -> HostAgent {
        let program = dir.path().join("fake");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        HostAgent::new(AgentConfig { program, lease: Duration::from_secs(3) })
    }

    fn spec() -> InstanceSpec {
        InstanceSpec { id: "a".into(), digest: Digest::of(b"model"), arguments: vec![], environment: vec![] }
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let agent = HostAgent::new(AgentConfig {
            program: "/nonexistent/proofhouse".into(),
            lease: Duration::from_secs(1),
        });
        let error = agent.start(&spec()).await.unwrap_err();
        assert!(error.to_string().contains("/nonexistent/proofhouse"), "{error}");
    }

    #[tokio::test]
    async fn a_refusal_carries_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let agent = agent(&dir, "echo 'digest differs' >&2; exit 1");
        let error = agent.start(&spec()).await.unwrap_err();
        assert!(
            matches!(&error, TargetError::Refused { reason, .. } if reason == "digest differs"),
            "{error}"
        );
        assert!(agent.instances().await.is_empty());
    }

    #[tokio::test]
    async fn an_instance_gets_the_variables_it_was_promised_and_no_others() {
        let dir = tempfile::tempdir().unwrap();
        // Which variables there are differs from machine to machine; a test runner has these two.
        let agent = agent(&dir, "echo \"${CARGO_MANIFEST_DIR:+given} ${CARGO_PKG_NAME:+given}\" >&2; exit 1");
        let spec = InstanceSpec { environment: vec!["CARGO_PKG_NAME".into(), "NO_SUCH".into()], ..spec() };
        let error = agent.start(&spec).await.unwrap_err();
        assert!(matches!(&error, TargetError::Refused { reason, .. } if reason == "given"), "{error}");
    }

    #[tokio::test]
    async fn nonsense_is_not_an_announcement() {
        let dir = tempfile::tempdir().unwrap();
        let error = agent(&dir, "echo hello; sleep 60").start(&spec()).await.unwrap_err();
        assert!(matches!(error, TargetError::Announcement { .. }), "{error}");
    }

    #[tokio::test]
    async fn an_announcement_without_an_answer_to_the_challenge_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let digest = spec().digest;
        // Port 9 on loopback: nothing listens there.
        let script = format!("echo '{{\"addr\":\"127.0.0.1:9\",\"model_digest\":\"{digest}\"}}'; sleep 60");
        let error = agent(&dir, &script).start(&spec()).await.unwrap_err();
        assert!(matches!(error, TargetError::Challenge { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_sweep_kills_what_another_agent_started() {
        let dir = tempfile::tempdir().unwrap();
        let agent = agent(&dir, "exec sleep 60");
        let digest = Digest::of(dir.path().as_os_str().as_encoded_bytes());
        // A shell that waits for input: it does not mind these arguments and starts no other process.
        let mut stray = Command::new("/bin/sh")
            .args(["-c", "read line", "serve", "serve", "--digest", &digest.to_string()])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let _open = stray.stdin.take();
        let pid = stray.id().unwrap();
        let waiting = tokio::spawn(async move { stray.wait().await });
        let elsewhere = Reach::Environment { name: "rehearsal-1".into(), key: "/nonexistent".into() };
        assert!(agent.stop_all(&digest, &elsewhere).await.unwrap().is_empty());
        let proofs = agent.stop_all(&digest, &Reach::Machine).await.unwrap();
        assert_eq!(proofs.len(), 1);
        assert_eq!((proofs[0].pid, &proofs[0].how), (pid, &StopHow::SweptAway));
        assert!(!waiting.await.unwrap().unwrap().success());
        assert!(agent.stop_all(&digest, &Reach::Machine).await.unwrap().is_empty());
    }
}
