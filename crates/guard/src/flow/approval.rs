//! A person's approval of one call.
//!
//! An approval is bound to the digest of the call *and* of the conversation up to it, so that it cannot be
//! replayed for other arguments, for another tool, or for the same call after more text has come in. It is
//! authenticated with a key that only the place where people approve and the place where calls are judged
//! hold (HMAC-SHA-256, RFC 2104): neither the model nor any text can mint one.

use std::fmt;

use hmac::{Hmac, Mac as _};
use proofhouse_core::Digest;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::mac;

/// What the code of an approval is computed over, apart from other uses of the same key.
const DOMAIN: &[u8] = b"proofhouse.guard.approval/v1";

/// An approval of one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The call, as [`super::Decision::digest`] names it.
    pub call: Digest,
    /// Who approved.
    pub by: String,
    /// When it ends, nanoseconds since 1970.
    pub expires_ns: u64,
    /// Proof that it was given where people approve.
    pub code: Digest,
}

/// The key that authenticates approvals.
#[derive(Clone)]
pub struct ApprovalKey([u8; 32]);

impl ApprovalKey {
    /// A key of 32 random bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Writes down that `by` approved `call` until `expires_ns`.
    #[must_use]
    pub fn approve(&self, call: Digest, by: impl Into<String>, expires_ns: u64) -> Approval {
        let by = by.into();
        let code = Digest::from_bytes(self.mac(call, &by, expires_ns).finalize().into_bytes().into());
        Approval { call, by, expires_ns, code }
    }

    /// Whether `approval` was made with this key, is for `call` and has not ended at `now_ns`.
    #[must_use]
    pub fn accepts(&self, approval: &Approval, call: Digest, now_ns: u64) -> bool {
        approval.call == call
            && now_ns < approval.expires_ns
            && self
                .mac(approval.call, &approval.by, approval.expires_ns)
                .verify_slice(approval.code.as_bytes())
                .is_ok()
    }

    fn mac(&self, call: Digest, by: &str, expires_ns: u64) -> Hmac<Sha256> {
        mac::mac(&self.0, &[DOMAIN, call.as_bytes(), by.as_bytes(), &expires_ns.to_be_bytes()])
    }
}

impl fmt::Debug for ApprovalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApprovalKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_is_for_one_call_one_key_and_one_time() {
        let key = ApprovalKey::new([7; 32]);
        let call = Digest::of(b"pay 5 to bob");
        let approval = key.approve(call, "alice", 100);
        assert!(key.accepts(&approval, call, 99));
        assert!(!key.accepts(&approval, call, 100));
        assert!(!key.accepts(&approval, Digest::of(b"pay 50 to bob"), 1));
        assert!(!ApprovalKey::new([8; 32]).accepts(&approval, call, 1));
        for changed in [
            Approval { by: "mallory".to_owned(), ..approval.clone() },
            Approval { expires_ns: u64::MAX, ..approval.clone() },
            Approval { call: Digest::of(b"x"), ..approval.clone() },
            Approval { code: Digest::of(b"x"), ..approval.clone() },
        ] {
            assert!(!key.accepts(&changed, changed.call, 1), "{changed:?}");
        }
        assert!(!format!("{key:?}").contains('7'));
    }
}
