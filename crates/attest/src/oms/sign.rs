//! Making a bundle. The same files, name and key give the same bytes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofhouse_core::{Digest, FileEntry, Hasher, TreeError, canonical, model_digest};

use super::{MAX_FILES, MODEL_DIGEST, belongs_to_git, wire};
use crate::{Error, STATEMENT_TYPE, SigningKey, dsse, intoto, predicate};

/// A signed model.
#[derive(Debug, Clone)]
pub struct Bundle {
    wire: wire::Bundle,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

impl Bundle {
    /// The bundle as canonical JSON, as it belongs into a `.sig` file.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        canonical::to_vec(&self.wire).map_err(|e| Error::Canonical(e.to_string()))
    }

    /// The statement that was signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The exact bytes the signature is over: the DSSE pre-authentication encoding of the payload.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        dsse::pae(intoto::PAYLOAD_TYPE, &self.payload)
    }

    /// The signature, DER.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Signs `files` as the model `name`.
///
/// Resources are listed in code-point order of their names, as the standard demands. What git keeps at the
/// top of the model is recorded as ignored, also as demanded, and still covered by the model digest.
pub fn sign(name: &str, files: &[FileEntry], key: &SigningKey) -> Result<Bundle, Error> {
    if files.len() > MAX_FILES {
        return Err(Error::Limit { what: "the number of files", limit: MAX_FILES });
    }
    if name.is_empty() || name.chars().any(|c| c == '/' || c.is_control()) {
        return Err(Error::Oms(format!("{name:?} cannot name a model: it is empty or not a plain name")));
    }
    let model = model_digest(files).map_err(|e| match e {
        TreeError::Empty => Error::EmptyModel,
        TreeError::Duplicate(path) => Error::Oms(format!("two files are called {path}")),
    })?;
    let mut signed: Vec<&FileEntry> = files.iter().filter(|f| !belongs_to_git(&f.path)).collect();
    if signed.is_empty() {
        return Err(Error::EmptyModel);
    }
    signed.sort_by(|a, b| a.path.cmp(&b.path));
    let statement = wire::Statement {
        statement_type: STATEMENT_TYPE.to_owned(),
        subject: vec![wire::Subject {
            name: name.to_owned(),
            digest: BTreeMap::from([
                ("sha256".to_owned(), root(signed.iter().map(|f| &f.content)).to_hex()),
                (MODEL_DIGEST.to_owned(), model.to_hex()),
            ]),
        }],
        predicate_type: predicate::MODEL_SIGNATURE.to_owned(),
        predicate: wire::Predicate {
            serialization: wire::Serialization {
                method: "files".to_owned(),
                hash_type: "sha256".to_owned(),
                allow_symlinks: false,
                shard_size: None,
                ignore_paths: ignored(files),
            },
            resources: signed.iter().map(|f| resource(f)).collect(),
        },
    };
    let payload = canonical::to_vec(&statement).map_err(|e| Error::Canonical(e.to_string()))?;
    if payload.len() > super::verify::PAYLOAD.bytes {
        return Err(Error::Limit { what: "the list of files in bytes", limit: super::verify::PAYLOAD.bytes });
    }
    let signature = key.sign(&dsse::pae(intoto::PAYLOAD_TYPE, &payload))?;
    let wire = wire::Bundle {
        media_type: wire::MEDIA_TYPE.to_owned(),
        verification_material: wire::VerificationMaterial {
            public_key: Some(wire::PublicKey { hint: key.id().to_string() }),
            ..wire::VerificationMaterial::default()
        },
        dsse_envelope: wire::Envelope {
            payload: STANDARD.encode(&payload),
            payload_type: intoto::PAYLOAD_TYPE.to_owned(),
            // The hint names the key; the reference implementation leaves this empty as well.
            signatures: vec![wire::Signature { keyid: String::new(), sig: STANDARD.encode(&signature) }],
        },
    };
    Ok(Bundle { wire, payload, signature })
}

/// The standard's subject digest: SHA-256 over raw digests in list order.
pub(super) fn root<'a>(digests: impl Iterator<Item = &'a Digest>) -> Digest {
    let mut hasher = Hasher::default();
    digests.for_each(|digest| hasher.update(digest.as_bytes()));
    hasher.finish()
}

/// The names of git that occur, so that a verifier knows they were left out on purpose.
fn ignored(files: &[FileEntry]) -> Vec<String> {
    let occurs = |name: &str| files.iter().any(|f| f.path.as_str().split('/').next() == Some(name));
    super::GIT_NAMES.iter().filter(|name| occurs(name)).map(ToString::to_string).collect()
}

fn resource(file: &FileEntry) -> wire::Resource {
    wire::Resource {
        algorithm: "sha256".to_owned(),
        digest: file.content.to_hex(),
        name: file.path.as_str().to_owned(),
    }
}
