//! Models that are spelt out: protobuf's mapping to JSON (`.onnxjson`, `.json`) and its text format (`.textproto`), which
//! `onnx.load` reads by the ending of the name.
//!
//! Both are turned into the bytes that they stand for, so that everything that is known of a model is asked of them as well.
//! Source: Protocol Buffers, "ProtoJSON Format" and "Text Format Language Specification"; `onnx.proto3`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proofhouse_artifact::json::Value;
use proofhouse_artifact::onnx::ElementType;
use proofhouse_artifact::protobuf::Message;

/// Messages in each other.
const DEPTH: u32 = 100;

/// What a field holds.
#[derive(Clone, Copy)]
enum Kind {
    Int,
    Float,
    Double,
    Text,
    Bytes,
    /// A message, by its fields: messages hold each other.
    Message(fn() -> &'static [Row]),
}

/// A field: its name as the schema has it, its number, what it holds.
type Row = (&'static str, u32, Kind);

use Kind::{Bytes, Double, Float, Int, Message as M, Text};

const ENTRY: &[Row] = &[("key", 1, Text), ("value", 2, Text)];
const OPSET: &[Row] = &[("domain", 1, Text), ("version", 2, Int)];
const DIM: &[Row] = &[("dim_value", 1, Int), ("dim_param", 2, Text), ("denotation", 3, Text)];
const SHAPE: &[Row] = &[("dim", 1, M(|| DIM))];
const TENSOR_TYPE: &[Row] = &[("elem_type", 1, Int), ("shape", 2, M(|| SHAPE))];
const TYPE: &[Row] = &[
    ("tensor_type", 1, M(|| TENSOR_TYPE)),
    ("sparse_tensor_type", 8, M(|| TENSOR_TYPE)),
    ("denotation", 6, Text),
];
const VALUE: &[Row] = &[("name", 1, Text), ("type", 2, M(|| TYPE)), ("doc_string", 3, Text)];
const TENSOR: &[Row] = &[
    ("dims", 1, Int),
    ("data_type", 2, Int),
    ("float_data", 4, Float),
    ("int32_data", 5, Int),
    ("string_data", 6, Bytes),
    ("int64_data", 7, Int),
    ("name", 8, Text),
    ("raw_data", 9, Bytes),
    ("double_data", 10, Double),
    ("uint64_data", 11, Int),
    ("doc_string", 12, Text),
    ("external_data", 13, M(|| ENTRY)),
    ("data_location", 14, Int),
];
const SPARSE: &[Row] = &[("values", 1, M(|| TENSOR)), ("indices", 2, M(|| TENSOR)), ("dims", 3, Int)];
const ATTRIBUTE: &[Row] = &[
    ("name", 1, Text),
    ("f", 2, Float),
    ("i", 3, Int),
    ("s", 4, Bytes),
    ("t", 5, M(|| TENSOR)),
    ("g", 6, M(|| GRAPH)),
    ("floats", 7, Float),
    ("ints", 8, Int),
    ("strings", 9, Bytes),
    ("tensors", 10, M(|| TENSOR)),
    ("graphs", 11, M(|| GRAPH)),
    ("doc_string", 13, Text),
    ("ref_attr_name", 21, Text),
    ("sparse_tensor", 22, M(|| SPARSE)),
    ("sparse_tensors", 23, M(|| SPARSE)),
];
const NODE: &[Row] = &[
    ("input", 1, Text),
    ("output", 2, Text),
    ("name", 3, Text),
    ("op_type", 4, Text),
    ("attribute", 5, M(|| ATTRIBUTE)),
    ("doc_string", 6, Text),
    ("domain", 7, Text),
    ("overload", 8, Text),
];
const GRAPH: &[Row] = &[
    ("node", 1, M(|| NODE)),
    ("name", 2, Text),
    ("initializer", 5, M(|| TENSOR)),
    ("doc_string", 10, Text),
    ("input", 11, M(|| VALUE)),
    ("output", 12, M(|| VALUE)),
    ("value_info", 13, M(|| VALUE)),
    ("sparse_initializer", 15, M(|| SPARSE)),
];
const FUNCTION: &[Row] = &[
    ("name", 1, Text),
    ("input", 4, Text),
    ("output", 5, Text),
    ("attribute", 6, Text),
    ("node", 7, M(|| NODE)),
    ("doc_string", 8, Text),
    ("opset_import", 9, M(|| OPSET)),
    ("domain", 10, Text),
    ("attribute_proto", 11, M(|| ATTRIBUTE)),
];
const TRAINING: &[Row] = &[("initialization", 1, M(|| GRAPH)), ("algorithm", 2, M(|| GRAPH))];
const MODEL: &[Row] = &[
    ("ir_version", 1, Int),
    ("producer_name", 2, Text),
    ("producer_version", 3, Text),
    ("domain", 4, Text),
    ("model_version", 5, Int),
    ("doc_string", 6, Text),
    ("graph", 7, M(|| GRAPH)),
    ("opset_import", 8, M(|| OPSET)),
    ("metadata_props", 14, M(|| ENTRY)),
    ("training_info", 20, M(|| TRAINING)),
    ("functions", 25, M(|| FUNCTION)),
];

/// How a model is spelt.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Json,
    /// Bytes are characters below 256.
    Text,
}

/// The bytes of a model in JSON; `None` if the document is none.
pub(super) fn json(document: &Value) -> Option<Vec<u8>> {
    let members = document.as_object()?;
    let has = |name: &str| members.iter().any(|(key, _)| same(key, name));
    let graph = members.iter().find(|(key, _)| key == "graph")?.1.as_object()?;
    let nodes = graph.iter().any(|(key, _)| key == "node");
    (nodes && (has("ir_version") || has("opset_import"))).then(|| message(members, MODEL, Spelling::Json))
}

/// The bytes of a model in the text format; `None` if the text is none, and an error where it ends to be one.
pub(super) fn text(text: &str) -> Option<Result<Vec<u8>, usize>> {
    // A model has a version and a graph, each at the beginning of a line or behind another field.
    let begins = |name: &str| {
        text.match_indices(name).take(64).any(|(at, _)| {
            let before = text.get(..at).and_then(|before| before.chars().next_back());
            let behind = text.get(at + name.len()..).unwrap_or_default().trim_start();
            before.is_none_or(|c| c.is_whitespace() || c == ';' || c == ',')
                && behind.starts_with([':', '{', '<'])
        })
    };
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let fields = MODEL.iter().any(|(name, ..)| {
        first.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with([':', '{', '<']))
    });
    if !fields || !begins("graph") || !(begins("ir_version") || begins("opset_import")) {
        return None;
    }
    let mut reader = Reader { rest: text, size: text.len() };
    Some(match reader.fields(None, 0) {
        Some(members) => Ok(message(&members, MODEL, Spelling::Text)),
        None => Err(reader.size - reader.rest.len()),
    })
}

