//! Keyed hashing (HMAC-SHA-256, RFC 2104) over fields with their borders.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// The state after `fields`, each with its length before it so that the border between two is part of what
/// is hashed. The first one keeps the uses of a key apart.
pub(crate) fn mac(key: &[u8; 32], fields: &[&[u8]]) -> Hmac<Sha256> {
    // A key shorter than a block is filled up with zeros, says RFC 2104.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for field in fields {
        mac.update(&(field.len() as u64).to_be_bytes());
        mac.update(field);
    }
    mac
}

/// The 32 bytes of it.
pub(crate) fn bytes(key: &[u8; 32], fields: &[&[u8]]) -> [u8; 32] {
    mac(key, fields).finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC of a message by the definition of RFC 2104, with nothing but SHA-256.
    fn by_definition(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
        let pad =
            |with: u8| -> Vec<u8> { (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ with).collect() };
        let inner = proofhouse_core::Digest::of(&[&pad(0x36)[..], message].concat());
        *proofhouse_core::Digest::of(&[&pad(0x5c)[..], inner.as_bytes()].concat()).as_bytes()
    }

    #[test]
    fn it_is_hmac_over_fields_with_lengths() {
        let message = [&3_u64.to_be_bytes()[..], b"abc", &0_u64.to_be_bytes()[..]].concat();
        assert_eq!(bytes(&[9; 32], &[b"abc", b""]), by_definition(&[9; 32], &message));
        assert_ne!(bytes(&[9; 32], &[b"ab", b"c"]), bytes(&[9; 32], &[b"a", b"bc"]));
    }
}
