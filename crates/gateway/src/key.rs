//! API keys: 256 random bits, of which only the hash is kept.
//!
//! A key is looked up by the SHA-256 of what was presented, so there is no comparison whose time could tell
//! how many characters were right. A slow password hash would be a way to exhaust the gateway, and 256
//! random bits need none.

use std::fmt;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};

use crate::TokenBudget;

/// Longer texts are not even hashed.
const MAX_PRESENTED: usize = 128;

/// What is kept about a key. The secret itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Public id: one to 32 lowercase letters, digits and hyphens.
    pub id: String,
    /// SHA-256 of the whole key as presented.
    pub hash: Digest,
    /// What its holder may do; a name in [`GatewayConfig::roles`](crate::GatewayConfig::roles).
    pub role: String,
    /// Requests a second that are let through on average.
    pub rate_per_second: NonZeroU32,
    /// Requests that are let through at once after a pause.
    pub burst: NonZeroU32,
    /// Tokens of language models it may use; no limit where nothing is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<TokenBudget>,
}

/// A key as it is given to its holder, once. Never printed by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret(String);

/// The id of a key cannot stand in a header.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot be the id of a key: use one to 32 lowercase letters, digits and hyphens")]
pub struct KeyIdError(String);

impl ApiKey {
    /// A new random key for `role`: what to keep, and what to hand out.
    pub fn generate(
        id: &str,
        role: &str,
        rate_per_second: NonZeroU32,
        burst: NonZeroU32,
    ) -> Result<(Self, KeySecret), KeyIdError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > 32 || !id.bytes().all(plain) {
            return Err(KeyIdError(id.to_owned()));
        }
        let random: [u8; 32] = rand::random();
        let secret = KeySecret(format!("ph_{id}_{}", URL_SAFE_NO_PAD.encode(random)));
        let key = Self {
            id: id.to_owned(),
            hash: Digest::of(secret.0.as_bytes()),
            role: role.to_owned(),
            rate_per_second,
            burst,
            budget: None,
        };
        Ok((key, secret))
    }

    /// The same key with a budget of tokens.
    #[must_use]
    pub fn with_budget(self, budget: TokenBudget) -> Self {
        Self { budget: Some(budget), ..self }
    }
}

impl KeySecret {
    /// The text `ph_<id>_<secret>` that goes into `Authorization: Bearer …`.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeySecret(…)")
    }
}

/// The hash of the key in an `Authorization` header; nothing where it cannot be one of ours.
pub(crate) fn bearer(authorization: &str) -> Option<Digest> {
    let (scheme, key) = authorization.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") { bare(key) } else { None }
}

/// The hash of a key that stands alone in its header, as in `x-api-key`.
pub(crate) fn bare(key: &str) -> Option<Digest> {
    let ours = key.len() <= MAX_PRESENTED && key.starts_with("ph_");
    ours.then(|| Digest::of(key.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> Result<(ApiKey, KeySecret), KeyIdError> {
        ApiKey::generate(id, "teller", NonZeroU32::MIN, NonZeroU32::MIN)
    }

    #[test]
    fn a_key_is_found_by_what_is_presented() {
        let (kept, secret) = key("k-1").unwrap();
        assert_eq!(bearer(&format!("Bearer {}", secret.expose())), Some(kept.hash));
        assert_eq!(bearer(&format!("bearer {}", secret.expose())), Some(kept.hash));
        assert_ne!(bearer(&format!("Bearer {}x", secret.expose())), Some(kept.hash));
        assert_eq!(secret.expose().len(), "ph_k-1_".len() + 43);
        assert_ne!(key("k-1").unwrap().1, secret);
    }

    #[test]
    fn other_credentials_are_not_hashed() {
        for text in ["", "Bearer", "Basic ph_a_b", "Bearer sk-1", &format!("Bearer ph_{}", "a".repeat(200))] {
            assert_eq!(bearer(text), None, "{text}");
        }
    }

    #[test]
    fn a_bare_key_is_the_same_key() {
        let (kept, secret) = key("k-1").unwrap();
        assert_eq!(bare(secret.expose()), Some(kept.hash));
        assert_eq!(bare(&format!("Bearer {}", secret.expose())), None);
        assert_eq!(bearer(secret.expose()), None);
    }

    #[test]
    fn a_secret_does_not_print() {
        let (kept, secret) = key("k").unwrap();
        assert!(!format!("{secret:?}{kept:?}").contains(&secret.expose()[5..]));
        assert!(!serde_json::to_string(&kept).unwrap().contains(&secret.expose()[5..]));
    }

    #[test]
    fn ids_are_plain() {
        for id in ["", "A", "a_b", "a b", "ä", &"a".repeat(33)] {
            assert!(key(id).is_err(), "{id}");
        }
    }
}
