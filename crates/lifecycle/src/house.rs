//! The house of one organisation on one machine: its keys, its ledger, its releases.
//!
//! ```text
//! HOME/keys/        signer.key signer.pub (P-256), ledger.key ledger.vkey (Ed25519)
//! HOME/ledger.db    unless the ledger lives on a Postgres server
//! HOME/releases/    one folder per release
//! HOME/certificates/
//! ```

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proofhouse_attest::{KeyId, SigningKey, TrustedKeys, keyfile};
use proofhouse_core::{Digest, Timestamp, canonical};
use proofhouse_ledger::{CheckpointKey, Event, EventKind, KeyName, Ledger, Receipt, VerifierKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::LifecycleError;
use crate::language::Endpoints;

/// The origin line of every ledger that this build writes.
pub const LEDGER_ORIGIN: &str = "proofhouse.dev/ledger";

/// Tells the time. The lifecycle has no clock of its own, so that a whole life can be replayed.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The program that does the work, as evidence names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Digest of its executable.
    pub build: Digest,
}

/// How a house is opened.
#[derive(Clone)]
pub struct HouseOptions {
    /// Where it stands.
    pub home: PathBuf,
    /// The ledger's address; absent for `HOME/ledger.db`.
    pub ledger: Option<String>,
    /// The program.
    pub tool: Tool,
    /// The time.
    pub clock: Clock,
    /// Who acts, for the ledger.
    pub actor: String,
    /// Who opens the endpoints that a model folder may name.
    pub endpoints: Option<Arc<dyn Endpoints>>,
}

/// An open house.
pub struct House {
    home: PathBuf,
    ledger: Ledger,
    verifier: VerifierKey,
    signer: SigningKey,
    trusted: TrustedKeys,
    tool: Tool,
    clock: Clock,
    actor: String,
    endpoints: Option<Arc<dyn Endpoints>>,
}

impl House {
    /// Creates the keys of a new house. Refuses to overwrite any, and to give a ledger keys that are not
    /// the ones it was written with.
    pub fn keygen(home: &Path) -> Result<Vec<PathBuf>, LifecycleError> {
        let keys = home.join("keys");
        // All are looked for before any is made: half a set of keys would be of no use.
        let files = ["signer.key", "signer.pub", "ledger.key", "ledger.vkey"].map(|name| keys.join(name));
        if let Some(there) = files.into_iter().find(|file| file.exists()) {
            return Err(LifecycleError::KeyExists(there));
        }
        if home.join("ledger.db").exists() {
            return Err(LifecycleError::KeysLost(home.to_path_buf()));
        }
        create_private_dir(home)?;
        create_private_dir(&keys)?;
        let files = keyfile::write_new(&keys, "signer", &SigningKey::generate()?)?;
        let ledger = CheckpointKey::generate(ledger_name()?)?;
        let (private, public) = (keys.join("ledger.key"), keys.join("ledger.vkey"));
        ledger.create(&private)?;
        ledger.verifier().write(&public)?;
        Ok(vec![files.private, files.public, private, public])
    }

    /// Creates the keys of a house that has none.
    pub fn keygen_where_none(home: &Path) -> Result<(), LifecycleError> {
        if !home.join("keys/signer.key").exists() {
            Self::keygen(home)?;
        }
        Ok(())
    }

    /// Opens a house. Where there is neither key nor ledger yet, both are made.
    pub async fn open_or_create(options: HouseOptions) -> Result<Self, LifecycleError> {
        Self::keygen_where_none(&options.home)?;
        Self::open(options).await
    }

    /// Opens a house that has its keys.
    pub async fn open(options: HouseOptions) -> Result<Self, LifecycleError> {
        let HouseOptions { home, ledger, tool, clock, actor, endpoints } = options;
        let keys = home.join("keys");
        if !keys.join("signer.key").exists() || !keys.join("ledger.key").exists() {
            if home.join("ledger.db").exists() {
                return Err(LifecycleError::KeysLost(home));
            }
            return Err(LifecycleError::NoKeys(keys));
        }
        let signer = keyfile::read_signing(&keys.join("signer.key"))?;
        let ledger_key = CheckpointKey::read(&keys.join("ledger.key"))?;
        let verifier = ledger_key.verifier().clone();
        let url = ledger.unwrap_or_else(|| ledger_url(&home));
        let ledger = Ledger::open(&url, LEDGER_ORIGIN, Some(ledger_key)).await?;
        let trusted = TrustedKeys::from(signer.verifying_key());
        Ok(Self { home, ledger, verifier, signer, trusted, tool, clock, actor, endpoints })
    }