/// Whether a text is a model in ONNX's own syntax (`onnx.parser`): a list of fields, and a graph behind it.
pub(super) fn is_syntax(text: &str) -> bool {
    let start = text.trim_start();
    let head = start.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    head.is_some_and(|(fields, rest)| {
        fields.contains("ir_version") && fields.contains(':') && rest.contains("=>")
    })
}

/// Whether a key is a field's name, as the schema or as JSON writes it.
fn same(key: &str, name: &str) -> bool {
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
        (M(rows), Value::Object(members)) => out.bytes(number, &message(members, rows(), spelling)),
        (Int, Value::Integer(n)) => out.int(number, *n),
        (Int, Value::Bool(truth)) => out.int(number, i64::from(*truth)),
        (Int, Value::Text(text)) => {
            let wide = || text.parse::<u64>().ok().map(u64::cast_signed);
            if let Some(n) = text.parse().ok().or_else(wide).or_else(|| named(text)) {
                out.int(number, n);
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "the field has 32 bits")]
        (Float, _) => out.fixed32(number, real.map_or(0, |n| (n as f32).to_bits())),
        (Double, _) => out.fixed64(number, real.map_or(0, f64::to_bits)),
        (Bytes, Value::Text(text)) if spelling == Spelling::Json => {
            out.bytes(number, &STANDARD.decode(text).unwrap_or_else(|_| text.clone().into_bytes()));
        }
        (Bytes | Text, Value::Text(text)) if spelling == Spelling::Text => {
            let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
            out.bytes(number, &bytes);
        }
        (Text, Value::Text(text)) => out.bytes(number, text.as_bytes()),
        _ => {}
    }
}

