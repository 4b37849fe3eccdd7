//! Messages of Protocol Buffers that are spelt out: the mapping to JSON and the text format, turned into the bytes that they
//! stand for, so that everything that is known of a model is asked of these spellings as well.
//!
//! Source: Protocol Buffers, "ProtoJSON Format" and "Text Format Language Specification".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofhouse_artifact::json::Value;
use proofhouse_artifact::protobuf::Message;

/// Messages in each other.
const DEPTH: u32 = 100;
/// Fields and elements of one text. Bounds memory: about 100 bytes each.
const MOST_VALUES: u32 = 2_000_000;

/// What a field holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Int,
    Float,
    Double,
    Text,
    Bytes,
    /// A number that has names.
    Enum(fn(&str) -> Option<i64>),
    /// A message, by its fields: messages hold each other.
    Message(fn() -> &'static [Row]),
}

/// A field: its name as the schema has it, its number, what it holds.
pub(super) type Row = (&'static str, u32, Kind);

/// How a model is spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Json,
    /// Bytes are characters below 256.
    Text,
}

/// The bytes of a message in JSON.
pub(super) fn of_json(members: &[(String, Value)], rows: &[Row]) -> Vec<u8> {
    message(members, rows, Spelling::Json)
}

/// The bytes of a message in the text format, or where the text ends to be one.
pub(super) fn of_text(text: &str, rows: &[Row]) -> Result<Vec<u8>, usize> {
    let mut reader = Reader { rest: text, left: MOST_VALUES };
    match reader.fields(None, 0) {
        Some(members) => Ok(message(&members, rows, Spelling::Text)),
        None => Err(text.len() - reader.rest.len()),
    }
}

/// The fields of a text in the text format, whatever message it is of.
pub(crate) fn fields(text: &str) -> Option<Vec<(String, Value)>> {
    Reader { rest: text.trim_start_matches('\u{feff}'), left: MOST_VALUES }.fields(None, 0)
}

/// Whether the first field of a text is one of these.
pub(super) fn begins_with(text: &str, rows: &[Row]) -> bool {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let first = lines.find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or_default();
    rows.iter().any(|(name, ..)| {
        first.strip_prefix(name).is_some_and(|rest| {
            // A name may be all that stands in its line.
            let rest = rest.trim_start();
            rest.is_empty() || rest.starts_with([':', '{', '<', '[', '#'])
        })
    })
}

/// Whether a key is a field's name, as the schema or as JSON writes it.
pub(super) fn same(key: &str, name: &str) -> bool {
    let letters =
        |text: &str| text.bytes().filter(|b| *b != b'_').map(|b| b.to_ascii_lowercase()).collect::<Vec<_>>();
    key == name || letters(key) == letters(name)
}

fn message(members: &[(String, Value)], rows: &[Row], spelling: Spelling) -> Vec<u8> {
    let mut out = Message::default();
    // A reader of tensors has to know the type before the numbers.
    let late = |key: &str| key.contains("ata") && !same(key, "data_type");
    for pass in [false, true] {
        for (key, value) in members.iter().filter(|(key, _)| late(key) == pass) {
            let Some((_, number, kind)) = rows.iter().find(|(name, ..)| same(key, name)) else { continue };
            let values = value.as_array().unwrap_or(std::slice::from_ref(value));
            for value in values {
                field(&mut out, *number, *kind, value, spelling);
            }
        }
    }
    out.into_bytes()
}

fn field(out: &mut Message, number: u32, kind: Kind, value: &Value, spelling: Spelling) {
    // Numbers of 64 bits are texts in JSON; those of fractions may be, too.
    let real = match value {
        Value::Integer(n) => Some(*n as f64),
        Value::Number(n) => Some(*n),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    };
    match (kind, value) {
        (Kind::Message(rows), Value::Object(members)) => {
            out.bytes(number, &message(members, rows(), spelling))
        }
        (Kind::Int | Kind::Enum(_), Value::Integer(n)) => out.int(number, *n),
        (Kind::Int, Value::Bool(truth)) => out.int(number, i64::from(*truth)),
        (Kind::Int | Kind::Enum(_), Value::Text(text)) => {
            let wide = || text.parse::<u64>().ok().map(u64::cast_signed);
            let named = || if let Kind::Enum(number) = kind { number(text) } else { None };
            if let Some(n) = text.parse().ok().or_else(wide).or_else(named) {
                out.int(number, n);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the field has 32 bits")]
        (Kind::Float, _) => out.fixed32(number, real.map_or(0, |n| (n as f32).to_bits())),
        (Kind::Double, _) => out.fixed64(number, real.map_or(0, f64::to_bits)),
        (Kind::Bytes, Value::Text(text)) if spelling == Spelling::Json => {
            out.bytes(number, &STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes()));
        }
        (Kind::Bytes | Kind::Text, Value::Text(text)) if spelling == Spelling::Text => {
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
            out.bytes(number, &bytes);
        }
        (Kind::Text, Value::Text(text)) => out.bytes(number, text.as_bytes()),
        _ => {}
    }
}

/// Reads the text format. `None` is where a text is none.
struct Reader<'a> {
    rest: &'a str,
    /// Values that may still come.
    left: u32,
}

