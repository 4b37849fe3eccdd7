//! The safetensors header: eight bytes of length, a JSON object, then the tensors back to back.
//!
//! The format's own rules (safetensors README, "Format"): header at most 100 MB, starting with `{`, no
//! duplicate keys, offsets that tile the data without holes or overlaps and agree with dtype × shape.
//! Breaches are collected as [`Issue`]s, so that one does not hide the next.

use std::collections::BTreeMap;
use std::fmt;

use crate::ArtifactError;
use crate::json::{self, Value};

/// The format's limit on the header.
pub const MAX_HEADER_BYTES: u64 = 100_000_000;

/// A parsed header.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    /// Length of the JSON text.
    pub header_bytes: u64,
    /// The tensors in the order of the header.
    pub tensors: Vec<Tensor>,
    /// `__metadata__`, first value of each key.
    pub metadata: BTreeMap<String, String>,
    /// Where the file breaks the format's rules.
    pub issues: Vec<Issue>,
}

/// One tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its element type as written, such as `F32`.
    pub dtype: String,
    /// Its shape.
    pub shape: Vec<u64>,
    /// First byte in the file.
    pub begin: u64,
    /// One past its last byte in the file.
    pub end: u64,
}

/// A breach of the format's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Byte offset in the file.
    pub offset: u64,
    /// The tensor or key, where there is one.
    pub name: Option<String>,
    /// What kind of breach.
    pub kind: IssueKind,
}

/// Kinds of breaches.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssueKind {
    /// The same key twice: readers differ in which one they take.
    DuplicateKey,
    /// A tensor entry without the right fields.
    BadEntry(&'static str),
    /// `__metadata__` is not an object of strings.
    BadMetadata,
    /// An element type the format does not have.
    UnknownDtype(String),
    /// dtype × shape gives another number of bytes than the offsets.
    SizeMismatch {
        /// By dtype and shape; `None` when it overflows.
        implied: Option<u64>,
        /// By the offsets.
        stored: u64,
    },
    /// The offsets end before they begin or beyond the file.
    OutOfRange {
        /// Bytes of tensor data in the file.
        available: u64,
    },
    /// Two tensors share bytes.
    Overlap {
        /// The other one.
        with: String,
    },
    /// Bytes that belong to no tensor.
    Hole {
        /// How many.
        bytes: u64,
    },
}

impl fmt::Display for Issue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.name {
            write!(f, "{name:?} ")?;
        }
        match &self.kind {
            IssueKind::DuplicateKey => f.write_str("stands twice in the header"),
            IssueKind::BadEntry(field) => write!(f, "has no valid {field}"),
            IssueKind::BadMetadata => f.write_str("is not an object of strings"),
            IssueKind::UnknownDtype(dtype) => write!(f, "has the unknown element type {dtype:?}"),
            IssueKind::SizeMismatch { implied: Some(implied), stored } => {
                write!(f, "needs {implied} bytes by its shape and is given {stored}")
            }
            IssueKind::SizeMismatch { implied: None, stored } => {
                write!(f, "has a shape beyond 2^64 bytes and is given {stored}")
            }
            IssueKind::OutOfRange { available } => {
                write!(f, "lies outside the {available} bytes of tensor data")
            }
            IssueKind::Overlap { with } => write!(f, "shares bytes with {with:?}"),
            IssueKind::Hole { bytes } => write!(f, "{bytes} bytes belong to no tensor"),
        }
    }
}

/// Most JSON values in a header; a tensor takes about eight.
const MAX_VALUES: u64 = 8_000_000;

/// Reads the header of a safetensors file given its whole content.
///
/// # Errors
/// There is no header to speak of: too short, a length beyond the file or the format's limit, not JSON.
pub fn parse(bytes: &[u8]) -> Result<Header, ArtifactError> {
    let malformed = |offset, what: String| ArtifactError::malformed("safetensors", offset, what);
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(malformed(0, format!("{} bytes are too few for a header length", bytes.len())));
    };
    let header_bytes = u64::from_le_bytes(*length);
    if header_bytes > MAX_HEADER_BYTES {
        return Err(malformed(0, format!("the header claims {header_bytes} bytes, the format allows 10^8")));
    }
    let text = usize::try_from(header_bytes).ok().and_then(|n| rest.get(..n));
    let text = text.ok_or_else(|| {
        malformed(0, format!("the header claims {header_bytes} bytes and {} are left", rest.len()))
    })?;
    if text.first() != Some(&b'{') {
        return Err(malformed(8, "the header does not begin with {".to_owned()));
    }
    let document = json::parse_standard(text, MAX_VALUES).map_err(|e| match e {
        ArtifactError::Malformed { offset, what, .. } => malformed(offset + 8, what),
        other => other,
    })?;
    let members = document.as_object().unwrap_or_default();
    let mut reader = Reader {
        data_start: 8 + header_bytes,
        file_end: bytes.len() as u64,
        header: Header { header_bytes, tensors: Vec::new(), metadata: BTreeMap::new(), issues: Vec::new() },
    };
    reader.members(members);
    reader.tiling();
    Ok(reader.header)
}

