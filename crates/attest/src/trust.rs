//! The keys a verifier believes.

use std::collections::BTreeMap;

use crate::{KeyId, VerifyingKey};

/// The keys a verifier believes. An empty set believes nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedKeys(BTreeMap<KeyId, VerifyingKey>);

impl TrustedKeys {
    /// Nobody.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Believes one more key.
    pub fn insert(&mut self, key: VerifyingKey) {
        self.0.insert(key.id(), key);
    }

    /// The key of that name.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&VerifyingKey> {
        self.0.get(id)
    }

    /// All keys, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&KeyId, &VerifyingKey)> {
        self.0.iter()
    }

    /// Whether nobody is believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key that made `signature` (DER) over `message`.
    pub(crate) fn signer(&self, message: &[u8], signature: &[u8]) -> Option<KeyId> {
        self.0.iter().find(|(_, key)| key.verify(message, signature).is_ok()).map(|(id, _)| *id)
    }
}

impl FromIterator<VerifyingKey> for TrustedKeys {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id(), key)).collect())
    }
}

impl From<VerifyingKey> for TrustedKeys {
    fn from(key: VerifyingKey) -> Self {
        Self::from_iter([key])
    }
}
