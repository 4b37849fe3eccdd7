//! Data that is no table of numbers: documents, and JSON objects one a line. Both become a [`Table`] of text
//! with one row a record, so that manifests, Merkle roots and checks hold for them as they are.

use proofhouse_core::{Digest, FilePath, canonical};
use serde_json::{Map, Value};

use crate::{Column, ColumnData, DatasetError, Limits, Table};

/// A record a document: its path, its size and the digest of its bytes, in the order given.
pub fn documents<'a>(
    files: impl IntoIterator<Item = (&'a FilePath, &'a [u8])>,
) -> Result<Table, DatasetError> {
    let (mut paths, mut sizes, mut digests) = (Vec::new(), Vec::new(), Vec::new());
    for (path, bytes) in files {
        paths.push(Some(path.to_string()));
        sizes.push(i64::try_from(bytes.len()).ok());
        digests.push(Some(Digest::of(bytes).to_string()));
    }
    Table::new(vec![
        column("document", ColumnData::Text(paths)),
        column("bytes", ColumnData::Int(sizes)),
        column("sha256", ColumnData::Text(digests)),
    ])
}

/// A record a line: each line is one JSON object, empty lines aside. Returns the objects, and the table of
/// their canonical forms (RFC 8785): the order of keys and the spaces between them make no other record.
pub fn read_json_lines(
    file: &str,
    bytes: &[u8],
    limits: &Limits,
) -> Result<(Vec<Map<String, Value>>, Table), DatasetError> {
    if bytes.len() as u64 > limits.file_bytes {
        let (found, limit) = (bytes.len() as u64, limits.file_bytes);
        return Err(DatasetError::Limit { file: file.to_owned(), what: "its size in bytes", found, limit });
    }
    let wrong = |line: usize, reason: String| DatasetError::Line { file: file.to_owned(), line, reason };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let line = bytes.iter().take(e.valid_up_to()).filter(|b| **b == b'\n').count();
        wrong(line + 1, "it is not UTF-8".to_owned())
    })?;
    let (mut objects, mut records) = (Vec::new(), Vec::new());
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| wrong(i + 1, format!("it is no JSON object: {e}")))?;
        let canonical = canonical::to_vec(&object).map_err(|e| wrong(i + 1, e.to_string()))?;
        records.push(Some(String::from_utf8_lossy(&canonical).into_owned()));
        objects.push(object);
    }
    Ok((objects, Table::new(vec![column("record", ColumnData::Text(records))])?))
}

fn column(name: &str, data: ColumnData) -> Column {
    Column { name: name.to_owned(), data, nullable: false }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Records;

    fn root(lines: &str) -> Digest {
        Records::of(&read_json_lines("x", lines.as_bytes(), &Limits::default()).unwrap().1).root()
    }

    #[test]
    fn layout_makes_no_other_record_and_content_does() {
        assert_eq!(root("{\"a\": 1, \"b\": 2}\n\n"), root("{\"b\":2,\"a\":1}"));
        assert_ne!(root("{\"a\":1}"), root("{\"a\":2}"));
    }

    #[test]
    fn a_document_moves_the_root_by_its_name_and_its_bytes() {
        let of = |name: &str, bytes: &[u8]| {
            let path: FilePath = name.parse().unwrap();
            Records::of(&documents([(&path, bytes)]).unwrap()).root()
        };
        assert_eq!(of("a.md", b"x"), of("a.md", b"x"));
        assert_ne!(of("a.md", b"x"), of("b.md", b"x"));
        assert_ne!(of("a.md", b"x"), of("a.md", b"y"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let error =
            |bytes: &[u8]| read_json_lines("x.jsonl", bytes, &Limits::default()).unwrap_err().to_string();
        assert!(error(b"{}\n[1]\n").starts_with("x.jsonl, line 2: it is no JSON object"));
        assert!(error(b"{}\n\xff").starts_with("x.jsonl, line 2: it is not UTF-8"));
        let small = Limits { file_bytes: 1, ..Limits::default() };
        assert!(matches!(read_json_lines("x", b"{}", &small), Err(DatasetError::Limit { .. })));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_json_lines("x", &bytes, &Limits::default());
        }

        #[test]
        fn deep_nesting_is_refused_without_overflowing(depth in 0usize..5000) {
            let line = format!("{{\"a\":{}1{}}}", "[".repeat(depth), "]".repeat(depth));
            let read = read_json_lines("x", line.as_bytes(), &Limits::default());
            prop_assert_eq!(read.is_ok(), depth < 127);
        }
    }
}
