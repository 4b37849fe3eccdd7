//! JSON that keeps what other readers drop: duplicate keys, and their order.
//!
//! Two readers of one header may pick different values for a repeated key, so a repeat must be seen, not
//! resolved. Depth is bounded by 1,000, as Python's is, the number of values by a budget.
//!
//! What most loaders read JSON with is Python's `json`, which takes more than the standard: what only it takes
//! is read as it reads it, so that a document is not a mere text here and a model there.

mod deep;
mod python;

use std::cell::Cell;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::ArtifactError;

/// A JSON value with object members as they stand in the text.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number that fits.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Value>),
    /// An object, repeats included.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// The string, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The number, if it is a whole one that is not negative.
    #[must_use]
    pub fn as_size(&self) -> Option<u64> {
        if let Self::Integer(n) = self { u64::try_from(*n).ok() } else { None }
    }

    /// The elements, if it is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        if let Self::Array(elements) = self { Some(elements) } else { None }
    }

    /// The members, if it is an object.
    #[must_use]
    pub fn as_object(&self) -> Option<&[(String, Value)]> {
        if let Self::Object(members) = self { Some(members) } else { None }
    }

    /// The member of that name, if it is an object with one; see [`last`].
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Value> {
        last(self.as_object()?, name)
    }
}

/// The member of that name; where a name stands twice, Python and most others take the last.
#[must_use]
pub fn last<'v>(members: &'v [(String, Value)], name: &str) -> Option<&'v Value> {
    members.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Parses `bytes` as one JSON text of at most `max_values` values, as Python does: with its numbers that are none.
///
/// # Errors
/// Nothing that Python reads, nested deeper than 1,000, or more values than allowed.
pub fn parse(bytes: &[u8], max_values: u64) -> Result<Value, ArtifactError> {
    match read(bytes, max_values, false) {
        Err(ArtifactError::Malformed { .. }) if let Some(text) = python::standard(bytes) => {
            read(&text, max_values, true)
        }
        result => result,
    }
}

/// Parses `bytes` as [`parse`] does, but takes nothing beyond the standard (RFC 8259), as its other readers do.
///
/// # Errors
/// Not JSON, nested deeper than 1,000, or more values than allowed.
pub fn parse_standard(bytes: &[u8], max_values: u64) -> Result<Value, ArtifactError> {
    read(bytes, max_values, false)
}

/// Parses JSON after the standard; `marked` if numbers of Python's stand in it as [`python::standard`] writes them.
fn read(bytes: &[u8], max_values: u64, marked: bool) -> Result<Value, ArtifactError> {
    let budget = Cell::new(Some(max_values));
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Seed { budget: &budget, marked };
    let value = seed.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    // So the parser says that it goes no deeper; it has no other sign of it.
    if value.as_ref().is_err_and(|e| e.to_string().starts_with("recursion limit exceeded")) {
        return deep::read(bytes, max_values, marked);
    }
    value.map_err(|e| {
        if budget.get().is_none() {
            return ArtifactError::Limit { format: "JSON", what: "values", limit: max_values };
        }
        ArtifactError::malformed("JSON", byte_offset(bytes, e.line(), e.column()), e.to_string())
    })
}

/// Whether `bytes` is one JSON text to Python. Any depth: what is skipped is walked without recursion.
#[must_use]
pub fn is_json(bytes: &[u8]) -> bool {
    let is_standard = |bytes: &[u8]| {
        let mut reader = serde_json::Deserializer::from_slice(bytes);
        reader.deserialize_ignored_any(IgnoredAny).and_then(|_| reader.end()).is_ok()
    };
    is_standard(bytes) || python::standard(bytes).is_some_and(|text| is_standard(&text))
}

fn byte_offset(bytes: &[u8], line: usize, column: usize) -> u64 {
    let start: usize =
        bytes.split_inclusive(|b| *b == b'\n').take(line.saturating_sub(1)).map(<[u8]>::len).sum();
    (start + column.saturating_sub(1)) as u64
}

#[derive(Clone, Copy)]
struct Seed<'a> {
    /// How many values may still come; none once there was one too many.
    budget: &'a Cell<Option<u64>>,
    marked: bool,
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        self.budget.set(self.budget.get().and_then(|left| left.checked_sub(1)));
        if self.budget.get().is_none() {
            return Err(D::Error::custom("too many values"));
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Integer(v))
    }

    #[expect(clippy::cast_precision_loss, reason = "beyond i64 a number is not a size any more")]
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(i64::try_from(v).map_or(Value::Number(v as f64), Value::Integer))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Value::Number(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        let number = if self.marked { python::number(v) } else { None };
        Ok(number.map_or_else(|| Value::Text(v.to_owned()), Value::Number))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Value::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            members.push((key, map.next_value_seed(self)?));
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_and_order_are_kept() {
        let value = parse(br#"{"b":1,"a":[true,null,-2.5],"b":"x"}"#, 100).unwrap();
        let members = value.as_object().unwrap();
        assert_eq!(members.iter().map(|(k, _)| k.as_str()).collect::<Vec<_>>(), ["b", "a", "b"]);
        assert_eq!(members[0].1.as_size(), Some(1));
        assert_eq!(members[1].1.as_array().unwrap().len(), 3);
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let deep = [b"[".repeat(60_000), b"]".repeat(60_000)].concat();
        assert!(parse(&deep, 1_000_000).is_err());
        assert!(is_json(&deep));
        assert!(matches!(parse(b"[1,1,1,1]", 4), Err(ArtifactError::Limit { .. })));
        assert_eq!(parse(b"[1,\n x]", 100).unwrap_err().offset(), Some(5));
        assert!(!is_json(b"{} x") && !is_json(b""));
    }

    /// Each of these is read by `json.loads` of Python, and none by the standard.
    #[test]
    fn what_python_takes_is_read() {
        let value = |text: &str| {
            assert!(is_json(text.as_bytes()) && parse_standard(text.as_bytes(), 100).is_err(), "{text}");
            parse(text.as_bytes(), 100).unwrap()
        };
        let numbers = value(r#"[NaN, Infinity,-Infinity , 1e999,-1E+400, "NaN", "a\"NaN", 2]"#);
        let numbers = numbers.as_array().unwrap();
        assert!(matches!(numbers[0], Value::Number(n) if n.is_nan()));
        assert_eq!(numbers[1..5], [1.0, -1.0, 1.0, -1.0].map(|sign| Value::Number(sign * f64::INFINITY)));
        assert_eq!(numbers[5..7], ["NaN", "a\"NaN"].map(|text| Value::Text(text.to_owned())));
        assert_eq!(numbers[7], Value::Integer(2));
        let members = [("a\u{fffd}".to_owned(), Value::Text("x\u{fffd}😀\u{fffd}A".to_owned()))];
        assert_eq!(value(r#"{"a\ud800": "x\udc00\ud83d\ude00\ud83d\u0041"}"#), Value::Object(members.into()));
        assert!(parse(b"NaN", 1).is_ok() && parse(b"[NaN,NaN]", 2).is_err());
        for refused in
            ["[NaN", "[nan]", "[NaNs]", "[+Infinity]", "[- Infinity]", "[inf]", "[01e999]", r#"["\ud80"]"#]
        {
            assert!(!is_json(refused.as_bytes()) && parse(refused.as_bytes(), 100).is_err(), "{refused}");
        }
    }
}
