//! Pictures, sounds, films, fonts and documents beside a model: nothing of them runs in a loader, and nothing else may
//! ride on them.

use memchr::memmem;
use proofhouse_artifact::media::Media;
use proofhouse_artifact::{ArtifactError, Format, arrow};

use super::payload;
use crate::scanner::{Content, Scanner};

/// What a document does by itself when it is opened (ISO 32000-1, 12.6).
const ACTS: [&[u8]; 4] = [b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/RichMedia"];

pub(crate) fn scan(scanner: &mut Scanner<'_>, content: &Content<'_>, media: Media) -> u64 {
    if media == Media::Pdf
        && let Some(act) = ACTS.iter().find(|act| memmem::find(content.bytes, act).is_some())
    {
        let message = format!("a document with {}", String::from_utf8_lossy(act));
        scanner.report("format/embedded-payload", content.place.clone(), message);
    }
    if matches!(media, Media::Arrow | Media::Sqlite) {
        pickles(scanner, content);
    }
    let end = match media.end(content.bytes) {
        Ok(end) => end,
        Err(error) => {
            let message = format!("a file that begins as {} does: {error}", media.name());
            scanner.report("format/unscannable", content.at(error.offset().unwrap_or(0)), message);
            return 0;
        }
    };
    let behind = usize::try_from(end).ok().and_then(|end| content.bytes.get(end..)).unwrap_or_default();
    if behind.iter().all(|b| *b == 0) {
        return content.bytes.len() as u64;
    }
    // Cameras append a film to a picture.
    if Media::detect(behind).is_some_and(|film| film.end(behind).is_ok()) {
        return content.bytes.len() as u64;
    }
    let what = payload::kind(behind).map_or_else(String::new, |what| format!(", by their structure {what}"));
    let message = format!("{} bytes follow the {} file{what}", behind.len(), media.name());
    scanner.report("format/embedded-payload", content.at(end), message);
    let format = Format::detect(behind);
    if !matches!(format, Format::Unknown | Format::Text) {
        let place = content.place.clone().at(end);
        super::scan(scanner, &Content { bytes: behind, format, place, depth: content.depth + 1 });
    }
    end
}

/// Tables of data, in which a library may have put pickles: columns of objects, caches, extension types that a reader
/// of Arrow loads (CVE-2023-47248).
pub(crate) fn parquet(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    pickles(scanner, content);
    content.bytes.len() as u64
}

/// Messages of Arrow: numbers and texts, whose schema may name a type of Python's own.
pub(crate) fn arrow(scanner: &mut Scanner<'_>, content: &Content<'_>) -> u64 {
    let size = content.bytes.len() as u64;
    let end = match arrow::walk(content.bytes) {
        Ok(found) => found.end,
        Err(error) => {
            let rule = match error {
                ArtifactError::Limit { .. } => "format/unscannable",
                _ => "arrow/malformed",
            };
            scanner.report(rule, content.at(error.offset().unwrap_or(0)), error.to_string());
            0
        }
    };
    if end > 0 && end < size {
        let message = format!("{} bytes follow the last message", size - end);
        scanner.report("arrow/malformed", content.at(end), message);
    }
    pickles(scanner, content);
    end
}

fn pickles(scanner: &mut Scanner<'_>, content: &Content<'_>) {
    if memmem::find(content.bytes, b"arrow.py_extension_type").is_some()
        || schema(content.bytes).is_some_and(|s| memmem::find(&s, b"arrow.py_extension_type").is_some())
    {
        let message = "a type of Python's own, which old readers unpickle";
        scanner.report("format/embedded-payload", content.place.clone(), message);
    }
    super::kept::pickles(scanner, content);
}

/// The schema of Arrow that a Parquet file keeps in Base64 among its metadata.
fn schema(bytes: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    const MOST: usize = 1 << 20;
    let at = memmem::find(bytes, b"ARROW:schema")?;
    let tail = bytes.get(at + 12..)?;
    // Numbers of the metadata stand before it, and some of their bytes look like Base64.
    let tail = tail.get(tail.iter().take(16).position(|b| *b == b'/')?..)?;
    let digit = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    let length = tail.iter().take(MOST).take_while(digit).count() / 4 * 4;
    base64::engine::general_purpose::STANDARD_NO_PAD.decode(tail.get(..length)?).ok()
}

#[cfg(test)]
mod tests {
    use crate::{Limits, Outcome, scan_bytes};

    const GIF: &[u8] =
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02LZ\0\x3b";

    fn first(name: &str, bytes: &[u8]) -> (Outcome, Option<String>) {
        let report = scan_bytes(&name.parse().unwrap(), bytes, &Limits::default());
        (report.outcome, report.findings.first().map(|f| f.rule.clone()))
    }

    #[test]
    fn pictures_are_clean_and_what_rides_on_them_is_told() {
        let database = |value: &[u8]| [&b"SQLite format 3\0"[..], &[0; 84], value, &[0; 40]].concat();
        assert_eq!(first("a.db", &database(b"only a text")), (Outcome::Clean, None));
        assert_eq!(first("a.db", &database(b"\x80\x02cproofhouse\nprobe\n.")).0, Outcome::Suspicious);
        assert_eq!(first("a.gif", GIF), (Outcome::Clean, None));
        let (outcome, rule) = first("a.gif", &[GIF, b"import os"].concat());
        assert_eq!((outcome, rule.as_deref()), (Outcome::Suspicious, Some("format/embedded-payload")));
        assert_eq!(first("a.gif", &GIF[..20]).0, Outcome::Unscannable);
        assert_eq!(
            first("a.pdf", b"%PDF-1.7\n1 0 obj\n<</Type/Catalog>>\nendobj\n%%EOF\n").0,
            Outcome::Clean
        );
        assert_eq!(
            first("a.pdf", b"%PDF-1.7\n<</OpenAction<</S/JavaScript/JS(x)>>>>\n").0,
            Outcome::Suspicious
        );
    }
}
