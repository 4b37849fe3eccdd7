//! P-256 keys. Private keys are PKCS#8 PEM, public keys SPKI PEM with 64 columns and a trailing newline.

use std::fmt;
use std::str::FromStr;

use p256::ecdsa::DerSignature;
use p256::ecdsa::signature::{Signer, Verifier};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use proofhouse_core::{Digest, DigestError};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::Error;

/// A private key. Memory is wiped on drop, and nothing prints it.
#[derive(Clone)]
pub struct SigningKey(p256::ecdsa::SigningKey);

impl SigningKey {
    /// A new key from the operating system's random numbers.
    pub fn generate() -> Result<Self, Error> {
        p256::ecdsa::SigningKey::try_generate().map(Self).map_err(|_| Error::Random)
    }

    /// Reads PKCS#8 PEM (`BEGIN PRIVATE KEY`).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let reason = if pem.contains("BEGIN EC PRIVATE KEY") {
            "it is SEC1; convert it with: openssl pkcs8 -topk8 -nocrypt"
        } else if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            "it is encrypted; decrypt it with: openssl pkcs8"
        } else {
            "expected \"BEGIN PRIVATE KEY\" and an EC key on P-256"
        };
        // The decoder's own error is dropped: it says nothing more, and must never quote key material.
        p256::ecdsa::SigningKey::from_pkcs8_pem(pem).map(Self).map_err(|_| Error::PrivateKey(reason))
    }

    /// PKCS#8 PEM, wiped from memory on drop.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Error> {
        self.0.to_pkcs8_pem(LineEnding::LF).map_err(|_| Error::PrivateKey("it cannot be encoded"))
    }

    /// The public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(*self.0.verifying_key())
    }

    /// The name of the public half.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.verifying_key().id()
    }

    /// ECDSA signature over SHA-256 of `message`, as DER. Deterministic (RFC 6979).
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signature: DerSignature = self.0.try_sign(message).map_err(|_| Error::Sign)?;
        Ok(signature.as_bytes().to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

/// A public key.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey(p256::ecdsa::VerifyingKey);

impl VerifyingKey {
    /// Reads SPKI PEM (`BEGIN PUBLIC KEY`).
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        p256::ecdsa::VerifyingKey::from_public_key_pem(pem).map(Self).map_err(|_| Error::PublicKey)
    }

    /// SPKI PEM, always the same text for the same key.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a point on the curve always has an SPKI encoding of 91 bytes")]
    pub fn to_pem(&self) -> String {
        self.0.to_public_key_pem(LineEnding::LF).expect("a P-256 public key can be encoded")
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(Digest::of(self.to_pem().as_bytes()))
    }

    /// Whether `signature` (DER) is this key's over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let signature = DerSignature::from_bytes(signature).map_err(|_| Error::Signature)?;
        self.0.verify(message, &signature).map_err(|_| Error::Signature)
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", self.id())
    }
}

impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_pem())
    }
}

impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Self::from_pem(&String::deserialize(d)?).map_err(serde::de::Error::custom)
    }
}

/// The name of a key: SHA-256 of the PEM text of its public half in lowercase hexadecimal, which is what
/// `sha256sum NAME.pub` prints and what OpenSSF Model Signing puts into a bundle as `hint`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Digest);

/// The text is not a key id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a key id (64 lowercase hexadecimal characters): {0}")]
pub struct KeyIdError(#[from] DigestError);

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(s: &str) -> Result<Self, KeyIdError> {
        Ok(Self(Digest::from_hex(s)?))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_hex())
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}