impl Reader<'_> {
    fn skip(&mut self) {
        loop {
            self.rest = self.rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',' || c == ';');
            let Some(comment) = self.rest.strip_prefix('#') else { return };
            self.rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        }
    }

    fn take(&mut self, mark: char) -> bool {
        self.skip();
        let rest = self.rest.strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Fields up to a closing bracket, or to the end.
    fn fields(&mut self, closed: Option<char>, depth: u32) -> Option<Vec<(String, Value)>> {
        let mut members = Vec::new();
        loop {
            self.skip();
            match closed {
                Some(closed) if self.take(closed) => return Some(members),
                None if self.rest.is_empty() => return Some(members),
                _ => {}
            }
            let name = self.word()?.to_owned();
            let separated = self.take(':');
            let value = self.value(separated, depth)?;
            members.push((name, value));
        }
    }

    fn word(&mut self) -> Option<&str> {
        let other = |c: char| !(c.is_ascii_alphanumeric() || "_.+-".contains(c));
        let end = self.rest.find(other).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at_checked(end).filter(|(word, _)| !word.is_empty())?;
        self.rest = rest;
        Some(word)
    }

    fn value(&mut self, separated: bool, depth: u32) -> Option<Value> {
        self.left = self.left.checked_sub(1).filter(|_| depth <= DEPTH)?;
        for (open, close) in [('{', '}'), ('<', '>')] {
            if self.take(open) {
                return self.fields(Some(close), depth + 1).map(Value::Object);
            }
        }
        if self.take('[') {
            let mut values = Vec::new();
            while !self.take(']') {
                values.push(self.value(separated, depth + 1)?);
            }
            return Some(Value::Array(values));
        }
        if !separated {
            return None;
        }
        self.skip();
        if self.rest.starts_with(['"', '\'']) {
            let mut text = String::new();
            while self.rest.starts_with(['"', '\'']) {
                self.quoted(&mut text)?;
                self.skip();
            }
            return Some(Value::Text(text));
        }
        let word = self.word()?;
        Some(integer(word).map(Value::Integer).unwrap_or_else(|| match word {
            "true" | "True" | "t" => Value::Bool(true),
            "false" | "False" | "f" => Value::Bool(false),
            other => Value::Text(other.trim_end_matches(['f', 'F']).to_owned()),
        }))
    }

    /// A text in quotes, each byte as the character of its number.
    fn quoted(&mut self, text: &mut String) -> Option<()> {
        let quote = self.rest.chars().next()?;
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        loop {
            let byte = *bytes.get(at)?;
            at += 1;
            match byte {
                b'\n' => return None,
                b'\\' => {
                    let escape = *bytes.get(at)?;
                    at += 1;
                    let digits = |from: usize, most: usize, radix: u32| {
                        let digits = bytes.get(from..).unwrap_or_default().iter().take(most);
                        digits.take_while(|b| char::from(**b).is_digit(radix)).count()
                    };
                    let number = |from: usize, count: usize, radix: u32| {
                        let digits = std::str::from_utf8(bytes.get(from..from + count)?).ok()?;
                        let n = u32::from_str_radix(digits, radix).ok()?;
                        Some((char::from((n & 0xff) as u8), from + count))
                    };
                    let (letter, end) = match escape {
                        b'n' => ('\n', at),
                        b'r' => ('\r', at),
                        b't' => ('\t', at),
                        b'a' => ('\x07', at),
                        b'b' => ('\x08', at),
                        b'f' => ('\x0c', at),
                        b'v' => ('\x0b', at),
                        // Not in every reader, and not in the same way.
                        b'u' | b'U' => return None,
                        b'0'..=b'7' => number(at - 1, digits(at - 1, 3, 8), 8)?,
                        b'x' | b'X' => number(at, digits(at, 2, 16), 16)?,
                        other => (char::from(other), at),
                    };
                    text.push(letter);
                    at = end;
                }
                end if u32::from(end) == u32::from(quote) => break,
                byte => text.push(char::from(byte)),
            }
        }
        self.rest = self.rest.get(at..)?;
        Some(())
    }
}

/// A whole number as C writes it.
fn integer(word: &str) -> Option<i64> {
    let (digits, sign) = word.strip_prefix('-').map_or((word, 1), |digits| (digits, -1));
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0').filter(|digits| !digits.is_empty());
    let number = match (hex, octal) {
        (Some(digits), _) => i64::from_str_radix(digits, 16),
        (None, Some(digits)) => i64::from_str_radix(digits, 8),
        (None, None) => digits.parse(),
    };
    number.ok().map(|n| sign * n)
}
