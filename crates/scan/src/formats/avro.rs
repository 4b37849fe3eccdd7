//! Avro: rows by a schema. Readers in Java build what the schema names as the class of a text (CVE-2024-47561).

use proofhouse_artifact::avro::{self, Avro, Packed};
use proofhouse_artifact::json::{self, Value};
use proofhouse_artifact::{ArtifactError, Format};

use super::{kept, payload};
use crate::scanner::{Content, Scanner};

const MAX_VALUES: u64 = 1_000_000;
/// Packages whose classes are values made of a text; the reader's own list of what it trusts since Avro 1.11.4.
const PLAIN: [&str; 5] = ["java.lang.", "java.math.", "java.net.", "java.io.File", "org.apache.avro."];

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let file = match avro::parse(content.bytes) {
        Ok(file) => file,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "avro/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            kept::pickles(scanner, content);
            return 0;
        }
    };
    schema(scanner, content, &file);
    rows(scanner, content, &file);
    content.bytes.len() as u64
}

fn schema(scanner: &mut Scanner<'_>, content: &Content<'_>, file: &Avro<'_>) {
    let place = content.place.clone().within("schema");
    let document = match json::parse(file.schema, MAX_VALUES) {
        Ok(document) => document,
        Err(error) => {
            return scanner.report("avro/malformed", place, format!("the schema cannot be read: {error}"));
        }
    };
    let mut left = vec![&document];
    while let Some(value) = left.pop() {
        match value {
            Value::Array(elements) => left.extend(elements),
            Value::Object(members) => {
                for (key, value) in members {
                    let names_a_class =
                        matches!(key.as_str(), "java-class" | "java-key-class" | "java-element-class");
                    if let (true, Value::Text(class)) = (names_a_class, value)
                        && !PLAIN.iter().any(|plain| class.starts_with(plain))
                    {
                        let message = format!("a reader in Java makes a {class:?} of each text of a column");
                        scanner.report("avro/java-class", place.clone(), message);
                    }
                    left.push(value);
                }
            }
            _ => {}
        }
    }
}

/// Rows are data; a program or a pickle among them is for somebody else.
fn rows(scanner: &mut Scanner<'_>, content: &Content<'_>, file: &Avro<'_>) {
    if file.packed == Packed::Other {
        // Neither read nor run by who reads the rows, and not looked into.
        let message = "its blocks are packed in a way that is not undone: have them written with the codec null or deflate";
        return scanner.report("format/unscannable", content.place.clone(), message);
    }
    for block in &file.blocks {
        if !scanner.limits.content {
            return;
        }
        let Some(bytes) = file.rows(content.bytes, block, scanner.decompressed_left) else {
            scanner.report("avro/malformed", content.at(block.start), "a block cannot be unpacked");
            continue;
        };
        if file.packed == Packed::Deflate {
            scanner.decompressed_left = scanner.decompressed_left.saturating_sub(bytes.len() as u64);
        }
        let place = content.at(block.start);
        if let Some(what) = payload::kind(&bytes) {
            scanner.report("format/embedded-payload", place.clone(), format!("a block of rows is {what}"));
        }
        kept::pickles(
            scanner,
            &Content { bytes: &bytes, format: Format::Avro, place, depth: content.depth + 1 },
        );
    }
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    fn file(schema: &str, row: &[u8]) -> Vec<u8> {
        // Numbers below 64 and below 8192 are one and two bytes.
        let long = |n: usize| {
            if n < 64 { vec![(n << 1) as u8] } else { vec![(n << 1) as u8 & 0x7f | 0x80, (n >> 6) as u8] }
        };
        let block = [&[2][..], &long(row.len()), row, &[7; 16]].concat();
        let head =
            [&b"Obj\x01\x02\x16avro.schema"[..], &long(schema.len()), schema.as_bytes(), &[0], &[7; 16]];
        [head.concat(), block].concat()
    }

    #[test]
    fn rows_are_data_and_classes_are_told() {
        let of_text = |class: &str| {
            format!(
                r#"{{"type":"record","name":"R","fields":[{{"name":"x","type":{{"type":"string","java-class":"{class}"}}}}]}}"#
            )
        };
        let outcome = |schema: &str, row: &[u8]| {
            let bytes = file(schema, row);
            let report = scan_bytes(&"rows.avro".parse().unwrap(), &bytes, &Limits::default());
            assert_eq!(report.covered_bytes, bytes.len() as u64, "{:?}", report.findings);
            report.outcome
        };
        assert_eq!(outcome(&of_text("java.math.BigDecimal"), b"\x041.0"), Outcome::Clean);
        assert_eq!(outcome(&of_text("org.example.Loader"), b"\x041.0"), Outcome::Suspicious);
        assert_eq!(outcome("\"bytes\"", b"\x30\x80\x02cos\nsystem\n\x8c\x02id\x85R."), Outcome::Malicious);
    }
}