struct Reader {
    data_start: u64,
    file_end: u64,
    header: Header,
}

impl Reader {
    fn issue(&mut self, offset: u64, name: Option<&str>, kind: IssueKind) {
        self.header.issues.push(Issue { offset, name: name.map(str::to_owned), kind });
    }

    fn members(&mut self, members: &[(String, Value)]) {
        let mut seen = std::collections::HashSet::new();
        for (name, value) in members {
            if !seen.insert(name.as_str()) {
                self.issue(8, Some(name), IssueKind::DuplicateKey);
            }
            if name == "__metadata__" {
                self.metadata(value);
            } else {
                match entry(value) {
                    Ok((dtype, shape, begin, end)) => self.tensor(name, dtype, shape, begin, end),
                    Err(field) => self.issue(8, Some(name), IssueKind::BadEntry(field)),
                }
                for (i, (key, _)) in value.as_object().unwrap_or_default().iter().enumerate() {
                    let earlier = value.as_object().unwrap_or_default().iter().take(i);
                    if i < 16 && earlier.into_iter().any(|(k, _)| k == key) {
                        self.issue(8, Some(name), IssueKind::DuplicateKey);
                    } else if i >= 16 {
                        self.issue(8, Some(name), IssueKind::BadEntry("set of fields"));
                        break;
                    }
                }
            }
        }
    }

    fn metadata(&mut self, value: &Value) {
        let Some(members) = value.as_object() else {
            return self.issue(8, Some("__metadata__"), IssueKind::BadMetadata);
        };
        for (key, value) in members {
            let Some(text) = value.as_text() else {
                self.issue(8, Some("__metadata__"), IssueKind::BadMetadata);
                continue;
            };
            if self.header.metadata.contains_key(key) {
                self.issue(8, Some(key), IssueKind::DuplicateKey);
            } else {
                self.header.metadata.insert(key.clone(), text.to_owned());
            }
        }
    }

    fn tensor(&mut self, name: &str, dtype: &str, shape: Vec<u64>, begin: u64, end: u64) {
        let available = self.file_end.saturating_sub(self.data_start);
        let at = self.data_start.saturating_add(begin);
        if begin > end || end > available {
            self.issue(at, Some(name), IssueKind::OutOfRange { available });
        }
        let stored = end.saturating_sub(begin);
        match bits(dtype) {
            None => self.issue(at, Some(name), IssueKind::UnknownDtype(dtype.to_owned())),
            Some(bits) => {
                let total = shape.iter().try_fold(bits, |n: u64, d| n.checked_mul(*d));
                let implied = total.filter(|n| n % 8 == 0).map(|n| n / 8);
                if implied != Some(stored) {
                    self.issue(at, Some(name), IssueKind::SizeMismatch { implied, stored });
                }
            }
        }
        self.header.tensors.push(Tensor {
            name: name.to_owned(),
            dtype: dtype.to_owned(),
            shape,
            begin: at,
            end: self.data_start.saturating_add(end),
        });
    }

    /// The data must be covered exactly once.
    fn tiling(&mut self) {
        let mut ranges: Vec<(u64, u64, String)> =
            self.header.tensors.iter().map(|t| (t.begin, t.end, t.name.clone())).collect();
        ranges.sort();
        let (mut covered, mut last) = (self.data_start, String::new());
        for (begin, end, name) in ranges {
            if begin > covered {
                self.issue(covered, None, IssueKind::Hole { bytes: begin - covered });
            } else if begin < covered && end > begin {
                self.issue(begin, Some(&name), IssueKind::Overlap { with: last.clone() });
            }
            if end > covered {
                (covered, last) = (end, name);
            }
        }
        if covered < self.file_end {
            self.issue(covered, None, IssueKind::Hole { bytes: self.file_end - covered });
        }
    }
}

type Entry<'a> = (&'a str, Vec<u64>, u64, u64);

