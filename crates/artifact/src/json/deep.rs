//! JSON that is nested deeper than the parser goes: large ensembles of trees are, and Python reads on to its own limit of
//! calls (`sys.getrecursionlimit`, 1,000). Walked with a stack of its own.

use super::{Value, python};
use crate::ArtifactError;

/// Arrays and objects in each other.
const DEPTH: usize = 1_000;

/// What is open around the next value.
enum Open {
    Array(Vec<Value>),
    Object(Vec<(String, Value)>, String),
}

/// Reads `bytes` as [`super::read`] does, which has found that nothing is wrong up to where it stopped.
pub(super) fn read(bytes: &[u8], max_values: u64, marked: bool) -> Result<Value, ArtifactError> {
    let mut reader = Reader { bytes, at: 0 };
    let mut open: Vec<Open> = Vec::new();
    let mut left = max_values;
    loop {
        let limit = ArtifactError::Limit { format: "JSON", what: "values", limit: max_values };
        left = left.checked_sub(1).ok_or(limit)?;
        let first = reader.next()?;
        let mut value = match first {
            b'[' | b'{' if open.len() >= DEPTH => {
                return Err(reader.malformed(&format!("nested deeper than {DEPTH}")));
            }
            b'[' => {
                reader.at += 1;
                if !reader.take(b']') {
                    open.push(Open::Array(Vec::new()));
                    continue;
                }
                Value::Array(Vec::new())
            }
            b'{' => {
                reader.at += 1;
                if !reader.take(b'}') {
                    open.push(Open::Object(Vec::new(), reader.key()?));
                    continue;
                }
                Value::Object(Vec::new())
            }
            b'"' => {
                let text: String = reader.scalar()?;
                let number = if marked { python::number(&text) } else { None };
                number.map_or(Value::Text(text), Value::Number)
            }
            _ => match reader.scalar::<serde_json::Value>()? {
                serde_json::Value::Null => Value::Null,
                serde_json::Value::Bool(bool) => Value::Bool(bool),
                serde_json::Value::Number(n) => {
                    n.as_i64().map_or_else(|| Value::Number(n.as_f64().unwrap_or(f64::NAN)), Value::Integer)
                }
                _ => return Err(reader.malformed("expected value")),
            },
        };
        // The value stands; whatever it was the last of is whole.
        loop {
            let end = match open.last_mut() {
                None => {
                    return match reader.next() {
                        Err(_) => Ok(value),
                        Ok(_) => Err(reader.malformed("trailing characters")),
                    };
                }
                Some(Open::Array(elements)) => {
                    elements.push(value);
                    b']'
                }
                Some(Open::Object(members, key)) => {
                    members.push((std::mem::take(key), value));
                    b'}'
                }
            };
            if reader.take(b',') {
                if let Some(Open::Object(_, key)) = open.last_mut() {
                    *key = reader.key()?;
                }
                break;
            }
            if !reader.take(end) {
                return Err(reader.malformed("expected `,` or the end of what is open"));
            }
            value = match open.pop() {
                Some(Open::Array(elements)) => Value::Array(elements),
                Some(Open::Object(members, _)) => Value::Object(members),
                None => return Err(reader.malformed("nothing is open")),
            };
        }
    }
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
}

impl Reader<'_> {
    /// The next byte that is no blank.
    fn next(&mut self) -> Result<u8, ArtifactError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r');
        self.at += rest.iter().take_while(|b| blank(b)).count();
        self.bytes.get(self.at).copied().ok_or_else(|| self.malformed("the text ends"))
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.next().is_ok_and(|next| next == byte);
        self.at += usize::from(found);
        found
    }

    fn key(&mut self) -> Result<String, ArtifactError> {
        self.next()?;
        let key = self.scalar()?;
        if self.take(b':') { Ok(key) } else { Err(self.malformed("expected `:`")) }
    }

    /// A text, a number or a word, by the parser.
    fn scalar<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ArtifactError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let length = if rest.first() == Some(&b'"') { quoted(rest) } else { word(rest) };
        let value = serde_json::from_slice(rest.get(..length).unwrap_or_default());
        let value = value.map_err(|error| self.malformed(&error.to_string()))?;
        self.at += length;
        Ok(value)
    }

    fn malformed(&self, what: &str) -> ArtifactError {
        ArtifactError::malformed("JSON", self.at as u64, what.to_owned())
    }
}

/// How long the text in quotes is that begins here.
fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    rest.len()
}

fn word(rest: &[u8]) -> usize {
    let ends = |b: &u8| matches!(b, b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r');
    rest.iter().position(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{parse, parse_standard};
    use super::*;

    #[test]
    fn what_python_nests_is_read() {
        let nested =
            |depth: usize| format!("{}[1, NaN]{}", r#"{"a": ["#.repeat(depth / 2), "]}".repeat(depth / 2));
        assert!(parse(nested(900).as_bytes(), 10_000).is_ok());
        assert!(parse(nested(1_200).as_bytes(), 10_000).is_err());
        assert!(parse(nested(900).as_bytes(), 100).is_err());
        assert!(parse(format!("{} x", nested(900)).as_bytes(), 10_000).is_err());
    }

    proptest! {
        #[test]
        fn it_reads_what_the_parser_reads(text in r#"[\[\]{},: "a0-9.e\\untrlsf-]{0,60}"#) {
            prop_assert_eq!(read(text.as_bytes(), 1_000, false).ok(), parse_standard(text.as_bytes(), 1_000).ok());
        }
    }
}
