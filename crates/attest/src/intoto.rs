//! in-toto Statement v1 (in-toto/attestation): a predicate about subjects that are named by digest.
//!
//! A statement is signed as canonical JSON (RFC 8785) in a DSSE envelope. Canonical JSON knows only
//! doubles, so an integer beyond 2^53 would be signed as another number: it is refused instead. Write
//! such numbers as strings.

use std::collections::BTreeMap;

use proofhouse_core::{Digest, canonical};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::dsse::{self, Envelope};
use crate::{Error, KeyId, Predicate, SigningKey, TrustedKeys, json};

/// The `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// The DSSE payload type of a statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The most bytes and values of a statement that are read.
const LIMITS: json::Limits = json::Limits { bytes: 64 * 1024 * 1024, values: 2_000_000 };

/// Algorithm to digest in lowercase hexadecimal, as in `{"sha256": "…"}`.
pub type DigestSet = BTreeMap<String, String>;

/// A thing a statement speaks about or refers to. Members this crate does not use are not kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceDescriptor {
    /// What it is called; not its identity.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Where it may be found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// What it is known by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub digest: DigestSet,
}

impl ResourceDescriptor {
    /// Something known by its SHA-256.
    #[must_use]
    pub fn sha256(name: impl Into<String>, digest: &Digest) -> Self {
        let digest = DigestSet::from([("sha256".to_owned(), digest.to_hex())]);
        Self { name: name.into(), uri: None, digest }
    }
}

/// A statement: what `predicate` says is said of every subject.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<ResourceDescriptor>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

impl Statement {
    /// Says `predicate` of `subject`.
    pub fn new<P: Predicate + Serialize>(
        subject: Vec<ResourceDescriptor>,
        predicate: &P,
    ) -> Result<Self, Error> {
        let predicate = serde_json::to_value(predicate).map_err(|e| Error::Canonical(e.to_string()))?;
        Self::with_type(P::TYPE, subject, predicate)
    }

    /// Says a predicate of any type of `subject`.
    pub fn with_type(
        predicate_type: impl Into<String>,
        subject: Vec<ResourceDescriptor>,
        predicate: Value,
    ) -> Result<Self, Error> {
        if subject.is_empty() || subject.iter().any(|s| s.digest.is_empty()) {
            return Err(Error::NoSubject);
        }
        refuse_inexact(&predicate)?;
        let statement_type = STATEMENT_TYPE.to_owned();
        Ok(Self { statement_type, subject, predicate_type: predicate_type.into(), predicate })
    }

    /// What it speaks about; at least one, each with a digest.
    #[must_use]
    pub fn subjects(&self) -> &[ResourceDescriptor] {
        &self.subject
    }

    /// The digest of the subject under `algorithm`. None if there are several subjects: then there is no
    /// "the" subject, see [`Self::speaks_of`].
    #[must_use]
    pub fn subject_digest(&self, algorithm: &str) -> Option<&str> {
        match self.subject.as_slice() {
            [only] => only.digest.get(algorithm).map(String::as_str),
            _ => None,
        }
    }

    /// Whether one of the subjects has this SHA-256.
    #[must_use]
    pub fn speaks_of(&self, digest: &Digest) -> bool {
        let hex = digest.to_hex();
        self.subject.iter().any(|s| s.digest.get("sha256") == Some(&hex))
    }

    /// What kind of thing it says.
    #[must_use]
    pub fn predicate_type(&self) -> &str {
        &self.predicate_type
    }

    /// What it says, untyped.
    #[must_use]
    pub fn predicate(&self) -> &Value {
        &self.predicate
    }

    /// What it says, if that is a `P`.
    pub fn predicate_as<P: Predicate + DeserializeOwned>(&self) -> Result<P, Error> {
        if self.predicate_type != P::TYPE {
            return Err(Error::PredicateType { found: self.predicate_type.clone(), expected: P::TYPE });
        }
        P::deserialize(&self.predicate).map_err(|e| Error::Json { what: "predicate", reason: e.to_string() })
    }

    /// The bytes that are signed.
    pub fn to_payload(&self) -> Result<Vec<u8>, Error> {
        let payload = canonical::to_vec(self).map_err(|e| Error::Canonical(e.to_string()))?;
        if payload.len() > LIMITS.bytes {
            return Err(Error::Limit { what: "statement", limit: LIMITS.bytes });
        }
        Ok(payload)
    }
}

/// Signs `statement`.
pub fn sign_statement(statement: &Statement, key: &SigningKey) -> Result<Envelope, Error> {
    Envelope::sign(PAYLOAD_TYPE, statement.to_payload()?, key)
}

/// A statement somebody trusted signed. Only [`verify_statement`] makes one.
#[derive(Debug, Clone, PartialEq)]
pub struct VerifiedStatement {
    statement: Statement,
    signer: KeyId,
}

impl VerifiedStatement {
    /// What was said.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Who said it.
    #[must_use]
    pub fn signer(&self) -> KeyId {
        self.signer
    }
}

/// Reads a signed statement from the JSON of its envelope: first the payload type, then the signature, and
/// only then the statement.
pub fn verify_statement(envelope: &[u8], trusted: &TrustedKeys) -> Result<VerifiedStatement, Error> {
    let verified = dsse::verify(&Envelope::parse(envelope)?, trusted)?;
    if verified.payload_type() != PAYLOAD_TYPE {
        let found = verified.payload_type().to_owned();
        return Err(Error::PayloadType { found, expected: PAYLOAD_TYPE });
    }
    let statement: Statement = json::from_slice(verified.payload(), "in-toto statement", LIMITS)?;
    if statement.statement_type != STATEMENT_TYPE {
        return Err(Error::StatementType(statement.statement_type));
    }
    if statement.subject.is_empty() || statement.subject.iter().any(|s| s.digest.is_empty()) {
        return Err(Error::NoSubject);
    }
    Ok(VerifiedStatement { statement, signer: verified.signer() })
}

/// The largest integer up to which every integer is a double.
const MAX_EXACT: u64 = 1 << 53;

/// Refuses integers that canonical JSON would change.
fn refuse_inexact(value: &Value) -> Result<(), Error> {
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            Value::Number(n) => {
                let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
                if magnitude.is_some_and(|m| m > MAX_EXACT) {
                    let reason = format!("{n} is beyond 2^53 and would lose digits; write it as a string");
                    return Err(Error::Canonical(reason));
                }
            }
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    Ok(())
}
