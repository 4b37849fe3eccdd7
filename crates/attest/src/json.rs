//! Reading JSON that somebody else wrote: bounded, and with one meaning.
//!
//! RFC 8259 leaves open what a repeated key means, and parsers disagree. What one reader verifies, another
//! would then read differently. So a document with a repeated key has no meaning here and is refused,
//! at any depth, also inside members nobody asked for.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::Error;

/// Bounds on a document. Depth is bounded by `serde_json` (128).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most bytes.
    pub bytes: usize,
    /// The most values, which bounds memory: a value takes far more room parsed than as text.
    pub values: usize,
}

/// Parses `bytes`; `what` names the document in errors.
pub(crate) fn from_slice<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    limits: Limits,
) -> Result<T, Error> {
    if bytes.len() > limits.bytes {
        return Err(Error::Limit { what, limit: limits.bytes });
    }
    let invalid = |e: serde_json::Error| Error::Json { what, reason: printable(&e) };
    let mut left = limits.values;
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    Unambiguous { left: &mut left }.deserialize(&mut reader).map_err(invalid)?;
    reader.end().map_err(invalid)?;
    serde_json::from_slice(bytes).map_err(invalid)
}

/// The parser quotes the document, which may hold what a terminal would obey.
fn printable(error: &serde_json::Error) -> String {
    error.to_string().chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Walks a document without keeping it.
struct Unambiguous<'a> {
    left: &'a mut usize,
}

impl<'de> DeserializeSeed<'de> for Unambiguous<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unambiguous<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Unambiguous { left: &mut *self.left })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = members.next_key::<String>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format_args!("the key {key:?} appears twice")));
            }
            seen.insert(key);
            members.next_value_seed(Unambiguous { left: &mut *self.left })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    const LIMITS: Limits = Limits { bytes: 1000, values: 10 };

    fn read(text: &str) -> Result<Value, Error> {
        from_slice(text.as_bytes(), "document", LIMITS)
    }

    #[test]
    fn one_meaning_or_none() {
        assert!(read(r#"{"a":{"b":[1,-2,0.5,null,true,"x"]}}"#).is_ok());
        for twice in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"b":2,"a":3}}]"#, r#"{"a":1,"\u0061":2}"#] {
            let message = read(twice).unwrap_err().to_string();
            assert!(message.contains("appears twice"), "{message}");
        }
        assert!(read(r#"{"a":{"k":1},"b":{"k":1}}"#).is_ok(), "other objects may use the same key");
    }

    #[test]
    fn errors_do_not_steer_terminals() {
        let message = read(r#"{"\u001b[2J":1,"\u001b[2J":1}"#).unwrap_err().to_string();
        assert!(message.contains("appears twice") && !message.contains('\u{1b}'), "{message:?}");
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Nothing {}
        let unknown =
            from_slice::<Nothing>(b"{\"\\u001b[2J\":1}", "document", LIMITS).unwrap_err().to_string();
        assert!(unknown.contains("unknown field") && !unknown.contains('\u{1b}'), "{unknown:?}");
    }

    #[test]
    fn bounds_hold() {
        assert!(read(&format!("[{}1]", "1,".repeat(9))).is_err(), "eleven values");
        assert!(read(&format!("[{}1]", "1,".repeat(8))).is_ok());
        assert!(matches!(read(&" ".repeat(1001)), Err(Error::Limit { .. })));
        let deep = Limits { bytes: 1 << 20, values: 1 << 20 };
        assert!(from_slice::<Value>("[".repeat(100_000).as_bytes(), "document", deep).is_err());
    }

    #[test]
    fn nothing_may_follow() {
        assert!(read("{} {}").is_err());
        assert!(read("").is_err());
    }
}
