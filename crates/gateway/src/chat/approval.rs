//! Approvals that a caller presents with a request.
//!
//! `Proofhouse-Approval` holds one or more of them, separated by spaces: each the JSON of an
//! [`Approval`], in URL-safe base64 without padding. Whether one is genuine, in time and for the call at hand
//! is the guard's to find out; here it is only read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::header::HeaderMap;
use proofhouse_guard::flow::Approval;

use crate::refusal::Refusal;

/// The header that approvals come in.
pub const APPROVAL_HEADER: &str = "proofhouse-approval";

/// Approvals that one request may present.
const MOST: usize = 8;

/// Bytes of one approval as it is written.
const BYTES: usize = 1024;

/// Writes an approval as a caller presents it.
#[must_use]
pub fn to_header(approval: &Approval) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(approval).unwrap_or_default())
}

pub(crate) fn presented(headers: &HeaderMap) -> Result<Vec<Approval>, Refusal> {
    let Some(value) = headers.get(APPROVAL_HEADER) else { return Ok(Vec::new()) };
    let wrong = || Refusal::new(400, "approval/malformed", "Proofhouse-Approval holds what is no approval");
    let text = value.to_str().map_err(|_| wrong())?;
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    if words.len() > MOST || words.iter().any(|word| word.len() > BYTES) {
        return Err(wrong());
    }
    words
        .into_iter()
        .map(|word| {
            let bytes = URL_SAFE_NO_PAD.decode(word).map_err(|_| wrong())?;
            serde_json::from_slice(&bytes).map_err(|_| wrong())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proofhouse_core::Digest;
    use proofhouse_guard::flow::ApprovalKey;

    fn headers(text: &str) -> HeaderMap {
        HeaderMap::from_iter([(
            hyper::header::HeaderName::from_static(APPROVAL_HEADER),
            hyper::header::HeaderValue::from_str(text).unwrap(),
        )])
    }

    #[test]
    fn approvals_are_read_as_they_were_written() {
        let key = ApprovalKey::new([1; 32]);
        let one = key.approve(Digest::of(b"a"), "ann", 5);
        let two = key.approve(Digest::of(b"b"), "ben", 6);
        let text = format!("{} {}", to_header(&one), to_header(&two));
        assert_eq!(presented(&headers(&text)).unwrap(), [one, two]);
        assert!(presented(&HeaderMap::new()).unwrap().is_empty());
    }

    #[test]
    fn what_is_no_approval_is_refused() {
        for text in ["x", "e30", &"A".repeat(2000), &"e30 ".repeat(9)] {
            assert!(presented(&headers(text)).is_err(), "{text}");
        }
    }
}
