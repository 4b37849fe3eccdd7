//! From a directory to an engine, without ever reading a file twice.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use proofhouse_artifact::{LoadedTree, TreeOptions};
use proofhouse_attest::{KeyId, oms};
use proofhouse_core::{Digest, FilePath, Hasher};
use proofhouse_onnx::{Element, Engine, LoadOptions, OnnxError, load};

use crate::language::{self, Language};
use crate::{ServeConfig, ServeError};

/// A bundle lists every file of a model; one of 96 MiB lists more than a bundle may.
const MAX_BUNDLE_BYTES: u64 = 96 << 20;

/// A model whose bytes were verified and are the ones that answer.
pub struct ServedModel {
    /// What answers.
    pub(crate) engine: Loaded,
    digest: Digest,
    /// Nobody where there is no folder to sign.
    signer: Option<KeyId>,
}

/// What answers.
pub(crate) enum Loaded {
    /// A network, to rows of numbers.
    Onnx(Box<dyn Engine>),
    /// A language model, to conversations.
    Language(Box<Language>),
}

impl ServedModel {
    /// The stand-in by itself. It is a part of this program, so there are no bytes to verify; its digest is its
    /// name's and its version's.
    pub(crate) fn stand_in() -> Self {
        let mut hasher = Hasher::with_domain("proofhouse.stand-in/v1");
        hasher.field(env!("CARGO_PKG_VERSION").as_bytes());
        Self {
            engine: Loaded::Language(Box::new(Language::stand_in())),
            digest: hasher.finish(),
            signer: None,
        }
    }

    /// Reads, verifies and loads the model of `config`.
    pub fn load(config: &ServeConfig) -> Result<Self, ServeError> {
        let options = TreeOptions {
            max_bytes: config.limits.model_bytes,
            ignore: bundle_within(&config.model_dir, &config.bundle).into_iter().collect::<BTreeSet<_>>(),
            ..TreeOptions::default()
        };
        let tree = LoadedTree::load(&config.model_dir, &options)?;
        let bundle = read_bundle(&config.bundle)?;
        let verified = oms::verify(&bundle, tree.entries(), &config.trusted)?;
        if !verified.unsigned().is_empty() {
            let names: Vec<&str> = verified.unsigned().iter().map(FilePath::as_str).collect();
            return Err(ServeError::Unsigned(names.join(", ")));
        }
        if tree.digest() != config.expected_digest {
            return Err(ServeError::Digest { expected: config.expected_digest, found: tree.digest() });
        }
        let name = match &config.model_file {
            None if tree.get(language::FILE).is_some() => language::FILE.to_owned(),
            wanted => model_file(&tree, wanted.as_deref())?,
        };
        let engine = if name.ends_with(".json") {
            Loaded::Language(Box::new(Language::load(&name, |file| tree.get(file).map(|bytes| &**bytes))?))
        } else {
            Loaded::Onnx(network(&tree, name, config.limits.model_bytes)?)
        };
        Ok(Self { engine, digest: tree.digest(), signer: Some(verified.signer()) })
    }

    /// The digest of the bytes that answer.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// Who signed them; nobody signs the stand-in by itself.
    #[must_use]
    pub const fn signer(&self) -> Option<KeyId> {
        self.signer
    }
}

fn network(tree: &LoadedTree, name: String, max_bytes: u64) -> Result<Box<dyn Engine>, ServeError> {
    let bytes = tree.get(&name).ok_or(ServeError::NoSuchFile(name))?;
    // Loaded as it was assessed: with one thread and without rewriting, its answers are the same bits.
    let engine = load(bytes, &LoadOptions { max_bytes, ..LoadOptions::default() })?;
    if let Some(input) = engine.inputs().iter().find(|i| i.element != Element::Float32) {
        return Err(ServeError::Onnx(OnnxError::ElementType {
            tensor: input.name.clone(),
            found: format!("{:?}", input.element),
        }));
    }
    Ok(engine)
}

impl std::fmt::Debug for ServedModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServedModel").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// The bundle's path within the model directory, if it lies there.
fn bundle_within(model_dir: &Path, bundle: &Path) -> Option<FilePath> {
    let (dir, bundle) = (model_dir.canonicalize().ok()?, bundle.canonicalize().ok()?);
    bundle.strip_prefix(dir).ok()?.to_str()?.parse().ok()
}

fn read_bundle(path: &Path) -> Result<Vec<u8>, ServeError> {
    let refuse = |source| ServeError::Bundle { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(refuse)?.take(MAX_BUNDLE_BYTES + 1);
    file.read_to_end(&mut bytes).map_err(refuse)?;
    if bytes.len() as u64 > MAX_BUNDLE_BYTES {
        return Err(refuse(std::io::Error::other(format!("it has more than {MAX_BUNDLE_BYTES} bytes"))));
    }
    Ok(bytes)
}

fn model_file(tree: &LoadedTree, wanted: Option<&str>) -> Result<String, ServeError> {
    if let Some(wanted) = wanted {
        return Ok(wanted.to_owned());
    }
    let is_onnx = |path: &str| path.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("onnx"));
    let mut found: Vec<String> =
        tree.entries().iter().map(|e| e.path.as_str().to_owned()).filter(|p| is_onnx(p)).collect();
    match (found.pop(), found.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => {
            found.extend(last);
            Err(ServeError::WhichFile { found })
        }
    }
}
