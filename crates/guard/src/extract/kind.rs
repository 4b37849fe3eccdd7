//! What a document is, by its bytes.

use std::borrow::Cow;

/// Kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Kind {
    /// A page of the web.
    Html,
    /// Text with light markup.
    Markdown,
    /// Plain text, tables and JSON among it.
    Text,
    /// A message with headers (RFC 5322).
    Mail,
    /// An Office Open XML document.
    Office,
    /// A PDF file.
    Pdf,
    /// None that is read here.
    Unknown,
}

/// Bytes at the start by which a kind is told.
const HEAD: usize = 4096;

impl Kind {
    pub(super) fn of(bytes: &[u8], media_type: &str) -> Self {
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if bytes.starts_with(b"PK\x03\x04") {
            return if proofhouse_artifact::zip::is_zip(bytes) { Self::Office } else { Self::Unknown };
        }
        let head = bytes.get(..bytes.len().min(HEAD)).unwrap_or_default();
        if is_pdf(bytes, &media_type) {
            return Self::Pdf;
        }
        let text = decoded(head);
        if text.chars().filter(|c| c.is_control() && !c.is_whitespace() && *c != '\u{1b}').count() * 50
            > text.len()
        {
            return Self::Unknown;
        }
        let start =
            text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').to_ascii_lowercase();
        if start.starts_with("{\\rtf") {
            return Self::Unknown;
        }
        let is_html = ["<!doctype html", "<html", "<head", "<body", "<!--", "<?xml"]
            .iter()
            .any(|s| start.starts_with(s));
        match media_type.as_str() {
            "text/html" | "application/xhtml+xml" => Self::Html,
            "message/rfc822" => Self::Mail,
            _ if is_html => Self::Html,
            _ if is_mail(&start) => Self::Mail,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            // Tags in what is called plain text are hidden by whoever renders it.
            _ if start.starts_with('<') && start.contains("</") => Self::Html,
            "" | "text/plain" if looks_marked_up(&text) => Self::Markdown,
            _ => Self::Text,
        }
    }
}

/// Readers of PDF look for its mark in the first kilobyte. A page or a text may speak of that mark, so that one
/// which is not at the start counts only where no other kind is stated.
fn is_pdf(bytes: &[u8], media_type: &str) -> bool {
    let head = bytes.get(..bytes.len().min(1024)).unwrap_or_default();
    let start = head.trim_ascii_start();
    start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).starts_with(b"%PDF-")
        || media_type == "application/pdf"
        || (matches!(media_type, "" | "application/octet-stream")
            && head.windows(6).any(|w| matches!(w, [b'\r' | b'\n' | 0, b'%', b'P', b'D', b'F', b'-']))
            && bytes.windows(6).any(|w| w == b"endobj"))
}

/// Whether a text begins with the headers of a message.
fn is_mail(lower: &str) -> bool {
    let header = |line: &str| {
        [
            "from:",
            "to:",
            "subject:",
            "date:",
            "received:",
            "message-id:",
            "mime-version:",
            "return-path:",
            "delivered-to:",
            "content-type:",
        ]
        .iter()
        .any(|name| line.starts_with(name))
    };
    lower.lines().take(40).take_while(|l| !l.is_empty()).filter(|l| header(l)).count() >= 3
        || lower.starts_with("return-path:")
        || lower.starts_with("received:")
}

fn looks_marked_up(text: &str) -> bool {
    text.contains("](")
        || text.contains("]: ")
        || text.contains("```")
        || text.starts_with("# ")
        || text.contains("\n## ")
        || text.contains("<!--")
}

/// Bytes as text: UTF-8 or UTF-16 by its mark, else Latin-1.
pub(super) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let units = bytes.chunks_exact(2).map(|pair| match pair {
            [a, b] => unit([*a, *b]),
            _ => 0,
        });
        Cow::Owned(char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            // A cut character at the end is no sign of another encoding.
            Err(e) if e.error_len().is_none() => String::from_utf8_lossy(bytes),
            Err(_) => Cow::Owned(bytes.iter().map(|b| char::from(*b)).collect()),
        },
    }
}