fn entry(value: &Value) -> Result<Entry<'_>, &'static str> {
    let members = value.as_object().ok_or("entry")?;
    let field = |key: &str| members.iter().find(|(k, _)| k == key).map(|(_, v)| v);
    let dtype = field("dtype").and_then(Value::as_text).ok_or("dtype")?;
    let sizes = |key: &'static str| -> Result<Vec<u64>, &'static str> {
        let array = field(key).and_then(Value::as_array).ok_or(key)?;
        array.iter().map(Value::as_size).collect::<Option<Vec<_>>>().ok_or(key)
    };
    let shape = sizes("shape")?;
    match sizes("data_offsets")?.as_slice() {
        [begin, end] => Ok((dtype, shape, *begin, *end)),
        _ => Err("data_offsets"),
    }
}

/// Bits of one element.
fn bits(dtype: &str) -> Option<u64> {
    Some(match dtype {
        "F4" => 4,
        "F6_E2M3" | "F6_E3M2" => 6,
        "BOOL" | "U8" | "I8" | "F8_E5M2" | "F8_E4M3" | "F8_E8M0" | "F8_E4M3FNUZ" | "F8_E5M2FNUZ" => 8,
        "U16" | "I16" | "F16" | "BF16" => 16,
        "U32" | "I32" | "F32" => 32,
        "U64" | "I64" | "F64" | "C64" => 64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: usize) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; data]].concat()
    }

    fn kinds(header: &str, data: usize) -> Vec<IssueKind> {
        parse(&file(header, data)).unwrap().issues.into_iter().map(|i| i.kind).collect()
    }

    #[test]
    fn a_right_file_has_no_issue() {
        let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
            "b":{"dtype":"BF16","shape":[],"data_offsets":[24,26]},"c":{"dtype":"I8","shape":[0],"data_offsets":[26,26]}}"#;
        let parsed = parse(&file(header, 26)).unwrap();
        assert_eq!(parsed.issues, []);
        assert_eq!(parsed.metadata["format"], "pt");
        assert_eq!(parsed.tensors[1].end, 8 + header.len() as u64 + 26);
    }

    #[test]
    fn breaches_are_named() {
        let t = |shape: &str, offsets: &str| {
            format!(r#"{{"dtype":"F32","shape":[{shape}],"data_offsets":[{offsets}]}}"#)
        };
        let one = t("1", "0,4");
        assert_eq!(kinds(&format!(r#"{{"a":{one}}}"#), 9), [IssueKind::Hole { bytes: 5 }]);
        assert_eq!(
            kinds(&format!(r#"{{"a":{one},"a":{one}}}"#), 4),
            [IssueKind::DuplicateKey, IssueKind::Overlap { with: "a".into() }]
        );
        assert_eq!(
            kinds(&format!(r#"{{"a":{}}}"#, t("2", "0,4")), 4),
            [IssueKind::SizeMismatch { implied: Some(8), stored: 4 }]
        );
        assert_eq!(
            kinds(&format!(r#"{{"a":{}}}"#, t("4294967296,4294967296", "0,4")), 4),
            [IssueKind::SizeMismatch { implied: None, stored: 4 }]
        );
        assert_eq!(
            kinds(&format!(r#"{{"a":{}}}"#, t("2", "0,8")), 4),
            [IssueKind::OutOfRange { available: 4 }]
        );
        assert_eq!(
            kinds(&format!(r#"{{"a":{one},"b":{}}}"#, t("1", "2,6")), 6),
            [IssueKind::Overlap { with: "a".into() }]
        );
        assert_eq!(kinds(r#"{"a":{"dtype":"F32","shape":[-1]}}"#, 0), [IssueKind::BadEntry("shape")]);
        assert_eq!(kinds(r#"{"__metadata__":{"a":1}}"#, 0), [IssueKind::BadMetadata]);
    }

    #[test]
    fn a_header_that_lies_about_itself_is_an_error() {
        assert!(parse(b"short").is_err());
        assert!(parse(&u64::MAX.to_le_bytes()).is_err());
        assert!(parse(&file("{", 0)).unwrap_err().offset().unwrap() >= 8);
        let mut truncated = file("{}", 0);
        truncated.pop();
        assert!(parse(&truncated).is_err());
    }

    proptest! {
        #[test]
        fn mutated_headers_never_panic(at in 0usize..90, to in any::<u8>()) {
            let mut bytes = file(r#"{"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}"#, 24);
            let at = at % bytes.len();
            bytes[at] = to;
            let _ = parse(&bytes);
        }
    }
}
