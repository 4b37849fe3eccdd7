//! Canonical JSON (RFC 8785): the one byte string of a value, for hashing and signing.
//!
//! RFC 8785 writes every number as an IEEE 754 double, so integers beyond 2^53 may be rounded and two of
//! them can share a text. What is signed or logged refuses such integers where it is made; here they are
//! written as the RFC says.

use serde::Serialize;

use crate::Digest;

/// The value cannot be written as canonical JSON.
#[derive(Debug, thiserror::Error)]
#[error("cannot write canonical JSON: {0}")]
pub struct CanonicalError(#[from] serde_json::Error);

/// Canonical JSON bytes of `value`.
///
/// Fails on what JSON cannot say: NaN and infinities, maps whose keys are not strings.
///
/// ```
/// let bytes = proofhouse_core::canonical::to_vec(&serde_json::json!({"b": 1.0, "a": [true]})).unwrap();
/// assert_eq!(bytes, br#"{"a":[true],"b":1}"#);
/// ```
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    Ok(serde_json_canonicalizer::to_vec(value)?)
}

/// The digest of the canonical JSON of `value`.
pub fn digest<T: Serialize>(value: &T) -> Result<Digest, CanonicalError> {
    Ok(Digest::of(&to_vec(value)?))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn the_example_of_rfc_8785_section_3_2_2() {
        let input: Value = serde_json::from_str(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        )
        .unwrap();
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(String::from_utf8(to_vec(&input).unwrap()).unwrap(), expected);
    }

    #[test]
    fn key_order_does_not_matter() {
        assert_eq!(
            digest(&json!({"a": 1, "b": {"d": 1, "c": 2}})).unwrap(),
            digest(&json!({"b": {"c": 2, "d": 1}, "a": 1})).unwrap()
        );
    }

    #[test]
    fn nan_is_refused() {
        assert!(to_vec(&f64::NAN).is_err());
    }
}
