//! Strict reading of JSON from outside (RFC 8259, read the way I-JSON, RFC 7493, demands).
//!
//! Two readers of one text must not see two different requests. So a repeated key is refused at any depth,
//! as are a byte order mark, bytes after the value, escapes that make no character, and numbers that
//! another reader would round or drop. The walk keeps its own stack; depth, bytes and values are bounded.
//!
//! ```
//! use proofhouse_dialogue::json::{self, Limits, Problem};
//!
//! let error = json::parse(br#"{"a": {"model": 1, "mod\u0065l": 2}}"#, &Limits::default()).unwrap_err();
//! assert_eq!((error.offset, error.path.as_str()), (19, "a"));
//! assert_eq!(error.problem, Problem::Duplicate("model".to_owned()));
//! ```

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};

/// Bounds of a JSON text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the text.
    pub bytes: usize,
    /// Objects and arrays within each other.
    pub depth: usize,
    /// Values, members of objects and elements of arrays included.
    pub values: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 4 << 20, depth: 64, values: 200_000 }
    }
}

/// Longest number, in bytes.
const NUMBER_BYTES: usize = 64;

/// Longest part of a key that an error shows, in characters.
const SHOWN_KEY: usize = 40;

/// Why a text is not read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not acceptable as JSON: {problem}, at byte {offset}{}", within(path))]
pub struct JsonError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// The value that was being read, such as `messages[3].content`; empty at the top.
    pub path: String,
    /// What is wrong.
    pub problem: Problem,
}

fn within(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" in {path}") }
}

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// More bytes than allowed.
    #[error("it has more than {0} bytes")]
    TooLarge(usize),
    /// Nested deeper than allowed.
    #[error("it is nested deeper than {0}")]
    TooDeep(usize),
    /// More values than allowed.
    #[error("it has more than {0} values")]
    TooMany(usize),
    /// Bytes that are no text.
    #[error("it is not UTF-8")]
    Utf8,
    /// U+FEFF before the value.
    #[error("it begins with a byte order mark")]
    ByteOrderMark,
    /// A key that the object already has.
    #[error("the key {0:?} is repeated")]
    Duplicate(String),
    /// A raw control character in a string.
    #[error("a string has a raw control character")]
    Control,
    /// An escape that JSON does not have.
    #[error("a string has an unknown escape")]
    Escape,
    /// Half of a surrogate pair.
    #[error("a string has a lone surrogate")]
    LoneSurrogate,
    /// A number that JSON does not have.
    #[error("a number is malformed")]
    Number,
    /// A number that not every reader can hold.
    #[error("a number is too long, or outside what 64 bits hold")]
    NumberRange,
    /// Something else stands where this was expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// The text ends within the value.
    #[error("it ends too early")]
    End,
    /// Bytes after the value.
    #[error("something follows the value")]
    Trailing,
}

/// Reads `bytes` as exactly one JSON value.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Value, JsonError> {
    let refuse = |offset, problem| Err(JsonError { offset, path: String::new(), problem });
    if bytes.len() > limits.bytes {
        return refuse(limits.bytes, Problem::TooLarge(limits.bytes));
    }
    if bytes.starts_with("\u{feff}".as_bytes()) {
        return refuse(0, Problem::ByteOrderMark);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Reader { text, at: 0, limits, values: 0, open: Vec::new() }.read(),
        Err(error) => refuse(error.valid_up_to(), Problem::Utf8),
    }
}

/// An object or array whose end has not been read.
enum Open {
    Array(Vec<Value>),
    /// With the key whose value is being read.
    Object(Map<String, Value>, String),
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    limits: &'a Limits,
    values: usize,
    open: Vec<Open>,
}

