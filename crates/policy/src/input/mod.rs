//! The typed inputs of the gates. The Rego reads exactly these members, and every one of them is required:
//! a member that is absent, null or of another type denies. What may be missing in the world is said in so
//! many words (`present: false`, an empty text, an empty list), never by leaving a key out.

use proofhouse_core::Digest;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Entrypoint;

pub mod boundary;
pub mod deploy;
pub mod release;
pub mod request;
pub mod runtime;

/// An input that one gate reads.
pub trait PolicyInput: Serialize {
    /// The gate.
    const ENTRYPOINT: Entrypoint;
}

/// `Option<Digest>` as a text that is empty where there is none: the key is there either way.
pub(crate) mod digest_or_none {
    use super::{Deserialize, Deserializer, Digest, Serializer};

    #[expect(clippy::ref_option, reason = "the signature serde asks for")]
    pub fn serialize<S: Serializer>(value: &Option<Digest>, s: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(digest) => s.collect_str(digest),
            None => s.serialize_str(""),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Digest>, D::Error> {
        let text = String::deserialize(d)?;
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(serde::de::Error::custom)
    }
}
