//! Who says what about which bytes: keys, DSSE envelopes, in-toto statements and OpenSSF Model Signing
//! bundles.
//!
//! Everything read here was written by somebody else. So a signature is checked before its payload is
//! parsed, JSON is parsed with bounds and without duplicate keys, and the types that carry verified
//! content ([`dsse::Verified`], [`VerifiedStatement`], [`oms::VerifiedModel`]) have no other constructor
//! than verification.
//!
//! Signatures are ECDSA on P-256 with SHA-256, one of the three curves of OpenSSF Model Signing; the two
//! larger ones are refused by name. Nonces follow RFC 6979, so the same key and payload give the same bytes.

pub mod dsse;
mod error;
mod intoto;
mod json;
mod key;
pub mod keyfile;
pub mod oms;
pub mod predicate;
mod trust;

pub use error::Error;
pub use intoto::{
    DigestSet, ResourceDescriptor, STATEMENT_TYPE, Statement, VerifiedStatement, sign_statement,
    verify_statement,
};
pub use key::{KeyId, KeyIdError, SigningKey, VerifyingKey};
pub use predicate::Predicate;
pub use trust::TrustedKeys;
