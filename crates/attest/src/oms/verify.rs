//! Checking a bundle against the files at hand.

use std::collections::{BTreeMap, BTreeSet};

use proofhouse_core::{Digest, FileEntry, FilePath, TreeError, model_digest};

use super::sign::root;
use super::{FileDifference, GIT_NAMES, MAX_FILES, MODEL_DIGEST, VerifiedModel, belongs_to_git, wire};
use crate::{Error, KeyId, STATEMENT_TYPE, TrustedKeys, VerifyingKey, dsse, intoto, json, predicate};

/// Bounds on a bundle: the payload below, in base64, and a kilobyte around it.
const BUNDLE: json::Limits = json::Limits { bytes: 96 * 1024 * 1024, values: 10_000 };
/// Bounds on a statement: [`MAX_FILES`] entries of four values each, and room for further members.
pub(super) const PAYLOAD: json::Limits = json::Limits { bytes: 64 * 1024 * 1024, values: 8 * MAX_FILES };

/// Checks that a trusted key signed exactly `files`.
///
/// `files` must be all files of the model, hashed by the caller: what is not listed is not verified. The
/// signature is checked before the statement is read. If files differ, [`Error::Files`] names every one.
pub fn verify(bundle: &[u8], files: &[FileEntry], trusted: &TrustedKeys) -> Result<VerifiedModel, Error> {
    let found = model_digest(files).map_err(|e| match e {
        TreeError::Empty => Error::EmptyModel,
        TreeError::Duplicate(path) => Error::Oms(format!("two files at hand are called {path}")),
    })?;
    let (payload, signer) = authenticate(bundle, trusted)?;
    let statement: wire::Statement = json::from_slice(&payload, "model signing statement", PAYLOAD)?;
    let subject = the_subject(&statement)?;
    let signed = resources(&statement.predicate, files)?;
    let ignores = ignored(&statement.predicate.serialization)?;

    let listed_root = root(signed.in_order.iter());
    if signed_digest(subject, "sha256")? != Some(listed_root) {
        return Err(broken("the subject's sha256 is not the root digest of the resources"));
    }
    let differences = differences(&signed.by_name, files, &ignores);
    if !differences.is_empty() {
        return Err(Error::Files(differences));
    }
    let signed_model = signed_digest(subject, MODEL_DIGEST)?;
    if let Some(signed) = signed_model.filter(|signed| *signed != found) {
        return Err(Error::ModelDigest { signed, found });
    }
    let unsigned = match signed_model {
        Some(_) => Vec::new(),
        None => {
            let paths = files.iter().map(|f| &f.path);
            paths.filter(|path| !signed.by_name.contains_key(path)).cloned().collect()
        }
    };
    Ok(VerifiedModel {
        name: subject.name.clone(),
        root: listed_root,
        model_digest: found,
        model_digest_signed: signed_model.is_some(),
        unsigned,
        signer,
    })
}

fn broken(what: impl Into<String>) -> Error {
    Error::Oms(what.into())
}

/// The payload, once a trusted key is known to have signed it.
fn authenticate(bundle: &[u8], trusted: &TrustedKeys) -> Result<(Vec<u8>, KeyId), Error> {
    let bundle: wire::Bundle = json::from_slice(bundle, "Sigstore bundle", BUNDLE)?;
    if bundle.media_type != wire::MEDIA_TYPE {
        return Err(broken(format!("mediaType is {:?}, not {:?}", bundle.media_type, wire::MEDIA_TYPE)));
    }
    let material = bundle.verification_material;
    if material.certificate.is_some() || material.x509_certificate_chain.is_some() {
        return Err(Error::Unsupported("a certificate instead of a public key".into()));
    }
    let Some(key) = material.public_key else {
        return Err(broken("verificationMaterial names no public key"));
    };
    let envelope = bundle.dsse_envelope;
    if envelope.payload_type != intoto::PAYLOAD_TYPE {
        return Err(Error::PayloadType { found: envelope.payload_type, expected: intoto::PAYLOAD_TYPE });
    }
    let [signature] = envelope.signatures.as_slice() else {
        return Err(broken(format!("it carries {} signatures, not one", envelope.signatures.len())));
    };
    let payload = dsse::decode(&envelope.payload, "dsseEnvelope.payload")?;
    let message = dsse::pae(&envelope.payload_type, &payload);
    let sig = dsse::decode(&signature.sig, "dsseEnvelope.signatures[0].sig")?;
    let signer = if key.hint.is_empty() {
        trusted.signer(&message, &sig).ok_or(Error::Signature)?
    } else {
        let key = hinted(&key.hint, trusted)?;
        key.verify(&message, &sig)?;
        key.id()
    };
    Ok((payload, signer))
}

fn hinted<'a>(hint: &str, trusted: &'a TrustedKeys) -> Result<&'a VerifyingKey, Error> {
    let id: KeyId = hint.parse().map_err(|e| broken(format!("publicKey.hint: {e}")))?;
    trusted.get(&id).ok_or(Error::UnknownKey(id))
}

