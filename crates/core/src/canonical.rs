//! Canonical JSON (RFC 8785): the one byte string of a value, for hashing and signing.

use serde::Serialize;
use serde_json::Value;

use crate::Digest;

/// The value cannot be written as canonical JSON.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CanonicalError {
    /// JSON cannot say it: NaN, infinities, maps whose keys are not strings.
    #[error("cannot write canonical JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// An integer that a double cannot hold. RFC 8785 writes every number as a double, so two different
    /// integers would have one text.
    #[error("the integer {0} is beyond 2^53 and cannot be held exactly in canonical JSON; use a smaller one")]
    InexactInteger(String),
}

const MAX_EXACT_INTEGER: u64 = 1 << 53;

/// Canonical JSON bytes of `value`.
///
/// Fails on what JSON cannot say, and on integers beyond ±2^53, which canonical JSON would silently round.
///
/// ```
/// let bytes = proofhouse_core::canonical::to_vec(&serde_json::json!({"b": 1.0, "a": [true]})).unwrap();
/// assert_eq!(bytes, br#"{"a":[true],"b":1}"#);
/// ```
pub fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    // The canonicaliser sees the value itself: through serde_json a NaN would have become null.
    let bytes = serde_json_canonicalizer::to_vec(value)?;
    refuse_inexact(&serde_json::to_value(value)?)?;
    Ok(bytes)
}

/// Walks with a stack of its own: depth is whatever the caller built.
fn refuse_inexact(value: &Value) -> Result<(), CanonicalError> {
    let mut waiting = vec![value];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Number(n) => {
                let magnitude = n.as_u64().or_else(|| n.as_i64().map(i64::unsigned_abs));
                if magnitude.is_some_and(|m| m > MAX_EXACT_INTEGER) {
                    return Err(CanonicalError::InexactInteger(n.to_string()));
                }
            }
            Value::Array(items) => waiting.extend(items),
            Value::Object(fields) => waiting.extend(fields.values()),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    Ok(())
}

/// The digest of the canonical JSON of `value`.
pub fn digest<T: Serialize>(value: &T) -> Result<Digest, CanonicalError> {
    Ok(Digest::of(&to_vec(value)?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
    fn integers_that_would_be_rounded_are_refused() {
        assert!(to_vec(&(1u64 << 53)).is_ok());
        let error = to_vec(&json!({"seed": [(1u64 << 53) + 1]})).unwrap_err();
        assert!(matches!(error, CanonicalError::InexactInteger(n) if n == "9007199254740993"));
        assert!(to_vec(&i64::MIN).is_err());
    }

    #[test]
    fn nan_is_refused() {
        assert!(to_vec(&f64::NAN).is_err());
    }
}