impl Reader<'_> {
    fn read(mut self) -> Result<Value, JsonError> {
        loop {
            self.space();
            let Some(value) = self.start()? else { continue };
            if let Some(whole) = self.attach(value)? {
                return Ok(whole);
            }
        }
    }

    /// Reads a scalar or an empty container whole; opens any other and returns nothing.
    fn start(&mut self) -> Result<Option<Value>, JsonError> {
        self.values += 1;
        if self.values > self.limits.values {
            return Err(self.error(Problem::TooMany(self.limits.values)));
        }
        let value = match self.peek() {
            None => return Err(self.error(Problem::End)),
            Some(b'{') => {
                self.descend()?;
                if self.take(b'}') {
                    return Ok(Some(Value::Object(Map::new())));
                }
                self.open.push(Open::Object(Map::new(), String::new()));
                self.key()?;
                return Ok(None);
            }
            Some(b'[') => {
                self.descend()?;
                if self.take(b']') {
                    return Ok(Some(Value::Array(Vec::new())));
                }
                self.open.push(Open::Array(Vec::new()));
                return Ok(None);
            }
            Some(b'"') => Value::String(self.string()?),
            Some(b'-' | b'0'..=b'9') => Value::Number(self.number()?),
            Some(_) => self.literal()?,
        };
        Ok(Some(value))
    }

    /// Puts a value where it belongs and closes what ends with it; returns the whole once all is closed.
    fn attach(&mut self, mut value: Value) -> Result<Option<Value>, JsonError> {
        loop {
            self.space();
            match self.open.last_mut() {
                None if self.at == self.text.len() => return Ok(Some(value)),
                None => return Err(self.error(Problem::Trailing)),
                Some(Open::Array(elements)) => elements.push(value),
                Some(Open::Object(members, key)) => {
                    members.insert(std::mem::take(key), value);
                }
            }
            let (closing, expected) = match self.open.last() {
                Some(Open::Array(_)) => (b']', "',' or ']'"),
                _ => (b'}', "',' or '}'"),
            };
            if self.take(b',') {
                if closing == b'}' {
                    self.key()?;
                }
                return Ok(None);
            }
            if !self.take(closing) {
                let problem = if self.peek().is_none() { Problem::End } else { Problem::Expected(expected) };
                return Err(self.error(problem));
            }
            value = match self.open.pop() {
                Some(Open::Array(elements)) => Value::Array(elements),
                Some(Open::Object(members, _)) => Value::Object(members),
                None => return Err(self.error(Problem::Trailing)),
            };
        }
    }

    fn descend(&mut self) -> Result<(), JsonError> {
        if self.open.len() >= self.limits.depth {
            return Err(self.error(Problem::TooDeep(self.limits.depth)));
        }
        self.at += 1;
        self.space();
        Ok(())
    }

    /// Reads a key and its colon into the innermost object.
    fn key(&mut self) -> Result<(), JsonError> {
        self.space();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {}
            Some(_) => return Err(self.error(Problem::Expected("a key in quotation marks"))),
            None => return Err(self.error(Problem::End)),
        }
        let text = self.string()?;
        if let Some(Open::Object(members, key)) = self.open.last_mut() {
            if members.contains_key(&text) {
                let problem = Problem::Duplicate(text.chars().take(SHOWN_KEY).collect());
                return Err(self.error_at(start, problem));
            }
            *key = text;
        }
        self.space();
        if self.take(b':') {
            return Ok(());
        }
        Err(self.error(if self.peek().is_none() { Problem::End } else { Problem::Expected("':'") }))
    }

    fn literal(&mut self) -> Result<Value, JsonError> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.error(Problem::Expected("a value")))
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.text.get(self.at..).unwrap_or_default();
            let plain = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
            let Some(plain) = plain else {
                self.at = self.text.len();
                return Err(self.error(Problem::End));
            };
            out.push_str(rest.get(..plain).unwrap_or_default());
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                _ => return Err(self.error(Problem::Control)),
            }
        }
    }

    /// The character of the escape that begins here.
    fn escape(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        self.at += 1;
        let plain = match self.peek() {
            None => return Err(self.error(Problem::End)),
            Some(b @ (b'"' | b'\\' | b'/')) => char::from(b),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.hex()?;
                let code = match first {
                    0xd800..=0xdbff => {
                        if self.text.get(self.at..self.at + 2) != Some("\\u") {
                            return Err(self.error_at(start, Problem::LoneSurrogate));
                        }
                        self.at += 2;
                        let second = self.hex()?;
                        if !(0xdc00..=0xdfff).contains(&second) {
                            return Err(self.error_at(start, Problem::LoneSurrogate));
                        }
                        0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                    }
                    other => other,
                };
                return char::from_u32(code).ok_or_else(|| self.error_at(start, Problem::LoneSurrogate));
            }
            Some(_) => return Err(self.error_at(start, Problem::Escape)),
        };
        self.at += 1;
        Ok(plain)
    }

    fn hex(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.get(self.at..self.at + 4);
        let digits = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let code = code.ok_or_else(|| self.error(Problem::Escape))?;
        self.at += 4;
        Ok(code)
    }

    fn number(&mut self) -> Result<Number, JsonError> {
        let start = self.at;
        let digits = |reader: &mut Self| {
            let from = reader.at;
            while reader.peek().is_some_and(|b| b.is_ascii_digit()) {
                reader.at += 1;
            }
            reader.at - from
        };
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let whole = digits(self);
        if whole == 0 || (leading_zero && whole > 1) {
            return Err(self.error_at(start, Problem::Number));
        }
        let mut exact = true;
        if self.take(b'.') {
            exact = false;
            if digits(self) == 0 {
                return Err(self.error_at(start, Problem::Number));
            }
        }
        if self.take(b'e') || self.take(b'E') {
            exact = false;
            let _sign = self.take(b'+') || self.take(b'-');
            if digits(self) == 0 {
                return Err(self.error_at(start, Problem::Number));
            }
        }
        let text = self.text.get(start..self.at).unwrap_or_default();
        let number = if text.len() > NUMBER_BYTES {
            None
        } else if exact && text != "-0" {
            text.parse::<u64>().map(Number::from).or_else(|_| text.parse::<i64>().map(Number::from)).ok()
        } else {
            text.parse::<f64>().ok().and_then(Number::from_f64)
        };
        number.ok_or_else(|| self.error_at(start, Problem::NumberRange))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn space(&mut self) {
        while self.peek().is_some_and(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn error(&self, problem: Problem) -> JsonError {
        self.error_at(self.at, problem)
    }

    fn error_at(&self, offset: usize, problem: Problem) -> JsonError {
        let mut path = String::new();
        for open in &self.open {
            match open {
                Open::Array(elements) => {
                    let _ = write!(path, "[{}]", elements.len());
                }
                Open::Object(_, key) if key.is_empty() => {}
                Open::Object(_, key) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    let shown: String = key.chars().take(SHOWN_KEY).collect();
                    let _ = write!(path, "{dot}{}", shown.escape_debug());
                }
            }
        }
        JsonError { offset, path, problem }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> Problem {
        parse(text.as_bytes(), &Limits::default()).unwrap_err().problem
    }

    #[test]
    fn what_two_readers_could_read_differently_is_refused() {
        let cases = [
            (r#"{"a":1,"a":1}"#, Problem::Duplicate("a".into())),
            (r#"[{"x":{"a":1,"\u0061":1}}]"#, Problem::Duplicate("a".into())),
            ("\u{feff}{}", Problem::ByteOrderMark),
            ("{} {}", Problem::Trailing),
            ("{}\0", Problem::Trailing),
            (r#""\ud800""#, Problem::LoneSurrogate),
            (r#""\ud800\u0041""#, Problem::LoneSurrogate),
            (r#""\udc00""#, Problem::LoneSurrogate),
            (r#""\x41""#, Problem::Escape),
            (r#""\u00g0""#, Problem::Escape),
            ("\"a\nb\"", Problem::Control),
            ("18446744073709551616", Problem::NumberRange),
            ("1e400", Problem::NumberRange),
            ("01", Problem::Number),
            ("1.", Problem::Number),
            ("-", Problem::Number),
            ("NaN", Problem::Expected("a value")),
            ("[1,]", Problem::Expected("a value")),
            ("{'a':1}", Problem::Expected("a key in quotation marks")),
            (r#"{"a" 1}"#, Problem::Expected("':'")),
            ("[1 2]", Problem::Expected("',' or ']'")),
            ("", Problem::End),
            ("[1", Problem::End),
            (r#"{"a"#, Problem::End),
        ];
        for (text, expected) in cases {
            assert_eq!(problem(text), expected, "{text}");
        }
        assert_eq!(parse(b"\"\xff\"", &Limits::default()).unwrap_err().problem, Problem::Utf8);
        assert!(parse("1".repeat(65).as_bytes(), &Limits::default()).is_err());
    }

    #[test]
    fn an_error_has_a_place() {
        let error = parse(br#"{"messages":[{},{"content":"a" x}]}"#, &Limits::default()).unwrap_err();
        assert_eq!((error.offset, error.path.as_str()), (31, "messages[1]"));
        let error = parse(br#"{"messages":[{},{"content":nul}]}"#, &Limits::default()).unwrap_err();
        assert_eq!((error.offset, error.path.as_str()), (27, "messages[1].content"));
    }

    #[test]
    fn depth_bytes_and_values_are_bounded() {
        let limits = Limits { bytes: 400_000, depth: 8, values: 10 };
        let nested = |n: usize| [b"[".repeat(n), b"]".repeat(n)].concat();
        assert!(parse(&nested(8), &limits).is_ok());
        assert_eq!(parse(&nested(9), &limits).unwrap_err().problem, Problem::TooDeep(8));
        assert_eq!(parse(&nested(180_000), &limits).unwrap_err().problem, Problem::TooDeep(8));
        assert_eq!(parse(b"[1,1,1,1,1,1,1,1,1,1]", &limits).unwrap_err().problem, Problem::TooMany(10));
        assert_eq!(parse(&[b' '; 400_001], &limits).unwrap_err().problem, Problem::TooLarge(400_000));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 64, 8, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(value in value()) {
            for text in [serde_json::to_vec(&value).unwrap(), serde_json::to_vec_pretty(&value).unwrap()] {
                prop_assert_eq!(parse(&text, &Limits::default()).unwrap(), value.clone());
            }
        }

        /// Whatever this reader accepts, the reader of everybody else accepts with the same meaning.
        #[test]
        fn it_accepts_no_more_than_others(
            text in proptest::collection::vec(proptest::sample::select(
                br#"{}[]:,"\u0dD8c1e-+.taflsrn /"#.to_vec()), 0..24),
        ) {
            if let Ok(value) = parse(&text, &Limits::default()) {
                let other: Value = serde_json::from_slice(&text).unwrap();
                prop_assert_eq!(value, other);
            }
        }

        #[test]
        fn it_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes, &Limits { bytes: 48, depth: 3, values: 9 });
        }
    }
}