fn the_subject(statement: &wire::Statement) -> Result<&wire::Subject, Error> {
    if statement.statement_type != STATEMENT_TYPE {
        return Err(Error::StatementType(statement.statement_type.clone()));
    }
    if statement.predicate_type != predicate::MODEL_SIGNATURE {
        let found = statement.predicate_type.clone();
        return Err(Error::PredicateType { found, expected: predicate::MODEL_SIGNATURE });
    }
    match statement.subject.as_slice() {
        [only] if only.name.chars().any(char::is_control) => {
            Err(broken(format!("the model's name {:?} contains control characters", only.name)))
        }
        [only] => Ok(only),
        several => Err(broken(format!("the statement has {} subjects, not one", several.len()))),
    }
}

fn signed_digest(subject: &wire::Subject, algorithm: &str) -> Result<Option<Digest>, Error> {
    let parse = |hex: &String| Digest::from_hex(hex);
    let digest = subject.digest.get(algorithm).map(parse).transpose();
    digest.map_err(|e| broken(format!("subject[0].digest.{algorithm}: {e}")))
}

/// The signed files.
struct Signed {
    /// Their digests as listed: the root digest is over this order. The standard asks signers for code-point
    /// order, but the reference implementation sorts by path component, so any order is read.
    in_order: Vec<Digest>,
    by_name: BTreeMap<FilePath, Digest>,
}

fn resources(predicate: &wire::Predicate, files: &[FileEntry]) -> Result<Signed, Error> {
    let wire::Serialization { method, hash_type, .. } = &predicate.serialization;
    if method != "files" {
        return Err(Error::Unsupported(format!("the serialization method {method:?}")));
    }
    if hash_type != "sha256" {
        return Err(Error::Unsupported(format!("the hash {hash_type:?}")));
    }
    if predicate.serialization.shard_size.is_some() {
        return Err(broken("shard_size is set, but the method is \"files\""));
    }
    let listed = &predicate.resources;
    if listed.is_empty() {
        return Err(Error::EmptyModel);
    }
    if listed.len() > MAX_FILES {
        return Err(Error::Limit { what: "the number of signed files", limit: MAX_FILES });
    }
    let mut signed = Signed { in_order: Vec::with_capacity(listed.len()), by_name: BTreeMap::new() };
    for resource in listed {
        if &resource.algorithm != hash_type {
            return Err(broken(format!(
                "resource {:?} is hashed with {:?}, but hash_type is {hash_type:?}",
                resource.name, resource.algorithm
            )));
        }
        let digest = Digest::from_hex(&resource.digest)
            .map_err(|e| broken(format!("the digest of resource {:?}: {e}", resource.name)))?;
        let name = match (resource.name.as_str(), listed.len(), files) {
            // The reference implementation names a model of one file ".", the standard by its base name.
            (".", 1, [only]) => only.path.clone(),
            (name, ..) => name.parse().map_err(|e| broken(format!("a resource name: {e}")))?,
        };
        if let Some(earlier) = signed.by_name.insert(name, digest) {
            return Err(broken(format!("resource {:?} is listed twice ({earlier})", resource.name)));
        }
        signed.in_order.push(digest);
    }
    Ok(signed)
}

/// The git names the signer left out. A signer who leaves out anything else would decide what the verifier
/// may not see, so such entries have no effect and the files below them count as not signed.
fn ignored(serialization: &wire::Serialization) -> Result<BTreeSet<&'static str>, Error> {
    if serialization.ignore_paths.len() > MAX_FILES {
        return Err(Error::Limit { what: "the number of ignored paths", limit: MAX_FILES });
    }
    let listed: BTreeSet<&str> = serialization.ignore_paths.iter().map(String::as_str).collect();
    Ok(GIT_NAMES.into_iter().filter(|name| listed.contains(name)).collect())
}

fn differences(
    signed: &BTreeMap<FilePath, Digest>,
    files: &[FileEntry],
    ignores: &BTreeSet<&'static str>,
) -> Vec<FileDifference> {
    let present: BTreeMap<&FilePath, &Digest> = files.iter().map(|f| (&f.path, &f.content)).collect();
    let is_ignored = |path: &FilePath| {
        belongs_to_git(path) && path.as_str().split('/').next().is_some_and(|top| ignores.contains(top))
    };
    let mut all: Vec<FileDifference> = signed
        .iter()
        .filter_map(|(path, digest)| match present.get(path) {
            None => Some(FileDifference::Missing(path.clone())),
            Some(found) if *found != digest => Some(FileDifference::Changed(path.clone())),
            Some(_) => None,
        })
        .collect();
    let extra = present.keys().filter(|path| !signed.contains_key(path) && !is_ignored(path));
    all.extend(extra.map(|path| FileDifference::Extra((*path).clone())));
    all.sort();
    all
}