/// The number of a name: where data are, and the types of elements.
fn named(name: &str) -> Option<i64> {
    /// More types than the specification has.
    const TYPES: i32 = 64;
    match name {
        "EXTERNAL" => Some(1),
        "DEFAULT" => Some(0),
        _ => (0..TYPES).find(|n| ElementType(*n).name() == Some(name)).map(i64::from),
    }
}

/// Reads the text format. `None` is where a text is none.
struct Reader<'a> {
    rest: &'a str,
    size: usize,
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
        if depth > DEPTH {
            return None;
        }
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
        let integer = word.parse().ok().map(Value::Integer);
        Some(integer.unwrap_or_else(|| match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Outcome, scan_bytes};

    fn scan(name: &str, text: &str) -> (Outcome, Vec<String>) {
        let report = scan_bytes(&name.parse().unwrap(), text.as_bytes(), &Limits::default());
        (report.outcome, report.findings.into_iter().map(|finding| finding.rule).collect())
    }

    #[test]
    fn a_model_in_json_is_judged_as_its_bytes_are() {
        let model = |domain: &str, location: &str| {
            format!(
                r#"{{"irVersion": "9", "graph": {{"node": [{{"input": ["x"], "output": ["y"], "opType": "Run", "domain": "{domain}"}}],
                "name": "g", "initializer": [{{"dims": ["2"], "dataType": 1, "name": "w", {location}}}]}},
                "opsetImport": [{{"domain": "", "version": "17"}}]}}"#
            )
        };
        let inside = r#""rawData": "AACAPwAAAEA=""#;
        assert_eq!(scan("m.onnxjson", &model("", inside)).0, Outcome::Clean);
        let (outcome, rules) = scan("m.onnxjson", &model("com.example.python", inside));
        assert_eq!((outcome, rules), (Outcome::Suspicious, vec!["onnx/custom-operator".to_owned()]));
        let outside =
            r#""dataLocation": "EXTERNAL", "externalData": [{"key": "location", "value": "../../etc/x"}]"#;
        assert!(scan("m.json", &model("", outside)).1.contains(&"onnx/external-path".to_owned()));
        assert_eq!(scan("m.json", &model("", r#""rawData": "AACAPw==""#)).0, Outcome::Suspicious);
    }

    #[test]
    fn a_model_as_text_is_judged_as_its_bytes_are() {
        let model = |domain: &str, raw: &str| {
            format!(
                "# a comment\nir_version: 9\ngraph {{\n  node {{ input: \"x\" output: 'y' op_type: \"Run\" domain: \"{domain}\" }}\n  name: \"g\"\n  initializer <\n    dims: [2], data_type: 1\n    name: \"w\"\n    raw_data: {raw}\n  >\n}}\nopset_import {{ version: 17 }}\n"
            )
        };
        let raw = r#""\000\000\200?" "\x00\0\0@""#;
        assert_eq!(scan("m.textproto", &model("", raw)), (Outcome::Clean, vec![]));
        assert_eq!(scan("m.textproto", &model("com.example", raw)).1, ["onnx/custom-operator"]);
        assert_eq!(scan("m.onnxtxt", &model("", "\"\"")).1, ["onnx/malformed"]);
        assert_eq!(scan("m.textproto", &model("", "\"open")).0, Outcome::Unscannable);
        assert!(text(&format!("ir_version: 9\ngraph {}", "{ node ".repeat(100_000))).unwrap().is_err());
        assert!(text("graph: a word, ir_version: another").is_none_or(|read| read.is_err()));
        assert!(text("A graph {\n of this ir_version: 3").is_none());
    }
}
