//! Dead Simple Signing Envelopes (secure-systems-lab/dsse v1).
//!
//! What is signed is not the payload but its *pre-authentication encoding*, which binds the payload type:
//! `DSSEv1 <length> <type> <length> <payload>`. Base64 is read in the standard alphabet with padding and
//! without slack bits only, so that an envelope has one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Error, KeyId, SigningKey, TrustedKeys, json};

/// The most bytes of an envelope that are read.
pub const MAX_BYTES: usize = 96 * 1024 * 1024;
/// The most signatures of an envelope that are tried.
pub const MAX_SIGNATURES: usize = 16;

/// A payload, its type, and signatures nobody has checked yet. There is no way to the payload but
/// through [`verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Signature {
    /// The key's name, or whatever the signer wrote there. Not signed: a hint only.
    keyid: String,
    /// DER.
    sig: Vec<u8>,
}

impl Envelope {
    /// Signs `payload`.
    pub fn sign(payload_type: &str, payload: Vec<u8>, key: &SigningKey) -> Result<Self, Error> {
        let sig = key.sign(&pae(payload_type, &payload))?;
        let signature = Signature { keyid: key.id().to_string(), sig };
        Ok(Self { payload_type: payload_type.to_owned(), payload, signatures: vec![signature] })
    }

    /// Reads an envelope. Members that DSSE does not define are ignored, as in-toto asks.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        const WHAT: &str = "DSSE envelope";
        let wire: Wire = json::from_slice(bytes, WHAT, json::Limits { bytes: MAX_BYTES, values: 10_000 })?;
        if wire.signatures.len() > MAX_SIGNATURES {
            return Err(Error::Limit { what: "the number of signatures", limit: MAX_SIGNATURES });
        }
        let signatures = wire
            .signatures
            .into_iter()
            .map(|s| Ok(Signature { keyid: s.keyid, sig: decode(&s.sig, "signatures[].sig")? }));
        Ok(Self {
            signatures: signatures.collect::<Result<_, Error>>()?,
            payload: decode(&wire.payload, "payload")?,
            payload_type: wire.payload_type,
        })
    }

    /// The envelope as canonical JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, Error> {
        let wire = Wire {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self
                .signatures
                .iter()
                .map(|s| WireSignature { keyid: s.keyid.clone(), sig: STANDARD.encode(&s.sig) })
                .collect(),
        };
        proofhouse_core::canonical::to_vec(&wire).map_err(|e| Error::Canonical(e.to_string()))
    }
}

/// A payload somebody trusted signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    payload_type: String,
    payload: Vec<u8>,
    signer: KeyId,
}

impl Verified {
    /// The signed type of the payload.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The signed bytes.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The trusted key that signed them.
    #[must_use]
    pub fn signer(&self) -> KeyId {
        self.signer
    }
}

/// Checks that one of the trusted keys signed the envelope.
///
/// A signature that names a trusted key is tried with that key only; any other, with each: tools name keys in
/// different ways, and the name is not signed. Signatures by strangers beside a trusted one do no harm. If nobody
/// trusted signed, the error names the first stranger.
pub fn verify(envelope: &Envelope, trusted: &TrustedKeys) -> Result<Verified, Error> {
    if envelope.signatures.is_empty() {
        return Err(Error::Unsigned);
    }
    let message = pae(&envelope.payload_type, &envelope.payload);
    let mut stranger = None;
    for Signature { keyid, sig } in &envelope.signatures {
        let named = keyid.parse::<KeyId>().ok();
        let signer = match named.and_then(|id| Some((id, trusted.get(&id)?))) {
            Some((id, key)) => key.verify(&message, sig).is_ok().then_some(id),
            None => {
                stranger = stranger.or(named);
                trusted.signer(&message, sig)
            }
        };
        if let Some(signer) = signer {
            let (payload_type, payload) = (envelope.payload_type.clone(), envelope.payload.clone());
            return Ok(Verified { payload_type, payload, signer });
        }
    }
    Err(stranger.map_or(Error::Signature, Error::UnknownKey))
}

/// The pre-authentication encoding: the bytes that are signed.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// Standard base64 as DSSE and Sigstore bundles use it; `field` names the place in errors.
pub(crate) fn decode(text: &str, field: &'static str) -> Result<Vec<u8>, Error> {
    STANDARD.decode(text).map_err(|e| Error::Json { what: field, reason: format!("base64: {e}") })
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
struct WireSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}