    /// Takes the house at `home` for this process alone, until the guard is dropped. Runs and deployments do, before
    /// they open it: opening waits for whoever writes to the ledger. Readers need not.
    pub fn lock(home: &Path) -> Result<HouseLock, LifecycleError> {
        let keys = home.join("keys");
        if !keys.exists() {
            return Err(LifecycleError::NoKeys(keys));
        }
        let path = home.join("lock");
        let file =
            File::create(&path).map_err(|source| LifecycleError::Write { path: path.clone(), source })?;
        match file.try_lock() {
            Ok(()) => Ok(HouseLock { _file: file }),
            Err(fs::TryLockError::WouldBlock) => Err(LifecycleError::InUse(home.to_path_buf())),
            Err(fs::TryLockError::Error(source)) => Err(LifecycleError::Write { path, source }),
        }
    }

    /// Where the house stands.
    #[must_use]
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// The ledger.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The key that verifies the ledger's checkpoints.
    #[must_use]
    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// The key that signs evidence, decisions and models.
    #[must_use]
    pub(crate) fn signer(&self) -> &SigningKey {
        &self.signer
    }

    /// The id of that key.
    #[must_use]
    pub fn signer_id(&self) -> KeyId {
        self.signer.id()
    }

    /// The keys whose signatures count.
    #[must_use]
    pub fn trusted(&self) -> &TrustedKeys {
        &self.trusted
    }

    /// The public half of the signing key, for whoever verifies.
    #[must_use]
    pub fn public_key_file(&self) -> PathBuf {
        self.home.join("keys/signer.pub")
    }

    /// Who opens endpoints.
    #[must_use]
    pub(crate) fn endpoints(&self) -> Option<Arc<dyn Endpoints>> {
        self.endpoints.clone()
    }

    /// The program.
    #[must_use]
    pub fn tool(&self) -> &Tool {
        &self.tool
    }

    /// The digest evidence names the program by.
    pub fn tool_digest(&self) -> Result<Digest, LifecycleError> {
        Ok(canonical::digest(&self.tool)?)
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// An event of now, by whoever opened the house.
    pub fn event(
        &self,
        kind: EventKind,
        subject: Option<Digest>,
        body: &impl Serialize,
    ) -> Result<Event, LifecycleError> {
        let body = serde_json::to_value(body).map_err(proofhouse_core::canonical::CanonicalError::from)?;
        Ok(Event { kind, subject, actor: self.actor.clone(), at: self.now(), body })
    }

    /// Appends events, all or none.
    pub async fn append(&self, events: &[Event]) -> Result<Receipt, LifecycleError> {
        Ok(self.ledger.append(events).await?)
    }

    /// Keeps a document beside the ledger, by its digest.
    pub async fn keep(&self, document: &impl Serialize) -> Result<Digest, LifecycleError> {
        let bytes = canonical::to_vec(document)?;
        Ok(self.ledger.put_object(&bytes).await?)
    }

    /// A document kept earlier.
    pub async fn document<T: DeserializeOwned>(
        &self,
        digest: &Digest,
        what: &'static str,
    ) -> Result<T, LifecycleError> {
        let bytes = self.object(digest).await?;
        serde_json::from_slice(&bytes).map_err(|e| LifecycleError::Object {
            digest: *digest,
            what,
            reason: e.to_string(),
        })
    }

    /// The bytes of an object.
    pub async fn object(&self, digest: &Digest) -> Result<Vec<u8>, LifecycleError> {
        self.ledger.get_object(digest).await?.ok_or(LifecycleError::ObjectMissing(*digest))
    }
}

/// Holds a house for one process.
#[derive(Debug)]
pub struct HouseLock {
    // The lock ends when the file is closed, also when the process is killed.
    _file: File,
}

/// The address of a house's own ledger.
#[must_use]
pub fn ledger_url(home: &Path) -> String {
    format!("sqlite:{}", home.join("ledger.db").display())
}

fn ledger_name() -> Result<KeyName, LifecycleError> {
    LEDGER_ORIGIN.parse().map_err(|e| LifecycleError::Ledger(proofhouse_ledger::LedgerError::Note(e)))
}

/// A folder that only its owner may enter. One that is there already keeps its mode.
fn create_private_dir(path: &Path) -> Result<(), LifecycleError> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| LifecycleError::Write { path: path.to_path_buf(), source })
}
